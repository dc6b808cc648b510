"""What was corrected, told by the lines before and after: every number as a person would work it out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from fractions import Fraction

import pytest

from agent.domain.agreements import Agreement, Billable, Line
from agent.domain.changes import Write
from agent.domain.corrections import Correction, Known, Sent, corrections
from agent.domain.keys import LineKey, Role
from agent.domain.ownership import picture
from agent.domain.proration import CONNECTWISE

MARCH, APRIL, MAY = (date(2026, month, 1) for month in (3, 4, 5))
KEY = LineKey("connectwise", 1021, "tenant", "sku", "", "", "M365")
# Billed in advance on the 1st; March is invoiced.
AGREEMENT = Agreement(1021, 250, "Managed", 1, "Monthly", True, date(2025, 1, 1), APRIL)
BASE = Line(
    1, 1021, 7, "M365", Decimal(10), Decimal(0), Decimal("22.00"), Billable.BILLABLE, date(2025, 1, 1), None, "E3"
)


def patch(line: Line, key: LineKey = KEY, **after: str) -> Write:
    return Write(key, 1021, 250, "PATCH", "", "", "", picture(line), after, line=line.id)


def post(quantity: int, start: date, end: date | None, role: Role = Role.DELTA, **after: str) -> Write:
    days = {"start": start.isoformat()} | ({"end": end.isoformat()} if end else {})
    fields = {"quantity": str(quantity), "price": "22", "billable": "billable", **days, **after}
    mark = f"{role}-{start}"
    return Write(KEY.delta(mark, role), 1021, 250, "POST", "", "", "", {}, fields, mark=mark)


def told(
    *writes: Write,
    lines: Sequence[Line] = (BASE,),
    made: Mapping[str, Line] | None = None,
    unbilled: Mapping[int, date] | None = None,
    agreement: Agreement = AGREEMENT,
) -> list[Correction]:
    known = Known(lines, made or {}, unbilled or {})
    return [*corrections(KEY, [Sent(write, agreement) for write in writes], known, CONNECTWISE)]


def amounts(made: Correction) -> list[tuple[str, Fraction | None]]:
    return [(f"{one.units} {one.days}", one.amount) for one in made.once]


def test_more_seats_cost_their_days_once_and_the_whole_from_the_next_invoice() -> None:
    """12 instead of 10 from 17 March: 2 x 22.00 x 15/31 for March, 12 from April on."""
    [made] = told(post(2, date(2026, 3, 17), APRIL), patch(BASE, quantity="12"))
    assert (made.before.units, made.after.units, made.after.price) == (10, 12, Decimal("22.00"))
    assert (made.since, made.continues) == (date(2026, 3, 17), APRIL)
    assert amounts(made) == [("2 2026-03-17 to 2026-03-31", 2 * 22 * Fraction(15, 31))]
    assert (made.of_quantity, made.of_price) == (True, False)


def test_days_over_several_months_cost_each_month_by_itself() -> None:
    """April is invoiced too: 2 x 22.00 x (15/31 + 1)."""
    [made] = told(
        post(2, date(2026, 3, 17), MAY), patch(BASE, quantity="12"), agreement=replace(AGREEMENT, next_invoice=MAY)
    )
    assert amounts(made) == [("2 2026-03-17 to 2026-04-30", 2 * 22 * (Fraction(15, 31) + 1))]


def test_seats_in_a_month_that_is_not_invoiced_count_from_their_own_day() -> None:
    """In arrears an open difference line bills 15 days of March once, and whole months from April on."""
    [made] = told(post(2, date(2026, 3, 17), None), agreement=replace(AGREEMENT, next_invoice=MARCH))
    assert (made.after.units, made.since, made.continues) == (12, date(2026, 3, 17), APRIL)
    assert amounts(made) == [("2 2026-03-17 to 2026-03-31", 2 * 22 * Fraction(15, 31))]


def test_fewer_seats_without_a_credit_cost_less_from_the_next_invoice() -> None:
    """March was paid for ten and stays so."""
    [made] = told(patch(BASE, quantity="8"))
    assert (made.after.units, made.since, made.continues, made.once) == (8, APRIL, APRIL, ())


@pytest.mark.parametrize(("quantity", "price"), [(-2, "22"), (2, "-22")])
def test_credit_gives_back_whichever_way_the_site_takes_it(quantity: int, price: str) -> None:
    """-2 x 22.00 and 2 x -22.00 for 15 of March's 31 days are one credit."""
    credit = post(quantity, date(2026, 3, 17), APRIL, Role.CREDIT, price=price)
    [made] = told(credit, patch(BASE, quantity="8"))
    [one] = made.once
    assert (one.gives_back, one.amount) == (True, -2 * 22 * Fraction(15, 31))
    assert made.since == date(2026, 3, 17)


def test_line_that_ends_is_billed_up_to_its_last_day() -> None:
    """In arrears, ended with 16 March: of March only 10 x 22.00 x 16/31 are due, and nothing from then on."""
    end = patch(BASE, end="2026-03-17")
    [made] = told(end, agreement=replace(AGREEMENT, next_invoice=MARCH))
    assert (made.after.units, made.since, made.continues) == (0, date(2026, 3, 17), MARCH)
    assert amounts(made) == [("10 2026-03-01 to 2026-03-16", 10 * 22 * Fraction(16, 31))]


def test_price_is_told_apart_from_the_quantity() -> None:
    """10 at 24.00 instead of 22.00 is a correction of the price, and of nothing else."""
    [made] = told(patch(BASE, price="24"))
    assert (made.of_price, made.of_quantity) == (True, False)
    assert (made.before.price, made.after.price) == (Decimal("22.00"), Decimal(24))


def test_line_that_is_no_longer_billed_costs_nothing() -> None:
    """Units that are there and not charged have a price of nothing."""
    [made] = told(patch(BASE, billable="do-not-bill"))
    assert (made.of_price, made.after.price) == (True, 0)


def test_up_and_down_again_is_nothing() -> None:
    """Twelve for an hour: what was undone was never corrected."""
    more = replace(BASE, quantity=Decimal(12))
    assert told(patch(BASE, quantity="12"), patch(more, quantity="10")) == []


def test_taking_back_a_difference_line_takes_back_its_days() -> None:
    """2 from 17 March, then 1: what an invoice has not reached costs 1 x 22.00 x 15/31 in the end."""
    delta = Line(
        2, 1021, 7, "M365", Decimal(2), Decimal(0), Decimal(22), Billable.BILLABLE, date(2026, 3, 17), APRIL, ""
    )
    [made] = told(patch(delta, KEY.delta("d"), quantity="1"), lines=(BASE, delta), unbilled={2: APRIL})
    assert amounts(made) == [("-1 2026-03-17 to 2026-03-31", -22 * Fraction(15, 31))]


def test_folding_a_difference_line_moves_no_money() -> None:
    """Its invoice was made: it ends, the base takes its seats over, and the company has nothing to be told."""
    delta = Line(
        2, 1021, 7, "M365", Decimal(2), Decimal(0), Decimal(22), Billable.BILLABLE, date(2026, 3, 17), None, ""
    )
    ended = patch(delta, KEY.delta("d"), end="2026-04-01")
    assert told(ended, patch(BASE, quantity="12"), lines=(BASE, delta), unbilled={2: MARCH}) == []


def test_lines_set_for_an_invoice_that_is_made_again_are_no_correction() -> None:
    """It bills what it billed: the bounded line for days that were paid is nothing new."""
    assert told(post(2, date(2026, 3, 10), APRIL, Role.AGAIN)) == []


def test_each_invoice_has_corrections_of_its_own() -> None:
    """10 to 12 before April's invoice, 12 to 13 after it."""
    twelve = replace(BASE, quantity=Decimal(12))
    sent = [Sent(patch(BASE, quantity="12"), AGREEMENT)]
    sent += [Sent(patch(twelve, quantity="13"), replace(AGREEMENT, next_invoice=MAY))]
    first, second = corrections(KEY, sent, Known([BASE], {}, {}), CONNECTWISE)
    assert [(m.before.units, m.after.units, m.continues) for m in (first, second)] == [(10, 12, APRIL), (12, 13, MAY)]


def test_new_line_takes_its_price_from_where_it_was_first_read() -> None:
    """A request that names no price leaves it to the PSA; only the line itself tells."""
    asked = post(5, APRIL, None, Role.BASE)
    asked = replace(asked, after={name: text for name, text in asked.after.items() if name != "price"})
    seen = replace(BASE, id=9, quantity=Decimal(5), start=APRIL, price=Decimal("26.40"))
    [read] = told(asked, lines=(), made={asked.mark: seen})
    assert (read.before.units, read.after.units, read.after.price) == (0, 5, Decimal("26.40"))
    [unread] = told(asked, lines=())
    assert unread.after.price is None


def test_included_seats_are_not_billed() -> None:
    """12 with 2 included instead of 10 with none bill the same ten."""
    assert told(patch(BASE, quantity="12", included="2")) == []


def test_whole_months_have_no_parts() -> None:
    """An agreement that does not prorate charges nothing for days."""
    [made] = told(patch(BASE, quantity="12"), agreement=replace(AGREEMENT, prorates=False))
    assert (made.once, made.continues) == ((), APRIL)


def test_prorated_text_alone_is_no_correction() -> None:
    """Other names on the invoice, the same number of people."""
    assert told(patch(BASE, text="E3: anna")) == []
