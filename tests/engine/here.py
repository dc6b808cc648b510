"""What every agent of these tests stands on: a thread that is here, a clock that stands, a tenant that is a table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from agent.domain.counts import NO_NEEDS, Account, Coverage, Needs, Observation, Snapshot, Status, Subscription
from agent.domain.findings import Finding
from agent.errors import AccessDenied, Incomplete, ReadFailed, Unreachable
from agent.simulators.wire import SimClock

UTC_ZONE = ZoneInfo("UTC")
TENANT = "4f1c0000-0000-0000-0000-000000000001"
SKUS = ("cbdc14ab-d96c-4c30-b9f4-6ada7cdc1d46", "05e9a617-0261-4cee-bb44-138d3ef5d965")
PRODUCTS = ("M365-BP-M", "M365-E3-M")
COMPANY, AGREEMENT = 250, 1021
BEGIN = datetime(2026, 3, 5, 9, 0, tzinfo=UTC)
SETTLE, RECHECK = 300, 60


class Here(Executor):
    """Does at once what is submitted; a read that failed is the future's, a death in it is the caller's death."""

    def submit(self, task: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(task(*args, **kwargs))
        except ReadFailed as error:
            future.set_exception(error)
        return future


@dataclass(slots=True)
class StillClock:
    """The clock of agent and PSA alike; it stands until it is moved."""

    shared: SimClock = field(default_factory=lambda: SimClock(BEGIN))
    start: datetime = field(init=False)

    def __post_init__(self) -> None:
        self.start = self.shared.now()

    def now(self) -> datetime:
        return self.shared.now()

    def today(self, zone: ZoneInfo = UTC_ZONE) -> date:
        return self.now().astimezone(zone).date()

    def monotonic(self) -> int:
        return int((self.now() - self.start) / timedelta(microseconds=1)) * 1000

    def sleep(self, seconds: int) -> None:
        pass

    def advance(self, seconds: int) -> None:
        self.shared.advance(seconds=seconds)


class Health(StrEnum):
    """What a tenant can be ill with. All but WELL say nothing that a line could be lowered for."""

    WELL = "well"
    UNREACHABLE = "unreachable"
    DENIED = "denied"
    INCOMPLETE = "incomplete"
    EMPTY = "empty"
    CONTRADICTS_ITSELF = "contradicts itself"


_FAILURES = {
    Health.UNREACHABLE: Unreachable("no answer"),
    Health.DENIED: AccessDenied("consent was withdrawn"),
    Health.INCOMPLETE: Incomplete("page 2 is missing"),
}


@dataclass(slots=True)
class Seats:
    """A source that is a table of seats by licence; a licence that is not in it is not listed."""

    clock: StillClock
    seats: dict[str, int]
    health: Health = Health.WELL
    name: str = "microsoft"

    def accounts(self) -> Sequence[Account]:
        return [Account(self.name, TENANT)]

    def check(self, account: Account, needs: Needs = NO_NEEDS, elsewhere: Needs = NO_NEEDS) -> Sequence[Finding]:
        return []

    def observe(self, account: Account, needs: Needs = NO_NEEDS) -> Snapshot:
        failure = _FAILURES.get(self.health)
        if failure is not None:
            raise failure
        doubled = 2 if self.health is Health.CONTRADICTS_ITSELF else 1
        listed = {} if self.health is Health.EMPTY else self.seats
        seen = {sku: _observation(sku, seats, doubled) for sku, seats in listed.items()}
        return Snapshot(account, self.clock.now(), seen, (), frozenset(Coverage))


def _observation(sku: str, seats: int, doubled: int) -> Observation:
    """The tenant's own total, and purchases that add up to it, unless half of one page was lost on the way."""
    bought = (Subscription(f"sub-{sku[:8]}", seats // doubled, Status.ENABLED),) if seats else ()
    return Observation(sku, sku[:4].upper(), f"Licence {sku[:4]}", seats, 0, True, bought)
