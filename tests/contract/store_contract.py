"""Laws of every store: runs, entries, what planning learnt, snapshots, the one writer.

A test of an adapter inherits `StoreContract` (tests/contract/store_laws.py) and gives the fixture `place`.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from agent.domain.changes import Picture, Step
from agent.domain.counts import Account, Member, Snapshot
from agent.domain.findings import Code, Over
from agent.domain.keys import Role
from agent.domain.ownership import Binding, BindingState, Sighting
from agent.errors import AnotherWriter, EntryOpen, LeaseLost, StoreFailed
from agent.ports import Decision, Derivation, EntryState, Store, Version
from agent.store.store import SqlStore
from tests.contract.store_values import (
    AGREEMENT,
    COMPANY,
    HOUR,
    NOW,
    PSA,
    TENANT,
    Place,
    binding,
    charge,
    finding,
    key,
    learnt,
    line,
    planned,
    standing,
    write,
)

SOURCES = ["microsoft"]
AGENT = Path(__file__).parent / "store_process.py"
MEMBER = Member("1", "ana@contoso.com", "Ana", True, False, frozenset(), {})
HELD = planned(holds=("first write to a line that Trueup did not create",))


class WithStore:
    """`place` comes from the adapter's test."""

    @pytest.fixture
    def store(self, place: Place) -> Iterator[SqlStore]:
        with place.open() as opened:
            yield opened

    @pytest.fixture
    def run(self, store: Store) -> str:
        return store.open_run("test", [COMPANY], False, NOW)


def agent(place: Place, deed: str) -> subprocess.Popen[str]:
    """Another process with the same store; it says `ready`, and acts once it is sent a line."""
    command = [sys.executable, str(AGENT), place.url, str(place.folder), deed]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


class Runs(WithStore):
    def test_sealed_run_says_what_it_came_to(self, store: Store, run: str) -> None:
        """1 change planned and not held, 1 write confirmed."""
        store.learn(run, learnt(planned=(planned(),)), NOW)
        store.close(store.intend(run, planned(), write(), NOW), EntryState.CONFIRMED, "200", NOW, binding())
        store.seal_run(run, "done", NOW + HOUR, "fine")

        summary = store.run(run)

        assert summary is not None
        assert (summary.changes, summary.held, summary.confirmed, summary.unknown) == (1, 0, 1, 0)
        assert (summary.companies, summary.ended, summary.detail) == ((COMPANY,), NOW + HOUR, "fine")

    def test_running_run_is_counted_as_it_goes(self, store: Store, run: str) -> None:
        """A face that polls sees held changes before the run is sealed."""
        store.learn(run, learnt(planned=(HELD,)), NOW)

        summary = store.run(run)

        assert summary is not None
        assert (summary.state, summary.held) == ("running", 1)

    def test_newest_run_comes_first(self, store: Store, run: str) -> None:
        """So that a limit cuts off the past."""
        later = store.open_run("test", [], True, NOW + HOUR)

        assert [summary.id for summary in store.runs(2)] == [later, run]
        assert [summary.id for summary in store.runs(1)] == [later]

    def test_unknown_run_is_none_and_cannot_be_sealed(self, store: Store) -> None:
        """Sealing what was never opened would hide that a run was lost."""
        assert store.run("nothing") is None
        with pytest.raises(StoreFailed, match="nothing"):
            store.seal_run("nothing", "done", NOW)

    def test_quiet_run_is_forgotten_after_a_month_and_a_writing_one_never(self, store: Store, run: str) -> None:
        """The first run wrote; the second did nothing; 31 days later a third one opens."""
        store.intend(run, planned(), write(), NOW)
        store.seal_run(run, "done", NOW)
        quiet = store.open_run("test", [], False, NOW + HOUR)
        store.seal_run(quiet, "done", NOW + HOUR)

        third = store.open_run("test", [], False, NOW + timedelta(days=31))

        assert [summary.id for summary in store.runs()] == [third, run]

    def test_installation_is_made_once(self, store: Store, place: Place) -> None:
        """It is part of every mark: another one would make our own lines foreign."""
        with place.open() as again:
            assert again.installation == store.installation
        assert len(store.installation) == 32

    def test_all_who_open_a_new_store_at_once_agree(self, place: Place) -> None:
        """The daemon and a command start together: one makes the tables and the name, the others find them."""
        with ThreadPoolExecutor(4) as pool:
            stores = list(pool.map(lambda _: place.open(), range(4)))
        names = {opened.installation for opened in stores}
        for opened in stores:
            opened.dispose()

        assert len(names) == 1

    def test_newest_is_the_newest_that_a_cycle_stored(self, store: Store) -> None:
        """An empty store knows no time, nor does a run as long as it may still fail; after that each record counts."""
        run = store.open_run("test", [], False, NOW)
        assert store.newest() is None
        store.seal_run(run, "done", NOW)
        assert store.newest() == NOW
        store.intend(run, planned(), write(), NOW + HOUR)
        assert store.newest() == NOW + HOUR
        store.remember([Snapshot(Account("microsoft", "t"), NOW + 2 * HOUR, {}, (), frozenset())])
        assert store.newest() == NOW + 2 * HOUR

    def test_failed_run_does_not_move_the_newest(self, store: Store, run: str) -> None:
        """A clock that stood a month ahead fails its run; right again, it must not be taken for one that went back."""
        store.seal_run(run, "done", NOW)
        month = NOW + timedelta(days=30)
        store.seal_run(store.open_run("test", [], False, month), "failed", month, "the wall clock jumped")
        store.note("run", [], month)

        assert store.newest() == NOW


class Entries(WithStore):
    def test_intent_survives_reopening(self, store: SqlStore, place: Place, run: str) -> None:
        """What was committed before the first byte left is there after any death."""
        entry = store.intend(run, planned(), write(), NOW)
        store.dispose()

        with place.open() as again:
            assert again.entry_open() == [entry]

    def test_second_intent_on_a_key_is_refused(self, store: Store, run: str) -> None:
        """Intent and unknown both block the line; nothing is kept of the second."""
        entry = store.intend(run, planned(), write(), NOW)
        with pytest.raises(EntryOpen, match="is intent since 2026-03-17 09:30 UTC"):
            store.intend(run, planned(), write(), NOW + HOUR)
        store.close(entry, EntryState.UNKNOWN, "timeout", NOW)
        with pytest.raises(EntryOpen, match="is unknown"):
            store.intend(run, planned(), write(), NOW + HOUR)

        assert [record.kind for record in store.journal()] == ["unknown", "intent"]

    @pytest.mark.parametrize(
        "state", [EntryState.CONFIRMED, EntryState.REFUSED, EntryState.NOT_APPLIED, EntryState.CONFLICT]
    )
    def test_ended_entry_frees_its_key(self, store: Store, run: str, state: EntryState) -> None:
        """The next change of the line may be written."""
        store.close(store.intend(run, planned(), write(), NOW), state, "", NOW)

        assert store.entry_open() == []
        assert store.intend(run, planned(), write(), NOW + HOUR).state is EntryState.INTENT

    def test_two_processes_cannot_intend_the_same_key(self, place: Place, store: Store, run: str) -> None:
        """Both are let go at the same moment; one gets the entry, the other is told."""
        agents = [agent(place, f"intend {run}") for _ in range(2)]
        for process in agents:
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
        said = sorted(process.communicate(timeout=60)[0].strip() for process in agents)

        assert said == ["EntryOpen", "entry"]
        assert len(store.entry_open()) == 1

    def test_killed_process_leaves_its_intent(self, place: Place, store: Store, run: str) -> None:
        """kill -9 between intent and outcome: the entry is found open, and the chain is whole."""
        process = agent(place, f"intend-and-hang {run}")
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write("go\n")
        process.stdin.flush()
        assert process.stdout.readline() == "entry\n"
        process.kill()
        process.communicate()

        assert [entry.state for entry in store.entry_open()] == [EntryState.INTENT]
        assert store.verify_journal()[2] == ""

    def test_database_itself_refuses_a_second_open_entry(self, place: Place, store: Store, run: str) -> None:
        """The net under the question: whoever inserts it, by whatever way."""
        store.intend(run, planned(), write(), NOW)
        columns = "run, change, reason, epoch, key, base, psa, agreement, company, state, intended, at, detail, write"
        with pytest.raises(Exception, match=r"(?i)unique"):
            place.sql(f"INSERT INTO entry ({columns}, id) SELECT {columns}, 99 FROM entry")  # noqa: S608

    def test_closing_keeps_the_binding_and_the_record_together(self, store: Store, run: str) -> None:
        """One transaction: entry, binding and journal say the same."""
        entry = store.intend(run, planned(), write(), NOW)
        store.close(entry, EntryState.CONFIRMED, "201", NOW + HOUR, binding())

        memory = store.memory(PSA, COMPANY, [AGREEMENT], NOW)

        assert memory.bindings == {key(): binding()}
        assert memory.open_entries == {}
        assert [(record.kind, record.entry) for record in store.journal(1)] == [("confirmed", entry.id)]

    def test_lines_of_the_last_day_are_remembered(self, store: Store, run: str) -> None:
        """One is made, one may have been, one was refused and one is a difference; a line that is there is set."""
        fates = {key("a"): EntryState.CONFIRMED, key("b"): EntryState.UNKNOWN, key("c"): EntryState.REFUSED}
        fates |= {key("d", "1", Role.DELTA): EntryState.CONFIRMED}
        for of, fate in fates.items():
            store.close(store.intend(run, planned(of), replace(write(of), line=None), NOW), fate, "", NOW)
        moved = store.intend(run, planned(key("e")), replace(write(key("e")), line=4711), NOW)
        store.close(moved, EntryState.CONFIRMED, "", NOW)

        told = [store.memory(PSA, COMPANY, [AGREEMENT], NOW + hours * HOUR).made for hours in (0, 23, 24)]

        assert told == [{AGREEMENT: 2}, {AGREEMENT: 2}, {}]

    def test_entry_cannot_be_closed_twice(self, store: Store, run: str) -> None:
        """Neither its state nor its binding nor the journal moves."""
        entry = store.intend(run, planned(), write(), NOW)
        store.close(entry, EntryState.REFUSED, "400", NOW)
        with pytest.raises(StoreFailed, match="not open any more"):
            store.close(entry, EntryState.CONFIRMED, "201", NOW, binding())

        assert [e.state for e in store.entries(run)] == [EntryState.REFUSED]
        assert store.memory(PSA, COMPANY, [AGREEMENT], NOW).bindings == {}
        assert [record.kind for record in store.journal()] == ["refused", "intent"]

    def test_look_stays_until_the_state_changes(self, store: Store, run: str) -> None:
        """Two looks must agree before an unknown write is settled; `at` counts from the last state."""
        entry = store.intend(run, planned(), write(), NOW)
        store.close(entry, EntryState.UNKNOWN, "timeout", NOW + HOUR)
        store.looked(entry, Picture.BEFORE, NOW + 2 * HOUR)
        [seen] = store.entry_open()
        assert (seen.at, seen.looked) == (NOW + HOUR, (Picture.BEFORE, NOW + 2 * HOUR))

        store.close(entry, EntryState.UNKNOWN, "again", NOW + 3 * HOUR)

        assert store.entry_open()[0].looked is None

    def test_entries_come_newest_first_and_by_run(self, store: Store, run: str) -> None:
        """Two runs with a write each."""
        first = store.intend(run, planned(), write(), NOW)
        other = store.open_run("test", [COMPANY], False, NOW)
        second = store.intend(other, planned(key("sku-2")), write(key("sku-2")), NOW)

        assert store.entries() == [second, first]
        assert store.entries(run) == [first]
        assert store.entries(limit=1) == [second]

    def test_intent_of_a_run_that_does_not_exist_is_not_kept(self, store: Store) -> None:
        """Any failure of the commit means that nothing may be sent."""
        with pytest.raises(StoreFailed):
            store.intend("nothing", planned(), write(), NOW)

        assert store.entry_open() == []
        assert store.verify_journal()[0] == 0

    def test_entries_of_a_key_are_those_of_its_base(self, store: Store, run: str) -> None:
        """A base, its difference and its second life, oldest first; not another licence's."""
        mine = [key(), key(part="2026-03-17/10-12", role=Role.DELTA), key(part="2")]
        made = [store.intend(run, planned(of), write(of), NOW) for of in (*mine, key("sku-2"))]

        assert store.entries_of(mine[1]) == made[:3]
        assert (made[0].change, made[0].reason) == (planned().digest, planned().change.reason)

    def test_decision_is_known_after_its_change_has_gone(self, store: Store, run: str) -> None:
        """Who approved what was billed is asked a year later."""
        store.learn(run, learnt(planned=(HELD,)), NOW)
        assert store.decisions([HELD.digest]) == {}
        store.decide(HELD.digest, "approved", "ana", NOW + HOUR, None)
        store.learn(run, learnt(), NOW + 2 * HOUR)

        decision = Decision(HELD.digest, "approved", "ana", NOW + HOUR)
        assert store.decisions([HELD.digest, "other"]) == {HELD.digest: decision}

    def test_refusals_are_those_of_the_newest_entries(self, store: Store, run: str) -> None:
        """A key that was refused and then confirmed has no refusal; one whose last write met a conflict has."""
        mended, other = key("sku-1"), key("sku-2")
        store.close(store.intend(run, planned(mended), write(mended), NOW), EntryState.REFUSED, "400", NOW)
        assert store.refusals([mended, other]) == {mended: "400"}
        store.close(store.intend(run, planned(mended), write(mended), NOW), EntryState.CONFIRMED, "201", NOW)
        store.close(store.intend(run, planned(other), write(other), NOW), EntryState.CONFLICT, "edited", NOW)

        assert store.refusals([mended, other]) == {other: "edited"}
        assert store.refusals([]) == {}

    def test_many_threads_write_side_by_side(self, store: Store, run: str) -> None:
        """32 threads, a key each, intent and outcome: 64 records in one whole chain."""

        def one(number: int) -> None:
            mine = key(f"sku-{number}")
            store.close(
                store.intend(run, planned(mine), write(mine), NOW), EntryState.CONFIRMED, "", NOW, binding(mine)
            )

        with ThreadPoolExecutor(32) as pool:
            list(pool.map(one, range(32)))

        assert len(store.memory(PSA, COMPANY, [AGREEMENT], NOW).bindings) == 32
        assert store.verify_journal()[::2] == (64, "")


class Learning(WithStore):
    def test_memory_is_what_was_learnt(self, store: Store, run: str) -> None:
        """Bindings, sightings, charges and boundaries come back by key."""
        seen = Sighting(key(), 12, date(2026, 3, 17), NOW, NOW + HOUR)
        march = charge(date(2026, 3, 1), date(2026, 4, 1), 10)
        april = charge(date(2026, 4, 1), date(2026, 5, 1), 12)
        store.learn(
            run,
            learnt(
                bindings=(binding(),),
                sightings=(seen,),
                charges=(april, march),
                boundaries={AGREEMENT: date(2026, 4, 1)},
            ),
            NOW,
        )

        unwanted = Sighting(key("sku-2"), 0, date(2026, 3, 17), None, NOW)
        store.learn(run, learnt(sightings=(unwanted,)), NOW)

        memory = store.memory(PSA, COMPANY, [AGREEMENT], NOW)

        assert memory.bindings == {key(): binding()}
        assert memory.sightings == {key(): seen, unwanted.key: unwanted}
        assert memory.charges == {key(): (march, april)}
        assert memory.boundaries == {AGREEMENT: date(2026, 4, 1)}

    def test_memory_tells_of_other_companies_on_the_same_account(self, store: Store, run: str) -> None:
        """Whoever takes over an account's seats knows the lines that billed them elsewhere, and no others."""
        store.learn(run, learnt(bindings=(binding(),)), NOW)

        def elsewhere(company: int, agreements: list[int], account: str) -> tuple[Binding, ...]:
            return store.memory(PSA, company, agreements, NOW, [account]).elsewhere

        assert elsewhere(999, [], key().account) == (binding(),)
        assert elsewhere(999, [AGREEMENT], key().account) == elsewhere(COMPANY, [], key().account) == ()
        assert elsewhere(999, [], "another") == ()

    def test_memory_follows_the_company_and_its_agreements(self, store: Store, run: str) -> None:
        """A company whose rows left an agreement still knows its lines there; so does the one that took it over."""
        store.learn(run, learnt(bindings=(binding(),)), NOW)

        assert store.memory(PSA, COMPANY, [], NOW).bindings == {key(): binding()}
        assert store.memory(PSA, 999, [AGREEMENT], NOW).bindings == {key(): binding()}
        assert store.memory(PSA, 999, [], NOW).bindings == {}
        assert store.memory("autotask", COMPANY, [AGREEMENT], NOW).bindings == {}

    def test_charges_long_past_are_dropped(self, store: Store, run: str) -> None:
        """March 2026 ended 401 days before 7 May 2027."""
        march = charge(date(2026, 3, 1), date(2026, 4, 1), 10)
        store.learn(run, learnt(charges=(march,)), NOW)
        later = datetime(2027, 5, 7, tzinfo=UTC)
        now = charge(date(2027, 5, 1), date(2027, 6, 1), 11)
        store.learn(run, learnt(charges=(march, now)), later)

        assert store.memory(PSA, COMPANY, [AGREEMENT], later).charges == {key(): (now,)}

    @pytest.mark.parametrize(
        ("before", "now", "kind"),
        [
            (None, replace(binding(), adopted=True), "adopted"),
            (None, binding(), "bound"),
            (binding(), binding(state=BindingState.MISSING), "missing"),
            (binding(), binding(state=BindingState.ENDED), "ended"),
            (binding(), binding(state=BindingState.RELEASED), "released"),
            (binding(state=BindingState.MISSING), binding(), "found"),
            (binding(), binding(line=4712), "rebound"),
            (binding(), replace(binding(), confirmed={}), "restated"),
            (binding(), binding(), "bound"),
        ],
    )
    def test_binding_that_changes_is_journaled(self, store: Store, run: str, before, now, kind: str) -> None:
        """The journal says what became of a line; a binding that stays as it is leaves no record."""
        if before is not None:
            store.learn(run, learnt(bindings=(before,)), NOW)
        store.learn(run, learnt(bindings=(now,)), NOW)

        assert store.journal(1)[0].kind == kind
        assert len(store.journal()) == len({repr(before), repr(now)} - {"None"})

    def test_only_live_bindings_tie_a_company_to_an_agreement(self, store: Store, run: str) -> None:
        """An ended line asks for no reading of its agreement."""
        assert store.bound_agreements(PSA) == {}
        store.learn(run, learnt(bindings=(binding(),)), NOW)
        assert store.bound_agreements(PSA) == {COMPANY: frozenset({AGREEMENT})}
        store.learn(run, learnt(bindings=(binding(state=BindingState.ENDED),)), NOW)
        assert store.bound_agreements(PSA) == {}

    def test_derivation_of_a_key_that_went_is_over_only_by_a_complete_planning(self, store: Store, run: str) -> None:
        """A failed read must not take away the explanation of a number that is still billed."""
        steps = (Step("purchased", "12 purchased", "12"),)
        store.learn(run, learnt(derivations={key(): steps}), NOW)
        store.learn(run, learnt(complete=False), NOW + HOUR)
        assert store.derivations(COMPANY) == [Derivation(key(), steps, NOW, None, run)]
        store.learn(run, learnt(), NOW + 2 * HOUR)
        assert store.derivations(COMPANY) == store.derivations(999) == []

    def test_derivation_of_any_past_time_is_told(self, store: Store, run: str) -> None:
        """10 seats, read twice alike, then 12: each holds until the next, and the row that went is still known."""
        ten, twelve = ((Step("purchased", f"{n} purchased", str(n)),) for n in (10, 12))
        for hours, steps in enumerate((ten, ten, twelve)):
            store.learn(run, learnt(derivations={key(): steps}), NOW + hours * HOUR)
        store.learn(run, learnt(), NOW + 3 * HOUR)

        told = [store.derivations(COMPANY, NOW + hours * HOUR) for hours in (-1, 0, 1, 2, 3)]

        first = Derivation(key(), ten, NOW, NOW + 2 * HOUR, run)
        second = Derivation(key(), twelve, NOW + 2 * HOUR, NOW + 3 * HOUR, run)
        assert told == [[], [first], [first], [second], []]
        assert store.derivations_of(key()) == [first, second]

    def test_plan_is_the_latest_of_each_company(self, store: Store, run: str) -> None:
        """The change, its money and its exact writes, as faces print them."""
        store.learn(run, learnt(planned=(planned(quantity=10),)), NOW)
        store.learn(run, learnt(company=9), NOW)
        store.learn(run, learnt(planned=(planned(),)), NOW + HOUR)

        [other, plan] = store.plan()
        [change] = plan["changes"]

        assert (other["company"], plan["company"], plan["run"]) == (9, COMPANY, run)
        assert plan["at"] == (NOW + HOUR).isoformat()
        assert change["digest"] == planned().digest
        assert change["monthly"] == {"amount": "264.00", "currency": "USD"}
        assert [w["body"] for w in change["writes"]] == ['{"quantity": 12}']
        assert store.plan(COMPANY) == [plan]

    def test_report_opens_and_closes_nothing(self, store: Store, run: str) -> None:
        """Something was seen, but not everything: what is not seen again stays open."""
        store.learn(run, learnt(findings=(finding("a"),)), NOW)
        store.report(COMPANY, [finding("b")], NOW + HOUR)

        assert [found.finding.subject for found in store.findings(COMPANY)] == ["a", "b"]

    def test_company_without_a_file_is_forgotten_but_its_lines_are_not(self, store: Store, run: str) -> None:
        """Its findings, holds and plan go; its bindings still say which lines are ours."""
        held = planned(holds=("mode is review",))
        store.learn(run, learnt(findings=(finding(),), planned=(held,), bindings=(binding(),)), NOW)
        store.forget({COMPANY: ()}, SOURCES, NOW)
        assert len(store.findings()) == len(store.holds()) == len(store.plan()) == 1
        store.forget({}, SOURCES, NOW)

        assert [*store.findings(), *store.holds(), *store.plan()] == []
        assert [one.because for one in store.closed_findings(NOW)] == [Over.FILE_GONE]
        assert store.bound_agreements(PSA) == {COMPANY: frozenset({AGREEMENT})}

    def test_what_nobody_asks_for_any_more_is_closed_with_its_reason(self, store: Store, run: str) -> None:
        """No reading that is not made can close what it found; what the last planning saw is true all the same."""
        gone, unmapped, seen = finding("huntress:4711/edr"), finding("pax8:a/x"), finding("huntress:4711")
        store.learn(run, learnt(findings=(gone, unmapped, seen, finding("line/7"))), NOW)
        store.learn(run, replace(learnt(findings=(seen,)), complete=False), NOW + HOUR)
        store.note("accounts/huntress", [replace(finding("account/huntress:9"), company=None)], NOW)
        store.note("accounts/pax8", [replace(finding("account/pax8:9"), company=None)], NOW)
        store.forget({COMPANY: [TENANT, "huntress:4711"]}, ["microsoft", "pax8"], NOW + 2 * HOUR)

        assert {one.finding.subject for one in store.findings()} == {"huntress:4711", "line/7", "account/pax8:9"}
        told = {one.finding.subject: one.because for one in store.closed_findings(NOW + 2 * HOUR)}
        assert told == {
            "huntress:4711/edr": Over.SOURCE_GONE,
            "account/huntress:9": Over.SOURCE_GONE,
            "pax8:a/x": Over.UNMAPPED,
        }

    def test_closed_findings_say_why(self, store: Store, run: str) -> None:
        """Seen no more at 1 h, written at 2 h; the newest first, and of the company that was asked for."""
        under = finding("b", Code.UNDER_BILLED)
        store.learn(run, learnt(findings=(finding("a"), under)), NOW)
        store.learn(run, learnt(findings=(under,)), NOW + HOUR)
        store.mended(COMPANY, ["b"], NOW + 2 * HOUR)

        both = [(one.finding.subject, one.because, one.first_seen) for one in store.closed_findings(NOW, COMPANY)]
        assert both == [("b", Over.WRITTEN, NOW), ("a", Over.NOT_SEEN, NOW)]
        assert len(store.closed_findings(NOW + 2 * HOUR)) == 1
        assert store.closed_findings(NOW, 9) == []


class Snapshots(WithStore):
    def test_versions_begin_with_the_one_in_force(self, store: Store) -> None:
        """Read at 0 and 1 h alike, otherwise at 2 h, otherwise again at 4 h; asked for 1 h, 3 h and the day before."""
        account = Account("microsoft", "t", "Contoso")
        people = [(), (), (MEMBER,), (), ()]
        for hours, members in zip((0, 1, 2, 4, 5), people, strict=True):
            store.remember([Snapshot(account, NOW + hours * HOUR, {}, members, frozenset())])

        def told(hours: int) -> list[tuple[int, int, int]]:
            found = store.snapshots(account, NOW + hours * HOUR)
            return [((v.since - NOW) // HOUR, (v.last - NOW) // HOUR, len(v.value.members)) for v in found]

        assert told(1) == told(-24) == [(0, 1, 0), (2, 2, 1), (4, 5, 0)]
        assert told(3) == [(2, 2, 1), (4, 5, 0)]
        assert store.snapshots(Account("microsoft", "other"), NOW) == []

    def test_learning_keeps_what_it_thought_on(self, store: Store, run: str) -> None:
        """Snapshot and standing go with what was learnt from them, in its transaction."""
        account = Account("microsoft", "t")
        snapshot = Snapshot(account, NOW, {}, (MEMBER,), frozenset())
        store.learn(run, learnt(snapshots=(snapshot,), standing=standing(line(10))), NOW)
        store.learn(run, learnt(standing=standing(line(12))), NOW + HOUR)
        store.learn(run, learnt(standing=standing(line(12))), NOW + 2 * HOUR)

        assert store.last_snapshot(account) == snapshot
        assert store.standings(COMPANY, NOW) == [
            Version(NOW, NOW, standing(line(10))),
            Version(NOW + HOUR, NOW + 2 * HOUR, standing(line(12))),
        ]
        assert store.standings(999, NOW) == []

    def test_past_is_forgotten_and_the_latest_never(self, store: Store, run: str) -> None:
        """Two versions of each kind; what was over an hour after the first is dropped a day later."""
        account = Account("microsoft", "t")
        for hours, members in ((0, ()), (2, (MEMBER,))):
            at = NOW + hours * HOUR
            steps = (Step("people", "", str(len(members))),)
            snapshot = Snapshot(account, at, {}, members, frozenset())
            known = learnt(snapshots=(snapshot,), standing=standing(line(10 + hours)), derivations={key(): steps})
            store.learn(run, known, at)
        store.forget_past(NOW + HOUR)

        assert [len(store.snapshots(account, NOW)), len(store.standings(COMPANY, NOW))] == [1, 1]
        assert len(store.derivations(COMPANY, NOW + HOUR)) == 1  # over since 2 h only
        store.forget_past(NOW + 30 * HOUR)
        assert store.derivations(COMPANY, NOW + HOUR) == []
        assert len(store.derivations(COMPANY)) == 1

    def test_newer_snapshot_replaces_the_older_and_not_the_other_way(self, store: Store) -> None:
        """Threads may finish in any order."""
        account = Account("microsoft", "t", "Contoso")
        newer, older = (Snapshot(account, at, {}, (), frozenset()) for at in (NOW + HOUR, NOW))
        store.remember([newer])
        store.remember([older])

        assert store.last_snapshot(account) == newer
        assert store.snapshot_age() == {account: NOW + HOUR}

    def test_same_snapshot_again_moves_only_its_time(self, store: Store) -> None:
        """And an account that was never read has none."""
        account = Account("microsoft", "t", "Contoso")
        again = Snapshot(account, NOW + HOUR, {}, (), frozenset())
        store.remember([replace(again, taken_at=NOW)])
        store.remember([again])

        assert store.last_snapshot(account) == again
        assert store.last_snapshot(Account("microsoft", "other")) is None


class Writer(WithStore):
    def test_second_agent_is_told_who_writes(self, store: Store, place: Place) -> None:
        """Another process holds the lock; killed, it holds it no more."""
        process = agent(place, "write")
        with pytest.raises(AnotherWriter, match=f"process {process.pid} on "), store.writer():
            pass
        process.kill()
        process.communicate()

        with store.writer():
            pass

    def test_second_writer_of_one_process_is_refused_too(self, store: Store) -> None:
        """And leaving the block gives the lock back."""
        with store.writer(), pytest.raises(AnotherWriter), store.writer():
            pass
        with store.writer():
            pass

    def test_each_writer_has_a_higher_epoch_and_its_intentions_carry_it(self, store: Store, run: str) -> None:
        """The first is 1, the next 2; who does not write has none."""
        epochs = []
        for number in (1, 2):
            with store.writer():
                assert store.tenure is not None
                entry = store.intend(run, planned(key(f"{number}")), write(key(f"{number}")), NOW)
                epochs.append((store.tenure.epoch, entry.epoch, store.may_send()))

        assert epochs == [(1, 1, True), (2, 2, True)]
        assert [entry.epoch for entry in store.entry_open()] == [1, 2]
        assert store.tenure is None

    def test_intent_of_an_earlier_agent_is_taken_over_once(self, store: Store, place: Place, run: str) -> None:
        """From the next agent on nobody sends it; the agents after that move this instant no more, or commands that
        each run once would never settle it. What is unknown has had its answer, so nobody can send it any more."""
        with store.writer():
            for sku in ("asleep", "answered"):
                entry = store.intend(run, planned(key(sku)), write(key(sku)), NOW)
            store.close(entry, EntryState.UNKNOWN, "timeout", NOW)
        taken = []
        for _ in range(2):
            with place.open() as other, other.writer():
                taken.append([entry.taken_over for entry in other.entry_open()])

        assert taken[0] == taken[1]
        assert [when is not None for when in taken[0]] == [True, False]

    def test_old_epoch_cannot_commit_an_intention(self, store: Store, place: Place, run: str) -> None:
        """Another agent has written since: what this one planned before is not sent, and nothing of it is kept."""
        with store.writer(), place.open() as late:
            with pytest.raises(LeaseLost, match="not the one that writes"):
                late.intend(run, planned(), write(), NOW)

            assert store.entry_open() == []
            assert store.intend(run, planned(), write(), NOW).epoch == 1

    def test_readers_and_deciders_need_no_lock(self, store: Store, place: Place, run: str) -> None:
        """`trueup approve` works beside the daemon."""
        store.learn(run, learnt(planned=(HELD,)), NOW)
        with store.writer(), place.open() as beside:
            beside.decide(HELD.digest, "approved", "ana", NOW, None)

        assert store.memory(PSA, COMPANY, [], NOW).approved == {HELD.digest}
