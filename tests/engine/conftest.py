"""One company with one licence, as the example tests find it."""

from __future__ import annotations

import pytest

from tests.engine.here import PRODUCTS, SKUS
from tests.engine.stacks import Deal, MemoryStack
from tests.engine.world import Wish, World


def billing(deal: Deal) -> World:
    """Ten seats of one licence are billed on line 4711, which Trueup has adopted and may write to.

    It is 5 March 2026, 09:00 UTC; invoices are made up to the end of March, at 22.00 a seat and month.
    """
    world = World(MemoryStack(deal), wishes=[Wish(SKUS[0], PRODUCTS[0], adopt=True)])
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
