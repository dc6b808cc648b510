"""A plan for people: what would change on which agreement, with which requests, and what waits for whom."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import groupby

from agent.domain.agreements import Agreement
from agent.domain.changes import (
    AddLine,
    BillPast,
    Change,
    EndLine,
    Fold,
    Planned,
    Restore,
    SetDescription,
    SetPrice,
    Terms,
    Write,
)
from agent.domain.findings import Finding
from agent.domain.guards import CompanyPlan
from agent.domain.keys import LineKey, Role
from agent.domain.mappings import Mode
from agent.domain.money import Money
from agent.reports.text import View, cells, columns, counted, cut, paint, shown, signed, wrapped
from agent.reports.values import Values, of_money


@dataclass(frozen=True, slots=True)
class PlanReport:
    """The plans of one run. `agreements` are those whose names and periods are known; `obstacles` are the findings
    because of which lines or companies were not planned; `line_word` is what the PSA's people call a line."""

    plans: tuple[CompanyPlan, ...]
    agreements: Mapping[int, Agreement]
    obstacles: tuple[Finding, ...]
    line_word: str

    @property
    def planned(self) -> tuple[Planned, ...]:
        return tuple(p for plan in self.plans for p in plan.planned)

    def obstacles_of(self, company: int) -> list[Finding]:
        return [finding for finding in self.obstacles if finding.company == company]


def state(planned: Planned) -> str:
    """What becomes of a planned change: refused, queued (for a renewal or an invoice), waits (for a time), reported
    (the mode never writes), held (for a person), approved or ready."""
    if planned.realisation.refused:
        return "refused"
    if planned.change.queued:
        return "queued"
    if not planned.realisation.writes:
        return "waits"
    if planned.holds:
        return "reported" if planned.holds[0].startswith(f"mode is {Mode.REPORT}") else "held"
    return "approved" if planned.approved else "ready"


def moves_units(change: Change) -> bool:
    return not isinstance(change, (SetPrice, SetDescription, Fold, Restore, BillPast))


def units(planned: Iterable[Planned]) -> tuple[int, int]:
    """Before and after, over the lines that change in any way; what is queued does not change yet."""
    changes = list(_by_line(planned).values())
    return sum(c.before.quantity for c in changes if c.before), sum(c.after.quantity for c in changes)


def _by_line(planned: Iterable[Planned]) -> dict[LineKey, Change]:
    """One change for each line: that of its quantity, where a price change stands beside it."""
    due = (p.change for p in planned if not p.change.queued and not isinstance(p.change, BillPast))
    ordered = sorted(due, key=moves_units)
    # A line that gives way belongs to the key of the one that takes its place, and is a line of its own.
    return {change.key if change.key.role is Role.REPLACED else change.key.base: change for change in ordered}


def difference(planned: Iterable[Planned]) -> Money | None:
    """Per month; None where nothing has a price, or amounts of two currencies would meet."""
    due = [p.change for p in planned if not p.change.queued]
    amounts = [change.monthly for change in due if change.monthly is not None]
    if not amounts or len({money.currency for money in amounts}) > 1:
        return None
    return Money.total(amounts, amounts[0].currency)


def next_invoices(planned: Iterable[Planned]) -> Money | None:
    """What all requests together add to the next invoices; None where that cannot be told.

    Changes are weighed one by one, so two of one line (its price and its quantity) cannot be summed.
    """
    moving = [p for p in planned if p.realisation.writes]
    amounts = [p.realisation.next_invoice for p in moving]
    known = [money for money in amounts if money is not None]
    lines = {p.change.key.base for p in moving}
    if not known or len(known) < len(amounts) or len(lines) < len(moving) or len({m.currency for m in known}) > 1:
        return None
    return Money.total(known, known[0].currency)


def plan_text(report: PlanReport, view: View) -> str:
    lines: list[str] = []
    for plan in report.plans:
        if plan.planned or report.obstacles_of(plan.company):
            lines += [*_company(plan, report, view), ""]
    return "\n".join([*lines, *_totals(report)])


def _company(plan: CompanyPlan, report: PlanReport, view: View) -> Iterator[str]:
    yield _heading(plan, view)
    for agreement, planned in groupby(plan.planned, lambda p: p.change.key.agreement):
        yield ""
        yield from _agreement(agreement, list(planned), report, view)
    obstacles = report.obstacles_of(plan.company)
    if obstacles:
        yield ""
        yield f"  {paint('Not planned', 'bold')}"
    for finding in obstacles:
        yield from wrapped(shown(finding.sentence), view.width, f"  {paint('!', 'red')} ", "    ")
        yield from wrapped(shown(finding.remedy), view.width, "    ")


def _heading(plan: CompanyPlan, view: View) -> str:
    name = paint(view.company(plan.company), "bold")
    moved = difference(plan.planned)
    if moved is None or plan.monthly.currency != moved.currency:
        return name
    money = f"{plan.monthly.at_coins().amount:,} → {plan.monthly + moved} a month"
    gap = " " * max(2, view.width - cells(name) - cells(money))
    return f"{name}{gap}{money}"


def _agreement(number: int, planned: Sequence[Planned], report: PlanReport, view: View) -> Iterator[str]:
    agreement = report.agreements.get(number)
    heading = f"{paint(f'Agreement {number}', 'bold')}{_described(agreement)}"
    yield from wrapped(heading, view.width, "  ", "    ")
    yield from (paint(line, "dim") for line in wrapped(_sums(planned, agreement), view.width, "  "))
    header, *rows = _rows(planned, report.line_word, view.width)
    yield header
    for row, item in zip(rows, planned, strict=True):
        yield row
        yield from _details(item, agreement, view.width)
        if item is not planned[-1]:
            yield ""


def _described(agreement: Agreement | None) -> str:
    if agreement is None:
        return ""
    invoice = f"next invoice {agreement.next_invoice}" if agreement.next_invoice else ""
    prorates = "prorates" if agreement.prorates else "whole periods"
    said = ", ".join(part for part in (shown(agreement.cycle).lower(), prorates, invoice) if part)
    return f" {shown(agreement.name)} ({said})"


def _sums(planned: Sequence[Planned], agreement: Agreement | None) -> str:
    """Units and money of the lines that change; money only where every price and the period are known."""
    if not _by_line(planned):
        once = any(isinstance(p.change, BillPast) for p in planned)
        return "one-off lines for the past only" if once else "nothing to change before the renewal"
    before, after = units(planned)
    moved, was = difference(planned), _billed(planned, agreement)
    money = "" if moved is None or was is None else f", {was.at_coins().amount:,} → {was + moved} a month"
    invoice = next_invoices(planned)
    soon = "" if invoice is None or not (invoice or moved) else f", {signed(invoice)} on the next invoice"
    return f"{counted(len(_by_line(planned)), 'line')} to change: {before:,} → {after:,} units{money}{soon}"


def _billed(planned: Sequence[Planned], agreement: Agreement | None) -> Money | None:
    """What the changing lines bill a month so far."""
    moved = difference(planned)
    if moved is None or agreement is None or not agreement.months:
        return None
    total = Decimal(0)
    for terms in (change.before for change in _by_line(planned).values() if change.before):
        if terms.price is None:
            return None
        total += terms.price * (terms.quantity - terms.included) / agreement.months
    return Money(total, moved.currency)


_COLOURS = {"+": "green", "-": "red", "~": "yellow"}
_STATE_COLOURS = {"ready": "green", "approved": "green", "held": "yellow", "refused": "red"}
_STATE_COLOURS |= {"waits": "cyan", "reported": "cyan", "queued": "cyan"}


def _rows(planned: Sequence[Planned], line_word: str, width: int) -> list[str]:
    """The header and one line for each change, with the label cut to what the other columns leave."""
    moved = difference(planned)
    header = ("", line_word, "from → to", "effective", f"{moved.currency if moved is not None else 'money'}/month")
    rows = [header, *(_row(p) for p in planned)]
    others = sum(max(cells(row[place]) for row in rows) for place in (0, 2, 3, 4))
    room = max(16, width - others - 2 * len(header))
    fitted = [(row[0], cut(row[1], room), *row[2:]) for row in rows]
    first, *rest = columns(fitted, right={2, 4}, indent="  ")
    return [paint(first, "dim"), *rest]


def _row(planned: Planned) -> tuple[str, ...]:
    change = planned.change
    sign = "+" if isinstance(change, (AddLine, BillPast)) else "-" if isinstance(change, EndLine) else "~"
    money = signed(change.monthly).split()[0]
    return paint(sign, _COLOURS[sign]), shown(change.label), moves(change), str(change.begins), money


def moves(change: Change) -> str:
    """From and to, of whatever the change moves."""
    before, after = change.before, change.after
    if isinstance(change, SetDescription):
        return "invoice text"
    if isinstance(change, BillPast):
        return f"{change.amount} {'credited' if change.credit else 'billed'} once"
    if isinstance(change, Fold):
        return f"{after.quantity} in one"
    if isinstance(change, Restore):
        return f"{after.quantity} as invoiced"
    if isinstance(change, SetPrice):
        return f"{_price(before)} → {_price(after)}"
    if before and before.included != after.included:
        return f"{before.quantity} (-{before.included}) → {after.quantity} (-{after.included})"
    return f"{before.quantity if before else 'none'} → {after.quantity}"


def _price(terms: Terms | None) -> str:
    price = f"{terms.price:f}" if terms and terms.price is not None else "?"
    return f"{price} {terms.billable}" if terms and terms.billable != "billable" else price


def _details(planned: Planned, agreement: Agreement | None, width: int) -> Iterator[str]:
    indent = " " * 5
    change = planned.change
    yield from wrapped(shown(change.reason), width, indent)
    if isinstance(change, SetDescription):
        yield from _texts(change, width, indent)
    invoice = planned.realisation.next_invoice
    if invoice is not None and (invoice or change.monthly):
        day = f" of {agreement.next_invoice}" if agreement and agreement.next_invoice else ""
        yield f"{indent}{signed(invoice)} on the next invoice{day}"
    for write in planned.realisation.writes:
        yield from _request(write, width, indent)
    yield from _state_words(planned, width, indent)


def _state_words(planned: Planned, width: int, indent: str) -> Iterator[str]:
    said = state(planned)
    note = [planned.realisation.note]
    reasons = {"held": planned.holds, "reported": planned.holds, "waits": note, "queued": note, "refused": note}
    label = f"{indent}{paint(said, _STATE_COLOURS[said])}: "
    for number, reason in enumerate(reasons.get(said, ())):
        yield from wrapped(shown(unsaid(reason)), width, " " * cells(label) if number else label)
    if said == "held":
        yield f"{indent}      {paint(f'trueup approve {planned.digest}', 'cyan')}"
    if said == "approved":
        yield label.rstrip().removesuffix(":")


def unsaid(note: str) -> str:
    """A reason to wait, behind the word itself."""
    return note.removeprefix("waits ")


def _texts(change: Change, width: int, indent: str) -> Iterator[str]:
    yield from wrapped(shown(change.before.text) if change.before else "", width, f"{indent}from: ")
    yield from wrapped(shown(change.after.text), width, f"{indent}to:   ")


def _request(write: Write, width: int, indent: str) -> Iterator[str]:
    yield from wrapped(shown(write.sentence), width, indent)
    for text in (write.path, write.body):
        yield from (paint(line, "dim") for line in wrapped(shown(text), width, f"{indent}  "))


def _totals(report: PlanReport) -> Iterator[str]:
    planned = report.planned
    quiet = sum(not plan.planned for plan in report.plans)
    if not report.plans:
        yield "No company is mapped yet: see trueup map suggest."
    elif not planned:
        yield f"Nothing to change at {counted(len(report.plans), 'company')}."
    else:
        yield paint(f"{counted(len(planned), 'change')} at {counted(len(report.plans) - quiet, 'company')}", "bold") + (
            f", nothing to change at {quiet:,} others" if quiet else ""
        )
        yield from columns(list(_total_rows(planned)), right={1}, indent="  ")
    if report.obstacles:
        yield f"{counted(len(report.obstacles), 'mismatch')} kept lines from being planned: see above."


_STATES = {
    "ready": "written in the next cycle; now: trueup sync",
    "approved": "written in the next cycle; now: trueup sync",
    "held": "for a person: trueup approve DIGEST",
    "reported": "never written in mode report; set review or auto",
    "waits": "not yet due, each with its reason",
    "queued": "put off to a renewal, or until a deleted invoice is made again",
    "refused": "not as the profile asks, each with its reason",
}


def _total_rows(planned: Sequence[Planned]) -> Iterator[tuple[str, str, str]]:
    for name, says in _STATES.items():
        number = sum(state(p) == name for p in planned)
        if number:
            yield paint(name, _STATE_COLOURS[name]), f"{number:,}", says
    if _by_line(planned):
        before, after = units(planned)
        yield "units", "", f"{before:,} → {after:,} on the lines that change"
    moved = difference(planned)
    if moved is not None:
        invoices = next_invoices(planned)
        soon = "" if invoices is None else f", {signed(invoices)} on the next invoices"
        yield "money", "", f"{signed(moved)} a month{soon}"


def plan_values(
    report: PlanReport,
    stored: Sequence[Mapping[str, object]],
    companies: Mapping[int, str],
    run: str,
    outcome: str,
    detail: str,
) -> Values:
    """For JSON. `stored` are the plans as the store keeps them, and as the local HTTP interface gives them."""
    planned = report.planned
    before, after = units(planned)
    return {
        "run": run,
        "state": outcome,
        "detail": detail,
        "companies": [{"name": companies.get(int(str(plan["company"]))), **plan} for plan in stored],
        "not_planned": [
            {"code": f.code.value, "company": f.company, "sentence": f.sentence, "remedy": f.remedy}
            for f in report.obstacles
        ],
        "totals": {
            "changes": len(planned),
            **{name: sum(state(p) == name for p in planned) for name in _STATES},
            "units": {"before": before, "after": after},
            "monthly": of_money(difference(planned)),
            "next_invoices": of_money(next_invoices(planned)),
        },
    }
