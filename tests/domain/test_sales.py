"""What a seller sold beside what the tenant has: only two numbers that are known can differ."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal

import pytest

from agent.domain.counts import Account, Coverage, Invoiced, Observation, Snapshot, Status, Subscription
from agent.domain.findings import Finding
from agent.domain.money import Money
from agent.domain.sales import of_sales
from tests.domain.given import NOW, TENANT, mapping, mappings, observation, snapshot

SELLER = "pax8:0a1b"
UNKNOWN: Mapping[str, Mapping[str, object]] = {
    "no number": {"prepaid": None, "subscriptions": ()},
    "a word that is not known": {"subscriptions": (Subscription("a", 12, Status.UNKNOWN),)},
    "two numbers of its own": {"prepaid": 9},
}


def sold(seen: Observation) -> Snapshot:
    covered = frozenset({Coverage.LICENCES, Coverage.SUBSCRIPTIONS})
    return Snapshot(Account.parse(SELLER), NOW, {seen.sku: seen}, (), covered)


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
