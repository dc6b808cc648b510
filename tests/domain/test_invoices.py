"""What invoices bill, from readings of an agreement: every day once, with the quantity of the day of the invoice."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

from agent.domain.agreements import Agreement, Billable, Line
from agent.domain.invoices import Invoice, Ledger, Made, by_line, due, units
from agent.domain.periods import Period
from agent.domain.proration import CONNECTWISE
from agent.simulators.connectwise.billing import Billed, Cycle, Span
from agent.simulators.connectwise.billing import due as charged

MARCH, APRIL, MAY = (date(2026, month, 1) for month in (3, 4, 5))
NOON = datetime(2026, 3, 5, 12, tzinfo=UTC)
AGREEMENT = Agreement(1021, 250, "Managed", 1, "Monthly", True, date(2025, 1, 1), APRIL)


def line(quantity: int, start: date, end: date | None = None, id: int = 1, included: int = 0) -> Line:
    numbers = Decimal(quantity), Decimal(included), Decimal("22.00")
    return Line(id, 1021, 7, "M365-BP-M", *numbers, Billable.BILLABLE, start, end, "")


def ledger(*lines: Line, agreement: Agreement = AGREEMENT) -> Ledger:
    begun = Ledger(CONNECTWISE)
    begun.read(agreement, lines, NOON)
    return begun


def invoiced(books: Ledger, next_invoice: date, *lines: Line, prorates: bool = True) -> Invoice:
    books.read(replace(AGREEMENT, next_invoice=next_invoice, prorates=prorates), lines, NOON)
    return books.invoices[-1]


def total(invoice: Invoice) -> str:
    return str(invoice.total("USD"))


def test_raise_within_an_invoiced_month_is_billed_with_the_next() -> None:
    """22.00 a month and one more from 15 March: April bills 44.00, and 22.00 x 17/31 for March."""
    books = ledger(line(1, MARCH))
    more = line(1, date(2026, 3, 15), APRIL, id=2)
    april = invoiced(books, MAY, line(2, MARCH), more)

    assert total(april) == "56.06 USD"
    assert [(i.line.id, i.days.days, i.period.days) for i in april.items] == [(1, 30, 30), (2, 17, 31)]


def test_line_that_began_mid_month_is_caught_up_on() -> None:
    """34.06 = 22.00 + 22.00 x 17/31: the published figure, as one printed line."""
    april = invoiced(ledger(), MAY, line(1, date(2026, 3, 15)))

    assert total(april) == "34.06 USD"


def test_whole_periods_know_no_days() -> None:
    """Without proration a line that ends within a month costs a month, and what was missed nothing."""
    whole = replace(AGREEMENT, prorates=False)
    books = ledger(agreement=whole)

    april = invoiced(books, MAY, line(1, date(2026, 3, 15), date(2026, 4, 10)), prorates=False)

    assert total(april) == "22.00 USD"


def test_line_that_ended_unbilled_is_charged_once() -> None:
    """15 to 20 March on an agreement without proration, first seen after March's invoice."""
    books = ledger(agreement=replace(AGREEMENT, prorates=False))
    once = line(1, date(2026, 3, 15), date(2026, 3, 21))

    assert total(invoiced(books, MAY, once, prorates=False)) == "22.00 USD"
    assert total(invoiced(books, date(2026, 6, 1), once, prorates=False)) == "0.00 USD"


def test_first_reading_tells_what_the_last_invoice_was_taken_to_bill() -> None:
    """March was invoiced before anybody looked: 10 seats, as the first read shows; nothing of it is billed again."""
    books = ledger(line(10, date(2025, 6, 1)))
    [march] = books.on(date(2026, 3, 20))

    assert (march.made, march.period, total(march)) == (Made.ASSUMED, Period(MARCH, APRIL), "220.00 USD")
    assert total(invoiced(books, MAY, line(10, date(2025, 6, 1)))) == "220.00 USD"


def test_assumed_invoices_bill_their_own_period() -> None:
    """Whatever they caught up on is not known: March bills March of a line from June on."""
    [march] = ledger(line(10, date(2025, 6, 1))).invoices

    assert total(march) == "220.00 USD"


def test_seen_invoice_says_which_read_saw_it() -> None:
    """April's was there at noon; of what is assumed, or to come, no read tells."""
    books = ledger(line(1, MARCH))
    invoiced(books, MAY, line(1, MARCH))

    assert [invoice.by for invoice in books.invoices] == [None, NOON]
    assert [invoice.by for invoice in books.on(APRIL)] == [NOON]
    assert [invoice.by for invoice in books.on(MAY)] == [None]


def test_each_line_is_rounded_once() -> None:
    """5.00 x (12/31 + 10/30) = 3.6022, so 3.60 a line: not 1.94 + 1.67, and three lines 10.80, not 10.81."""
    days = date(2026, 3, 20), date(2026, 4, 11)
    lines = [replace(line(1, *days, id=n), price=Decimal("5.00")) for n in (1, 2, 3)]

    april = invoiced(ledger(), MAY, *lines)

    assert total(april) == "10.80 USD"
    assert (str(april.of({2}).total("USD")), april.of({2}).by) == ("3.60 USD", NOON)
    assert {number: len(items) for number, items in by_line(april.items).items()} == {1: 2, 2: 2, 3: 2}


def test_line_without_a_price_leaves_the_total_open() -> None:
    """A sum without it would look like one."""
    april = invoiced(ledger(), MAY, line(1, MARCH), replace(line(1, MARCH, id=2), price=None))

    assert april.total("USD") is None


def test_more_included_than_there_is_bills_nothing() -> None:
    """2 with 5 included are 0, not -3; a credit of 3 is -3 whatever is included."""
    assert [units(line(n, MARCH, included=5)) for n in (2, 7, -3)] == [0, 2, -3]


def test_days_around_an_invoiced_stretch_are_charged() -> None:
    """10 to 19 March are paid: nine days before, twelve after, and April."""
    paid = [Period(date(2026, 3, 10), date(2026, 3, 20))]

    parts = due(AGREEMENT, CONNECTWISE, Period(APRIL, MAY), MARCH, None, paid)

    assert [str(part.days) for part in parts] == [
        "2026-03-01 to 2026-03-09",
        "2026-03-20 to 2026-03-31",
        "2026-04-01 to 2026-04-30",
    ]


def test_line_that_ended_with_march_costs_march() -> None:
    """Without proration, 15 to 31 March unbilled: April's invoice charges it for March, and not for April."""
    whole = replace(AGREEMENT, prorates=False)

    [part] = due(whole, CONNECTWISE, Period(APRIL, MAY), date(2026, 3, 15), APRIL, [])

    assert (part.period, part.share) == (Period(MARCH, APRIL), 1)


def test_day_that_no_invoice_has_billed_is_told_from_the_next() -> None:
    """A difference line of 17 to 31 March, written on the 17th: 2 x 22.00 x 15/31 = 21.29 in April."""
    books = ledger(line(10, MARCH))
    books.read(AGREEMENT, [line(12, MARCH), line(2, date(2026, 3, 17), APRIL, id=2)], NOON)

    march, april = books.on(date(2026, 3, 20))

    assert [total(march), march.made, total(april), april.made] == ["220.00 USD", "assumed", "21.29 USD", "next"]


def test_invoice_that_was_undone_is_made_anew() -> None:
    """April was billed with 10; the invoice is deleted, the line corrected to 12, and April billed again."""
    books = ledger(line(10, MARCH))
    invoiced(books, MAY, line(10, MARCH))
    books.read(AGREEMENT, [line(12, MARCH)], NOON)
    again = invoiced(books, MAY, line(12, MARCH))

    assert total(again) == "264.00 USD"
    assert [str(i.period.start) for i in books.invoices] == ["2026-03-01", "2026-04-01"]


def test_what_is_included_or_not_billed_costs_nothing() -> None:
    """12 with 2 included are 10; a line that is not to be billed is printed at nothing."""
    free = replace(line(5, MARCH, id=2), billable=Billable.NO_CHARGE)

    assert total(invoiced(ledger(), MAY, line(12, APRIL, included=2), free)) == "220.00 USD"


def test_ledger_agrees_with_the_simulated_psa() -> None:
    """A second program's opinion, over lines that begin and end on every third day of a quarter."""
    days = [date.fromordinal(MARCH.toordinal() + n) for n in range(0, 90, 3)]
    cycle = Cycle(MARCH, "Monthly")
    for prorates in (True, False):
        for start in days:
            for end in [*(d for d in days if d > start), None]:
                books = ledger(agreement=replace(AGREEMENT, prorates=prorates))
                april = invoiced(books, MAY, line(3, start, end), prorates=prorates)
                theirs = Billed(1, Span(start, end or date.max), Decimal(3), Decimal("22.00"))
                charges = charged(theirs, Span(APRIL, MAY), cycle, prorates, [])
                assert sum(i.amount or 0 for i in april.items) == sum(c.amount for c in charges), (prorates, start, end)
