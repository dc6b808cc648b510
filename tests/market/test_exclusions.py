"""Licences that nobody is billed for, and rows that Trueup proposes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from agent.domain.counts import Account
from agent.domain.findings import Code
from agent.domain.mappings import Exclusion, Place
from agent.suggest import Catalogue, suggest
from tests.engine.here import TENANT
from tests.market.shop import AGREEMENT, CONTOSO, E3, FLOW_FREE, NAMES, OTHER, PREMIUM, Shop, row, seats

FREE = Exclusion(FLOW_FREE, "free", Place("exclusions.toml", 3))


def test_exclude_row(tmp_path: Path) -> None:
    """An excluded licence is neither billed nor reported; one that nobody mapped or excluded is reported."""
    shop = Shop(tmp_path, (row(),)).sees(seats(10), seats(5, E3), seats(10_000, FLOW_FREE)).sync()
    assert Code.UNMAPPED_LICENCE in shop.findings()
    shop.exclusions = (FREE, replace(FREE, sku=E3, reason="the company buys it itself"))
    assert Code.UNMAPPED_LICENCE not in shop.sync().findings()
    assert [quantity for quantity, _, _ in shop.additions()] == [10]


def test_global_exclude_of_a_managed_line(tmp_path: Path) -> None:
    """Excluding what a row billed, and taking its row away: a finding, and the end of its line is offered, held."""
    shop = Shop(tmp_path, (row(),)).bills(10)
    shop.rows, shop.exclusions = (), (replace(FREE, sku=PREMIUM),)
    assert Code.FREE_SKU_BILLED in shop.sync().findings()
    assert shop.additions() == [(10, "2026-01-01", "")]
    assert shop.approve().additions() == [(10, "2026-01-01", "2026-03-31")]


def test_global_exclude_of_a_line_by_hand(tmp_path: Path) -> None:
    """Five of a free licence that somebody once typed into the agreement: a finding, and their end is offered, held.

    Told by the product's identifier, which is the licence's part number; a line of another product stays.
    """
    shop = Shop(tmp_path, (row(),), exclusions=(FREE,)).bills(10)
    shop.site.add_product("FLOW_FREE", price="2.00", cost="0")
    shop.site.add_addition(AGREEMENT, "FLOW_FREE", 5, effective="2026-01-01")
    shop.sees(seats(10), seats(100, FLOW_FREE)).sync()
    assert "bills 5 x FLOW_FREE" in shop.findings()[Code.FREE_SKU_BILLED]
    assert shop.additions() == [(10, "2026-01-01", ""), (5, "2026-01-01", "")]
    shop.approve()
    assert shop.additions() == [(10, "2026-01-01", ""), (5, "2026-01-01", "2026-03-31")]
    assert Code.FREE_SKU_BILLED not in shop.findings()


def test_a_longer_name_is_another_licence(tmp_path: Path) -> None:
    """Of two lines by hand only the one that is called as the free licence is offered to end."""
    shop = Shop(tmp_path, (), exclusions=(FREE,))
    for product, text in (("A", f"{NAMES[FLOW_FREE]} (5 users)"), ("B", f"{NAMES[FLOW_FREE]} Premium")):
        shop.site.add_product(product, price="2.00", cost="0")
        shop.site.add_addition(AGREEMENT, product, 5, effective="2026-01-01", invoiceDescription=text)
    shop.rows = (row(),)
    ends = [p.change for p in shop.sees(seats(0), seats(100, FLOW_FREE)).plan()]
    assert [change.label for change in ends] == ["A"]


def test_automated_licence_mapping(tmp_path: Path) -> None:
    """A product that is called exactly as the licence is a sure proposal; one that is only alike waits for a choice.

    With 10 Premium mapped and 5 E3 not, the plan leaves E3 alone, reports it, and proposes a row.
    """
    shop = Shop(tmp_path, (row(),)).sees(seats(10), seats(5, E3)).sync()
    psa, account = shop.cycle.psa, Account("microsoft", TENANT)
    snapshot = shop.tenant.observe(account)
    for text, sure in (("Microsoft 365 E3", True), ("Microsoft 365 E5", False)):
        products = [replace(psa.products([OTHER])[OTHER], description=text)]
        catalogue = Catalogue(psa.companies(), products, psa.agreements_of([CONTOSO]), {})
        [proposal] = suggest(shop.mappings, [snapshot], {account: ()}, catalogue).rows
        assert proposal.licence.purchased == 5
        assert bool(proposal.billing.sure) is sure
    assert "5 seats purchased, billed by no row" in shop.findings()[Code.UNMAPPED_LICENCE]
