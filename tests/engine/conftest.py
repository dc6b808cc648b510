"""What the example tests find: one company with one licence, or a fleet of them."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator

import pytest
import structlog

from agent.domain.guards import Limits
from agent.domain.mappings import Mode
from tests.engine.fleet import Fleet
from tests.engine.here import PRODUCTS, SKUS
from tests.engine.soak import quieten
from tests.engine.stacks import Deal, MemoryStack
from tests.engine.world import LOOSE, Wish, World


def billing(deal: Deal, mode: Mode = Mode.AUTO) -> World:
    """Ten seats of one licence are billed on line 4711, which Trueup has adopted and may write to.

    It is 5 March 2026, 09:00 UTC; invoices are made up to the end of March, at 22.00 a seat and month.
    """
    world = World(MemoryStack(deal), mode, wishes=[Wish(SKUS[0], PRODUCTS[0], adopt=True)])
    del world.source.seats[SKUS[1]]
    world.cycle()
    assert world.stack.sent == []
    return world


@pytest.fixture
def world() -> World:
    """The agreement prorates: two more seats are a POST of their difference for the days left, then a PATCH."""
    return billing(Deal())


@pytest.fixture
def flat() -> World:
    """The agreement does not prorate: any change of quantity is one PATCH."""
    return billing(Deal(prorates=False))


@pytest.fixture
def fleet() -> Iterator[Callable[..., Fleet]]:
    """Makes a fleet of so many companies, after the first cycle: each has adopted the line that bills its seats."""
    made: list[Fleet] = []

    def make(size: int, limits: Limits = LOOSE) -> Fleet:
        made.append(Fleet(size, limits))
        made[-1].run()
        return made[-1]

    yield make
    for one in made:
        one.stack.close()


@pytest.fixture
def undisturbed() -> Iterator[None]:
    """Without log and with few looks for garbage, for thousands of cycles in a row."""
    logged, collected = structlog.get_config(), gc.get_threshold()
    quieten()
    yield
    gc.set_threshold(*collected)
    gc.unfreeze()
    structlog.configure(**logged)
