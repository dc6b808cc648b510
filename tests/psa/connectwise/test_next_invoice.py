"""What a plan says of the next invoice, against the invoice that the simulated site then makes."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from agent.domain.changes import Change
from agent.domain.corrections import Known, Sent, corrections
from agent.domain.mappings import AtZero, Decrease, Increase
from agent.domain.money import Money, rounded
from agent.domain.next_invoice import effect
from agent.domain.periods import add_months
from agent.domain.proration import CONNECTWISE
from tests.psa.connectwise.desk import AGREEMENT, Desk, day, desk, office

LISTED = Decimal("22.00")


def expected(here: Desk, change: Change) -> Money | None:
    realisation = here.psa.writes(change, here.agreement, here.today)
    return effect(realisation.writes, change, here.agreement, CONNECTWISE, "USD")


def said(here: Desk, quantity: int, **policy: Any) -> Decimal:
    money = expected(here, here.set_quantity(quantity, **policy))
    assert money is not None
    return money.amount


def next_total(here: Desk) -> Decimal:
    (invoice,) = here.site.invoice(AGREEMENT)
    return invoice.total


def test_two_more_on_17_march() -> None:
    """10 -> 12, March invoiced: +65.29 on April's invoice = 2 x 22.00 + 2 x 22.00 x 15/31, though a month is +44.00."""
    here = desk()
    here.adopt(10)
    assert said(here, 12) == Decimal("65.29")
    here.set(12)
    assert next_total(here) == Decimal("220.00") + Decimal("65.29")


def test_two_more_in_a_month_that_is_not_invoiced() -> None:
    """The next invoice is March's own: only the days from the 17th, 2 x 22.00 x 15/31 = 21.29."""
    here = desk(office(next_invoice="2026-03-01"))
    here.adopt(10)
    assert said(here, 12) == Decimal("21.29")


def test_a_new_line() -> None:
    """One from 15 March on: 34.06 = 22.00 + 22.00 x 17/31 at the product's price, which the request leaves open."""
    here = desk(today=day("03-15"))
    change = here.addition(1, listed=LISTED)
    assert expected(here, change) == Money(Decimal("34.06"), "USD")
    here.carry_out(change)
    assert next_total(here) == Decimal("34.06")


def test_two_fewer_with_a_credit() -> None:
    """10 -> 8, March invoiced at 10: -2 x 22.00 for April and -2 x 22.00 x 15/31 for March."""
    here = desk(credits="negative-quantity")
    here.adopt(10)
    assert said(here, 8, decrease=Decrease.CREDIT) == Decimal("-65.29")
    assert said(here, 8) == Decimal("-44.00")


def test_the_end_of_an_invoiced_month() -> None:
    """All of April's 220.00 is gone, and nothing of March."""
    here = desk()
    here.adopt(10)
    assert expected(here, here.ending()) == Money(Decimal("-220.00"), "USD")


def test_whole_periods() -> None:
    """An agreement that does not prorate: two more are 44.00, whatever the day."""
    here = desk(office(prorates=False))
    here.adopt(10)
    assert said(here, 12) == Decimal("44.00")


def test_a_change_that_waits_adds_nothing_yet() -> None:
    """`next-period` before March is invoiced sends nothing, so nothing can be told of the next invoice."""
    here = desk(office(next_invoice="2026-03-01"))
    here.adopt(10)
    assert expected(here, here.set_quantity(12, Increase.NEXT_PERIOD)) is None


def test_a_new_price_reaches_the_open_difference_and_not_the_bounded_one() -> None:
    """22.00 -> 24.00 on 20 March, with 2 of 17 March beside the 10.

    March not invoiced, so its difference is open: both get 24.00, and March's invoice rises by 10 x 2.00 and by
    2 x 2.00 x 15/31 = 1.94. March invoiced: the difference is bounded, keeps its 22.00, and April rises by 12 x 2.00.
    """
    rises = {}
    for boundary in ("2026-03-01", "2026-04-01"):
        here = desk(office(next_invoice=boundary))
        here.adopt(10)
        here.set(12)
        change = here.price("24.00")
        rises[boundary] = expected(here, change)
        here.carry_out(change)
        prices = [line.price for line in here.lines().values()]
        assert prices == [Decimal(24), Decimal(24) if boundary == "2026-03-01" else Decimal(22)]
    assert rises == {
        "2026-03-01": Money(Decimal("20.00") + Decimal("1.94"), "USD"),
        "2026-04-01": Money(Decimal("24.00"), "USD"),
    }


def test_a_line_that_nobody_can_tell_of() -> None:
    """Somebody else's line from 10 March, March invoiced: whether before or after that is not known, so no number."""
    here = desk()
    here.adopt(10, effective="2026-03-10")
    assert expected(here, here.set_quantity(8)) is None


moves = st.lists(st.tuples(st.integers(1, 12), st.integers(0, 15), st.booleans()), min_size=1, max_size=5)
boundaries = st.sampled_from(["2026-02-01", "2026-03-01", "2026-04-01", "2026-05-01"])
policies = st.tuples(st.sampled_from(Increase), st.sampled_from(Decrease), st.sampled_from(AtZero))


@settings(max_examples=60)
@given(moves, boundaries, policies, st.booleans(), st.booleans(), st.integers(1, 28))
def test_the_plan_foretells_the_invoice(
    walk: list[tuple[int, int, bool]],
    boundary: str,
    policy: tuple[Increase, Decrease, AtZero],
    adopted: bool,
    prorates: bool,
    first: int,
) -> None:
    """Of two sites with one history one gets the last change: to the cent, its invoice differs by what was said."""
    with_it, without = (_walked(walk[:-1], boundary, policy, adopted, prorates, first) for _ in range(2))
    days, count, invoices = walk[-1]
    changes = [_moved(here, days, count, invoices, policy) for here in (with_it, without)]
    if changes[0] is None:
        return
    money = expected(with_it, changes[0])
    done = with_it.carry_out(changes[0])
    if not done.writes:
        assert money is None
        return
    difference = next_total(with_it) - next_total(without)
    assert money == Money(difference, "USD")


def _walked(
    walk: list[tuple[int, int, bool]],
    boundary: str,
    policy: tuple[Increase, Decrease, AtZero],
    adopted: bool,
    prorates: bool,
    first: int,
) -> Desk:
    march = date(2026, 3, first)
    site = office(today=march, next_invoice=boundary, prorates=prorates)
    here = desk(site, march, credits="negative-quantity")
    if adopted:
        here.adopt(6, effective="2026-01-01")
    else:
        here.add(6)
    for days, count, invoices in walk:
        change = _moved(here, days, count, invoices, policy)
        if change is not None:
            here.carry_out(change)
    return here


def _moved(
    here: Desk, days: int, count: int, invoices: bool, policy: tuple[Increase, Decrease, AtZero]
) -> Change | None:
    here.today += timedelta(days)
    here.site.clock.advance(days=(here.today - here.site.clock.today()).days)
    if invoices:
        here.site.invoice(AGREEMENT)
    here.fold()
    holding = here.holding
    if not holding.base.open or count == holding.quantity:
        return None
    increase, decrease, at_zero = policy
    return here.ending(at_zero) if count == 0 else here.set_quantity(count, increase, decrease)


@settings(max_examples=40)
@given(moves, boundaries, policies, st.booleans(), st.booleans(), st.integers(1, 28))
def test_the_letter_tells_what_the_invoices_change_by(
    walk: list[tuple[int, int, bool]],
    boundary: str,
    policy: tuple[Increase, Decrease, AtZero],
    adopted: bool,
    prorates: bool,
    first: int,
) -> None:
    """Of the same two sites: over three invoices they differ by what is charged or given back once, and by the units
    that came or went for each period from the day on that the letter names. An invoice rounds a line's days together,
    which the letter shows apart: a coin for each."""
    with_it, without = (_walked(walk[:-1], boundary, policy, adopted, prorates, first) for _ in range(2))
    days, count, invoices = walk[-1]
    changes = [_moved(here, days, count, invoices, policy) for here in (with_it, without)]
    if changes[0] is None:
        return
    told = _told(with_it, changes[0])
    for _ in range(3):
        after, before = (here.site.invoice(AGREEMENT) for here in (with_it, without))
        for one, other in zip(after, before, strict=True):
            told -= one.total - other.total
    assert abs(told) <= Decimal("0.02")


def _told(here: Desk, change: Change) -> Decimal:
    """What the letter makes of it for the next three invoices."""
    agreement, lines = here.agreement, here.lines()
    unbilled = {id: stood for id, (_, stood) in here.deltas.items()} | {here.base: here.opened}
    writes = here.carry_out(change).writes
    made = {line.mark: line for id, line in here.lines().items() if id not in lines}
    known = Known([*lines.values()], made, {id: stood for id, stood in unbilled.items() if stood})
    total = Decimal(0)
    for one in corrections(change.key, [Sent(write, agreement) for write in writes], known, CONNECTWISE):
        total += sum((coins(once.amount) for once in one.once), Decimal(0))
        starts = [agreement.period(agreement.next_invoice or here.today).start]
        starts += [agreement.period(add_months(starts[0], n)).start for n in (1, 2)]
        periods = sum(one.continues is not None and one.continues <= start for start in starts)
        price = one.after.price or one.before.price or Decimal(0)
        total += (one.after.units - one.before.units) * price * periods
    return total


def coins(exact: Fraction | None) -> Decimal:
    assert exact is not None
    return rounded(exact, 2)
