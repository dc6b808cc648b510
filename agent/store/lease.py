"""Being the one agent that writes through a store.

On one machine a lock of the kernel is enough. Several machines can reach one PostgreSQL, and a session's lock there is
given back when the connection breaks, while its holder may still be inside a request. There a lease is held: a row
with an epoch, which rises with each holder, and an end, which the holder moves on. An intention is committed only
under the present epoch and before the end; a request leaves only while the holder's own boot clock says that the
request will be over before that end. A holder that was stopped and wakes up finds one of the two against it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from threading import Event, Thread

import sqlalchemy as sa
import structlog
from sqlalchemy import bindparam
from sqlalchemy.engine import Connection
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool

from agent.errors import AnotherWriter, LeaseLost, StoreFailed
from agent.ports import Clock, Tenure
from agent.store.database import Database
from agent.store.locks import REMEDY, me
from agent.store.tables import LEASE

log = structlog.get_logger()

_MARGIN = 5  # seconds, for what lies between a check and what it allows
_IDLE = 60  # seconds that a lease is longer than the longest request: so long may its renewal fail
_LOOK = 1.0  # seconds of real time between two looks at whether it is due

# The database's clock alone says when a lease ends: those of the machines need not agree.
_EPOCH = sa.select(LEASE.c.epoch)
_NEXT = sa.update(LEASE).values(epoch=LEASE.c.epoch + 1, holder=bindparam("me"), shown=bindparam("who"))
_END = sa.text("clock_timestamp() + make_interval(secs => :seconds)")
_OVER = sa.text("(expires IS NULL OR expires < clock_timestamp() OR holder = :me)")
_TAKE = _NEXT.values(expires=_END).where(_OVER).returning(LEASE.c.epoch)
_MINE = LEASE.c.epoch == bindparam("mine")
_RENEW = sa.update(LEASE).values(expires=_END).where(_MINE)
_GIVE_BACK = sa.update(LEASE).values(expires=None).where(_MINE)
# FOR SHARE: nobody can take the lease over between this look and the commit that relies on it.
_GOOD = sa.select(LEASE.c.epoch).where(_MINE, sa.text(f"expires > clock_timestamp() + interval '{_MARGIN}s'"))
_GOOD = _GOOD.with_for_update(read=True)


@dataclass(slots=True)
class Writing:
    """One stretch of being the writer. `until` is by `Clock.monotonic`; None where the kernel's lock has no end."""

    tenure: Tenure
    until: int | None = None
    lost: bool = False

    def may_send(self, clock: Clock) -> bool:
        return not self.lost and (self.until is None or clock.monotonic() < self.until)


def require(connection: Connection, writing: Writing | None) -> int:
    """The epoch under which this transaction commits; raises `LeaseLost` where another agent has begun a newer one.

    A store through which nobody has ever written has the epoch 0, and so has whoever is not the writer.
    """
    if writing is not None and writing.until is not None:
        good = connection.scalar(_GOOD, {"mine": writing.tenure.epoch})
    else:
        mine = writing.tenure.epoch if writing else 0
        good = mine if connection.scalar(_EPOCH) == mine else None
    if good is None:
        remedy = "nothing was sent; see which other agent works with this database, and let one of them run"
        raise LeaseLost("this agent is not the one that writes any more: its lease has run out or was taken", remedy)
    return int(good)


def next_epoch(database: Database, name: str, at: datetime) -> Writing:
    """Begin the next epoch, for a holder of the kernel's lock on the only machine."""
    with database.writing() as connection:
        connection.execute(_NEXT, {"me": name, "who": me()})
        return Writing(Tenure(int(connection.scalar(_EPOCH) or 0), at))


@dataclass(slots=True)
class Lease:
    """The lease in a PostgreSQL. `longest` is how many seconds a request may take.

    `name` says who may take it over before its end: the next agent of the same state folder, whose kernel's lock
    proves that the one before is dead.
    """

    database: Database
    clock: Clock
    name: str
    longest: int
    _engine: sa.Engine = field(init=False)
    _over: Event = field(default_factory=Event)
    _renewed: int = 0

    def __post_init__(self) -> None:
        # A connection for each statement: it must not wait behind the store's writer, nor die with it.
        self._engine = sa.create_engine(
            self.database.url,
            poolclass=NullPool,
            isolation_level="AUTOCOMMIT",
            hide_parameters=True,
            connect_args={"connect_timeout": 5, "options": "-c lock_timeout=2s -c statement_timeout=5s"},
        )

    @property
    def seconds(self) -> int:
        return self.longest + _MARGIN + _IDLE

    @contextmanager
    def held(self) -> Iterator[Writing]:
        """Hold it, renewed by a thread of its own; raises `AnotherWriter` while somebody else does."""
        writing = self._taken()
        thread = Thread(target=self._keep, args=(writing,), name="lease", daemon=True)
        thread.start()
        try:
            yield writing
        finally:
            self._over.set()
            thread.join()
            self._give_back(writing)

    def renew(self, writing: Writing) -> None:
        """Move the end on. An epoch that is still ours was nobody else's meanwhile, however late this is."""
        asked = self.clock.monotonic()  # before the request: the end is counted from a time that had not come yet
        with self._engine.connect() as connection:
            found = connection.execute(_RENEW, {"mine": writing.tenure.epoch, "seconds": self.seconds}).rowcount
        if found != 1:
            writing.lost = True
            return
        writing.until, self._renewed = asked + self._useful, asked

    @property
    def _useful(self) -> int:
        return (self.seconds - self.longest - _MARGIN) * 10**9

    def _taken(self) -> Writing:
        asked = self.clock.monotonic()
        try:
            with self._engine.connect() as connection:
                epoch = connection.scalar(_TAKE, {"me": self.name, "who": me(), "seconds": self.seconds})
                holder = connection.execute(sa.select(LEASE.c.shown, LEASE.c.expires)).one()
        except SQLAlchemyError as error:
            reason = str(getattr(error, "orig", None) or error).strip().splitlines()[0]
            remedy = "see whether PostgreSQL runs, and whether another agent hangs in the middle of a step"
            raise StoreFailed(f"the lease in {self.database.where} cannot be had: {reason}", remedy) from error
        if epoch is None:
            until = f", unless it renews its lease, until {holder.expires:%H:%M:%S} UTC" if holder.expires else ""
            raise AnotherWriter(f"another Trueup writes to this database: {holder.shown}{until}", REMEDY)
        self._renewed = asked
        return Writing(Tenure(int(epoch), self.clock.now()), asked + self._useful)

    def _keep(self, writing: Writing) -> None:
        """Looked at each second of real time, and done when due by the boot clock, which a stopped process sleeps
        through."""
        while not self._over.wait(_LOOK) and not writing.lost:
            if self.clock.monotonic() - self._renewed < _IDLE // 4 * 10**9:
                continue
            try:
                self.renew(writing)
            except SQLAlchemyError as error:
                # Tried again at the next look. Meanwhile nothing is sent once `until` has come.
                log.warning("lease.unrenewed", epoch=writing.tenure.epoch, error=str(error).splitlines()[0])
        if writing.lost:
            log.error("lease.lost", epoch=writing.tenure.epoch)

    def _give_back(self, writing: Writing) -> None:
        try:
            with self._engine.connect() as connection:
                connection.execute(_GIVE_BACK, {"mine": writing.tenure.epoch})
        except SQLAlchemyError as error:
            log.warning("lease.kept", epoch=writing.tenure.epoch, error=str(error).splitlines()[0])  # it ends by itself
        self._engine.dispose()
