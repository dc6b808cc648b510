"""When cycles are due: every due time has a name, and a name runs once, through clock changes too."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from agent.engine.schedule import Schedule

HOUR, DAY, MINUTE, NO_JITTER = timedelta(hours=1), timedelta(days=1), timedelta(minutes=1), timedelta(0)
BERLIN, SYDNEY = "Europe/Berlin", "Australia/Sydney"


def every(interval: timedelta, jitter: timedelta = NO_JITTER, seed: str = "one site") -> Schedule:
    return Schedule(ZoneInfo(SYDNEY), interval, None, jitter, seed)


def cron(line: str, zone: str, jitter: timedelta = NO_JITTER) -> Schedule:
    return Schedule(ZoneInfo(zone), None, line, jitter, "one site")


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def starts(schedule: Schedule, begin: datetime, days: float, step: timedelta = 10 * MINUTE) -> dict[str, datetime]:
    """Name and time of each run that a daemon starts which looks every ten minutes, after the one at the beginning."""
    last, found, now = schedule.due(begin) or "", {}, begin
    while (now := now + step) <= begin + days * DAY:
        due = schedule.due(now)
        if due is not None and due > last:
            last = due
            found[due] = now
    return found


def test_every_hour_on_the_hour() -> None:
    """Intervals are counted in UTC from a fixed day, so a restart changes nothing about them."""
    assert every(HOUR).due(utc("2026-03-05 09:59:59")) == "2026-03-05T09:00:00 UTC"
    assert every(HOUR).due(utc("2026-03-05 10:00:00")) == "2026-03-05T10:00:00 UTC"
    assert every(HOUR).next(utc("2026-03-05 10:00:00")) == utc("2026-03-05 11:00:00")


def test_cron_is_read_on_the_wall_clock_of_the_zone() -> None:
    """02:30 on working days in Berlin is 01:30 UTC in winter; from Friday's it is three days to Monday's."""
    schedule = cron("30 2 * * mon-fri", BERLIN)
    assert schedule.due(utc("2026-03-06 01:29")) == "2026-03-05T02:30:00 Europe/Berlin"
    assert schedule.due(utc("2026-03-06 01:30")) == "2026-03-06T02:30:00 Europe/Berlin"
    assert schedule.next(utc("2026-03-06 01:30")) == utc("2026-03-09 01:30")


@pytest.mark.parametrize(
    ("zone", "day", "expected"),
    [
        # 29 March, 02:00 -> 03:00: 02:30 does not exist, so the cycle starts at 03:00, which is 01:00 UTC.
        (BERLIN, "2026-03-29", ["03-28 01:30", "03-29 01:00", "03-30 00:30"]),
        # 25 October, 03:00 -> 02:00: of two times 02:30 the first counts, 00:30 UTC.
        (BERLIN, "2026-10-25", ["10-24 00:30", "10-25 00:30", "10-26 01:30"]),
        # 5 April, 03:00 -> 02:00: the first 02:30 is UTC+11, the next day's is UTC+10.
        (SYDNEY, "2026-04-05", ["04-03 15:30", "04-04 15:30", "04-05 16:30"]),
        # 4 October, 02:00 -> 03:00: the first moment after is 03:00 at UTC+11.
        (SYDNEY, "2026-10-04", ["10-02 16:30", "10-03 16:00", "10-04 15:30"]),
    ],
)
def test_clock_change_neither_doubles_nor_drops_a_run(zone: str, day: str, expected: list[str]) -> None:
    """Daily at 02:30, which on these nights comes never or twice: one run for each of the three dates."""
    begin = datetime.fromisoformat(day).replace(tzinfo=ZoneInfo(zone)) - DAY
    found = starts(cron("30 2 * * *", zone), begin.astimezone(UTC), days=3)
    assert [f"{at:%m-%d %H:%M}" for at in found.values()] == expected


@pytest.mark.parametrize("zone", [BERLIN, SYDNEY, "America/New_York", "Pacific/Kiritimati"])
def test_year_has_one_run_for_each_date(zone: str) -> None:
    """365 local dates, 365 names, all different, both clock changes included."""
    found = starts(cron("30 2 * * *", zone), utc("2026-01-01 12:00"), days=365, step=6 * HOUR)
    dates = {datetime.fromisoformat(name.partition(" ")[0]).date() for name in found}
    assert (len(found), len(dates), max(dates) - min(dates)) == (365, 365, 364 * DAY)


@pytest.mark.parametrize(("day", "hours", "runs"), [("2026-03-29", 23, 23), ("2026-10-25", 25, 24)])
def test_hourly_cron_skips_the_hour_that_comes_twice(day: str, hours: int, runs: int) -> None:
    """Its names are the hours on the wall; the day of 25 hours has 24 of them. An interval of an hour keeps all 25."""
    begin = datetime.fromisoformat(day).replace(tzinfo=ZoneInfo(BERLIN)).astimezone(UTC)
    before, length = begin - 10 * MINUTE, hours / 24
    assert len(starts(cron("0 * * * *", BERLIN), before, days=length)) == runs
    assert len(starts(every(HOUR), before, days=length)) == hours


def test_missed_runs_are_one() -> None:
    """After five hours of sleep only the newest is due; the four before it are not made up for."""
    found = starts(every(HOUR), utc("2026-03-05 09:00"), days=1, step=5 * HOUR)
    assert list(found)[:2] == ["2026-03-05T14:00:00 UTC", "2026-03-05T19:00:00 UTC"]


def test_clock_set_back_repeats_nothing() -> None:
    """Names only ever rise: set back from 12:00 to 10:00, nothing new is due before 13:00."""
    schedule, last = every(HOUR), "2026-03-05T12:00:00 UTC"
    due = [schedule.due(utc(f"2026-03-05 {hour}:00")) for hour in (10, 11, 12, 13)]
    assert [name for name in due if name and name > last] == ["2026-03-05T13:00:00 UTC"]


def test_jitter_delays_each_run_by_less_than_it_says() -> None:
    """Of 200 hourly runs with a jitter of ten minutes none is early or ten minutes late, and they are spread."""
    schedule = every(HOUR, 10 * MINUTE)
    delays = [
        schedule.next(at) - at - HOUR + 11 * MINUTE  # asked 11 minutes past, when the hour's own run has begun
        for at in (utc("2026-03-05 00:11") + n * HOUR for n in range(200))
    ]
    assert min(delays) >= NO_JITTER
    assert max(delays) < 10 * MINUTE
    assert max(delays) - min(delays) > 8 * MINUTE


def test_jitter_of_a_name_is_always_the_same() -> None:
    """A restart moves nothing; another site knocks at another time."""
    now = utc("2026-03-05 09:30")
    assert every(HOUR, 10 * MINUTE).next(now) == every(HOUR, 10 * MINUTE).next(now)
    assert every(HOUR, 10 * MINUTE).next(now) != every(HOUR, 10 * MINUTE, "another site").next(now)


def test_run_that_still_waits_for_its_jitter_is_the_next_one() -> None:
    """Before the delay is over the run before is the newest that is due, and the next one is today's."""
    schedule = cron("0 2 * * *", "UTC", 30 * MINUTE)
    start = schedule.next(utc("2026-03-05 01:59"))
    assert start is not None
    assert utc("2026-03-05 02:01") < start < utc("2026-03-05 02:30")
    assert schedule.due(start - MINUTE) == "2026-03-04T02:00:00 UTC"
    assert schedule.next(start - MINUTE) == start
    assert schedule.due(start) == "2026-03-05T02:00:00 UTC"


def test_cron_line_that_has_not_come_yet() -> None:
    """29 February: in 2026 nothing is due, and the next one is in 2028."""
    schedule = cron("0 6 29 2 *", "UTC")
    assert schedule.due(utc("2026-03-05 09:00")) is None
    assert schedule.next(utc("2026-03-05 09:00")) == utc("2028-02-29 06:00")
