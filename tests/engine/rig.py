"""An agent with the real store and adapter over the simulated ConnectWise, for stories that are told month by month.

One company with two licences on one agreement, billed monthly in advance. Nothing goes wrong here by itself.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from agent.domain.guards import Limits
from agent.domain.mappings import BillingProfile, CompanyMapping, LicenceCount, Mappings, Mode, Place, PricePolicy, Row
from agent.engine.cycle import Cycle, Result
from agent.engine.planning import Policy
from agent.engine.reading import Catalogue
from agent.engine.turns import Turns
from agent.outgoing import Outgoing
from agent.psa.connectwise import ConnectWise
from agent.simulators import connectwise as simulated
from agent.simulators.wire import SimClock, Transport
from agent.store import open_store
from tests.engine.here import (
    AGREEMENT,
    BEGIN,
    COMPANY,
    PRODUCTS,
    RECHECK,
    SETTLE,
    SKUS,
    TENANT,
    UTC_ZONE,
    Here,
    Seats,
    StillClock,
)

LOOSE = Limits(1000, 100, 1000, 100, 1000, 99, raise_times=1000)


@dataclass(slots=True)
class Rig:
    """`folder` takes the store. What lies before the month after `begin` is invoiced. `installation` as in agent.toml:
    by default the store's own."""

    folder: Path
    begin: datetime = BEGIN
    prorates: bool = True
    installation: str = ""
    limits: Limits = LOOSE
    seats: int = 10
    credits: str = "off"
    psa: simulated.ConnectWise = field(init=False)
    source: Seats = field(init=False)
    cycle: Cycle = field(init=False)
    clock: StillClock = field(init=False)

    def __post_init__(self) -> None:
        self.clock = StillClock(SimClock(self.begin))
        self.psa = simulated.ConnectWise(self.clock.shared, simulated.Site())
        self.source = Seats(self.clock, dict.fromkeys(SKUS, self.seats))
        company = self.psa.add_company("Contoso", id=COMPANY)
        upcoming = (self.begin.date().replace(day=1) + timedelta(days=32)).replace(day=1)
        self.psa.add_agreement(
            company, "Managed", id=AGREEMENT, bills_from=date(2025, 1, 1), next_invoice=upcoming, prorates=self.prorates
        )
        for product in PRODUCTS:
            self.psa.add_product(product, price=Decimal("22.00"), cost=Decimal("17.60"))
        self.start_agent()

    def start_agent(self, folder: Path | None = None) -> None:
        """A new process, with the store of that folder."""
        self.folder = folder or self.folder
        self.cycle = self._agent()

    def _agent(self) -> Cycle:
        store = open_store("", self.folder, self.clock)
        installation = self.installation or store.installation
        adapter = ConnectWise(
            connect=self._connect,
            url="https://psa.example.com",
            company=self.psa.site.company,
            public_key=lambda: self.psa.site.public_key,
            private_key=lambda: self.psa.site.private_key,
            client_id="22222222-2222-2222-2222-222222222222",
            installation=installation,
            settle=SETTLE,
            credits=self.credits,
        )
        return Cycle(
            source=self.source,
            psa=adapter,
            store=store,
            clock=self.clock,
            zone=UTC_ZONE,
            policy=Policy("USD", self.limits, timedelta(seconds=RECHECK), timedelta(hours=24), installation),
            pool=Here(),
            wire=Here(),
            catalogue=Catalogue(adapter, self.clock, timedelta(days=1)),
            turns=Turns(),
        )

    def _connect(self, base_url: str) -> Outgoing:
        return Outgoing(
            base_url=base_url, transport=lambda: Transport({"https://": self.psa}), sleep=lambda seconds: None
        )

    def mappings(self) -> Mappings:
        rows = tuple(map(_row, range(len(SKUS))))
        place = Place("contoso.toml", 1)
        company = CompanyMapping(COMPANY, "Contoso", (TENANT,), Mode.AUTO, rows, (), place)
        return Mappings({COMPANY: company}, (), "digest")

    def run(self) -> Result:
        return self.cycle.run(self.mappings(), [COMPANY], "test")

    def pass_time(self, seconds: int) -> None:
        self.clock.advance(seconds)


def _row(number: int) -> Row:
    profile = BillingProfile(PRODUCTS[number], PRODUCTS[number], PricePolicy())
    place = Place("contoso.toml", number + 2)
    return Row(COMPANY, TENANT, LicenceCount(SKUS[number]), profile, AGREEMENT, place, adopt=True)
