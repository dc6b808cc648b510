"""The database under the store: connections, transactions, and failures said in one sentence.

Both databases behave alike: one write transaction at a time, in all processes together, and reads that see one
moment. What a write transaction reads is therefore still true when it commits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import URL, Connection, Engine
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from agent.errors import StoreFailed
from agent.store.files import prepared, sqlite_file

_BUSY_SECONDS = 10
_READERS = 4
_GIVEN_BACK = 2_000  # pages at once: 8 MB, which hold up no writer for long

# "trueup-w": the transaction lock that makes PostgreSQL's writers take turns, as SQLite's do by nature.
_TURN = int.from_bytes(b"trueup-w", "big")

# synchronous=FULL: with NORMAL a power cut may take back commits that a write to the PSA already relied on.
_SQLITE_WRITER = (
    # Counts only before the first page is written, so before WAL; an older file goes on without it.
    "PRAGMA auto_vacuum = INCREMENTAL",
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
    "PRAGMA trusted_schema = OFF",
)
_SQLITE_READER = ("PRAGMA query_only = ON", "PRAGMA trusted_schema = OFF")
_POSTGRES_WRITER = (
    "SET synchronous_commit = on",
    f"SET lock_timeout = '{_BUSY_SECONDS}s'",
    # An agent that is stopped in the middle of a step would keep all others out.
    "SET idle_in_transaction_session_timeout = '1min'",
)
_POSTGRES_READER = ("SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY",)


class Database:
    """One connection that writes, guarded by its pool of one, and a few that read. For any number of threads."""

    def __init__(self, url: URL) -> None:
        self.url = url
        self.is_sqlite = url.get_backend_name() == "sqlite"
        writer, reader = (_SQLITE_WRITER, _SQLITE_READER) if self.is_sqlite else (_POSTGRES_WRITER, _POSTGRES_READER)
        self._writer = self._engine(writer, 1, "BEGIN IMMEDIATE")
        self._readers = self._engine(reader, _READERS, "BEGIN")

    @property
    def path(self) -> Path:
        """The file of an SQLite database."""
        return Path(self.url.database or "")

    @property
    def where(self) -> str:
        return str(self.path) if self.is_sqlite else self.url.render_as_string(hide_password=True)

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction that commits durably at the end of the block, or keeps nothing.

        A PostgreSQL connection that dies in COMMIT leaves open whether it committed. Nothing has been sent then, and
        an intent that did survive is settled by reading.
        """
        with self._said("write"), self._writer.begin() as connection:
            if not self.is_sqlite:
                connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_TURN)))
            yield connection

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A transaction that sees the store at one moment."""
        with self._said("read"), self._readers.begin() as connection:
            yield connection

    def size(self) -> int:
        """Bytes: an SQLite file with its log, or the whole database in PostgreSQL."""
        if self.is_sqlite:
            files = (self.path, self.path.with_name(f"{self.path.name}-wal"))
            return sum(file.stat().st_size for file in files if file.exists())
        with self.reading() as connection:
            return int(connection.scalar(sa.text("SELECT pg_database_size(current_database())")) or 0)

    def shrink(self) -> None:
        """Give back a part of the space that an SQLite file does not need any more; PostgreSQL sees to its own."""
        if self.is_sqlite:
            with self.writing() as connection:
                free = connection.exec_driver_sql("PRAGMA freelist_count").scalar_one()
                # The driver steps once through a statement without columns, which is one page, whatever N it names.
                for _ in range(min(free, _GIVEN_BACK)):
                    connection.exec_driver_sql("PRAGMA incremental_vacuum(1)")

    def dispose(self) -> None:
        self._writer.dispose()
        self._readers.dispose()

    @contextmanager
    def _said(self, deed: str) -> Iterator[None]:
        try:
            yield
        except SQLAlchemyError as error:
            reason = str(getattr(error, "orig", None) or error).strip().splitlines()[0]
            raise StoreFailed(f"the store {self.where} could not {deed}: {reason}", _remedy(reason)) from error

    def _engine(self, statements: Sequence[str], size: int, begin: str) -> Engine:
        # The drivers' messages would quote the parameters, and with them names and whole request bodies.
        options: dict[str, Any] = {"pool_size": size, "max_overflow": 0, "hide_parameters": True}
        if self.is_sqlite:
            engine = sa.create_engine(self.url, connect_args={"timeout": _BUSY_SECONDS}, **options)
            # Left to itself the driver opens a transaction at the first write, so that the reads before it could be
            # overtaken; and a deferred transaction that was overtaken fails at once, whatever its timeout.
            sa.event.listen(engine, "begin", lambda connection: connection.exec_driver_sql(begin))
        else:
            engine = sa.create_engine(self.url, pool_pre_ping=True, **options)
        sa.event.listen(engine, "connect", _prepare(statements, self.is_sqlite))
        return engine


def database_at(url: str, state_folder: Path, password: str) -> Database:
    path = sqlite_file(url, state_folder)
    if path is not None:
        return Database(URL.create("sqlite", database=str(prepared(path))))
    try:
        named = sa.make_url(url)
    except ArgumentError as error:
        raise _unusable(url) from error
    if named.get_backend_name() != "postgresql":
        raise _unusable(named.render_as_string(hide_password=True))
    try:
        return Database(named.set(drivername="postgresql+psycopg", password=password or named.password))
    except ModuleNotFoundError as error:
        raise StoreFailed(f"PostgreSQL needs {error.name}", "pip install 'trueup-agent[postgres]'") from error


@lru_cache
def upsert(table: sa.Table, dialect: str) -> sa.Insert:
    """Insert rows, or update those whose values differ; a row that is already so is not written again.

    Execute it with a list of dicts: `.values(list)` would compile the statement anew for every length.
    """
    insert = (sqlite.insert if dialect == "sqlite" else postgresql.insert)(table)
    new = {column.name: insert.excluded[column.name] for column in table.columns if not column.primary_key}
    differs = sa.or_(*(table.c[name].is_distinct_from(value) for name, value in new.items()))
    return insert.on_conflict_do_update(index_elements=table.primary_key, set_=new, where=differs)


def put(connection: Connection, table: sa.Table, rows: Sequence[dict[str, Any]]) -> None:
    if rows:
        connection.execute(upsert(table, connection.dialect.name), rows)


def _prepare(statements: Sequence[str], is_sqlite: bool) -> Callable[[Any, Any], None]:
    def prepare(connection: Any, _record: Any) -> None:
        if is_sqlite:
            connection.isolation_level = None
        cursor = connection.cursor()
        for statement in statements:
            cursor.execute(statement)
        cursor.close()
        connection.commit()

    return prepare


def _unusable(url: str) -> StoreFailed:
    remedy = "leave store.url out for a file in the state folder, or write sqlite:///FILE or postgresql://HOST/DATABASE"
    return StoreFailed(f"store.url {url!r} names no database that Trueup can use", remedy)


_REMEDIES = {
    "disk I/O": "see whether the disk of the state folder is sound and has space",
    "full": "free space on the disk of the state folder",
    "locked": "another process kept the database busy; try again, and end the other process if this stays so",
    "malformed": "the file is damaged: stop Trueup and restore the last backup of the state folder",
    "not a database": "the file is damaged: stop Trueup and restore the last backup of the state folder",
    "readonly": "make the state folder and its files writable for the user that runs Trueup",
    "unable to open": "make the state folder and its files writable for the user that runs Trueup",
    "connection": "see whether PostgreSQL runs and accepts this user from this machine",
    "authentication": "correct the user and the password in store.url",
}


def _remedy(reason: str) -> str:
    found = [remedy for sign, remedy in _REMEDIES.items() if sign in reason]
    return found[0] if found else "nothing was kept of this step; the next cycle tries again"
