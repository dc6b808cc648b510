"""What an agreement that does not prorate invoices: whole periods, with the quantity that stands when it is made."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction

from tests.billing.deal import LONG_AGO, Deal
from tests.billing.readings import Readings


@dataclass(slots=True)
class Line:
    """Billed for every period that it touches; `end` is the first day of one that it does not."""

    begun: date
    seats: int
    end: date | None = None


@dataclass(slots=True)
class WholePeriods:
    deal: Deal
    readings: Readings
    boundary: date
    lines: list[Line] = field(default_factory=list)
    sum: Fraction = Fraction(0)
    made: list[Fraction] = field(default_factory=list)
    deleted: list[Fraction] = field(default_factory=list)  # what invoices that are to be made again had come to

    @classmethod
    def opened(cls, deal: Deal, readings: Readings, begin: date, boundary: date, paid: int) -> WholePeriods:
        return cls(deal, readings, boundary, [Line(LONG_AGO, deal.billed(paid))] if paid else [])

    @property
    def standing(self) -> int:
        return self._line.seats if self._line else 0

    @property
    def line(self) -> bool:
        return self._line is not None

    def acts(self, today: date) -> None:
        """More seats count from the next invoice on, and so do fewer, once those of `next-period` had their month."""
        wanted, nothing = self.deal.billed(self.readings.counted), self.deal.shown(self.readings.counted) == 0
        line = self._line
        if line is None:
            if not nothing:
                self._begin(wanted, today)
        elif nothing:
            self._nothing_left(line)
        elif wanted >= line.seats:
            line.seats = wanted
        elif self.deal.decrease != "credit":
            while line.seats > wanted and self._leaves(line):
                line.seats -= 1

    def invoice(self) -> None:
        if self.deleted:
            self._charges(self.deleted.pop())
            return
        begins, self.boundary = self.boundary, self.deal.follows(self.boundary)
        billed = (x.seats for x in self.lines if x.begun < self.boundary and (x.end is None or x.end > begins))
        self._charges(Fraction(self.deal.price) * sum(billed))

    def _charges(self, amount: Fraction) -> None:
        self.made.append(amount)
        self.sum += amount

    def undo(self) -> None:
        """The last invoice is deleted, and will come to the same again."""
        self.deleted.append(self.made.pop())
        self.sum -= self.deleted[-1]

    @property
    def _line(self) -> Line | None:
        return next((line for line in self.lines if line.end is None), None)

    def _leaves(self, line: Line) -> bool:
        left = self.readings.asked_until(line.seats)
        return self.deal.decrease == "now" or self.boundary > self.deal.begins(left) or left <= line.begun

    def _begin(self, wanted: int, today: date) -> None:
        """From the period of the first day on, or from the next invoice where that is invoiced."""
        first = self.readings.asked_since(1)
        if self.deal.start_on:
            always = self.readings.always(1) and not self.lines
            first = self.deal.start_on if always else max(first, self.deal.start_on)
        first = max([first, *(line.end for line in self.lines if line.end and line.seats)])
        begun = max(self.deal.begins(first), self.boundary, self.deal.bills_from)
        self.lines.append(Line(begun, wanted))

    def _nothing_left(self, line: Line) -> None:
        """A period that is not invoiced is not billed at all."""
        left = self.readings.asked_until(1)
        if self.deal.at_zero == "zero":
            line.seats = 0
        else:
            line.end = max(self.deal.begins(left), self.boundary)
            if line.end <= line.begun:
                line.seats = 0
