"""The history of every subscription in chapters: one row where a reading said something new, none where it did not."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy import bindparam
from sqlalchemy.engine import Connection, Row

from agent.domain.counts import Coverage, Snapshot, Status
from agent.domain.terms import UNREAD, Chapter, History, next_chapter
from agent.store.database import put
from agent.store.rows import Values, deal_of, deal_plain
from agent.store.tables import CHAPTER, SNAPSHOT

# The longest term and some: what was bought before it has been renewed since.
_KEPT = timedelta(days=1_200)


def _of_accounts(table: sa.Table) -> sa.ColumnElement[bool]:
    accounts = table.c.account.in_(bindparam("accounts", expanding=True))
    return sa.and_(table.c.source == bindparam("of_source"), accounts)


_CHAPTERS = sa.select(CHAPTER).where(_of_accounts(CHAPTER)).order_by(CHAPTER.c.since)
_READ = sa.select(SNAPSHOT.c.account, SNAPSHOT.c.taken_at).where(_of_accounts(SNAPSHOT))
_NEWER = CHAPTER.alias()
_SUPERSEDED = (
    sa.select(sa.func.max(_NEWER.c.since))
    .where(*(_NEWER.c[name] == CHAPTER.c[name] for name in ("source", "account", "subscription")))
    .where(_NEWER.c.since < bindparam("limit"))
    .correlate(CHAPTER)
    .scalar_subquery()
)
# What still is as it was years ago must stay: read for the first time again, it would look newly bought.
_FORGET = sa.delete(CHAPTER).where(
    CHAPTER.c.source == bindparam("of_source"),
    CHAPTER.c.account == bindparam("of_account"),
    CHAPTER.c.since < _SUPERSEDED,
)


def remember(connection: Connection, snapshot: Snapshot, before: datetime | None) -> None:
    """Begin the chapters that a snapshot opens. `before` is when the account was last read until then."""
    if Coverage.SUBSCRIPTIONS not in snapshot.coverage:
        return
    account = snapshot.account
    known = histories(connection, account.source, [account.id]).get(account.id, UNREAD).chapters
    bought = {one.id: one for seen in snapshot.observations.values() for one in seen.subscriptions}
    last = {id_: told[-1] for id_, told in known.items()}
    found = {id_: next_chapter(last.get(id_), one, snapshot, before) for id_, one in bought.items()}
    news = {id_: chapter for id_, chapter in found.items() if chapter is not None}
    if not news:
        return
    put(connection, CHAPTER, [_values(snapshot, id_, chapter) for id_, chapter in news.items()])
    limit = snapshot.taken_at - _KEPT
    connection.execute(_FORGET, {"of_source": account.source, "of_account": account.id, "limit": limit})


def histories(connection: Connection, source: str, accounts: Iterable[str]) -> Mapping[str, History]:
    named = {"of_source": source, "accounts": list(accounts)}
    found: dict[str, dict[str, tuple[Chapter, ...]]] = {}
    for row in connection.execute(_CHAPTERS, named):
        of_account = found.setdefault(row.account, {})
        of_account[row.subscription] = (*of_account.get(row.subscription, ()), _chapter(row))
    read = {row.account: row.taken_at for row in connection.execute(_READ, named)}
    return {account: History(told, read.get(account)) for account, told in found.items()}


def _values(snapshot: Snapshot, subscription: str, chapter: Chapter) -> Values:
    return {
        "source": snapshot.account.source,
        "account": snapshot.account.id,
        "subscription": subscription,
        "since": chapter.since,
        "before": chapter.before,
        "quantity": chapter.quantity,
        "status": chapter.status.value,
        "created": chapter.created,
        "renews": chapter.renews,
        "deal": deal_plain(chapter.deal),
    }


def _chapter(row: Row[Any]) -> Chapter:
    known = row.created, row.renews, deal_of(row.deal)
    return Chapter(row.since, row.before, row.quantity, Status(row.status), *known)
