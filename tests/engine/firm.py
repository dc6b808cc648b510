"""An MSP from end to end in one thread: mapping files, simulated Microsoft, real engine and store, simulated PSA.

Both simulators go by one clock, which stands at 17 March 2026, 9 o'clock UTC, until it is moved.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

from agent.domain.findings import Code
from agent.domain.guards import CompanyPlan, Limits
from agent.domain.mappings import Mappings, Mode, SourceTraits
from agent.engine.cycle import Cycle, Result
from agent.engine.planning import Policy
from agent.engine.reading import Catalogue
from agent.engine.turns import Turns
from agent.mapping_files import MappingFiles
from agent.outgoing import Outgoing
from agent.ports import OpenFinding
from agent.psa.connectwise import ConnectWise
from agent.simulators import connectwise as simulated
from agent.simulators.microsoft import Tenant
from agent.simulators.wire import Transport
from agent.sku_table import shipped
from agent.store import open_store
from tests.engine.here import UTC_ZONE, Here
from tests.sources.office import CONTOSO, Office

SITE = "https://psa.example.com"
PRICES = {"BP": "22.00", "E3": "39.00", "E3-Y": "36.00", "CARE": "45.00", "BOX": "2.00"}
PROFILES = "".join(f'[{name.lower()}]\nproduct = "{name}"\n' for name in PRICES)
LENIENT = Limits(1000, 100, 1000, 100, 1000, 99, raise_times=1000)


@dataclass(slots=True)
class Firm:
    """Companies 250 and 251 look after one tenant. Agreements 1021 and 1022 are of 250, 1031 is of 251; all are
    monthly and prorated and have March invoiced, unless `office` says otherwise by their number."""

    folder: Path
    office: Office = field(default_factory=Office)
    sources: Mapping[str, SourceTraits] = field(default_factory=dict)
    psa: simulated.ConnectWise = field(init=False)
    cycle: Cycle = field(init=False)

    def __post_init__(self) -> None:
        self.psa = simulated.ConnectWise(self.office.microsoft.clock, simulated.Site())
        for company in (250, 251):
            self.psa.add_company(f"Company {company}", id=company)
        for product, price in PRICES.items():
            self.psa.add_product(product, price=Decimal(price), cost=Decimal(1))
        self.cycle = self._cycle()

    @property
    def tenant(self) -> Tenant:
        return self.office.tenant

    @property
    def today(self) -> date:
        return self.office.today(UTC_ZONE)

    def agree(self, *numbers: int, next_invoice: str = "2026-04-01", prorates: bool = True) -> None:
        """Agreements that bill from 1 January 2025; those below 1030 are of company 250."""
        for number in numbers:
            company = 250 if number < 1030 else 251
            given = {"bills_from": "2025-01-01", "next_invoice": next_invoice, "prorates": prorates}
            self.psa.add_agreement(company, f"Agreement {number}", id=number, **given)

    def sell(self, agreement: int, product: str, quantity: int) -> None:
        """A line that somebody typed when the agreement was signed, and that every invoice since has billed."""
        self.psa.add_addition(agreement, product, quantity, effective="2025-01-01")

    def map(self, rows: str, company: int = 250) -> None:
        head = f'company = {company}\ntenant = "{CONTOSO}"\nmode = "auto"\n'
        companies = self.folder / "mappings" / "companies"
        companies.mkdir(parents=True, exist_ok=True)
        (companies.parent / "profiles.toml").write_text(PROFILES)
        (companies.parent / "exclusions.toml").write_text("")
        (companies / f"{company}.toml").write_text(head + rows)

    @property
    def mappings(self) -> Mappings:
        return MappingFiles(self.folder / "mappings", Mode.AUTO, shipped(), self.sources).load()

    def run(self) -> Result:
        mappings = self.mappings
        result = self.cycle.run(mappings, sorted(mappings.companies), "test")
        assert result.state == "done", result.detail
        return result

    def settle(self) -> None:
        """Let the daemon run, and a person approve whatever is held, until nothing is left to do before an invoice."""
        for _ in range(8):
            plans = self.run().plans
            held = self.cycle.store.holds()
            for hold in held:
                if hold.state == "open":
                    self.approve(hold.digest)
            if not any(p.realisation.writes or p.change.waits for plan in plans for p in plan.planned):
                return
            self.pass_time(minutes=2)
        raise AssertionError(
            [f"{p.change.sentence} {p.holds} {p.realisation.note}" for plan in plans for p in plan.planned]
        )

    def approve(self, digest: str) -> None:
        now = self.office.now()
        self.cycle.store.decide(digest, "approved", "Kim", now, now + timedelta(hours=24))

    def planned(self) -> Mapping[str, Sequence[str]]:
        """What the next cycle would do, by sentence, with the requests."""
        plans: Sequence[CompanyPlan] = self.cycle.run(
            self.mappings, sorted(self.mappings.companies), "look", True
        ).plans
        return {p.change.sentence: [w.sentence for w in p.realisation.writes] for plan in plans for p in plan.planned}

    def found(self, code: Code) -> list[OpenFinding]:
        return [one for one in self.cycle.store.findings() if one.finding.code is code]

    def pass_time(self, **parts: int) -> None:
        self.office.microsoft.clock.advance(seconds=timedelta(**parts).total_seconds())

    def move_to(self, day: str) -> None:
        at = datetime.combine(date.fromisoformat(day), datetime.min.time(), UTC) + timedelta(hours=9)
        self.office.microsoft.clock.set(at)

    def invoice(self, *agreements: int) -> Decimal:
        """The next invoice of each, together."""
        return sum((self.psa.invoice(number)[0].total for number in agreements), Decimal(0))

    def lines(self, agreement: int) -> list[tuple[str, int, str, str]]:
        """(product, quantity, first day, last day) of every addition."""
        return sorted(
            (
                str(one["product"]["identifier"]),
                int(one["quantity"]),
                str(one["effectiveDate"])[:10],
                str(one.get("cancelledDate") or "")[:10],
            )
            for one in self.psa.additions(agreement)
        )

    def _cycle(self) -> Cycle:
        clock = self.office
        store = open_store("", self.folder, clock)
        adapter = ConnectWise(
            connect=self._connect,
            url=SITE,
            company=self.psa.site.company,
            public_key=lambda: self.psa.site.public_key,
            private_key=lambda: self.psa.site.private_key,
            client_id="22222222-2222-2222-2222-222222222222",
            installation=store.installation,
            settle=300,
        )
        return Cycle(
            source=self.office.source(),
            psa=adapter,
            store=store,
            clock=clock,
            zone=UTC_ZONE,
            policy=Policy("USD", LENIENT, timedelta(seconds=60), timedelta(hours=24), store.installation),
            pool=Here(),
            wire=Here(),
            catalogue=Catalogue(adapter, clock, timedelta(days=1)),
            turns=Turns(),
        )

    def _connect(self, base_url: str) -> Outgoing:
        return Outgoing(base_url=base_url, transport=lambda: Transport({"https://": self.psa}), sleep=lambda _: None)


def days(first: int, last: int, of: int = 31) -> Fraction:
    """Days of a month, both counted, as a part of it."""
    return Fraction(last - first + 1, of)
