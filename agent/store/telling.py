"""What people were told, channel by channel, so that nothing is told twice."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from agent.domain.findings import Severity
from agent.domain.news import Told
from agent.store.database import put
from agent.store.tables import TOLD


def told(connection: Connection, channel: str) -> Mapping[str, Told]:
    rows = connection.execute(sa.select(TOLD).where(TOLD.c.channel == channel))
    return {row.topic: Told(Severity(row.severity), row.at) for row in rows}


def tell(connection: Connection, channel: str, news: Mapping[str, Told], forget: Iterable[str]) -> None:
    put(
        connection,
        TOLD,
        [
            {"channel": channel, "topic": topic, "severity": one.severity.value, "at": one.at}
            for topic, one in news.items()
        ],
    )
    gone = sa.delete(TOLD).where(TOLD.c.channel == channel, TOLD.c.topic == sa.bindparam("gone"))
    topics = [{"gone": topic} for topic in forget]
    if topics:
        connection.execute(gone, topics)
