"""Proration once more, by another method: walks the days of a period one by one and adds up whole numbers.

Shares no code with agent.domain: dates come from the standard library, choices are plain words, money is counted in
coins, and nothing is a fraction. Where the two agree, an error would have to have been made twice in different ways.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

PRICE_UNIT = 10_000  # prices come in ten-thousandths of the currency's unit: 220000 is 22.00


@dataclass(frozen=True, slots=True)
class Choice:
    """The words of docs/proration.md."""

    days: str
    denominator: str
    round_at: str
    rounding: str
    ratio_places: int | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """The nth period of so many months from an anchor; the interval as a system writes it, None for still running."""

    anchor: date
    months: int
    nth: int
    start: date
    end: date | None
    price: int
    quantity: int
    decimals: int
    choice: Choice


def boundary(anchor: date, months: int) -> date:
    """Steps back from the anchor's day until the calendar accepts it: 31, 30, 29 February."""
    year, month = anchor.year + (anchor.month - 1 + months) // 12, (anchor.month - 1 + months) % 12 + 1
    for day in range(anchor.day, 0, -1):
        try:
            return date(year, month, day)
        except ValueError:
            continue
    raise AssertionError("every month has a first day")


def period(case: Case) -> tuple[date, date]:
    """The first day of the period and the first day of the next."""
    return boundary(case.anchor, case.nth * case.months), boundary(case.anchor, (case.nth + 1) * case.months)


def every_day(first: date, after: date) -> Iterator[date]:
    while first < after:
        yield first
        first += timedelta(days=1)


def is_billed(day: date, case: Case, first: date) -> bool:
    counts_start, counts_end = {
        "inclusive": (True, True),
        "half-open": (True, False),
        "exclude-effective-day": (False, True),
    }[case.choice.days]
    begun = day > case.start or (day == case.start and (counts_start or day == first))
    return begun and (case.end is None or day < case.end or (counts_end and day == case.end))


def weight(day: date, length: int) -> int:
    """A month hands out `length` units: one to each day before the `length`th, the rest to its last day."""
    is_last = (day + timedelta(days=1)).day == 1
    return length + 1 - min(day.day, length) if is_last else int(day.day < length)


def count(case: Case) -> tuple[int, int]:
    """Billed units and the units of the whole period."""
    first, after = period(case)
    length = {"fixed-30": 30, "fixed-28": 28, "fixed-360": 30}.get(case.choice.denominator)
    weighs_parts = case.choice.denominator in ("fixed-30", "fixed-28")
    billed = whole = 0
    for day in every_day(first, after):
        share = 1 if length is None else weight(day, length)
        whole += share
        if is_billed(day, case, first):
            billed += share if weighs_parts else 1
    return min(billed, whole), whole


def divide(amount: int, by: int, rounding: str) -> int:
    """Whole coins: half away from zero, or cut off."""
    size = (2 * abs(amount) + by) // (2 * by) if rounding == "half-up" else abs(amount) // by
    return size if amount >= 0 else -size


def charge(case: Case, billed: int, whole: int) -> int:
    choice, unit = case.choice, case.price * 10**case.decimals
    part, of = billed, whole
    if choice.ratio_places is not None:
        of = 10**choice.ratio_places
        part = divide(billed * of, whole, choice.rounding)
    if choice.round_at == "daily-rate":
        return divide(unit, PRICE_UNIT * whole, choice.rounding) * billed * case.quantity
    if choice.round_at == "unit":
        return divide(unit * part, PRICE_UNIT * of, choice.rounding) * case.quantity
    return divide(unit * part * case.quantity, PRICE_UNIT * of, choice.rounding)


def coins(case: Case) -> int:
    """What the interval costs within the period, in the currency's smallest coins."""
    return charge(case, *count(case))


def second_of(instant: datetime) -> int:
    """Seconds since the year 1 in UTC, from the calendar's own day numbers."""
    offset = instant.utcoffset()
    assert offset is not None
    of_day = instant.hour * 3600 + instant.minute * 60 + instant.second
    return instant.toordinal() * 86_400 + of_day - offset.days * 86_400 - offset.seconds


def seconds(start: datetime, end: datetime, first: datetime, after: datetime) -> tuple[int, int]:
    """Billed seconds and the seconds of the whole period."""
    a, b, p, q = map(second_of, (start, end, first, after))
    return max(0, b - a - max(0, p - a) - max(0, b - q)), q - p
