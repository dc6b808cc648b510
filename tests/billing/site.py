"""One company with one licence on one agreement of the simulated ConnectWise, and a whole agent that looks after it.

Planner, engine and adapter are the real ones; the store is in memory, and time stands still until it is moved.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction

from agent.domain.counts import NO_NEEDS, Account, Coverage, Needs, Observation, Snapshot, Status, Subscription
from agent.domain.findings import Finding
from agent.domain.guards import Limits
from agent.domain.mappings import (
    AtZero,
    BillingProfile,
    CompanyMapping,
    Decrease,
    Increase,
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
from agent.outgoing import Outgoing
from agent.psa.connectwise import ConnectWise
from agent.simulators import connectwise as simulated
from agent.simulators.connectwise.billing import Invoice
from agent.simulators.wire import SimClock, Transport
from tests.billing.deal import Deal, days
from tests.billing.readings import RECHECK
from tests.engine.here import AGREEMENT, COMPANY, TENANT, UTC_ZONE, Here, StillClock
from tests.engine.memory_store import Disk, MemoryStore

PRODUCT, SKU = "M365-BP-M", "cbdc14ab-d96c-4c30-b9f4-6ada7cdc1d46"
OPENS = time(9, tzinfo=UTC)


@dataclass(slots=True)
class Tenant:
    """A source of one licence: purchases with their days, the newest of which give way when there are fewer seats."""

    clock: StillClock
    bought: list[tuple[date, int]]
    name: str = "microsoft"

    @property
    def seats(self) -> int:
        return sum(seats for _, seats in self.bought)

    def sets(self, seats: int, bought_on: date) -> None:
        if seats > self.seats:
            self.bought.append((bought_on, seats - self.seats))
        while seats < self.seats:
            day, _ = self.bought.pop()
            if self.seats < seats:
                self.bought.append((day, seats - self.seats))

    def accounts(self) -> Sequence[Account]:
        return [Account(self.name, TENANT)]

    def check(self, account: Account, needs: Needs = NO_NEEDS, elsewhere: Needs = NO_NEEDS) -> Sequence[Finding]:
        return []

    def observe(self, account: Account, needs: Needs = NO_NEEDS) -> Snapshot:
        bought = enumerate(self.bought)
        subscriptions = tuple(
            Subscription(f"sub-{n}", seats, Status.ENABLED, datetime.combine(day, OPENS)) for n, (day, seats) in bought
        )
        seen = Observation(SKU, "SPB", "Business Premium", self.seats, 0, True, subscriptions)
        return Snapshot(account, self.clock.now(), {SKU: seen}, (), frozenset(Coverage))


@dataclass(slots=True)
class Site:
    """`next_invoice` stands at the beginning; `paid` seats are on a line that is billed up to it."""

    deal: Deal
    today: date
    next_invoice: date
    paid: int = 0
    psa: simulated.ConnectWise = field(init=False)
    tenant: Tenant = field(init=False)
    clock: StillClock = field(init=False)
    agent: Cycle = field(init=False)

    def __post_init__(self) -> None:
        self.clock = StillClock(SimClock(datetime.combine(self.today, OPENS)))
        self.tenant = Tenant(self.clock, [(date(2020, 1, 1), self.paid)] if self.paid else [])
        self.psa = simulated.ConnectWise(self.clock.shared, simulated.Site(), log_size=100)
        self._set_up()
        self._start_agent()

    def _set_up(self) -> None:
        deal = self.deal
        self.psa.add_company("Contoso", id=COMPANY)
        fields = {"prorates": deal.prorates, "cycle": "Monthly" if deal.months == 1 else "Yearly"}
        began = date(2000, 1, deal.anchor.day)
        starts = max(deal.bills_from, began)
        if deal.child:
            self.psa.add_agreement(COMPANY, "Everything", id=AGREEMENT - 1, bills_from=starts, **fields)
            fields["parentAgreement"] = {"id": AGREEMENT - 1, "name": "Everything"}
        agreement = {"id": AGREEMENT, "bills_from": starts, "next_invoice": self.next_invoice, **fields}
        self.psa.add_agreement(COMPANY, "Microsoft 365", **agreement)
        self.psa.add_product(PRODUCT, price=deal.price, cost=Decimal("1.00"))
        if self.paid:
            shown = deal.shown(self.paid)
            included = {"lessIncluded": Decimal(shown - deal.billed(self.paid))}
            self.psa.add_addition(AGREEMENT, PRODUCT, shown, effective=began, **included)

    def _start_agent(self) -> None:
        store = MemoryStore(Disk(), self.clock)
        adapter = ConnectWise(
            connect=lambda base_url: Outgoing(
                base_url=base_url, transport=lambda: Transport({"https://": self.psa}), sleep=lambda seconds: None
            ),
            url="https://psa.example.com",
            company=self.psa.site.company,
            public_key=lambda: self.psa.site.public_key,
            private_key=lambda: self.psa.site.private_key,
            client_id="22222222-2222-2222-2222-222222222222",
            installation=store.installation,
            credits="negative-quantity" if self.deal.credits else "off",
        )
        limits = Limits(self.deal.free, 0, self.deal.free, 0, 1_000_000, 99, raise_times=1_000_000)
        self.agent = Cycle(
            source=self.tenant,
            psa=adapter,
            store=store,
            clock=self.clock,
            zone=UTC_ZONE,
            policy=Policy("USD", limits, RECHECK, timedelta(days=1), store.installation),
            pool=Here(),
            wire=Here(),
            catalogue=Catalogue(adapter, self.clock, timedelta(days=400)),
            turns=Turns(),
        )

    # What happens.

    def cycle(self) -> Result:
        result = self.agent.run(self._mappings(), [COMPANY], "test")
        assert result.state == "done", result
        return result

    def answers(self) -> None:
        """A person approves all that is held."""
        store, now = self.agent.store, self.clock.now()
        for hold in store.holds():
            store.decide(hold.digest, "approved", "ana", now, now + timedelta(hours=24))

    def invoice(self) -> Sequence[Invoice]:
        return self.psa.invoice(AGREEMENT)

    def undo(self) -> None:
        """The last invoice is deleted."""
        self.psa.uninvoice(AGREEMENT)

    def goes_to(self, at: datetime) -> None:
        self.clock.shared.set(at)

    def status(self, status: str) -> None:
        """`Expired`, or `Active` when it was renewed."""
        self.psa.person_edits_agreement(AGREEMENT, agreementStatus=status)

    # What it comes to.

    @property
    def boundary(self) -> date:
        return date.fromisoformat(str(self.psa.agreement(AGREEMENT)["nextInvoiceDate"])[:10])

    @property
    def invoiced(self) -> Fraction:
        """The exact sum of all charges, before any line was rounded."""
        charges = [charge for invoice in self.psa.invoices(AGREEMENT) for charge in invoice.charges]
        return sum((charge.amount for charge in charges), Fraction(0))

    @property
    def printed(self) -> list[Decimal]:
        """The amount of every line of every invoice, each rounded to cents."""
        return [amount for invoice in self.psa.invoices(AGREEMENT) for amount in invoice.lines.values()]

    @property
    def charged(self) -> Counter[date]:
        """Seats invoiced for each day."""
        found = Counter[date]()
        for charge in (charge for invoice in self.psa.invoices(AGREEMENT) for charge in invoice.charges):
            found.update({day: int(charge.quantity) for day in days(charge.span.first, charge.span.end)})
        return found

    @property
    def standing(self) -> int:
        """Seats that go on being billed."""
        open_lines = [a for a in self.psa.additions(AGREEMENT) if "cancelledDate" not in a]
        return sum(int(a["quantity"] - a["lessIncluded"]) for a in open_lines)

    @property
    def lines(self) -> list[str]:
        """What stands in ConnectWise, as its screen shows it."""
        return [
            f"{int(a['quantity'] - a['lessIncluded'])} from {a['effectiveDate'][:10]}"
            + (f" to {a['cancelledDate'][:10]}" if "cancelledDate" in a else "")
            for a in self.psa.additions(AGREEMENT)
        ]

    def _mappings(self) -> Mappings:
        deal, place = self.deal, Place("contoso.toml", 1)
        profile = BillingProfile(
            name="premium",
            product=PRODUCT,
            price=PricePolicy(),
            increase=Increase(deal.increase),
            decrease=Decrease(deal.decrease),
            at_zero=AtZero(deal.at_zero),
            show_included=deal.show_included,
            date_from_source=deal.dated,
        )
        row = Row(
            COMPANY,
            TENANT,
            LicenceCount(SKU),
            profile,
            AGREEMENT,
            place,
            included=deal.included,
            minimum=deal.minimum,
            start_on=deal.start_on,
            adopt=True,
        )
        company = CompanyMapping(COMPANY, "Contoso", (TENANT,), Mode.AUTO, (row,), (), place)
        return Mappings({COMPANY: company}, (), "digest")
