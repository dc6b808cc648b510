"""What the store keeps, as SQLModel tables. Rows never leave this folder: the rest of Trueup sees domain values.

`table=True` validates nothing, so no instance of these classes is ever made: rows are written from domain values and
parsed back into them (rows.py). The databases hold the line instead, SQLite through its STRICT tables.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel

from agent.store.canonical import canonical, parsed

# Literal, because a partial index serves only queries that repeat its condition word for word.
OPEN_ENTRY = sa.text("state IN ('intent', 'unknown')")
OPEN_FINDING = sa.text("closed_at IS NULL")
IN_FORCE = sa.text("until IS NULL")

# SQLite learnt STRICT in 3.37; an enterprise distribution with 3.34 does without that net.
STRICT: Mapping[str, Any] = {"sqlite_strict": True} if sqlite3.sqlite_version_info >= (3, 37) else {}


class Instant(sa.types.TypeDecorator[datetime]):
    """UTC with microseconds: a timestamptz in PostgreSQL; ISO text of one width, which sorts, in SQLite."""

    impl = sa.Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> sa.types.TypeEngine[Any]:
        native = postgresql.TIMESTAMP(timezone=True)
        return dialect.type_descriptor(native if dialect.name == "postgresql" else sa.Text())

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        if value is None:
            return None
        utc = in_utc(value)
        return utc if dialect.name == "postgresql" else instant_text(utc)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return in_utc(value if isinstance(value, datetime) else datetime.fromisoformat(value))


class Day(sa.types.TypeDecorator[date]):
    """A calendar date: a date in PostgreSQL, ISO text in SQLite."""

    impl = sa.Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> sa.types.TypeEngine[Any]:
        return dialect.type_descriptor(sa.Date() if dialect.name == "postgresql" else sa.Text())

    def process_bind_param(self, value: date | None, dialect: Dialect) -> Any:
        return value if value is None or dialect.name == "postgresql" else value.isoformat()

    def process_result_value(self, value: Any, dialect: Dialect) -> date | None:
        return value if value is None or isinstance(value, date) else date.fromisoformat(value)


class Plain(sa.types.TypeDecorator[Any]):
    """Any plain value as canonical JSON. Sentences too: a hostile name may hold a NUL or half a surrogate pair, which
    JSON escapes and both databases would refuse."""

    impl = sa.Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str:
        return canonical(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:
        return parsed(value)


def in_utc(moment: datetime) -> datetime:
    if moment.utcoffset() is None:
        raise ValueError(f"{moment} has no zone: which instant it is cannot be known")
    return moment.astimezone(UTC)


def instant_text(moment: datetime) -> str:
    return in_utc(moment).isoformat(timespec="microseconds")


def _column(kind: Any, **options: Any) -> Any:
    return Field(sa_type=kind, **options)


def text(**options: Any) -> Any:
    return _column(sa.Text, **options)


def whole(**options: Any) -> Any:
    return _column(sa.BigInteger().with_variant(sa.Integer(), "sqlite"), **options)


def flag(**options: Any) -> Any:
    return _column(sa.Boolean().with_variant(sa.Integer(), "sqlite"), **options)


def instant(**options: Any) -> Any:
    return _column(Instant, **options)


def day(**options: Any) -> Any:
    return _column(Day, **options)


def plain(**options: Any) -> Any:
    return _column(Plain, **options)


class _Row(SQLModel, registry=registry()):
    __table_args__: Any = STRICT


class _Keyed(_Row):
    """About one line key; `psa`, `agreement` and `company` are there to be asked for."""

    key: str = text(primary_key=True)
    psa: str = text()
    agreement: int = whole(index=True)
    company: int = whole(index=True)


class _Priced(_Row):
    """Money as millionths of its currency's unit: a Decimal column would go through a binary fraction in SQLite."""

    micros: int | None = whole()
    currency: str | None = text()


class Meta(_Row, table=True):
    """One row. The journal's head is kept beside the journal, so that records cut from its end are missed."""

    id: int = whole(primary_key=True, sa_column_kwargs={"autoincrement": False})
    installation: str = text()
    journal_seq: int = whole()
    journal_hash: str = text()
    adopt_since: datetime | None = instant()


class Adopted(_Row, table=True):
    """Companies that have been looked through for forgotten lines since `Meta.adopt_since`."""

    company: int = whole(primary_key=True, sa_column_kwargs={"autoincrement": False})
    at: datetime = instant()


class Lease(_Row, table=True):
    """One row: who writes. `holder` is a state folder's name, `shown` the process in words. `epoch` only ever rises.

    `expires` is for PostgreSQL, by its own clock; None where nobody holds the lease.
    """

    id: int = whole(primary_key=True, sa_column_kwargs={"autoincrement": False})
    epoch: int = whole()
    holder: str = text()
    shown: str = text()
    expires: datetime | None = instant()


class Run(_Row, table=True):
    id: str = text(primary_key=True)
    reason: str = plain()
    companies: list[int] = plain()
    dry: bool = flag()
    started: datetime = instant(index=True)
    ended: datetime | None = instant()
    state: str = text()
    detail: str = plain()
    changes: int = whole()
    held: int = whole()
    confirmed: int = whole()
    refused: int = whole()
    unknown: int = whole()


class Snapshot(_Row, table=True):
    """The latest of an account; `body` is compressed JSON, rewritten only when `digest` says that it differs.

    It said the same from `since` to `taken_at`.
    """

    source: str = text(primary_key=True)
    account: str = text(primary_key=True)
    name: str = plain()
    since: datetime = instant()
    taken_at: datetime = instant()
    digest: str = text()
    body: bytes = _column(sa.LargeBinary)


class Thinned(_Row, table=True):
    """Until which day an account's snapshots have been thinned (thinning.py)."""

    source: str = text(primary_key=True)
    account: str = text(primary_key=True)
    until: date = day()


class Chapter(_Row, table=True):
    """What readings showed of one subscription from `since` on; `before` is the last one that did not."""

    source: str = text(primary_key=True)
    account: str = text(primary_key=True)
    subscription: str = text(primary_key=True)
    since: datetime = instant(primary_key=True)
    before: datetime | None = instant()
    quantity: int = whole()
    status: str = text()
    created: datetime | None = instant()
    renews: datetime | None = instant()
    deal: list[Any] | None = plain()


class Standing(_Row, table=True):
    """What the PSA showed of a company, alike from `since` to `last`; `body` as a snapshot's."""

    company: int = whole(primary_key=True, sa_column_kwargs={"autoincrement": False})
    since: datetime = instant()
    last: datetime = instant()
    digest: str = text()
    body: bytes = _column(sa.LargeBinary)


class Past(_Row, table=True):
    """Versions before the latest, in the order of `id`; `body` makes one from the version after it (past.py)."""

    id: int = whole(primary_key=True)
    kind: str = text()
    name: str = text()
    since: datetime = instant()
    until: datetime = instant(index=True)
    body: bytes = _column(sa.LargeBinary)

    __table_args__ = (sa.Index("past_of_name", "kind", "name", "id"), STRICT)


class Binding(_Keyed, table=True):
    account: str = text(index=True)
    line: int = whole()
    mark: str = text()
    state: str = text()
    adopted: bool = flag()
    confirmed: dict[str, str] = plain()
    boundary: date | None = day()
    locked: date | None = day()


class Entry(_Row, table=True):
    """`at` is when the entry took its present state, `intended` when it began."""

    id: int = whole(primary_key=True)
    run: str = text(foreign_key="run.id", index=True)
    change: str = text()
    reason: str = plain()
    epoch: int = whole()
    key: str = text()
    base: str = text()
    psa: str = text()
    agreement: int = whole()
    company: int = whole()
    state: str = text()
    intended: datetime = instant()
    at: datetime = instant()
    detail: str = plain()
    write: dict[str, Any] = plain()
    picture: str | None = text()
    looked_at: datetime | None = instant()
    taken_over: datetime | None = instant()

    __table_args__ = (
        sa.Index("one_open_entry", "key", unique=True, sqlite_where=OPEN_ENTRY, postgresql_where=OPEN_ENTRY),
        sa.Index("entries_of_key", "key", "id"),
        sa.Index("entries_of_base", "base", "id"),
        sa.Index("entries_of_agreement", "agreement", "at"),
        STRICT,
    )


class Kept(_Keyed, table=True):
    """Lines that a person keeps at certain terms."""

    line: int = whole()
    terms: dict[str, Any] = plain()
    since: date = day()
    asked: list[list[str | int]] = plain()
    who: str = plain()
    at: datetime = instant()
    undoes: str = text()
    note: str = plain()


class Sighting(_Keyed, table=True):
    quantity: int = whole()
    since: date = day()
    first_at: datetime | None = instant()
    last_at: datetime = instant()
    asked: list[list[str | int]] = plain()


class Charge(_Keyed, table=True):
    starts: date = day(primary_key=True)
    ends: date = day()
    quantity: int = whole()
    price: str = text()  # of a unit, with its decimals; empty where it was not shown


class Boundary(_Row, table=True):
    agreement: int = whole(primary_key=True, sa_column_kwargs={"autoincrement": False})
    company: int = whole(index=True)
    next_invoice: date = day()


class Hold(_Priced, table=True):
    """`closed_at` is set once the change is no longer planned; `until` ends a decision.

    `next_micros` is what the change adds to the next invoice.
    """

    digest: str = text(primary_key=True)
    company: int = whole(index=True)
    next_micros: int | None = whole()
    next_currency: str | None = text()
    sentence: str = plain()
    reasons: list[str] = plain()
    writes: list[str] = plain()
    since: datetime = instant()
    closed_at: datetime | None = instant()
    state: str = text()
    who: str = plain()
    decided_at: datetime | None = instant()
    until: datetime | None = instant()


class Finding(_Priced, table=True):
    """`scope` says who reported it (`company/250`, `mappings`): only the same reporter's next word may close it.

    `course` has for each time from which on bill and count were otherwise apart: the time, and `apart` as it was then.
    """

    id: int = whole(primary_key=True)
    scope: str = text()
    company: int | None = whole()
    code: str = text()
    severity: str = text()
    subject: str = plain()
    sentence: str = plain()
    remedy: str = plain()
    apart: dict[str, Any] | None = plain()
    course: list[list[Any]] = plain()
    first_seen: datetime = instant()
    last_seen: datetime = instant()
    closed_at: datetime | None = instant()
    closed_because: str | None = text()

    __table_args__ = (
        sa.Index(
            "one_open_finding", "scope", "code", "subject", unique=True,
            sqlite_where=OPEN_FINDING, postgresql_where=OPEN_FINDING,
        ),
        STRICT,
    )  # fmt: skip


class Settlement(_Row, table=True):
    """What a person decided about a gap, which is the id of a finding. Append-only; triggers refuse the rest."""

    id: int = whole(primary_key=True)
    gap: int = whole(foreign_key="finding.id", index=True)
    company: int = whole(index=True)
    verb: str = text()
    at: datetime = instant()
    body: dict[str, Any] = plain()


class Told(_Row, table=True):
    """What a channel has said of a topic, the newest time."""

    channel: str = text(primary_key=True)
    topic: str = plain(primary_key=True)
    severity: str = text()
    at: datetime = instant()


class Plan(_Priced, table=True):
    """The latest of a company; `body` is what faces print, rewritten only when `digest` says that it differs."""

    company: int = whole(primary_key=True, sa_column_kwargs={"autoincrement": False})
    run: str = text(index=True)
    at: datetime = instant()
    digest: str = text()
    changes: int = whole()
    held: int = whole()
    body: dict[str, Any] = text()


class Derivation(_Keyed, table=True):
    """Every one that ever was; `until` is empty for the one in force. `run` had it first."""

    since: datetime = instant(primary_key=True)
    until: datetime | None = instant()
    run: str = text()
    digest: str = text()
    body: str = text()

    __table_args__ = (
        sa.Index("derivation_in_force", "company", sqlite_where=IN_FORCE, postgresql_where=IN_FORCE),
        STRICT,
    )


class Journal(_Row, table=True):
    """Append-only; triggers refuse the rest. Every column is the very text or number that was hashed."""

    seq: int = whole(primary_key=True, sa_column_kwargs={"autoincrement": False})
    at: str = text()
    kind: str = text()
    entry: int | None = whole()
    payload: str = text()
    previous: str = text()
    hash: str = text()


METADATA = _Row.metadata


def _table(model: Any) -> sa.Table:
    return cast(sa.Table, model.__table__)


META, ADOPTED, LEASE, RUN, PLAN, JOURNAL = map(_table, (Meta, Adopted, Lease, Run, Plan, Journal))
SNAPSHOT, STANDING, PAST, THINNED = map(_table, (Snapshot, Standing, Past, Thinned))
BINDING, ENTRY, SIGHTING, CHARGE, BOUNDARY = map(_table, (Binding, Entry, Sighting, Charge, Boundary))
CHAPTER, KEPT = _table(Chapter), _table(Kept)
HOLD, FINDING, DERIVATION, TOLD, SETTLEMENT = map(_table, (Hold, Finding, Derivation, Told, Settlement))
