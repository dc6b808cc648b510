"""What a row bills beyond what is used, because its seats are committed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime

from agent.domain.changes import Step
from agent.domain.commitment import Batch, batches, committed
from agent.domain.counts import Coverage, Observation, Snapshot, Status, Subscription
from agent.domain.findings import Code, Stop
from agent.domain.mappings import Commitment, Row
from agent.domain.terms import History, Known, known_term


@dataclass(frozen=True, slots=True)
class Promise:
    """One purchase behind a row, with its term and the batches of its seats."""

    bought: Subscription
    known: Known
    batches: tuple[Batch, ...]

    @property
    def renews(self) -> datetime | None:
        return self.batches[0].renews if self.batches else None

    @property
    def seats(self) -> int:
        return sum(batch.seats for batch in self.batches)


@dataclass(frozen=True, slots=True)
class Owed:
    """The commitments of a row as one reading shows them.

    `unsure` says why they cannot be known: then nothing is raised on their account, and nothing lowered either.
    """

    at: datetime
    seen: Observation
    promises: tuple[Promise, ...]
    unsure: Stop | None = None

    @property
    def seats(self) -> int:
        """What is owed whether it is used or not."""
        return sum(committed(promise.batches, self.at) for promise in self.promises)

    @property
    def next_release(self) -> datetime | None:
        """The next renewal at which committed seats come free."""
        held = [b.renews for p in self.promises for b in p.batches if b.committed(self.at)]
        return min(held, default=None)

    def seats_after(self, release: datetime) -> int:
        """What is still owed of it once that renewal has come."""
        held = (batch for promise in self.promises for batch in promise.batches if batch.renews > release)
        return sum(batch.committed(self.at) for batch in held)


def owed(row: Row, snapshot: Snapshot, history: History) -> Owed | None:
    """None where the row's profile does not hold commitments, or the tenant does not list the licence."""
    seen = snapshot.observations.get(row.skus[0]) if row.skus else None
    if row.profile.commitment is not Commitment.HOLD or seen is None:
        return None
    found = promises(row, seen, snapshot, history)
    if isinstance(found, Stop):
        return Owed(snapshot.taken_at, seen, (), found)
    return Owed(snapshot.taken_at, seen, found)


def last_renewal(row: Row, snapshot: Snapshot, history: History) -> date | None:
    """When all purchases behind a row will have renewed, where that is known.

    Counted in whole terms; where no term is known, as the tenant shows it, which may lag behind after a renewal.
    """
    seen = snapshot.observations.get(row.skus[0]) if row.skus else None
    if seen is None:
        return None
    found = promises(row, seen, snapshot, history)
    sold = purchases(row, seen) if isinstance(found, Stop) else found
    return max((one.renews.date() for one in sold if one.renews), default=None)


def promises(row: Row, seen: Observation, snapshot: Snapshot, history: History) -> tuple[Promise, ...] | Stop:
    """The subscriptions behind a row in their batches; why not, where the term or end of one is not known."""
    found = []
    for one in purchases(row, seen):
        told = history.told(one, snapshot)
        known = known_term(row.term, told)
        held = batches(told, known.term, snapshot.taken_at) if known else None
        if known is None or held is None:
            return _unknown(one, "end" if known else "term", snapshot.gaps.get(Coverage.TERMS))
        found.append(Promise(one, known, held))
    return tuple(found)


def purchases(row: Row, seen: Observation) -> Iterator[Subscription]:
    """Those behind the row that can commit somebody: not a trial, nor what is in its month of grace."""
    for one in seen.subscriptions:
        if one.status is Status.ENABLED and one.quantity and not one.trial and row.subscription in ("", one.id):
            yield one


def commitment_steps(owes: Owed, used: int) -> Iterator[Step]:
    """How the committed seats came about, batch by batch."""
    for promise in owes.promises:
        yield Step("term", f"{promise.bought.id[:8]} is {promise.known.term}: {promise.known.says}")
        yield from _sold_otherwise(promise.bought)
        for batch in promise.batches:
            yield _batch_step(batch, owes.at)
    release = owes.next_release
    if release is not None and owes.seats > used:
        free = min(owes.seats - used, owes.seats - owes.seats_after(release))
        says = f"{used} used, {owes.seats} committed: {free} of them wait until their renewal on {release:%Y-%m-%d}"
        yield Step("held", says, str(owes.seats))


def _sold_otherwise(bought: Subscription) -> Iterator[Step]:
    """A sale reaches the tenant within hours; until then the two sides tell different numbers."""
    if bought.deal and bought.deal.quantity != bought.quantity:
        says = f"{bought.deal.by} says {bought.deal.quantity}, the tenant {bought.quantity}: the tenant's seats count"
        yield Step("seller", says, str(bought.quantity))


def _batch_step(batch: Batch, at: datetime) -> Step:
    what = f"{batch.seats} from {batch.bought:%Y-%m-%d}"
    if batch.lowerable(at):
        return Step("commitment", f"{what} can be lowered until {batch.closes:%Y-%m-%d %H:%M} UTC", "0")
    return Step("commitment", f"{what} are committed until {batch.renews:%Y-%m-%d}", str(batch.seats))


def _unknown(bought: Subscription, what: str, gap: Stop | None) -> Stop:
    why = f" ({gap.reason})" if gap else ""
    reason = f"the {what} of its subscription {bought.id} is not known, so nothing is lowered on its account{why}"
    remedy = 'write the term into the row, such as term = "annual/monthly", or let Partner Center or Pax8 tell it'
    return Stop(Code.TERM_UNKNOWN, reason, remedy)
