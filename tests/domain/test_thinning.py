"""What a day forgets never moves the answer to "since when", nor to "until when"."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from agent.domain.thinning import staying

Facts = frozenset[str]
days = st.lists(st.lists(st.frozensets(st.sampled_from("abcd")), min_size=1, max_size=7), min_size=1, max_size=5)


def of(*texts: str) -> list[Facts]:
    """Each text is a version, each letter one of its facts."""
    return [frozenset(text) for text in texts]


def since_when(history: Sequence[Sequence[tuple[int, Facts]]]) -> dict[str, int | None]:
    """Of what the newest version shows: the first one of its unbroken days, None if the oldest day began with it."""
    found: dict[str, int | None] = dict.fromkeys(history[-1][-1][1])
    for fact in found:
        before = history[0][:1]
        for day in history:
            chain = [*before, *day]
            if fact in chain[-1][1] and fact not in chain[0][1]:
                found[fact] = chain[max(place for place, (_, facts) in enumerate(chain) if fact not in facts) + 1][0]
            before = day[-1:]
    return found


def numbered(history: Sequence[Sequence[Facts]]) -> list[list[tuple[int, Facts]]]:
    numbers = iter(range(10**6))
    return [[(next(numbers), facts) for facts in day] for day in history]


def thinned(history: Sequence[Sequence[tuple[int, Facts]]]) -> list[list[tuple[int, Facts]]]:
    """Every day but the first, whose own first version is what it began with."""
    made, before = [], None
    for day in history:
        chain = [before, *day] if before else list(day)
        stays = [chain[place] for place in sorted(staying([facts for _, facts in chain]))]
        made.append(stays[1:] if before else stays)
        before = day[-1]
    return made


@given(days)
def test_since_when_is_answered_as_before(history: list[list[Facts]]) -> None:
    """Of everything that the newest version shows: the very same reading, not only the same day."""
    whole = numbered(history)
    assert since_when(thinned(whole)) == since_when(whole)


@given(days)
def test_until_when_is_answered_as_before(history: list[list[Facts]]) -> None:
    """Backwards in time an end is a beginning."""
    whole = numbered(history)

    def backwards(told: Sequence[Sequence[tuple[int, Facts]]]) -> list[list[tuple[int, Facts]]]:
        """Days from midnight to midnight: each with the version in force as it began, the newest first."""
        chain = [told[0], *([before[-1], *day] for before, day in pairwise(told))]
        return [list(reversed(day)) for day in reversed(chain)]

    for before, after in zip(backwards(whole), backwards(thinned(whole)), strict=True):
        assert since_when([after]) == since_when([before])


@given(days)
def test_thinning_twice_is_thinning_once(history: list[list[Facts]]) -> None:
    """What stays had a reason that its going neighbours did not give it."""
    once = thinned(numbered(history))
    assert thinned(once) == once


@given(days)
def test_what_a_day_ended_with_stays(history: list[list[Facts]]) -> None:
    """The newest version of all with it."""
    whole = numbered(history)
    assert [day[-1] for day in thinned(whole)] == [day[-1] for day in whole]


def test_one_of_many_changes_that_last_goes_nowhere() -> None:
    """a comes at the second reading, b at the third, c leaves at the fourth: each has its two readings."""
    assert staying(of("c", "ca", "cab", "ab")) == {0, 1, 2, 3}


def test_what_came_and_went_is_forgotten() -> None:
    """x was there for one reading, and a was away for another; b came at the last reading but two, and stayed."""
    assert staying(of("a", "ax", "a", "", "a", "ab", "abx", "ab")) == {0, 4, 5, 7}


def test_what_comes_and_goes_all_day_is_kept_from_its_last_return() -> None:
    """b is there at every second reading and at the last: since the last reading but none, as if all had stayed."""
    assert staying(of("a", "ab", "a", "ab", "a", "ab")) == {0, 4, 5}
