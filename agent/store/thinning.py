"""Thins the snapshots of days long past to what `domain.thinning` says stays of a day, and to what something rests on.

A version is read back through all that came after it, so an account is worked off as a whole: read without holding
anybody up, then dropped in small transactions. Each of them leaves a history that can be read.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from functools import lru_cache
from itertools import chain, groupby, pairwise
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy import bindparam
from sqlalchemy.engine import Connection

from agent.domain.counts import Account
from agent.domain.keys import quoted
from agent.domain.thinning import Fact, staying
from agent.store import past
from agent.store.canonical import canonical, parsed
from agent.store.database import put
from agent.store.past import Earlier, unpacked
from agent.store.snapshots import KIND, name_of
from agent.store.tables import DERIVATION, ENTRY, FINDING, HOLD, KEPT, SNAPSHOT, THINNED

# Each look costs a walk back through the account's history, and a week more or less of all readings is no matter.
_REST = timedelta(days=7)

_NEWEST_ID = 0  # it lies whole in a table of its own

_SAME = sa.and_(THINNED.c.source == SNAPSHOT.c.source, THINNED.c.account == SNAPSHOT.c.account)
_DUE = (
    sa.select(SNAPSHOT.c.source, SNAPSHOT.c.account)
    .join(THINNED, _SAME, isouter=True)
    .where(sa.or_(THINNED.c.until.is_(None), THINNED.c.until <= bindparam("limit")))
    .order_by(THINNED.c.until.is_not(None), THINNED.c.until, SNAPSHOT.c.source, SNAPSHOT.c.account)
)
_DONE = sa.select(THINNED.c.until).where(
    THINNED.c.source == bindparam("of_source"), THINNED.c.account == bindparam("of_account")
)
_NEWEST = sa.select(SNAPSHOT.c.since, SNAPSHOT.c.taken_at, SNAPSHOT.c.body).where(
    SNAPSHOT.c.source == bindparam("of_source"), SNAPSHOT.c.account == bindparam("of_account")
)

# What was concluded from a reading, decided on it or written because of it: whoever asks why is shown that reading.
_RESTING = (
    *((DERIVATION, name) for name in ("since", "until")),
    *((ENTRY, name) for name in ("intended", "at")),
    *((HOLD, name) for name in ("since", "decided_at")),
    *((FINDING, name) for name in ("first_seen", "last_seen", "closed_at")),
    (KEPT, "at"),
)


class Thinning(NamedTuple):
    """What becomes of one day's versions: ids that go, and new bodies of those before them."""

    gone: list[int]
    bodies: Mapping[int, bytes]


def due(connection: Connection, before: date) -> list[Account]:
    rows = connection.execute(_DUE, {"limit": before - _REST})
    return [Account(row.source, row.account) for row in rows]


def thinnings(
    connection: Connection, account: Account, before: date, zone: ZoneInfo, companies: Collection[int]
) -> list[Thinning]:
    """Of each day before that one which has versions to spare, the newest day first."""
    of, name = {"of_source": account.source, "of_account": account.id}, name_of(account)
    done = connection.scalar(_DONE, of) or date.min
    newest = connection.execute(_NEWEST, of).one()
    begun = [newest.since, *past.beginnings(connection, KIND, name)]
    days = Counter(since.astimezone(zone).date() for since in begun)
    crowded = {day for day, versions in days.items() if versions > 1 and done <= day < before}
    if not crowded:
        return []
    rested, text = _rested(connection, account, companies), unpacked(newest.body)
    # The newest is in no day's way: whatever day it began on, it is that day's last, and stays.
    last = Earlier(_NEWEST_ID, newest.since, newest.taken_at, past.records(text))
    versions = chain([last], past.earlier(connection, KIND, name, text))
    return [_thinning(day, rested) for day in _days(versions, crowded, zone)]


def done(connection: Connection, account: Account, before: date) -> None:
    put(connection, THINNED, [{"source": account.source, "account": account.id, "until": before}])


def _days(versions: Iterator[Earlier], wanted: set[date], zone: ZoneInfo) -> Iterator[list[Earlier]]:
    """The versions of each such day, the oldest first, with the one in force as it began before them."""
    waiting: list[Earlier] = []
    left = len(wanted)
    for day, begun in groupby(versions, lambda version: version.since.astimezone(zone).date()):
        newest_first = list(begun)
        if waiting:
            yield [newest_first[0], *waiting]
            left -= 1
        if not left:
            return
        waiting = newest_first[::-1] if day in wanted else []
    if waiting:
        yield waiting  # nothing is known from before: its first version is what the day began with


def _thinning(day: Sequence[Earlier], rested: Sequence[datetime]) -> Thinning:
    stays = sorted(staying(_seen(day)) | _pinned(day, rested))
    gone = [version.id for place, version in enumerate(day) if place not in stays]
    apart = [(day[a], day[b]) for a, b in pairwise(stays) if b != a + 1]
    return Thinning(gone, {old.id: past.restated(old.records, new.records) for old, new in apart})


def _pinned(day: Sequence[Earlier], rested: Sequence[datetime]) -> set[int]:
    """Places of the versions that were in force at one of the instants, which are sorted."""
    begins = [version.since for version in day]
    within = rested[bisect_left(rested, begins[0]) : bisect_right(rested, begins[-1])]
    return {bisect_right(begins, moment) - 1 for moment in within}


def _seen(day: Sequence[Earlier]) -> list[frozenset[Fact]]:
    """The facts of each version, without those that all of them share."""
    sets = [frozenset(version.records) for version in day]
    common = frozenset.intersection(*sets)
    return [frozenset(fact for record in records - common for fact in _facts(record)) for records in sets]


@lru_cache(maxsize=4096)
def _facts(record: str) -> frozenset[Fact]:
    tag, key, *fields = parsed(record)
    return frozenset(_told((tag, _scalar(key)), fields))


def _told(path: tuple[Fact, ...], fields: Sequence[Any]) -> Iterator[Fact]:
    """That it is there, and each of its fields; of a list each item, wherever it stands in it."""
    yield path
    for place, value in enumerate(fields):
        here = (*path, place)
        if isinstance(value, dict):
            yield from ((*here, name, _scalar(one)) for name, one in value.items())
        elif isinstance(value, list):
            for item in value:
                key, *rest = item if isinstance(item, list) else [item]
                yield from _told((*here, _scalar(key)), rest)
        else:
            yield (*here, value)


def _scalar(value: Any) -> Fact:
    return canonical(value) if isinstance(value, list | dict) else value


def _rested(connection: Connection, account: Account, companies: Collection[int]) -> list[datetime]:
    """When anything was kept that rests on a reading of the account, in order."""
    found: set[datetime] = set()
    for table, name in _RESTING:
        mine: sa.ColumnElement[bool] = table.c.company.in_(companies)
        if "key" in table.c:  # those who had the account before count too
            mine = mine | table.c.key.contains(f"/{quoted(account.ref)}/", autoescape=True)
        found |= set(connection.scalars(sa.select(table.c[name]).where(mine, table.c[name].is_not(None))))
    return sorted(found)
