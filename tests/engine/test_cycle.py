"""One cycle of one company: settle, read, think, hold, write."""

from __future__ import annotations

from datetime import timedelta

import pytest

from agent.domain.findings import Code
from agent.domain.mappings import Mode
from agent.errors import StoreFailed
from agent.ports import EntryState
from tests.engine.conftest import billing
from tests.engine.facts import codes, lines, sent
from tests.engine.here import COMPANY, Health
from tests.engine.memory_psa import Fault
from tests.engine.stacks import Deal
from tests.engine.world import HOUR, World

SEEN = ("entry_open", "observe", "lines", "writes", "learn", "intend", "execute", "close", "seal_run")


def test_cycle_reads_like_its_description(flat: World) -> None:
    """Settle what is open, read there, read here, think, keep what was learnt, write, close the run."""
    flat.passes(0, 12, HOUR)
    flat.trap.calls.clear()
    flat.cycle()
    steps = dict.fromkeys(call for call in flat.trap.calls if call in SEEN)
    assert list(steps) == list(SEEN)


def test_second_run_writes_nothing(world: World) -> None:
    """12 are seen, 12 are billed: an hour later there is no change to plan."""
    world.passes(0, 12, HOUR)
    world.cycle()
    result = world.hours(1)
    assert result is not None
    assert (result.plans[0].planned, len(sent(world))) == ((), 2)


def test_dry_run_plans_and_writes_nothing(world: World) -> None:
    """The plan has both requests and nothing holds them; neither PSA nor journal of writes has heard of them."""
    world.passes(0, 12, HOUR)
    result = world.agent.run(world.mappings(), [COMPANY], "plan", dry=True)
    [planned] = result.plans[0].ready
    assert [write.method for write in planned.realisation.writes] == ["POST", "PATCH"]
    assert (sent(world), world.watch.store.entries(), result.written) == ([], [], {})


def test_lower_count_needs_a_second_read(flat: World) -> None:
    """10 -> 8 seen at 10:00: the run asks to come back at 10:01, and then it is written."""
    flat.passes(0, 8, HOUR)
    first = flat.cycle()
    assert first is not None
    assert (first.again, first.waiting) == (flat.stack.clock.now() + timedelta(seconds=60), {COMPANY})
    assert sent(flat) == []
    flat.wait(60)
    second = flat.cycle()
    assert second is not None
    assert (second.again, lines(flat)) == (None, ["8 from 2025-06-01"])


def test_open_write_asks_to_come_back(flat: World) -> None:
    """No answer at 10:00: the settle window is over at 10:05."""
    flat.stack.a_write_goes_wrong(Fault.LOST, 0)
    flat.passes(0, 12, HOUR)
    result = flat.cycle()
    assert result is not None
    assert (result.again, result.waiting) == (flat.stack.clock.now() + timedelta(seconds=300), {COMPANY})
    assert result.written == {EntryState.UNKNOWN: 1}


def test_steady_company_asks_for_nothing(flat: World) -> None:
    """Ten seats, ten billed: the next regular cycle is soon enough."""
    result = flat.hours(1)
    assert result is not None
    assert (result.again, result.waiting, result.state) == (None, frozenset(), "done")


def test_approved_change_is_carried_out_in_the_next_cycle() -> None:
    """In mode review 10 -> 12 waits for a person, also the second time; once approved it is written."""
    world = billing(Deal(), Mode.REVIEW)
    world.passes(0, 12, HOUR)
    world.cycle()
    world.hours(1)
    [hold] = world.watch.store.holds()
    assert (hold.sentence, sent(world)) == ("Licence cbdc: 10 -> 12 from 2026-03-05", [])
    world.decide("approved")
    world.hours(1)
    assert lines(world) == ["12 from 2025-06-01", "2 from 2026-03-05 to 2026-03-31"]


def test_report_writes_nothing_whoever_approves() -> None:
    """The mode in which an installation begins has no exception."""
    world = billing(Deal(), Mode.REPORT)
    world.passes(0, 12, HOUR)
    world.cycle()
    world.decide("approved")
    world.hours(1)
    assert (sent(world), codes(world)) == ([], {Code.UNDER_BILLED})


@pytest.mark.parametrize(
    ("health", "code"),
    [
        (Health.DENIED, Code.CONSENT_LOST),
        (Health.INCOMPLETE, Code.SOURCE_INCOMPLETE),
        (Health.EMPTY, Code.SOURCE_EMPTY),
        (Health.CONTRADICTS_ITSELF, Code.SOURCE_INCOMPLETE),
    ],
)
def test_tenant_that_says_nothing_whole_lowers_nothing(flat: World, health: Health, code: Code) -> None:
    """A finding instead; the ten seats stay billed, and the finding goes when the tenant is well."""
    flat.source.health = health
    flat.hours(3)
    assert (codes(flat), lines(flat), sent(flat)) == ({code}, ["10 from 2025-06-01"], [])
    flat.source.health = Health.WELL
    flat.hours(1)
    assert codes(flat) == set()


def test_tenant_out_of_reach_is_told_after_a_day(flat: World) -> None:
    """Read last at 09:00: silent for 24 hours it is no news, for longer a person should know."""
    flat.source.health = Health.UNREACHABLE
    flat.hours(24)
    assert codes(flat) == set()
    flat.hours(1)
    assert codes(flat) == {Code.SOURCE_STALE}


def test_run_that_failed_is_a_finding_until_one_ends_well(flat: World) -> None:
    """A store that cannot keep what was learnt ends the run, with the reason, before anything is written."""

    def full() -> None:
        raise StoreFailed("the disk is full", "free some space")

    flat.passes(0, 12, HOUR)
    flat.trap.set(1, full, ports=("learn",))
    result = flat.cycle()
    assert result is not None
    assert (result.state, result.detail, sent(flat)) == ("failed", "the disk is full. free some space.", [])
    assert Code.RUN_FAILED in codes(flat)
    flat.hours(1)
    assert codes(flat) == set()


def test_agent_that_is_stopping_reads_nothing_more(flat: World) -> None:
    """What a stopped run did not look at, the next one does."""
    flat.agent.stopping = lambda: True
    flat.trap.calls.clear()
    result = flat.cycle()
    assert result is not None
    assert (result.state, result.detail) == ("failed", "The agent is stopping.")
    assert {"observe", "lines"}.isdisjoint(flat.trap.calls)
