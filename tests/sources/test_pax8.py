"""Pax8 keeps the laws of every source, and what it tells becomes our words."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from agent.domain.counts import Account, Coverage, Hint, Status, Term, Unit
from agent.domain.money import Money
from agent.errors import Absent, CredentialsRejected, Incomplete
from agent.simulators.pax8 import CLIENT_ID, SECRET, Pax8
from agent.simulators.simulator import SimClock
from agent.sku_table import shipped
from agent.sources.pax8 import Credential, Pax8Source
from tests.contract.source_contract import SourceContract
from tests.published.checker import assert_log_published
from tests.sources.counter import MARCH, Clock, CounterStage, outgoing

URL = "https://api.pax8.com"
CONTOSO = "0b4c0000-0000-4000-8000-00000000abcd"
SPB = "cbdc14ab-d96c-4c30-b9f4-6ada7cdc1d46"
E3 = "05e9a617-0261-4cee-bb44-138d3ef5d965"


class Shop:
    """Contoso at Pax8: 12 Business Premium, and whatever a test sells besides."""

    def __init__(self) -> None:
        self.pax8 = Pax8(SimClock(MARCH))
        self.pax8.add_company("Contoso Ltd", CONTOSO)
        self.premium = self.pax8.add_product("Microsoft 365 Business Premium [NCE]")
        self.backup = self.pax8.add_product("Cloud Backup", "Axcient")
        self.bought = self.sell(12)
        self.clock = Clock(self.pax8.clock)
        self.account = Account("pax8", CONTOSO)

    def sell(self, quantity: int, sku: str = SPB, **fields: object) -> str:
        return self.pax8.sell(CONTOSO, self.premium, quantity, vendorSkuId=sku.upper(), **fields)

    def source(self, secret: str = SECRET, **given: Any) -> Pax8Source:
        credential = Credential(CLIENT_ID, lambda: secret)
        return Pax8Source("pax8", outgoing(self.pax8, URL), credential, self.clock, shipped(), **given)

    def asked(self, path: str) -> int:
        return sum(one.request.path.startswith(path) for one in self.pax8.log)


@pytest.fixture
def shop() -> Shop:
    return Shop()


class TestPax8(SourceContract):
    @pytest.fixture
    def stage(self) -> CounterStage:
        shop = Shop()
        for number in range(25):  # more than one page of 20
            shop.pax8.sell(CONTOSO, shop.backup, number + 1)
        stranger = Account("pax8", "0b4c0000-0000-4000-8000-000000000002")
        return CounterStage(shop.pax8, shop.source(size=20), shop.account, stranger)


def test_purchases_are_told_with_term_price_and_cost(shop: Shop) -> None:
    """A licence by its GUID and our name for it; nobody knows who uses it."""
    shop.pax8.change(
        shop.bought,
        billingTerm="Monthly",
        vendorSubscriptionId="C0FFEE00-0000-4000-8000-000000000001",
        commitmentTerm={"id": "0b4c0000-0000-4000-8000-000000000009", "term": "1-Year", "endDate": "2026-12-02"},
    )
    seen = shop.source().observe(shop.account)

    premium = seen.observations[SPB]
    [bought] = premium.subscriptions
    assert (premium.name, premium.purchased, premium.assigned) == ("Microsoft 365 Business Premium", 12, None)
    assert premium.told == "12 seats purchased"
    assert (bought.cost, bought.price) == (Money(Decimal("16.00"), "USD"), Money(Decimal("20.00"), "USD"))
    assert bought.paid == 1
    assert bought.commerce == "c0ffee00-0000-4000-8000-000000000001"
    assert bought.deal is not None
    assert (bought.deal.term, bought.deal.ends) == (Term(12, 1), datetime(2026, 12, 3, tzinfo=UTC))
    assert Coverage.MEMBERS not in seen.coverage
    assert_log_published(shop.pax8, "pax8")


def test_subscriptions_of_one_licence_are_one_product(shop: Shop) -> None:
    """12 + 5 = 17: the tenant pools them as well. What is not Microsoft's goes by Pax8's own id."""
    shop.sell(5)
    shop.pax8.sell(CONTOSO, shop.backup, 3)
    seen = shop.source().observe(shop.account).observations

    assert {key: one.purchased for key, one in seen.items()} == {SPB: 17, shop.backup: 3}
    assert seen[shop.backup].unit is Unit.SEAT


@pytest.mark.parametrize(
    ("fields", "status", "purchased"),
    [
        ({"status": "Trial"}, Status.TRIAL, 12),
        ({"status": "PendingManual"}, Status.PENDING, 12),
        ({"status": "Cancelled"}, Status.DELETED, 12),
        ({"status": "PendingCancel", "endDate": "2026-04-01T00:00:00Z"}, Status.ENABLED, 17),
        ({"endDate": "2026-03-01"}, Status.DELETED, 12),
        ({"endDate": "2026-12-31"}, Status.ENABLED, 17),
    ],
)
def test_only_what_is_in_force_counts(shop: Shop, fields: dict[str, object], status: Status, purchased: int) -> None:
    """12 are active; 5 more count only while they are, and are told in any case."""
    shop.sell(5, **fields)
    premium = shop.source().observe(shop.account).observations[SPB]

    assert [one.status for one in premium.subscriptions] == [Status.ENABLED, status]
    assert (premium.purchased, premium.contradicts_itself) == (purchased, False)


def test_unknown_status_is_a_doubt(shop: Shop) -> None:
    """Pax8's lists of words are open: a new one is no number to bill on."""
    shop.sell(5, status="OnHold")
    assert shop.source().observe(shop.account).observations[SPB].contradicts_itself


def test_coming_invoice_counts_seats_and_adds_up_money(shop: Shop) -> None:
    """12 x 16.00 + 5 x 16.00 = 272.00 for 17 seats."""
    shop.sell(5)
    invoiced = shop.source().observe(shop.account).observations[SPB].invoiced

    assert invoiced is not None
    assert (invoiced.quantity, invoiced.cost) == (17, Money(Decimal("272.00"), "USD"))


def test_invoice_may_be_left_alone(shop: Shop) -> None:
    """A credential without that right reads purchases all the same."""
    seen = shop.source(invoice=False).observe(shop.account)
    assert Coverage.INVOICE not in seen.coverage
    assert shop.asked("/v1/invoices") == 0


def test_ids_of_licences_are_asked_for_once(shop: Shop) -> None:
    """Only the call for one subscription tells them, and they never change."""
    source = shop.source()
    source.observe(shop.account)
    source.observe(shop.account)

    assert (shop.asked(f"/v1/subscriptions/{shop.bought}"), shop.asked("/v1/products/")) == (1, 1)


def test_accounts_carry_hints(shop: Shop) -> None:
    """What the MSP wrote as external id is a tenant's id or a PSA's; the website is a domain."""
    tenant = "4f1c0000-0000-4000-8000-00000000abcd"
    shop.pax8.add_company("Fabrikam", external_id=tenant.upper(), website="https://www.fabrikam.com/about")
    shop.pax8.add_company("Wingtip", external_id="252")
    hints = {one.name: dict(one.hints) for one in shop.source().accounts()}

    assert hints["Fabrikam"] == {Hint.TENANT: tenant, Hint.DOMAIN: "fabrikam.com"}
    assert hints["Wingtip"] == {Hint.COMPANY: "252"}
    assert hints["Contoso Ltd"] == {}


def test_company_that_is_gone_is_no_zero(shop: Shop) -> None:
    """Its subscriptions would read as an empty list."""
    del shop.pax8.companies[CONTOSO]
    with pytest.raises(Absent):
        shop.source().observe(shop.account)


def test_wrong_secret_stops_all(shop: Shop) -> None:
    """The same key would be refused for every company."""
    with pytest.raises(CredentialsRejected):
        shop.source("canary-wrong").observe(shop.account)


def test_revoked_token_is_replaced_once(shop: Shop) -> None:
    """A token that is refused before its time is asked for anew; the read goes on."""
    source = shop.source()
    source.observe(shop.account)
    shop.pax8.issued.known.clear()

    assert source.observe(shop.account).observations[SPB].purchased == 12
    assert shop.asked("/v1/token") == 2


def test_half_a_seat_is_refused(shop: Shop) -> None:
    """Quantities of metered products are fractions, and no seats."""
    shop.pax8.change(shop.bought, quantity=Decimal("1.50"))
    with pytest.raises(Incomplete):
        shop.source().observe(shop.account)


def test_list_that_changes_while_it_is_read_is_not_whole(shop: Shop) -> None:
    """230 rows are two pages; one is sold between them."""
    for number in range(229):
        shop.pax8.sell(CONTOSO, shop.backup, number + 1)
    source = shop.source()
    source.observe(shop.account)
    shop.pax8.faults.add("count-wrong", path="/subscriptions$", nth=2)
    with pytest.raises(Incomplete):
        source.observe(shop.account)
    shop.pax8.clock.advance(seconds=timedelta(minutes=1).seconds)
    assert source.observe(shop.account).observations[shop.backup].purchased == sum(range(1, 230))
