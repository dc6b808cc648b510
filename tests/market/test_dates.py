"""From when on seats are billed: proration, credits, agreements that do not prorate, override start dates."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from agent.domain.mappings import Decrease, Increase
from tests.market.shop import Shop, profile, row, seats


def test_prorate_additions(tmp_path: Path) -> None:
    """Seats bought within an invoiced period get a line of their own for the rest of it, and count with the base after.

    10 -> 12 on 17 March, March invoiced: base 12, and 2 from 17 to 31 March. April's invoice is
    12 x 22.00 + 2 x 22.00 x 15/31 = 264.00 + 21.29.
    """
    shop = Shop(tmp_path, (row(),)).bills(10).sees(seats(12)).sync()
    assert shop.additions() == [(12, "2026-01-01", ""), (2, "2026-03-17", "2026-03-31")]
    assert shop.invoice() == Decimal("285.29")


def test_prorate_additions_billed_a_month_in_advance(tmp_path: Path) -> None:
    """With April invoiced as well, the two run from 17 March to 30 April: May has 2 x 22.00 x (15/31 + 1) beside it."""
    shop = Shop(tmp_path, (row(),), next_invoice="2026-05-01").bills(10).sees(seats(12)).sync()
    assert shop.additions() == [(12, "2026-01-01", ""), (2, "2026-03-17", "2026-04-30")]
    assert shop.invoice() == Decimal("264.00") + Decimal("65.29")


def test_prorated_price_of_one_unit(tmp_path: Path) -> None:
    """22.00 a month from 17 March on is 32.65 on April's invoice, 22.00 + 22.00 x 15/31, and 22.00 on May's."""
    shop = Shop(tmp_path, (row(),)).sees(seats(1)).sync()
    assert shop.invoice() == Decimal("32.65")
    assert shop.invoice() == Decimal("22.00")


def test_negative_prorate(tmp_path: Path) -> None:
    """`decrease = "credit"`: seats that left are credited by the day, as the site takes credits, and never by default.

    10 -> 8 on 17 March: April is 8 x 22.00 - 2 x 22.00 x 15/31 = 176.00 - 21.29.
    """
    crediting = profile(decrease=Decrease.CREDIT)
    shop = Shop(tmp_path, (row(profile=crediting),), credits="negative-quantity").bills(10).sees(seats(8)).sync()
    assert shop.invoice() == Decimal("176.00") - Decimal("21.29")


def test_no_credit_by_default(tmp_path: Path) -> None:
    """`decrease = "now"`: March is paid for and stays so; April is 8 x 22.00 = 176.00."""
    shop = Shop(tmp_path, (row(),)).bills(10).sees(seats(8)).sync()
    assert shop.invoice() == Decimal("176.00")


def test_seats_that_come_back_are_not_billed_twice(tmp_path: Path) -> None:
    """10 -> 8 -> 10 within March, which is invoiced at 10: nothing more for March, and April 220.00."""
    shop = Shop(tmp_path, (row(),)).bills(10).sees(seats(8)).sync().on("2026-03-24").sees(seats(10)).sync()
    assert shop.invoice() == Decimal("220.00")


@pytest.mark.parametrize(
    ("increase", "prorates", "april"),
    [
        (Increase.PRORATE, False, "264.00"),
        (Increase.NEXT_PERIOD, True, "264.00"),
        (Increase.FULL, True, "264.00"),
    ],
)
def test_disable_prorate(increase: Increase, prorates: bool, april: str, tmp_path: Path) -> None:
    """No part of a month is billed where the agreement does not prorate, or the profile does not ask for it.

    10 -> 12 on 17 March, March invoiced at 10: April is 12 x 22.00, and March gets nothing more.
    """
    asks = row(profile=profile(increase=increase))
    shop = Shop(tmp_path, (asks,), prorates=prorates).bills(10).sees(seats(12)).sync()
    assert shop.invoice() == Decimal(april)


def test_disable_prorate_before_the_invoice(tmp_path: Path) -> None:
    """March not invoiced: `next-period` waits, so that March is billed at 10; then the 12 count from April on."""
    asks = row(profile=profile(increase=Increase.NEXT_PERIOD))
    shop = Shop(tmp_path, (asks,), next_invoice="2026-03-01").bills(10).sees(seats(12)).sync()
    assert shop.invoice() == Decimal("220.00")
    assert shop.sync().invoice() == Decimal("264.00")


def test_override_start_date(tmp_path: Path) -> None:
    """`start-on` is the first day of a new line: 10 from 1 April are not billed for March, whenever they are seen."""
    shop = Shop(tmp_path, (row(start_on=date(2026, 4, 1)),)).sees(seats(10)).sync()
    assert shop.additions() == [(10, "2026-04-01", "")]
    assert shop.invoice() == Decimal("220.00")


def test_annual_agreement(tmp_path: Path) -> None:
    """Of 2026, invoiced in advance, 2 more from 17 March pay for 290 of 365 days: 2 x 22.00 x 290/365 = 34.96."""
    shop = Shop(tmp_path, (row(),), cycle_name="Yearly", next_invoice="2027-01-01").bills(10).sees(seats(12)).sync()
    assert shop.additions() == [(12, "2026-01-01", ""), (2, "2026-03-17", "2026-12-31")]
    assert shop.invoice() == Decimal("264.00") + Decimal("34.96")
