"""How the simulated PSA bills an addition: each day once, on the first invoice that comes after it is known.

Nothing here is shared with the agent: it is the second opinion on every amount (reference 8).
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

CENT = Decimal("0.01")
MONTHS = {"Monthly": 1, "BiMonthly": 2, "Quarterly": 3, "SemiAnnual": 6, "Yearly": 12}
WEEKS = {"Weekly": 1, "BiWeekly": 2}


@dataclass(frozen=True, slots=True)
class Span:
    """Days from `first` up to, not including, `end`."""

    first: date
    end: date

    @property
    def days(self) -> int:
        return (self.end - self.first).days

    def within(self, other: Span) -> Span:
        """The common part; it has no day, or a negative number of them, where there is none."""
        return Span(max(self.first, other.first), min(self.end, other.end))


@dataclass(frozen=True, slots=True)
class Cycle:
    """Periods of one length, counted from the first day of one of them."""

    anchor: date
    option: str  # a `billingOptions` value

    def period(self, number: int) -> Span:
        return Span(self._start(number), self._start(number + 1))

    def containing(self, day: date) -> Span:
        if self.option in WEEKS:
            return self.period((day - self.anchor).days // (7 * WEEKS[self.option]))
        months = (day.year - self.anchor.year) * 12 + day.month - self.anchor.month
        number = months // MONTHS[self.option]
        # The month's day may not have come yet: then the day still belongs to the period before.
        return self.period(number if self._start(number) <= day else number - 1)

    def split(self, span: Span) -> Iterator[tuple[Span, Span]]:
        """The parts of `span` in each of its periods, with the period."""
        first = span.first
        while first < span.end:
            period = self.containing(first)
            yield Span(first, min(period.end, span.end)), period
            first = period.end

    def _start(self, number: int) -> date:
        # Always counted from the anchor: 31 January, 29 February, 31 March. Chained, the 31st would be lost.
        if self.option in WEEKS:
            return self.anchor + timedelta(weeks=WEEKS[self.option] * number)
        month = self.anchor.year * 12 + self.anchor.month - 1 + MONTHS[self.option] * number
        year, month = month // 12, month % 12 + 1
        return date(year, month, min(self.anchor.day, monthrange(year, month)[1]))


@dataclass(frozen=True, slots=True)
class Charge:
    """`share` of one period's price, for the days of `span`; `amount` is exact."""

    addition: int
    span: Span
    share: Fraction
    quantity: Decimal
    price: Decimal

    @property
    def amount(self) -> Fraction:
        return Fraction(self.price) * Fraction(self.quantity) * self.share


@dataclass(frozen=True, slots=True)
class Invoice:
    """`base` is the agreement's own amount. One printed line per addition, rounded once."""

    id: int
    agreement: int
    period: Span
    base: Decimal
    charges: tuple[Charge, ...]

    @property
    def lines(self) -> Mapping[int, Decimal]:
        """The amount of each addition."""
        additions = {charge.addition: Fraction(0) for charge in self.charges}
        for charge in self.charges:
            additions[charge.addition] += charge.amount
        return {addition: rounded(amount) for addition, amount in additions.items()}

    @property
    def total(self) -> Decimal:
        return self.base + sum(self.lines.values(), Decimal(0))

    def told(self) -> Mapping[str, object]:
        """As JSON, for /__sim/world."""
        return {
            "id": self.id,
            "first": self.period.first.isoformat(),
            "end": self.period.end.isoformat(),
            "lines": {str(addition): amount for addition, amount in self.lines.items()},
            "total": self.total,
        }


@dataclass(frozen=True, slots=True)
class Billed:
    """What of an addition matters for its price. `end` is the day after the last billed one."""

    addition: int
    live: Span
    quantity: Decimal
    price: Decimal


def due(line: Billed, period: Span, cycle: Cycle, prorates: bool, charged: Iterable[Span]) -> tuple[Charge, ...]:
    """What the invoice of `period` charges for a line of which the days `charged` are paid already.

    A prorating agreement catches up on days of earlier periods, by the day, counting the first and the last.
    Any other bills whole periods and nothing for those before, save a line that has ended without ever being
    billed: that is a one-time charge.
    """
    paid = list(charged)
    open_days = _without(line.live.within(Span(date.min, period.end)), paid)
    if prorates:
        parts = [part for gap in open_days for part in cycle.split(gap)]
        return tuple(
            Charge(line.addition, part, Fraction(part.days, whole.days), line.quantity, line.price)
            for part, whole in parts
        )
    # With whole periods the days inside one do not matter: a period that is paid in part is paid.
    touched = period if line.live.end > period.first else line.live
    if not open_days or any(touched.within(span).days > 0 for span in paid):
        return ()
    return (Charge(line.addition, touched, Fraction(1), line.quantity, line.price),)


def first_share(live: Span, cycle: Cycle) -> Fraction:
    """The part of its first period for which a line is there, or 0 where it is there for all of it."""
    period = cycle.containing(live.first)
    days = live.within(period).days
    return Fraction(days, period.days) if 0 < days < period.days else Fraction(0)


def rounded(amount: Fraction) -> Decimal:
    """To cents, a half away from zero."""
    # 28 digits decide every rounding right: a fraction that is not finite never lies exactly on a half.
    exact = Decimal(amount.numerator) / Decimal(amount.denominator)
    return exact.quantize(CENT, ROUND_HALF_UP)


def _without(span: Span, taken: Iterable[Span]) -> list[Span]:
    gaps = [span] if span.days > 0 else []
    for hole in taken:
        if hole.days < 1:
            continue
        gaps = [
            part
            for gap in gaps
            for part in (Span(gap.first, min(gap.end, hole.first)), Span(max(gap.first, hole.end), gap.end))
            if part.days > 0
        ]
    return gaps
