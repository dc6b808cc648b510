"""Who was counted, since when, and on which day the licence was assigned."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from agent.domain.counts import Member, Snapshot
from agent.ports import Version
from agent.reports.holders import holders
from tests.domain.given import E3, NOW, PREMIUM, member, snapshot

HOUR = timedelta(hours=1)
JANUARY, MARCH = datetime(2026, 1, 5, tzinfo=UTC), datetime(2026, 3, 1, tzinfo=UTC)
ANN = member("ann@contoso.com", PREMIUM)


def read(*readings: Member | None) -> list[Version[Snapshot]]:
    """One version an hour; None: nobody was there."""
    hours = [(NOW + n * HOUR, [one] if one else []) for n, one in enumerate(readings)]
    return [Version(at, at, snapshot(members=people)) for at, people in hours]


def days(*readings: Member | None) -> list[datetime | None]:
    found = holders(read(*readings), lambda one: one.members, [PREMIUM])
    return [one.assigned for one in found]


def given(day: datetime, sku: str = PREMIUM) -> Member:
    return replace(ANN, assigned={sku: day})


def test_earliest_day_that_was_read_counts() -> None:
    """A change of its services renews the day that Microsoft names; the licence was there before."""
    assert days(given(JANUARY), given(MARCH)) == [JANUARY]
    assert days(ANN, given(MARCH)) == [MARCH]


def test_day_that_nobody_told_is_not_known() -> None:
    """Nor does the day of another licence say anything."""
    assert days(ANN, ANN) == [None]
    assert days(given(MARCH, E3)) == [None]


def test_who_came_back_has_a_day_of_their_own() -> None:
    """Two times among those who count, two assignments."""
    assert days(given(JANUARY), None, given(MARCH)) == [MARCH, JANUARY]
