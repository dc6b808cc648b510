"""The daemon: what is due, what was pressed, and how it stops.

One tick looks at what is due: the schedule, runs that asked to be looked at again, changed mapping files. Everything
it finds becomes a run in one of two lanes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from threading import Event, Lock

import structlog
from apscheduler.schedulers.background import BackgroundScheduler

from agent.domain.findings import Code, Finding, Severity
from agent.domain.mappings import Mappings
from agent.engine.cycle import Cycle, Result
from agent.engine.lanes import Lane, Press
from agent.engine.schedule import Schedule
from agent.engine.watchdog import Systemd
from agent.errors import TrueupError

log = structlog.get_logger()

TICK = 5  # seconds between two looks at what is due
ROUND = 60  # seconds between two looks at what is stuck and whom to tell
STUCK = 1440  # ticks (two hours) without a company read or written; every request ends earlier, by its timeout


@dataclass(slots=True)
class Service:
    """Everything of a running daemon that faces may use.

    `mappings` looks at the mapping files, which takes a moment while they change; `in_force` gives the last good ones.
    """

    cycle: Cycle
    single: Cycle  # the same cycle with threads of its own, for the lane of single companies
    schedule: Schedule
    mappings: Callable[[], Mappings]
    in_force: Callable[[], Mappings]
    mapping_problems: Callable[[], Sequence[object]]
    housekeeping: Callable[[], None]
    housekeeping_every: timedelta
    systemd: Systemd
    stopped: Event
    rounds: Sequence[Callable[[], None]] = ()  # looked through each minute
    heartbeat: Callable[[], None] = lambda: None
    offsets: Callable[[], Mapping[str, float]] = dict  # by service: seconds that our clock is behind its own
    crashed: Event = field(default_factory=Event)
    _again: dict[int, datetime] = field(default_factory=dict)
    _still: dict[str, int] = field(default_factory=dict)  # runs on their way: ticks since they last got on
    _pressed: set[str] = field(default_factory=set)  # runs that wait or are on their way
    _last_due: str = ""
    _noted: tuple[str, ...] | None = None
    _lock: Lock = field(default_factory=Lock)
    _scheduler: BackgroundScheduler = field(init=False)
    _fleet_lane: Lane = field(init=False)
    _single_lane: Lane = field(init=False)

    def __post_init__(self) -> None:
        self._fleet_lane = Lane("fleet", partial(self._run, self.cycle), self.crashed.set)
        self._single_lane = Lane("single", partial(self._run, self.single), self.crashed.set)
        self._scheduler = BackgroundScheduler(timezone="UTC")

    def start(self) -> None:
        """Start lanes and ticks; the caller holds the writer's lock."""
        self._last_due = self._newest_scheduled()
        self._doubt_an_old_store()
        self._take_up_left_over()
        self._fleet_lane.start()
        self._single_lane.start()
        self._scheduler.add_job(self.tick, "interval", seconds=TICK, max_instances=1, coalesce=True)
        every = self.housekeeping_every.total_seconds()
        now = self.cycle.clock.now()
        # However late: a day that began with a second's delay would otherwise go without.
        self._scheduler.add_job(
            self._keep_house, "interval", seconds=every, next_run_time=now, coalesce=True, misfire_grace_time=None
        )
        self._scheduler.add_job(self._round, "interval", seconds=ROUND, max_instances=1, coalesce=True)
        self._scheduler.start()
        self.tick()
        self.systemd.ready(self.status_line())

    def stop(self, timeout: float) -> bool:
        """Let the write in flight end, take nothing new. True if everything ended in time."""
        self.systemd.stopping()
        self.stopped.set()
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)
        ended = [lane.close(timeout) for lane in (self._fleet_lane, self._single_lane)]
        log.info("service.stopped", clean=all(ended))
        return all(ended)

    def reload(self) -> None:
        """Read the mapping files now (SIGHUP); a broken file leaves the last good ones in force."""
        self.systemd.reloading(self.cycle.clock.monotonic())
        _try(self._note_mapping_problems, "reload.failed")
        mappings = self.mappings()
        log.info(
            "mappings.reloaded",
            companies=len(mappings.companies),
            digest=mappings.digest[:12],
            problems=len(self.mapping_problems()),
        )
        self.systemd.ready(self.status_line())

    def press(self, companies: Sequence[int] | None, reason: str, dry: bool = False) -> str:
        """Ask for a run of these companies (None: all); returns its id at once. Equal waiting presses are one run."""
        chosen = tuple(sorted(self.in_force().companies if companies is None else set(companies)))
        lane = self._single_lane if len(chosen) == 1 else self._fleet_lane
        return lane.submit(chosen, reason, dry, lambda: self._open(reason, chosen, dry))

    def tick(self) -> None:
        """Start what is due. Any failure is logged and tried again with the next tick."""
        self._look_for_hangs()
        if not self.crashed.is_set():
            self.systemd.alive()
        _try(self._tick, "tick.failed")

    @property
    def busy(self) -> bool:
        return self._fleet_lane.busy or self._single_lane.busy

    def ended(self, run: str) -> bool:
        """Whether a run that was pressed is over; so is one that this process knows nothing of."""
        return run not in self._pressed

    def next_cycle(self) -> datetime | None:
        return self.schedule.next(self.cycle.clock.now())

    def status_line(self) -> str:
        holds = sum(hold.state == "open" for hold in self.cycle.store.holds())
        unknown = len(self.cycle.store.entry_open())
        due = self.next_cycle()
        when = due.astimezone(self.cycle.zone).strftime("%H:%M") if due else "never"
        return f"{len(self.in_force().companies)} companies, {holds} held, {unknown} unknown, next {when}"

    def _tick(self) -> None:
        now = self.cycle.clock.now()
        self._note_mapping_problems()
        due = self.schedule.due(now)
        if due is not None and due > self._last_due:
            self.press(None, f"schedule {due}")
            self._last_due = due
        for company in self._come_due(now):
            self.press([company], "again")

    def _look_for_hangs(self) -> None:
        """A thread that hangs would hold its lane for ever: the process ends, and the next one settles by reading."""
        # Ticks are counted, not hours: a machine that slept has not hung.
        with self._lock:
            self._still = {run: ticks + 1 for run, ticks in self._still.items()}
            stuck = [run for run, ticks in self._still.items() if ticks > STUCK]
        if stuck and not self.crashed.is_set():
            log.error("run.stuck", runs=stuck)
            self.crashed.set()

    def _keep_house(self) -> None:
        _try(self.housekeeping, "housekeeping.failed")

    def _doubt_an_old_store(self) -> None:
        """One that was not written to for days may be a copy that somebody has put back by hand."""
        newest, cycle = self.cycle.store.newest(), self.cycle
        if newest is not None and cycle.clock.now() - newest > 2 * cycle.policy.stale_after:
            cycle.store.ask_to_adopt(f"not written to since {newest:%Y-%m-%d %H:%M} UTC", cycle.clock.now())

    def _round(self) -> None:
        """What is stuck, and what people are to be told; each by itself, so that a mail server stops no other look."""
        for one in self.rounds:
            _try(one, "round.failed")

    def _take_up_left_over(self) -> None:
        """Of a process that died: its runs are over, and its open writes are settled now, not at the next cycle."""
        now = self.cycle.clock.now()
        for run in self.cycle.store.runs(200):
            if run.state == "running":
                self.cycle.store.seal_run(run.id, "failed", now, "the agent stopped meanwhile")
        self._again = {entry.write.company: now for entry in self.cycle.store.entry_open()}

    def _come_due(self, now: datetime) -> list[int]:
        with self._lock:
            due = [company for company, at in self._again.items() if at <= now]
            for company in due:
                del self._again[company]
        return [company for company in due if company in self.mappings().companies]

    def _open(self, reason: str, companies: tuple[int, ...], dry: bool) -> str:
        run = self.cycle.store.open_run(reason, companies, dry, self.cycle.clock.now())
        self._pressed.add(run)
        return run

    def _run(self, cycle: Cycle, press: Press) -> None:
        mappings = self.mappings()
        known = [c for c in press.companies if c in mappings.companies]
        log.info("run.started", run=press.run, reason=press.reason, companies=len(known), dry=press.dry)
        self._gets_on(press.run)
        try:
            result = cycle.run(
                mappings, known, press.reason, press.dry, press.run, lambda progress: self._gets_on(press.run)
            )
        except TrueupError as error:
            log.error("run.failed", run=press.run, error=str(error), remedy=error.remedy)
            # A store that is away for a while must not end the lane; the next start seals what stays unsealed.
            seal = partial(cycle.store.seal_run, press.run, "failed", cycle.clock.now(), str(error))
            _try(seal, "run.unsealed")
            return
        finally:
            self._pressed.discard(press.run)
            with self._lock:
                del self._still[press.run]
        self._after(result, press)

    def _gets_on(self, run: str) -> None:
        with self._lock:
            self._still[run] = 0

    def _after(self, result: Result, press: Press) -> None:
        changes = sum(len(plan.due) for plan in result.plans)
        written = {state.value: count for state, count in result.written.items()}
        log.info("run.ended", run=result.run, state=result.state, changes=changes, **written)
        if result.again is not None and not press.dry:
            with self._lock:
                for company in result.waiting:
                    self._again[company] = result.again
        _try(lambda: self.systemd.status(self.status_line()), "status.failed")
        if result.state == "done" and not press.dry and set(press.companies) >= self.in_force().companies.keys():
            _try(self.heartbeat, "heartbeat.failed")

    def _newest_scheduled(self) -> str:
        """The last due time that ran to its end: a restart neither repeats it nor forgets a missed or broken one."""
        reasons = [run.reason for run in self.cycle.store.runs(200) if run.state == "done"]
        # By another clock (before agent.timezone or the kind of schedule was changed) it may lie hours ahead of ours.
        ours = [r for r in reasons if r.startswith("schedule ") and r.endswith(f" {self.schedule.clock}")]
        return max((reason.removeprefix("schedule ") for reason in ours), default="")

    def _note_mapping_problems(self) -> None:
        self.mappings()
        problems = tuple(str(problem) for problem in self.mapping_problems())
        if problems == self._noted:
            return
        self._noted = problems
        found = [
            Finding(
                Code.MAPPING_INVALID,
                Severity.ERROR,
                None,
                f"mappings/{position}",
                problem,
                "correct the file; the last good mappings stay in force until then",
            )
            for position, problem in enumerate(problems)
        ]
        self.cycle.store.note("mappings", found, self.cycle.clock.now())


def _try(step: Callable[[], None], failed: str) -> None:
    """Any failure is logged as the event `failed`, and tried again with the next time."""
    try:
        step()
    except TrueupError as error:
        log.error(failed, error=str(error), remedy=error.remedy)
