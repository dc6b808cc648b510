"""Brings a database to the tables of this version. Alembic is imported only when there is something to do."""

from __future__ import annotations

import os
import secrets
import sqlite3
from contextlib import closing
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from agent.errors import SchemaTooNew, StoreFailed
from agent.store.database import Database, put
from agent.store.journal import GENESIS
from agent.store.tables import LEASE, META

# The newest revision in migrations/versions; a test holds the two together.
HEAD = "0001"
MIGRATIONS = Path(__file__).parent / "migrations"

_FIRST = "0000"

_INSTALLATION = sa.select(META.c.installation)


def bring_up_to_date(database: Database) -> None:
    """Migrate if need be, in one transaction; an existing SQLite file is copied first."""
    # Read, not written, where all is well: a command must not wait for the daemon's turn just to look.
    with database.reading() as connection:
        version = _version(connection)
    if version == HEAD:
        return
    if version > HEAD:
        raise SchemaTooNew(
            f"the store {database.where} was written by a newer Trueup (its tables are version {version},"
            f" this program knows {HEAD})",
            "install the newer Trueup again, or restore the store that was saved before it was updated",
        )
    if database.is_sqlite and version != _FIRST:
        _back_up(database.path, version)
    with database.writing() as connection:
        # Another process may have been quicker; then alembic finds nothing left to do.
        _upgrade(connection)


def installation(database: Database) -> str:
    """The installation's name, made at random when a store is opened for the first time."""
    with database.reading() as connection:
        name = connection.scalar(_INSTALLATION)
    return str(name) if name else _name(database)


def _name(database: Database) -> str:
    with database.writing() as connection:
        name = connection.scalar(_INSTALLATION)
        if name is None:
            name = secrets.token_hex(16)
            meta = {"id": 1, "installation": name, "journal_seq": 0, "journal_hash": GENESIS, "adopt_since": None}
            put(connection, META, [meta])
            put(connection, LEASE, [{"id": 1, "epoch": 0, "holder": "", "shown": "", "expires": None}])
    return str(name)


def _version(connection: Connection) -> str:
    if not sa.inspect(connection).has_table("alembic_version"):
        return _FIRST
    return str(connection.scalar(sa.text("SELECT version_num FROM alembic_version")) or _FIRST)


def _back_up(path: Path, version: str) -> None:
    """A whole copy beside the store, its WAL included, on disk before the first table changes."""
    copy = path.with_name(f"{path.name}.before-{version}")
    try:
        os.close(os.open(copy, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600))
        with closing(sqlite3.connect(path)) as store, closing(sqlite3.connect(copy)) as target:
            store.backup(target)
    except (OSError, sqlite3.Error) as error:
        remedy = "free space or correct the rights of the state folder; the store itself was not touched"
        raise StoreFailed(f"the store {path} could not be copied before its update: {error}", remedy) from error


def _upgrade(connection: Connection) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
