"""One company with one licence on one agreement of the simulated ConnectWise, and a whole agent that looks after it.

Agent, store and adapter are the real ones; time stands still until it is moved.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction
from functools import cache
from pathlib import Path

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
from agent.simulators.wire import SimClock, Transport
from agent.store import open_store
from tests.billing.ledger import LONG_AGO, RECHECK, Deal
from tests.engine.here import AGREEMENT, COMPANY, TENANT, UTC_ZONE, Here, Seats, StillClock

PRODUCT, SKU = "M365-BP-M", "cbdc14ab-d96c-4c30-b9f4-6ada7cdc1d46"
OPENS = time(9, tzinfo=UTC)


@dataclass(slots=True)
class Site:
    """`next_invoice` stands at the beginning; `paid` seats are on a line that is billed up to it."""

    deal: Deal
    today: date
    next_invoice: date
    paid: int = 0
    psa: simulated.ConnectWise = field(init=False)
    seats: Seats = field(init=False)
    clock: StillClock = field(init=False)
    agent: Cycle = field(init=False)
    folder: Path = field(init=False)

    def __post_init__(self) -> None:
        self.clock = StillClock(SimClock(datetime.combine(self.today, OPENS)))
        self.seats = Seats(self.clock, {SKU: self.paid})
        self.psa = simulated.ConnectWise(self.clock.shared, simulated.Site(), log_size=100)
        self._set_up()
        self.folder = Path(tempfile.mkdtemp(dir=_fast_folder()))
        shutil.copytree(_empty_store(), self.folder, dirs_exist_ok=True)
        self._start_agent()

    def _set_up(self) -> None:
        deal = self.deal
        self.psa.add_company("Contoso", id=COMPANY)
        self.psa.add_agreement(
            COMPANY,
            "Microsoft 365",
            id=AGREEMENT,
            bills_from=max(deal.bills_from, date(2000, 1, deal.anchor.day)),
            next_invoice=self.next_invoice,
            prorates=deal.prorates,
            cycle="Monthly" if deal.months == 1 else "Yearly",
        )
        self.psa.add_product(PRODUCT, price=deal.price, cost=Decimal("1.00"))
        if self.paid:
            shown = deal.shown(self.paid)
            included = {"lessIncluded": Decimal(shown - deal.billed(self.paid))}
            self.psa.add_addition(AGREEMENT, PRODUCT, shown, effective=date(2000, 1, deal.anchor.day), **included)

    def _start_agent(self) -> None:
        store = open_store("", self.folder, self.clock)
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
        limits = Limits(self.deal.free, 0, self.deal.free, 0, 1_000_000, 99)
        self.agent = Cycle(
            source=self.seats,
            psa=adapter,
            store=store,
            clock=self.clock,
            zone=UTC_ZONE,
            policy=Policy("USD", limits, RECHECK, timedelta(days=1), store.installation),
            pool=Here(),
            catalogue=Catalogue(adapter, self.clock, timedelta(days=1)),
            turns=Turns(),
        )

    def close(self) -> None:
        self.agent.store.dispose()
        shutil.rmtree(self.folder)

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

    def invoice(self) -> None:
        self.psa.invoice(AGREEMENT)

    def goes_to(self, at: datetime) -> None:
        self.clock.shared.set(at)

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
    def standing(self) -> int:
        """Seats that go on being billed."""
        return sum(int(a["quantity"]) for a in self.psa.additions(AGREEMENT) if "cancelledDate" not in a)

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
            start_on=deal.start_on if deal.start_on > LONG_AGO else None,
            adopt=True,
        )
        company = CompanyMapping(COMPANY, "Contoso", (TENANT,), Mode.AUTO, (row,), (), place)
        return Mappings({COMPANY: company}, (), "digest")


@contextmanager
def site(deal: Deal, today: date, next_invoice: date, paid: int = 0) -> Iterator[Site]:
    made = Site(deal, today, next_invoice, paid)
    try:
        yield made
    finally:
        made.close()


@cache
def _empty_store() -> Path:
    """A store that has been made once; making one takes longer than a month of cycles."""
    folder = Path(tempfile.mkdtemp(dir=_fast_folder()))
    open_store("", folder, StillClock(SimClock(datetime(2020, 1, 1, tzinfo=UTC)))).dispose()
    return folder


def _fast_folder() -> str | None:
    # What is on trial is money, not the disk.
    shared = Path("/dev/shm")  # noqa: S108
    return str(shared) if shared.is_dir() else None
