"""Rows for unmapped licences: products and agreements that may be taken, and those that must be chosen."""

from collections.abc import Sequence
from datetime import date

import pytest

from agent.domain.agreements import Agreement, Line, Product
from agent.domain.mappings import Exclusion, Mappings, Place
from agent.sku_table import shipped
from agent.suggest import Billing, Catalogue, RowSuggestion, suggest
from agent.suggest.licences import identity
from tests.suggest.world import account, agreement, company, line, mapped, mappings, product, profile, sku, snapshot

CONTOSO = account("Contoso")
BP = product("M365-BP-M", "Microsoft 365 Business Premium - Monthly")


def rows(
    known: Mappings,
    *part_numbers: str,
    products: list[Product] | None = None,
    on: list[Agreement] | None = None,
    lines: Sequence[Line] = (),
) -> tuple[RowSuggestion, ...]:
    agreements = on or [agreement(1021, 250)]
    there = {a.id: [line for line in lines if line.agreement == a.id] for a in agreements}
    catalogue = Catalogue([company(250, "Contoso")], products or [BP], agreements, there)
    return suggest(known, [snapshot(CONTOSO, *part_numbers)], {}, catalogue).rows


def test_product_named_like_the_licence() -> None:
    """The words that tell licences apart are the same; how the product is sold does not matter."""
    (row,) = rows(mappings(mapped(250, CONTOSO)), "SPB")

    assert row.sure
    assert row.billing.sure is not None
    assert row.billing.sure.thing == Billing("M365-BP-M")
    assert row.billing.sure.evidence == "named like the licence (95 %)"
    assert row.agreement.sure is not None
    assert row.agreement.sure.evidence == "the company's only agreement that can be billed (98 %)"


def test_profile_stands_for_its_product() -> None:
    """Where a profile names the product, the row gets the profile."""
    known = mappings(mapped(250, CONTOSO), profiles=(profile("bp", "M365-BP-M"),))

    (row,) = rows(known, "SPB")

    assert row.billing.sure is not None
    assert row.billing.sure.thing == Billing("M365-BP-M", "bp")


@pytest.mark.parametrize(
    ("part_number", "description"),
    [
        ("SPE_E5", "Microsoft 365 E3"),
        ("SPE_E3", "Office 365 E3"),
        ("EXCHANGEENTERPRISE", "Exchange Online (Plan 1)"),
        ("O365_BUSINESS_PREMIUM", "Microsoft 365 Business Premium"),  # the part number of Business Standard
        ("Office_365_E3_(no_Teams)", "Office 365 E3"),
        ("SPB", "Microsoft 365 Business Premium Donation"),
    ],
)
def test_almost_the_same_name_is_another_licence(part_number: str, description: str) -> None:
    """One word more, less or different is another licence at another price: a person chooses."""
    (row,) = rows(mappings(mapped(250, CONTOSO)), part_number, products=[product("X", description)])

    assert not row.sure
    assert row.billing.choices[0].reason == "similar name"


def test_part_number_in_the_product() -> None:
    """A product that carries the part number is meant, however it is called."""
    (row,) = rows(mappings(mapped(250, CONTOSO)), "SPB", products=[product("CSP-SPB-M", "Biz Prem")])

    assert row.billing.sure is not None
    assert row.billing.sure.evidence == "carries the part number SPB (99 %)"


@pytest.mark.parametrize("identifier", ["SPBX", "XSPB", "SPB_2"])
def test_part_number_inside_a_word_is_another(identifier: str) -> None:
    """SPB is no part of SPBX."""
    (row,) = rows(mappings(mapped(250, CONTOSO)), "SPB", products=[product(identifier, "Something")])

    assert row.billing.sure is None


def test_monthly_and_annual_must_be_chosen() -> None:
    """Two products for one licence differ in price and term: the name does not tell which was sold."""
    both = [BP, product("M365-BP-A", "Microsoft 365 Business Premium - Annual")]

    (row,) = rows(mappings(mapped(250, CONTOSO)), "SPB", products=both)

    assert not row.sure
    assert [choice.thing.product for choice in row.billing.choices] == ["M365-BP-M", "M365-BP-A"]


def test_what_other_companies_use() -> None:
    """Nine of nine rows that bill the licence use one profile: so does the tenth."""
    usual = profile("bp", "BIZ")
    others = [mapped(n, account(f"Other {n}", n), ("SPB", usual, n)) for n in range(300, 309)]
    known = mappings(mapped(250, CONTOSO), *others, profiles=(usual,))

    (row,) = rows(known, "SPB", products=[product("BIZ", "Cloud desk")])

    assert row.billing.sure is not None
    assert row.billing.sure.evidence == "used by 9 of 9 rows that bill this licence (97 %)"


def test_divided_use_must_be_chosen() -> None:
    """Half of them monthly, half annual: 97 * 1/2 = 48 % each."""
    monthly, annual = profile("m", "M"), profile("a", "A")
    others = [
        mapped(300, account("A", 2), ("SPB", monthly, 1)),
        mapped(301, account("B", 3), ("SPB", annual, 2)),
    ]
    known = mappings(mapped(250, CONTOSO), *others, profiles=(monthly, annual))

    (row,) = rows(known, "SPB", products=[product("M", "one"), product("A", "two")])

    assert row.billing.sure is None
    assert [choice.confidence for choice in row.billing.choices] == [48, 48]


def test_billed_and_excluded_licences_need_no_row() -> None:
    """What a row bills or an exclusion covers is settled; what nobody bought is nothing to bill."""
    contoso = mapped(250, CONTOSO, ("SPB", profile("bp", "M365-BP-M"), 1021))
    excluded = Exclusion(sku("FLOW_FREE"), "free", Place("exclusions.toml", 1))
    known = Mappings({250: contoso}, (excluded,), "digest")

    assert [row.licence.part_number for row in rows(known, "SPB", "FLOW_FREE", "SPE_E3")] == ["SPE_E3"]


def test_shared_tenant_must_be_looked_at() -> None:
    """Two companies bill from one tenant: the licence says nothing about whose it is."""
    known = mappings(mapped(250, CONTOSO), mapped(260, CONTOSO))

    found = rows(known, "SPB", on=[agreement(1021, 250), agreement(1022, 260)])

    assert [(row.company.id, row.sure) for row in found] == [(250, False), (260, False)]
    assert found[0].doubt == "several companies bill from this tenant"


@pytest.mark.parametrize(
    ("agreements", "number", "reason"),
    [
        ([agreement(1, 250), agreement(2, 250, refusal="is cancelled")], 1, "the company's only agreement"),
        ([agreement(1, 250), agreement(2, 250, "Microsoft 365 licences")], 2, "a name about Microsoft licences"),
        ([agreement(1, 250), agreement(2, 260)], 1, "the company's only agreement"),
    ],
)
def test_agreement_that_is_meant(agreements: list[Agreement], number: int, reason: str) -> None:
    """The only one that can be billed, or the only one about licences."""
    (row,) = rows(mappings(mapped(250, CONTOSO)), "SPB", on=agreements)

    assert row.agreement.sure is not None
    assert row.agreement.sure.thing.id == number
    assert reason in row.agreement.sure.reason


def test_agreement_of_the_other_rows() -> None:
    """A company whose rows all bill on one agreement bills the next one there too."""
    known = mappings(mapped(250, CONTOSO, ("SPE_E3", profile("e3", "E3"), 2)))

    (row,) = rows(known, "SPB", on=[agreement(1, 250), agreement(2, 250)])

    assert row.agreement.sure is not None
    assert (row.agreement.sure.thing.id, row.agreement.sure.confidence) == (2, 95)


def test_agreements_that_look_alike_must_be_chosen() -> None:
    """Neither used nor named for licences."""
    (row,) = rows(mappings(mapped(250, CONTOSO)), "SPB", on=[agreement(1, 250), agreement(2, 250)])

    assert row.agreement.sure is None
    assert len(row.agreement.choices) == 2


@pytest.mark.parametrize(
    "text",
    ["Microsoft 365 Business Premium", "M365 Business Premium per user (monthly)", "SPB", "M365 Business Premium: Ana"],
)
def test_line_that_somebody_keeps_by_hand_is_taken_over(text: str) -> None:
    """A second line with the profile's own product would bill the licence twice: the row bills what the line bills."""
    known = mappings(mapped(250, CONTOSO), profiles=(profile("bp", "M365-BP-M"), profile("old", "OFFICE")))

    (row,) = rows(known, "SPB", on=[agreement(1, 250), agreement(2, 250)], lines=[line(7, 2, "OFFICE", text)])

    assert row.sure
    assert row.adopts is not None
    assert row.adopts.id == 7
    assert row.billing.sure is not None
    assert row.billing.sure.thing == Billing("OFFICE", "old")
    assert row.billing.sure.evidence == "line 7 of agreement 2 bills it already, 10 units (98 %)"
    assert row.agreement.sure is not None
    assert row.agreement.sure.thing.id == 2


def test_line_of_a_product_without_a_profile_gets_one() -> None:
    """The profile of another product does not fit, however well it is named."""
    known = mappings(mapped(250, CONTOSO), profiles=(profile("bp", "M365-BP-M"),))

    (row,) = rows(known, "SPB", lines=[line(7, 1021, "OFFICE", "Microsoft 365 Business Premium")])

    assert row.billing.sure is not None
    assert row.billing.sure.thing == Billing("OFFICE")


@pytest.mark.parametrize(
    "lines",
    [
        [line(7, 1021, "BASIC", "Microsoft 365 Business Basic")],
        [line(7, 1021, "OFFICE", "Microsoft 365 Business Premium", end=date(2026, 2, 1))],
        [line(7, 1021, "M365-BP-M", "Microsoft 365 Business Premium")],
    ],
)
def test_line_of_something_else_is_left_alone(lines: list[Line]) -> None:
    """Another licence, a line that has ended, and one that a row bills already."""
    known = mappings(mapped(250, CONTOSO, ("SPE_E3", profile("bp", "M365-BP-M"), 1021)))

    (row,) = rows(known, "SPB", lines=lines)

    assert row.adopts is None


def test_two_lines_that_bill_it_must_be_looked_at() -> None:
    """Which of them is to go on cannot be told from their names."""
    both = [line(7, 1021, "OFFICE", "Microsoft 365 Business Premium"), line(9, 1021, "BP", "M365 Business Premium")]

    (row,) = rows(mappings(mapped(250, CONTOSO)), "SPB", lines=both)

    assert not row.sure
    assert row.adopts is None
    assert row.doubt == "lines 7, 9 seem to bill it already"


def test_new_tenant_gets_rows_as_well() -> None:
    """A tenant that was just matched surely, and read, gets its rows in the same pass."""
    catalogue = Catalogue([company(250, "Contoso Ltd")], [BP], [agreement(1021, 250)], {})

    found = suggest(mappings(), [snapshot(CONTOSO, "SPB")], {CONTOSO: ()}, catalogue)

    assert [(row.company.id, row.sure) for row in found.rows] == [(250, True)]


def test_mapped_tenant_needs_no_company() -> None:
    """Only tenants that nobody mapped are matched."""
    catalogue = Catalogue([company(250, "Contoso")], [], [], {})

    assert suggest(mappings(mapped(250, CONTOSO)), [], {CONTOSO: ()}, catalogue).tenants == ()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Microsoft 365 Business Premium (Annual, NCE)", {"m365", "business", "premium"}),
        ("M365 Business Premium per user monthly", {"m365", "business", "premium"}),
        ("Office 365 E3", {"o365", "e3"}),
        ("Exchange Online (Plan 1)", {"exchange", "online", "p1"}),
        ("Entra ID P1", {"entra", "id", "p1"}),
    ],
)
def test_identity(text: str, expected: set[str]) -> None:
    """What is left of a name when the words of the sale are gone."""
    assert identity(text) == expected


def test_identity_tells_all_licences_apart() -> None:
    """Of the whole table, no two licences with different names would be taken for one another."""
    names: dict[frozenset[str], set[str]] = {}
    for _, _, name in shipped():
        names.setdefault(identity(name), set()).add(name.casefold())

    assert len(names) > 500
    assert [alike for alike in names.values() if len(alike) > 1] == []
