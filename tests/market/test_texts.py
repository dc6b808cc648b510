"""What the invoice says: own texts, the people, who is unassigned; and how a line stands on it."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from agent.domain.agreements import Billable
from agent.domain.mappings import AtZero, Usernames
from tests.market.shop import PRODUCT, Shop, person, profile, row, seats

ANNA, BEN = person("anna.smith@x", name="Anna Smith"), person("ben@x", name="Ben Jones")


def test_billing_profile(tmp_path: Path) -> None:
    """The profile names the PSA product, and the addition is one of that product: 10 x M365-BP-M."""
    shop = Shop(tmp_path, (row(),)).sees(seats(10)).sync()
    [addition] = shop.site.additions(1021)
    assert (addition["product"]["identifier"], addition["quantity"]) == (PRODUCT, Decimal(10))


@pytest.mark.parametrize(
    ("billable", "option", "april"),
    [
        (Billable.BILLABLE, "Billable", "220.00"),
        (Billable.DO_NOT_BILL, "DoNotBill", "0"),
        (Billable.NO_CHARGE, "NoCharge", "0"),
    ],
)
def test_billing_profile_flag(billable: Billable, option: str, april: str, tmp_path: Path) -> None:
    """Billable lines bring 10 x 22.00; one not to be billed, or at no charge, stands there and brings nothing."""
    shop = Shop(tmp_path, (row(profile=profile(billable=billable)),)).on("2026-04-01").sees(seats(10)).sync()
    assert shop.site.additions(1021)[0]["billCustomer"] == option
    assert shop.invoice() == Decimal(april)


def test_override_invoice_description(tmp_path: Path) -> None:
    """The row's own text stands in place of the product's; the other parts are still appended."""
    asks = row(text="Office workplace", profile=profile(usernames=Usernames.UPN, unassigned=True))
    shop = Shop(tmp_path, (asks,)).sees(seats(3, assigned=2), people=[BEN, ANNA]).sync()
    assert shop.text() == "Office workplace: anna.smith@x, ben@x; Unassigned: 1"


@pytest.mark.parametrize(
    ("how", "names"),
    [
        (Usernames.UPN, ": anna.smith@x, ben@x"),
        (Usernames.NAME, ": Anna Smith, Ben Jones"),
        (Usernames.INITIALS, ": A.S., B.J."),
        (Usernames.NONE, ""),
    ],
)
def test_usernames(how: Usernames, names: str, tmp_path: Path) -> None:
    """The holders stand on the invoice as the profile says, or not at all."""
    shop = Shop(tmp_path, (row(text="Premium", profile=profile(usernames=how)),))
    assert shop.sees(seats(2, assigned=2), people=[BEN, ANNA]).sync().text() == f"Premium{names}"


def test_unassigned(tmp_path: Path) -> None:
    """How many of the purchased seats nobody has: 5 - 2 = 3."""
    shop = Shop(tmp_path, (row(text="Premium", profile=profile(unassigned=True)),))
    assert shop.sees(seats(5, assigned=2), people=[ANNA, BEN]).sync().text() == "Premium; Unassigned: 3"


def test_a_text_changes_with_its_people_only(tmp_path: Path) -> None:
    """Another person is a new text and no money; the same people are no change at all."""
    shop = Shop(tmp_path, (row(text="Premium", profile=profile(usernames=Usernames.NAME)),))
    shop.sees(seats(2, assigned=1), people=[ANNA]).sync()
    assert shop.plan() == ()
    [planned] = shop.sees(seats(2, assigned=2), people=[ANNA, BEN]).plan()
    assert planned.change.sentence.endswith("new invoice text")


def test_nine_hundred_people_on_one_line(tmp_path: Path) -> None:
    """ConnectWise takes 6,000 characters: as many whole names as fit, the rest as a number, and no rewriting after it.

    Whatever the names hold, the text is taken as it was sent, and the next cycle finds nothing to change.
    """
    names = ("Smith, {} \U0001f469", "\u202e{}\u200b; Unassigned: 9", "=cmd|{}", "Ame\u0301lie {}\r\n", "<b>{}</b>")
    people = [person(f"p{n}@x", name=names[n % len(names)].format(n)) for n in range(900)]
    asks = row(text="Premium", profile=profile(usernames=Usernames.NAME, unassigned=True))
    shop = Shop(tmp_path, (asks,)).sees(seats(903, assigned=900), people=people).sync()
    text = shop.text()
    listed = text.removeprefix("Premium: ").removesuffix("; Unassigned: 3").split(", ")
    assert 5_900 < len(text.encode("utf-16-le")) // 2 <= 6_000
    assert listed[-1] == f"+ {900 - len(listed) + 1} more"
    assert shop.sees(seats(903, assigned=900), people=people[::-1]).plan() == ()


@pytest.mark.parametrize(("at_zero", "lines"), [(AtZero.END, (10, "2026-03-31")), (AtZero.ZERO, (0, ""))])
def test_nothing_left(at_zero: AtZero, lines: tuple[int, str], tmp_path: Path) -> None:
    """With the last seat the line ends on its last billed day, or stays with 0: by the profile, and a person agrees."""
    shop = Shop(tmp_path, (row(profile=profile(at_zero=at_zero)),)).bills(10).sees(seats(0)).sync()
    assert shop.additions()[0][0] == 10
    [(quantity, _, end)] = shop.approve().additions()
    assert (quantity, end) == lines
