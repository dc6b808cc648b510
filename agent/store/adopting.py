"""Which companies are yet to be looked through for lines that the store may have forgotten.

A store that was lost, or set back to an earlier day, must find every line of ours by its mark before it lets a line be
made: on all agreements of a company, not only on those that it remembers.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from agent.store import journal
from agent.store.database import put
from agent.store.journal import Note
from agent.store.tables import ADOPTED, META

_SINCE = sa.select(META.c.adopt_since)
_DONE = sa.select(ADOPTED.c.company)


def ask(connection: Connection, reason: str, at: datetime) -> None:
    """From now on each company is due once. Nothing new while none has been looked through since the last time."""
    if connection.scalar(_SINCE) is not None and connection.execute(_DONE).first() is None:
        return
    connection.execute(sa.update(META).values(adopt_since=at))
    connection.execute(sa.delete(ADOPTED))
    journal.append(connection, at, [Note("adopt-asked", {"reason": reason})])


def due(connection: Connection, companies: Collection[int]) -> frozenset[int]:
    if connection.scalar(_SINCE) is None:
        return frozenset()
    return frozenset(companies) - {row.company for row in connection.execute(_DONE)}


def done(connection: Connection, company: int, at: datetime) -> None:
    put(connection, ADOPTED, [{"company": company, "at": at}])
