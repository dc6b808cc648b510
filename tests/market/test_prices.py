"""Prices: the PSA's, a fixed one, the PSA's with a percentage; and how they change."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from agent.domain.changes import SetPrice, SetQuantity
from agent.domain.mappings import Decrease, PricePolicy
from tests.market.shop import PRODUCT, Shop, profile, row, seats

PLUS_TEN = profile(price=PricePolicy(percent=Decimal(10)))


def dearer(shop: Shop, price: str) -> None:
    """Somebody changes the product's price in the PSA."""
    product = shop.cycle.psa.products([PRODUCT])[PRODUCT]
    shop.site.person_edits_product(product.id, price=Decimal(price))


@pytest.mark.parametrize(
    ("policy", "before", "after"),
    [
        (PricePolicy(), "220.00", "220.00"),
        (PricePolicy(fixed=Decimal("19.00")), "190.00", "190.00"),
        (PricePolicy(percent=Decimal(10)), "242.00", "264.00"),
        (PricePolicy(percent=Decimal("-2.5")), "214.50", "234.00"),
    ],
)
def test_a_price_of_each_kind(policy: PricePolicy, before: str, after: str, tmp_path: Path) -> None:
    """Ten seats of a product at 22.00, which then costs 24.00: a percentage follows, once a person agrees.

    22.00 + 10 % = 24.20, then 26.40; 22.00 - 2.5 % = 21.45, then 23.40. "psa" leaves the line to the PSA, which keeps
    the price that the line has; a fixed price stands.
    """
    shop = Shop(tmp_path, (row(profile=profile(price=policy)),)).on("2026-04-01").sees(seats(10)).sync()
    assert shop.invoice() == Decimal(before)
    dearer(shop, "24.00")
    assert shop.sync().invoice() == Decimal(before)
    assert shop.approve().invoice() == Decimal(after)


def test_no_price_goes_through_unasked(tmp_path: Path) -> None:
    """The change of price waits for a person, the two new seats beside it do not.

    They are written at the price that stands: 2 x 22.00 x 15/31 = 21.29 for March, and 12 x 22.00 for April.
    """
    shop = Shop(tmp_path, (row(),)).bills(10)
    shop.rows = (row(profile=PLUS_TEN),)
    shop.sees(seats(12)).sync()
    assert shop.holds() == ["the price changes"]
    assert shop.invoice() == Decimal("21.29") + Decimal("264.00")


def test_quantity_and_price_are_approved_apart(tmp_path: Path) -> None:
    """10 -> 12 at 22.00 -> 24.20: two changes with two digests, and no request carries both a quantity and a price."""
    shop = Shop(tmp_path, (row(),)).bills(10)
    shop.rows = (row(profile=PLUS_TEN),)
    planned = shop.sees(seats(12)).plan()
    assert [type(p.change) for p in planned] == [SetPrice, SetQuantity]
    assert len({p.digest for p in planned}) == 2
    for write in (w for p in planned for w in p.realisation.writes if w.method == "PATCH"):
        paths = {operation["path"] for operation in json.loads(write.body)}
        assert not {"quantity", "unitPrice"} <= paths


def test_a_new_seat_is_billed_at_the_price_that_its_base_has_then(tmp_path: Path) -> None:
    """Price and quantity approved together: the price is written first, so the seats of 17 March cost 24.20.

    April: 12 x 24.20 = 290.40, and 2 x 24.20 x 15/31 = 23.42 for the days from the 17th.
    """
    shop = Shop(tmp_path, (row(),)).bills(10)
    shop.rows = (row(profile=PLUS_TEN),)
    shop.sees(seats(12)).approve()
    assert shop.prices() == [Decimal("24.20"), Decimal("24.20")]
    assert shop.invoice() == Decimal("290.40") + Decimal("23.42")


def test_a_credit_gives_back_what_was_charged(tmp_path: Path) -> None:
    """March billed 10 at 22.00; from the 20th a unit costs 24.20; two leave on the 24th.

    -2 x 22.00 x 8/31 = -11.35 for March, at the price of then, beside 8 x 24.20 = 193.60 for April.
    """
    crediting = profile(decrease=Decrease.CREDIT)
    shop = Shop(tmp_path, (row(profile=crediting),), credits="negative-quantity").bills(10).on("2026-03-20")
    shop.rows = (row(profile=replace(PLUS_TEN, decrease=Decrease.CREDIT)),)
    shop.approve().on("2026-03-24").sees(seats(8)).sync()
    assert shop.prices() == [Decimal("24.20"), Decimal("22.00")]
    assert shop.invoice() == Decimal("193.60") - Decimal("11.35")
