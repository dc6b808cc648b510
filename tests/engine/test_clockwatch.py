"""A wrong date would become a wrong invoice: no cycle runs on a clock that jumped or lies behind the store."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest

from agent.domain.findings import Code
from agent.engine.clockwatch import ClockWatch
from agent.errors import ClockUntrusted
from tests.engine.facts import codes, lines, sent
from tests.engine.here import StillClock
from tests.engine.world import HOUR, World


@dataclass(slots=True)
class SetClock(StillClock):
    """Somebody, or NTP, sets the wall clock by so many seconds; time itself goes on as it does."""

    jump: int = 0

    def now(self) -> datetime:
        return StillClock.now(self) + timedelta(seconds=self.jump)

    def monotonic(self) -> int:
        return StillClock.monotonic(self) - self.jump * 10**9


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.mark.parametrize("jump", [-300, -1, 0, 1, 300])
def test_five_minutes_are_forgiven(clock: SetClock, jump: int) -> None:
    """NTP steps by less than that every day."""
    watch = ClockWatch(clock)
    clock.jump = jump
    watch.check(None)


@pytest.mark.parametrize(("jump", "said"), [(301, "by +301 s"), (-301, "by -301 s"), (86_400, "by +86400 s")])
def test_jump_is_refused_once(clock: SetClock, jump: int, said: str) -> None:
    """Forwards or backwards; the next check begins anew from where the clock stands then."""
    watch = ClockWatch(clock)
    clock.jump = jump
    with pytest.raises(ClockUntrusted, match=f"the wall clock jumped {said.replace('+', '[+]')}"):
        watch.check(None)
    watch.check(None)


def test_machine_that_slept_has_not_jumped(clock: SetClock) -> None:
    """Boot time goes on during sleep, so eight hours later both clocks agree."""
    watch = ClockWatch(clock)
    clock.advance(8 * HOUR)
    watch.check(clock.now() - timedelta(hours=8))


def test_present_before_the_newest_entry_is_refused_for_good(clock: SetClock) -> None:
    """A fresh process sees no jump, but the store remembers 10:00 while the clock says 09:00."""
    watch = ClockWatch(clock)
    newest = clock.now() + timedelta(hours=1)
    for _ in range(2):
        with pytest.raises(ClockUntrusted, match=r"says 2026-03-05 09:00 UTC, but the store has entries from .* 10:00"):
            watch.check(newest)
    watch.check(clock.now() + timedelta(seconds=300))


def test_cycle_on_a_clock_that_went_back_reads_and_writes_nothing(flat: World) -> None:
    """Two seats more on the day that the clock says it is 4 March: a failed run, a finding; mended, they are billed."""
    flat.passes(0, 12, -24 * HOUR)
    flat.trap.calls.clear()
    result = flat.cycle()
    assert result is not None
    assert (result.state, sent(flat), "observe" in flat.trap.calls) == ("failed", [], False)
    assert "set the clock of this host right." in result.detail
    assert Code.RUN_FAILED in codes(flat)
    flat.hours(25)
    assert (lines(flat), codes(flat)) == (["12 from 2025-06-01"], set())
