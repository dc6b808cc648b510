"""One write at a time: intend, compare, send once, read back, close."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date

import pytest

from agent.domain.changes import Picture, Seen
from agent.domain.findings import Code
from agent.domain.ownership import BindingState
from agent.engine.applying import Tried, bound
from agent.errors import StoreFailed, Unreachable
from agent.ports import EntryState
from tests.engine.facts import codes, entries, lines, sent, states
from tests.engine.here import PRODUCTS, SKUS
from tests.engine.memory_psa import Fault
from tests.engine.trap import dies
from tests.engine.world import HOUR, Wish, World

CONFIRMED, REFUSED, CONFLICT = EntryState.CONFIRMED, EntryState.REFUSED, EntryState.CONFLICT
UNKNOWN, INTENT = EntryState.UNKNOWN, EntryState.INTENT


def two_more(world: World) -> World:
    """An hour later twelve seats are there, and the agent works."""
    world.passes(0, 12, HOUR)
    world.cycle()
    return world


def fails(error: Exception) -> Callable[[], None]:
    def deed() -> None:
        raise error

    return deed


def test_two_more_seats_are_two_requests(world: World) -> None:
    """10 -> 12 on 5 March, invoiced to 31 March: 2 for the 27 days left, then 12 from the next invoice on."""
    two_more(world)
    assert sent(world) == [
        "POST addition 2 x M365-BP-M, 2026-03-05 to 2026-03-31",
        "PATCH addition 4711: quantity 10 -> 12",
    ]
    assert lines(world) == ["12 from 2025-06-01", "2 from 2026-03-05 to 2026-03-31"]
    assert states(world) == [CONFIRMED, CONFIRMED]


def test_each_write_is_intended_compared_sent_and_read_back(world: World) -> None:
    """Five steps for each of the two requests, the second only after the first is closed."""
    two_more(world)
    steps = [call for call in world.trap.calls if call in ("intend", "look_for", "execute", "close")]
    assert steps == ["intend", "look_for", "execute", "look_for", "close"] * 2


def test_intention_is_kept_before_the_first_byte_leaves(world: World) -> None:
    """A process that dies as it would send leaves an intention, and nothing at the PSA."""
    world.trap.set(1, dies, ports=("execute",))
    two_more(world)
    assert (states(world), sent(world)) == ([INTENT], [])


def test_nothing_is_sent_where_the_intention_cannot_be_kept(world: World) -> None:
    """A full disk ends the run; the PSA has heard nothing."""
    world.trap.set(1, fails(StoreFailed("the disk is full")), ports=("intend",))
    two_more(world)
    run = world.watch.store.runs()[0]
    assert (run.state, run.detail, sent(world)) == ("failed", "the disk is full.", [])


def test_confirmed_write_proves_its_binding(world: World) -> None:
    """What was read back, not what was sent, is what the next cycle takes for ours."""
    two_more(world)
    bound = {b.line: b for b in world.watch.bindings()}
    assert {line: b.confirmed["quantity"] for line, b in bound.items()} == {4711: "12", 4714: "2"}
    assert {b.state for b in bound.values()} == {BindingState.LIVE}
    assert (bound[4714].adopted, bound[4714].boundary) == (False, date(2026, 4, 1))


def test_change_is_carried_out_with_its_last_write(world: World) -> None:
    """Of two writes the second must be confirmed: a stop may come between them, and an answer may stay away."""
    world.passes(0, 12, HOUR)
    [planned] = world.cycle().plans[0].planned
    first, last = planned.realisation.writes
    tried = [Tried(first, CONFIRMED, ""), Tried(last, UNKNOWN, ""), Tried(last, CONFIRMED, "")]
    assert [one.completes(planned) for one in tried] == [False, False, True]


def test_binding_keeps_until_when_a_price_is_locked(world: World) -> None:
    """The write says so, and no line of a PSA does; a write that shows no line proves no binding."""
    world.passes(0, 12, HOUR)
    [planned] = world.cycle().plans[0].planned
    write = replace(planned.realisation.writes[0], locked=date(2026, 12, 1))
    line = world.stack.now[4711]
    proven = bound(write, Seen(Picture.AFTER, line))
    assert proven is not None
    assert (proven.line, proven.locked) == (line.id, date(2026, 12, 1))
    assert bound(write, Seen(Picture.AFTER)) is None


def test_line_that_somebody_changed_meanwhile_is_left_alone(flat: World) -> None:
    """Planned on 10, it shows 15 when it is compared: nothing is sent, and a finding tells both numbers."""
    flat.trap.set(1, lambda: flat.person_edits(0, 15), ports=("look_for",))
    two_more(flat)
    assert (states(flat), sent(flat), lines(flat)) == ([CONFLICT], [], ["15 from 2025-06-01"])
    assert entries(flat)[0].detail.startswith("not sent: the line is not as planned (other: ")
    assert Code.REFUSED_BY_PSA in codes(flat)


def test_what_is_already_so_is_not_sent(flat: World) -> None:
    """Somebody typed the 12 between plan and comparison: confirmed without a request."""
    flat.trap.set(1, lambda: flat.person_edits(0, 12), ports=("look_for",))
    two_more(flat)
    assert (states(flat), entries(flat)[0].detail, sent(flat)) == ([CONFIRMED], "was already so", [])


def test_line_that_cannot_be_compared_is_not_written(flat: World) -> None:
    """Nothing was sent, so nothing is unknown: refused now, planned anew in the next cycle."""
    flat.trap.set(1, fails(Unreachable("no answer")), ports=("look_for",))
    two_more(flat)
    assert (states(flat), sent(flat)) == ([REFUSED], [])
    assert entries(flat)[0].detail == "not sent: the line could not be read first (no answer)"
    flat.cycle()
    assert (states(flat), lines(flat)) == ([REFUSED, CONFIRMED], ["12 from 2025-06-01"])


@pytest.mark.parametrize(
    ("fault", "state", "stands"),
    [
        (Fault.REFUSED, REFUSED, 10),
        (Fault.CONFLICT, CONFLICT, 10),
        (Fault.LOST, UNKNOWN, 10),  # it never arrived, which nobody here can know
        (Fault.ANSWER_LOST, UNKNOWN, 12),
        (Fault.FALSE_OK, UNKNOWN, 10),  # ConnectWise has been seen to answer 200 and change nothing
        (Fault.DISTORTED, UNKNOWN, 11),
    ],
)
def test_answer_decides_and_nothing_is_sent_twice(flat: World, fault: Fault, state: EntryState, stands: int) -> None:
    """Only a success that can be read back is confirmed; a second cycle waits for what is unknown."""
    flat.stack.a_write_goes_wrong(fault, 0)
    two_more(flat)
    assert (states(flat), len(sent(flat)), lines(flat)) == ([state], 1, [f"{stands} from 2025-06-01"])
    if state is UNKNOWN:
        flat.cycle()
        assert len(sent(flat)) == 1


def test_false_success_says_what_the_line_shows(flat: World) -> None:
    """The answer's words and the line's values are both kept for whoever has to look into it."""
    flat.stack.a_write_goes_wrong(Fault.FALSE_OK, 0)
    two_more(flat)
    [entry] = entries(flat)
    assert entry.detail.startswith("false-ok, but the line shows before: ")
    assert "quantity 10" in entry.detail
    assert Code.OUTCOME_UNKNOWN in codes(flat)


def test_success_that_cannot_be_read_back_is_unknown(flat: World) -> None:
    """The PSA has done it, and then falls silent."""
    flat.trap.set(2, fails(Unreachable("no answer")), ports=("look_for",))
    two_more(flat)
    assert (states(flat), lines(flat)) == ([UNKNOWN], ["12 from 2025-06-01"])
    assert entries(flat)[0].detail.endswith("but could not be read back (no answer)")


@pytest.mark.parametrize("fault", [Fault.REFUSED, Fault.ANSWER_LOST, Fault.FALSE_OK])
def test_first_write_that_is_not_confirmed_ends_its_change(world: World, fault: Fault) -> None:
    """Without its difference line the base stays at 10: else the 27 days would never be billed."""
    world.stack.a_write_goes_wrong(fault, 0)
    two_more(world)
    assert sent(world) == ["POST addition 2 x M365-BP-M, 2026-03-05 to 2026-03-31"]
    assert lines(world)[0] == "10 from 2025-06-01"


def test_next_change_goes_on_after_a_refusal(flat: World) -> None:
    """Each licence stands by itself: the new line of one is refused, the other one goes from 10 to 12."""
    flat.wishes.append(Wish(SKUS[1], PRODUCTS[1]))
    flat.source.seats[SKUS[1]] = 10
    flat.stack.a_write_goes_wrong(Fault.REFUSED, 0)
    two_more(flat)
    assert states(flat) == [REFUSED, CONFIRMED]
    assert lines(flat) == ["12 from 2025-06-01"]


def test_stop_falls_between_two_writes(world: World) -> None:
    """The write in flight ends and is recorded; the next one is not begun, and the next start goes on from there."""
    world.agent.stopping = lambda: len(sent(world)) == 1
    two_more(world)
    assert (states(world), lines(world)) == ([CONFIRMED], ["10 from 2025-06-01", "2 from 2026-03-05 to 2026-03-31"])
    world.start_agent()
    world.cycle()
    assert lines(world) == ["12 from 2025-06-01", "2 from 2026-03-05 to 2026-03-31"]
    assert len(sent(world)) == 2
