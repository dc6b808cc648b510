"""Runs wait in a lane: one thread, one run at a time, equal requests made one."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from threading import Event
from time import sleep

import pytest

from agent.engine.lanes import Lane, Press


class Work:
    """Runs that end when they are let go."""

    def __init__(self) -> None:
        self.done: list[Press] = []
        self.begun, self.let_go, self.crashed = Event(), Event(), Event()
        self.lane = Lane("test", self._run, self.crashed.set)
        self._ids = (f"run {n}" for n in itertools.count(1))

    def _run(self, press: Press) -> None:
        self.begun.set()
        assert self.let_go.wait(10)
        self.done.append(press)

    def wants(self, *companies: int, dry: bool = False) -> str:
        return self.lane.submit(companies, "test", dry, lambda: next(self._ids))

    def all_done(self) -> Sequence[str]:
        """The runs in the order in which they were carried out."""
        self.let_go.set()
        while self.lane.busy:
            sleep(0.005)
        return [press.run for press in self.done]


@pytest.fixture
def work() -> Iterator[Work]:
    made = Work()
    yield made
    made.let_go.set()
    made.lane.close(10)


def test_runs_are_carried_out_in_order(work: Work) -> None:
    """First come, first served."""
    assert [work.wants(250), work.wants(251)] == ["run 1", "run 2"]
    work.lane.start()
    assert work.all_done() == ["run 1", "run 2"]


def test_waiting_run_takes_on_what_it_covers(work: Work) -> None:
    """All of 250 to 252 wait to be looked at: whoever wants 251 gets that run. 253 is another one."""
    assert work.wants(250, 251, 252) == "run 1"
    assert [work.wants(251), work.wants(252, 250), work.wants(251, 253)] == ["run 1", "run 1", "run 2"]


def test_dry_run_and_real_run_are_two(work: Work) -> None:
    """Who only wants a plan must not set off writes, and who wants writes must not get a plan."""
    assert [work.wants(250), work.wants(250, dry=True), work.wants(250)] == ["run 1", "run 2", "run 1"]


def test_running_run_takes_on_nothing(work: Work) -> None:
    """It has read already: what changed since then needs a run after it."""
    work.lane.start()
    work.wants(250)
    assert work.begun.wait(10)
    assert [work.wants(250), work.wants(250)] == ["run 2", "run 2"]
    assert work.all_done() == ["run 1", "run 2"]


def test_closing_lets_the_run_end_and_begins_no_other(work: Work) -> None:
    """What waits is left to the next start."""
    work.lane.start()
    work.wants(250)
    assert work.begun.wait(10)
    work.wants(251)
    assert not work.lane.close(0.05)
    work.let_go.set()
    assert work.lane.close(10)
    assert [press.run for press in work.done] == ["run 1"]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_fault_that_nobody_foresaw_is_reported(work: Work) -> None:
    """The thread dies of it, so the daemon must hear: it would look alive and bill nobody."""
    work.lane = Lane("test", lambda press: [][0], work.crashed.set)
    work.lane.start()
    work.wants(250)
    assert work.crashed.wait(10)
    assert work.lane.close(10)
