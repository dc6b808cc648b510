"""Laws of the ledger: a mismatch is followed from day to day, and what people decided about it stays decided."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from agent.domain.findings import Apart, Code, Finding, Severity
from agent.domain.ledger import Instalment, Settlement, Verb
from agent.domain.money import Money
from agent.ports import EntryState, Store
from tests.contract.store_contract import WithStore
from tests.contract.store_values import AGREEMENT, COMPANY, HOUR, NOW, Place, finding, key, learnt, planned, write

PRICE = Money(Decimal("22.005"), "USD")
FOUR = Apart("Łódź / 東京", 4, PRICE, AGREEMENT, "M365-BP-M")


def under(apart: Apart | None = FOUR) -> Finding:
    return Finding(Code.UNDER_BILLED, Severity.WARNING, COMPANY, "a", "a sentence", "a remedy", None, apart)


def waived(gap: int) -> Settlement:
    part = Instalment(date(2026, 4, 1), Money(Decimal("60.01"), "USD"))
    words = "R. Okafor", "our mistake / 東京", PRICE, (part,), None
    return Settlement(0, gap, COMPANY, Verb.WAIVE, date(2026, 3, 17), NOW, "ana", part.amount, *words)


class Settling(WithStore):
    def test_gap_is_followed_as_it_changes_and_ends(self, store: Store, run: str) -> None:
        """4 apart, the same an hour later, then 5, then put right; what never had units is no gap."""
        five = replace(FOUR, units=5)
        for hours, seen in enumerate((FOUR, FOUR, five)):
            store.learn(run, learnt(findings=(under(seen), finding())), NOW + hours * HOUR)
        [gap] = store.gaps()
        assert (gap.course, gap.since, gap.closed) == (((NOW, FOUR), (NOW + 2 * HOUR, five)), NOW, None)
        store.mended(COMPANY, ["a"], NOW + 3 * HOUR)
        [gap] = store.gaps(COMPANY)
        assert (gap.course[-1][1], gap.closed) == (five, NOW + 3 * HOUR)
        assert store.gaps(9) == []

    def test_gap_that_comes_back_is_another_one(self, store: Store, run: str) -> None:
        """The first keeps its past."""
        for hours, seen in enumerate(((under(),), (), (under(),))):
            store.learn(run, learnt(findings=seen), NOW + hours * HOUR)
        first, second = store.gaps()
        assert (first.closed, second.since, second.closed) == (NOW + HOUR, NOW + 2 * HOUR, None)

    def test_price_that_gets_unknown_is_a_change(self, store: Store, run: str) -> None:
        """And so are units that nobody can tell any more."""
        unpriced = replace(FOUR, price=None)
        for hours, seen in enumerate((FOUR, unpriced, None)):
            store.learn(run, learnt(findings=(under(seen),)), NOW + hours * HOUR)
        [gap] = store.gaps()
        assert [seen for _, seen in gap.course] == [FOUR, unpriced, None]

    def test_confirmed_writes_of_a_time_and_company(self, store: Store, run: str) -> None:
        """Of two writes one is confirmed, at ten past; whoever asks from eleven past on, or for another, hears none."""
        for name, state in (("sku-1", EntryState.CONFIRMED), ("sku-2", EntryState.REFUSED)):
            entry = store.intend(run, planned(key(name)), write(key(name)), NOW)
            store.close(entry, state, "", NOW + HOUR)
        [found] = store.confirmed(NOW + HOUR, COMPANY)
        assert (found.write.key, found.state) == (key("sku-1"), EntryState.CONFIRMED)
        assert store.confirmed(NOW + HOUR) == [found]
        assert list(store.confirmed(NOW + 2 * HOUR)) == list(store.confirmed(NOW, 9)) == []

    def test_decision_comes_back_as_it_was_made(self, store: Store, run: str) -> None:
        """To the coin, with a number and a record of the journal; another company's ledger does not show it."""
        store.learn(run, learnt(findings=(under(),)), NOW)
        [gap] = store.gaps()
        made = store.settle(waived(gap.id), 0, "Business Premium")
        assert made is not None
        assert made == replace(waived(gap.id), id=made.id)
        assert store.settlements() == store.settlements(COMPANY) == [made]
        assert store.settlements(9) == []
        assert store.journal()[0].kind == "ledger-waive"
        assert store.verify_journal()[2] == ""

    def test_decision_on_what_somebody_did_not_see_is_not_kept(self, store: Store, run: str) -> None:
        """Two people look at an open gap; the second one's word would settle it twice."""
        store.learn(run, learnt(findings=(under(),)), NOW)
        [gap] = store.gaps()
        first = store.settle(waived(gap.id), 0, "x")
        assert first is not None
        assert store.settle(waived(gap.id), 0, "x") is None
        assert (store.settlements(), len(store.journal())) == ([first], 1)
        assert store.settle(waived(gap.id), first.id, "x") is not None

    def test_decision_cannot_be_changed_past_the_store(self, store: Store, place: Place, run: str) -> None:
        """The database itself refuses."""
        store.learn(run, learnt(findings=(under(),)), NOW)
        store.settle(waived(store.gaps()[0].id), 0, "x")
        for deed in ("UPDATE settlement SET verb = 'bill'", "DELETE FROM settlement"):
            with pytest.raises(Exception, match="what was decided stays decided"):
                place.sql(deed)
