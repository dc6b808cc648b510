"""The store in an SQLite file: the laws of every store, and what only a file has."""

from __future__ import annotations

import resource
import shutil
import sqlite3
import stat
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from agent.errors import EntryOpen, StoreFailed
from agent.ports import EntryState, Store
from agent.store import open_store
from tests.contract.store_contract import AGENT
from tests.contract.store_laws import StoreContract
from tests.contract.store_thinning import MIDNIGHT, Thinning, keep, person
from tests.contract.store_values import COMPANY, HOUR, NOW, Place, StillClock, binding, key, planned, write


@pytest.fixture
def place(tmp_path: Path) -> Place:
    folder = tmp_path / "state"

    def sql(statement: str, **parameters: object) -> None:
        with closing(sqlite3.connect(folder / "trueup.db")) as connection, connection:
            connection.execute(statement, parameters)

    return Place("", folder, sql, ("DROP TRIGGER journal_no_UPDATE", "DROP TRIGGER journal_no_DELETE"))


class TestLaws(StoreContract, Thinning):
    """Every law of the contract, on SQLite."""


def modes(folder: Path) -> set[int]:
    return {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}


def test_folder_and_files_are_the_owners_alone(place: Place) -> None:
    """0700 and 0600, the write-ahead log and the lock included."""
    with place.open() as store, store.writer():
        store.open_run("test", [], False, NOW)

        assert {path.name for path in place.folder.iterdir()} >= {"trueup.db", "trueup.db-wal", "writer.lock"}
        assert modes(place.folder) == {0o600}
        assert stat.S_IMODE(place.folder.stat().st_mode) == 0o700


def test_folder_that_is_ours_is_closed(place: Place) -> None:
    """Empty, or with the store in it: somebody made it with a wide umask."""
    place.folder.mkdir(mode=0o755)
    place.open().dispose()
    assert stat.S_IMODE(place.folder.stat().st_mode) == 0o700
    place.folder.chmod(0o755)
    (place.folder / "trueup.db").chmod(0o644)
    place.open().dispose()
    assert stat.S_IMODE(place.folder.stat().st_mode) == 0o700
    assert modes(place.folder) == {0o600}


def test_folder_of_somebody_else_is_left_alone(place: Place) -> None:
    """`agent.state = "/var/lib"` must not lock everybody out of /var/lib."""
    place.folder.mkdir(mode=0o755)
    (place.folder / "other").touch()
    with pytest.raises(StoreFailed, match="holds other files") as failure:
        place.open()

    assert "chmod 700" in failure.value.remedy
    assert stat.S_IMODE(place.folder.stat().st_mode) == 0o755


def test_commits_wait_for_the_disk(place: Place) -> None:
    """WAL and FULL; NORMAL may lose an intent whose write has been sent."""
    with place.open() as store, store._database.writing() as connection:
        pragmas = [connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in ("journal_mode", "synchronous")]

    assert pragmas == ["wal", 2]


def test_every_table_checks_its_types(place: Place) -> None:
    """STRICT, because SQLModel checks nothing that goes into a table."""
    place.open().dispose()
    with closing(sqlite3.connect(place.folder / "trueup.db")) as connection:
        tables = connection.execute("SELECT name, strict FROM pragma_table_list WHERE type = 'table'").fetchall()

    loose = {name for name, strict in tables if not strict and not name.startswith("sqlite_")}
    assert loose == {"alembic_version"}


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:", "mysql://x/y", "nonsense"])
def test_store_that_would_not_last_is_refused(url: str, tmp_path: Path) -> None:
    """Memory forgets, and other databases have no laws here."""
    with pytest.raises(StoreFailed, match=r"store\.url"):
        open_store(url, tmp_path, StillClock())


def test_file_that_is_no_database_is_refused(place: Place) -> None:
    """With what to do about it, and untouched."""
    place.folder.mkdir(mode=0o700)
    (place.folder / "trueup.db").write_text("not a database" * 100)
    with pytest.raises(StoreFailed, match="not a database") as failure:
        place.open()

    assert "restore" in failure.value.remedy


def test_relative_path_lies_in_the_state_folder(place: Place) -> None:
    """Wherever the command was started."""
    open_store("sqlite:///other.db", place.folder, StillClock()).dispose()

    assert (place.folder / "other.db").exists()


def test_full_disk_keeps_nothing_and_says_so(place: Place) -> None:
    """The limit on file size stands in for the full disk: no entry, no record, and the store goes on when there is
    space again."""
    with place.open() as store:
        run = store.open_run("test", [COMPANY], False, NOW)
        size = sum(path.stat().st_size for path in place.folder.iterdir())
        program = subprocess.run(
            [sys.executable, str(AGENT), "", str(place.folder), f"intend {run}"],
            input="go\n",
            capture_output=True,
            text=True,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size // 2, size // 2)),
        )

        assert "StoreFailed" in program.stderr
        assert store.entry_open() == []
        assert store.verify_journal() == (0, "0" * 64, "")
        assert store.intend(run, planned(), write(), NOW).state is EntryState.INTENT


def test_power_cut_at_any_length_of_the_log_leaves_a_whole_store(place: Place, tmp_path: Path) -> None:
    """A log cut anywhere, within a frame or between two, holds whole transactions: the chain verifies, and no entry is
    confirmed without its binding."""
    place.open().dispose()
    with place.open() as store:
        run = store.open_run("test", [COMPANY], False, NOW)
        for number in range(3):
            mine = key(f"sku-{number}")
            store.close(
                store.intend(run, planned(mine), write(mine), NOW), EntryState.CONFIRMED, "", NOW, binding(mine)
            )
        base = (place.folder / "trueup.db").read_bytes()
        log = (place.folder / "trueup.db-wal").read_bytes()
    frame = 24 + 4096

    seen = [records_after(base, log[:length], tmp_path / "cut") for length in range(32, len(log) + frame, frame // 2)]

    assert seen == sorted(seen)
    assert set(seen) == set(range(7))


def records_after(base: bytes, log: bytes, folder: Path) -> int:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700)
    (folder / "trueup.db").write_bytes(base)
    (folder / "trueup.db-wal").write_bytes(log)
    with open_store("", folder, StillClock()) as store:
        records, _, fault = store.verify_journal()
        confirmed = [entry for entry in store.entries() if entry.state is EntryState.CONFIRMED]
        bindings = store.memory("connectwise", COMPANY, [], NOW).bindings
    assert fault == ""
    assert {entry.write.key for entry in confirmed} == set(bindings)
    return records


def test_busy_database_is_waited_for(place: Place) -> None:
    """Another program keeps a write transaction open for a moment: the intent waits and then succeeds."""
    with place.open() as store:
        run = store.open_run("test", [COMPANY], False, NOW)
        with closing(sqlite3.connect(place.folder / "trueup.db", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            process = subprocess.Popen(
                [sys.executable, str(AGENT), "", str(place.folder), f"intend {run}"],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            )  # fmt: skip
            waits(process)
            other.execute("COMMIT")
        assert process.communicate("go\n", timeout=60)[0].split() == ["ready", "entry"]
        blocked(store, run)


def test_looking_does_not_wait_for_a_writer(place: Place) -> None:
    """Opened and read while another program keeps the only write transaction there is."""
    with place.open() as store:
        run = store.open_run("test", [COMPANY], False, NOW)
    with closing(sqlite3.connect(place.folder / "trueup.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with place.open() as store:
            assert [summary.id for summary in store.runs()] == [run]


def waits(process: subprocess.Popen[str]) -> None:
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(timeout=1)


def blocked(store: Store, run: str) -> None:
    with pytest.raises(EntryOpen):
        store.intend(run, planned(), write(), NOW)


def test_file_shrinks_by_what_is_not_needed_any_more(place: Place) -> None:
    """300 readings that differ in 200 people each leave megabytes, of which a part goes back to the disk."""
    with place.open() as store:
        keep(store, *([person(f"{number:03}", str(hour)) for number in range(200)] for hour in range(300)))
        store.forget_past(MIDNIGHT + 400 * HOUR)
        place.sql("PRAGMA wal_checkpoint(TRUNCATE)")
        before = (place.folder / "trueup.db").stat().st_size

        store.give_back_space()
        place.sql("PRAGMA wal_checkpoint(TRUNCATE)")

        assert (place.folder / "trueup.db").stat().st_size < before / 2
