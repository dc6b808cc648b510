"""Each row of the table in docs/billing.md as an example: what stands in ConnectWise, and what it invoices for it.

Unless said otherwise: monthly, billed in advance on the 1st at 22.00 a seat, ten seats, March 2026 invoiced.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from tests.billing.deal import Deal
from tests.billing.site import Site

FIRST = date(2026, 1, 1)


def site(today: str = "03-17", next_invoice: str = "04-01", paid: int = 10, **deal: Any) -> Site:
    """It has been looked at on the day before."""
    here = Site(Deal(anchor=FIRST, **deal), day(today), day(next_invoice), paid)
    here.goes_to(here.clock.now() - timedelta(days=1))
    here.cycle()
    here.goes_to(here.clock.now() + timedelta(days=1))
    return here


def day(text: str) -> date:
    return date.fromisoformat(f"2026-{text}")


def sees(here: Site, seats: int, on: str = "", hour: int = 9, answered: bool = False) -> list[str]:
    """The tenant has so many seats, and two cycles see it; what stands in ConnectWise then."""
    when = day(on) if on else here.clock.today()
    at = datetime(when.year, when.month, when.day, hour, tzinfo=UTC)
    here.tenant.sets(seats, when)
    for minutes in (0, 2, 4):
        here.goes_to(max(at, here.clock.now()) + timedelta(minutes=minutes))
        here.cycle()
        if answered:
            here.answers()
    return here.lines


def invoice(here: Site) -> Decimal:
    """The total of the next invoice; the agent looks afterwards."""
    (made,) = here.invoice()
    here.goes_to(here.clock.now() + timedelta(hours=1))
    here.cycle()
    return made.total


def test_a_new_line() -> None:
    """Ten from 17 March on, March invoiced: 220.00 x 15/31 = 106.45 and April's 220.00."""
    here = site(paid=0)
    assert sees(here, 10) == ["10 from 2026-03-17"]
    assert invoice(here) == Decimal("106.45") + Decimal("220.00")


def test_a_new_line_where_nothing_prorates() -> None:
    """Ten from the next invoice on: 220.00."""
    here = site(paid=0, prorates=False)
    assert sees(here, 10) == ["10 from 2026-04-01"]
    assert invoice(here) == Decimal("220.00")


def test_a_new_line_in_an_open_month_where_nothing_prorates() -> None:
    """March is not invoiced: ten from its first day, 220.00."""
    here = site(paid=0, prorates=False, next_invoice="03-01")
    assert sees(here, 10) == ["10 from 2026-03-01"]
    assert invoice(here) == Decimal("220.00")


def test_start_on_in_the_past() -> None:
    """Mapped on 17 March with start-on 5 March, March invoiced: 220.00 x 27/31 = 191.61 and April's 220.00."""
    here = Site(Deal(anchor=FIRST, start_on=day("03-05")), day("03-17"), day("04-01"))
    assert sees(here, 10) == ["10 from 2026-03-05"]
    assert invoice(here) == Decimal("191.61") + Decimal("220.00")


def test_start_on_is_no_date_for_seats_that_come_later() -> None:
    """The row has stood since January with start-on 5 January; ten seats come on 17 March: from there."""
    here = site(paid=0, start_on=day("01-05"))
    assert sees(here, 10) == ["10 from 2026-03-17"]


def test_start_on_in_the_future() -> None:
    """Cut-over on 10 April: nothing for March, and 220.00 x 21/30 = 154.00 for April."""
    here = Site(Deal(anchor=FIRST, start_on=day("04-10")), day("03-17"), day("04-01"))
    assert sees(here, 10) == ["10 from 2026-04-10"]
    assert invoice(here) == Decimal("154.00")


def test_a_new_line_that_waited() -> None:
    """Ten seen on the 5th, two more on the 8th, approved on the 10th: 10 x 22 x 27/31 + 2 x 22 x 24/31 for March."""
    here = site("03-05", paid=0, free=4)
    sees(here, 10)
    sees(here, 12, "03-08")
    assert sees(here, 12, "03-10", answered=True) == ["10 from 2026-03-05", "2 from 2026-03-08"]
    assert invoice(here) == Decimal("191.61") + Decimal("34.06") + Decimal("264.00")


def test_two_more_on_17_march() -> None:
    """Two for 15 of 31 days: 2 x 22.00 x 15/31 = 21.29 beside April's 12 x 22.00 = 264.00."""
    here = site()
    assert sees(here, 12) == ["12 from 2000-01-01", "2 from 2026-03-17 to 2026-03-31"]
    assert invoice(here) == Decimal("21.29") + Decimal("264.00")
    assert invoice(here) == Decimal("264.00")


def test_a_month_further_in_advance() -> None:
    """April is invoiced too: 2 x 22.00 x 15/31 + 2 x 22.00 = 65.29 beside May's 264.00."""
    here = site(next_invoice="05-01")
    assert sees(here, 12) == ["12 from 2000-01-01", "2 from 2026-03-17 to 2026-04-30"]
    assert invoice(here) == Decimal("65.29") + Decimal("264.00")


def test_one_more_from_15_march() -> None:
    """22.00 + 22.00 x 17/31 = 34.06 is what the eleventh seat costs on April's invoice."""
    here = site("03-15")
    sees(here, 11)
    assert invoice(here) - 10 * 22 == Decimal("34.06")


def test_more_seats_in_an_open_month_and_the_fold() -> None:
    """March is not invoiced: an open line of two, 220.00 + 21.29; then the base has all twelve."""
    here = site(next_invoice="03-01")
    assert sees(here, 12) == ["10 from 2000-01-01", "2 from 2026-03-17"]
    assert invoice(here) == Decimal("220.00") + Decimal("21.29")
    assert here.lines == ["12 from 2000-01-01", "2 from 2026-03-17 to 2026-03-31"]
    assert invoice(here) == Decimal("264.00")


def test_more_seats_where_nothing_prorates() -> None:
    """Twelve count from the next invoice on: 264.00, and nothing for March."""
    here = site(prorates=False)
    assert sees(here, 12) == ["12 from 2000-01-01"]
    assert invoice(here) == Decimal("264.00")


def test_more_seats_from_the_next_period() -> None:
    """March is open: wait. It is invoiced at 220.00; then the base moves, and April is 264.00."""
    here = site(next_invoice="03-01", increase="next-period")
    assert sees(here, 12) == ["10 from 2000-01-01"]
    assert invoice(here) == Decimal("220.00")
    assert here.lines == ["12 from 2000-01-01"]
    assert invoice(here) == Decimal("264.00")


def test_more_seats_at_the_full_price() -> None:
    """The open March is billed in full for all twelve: 264.00."""
    here = site(next_invoice="03-01", increase="full")
    assert sees(here, 12) == ["12 from 2000-01-01"]
    assert invoice(here) == Decimal("264.00")


def test_full_leaves_the_month_before_alone() -> None:
    """February is open as well: it stays at 220.00, and March is 264.00."""
    here = site(next_invoice="02-01", increase="full")
    assert sees(here, 12) == ["10 from 2000-01-01", "2 from 2026-03-01"]
    assert (invoice(here), invoice(here)) == (Decimal("220.00"), Decimal("264.00"))


def test_fewer_seats_now() -> None:
    """March is paid for and stays so; April is 8 x 22.00 = 176.00."""
    here = site()
    assert sees(here, 8) == ["8 from 2000-01-01"]
    assert invoice(here) == Decimal("176.00")


def test_fewer_seats_now_leave_the_month_before_alone() -> None:
    """February and March are open: February's two are owed, 220.00 in all, and March is 176.00."""
    here = site(next_invoice="02-01")
    assert sees(here, 8) == ["8 from 2000-01-01", "2 from 2026-02-01 to 2026-02-28"]
    assert (invoice(here), invoice(here)) == (Decimal("220.00"), Decimal("176.00"))


def test_those_who_came_last_leave_first() -> None:
    """Two came on the 10th of the open March and one leaves on the 17th: 220.00 + 22.00 x 22/31 = 235.61."""
    here = site("03-10", next_invoice="03-01")
    sees(here, 12)
    assert sees(here, 11, "03-17") == ["10 from 2000-01-01", "1 from 2026-03-10"]
    assert invoice(here) == Decimal("220.00") + Decimal("15.61")


def test_fewer_seats_from_the_next_period() -> None:
    """The open March is still billed for ten, 220.00; then the base moves, and April is 176.00."""
    here = site(next_invoice="03-01", decrease="next-period")
    assert sees(here, 8) == ["10 from 2000-01-01"]
    assert (invoice(here), invoice(here)) == (Decimal("220.00"), Decimal("176.00"))


def test_a_credit() -> None:
    """Two of ten leave: 8 x 22.00 - 2 x 22.00 x 15/31 = 176.00 - 21.29 on April's invoice."""
    here = site(decrease="credit", credits=True)
    assert sees(here, 8) == ["8 from 2000-01-01", "-2 from 2026-03-17 to 2026-03-31"]
    assert invoice(here) == Decimal("176.00") - Decimal("21.29")


def test_a_credit_gives_back_no_more_than_was_billed() -> None:
    """One is credited on the 10th; on the 17th another: 22 and 15 days, -15.61 and -10.65, and never a third time."""
    here = site("03-10", decrease="credit", credits=True)
    sees(here, 9)
    sees(here, 8, "03-17")
    assert invoice(here) == Decimal("176.00") - Decimal("15.61") - Decimal("10.65")


def test_a_credit_in_an_open_month_is_the_days_of_use() -> None:
    """Two were used on 16 days of the open March: 176.00 + 2 x 22.00 x 16/31 = 176.00 + 22.71."""
    here = site(next_invoice="03-01", decrease="credit", credits=True)
    assert sees(here, 8) == ["8 from 2000-01-01", "2 from 2026-03-01 to 2026-03-16"]
    assert invoice(here) == Decimal("176.00") + Decimal("22.71")


def test_a_credit_is_refused_where_nothing_prorates() -> None:
    """The line stays, and so does the bill, until a person decides."""
    here = site(decrease="credit", credits=True, prorates=False)
    assert sees(here, 8) == ["10 from 2000-01-01"]


def test_nothing_left() -> None:
    """A person approves; March is paid for, and April has nothing."""
    here = site()
    assert sees(here, 0, answered=True) == ["10 from 2000-01-01 to 2026-03-31"]
    assert invoice(here) == 0


def test_nothing_left_in_an_open_month() -> None:
    """Ten for 16 days of the open March: 220.00 x 16/31 = 113.55."""
    here = site(next_invoice="03-01")
    assert sees(here, 0, answered=True) == ["10 from 2000-01-01 to 2026-03-16"]
    assert invoice(here) == Decimal("113.55")


def test_nothing_left_in_an_open_month_where_nothing_prorates() -> None:
    """A line that ended in March would be billed for all of it: it ends with February."""
    here = site(next_invoice="03-01", prorates=False)
    assert sees(here, 0, answered=True) == ["10 from 2000-01-01 to 2026-02-28"]
    assert invoice(here) == 0


def test_nothing_left_but_the_line() -> None:
    """at-zero = "zero" in the open March: nothing is billed for it, and the line stays for those who come back."""
    here = site(next_invoice="03-01", at_zero="zero")
    assert sees(here, 0, answered=True) == ["0 from 2000-01-01"]
    assert invoice(here) == 0


def test_leaving_and_coming_back() -> None:
    """March is paid at ten: 8 on the 5th, 10 on the 10th cost nothing; 12 on the 20th cost two for 12 days, 17.03."""
    here = site("03-05")
    sees(here, 8)
    assert sees(here, 10, "03-10") == ["10 from 2000-01-01"]
    assert sees(here, 12, "03-20") == ["12 from 2000-01-01", "2 from 2026-03-20 to 2026-03-31"]
    assert invoice(here) == Decimal("264.00") + Decimal("17.03")


def test_the_last_reading_of_a_day_counts() -> None:
    """Twelve in the morning, eleven in the afternoon: the difference line bills one, 22.00 x 15/31 = 10.65."""
    here = site()
    sees(here, 12)
    assert sees(here, 11, hour=14) == ["11 from 2000-01-01", "1 from 2026-03-17 to 2026-03-31"]
    assert invoice(here) == Decimal("242.00") + Decimal("10.65")


def test_up_and_down_again_on_one_day() -> None:
    """Nobody was there when the day ended: April is 220.00."""
    here = site()
    sees(here, 12)
    sees(here, 10, hour=14)
    assert invoice(here) == Decimal("220.00")


def test_what_waits_keeps_the_day_of_each_seat() -> None:
    """15 on the 5th and 21 on the 8th wait: 5 x 22 x 27/31 = 95.81 and 6 x 22 x 24/31 = 102.19, then 462.00."""
    here = site("03-05", free=4)
    sees(here, 15)
    sees(here, 21, "03-08")
    assert sees(here, 21, "03-10", answered=True) == [
        "21 from 2000-01-01",
        "5 from 2026-03-05 to 2026-03-31",
        "6 from 2026-03-08 to 2026-03-31",
    ]
    assert invoice(here) == Decimal("95.81") + Decimal("102.19") + Decimal("462.00")


def test_the_daemon_was_down_over_the_end_of_the_month() -> None:
    """Two more at some time after 27 March, seen on 3 April, which is invoiced: 2 x 22.00 x 28/30 = 41.07."""
    here = site("03-27")
    here.invoice()
    assert sees(here, 12, "04-03") == ["12 from 2000-01-01", "2 from 2026-04-03 to 2026-04-30"]
    assert invoice(here) == Decimal("264.00") + Decimal("41.07")


def test_days_that_the_source_proves() -> None:
    """Two bought on the 18th, three on the 20th, seen on the 22nd: 2 x 14/31 and 3 x 12/31 of 22.00."""
    here = site(dated=True)
    here.tenant.sets(12, day("03-18"))
    here.tenant.sets(15, day("03-20"))
    assert sees(here, 15, "03-22") == [
        "15 from 2000-01-01",
        "2 from 2026-03-18 to 2026-03-31",
        "3 from 2026-03-20 to 2026-03-31",
    ]
    assert invoice(here) == Decimal("330.00") + Decimal("19.87") + Decimal("25.55")


def test_a_year_with_two_more_in_the_middle() -> None:
    """Annual, 120.00 a seat, invoiced to 31 December: 2 x 120.00 x 290/365 = 190.68 with next year's 1440.00."""
    here = Site(Deal(anchor=FIRST, months=12, price=Decimal("120.00")), day("03-16"), date(2027, 1, 1), 10)
    here.cycle()
    assert sees(here, 12, "03-17") == ["12 from 2000-01-01", "2 from 2026-03-17 to 2026-12-31"]
    assert invoice(here) == Decimal("190.68") + Decimal("1440.00")


def test_an_agreement_that_is_renewed_late() -> None:
    """Expired from 10 to 20 March; two more on the 12th are billed from the 12th: 2 x 22.00 x 20/31 = 28.39."""
    here = site("03-10")
    here.status("Expired")
    assert sees(here, 12, "03-12") == ["10 from 2000-01-01"]
    here.status("Active")
    assert sees(here, 12, "03-20") == ["12 from 2000-01-01", "2 from 2026-03-12 to 2026-03-31"]
    assert invoice(here) == Decimal("264.00") + Decimal("28.39")


def undone(here: Site) -> list[str]:
    """The last invoice is deleted, and the agent looks twice before it is made again."""
    here.undo()
    return sees(here, here.tenant.seats)


def test_an_invoice_made_again_bills_no_later_seat_twice() -> None:
    """April billed ten; two more from the 10th: 2 x 22.00 x 21/30 = 30.80 beside April's 220.00, also made again."""
    here = site("03-31")
    assert invoice(here) == Decimal("220.00")
    assert sees(here, 12, "04-10") == ["12 from 2000-01-01", "2 from 2026-04-10 to 2026-04-30"]
    assert undone(here) == ["10 from 2000-01-01", "2 from 2026-04-10 to 2026-04-30", "2 from 2026-05-01"]
    assert invoice(here) == Decimal("220.00") + Decimal("30.80")
    assert invoice(here) == Decimal("264.00")
    assert here.lines[::2] == ["12 from 2000-01-01", "2 from 2026-05-01 to 2026-05-31"]


def test_an_invoice_made_again_bills_those_who_left_since() -> None:
    """April billed ten, two leave on the 10th: eight on the line and two for April beside it, 220.00 once more."""
    here = site("03-31")
    invoice(here)
    sees(here, 8, "04-10")
    assert undone(here) == ["8 from 2000-01-01", "2 from 2026-04-01 to 2026-04-30"]
    assert (invoice(here), invoice(here)) == (Decimal("220.00"), Decimal("176.00"))


def test_seats_that_come_back_to_an_invoice_made_again_are_paid() -> None:
    """April is paid at ten, be it in two lines: two who are back on the 20th cost nothing, one more 22.00 x 11/30."""
    here = site("03-31")
    invoice(here)
    sees(here, 8, "04-10")
    undone(here)
    invoice(here)
    sees(here, 11, "04-20")
    assert invoice(here) == Decimal("242.00") + Decimal("8.07")


def test_what_changes_before_the_invoice_is_made_again_waits() -> None:
    """Three more on the 15th are billed from the 15th, 3 x 22.00 x 16/30 = 35.20, once April is made again."""
    here = site("03-31")
    invoice(here)
    undone(here)
    assert sees(here, 13, "04-15") == ["10 from 2000-01-01"]
    assert invoice(here) == Decimal("220.00")
    assert here.lines == ["13 from 2000-01-01", "3 from 2026-04-15 to 2026-04-30"]
    assert invoice(here) == Decimal("286.00") + Decimal("35.20")


def test_an_invoice_made_again_where_nothing_prorates() -> None:
    """Twelve count from May on: April is 220.00 also when it is made again, and May 264.00."""
    here = site("03-31", prorates=False)
    invoice(here)
    sees(here, 12, "04-10")
    assert undone(here) == ["10 from 2000-01-01", "2 from 2026-05-01"]
    assert (invoice(here), invoice(here)) == (Decimal("220.00"), Decimal("264.00"))


def test_an_invoice_made_again_together_with_the_next_one() -> None:
    """April and May in one go: 220.00 and 30.80 for April, and May with all twelve."""
    here = site("03-31")
    invoice(here)
    sees(here, 12, "04-10")
    undone(here)
    april, may = here.invoice()[0], here.invoice()[0]
    assert (april.total, may.total) == (Decimal("250.80"), Decimal("264.00"))
