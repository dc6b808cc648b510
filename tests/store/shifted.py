"""Clocks that a test moves for several processes and for the database at once."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from tests.contract.store_values import NOW, Place

LONGEST = 120  # seconds that a request may take: a lease of 185, of which 60 are for beginning one

# Found before PostgreSQL's own, because the search path names the catalogue last.
_SIMULATED = (
    "CREATE SCHEMA sim",
    "CREATE TABLE sim.shift (seconds double precision)",
    "INSERT INTO sim.shift VALUES (0)",
    "CREATE FUNCTION sim.clock_timestamp() RETURNS timestamptz LANGUAGE sql AS 'SELECT pg_catalog.clock_timestamp()"
    " + make_interval(secs => (SELECT seconds FROM sim.shift))'",
)


@dataclass(frozen=True, slots=True)
class ShiftedClock:
    """The real clocks of this machine, ahead by the seconds in a file."""

    shift: Path

    def now(self) -> datetime:
        return NOW + timedelta(microseconds=self.monotonic() // 1000)

    def today(self, zone: ZoneInfo) -> date:
        return self.now().astimezone(zone).date()

    def monotonic(self) -> int:
        return time.clock_gettime_ns(time.CLOCK_BOOTTIME) + int(self.shift.read_text()) * 10**9

    def sleep(self, seconds: int) -> None:
        time.sleep(0.01)


@dataclass(slots=True)
class Times:
    """Moves the boot clock and the database's clock on together, as time does."""

    place: Place
    shift: Path
    ahead: int = 0

    def __post_init__(self) -> None:
        self.shift.write_text("0")
        for statement in _SIMULATED:
            self.place.sql(statement)
        name = self.place.url.rpartition("/")[2]
        self.place.sql(f"ALTER DATABASE {name} SET search_path = public, sim, pg_catalog")

    def pass_by(self, seconds: int) -> None:
        self.ahead += seconds
        self.place.sql("UPDATE sim.shift SET seconds = :ahead", ahead=self.ahead)
        whole = self.shift.with_suffix(".new")
        whole.write_text(str(self.ahead))
        whole.rename(self.shift)
