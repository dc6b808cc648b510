"""A change of lines that exist: what each of them bills, and to which day an invoice has charged it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from itertools import groupby, pairwise
from typing import NamedTuple

from agent.domain.agreements import Agreement, Line
from agent.domain.changes import Delta, Holding, Terms, Write
from agent.domain.history import Move
from agent.domain.keys import LineKey, Role
from agent.domain.periods import DAY, Period
from agent.psa.connectwise.pen import Pen

# Of the key of a difference line: since when the seats, and which of them, are billed.
_BEYOND = "beyond/"
_WROTE = re.compile(r"(?P<came>\d{4}-\d\d-\d\d)/(?P<low>\d+)-(?P<high>\d+)")


def part_of(came: date, low: int, high: int, start: date) -> str:
    """Of the key of a difference line that bills the seats `low` + 1 to `high`, which came on some day."""
    return f"{came}/{low}-{high}" + (f"/{start}" if start != came else "")


class Batch(NamedTuple):
    """The billed seats of one open line. `paid` is the first day that no invoice has charged; None if not known."""

    key: LineKey
    line: Line
    seats: int
    paid: date | None


@dataclass(frozen=True, slots=True)
class Task:
    pen: Pen
    holding: Holding
    before: Terms
    after: Terms
    today: date

    @property
    def key(self) -> LineKey:
        return self.pen.change.key

    @property
    def agreement(self) -> Agreement:
        return self.pen.agreement

    @property
    def base(self) -> Line:
        return self.holding.base

    @property
    def effective(self) -> date:
        return self.pen.change.effective

    @property
    def boundary(self) -> date | None:
        return self.agreement.next_invoice

    @property
    def price(self) -> Decimal | None:
        # A price change may be waiting for approval: until it is made, a delta bills what its base bills.
        return self.after.price if self.base.price is None else self.base.price

    @property
    def rises(self) -> Sequence[Move]:
        return self.pen.change.rises

    @property
    def falls(self) -> Sequence[Move]:
        return self.pen.change.falls

    @property
    def until(self) -> date | None:
        return self.pen.change.until

    @property
    def begins(self) -> date:
        """From when on seats that others are billed for are billed here."""
        return self.pen.change.begins if self.pen.change.covered else date.min

    def first_day(self, day: date) -> date:
        """From when a difference counts: not before its base, nor before the agreement bills."""
        # With a start-on date in the row, the seats were counted before the base began to bill.
        return max(known for known in (day, self.base.start, self.agreement.bill_start) if known)

    @property
    def paid(self) -> date | None:
        """The first day for which no invoice has charged the base; None where that cannot be told."""
        start, boundary, opened = self.base.start, self.boundary, self.holding.opened_before
        if boundary is None:
            return start or self.agreement.bill_start
        if start and opened:
            return start if boundary <= opened else max(start, boundary)
        if start is None or start < min(self.agreement.period(boundary - DAY).start + DAY, self.today):
            return boundary
        return start if start >= boundary else None

    @property
    def batches(self) -> Sequence[Batch]:
        """The newest first: seats that came last leave first. What is included is taken off the base alone."""
        newest = sorted(self.holding.deltas, key=_age)
        beside = [Batch(d.key, d.line, int(d.line.quantity), d.billed_to(self.boundary)) for d in newest]
        return [*beside, Batch(self.key, self.base, int(self.base.quantity - self.base.included), self.paid)]

    def prices(self, days: Period) -> Iterator[tuple[Period, Decimal | None]]:
        """The days, cut where invoices billed them at another price; where that was not seen, at the present one."""
        known = [(period, price) for period, price in self.holding.prices if period.overlap(days)]
        cuts = sorted({days.start, *(period.start for period, _ in known if period.start in days)})
        pieces = [Period(first, end) for first, end in pairwise([*cuts, days.end])]
        for price, same in groupby(
            pieces, lambda p: next((at for period, at in known if p.start in period), self.price)
        ):
            together = [*same]
            yield Period(together[0].start, together[-1].end), price

    def charged_on(self, day: date) -> int | None:
        """Seats billed on that day; None where that is not known."""
        # What is known may start with today, and a change that waited for approval before it: then the next
        # stretch that is known speaks for the days in between.
        later = sorted((period.start, seats) for period, seats in self.holding.charged if period.end > day)
        return later[0][1] if later else None

    def stretches(
        self, start: date, end: date | None, value: Callable[[int | None], int]
    ) -> Iterator[tuple[Period, int]]:
        """The days from `start` up to `end`, cut where the value of what they were charged with changes."""
        if end is None or end <= start:
            return
        edges = {day for period, _ in self.holding.charged for day in (period.start, period.end) if start < day < end}
        worth = {day: value(self.charged_on(day)) for day in sorted({start, *edges})}
        cuts = [start, *(day for before, day in pairwise(worth) if worth[day] != worth[before])]
        for first, last in pairwise([*cuts, end]):
            yield Period(first, last), worth[first]

    def cut(self) -> tuple[Task, tuple[Write, ...]]:
        """Take back difference lines of seats that no day ended with, as far as no invoice has reached them.

        Not of seats that have gone to another line, which counts on what is billed for them here.
        """
        undone = None if self.until else next((move for move in self.falls if move.undone), None)
        if undone is None:
            return self, ()
        task, found = self, list[Write]()
        for delta in self.holding.closed:
            wrote = _WROTE.match(delta.key.part)
            # One that stood beside a base that has ended bills that base's days.
            ours = self.base.start is None or delta.line.end is None or self.base.start < delta.line.end
            fresh = ours and delta.opened_before == self.boundary and delta.key.role is Role.DELTA
            if not wrote or not fresh or date.fromisoformat(wrote["came"]) < undone.day:
                continue
            seats, low = int(delta.line.quantity), int(wrote["low"])
            lost = min(seats, low + seats - max(low, undone.low))
            if lost > 0:
                found += task.pen.patch(delta.key, delta.line, quantity=delta.line.quantity - lost)
                task = task._less(delta.line, lost)
        return task, tuple(found)

    def _less(self, line: Line, seats: int) -> Task:
        days = Period(line.start, line.end) if line.start and line.end else None
        charged = tuple(
            (period, billed - seats if days and period.overlap(days) else billed)
            for period, billed in self.holding.charged
        )
        return replace(self, holding=replace(self.holding, charged=charged))

    @property
    def folded(self) -> int:
        """Seats of open deltas that a fold has ended with what is invoiced, whether or not the base took them over."""
        return sum(
            int(delta.line.quantity)
            for delta in self.holding.closed
            if delta.key.role is Role.DELTA
            and delta.opened_before
            and self.boundary
            and delta.opened_before < self.boundary == delta.line.end
        )

    def delta(self, came: date, low: int, high: int, **days: date) -> Write:
        key = self.key.delta(part_of(came, low, high, days["start"]))
        return self.pen.beside(key, self.base, high - low, self.price, **days)

    def owed(self, low: int, high: int, start: date, end: date) -> Iterator[Write]:
        """A difference line for days before seats left, unless we crashed after it: then it is there."""
        key = self.key.delta(f"{start}/{high}-{low}")
        fresh = (d for d in self.holding.closed if d.opened_before == self.boundary)
        if not any((d.key, d.line.end) == (key, end) for d in fresh):
            yield self.pen.beside(key, self.base, high - low, self.price, start=start, end=end)

    def again(self, days: Period, low: int, high: int) -> Write:
        """A line for days that a deleted invoice had billed with more seats than the line shows."""
        key = self.key.base.delta(f"{self.base.id}/{days.start}/{low}-{high}", Role.AGAIN)
        return self.pen.beside(key, self.base, high - low, self.price, start=days.start, end=days.end)

    def beyond(self, seats: int, start: date) -> Write:
        """The seats that the line may not bill before that day. What is charged of their days stands on other lines."""
        key = self.key.base.delta(f"{_BEYOND}{self.base.id}/{start}/{seats}")
        days = {"start": start} if self.base.end is None else {"start": start, "end": self.base.end}
        return self.pen.beside(key, self.base, seats, self.price, **days)

    def credit(self, low: int, high: int, days: Period, charged: Decimal | None) -> Write:
        """A negative difference line for the seats `low` + 1 to `high`, at the price that was charged for them."""
        by_price = self.pen.manner.credits == "negative-price"
        price = -charged if by_price and charged is not None else charged
        key = self.key.delta(f"{days.start}/{high}-{low}", Role.CREDIT)
        quantity = high - low if by_price else low - high
        return self.pen.beside(key, self.base, quantity, price, start=days.start, end=days.end)


def beyond(key: LineKey) -> bool:
    """Whether a difference line bills seats whose days before its own first one are billed elsewhere."""
    return key.part.startswith(_BEYOND)


def _age(delta: Delta) -> tuple[int, int]:
    """Sorts the newest first."""
    start = delta.line.start or date.min
    return -start.toordinal(), -delta.line.id
