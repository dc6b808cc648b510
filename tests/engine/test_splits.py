"""Splits, merges and moves from the mapping file to the invoice: each seat once, to the cent."""

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from agent.domain.findings import Code
from tests.engine.firm import Firm
from tests.sources.office import SPB


@pytest.fixture
def firm(tmp_path: Path) -> Iterator[Firm]:
    """Ten people with Business Premium: six in Sales, four in Support."""
    made = Firm(tmp_path)
    made.tenant.add_subscription("SPB", 10, id="aaaaaaaa-0000-4000-8000-000000000001")
    for number in range(10):
        department = "Sales" if number < 6 else "Support"
        made.tenant.add_user(f"u{number}@contoso.com", f"User {number}", ["SPB"], department=department)
    yield made
    made.cycle.store.dispose()


WHOLE = '[[row]]\nlicence = "SPB"\nprofile = "bp"\nagreement = 1021\nadopt = true\n'
SALES = '[[row]]\nlicence = "SPB"\nusers = { department = "Sales" }\nprofile = "bp"\nagreement = 1021\nname = "sales"\n'
SUPPORT = '[[row]]\nlicence = "SPB"\nusers = { department = "Support" }\nprofile = "bp"\nagreement = 1022\n'


def test_split_by_department_within_an_invoiced_month(firm: Firm) -> None:
    """March is paid for ten; split on the 17th, the old line ends with March and 6 + 4 begin in April.

    April: 10 x 22.00 = 220.00 over both agreements, and so is May.
    """
    firm.agree(1021, 1022)
    firm.sell(1021, "BP", 10)
    firm.map(WHOLE)
    firm.settle()
    firm.map(SALES + SUPPORT)
    firm.settle()
    assert firm.lines(1021) == [("BP", 6, "2026-04-01", ""), ("BP", 10, "2025-01-01", "2026-03-31")]
    assert firm.lines(1022) == [("BP", 4, "2026-04-01", "")]
    assert firm.invoice(1021, 1022) == Decimal("220.00")
    assert firm.invoice(1021, 1022) == Decimal("220.00")


def test_merged_again_before_the_split_began(firm: Firm) -> None:
    """Split on the 17th and merged on the 20th: the two lines that were to begin in April bill nothing, ten go on."""
    firm.agree(1021, 1022)
    firm.sell(1021, "BP", 10)
    firm.map(WHOLE)
    firm.settle()
    firm.map(SALES + SUPPORT)
    firm.settle()
    firm.move_to("2026-03-20")
    firm.map(WHOLE)
    firm.settle()
    assert ("BP", 10, "2026-04-01", "") in firm.lines(1021)
    assert firm.invoice(1021, 1022) == Decimal("220.00")


def test_merged_a_month_later(firm: Firm) -> None:
    """Split on 17 March, merged on 10 April, when April is invoiced: every month bills ten."""
    firm.agree(1021, 1022)
    firm.sell(1021, "BP", 10)
    firm.map(WHOLE)
    firm.settle()
    firm.map(SALES + SUPPORT)
    firm.settle()
    assert firm.invoice(1021, 1022) == Decimal("220.00")
    firm.move_to("2026-04-10")
    firm.run()
    firm.map(WHOLE)
    firm.settle()
    assert firm.lines(1022) == [("BP", 4, "2026-04-01", "2026-04-30")]
    assert firm.invoice(1021, 1022) == Decimal("220.00")


def test_two_more_on_the_day_of_the_split(firm: Firm) -> None:
    """March is paid for ten, and twelve are used from the 17th: 2 x 22.00 x 15/31 = 21.29 beside April's 264.00."""
    firm.agree(1021, 1022)
    firm.sell(1021, "BP", 10)
    firm.map(WHOLE)
    firm.settle()
    firm.tenant.buy("SPB", 2)
    for number in (11, 12):
        firm.tenant.add_user(f"u{number}@contoso.com", f"User {number}", ["SPB"], department="Support")
    firm.map(SALES + SUPPORT)
    firm.settle()
    assert firm.invoice(1021, 1022) == Decimal("264.00") + Decimal("21.29")
    assert firm.invoice(1021, 1022) == Decimal("264.00")


def test_one_more_after_the_split(firm: Firm) -> None:
    """Split on the 17th; on the 25th Support gets one more, whom no line carries: 22.00 x 7/31 = 4.97 beside 242.00."""
    firm.agree(1021, 1022)
    firm.sell(1021, "BP", 10)
    firm.map(WHOLE)
    firm.settle()
    firm.map(SALES + SUPPORT)
    firm.settle()
    firm.move_to("2026-03-25")
    firm.tenant.buy("SPB", 1)
    firm.tenant.add_user("u11@contoso.com", "User 11", ["SPB"], department="Support")
    firm.settle()
    assert firm.invoice(1021, 1022) == Decimal("242.00") + Decimal("4.97")
    assert firm.invoice(1021, 1022) == Decimal("242.00")


def test_split_in_a_month_that_is_not_invoiced(firm: Firm) -> None:
    """In arrears the old line ends on the 16th, the new ones begin on the 17th; approved on the 20th, the days stay.

    March: 10 x 22.00 x 16/31 = 113.55, 6 x 22.00 x 15/31 = 63.87, 4 x 22.00 x 15/31 = 42.58: 220.00 together.
    """
    firm.agree(1021, 1022, next_invoice="2026-03-01")
    firm.sell(1021, "BP", 10)
    firm.map(WHOLE)
    firm.settle()
    firm.map(SALES + SUPPORT)
    firm.run()
    firm.move_to("2026-03-20")
    firm.settle()
    assert firm.lines(1021) == [("BP", 6, "2026-03-17", ""), ("BP", 10, "2025-01-01", "2026-03-16")]
    assert firm.lines(1022) == [("BP", 4, "2026-03-17", "")]
    assert firm.invoice(1021, 1022) == Decimal("113.55") + Decimal("63.87") + Decimal("42.58")


def test_merge_into_a_row_that_stands(firm: Firm) -> None:
    """Support's row is widened to Sales, whose row is removed: its six seats of March are paid, so nothing is added."""
    firm.agree(1021, 1022)
    firm.sell(1021, "BP", 6)
    firm.sell(1022, "BP", 4)
    firm.map((SALES + SUPPORT).replace('agreement', 'adopt = true\nagreement'))
    firm.settle()
    firm.map(SUPPORT.replace('"Support"', '["Support", "Sales"]'))
    firm.settle()
    assert firm.lines(1022) == [("BP", 10, "2025-01-01", "")]
    assert firm.invoice(1021, 1022) == Decimal("220.00")


def test_merge_into_a_row_in_arrears(firm: Firm) -> None:
    """1021 has invoiced March, 1022 has not: Sales' six are added to 1022 from April on, after March's 88.00."""
    firm.agree(1021)
    firm.agree(1022, next_invoice="2026-03-01")
    firm.sell(1021, "BP", 6)
    firm.sell(1022, "BP", 4)
    firm.map((SALES + SUPPORT).replace('agreement', 'adopt = true\nagreement'))
    firm.settle()
    firm.map(SUPPORT.replace('"Support"', '["Support", "Sales"]'))
    firm.settle()
    assert firm.invoice(1022) == Decimal("88.00")
    firm.move_to("2026-04-02")
    firm.settle()
    assert firm.invoice(1021, 1022) == Decimal("220.00")


def test_move_to_an_agreement_that_is_invoiced(firm: Firm) -> None:
    """From arrears to advance on the 17th: March is 10 x 22.00 x 16/31 = 113.55 on the one, the other catches up on
    10 x 22.00 x 15/31 = 106.45 with April's 220.00."""
    firm.agree(1021, next_invoice="2026-03-01")
    firm.agree(1022)
    firm.sell(1021, "BP", 10)
    firm.map(WHOLE)
    firm.settle()
    firm.map(WHOLE.replace("1021", "1022").replace("adopt = true\n", ""))
    firm.settle()
    assert firm.invoice(1021) == Decimal("113.55")
    assert firm.invoice(1022) == Decimal("106.45") + Decimal("220.00")


def test_move_to_another_company(firm: Firm) -> None:
    """Company 251 begins where company 250 ends, and not before its end is written."""
    firm.agree(1021, 1031)
    firm.sell(1021, "BP", 10)
    firm.map(WHOLE)
    firm.settle()
    firm.map("")
    firm.map(WHOLE.replace("1021", "1031").replace("adopt = true\n", ""), company=251)
    firm.run()
    (waits,) = firm.found(Code.UNDER_BILLED)
    assert "on agreement 1021, which no row wants any more, still bills these seats" in waits.finding.remedy
    assert firm.lines(1031) == []
    firm.settle()
    assert firm.lines(1021) == [("BP", 10, "2025-01-01", "2026-03-31")]
    assert firm.lines(1031) == [("BP", 10, "2026-04-01", "")]
    assert firm.invoice(1021, 1031) == Decimal("220.00")


def test_whole_months_are_handed_over_whole(firm: Firm) -> None:
    """Nothing is prorated, and March is not invoiced: the old line keeps March, the new ones have April."""
    firm.agree(1021, 1022, next_invoice="2026-03-01", prorates=False)
    firm.sell(1021, "BP", 10)
    firm.map(WHOLE)
    firm.settle()
    firm.map(SALES + SUPPORT)
    firm.settle()
    assert firm.invoice(1021, 1022) == Decimal("220.00")
    firm.move_to("2026-04-02")
    firm.settle()
    assert firm.invoice(1021, 1022) == Decimal("220.00")
    assert firm.lines(1022) == [("BP", 4, "2026-04-01", "")]


def test_neither_half_is_written_alone(firm: Firm) -> None:
    """A new line that is approved waits for the end of the old one; an end that is approved leaves no gap behind."""
    firm.agree(1021, 1022)
    firm.sell(1021, "BP", 10)
    firm.map(WHOLE)
    firm.settle()
    firm.map(SALES + SUPPORT)
    firm.run()
    holds = {hold.sentence: hold for hold in firm.cycle.store.holds()}
    (end,) = [sentence for sentence in holds if sentence.startswith("end ")]
    for sentence, hold in holds.items():
        if sentence != end:
            firm.approve(hold.digest)
    firm.run()
    assert len(firm.lines(1021)) == 1
    firm.approve(holds[end].digest)
    firm.run()
    assert firm.lines(1021) == [("BP", 6, "2026-04-01", ""), ("BP", 10, "2025-01-01", "2026-03-31")]
    assert firm.lines(1022) == [("BP", 4, "2026-04-01", "")]
