"""From snapshot to quantity."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.domain.counts import Coverage, Group, MailboxKind, Needs, Snapshot, Status, Subscription
from agent.domain.desired import Desired, billed, desired, label
from agent.domain.findings import Code, Stop
from agent.domain.mappings import (
    Basis,
    Commitment,
    Count,
    FixedCount,
    GroupCount,
    GroupMembers,
    MailboxCount,
    PeopleCount,
    Place,
    PricePolicy,
    Row,
    SumCount,
    UserFilter,
    Usernames,
)
from tests.domain.given import (
    E3,
    PREMIUM,
    PRODUCT,
    PROFILE,
    TENANT,
    mapping,
    mappings,
    member,
    observation,
    row,
    snapshot,
)


def wanted(snap: Snapshot | None, *rows: Row) -> Desired:
    company = mapping(*rows)
    seen = {TENANT: snap} if snap else {}
    return desired(company, mappings(company), seen, {PRODUCT.identifier: PRODUCT}, "connectwise", 6000, "USD")


def quantity(snap: Snapshot, one: Row) -> int:
    [line] = wanted(snap, one).lines
    assert line.doubt is None
    return line.terms.quantity


@pytest.mark.parametrize(
    ("counted", "included", "minimum", "expected"),
    [(10, 2, 0, 8), (3, 0, 5, 5), (10, 2, 5, 8), (1, 2, 0, 0), (1, 2, 5, 5), (0, 0, 0, 0)],
)
def test_billed_is_max_of_minimum_and_counted_less_included(
    counted: int, included: int, minimum: int, expected: int
) -> None:
    """billed = max(minimum, max(0, counted - included))."""
    assert billed(counted, included, minimum) == expected


@given(st.integers(0, 500), st.integers(0, 50), st.integers(0, 50))
def test_more_seats_never_bill_less(counted: int, included: int, minimum: int) -> None:
    """Billed rises with the count by at most one a seat, and never below the minimum."""
    step = billed(counted + 1, included, minimum) - billed(counted, included, minimum)
    assert step in (0, 1)
    assert billed(counted, included, minimum) >= minimum


def test_enabled_and_grace_seats_are_billed_and_no_others() -> None:
    """20 enabled + 5 in grace = 25; 14 suspended, 3 locked out and 2 deleted count for nothing."""
    states = {"ENABLED": 20, "WARNING": 5, "SUSPENDED": 14, "LOCKED_OUT": 3, "DELETED": 2}
    bought = tuple(Subscription(name, n, Status[name]) for name, n in states.items())
    seen = observation(purchased=0, prepaid=25, subscriptions=bought)
    assert quantity(snapshot(seen), row()) == 25


def test_a_licence_without_listed_purchases_is_billed_by_its_total() -> None:
    """Graph may list no purchase for a licence; its own total stands."""
    assert quantity(snapshot(observation(purchased=0, prepaid=7)), row()) == 7


def test_purchases_that_contradict_the_total_are_in_doubt() -> None:
    """12 purchased in subscriptions and 10 in the total: nothing is billed on either number."""
    [line] = wanted(snapshot(observation(purchased=12, prepaid=10)), row()).lines
    assert line.doubt is not None
    assert line.doubt.code is Code.SOURCE_INCOMPLETE


def test_an_unknown_state_of_a_subscription_is_in_doubt() -> None:
    """A status that Microsoft adds tomorrow holds the line instead of dropping its seats."""
    seen = observation(purchased=0, prepaid=12, subscriptions=(Subscription("s", 12, Status.UNKNOWN),))
    [line] = wanted(snapshot(seen), row()).lines
    assert line.doubt is not None


def test_a_subscription_row_counts_its_own_seats() -> None:
    """Of 5 + 7 seats the row of the second subscription bills 7."""
    bought = (Subscription("a", 5, Status.ENABLED), Subscription("b", 7, Status.ENABLED))
    seen = observation(purchased=0, prepaid=12, subscriptions=bought)
    assert quantity(snapshot(seen), row(subscription="b")) == 7


def test_a_filter_counts_the_people_who_match() -> None:
    """Two of three holders are in Sales; the purchased count plays no part."""
    people = [member(f"{n}@x", PREMIUM, department=d) for n, d in (("a", "Sales"), ("b", "sales"), ("c", "IT"))]
    one = row(users=UserFilter.of({"department": ["Sales"]}))
    assert quantity(snapshot(observation(purchased=12), members=people), one) == 2


def test_assigned_basis_counts_holders() -> None:
    """With basis = assigned three holders of twelve seats bill three."""
    people = [member(f"{n}@x", PREMIUM) for n in "abc"]
    assert quantity(snapshot(observation(purchased=12), members=people), row(basis=Basis.ASSIGNED)) == 3


def test_disabled_users_and_guests_count_unless_the_row_says_otherwise() -> None:
    """Of an enabled, a disabled and a guest holder: 3 by default, 1 with both switched off."""
    people = [member("a@x", PREMIUM), member("b@x", PREMIUM, enabled=False), member("c@x", PREMIUM, guest=True)]
    snap = snapshot(observation(), members=people)
    assert quantity(snap, row(basis=Basis.ASSIGNED)) == 3
    assert quantity(snap, row(disabled_users=False, guests=False)) == 1


def test_a_sum_adds_its_licences() -> None:
    """12 + 4 seats of two licences bill 16 bundles."""
    snap = snapshot(observation(), observation(E3, 4))
    assert quantity(snap, row(count=SumCount((PREMIUM, E3)))) == 16


def test_people_are_counted_by_domain() -> None:
    """Two licensed users of x.com; the unlicensed one and the one of y.com are not billed."""
    people = [member("a@x.com", PREMIUM), member("b@X.com", E3), member("c@x.com"), member("d@y.com", PREMIUM)]
    snap = snapshot(observation(), members=people)
    assert quantity(snap, row(count=PeopleCount("x.com"))) == 2
    assert quantity(snap, row(count=PeopleCount())) == 3


def test_an_empty_tenant_is_in_doubt_and_not_zero() -> None:
    """A tenant that lists nothing at all says nothing about its seats."""
    [line] = wanted(snapshot(), row()).lines
    assert line.doubt is not None
    assert line.doubt.code is Code.SOURCE_EMPTY


def test_an_unread_tenant_leaves_its_rows_unknown() -> None:
    """No snapshot, no desired line: neither a number nor an orphan."""
    found = wanted(None, row())
    assert found.lines == ()
    assert [stop.code for stop in found.unknown.values()] == [Code.SOURCE_STALE]


def test_included_seats_can_be_shown_instead_of_subtracted() -> None:
    """12 counted, 2 included: 10 on the line, or 12 with 2 shown as included; both bill 10."""
    hidden, shown = row(included=2), row(included=2, profile=replace(PROFILE, show_included=True))
    snap = snapshot(observation())
    [plain], [open_] = wanted(snap, hidden).lines, wanted(snap, shown).lines
    assert (plain.terms.quantity, plain.terms.included) == (10, 0)
    assert (open_.terms.quantity, open_.terms.included) == (12, 2)


def test_a_price_follows_the_psa_by_percent() -> None:
    """22.00 + 10 % = 24.20, 22.00 - 2.5 % = 21.45, a fixed price stands, and "psa" asks for nothing."""
    policies = [PricePolicy(percent=Decimal(10)), PricePolicy(percent=Decimal("-2.5")), PricePolicy(Decimal(19))]
    prices = [policy.price(Decimal("22.00"), "USD") for policy in (*policies, PricePolicy())]
    assert prices == [Decimal("24.20"), Decimal("21.45"), Decimal(19), None]


def test_a_percentage_is_rounded_to_the_currencys_coins() -> None:
    """Half away from zero: 22.50 USD + 0.1 % = 22.52, 1250 JPY - 3.3 % = 1209, 1.250 KWD + 10 % = 1.375.

    A PSA price that is finer than the coins keeps its decimals: 0.0825 + 10 % = 0.09075, so 0.0908.
    """
    cases = [("22.50", "0.1", "USD"), ("1250", "-3.3", "JPY"), ("1.250", "10", "KWD"), ("0.0825", "10", "USD")]
    prices = [PricePolicy(percent=Decimal(p)).price(Decimal(price), currency) for price, p, currency in cases]
    assert [str(price) for price in prices] == ["22.52", "1209", "1.375", "0.0908"]


def test_the_text_names_the_holders() -> None:
    """With usernames and unassigned the line says who and how many nobody has."""
    profile = replace(PROFILE, usernames=Usernames.UPN, unassigned=True)
    snap = snapshot(observation(purchased=3, assigned=2), members=[member("b@x", PREMIUM), member("a@x", PREMIUM)])
    [line] = wanted(snap, row(profile=profile)).lines
    assert line.terms.text == "Microsoft 365 Business Premium: a@x, b@x; Unassigned: 1"


def test_every_number_says_how_it_came_about() -> None:
    """The derivation ends in the billed number and names each rule on the way."""
    [line] = wanted(snapshot(observation()), row(included=2, minimum=5)).lines
    assert [step.rule for step in line.steps] == ["purchased", "included", "minimum", "billed", "price"]
    assert [step.value for step in line.steps[:4]] == ["12", "10", "10", "10"]


def test_derivation_names_the_row_without_the_folders_of_the_machine() -> None:
    """It is kept for years and handed out as evidence."""
    place = Place("/home/kim/trueup/mappings/companies/contoso.toml", 7)
    [line] = wanted(snapshot(observation()), row(place=place)).lines
    [said] = [step.says for step in line.steps if step.rule == "billed"]
    assert said == "12 to bill (companies/contoso.toml:7)"


def test_rows_that_bill_the_same_seats_are_in_doubt() -> None:
    """Both rows of an overlap stay as they are until a person chose."""
    found = wanted(snapshot(observation()), row(1), row(2, agreement=1388))
    assert [line.doubt.code for line in found.lines if line.doubt] == [Code.OVERLAP, Code.OVERLAP]


GROUP = "77777777-0000-4000-8000-000000000001"


def with_group() -> Snapshot:
    """Anna has a licence, Ben has none and is blocked, and there is a tablet."""
    anna, ben, tablet = member("anna@x", PREMIUM), member("ben@x", enabled=False), member("")
    group = Group((replace(anna, licences=frozenset()), ben), (tablet,))
    return replace(snapshot(observation(), members=[anna]), groups={GROUP: group})


@pytest.mark.parametrize(
    ("members", "keeps_disabled", "counted"),
    [
        (GroupMembers.USERS, True, 2),
        (GroupMembers.USERS, False, 1),
        (GroupMembers.DEVICES, True, 1),
        (GroupMembers.ALL, True, 3),
    ],
)
def test_members_of_a_group_count_licensed_or_not(members: GroupMembers, keeps_disabled: bool, counted: int) -> None:
    """Anna and Ben are 2 users, Anna alone without those who are blocked, the tablet is 1 device, together 3."""
    count = GroupCount(GROUP, members)
    [line] = wanted(with_group(), row(count=count, disabled_users=keeps_disabled)).lines
    assert (line.counted, line.doubt) == (counted, None)


def test_shared_mailboxes_and_peoples_are_counted_apart() -> None:
    """Two shared ones and one of Anna's."""
    boxes = {
        MailboxKind.SHARED: (member("info@x"), member("orders@x")),
        MailboxKind.USER: (member("anna@x"),),
    }
    seen = replace(snapshot(observation()), mailboxes=boxes)
    found = [wanted(seen, row(count=MailboxCount(kind))).lines[0].counted for kind in MailboxKind]
    assert dict(zip(MailboxKind, found, strict=True)) == {MailboxKind.USER: 1, MailboxKind.SHARED: 2}


def test_what_was_not_read_is_in_doubt_and_not_zero() -> None:
    """A gap's own reason stops the rows that need it; one of which nothing is known stops them, too."""
    stop = Stop(Code.PERMISSION_MISSING, "may not read mailboxes", "grant it")
    seen = replace(
        snapshot(observation()),
        coverage=frozenset(Coverage) - {Coverage.MAILBOXES},
        gaps={Coverage.MAILBOXES: stop},
    )
    boxes, group = wanted(seen, row(1, count=MailboxCount(MailboxKind.USER)), row(2, count=GroupCount(GROUP))).lines
    assert boxes.doubt == stop
    assert group.doubt is not None
    assert group.doubt.code is Code.SOURCE_INCOMPLETE


def test_a_fixed_number_needs_no_tenant() -> None:
    """3 are billed though Microsoft cannot be read; 5 tomorrow are the same line's."""
    [line] = wanted(None, row(count=FixedCount(3))).lines
    assert (line.terms.quantity, line.doubt) == (3, None)
    assert row(count=FixedCount(3)).key("psa") == row(count=FixedCount(5)).key("psa")


def test_a_subscription_that_is_not_listed_is_in_doubt() -> None:
    """The row names a, the tenant lists b of 12: a renewal under another id, or a cancellation; a person knows."""
    seen = snapshot(observation(subscriptions=(Subscription("b", 12, Status.ENABLED),)))
    [line] = wanted(seen, row(subscription="a")).lines
    assert line.doubt is not None
    assert line.doubt.code is Code.SUBSCRIPTION_GONE
    assert "b of 12 (Enabled)" in line.doubt.reason


def test_a_subscription_that_is_over_is_zero_unless_another_may_be_its_renewal() -> None:
    """Suspended with nothing beside it: 0. With a live one that no row names: in doubt. With one that is mapped: 0."""
    over, live = Subscription("a", 12, Status.SUSPENDED), Subscription("b", 12, Status.ENABLED)
    alone, renewed = (
        snapshot(observation(purchased=n, subscriptions=s)) for n, s in ((0, (over,)), (12, (over, live)))
    )
    assert [line.doubt for line in wanted(alone, row(subscription="a")).lines] == [None]
    assert [line.doubt.code for line in wanted(renewed, row(subscription="a")).lines if line.doubt] == [
        Code.SUBSCRIPTION_GONE
    ]
    both = wanted(renewed, row(1, subscription="a"), row(2, subscription="b")).lines
    assert [(line.counted, line.doubt) for line in both] == [(0, None), (12, None)]


def test_rows_say_what_their_source_must_read() -> None:
    """Groups of counts and filters, mailboxes where they are counted, terms; over all companies of the tenant."""
    other = "77777777-0000-4000-8000-000000000002"
    rows = [
        row(1, count=GroupCount(GROUP)),
        row(2, users=UserFilter.of({"group": [other, GROUP.upper()]})),
        row(3, count=MailboxCount(MailboxKind.SHARED)),
        row(4, profile=replace(PROFILE, commitment=Commitment.HOLD)),
    ]
    assert not mapping(*rows[:3]).needs(TENANT).terms
    every = mappings(mapping(*rows[:2]), replace(mapping(*rows[2:]), company=251))
    assert every.needs(TENANT) == every.all_needs == Needs(frozenset({GROUP, other}), mailboxes=True, terms=True)


@pytest.mark.parametrize(
    ("count", "words"),
    [
        (SumCount((PREMIUM, E3)), f"Licence {PREMIUM[:4]} + {E3}"),
        (PeopleCount(), "licensed users"),
        (PeopleCount("x.com"), "licensed users of x.com"),
        (GroupCount(GROUP, GroupMembers.DEVICES), "devices in group 77777777"),
        (MailboxCount(MailboxKind.SHARED), "shared mailboxes"),
        (FixedCount(3), "M365-BP-M, fixed number"),
    ],
)
def test_counts_have_names_for_people(count: Count, words: str) -> None:
    """What a plan and an approval show where the row has neither name nor text."""
    assert label(row(count=count), snapshot(observation())) == words
