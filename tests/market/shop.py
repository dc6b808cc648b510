"""The whole agent between a tenant that is a table and a simulated ConnectWise: what an option does, one sees here.

Contoso (250) has agreement 1021: monthly, billed in advance on the 1st, prorated, March 2026 invoiced; it is 17 March.
Products cost 22.00 a month.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from agent.domain.changes import Planned
from agent.domain.counts import NO_NEEDS, Account, Coverage, Member, Needs, Observation, Snapshot, Status, Subscription
from agent.domain.findings import Code, Finding
from agent.domain.guards import Limits
from agent.domain.mappings import (
    BillingProfile,
    CompanyMapping,
    Count,
    Exclusion,
    LicenceCount,
    Mappings,
    Mode,
    Place,
    PricePolicy,
    Row,
)
from agent.engine.cycle import Cycle, Result
from agent.engine.planning import Policy
from agent.engine.reading import Catalogue
from agent.engine.turns import Turns
from agent.errors import ReadFailed
from agent.outgoing import Outgoing
from agent.psa.connectwise import ConnectWise
from agent.simulators import connectwise as simulated
from agent.simulators.wire import SimClock, Transport
from agent.store import open_store
from tests.engine.here import SETTLE, TENANT, UTC_ZONE, Here, StillClock

CONTOSO, FABRIKAM = 250, 251
AGREEMENT, SECOND, THEIRS = 1021, 1022, 2021  # two of Contoso, one of Fabrikam
PREMIUM, E3 = "cbdc14ab-d96c-4c30-b9f4-6ada7cdc1d46", "05e9a617-0261-4cee-bb44-138d3ef5d965"
FLOW_FREE = "f30db892-07e9-47e9-837c-80727f46fd3d"
NAMES = {PREMIUM: "Microsoft 365 Business Premium", E3: "Microsoft 365 E3", FLOW_FREE: "Microsoft Power Automate Free"}
PARTS = {PREMIUM: "SPB", E3: "SPE_E3", FLOW_FREE: "FLOW_FREE"}
PRODUCT, OTHER = "M365-BP-M", "M365-E3-M"
MARCH_17 = datetime(2026, 3, 17, 9, tzinfo=UTC)


def profile(product: str = PRODUCT, **changes: Any) -> BillingProfile:
    """`price` as mapping files write it is a PricePolicy here; the default is the PSA's own."""
    return BillingProfile(product.lower(), product, **{"price": PricePolicy(), **changes})


def row(count: str | Count = PREMIUM, **changes: Any) -> Row:
    """One licence of Contoso's tenant on agreement 1021, which takes over a line that is there."""
    counted = LicenceCount(count) if isinstance(count, str) else count
    plain = Row(CONTOSO, TENANT, counted, profile(), AGREEMENT, Place("contoso.toml", 1), adopt=True)
    return replace(plain, **changes)


def seats(purchased: int, sku: str = PREMIUM, assigned: int = 0, **changes: Any) -> Observation:
    """A licence of which so many are purchased, in one subscription."""
    bought = (Subscription(f"sub-{PARTS[sku]}", purchased, Status.ENABLED),) if purchased else ()
    return replace(Observation(sku, PARTS[sku], NAMES[sku], purchased, assigned, True, bought), **changes)


def person(login: str, *skus: str, **changes: Any) -> Member:
    name = login.split("@")[0].title()
    plain = Member(f"id-{login}", login, name, True, False, frozenset(skus or (PREMIUM,)), {})
    return replace(plain, **changes)


@dataclass(slots=True)
class Tenant:
    """A source that shows what the test put there, `more` of it where rows ask; with `failure` it cannot be read."""

    clock: StillClock
    observations: tuple[Observation, ...] = ()
    people: tuple[Member, ...] = ()
    failure: ReadFailed | None = None
    more: dict[str, Any] = field(default_factory=dict)
    name: str = "microsoft"

    def accounts(self) -> Sequence[Account]:
        return [Account(self.name, TENANT)]

    def check(self, account: Account, needs: Needs = NO_NEEDS, elsewhere: Needs = NO_NEEDS) -> Sequence[Finding]:
        return []

    def observe(self, account: Account, needs: Needs = NO_NEEDS) -> Snapshot:
        if self.failure is not None:
            raise self.failure
        seen = {one.sku: one for one in self.observations}
        covered = frozenset(Coverage) - self.more.get("gaps", {}).keys()
        return Snapshot(account, self.clock.now(), seen, self.people, covered, **self.more)


@dataclass
class Shop:
    """The agent with its folder. No guard but those that nothing switches off stands in the way."""

    folder: Path
    rows: tuple[Row, ...]
    prorates: bool = True
    next_invoice: str = "2026-04-01"
    credits: str = "off"
    cycle_name: str = "Monthly"
    exclusions: tuple[Exclusion, ...] = ()
    site: simulated.ConnectWise = field(init=False)
    tenant: Tenant = field(init=False)
    cycle: Cycle = field(init=False)

    def __post_init__(self) -> None:
        clock = StillClock(SimClock(MARCH_17))
        self.site = simulated.ConnectWise(clock.shared)
        self.tenant = Tenant(clock)
        self._furnish()
        store = open_store("", self.folder, clock)
        adapter = ConnectWise(
            connect=self._connect,
            url="https://na.myconnectwise.net",
            company=self.site.site.company,
            public_key=lambda: self.site.site.public_key,
            private_key=lambda: self.site.site.private_key,
            client_id="22222222-2222-2222-2222-222222222222",
            installation=store.installation,
            settle=SETTLE,
            credits=self.credits,
        )
        limits = Limits(1000, 100, 1000, 100, 1000, 99, raise_times=1000)
        policy = Policy("USD", limits, timedelta(seconds=60), timedelta(hours=24), store.installation)
        catalogue = Catalogue(adapter, clock, timedelta(0))
        self.cycle = Cycle(self.tenant, adapter, store, clock, UTC_ZONE, policy, Here(), Here(), catalogue, Turns())

    def _furnish(self) -> None:
        for company, name in ((CONTOSO, "Contoso"), (FABRIKAM, "Fabrikam")):
            self.site.add_company(name, id=company)
        terms = {"bills_from": "2026-01-01", "next_invoice": self.next_invoice}
        for number, company in ((AGREEMENT, CONTOSO), (SECOND, CONTOSO), (THEIRS, FABRIKAM)):
            options: Any = {**terms, "prorates": self.prorates, "cycle": self.cycle_name}
            self.site.add_agreement(company, f"Managed {number}", id=number, **options)
        for product in (PRODUCT, OTHER):
            self.site.add_product(product, price="22.00", cost="17.60")

    def _connect(self, base_url: str) -> Outgoing:
        return Outgoing(base_url=base_url, transport=lambda: Transport({"https://": self.site}), sleep=lambda _: None)

    @property
    def mappings(self) -> Mappings:
        companies = {CONTOSO: "Contoso", FABRIKAM: "Fabrikam"}
        placed = [replace(r, place=Place("contoso.toml", n)) for n, r in enumerate(self.rows, 1)]
        files = [
            CompanyMapping(id, name, (TENANT,), Mode.AUTO, rows, (), Place(f"{name}.toml", 1))
            for id, name in companies.items()
            if (rows := tuple(r for r in placed if r.company == id)) or id == CONTOSO
        ]
        return Mappings({file.company: file for file in files}, self.exclusions, "digest")

    def sees(self, *observations: Observation, people: Sequence[Member] = ()) -> Shop:
        """From now on the tenant shows this."""
        self.tenant.observations, self.tenant.people, self.tenant.failure = observations, tuple(people), None
        return self

    def bills(self, quantity: int, **fields: Any) -> Shop:
        """An addition of long ago, which has been invoiced as far as the agreement, is the first row's by now."""
        self.site.add_addition(AGREEMENT, fields.pop("product", PRODUCT), quantity, effective="2026-01-01", **fields)
        return self.sees(seats(quantity)).sync()

    def on(self, day: str) -> Shop:
        """Time passes to nine in the morning of a day."""
        shared = self.tenant.clock.shared
        ahead = datetime.fromisoformat(f"{day}T09:00:00+00:00") - shared.now()
        shared.advance(seconds=int(ahead.total_seconds()))
        return self

    def forget_lines(self) -> Shop:
        """The store is one that was put back from before the agent had any line."""
        with closing(sqlite3.connect(self.folder / "trueup.db")) as store, store:
            store.executescript("DELETE FROM binding; DELETE FROM sighting; DELETE FROM charge; DELETE FROM boundary;")
        return self

    def plan(self) -> tuple[Planned, ...]:
        """A run that writes nothing; a minute before it another one, whose lower counts it confirms."""
        for _ in range(2):
            result = self._run(dry=True)
        return tuple(p for plan in result.plans for p in plan.planned)

    def sync(self) -> Shop:
        """Runs, a minute apart, until nothing is left to be written unasked."""
        for _ in range(4):
            self._run()
        return self

    def approve(self) -> Shop:
        """A person approves all that is held, and it is written."""
        self.plan()
        store, now = self.cycle.store, self.cycle.clock.now()
        for hold in store.holds():
            store.decide(hold.digest, "approved", "somebody", now, now + timedelta(hours=24))
        return self.sync()

    def _run(self, dry: bool = False) -> Result:
        self.tenant.clock.shared.advance(seconds=61)
        mappings = self.mappings
        return self.cycle.run(mappings, list(mappings.companies), "test", dry=dry)

    def additions(self, agreement: int = AGREEMENT) -> list[tuple[int, str, str]]:
        """Quantity, first day, last day ("" while open) of every addition, oldest first."""
        return [
            (int(a["quantity"]), a["effectiveDate"][:10], (a.get("cancelledDate") or "")[:10])
            for a in self.site.additions(agreement)
        ]

    def prices(self, agreement: int = AGREEMENT) -> list[Decimal]:
        return [a["unitPrice"] for a in self.site.additions(agreement)]

    def text(self, agreement: int = AGREEMENT) -> str:
        """The invoice text of the newest addition."""
        return str(self.site.additions(agreement)[-1]["invoiceDescription"])

    def invoice(self, agreement: int = AGREEMENT) -> Decimal:
        """The total of the next invoice, which is made."""
        (invoice,) = self.site.invoice(agreement)
        return invoice.total

    def findings(self) -> dict[Code, str]:
        return {known.finding.code: known.finding.sentence for known in self.cycle.store.findings()}

    def holds(self) -> list[str]:
        """Why changes wait for a person."""
        return [reason for hold in self.cycle.store.holds() for reason in hold.reasons]


def day(text: str) -> date:
    return date.fromisoformat(text)
