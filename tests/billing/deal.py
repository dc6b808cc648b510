"""What a site and its MSP have agreed upon, in the words of the mapping files, and its calendar."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

DAY = timedelta(days=1)
LONG_AGO = date(1990, 1, 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Deal:
    """An agreement, a billing profile and a row.

    `anchor` begins one of the agreement's billing periods of `months` months. `credits`: the site takes them. `dated`:
    days of purchase that the source proves are believed. Changes by more than `free` seats wait for a person.
    """

    anchor: date
    months: int = 1
    prorates: bool = True
    child: bool = False
    bills_from: date = LONG_AGO
    price: Decimal = Decimal("22.00")
    increase: str = "prorate"
    decrease: str = "now"
    at_zero: str = "end"
    credits: bool = False
    dated: bool = False
    included: int = 0
    show_included: bool = False
    minimum: int = 0
    start_on: date | None = None
    free: int = 1000

    def billed(self, counted: int) -> int:
        return max(self.minimum, max(0, counted - self.included))

    def shown(self, counted: int) -> int:
        """The quantity on the line."""
        return self.billed(counted) + (min(self.included, counted) if self.show_included else 0)

    def begins(self, day: date) -> date:
        """First day of the billing period that contains the day."""
        return self._period(day)[0]

    def follows(self, day: date) -> date:
        """First day of the period after it."""
        return self._period(day)[1]

    def _period(self, day: date) -> tuple[date, date]:
        number = ((day.year - self.anchor.year) * 12 + day.month - self.anchor.month) // self.months + 1
        while self._nth(number) > day:
            number -= 1
        return self._nth(number), self._nth(number + 1)

    def _nth(self, number: int) -> date:
        # The 31st of a short month is its last day, and the month after it has its 31st again.
        index = self.anchor.year * 12 + self.anchor.month - 1 + number * self.months
        year, month = index // 12, index % 12 + 1
        return date(year, month, min(self.anchor.day, monthrange(year, month)[1]))


def days(first: date, end: date) -> Iterator[date]:
    """From `first` up to, not including, `end`."""
    while first < end:
        yield first
        first += DAY
