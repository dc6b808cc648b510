"""Being the one agent that writes: a lock that the kernel, or the database, takes back when its holder dies."""

from __future__ import annotations

import fcntl
import os
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine import URL, Connection
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool

from agent.errors import AnotherWriter, StoreFailed

_REMEDY = "stop the other Trueup first; two that write would bill twice"

# "trueup-a": the session lock of the agent.
_AGENT = int.from_bytes(b"trueup-a", "big")

_TAKE = sa.text("SELECT pg_try_advisory_lock(:lock)")
_HOLDER = sa.text(
    "SELECT a.application_name FROM pg_locks l JOIN pg_stat_activity a USING (pid)"
    " WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1"
    " AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    " AND ((l.classid::bigint << 32) | l.objid::bigint) = :lock"
)


@contextmanager
def file_lock(path: Path) -> Iterator[None]:
    """Hold the file; who holds it stands in it. It is never removed: a lock on a removed file locks out nobody."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        remedy = "make the state folder writable for the user that runs Trueup"
        raise StoreFailed(f"the lock file {path} cannot be opened: {error.strerror}", remedy) from error
    try:
        _take(descriptor, path)
        yield
    finally:
        os.close(descriptor)


@contextmanager
def session_lock(url: URL) -> Iterator[None]:
    """Hold an advisory lock on a connection of its own. It ends with the connection, whoever ends that."""
    # Behind a pooler in transaction mode every statement may meet another session, and the lock would hold nothing.
    engine = sa.create_engine(
        url, poolclass=NullPool, isolation_level="AUTOCOMMIT", connect_args={"application_name": f"trueup {_me()}"}
    )
    with ExitStack() as stack:
        try:
            connection = stack.enter_context(engine.connect())
            holder = _holder(connection)
        except SQLAlchemyError as error:
            where = url.render_as_string(hide_password=True)
            remedy = "see whether PostgreSQL runs and accepts this user from this machine"
            raise StoreFailed(f"the lock in {where} cannot be asked for: {error.__cause__}", remedy) from error
        if holder:
            raise AnotherWriter(f"another Trueup writes to this database: {holder}", _REMEDY)
        yield


def _holder(connection: Connection) -> str:
    """Who holds the lock; empty if we do, now."""
    if connection.scalar(_TAKE, {"lock": _AGENT}):
        return ""
    return connection.scalar(_HOLDER, {"lock": _AGENT}) or "one that has just left"


def _take(descriptor: int, path: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        holder = os.pread(descriptor, 200, 0).decode(errors="replace").strip()
        raise AnotherWriter(f"another Trueup writes to this store ({path}): {holder or 'unnamed'}", _REMEDY) from error
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, f"{_me()}\n".encode(), 0)


def _me() -> str:
    return f"process {os.getpid()} on {socket.gethostname()}"
