"""Laws of what people said about single lines: it comes back as it was said, and ends as it was meant to."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

from agent.domain.agreements import Billable
from agent.domain.changes import Terms
from agent.domain.ownership import BindingState, Kept
from agent.ports import EntryState, Store
from tests.contract.store_contract import HELD, WithStore
from tests.contract.store_values import AGREEMENT, COMPANY, HOUR, NOW, PSA, binding, key, learnt, planned, write

TERMS = Terms(12, 2, Decimal("22.0050"), Billable.BILLABLE, "Łódź / 東京")
KEPT = Kept(
    key(), 4711, TERMS, date(2026, 3, 17), ((date(2026, 3, 16), 10),), "ana: asked", NOW, "20260317-090000-ab12cd", "x"
)


class Keeping(WithStore):
    def test_kept_line_comes_back_as_it_was_said(self, store: Store) -> None:
        """Its terms to the last decimal, its history and the run that it undoes; for faces and for planning."""
        store.keep(COMPANY, [KEPT], [], NOW, NOW)

        assert store.kept() == store.kept(COMPANY) == [(COMPANY, KEPT)]
        assert store.kept(9) == []
        assert store.memory(PSA, COMPANY, [AGREEMENT], NOW).kept == {KEPT.key: KEPT}
        assert store.journal()[0].kind == "kept"
        assert store.verify_journal()[2] == ""

    def test_what_is_shown_counts_as_approved(self, store: Store, run: str) -> None:
        """Up to its end, and not longer than the change stays planned as it was shown."""
        store.keep(COMPANY, [KEPT], [HELD], NOW, NOW + HOUR)
        assert store.memory(PSA, COMPANY, [], NOW).approved == {HELD.digest}
        assert store.memory(PSA, COMPANY, [], NOW + HOUR).approved == frozenset()
        store.learn(run, learnt(), NOW)

        assert store.memory(PSA, COMPANY, [], NOW).approved == frozenset()

    def test_line_given_back_is_kept_no_more(self, store: Store, run: str) -> None:
        """With the binding as it is now."""
        store.learn(run, learnt(bindings=(binding(),)), NOW)
        store.keep(COMPANY, [KEPT], [], NOW, NOW)
        known = replace(binding(), confirmed={"quantity": "15"})
        store.take(COMPANY, key(), [known], "ana", NOW)

        assert store.kept() == []
        assert store.memory(PSA, COMPANY, [], NOW).bindings == {key(): known}

    def test_released_line_is_listed_and_no_longer_kept(self, store: Store, run: str) -> None:
        """Until it is taken back."""
        store.learn(run, learnt(bindings=(binding(),)), NOW)
        store.keep(COMPANY, [KEPT], [], NOW, NOW)
        released = replace(binding(), state=BindingState.RELEASED)
        store.release(COMPANY, [released], "ana", NOW)

        assert (store.kept(), store.released(COMPANY)) == ([], [(COMPANY, released)])
        assert store.managed(binding().line) == (COMPANY, released)
        assert store.managed(0) is None
        store.take(COMPANY, key(), [binding()], "ana", NOW)
        assert store.released() == []

    def test_write_on_its_way_does_not_take_a_released_line_back(self, store: Store, run: str) -> None:
        """It was sent before the person's word, and is settled after it; so is what a cycle had begun to think."""
        store.learn(run, learnt(bindings=(binding(),)), NOW)
        entry = store.intend(run, planned(), write(), NOW)
        store.release(COMPANY, [replace(binding(), state=BindingState.RELEASED)], "ana", NOW)
        proven = replace(binding(), confirmed={"quantity": "12"})

        store.close(entry, EntryState.CONFIRMED, "seen", NOW + HOUR, proven)
        assert store.released() == [(COMPANY, replace(proven, state=BindingState.RELEASED))]
        store.learn(run, learnt(bindings=(binding(),)), NOW + HOUR)
        assert [one.state for _, one in store.released()] == [BindingState.RELEASED]
