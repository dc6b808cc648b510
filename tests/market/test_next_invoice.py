"""What the plan says of the next invoice, of several changes at once, against the invoice that then comes."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

from agent.domain.mappings import PricePolicy
from agent.domain.money import Money
from agent.reports.plan import next_invoices
from tests.market.shop import E3, OTHER, Shop, profile, row, seats

PLUS_TEN = PricePolicy(percent=Decimal(10))


def two_licences(folder: Path) -> Shop:
    """Ten Premium are invoiced for March, one of them included now; then they are twelve, and there are seven E3."""
    rows = (row(included=1), row(E3, profile=profile(OTHER)))
    shop = Shop(folder, rows).bills(10).sees(seats(10))
    return shop.sync().sees(seats(12), seats(7, E3))


def test_the_sum_over_changes_is_the_invoice(tmp_path: Path) -> None:
    """Premium 9 -> 11: 2 x 22.00 for April, and for March the one seat above the ten invoiced, 22.00 x 15/31 = 10.65.

    E3, none -> 7: 7 x 22.00 and 7 x 22.00 x 15/31 = 228.52. Together 283.17, and by exactly that the invoices of two
    shops differ, of which one does what the plan says.
    """
    planned = two_licences(tmp_path / "plan").plan()
    amounts = {p.change.label: p.realisation.next_invoice for p in planned}
    assert amounts == {
        "Microsoft 365 Business Premium": Money(Decimal("54.65"), "USD"),
        "Microsoft 365 E3": Money(Decimal("228.52"), "USD"),
    }
    assert next_invoices(planned) == Money(Decimal("283.17"), "USD")
    done, not_done = two_licences(tmp_path / "done").sync(), two_licences(tmp_path / "not")
    assert done.invoice() - not_done.invoice() == Decimal("283.17")


def test_two_changes_of_one_line_are_not_summed(tmp_path: Path) -> None:
    """A new price and two more seats each have their own number; of both together none is given."""
    shop = Shop(tmp_path, (row(),)).bills(10)
    shop.rows = (row(profile=profile(price=PLUS_TEN)),)
    planned = shop.sees(seats(12)).plan()
    amounts = [p.realisation.next_invoice for p in planned]
    assert amounts == [Money(Decimal("22.00"), "USD"), Money(Decimal("65.29"), "USD")]
    assert next_invoices(planned) is None
