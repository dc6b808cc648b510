"""Cut-over: the lines that were there before Trueup, what to do with each, and the proof that the boundary is clean."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from enum import StrEnum
from itertools import pairwise

from agent.domain.agreements import Agreement, Line
from agent.domain.findings import Stop
from agent.domain.invoices import Invoice
from agent.domain.keys import Mark
from agent.domain.mappings import Place, Row
from agent.domain.ownership import plain
from agent.domain.periods import DAY, Period
from agent.domain.replacing import boundary


class Answer(StrEnum):
    ADOPT = "adopt"  # Trueup goes on with the line
    END = "end"  # on the day before the cut-over; the row's own line begins
    LEAVE = "leave"


@dataclass(frozen=True, slots=True)
class Proposal:
    """What becomes of one line. `by` is how it was found: product, serial number or text; `row` what it bills, if that
    can be told."""

    line: Line
    by: str
    row: Row | None
    answer: Answer
    why: str


@dataclass(frozen=True, slots=True)
class Search:
    """`names` are the words by which each row's licence may be called, `serials` those that another tool left in the
    serial number, `ours` the lines that Trueup manages and `begun` the places of rows that have a line of their own."""

    on: date
    rows: Sequence[Row]
    names: Mapping[Place, Collection[str]]
    lines: Sequence[Line]
    serials: Collection[str] = ()
    ours: Collection[int] = ()
    begun: Collection[Place] = ()

    def proposals(self, chosen: Mapping[int, Answer]) -> list[Proposal]:
        """By agreement and id; what a person chose stands before what is proposed."""
        found = [p for line in self.lines if line.id not in self.ours and (p := self._found(line)) is not None]
        decided = [self._decided(proposal, found) for proposal in found]
        return [_as_chosen(proposal, chosen.get(proposal.line.id)) for proposal in decided]

    def _found(self, line: Line) -> Proposal | None:
        """A first look at the line by itself; None for one that has nothing to do with any row."""
        by, rows = self._matches(line)
        if not by:
            return None
        here = [row for row in rows if row.agreement == line.agreement] or rows
        row = here[0] if len(here) == 1 else None
        why = self._reason_to_leave(line, by, here)
        return Proposal(line, by, row, Answer.LEAVE if why else Answer.END, why)

    def _matches(self, line: Line) -> tuple[str, list[Row]]:
        by_product = [row for row in self.rows if row.profile.product == line.identifier]
        if by_product:
            return "product", by_product
        serial = _folded(line.mark)
        words = {place: {_folded(name) for name in names} for place, names in self.names.items()}
        by_serial = [row for row in self.rows if serial and serial in words[row.place]]
        texts = {_folded(line.text), _folded(line.identifier)}
        named = [row for row in self.rows if texts & words[row.place]]
        if by_serial or (serial and serial in map(_folded, self.serials)):
            return "serial number", by_serial or named
        if named:
            return "text", named
        mentioned = [row for row in self.rows if any(word in text for word in words[row.place] for text in texts)]
        return ("a part of its text", mentioned) if mentioned else ("", [])

    def _reason_to_leave(self, line: Line, by: str, rows: Sequence[Row]) -> str:
        reasons = (
            (Mark.read(line.mark) is not None, "another installation of Trueup manages it"),
            (line.end is not None and line.end <= self.on, f"it ends by itself on {line.last_day}"),
            (line.start is not None and line.start >= self.on, f"it begins on {line.start} only"),
            (not rows, "which row it belongs to cannot be told"),
            (len(rows) > 1, "several rows may be meant; name it in one row's replaces, or choose with --end"),
            (by == "a part of its text", "its text only mentions the licence; look at it, and choose with --end"),
            (
                bool(rows) and line.agreement not in {row.agreement for row in rows},
                "it is on another agreement than the row; end it by hand",
            ),
        )
        return next((why for applies, why in reasons if applies), "")

    def _decided(self, proposal: Proposal, found: Iterable[Proposal]) -> Proposal:
        """The only open line of a row's own product goes on; whatever else bills the same gives way."""
        row, line = proposal.row, proposal.line
        if proposal.answer is Answer.LEAVE or row is None:
            return proposal
        same = [p for p in found if p.row is row and p.by == "product" and p.answer is Answer.END and p.line.open]
        alone = len(same) == 1 and same[0].line is line and row.place not in self.begun
        if alone and line.quantity == int(line.quantity):
            return replace(proposal, answer=Answer.ADOPT, why="the only line of the row's own product: it goes on")
        if row.place in self.begun:
            return replace(proposal, why="the row has a line of its own already")
        several = proposal.by == "product" and len(same) > 1
        why = f"one of {len(same)} lines of the product: one new line takes their place" if several else ""
        return replace(proposal, why=why or "the row's own line takes its place")


def _as_chosen(proposal: Proposal, answer: Answer | None) -> Proposal:
    if answer is None or answer is proposal.answer:
        return proposal
    return replace(proposal, answer=answer, why="chosen")


def wrong_choices(proposals: Iterable[Proposal], chosen: Mapping[int, Answer]) -> Iterator[str]:
    """What a person chose and cannot have, in sentences."""
    known = {proposal.line.id: proposal for proposal in proposals}
    for id, answer in chosen.items():
        proposal = known.get(id)
        if proposal is None:
            yield f"line {id} is none of the lines that were found"
        elif answer is not Answer.LEAVE and (proposal.row is None or proposal.row.agreement != proposal.line.agreement):
            yield f"line {id} belongs to no row of its agreement, so it can only be left"
        elif answer is Answer.ADOPT and proposal.row and proposal.row.profile.product != proposal.line.identifier:
            yield f"line {id} bills {proposal.line.identifier}, and its row another product: a line keeps its product"


def edited(row: Row, proposals: Iterable[Proposal], on: date) -> Row:
    """The row with what its mapping file has to say for the proposals to come about."""
    mine = [proposal for proposal in proposals if proposal.row is row]
    ends = tuple(p.line.id for p in mine if p.answer is Answer.END)
    adopts = any(p.answer is Answer.ADOPT for p in mine)
    replaced = replace(row, start_on=on, replaces=ends) if ends else row
    return replace(replaced, adopt=True) if adopts else replaced


def clean_day(agreement: Agreement, on: date) -> str:
    """Why the day is no clean boundary on the agreement, with one that is; empty where it is."""
    first = boundary(agreement, on)
    if first == on:
        return ""
    because = f"invoiced up to {first - DAY}" if agreement.invoiced(on) else "billed by whole periods"
    return f"agreement {agreement.id} is {because}: the first clean day is {first}"


@dataclass(frozen=True, slots=True)
class Stretch:
    """Days for which the same lines are billed the same units, as it is and after the cut-over; by line id."""

    days: Period
    before: Mapping[int, Decimal]
    after: Mapping[int, Decimal]


@dataclass(frozen=True, slots=True)
class Proof:
    """One row's days around the boundary. `faults` are gaps, overlaps and days that would be billed otherwise."""

    row: Row
    label: str
    stretches: tuple[Stretch, ...]
    faults: tuple[str, ...]


def proof(
    row: Row,
    label: str,
    on: date,
    window: Period,
    before: Sequence[Invoice],
    after: Sequence[Invoice],
    wanted: int | Stop,
) -> Proof:
    """`row` as it is to be; `before` and `after` are the invoices of the window, of the lines that bill the row.

    `wanted` is what its own line is to bill, or why nobody knows: then nothing is proven.
    """
    items = [item for invoice in (*before, *after) for item in invoice.items]
    edges = {day for item in items for day in (item.days.start, item.days.end) if day in window}
    days = sorted({window.start, window.end, *edges, *([on] if on in window else [])})
    pieces = [Period(first, end) for first, end in pairwise(days)]
    stretches = tuple(Stretch(days, _on(days.start, before), _on(days.start, after)) for days in pieces)
    if isinstance(wanted, Stop):
        return Proof(row, label, stretches, (f"how many are to be billed is not known: {wanted.reason}",))
    faults = tuple(fault for stretch in stretches for fault in _faults(row, on, stretch, wanted))
    return Proof(row, label, stretches, faults)


def _on(day: date, invoices: Iterable[Invoice]) -> Mapping[int, Decimal]:
    """What is billed for the day, by line."""
    billed: dict[int, Decimal] = {}
    for item in (item for invoice in invoices for item in invoice.items if day in item.days and item.units):
        billed[item.line.id] = billed.get(item.line.id, Decimal(0)) + item.units
    return billed


def _faults(row: Row, on: date, stretch: Stretch, wanted: int) -> Iterator[str]:
    before, after = stretch.before, stretch.after
    replaced = sorted(set(row.replaces) & set(after))
    if stretch.days.start < on:
        lost = [id for id in row.replaces if before.get(id) != after.get(id)]
        if lost:
            yield f"{stretch.days}: {_listed(lost)} would be billed otherwise than so far"
        # A line that was there goes on as its count says; a new one must not begin before the day.
        early = sorted(set(after) - set(before)) if before and not row.adopt else []
        if early and not set(before) - set(row.replaces):
            yield f"{stretch.days}: overlap, a new line would be billed as well"
        return
    if replaced:
        yield f"{stretch.days}: overlap, {_listed(replaced)} would still be billed"
    if before and wanted and not after:
        yield f"{stretch.days}: gap, nothing would be billed"
    if not replaced and after and _sum(after) != wanted and row.replaces:
        yield f"{stretch.days}: {plain(_sum(after))} would be billed, but {wanted} are counted"


def _listed(ids: Iterable[int]) -> str:
    return ", ".join(map(str, ids))


def _sum(units: Mapping[int, Decimal]) -> Decimal:
    return sum(units.values(), Decimal(0))


def _folded(text: str) -> str:
    return " ".join(text.split()).casefold()
