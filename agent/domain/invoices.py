"""What invoices bill, worked out from an agreement and its lines as they were read.

An invoice of a period bills every line that is there, with the quantity that it shows when the invoice is made. On an
agreement that prorates it charges each day up to the period's end that no earlier invoice charged, by the day; so it
also catches up on lines that began after the invoice of their own period. Any other agreement is billed by whole
periods, and for what was missed only a line that ended before it was ever billed. (ConnectWise: reference 8.)
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from itertools import groupby
from typing import NamedTuple

from agent.domain.agreements import Agreement, Billable, Line
from agent.domain.money import Money, minor_units, rounded
from agent.domain.periods import Period
from agent.domain.proration import Convention, Interval


class Made(StrEnum):
    """How an invoice is known."""

    SEEN = "seen"  # the agreement's next invoice date moved past it between two reads
    ASSUMED = "assumed"  # it was there before the first read: then its lines are taken to be what that read showed
    NEXT = "next"  # still to come, if nothing changes


@dataclass(frozen=True, slots=True)
class Item:
    """What an invoice bills of one line for some days of one period: the share of that period's price."""

    line: Line
    days: Period
    period: Period
    share: Fraction

    @property
    def units(self) -> Decimal:
        return units(self.line)

    @property
    def amount(self) -> Fraction | None:
        """Exact; None where the line shows no price."""
        if self.line.billable is not Billable.BILLABLE:
            return Fraction(0)
        return None if self.line.price is None else Fraction(self.line.price) * Fraction(self.units) * self.share


@dataclass(frozen=True, slots=True)
class Invoice:
    """`by` is the read that first showed it made; None where no read tells."""

    agreement: int
    period: Period
    items: tuple[Item, ...]
    made: Made
    by: datetime | None = None

    def of(self, lines: Collection[int]) -> Invoice:
        """The part that bills these lines."""
        items = tuple(item for item in self.items if item.line.id in lines)
        return Invoice(self.agreement, self.period, items, self.made, self.by)

    def total(self, currency: str) -> Money | None:
        """Each line rounded once, as it is printed; None where a price is not known."""
        amounts = [amount(list(items), currency) for _, items in groupby(self.items, lambda item: item.line.id)]
        known = [one for one in amounts if one is not None]
        return Money.total(known, currency) if len(known) == len(amounts) else None


def units(line: Line) -> Decimal:
    """Those that a line bills. What is included is free; a credit's negative quantity stays what it is."""
    return line.quantity if line.quantity < 0 else max(line.quantity - line.included, Decimal(0))


def amount(items: Sequence[Item], currency: str) -> Money | None:
    """What one line's items come to, rounded once."""
    exact = [item.amount for item in items]
    known = [one for one in exact if one is not None]
    if len(known) < len(exact):
        return None
    return Money(rounded(sum(known, Fraction(0)), minor_units(currency)), currency)


class Part(NamedTuple):
    """Days that an invoice charges of a line, and their share of their own period's price."""

    days: Period
    period: Period
    share: Fraction


def due(
    agreement: Agreement,
    convention: Convention,
    period: Period,
    start: date | None,
    end: date | None,
    paid: Sequence[Period],
) -> Iterator[Part]:
    """Which days the invoice of a period charges of a line that is there from `start` up to `end`.

    `paid` are days that invoices have charged of it already, whether or not the line was there.
    """
    first = max(day for day in (start, agreement.bill_start, date.min) if day)
    after = min(end or period.end, period.end)
    if first >= after:
        return
    live = Period(first, after)
    if agreement.prorates:
        for piece in (piece for gap in _without(live, paid) for piece in agreement.grid.between(gap.start, gap.end)):
            whole = agreement.period(piece.start)
            yield Part(piece, whole, convention.fraction(Interval(piece.start, piece.last_day), whole))
        return
    # Whole periods: what began before this one is not caught up on, unless it is over and was never billed.
    touched = live if end is not None and end <= period.start else period
    if not any(touched.overlap(one) for one in paid):
        yield Part(touched, agreement.period(touched.start), Fraction(1))


@dataclass(slots=True)
class Ledger:
    """The invoices of one agreement, as its readings tell of them one after the other.

    `unbilled` are lines of the first reading that no invoice had reached; all others count as paid up to its next
    invoice date.
    """

    convention: Convention
    unbilled: Collection[int] = ()
    invoices: list[Invoice] = field(default_factory=list)
    _paid_until: dict[int, date] = field(default_factory=dict)
    _agreement: Agreement | None = None
    _lines: Sequence[Line] = ()

    def read(self, agreement: Agreement, lines: Sequence[Line], at: datetime, since: date | None = None) -> None:
        """Take a reading. Of the first one, `since` is the day from which its invoices are wanted (None: today's)."""
        before = self._agreement.next_invoice if self._agreement else None
        self._agreement, self._lines = agreement, sorted(lines, key=lambda line: line.id)
        boundary = agreement.next_invoice
        if boundary is None or agreement.months is None:
            return
        if before is None:
            self._begin(agreement, boundary, since or at.date())
        elif boundary < before:
            self._undo(boundary)
        for period in agreement.grid.between(before, boundary) if before and before < boundary else ():
            self.invoices.append(self._invoice(agreement, period, Made.SEEN, at))

    def next(self) -> Invoice | None:
        """The next invoice to come, with the lines as they were read last."""
        agreement = self._agreement
        if agreement is None or agreement.next_invoice is None or agreement.months is None:
            return None
        return self._invoice(agreement, agreement.period(agreement.next_invoice), Made.NEXT, None)

    def on(self, day: date) -> list[Invoice]:
        """The invoices that bill the day, cut to what they bill for it; the next one where it still has to."""
        coming = self.next()
        found = []
        for invoice in (*self.invoices, *([coming] if coming else [])):
            items = tuple(item for item in invoice.items if day in item.days)
            if items:
                found.append(Invoice(invoice.agreement, invoice.period, items, invoice.made, invoice.by))
        return found

    def _begin(self, agreement: Agreement, boundary: date, since: date) -> None:
        for period in agreement.grid.between(min(agreement.period(since).start, boundary), boundary):
            lines = [line for line in self._lines if line.id not in self.unbilled]
            items = tuple(item for line in lines for item in self._due(agreement, line, period, within=True))
            self.invoices.append(Invoice(agreement.id, period, items, Made.ASSUMED))
        self._paid_until = {line.id: boundary for line in self._lines if line.id not in self.unbilled}

    def _undo(self, boundary: date) -> None:
        self.invoices = [invoice for invoice in self.invoices if invoice.period.end <= boundary]
        self._paid_until = {line: min(day, boundary) for line, day in self._paid_until.items()}

    def _invoice(self, agreement: Agreement, period: Period, made: Made, by: datetime | None) -> Invoice:
        items = tuple(item for line in self._lines for item in self._due(agreement, line, period))
        return Invoice(agreement.id, period, items, made, by)

    def _due(self, agreement: Agreement, line: Line, period: Period, within: bool = False) -> Iterator[Item]:
        """What the invoice of the period bills of a line; `within`: of that period's own days only."""
        start = max(line.start or date.min, period.start) if within else line.start
        paid = [] if within else [*self._paid(line.id)]
        for part in due(agreement, self.convention, period, start, line.end, paid):
            yield Item(line, *part)

    def _paid(self, line: int) -> Iterator[Period]:
        until = self._paid_until.get(line)
        if until is not None:
            yield Period(date.min, until)
        yield from (
            item.days
            for invoice in self.invoices
            if invoice.made is Made.SEEN
            for item in invoice.items
            if item.line.id == line
        )


def by_line(items: Sequence[Item]) -> Mapping[int, list[Item]]:
    found: dict[int, list[Item]] = {}
    for item in items:
        found.setdefault(item.line.id, []).append(item)
    return found


def _without(whole: Period, taken: Sequence[Period]) -> list[Period]:
    """The days of a period that none of the others has."""
    left = [whole]
    for hole in taken:
        parts = [(part.start, min(part.end, hole.start)) for part in left]
        parts += [(max(part.start, hole.end), part.end) for part in left]
        left = [Period(start, end) for start, end in parts if start < end]
    return sorted(left)
