"""What people decided about single lines: kept as they are, released for good, taken back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy import bindparam
from sqlalchemy.engine import Connection, Row

from agent.domain.agreements import Billable
from agent.domain.changes import Planned, Terms
from agent.domain.keys import LineKey
from agent.domain.ownership import Binding, BindingState, Kept
from agent.store import deciding, journal
from agent.store.database import put
from agent.store.journal import Note
from agent.store.rows import (
    Values,
    binding_of,
    binding_plain,
    binding_values,
    hold_values,
    key_of,
    key_text,
    keyed,
    terms_plain,
)
from agent.store.tables import BINDING, HOLD, KEPT, SIGHTING

_KEPT = sa.select(KEPT).order_by(KEPT.c.company, KEPT.c.key)
_RELEASED = sa.select(BINDING).where(BINDING.c.state == BindingState.RELEASED.value).order_by(BINDING.c.line)
_OF_LINE = sa.select(BINDING).where(BINDING.c.line == bindparam("of"))
_GIVE_BACK = [sa.delete(table).where(table.c.key == bindparam("of")) for table in (KEPT, SIGHTING)]


def keep(
    connection: Connection,
    company: int,
    kept: Sequence[Kept],
    approved: Sequence[Planned],
    at: datetime,
    until: datetime,
) -> None:
    """Remember the lines and, as approved by whoever keeps them, the changes that bring them there."""
    put(connection, KEPT, [_values(one, company) for one in kept])
    who = kept[0].who if kept else ""
    fresh = {"since": at, "closed_at": None, "state": "approved", "who": who, "decided_at": at, "until": until}
    put(connection, HOLD, [hold_values(planned, planned.digest) | fresh for planned in approved])
    notes = [Note("kept", _said(company, one.key, one.who) | _plain(one)) for one in kept]
    digests = [planned.digest for planned in approved]
    rows = connection.execute(sa.select(HOLD).where(HOLD.c.digest.in_(digests))).all()
    decided = {"who": who, "until": until.isoformat(), "asked": kept[0].undoes if kept else ""}
    journal.append(connection, at, [*notes, *(Note("approved", decided | deciding.quoted(row)) for row in rows)])


def take(
    connection: Connection, company: int, key: LineKey, bindings: Sequence[Binding], who: str, at: datetime
) -> None:
    """Given back to its row, as the bindings say. What was asked for meanwhile is forgotten: it is not billed back."""
    for statement in _GIVE_BACK:
        connection.execute(statement, {"of": key_text(key)})
    put(connection, BINDING, [binding_values(binding, company) for binding in bindings])
    notes = [Note("taken", _said(company, key, who) | {"binding": binding_plain(binding)}) for binding in bindings]
    journal.append(connection, at, notes or [Note("taken", _said(company, key, who))])


def release(connection: Connection, company: int, bindings: Sequence[Binding], who: str, at: datetime) -> None:
    """`bindings` are all of one key, as they are to be remembered from now on."""
    for key in {binding.key.base for binding in bindings}:
        connection.execute(sa.delete(KEPT).where(KEPT.c.key == key_text(key)))
    put(connection, BINDING, [binding_values(binding, company) for binding in bindings])
    said = [(_said(company, b.key.base, who) | {"binding": binding_plain(b)}) for b in bindings]
    journal.append(connection, at, [Note("released", payload) for payload in said])


def kept(connection: Connection, company: int | None) -> Sequence[tuple[int, Kept]]:
    query = _KEPT if company is None else _KEPT.where(KEPT.c.company == company)
    return [(row.company, kept_of(row)) for row in connection.execute(query)]


def released(connection: Connection, company: int | None) -> Sequence[tuple[int, Binding]]:
    query = _RELEASED if company is None else _RELEASED.where(BINDING.c.company == company)
    return [(row.company, binding_of(row)) for row in connection.execute(query)]


def managed(connection: Connection, line: int) -> tuple[int, Binding] | None:
    row = connection.execute(_OF_LINE, {"of": line}).first()
    return None if row is None else (row.company, binding_of(row))


def kept_of(row: Row[Any]) -> Kept:
    asked = tuple((date.fromisoformat(day), seats) for day, seats in row.asked)
    return Kept(key_of(row.key), row.line, _terms(row.terms), row.since, asked, row.who, row.at, row.undoes, row.note)


def _values(one: Kept, company: int) -> Values:
    plain = {"terms": terms_plain(one.terms), "asked": [[day.isoformat(), seats] for day, seats in one.asked]}
    told = {"since": one.since, "who": one.who, "at": one.at, "undoes": one.undoes, "note": one.note}
    return keyed(one.key, company) | {"line": one.line} | plain | told


def _terms(plain: Mapping[str, Any]) -> Terms:
    price = None if plain["price"] is None else Decimal(plain["price"])
    return Terms(plain["quantity"], plain["included"], price, Billable(plain["billable"]), plain["text"])


def _said(company: int, key: LineKey, who: str) -> Values:
    return {"company": company, "key": key_text(key), "who": who}


def _plain(one: Kept) -> Values:
    return {"sentence": one.says, "terms": terms_plain(one.terms), "undoes": one.undoes, "detail": one.note}
