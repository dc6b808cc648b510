"""Since when each seat has been asked for."""

from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from agent.domain.history import BEFORE_ALL, Move, asked, fallen, level, proven, risen


def day(number: int) -> date:
    return date(2026, 3, number)


def test_each_seat_has_its_own_day() -> None:
    """10 on the 4th, 15 on the 5th, 12 on the 6th, 21 on the 8th: 11 and 12 since the 5th, 13 to 21 since the 8th."""
    history = ((day(4), 10), (day(5), 15), (day(6), 12), (day(8), 21))
    assert [*risen(history, 10, 21)] == [Move(day(5), 10, 12, False), Move(day(8), 12, 21, False)]


def test_seats_leave_from_the_top() -> None:
    """10 on the 4th, 7 on the 5th, 8 on the 6th: 10 and 9 since the 5th; 8 is there again."""
    history = ((day(4), 10), (day(5), 7), (day(6), 8))
    assert [*fallen(history, 10, 8)] == [Move(day(5), 8, 10, False)]


def test_the_last_reading_of_a_day_counts() -> None:
    """12 in the morning and 10 in the evening: the day ended as the one before it."""
    morning = asked(((day(16), 10),), day(17), 12)
    assert asked(morning, day(17), 10) == ((day(16), 10),)


def test_the_ground_is_the_day_before_the_only_reading() -> None:
    """10 in the morning of the 17th, 12 in its evening: the 16th ended with what the morning showed."""
    assert asked(((day(17), 10),), day(17), 12) == ((day(16), 10), (day(17), 12))


def test_no_seat_is_a_reading_too() -> None:
    """A row that has no line and no seats knows so since its first reading, not since ever."""
    assert asked(((BEFORE_ALL, 0),), day(17), 0) == ((BEFORE_ALL, 0), (day(17), 0))


def test_before_the_ground_the_ground_counts() -> None:
    """4 on the 10th, 6 on the 12th: on the 9th 4, as far as anybody knows, and on the 12th 6."""
    history = ((day(10), 4), (day(12), 6))
    assert [level(history, day(n)) for n in (9, 10, 11, 12)] == [4, 4, 4, 6]


def test_seats_bought_on_the_day_of_the_last_reading_are_proven() -> None:
    """Read on the 16th with 10, three bought later that day, 13 now: since the 16th."""
    assert proven([(day(16), 3)], day(16), ((day(15), 10),), 13) == ((day(16), 13),)
    assert proven([(day(15), 3)], day(16), ((day(15), 10),), 13) == ()


def test_lines_that_moved_and_not_the_count() -> None:
    """The 16th ended with 10, and so does today, but the lines show 12: two seats that no day ended with."""
    assert [*fallen(((day(16), 10),), 12, 10)] == [Move(day(17), 10, 12, True)]


def test_the_first_reading_has_nothing_before_it() -> None:
    """No line and 10 seats, first seen on the 17th."""
    history = asked(((BEFORE_ALL, 0),), day(17), 10)
    assert [*risen(history, 0, 10)] == [Move(day(17), 0, 10, False)]


@given(st.lists(st.integers(0, 12), min_size=1, max_size=8), st.integers(0, 12))
def test_moves_lead_from_before_to_after(counts: list[int], before: int) -> None:
    """Rises and falls are gapless, in order of days, and end with the last count."""
    history = tuple((day(n), count) for n, count in enumerate(counts, 1))
    after = counts[-1]
    rises, falls = [*risen(history, before, after)], [*fallen(history, before, after)]
    assert sum(move.high - move.low for move in rises) == max(0, after - before)
    assert sum(move.high - move.low for move in falls) == max(0, before - after)
    for moves in (rises, falls):
        assert [move.day for move in moves] == sorted(move.day for move in moves)
