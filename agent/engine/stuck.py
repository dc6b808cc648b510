"""What should have moved and did not: found by looking at the clock, because whatever is stuck says nothing itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from agent.domain.findings import Code, Finding, Severity
from agent.domain.guards import FLEET
from agent.domain.mappings import Mappings
from agent.engine.schedule import Schedule
from agent.ports import Clock, Entry, Store, Traits
from agent.reports.text import counted, duration

_RUNS = 50  # looked at each minute, in which the daemon makes a few at most
_GRACE = timedelta(minutes=10)  # for the second of two cycles to end
_UNSETTLED = timedelta(minutes=30)  # beyond the settle window, within which nothing is to be expected
_DAY = timedelta(days=1)
FREE_BYTES = {Severity.ERROR: 200 << 20, Severity.WARNING: 1 << 30}


@dataclass(slots=True)
class Stuck:
    """`free` tells how many bytes the disk of the state folder has left; None where the store lies elsewhere."""

    store: Store
    clock: Clock
    zone: ZoneInfo
    schedule: Schedule
    mappings: Callable[[], Mappings]
    traits: Traits
    free: Callable[[], int | None]
    _good: datetime | None = field(default=None)

    def __call__(self) -> None:
        now = self.clock.now()
        looks = (self._cycle(now), self._writes(now), self._holds(now), self._disk())
        self.store.note("stuck", [finding for look in looks for finding in look], now)

    def _cycle(self, now: datetime) -> Iterator[Finding]:
        last = self._good = max(self._good or now, self._newest_good())
        first = self.schedule.next(last)
        second = self.schedule.next(first) if first else None
        if first is None or second is None or now <= second + min(_GRACE, (second - first) / 2):
            return
        what = f"no cycle has gone well since {last.astimezone(self.zone):%Y-%m-%d %H:%M}: two were due"
        remedy = "trueup status and journalctl -u trueup say why"
        yield Finding(Code.CYCLE_OVERDUE, Severity.ERROR, None, "cycle", what, remedy)

    def _newest_good(self) -> datetime:
        """When the last good run over all companies ended; the oldest instant that there is if none is known."""
        everybody = set(self.mappings().companies)
        ended = (
            run.ended
            for run in self.store.runs(_RUNS)
            if run.state == "done" and not run.dry and run.ended and everybody <= set(run.companies)
        )
        return max(ended, default=datetime.min.replace(tzinfo=self.clock.now().tzinfo))

    def _writes(self, now: datetime) -> Iterator[Finding]:
        late = now - timedelta(seconds=self.traits.settle) - _UNSETTLED
        for entry in self.store.entry_open():
            if entry.at < late:
                yield self._unsettled(entry, now)

    def _unsettled(self, entry: Entry, now: datetime) -> Finding:
        write = entry.write
        memory = self.store.memory(self.traits.name, write.company, [write.agreement], now)
        invoice = memory.boundaries.get(write.agreement)
        soon = invoice is not None and invoice <= (now + _DAY).astimezone(self.zone).date()
        age = duration(int((now - entry.at).total_seconds()))
        sentence = f"{write.sentence} on agreement {write.agreement}: for {age} nobody knows whether it happened"
        return Finding(
            Code.WRITE_UNSETTLED,
            Severity.ERROR if soon else Severity.WARNING,
            write.company,
            str(write.key),
            f"{sentence}; the next invoice is on {invoice}" if soon else sentence,
            "look at the line in the PSA, and at why it cannot be read: trueup check",
        )

    def _holds(self, now: datetime) -> Iterator[Finding]:
        waiting = [hold for hold in self.store.holds() if hold.state == "open"]
        stopped = [reason for hold in waiting for reason in hold.reasons if FLEET in reason]
        if stopped:
            what = f"{counted(len(stopped), 'change')} held together: {stopped[0]}"
            yield Finding(Code.FLEET_HELD, Severity.ERROR, None, "fleet", what, "trueup holds, then trueup approve RUN")
        late = [hold for hold in waiting if now > working_day_after(hold.since, self.zone)]
        if late:
            oldest = duration(int((now - min(hold.since for hold in late)).total_seconds()))
            what = f"{counted(len(late), 'change')} held for more than a working day, the oldest for {oldest}"
            yield Finding(Code.HOLD_FORGOTTEN, Severity.WARNING, None, "holds", what, "trueup holds lists them")

    def _disk(self) -> Iterator[Finding]:
        free = self.free()
        severity = next((s for s, least in FREE_BYTES.items() if free is not None and free < least), None)
        if free is not None and severity:
            what = f"the disk of the state folder has {free >> 20:,} MiB left; without room nothing is written"
            yield Finding(Code.DISK_FULL, severity, None, "disk", what, "free space, or move agent.state")


def working_day_after(since: datetime, zone: ZoneInfo) -> datetime:
    """The same time of the next day that is neither Saturday nor Sunday."""
    at = since + _DAY
    while at.astimezone(zone).weekday() >= 5:
        at += _DAY
    return at
