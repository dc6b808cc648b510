"""A cycle over several companies: they stand by themselves, share what they share, and are stopped together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from threading import Thread

from agent.domain.findings import Code
from agent.domain.guards import Limits
from agent.engine.cycle import Progress
from agent.errors import CredentialsRejected, Unreachable
from agent.ports import EntryState
from agent.simulators.faults import Kind
from tests.engine.fleet import Fleet, tenant
from tests.engine.here import Health

Make = Callable[..., Fleet]


def test_progress_is_told_while_it_happens(fleet: Make) -> None:
    """Both companies are read before the one that bought something is written."""
    two = fleet(2)
    two.buys(1)
    told: list[Progress] = []
    two.agent.run(two.mappings(), [250, 251], "test", watcher=told.append)
    assert told == [Progress("reading", 1, 2), Progress("reading", 2, 2), Progress("writing", 1, 1)]


def test_company_that_cannot_be_read_stops_nobody_else(fleet: Make) -> None:
    """Of three that bought two seats, the second's agreement is out of reach: a finding, and the others are billed."""

    def fails() -> None:
        raise Unreachable("ConnectWise did not answer")

    three = fleet(3)
    three.buys(0, 1, 2)
    three.trap.set(2, fails, ports=("lines",))
    assert (three.run().state, three.billed()) == ("done", [12, 10, 12])
    assert [three.codes(number) for number in range(3)] == [set(), {Code.PSA_UNREADABLE}, set()]
    three.run()
    assert (three.billed(), three.codes(1)) == ([12, 12, 12], set())


def test_tenant_that_fails_stops_nobody_else(fleet: Make) -> None:
    """The first tenant's list lacks a page: its company stays at 10 with a finding, the second goes to 12."""
    two = fleet(2)
    two.buys(0, 1)
    two.seats[0].health = Health.INCOMPLETE
    assert (two.run().state, two.billed()) == ("done", [10, 12])
    assert (two.codes(0), two.codes(1)) == ({Code.SOURCE_INCOMPLETE}, set())


def test_psa_out_of_reach_fails_the_run(fleet: Make) -> None:
    """Where no company could be read the run says so once, not once a company."""
    two = fleet(2)
    two.stack.site.faults.add(Kind.ERROR_BEFORE, method="GET", times=100)
    result = two.run()
    assert (result.state, two.billed()) == ("failed", [10, 10])
    assert Code.RUN_FAILED in {found.finding.code for found in two.store.findings()}


def test_refused_key_is_not_tried_on_every_tenant(fleet: Make) -> None:
    """Our own key is the same for all: after the first refusal nobody else is asked, and the run failed."""
    three = fleet(3)
    three.source.asked.clear()
    three.source.refused = CredentialsRejected("the secret has expired", "make a new one")
    result = three.run()
    assert (three.source.asked, result.state) == ([tenant(0)], "failed")
    assert result.detail == "the secret has expired. make a new one."


def test_shared_tenant_is_read_once(fleet: Make) -> None:
    """Two companies bill seats of one tenant: one read serves both."""
    two = fleet(2)
    two.source.asked.clear()
    mappings = two.mappings()
    shared = {c: replace(m, accounts=(tenant(0),)) for c, m in mappings.companies.items()}
    two.agent.run(replace(mappings, companies=shared), [*shared], "test")
    assert two.source.asked == [tenant(0)]


def test_fleet_breaker_stops_all_until_one_decision(fleet: Make) -> None:
    """Six of six companies are to change in one cycle, more than 10 %: all wait, one word lets them go."""
    six = fleet(6, Limits())
    six.buys(*range(6))
    result = six.run()
    assert six.billed() == [10] * 6
    assert {hold.reasons for hold in six.store.holds()} == {
        ("6 of 6 companies change in one cycle (more than 10 %)",),
    }
    now = six.stack.clock.now()
    assert len(six.store.decide(result.run, "approved", "ana", now, None)) == 6
    six.run()
    assert six.billed() == [12] * 6


def test_four_companies_are_no_landslide(fleet: Make) -> None:
    """In a small house four of six may well change at once: the breaker counts from five on."""
    six = fleet(6, Limits())
    six.buys(0, 1, 2, 3)
    six.run()
    assert six.billed() == [12, 12, 12, 12, 10, 10]


def test_two_runs_of_one_company_take_turns(fleet: Make) -> None:
    """The second begins between plan and write of the first: it waits, reads what was written, and writes nothing."""
    one = fleet(1)
    one.buys(0)
    second = Thread(target=one.run)
    one.trap.set(1, lambda: (second.start(), second.join(0.2)), ports=("intend",))
    assert one.run().written == {EntryState.CONFIRMED: 1}
    second.join(10)
    assert sorted(run.confirmed for run in one.store.runs()) == [0, 0, 1]
    assert (one.billed(), len(one.store.entries())) == ([12], 1)


def test_company_is_free_once_nothing_is_left_to_write(fleet: Make) -> None:
    """While the third's write is on the wire, others may run the first (written) and the second (nothing to write)."""
    three = fleet(3)
    three.buys(0, 2)
    others = [Thread(target=three.run, args=(number,)) for number in (0, 1)]
    ended: list[bool] = []

    def meanwhile() -> None:
        for other in others:
            other.start()
            other.join(5)
            ended.append(not other.is_alive())

    three.trap.set(2, meanwhile, ports=("execute",))
    three.run()
    assert (ended, three.billed()) == ([True, True], [12, 10, 12])


def test_two_runs_settle_one_write_once(fleet: Make) -> None:
    """Both find the open write due; one settles it, and the other finds nothing left to do."""
    one = fleet(1)
    one.buys(0)
    one.stack.site.faults.add(Kind.LOST_ANSWER, method="PATCH")
    one.run()
    one.stack.clock.advance(300)
    one.run()
    one.stack.clock.advance(60)
    second = Thread(target=one.run)
    one.trap.set(1, lambda: (second.start(), second.join(0.2)), ports=("look_for",))
    assert one.run().state == "done"
    second.join(10)
    assert [run.state for run in one.store.runs(2)] == ["done", "done"]
    assert [entry.state for entry in one.store.entries()] == [EntryState.CONFIRMED]
