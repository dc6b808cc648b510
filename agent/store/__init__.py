"""What Trueup remembers: SQLite in the state folder by default, PostgreSQL by URL."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from agent.ports import Clock

if TYPE_CHECKING:
    from agent.store.store import SqlStore


def open_store(url: str, state_folder: Path, clock: Clock, password: str = "", longest: int = 120) -> SqlStore:
    """Open the store, made or brought up to date where needed; an empty `url` means a file in the state folder.
    `password` is that of a PostgreSQL user, for a URL that does not carry it. `longest` is how many seconds a request
    to the PSA may take: the lease of an agent that may be one of several outlasts it.

    Raises `SchemaTooNew` for a store that a newer Trueup wrote, `StoreFailed` for one that cannot be used.
    """
    # Importing SQLAlchemy takes longer than `trueup status`, which reads through glance.py instead.
    from agent.store.store import SqlStore

    return SqlStore.open(url, state_folder, clock, password, longest)
