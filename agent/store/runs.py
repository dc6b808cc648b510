"""Runs: opened, sealed with what came of them, and forgotten when nothing did."""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy import bindparam
from sqlalchemy.engine import Connection, Row

from agent.errors import StoreFailed
from agent.ports import RunSummary
from agent.store import journal
from agent.store.journal import Note
from agent.store.rows import Values, run_of
from agent.store.tables import ENTRY, PLAN, RUN

# Runs that wrote stay for ever. A fleet makes a hundred others a day, and nobody asks for a quiet one of last month.
_QUIET_RUNS_KEPT = timedelta(days=30)

_WRITES = sa.select(ENTRY.c.state, sa.func.count()).where(ENTRY.c.run == bindparam("of")).group_by(ENTRY.c.state)
_PLANNED = sa.select(
    sa.func.coalesce(sa.func.sum(PLAN.c.changes), 0), sa.func.coalesce(sa.func.sum(PLAN.c.held), 0)
).where(PLAN.c.run == bindparam("of"))
_RUN = sa.select(RUN).where(RUN.c.id == bindparam("of"))
_FORGET = sa.delete(RUN).where(RUN.c.started < bindparam("before"), ~sa.exists().where(ENTRY.c.run == RUN.c.id))


def open_run(connection: Connection, reason: str, companies: Sequence[int], dry: bool, at: datetime) -> str:
    run = f"{at:%Y%m%d-%H%M%S}-{secrets.token_hex(3)}"
    counts = dict.fromkeys(("changes", "held", "confirmed", "refused", "unknown"), 0)
    values = {"id": run, "reason": reason, "companies": list(companies), "dry": dry, "started": at, "ended": None}
    connection.execute(sa.insert(RUN), values | {"state": "running", "detail": ""} | counts)
    connection.execute(_FORGET, {"before": at - _QUIET_RUNS_KEPT})
    return run


def seal_run(connection: Connection, run: str, state: str, at: datetime, detail: str) -> None:
    row = connection.execute(_RUN, {"of": run}).first()
    if row is None:
        raise StoreFailed(f"run {run} is not in the store and cannot be sealed", "start a new run")
    totals = _totals(connection, run)
    ended = {"state": state, "ended": at, "detail": detail}
    connection.execute(sa.update(RUN).where(RUN.c.id == run).values(ended | totals))
    wrote = totals["confirmed"] or totals["refused"] or totals["unknown"]
    # A record for each quiet cycle would bury those that a person looks for.
    if wrote or state != "done":
        journal.append(connection, at, [Note("run-sealed", {"run": run, "state": state, "detail": detail} | totals)])


def latest(connection: Connection, limit: int) -> Sequence[RunSummary]:
    rows = connection.execute(sa.select(RUN).order_by(RUN.c.started.desc(), RUN.c.id.desc()).limit(limit))
    return [_summary(connection, row) for row in rows.all()]


def one(connection: Connection, run: str) -> RunSummary | None:
    row = connection.execute(_RUN, {"of": run}).first()
    return None if row is None else _summary(connection, row)


def _summary(connection: Connection, row: Row[Any]) -> RunSummary:
    """A sealed run says what it came to; a running one is counted now."""
    summary = run_of(row)
    return summary if summary.ended else replace(summary, **_totals(connection, summary.id))


def _totals(connection: Connection, run: str) -> Values:
    states: Counter[str] = Counter({state: count for state, count in connection.execute(_WRITES, {"of": run})})
    changes, held = connection.execute(_PLANNED, {"of": run}).one()
    return {
        # PostgreSQL sums its big integers up to a Decimal.
        "changes": int(changes),
        "held": int(held),
        "confirmed": states["confirmed"],
        "refused": states["refused"] + states["conflict"] + states["not-applied"],
        "unknown": states["unknown"] + states["intent"],
    }
