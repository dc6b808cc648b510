"""A year of one agreement: what happens on which day, drawn from a seed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from random import Random

from tests.billing.deal import DAY, LONG_AGO, Deal, days

PRICES = [Decimal(price) for price in ("22.00", "12.30", "7.99", "57.00", "0.01", "100.00")]


@dataclass(frozen=True, slots=True, order=True)
class Event:
    """`count` sets the seats of the tenant; `invoice`, `expire` and `renew` happen to the agreement; `undo` deletes its
    last invoice and `again` makes it anew; `cycle` is one of the agent, `answer` a person's word on what is held."""

    at: datetime
    order: int
    what: str
    seats: int = 0

    def __str__(self) -> str:
        return f"{self.at:%a %d %b %Y %H:%M} {self.what} {self.seats if self.what == 'count' else ''}".rstrip()


@dataclass(frozen=True, slots=True)
class Year:
    deal: Deal
    begin: date
    next_invoice: date
    paid: int
    events: tuple[Event, ...]

    def __str__(self) -> str:
        return f"{self.deal}\nfrom {self.begin}, next invoice {self.next_invoice}, {self.paid} paid"


def year(seed: int) -> Year:
    """The same seed, the same year, on every machine."""
    draw = Random(seed)
    begin = date(draw.choice([2023, 2024, 2026, 2027]), 1, 1) + draw.randrange(365) * DAY
    deal = _deal(draw, begin)
    lead = draw.choice([-10, -3, 0, 0, 2, 20, -31, -45, 33] if deal.months == 1 else [-10, 0, 0, 2, -31, 200])
    next_invoice = _first_boundary(deal, begin, lead)
    paid = draw.choice([0, 1, 5, 10, 40]) if begin > deal.bills_from and not deal.start_on else 0
    events = [
        *_counts(draw, begin, paid),
        *_invoices(draw, deal, begin, next_invoice, lead),
        *_cycles(draw, begin),
        *_lapses(draw, begin),
        *_undone(Random(f"undone {seed}"), begin),
    ]
    return Year(deal, begin, next_invoice, paid if deal.shown(paid) else 0, tuple(_awake(draw, begin, events)))


def _deal(draw: Random, begin: date) -> Deal:
    prorates = draw.random() < 0.75
    day = draw.choice([1, 1, 1, 1, 15, 28, 31])
    starts_late = draw.random() < 0.2 and day == 1
    shows, free = draw.random() < 0.4, draw.choice([1000, 1000, 1000, 4])
    return Deal(
        anchor=date(2000, draw.choice([1, 3, 5, 7, 8, 10, 12]), day),
        months=12 if draw.random() < 0.15 else 1,
        prorates=prorates,
        child=draw.random() < 0.1,
        bills_from=begin + draw.randrange(60) * DAY if starts_late else LONG_AGO,
        price=draw.choice(PRICES),
        increase=draw.choice(["prorate", "prorate", "prorate", "next-period", "full"]),
        decrease=draw.choice(["now", "now", "next-period", "credit"] if prorates else ["now", "now", "next-period"]),
        at_zero=draw.choice(["end", "zero"]),
        credits=draw.random() < 0.8,
        dated=draw.random() < 0.3,
        included=draw.choice([0, 0, 0, 2]),
        show_included=shows and free > 4,
        minimum=0 if shows else draw.choice([0, 0, 0, 3]),
        start_on=begin + draw.choice([-20, -5, 0, 12, 40]) * DAY if draw.random() < 0.2 else None,
        free=free,
    )


def _first_boundary(deal: Deal, begin: date, lead: int) -> date:
    """The first period whose invoice is still to be made, `lead` days after it begins."""
    first = deal.begins(max(begin, deal.bills_from) - 400 * DAY)
    # The simulated site counts its periods from the first of them, so that one must have the anchor's day.
    while first + lead * DAY < max(begin, deal.bills_from - 30 * DAY) or first.day != deal.anchor.day:
        first = deal.follows(first)
    return first


def _at(day: date, hours: float) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(minutes=round(hours * 60))


def _counts(draw: Random, begin: date, seats: int) -> Iterator[Event]:
    """Mostly a change now and then; sometimes several on a day; seats that come back; nobody left."""
    busy = draw.choice([0.02, 0.05, 0.2])
    known = [seats]
    for day in days(begin, begin + 365 * DAY):
        while draw.random() < busy:
            step = draw.choice([1, 1, 2, 3, 5, -1, -1, -2, -3])
            seats = draw.choice([max(0, seats + step)] * 12 + [known[-1]] * 4 + [max(0, seats // 2), 0])
            known = [*known[-2:], seats]
            yield Event(_at(day, draw.choice([8, 10.5, 14.2, 17])), 2, "count", seats)


def _invoices(draw: Random, deal: Deal, begin: date, boundary: date, lead: int) -> Iterator[Event]:
    while boundary + lead * DAY < begin + 365 * DAY:
        day = boundary + (lead + draw.choice([0, 0, 0, 1, 3])) * DAY
        yield Event(max(_at(begin, 10), _at(day, draw.choice([7, 12, 19]))), 1, "invoice")
        boundary = deal.follows(boundary)


def _cycles(draw: Random, begin: date) -> Iterator[Event]:
    hours = draw.choice([[9.0], [9.0, 15.0], [8.5, 9.5, 10.6, 12.3, 14.5, 16.0, 18.0]])
    waits = draw.choice([1, 1, 3, 9])
    for day in days(begin, begin + 365 * DAY):
        yield from (Event(_at(day, hour), 3, "cycle") for hour in hours)
        if draw.random() < 1 / waits:
            yield Event(_at(day, 20), 4, "answer")


def _lapses(draw: Random, begin: date) -> Iterator[Event]:
    """The agreement expires, and is renewed some days or weeks later."""
    if draw.random() < 0.25:
        ends = begin + draw.randrange(20, 300) * DAY
        yield Event(_at(ends, 6), 0, "expire")
        yield Event(_at(ends + draw.choice([1, 4, 20]) * DAY, 13), 0, "renew")


def _undone(draw: Random, begin: date) -> Iterator[Event]:
    """An invoice is deleted, at times the one before it as well, and made again soon or with the next ones."""
    for _ in range(draw.choice([0, 0, 1, 2, 5])):
        day = begin + draw.randrange(20, 340) * DAY
        for n in range(draw.choice([1, 1, 1, 2])):
            yield Event(_at(day, 11 + n / 10), 1, "undo")
        yield Event(_at(day + draw.choice([0, 1, 4, 12, 40]) * DAY, draw.choice([12, 18.5])), 1, "again")


def _awake(draw: Random, begin: date, events: list[Event]) -> Iterator[Event]:
    """The daemon is down for some days, also across the end of a month."""
    down = set[date]()
    for _ in range(draw.choice([0, 2, 4])):
        first = begin + draw.randrange(1, 360) * DAY
        if draw.random() < 0.5:
            first = first.replace(day=27)
        down.update(days(first, first + draw.randrange(1, 12) * DAY))
    for event in sorted(events):
        if event.what not in ("cycle", "answer") or event.at.date() not in down or event.at.date() == begin:
            yield event
