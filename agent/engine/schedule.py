"""When the next cycle is due. Every due time has a name, and a name runs once.

Cron lines are read on the wall clock of the PSA's zone without its jumps: when the clock goes back, the hour that
comes twice brings the same names and nothing runs again; when it goes forward, a time that does not exist is due at
the first moment after it.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from apscheduler.triggers.cron import CronTrigger


@dataclass(frozen=True, slots=True)
class Schedule:
    """`every` or a five-field `cron`; `jitter` delays each due time by an amount that depends on its name."""

    zone: ZoneInfo
    every: timedelta | None
    cron: str | None
    jitter: timedelta
    seed: str

    @property
    def clock(self) -> str:
        """Whose time the names tell, as they end: names of two clocks cannot be compared."""
        return "UTC" if self.every is not None else self.zone.key

    def due(self, now: datetime) -> str | None:
        """The name of the newest due time at or before now, jitter included; None before the first of a cron line."""
        nominal = self._newest(now)
        if nominal is not None and not self._ready(nominal, now):
            nominal = self._newest_before(nominal)
        return self._name(nominal) if nominal else None

    def next(self, now: datetime) -> datetime | None:
        """Roughly when the next cycle starts, for people: the delay is included, a clock change in between is not."""
        nominal, wall = self._newest(now), self._wall(now)
        if nominal is None or self._ready(nominal, now):
            nominal = self._following(nominal, wall)
        return now + (nominal + self._delay(nominal) - wall) if nominal else None

    def _ready(self, nominal: datetime, now: datetime) -> bool:
        return self._wall(now) >= nominal + self._delay(nominal)

    def _newest(self, now: datetime) -> datetime | None:
        wall = self._wall(now)
        if self.every is not None:
            start = datetime(2000, 1, 1, tzinfo=UTC)
            return start + (wall - start) // self.every * self.every
        return self._cron_before(wall)

    def _newest_before(self, nominal: datetime) -> datetime | None:
        if self.every is not None:
            return nominal - self.every
        return self._cron_before(nominal - timedelta(seconds=1))

    def _following(self, newest: datetime | None, wall: datetime) -> datetime | None:
        if self.every is not None:
            return newest + self.every if newest else None
        found: datetime | None = self._trigger().get_next_fire_time(None, wall + timedelta(seconds=1))
        return found

    def _cron_before(self, wall: datetime) -> datetime | None:
        # Triggers only look forward: walk from ever farther back until something lies before the wall time.
        trigger = self._trigger()
        for hours in (1, 24, 8 * 24, 32 * 24, 367 * 24):
            found: datetime | None = None
            at: datetime | None = trigger.get_next_fire_time(None, wall - timedelta(hours=hours))
            while at is not None and at <= wall:
                found, at = at, trigger.get_next_fire_time(at, at + timedelta(seconds=1))
            if found is not None:
                return found
        return None

    def _trigger(self) -> CronTrigger:
        return CronTrigger.from_crontab(self.cron, timezone=UTC)

    def _wall(self, now: datetime) -> datetime:
        """What the clock on the wall shows, labelled UTC so that no arithmetic meets a clock change.

        Fixed intervals count real time: they have no wall time to keep.
        """
        if self.every is not None:
            return now.astimezone(UTC)
        return now.astimezone(self.zone).replace(tzinfo=UTC)

    def _name(self, nominal: datetime) -> str:
        return f"{nominal:%Y-%m-%dT%H:%M:%S} {self.clock}"

    def _delay(self, nominal: datetime) -> timedelta:
        number = int.from_bytes(hashlib.sha256(f"{self.seed}{self._name(nominal)}".encode()).digest()[:8])
        return self.jitter * (number % 10_000) / 10_000
