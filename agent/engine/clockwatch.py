"""Wall time that moves otherwise than time itself: a wrong date would become a wrong invoice."""

from __future__ import annotations

from datetime import datetime

from agent.errors import ClockUntrusted
from agent.ports import Clock

TOLERANCE = 300  # seconds; more than that between wall and monotonic time, or behind the store, is a jump


class ClockWatch:
    """Compares the wall clock with the monotonic one and with what the store remembers, before each cycle."""

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
