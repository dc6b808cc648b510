"""A month in the life of a fleet, on a clock that is moved.

    python -m tests.engine.month [TENANTS] [DAYS] [HOURS BETWEEN CYCLES] [SEED]

The engine, the SQLite store, the ConnectWise adapter and its simulator are real; one request in a hundred goes wrong,
people buy and give back seats, an invoice run comes by, and now and then something gets stuck. Each stuck state must be
a finding within two periods of the moment from which it counts as stuck; no two periods may pass without a good cycle
otherwise; and neither memory nor descriptors may grow. The simulator, which keeps every invoice, has a process of its
own, so that the memory is the agent's.
"""

from __future__ import annotations

import gc
import logging
import os
import random
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import structlog

from agent.domain.findings import Code
from agent.domain.guards import Limits
from agent.domain.news import Every
from agent.engine.schedule import Schedule
from agent.engine.stuck import Stuck
from agent.engine.telling import Telling, Wishes
from agent.simulators.faults import Kind
from tests.engine.elsewhere import Elsewhere
from tests.engine.fleet import Fleet
from tests.engine.here import AGREEMENT, SETTLE, SKUS, UTC_ZONE, Health

ROUND = timedelta(minutes=15)  # between two looks at what is stuck; the daemon looks each minute
STALE = timedelta(hours=24)
_FAULTS = {Kind.ERROR_BEFORE: 0.004, Kind.TOO_MANY: 0.003, Kind.BAD_GATEWAY: 0.002, Kind.LOST_ANSWER: 0.001}
_WARM = timedelta(days=3)  # after which caches are filled and memory may be compared


class Silent:
    """A channel that counts."""

    name = "mail"
    sent = 0

    def send(self, notice: object) -> None:
        self.sent += 1


@dataclass
class Incident:
    """Something that is made to go wrong at `at` and mended at `until`; it counts as stuck after `patience`."""

    code: Code
    at: datetime
    until: datetime
    patience: timedelta
    begin: Callable[[], None]
    end: Callable[[], None]
    begun: bool = False
    ended: bool = False
    seen: datetime | None = None


@dataclass
class Month:
    tenants: int
    days: int
    period: timedelta
    seed: int = 2026
    free: int = 1 << 40
    incidents: list[Incident] = field(default_factory=list)
    gaps: list[timedelta] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.rng, self.fleet, self.post = random.Random(self.seed), Fleet(self.tenants, Limits()), Silent()
        self.fleet.stack.site.logging = False
        self.site = self.fleet.stack.wire = Elsewhere(self.fleet.stack.site)
        self.clock, self.store = self.fleet.stack.clock, self.fleet.store
        self.began, self.mappings = self.clock.now(), self.fleet.mappings()
        schedule = Schedule(UTC_ZONE, self.period, None, timedelta(0), "seed")
        traits = self.fleet.agent.psa.traits
        self.stuck = Stuck(self.store, self.clock, UTC_ZONE, schedule, lambda: self.mappings, traits, lambda: self.free)
        wishes = Wishes((), Every.DAY, self.began.time(), timedelta(days=7))
        self.telling = Telling(self.store, self.clock, UTC_ZONE, [self.post], wishes, dict)
        self.incidents = list(self._incidents()) if self.days >= 3 else []
        self._chance()

    def run(self, progress: Callable[[int], None] = lambda day: None) -> dict[str, float]:
        """Live through it; what it came to. Raises AssertionError for whatever must not be."""
        last_good, memory, descriptors = self.clock.now(), 0.0, 0
        due = self.clock.now()
        while self.clock.now() < self.began + timedelta(days=self.days):
            self._live()
            if self.clock.now() >= due:
                due += self.period
                if self._cycle():
                    self._note_gap(last_good)
                    last_good = self.clock.now()
            self.stuck()
            self.telling()
            self._look()
            if not memory and self.clock.now() - self.began >= min(_WARM, timedelta(days=self.days) / 2):
                memory, descriptors = _memory(), _descriptors()
            self.clock.advance(int(ROUND.total_seconds()))
            progress((self.clock.now() - self.began).days)
        grown = _memory() / memory - 1
        self._judge(grown, _descriptors() - descriptors)
        return {"memory": grown, "mib": _memory(), "gap": max(self.gaps) / self.period, "notices": self.post.sent}

    def close(self) -> None:
        self.site.close()
        self.fleet.stack.close()

    def _cycle(self) -> bool:
        chosen = sorted(self.mappings.companies)
        result = self.fleet.agent.run(self.mappings, chosen, "schedule")
        self.fleet.trap.calls.clear()  # the harness keeps what it saw; the daemon does not
        self.fleet.source.asked.clear()
        return result.state == "done"

    def _live(self) -> None:
        """Each day two tenants in a hundred buy or give back a seat; on the first of a month all are invoiced."""
        for _ in range(self.tenants):
            if self.rng.random() < 0.02 / (timedelta(days=1) / ROUND):
                seats = self.fleet.seats[self.rng.randrange(self.tenants)].seats
                seats[SKUS[0]] = max(8, min(13, seats[SKUS[0]] + self.rng.choice((-1, 1))))
        now = self.clock.now()
        if now.day == 1 and (now.hour, now.minute) < (0, 15):
            for number in range(self.tenants):
                self.site.call("invoice", AGREEMENT + number)

    def _look(self) -> None:
        now, found = self.clock.now(), {known.finding.code for known in self.store.findings()}
        for incident in self.incidents:
            if not incident.begun and now >= incident.at:
                incident.begun = True
                incident.begin()
            elif incident.begun and incident.seen is None and incident.code in found:
                incident.seen = now
            if incident.begun and not incident.ended and now >= incident.until:
                incident.ended = True
                incident.end()

    def _note_gap(self, last_good: datetime) -> None:
        now = self.clock.now()
        away = [i for i in self.incidents if i.code is Code.CYCLE_OVERDUE and i.at <= now <= i.until + self.period]
        if not away:
            self.gaps.append(now - last_good)

    def _judge(self, grown: float, descriptors: int) -> None:
        for one in self.incidents:
            allowed = one.at + one.patience + 2 * self.period + ROUND
            if one.seen is None or one.seen > allowed:
                self.troubles.append(f"{one.code} began {one.at}, was to be seen by {allowed}, and was seen {one.seen}")
        codes = {one.code for one in self.incidents}
        still = [known.finding for known in self.store.findings() if known.finding.code in codes]
        held = [f"{hold.sentence} ({hold.company}), since {hold.since}: {hold.reasons}" for hold in self.store.holds()]
        self.troubles += [f"{one.code} is over, and its finding stays: {one.sentence} {held}" for one in still]
        if max(self.gaps) > 2 * self.period:
            self.troubles.append(f"no good cycle for {max(self.gaps)}")
        if grown > 0.05:
            self.troubles.append(f"memory grew by {grown:.1%}")
        if descriptors > 0:
            self.troubles.append(f"{descriptors} descriptors more than before")
        assert not self.troubles, "\n".join(self.troubles)

    def _chance(self) -> None:
        self.site.call("faults.at_random", random.Random(self.seed), dict(_FAULTS), seconds=(0, 30))

    def _calm(self) -> None:
        self.site.call("faults.clear")
        self._chance()

    def _incidents(self) -> Iterator[Incident]:
        """One after the other, in equal parts of the month."""
        fault, part = partial(self.site.call, "faults.add"), timedelta(days=self.days) / 6
        working_day = timedelta(days=3)  # a weekend may lie in between

        def away() -> None:
            fault(Kind.REFUSED, times=10**9)

        def ill(health: Health) -> Callable[[], None]:
            return lambda: setattr(self.fleet.seats[0], "health", health)

        def bought() -> None:
            """The first write is lost, and the agreement cannot be read after it."""
            self.fleet.seats[1].seats[SKUS[0]] += 1
            fault(Kind.LOST_ANSWER, method="PATCH", path=f"/{AGREEMENT + 1}/additions")
            fault(Kind.ERROR_BEFORE, method="GET", path=f"/{AGREEMENT + 1}/additions", nth=4, times=10**9)

        def lowered(seats: int) -> Callable[[], None]:
            return lambda: self.fleet.seats[2].seats.update({SKUS[0]: seats})

        def full(free: int) -> Callable[[], None]:
            return lambda: setattr(self, "free", free)

        def at(number: int, hours: float, length: timedelta) -> tuple[datetime, datetime]:
            start = self.began + number * part + timedelta(hours=hours)
            return start, start + length

        none, stale = timedelta(0), STALE + 3 * self.period
        yield Incident(Code.CYCLE_OVERDUE, *at(0, 3, 4 * self.period), none, away, self._calm)
        yield Incident(Code.SOURCE_STALE, *at(1, 0, stale), STALE, ill(Health.UNREACHABLE), ill(Health.WELL))
        unsettled = timedelta(seconds=SETTLE, minutes=30)
        yield Incident(Code.WRITE_UNSETTLED, *at(2, 0, 4 * self.period + unsettled), unsettled, bought, self._calm)
        if part > working_day + 3 * self.period:
            yield Incident(
                Code.HOLD_FORGOTTEN, *at(3, 0, working_day + 3 * self.period), working_day, lowered(2), lowered(10)
            )
        yield Incident(Code.DISK_FULL, *at(5, 0, self.period), none, full(1 << 29), full(1 << 40))


def _memory() -> float:
    """MiB of this process that are in memory now."""
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


def _descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


def main() -> None:
    given = [int(word) for word in sys.argv[1:]]
    tenants, days, hours, seed = [*given, *(500, 30, 2, 2026)[len(given) :]]
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    began, told = time.perf_counter(), -1
    month = Month(tenants, days, timedelta(hours=hours), seed)

    def progress(day: int) -> None:
        nonlocal told
        if day > told:
            told = day
            print(f"\rday {day} of {days}, {time.perf_counter() - began:.0f} s", end="", file=sys.stderr, flush=True)

    try:
        found = month.run(progress)
    finally:
        month.close()
    seen = "; ".join(f"{one.code} after {one.seen - one.at}" for one in month.incidents if one.seen)
    print(
        f"\n{days} days of {tenants} tenants, a cycle every {hours} h, from seed {seed}: memory {found['memory']:+.1%} "
        f"({found['mib']:.0f} MiB), no descriptor more, at most {found['gap']:.1f} periods between good cycles, "
        f"{found['notices']:.0f} notices; seen: {seen}; {time.perf_counter() - began:.0f} s"
    )


if __name__ == "__main__":
    main()
