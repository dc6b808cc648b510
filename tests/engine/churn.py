"""A year of an MSP's companies through the real planner, guards and rules of the PSA, with writes that take effect on
paper: who joins and who leaves, how much of it waits for a person, and what happens when something goes wrong.

`python -m tests.engine.churn --companies 2000` is the full size, which `make soak` runs.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections import Counter
from collections.abc import Iterable, Mapping
from copy import deepcopy
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from agent.domain.agreements import Agreement, Product
from agent.domain.changes import AddLine, Change, EndLine, Picture, Planned, Realisation, Seen, SetQuantity
from agent.domain.counts import Account
from agent.domain.guards import CompanyPlan, Limits
from agent.domain.keys import LineKey
from agent.domain.mappings import BillingProfile, CompanyMapping, LicenceCount, Mappings, Mode, Place, PricePolicy, Row
from agent.domain.periods import DAY
from agent.engine.applying import bound
from agent.engine.paper import Paper
from agent.engine.planning import Policy, think
from agent.engine.reading import Reads
from agent.engine.replay import remembering
from agent.errors import ReadFailed
from agent.ports import Memory
from agent.psa.connectwise.pen import Manner
from agent.psa.connectwise.psa import TRAITS
from agent.psa.connectwise.records import Marker
from agent.psa.connectwise.writes import writes
from agent.simulators.wire import SimClock
from tests.engine.here import Health, Seats, StillClock

BEGIN = datetime(2026, 1, 5, 9, tzinfo=UTC)
SKUS = tuple(f"{number:08}-0000-4000-8000-000000000000" for number in range(4))
PRICES = (Decimal("22.00"), Decimal("39.00"), Decimal("12.50"), Decimal("9.00"))
PRODUCTS = {f"P{n}": Product(n + 1, f"P{n}", f"Product {n}", price, Decimal(1)) for n, price in enumerate(PRICES)}
RECHECK = timedelta(minutes=1)
MANNER = Manner("0f" * 16, Marker.parse("serialNumber"))

# Of small and middle-sized companies: about a third of the people come and a quarter go within a year.
JOINS, LEAVES = 0.30 / 260, 0.24 / 260  # of each seat, each working day
TEAMS = 1 / 180  # days on which three people or more begin together


class Rules:
    """Of a PSA what planning asks it: which requests a change needs."""

    traits = TRAITS

    def writes(self, change: Change, agreement: Agreement, today: date) -> Realisation:
        return writes(change, agreement, today, MANNER)


@dataclass(slots=True)
class Office:
    """One company with its tenant and its agreement. A person approves next morning what is held."""

    number: int
    clock: StillClock
    seats: dict[str, int]
    limits: Limits = field(default_factory=Limits)
    source: Seats = field(init=False)
    agreement: Agreement = field(init=False)
    paper: Paper = field(default_factory=Paper)
    tenant: str = ""
    memory: Memory = field(default_factory=lambda: Memory({}, {}, {}, {}, {}, frozenset(), frozenset()))

    def __post_init__(self) -> None:
        self.source, self.tenant = Seats(self.clock, self.seats), f"tenant-{self.number}"
        next_month = (self.clock.today().replace(day=1) + timedelta(days=32)).replace(day=1)
        days = date(2025, 1, 1), next_month
        self.agreement = Agreement(self.number, self.number, "Managed", 1, "Monthly", True, *days, currency="USD")
        for _ in range(2):
            self._written(self.plan().planned)
            self.clock.advance(120)

    @property
    def mapping(self) -> CompanyMapping:
        place = Place(f"{self.number}.toml", 1)
        rows = tuple(self._row(sku, name, place) for sku, name in zip(SKUS, PRODUCTS, strict=True) if sku in self.seats)
        return CompanyMapping(self.number, f"Company {self.number}", (self.account.ref,), Mode.AUTO, rows, (), place)

    @property
    def account(self) -> Account:
        return Account("microsoft", self.tenant)

    def _row(self, sku: str, product: str, place: Place) -> Row:
        profile = BillingProfile(product, product, PricePolicy())
        return Row(self.number, self.account.ref, LicenceCount(sku), profile, self.number, place)

    def plan(self) -> CompanyPlan:
        """One reading and planning, remembered."""
        mapping, now = self.mapping, self.clock.now()
        try:
            snapshots = {self.account.ref: self.source.observe(self.account)}
        except ReadFailed:
            snapshots = {}
        lines = self.paper.of([self.number])
        reads = Reads(snapshots, (), bool(snapshots), {self.number: self.agreement}, lines, PRODUCTS)
        policy = Policy("USD", self.limits, RECHECK, timedelta(days=1), MANNER.installation)
        mappings = Mappings({self.number: mapping}, (), "")
        today = self.clock.today(ZoneInfo("UTC"))
        plan, learnt = think(mapping, mappings, reads, self.memory, Rules(), policy, now, today, {})  # type: ignore[arg-type]
        self.memory = remembering(self.memory, learnt)
        return plan

    def cycles(self) -> list[Planned]:
        """What a day's cycles come to, the second read included; what is ready is written."""
        found: dict[LineKey, Planned] = {}
        for _ in range(2):
            plan = self.plan()
            self._written(plan.first)
            found |= {p.change.key.base: p for p in plan.planned if p.realisation.writes}
            self.clock.advance(120)
        return [*found.values()]

    def approves(self, planned: Iterable[Planned]) -> None:
        self.memory = replace(self.memory, approved=frozenset(p.digest for p in planned))

    def _written(self, planned: Iterable[Planned]) -> None:
        for one in planned:
            for write in one.realisation.writes:
                line = self.paper.write(one.change, write, PRODUCTS.get(write.key.product))
                proven = bound(write, Seen(Picture.AFTER, line))
                if proven is not None:
                    self.memory = replace(self.memory, bindings={**self.memory.bindings, write.key: proven})

    def invoices(self) -> None:
        boundary = self.agreement.next_invoice
        if boundary is not None and self.clock.today() >= boundary:
            self.agreement = replace(self.agreement, next_invoice=self.agreement.period(boundary).end)


@dataclass(slots=True)
class Year:
    """`moved` counts changes of quantity, by whether they were held when they were due, and why."""

    chance: random.Random
    companies: int
    clock: StillClock = field(default_factory=lambda: StillClock(SimClock(BEGIN)))
    offices: list[Office] = field(default_factory=list)
    moved: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.offices = [Office(1000 + n, self.clock, self._staff()) for n in range(self.companies)]

    def _staff(self) -> dict[str, int]:
        """Half of the companies have fewer than 18 people; some have further licences for a part of them."""
        people = min(250, max(3, round(self.chance.lognormvariate(2.9, 0.8))))
        seats = {SKUS[0]: people}
        for sku in SKUS[1:]:
            if self.chance.random() < 0.35:
                seats[sku] = max(2, round(people * self.chance.uniform(0.1, 0.4)))
        return seats

    def passes(self, days: int = 365) -> None:
        for _ in range(days):
            morning = self.clock.today() + DAY
            self.clock.shared.set(datetime(morning.year, morning.month, morning.day, 9, tzinfo=UTC))
            for office in self.offices:
                office.invoices()
                if self._people(office, morning) or morning.day == 1 or office.memory.approved:
                    self._look(office)

    def _people(self, office: Office, day: date) -> bool:
        """Who begins and who leaves today; False on a day like any other."""
        if day.weekday() > 4:
            return False
        before = dict(office.seats)
        for sku, seats in before.items():
            came = sum(self.chance.random() < JOINS for _ in range(seats))
            left = sum(self.chance.random() < LEAVES for _ in range(seats))
            office.seats[sku] = max(1 if sku == SKUS[0] else 0, seats + came - left)
        if self.chance.random() < TEAMS:
            office.seats[SKUS[0]] += self.chance.randint(3, max(3, before[SKUS[0]] // 8))
        return office.seats != before

    def _look(self, office: Office) -> None:
        decided = office.memory.approved
        planned = office.cycles()
        held = [p for p in planned if p.holds]
        for one in planned:
            if _counts(one.change) and one.digest not in decided:
                self.moved["held" if one.holds else "written"] += 1
                self.moved.update(f"because {_rule(reason)}" for reason in one.holds)
        office.approves(held)

    @property
    def share(self) -> float:
        """Of the changes that a person had to see, in per cent."""
        return 100 * self.moved["held"] / max(1, self.moved["held"] + self.moved["written"])


def _counts(change: Change) -> bool:
    return isinstance(change, (AddLine, SetQuantity, EndLine))


def _rule(reason: str) -> str:
    return " ".join(word for word in reason.split() if not any(c.isdigit() for c in word))


# What goes wrong. Each changes the office, and says which companies it can be told of at.


def source_is_empty(office: Office, chance: random.Random) -> None:
    """The tenant lists no licence at all."""
    office.source.health = Health.EMPTY


def units_are_tenfold(office: Office, chance: random.Random) -> None:
    """A unit was mistaken: every count is ten times what it is."""
    for sku in office.seats:
        office.seats[sku] *= 10


def tenant_is_wrong(office: Office, chance: random.Random) -> None:
    """The mapping file names another company's tenant, which has other numbers of the same licences."""
    office.tenant = f"tenant-of-another-than-{office.number}"
    for sku in office.seats:
        office.seats[sku] = chance.randint(1, 60)


def people_vanish(office: Office, chance: random.Random) -> None:
    """Half of the tenant or more is gone, four people at least: a script ran over the wrong list."""
    for sku, seats in office.seats.items():
        gone = max(round(seats * chance.uniform(0.5, 0.95)), min(seats, 4))
        office.seats[sku] = seats - gone


def licence_vanishes(office: Office, chance: random.Random) -> None:
    """One that was there is not listed any more."""
    del office.source.seats[next(iter(office.source.seats))]


def pages_are_half_read(office: Office, chance: random.Random) -> None:
    """What the tenant says in all and what its purchases add up to are two numbers."""
    office.source.health = Health.CONTRADICTS_ITSELF


def page_is_missing(office: Office, chance: random.Random) -> None:
    office.source.health = Health.INCOMPLETE


INCIDENTS = (
    source_is_empty,
    units_are_tenfold,
    tenant_is_wrong,
    people_vanish,
    licence_vanishes,
    pages_are_half_read,
    page_is_missing,
)


def incidents(year: Year) -> Mapping[str, Counter[str]]:
    """Each incident at each company, on a copy of it as it is after the year: what was written and what was held."""
    found: dict[str, Counter[str]] = {}
    for incident in INCIDENTS:
        found[incident.__name__] = told = Counter[str]()
        for office in year.offices:
            struck = _copy(office)
            incident(struck, year.chance)
            planned = [p for p in struck.cycles() if _counts(p.change)]
            told.update("held" if p.holds else "written" for p in planned)
            told.update(f"written: {p.change.sentence}" for p in planned if not p.holds)
    return found


def _copy(office: Office) -> Office:
    same = object.__new__(Office)
    for name in Office.__slots__:
        setattr(same, name, getattr(office, name))
    same.seats = dict(office.seats)
    same.source = Seats(office.clock, same.seats)
    same.paper = deepcopy(office.paper)
    return same


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--companies", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=2026)
    given = parser.parse_args()
    year = Year(random.Random(given.seed), given.companies)
    for month in range(12):
        year.passes(30)
        print(f"month {month + 1}: {year.share:.2f} % of {year.moved['held'] + year.moved['written']:,} changes held")
    told = incidents(year)
    for name, counts in told.items():
        print(f"{name}: {counts['held']:,} changes held, {counts['written']:,} written")
    sys.exit(year.share >= 2 or any(counts["written"] for counts in told.values()))


if __name__ == "__main__":
    main()
