"""What should have been invoiced for a history of seat counts: day by day, seat by seat, from docs/billing.md alone.

Nothing here is shared with the agent: no dates, no periods, no money. Seats are numbered from 1, and the highest number
leaves first. The ledger knows of each standing seat from which day on the coming invoices charge it, and of each day
how many seats have been charged. Slow on purpose: it counts.
"""

from __future__ import annotations

from calendar import monthrange
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

DAY = timedelta(days=1)
LONG_AGO = date(1990, 1, 1)
RECHECK = timedelta(seconds=60)


@dataclass(frozen=True, slots=True, kw_only=True)
class Deal:
    """An agreement, a billing profile and a row in the words of the mapping files.

    `anchor` begins one of the agreement's billing periods of `months` months. `credits`: the site takes them. Changes
    by more than `free` seats wait for a person.
    """

    anchor: date
    months: int = 1
    prorates: bool = True
    bills_from: date = LONG_AGO
    price: Decimal = Decimal("22.00")
    increase: str = "prorate"
    decrease: str = "now"
    at_zero: str = "end"
    credits: bool = False
    included: int = 0
    show_included: bool = False
    minimum: int = 0
    start_on: date = LONG_AGO
    free: int = 1000

    def billed(self, counted: int) -> int:
        return max(self.minimum, max(0, counted - self.included))

    def shown(self, counted: int) -> int:
        """The quantity on the line."""
        return self.billed(counted) + (min(self.included, counted) if self.show_included else 0)

    def period(self, day: date) -> tuple[date, date]:
        """First day of the billing period that contains the day, and of the next one."""
        number = ((day.year - self.anchor.year) * 12 + day.month - self.anchor.month) // self.months + 1
        while self._begins(number) > day:
            number -= 1
        return self._begins(number), self._begins(number + 1)

    def _begins(self, number: int) -> date:
        # The 31st of a short month is its last day, and the month after it has its 31st again.
        index = self.anchor.year * 12 + self.anchor.month - 1 + number * self.months
        year, month = index // 12, index % 12 + 1
        return date(year, month, min(self.anchor.day, monthrange(year, month)[1]))


@dataclass(slots=True)
class Ledger:
    """`boundary` is the next invoice date; `paid` seats stand from the beginning and are paid for up to it."""

    deal: Deal
    begin: date
    boundary: date
    paid: int = 0
    line: bool = False  # whether there is a line, if only with nothing on it
    quantity: int = 0  # what the line shows, included seats and all
    seats: list[date] = field(default_factory=list)  # of each standing seat the first day that is yet to be invoiced
    settled: date = LONG_AGO  # a coming invoice charges no standing seat for days before this one
    charged: Counter[date] = field(default_factory=Counter)
    extra: list[tuple[int, date, date]] = field(default_factory=list)  # difference lines to come: a seat and its days
    owed: Counter[date] = field(default_factory=Counter)  # days of seats that have left, invoiced next
    asked: dict[date, int] = field(default_factory=dict)  # the last count of each day on which it changed
    came: dict[int, date] = field(default_factory=dict)
    gone: dict[int, date] = field(default_factory=dict)
    counted: int = -1
    before: Fraction = Fraction(0)  # what had been invoiced when the ledger was opened
    since: datetime = datetime(1990, 1, 1, tzinfo=UTC)

    def __post_init__(self) -> None:
        if self.paid:
            self.line, self.quantity, self.settled = True, self.deal.shown(self.paid), self.boundary
            self.seats = [self.boundary] * self.deal.billed(self.paid)
            self.charged.update({day: len(self.seats) for day in days(self.begin, self.boundary)})
        self.before = self.sum

    # What happens.

    def reads(self, at: datetime, counted: int, answered: bool = False) -> None:
        """A cycle of the agent saw so many; `answered`: a person has just approved what waited."""
        if counted != self.counted:
            self.counted, self.since = counted, at
            self.asked[at.date()] = self.deal.billed(counted)
        shown = self.deal.shown(counted)
        if shown == self.quantity and self.line:
            return
        asks = abs(shown - self.quantity) > self.deal.free or (shown == 0 and self.line)
        twice = shown > self.quantity or at - self.since >= RECHECK
        if twice and (answered or not asks):
            self._change(shown)

    def invoice(self) -> None:
        """The next period is invoiced: every standing seat to its end, and what has come up since the last one."""
        self.boundary = self.deal.period(self.boundary)[1]
        self._write_down()
        for since in self.seats:
            self.charged.update(days(since, self.boundary))
        for day in [day for day in self.owed if day < self.boundary]:
            self.charged[day] += self.owed.pop(day)
        self.seats = [max(since, self.boundary) for since in self.seats]
        if self.line:
            self.settled = max(self.settled, self.boundary)

    # What it comes to.

    @property
    def invoiced(self) -> Fraction:
        """All invoices so far, to no cent in particular: each seat and day at the price of a day of its period."""
        return self.sum - self.before

    @property
    def sum(self) -> Fraction:
        parts = Counter[tuple[date, date]]()
        for day, seats in self.charged.items():
            parts[self.deal.period(day)] += seats
        price = Fraction(self.deal.price)
        return sum((price * seats / (end - first).days for (first, end), seats in parts.items()), Fraction(0))

    def level(self, day: date) -> int:
        """Seats that are paid for on a day, or will be by the difference lines that stand."""
        return max([self.charged[day], *(seat for seat, first, end in self.extra if first <= day < end)])

    # Policies.

    def _change(self, shown: int) -> None:
        wanted, standing = self.deal.billed(self.counted), len(self.seats)
        if not self.line:
            self._begin(wanted)
        elif shown == 0:
            self._nothing_left()
        elif wanted > standing:
            self._rise(wanted)
        elif wanted < standing:
            self._fall(wanted)
        self.line = self.line or shown > 0
        reached = len(self.seats) == wanted
        self.quantity = shown if reached else self.quantity + len(self.seats) - standing

    def _begin(self, wanted: int) -> None:
        """No line yet. Days that an earlier line has been paid for are not paid for again."""
        first = max(self._asked_since(1), self.deal.start_on, self.deal.bills_from)
        self.settled = max(self.settled, first if self.deal.prorates else self._open(first))
        for seat in range(1, wanted + 1):
            since = self._asked_since(seat)
            if self.deal.prorates:
                self._take(seat)
            else:
                self._keep(seat, self._open(since), since)

    def _rise(self, wanted: int) -> None:
        for seat in range(len(self.seats) + 1, wanted + 1):
            since = self._asked_since(seat)
            restored = self.gone.get(seat, LONG_AGO) > since
            if not self.deal.prorates or (self.deal.increase == "full" and not restored):
                self._keep(seat, self._open(since), since)
            elif self.deal.increase == "next-period" and not restored:
                if self.boundary <= self.deal.period(since)[0]:
                    return
                self._keep(seat, self.boundary, since)
            else:
                self._take(seat)

    def _take(self, seat: int) -> None:
        """By the day: what is invoiced already gets a difference line, where fewer were paid for."""
        since = self._asked_since(seat)
        first = max(since, self.gone.get(seat, LONG_AGO), self.deal.start_on, self.deal.bills_from)
        if self.deal.prorates and first < self.settled:
            self.extra.append((seat, first, self.settled))
        self._keep(seat, since, first)

    def _keep(self, seat: int, since: date, came: date) -> None:
        self.seats.append(max(since, self.settled))
        self.came[seat] = came

    def _open(self, day: date) -> date:
        """The first day of the period of the day, or of what is not invoiced yet."""
        return max(self.deal.period(day)[0], self.boundary)

    def _fall(self, wanted: int) -> None:
        if self.deal.decrease == "credit" and not self._credit(wanted):
            return
        for seat in range(len(self.seats), wanted, -1):
            left = self._asked_until(seat)
            begins, ends = self.deal.period(left)
            if self.deal.decrease == "next-period" and self.boundary <= begins:
                return
            self._drop(seat, {"now": begins, "next-period": ends, "credit": left}[self.deal.decrease])

    def _nothing_left(self) -> None:
        """Whatever `decrease` says: what is invoiced stays so, what is not is paid for up to the last day of use."""
        left = self._asked_until(1)
        by_day = self.deal.prorates and self.deal.at_zero == "end"
        for seat in range(len(self.seats), 0, -1):
            self._drop(seat, left if by_day else self.deal.period(left)[0])
        self.line = self.deal.at_zero == "zero"

    def _drop(self, seat: int, end: date) -> None:
        self.owed.update(days(self.seats.pop(), end))
        left = self._asked_until(seat)
        # The last count of a day counts: a seat that came and went on one day was never there.
        self.extra = [(s, first, until) for s, first, until in self.extra if s != seat or first < left]
        self.gone[seat] = max(left, self.came.get(seat, LONG_AGO))

    def _credit(self, wanted: int) -> bool:
        """Give back the rest of what was paid for seats that leave; False where that cannot be."""
        if not self.deal.prorates:
            return False
        back = Counter[date]()
        for seat in range(len(self.seats), wanted, -1):
            left = self._asked_until(seat)
            if not any(s == seat and first >= left for s, first, _ in self.extra):
                back.update(days(max(left, self.came.get(seat, LONG_AGO)), self.settled))
        if back and not self.deal.credits:
            return False
        if back:
            self._write_down()
        for day, seats in back.items():
            self.charged[day] = min(self.charged[day], max(wanted, self.charged[day] - seats))
        return True

    def _write_down(self) -> None:
        """The difference lines that stand are charged in any case."""
        levels = {day: self.level(day) for _, first, end in self.extra for day in days(first, end)}
        self.charged.update({day: level - self.charged[day] for day, level in levels.items()})
        self.extra.clear()

    def _asked_since(self, seat: int) -> date:
        """From when the seat has been asked for without a break, by the last count of each day."""
        return self._unbroken([(day, asked >= seat) for day, asked in self.asked.items()])

    def _asked_until(self, seat: int) -> date:
        """From when it has not been asked for any more."""
        return self._unbroken([(day, asked < seat) for day, asked in self.asked.items()])

    def _unbroken(self, true: list[tuple[date, bool]]) -> date:
        since = true[-1][0]
        for day, holds in reversed(true):
            if not holds:
                break
            since = day
        return since


def days(first: date, end: date) -> Iterator[date]:
    """From `first` up to, not including, `end`."""
    while first < end:
        yield first
        first += DAY
