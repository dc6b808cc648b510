"""Holds, and what people decide about them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import bindparam
from sqlalchemy.engine import Connection, Row

from agent.ports import Decision, Hold
from agent.store import journal
from agent.store.journal import Note
from agent.store.rows import hold_of
from agent.store.tables import HOLD, RUN

VERDICTS = ("approved", "rejected")

# Shorter prefixes would soon name another change than the one that was read on the screen.
_SHORTEST_PREFIX = 6

_PLANNED = sa.select(HOLD).where(HOLD.c.closed_at.is_(None)).order_by(HOLD.c.company, HOLD.c.since, HOLD.c.digest)
_DECIDE = (
    sa.update(HOLD)
    .where(HOLD.c.digest == bindparam("of"))
    .values(state=bindparam("verdict"), who=bindparam("by"), decided_at=bindparam("when"), until=bindparam("ends"))
)


def holds(connection: Connection, company: int | None, at: datetime) -> Sequence[Hold]:
    return [hold_of(row, standing(row, at)) for row in _planned(connection, company)]


def standing(row: Row[Any], at: datetime) -> str:
    """A decision that has run out is none."""
    return "open" if row.until is not None and row.until <= at else str(row.state)


def decided(connection: Connection, company: int, at: datetime) -> tuple[frozenset[str], frozenset[str]]:
    """The digests approved and those rejected, as they stand."""
    states = {row.digest: standing(row, at) for row in _planned(connection, company)}
    approved, rejected = (frozenset(d for d, state in states.items() if state == verdict) for verdict in VERDICTS)
    return approved, rejected


def decisions(connection: Connection, digests: Iterable[str]) -> Mapping[str, Decision]:
    """Of changes that have been carried out meanwhile too: their holds are closed, not forgotten."""
    query = sa.select(HOLD).where(HOLD.c.digest.in_(sorted(set(digests))), HOLD.c.decided_at.is_not(None))
    return {row.digest: Decision(row.digest, row.state, row.who, row.decided_at) for row in connection.execute(query)}


def decide(
    connection: Connection, name: str, verdict: str, who: str, at: datetime, until: datetime | None
) -> Sequence[Hold]:
    if verdict not in VERDICTS:
        raise ValueError(f"a hold is approved or rejected, not {verdict!r}")
    named = _named(connection, name, at)
    if not named:
        return []
    choice = {"verdict": verdict, "by": who, "when": at, "ends": until}
    connection.execute(_DECIDE, [choice | {"of": row.digest} for row in named])
    ends = until.isoformat() if until else None
    said = {"who": who, "until": ends, "asked": name}
    notes = [Note(verdict, said | quoted(row)) for row in named]
    journal.append(connection, at, notes)
    return [hold_of(row, verdict) for row in named]


def _named(connection: Connection, name: str, at: datetime) -> Sequence[Row[Any]]:
    """The hold whose digest begins like this, if there is just one; else the undecided holds that the run has seen."""
    planned = connection.execute(_PLANNED).all()
    if len(name) >= _SHORTEST_PREFIX:
        by_digest = [row for row in planned if row.digest.startswith(name)]
        if len(by_digest) == 1:
            return by_digest
    run = connection.execute(sa.select(RUN.c.companies, RUN.c.ended).where(RUN.c.id == name)).first()
    if run is None:
        return []
    undecided = [row for row in planned if row.company in run.companies and standing(row, at) == "open"]
    return [row for row in undecided if row.since <= (run.ended or at)]


def _planned(connection: Connection, company: int | None) -> Sequence[Row[Any]]:
    query = _PLANNED if company is None else _PLANNED.where(HOLD.c.company == company)
    return connection.execute(query).all()


def quoted(row: Row[Any]) -> dict[str, Any]:
    """What the person saw, so that the journal shows it even when the plan has moved on."""
    said = {"digest": row.digest, "company": row.company, "sentence": row.sentence}
    return said | {"reasons": row.reasons, "writes": row.writes}
