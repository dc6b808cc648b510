"""What holds for every PSA, whatever its requests look like: its adapter's tests inherit this and bring a `Bench`."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Protocol

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agent.domain.agreements import Billable, Line
from agent.domain.changes import (
    AddLine,
    Change,
    Delta,
    EndLine,
    Fold,
    Holding,
    Outcome,
    Picture,
    SetDescription,
    SetPrice,
    SetQuantity,
    Terms,
    Write,
)
from agent.domain.keys import LineKey, Role
from agent.domain.mappings import AtZero, Decrease, Increase
from agent.errors import ReadFailed
from agent.ports import Psa


class Bench(Protocol):
    """One PSA with one company, one product and nothing on its agreements, and somebody who works there beside us."""

    psa: Psa
    today: date
    company: int
    product: int
    identifier: str

    def agreement(self, *, prorates: bool, invoiced: bool) -> int:
        """A monthly one that has billed for months; `invoiced` tells whether the present month is."""
        ...

    def person_adds(self, agreement: int, quantity: Decimal, price: Decimal, start: date) -> int:
        """A line of somebody else's, already billed as far as the agreement is; its id."""
        ...

    def person_edits(self, agreement: int, line: int, quantity: Decimal) -> None: ...
    def requests(self) -> int:
        """How many requests have reached the PSA."""
        ...

    def break_page(self, agreement: int) -> None:
        """Give the agreement lines for more than a page, of which the last cannot be read."""
        ...

    def lose_answer(self) -> None:
        """The next write is executed, and its answer is lost."""
        ...


quantities = st.integers(0, 60)
prices = st.decimals("0.01", "9999.99", places=2)
flags = st.booleans()
days = st.integers(0, 16).map(timedelta)
laws = settings(max_examples=40, suppress_health_check=[HealthCheck.differing_executors])


class PsaContract(ABC):
    @abstractmethod
    def bench(self) -> Bench:
        """A fresh one: a law plays with many."""

    @laws
    @given(quantities, quantities, flags, flags, st.sampled_from(Increase), st.sampled_from(Decrease))
    def test_what_was_written_is_shown(
        self, was: int, now: int, prorates: bool, invoiced: bool, up: Increase, down: Decrease
    ) -> None:
        """After each write the PSA shows its `after`, before it its `before`; the change is then complete."""
        bench = self.bench()
        known = _with_line(bench, was, prorates, invoiced)
        change = set_quantity(bench, known, now, increase=up, decrease=down)
        for write in writes(bench, change, known.agreement):
            assert bench.psa.look_for(write).picture is Picture.BEFORE
            assert bench.psa.execute(write).outcome is Outcome.DONE
            seen = bench.psa.look_for(write)
            assert seen.picture is Picture.AFTER
            assert seen.line in bench.psa.lines(known.agreement)
            assert write.after.items() <= seen.fields.items()

    @laws
    @given(st.lists(st.tuples(quantities, days), min_size=1, max_size=4), flags, flags)
    def test_base_and_deltas_add_up(self, moves: list[tuple[int, timedelta]], prorates: bool, invoiced: bool) -> None:
        """Up or down under `now`: what is open adds up to the new quantity, and planning again finds nothing to do."""
        bench = self.bench()
        known = _with_line(bench, 10, prorates, invoiced)
        for quantity, ago in moves:
            known = carry_out(bench, known, set_quantity(bench, known, quantity, effective=bench.today - ago))
            assert known.holding(bench).quantity == quantity
            assert writes(bench, set_quantity(bench, known, quantity), known.agreement) == ()

    @laws
    @given(st.sampled_from(["add", "up", "down", "end", "price", "text"]), flags, flags)
    def test_other_lines_stay_as_they_are(self, kind: str, prorates: bool, invoiced: bool) -> None:
        """Nobody else's line changes in anything, whatever we write beside it."""
        bench = self.bench()
        known = _with_line(bench, 10, prorates, invoiced)
        others = [bench.person_adds(known.agreement, Decimal(n), Decimal("3.10"), bench.today) for n in (1, 7)]
        before = [line for line in bench.psa.lines(known.agreement) if line.id in others]
        carry_out(bench, known, _some(bench, known, kind))
        assert [line for line in bench.psa.lines(known.agreement) if line.id in others] == before

    @laws
    @given(prices, st.decimals("0.01", "999.99", places=2))
    def test_money_and_quantity_come_back_as_decimals(self, price: Decimal, quantity: Decimal) -> None:
        """The very Decimal that went in, by whoever: no float came near it."""
        bench = self.bench()
        agreement = bench.agreement(prorates=True, invoiced=True)
        bench.person_adds(agreement, quantity, price, bench.today)
        known = carry_out(bench, Known(agreement), add(bench, agreement, 3, price))
        theirs, ours = bench.psa.lines(agreement)
        assert (theirs.quantity, theirs.price) == (quantity, price)
        assert (ours.id, ours.price, type(ours.price)) == (known.base, price, Decimal)

    @laws
    @given(st.integers(0, 400))
    def test_a_date_stays_that_date(self, ahead: int) -> None:
        """A billing date is a day on a calendar; no zone moves it."""
        bench = self.bench()
        agreement = bench.agreement(prorates=True, invoiced=True)
        start = bench.today + timedelta(ahead)
        carry_out(bench, Known(agreement), add(bench, agreement, 3, effective=start))
        (line,) = bench.psa.lines(agreement)
        assert line.start == start

    @laws
    @given(quantities.filter(lambda n: n != 10), flags)
    def test_planning_sends_nothing_and_repeats_itself(self, now: int, invoiced: bool) -> None:
        """Pure: the same ground gives the same requests to the byte, and the PSA hears of none."""
        bench = self.bench()
        known = _with_line(bench, 10, True, invoiced)
        change = set_quantity(bench, known, now)
        agreement = bench.psa.agreements([known.agreement])[known.agreement]
        heard = bench.requests()
        plans = [bench.psa.writes(change, agreement, bench.today) for _ in range(2)]
        assert plans[0] == plans[1]
        assert bench.requests() == heard

    @pytest.mark.parametrize("kind", ["add", "up", "down", "end"])
    def test_a_lost_answer_is_settled_by_reading(self, kind: str) -> None:
        """Executed, but nobody told us: the outcome is unknown, one request was sent, and reading finds it."""
        bench = self.bench()
        known = _with_line(bench, 10, True, True)
        write = writes(bench, _some(bench, known, kind), known.agreement)[0]
        bench.lose_answer()
        heard = bench.requests()
        assert bench.psa.execute(write).outcome is Outcome.UNKNOWN
        assert bench.requests() == heard + 1
        assert bench.psa.look_for(write).picture is Picture.AFTER

    def test_a_changed_present_is_neither_before_nor_after(self) -> None:
        """A person was faster: the engine then sends nothing."""
        bench = self.bench()
        known = _with_line(bench, 10, True, True)
        *_, write = writes(bench, set_quantity(bench, known, 12), known.agreement)
        bench.person_edits(known.agreement, known.base, Decimal(11))
        assert bench.psa.look_for(write).picture is Picture.OTHER

    def test_a_failing_page_raises(self) -> None:
        """Never the pages that could be read."""
        bench = self.bench()
        agreement = bench.agreement(prorates=True, invoiced=True)
        bench.break_page(agreement)
        with pytest.raises(ReadFailed):
            bench.psa.lines(agreement)

    def test_a_zero_line_is_ended_and_stays_in_the_list(self) -> None:
        """Lines are ended, not deleted."""
        bench = self.bench()
        known = _with_line(bench, 10, True, False)
        carry_out(bench, known, _some(bench, known, "end"))
        (line,) = bench.psa.lines(known.agreement)
        assert (line.id, line.end, line.live(bench.today)) == (known.base, bench.today, False)

    def test_zero_by_quantity_stays_open(self) -> None:
        """The other way to zero, for sites that keep their lines."""
        bench = self.bench()
        known = _with_line(bench, 10, True, False)
        carry_out(bench, known, replace(_some(bench, known, "end"), at_zero=AtZero.ZERO))
        (line,) = bench.psa.lines(known.agreement)
        assert (line.quantity, line.open) == (0, True)

    def test_folding_moves_no_quantity(self) -> None:
        """The base takes over what its open deltas carried."""
        bench = self.bench()
        known = _with_line(bench, 10, True, False)
        known = carry_out(bench, known, set_quantity(bench, known, 12))
        holding = known.holding(bench)
        known = carry_out(bench, known, Fold(**_common(bench, known, before_of(holding), before_of(holding))))
        assert known.holding(bench).quantity == 12

    def test_agreements_that_do_not_exist_are_left_out(self) -> None:
        """A missing id is no error: the engine says what its absence means."""
        bench = self.bench()
        agreement = bench.agreement(prorates=True, invoiced=True)
        found = bench.psa.agreements([agreement, 999_999])
        assert found.keys() == {agreement}
        assert (found[agreement].company, found[agreement].refusal) == (bench.company, "")

    def test_products_by_identifier(self) -> None:
        """Those that exist, under the name that was asked for."""
        bench = self.bench()
        found = bench.psa.products([bench.identifier, "no such product"])
        assert {name: product.id for name, product in found.items()} == {bench.identifier: bench.product}

    def test_companies(self) -> None:
        """Ours is among them."""
        bench = self.bench()
        assert bench.company in {company.id for company in bench.psa.companies()}

    def test_a_site_in_order_has_no_findings(self) -> None:
        """`check` is silent where nothing is wrong."""
        assert list(self.bench().psa.check()) == []


@dataclass(frozen=True)
class Known:
    """What the engine's store would remember of one key: its base line; of its deltas key, line and boundary."""

    agreement: int
    base: int = 0
    deltas: tuple[tuple[int, LineKey, date | None], ...] = ()

    def holding(self, bench: Bench) -> Holding:
        lines: dict[int, Line] = {line.id: line for line in bench.psa.lines(self.agreement)}
        known = [Delta(key, lines[id], opened) for id, key, opened in self.deltas]
        return Holding(lines[self.base], tuple(delta for delta in known if delta.line.open))


def carry_out(bench: Bench, known: Known, change: Change) -> Known:
    base, deltas = known.base, list(known.deltas)
    for write in writes(bench, change, known.agreement):
        assert bench.psa.execute(write).outcome is Outcome.DONE
        line = bench.psa.look_for(write).line
        assert line is not None
        if write.key.role is Role.BASE:
            base = line.id
        elif line.id not in {id for id, _, _ in deltas}:
            deltas.append((line.id, write.key, write.boundary))
    return Known(known.agreement, base, tuple(deltas))


def writes(bench: Bench, change: Change, agreement: int) -> tuple[Write, ...]:
    return bench.psa.writes(change, bench.psa.agreements([agreement])[agreement], bench.today).writes


def before_of(holding: Holding) -> Terms:
    base = holding.base
    return Terms(int(holding.quantity), int(base.included), base.price, base.billable, base.text)


def set_quantity(
    bench: Bench,
    known: Known,
    quantity: int,
    *,
    effective: date | None = None,
    increase: Increase = Increase.PRORATE,
    decrease: Decrease = Decrease.NOW,
) -> SetQuantity:
    before = before_of(known.holding(bench))
    common = _common(bench, known, before, replace(before, quantity=quantity), effective)
    return SetQuantity(**common, increase=increase, decrease=decrease)


def add(
    bench: Bench, agreement: int, quantity: int, price: Decimal | None = None, effective: date | None = None
) -> AddLine:
    after = Terms(quantity, 0, price, Billable.BILLABLE, "Licences: Ada Lovelace")
    return AddLine(
        key=_key(bench, agreement),
        company=bench.company,
        label="Licences",
        product=bench.product,
        after=after,
        effective=effective or bench.today,
        reason="a law",
    )


def _with_line(bench: Bench, quantity: int, prorates: bool, invoiced: bool) -> Known:
    agreement = bench.agreement(prorates=prorates, invoiced=invoiced)
    base = bench.person_adds(agreement, Decimal(quantity), Decimal("22.00"), date(bench.today.year, 1, 1))
    return Known(agreement, base)


def _some(bench: Bench, known: Known, kind: str) -> Change:
    if kind == "add":
        return add(bench, known.agreement, 4)
    if kind in ("up", "down"):
        return set_quantity(bench, known, 12 if kind == "up" else 8)
    before = before_of(known.holding(bench))
    wanted = {
        "end": (EndLine, replace(before, quantity=0)),
        "price": (SetPrice, replace(before, price=Decimal("23.10"))),
        "text": (SetDescription, replace(before, text="Licences: Ada Lovelace, Grace Hopper")),
    }
    made, after = wanted[kind]
    return made(**_common(bench, known, before, after))


def _common(
    bench: Bench, known: Known, before: Terms, after: Terms, effective: date | None = None
) -> dict[str, object]:
    return {
        "key": _key(bench, known.agreement),
        "company": bench.company,
        "label": "Licences",
        "product": bench.product,
        "before": before,
        "after": after,
        "effective": effective or bench.today,
        "reason": "a law",
        "holding": known.holding(bench),
    }


def _key(bench: Bench, agreement: int) -> LineKey:
    return LineKey(bench.psa.traits.name, agreement, "4f1c0000", "cbdc14ab", "", "", bench.identifier)
