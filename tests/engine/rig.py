"""A whole agent in one process and one thread: real engine, store and ConnectWise adapter over a simulated PSA.

Time stands still until it is moved, nothing waits, and the same steps give the same history.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from agent.domain.counts import Account, Coverage, Member, Observation, Snapshot, Status, Subscription
from agent.domain.findings import Finding
from agent.domain.guards import Limits
from agent.domain.mappings import BillingProfile, CompanyMapping, LicenceCount, Mappings, Mode, Place, PricePolicy, Row
from agent.engine.cycle import Cycle, Result
from agent.engine.planning import Policy
from agent.engine.reading import Catalogue
from agent.engine.turns import Turns
from agent.errors import Incomplete
from agent.outgoing import Outgoing
from agent.psa.connectwise import ConnectWise
from agent.simulators import connectwise as simulated
from agent.simulators.wire import SimClock, Transport
from agent.store import open_store

TENANT = "4f1c0000-0000-0000-0000-000000000001"
SKUS = ("cbdc14ab-d96c-4c30-b9f4-6ada7cdc1d46", "05e9a617-0261-4cee-bb44-138d3ef5d965")
PRODUCTS = ("M365-BP-M", "M365-E3-M")
COMPANY, AGREEMENT = 250, 1021
SITE = "https://psa.example.com"
SETTLE, RECHECK = 300, 60


class Here(Executor):
    """Does at once what is submitted."""

    def submit(self, task: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        future.set_result(task(*args, **kwargs))
        return future


@dataclass(slots=True)
class StillClock:
    """The clock of agent and PSA alike."""

    shared: SimClock
    start: datetime = field(init=False)

    def __post_init__(self) -> None:
        self.start = self.shared.now()

    def now(self) -> datetime:
        return self.shared.now()

    def today(self, zone: ZoneInfo) -> date:
        return self.now().astimezone(zone).date()

    def monotonic(self) -> int:
        return int((self.now() - self.start) / timedelta(microseconds=1)) * 1000

    def sleep(self, seconds: int) -> None:
        pass


@dataclass(slots=True)
class Seats:
    """A source that is a table of seats. `broken` makes reading fail, `empty` lists nothing."""

    clock: StillClock
    seats: dict[str, int]
    broken: bool = False
    empty: bool = False
    name: str = "microsoft"

    def accounts(self) -> Sequence[Account]:
        return [Account(self.name, TENANT)]

    def check(self, account: Account) -> Sequence[Finding]:
        return []

    def observe(self, account: Account) -> Snapshot:
        if self.broken:
            raise Incomplete("page 2 is missing")
        seen = {} if self.empty else {sku: _observation(sku, n) for sku, n in self.seats.items()}
        people: tuple[Member, ...] = ()
        return Snapshot(account, self.clock.now(), seen, people, frozenset(Coverage))


def _observation(sku: str, seats: int) -> Observation:
    bought = (Subscription(f"sub-{sku[:8]}", seats, Status.ENABLED),) if seats else ()
    return Observation(sku, sku[:4].upper(), f"Licence {sku[:4]}", seats, 0, True, bought)


@dataclass(slots=True)
class Rig:
    """One company with two licences on one prorated agreement, billed monthly in advance."""

    folder: Path
    mode: Mode = Mode.AUTO
    limits: Limits = field(default_factory=lambda: Limits(1000, 100, 1000, 100, 1000, 99))
    begin: datetime = datetime(2026, 3, 5, 9, 0, tzinfo=UTC)
    prorates: bool = True
    psa: simulated.ConnectWise = field(init=False)
    source: Seats = field(init=False)
    cycle: Cycle = field(init=False)
    clock: StillClock = field(init=False)

    def __post_init__(self) -> None:
        shared = SimClock(self.begin)
        self.clock = StillClock(shared)
        self.psa = simulated.ConnectWise(shared, simulated.Site())
        self.source = Seats(self.clock, dict.fromkeys(SKUS, 10))
        company = self.psa.add_company("Contoso", id=COMPANY)
        first = self.begin.date().replace(day=1)
        upcoming = (first + timedelta(days=32)).replace(day=1)
        self.psa.add_agreement(
            company, "Managed", id=AGREEMENT, bills_from=date(2025, 1, 1), next_invoice=upcoming, prorates=self.prorates
        )
        for product in PRODUCTS:
            self.psa.add_product(product, price=Decimal("22.00"), cost=Decimal("17.60"))
        self.start_agent()

    def start_agent(self) -> None:
        """Start the agent anew, as after a crash: everything but store and PSA is forgotten."""
        store = open_store("", self.folder, self.clock)
        adapter = ConnectWise(
            connect=self._connect,
            url=SITE,
            company=self.psa.site.company,
            public_key=lambda: self.psa.site.public_key,
            private_key=lambda: self.psa.site.private_key,
            client_id="22222222-2222-2222-2222-222222222222",
            installation=store.installation,
            settle=SETTLE,
        )
        policy = Policy("USD", self.limits, timedelta(seconds=RECHECK), timedelta(hours=24), store.installation)
        self.cycle = Cycle(
            source=self.source,
            psa=adapter,
            store=store,
            clock=self.clock,
            zone=ZoneInfo("UTC"),
            policy=policy,
            pool=Here(),
            catalogue=Catalogue(adapter, self.clock, timedelta(days=1)),
            turns=Turns(),
        )

    def _connect(self, base_url: str) -> Outgoing:
        return Outgoing(
            base_url=base_url, transport=lambda: Transport({"https://": self.psa}), sleep=lambda seconds: None
        )

    def stop_agent(self) -> None:
        self.cycle.store.dispose()

    def mappings(self) -> Mappings:
        rows = tuple(_row(n) for n in range(len(SKUS)))
        place = Place("contoso.toml", 1)
        company = CompanyMapping(COMPANY, "Contoso", (TENANT,), self.mode, rows, (), place)
        return Mappings({COMPANY: company}, (), "digest")

    def run(self) -> Result:
        return self.cycle.run(self.mappings(), [COMPANY], "test")

    def pass_time(self, seconds: int) -> None:
        self.psa.clock.advance(seconds=seconds)

    def live(self) -> list[dict[str, Any]]:
        """The additions that bill today or later, as they really are."""
        today = self.clock.today(ZoneInfo("UTC")).isoformat()
        return [a for a in self.psa.additions(AGREEMENT) if a.get("cancelledDate", "9999")[:10] >= today]


def _row(number: int) -> Row:
    profile = BillingProfile(PRODUCTS[number], PRODUCTS[number], PricePolicy())
    place = Place("contoso.toml", number + 2)
    return Row(COMPANY, TENANT, LicenceCount(SKUS[number]), profile, AGREEMENT, place, adopt=True)
