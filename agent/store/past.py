"""Earlier versions of a text: each kept as what it takes to make it from the version after it.

A text is a JSON list of records. The newest version lies whole in its own table; an earlier one names stretches of
the next version's records, and holds only the records which that one lacks. A licence that changes hands thus costs
some hundred bytes, however large the tenant, and the oldest versions can be dropped without touching the others.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy import bindparam
from sqlalchemy.engine import Connection

from agent.store.canonical import canonical, parsed
from agent.store.tables import PAST

_KEEP = sa.insert(PAST)
_NEWEST_FIRST = (
    sa.select(PAST.c.id, PAST.c.since, PAST.c.until, PAST.c.body)
    .where(PAST.c.kind == bindparam("of_kind"), PAST.c.name == bindparam("of_name"))
    .order_by(PAST.c.id.desc())
)
_FORGET = sa.delete(PAST).where(PAST.c.until < bindparam("before"))
_DROP = sa.delete(PAST).where(PAST.c.id == bindparam("gone"))
_RESTATE = sa.update(PAST).where(PAST.c.id == bindparam("of")).values(body=bindparam("made"))
_BEGINNINGS = sa.select(PAST.c.since).where(PAST.c.kind == bindparam("of_kind"), PAST.c.name == bindparam("of_name"))

Difference = list[str | list[int]]
"""Records as they are, or the half-open stretch of the next version's records that stands in their place."""


class Earlier(NamedTuple):
    """A version that is over, as the texts of its records."""

    id: int
    since: datetime
    until: datetime
    records: list[str]


def packed(text: str) -> bytes:
    # Level 1 is three times as fast as the default and nearly as small.
    return zlib.compress(text.encode("ascii"), 1)


def unpacked(body: bytes) -> str:
    return zlib.decompress(body).decode("ascii")


def records(text: str) -> list[str]:
    """One text for each record, so that equal records can be told by their texts."""
    return list(map(canonical, parsed(text)))


def text(parts: Sequence[str]) -> str:
    """The text that these are the records of."""
    return f"[{','.join(parts)}]"


def keep(connection: Connection, kind: str, name: str, since: datetime, until: datetime, old: str, new: str) -> None:
    """Keep `old`, which was read from `since` to `until`, before `new` takes its place."""
    body = restated(records(old), records(new))
    values = {"kind": kind, "name": name, "since": since, "until": until, "body": body}
    connection.execute(_KEEP, values)


def earlier(connection: Connection, kind: str, name: str, newest: str) -> Iterator[Earlier]:
    """The versions before the newest, going back."""
    after = records(newest)
    for row in connection.execute(_NEWEST_FIRST, {"of_kind": kind, "of_name": name}):
        after = applied(parsed(unpacked(row.body)), after)
        yield Earlier(row.id, row.since, row.until, after)


def beginnings(connection: Connection, kind: str, name: str) -> list[datetime]:
    """When the versions before the newest began, in no order."""
    return list(connection.scalars(_BEGINNINGS, {"of_kind": kind, "of_name": name}))


def forget(connection: Connection, before: datetime) -> None:
    connection.execute(_FORGET, {"before": before})


def restated(old: Sequence[str], new: Sequence[str]) -> bytes:
    """The body of a version whose next one is another now, because those between them went."""
    return packed(canonical(difference(old, new)))


def thin(connection: Connection, gone: Sequence[int], bodies: Mapping[int, bytes]) -> None:
    """Drop versions by id. `bodies` make the ones before them from those that are next now."""
    if gone:
        connection.execute(_DROP, [{"gone": id} for id in gone])
        connection.execute(_RESTATE, [{"of": id, "made": body} for id, body in bodies.items()])


def difference(old: Sequence[str], new: Sequence[str]) -> Difference:
    """How to make the old records from the new ones."""
    places = {record: place for place, record in enumerate(new)}
    made: Difference = []
    for record in old:
        place = places.get(record)
        last = made[-1] if made else ""
        if place is None:
            made.append(record)
        elif isinstance(last, list) and last[1] == place:
            last[1] += 1
        else:
            made.append([place, place + 1])
    return made


def applied(made: Difference, new: Sequence[str]) -> list[str]:
    parts = [[part] if isinstance(part, str) else new[part[0] : part[1]] for part in made]
    return [record for part in parts for record in part]
