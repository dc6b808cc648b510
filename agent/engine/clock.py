"""The only place that asks what time it is."""

from __future__ import annotations

import time
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from agent.errors import ClockUntrusted
from agent.ports import Clock

TOLERANCE = 300  # seconds; more than that between wall and monotonic time, or behind the store, is a jump


class SystemClock:
    def now(self) -> datetime:
        return datetime.now(UTC)

    def today(self, zone: ZoneInfo) -> date:
        return self.now().astimezone(zone).date()

    def monotonic(self) -> int:
        # Boot time goes on while a machine sleeps, which plain monotonic time does not.
        return time.clock_gettime_ns(time.CLOCK_BOOTTIME)

    def sleep(self, seconds: int) -> None:
        time.sleep(seconds)


class ClockWatch:
    """Notices wall time that moves otherwise than time itself; a wrong date would become a wrong invoice."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._wall, self._boot = clock.now(), clock.monotonic()

    def check(self, newest: datetime | None) -> None:
        """Raise `ClockUntrusted` after a jump, or when the present lies before the newest stored instant."""
        wall, boot = self._clock.now(), self._clock.monotonic()
        drift = (wall - self._wall).total_seconds() - (boot - self._boot) / 1e9
        self._wall, self._boot = wall, boot
        if abs(drift) > TOLERANCE:
            raise ClockUntrusted(
                f"the wall clock jumped by {drift:+.0f} s", "check NTP on this host; the next cycle starts anew"
            )
        if newest is not None and (newest - wall).total_seconds() > TOLERANCE:
            raise ClockUntrusted(
                f"the clock says {wall:%Y-%m-%d %H:%M} UTC, but the store has entries from {newest:%Y-%m-%d %H:%M} UTC",
                "set the clock of this host right",
            )
