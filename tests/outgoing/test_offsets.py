"""How far our clock is off is told by whoever answers."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from agent.outgoing import Offsets
from agent.simulators.wire import SimClock
from tests.engine.here import StillClock

NOON = datetime(2026, 3, 19, 12, tzinfo=UTC)


@pytest.fixture
def clock() -> StillClock:
    return StillClock(SimClock(NOON))


@pytest.mark.parametrize(
    ("date", "seconds"),
    [
        ("Thu, 19 Mar 2026 12:00:00 GMT", 0.5),
        ("Thu, 19 Mar 2026 12:01:30 GMT", 90.5),
        ("Thu, 19 Mar 2026 11:00:00 GMT", -3599.5),
        ("Thu, 19 Mar 2026 12:00:00 -0000", 0.5),
        ("Thu, 19 Mar 2026 13:00:00 +0100", 0.5),
    ],
)
def test_offset_is_theirs_less_ours(clock: StillClock, date: str, seconds: float) -> None:
    """Whole seconds, cut off: noon exactly is most likely half a second past."""
    offsets = Offsets(clock)
    offsets.of("microsoft")({"date": date})
    assert offsets.seconds() == {"microsoft": seconds}


@pytest.mark.parametrize("headers", [{}, {"date": ""}, {"date": "soon"}, {"date": "Thu, 99 Mar 2026 12:00:00 GMT"}])
def test_answer_without_a_time_says_nothing(clock: StillClock, headers: dict[str, str]) -> None:
    """Neither does it take back what was said before."""
    offsets = Offsets(clock)
    offsets.of("microsoft")({"date": "Thu, 19 Mar 2026 12:00:09 GMT"})
    clock.advance(61)
    offsets.of("microsoft")(headers)
    assert offsets.seconds() == {"microsoft": 9.5}


def test_each_service_is_asked_once_a_minute(clock: StillClock) -> None:
    """A thousand answers in a cycle need no thousand comparisons; a clock that was set right is seen a minute later."""
    offsets = Offsets(clock)
    heard = offsets.of("connectwise")
    heard({"date": "Thu, 19 Mar 2026 12:05:00 GMT"})
    clock.advance(59)
    heard({"date": "Thu, 19 Mar 2026 12:00:59 GMT"})
    assert offsets.seconds() == {"connectwise": 300.5}
    clock.advance(1)
    heard({"date": "Thu, 19 Mar 2026 12:01:00 GMT"})
    assert offsets.seconds() == {"connectwise": 0.5}
