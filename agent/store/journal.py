"""The journal: an append-only chain of records, each written in the transaction of the change that it records."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any

import sqlalchemy as sa
from sqlalchemy import bindparam
from sqlalchemy.engine import Connection

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


Record = Any
"""Whatever has the columns of the table as attributes: a row, or what a test makes of one."""


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


def after(connection: Connection, seq: int, limit: int) -> Sequence[JournalRecord]:
    rows = connection.execute(sa.select(JOURNAL).where(JOURNAL.c.seq > seq).order_by(JOURNAL.c.seq).limit(limit))
    return [journal_of(row) for row in rows]


def head(connection: Connection) -> tuple[int, str]:
    seq, hashed = connection.execute(_HEAD).one()
    return int(seq), str(hashed)


def verify(connection: Connection, heads: Mapping[int, str] = MappingProxyType({})) -> tuple[int, str, str]:
    """As `check`, reading the whole chain in pieces."""
    streamed = connection.execution_options(yield_per=_CHUNK)
    with streamed.execute(sa.select(JOURNAL).order_by(JOURNAL.c.seq)) as rows:
        return check(rows, head(connection), heads)


def check(
    records: Iterable[Record], kept: tuple[int, str], heads: Mapping[int, str] = MappingProxyType({})
) -> tuple[int, str, str]:
    """(sound records, hash of the last of them, first fault or ""); `kept` is the head that lies beside the chain.

    A chain that was hashed anew from some record on is sound by itself. It misses `kept`, and the first of `heads`
    after that record: what is sound then ends with the last head that still fits.
    """
    seq, hashed, proven = 0, GENESIS, (0, GENESIS)
    for record in records:
        fault = _fault(record, seq + 1, hashed)
        if fault:
            return seq, hashed, fault
        seq, hashed = record.seq, record.hash
        if heads.get(seq, hashed) != hashed:
            return *proven, f"record {seq} is another than was told, so one of {proven[0] + 1} to {seq} was changed"
        if seq in heads:
            proven = seq, hashed
    if seq != kept[0] or any(told > seq for told in heads):
        written = max(kept[0], *heads) if heads else kept[0]
        return seq, hashed, f"the journal ends at record {seq}, but {written} were written"
    if hashed != kept[1]:
        return *proven, f"record {seq} is not the one that was written, so one of {proven[0] + 1} to {seq} was changed"
    return seq, hashed, ""


def _fault(record: Record, expected: int, head: str) -> str:
    if record.seq != expected:
        return f"record {expected} is missing"
    if record.previous != head:
        return f"record {expected} does not follow from the record before it"
    if record.hash != link(head, record.seq, record.at, record.kind, record.entry, record.payload):
        return f"record {expected} was changed after it was written"
    return ""
