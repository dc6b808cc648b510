"""An earlier version is made from the one after it, whatever the two are."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from agent.store.past import applied, difference

records = st.lists(st.sampled_from(["a", "b", "c", "d", "[1,2]"]), max_size=12)


@given(old=records, new=records)
def test_difference_makes_the_old_from_the_new(old: list[str], new: list[str]) -> None:
    """Repeated, moved and missing records too."""
    assert applied(difference(old, new), new) == old


def test_one_person_who_changes_costs_one_record() -> None:
    """Of five hundred, number 250 is another: two stretches and the old record."""
    before = [f"person {n}" for n in range(500)]
    after = [*before[:250], "person 250, renamed", *before[251:]]

    assert difference(before, after) == [[0, 250], "person 250", [251, 500]]
