"""The partition proof."""

from agent.domain.mappings import UserFilter
from agent.domain.partition import leftovers, overlaps
from tests.domain.given import PREMIUM, member, observation, row, snapshot

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
