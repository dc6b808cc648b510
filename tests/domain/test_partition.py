"""The partition proof."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from agent.domain.counts import Group, Snapshot, Status, Subscription
from agent.domain.desired import desired
from agent.domain.findings import Code, Stop
from agent.domain.mappings import Basis, Row, UserFilter
from agent.domain.partition import leftovers, overlaps, unjudged
from tests.domain.given import E3, PREMIUM, PRODUCT, TENANT, mapping, mappings, member, observation, row, snapshot

GROUP = "77777777-0000-4000-8000-000000000001"

SALES = UserFilter.of({"department": ["Sales"]})
PERTH = UserFilter.of({"office": ["Perth"]})


def test_two_whole_rows_of_one_licence_overlap() -> None:
    """Each would bill every seat, so the seats would be billed twice."""
    found = overlaps([row(1), row(2, agreement=1388)], snapshot(observation()))
    assert [o.sku for o in found] == [PREMIUM]
    assert len(found[0].rows) == 2


def test_two_subscriptions_of_one_licence_do_not_overlap() -> None:
    """A split into subscriptions bills each seat once."""
    assert overlaps([row(1, subscription="a"), row(2, subscription="b")], None) == ()


def test_a_subscription_beside_the_whole_licence_overlaps() -> None:
    """The row without subscription takes every seat, also those of the split."""
    assert overlaps([row(1), row(2, subscription="b")], None)


def test_filters_overlap_only_where_a_person_matches_both() -> None:
    """Anna of Sales in Perth is claimed by the Sales row and by the Perth row; Ben and Cleo by one each."""
    anna = member("anna@x", PREMIUM, department="Sales", office="Perth")
    ben = member("ben@x", PREMIUM, department="Sales", office="Sydney")
    cleo = member("cleo@x", PREMIUM, department="IT", office="Perth")
    rows = [row(1, users=SALES), row(2, users=PERTH)]
    [overlap] = overlaps(rows, snapshot(observation(), members=[anna, ben, cleo]))
    assert overlap.people == (anna,)
    assert overlaps(rows, snapshot(observation(), members=[ben, cleo])) == ()


def test_rows_that_take_nobody_twice_are_no_part_of_an_overlap() -> None:
    """Anna of Sales in Perth is taken by the first two; the row of Finance goes on."""
    anna = member("anna@x", PREMIUM, department="Sales", office="Perth")
    rows = [row(1, users=SALES), row(2, users=PERTH), row(3, users=UserFilter.of({"department": ["Finance"]}))]
    [overlap] = overlaps(rows, snapshot(observation(), members=[anna]))
    assert overlap.rows == (rows[0], rows[1])


def test_people_whom_no_filter_takes_are_left_over() -> None:
    """Dora of Finance holds the licence, and only Sales is billed."""
    dora = member("dora@x", PREMIUM, department="Finance")
    [left] = leftovers([row(1, users=SALES)], snapshot(observation(), members=[dora]))
    assert left.people == (dora,)


def test_a_whole_row_leaves_nobody_over() -> None:
    """Without a filter every seat is billed, whoever holds it."""
    dora = member("dora@x", PREMIUM, department="Finance")
    assert leftovers([row(1)], snapshot(observation(), members=[dora])) == ()


def test_filters_ignore_case_and_surrounding_space() -> None:
    """ " sales " in the directory is the Sales of the mapping file."""
    assert SALES.matches(member("a@x", department=" sALES "), {})
    assert not SALES.matches(member("a@x"), {})


def test_groups_split_like_attributes() -> None:
    """Anna is in the group, Ben is not, and both are in Sales: the group's row and the Sales row overlap at Anna."""
    anna, ben = member("anna@x", PREMIUM, department="Sales"), member("ben@x", PREMIUM, department="Sales")
    seen = replace(snapshot(observation(), members=[anna, ben]), groups={GROUP: Group((anna,))})
    [overlap] = overlaps([row(1, users=SALES), row(2, users=UserFilter.of({"group": [GROUP]}))], seen)
    assert overlap.people == (anna,)


def test_domains_split_by_what_stands_behind_the_at() -> None:
    """x.com is not mail.x.com, and case does not matter."""
    west = UserFilter.of({"domain": ["X.com"]})
    assert west.matches(member("anna@x.COM"), {})
    assert not west.matches(member("anna@mail.x.com"), {})


def test_an_unread_group_stops_every_filtered_row_of_its_licence() -> None:
    """Whoever left the group may be of Sales by now. The row of another licence goes on."""
    rows = [row(1, users=SALES), row(2, users=UserFilter.of({"group": [GROUP]})), row(3, E3, users=SALES)]
    stop = Stop(Code.PERMISSION_MISSING, "may not read groups", "let it")
    seen = replace(snapshot(observation(), members=[member("anna@x", PREMIUM)]), gaps={GROUP: stop})
    [waiting] = unjudged(rows, seen)
    assert (waiting.rows, waiting.gap) == ((rows[0], rows[1]), stop)
    assert leftovers(rows, seen) == ()


def test_a_purchase_that_no_row_names_is_left_over() -> None:
    """Of three purchases the rows name two; five seats of the third are billed by nobody, the suspended one is none."""
    named = tuple(Subscription(id, 5, Status.ENABLED) for id in "ab")
    other, over = Subscription("c", 5, Status.WARNING), Subscription("d", 9, Status.SUSPENDED)
    seen = snapshot(observation(purchased=15, subscriptions=(*named, other, over)))
    [left] = leftovers([row(1, subscription="a"), row(2, subscription="b")], seen)
    assert (left.people, left.purchases) == ((), (other,))
    assert leftovers([row(1)], seen) == ()


DEPARTMENTS = ("Sales", "Support", "")
filters = st.builds(
    lambda departments, group: UserFilter.of(
        {"department": sorted(departments), **({"group": [GROUP]} if group else {})}
    ),
    st.sets(st.sampled_from(DEPARTMENTS), min_size=1),
    st.booleans(),
)
wishes = st.one_of(
    st.just({}),
    st.builds(lambda id: {"subscription": id}, st.sampled_from(["sub-1", "sub-2", "sub-3"])),
    st.just({"basis": Basis.ASSIGNED}),
    st.builds(lambda users, guests: {"users": users, "guests": guests}, filters, st.booleans()),
)
people = st.lists(st.tuples(st.sampled_from(DEPARTMENTS), st.booleans(), st.booleans()), max_size=8)


def _seen(staff: list[tuple[str, bool, bool]]) -> Snapshot:
    """So many people as given, each with a seat, and two more seats; bought in two goes."""
    members = [
        member(f"u{n}@x", PREMIUM, guest=guest, **({"department": department} if department else {}))
        for n, (department, guest, _) in enumerate(staff)
    ]
    bought = (Subscription("sub-1", len(staff), Status.ENABLED), Subscription("sub-2", 2, Status.ENABLED))
    inside = tuple(m for m, (_, _, within) in zip(members, staff, strict=True) if within)
    seen = observation(purchased=len(staff) + 2, assigned=len(staff), subscriptions=bought)
    return replace(snapshot(seen, members=members), groups={GROUP: Group(inside)})


@given(st.lists(wishes, min_size=1, max_size=4), people)
def test_no_seat_is_billed_twice(asked: list[dict[str, object]], staff: list[tuple[str, bool, bool]]) -> None:
    """Whatever rows somebody writes: those that are not stopped bill no person twice, and no more than was bought."""
    rows: list[Row] = [row(n, agreement=1000 + n, **wish) for n, wish in enumerate(asked)]
    seen, company = _seen(staff), mapping(*rows)
    wanted = desired(
        company, mappings(company), {TENANT: seen}, {PRODUCT.identifier: PRODUCT}, "connectwise", 6000, "USD"
    )
    going = [line for line in wanted.lines if line.doubt is None]
    claims = [m.id for m in seen.members for line in going if line.row.personal and line.row.counts(m, seen.groups)]
    assert len(claims) == len(set(claims))
    assert sum(line.counted for line in going) <= len(staff) + 2


@given(st.lists(filters, min_size=1, max_size=4), people)
def test_everybody_is_billed_or_named(asked: list[UserFilter], staff: list[tuple[str, bool, bool]]) -> None:
    """Holders are in one row, in rows that are stopped for it, or in the finding of leftovers; nobody is in none."""
    rows = [row(n, users=users) for n, users in enumerate(asked)]
    seen = _seen(staff)
    left = {m.id for leftover in leftovers(rows, seen) for m in leftover.people}
    for holder in seen.holders(PREMIUM):
        takers = [one for one in rows if one.counts(holder, seen.groups)]
        stopped = [overlap for overlap in overlaps(rows, seen) if holder in overlap.people]
        assert (len(takers) == 0) is (holder.id in left)
        assert (len(takers) > 1) is bool(stopped)
