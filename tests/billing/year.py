"""A year of one agreement: what happens on which day, drawn from a seed, and the walk through it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from random import Random

from tests.billing.ledger import DAY, LONG_AGO, Deal, Ledger, days
from tests.billing.site import OPENS, SKU, Site, site
from tests.engine.here import AGREEMENT

HALF_A_CENT = Fraction(1, 200)
PRICES = [Decimal(price) for price in ("22.00", "12.30", "7.99", "57.00", "0.01", "100.00")]


@dataclass(frozen=True, slots=True, order=True)
class Event:
    """`invoice`; `count` sets the seats of the tenant; `cycle`; `answer` is a person's word on what is held."""

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
        return f"{self.deal}\n{self.begin} next invoice {self.next_invoice} paid {self.paid}"


def year(seed: int) -> Year:
    """The same seed, the same year, on every machine."""
    draw = Random(seed)
    begin = date(draw.choice([2023, 2024, 2026, 2027]), 1, 1) + draw.randrange(365) * DAY
    deal = _deal(draw, begin)
    lead = _lead(draw, deal)
    next_invoice = _boundary(deal, begin, lead)
    paid = draw.choice([0, 1, 5, 10, 40]) if begin > deal.bills_from else 0
    events = [*_counts(draw, begin, paid), *_invoices(draw, deal, begin, next_invoice, lead), *_cycles(draw, begin)]
    return Year(deal, begin, next_invoice, paid if deal.shown(paid) else 0, tuple(sorted(_awake(draw, begin, events))))


def _deal(draw: Random, begin: date) -> Deal:
    prorates = draw.random() < 0.75
    months = 12 if draw.random() < 0.15 else 1
    day = draw.choice([1, 1, 1, 1, 15, 28, 31])
    anchor = date(2000, draw.choice([1, 3, 5, 7, 8, 10, 12]), day)
    late = draw.random() < 0.2 and day == 1
    return Deal(
        anchor=anchor,
        months=months,
        prorates=prorates,
        bills_from=begin + draw.randrange(60) * DAY if late else LONG_AGO,
        price=draw.choice(PRICES),
        increase=draw.choice(["prorate", "prorate", "prorate", "next-period", "full"]),
        decrease=draw.choice(["now", "now", "next-period", "credit"] if prorates else ["now", "now", "next-period"]),
        at_zero=draw.choice(["end", "zero"]),
        credits=draw.random() < 0.8,
        included=draw.choice([0, 0, 0, 2]),
        show_included=draw.random() < 0.5,
        minimum=draw.choice([0, 0, 0, 0, 3]),
        free=draw.choice([1000, 1000, 1000, 4]),
    )


def _lead(draw: Random, deal: Deal) -> int:
    """Days from a period's first day to its invoice: before it, a month further before, or when it is over."""
    return draw.choice([-10, -3, 0, 0, 2, 20, -31, -45, 33] if deal.months == 1 else [-10, 0, 0, 2, -31, 200])


def _boundary(deal: Deal, begin: date, lead: int) -> date:
    """The first period whose invoice is still to be made."""
    first = deal.period(max(begin, deal.bills_from) - 400 * DAY)[0]
    while first + lead * DAY < max(begin, deal.bills_from - 30 * DAY):
        first = deal.period(first)[1]
    return first


def _at(day: date, hours: float) -> datetime:
    return datetime.combine(day, OPENS).replace(hour=0) + timedelta(minutes=round(hours * 60))


def _counts(draw: Random, begin: date, seats: int) -> Iterator[Event]:
    """Mostly a change now and then; sometimes several on a day; seats that come back; nobody left."""
    busy = draw.choice([0.03, 0.1, 0.3])
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
        boundary = deal.period(boundary)[1]


def _cycles(draw: Random, begin: date) -> Iterator[Event]:
    hours = draw.choice([[9.0], [9.0, 15.0], [8.5, 9.5, 10.6, 12.3, 14.5, 16.0, 18.0]])
    waits = draw.choice([1, 1, 3, 9])
    for day in days(begin, begin + 365 * DAY):
        yield from (Event(_at(day, hour), 3, "cycle") for hour in hours)
        if draw.random() < 1 / waits:
            yield Event(_at(day, 20), 4, "answer")


def _awake(draw: Random, begin: date, events: list[Event]) -> Iterator[Event]:
    """The daemon is down for some days, also across the end of a month."""
    down = set[date]()
    for _ in range(draw.choice([0, 2, 4])):
        first = begin + draw.randrange(1, 360) * DAY
        if draw.random() < 0.5:
            first = first.replace(day=27)
        down.update(days(first, first + draw.randrange(1, 12) * DAY))
    first = True
    for event in events:
        if event.what in ("cycle", "answer") and event.at.date() in down and event.at.date() != begin:
            continue
        yield event


@dataclass(slots=True)
class Walk:
    """Agent and ledger go through the same days; after each invoice they must have come to the same sum."""

    year: Year
    site: Site
    ledger: Ledger
    seats: int
    told: list[str] = field(default_factory=list)
    stirred: bool = True
    folded: bool = False

    def through(self) -> None:
        for event in self.year.events:
            getattr(self, f"_{event.what}")(event)
        self._ends()

    def _count(self, event: Event) -> None:
        self.seats = event.seats
        self.site.seats.seats = {SKU: self.seats}
        self._tell(event)

    def _invoice(self, event: Event) -> None:
        self.site.goes_to(event.at)
        self.site.invoice()
        self.ledger.invoice()
        self._tell(event)
        self.compare()

    def _cycle(self, event: Event) -> None:
        if not self.stirred:
            return
        self.site.goes_to(event.at)
        self.told.append(str(event))
        again = self._runs()
        if again:
            self.site.goes_to(event.at + timedelta(seconds=61))
            again = self._runs()
        self.stirred = bool(again) or self._waiting()

    def _answer(self, event: Event) -> None:
        if not self.site.agent.store.holds():
            return
        self.site.goes_to(event.at)
        self._runs()
        self.site.answers()
        self.told.append(str(event))
        self._runs(answered=True)
        self.stirred = True

    def _runs(self, answered: bool = False) -> bool:
        """One cycle of both; whether the agent wants to come back within the minute."""
        before = self.site.standing
        result = self.site.cycle()
        self.ledger.reads(self.site.clock.now(), self.seats, answered)
        lines = [write.sentence for plan in result.plans for p in plan.planned for write in p.realisation.writes]
        waits = [p.realisation.note or p.holds for plan in result.plans for p in plan.planned]
        self.told.append(f"    {before} -> {self.site.standing} of {self.seats}: {lines} {waits}")
        assert self.site.standing == self.ledger.quantity, self._story("the agent and the ledger stand apart")
        self.folded = any(p.change.verb == "fold" for plan in result.plans for p in plan.planned)
        return result.again is not None

    def _waiting(self) -> bool:
        return self.site.standing != self.ledger.deal.shown(self.seats) or self.folded

    def _tell(self, event: Event) -> None:
        self.told.append(str(event))
        self.stirred = True

    def _ends(self) -> None:
        """What was written last is invoiced with the next periods."""
        at = self.year.events[-1].at + DAY
        for n in range(3):
            self._cycle(Event(at + n * DAY, 0, "cycle"))
            self._invoice(Event(at + n * DAY + timedelta(hours=1), 0, "invoice"))

    def compare(self) -> None:
        exact = self.site.invoiced
        assert exact == self.ledger.invoiced, self._story(
            f"invoiced {float(exact):.4f}, owed {float(self.ledger.invoiced):.4f}"
        )
        # Each line of an invoice is rounded once, so each may be half a cent off, and no more.
        printed = self.site.printed
        assert abs(sum(map(Fraction, printed)) - exact) <= HALF_A_CENT * len(printed)

    def _story(self, what: str) -> str:
        lines = [
            f"{a['id']}: {a['quantity']:f} - {a['lessIncluded']:f} from {a['effectiveDate'][:10]} to "
            f"{a.get('cancelledDate', 'open')[:10]}"
            for a in self.site.psa.additions(AGREEMENT)
        ]
        return "\n".join([what, str(self.year), *self.told[-60:], *self._apart(), *lines, str(self.ledger.quantity)])

    def _apart(self) -> Iterator[str]:
        """On which days agent and ledger charged something else."""
        charged = Counter[date]()
        for invoice in self.site.psa.invoices(AGREEMENT):
            for charge in invoice.charges:
                for day in days(charge.span.first, charge.span.end):
                    charged[day] += int(charge.quantity)
        paid = len(self.ledger.seats) if False else 0
        for day in sorted({*charged, *self.ledger.charged}):
            ours = self.ledger.charged[day]
            theirs = charged[day] + (self.year.deal.billed(self.year.paid) if day < self.year.next_invoice and self.year.paid else 0)
            if ours != theirs:
                yield f"    {day}: agent {theirs}, ledger {ours}"


def walk(seed: int) -> Walk:
    told = year(seed)
    with site(told.deal, told.begin, told.next_invoice, told.paid) as here:
        ledger = Ledger(told.deal, told.begin, told.next_invoice, told.paid)
        walk = Walk(told, here, ledger, told.paid)
        walk.through()
    return walk
