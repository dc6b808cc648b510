"""Since when a quantity is asked for, as reading follows reading."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest

from agent.domain.changes import Holding
from agent.domain.desired import DesiredLine
from agent.domain.history import BEFORE_ALL, Asked
from agent.domain.holdings import ownership
from agent.domain.keys import Role
from agent.domain.ownership import Kept, Sighting, Timing
from agent.domain.sightings import Sightings
from tests.domain.given import MARCH_17, NOW, binding, ground, line, observation, row, snapshot, wished

KEY = row().key("connectwise")
OURS = line(quantity=10)
BEFORE = NOW - timedelta(days=3)


def seen(quantity: int, since: date, asked: Asked, first: datetime | None = BEFORE) -> Sighting:
    return Sighting(KEY, quantity, since, first, BEFORE, asked)


def looked(*known: Sighting) -> Sightings:
    return Sightings({s.key: s for s in known}, Timing(NOW, MARCH_17, timedelta(seconds=60)))


def day(number: int) -> date:
    return date(2026, 3, number)


def test_a_line_without_a_row_is_unwanted_since_it_was_read_so() -> None:
    """Ten stand, and nothing is known of the row: yesterday ended with ten, and today none is asked for."""
    told = looked().unwanted(KEY, Holding(OURS))
    assert told == Sighting(KEY, 0, MARCH_17, None, NOW, ((day(16), 10), (MARCH_17, 0)))


def test_the_day_it_became_unwanted_stays() -> None:
    """The row went on the 14th, and a person has not decided yet: since the 14th, read today."""
    asked = ((day(13), 10), (day(14), 0))
    sightings = looked(seen(0, day(14), asked, first=None))
    told = sightings.unwanted(KEY, Holding(OURS))
    assert told == Sighting(KEY, 0, day(14), None, NOW, asked)
    assert sightings.told == [told]


def test_what_was_asked_for_until_then_is_kept() -> None:
    """Twelve since the 14th, of which the line shows ten yet; today the row is gone."""
    told = looked(seen(12, day(14), ((day(13), 10), (day(14), 12)))).unwanted(KEY, Holding(OURS))
    assert (told.quantity, told.since) == (0, MARCH_17)
    assert told.asked == ((day(13), 10), (day(14), 12), (MARCH_17, 0))


def test_a_row_that_went_before_it_had_a_line_is_remembered_as_none() -> None:
    """Five were asked for since the 14th, and no line came: should the row come back, it begins then."""
    sightings = looked(seen(5, day(14), ((BEFORE_ALL, 0), (day(14), 5))))
    sightings.forgotten((), ownership(ground(), []))
    assert sightings.told == [
        Sighting(KEY, 0, MARCH_17, None, NOW, ((BEFORE_ALL, 0), (day(14), 5), (MARCH_17, 0))),
    ]


def test_rows_that_are_there_or_have_a_line_are_not_forgotten() -> None:
    """The first is asked for, the second has a line, of the third nothing was wanted, the fourth is an invoice's."""
    five = seen(5, day(14), ((BEFORE_ALL, 0), (day(14), 5)))
    owned = ownership(ground([OURS], [binding(KEY, OURS)]), [])
    again = replace(five, key=KEY.delta("4711/2026-03-01", Role.AGAIN))
    for sightings, asked_for, on in (
        (looked(five), {KEY}, ownership(ground(), [])),
        (looked(five), (), owned),
        (looked(replace(five, quantity=0)), (), ownership(ground(), [])),
        (looked(again), (), ownership(ground(), [])),
    ):
        sightings.forgotten(asked_for, on)
        assert sightings.told == []


def wants(seats: int, **changes: object) -> DesiredLine:
    [line_of_row] = wished([row()], snapshot(observation(purchased=seats))).lines
    return replace(line_of_row, **changes)


def test_a_row_without_a_line_begins_with_its_first_reading() -> None:
    """Before it nothing is known: five seats since today."""
    told = looked().of(wants(5), None)
    assert told == Sighting(KEY, 5, MARCH_17, NOW, NOW, ((BEFORE_ALL, 0), (MARCH_17, 5)))


def test_a_reading_that_says_the_same_is_a_second_one() -> None:
    """Twelve since the 14th, and twelve again: the day and the first read stay, the last one is now."""
    asked = ((day(13), 10), (day(14), 12))
    told = looked(seen(12, day(14), asked)).of(wants(12), Holding(OURS))
    assert told == Sighting(KEY, 12, day(14), BEFORE, NOW, asked)


def test_what_is_not_written_yet_keeps_its_days() -> None:
    """Ten stand, twelve are asked for since the 14th, and thirteen since today."""
    told = looked(seen(12, day(14), ((day(13), 10), (day(14), 12)))).of(wants(13), Holding(OURS))
    assert (told.since, told.first_at) == (MARCH_17, NOW)
    assert told.asked == ((day(13), 10), (day(14), 12), (MARCH_17, 13))


def test_what_the_lines_show_is_the_ground_of_what_comes_after() -> None:
    """Twelve since the 14th, and twelve stand: yesterday ended so. Raised and written today, today is not over."""
    twelve = Holding(replace(OURS, quantity=Decimal(12)))
    before = looked(seen(12, day(14), ((day(13), 10), (day(14), 12))))
    assert before.of(wants(13), twelve).asked == ((day(16), 12), (MARCH_17, 13))
    today = looked(seen(12, MARCH_17, ((day(16), 10), (MARCH_17, 12))))
    assert today.of(wants(13), twelve).asked == ((day(16), 10), (MARCH_17, 13))


@pytest.mark.parametrize(("first", "stands", "since"), [(BEFORE, False, 15), (None, True, 15), (None, False, 17)])
def test_days_of_purchases_count_for_a_row_that_was_looked_at(first: datetime | None, stands: bool, since: int) -> None:
    """Ten on the 14th, three bought on the 15th, thirteen now. Without a row or a line nobody asked for the three."""
    before = seen(10, day(13), ((day(12), 0), (day(13), 10)), first)
    told = looked(before).of(
        wants(13, bought=((day(15), 3),)), Holding(replace(OURS, quantity=Decimal(8))) if stands else None
    )
    assert told.since == day(since)
    assert told.asked[-1] == (day(since), 13)


def test_a_number_that_a_person_keeps_needs_no_reading() -> None:
    """Kept at ten since the 14th: no read said so, and its days are those of the person's word."""
    asked = ((day(13), 12), (day(14), 10))
    kept = Kept(KEY, OURS.id, wants(10).terms, day(14), asked, "ann", BEFORE)
    told = looked().of(wants(10, kept=kept), Holding(OURS))
    assert told == Sighting(KEY, 10, day(14), None, NOW, asked)


def test_only_what_was_read_waits_for_a_second_read() -> None:
    """Read at 09:00:00, with a minute to pass; what no read said has none to wait for."""
    timing = Timing(NOW + timedelta(seconds=59), MARCH_17, timedelta(seconds=60))
    once = Sighting(KEY, 5, MARCH_17, NOW, NOW)
    assert timing.second_read(once, "a lower count") == (
        "a lower count needs a second read that agrees, not before 09:01:00 UTC"
    )
    assert replace(timing, now=NOW + timedelta(seconds=60)).second_read(once, "a lower count") == ""
    assert timing.second_read(replace(once, first_at=None), "a lower count") == ""
