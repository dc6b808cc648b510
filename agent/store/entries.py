"""Writes on their way: an entry is committed before the first byte leaves, and closed when its outcome is known."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy import bindparam
from sqlalchemy.engine import Connection

from agent.domain.changes import Picture, Planned, Write
from agent.domain.keys import LineKey, Role
from agent.domain.ownership import Binding, as_released
from agent.errors import EntryOpen, StoreFailed
from agent.ports import Entry, EntryState
from agent.store import journal
from agent.store.database import put
from agent.store.journal import Note
from agent.store.rows import binding_of, binding_plain, binding_values, entry_of, key_of, key_text, keyed, write_plain
from agent.store.tables import BINDING, ENTRY, OPEN_ENTRY

_ENTRIES = sa.select(ENTRY)
_INSERT = sa.insert(ENTRY).returning(ENTRY.c.id)
_OPEN = _ENTRIES.where(OPEN_ENTRY).order_by(ENTRY.c.id)
_OPEN_OF_KEY = _OPEN.where(ENTRY.c.key == bindparam("key"))
_THIS_IF_OPEN = sa.update(ENTRY).where(ENTRY.c.id == bindparam("entry"), OPEN_ENTRY)
_CLOSE = _THIS_IF_OPEN.values(
    state=bindparam("to"), detail=bindparam("says"), at=bindparam("when"), picture=None, looked_at=None
)
_NEWEST_OF_KEYS = (
    sa.select(sa.func.max(ENTRY.c.id)).where(ENTRY.c.key.in_(bindparam("keys", expanding=True))).group_by(ENTRY.c.key)
)
_REFUSALS = sa.select(ENTRY.c.key, ENTRY.c.detail).where(
    ENTRY.c.id.in_(_NEWEST_OF_KEYS), ENTRY.c.state.in_([EntryState.REFUSED.value, EntryState.CONFLICT.value])
)
_OF_BASE = _ENTRIES.where(ENTRY.c.base == bindparam("of")).order_by(ENTRY.c.id)
_DAY = timedelta(days=1)
_OF_LATE = _ENTRIES.where(
    ENTRY.c.psa == bindparam("psa"),
    ENTRY.c.agreement.in_(bindparam("agreements", expanding=True)),
    ENTRY.c.at > bindparam("since"),
    ENTRY.c.state.not_in([EntryState.REFUSED.value, EntryState.CONFLICT.value, EntryState.NOT_APPLIED.value]),
)
_TAKE_OVER = sa.update(ENTRY).where(
    ENTRY.c.state == EntryState.INTENT.value, ENTRY.c.epoch < bindparam("mine"), ENTRY.c.taken_over.is_(None)
)
_TAKE_OVER = _TAKE_OVER.values(taken_over=bindparam("since"))
_BOUND = sa.select(BINDING).where(BINDING.c.key == bindparam("of"))
_LOOK = _THIS_IF_OPEN.values(picture=bindparam("seen"), looked_at=bindparam("when"))


def intend(connection: Connection, run: str, planned: Planned, write: Write, at: datetime, epoch: int) -> Entry:
    before = connection.execute(_OPEN_OF_KEY, {"key": key_text(write.key)}).first()
    if before is not None:
        raise EntryOpen(
            f"line {write.key} has a write whose outcome is not known yet:"
            f" entry {before.id} is {before.state} since {before.at:%Y-%m-%d %H:%M} UTC",
            "the next cycle settles it by reading; nothing is sent for this line before",
        )
    # Writers take turns, so nobody can have come between; the unique index is the net under that.
    change, reason = planned.digest, planned.change.reason
    id_ = _insert(connection, run, change, reason, write, at, epoch)
    said = {"run": run, "epoch": epoch, "change": change, "reason": reason, "write": write_plain(write)}
    journal.append(connection, at, [Note(EntryState.INTENT.value, said, id_)])
    return Entry(id_, run, write, EntryState.INTENT, at, change=change, reason=reason, epoch=epoch)


def close(
    connection: Connection, entry: Entry, state: EntryState, detail: str, at: datetime, binding: Binding | None
) -> None:
    """The entry's new state, the binding that it proves and the record of both; an ended entry stays as it is."""
    values = {"entry": entry.id, "to": state.value, "says": detail, "when": at}
    _expect_open(connection.execute(_CLOSE, values).rowcount, entry)
    if binding is not None:
        # The write may have been on its way when a person took the line over: what it proves does not take it back.
        row = connection.execute(_BOUND, {"of": key_text(binding.key)}).first()
        binding = as_released(binding, None if row is None else binding_of(row))
        put(connection, BINDING, [binding_values(binding, entry.write.company)])
    said = {
        "run": entry.run,
        "key": key_text(entry.write.key),
        "detail": detail,
        "binding": binding_plain(binding) if binding else None,
    }
    journal.append(connection, at, [Note(state.value, said, entry.id)])


def looked(connection: Connection, entry: Entry, picture: Picture, at: datetime) -> None:
    found = connection.execute(_LOOK, {"entry": entry.id, "seen": picture.value, "when": at})
    _expect_open(found.rowcount, entry)


def take_over(connection: Connection, epoch: int, since: datetime) -> None:
    """Remember with the intents of earlier agents since when none of those can send them any more.

    Kept, not asked for anew: a command that runs once has an epoch of its own each time, and settled by the newest
    one's beginning no write would ever be.
    """
    connection.execute(_TAKE_OVER, {"mine": epoch, "since": since})


def still_open(connection: Connection) -> Sequence[Entry]:
    return [entry_of(row) for row in connection.execute(_OPEN)]


def count(connection: Connection) -> int:
    return int(connection.scalar(sa.select(sa.func.count()).select_from(ENTRY)) or 0)


def latest(connection: Connection, run: str | None, limit: int) -> Sequence[Entry]:
    query = _ENTRIES.order_by(ENTRY.c.id.desc()).limit(limit)
    if run is not None:
        query = query.where(ENTRY.c.run == run)
    return [entry_of(row) for row in connection.execute(query)]


def confirmed(connection: Connection, since: datetime, company: int | None) -> Sequence[Entry]:
    done = ENTRY.c.state == EntryState.CONFIRMED.value
    query = sa.select(ENTRY).where(done, ENTRY.c.at >= since).order_by(ENTRY.c.id)
    if company is not None:
        query = query.where(ENTRY.c.company == company)
    return [entry_of(row) for row in connection.execute(query)]


def of_base(connection: Connection, key: LineKey) -> Sequence[Entry]:
    return [entry_of(row) for row in connection.execute(_OF_BASE, {"of": key_text(key.base)})]


def refusals(connection: Connection, keys: Iterable[LineKey]) -> Mapping[LineKey, str]:
    named = {"keys": sorted(map(key_text, keys))}
    return {key_of(row.key): row.detail for row in connection.execute(_REFUSALS, named)}


def open_of_company(connection: Connection, psa: str, company: int, agreements: Sequence[int]) -> Sequence[Entry]:
    """Read whole and sifted here: there are never more open entries than writes that one cycle sends."""
    writes = [entry for entry in still_open(connection) if entry.write.key.psa == psa]
    return [e for e in writes if e.write.company == company or e.write.agreement in agreements]


def made(connection: Connection, psa: str, agreements: Sequence[int], at: datetime) -> Mapping[int, int]:
    """By agreement: standing lines that were made within the day before, or may have been."""
    rows = connection.execute(_OF_LATE, {"psa": psa, "agreements": agreements, "since": at - _DAY})
    writes = [entry_of(row).write for row in rows]
    return Counter(write.agreement for write in writes if write.line is None and write.key.role is Role.BASE)


def _insert(connection: Connection, run: str, change: str, reason: str, write: Write, at: datetime, epoch: int) -> int:
    values = keyed(write.key, write.company) | {
        "run": run,
        "change": change,
        "reason": reason,
        "epoch": epoch,
        "base": key_text(write.key.base),
        "state": EntryState.INTENT.value,
        "intended": at,
        "at": at,
        "detail": "",
        "write": write_plain(write),
    }
    return int(connection.execute(_INSERT, values).scalar_one())


def _expect_open(rows: int, entry: Entry) -> None:
    if rows != 1:
        raise StoreFailed(
            f"entry {entry.id} is not open any more, so its outcome cannot be recorded again",
            "see `trueup journal`: two agents may have settled the same write",
        )
