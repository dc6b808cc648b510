"""One agent writes, of several machines that share a PostgreSQL, also when one of them is stopped for a while."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from agent.errors import AnotherWriter, StoreFailed
from agent.ports import Tenure
from agent.store import open_store
from agent.store.database import database_at
from agent.store.lease import Lease, Writing
from agent.store.store import SqlStore
from tests.contract.store_values import NOW, Place, planned, write
from tests.postgres import Cluster
from tests.store.shifted import LONGEST, ShiftedClock, Times

AGENT = Path(__file__).parent / "leased_process.py"
LEASE = LONGEST + 65  # seconds


@pytest.fixture
def place(postgres_url: str, tmp_path: Path) -> Place:
    def sql(statement: str, **parameters: object) -> None:
        engine = sa.create_engine(postgres_url, poolclass=sa.NullPool)
        with engine.begin() as connection:
            connection.execute(sa.text(statement), parameters)

    return Place(postgres_url, tmp_path, sql, ())


@pytest.fixture
def times(place: Place) -> Times:
    return Times(place, place.folder / "shift")


def machine(place: Place, times: Times, name: str) -> SqlStore:
    """An agent's store on a machine of its own: another state folder, the same database."""
    return open_store(place.url, place.folder / name, ShiftedClock(times.shift), longest=LONGEST)


@pytest.fixture
def two(place: Place, times: Times) -> Iterator[tuple[SqlStore, SqlStore]]:
    with machine(place, times, "first") as first, machine(place, times, "second") as second:
        yield first, second


def test_another_machine_is_told_who_holds_the_lease_and_until_when(two: tuple[SqlStore, SqlStore]) -> None:
    """And has it at once when the first one gives it back."""
    first, second = two
    with first.writer(), pytest.raises(AnotherWriter, match=r"process \d+ on .* until \d\d:\d\d:\d\d UTC"):
        second.writer().__enter__()
    with second.writer():
        assert second.tenure is not None
        assert second.tenure.epoch == 2


def test_requests_begin_only_while_they_end_within_the_lease(place: Place, times: Times) -> None:
    """185 s of lease, less 120 for the longest request and 5: the last may begin 60 s after the last renewal."""
    database = database_at(place.url, place.folder, "")
    clock = ShiftedClock(times.shift)
    held = Writing(Tenure(1, NOW))
    lease = Lease(database, clock, "first", LONGEST)
    place.open().dispose()
    place.sql("UPDATE lease SET epoch = 1")

    lease.renew(held)
    told = [held.may_send(clock)]
    for seconds in (59, 2, LEASE):
        times.pass_by(seconds)
        told.append(held.may_send(clock))
    lease.renew(held)

    assert [*told, held.may_send(clock)] == [True, True, False, False, True]
    place.sql("UPDATE lease SET epoch = 2")
    lease.renew(held)
    assert (held.lost, held.may_send(clock)) == (True, False)


def test_stopped_agent_never_sends_after_its_time(place: Place, times: Times) -> None:
    """SIGSTOP at any moment for 0 to 900 simulated seconds, while another machine takes over where it can.

    No request leaves under an epoch once a later one has begun.
    """
    chance, wire = random.Random(2026), place.folder / "wire"
    wire.touch()
    command = [sys.executable, str(AGENT), place.url, str(place.folder / "first"), str(times.shift), str(wire)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    taken: list[tuple[int, int]] = []
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        with machine(place, times, "second") as second:
            for pause in (0, 59, 61, 184, 186, *(chance.randrange(900) for _ in range(7))):
                _wait_for_requests(wire)
                time.sleep(chance.random() / 50)
                process.send_signal(signal.SIGSTOP)
                times.pass_by(pause)
                taken += _take_over(second, times, pause)
                process.send_signal(signal.SIGCONT)
    finally:
        process.kill()
        process.communicate()
    sent = [tuple(map(int, line.split())) for line in wire.read_text().splitlines()]
    late = [(epoch, at) for epoch, at in sent for later, began in taken if epoch < later and at > began]
    assert late == []
    assert len(taken) >= 3
    assert len({epoch for epoch, _ in sent}) > 3


def _wait_for_requests(wire: Path) -> None:
    seen, deadline = wire.stat().st_size, time.monotonic() + 20
    while wire.stat().st_size == seen:
        assert time.monotonic() < deadline, "the agent sends nothing"
        time.sleep(0.005)


def _take_over(second: SqlStore, times: Times, pause: int) -> list[tuple[int, int]]:
    """The epoch that the other machine began, and when; nothing while the lease of the stopped agent lasts."""
    began = ShiftedClock(times.shift).monotonic()
    try:
        with second.writer():
            assert second.tenure is not None
            assert pause > LEASE - 16, "a lease that was renewed within its last quarter of a minute has not ended"
            return [(second.tenure.epoch, began)]
    except AnotherWriter:
        assert pause < LEASE
    except StoreFailed:
        pass  # stopped in the middle of a step, it keeps everybody out until the server ends its session
    return []


def test_database_that_restarts_leaves_the_lease_with_its_holder(
    two: tuple[SqlStore, SqlStore], times: Times, postgres_cluster: Cluster
) -> None:
    """Every connection breaks, as in a power cut; the epoch stands, and the next machine is refused as before."""
    first, second = two
    with first.writer():
        run = first.open_run("test", [], False, NOW)
        postgres_cluster.restart()
        with pytest.raises(AnotherWriter), second.writer():
            pass

        assert first.intend(run, planned(), write(), NOW).epoch == 1
        assert first.may_send()
