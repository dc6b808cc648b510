"""What is open is settled by reading: after the settle window (300 s) two looks that agree, 60 s apart, decide.

Every story begins at 10:00, when twelve seats are seen, the PATCH of 10 -> 12 leaves, and no answer comes.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from agent.domain.changes import Picture
from agent.domain.findings import Code
from agent.domain.mappings import Mappings
from agent.engine.cycle import Result
from agent.ports import EntryState
from tests.engine.facts import codes, entries, lines, sent, states
from tests.engine.memory_psa import Fault, ReadFault
from tests.engine.trap import dies
from tests.engine.world import HOUR, World

CONFIRMED, CONFLICT, NOT_APPLIED = EntryState.CONFIRMED, EntryState.CONFLICT, EntryState.NOT_APPLIED
UNKNOWN, INTENT = EntryState.UNKNOWN, EntryState.INTENT
TEN = datetime(2026, 3, 5, 10, tzinfo=UTC)


def no_answer(world: World, fault: Fault, late: int = 0) -> World:
    """10:00: the write meets the fault, and its outcome is not known."""
    world.stack.a_write_goes_wrong(fault, late)
    world.passes(0, 12, HOUR)
    world.cycle()
    assert (states(world), len(sent(world))) == ([UNKNOWN], 1)
    return world


def at(world: World, minute: int, second: int = 0) -> Result:
    """The agent works at so many minutes past ten."""
    moment = TEN + timedelta(minutes=minute, seconds=second)
    world.wait(int((moment - world.stack.clock.now()).total_seconds()))
    result = world.cycle()
    assert result is not None
    return result


def test_nobody_looks_within_the_settle_window(flat: World) -> None:
    """Until 10:05 the PSA may still execute it, so what it shows before proves nothing."""
    no_answer(flat, Fault.LOST)
    assert at(flat, 4, 59).again == TEN + timedelta(minutes=5)
    assert (states(flat), entries(flat)[0].looked) == ([UNKNOWN], None)


def test_it_had_happened(flat: World) -> None:
    """Looks at 10:05 and 10:06 show 12: confirmed, and only one request was ever sent."""
    no_answer(flat, Fault.ANSWER_LOST)
    assert at(flat, 5).again == TEN + timedelta(minutes=6)
    assert entries(flat)[0].looked == (Picture.AFTER, TEN + timedelta(minutes=5))
    assert at(flat, 6).again is None
    assert (states(flat), len(sent(flat)), lines(flat)) == ([CONFIRMED], 1, ["12 from 2025-06-01"])
    assert {b.line: b.confirmed["quantity"] for b in flat.watch.bindings()} == {4711: "12"}


def test_a_line_that_was_made_is_ours_from_its_day_on(world: World) -> None:
    """The POST of two seats had happened: its line is bound before the next invoice, as if the answer had come."""
    no_answer(world, Fault.ANSWER_LOST)
    at(world, 5)
    at(world, 6)
    [made] = [b for b in world.watch.bindings() if b.line == 4714]
    assert (made.adopted, made.boundary, made.confirmed["quantity"]) == (False, date(2026, 4, 1), "2")


def test_it_never_happened(flat: World) -> None:
    """Looks at 10:05 and 10:06 show 10: this write is over, and the same cycle plans another one."""
    no_answer(flat, Fault.LOST)
    at(flat, 5)
    at(flat, 6)
    assert (states(flat), len(sent(flat)), lines(flat)) == ([NOT_APPLIED, CONFIRMED], 2, ["12 from 2025-06-01"])


def test_two_looks_are_a_minute_apart(flat: World) -> None:
    """A second look at 10:05:59 might be the same cached answer; it waits for 10:06."""
    no_answer(flat, Fault.LOST)
    at(flat, 5)
    assert at(flat, 5, 59).again == TEN + timedelta(minutes=6)
    assert states(flat) == [UNKNOWN]


def test_looks_that_disagree_begin_anew(flat: World) -> None:
    """A PSA slower than promised: 10 at 10:05, 12 at 10:06. Only a second 12, at 10:07, settles it."""
    no_answer(flat, Fault.LATE, late=330)
    at(flat, 5)
    at(flat, 6)
    assert (states(flat), entries(flat)[0].looked) == ([UNKNOWN], (Picture.AFTER, TEN + timedelta(minutes=6)))
    at(flat, 7)
    assert (states(flat), len(sent(flat)), lines(flat)) == ([CONFIRMED], 1, ["12 from 2025-06-01"])


def test_line_shows_neither_value(flat: World) -> None:
    """Somebody made it 15 at 10:01: a conflict, and from then on a line that a person edited."""
    no_answer(flat, Fault.LOST)
    flat.wait(60)
    flat.person_edits(0, 15)
    at(flat, 5)
    at(flat, 6)
    assert (states(flat), len(sent(flat)), lines(flat)) == ([CONFLICT], 1, ["15 from 2025-06-01"])
    assert Code.EDITED_BY_PERSON in codes(flat)


def test_mark_is_there_twice(world: World) -> None:
    """The PSA made two lines of one request: a conflict, a finding for a person, and no further write."""
    no_answer(world, Fault.TWICE)
    at(world, 5)
    at(world, 6)
    assert (states(world), len(sent(world))) == ([CONFLICT], 1)
    assert entries(world)[0].detail == "settled by reading: more than one line carries its mark"
    assert Code.DUPLICATE_LINES in codes(world)


def test_what_cannot_be_read_stays_open(flat: World) -> None:
    """The look that is due at 10:06 fails: asked again a minute later, as unknown as before."""
    no_answer(flat, Fault.ANSWER_LOST)
    at(flat, 5)
    flat.stack.a_read_goes_wrong(ReadFault.FAILED, 1)
    assert at(flat, 6).again == TEN + timedelta(minutes=7)
    assert states(flat) == [UNKNOWN]
    at(flat, 7)
    assert states(flat) == [CONFIRMED]


@pytest.mark.parametrize(("sending", "settled"), [(False, NOT_APPLIED), (True, CONFIRMED)])
def test_death_around_the_request(flat: World, sending: bool, settled: EntryState) -> None:
    """A process that died before or after it sent leaves the same intention; what the PSA shows tells them apart."""
    flat.trap.set(1, dies, after=sending, ports=("execute",))
    flat.passes(0, 12, HOUR)
    flat.cycle()
    assert (states(flat), len(sent(flat))) == ([INTENT], sending)
    at(flat, 5)
    at(flat, 6)
    assert states(flat)[0] is settled
    assert (len(sent(flat)), lines(flat)) == (1, ["12 from 2025-06-01"])


def test_looks_are_remembered_over_a_restart(flat: World) -> None:
    """The first look at 10:05 by one process, the second at 10:06 by the next."""
    no_answer(flat, Fault.ANSWER_LOST)
    at(flat, 5)
    flat.start_agent()
    at(flat, 6)
    assert states(flat) == [CONFIRMED]


def test_open_write_blocks_its_own_line_only(flat: World) -> None:
    """14 seats at 10:01: the line waits, as its plan says; nothing more is sent for it before 10:06."""
    no_answer(flat, Fault.LOST)
    flat.passes(0, 14, 60)
    [planned] = flat.cycle().plans[0].planned
    assert planned.change.waits
    assert (planned.realisation.note, planned.realisation.writes) == (planned.change.waits, ())
    assert len(sent(flat)) == 1
    at(flat, 6)
    at(flat, 7)
    assert (states(flat), lines(flat)) == ([NOT_APPLIED, CONFIRMED], ["14 from 2025-06-01"])


def test_dry_run_settles_nothing(flat: World) -> None:
    """Whoever only wants to see a plan leaves the looks to the next real cycle."""
    no_answer(flat, Fault.ANSWER_LOST)
    flat.wait(HOUR)
    flat.agent.run(flat.mappings(), [250], "plan", dry=True)
    assert (states(flat), entries(flat)[0].looked) == ([UNKNOWN], None)


def test_company_whose_file_is_gone_is_settled_as_well(flat: World) -> None:
    """It is in no cycle any more, but what was sent for it must become known; a restart in between changes nothing."""
    no_answer(flat, Fault.ANSWER_LOST)
    for _ in range(2):
        flat.wait(HOUR)
        flat.start_agent()
        flat.agent.run(Mappings({}, (), ""), [], "schedule")
    assert (states(flat), len(sent(flat))) == ([CONFIRMED], 1)
    assert entries(flat)[0].detail == "settled by reading: it had happened"
