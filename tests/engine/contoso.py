"""Contoso at both simulated vendors, on one clock that stands: a real engine, store and adapters, without sockets."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from agent.domain.findings import Code
from agent.domain.guards import Limits
from agent.domain.mappings import CompanyMapping, Mappings, Mode, Place, Row
from agent.engine.cycle import Cycle, Result
from agent.engine.planning import Policy
from agent.engine.reading import Catalogue
from agent.engine.turns import Turns
from agent.outgoing import Outgoing
from agent.psa.connectwise import ConnectWise
from agent.reports.findings import findings_text
from agent.reports.holds import holds_text
from agent.reports.plan import PlanReport, plan_text
from agent.reports.text import View, bare
from agent.simulators import connectwise as simulated
from agent.simulators.microsoft import MicrosoftSimulator, Tenant
from agent.simulators.wire import SimClock, Transport
from agent.sources.microsoft import ClientSecret, MicrosoftSource
from agent.store import open_store
from tests.engine.here import AGREEMENT, COMPANY, PRODUCTS, SETTLE, TENANT, UTC_ZONE, Here, StillClock

APP = "11111111-2222-4333-8444-555555555555"
PARTNER = "4f1c0000-0000-4000-8000-000000000003"
CENTER = "https://api.partnercenter.microsoft.com"
MICROSOFT = ("https://login.microsoftonline.com", "https://graph.microsoft.com", CENTER)
LENIENT = Limits(1000, 100, 1000, 100, 1000, 99, raise_times=1000)


@dataclass(slots=True)
class Contoso:
    """One company on a prorated agreement, invoiced monthly in advance; its partner sells to it directly."""

    folder: Path
    begin: datetime
    row: Row
    clock: StillClock = field(init=False)
    microsoft: MicrosoftSimulator = field(init=False)
    tenant: Tenant = field(init=False)
    psa: simulated.ConnectWise = field(init=False)
    cycle: Cycle = field(init=False)

    def __post_init__(self) -> None:
        self.clock = StillClock(SimClock(self.begin))
        self.microsoft = MicrosoftSimulator(self.clock.shared)
        self.microsoft.login.register(APP, secret="hush")
        self.tenant = self.microsoft.add_tenant(TENANT, "Contoso", ["contoso.onmicrosoft.com", "contoso.com"])
        self.microsoft.add_tenant(PARTNER, "Brasswren", ["brasswren.onmicrosoft.com"])
        for tenant in self.microsoft.tenants.values():
            tenant.consent(APP)
        self.microsoft.partner_center.partners.add(PARTNER)
        self.psa = simulated.ConnectWise(self.clock.shared, simulated.Site())
        company = self.psa.add_company("Contoso", id=COMPANY)
        upcoming = (self.begin.date().replace(day=1) + timedelta(days=32)).replace(day=1)
        self.psa.add_agreement(
            company, "Managed", id=AGREEMENT, bills_from=date(2025, 1, 1), next_invoice=upcoming, prorates=True
        )
        self.psa.add_product(PRODUCTS[0], price=Decimal("22.00"), cost=Decimal("17.60"))
        self.start_agent()

    def start_agent(self) -> None:
        """A new process: only what the store keeps is known."""
        store = open_store("", self.folder, self.clock)
        adapter = ConnectWise(
            connect=self._connect,
            url="https://psa.example.com",
            company=self.psa.site.company,
            public_key=lambda: self.psa.site.public_key,
            private_key=lambda: self.psa.site.private_key,
            client_id="22222222-2222-2222-2222-222222222222",
            installation=store.installation,
            settle=SETTLE,
        )
        self.cycle = Cycle(
            source=self._source(),
            psa=adapter,
            store=store,
            clock=self.clock,
            zone=UTC_ZONE,
            policy=Policy("USD", LENIENT, timedelta(seconds=60), timedelta(hours=24), store.installation),
            pool=Here(),
            wire=Here(),
            catalogue=Catalogue(adapter, self.clock, timedelta(days=1)),
            turns=Turns(),
        )

    def stop_agent(self) -> None:
        self.cycle.store.dispose()

    def hire(self, first: int, last: int) -> None:
        for number in range(first, last + 1):
            self.tenant.add_user(f"user{number}@contoso.com", f"User {number}", ["SPB"])

    def leave(self, first: int, last: int) -> None:
        for number in range(first, last + 1):
            self.tenant.unassign(f"user{number}@contoso.com", "SPB")

    def at(self, moment: str) -> Result:
        """Move on to a time, and run as the daemon does: again for the second read that a lowered count needs."""
        self.clock.shared.set(datetime.fromisoformat(moment).replace(tzinfo=UTC))
        self._run()
        self.clock.advance(90)
        return self._run()

    @property
    def billed(self) -> int:
        """Seats on the additions that bill today or later, as they really are."""
        today = self.clock.today().isoformat()
        live = [a for a in self.psa.additions(AGREEMENT) if a.get("cancelledDate", "9999")[:10] >= today]
        return sum(int(line["quantity"]) for line in live)

    def says(self, result: Result) -> str:
        """Plan, holds and findings as they stand on the billing manager's screen."""
        view, store = View(240, UTC, self.clock.now(), {COMPANY: "Contoso"}), self.cycle.store
        parts = [
            plan_text(PlanReport(result.plans, {}, (), "addition"), view),
            holds_text(store.holds(COMPANY), store.plan(COMPANY), view),
            findings_text(store.findings(COMPANY), view),
        ]
        return bare("\n\n".join(parts))

    def explained(self) -> list[str]:
        return [step.says for told in self.cycle.store.derivations(COMPANY) for step in told.steps]

    def codes(self) -> set[Code]:
        return {one.finding.code for one in self.cycle.store.findings(COMPANY)}

    def _run(self) -> Result:
        place = Place("contoso.toml", 1)
        company = CompanyMapping(COMPANY, "Contoso", (TENANT,), Mode.AUTO, (self.row,), (), place)
        return self.cycle.run(Mappings({COMPANY: company}, (), "digest"), [COMPANY], "test")

    def _source(self) -> MicrosoftSource:
        return MicrosoftSource(
            client_id=APP,
            credential=ClientSecret(lambda: "hush"),
            clock=self.clock,
            partner=PARTNER,
            partner_center=CENTER,
            transport=lambda: Transport(dict.fromkeys(MICROSOFT, self.microsoft)),
            sleep=lambda seconds: None,
        )

    def _connect(self, base_url: str) -> Outgoing:
        return Outgoing(
            base_url=base_url, transport=lambda: Transport({"https://": self.psa}), sleep=lambda seconds: None
        )
