"""The daemon: what is due becomes a run, once; what is left over is taken up; what hangs is noticed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from threading import Event
from time import sleep
from zoneinfo import ZoneInfo

import pytest

from agent.domain.findings import Code
from agent.domain.mappings import Mappings
from agent.engine import service as daemon
from agent.engine.schedule import Schedule
from agent.engine.service import STUCK, Service
from agent.engine.watchdog import Systemd
from agent.errors import StoreFailed
from agent.ports import EntryState
from agent.simulators.faults import Kind
from tests.engine.fleet import Fleet
from tests.engine.here import COMPANY, Here

Make = Callable[..., Fleet]
HOURLY = Schedule(ZoneInfo("UTC"), timedelta(hours=1), None, timedelta(0), "seed")


class Told(Systemd):
    """What systemd would hear."""

    def __init__(self) -> None:
        super().__init__({})
        self.words: list[str] = []

    def _send(self, message: str) -> None:
        self.words.append(message)


class House:
    """Services over one fleet, one after the other, as the processes of a daemon."""

    def __init__(self, fleet: Fleet) -> None:
        self.fleet, self.problems, self.kept, self.systemd = fleet, [], 0, Told()
        self.mappings: Callable[[], Mappings] = fleet.mappings
        self.beats: list[datetime] = []
        self.service: Service = self.made(HOURLY)

    def made(self, schedule: Schedule) -> Service:
        return Service(
            cycle=self.fleet.agent,
            single=replace(self.fleet.agent, pool=Here(), wire=Here()),
            schedule=schedule,
            mappings=lambda: self.mappings(),
            in_force=lambda: self.mappings(),
            mapping_problems=lambda: self.problems,
            housekeeping=self._keeps,
            housekeeping_every=timedelta(days=1),
            systemd=self.systemd,
            stopped=Event(),
            heartbeat=lambda: self.beats.append(self.fleet.stack.clock.now()),
        )

    def _keeps(self) -> None:
        self.kept += 1

    def starts(self, schedule: Schedule = HOURLY) -> list[str]:
        """A new process, after what it began with; the reasons of its runs."""
        self.service.stop(10)
        before = self._known()
        self.service = self.made(schedule)
        self.service.start()
        return self._runs_since(before)

    def ticks(self, seconds: int = 0) -> list[str]:
        """So much later it looks at what is due; the reasons of the runs that came of it."""
        before = self._known()
        self.fleet.stack.clock.advance(seconds)
        self.service.tick()
        return self._runs_since(before)

    def _known(self) -> set[str]:
        return {run.id for run in self.fleet.store.runs()}

    def _runs_since(self, before: set[str]) -> list[str]:
        wait_for(lambda: not self.service.busy)
        return [run.reason for run in reversed(self.fleet.store.runs()) if run.id not in before]


def away() -> None:
    raise StoreFailed("the database does not answer")


def wait_for(happened: Callable[[], bool]) -> None:
    for _ in range(1000):
        if happened():
            return
        sleep(0.01)
    raise AssertionError("it did not happen in time")


@pytest.fixture
def house(fleet: Make) -> Iterator[House]:
    """Two companies; it is 5 March, 09:00 UTC."""
    made = House(fleet(2))
    yield made
    made.service.stop(10)


def test_each_due_time_runs_once(house: House) -> None:
    """09:00 at the start, nothing more until 10:00, however often it looks."""
    assert house.starts() == ["schedule 2026-03-05T09:00:00 UTC"]
    assert [house.ticks(5), house.ticks(3590), house.ticks(5)] == [[], [], ["schedule 2026-03-05T10:00:00 UTC"]]


def test_missed_times_are_one_run(house: House) -> None:
    """Asleep from 09:00 to 14:10: one run, named after 14:00."""
    house.starts()
    assert house.ticks(5 * 3600 + 600) == ["schedule 2026-03-05T14:00:00 UTC"]


def test_restart_makes_up_for_what_it_missed(house: House) -> None:
    """Down from 09:10 to 12:20: one run, for 12:00; another restart repeats nothing."""
    house.starts()
    house.fleet.stack.clock.advance(3 * 3600 + 1200)
    assert [house.starts(), house.starts()] == [["schedule 2026-03-05T12:00:00 UTC"], []]


def test_run_that_failed_is_repeated_after_a_restart(house: House) -> None:
    """A due time has run when a run for it has ended well."""
    house.fleet.stack.site.faults.add(Kind.ERROR_BEFORE, method="GET", times=100)
    assert house.starts() == ["schedule 2026-03-05T09:00:00 UTC"]
    house.fleet.stack.calm()
    assert house.starts() == ["schedule 2026-03-05T09:00:00 UTC"]


def test_schedule_of_another_clock_holds_nobody_up(house: House) -> None:
    """Until now by cron in Sydney, where it is 20:00; hourly in UTC from now on: 09:00 is not over because of that."""
    daily = Schedule(ZoneInfo("Australia/Sydney"), None, "0 20 * * *", timedelta(0), "seed")
    assert house.starts(daily) == ["schedule 2026-03-05T20:00:00 Australia/Sydney"]
    assert house.starts(HOURLY) == ["schedule 2026-03-05T09:00:00 UTC"]


def test_lower_count_is_looked_at_again_a_minute_later(house: House) -> None:
    """Seen at 09:00 and at 09:01, then written; the other company is left in peace."""
    house.fleet.buys(1, seats=8)
    house.starts()
    assert house.fleet.billed() == [10, 10]
    assert [house.ticks(59), house.ticks(1)] == [[], ["again"]]
    assert (house.fleet.billed(), house.fleet.store.runs(1)[0].companies) == ([10, 8], (251,))


def test_left_over_of_a_process_that_died(house: House) -> None:
    """Its run is over, and its open write is settled at the next start, not at the next due time."""
    house.starts()
    house.fleet.buys(0)
    house.fleet.stack.site.faults.add(Kind.LOST_ANSWER, method="PATCH")
    house.fleet.run(0)
    died = house.fleet.store.open_run("sync now", (250,), False, house.fleet.stack.clock.now())
    house.fleet.stack.clock.advance(300)
    assert house.starts() == ["again"]
    assert house.ticks(60) == ["again"]
    run = house.fleet.store.run(died)
    assert run is not None
    assert (run.state, run.detail) == ("failed", "the agent stopped meanwhile")
    assert [entry.state for entry in house.fleet.store.entries()] == [EntryState.CONFIRMED]


def test_company_whose_file_is_gone_comes_due_no_more(house: House) -> None:
    """It asked to be looked at again at 09:01; nobody wants that any more."""
    house.fleet.buys(1, seats=8)
    house.starts()
    only_first = replace(house.fleet.mappings(), companies={250: house.fleet.mappings().companies[250]})
    house.mappings = lambda: only_first
    assert house.ticks(60) == []


def test_broken_mapping_files_are_findings_while_they_are_broken(house: House) -> None:
    """Noticed by the next look, and gone with the one after they were mended."""
    house.starts()
    house.problems = ["contoso.toml:8: row[1].minimum: must be a whole number"]
    house.ticks(5)
    assert [found.finding.code for found in house.fleet.store.findings() if found.finding.company is None] == [
        Code.MAPPING_INVALID
    ]
    house.problems = []
    house.ticks(5)
    assert [found for found in house.fleet.store.findings() if found.finding.company is None] == []


def test_look_that_failed_is_repeated(house: House) -> None:
    """The run for 10:00 could not be stored; the look five seconds later starts it."""
    house.starts()
    house.fleet.trap.set(1, away, ports=("open_run",))
    assert house.ticks(3600) == []
    assert house.ticks(5) == ["schedule 2026-03-05T10:00:00 UTC"]


def test_store_that_is_away_ends_no_lane(house: House) -> None:
    """It goes while the run for 10:00 is on its way, which so cannot even be sealed; at 11:00 all is well again."""
    house.starts()
    trap = house.fleet.trap

    def stays_away() -> None:
        trap.set(1, stays_away, ports=("store",))
        away()

    trap.set(1, stays_away, ports=("learn",))
    house.ticks(3600)
    trap.disarm()
    assert house.ticks(3600) == ["schedule 2026-03-05T11:00:00 UTC"]
    assert not house.service.crashed.is_set()
    assert [run.state for run in house.fleet.store.runs(2)] == ["done", "running"]


def test_housekeeping_begins_at_the_start_however_late(house: House) -> None:
    """Its first time has passed when the scheduler comes to it, by months where the clock of a test stands."""
    house.starts()
    wait_for(lambda: house.kept == 1)


def test_look_that_hangs_is_silence_for_the_watchdog(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Mapping files on a share that is gone: no look comes back, and no further word that the daemon is alive."""
    monkeypatch.setattr(daemon, "TICK", 0.01)
    house.starts()
    hangs, let_go = Event(), Event()

    def gone() -> Mappings:
        hangs.set()
        assert let_go.wait(10)
        return house.fleet.mappings()

    house.mappings = gone
    assert hangs.wait(10)
    said = house.systemd.words.count("WATCHDOG=1")
    sleep(0.1)
    assert house.systemd.words.count("WATCHDOG=1") == said
    let_go.set()


def test_run_that_hangs_ends_the_daemon(house: House) -> None:
    """Two hours of looks, 1440 of them, without a company read or written: a thread that nobody will see again."""
    house.starts()
    hangs, let_go = Event(), Event()
    house.fleet.trap.set(1, lambda: (hangs.set(), let_go.wait(10)), ports=("lines",))
    house.service.press([250], "sync now")
    assert hangs.wait(10)
    for _ in range(STUCK):
        house.service._look_for_hangs()
    assert not house.service.crashed.is_set()
    house.service._look_for_hangs()
    assert house.service.crashed.is_set()
    let_go.set()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_lane_that_died_is_told_to_nobody_as_alive(house: House) -> None:
    """A fault that nobody foresaw: the daemon is to end, and says to systemd no more that it is well."""
    house.starts()
    house.fleet.trap.set(1, lambda: [][0], ports=("lines",))
    house.service.press([250], "sync now")
    assert house.service.crashed.wait(10)
    house.systemd.words.clear()
    house.service.tick()
    assert "WATCHDOG=1" not in house.systemd.words


def test_heart_beats_after_good_cycles_of_everybody(house: House) -> None:
    """Not for a single company, not for a dry run, not while the PSA is away: that is what somebody waits for."""
    house.starts()
    assert len(house.beats) == 1
    house.service.press([COMPANY], "sync now")
    house.service.press(None, "sync now", dry=True)
    wait_for(lambda: not house.service.busy)
    house.fleet.stack.site.faults.add(Kind.REFUSED, times=1000)
    house.ticks(3600)
    assert len(house.beats) == 1
    house.fleet.stack.site.faults.clear()
    house.ticks(3600)
    assert len(house.beats) == 2


def test_a_look_that_fails_leaves_the_others_alone(house: House) -> None:
    """A mail server that is away must not keep anybody from looking at what is stuck."""
    looked: list[str] = []
    house.service.rounds = (away, lambda: looked.append("at what is stuck"))
    house.service._round()

    assert looked == ["at what is stuck"]
