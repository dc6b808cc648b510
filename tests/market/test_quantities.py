"""Which seats are billed, and how many of them: counts, included and minimum quantities, splits, filters."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from agent.domain.counts import Deal, Member, Status, Subscription, Term
from agent.domain.findings import Code
from agent.domain.mappings import Basis, LicenceCount, PeopleCount, Row, SumCount, UserFilter
from agent.errors import AccessDenied
from tests.market.shop import (
    AGREEMENT,
    E3,
    FABRIKAM,
    OTHER,
    PREMIUM,
    SECOND,
    THEIRS,
    Shop,
    person,
    profile,
    row,
    seats,
)

PERTH, SYDNEY = UserFilter.of({"office": ["Perth"]}), UserFilter.of({"office": ["Sydney"]})


def in_office(office: str, *logins: str) -> list[Member]:
    return [person(login, attributes={"office": office}) for login in logins]


def billed(shop: Shop, agreement: int = AGREEMENT) -> list[int]:
    """Quantities of the lines that bill on, the smallest first."""
    return sorted(quantity for quantity, _, end in shop.additions(agreement) if not end)


def test_quantity_source(tmp_path: Path) -> None:
    """Purchased seats count, used or not, enabled or in grace: 10 + 3 in grace, without 5 suspended, are 13."""
    states = ((10, Status.ENABLED), (3, Status.WARNING), (5, Status.SUSPENDED))
    bought = tuple(Subscription(f"sub-{state}", quantity, state) for quantity, state in states)
    seen = replace(seats(13, assigned=9), subscriptions=bought)
    shop = Shop(tmp_path, (row(),)).sees(seen).sync()
    assert billed(shop) == [13]
    assert "4 of 13 seats" in shop.findings()[Code.UNASSIGNED_SEATS]


def test_quantity_source_assigned(tmp_path: Path) -> None:
    """With `basis = "assigned"` those count who hold a seat: 2 of 13."""
    shop = Shop(tmp_path, (row(basis=Basis.ASSIGNED),))
    shop.sees(seats(13, assigned=2), people=[person("a@x"), person("b@x"), person("c@x", E3)]).sync()
    assert billed(shop) == [2]


@pytest.mark.parametrize(("purchased", "quantity"), [(10, [8]), (2, []), (1, [])])
def test_included_quantity(purchased: int, quantity: list[int], tmp_path: Path) -> None:
    """What the agreement covers is not billed, and less than nothing never: 10 - 2 = 8; 2 - 2 and 1 - 2 are no line."""
    shop = Shop(tmp_path, (row(included=2),)).sees(seats(purchased)).sync()
    assert billed(shop) == quantity


@pytest.mark.parametrize(("purchased", "included", "quantity"), [(3, 0, 5), (6, 0, 6), (6, 2, 5), (14, 2, 12)])
def test_minimum_quantity(purchased: int, included: int, quantity: int, tmp_path: Path) -> None:
    """Billed = max(minimum, counted - included): max(5, 3) = 5, max(5, 6) = 6, max(5, 6 - 2) = 5, max(5, 12) = 12."""
    shop = Shop(tmp_path, (row(minimum=5, included=included),)).sees(seats(purchased)).sync()
    assert billed(shop) == [quantity]


def test_agreement_choice(tmp_path: Path) -> None:
    """The row's line stands on the agreement it names; choosing another ends it there and begins it here, both held.

    The old line ends with March, which is invoiced; the new one begins in April, and not before the end is written.
    """
    shop = Shop(tmp_path, (row(),)).bills(10)
    shop.rows = (row(agreement=SECOND),)
    assert shop.sync().additions(SECOND) == []
    assert "it takes over seats of another line: that one's change must be approved first, or with it" in shop.holds()
    shop.approve()
    assert shop.additions() == [(10, "2026-01-01", "2026-03-31")]
    assert shop.additions(SECOND) == [(10, "2026-04-01", "")]


def test_agreement_that_cannot_be_billed(tmp_path: Path) -> None:
    """On a cancelled agreement nothing is written; a finding says so."""
    shop = Shop(tmp_path, (row(),)).sees(seats(10))
    shop.site.person_edits_agreement(AGREEMENT, agreementStatus="Cancelled", cancelledFlag=True)
    assert shop.sync().additions() == []
    assert Code.AGREEMENT_NOT_BILLABLE in shop.findings()


def test_one_tenant_many_companies(tmp_path: Path) -> None:
    """Perth is Contoso's, Sydney is Fabrikam's: 2 and 1 of one tenant's three, each on its own company's agreement."""
    rows = (row(users=PERTH), row(users=SYDNEY, company=FABRIKAM, agreement=THEIRS))
    people = [*in_office("Perth", "a@x", "b@x"), *in_office("Sydney", "c@x")]
    shop = Shop(tmp_path, rows).sees(seats(3, assigned=3), people=people).sync()
    assert (billed(shop), billed(shop, THEIRS)) == ([2], [1])


def test_filters_that_overlap(tmp_path: Path) -> None:
    """Both companies ask for Perth: neither line is written, and the finding is theirs to settle."""
    rows = (row(users=PERTH), row(users=PERTH, company=FABRIKAM, agreement=THEIRS))
    shop = Shop(tmp_path, rows).sees(seats(2, assigned=2), people=in_office("Perth", "a@x", "b@x")).sync()
    assert (billed(shop), billed(shop, THEIRS)) == ([], [])
    assert Code.OVERLAP in shop.findings()


def test_user_filter(tmp_path: Path) -> None:
    """Fields combine with AND, values of a field with OR, case and blanks aside: sales of Perth or Sydney are 2 of 4.

    The two others are named, so that no gap is silent.
    """
    sales = UserFilter.of({"office": ["Perth", "Sydney"], "department": ["Sales"]})
    places = (("a", " perth", "SALES"), ("b", "Sydney", "Sales"), ("c", "Perth", "IT"), ("d", "Hobart", "Sales"))
    people = [person(f"{n}@x", attributes={"office": o, "department": d}) for n, o, d in places]
    shop = Shop(tmp_path, (row(users=sales),)).sees(seats(4, assigned=4), people=people).sync()
    assert billed(shop) == [2]
    assert "c@x, d@x" in shop.findings()[Code.LEFTOVER_SEATS]


def test_licence_exempt_from_the_filter(tmp_path: Path) -> None:
    """A row without filter beside filtered ones bills its licence for everybody: 1 of 2 Premium, and all 5 E3."""
    rows = (row(users=PERTH), row(E3, profile=profile(OTHER)))
    people = [*in_office("Perth", "a@x"), *in_office("Sydney", "b@x")]
    shop = Shop(tmp_path, rows).sees(seats(2, assigned=2), seats(5, E3, assigned=1), people=people).sync()
    assert billed(shop) == [1, 5]


def test_split(tmp_path: Path) -> None:
    """One line for each purchase, with its own profile: 20 committed for a year and 5 monthly, together the 25."""
    bought = (Subscription("annual", 20, Status.ENABLED), Subscription("monthly", 5, Status.ENABLED))
    rows = (
        row(LicenceCount(PREMIUM, "annual")),
        row(LicenceCount(PREMIUM, "monthly"), profile=profile(OTHER)),
    )
    shop = Shop(tmp_path, rows).sees(replace(seats(25), subscriptions=bought)).sync()
    assert billed(shop) == [5, 20]


def test_split_ends_the_merged_line(tmp_path: Path) -> None:
    """Splitting a billed licence proposes the end of the merged line in the same plan; merging does the reverse.

    25 are billed before, between and after, whatever the number of lines; nothing moves without a person.
    """
    bought = (Subscription("annual", 20, Status.ENABLED), Subscription("monthly", 5, Status.ENABLED))
    split = (row(LicenceCount(PREMIUM, "annual")), row(LicenceCount(PREMIUM, "monthly"), profile=profile(OTHER)))
    shop = Shop(tmp_path, (row(),)).bills(25).sees(replace(seats(25), subscriptions=bought))
    shop.rows = split
    assert billed(shop.sync()) == [25]
    assert billed(shop.approve()) == [5, 20]
    shop.rows = (row(),)
    assert billed(shop.sync()) == [5, 20]
    assert billed(shop.approve()) == [25]


def test_direct_csp(tmp_path: Path) -> None:
    """A purchase that the tenant and Partner Center both tell of is one purchase: 10 seats, not 20, with its term.

    Where the two numbers differ for a while the tenant's count: 10, and not the 12 that were just ordered.
    """
    deal = Deal(Term(12, paid=1), 12, ends=datetime(2026, 12, 1, tzinfo=UTC))
    sold = tuple(replace(s, commerce="partner-side-id", deal=deal) for s in seats(10).subscriptions)
    shop = Shop(tmp_path, (row(),)).sees(replace(seats(10), subscriptions=sold)).sync()
    assert billed(shop) == [10]


def test_custom_count_of_several_licences(tmp_path: Path) -> None:
    """A managed user is whoever has Premium or E3 bought for: 14 + 25 = 39, beside the licences' own lines."""
    shop = Shop(tmp_path, (row(SumCount((PREMIUM, E3))),)).sees(seats(14), seats(25, E3)).sync()
    assert billed(shop) == [39]


def test_custom_count_of_people(tmp_path: Path) -> None:
    """Licensed users, each once however many licences: 3; of one domain: 2; who has none is not counted."""
    rows = (row(PeopleCount()), row(PeopleCount("contoso.com"), profile=profile(OTHER)))
    people = [person("a@contoso.com", PREMIUM, E3), person("b@contoso.com"), person("c@other.com")]
    people += [replace(person("d@contoso.com"), licences=frozenset())]
    shop = Shop(tmp_path, rows).sees(seats(4, assigned=3), seats(1, E3, assigned=1), people=people).sync()
    assert billed(shop) == [2, 3]


def test_managed_user_billing(tmp_path: Path) -> None:
    """With `disabled-users = false` a leaver whose sign-in is blocked leaves the count, and comes back with it.

    3 managed users, 2 while one is blocked, 3 again, although the licence was never taken away.
    """
    here, away = person("a@x"), person("b@x", enabled=False)
    shop = Shop(tmp_path, (row(PeopleCount(), disabled_users=False),))
    for people, count in (((here, person("b@x")), [2]), ((here, away), [1]), ((here, person("b@x")), [2])):
        shop.sees(seats(2, assigned=2), people=people).sync()
        assert [sum(billed(shop))] == count


def test_removed_tenant_waits_for_a_person(tmp_path: Path) -> None:
    """A tenant that withdraws its consent, or lists nothing, lowers nothing: 10 stay, and a finding says why."""
    shop = Shop(tmp_path, (row(),)).bills(10)
    shop.tenant.failure = AccessDenied("the tenant no longer lets Trueup in")
    assert shop.sync().additions() == [(10, "2026-01-01", "")]
    assert Code.CONSENT_LOST in shop.findings()
    assert shop.sees().sync().additions() == [(10, "2026-01-01", "")]
    assert Code.SOURCE_EMPTY in shop.findings()


@pytest.mark.parametrize(("asks", "before"), [(row(minimum=9), 10), (row(SumCount((PREMIUM, E3))), 11), (row(), 10)])
def test_vanished_licence_waits_for_a_person(asks: Row, before: int, tmp_path: Path) -> None:
    """A licence that is listed no more never lowers a line by itself, be it to a minimum, in a sum, or to nothing."""
    shop = Shop(tmp_path, (asks,)).sees(seats(10), seats(1, E3)).sync()
    shop.sees(seats(1, E3)).sync()
    assert billed(shop) == [before]
    assert any("does not list the licence" in why or "stop billing" in why for why in shop.holds())
