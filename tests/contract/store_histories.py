"""Laws of a store's memory of purchases."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from agent.domain.counts import Account, Coverage, Deal, Observation, Snapshot, Status, Subscription, Term
from agent.ports import Store
from tests.contract.store_contract import WithStore
from tests.contract.store_values import HOUR, NOW

ACCOUNT = Account("microsoft", "t")
TEN = Subscription(
    "sub-1", 10, Status.ENABLED, NOW, NOW + timedelta(days=365), commerce="pc-1", deal=Deal(Term(12, 1), 10, NOW)
)


def reading(hours: int, *bought: Subscription, coverage: frozenset[Coverage] = frozenset(Coverage)) -> Snapshot:
    units = sum(one.quantity for one in bought)
    return Snapshot(
        ACCOUNT, NOW + hours * HOUR, {"sku": Observation("sku", "", "", units, 0, True, bought)}, (), coverage
    )


class Histories(WithStore):
    def test_chapter_begins_with_each_change(self, store: Store) -> None:
        """10, 10 again, 13: two chapters, and the second knows that the 3 were not there an hour before."""
        for hours, seats in ((0, 10), (1, 10), (2, 13)):
            store.remember_snapshot(reading(hours, replace(TEN, quantity=seats)))

        first, second = store.histories("microsoft", ["t"])["t"].chapters["sub-1"]

        assert (first.quantity, first.since, first.before) == (10, NOW, None)
        assert (second.quantity, second.since, second.before) == (13, NOW + 2 * HOUR, NOW + HOUR)

    def test_history_knows_when_the_tenant_was_last_read(self, store: Store) -> None:
        """A reading without news begins no chapter, but seats that come after it were not there yet."""
        for hours in (0, 1):
            store.remember_snapshot(reading(hours, TEN))

        assert store.histories("microsoft", ["t"])["t"].read == NOW + HOUR

    def test_chapter_keeps_what_was_told(self, store: Store) -> None:
        """State, dates and the seller's word come back as they were read."""
        store.remember_snapshot(reading(0, TEN))

        [chapter] = store.histories("microsoft", ["t"])["t"].chapters["sub-1"]

        assert (chapter.status, chapter.created, chapter.renews) == (TEN.status, TEN.created, TEN.renews)
        assert chapter.deal == TEN.deal

    def test_histories_are_those_asked_for(self, store: Store) -> None:
        """Another account, or another source, has no part in them."""
        store.remember_snapshot(reading(0, TEN))

        assert store.histories("microsoft", ["other"]) == {}
        assert store.histories("pax8", ["t"]) == {}

    def test_reading_without_purchases_says_nothing(self, store: Store) -> None:
        """A snapshot that does not cover subscriptions begins no chapter, and ends none."""
        store.remember_snapshot(reading(0, TEN))
        store.remember_snapshot(reading(1, coverage=frozenset({Coverage.LICENCES})))

        assert len(store.histories("microsoft", ["t"])["t"].chapters["sub-1"]) == 1

    def test_chapters_long_past_are_dropped_but_for_the_one_in_force(self, store: Store) -> None:
        """Four years on: of two old chapters the later one still says how it was at the limit."""
        for hours, seats in ((0, 10), (1, 11), (4 * 365 * 24, 12)):
            store.remember_snapshot(reading(hours, replace(TEN, quantity=seats), replace(TEN, id="sub-2")))

        told = store.histories("microsoft", ["t"])["t"].chapters

        assert [chapter.quantity for chapter in told["sub-1"]] == [11, 12]
        assert [chapter.quantity for chapter in told["sub-2"]] == [10]
