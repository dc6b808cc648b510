"""The simulated Partner Center answers as published, and to a direct partner only."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from agent.simulators.microsoft import MicrosoftSimulator, tokens
from agent.simulators.wire import Headers, Request, Response, SimClock
from tests.published.checker import assert_log_published

CONTOSO = "4f1c0000-0000-4000-8000-00000000abcd"
PARTNER = "4f1c0000-0000-4000-8000-000000000003"
MARCH = datetime(2026, 3, 17, 9, tzinfo=UTC)


@pytest.fixture
def microsoft() -> MicrosoftSimulator:
    """Contoso has 10 seats from the partner, for a year, and 3 from somebody else."""
    microsoft = MicrosoftSimulator(SimClock(MARCH))
    contoso = microsoft.add_tenant(CONTOSO, "Contoso", ["contoso.com"])
    microsoft.add_tenant(PARTNER, "Brasswren", ["brasswren.com"])
    microsoft.partner_center.partners.add(PARTNER)
    ends = "2027-03-15T09:00:00+00:00"
    contoso.add_subscription(
        "SPB", 10, commerce_id="sale-1", owner_tenant=PARTNER, term="P1Y", cycle="monthly", next_lifecycle=ends
    )
    contoso.add_subscription("SPE_E3", 3)
    return microsoft


def ask(microsoft: MicrosoftSimulator, tenant: str = CONTOSO, **claims: object) -> Response:
    plain = {"aud": tokens.PARTNER_CENTER, "tid": PARTNER, "appid": "app", "roles": [], "iat": 0}
    token = tokens.write({**plain, "exp": MARCH.timestamp() + 3600, **claims})
    headers = Headers([("authorization", f"Bearer {token}")])
    return microsoft.handle(Request.parse("GET", f"/v1/customers/{tenant}/subscriptions", headers))


def test_partner_sees_what_it_sold(microsoft: MicrosoftSimulator) -> None:
    """One sale of the two subscriptions, with the id that the tenant calls its commerce id."""
    answer = ask(microsoft).json()
    [sale] = answer["items"]
    assert (answer["totalCount"], sale["id"], sale["quantity"]) == (1, "SALE-1", 10)
    assert (sale["termDuration"], sale["billingCycle"], sale["status"]) == ("P1Y", "monthly", "active")
    assert sale["commitmentEndDate"] == "2027-03-15T08:59:59.0000000Z"
    assert sale["cancellationAllowedUntilDate"] == "2026-03-24T09:00:00.0000000Z"
    assert_log_published(microsoft, "partnercenter")


def test_window_that_is_over_is_not_told(microsoft: MicrosoftSimulator) -> None:
    """A week later there is nothing to cancel any more."""
    microsoft.clock.advance(days=7)
    [sale] = ask(microsoft, exp=MARCH.timestamp() + 10**6).json()["items"]
    assert "cancellationAllowedUntilDate" not in sale
    assert_log_published(microsoft, "partnercenter")


@pytest.mark.parametrize(
    ("claims", "status"),
    [
        ({"aud": "https://graph.microsoft.com"}, 401),
        ({"exp": 0}, 401),
        ({"tid": CONTOSO}, 403),
    ],
)
def test_others_are_refused(microsoft: MicrosoftSimulator, claims: dict[str, object], status: int) -> None:
    """A token of Graph, one that has expired, and one of a tenant that sells nothing."""
    assert ask(microsoft, **claims).status == status
    assert_log_published(microsoft, "partnercenter")


def test_tenant_of_somebody_else_is_refused(microsoft: MicrosoftSimulator) -> None:
    """A partner sees its own tenants only."""
    assert ask(microsoft, "4f1c0000-0000-4000-8000-00000000ffff").status == 403


@pytest.mark.parametrize(
    ("odd", "items", "count"),
    [("page-short", 0, 1), ("page-repeated", 2, 2), ("count-wrong", 1, 2), ("empty-list", 0, 0)],
)
def test_oddities_strike_the_list(microsoft: MicrosoftSimulator, odd: str, items: int, count: int) -> None:
    """Once, and then the list is whole again."""
    microsoft.actions()["odd_sales"](odd)
    answer = ask(microsoft).json()
    assert (len(answer["items"]), answer["totalCount"]) == (items, count)
    assert len(ask(microsoft).json()["items"]) == 1
