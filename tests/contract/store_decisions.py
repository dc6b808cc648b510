"""Laws of every store about what people see and decide: findings and holds."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from agent.domain.findings import Code, Severity
from agent.domain.news import Told
from agent.ports import Hold, Store, Version
from tests.contract.store_contract import HELD, WithStore
from tests.contract.store_values import AGREEMENT, COMPANY, HOUR, NOW, PSA, Place, finding, key, learnt, planned


class Findings(WithStore):
    def test_finding_opens_once_and_stays(self, store: Store, run: str) -> None:
        """Three cycles, one finding: first seen in the first, last seen in the third."""
        for hours in range(3):
            store.learn(run, learnt(findings=(finding(),)), NOW + hours * HOUR)

        [found] = store.findings()

        assert (found.finding, found.first_seen, found.last_seen) == (finding(), NOW, NOW + 2 * HOUR)

    def test_finding_closes_when_a_complete_planning_does_not_see_it(self, store: Store, run: str) -> None:
        """Incomplete: it stays, and keeps its last sight. Complete: it goes. Back again: it is a new one."""
        store.learn(run, learnt(findings=(finding(),)), NOW)
        store.learn(run, learnt(complete=False), NOW + HOUR)
        assert [found.last_seen for found in store.findings()] == [NOW]
        store.learn(run, learnt(), NOW + 2 * HOUR)
        assert store.findings() == []
        store.learn(run, learnt(findings=(finding(),)), NOW + 3 * HOUR)
        assert [found.first_seen for found in store.findings()] == [NOW + 3 * HOUR]

    def test_new_words_do_not_make_a_new_finding(self, store: Store, run: str) -> None:
        """Code and subject are the identity; 3 seats instead of 2 is the same mismatch."""
        store.learn(run, learnt(findings=(finding(),)), NOW)
        store.learn(run, learnt(findings=(finding(sentence="3 seats of nobody"),)), NOW + HOUR)

        [found] = store.findings(COMPANY)

        assert (found.finding.sentence, found.first_seen) == ("3 seats of nobody", NOW)

    def test_past_findings_are_told_with_their_days(self, store: Store, run: str) -> None:
        """One closed after two hours, one open since the third: whoever asks since when sees both, or the later."""
        store.learn(run, learnt(findings=(finding("a"),)), NOW)
        store.learn(run, learnt(), NOW + 2 * HOUR)
        store.learn(run, learnt(findings=(finding("b"),)), NOW + 3 * HOUR)

        closed, still = (
            Version(NOW, NOW + 2 * HOUR, finding("a")),
            Version(NOW + 3 * HOUR, NOW + 3 * HOUR, finding("b")),
        )

        assert store.past_findings(NOW) == [closed, still]
        assert store.past_findings(NOW + 2 * HOUR) == [still]

    def test_companies_and_notes_close_only_their_own(self, store: Store, run: str) -> None:
        """The mapping files' finding outlives a company's planning, and the other way round."""
        wide = replace(finding("contoso.toml"), company=None, code=Code.MAPPING_INVALID)
        store.note("mappings", [wide], NOW)
        store.learn(run, learnt(findings=(finding(),)), NOW)
        store.learn(run, learnt(company=9), NOW)
        assert [found.finding for found in store.findings()] == [wide, finding()]
        store.note("mappings", [], NOW)
        assert [found.finding for found in store.findings()] == [finding()]

    def test_what_was_told_is_told_by_its_channel(self, store: Store) -> None:
        """Mail knows nothing of the chat's; of a topic the newest word counts, and what may be said anew is gone."""
        store.tell("mail", {"held a": Told(Severity.INFO, NOW), "\ud800 b": Told(Severity.INFO, NOW)})
        store.tell("chat 1", {"held a": Told(Severity.ERROR, NOW)})
        store.tell("mail", {"held a": Told(Severity.WARNING, NOW + HOUR)}, ["\ud800 b", "never said"])

        assert store.told("mail") == {"held a": Told(Severity.WARNING, NOW + HOUR)}
        assert store.told("chat 1") == {"held a": Told(Severity.ERROR, NOW)}
        assert store.told("chat 2") == {}

    def test_mended_closes_only_wrong_quantities_of_its_subjects(self, store: Store, run: str) -> None:
        """After the write of a is confirmed: b is still under-billed, and a's unused seats are still unused."""
        under_a, under_b = finding("a", Code.UNDER_BILLED), finding("b", Code.UNDER_BILLED)
        store.learn(run, learnt(findings=(under_a, under_b, finding("a"))), NOW)
        store.mended(COMPANY, ["a"], NOW)

        assert [found.finding for found in store.findings()] == [under_b, finding("a")]


class Holds(WithStore):
    def test_what_has_been_carried_out_waits_no_more(self, store: Store, run: str) -> None:
        """Its hold is closed by the write and not by the next planning; who approved it stays known."""
        store.learn(run, learnt(planned=(HELD,)), NOW)
        store.decide(HELD.digest, "approved", "ana", NOW, None)
        store.mended(COMPANY, [], NOW, [HELD.digest])

        assert store.holds(COMPANY) == []
        assert store.decisions([HELD.digest])[HELD.digest].who == "ana"

    def test_hold_waits_with_all_a_person_needs(self, store: Store, run: str) -> None:
        """The sentence, the reasons, the writes, the money and since when."""
        store.learn(run, learnt(planned=(HELD,)), NOW)

        change = HELD.change
        writes = ("new addition of 12",)
        assert store.holds(COMPANY) == [
            Hold(HELD.digest, COMPANY, change.sentence, HELD.holds, writes, change.monthly, NOW, "open")
        ]
        assert store.holds(9) == []

    def test_approval_survives_while_the_digest_is_planned(self, store: Store, run: str) -> None:
        """Approved once, planned twice more: as held, and as approved and ready."""
        store.learn(run, learnt(planned=(HELD,)), NOW)
        store.decide(HELD.digest, "approved", "ana", NOW, NOW + 24 * HOUR)
        store.learn(run, learnt(planned=(HELD,)), NOW + HOUR)
        store.learn(run, learnt(planned=(replace(HELD, holds=(), approved=True),)), NOW + HOUR)

        assert store.memory(PSA, COMPANY, [AGREEMENT], NOW + HOUR).approved == {HELD.digest}
        assert [(hold.state, hold.since) for hold in store.holds()] == [("approved", NOW)]

    def test_approval_is_void_once_the_change_is_another(self, store: Store, run: str) -> None:
        """12 were approved; 13 are planned; 12 again must be asked again."""
        thirteen = planned(quantity=13, holds=HELD.holds)
        store.learn(run, learnt(planned=(HELD,)), NOW)
        store.decide(HELD.digest, "approved", "ana", NOW, NOW + 24 * HOUR)
        store.learn(run, learnt(planned=(thirteen,)), NOW + HOUR)
        assert [hold.digest for hold in store.holds()] == [thirteen.digest]
        assert store.memory(PSA, COMPANY, [AGREEMENT], NOW).approved == frozenset()
        store.learn(run, learnt(planned=(HELD,)), NOW + 2 * HOUR)
        assert [(hold.state, hold.since) for hold in store.holds()] == [("open", NOW + 2 * HOUR)]

    def test_incomplete_planning_takes_no_hold_away(self, store: Store, run: str) -> None:
        """A read failed; the approval that a person gave meanwhile still stands."""
        store.learn(run, learnt(planned=(HELD,)), NOW)
        store.decide(HELD.digest, "approved", "ana", NOW, None)
        store.learn(run, learnt(complete=False), NOW + HOUR)

        assert [hold.state for hold in store.holds()] == ["approved"]

    def test_decision_expires(self, store: Store, place: Place, run: str) -> None:
        """Approved for 24 hours: good one second before, open again at the stroke."""
        until = NOW + 24 * HOUR
        store.learn(run, learnt(planned=(HELD,)), NOW)
        store.decide(HELD.digest, "approved", "ana", NOW, until)

        assert store.memory(PSA, COMPANY, [], until - timedelta(seconds=1)).approved == {HELD.digest}
        assert store.memory(PSA, COMPANY, [], until).approved == frozenset()
        place.clock.at = until
        assert [hold.state for hold in store.holds()] == ["open"]

    def test_rejection_is_remembered(self, store: Store, run: str) -> None:
        """And may be turned into an approval later; the journal keeps both."""
        store.learn(run, learnt(planned=(HELD,)), NOW)
        store.decide(HELD.digest, "rejected", "ana", NOW, None)
        assert store.memory(PSA, COMPANY, [], NOW).rejected == {HELD.digest}
        store.decide(HELD.digest, "approved", "ben", NOW, None)
        assert store.memory(PSA, COMPANY, [], NOW).rejected == frozenset()
        assert [record.kind for record in store.journal()] == ["approved", "rejected"]

    def test_unique_prefix_of_six_names_a_hold(self, store: Store, run: str) -> None:
        """Five characters, another digest or nothing planned name none, and leave no record."""
        store.learn(run, learnt(planned=(HELD,)), NOW)
        for name in (HELD.digest[:5], "ffffff", ""):
            assert store.decide(name, "approved", "ana", NOW, None) == []
        assert store.journal() == []
        assert [h.state for h in store.decide(HELD.digest[:6], "approved", "ana", NOW, None)] == ["approved"]

    def test_run_names_all_its_open_holds(self, store: Store, run: str) -> None:
        """Two holds of this run; a third that opened after it was sealed is not named."""
        two = [planned(key(name), holds=("review",)) for name in ("sku-1", "sku-2")]
        later = planned(key("sku-3"), holds=("review",))
        store.learn(run, learnt(planned=tuple(two)), NOW)
        store.seal_run(run, "done", NOW)
        store.learn(run, learnt(planned=(*two, later)), NOW + HOUR)

        decided = store.decide(run, "approved", "ana", NOW + HOUR, None)

        assert {hold.digest for hold in decided} == {p.digest for p in two}
        assert store.memory(PSA, COMPANY, [], NOW).approved == {p.digest for p in two}

    def test_verdict_is_one_of_two_words(self, store: Store) -> None:
        """A misspelt verdict must not become a state."""
        with pytest.raises(ValueError, match="approve"):
            store.decide("ffffff", "approve", "ana", NOW, None)
