"""Rows of other sources than Microsoft: whose account they count, and what is wrong with them."""

from pathlib import Path

import pytest

from agent.domain.mappings import Basis, LicenceCount, SumCount
from agent.mapping_files import MappingsInvalid
from tests.mapping_files.folders import E3, HEAD, SPB, TENANT, company_folder, mapping_folder

IDS = 'sources = { pax8 = "0B4C" }\n'
PRODUCT = """
[[row]]
source    = "pax8"
product   = "F6A1"
profile   = "business-premium"
agreement = 1021
"""
LICENCE = PRODUCT.replace('product   = "F6A1"', 'licence   = "SPB"')


def test_row_counts_an_account_elsewhere(tmp_path: Path) -> None:
    """Ids and products are told apart without regard to case; what is sold counts as purchased."""
    company = company_folder(tmp_path, HEAD + IDS + PRODUCT).load().companies[250]
    [row] = company.rows

    assert company.accounts == (TENANT, "pax8:0b4c")
    assert (row.account, row.count, row.basis) == ("pax8:0b4c", LicenceCount("f6a1"), Basis.PURCHASED)


def test_company_needs_no_tenant_where_another_source_counts(tmp_path: Path) -> None:
    """Some companies have nothing but devices."""
    company = company_folder(tmp_path, "company = 250\n" + IDS + LICENCE).load().companies[250]

    assert [(row.account, row.count) for row in company.rows] == [("pax8:0b4c", LicenceCount(SPB))]


def test_several_products_are_counted_together(tmp_path: Path) -> None:
    """A list is a sum; the same product twice is one."""
    text = HEAD + IDS + PRODUCT.replace('"F6A1"', '["f6a1", "b200", "F6A1"]')
    [row] = company_folder(tmp_path, text).load().companies[250].rows

    assert row.count == SumCount(("f6a1", "b200"))


def test_filter_of_the_company_is_for_people(tmp_path: Path) -> None:
    """What Pax8 has sold belongs to nobody in particular."""
    [row] = company_folder(tmp_path, HEAD + 'users = { office = "Perth" }\n' + IDS + PRODUCT).load().rows()

    assert row.users is None


def test_product_may_be_excluded(tmp_path: Path) -> None:
    """In the account where it is listed, and nowhere else."""
    excluded = '\n[[exclude]]\nsource = "pax8"\nproduct = "B200"\nreason = "our own"\n'
    mappings = company_folder(tmp_path, HEAD + IDS + PRODUCT + excluded).load()

    assert mappings.excluded("pax8:0b4c")["b200"].reason == "our own"
    assert "b200" not in mappings.excluded(TENANT)


def test_product_is_excluded_at_all_ids_of_the_company(tmp_path: Path) -> None:
    """A company with two ids at a source has two accounts; a row is about one of them, an exclusion about both."""
    both = IDS.replace('"0B4C"', '["0B4C", "0B4D"]')
    excluded = '\n[[exclude]]\nsource = "pax8"\nproduct = "B200"\nreason = "our own"\n'
    mappings = company_folder(tmp_path, HEAD + both + PRODUCT + 'account = "0b4d"\n' + excluded).load()

    assert [row.account for row in mappings.rows()] == ["pax8:0b4d"]
    assert [mappings.excluded(f"pax8:{id_}")["b200"].reason for id_ in ("0b4c", "0b4d")] == ["our own"] * 2


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (HEAD + 'sources = { pax9 = "1" }\n', 'sources.pax9: is no source of agent.toml. Did you mean "pax8"?'),
        (HEAD + 'sources = { pax8 = ["a", "A"] }\n', "sources.pax8: names an id twice"),
        (HEAD + PRODUCT, "row[1].source: is one that the company has no id at"),
        (HEAD + IDS + PRODUCT.replace('"pax8"', '"paxx"'), 'row[1].source: is no source of agent.toml: "paxx"'),
        (HEAD + IDS.replace('"0B4C"', '["a", "b"]') + PRODUCT, 'Add: account = "a" or "b"'),
        (HEAD + IDS + PRODUCT + 'account = "c"\n', "row[1].account: is no id of the company's at pax8"),
        (HEAD + IDS + PRODUCT.replace("source    =", "name ="), "row[1].product: needs a source"),
        (HEAD + IDS + PRODUCT + 'licence = "SPB"\n', "row[1].product: cannot stand beside licence"),
        (HEAD + IDS + PRODUCT + 'basis = "assigned"\n', "row[1].basis: cannot be had. pax8 tells only what is bought"),
        (HEAD + IDS + PRODUCT + "guests = false\n", "row[1].guests: cannot stand beside source"),
        (HEAD + IDS + PRODUCT + f'tenant = "{TENANT}"\n', "row[1].tenant: cannot stand beside source"),
        (
            "company = 250\n" + IDS + LICENCE.replace('source    = "pax8"', ""),
            "needs a tenant, which the company has not",
        ),
        (HEAD + IDS + LICENCE + LICENCE.replace('source    = "pax8"', ""), "counts a licence that the row on line"),
        (HEAD + IDS + '[[exclude]]\nproduct = "b200"\nreason = "free"\n', "does not say what is excluded"),
    ],
)
def test_wrong_row_is_told(text: str, said: str, tmp_path: Path) -> None:
    """With the place in the file, and what to write instead."""
    with pytest.raises(MappingsInvalid) as refused:
        company_folder(tmp_path, text).load()
    assert said in str(refused.value)


def test_two_companies_may_count_one_account(tmp_path: Path) -> None:
    """As with a shared tenant: a product belongs to one row at most, which the partition proof sees to."""
    other = "company = 251\n" + IDS + PRODUCT.replace("1021", "1022")
    files = {"companies/a.toml": "company = 250\n" + IDS + PRODUCT, "companies/b.toml": other}
    mappings = mapping_folder(tmp_path, files).load()

    assert len(mappings.rows_by_account["pax8:0b4c"]) == 2
    assert E3 not in {sku for row in mappings.rows() for sku in row.skus}
