"""Whatever stopped moving is a finding within two periods, and none once it moves again."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from agent.domain.findings import Code, Finding, Severity
from agent.domain.guards import FLEET
from agent.domain.mappings import Mappings
from agent.engine.schedule import Schedule
from agent.engine.stuck import FREE_BYTES, Stuck, working_day_after
from agent.ports import EntryState
from agent.simulators.wire import SimClock
from tests.contract.store_values import AGREEMENT, COMPANY, key, learnt, planned, write
from tests.engine.memory_psa import TRAITS
from tests.engine.memory_store import Disk, MemoryStore

THURSDAY = datetime(2026, 3, 19, 9, tzinfo=UTC)
LONDON = ZoneInfo("Europe/London")
HOURLY = Schedule(LONDON, timedelta(hours=1), None, timedelta(0), "seed")
OFFICE_HOURS = Schedule(LONDON, None, "0 8-17 * * mon-fri", timedelta(0), "seed")


class Watched:
    """A store whose agent may be stuck."""

    def __init__(self, schedule: Schedule = HOURLY) -> None:
        self.clock, self.free = SimClock(THURSDAY), 1 << 40
        self.store = MemoryStore(Disk(), self.clock)
        self.look = Stuck(
            self.store, self.clock, LONDON, schedule, lambda: Mappings({}, (), ""), TRAITS, lambda: self.free
        )
        self.found()

    def found(self) -> dict[Code, Finding]:
        self.look()
        return {known.finding.code: known.finding for known in self.store.findings()}

    def cycle(self, state: str = "done", dry: bool = False) -> str:
        run = self.store.open_run("schedule", [COMPANY], dry, self.clock.now())
        self.store.seal_run(run, state, self.clock.now())
        return run

    def after(self, **time: float) -> dict[Code, Finding]:
        self.clock.advance(seconds=timedelta(**time).total_seconds())
        return self.found()


@pytest.mark.parametrize(("state", "dry"), [("failed", False), ("done", True)])
def test_no_good_cycle_for_two_periods(state: str, dry: bool) -> None:
    """Failed cycles and dry runs do not count; the finding goes with the first good one."""
    watched = Watched()
    assert watched.after(minutes=50) == {}
    watched.cycle(state, dry)
    assert watched.after(minutes=80) == {}
    overdue = watched.after(minutes=1)[Code.CYCLE_OVERDUE]
    assert "since 2026-03-19 09:00: two were due" in overdue.sentence
    watched.cycle()
    assert watched.found() == {}


def test_nights_and_weekends_are_no_reason_to_wake_anybody() -> None:
    """By the cron line: last good on Friday at 17:00, due on Monday at 8 and 9."""
    watched = Watched(OFFICE_HOURS)
    watched.after(days=1, hours=8)
    watched.cycle()

    assert watched.after(days=2, hours=15) == {}
    assert set(watched.after(hours=1, minutes=11)) == {Code.CYCLE_OVERDUE}


def test_write_that_nobody_can_settle() -> None:
    """300 s of settle window and half an hour; worse where an invoice is to be made of it by tomorrow."""
    watched = Watched()
    run = watched.cycle()
    watched.store.learn(run, learnt(boundaries={AGREEMENT: date(2026, 4, 1)}), watched.clock.now())
    entry = watched.store.intend(run, planned(), write(), watched.clock.now())
    watched.store.close(entry, EntryState.UNKNOWN, "no answer", watched.clock.now())
    assert Code.WRITE_UNSETTLED not in watched.after(minutes=34)
    known = watched.after(minutes=2)[Code.WRITE_UNSETTLED]
    assert (known.severity, known.subject, known.company) == (Severity.WARNING, str(key()), COMPANY)
    near = watched.after(days=12)[Code.WRITE_UNSETTLED]
    assert near.severity is Severity.ERROR
    assert "the next invoice is on 2026-04-01" in near.sentence


def test_hold_that_everybody_forgot() -> None:
    """Held on Thursday: by Friday it is late. The breaker's hold is said at once."""
    watched = Watched()
    run = watched.cycle()
    watched.store.learn(run, learnt(planned=(planned(holds=("the price changes",)),)), watched.clock.now())
    assert set(watched.after(hours=1)) & {Code.HOLD_FORGOTTEN, Code.FLEET_HELD} == set()
    assert "1 change held for more than a working day" in watched.after(hours=24)[Code.HOLD_FORGOTTEN].sentence
    held = planned(holds=(f"9 of 10 companies change {FLEET} 10 %)",))
    watched.store.learn(run, learnt(planned=(held,)), watched.clock.now())
    assert "9 of 10 companies change" in watched.found()[Code.FLEET_HELD].sentence
    watched.store.decide(held.digest, "approved", "anna", watched.clock.now(), None)
    assert set(watched.found()) & {Code.HOLD_FORGOTTEN, Code.FLEET_HELD} == set()


@pytest.mark.parametrize(
    ("since", "until"),
    [("2026-03-19", "2026-03-20"), ("2026-03-20", "2026-03-23"), ("2026-03-21", "2026-03-23")],
)
def test_working_day_leaves_the_weekend_out(since: str, until: str) -> None:
    """Thursday to Friday, Friday to Monday, Saturday to Monday."""
    start = datetime.fromisoformat(since).replace(hour=12, tzinfo=UTC)

    assert working_day_after(start, LONDON) == datetime.fromisoformat(until).replace(hour=12, tzinfo=UTC)


def test_full_disk_is_seen_before_it_is_full() -> None:
    """A store that cannot commit sends nothing: better said while there is room for the finding itself."""
    watched = Watched()
    found = []
    for free in (FREE_BYTES[Severity.WARNING], FREE_BYTES[Severity.WARNING] - 1, FREE_BYTES[Severity.ERROR] - 1, None):
        watched.free = free
        found.append([finding.severity for finding in watched.found().values()])

    assert found == [[], [Severity.WARNING], [Severity.ERROR], []]
