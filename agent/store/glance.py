"""A first look at the store for `trueup status`, without the half second that importing SQLAlchemy takes.

Works on an SQLite file, beside a daemon that writes to it or without one. For PostgreSQL take `glance_at`.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from agent.domain.counts import Account
from agent.domain.findings import Severity
from agent.errors import StoreFailed
from agent.ports import EntryState, RunSummary, Store
from agent.store.canonical import parsed

_BUSY_SECONDS = 2


@dataclass(frozen=True, slots=True)
class Glance:
    """`holds` counts those that wait for a person, the oldest since `held_since`; `intents` and `unknown` the writes
    whose outcome is open, the newest since `open_since`.

    A run that is still running may show no counts.
    """

    last_run: RunSummary | None
    findings: Mapping[Severity, int]
    holds: int
    intents: int
    unknown: int
    snapshots: Mapping[Account, datetime]
    held_since: datetime | None = None
    open_since: datetime | None = None


def glance(path: Path, now: datetime) -> Glance | None:
    """None where there is no store yet. Raises `StoreFailed` for a file that cannot be read, or has other tables."""
    if not path.exists():
        return None
    try:
        # Not mode=ro: a reader may have to recover the log that a killed daemon left behind.
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=rw", uri=True, timeout=_BUSY_SECONDS)) as store:
            store.row_factory = sqlite3.Row
            store.execute("PRAGMA query_only = ON")
            store.execute("BEGIN")
            return _glance(store, now)
    except (sqlite3.Error, ValueError) as error:
        remedy = "ask as the user of the daemon; starting the daemon once brings an older store up to date"
        raise StoreFailed(f"the store {path} cannot be read: {error}", remedy) from error


def glance_at(store: Store) -> Glance:
    """The same through an open store, of whatever database."""
    still_open = store.entry_open()
    entries = Counter(entry.state for entry in still_open)
    waiting = [hold.since for hold in store.holds() if hold.state == "open"]
    return Glance(
        last_run=next(iter(store.runs(1)), None),
        findings=Counter(open_.finding.severity for open_ in store.findings()),
        holds=len(waiting),
        intents=entries[EntryState.INTENT],
        unknown=entries[EntryState.UNKNOWN],
        snapshots=store.snapshot_age(),
        held_since=min(waiting, default=None),
        open_since=max((entry.at for entry in still_open), default=None),
    )


def _glance(store: sqlite3.Connection, now: datetime) -> Glance:
    entries = _counts(store, "SELECT state, count(*) FROM entry WHERE state IN ('intent', 'unknown') GROUP BY state")
    severities = _counts(store, "SELECT severity, count(*) FROM finding WHERE closed_at IS NULL GROUP BY severity")
    waiting = "SELECT count(*), min(since) FROM hold WHERE closed_at IS NULL AND (state = 'open' OR until <= ?)"
    [holds, held_since] = store.execute(waiting, [now.isoformat(timespec="microseconds")]).fetchone()
    [open_since] = store.execute("SELECT max(at) FROM entry WHERE state IN ('intent', 'unknown')").fetchone()
    seen = store.execute("SELECT source, account, name, taken_at FROM snapshot ORDER BY source, account")
    return Glance(
        last_run=_last_run(store),
        findings=Counter({Severity(name): count for name, count in severities.items()}),
        holds=holds,
        intents=entries["intent"],
        unknown=entries["unknown"],
        snapshots={Account(source, id_, parsed(name)): datetime.fromisoformat(at) for source, id_, name, at in seen},
        held_since=_instant(held_since),
        open_since=_instant(open_since),
    )


def _instant(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _counts(store: sqlite3.Connection, query: str) -> Counter[str]:
    return Counter({name: count for name, count in store.execute(query)})


def _last_run(store: sqlite3.Connection) -> RunSummary | None:
    row = store.execute("SELECT * FROM run ORDER BY started DESC, id DESC LIMIT 1").fetchone()
    if row is None:
        return None
    said = {name: parsed(row[name]) for name in ("reason", "companies", "detail")}
    counts = {name: row[name] for name in ("changes", "held", "confirmed", "refused", "unknown")}
    return RunSummary(
        id=row["id"],
        dry=bool(row["dry"]),
        started=datetime.fromisoformat(row["started"]),
        ended=datetime.fromisoformat(row["ended"]) if row["ended"] else None,
        state=row["state"],
        **(said | counts | {"companies": tuple(said["companies"])}),
    )
