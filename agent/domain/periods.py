"""Calendar dates and billing periods. Half-open everywhere: `[start, end)`."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from functools import lru_cache

DAY = timedelta(days=1)


def add_months(anchor: date, months: int) -> date:
    """The anchor moved by whole months; a month that lacks the anchor's day clamps to its last.

    Always go from the anchor: 31 Jan + 1 = 29 Feb and 31 Jan + 2 = 31 Mar, while chained adding would lose the 31st.
    """
    index = anchor.year * 12 + anchor.month - 1 + months
    year, month = divmod(index, 12)
    return date(year, month + 1, min(anchor.day, monthrange(year, month + 1)[1]))


@dataclass(frozen=True, slots=True, order=True)
class Period:
    """Days from `start` up to, not including, `end`."""

    start: date
    end: date

    def __post_init__(self) -> None:
        if self.end <= self.start:
            raise ValueError(f"a period needs at least one day: {self.start} to {self.end}")

    @property
    def days(self) -> int:
        return (self.end - self.start).days

    @property
    def last_day(self) -> date:
        return self.end - DAY

    def __contains__(self, day: date) -> bool:
        return self.start <= day < self.end

    def overlap(self, other: Period) -> Period | None:
        start, end = max(self.start, other.start), min(self.end, other.end)
        return Period(start, end) if start < end else None

    def share(self, part: Period) -> Fraction:
        """Which fraction of this period's days the part covers; parts that make up the period sum to exactly 1."""
        inside = self.overlap(part)
        return Fraction(inside.days, self.days) if inside else Fraction(0)

    def __str__(self) -> str:
        return f"{self.start} to {self.last_day}"


@dataclass(frozen=True, slots=True)
class Grid:
    """Billing periods of a whole number of months, counted from an anchor date in both directions."""

    anchor: date
    months: int

    def __post_init__(self) -> None:
        if self.months < 1:
            raise ValueError("a billing period has at least one month")

    def nth(self, n: int) -> Period:
        return Period(add_months(self.anchor, n * self.months), add_months(self.anchor, (n + 1) * self.months))

    def containing(self, day: date) -> Period:
        return _containing(self, day)

    def starts_on(self, day: date) -> bool:
        return self.containing(day).start == day

    def between(self, start: date, end: date) -> Iterator[Period]:
        """The pieces of `[start, end)`, cut at the period boundaries."""
        while start < end:
            piece = Period(start, min(end, self.containing(start).end))
            yield piece
            start = piece.end


@lru_cache(maxsize=4096)
def _containing(grid: Grid, day: date) -> Period:
    """Kept, because a fleet asks for the same few grids and days tens of thousands of times a cycle."""
    apart = (day.year - grid.anchor.year) * 12 + day.month - grid.anchor.month
    n = apart // grid.months
    # Clamped days move a boundary by up to three days, so the guess may be one period off on either side.
    return next(p for p in (grid.nth(n), grid.nth(n - 1), grid.nth(n + 1)) if day in p)
