"""A source of another kind than Microsoft before its simulator, without sockets or waiting."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from agent.domain.counts import NO_NEEDS, Account, Needs
from agent.outgoing import Outgoing
from agent.ports import Source
from agent.simulators.faults import ANATOMY, Kind
from agent.simulators.simulator import SimClock, Simulator
from agent.simulators.wire import Transport

MARCH = datetime(2026, 3, 17, 9, tzinfo=UTC)


class Clock:
    """The simulator's clock is everybody's: a wait takes no time, it moves the clock on."""

    def __init__(self, sim: SimClock) -> None:
        self._sim = sim

    def now(self) -> datetime:
        return self._sim.now()

    def today(self, zone: ZoneInfo) -> date:
        return self.now().astimezone(zone).date()

    def monotonic(self) -> int:
        return int(self.now().timestamp() * 1e9)

    def sleep(self, seconds: float) -> None:
        self._sim.advance(seconds=seconds)


def outgoing(simulator: Simulator, url: str) -> Outgoing:
    clock = Clock(simulator.clock)
    return Outgoing(base_url=url, transport=lambda: Transport({url: simulator}), sleep=clock.sleep)


class CounterStage:
    """The contract's stage of a source whose simulator knows the faults of the wire and of lists."""

    needs: Needs = NO_NEEDS
    lies: frozenset[Kind] = frozenset()

    def __init__(self, simulator: Simulator, source: Source, account: Account, stranger: Account) -> None:
        self.simulator, self.source, self.account, self.stranger = simulator, source, account, stranger

    def now(self) -> datetime:
        return self.simulator.clock.now()

    def faults(self) -> Iterator[str]:
        # A list that says it is empty, and says so in its total, is whole to any single reading.
        unseen = {*self.lies, Kind.EMPTY_LIST, Kind.READ_LAG, Kind.DUPLICATE, Kind.FALSE_OK}
        unseen |= {Kind.FIELD_ROUNDED, Kind.FIELD_TRUNCATED, Kind.WRONG_ID}
        yield from (kind for kind in ANATOMY if kind not in unseen)

    def strike(self, fault: str, nth: int, times: int | None) -> None:
        self.simulator.faults.add(fault, nth=nth, times=times or 1000)

    def heal(self) -> None:
        """Two days later, so that the next reading starts with a new token."""
        self.simulator.faults.clear()
        self.simulator.clock.advance(days=2)
