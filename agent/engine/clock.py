"""The only place that asks what time it is."""

from __future__ import annotations

import time
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo


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
