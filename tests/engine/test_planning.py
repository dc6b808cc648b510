"""What a plan's requests remember of the invoices, and what they add to the next one."""

from __future__ import annotations

from datetime import date

from tests.engine.world import HOUR, World

APRIL_1 = date(2026, 4, 1)


def test_requests_remember_where_the_invoices_stood(world: World) -> None:
    """Both were planned with March invoiced. The new line is younger than that; of the old one nobody saw it made."""
    world.passes(0, 12, HOUR)
    [planned] = world.cycle().plans[0].planned
    new, old = planned.realisation.writes
    assert (new.next_invoice, old.next_invoice) == (APRIL_1, APRIL_1)
    assert (new.boundary, old.boundary) == (APRIL_1, None)


def test_a_plan_says_what_it_adds_to_the_next_invoice(world: World) -> None:
    """Two seats for 27 days of March, 2 x 22.00 x 27/31 = 38.32, and for April, 44.00."""
    world.passes(0, 12, HOUR)
    [planned] = world.cycle().plans[0].planned
    assert str(planned.realisation.next_invoice) == "82.32 USD"
