"""What a seller sold beside what the tenant has: only two numbers that are known can differ."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal

import pytest

from agent.domain.counts import Account, Coverage, Deal, Invoiced, Observation, Snapshot, Status, Subscription, Term
from agent.domain.findings import Code, Finding, Severity, Stop
from agent.domain.money import Money
from agent.domain.orders import of_orders
from agent.domain.sales import of_sales, with_deals
from tests.domain.given import NOW, TENANT, mapping, mappings, observation, snapshot

SELLER = "pax8:0a1b"
UNKNOWN: Mapping[str, Mapping[str, object]] = {
    "no number": {"prepaid": None, "subscriptions": ()},
    "a word that is not known": {"subscriptions": (Subscription("a", 12, Status.UNKNOWN),)},
    "two numbers of its own": {"prepaid": 9},
}


YEAR = Deal(Term(12, 1), 12, by="Pax8")
SOLD = Subscription("p1", 12, Status.ENABLED, commerce="c1", deal=YEAR)
HELD = Subscription("t1", 12, Status.ENABLED, commerce="c1")


def sold(seen: Observation) -> Snapshot:
    covered = frozenset({Coverage.LICENCES, Coverage.SUBSCRIPTIONS, Coverage.TERMS})
    return Snapshot(Account.parse(SELLER), NOW, {seen.sku: seen}, (), covered)


def purchases(*more: Subscription) -> Observation:
    """12 in force, and what else there is."""
    return observation(purchased=12, subscriptions=(SOLD, *more))


def held(*subscriptions: Subscription, **changes: object) -> Snapshot:
    """What the tenant itself tells; nobody has asked a seller."""
    tenant = snapshot(observation(subscriptions=subscriptions))
    return replace(tenant, **{"coverage": frozenset(Coverage) - {Coverage.TERMS}, **changes})


def joined(tenant: Snapshot, *sellers: Snapshot, tenants_of: int = 1) -> Snapshot:
    company = replace(mapping(), accounts=(TENANT, SELLER))
    companies = [replace(company, company=250 + n) for n in range(tenants_of)]
    read = {one.account.ref: one for one in (tenant, *sellers)}
    return with_deals(companies[0], mappings(*companies), read)[TENANT]


def deals(tenant: Snapshot) -> list[Deal | None]:
    return [one.deal for seen in tenant.observations.values() for one in seen.subscriptions]


def found(bought: Observation, held: Snapshot) -> list[Finding]:
    company = replace(mapping(), accounts=(TENANT, SELLER))
    return list(of_sales(company, mappings(company), {TENANT: held, SELLER: sold(bought)}))


def test_seats_that_the_tenant_does_not_have_are_told() -> None:
    """12 bought, and a tenant that was read whole and lists none of them."""
    [told] = found(observation(purchased=12), snapshot())
    assert told.sentence == "Licence cbdc: 12 bought at pax8, 0 in the tenant"


@pytest.mark.parametrize("change", UNKNOWN.values(), ids=UNKNOWN)
def test_purchase_that_is_not_known_compares_with_nothing(change: Mapping[str, object]) -> None:
    """Neither at the seller nor in the tenant is an unknown number zero, or the part of it that is known."""
    unsure, known = observation(purchased=12, **change), observation(purchased=10)
    assert found(unsure, snapshot(known)) == []
    assert found(known, snapshot(unsure)) == []


@pytest.mark.parametrize("change", UNKNOWN.values(), ids=UNKNOWN)
def test_invoice_is_not_compared_with_an_unknown_purchase(change: Mapping[str, object]) -> None:
    """5 are about to be billed: against 12 that is told, against an unknown number not."""
    about = Invoiced(5, Money(Decimal(80), "USD"))
    same = snapshot(observation(purchased=12))
    [told] = found(observation(purchased=12, invoiced=about), same)
    assert told.sentence.endswith("is about to bill 5, 12 are in force")
    assert found(observation(purchased=12, invoiced=about, **change), same) == []


def test_seller_tells_the_term_of_the_tenants_purchase() -> None:
    """One purchase at both sides has one id in commerce; what was bought elsewhere stays without a term."""
    elsewhere = replace(HELD, id="t2", commerce="c2")
    told = joined(held(HELD, elsewhere), sold(purchases()))
    assert deals(told) == [YEAR, None]
    assert Coverage.TERMS in told.coverage


def test_partner_center_is_asked_before_the_seller() -> None:
    """It is Microsoft's own word."""
    direct = Deal(Term(36, 12), 12, by="Partner Center")
    assert deals(joined(held(replace(HELD, deal=direct)), sold(purchases()))) == [direct]


def test_who_was_not_asked_is_not_contradicted() -> None:
    """A seller that was not read, or Partner Center that failed: what was known of terms stays known."""
    assert Coverage.TERMS not in joined(held(HELD, coverage=frozenset(Coverage))).coverage
    failed = held(HELD, gaps={Coverage.TERMS: Stop(Code.SOURCE_INCOMPLETE, "no answer", "wait")})
    told = joined(failed, sold(purchases()))
    assert (Coverage.TERMS in told.coverage, deals(told)) == (False, [YEAR])


def test_tenant_of_several_companies_is_kept_as_it_was_read() -> None:
    """Its reading is stored once, and each of them may have another seller."""
    tenant = held(HELD)
    assert joined(tenant, sold(purchases()), tenants_of=2) is tenant


@pytest.mark.parametrize(
    ("more", "seats", "told"),
    [
        (Subscription("o", 5, Status.PENDING), 17, "5 more ordered there"),
        (Subscription("o", 5, Status.TRIAL), 17, "5 more on trial there"),
        (Subscription("o", 5, Status.ENABLED, ends=NOW), 12, "5 of them end there from 2026-03-17 on"),
    ],
)
def test_order_under_way_explains_the_difference(more: Subscription, seats: int, told: str) -> None:
    """Exactly its seats differ: said, without money, and no alarm. One seat more is one."""
    bought = purchases(more)
    bought = replace(bought, prepaid=bought.purchased)
    [finding] = found(bought, snapshot(observation(purchased=seats)))
    assert (finding.severity, finding.money) == (Severity.INFO, None)
    assert finding.sentence.endswith(f"; {told}")
    [finding] = found(bought, snapshot(observation(purchased=seats + (1 if seats == 17 else -1))))
    assert finding.severity is Severity.WARNING


def test_orders_trials_and_ends_are_told() -> None:
    """Each by its day; an order that hangs for more than three days is a warning."""
    told = [
        Subscription("a", 5, Status.PENDING, created=NOW),
        Subscription("b", 1, Status.PENDING, created=NOW.replace(day=10)),
        Subscription("c", 3, Status.TRIAL, ends=NOW.replace(day=31, hour=0)),
        Subscription("d", 4, Status.ENABLED, ends=NOW.replace(day=31)),
        Subscription("e", 4, Status.DELETED, ends=NOW),
    ]
    seller = sold(purchases(*told))
    name = "Licence cbdc"
    assert [(one.code, one.severity, one.sentence) for one in of_orders(seller, 250)] == [
        (Code.ORDER_PENDING, Severity.INFO, f"{name}: 5 seats ordered at pax8 since 2026-03-17, not delivered yet"),
        (Code.ORDER_PENDING, Severity.WARNING, f"{name}: 1 seat ordered at pax8 since 2026-03-10, not delivered yet"),
        (Code.PURCHASE_ON_TRIAL, Severity.INFO, f"{name}: 3 seats on trial at pax8 until 2026-03-30"),
        (Code.PURCHASE_ENDS, Severity.INFO, f"{name}: 4 seats bought at pax8 end on 2026-03-31"),
    ]
    assert list(of_orders(held(*told), 250)) == []
