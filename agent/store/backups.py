"""Copies of an SQLite store: made while the agent works, and put back with what was there kept aside."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from sqlalchemy.engine import URL

from agent.errors import StoreFailed
from agent.ports import Clock, Contents, Restored, Restoring
from agent.store.database import Database
from agent.store.files import sqlite_file
from agent.store.locks import file_lock
from agent.store.store import SqlStore

_POSTGRES = "a store in PostgreSQL is saved and put back with its own tools"


def back_up(url: str, folder: Path, target: Path, clock: Clock) -> Contents:
    """Copy the store, whole as of one moment, into a file that is not there yet; its journal is verified in the copy.

    Raises `StoreFailed`, and leaves no half copy.
    """
    path = _file(url, folder, f"pg_dump --format=custom --file={target} DATABASE")
    if target.exists():
        raise StoreFailed(f"{target} is there already", "name another file; a copy is never overwritten")
    if not path.exists():
        raise StoreFailed(f"there is no store {path} yet", "run a cycle first: trueup sync")
    with _draft(target) as draft:
        _copy(path, draft)
        contents = _contents(draft, clock)
        _require_sound(contents, f"the store {path}")
        _publish(draft, target)
    return contents


def restore(url: str, folder: Path, source: Path, clock: Clock, agree: Callable[[Restoring], bool]) -> Restored | None:
    """Put a copy in the store's place, once `agree` has seen what both hold; None where it did not agree.

    Raises `AnotherWriter` while an agent runs, `StoreFailed`
    for a copy that is damaged, or newer than this program. Every company is then looked through for lines that the
    copy does not know, before any is made.
    """
    path = _file(url, folder, f"pg_restore --clean --dbname=DATABASE {source}, then: trueup store adopt")
    if not source.is_file() or source.resolve() == path.resolve():
        raise StoreFailed(f"{source} is no copy of a store", "name a file that trueup store backup has written")
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with file_lock(path.with_name("writer.lock")), _draft(path) as draft:
        # Worked on as a copy, because an older one is brought up to date: the file itself stays as it is.
        _copy(source, draft)
        copied = _contents(draft, clock)
        _require_sound(copied, str(source))
        present = _contents(path, clock) if path.exists() else None
        if not agree(Restoring(present, copied)):
            return None
        _note(draft, source, present, clock)
        kept = _keep_aside(path, f"{clock.now():%Y%m%d-%H%M%S}") if present else None
        _publish(draft, path)
    return Restored(kept)


def _file(url: str, folder: Path, tool: str) -> Path:
    path = sqlite_file(url, folder)
    if path is None:
        raise StoreFailed(_POSTGRES, tool)
    return path


@contextmanager
def _draft(target: Path) -> Iterator[Path]:
    """A file beside the target, on its disk, that is gone afterwards."""
    draft = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        yield draft
    except OSError as error:
        raise StoreFailed(f"{target} cannot be written: {error.strerror}", "see to its folder and its disk") from error
    finally:
        for name in _with_log(draft):
            name.unlink(missing_ok=True)


def _with_log(path: Path) -> tuple[Path, ...]:
    return tuple(path.with_name(f"{path.name}{ending}") for ending in ("", "-wal", "-shm"))


def _copy(source: Path, draft: Path) -> None:
    os.close(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    try:
        with closing(sqlite3.connect(source)) as store, closing(sqlite3.connect(draft)) as target:
            store.backup(target)
            target.execute("PRAGMA journal_mode = DELETE")
            [found] = target.execute("PRAGMA integrity_check(1)").fetchone()
    except sqlite3.Error as error:
        raise StoreFailed(f"{source} cannot be read as a store: {error}", "name another copy") from error
    if found != "ok":
        raise StoreFailed(f"{source} is damaged: {found}", "name another copy")


def _contents(path: Path, clock: Clock) -> Contents:
    """Opened as a store, so that a newer program's is refused and an older one's brought up to date."""
    try:
        with SqlStore(Database(URL.create("sqlite", database=str(path))), clock, path.parent, 0) as store:
            return store.contents()
    except StoreFailed as error:
        if path.name.startswith("."):
            raise
        # What is to be replaced may well be beyond reading: that is why it is.
        return Contents("", None, 0, 0, "", str(error))


def _require_sound(contents: Contents, what: str) -> None:
    if contents.fault:
        raise StoreFailed(f"the journal of {what} is damaged: {contents.fault}", "use an earlier copy")


def _note(draft: Path, source: Path, present: Contents | None, clock: Clock) -> None:
    replaced = {"records": present.records, "head": present.head} if present else None
    with SqlStore(Database(URL.create("sqlite", database=str(draft))), clock, draft.parent, 0) as store:
        store.was_restored(source.name, replaced, clock.now())
    with closing(sqlite3.connect(draft)) as whole:
        whole.execute("PRAGMA journal_mode = DELETE")


def _keep_aside(path: Path, moment: str) -> Path:
    """The store under another name, its log included: only then may another file take its place."""
    aside = path.with_name(f"{path.name}.replaced-{moment}")
    os.link(path, aside)
    for log, kept in zip(_with_log(path)[1:], _with_log(aside)[1:], strict=True):
        if log.exists():
            # Left beside the other store it would be taken for that one's.
            shutil.copyfile(log, kept)
            log.unlink()
    return aside


def _publish(draft: Path, target: Path) -> None:
    _to_disk(draft, os.O_RDONLY)
    os.replace(draft, target)
    _to_disk(target.parent, os.O_RDONLY | os.O_DIRECTORY)


def _to_disk(path: Path, flags: int) -> None:
    descriptor = os.open(path, flags)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
