"""Since when a quantity is asked for, as reading follows reading."""

from dataclasses import replace
from datetime import date, datetime, timedelta

from agent.domain.changes import Holding
from agent.domain.history import BEFORE_ALL, Asked
from agent.domain.holdings import ownership
from agent.domain.keys import Role
from agent.domain.ownership import Sighting, Timing
from agent.domain.sightings import Sightings
from tests.domain.given import MARCH_17, NOW, binding, ground, line, row

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
