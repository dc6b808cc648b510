"""A cut-over on paper: what was found, what is proposed for each line, and the proof that the boundary is clean."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from agent.domain.cutover import Answer, Proof, Proposal, Stretch
from agent.domain.invoices import Invoice
from agent.domain.ownership import plain
from agent.domain.periods import DAY
from agent.reports.text import View, columns, paint, shown, wrapped
from agent.reports.values import Values, of_money


@dataclass(frozen=True, slots=True)
class CutOverReport:
    """`unclean` are reasons why the day is no boundary, `written` the mapping file that says so now."""

    company: int
    on: date
    currency: str
    line_word: str
    proposals: tuple[Proposal, ...]
    proofs: tuple[Proof, ...]
    invoices: tuple[tuple[Invoice, Invoice], ...]
    unclean: tuple[str, ...]
    written: str | None = None

    @property
    def faults(self) -> list[str]:
        return [*self.unclean, *(fault for one in self.proofs for fault in one.faults)]

    def after(self, written: str) -> CutOverReport:
        return replace(self, written=written)

    @property
    def changes(self) -> bool:
        return any(proposal.answer is not Answer.LEAVE for proposal in self.proposals)


_COLOURS = {Answer.ADOPT: "green", Answer.END: "yellow", Answer.LEAVE: "dim"}


def cutover_text(report: CutOverReport, view: View) -> str:
    lines = [paint(f"{view.company(report.company)}: cut-over on {report.on}", "bold"), ""]
    if not report.proposals:
        lines += wrapped(
            f"No {report.line_word} was found that bills what the rows bill and that Trueup does not manage already.",
            view.width,
        )
    for proposal in report.proposals:
        lines += _proposal(proposal, report, view)
    for one in report.proofs:
        lines += ["", *_proof(one, report, view)]
    if report.invoices:
        lines += ["", paint(f"Invoices of these lines, in {report.currency}", "bold"), *_invoices(report)]
    end = list(_end(report, view))
    return "\n".join([*lines, *(["", *end] if end else [])])


def _proposal(proposal: Proposal, report: CutOverReport, view: View) -> Iterator[str]:
    line = proposal.line
    price = "no price" if line.price is None else f"at {line.price:f}"
    days = f"from {line.start}" + (f" to {line.last_day}" if line.end else "")
    answer = f"end on {report.on - DAY}" if proposal.answer is Answer.END else proposal.answer.value
    yield from wrapped(
        f"{report.line_word} {line.id} on agreement {line.agreement}: {plain(line.quantity)} x "
        f"{shown(line.identifier)} {price}, {days}",
        view.width,
        f"  {paint(f'{answer:<17}', _COLOURS[proposal.answer])} ",
    )
    serial = f', serial number "{shown(line.mark)}"' if line.mark.strip() else ""
    row = f" of the row on line {proposal.row.place.line}" if proposal.row else ""
    yield from wrapped(f"found by {proposal.by}{row}{serial}; {proposal.why}", view.width, " " * 20)


def _proof(one: Proof, report: CutOverReport, view: View) -> Iterator[str]:
    yield paint(f"{shown(one.label)} on agreement {one.row.agreement}, day by day", "bold")
    header = ("days", "billed as it is", "after the cut-over")
    rows = [(str(s.days), _units(s.before), _units(s.after)) for s in one.stretches]
    first, *rest = columns([header, *rows], indent="  ")
    yield paint(first, "dim")
    yield from rest
    for fault in one.faults:
        yield from wrapped(fault, view.width, f"  {paint('!', 'red')} ", "    ")
    if not one.faults:
        yield from wrapped(_proven(one, report), view.width, f"  {paint('proven', 'green')}: ")


def _units(units: Mapping[int, Decimal]) -> str:
    """`12: 10 on 4711, 2 on 4712`; a line that is still to be made has no number yet."""
    total = plain(sum(units.values(), Decimal(0)))
    parts = [f"{plain(quantity)} on {id if id > 0 else 'the new one'}" for id, quantity in units.items()]
    return f"{total}: {', '.join(parts)}" if parts else "nothing"


def _proven(one: Proof, report: CutOverReport) -> str:
    if not one.row.replaces:
        return f"no gap and no overlap; the {report.line_word} that is there goes on"
    return (
        f"no gap and no overlap; up to {report.on - DAY} every day is billed as it was, from {report.on} on by this "
        f"row's own {report.line_word} alone"
    )


def _invoices(report: CutOverReport) -> Iterator[str]:
    rows = [(str(before.period), _total(before, report), _total(after, report)) for before, after in report.invoices]
    first, *rest = columns([("of", "as it is", "after"), *rows], right={1, 2}, indent="  ")
    yield paint(first, "dim")
    yield from rest


def _total(invoice: Invoice, report: CutOverReport) -> str:
    money = invoice.total(report.currency)
    return "?" if money is None else f"{money.at_coins().amount:,}"


def _end(report: CutOverReport, view: View) -> Iterator[str]:
    for why in report.unclean:
        yield from wrapped(why, view.width, f"{paint('!', 'red')} ", "  ")
    if report.faults:
        yield "Nothing can be written like this: choose another day, or another answer for a line."
    elif report.written:
        yield from wrapped(
            f"Written to {report.written}. The next plan holds these changes for you: trueup plan {report.company}, "
            "then approve the ends and the beginnings.",
            view.width,
        )
    elif report.changes:
        yield from wrapped(
            "Nothing is written yet. With --write the mapping file says so; the changes then wait in the plan for "
            "approval. Choose otherwise with --adopt, --end and --leave.",
            view.width,
        )


def cutover_values(report: CutOverReport) -> Values:
    return {
        "company": report.company,
        "on": report.on.isoformat(),
        "lines": [_proposal_values(proposal) for proposal in report.proposals],
        "proofs": [
            {
                "row": str(one.row.place),
                "label": one.label,
                "agreement": one.row.agreement,
                "stretches": [_stretch_values(stretch) for stretch in one.stretches],
                "faults": list(one.faults),
            }
            for one in report.proofs
        ],
        "invoices": [
            {
                "agreement": before.agreement,
                "first_day": before.period.start.isoformat(),
                "last_day": before.period.last_day.isoformat(),
                "before": of_money(before.total(report.currency)),
                "after": of_money(after.total(report.currency)),
            }
            for before, after in report.invoices
        ],
        "faults": report.faults,
        "written": report.written,
    }


def _proposal_values(proposal: Proposal) -> Values:
    line = proposal.line
    return {
        "id": line.id,
        "agreement": line.agreement,
        "product": line.identifier,
        "quantity": plain(line.quantity),
        "price": None if line.price is None else f"{line.price:f}",
        "first_day": line.start.isoformat() if line.start else None,
        "last_day": line.last_day.isoformat() if line.last_day else None,
        "serial": line.mark,
        "text": line.text,
        "found_by": proposal.by,
        "row": str(proposal.row.place) if proposal.row else None,
        "answer": proposal.answer.value,
        "why": proposal.why,
    }


def _stretch_values(stretch: Stretch) -> Values:
    return {
        "first_day": stretch.days.start.isoformat(),
        "last_day": stretch.days.last_day.isoformat(),
        "before": {str(id): plain(units) for id, units in stretch.before.items()},
        "after": {str(id) if id > 0 else "new": plain(units) for id, units in stretch.after.items()},
    }
