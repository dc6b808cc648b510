"""What the simulated site invoices after our writes: a second opinion on every amount that shares no code with us."""

from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.domain.mappings import AtZero, Decrease, Increase
from agent.domain.periods import Grid
from agent.simulators.connectwise import ConnectWise
from tests.psa.connectwise.desk import AGREEMENT, Desk, day, desk, office

PRICE = Fraction(22)


def invoiced(site: ConnectWise) -> Decimal:
    """The total of the next invoice."""
    (invoice,) = site.invoice(AGREEMENT)
    return invoice.total


def move_to(here: Desk, text: str) -> None:
    here.today = day(text)
    here.site.clock.set(here.site.clock.now().replace(month=here.today.month, day=here.today.day))


def test_two_more_on_17_march() -> None:
    """10 licences, March invoiced. April: 12 x 22.00 = 264.00, and 2 x 22.00 x 15/31 = 21.29 for 17 to 31 March."""
    here = desk()
    here.adopt(10)
    here.set(12)
    assert invoiced(here.site) == Decimal("264.00") + Decimal("21.29")
    assert invoiced(here.site) == Decimal("264.00")


def test_billed_a_month_further_in_advance() -> None:
    """April is invoiced too, so May has 2 x (22.00 x 15/31 + 22.00) = 65.29 beside its 264.00."""
    here = desk(office(next_invoice="2026-05-01"))
    here.adopt(10)
    here.set(12)
    assert invoiced(here.site) == Decimal("264.00") + Decimal("65.29")


def test_one_more_from_15_march() -> None:
    """22.00 from 15 March, invoiced in April: 34.06 = 22.00 + 22.00 x 17/31, half of it a line of its own."""
    here = desk(today=day("03-15"))
    here.add(1)
    assert invoiced(here.site) == Decimal("34.06")
    assert invoiced(here.site) == Decimal("22.00")


def test_one_more_beside_ten_from_15_march() -> None:
    """The same unit beside ten: 11 x 22.00 = 242.00 and 22.00 x 17/31 = 12.06, so it costs 34.06 in April."""
    here = desk(today=day("03-15"))
    here.adopt(10)
    here.set(11)
    assert invoiced(here.site) - 10 * 22 == Decimal("34.06")


def test_leaving_and_coming_back_costs_nothing_more() -> None:
    """March is billed at 10; 8 on the 10th and 10 again on the 17th are one PATCH each, and April is 220.00."""
    here = desk(today=day("03-10"))
    here.adopt(10)
    here.set(8)
    move_to(here, "03-17")
    assert [w.method for w in here.set(10).writes] == ["PATCH"]
    assert invoiced(here.site) == Decimal("220.00")


def test_coming_back_with_two_more() -> None:
    """10 -> 8 -> 12: two are new, not four. April is 12 x 22.00 + 2 x 22.00 x 15/31 = 264.00 + 21.29."""
    here = desk(today=day("03-10"))
    here.adopt(10)
    here.set(8)
    move_to(here, "03-17")
    here.set(12)
    assert invoiced(here.site) == Decimal("264.00") + Decimal("21.29")


def test_a_new_line_that_grows_before_its_first_invoice() -> None:
    """10 from the 1st, written when March was invoiced; 2 more on the 17th.

    April: 10 x 22.00 for March, 2 x 22.00 x 15/31 = 21.29, and 12 x 22.00 for April.
    """
    here = desk(today=day("03-01"))
    here.add(10)
    move_to(here, "03-17")
    here.set(12)
    assert invoiced(here.site) == Decimal("220.00") + Decimal("21.29") + Decimal("264.00")
    here.fold()
    assert invoiced(here.site) == Decimal("264.00")


def test_a_month_that_is_invoiced_late() -> None:
    """March is invoiced on the 20th: 10 x 22.00 + 2 x 22.00 x 15/31 = 241.29. Then the fold, and April is 264.00."""
    here = desk(office(next_invoice="2026-03-01"))
    here.adopt(10)
    here.set(12)
    assert invoiced(here.site) == Decimal("241.29")
    move_to(here, "03-20")
    here.fold()
    assert [(line.quantity, line.end) for line in here.lines().values()] == [(12, None), (2, day("04-01"))]
    assert invoiced(here.site) == Decimal("264.00")


@pytest.mark.parametrize("credits", ["negative-quantity", "negative-price"])
def test_a_credit(credits: str) -> None:
    """Two of ten leave on 17 March: April is 8 x 22.00 - 2 x 22.00 x 15/31 = 176.00 - 21.29."""
    here = desk(credits=credits)
    here.adopt(10)
    here.set(8, decrease=Decrease.CREDIT)
    assert invoiced(here.site) == Decimal("176.00") - Decimal("21.29")


def test_the_end_of_an_invoiced_month() -> None:
    """March is paid for and stays so; April has nothing."""
    here = desk()
    here.adopt(10)
    here.end()
    assert invoiced(here.site) == 0


def test_the_end_in_an_open_month() -> None:
    """March is not invoiced: ten were used for 16 days, 220.00 x 16/31 = 113.55."""
    here = desk(office(next_invoice="2026-03-01"))
    here.adopt(10)
    here.end()
    assert invoiced(here.site) == Decimal("113.55")


def test_a_line_that_ends_before_it_began() -> None:
    """Ten from 1 April, given up on 17 March, are never billed."""
    here = desk(office(prorates=False))
    here.add(10)
    here.end()
    assert invoiced(here.site) == 0


def test_zero_by_quantity_comes_back() -> None:
    """Zero on 17 March, five again in April, which was invoiced at zero: 5 x 22.00 x 21/30 = 77.00 and May's 110.00."""
    here = desk()
    here.adopt(10)
    here.end(AtZero.ZERO)
    assert invoiced(here.site) == 0
    move_to(here, "04-10")
    here.set(5)
    assert invoiced(here.site) == Decimal("77.00") + Decimal("110.00")


def test_whole_periods() -> None:
    """Without prorating: ten from April on, twelve from the invoice after the change."""
    here = desk(office(prorates=False))
    here.add(10)
    assert invoiced(here.site) == Decimal("220.00")
    move_to(here, "04-10")
    here.set(12)
    assert invoiced(here.site) == Decimal("264.00")


def test_next_period() -> None:
    """Not invoiced: wait. Once March is billed at 10 the base moves, and April is 264.00."""
    here = desk(office(next_invoice="2026-03-01"))
    here.adopt(10)
    assert here.set(12, increase=Increase.NEXT_PERIOD).writes == ()
    assert invoiced(here.site) == Decimal("220.00")
    here.set(12, increase=Increase.NEXT_PERIOD)
    assert invoiced(here.site) == Decimal("264.00")


moves = st.lists(st.tuples(st.integers(1, 12), st.integers(1, 15), st.booleans()), min_size=1, max_size=8)
boundaries = st.sampled_from(["2026-02-01", "2026-03-01", "2026-04-01", "2026-05-01"])


@settings(max_examples=60)
@given(moves, boundaries, st.integers(1, 31), st.booleans())
def test_every_seat_pays_for_its_days(
    moves: list[tuple[int, int, bool]], boundary: str, first: int, adopted: bool
) -> None:
    """Raised by the day and lowered with credits, whatever is invoiced when, the invoices add up to seats x days.

    `moves`: days until the next change, the count from then on, and whether somebody made an invoice that morning.
    A line that is caught up on is invoiced before its next period begins: later, no reader of lines could tell.
    """
    march = date(2026, 3, first)
    here = desk(office(today=march, next_invoice=boundary), march, credits="negative-quantity")
    begins = here.agreement.next_invoice if adopted else here.today  # the first day that is not paid for
    if adopted:
        here.adopt(6, effective="2026-01-01")
    else:
        here.add(6)
    used = {here.today: 6}
    caught_up = adopted or here.today >= here.agreement.next_invoice
    for days, count, invoices in moves:
        _to_day(here, here.today + timedelta(days))
        if invoices or (not caught_up and here.today >= here.agreement.next_invoice):
            here.site.invoice(AGREEMENT)
            caught_up = True
        here.fold()
        here.set(count, decrease=Decrease.CREDIT)
        assert here.holding.quantity == count
        used[here.today] = count
    here.site.invoice(AGREEMENT, here.today)
    here.site.invoice(AGREEMENT)  # what was written last is caught up on here
    assert _billed(here) == _owed(used, begins, here.agreement.next_invoice)


def _to_day(here: Desk, today: date) -> None:
    here.today = today
    here.site.clock.advance(days=(today - here.site.clock.today()).days)


def _billed(here: Desk) -> Fraction:
    invoices = here.site.invoices(AGREEMENT)
    return sum((charge.amount for invoice in invoices for charge in invoice.charges), Fraction(0))


def _owed(used: dict[date, int], begins: date, end: date) -> Fraction:
    """Day by day, the count that stood, at the price of a day of its month; before `begins` six are paid for."""
    grid = Grid(date(2026, 1, 1), 1)
    first, count, total = min(used), 6, Fraction(0)
    for number in range(min(first, begins).toordinal(), end.toordinal()):
        today = date.fromordinal(number)
        count = used.get(today, count)
        total += PRICE * (count - (6 if today < begins else 0)) / grid.containing(today).days
    return total
