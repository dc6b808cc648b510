"""A plan is carried out on the agreement that it was made for, and on no other."""

from __future__ import annotations

from collections.abc import Callable

from tests.engine.facts import lines, sent
from tests.engine.memory_psa import ReadFault
from tests.engine.world import HOUR, World


def meanwhile(world: World, seconds: int, deed: Callable[[], None]) -> None:
    """Twelve seats are read and planned; so many seconds pass and something happens before the first write."""

    def happens() -> None:
        world.wait(seconds)
        deed()

    world.passes(0, 12, HOUR)
    world.trap.set(1, happens, after=True, ports=("learn",))
    world.agent.run(world.mappings(), [250], "test")


def test_invoice_between_plan_and_write_stops_the_plan(world: World) -> None:
    """Planned: 2 more from 5 March to the end of the invoiced month, 12 from April on. April's invoice comes first, and
    bills 10: written now, nobody would ever bill the other two in April. The next cycle knows, and bills them."""
    meanwhile(world, 30, world.invoice)
    assert sent(world) == []
    world.hours(2)
    assert lines(world) == ["12 from 2025-06-01", "2 from 2026-03-05 to 2026-04-30"]


def test_plan_of_a_moment_ago_costs_no_second_look(world: World) -> None:
    """*Sync now* writes within the second, and ten are no more: the agreement is not asked for again."""
    world.trap.calls.clear()
    meanwhile(world, 10, lambda: None)
    assert (len(sent(world)), world.trap.calls.count("agreements")) == (2, 1)


def test_agreement_that_cannot_be_read_again_is_not_written_to(flat: World) -> None:
    """The second look has no answer: nothing is sent, and the next cycle plans anew."""
    meanwhile(flat, 60, lambda: flat.stack.a_read_goes_wrong(ReadFault.FAILED, 1))
    assert sent(flat) == []
    flat.hours(1)
    assert lines(flat) == ["12 from 2025-06-01"]


def test_plan_that_has_aged_is_carried_out_where_nothing_changed(world: World) -> None:
    """A minute later the agreement is asked for once more, before the first of the two writes, and both are sent."""
    world.trap.calls.clear()
    meanwhile(world, 60, lambda: None)
    assert (len(sent(world)), world.trap.calls.count("agreements")) == (2, 2)
    assert lines(world) == ["12 from 2025-06-01", "2 from 2026-03-05 to 2026-03-31"]
