"""`price-lock = true`: seats keep the price at which they were bought until their commitment renews."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

from agent.domain.counts import Observation
from agent.domain.findings import Code
from agent.domain.mappings import Decrease
from tests.market.shop import AGREEMENT, PRODUCT, Shop, profile, row, seats

LOCKED = row(profile=profile(price_lock=True))
RENEWS = datetime(2026, 12, 1, tzinfo=UTC)


def committed(purchased: int, renews: datetime = RENEWS) -> Observation:
    """Seats of one annual purchase."""
    seen = seats(purchased)
    return replace(seen, subscriptions=tuple(replace(s, renews=renews) for s in seen.subscriptions))


def dearer(shop: Shop, price: str) -> None:
    product = shop.cycle.psa.products([PRODUCT])[PRODUCT]
    shop.site.person_edits_product(product.id, price=Decimal(price))


def opened(folder: Path) -> Shop:
    """Ten seats at 22.00 under a lock, of a purchase that renews on 1 December; then the product costs 24.00."""
    shop = Shop(folder, (LOCKED,)).bills(10).sees(committed(10)).sync()
    dearer(shop, "24.00")
    return shop.sync()


def test_ten_at_the_old_price_and_two_at_the_new(tmp_path: Path) -> None:
    """10 at 22.00 stay; 2 bought on 17 March get a line of their own at 24.00.

    April: 10 x 22.00 + 2 x 24.00, and 2 x 24.00 x 15/31 = 23.23 for March; May: 10 x 22.00 + 2 x 24.00 = 268.00.
    """
    shop = opened(tmp_path).sees(committed(12)).sync()
    assert shop.additions() == [(10, "2026-01-01", ""), (2, "2026-03-17", "")]
    assert shop.prices() == [Decimal("22.00"), Decimal("24.00")]
    assert shop.holds() == []
    assert shop.invoice() == Decimal("268.00") + Decimal("23.23")
    assert shop.invoice() == Decimal("268.00")


def test_further_seats_join_the_line_of_their_price(tmp_path: Path) -> None:
    """Two more at 24.00 in April: the second line goes to 4, and no third one is made."""
    shop = opened(tmp_path).sees(committed(12)).sync()
    shop.invoice()
    shop.on("2026-04-16").sees(committed(14)).sync()
    assert [(q, p) for (q, _, end), p in zip(shop.additions(), shop.prices(), strict=True) if not end] == [
        (10, Decimal("22.00")),
        (4, Decimal("24.00")),
    ]


def test_the_newest_seats_leave_first(tmp_path: Path) -> None:
    """12 -> 9: the two at 24.00 go, their line ends with what is invoiced (held, as every end is), and one at 22.00."""
    shop = opened(tmp_path).sees(committed(12)).sync()
    shop.invoice()
    shop.on("2026-04-16").sees(committed(9)).sync()
    assert shop.holds() == ["the line would stop billing"]
    shop.approve()
    assert shop.additions() == [(9, "2026-01-01", ""), (2, "2026-03-17", "2026-04-30")]


def test_the_renewal_ends_the_lock(tmp_path: Path) -> None:
    """On 1 December the ten renew at 24.00: a change of price, approved by itself; from then on all 12 x 24.00."""
    shop = opened(tmp_path).sees(committed(12)).sync()
    for month in range(4, 12):
        shop.site.invoice(AGREEMENT)
        shop.on(f"2026-{month:02}-28").sync()
    assert shop.prices() == [Decimal("22.00"), Decimal("24.00")]
    shop.site.invoice(AGREEMENT)
    shop.on("2026-12-01").sees(committed(12, datetime(2027, 12, 1, tzinfo=UTC))).sync()
    assert shop.holds() == ["the price changes"]
    assert shop.approve().prices() == [Decimal("24.00"), Decimal("24.00")]
    assert shop.invoice() == Decimal("288.00")


def test_a_new_price_within_the_next_term_is_locked_again(tmp_path: Path) -> None:
    """Renewed at 24.00 up to 1 December 2027, the seats do not follow to 26.00 in January."""
    shop = opened(tmp_path).on("2026-12-01").sees(committed(10, datetime(2027, 12, 1, tzinfo=UTC))).approve()
    assert shop.prices() == [Decimal("24.00")]
    dearer(shop.on("2027-01-10"), "26.00")
    assert shop.sync().holds() == []
    assert shop.prices() == [Decimal("24.00")]


def test_without_the_lock_every_seat_follows(tmp_path: Path) -> None:
    """Taking `price-lock` away proposes the present price for the old seats, and ends no line."""
    shop = opened(tmp_path).sees(committed(12)).sync()
    following = profile(price=replace(LOCKED.profile.price, percent=Decimal(0)))
    shop.rows = (row(profile=following),)
    assert shop.sync().holds() == ["the price changes"]
    assert shop.approve().prices() == [Decimal("24.00"), Decimal("24.00")]
    assert [quantity for quantity, _, _ in shop.additions()] == [10, 2]


def test_one_unknown_line_stops_the_row(tmp_path: Path) -> None:
    """Somebody deletes the line of the two: the other one is not raised to 12 in its place."""
    shop = opened(tmp_path).sees(committed(12)).sync()
    second = shop.site.additions(AGREEMENT)[1]["id"]
    shop.site.person_deletes(AGREEMENT, second)
    shop.sees(committed(13)).sync()
    assert [quantity for quantity, _, _ in shop.additions()] == [10]
    assert Code.MISSING_LINE in shop.findings()


def test_a_lost_store_finds_both_lines(tmp_path: Path) -> None:
    """The marks tell which line is whose, so nothing is billed twice; the lock goes on from the renewal then known."""
    shop = opened(tmp_path).sees(committed(12)).sync()
    assert shop.forget_lines().plan() == ()
    shop.sees(committed(13)).sync()
    assert sum(quantity for quantity, _, end in shop.additions() if not end) == 13


def test_credits_go_at_the_price_of_their_seats(tmp_path: Path) -> None:
    """Two of 24.00 leave on 17 April, April invoiced: -2 x 24.00 x 14/30 = -22.40 beside 10 x 22.00 for May."""
    crediting = row(profile=profile(price_lock=True, decrease=Decrease.CREDIT))
    shop = Shop(tmp_path, (crediting,), credits="negative-quantity").bills(10).sees(committed(10)).sync()
    dearer(shop, "24.00")
    shop.sees(committed(13)).sync()
    shop.invoice()
    shop.on("2026-04-17").sees(committed(11)).sync()
    assert shop.invoice() == Decimal("220.00") + Decimal("24.00") - Decimal("22.40")


def test_a_renewal_that_no_source_tells(tmp_path: Path) -> None:
    """The price stays for good, a new seat gets the new one, and a finding says that nobody knows until when."""
    shop = Shop(tmp_path, (LOCKED,)).bills(10)
    dearer(shop, "24.00")
    shop.sees(seats(11)).sync()
    assert shop.prices() == [Decimal("22.00"), Decimal("24.00")]
    assert "no source tells when its purchases renew" in shop.findings()[Code.TERM_UNKNOWN]
