"""The journal: an append-only chain of records, each written in the transaction of the change that it records."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import bindparam
from sqlalchemy.engine import Connection, Row

from agent.ports import JournalRecord
from agent.store.canonical import canonical, sha256
from agent.store.rows import journal_of
from agent.store.tables import JOURNAL, META, instant_text

GENESIS = "0" * 64

_HEAD = sa.select(META.c.journal_seq, META.c.journal_hash)
_MOVE_HEAD = sa.update(META).values(journal_seq=bindparam("to"), journal_hash=bindparam("head"))
_RECORD = sa.insert(JOURNAL)
_CHUNK = 1000


@dataclass(frozen=True, slots=True)
class Note:
    """What to record: a kind, the entry that it is about (if any), and plain values."""

    kind: str
    payload: dict[str, Any]
    entry: int | None = None


def link(previous: str, seq: object, at: object, kind: object, entry: object, payload: object) -> str:
    """SHA-256 of the hash before and the canonical JSON of the record's own fields."""
    return sha256(previous + canonical([seq, at, kind, entry, payload]))


def append(connection: Connection, at: datetime, notes: Iterable[Note]) -> None:
    """Chain the notes to the head. Writers take turns, so the head that is read here is still the head at commit."""
    seq, head = connection.execute(_HEAD).one()
    moment, records = instant_text(at), []
    for note in notes:
        seq, previous = seq + 1, head
        fields = {"seq": seq, "at": moment, "kind": note.kind, "entry": note.entry, "payload": canonical(note.payload)}
        head = link(previous, *fields.values())
        records.append(fields | {"previous": previous, "hash": head})
    if records:
        connection.execute(_RECORD, records)
        connection.execute(_MOVE_HEAD, {"to": seq, "head": head})


def latest(connection: Connection, limit: int) -> Sequence[JournalRecord]:
    rows = connection.execute(sa.select(JOURNAL).order_by(JOURNAL.c.seq.desc()).limit(limit))
    return [journal_of(row) for row in rows]


def verify(connection: Connection) -> tuple[int, str, str]:
    """(records read, hash of the last sound one, first fault or ""), reading the whole chain in pieces."""
    seq, head = 0, GENESIS
    streamed = connection.execution_options(yield_per=_CHUNK)
    with streamed.execute(sa.select(JOURNAL).order_by(JOURNAL.c.seq)) as rows:
        for row in rows:
            fault = _fault(row, seq + 1, head)
            if fault:
                return seq, head, fault
            seq, head = row.seq, row.hash
    known_seq, known_head = connection.execute(_HEAD).one()
    if (seq, head) != (known_seq, known_head):
        return seq, head, f"the journal ends at record {seq}, but {known_seq} were written"
    return seq, head, ""


def _fault(row: Row[Any], expected: int, head: str) -> str:
    if row.seq != expected:
        return f"record {expected} is missing"
    if row.previous != head:
        return f"record {expected} does not follow from the record before it"
    if row.hash != link(head, row.seq, row.at, row.kind, row.entry, row.payload):
        return f"record {expected} was changed after it was written"
    return ""
