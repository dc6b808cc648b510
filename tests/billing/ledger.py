"""What a prorating agreement should have invoiced for a history of seat counts, counted seat by seat and day by day.

Written from docs/billing.md alone; nothing here is shared with the agent, neither dates nor periods nor money. The seat
with the highest number leaves first. Slow on purpose: it counts.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction

from tests.billing.deal import DAY, LONG_AGO, Deal, days
from tests.billing.readings import Readings


@dataclass(slots=True)
class Seat:
    """A seat on the lines, and the day it was `seen`.

    `came` is the first day that it is billed for, `unpaid` the first that no invoice has charged.
    """

    seen: date
    came: date
    unpaid: date


@dataclass(slots=True)
class Ledger:
    """`boundary` is the next invoice date. `seats` that stand from the beginning are paid for up to it."""

    deal: Deal
    readings: Readings
    boundary: date
    seats: list[Seat] = field(default_factory=list)
    line: bool = False  # whether there is one, if only with nothing on it
    first: date = LONG_AGO  # the first day for which the row is billed
    begun: date = LONG_AGO  # and that of the line itself, which begins after an older one
    paid_to: date = LONG_AGO  # days before this one are charged for no seat that comes now
    charged: Counter[date] = field(default_factory=Counter)  # seats invoiced for a day
    owed: Counter[date] = field(default_factory=Counter)  # and seats that have left, not invoiced for it yet
    promised: defaultdict[date, list[tuple[int, date]]] = field(default_factory=lambda: defaultdict(list))
    given_back: Counter[date] = field(default_factory=Counter)
    gone: dict[int, date] = field(default_factory=dict)
    made: list[Counter[date]] = field(default_factory=list)  # what each invoice charged
    deleted: list[date] = field(default_factory=list)  # up to which days invoices are to be made again
    again: Counter[date] = field(default_factory=Counter)  # and what they had charged

    @classmethod
    def opened(cls, deal: Deal, readings: Readings, begin: date, boundary: date, paid: int) -> Ledger:
        """`paid` seats stand on a line that has been invoiced up to the boundary."""
        ledger = cls(deal, readings, boundary)
        if paid:
            ledger.line, ledger.paid_to = True, boundary
            ledger.seats = [Seat(LONG_AGO, LONG_AGO, boundary) for _ in range(deal.billed(paid))]
            ledger.charged.update({day: len(ledger.seats) for day in days(deal.begins(begin), boundary)})
        return ledger

    @property
    def standing(self) -> int:
        """Seats that the lines bill on."""
        return len(self.seats)

    @property
    def sum(self) -> Fraction:
        """Each invoiced seat and day at the price of a day of its period, to no cent in particular."""
        share = Fraction(self.deal.price)
        parts = Counter[tuple[date, date]]()
        for day, seats in self.charged.items():
            parts[self.deal.begins(day), self.deal.follows(day)] += seats
        return sum((share * seats / (end - first).days for (first, end), seats in parts.items()), Fraction(0))

    def acts(self, today: date) -> None:
        """The agent writes what was read last."""
        wanted = self.deal.billed(self.readings.counted)
        nothing = self.deal.shown(self.readings.counted) == 0
        if not self.line:
            if not nothing:
                self._begin(wanted, today)
        elif nothing:
            self._nothing_left()
        elif wanted > len(self.seats):
            self._rise(wanted)
        elif wanted < len(self.seats):
            self._fall(wanted)

    def invoice(self) -> None:
        """The next period: every standing seat to its end, and what has come up since the last invoice."""
        end = self.deleted.pop() if self.deleted else self.deal.follows(self.boundary)
        self.boundary = max(self.boundary, end)
        # Also what a later one had caught up on, where both are made again.
        charged = Counter({day: self.again.pop(day) for day in [*self.again] if day < end})
        for seat in self.seats:
            charged.update(days(seat.unpaid, end))
            seat.unpaid = max(seat.unpaid, end)
        for day in [day for day in self.owed if day < end]:
            charged[day] += self.owed.pop(day)
        for day in [day for day in self.promised if day < end]:
            charged[day] += len(self.promised.pop(day))
        for day in [day for day in self.given_back if day < end]:
            charged[day] -= self.given_back.pop(day)
        self._charges(charged)
        if self.line:
            self.paid_to = max(self.paid_to, end)

    def _charges(self, days_and_seats: Counter[date]) -> None:
        self.made.append(days_and_seats)
        for day, seats in days_and_seats.items():
            self.charged[day] += seats

    def undo(self) -> None:
        """The last invoice is deleted. It will bill again what it did, so that nothing else moves."""
        last = self.made.pop()
        self.deleted.append(self.deal.begins(self.deleted[-1] - DAY) if self.deleted else self.boundary)
        self.again.update(last)
        self.charged.subtract(last)

    def _level(self, day: date) -> int:
        """Seats that are paid for on a day, or will be by the difference lines of the next invoice."""
        return self.charged[day] + len(self.promised[day]) - self.given_back[day]

    def _invoiced(self, day: date) -> bool:
        return self.boundary > self.deal.begins(day)

    # More seats.

    def _begin(self, wanted: int, today: date) -> None:
        """No line yet: each seat from its own day. What an older line bills stays with it, and the line begins later.

        Seats that it does not bill get difference lines for the days before.
        """
        first = max(self._seen(1), self.deal.bills_from, self.deal.start_on or LONG_AGO)
        begun = max(first, self._billed_to())
        if self._invoiced(begun) and self.deal.follows(begun) <= self.deal.begins(today):
            return  # over and invoiced: a person's word is needed
        self.line, self.first, self.begun, self.paid_to = True, first, begun, begun
        for seat in range(1, wanted + 1):
            seen, came = self.readings.asked_since(seat), max(self._seen(seat), begun)
            for day in days(max(self._seen(seat), first), begun):
                if self._level(day) + self.owed[day] < seat:
                    self.promised[day].append((seat, seen))
            self.seats.append(Seat(seen, came, came))

    def _seen(self, seat: int) -> date:
        if self.deal.start_on and self.readings.always(seat) and self._billed_to() == LONG_AGO:
            return self.deal.start_on
        return self.readings.asked_since(seat)

    def _billed_to(self) -> date:
        """The day after the last one for which anything was or will be billed."""
        known = (day for day in {*self.charged, *self.owed, *self.promised} if self._level(day) + self.owed[day] > 0)
        return max((day + DAY for day in known), default=LONG_AGO)

    def _rise(self, wanted: int) -> None:
        for seat in range(len(self.seats) + 1, wanted + 1):
            # Gone and back on one day: new from that day on.
            day = max(self.readings.asked_since(seat), self.gone.get(seat, LONG_AGO))
            if self.deal.increase == "prorate":
                self._take(seat, day)
            elif self.deal.increase == "full" or self._invoiced(day):
                self._take(seat, max(self.deal.begins(day), self.boundary))
            else:
                return

    def _take(self, seat: int, day: date) -> None:
        """Difference lines for what is invoiced already, as far as fewer were paid for; then with everybody else."""
        seen, came = self.readings.asked_since(seat), max(day, self.first, self.deal.bills_from)
        for day in days(came, self.paid_to):
            if self._level(day) < seat:
                self.promised[day].append((seat, seen))
        self.seats.append(Seat(seen, max(came, self.begun), max(came, self.paid_to)))

    # Fewer seats.

    def _fall(self, wanted: int) -> None:
        if self.deal.decrease == "credit" and not self.deal.credits and any(self._back(wanted)):
            return
        back = Counter(self._back(wanted)) if self.deal.decrease == "credit" else Counter[date]()
        while len(self.seats) > wanted:
            left = self.readings.asked_until(len(self.seats))
            waits = self.deal.decrease == "next-period" and not self._invoiced(left)
            if waits and self.seats[-1].came < left:
                break
            first, end = self.deal.begins(left), self.deal.follows(left)
            self._drop({"now": first, "next-period": end, "credit": left}[self.deal.decrease])
        self.given_back += back

    def _never(self, seat: int) -> bool:
        """Whether no day ended with the seat."""
        return self.seats[seat - 1].seen >= self.readings.asked_until(seat)

    def _drop(self, end: date) -> None:
        """The highest seat leaves, and owes for its days before `end`."""
        number = len(self.seats)
        left, never = self.readings.asked_until(number), self._never(number)
        seat = self.seats.pop()
        if never:
            for promises in self.promised.values():
                promises[:] = [promise for promise in promises if promise != (number, seat.seen)]
            return
        self.gone[number] = left
        if seat.came < left:
            self.owed.update(days(seat.unpaid, end))

    def _back(self, wanted: int) -> list[date]:
        """Days for which seats that leave were paid."""
        found = []
        for number in range(len(self.seats), wanted, -1):
            left = self.readings.asked_until(number)
            if not self._never(number):
                seat = self.seats[number - 1]
                found += [day for day in days(max(left, self.begun), seat.unpaid) if self._level(day) >= number]
        return found

    def _nothing_left(self) -> None:
        """What is invoiced stays so. Of the rest a line that ends bills what was used, one that stays nothing."""
        last = self.readings.asked_until(1)
        while self.seats:
            left = self.readings.asked_until(len(self.seats))
            self._drop(last if self.deal.at_zero == "end" else self.deal.begins(left))
        self.line = self.deal.at_zero == "zero"
