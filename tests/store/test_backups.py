"""Copies of a store: whole while it is written to, and put back with nothing lost on the way."""

from __future__ import annotations

import sqlite3
import stat
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from threading import Event, Thread

import pytest

from agent.errors import AnotherWriter, StoreFailed
from agent.ports import EntryState, Restoring
from agent.store import backups, open_store
from agent.store.store import SqlStore
from tests.contract.store_values import COMPANY, HOUR, NOW, StillClock, binding, key, learnt, planned, write

CLOCK = StillClock()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "state"


@pytest.fixture
def store(folder: Path) -> Iterator[SqlStore]:
    with open_store("", folder, CLOCK) as opened:
        yield opened


def writes(store: SqlStore, number: int) -> None:
    run = store.open_run("test", [COMPANY], False, NOW)
    entry = store.intend(run, planned(key(f"{number}")), write(key(f"{number}")), NOW)
    store.close(entry, EntryState.CONFIRMED, "201", NOW, binding(key(f"{number}")))


def back_up(folder: Path, name: str = "copy.db") -> Path:
    backups.back_up("", folder, folder.parent / name, CLOCK)
    return folder.parent / name


def restore(folder: Path, copy: Path, agree: bool = True) -> tuple[Path | None, list[Restoring]]:
    """Where the replaced store is kept, and what was shown before."""
    seen: list[Restoring] = []

    def asked(restoring: Restoring) -> bool:
        seen.append(restoring)
        return agree

    restored = backups.restore("", folder, copy, CLOCK, asked)
    return (restored.kept if restored else None), seen


def test_copy_made_while_the_store_is_written_to_is_whole(store: SqlStore, folder: Path) -> None:
    """Each of five copies has a sound journal whose head is one that the store once had, and fits its writes."""
    ended = Event()

    def goes_on() -> None:
        number = 0
        while not ended.is_set():
            writes(store, number)
            number += 1

    thread = Thread(target=goes_on)
    thread.start()
    try:
        copies = [backups.back_up("", folder, folder.parent / f"{n}.db", CLOCK) for n in range(5)]
    finally:
        ended.set()
        thread.join()
    heads = {record.seq: record.hash for record in store.journal_after(0, 100_000)}
    # An intention that is not closed yet has one record, the others have two.
    assert all(heads[c.records] == c.head and c.writes == (c.records + 1) // 2 for c in copies if c.records)
    assert copies[-1].records > 0


def test_copy_is_one_file_for_its_owner_alone(store: SqlStore, folder: Path) -> None:
    """No log of SQLite lies beside it that could be forgotten, and it is readable by nobody else."""
    copy = back_up(folder)

    assert [path.name for path in folder.parent.iterdir() if path != folder] == [copy.name]
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600


def test_nothing_is_overwritten_by_a_copy(store: SqlStore, folder: Path) -> None:
    """Not even by the next one of the same name."""
    copy = back_up(folder)
    with pytest.raises(StoreFailed, match="is there already"):
        back_up(folder, copy.name)


def test_restored_store_is_as_it_was_and_says_so(store: SqlStore, folder: Path) -> None:
    """Two writes in the copy, three in the store; afterwards two, the record of the restoring, and a search to come."""
    writes(store, 1)
    writes(store, 2)
    copy = back_up(folder)
    writes(store, 3)
    installation, head = store.installation, store.journal_head()
    store.dispose()

    kept, [seen] = restore(folder, copy)

    assert seen.present is not None
    assert (seen.present.writes, seen.copy.writes) == (3, 2)
    with open_store("", folder, CLOCK) as again:
        assert (again.installation, len(again.entries())) == (installation, 2)
        assert [record.kind for record in again.journal(2)] == ["adopt-asked", "restored"]
        assert head[1] in again.journal(2)[1].payload
        assert again.verify_journal()[2] == ""
        assert again.to_adopt([COMPANY]) == {COMPANY}
    assert kept is not None
    with open_store(f"sqlite:///{kept}", folder, CLOCK) as aside:
        assert (len(aside.entries()), aside.journal_head()) == (3, head)


def test_declined_restore_changes_nothing(store: SqlStore, folder: Path) -> None:
    """And leaves nothing behind."""
    copy = back_up(folder)
    writes(store, 1)
    files = sorted(folder.iterdir())

    assert restore(folder, copy, agree=False)[0] is None
    assert [path for path in sorted(folder.iterdir()) if path.name != "writer.lock"] == files
    assert len(store.entries()) == 1


def test_restore_is_refused_while_an_agent_writes(store: SqlStore, folder: Path) -> None:
    """It would go on in the file that was taken away from under it."""
    copy = back_up(folder)
    with store.writer(), pytest.raises(AnotherWriter, match="process"):
        restore(folder, copy)


def test_damaged_copy_is_not_put_in_place(store: SqlStore, folder: Path) -> None:
    """A record was changed in it; a page of it is gone; it is no store at all."""
    writes(store, 1)
    forged, torn, text = (back_up(folder, name) for name in ("forged.db", "torn.db", "text.db"))
    with closing(sqlite3.connect(forged)) as database:
        database.execute("DROP TRIGGER journal_no_update")
        database.execute("UPDATE journal SET payload = '{}' WHERE seq = 2")
        database.commit()
    torn.write_bytes(torn.read_bytes()[: 5 * 4096])
    text.write_text("remember to back up")
    for copy, why in ((forged, "record 2 was changed"), (torn, "malformed|damaged"), (text, "not a database")):
        with pytest.raises(StoreFailed, match=why):
            restore(folder, copy)
    assert len(store.entries()) == 1


def test_store_beyond_reading_is_replaced_and_kept(store: SqlStore, folder: Path) -> None:
    """That is what copies are for."""
    writes(store, 1)
    copy = back_up(folder)
    store.dispose()
    (folder / "trueup.db").write_bytes(b"overwritten" * 1000)

    kept, [seen] = restore(folder, copy)

    assert seen.present is not None
    assert "not a database" in seen.present.fault
    assert kept is not None
    assert kept.read_bytes().startswith(b"overwritten")
    with open_store("", folder, CLOCK) as again:
        assert len(again.entries()) == 1


def test_restore_into_an_empty_folder(store: SqlStore, folder: Path) -> None:
    """On a new machine there is nothing to keep aside."""
    copy = back_up(folder)
    restored = backups.restore("", folder.parent / "new", copy, CLOCK, lambda restoring: restoring.present is None)

    assert restored is not None
    assert restored.kept is None
    assert (folder.parent / "new" / "trueup.db").stat().st_mode & 0o077 == 0


def test_postgresql_has_tools_of_its_own(folder: Path) -> None:
    """Refused, with the command that does it."""
    url, file = "postgresql://billing@db/trueup", folder / "x"
    with pytest.raises(StoreFailed) as saving:
        backups.back_up(url, folder, file, CLOCK)
    with pytest.raises(StoreFailed) as restoring:
        backups.restore(url, folder, file, CLOCK, lambda restoring: True)

    assert saving.value.remedy.startswith("pg_dump")
    assert restoring.value.remedy.startswith("pg_restore")


def test_search_is_asked_for_once_and_ends_company_by_company(store: SqlStore) -> None:
    """Asking twice before anything was looked through is one question; HOUR later a new one begins it all again."""
    assert store.to_adopt([COMPANY, 9]) == frozenset()
    store.ask_to_adopt("lost", NOW)
    store.ask_to_adopt("lost", NOW)
    assert len(store.journal()) == 1
    run = store.open_run("test", [COMPANY], False, NOW)
    store.learn(run, learnt(adopted=True), NOW)
    assert store.to_adopt([COMPANY, 9]) == {9}
    store.ask_to_adopt("again", NOW + HOUR)

    assert store.to_adopt([COMPANY, 9]) == {COMPANY, 9}
