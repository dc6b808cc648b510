"""A year of committed seats through both simulated vendors: bought, added to, held, renewed, lowered."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from agent.domain.findings import Code
from agent.domain.mappings import Basis, BillingProfile, Commitment, LicenceCount, Place, PricePolicy, Row
from tests.engine.contoso import PARTNER, Contoso
from tests.engine.here import AGREEMENT, COMPANY, PRODUCTS, SKUS, TENANT
from tests.published.checker import assert_log_published

PROFILE = BillingProfile("premium-committed", PRODUCTS[0], PricePolicy(), commitment=Commitment.HOLD)
PLACE = Place("contoso.toml", 5)
ROW = Row(COMPANY, TENANT, LicenceCount(SKUS[0]), PROFILE, AGREEMENT, PLACE, basis=Basis.ASSIGNED)


@pytest.fixture
def year(tmp_path: Path) -> Iterator[Contoso]:
    """10 seats for a year, paid monthly, bought on 1 March 2026 at 08:30; ten people use them."""
    year = Contoso(tmp_path, datetime(2026, 3, 1, 8, 30, tzinfo=UTC), ROW)
    year.tenant.add_subscription(
        "SPB",
        10,
        id=BOUGHT,
        next_lifecycle="2027-03-01T08:30:00+00:00",
        owner_tenant=PARTNER,
        term="P1Y",
        cycle="monthly",
    )
    year.hire(1, 10)
    yield year
    year.stop_agent()


BOUGHT = "aaaaaaaa-0000-4000-8000-000000000001"


def test_year_of_committed_seats(year: Contoso) -> None:
    """10 for a year and 3 more; on day 30 eight are used: 13 stay billed, and on the renewal date it is 8."""
    year.at("2026-03-01 09:00")
    year.at("2026-03-11 11:00")
    assert year.billed == 10
    year.tenant.buy("SPB", 3)
    year.hire(11, 13)
    year.at("2026-03-11 12:00")
    assert year.billed == 13

    year.leave(9, 13)
    said = year.says(year.at("2026-03-31 09:00"))
    assert year.billed == 13
    assert "Microsoft 365 Business Premium     13 → 8  2027-03-01      -110.00" in said
    assert "Microsoft 365 Business Premium: 13 -> 8 from 2027-03-01, waits until 2027-03-01" in said  # trueup holds
    assert "queued: until 2027-03-01, the renewal of seats that nobody uses" in said
    assert year.explained()[1:5] == [
        f"{BOUGHT[:8]} is annual, paid monthly: Partner Center says so",
        "10 from 2026-03-01 are committed until 2027-03-01",
        "3 from 2026-03-11 are committed until 2027-03-01",
        "8 used, 13 committed: 5 of them wait until their renewal on 2027-03-01",
    ]
    for month in MONTHS:
        year.psa.invoice(AGREEMENT)
        said = year.says(year.at(f"{month}-02 09:00"))
        assert "nothing to change before the renewal" in said
        assert Code.OVER_BILLED not in year.codes()
    totals = [str(invoice.total) for invoice in year.psa.invoices(AGREEMENT)]
    assert totals[1:] == ["286.00"] * 10  # 13 x 22.00, every month to the end of the term

    assert "renews on 2027-03-01, within 14 days; 5 unused, 110.00 USD a month" in year.says(
        year.at("2027-02-20 09:00")
    )
    year.tenant.change_subscription(BOUGHT, quantity=8, next_lifecycle="2028-03-01T08:30:00+00:00")
    said = year.says(year.at("2027-03-01 09:00"))
    assert year.billed == 8
    assert "286.00 → 176.00 USD a month" in said
    assert year.codes() == set()
    assert_log_published(year.microsoft, "partnercenter", paths="/v1/customers/")


MONTHS = [f"2026-{month:02}" for month in range(4, 13)] + ["2027-01", "2027-02"]


def test_what_can_be_given_back_is_not_held(year: Contoso) -> None:
    """The 3 of the 11th leave on the 14th: 10 billed at once; the finding of the 16th closes once they are lowered."""
    year.at("2026-03-11 11:00")
    year.tenant.buy("SPB", 3)
    year.hire(11, 13)
    year.at("2026-03-11 12:00")
    year.leave(11, 13)
    year.at("2026-03-14 09:00")
    assert year.billed == 10
    said = year.says(year.at("2026-03-16 12:00"))
    assert (
        "3 unused of 3 seats from 2026-03-11 can be lowered until 2026-03-18 11:01 UTC; "
        "after that they are owed until 2027-03-01, 66.00 USD a month"
    ) in said
    year.tenant.reduce("SPB", 3)
    year.at("2026-03-16 13:00")
    assert year.codes() == set()


def test_what_was_not_given_back_in_time_is_owed(year: Contoso) -> None:
    """The same without lowering them: on the 18th the 3 are billed again, until the renewal."""
    year.at("2026-03-11 11:00")
    year.tenant.buy("SPB", 3)
    year.at("2026-03-11 12:00")
    assert year.billed == 10
    year.at("2026-03-18 12:00")
    assert year.billed == 13


def test_terms_outlive_a_restart_without_partner_center(year: Contoso) -> None:
    """Learnt once, they are in the store: nothing is lowered and nothing is missed while the seller is silent."""
    year.at("2026-03-11 11:00")
    year.microsoft.partner_center.partners.clear()
    year.stop_agent()
    year.start_agent()
    year.leave(9, 10)
    year.at("2026-03-31 09:00")
    assert year.billed == 10
    assert Code.TERM_UNKNOWN not in year.codes()


def test_without_any_word_on_the_term_nothing_is_lowered(year: Contoso) -> None:
    """Partner Center never answered: one finding with the remedy, and the line stays."""
    year.microsoft.partner_center.partners.clear()
    assert "warning term-unknown" in year.says(year.at("2026-03-11 11:00"))
    year.leave(9, 10)
    said = year.says(year.at("2026-03-31 09:00"))
    assert year.billed == 10
    assert "error term-unknown" in said
    assert "is not known, so nothing is lowered on its account (Partner Center refuses the application (403).)" in said
    assert 'write the term into the row, such as term = "annual/monthly"' in said


def test_a_renewal_that_was_seen_proves_the_term(year: Contoso) -> None:
    """Nobody says it, until the date moves on by a month when it has come: monthly, and the finding closes."""
    year.microsoft.partner_center.partners.clear()
    year.tenant.change_subscription(BOUGHT, next_lifecycle="2026-04-01T08:30:00+00:00")
    year.at("2026-03-31 09:00")
    assert Code.TERM_UNKNOWN in year.codes()
    year.tenant.change_subscription(BOUGHT, next_lifecycle="2026-05-01T08:30:00+00:00")
    year.at("2026-04-01 09:00")
    assert Code.TERM_UNKNOWN not in year.codes()
    says = "is monthly: proven by its renewal with 10 seats: its date moved from 2026-04-01 to 2026-05-01"
    assert f"{BOUGHT[:8]} {says}" in year.explained()
    year.leave(9, 10)
    year.at("2026-04-05 09:00")
    assert year.billed == 8  # within seven days of the renewal
    year.at("2026-04-08 09:00")
    assert year.billed == 10  # nobody lowered them at Microsoft, so they are owed until 1 May
