"""The open mismatches, company by company, the gravest first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import groupby

from agent.domain.findings import Finding, Severity
from agent.domain.money import Money
from agent.ports import ClosedFinding, OpenFinding
from agent.reports.text import View, counted, paint, shown, signed, wrapped

_GRAVITY = {Severity.ERROR: 0, Severity.WARNING: 1, Severity.INFO: 2}
WORDS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "note"}
_COLOURS = {Severity.ERROR: "red", Severity.WARNING: "yellow", Severity.INFO: "cyan"}


def findings_text(known: Sequence[OpenFinding], view: View) -> str:
    lines: list[str] = []
    ordered = sorted(known, key=_order)
    for company, group in groupby(ordered, key=lambda k: k.finding.company):
        lines += [paint(view.company(company), "bold"), ""]
        for one in group:
            lines += [*_finding(one, view), ""]
    return "\n".join([*lines, sums(known)])


def closed_text(known: Sequence[ClosedFinding], view: View) -> str:
    """The newest first, each with the reason why it is no mismatch any more."""
    lines: list[str] = []
    for one in known:
        label = f"{paint(one.finding.code.value, 'bold')}  {view.company(one.finding.company)}"
        lines.append(f"{label}, {view.at(one.first_seen)} to {view.at(one.closed)}")
        lines += wrapped(shown(one.finding.sentence), view.width, "  ")
        lines += [*wrapped(f"closed: {one.because}", view.width, f"  {paint('→', 'dim')} ", "    "), ""]
    return "\n".join([*lines, f"{counted(len(known), 'mismatch')} closed" if known else "No mismatch was closed."])


def _order(known: OpenFinding) -> tuple[bool, int, int, str, str]:
    finding = known.finding
    company = finding.company if finding.company is not None else 0
    return finding.company is not None, company, _GRAVITY[finding.severity], finding.code, finding.subject


def _finding(known: OpenFinding, view: View) -> Iterator[str]:
    finding = known.finding
    label = f"{paint(finding.severity.value, _COLOURS[finding.severity])} {paint(finding.code.value, 'bold')}"
    yield f"  {label}  {_costs(finding)}since {view.at(known.first_seen)}"
    yield from wrapped(shown(finding.sentence), view.width, "    ")
    yield from wrapped(shown(finding.remedy), view.width, f"    {paint('→', 'dim')} ", "      ")


def _costs(finding: Finding) -> str:
    money = finding.money
    if money is None or not money:
        return ""
    return f"{signed(money)} a month, " if money.amount < 0 else f"{money} a month, "


def sums(known: Sequence[OpenFinding]) -> str:
    if not known:
        return "No open mismatch."
    counts = Counter(one.finding.severity for one in known)
    parts = [counted(counts[severity], word) for severity, word in WORDS.items() if counts[severity]]
    return f"{counted(len(known), 'open mismatch')} ({', '.join(parts)}){_total(known)}"


def _total(known: Sequence[OpenFinding]) -> str:
    """What the MSP loses and what its companies are overcharged, apart: they must not cancel out."""
    money = [one.finding.money for one in known if one.finding.money]
    if not money or len({amount.currency for amount in money}) > 1:
        return ""
    currency = money[0].currency
    lost = Money.total((amount for amount in money if amount.amount > 0), currency)
    over = Money.total((-amount for amount in money if amount.amount < 0), currency)
    said = [f"{lost} a month not billed" if lost else "", f"{over} a month billed too much" if over else ""]
    return f": {', '.join(part for part in said if part)}"
