"""Suggestions that are written: only sure ones, always where a person sees them before they write."""

from pathlib import Path

import pytest

from agent.domain.agreements import Agreement, Company, Line, Product
from agent.domain.counts import Account, Coverage, Hint, Observation, Snapshot
from agent.domain.mappings import Mode
from agent.mapping_files import MappingFiles, MappingsInvalid
from agent.mapping_files.suggestions import Written, write_suggestions
from agent.mapping_files.writing import EditRefused
from agent.suggest import Catalogue, suggest
from tests.mapping_files.folders import HEAD, ROW, TENANT, company_folder, mapping_folder
from tests.suggest.world import READ_AT, account, agreement, company, line, product, snapshot

CONTOSO = Account("microsoft", TENANT, "Contoso")
E3 = product("M365-E3", "Microsoft 365 E3")
VISIO = product("VISIO-2-M", "Visio Plan 2 - Monthly")


def written(
    files: MappingFiles,
    *part_numbers: str,
    tenants: tuple[Account, ...] = (),
    companies: tuple[Company, ...] = (),
    products: tuple[Product, ...] = (E3, VISIO),
    agreements: tuple[Agreement, ...] = (agreement(1021, 250),),
    lines: tuple[Line, ...] = (),
) -> list[Written]:
    catalogue = Catalogue(companies, products, agreements, {1021: lines})
    snapshots = [snapshot(CONTOSO, *part_numbers)] if part_numbers else []
    return write_suggestions(files, suggest(files.load(), snapshots, dict.fromkeys(tenants, ()), catalogue))


def test_line_that_is_there_is_taken_over(tmp_path: Path) -> None:
    """The row names the product of the line that somebody keeps by hand, with a new profile where none has it."""
    files = company_folder(tmp_path, HEAD + ROW)

    told = written(files, "SPE_E3", lines=(line(7, 1021, "OFFICE-E3", "M365 E3 (monthly)"),))

    assert [w.sentence for w in told][-2:] == [
        "profile: office-e3 for product OFFICE-E3",
        "row: Microsoft 365 E3 on agreement 1021, takes over line 7",
    ]
    row = files.load().companies[250].rows[-1]
    assert (row.profile.product, row.adopt) == ("OFFICE-E3", True)


def test_row_is_appended_and_mode_becomes_review(tmp_path: Path) -> None:
    """A company that wrote by itself stops doing so until somebody has looked at the new row."""
    before = HEAD + 'mode    = "auto"  # since March\n' + ROW
    files = company_folder(tmp_path, before)

    told = written(files, "SPB", "SPE_E3")

    assert (tmp_path / "companies" / "contoso.toml").read_text() == before.replace('"auto"', '"review"') + (
        "\n"
        "# Microsoft 365 E3, 10 purchased.\n"
        "# Suggested: profile named like the licence (95 %);"
        " agreement the company's only agreement that can be billed (98 %).\n"
        "[[row]]\n"
        'licence   = "SPE_E3"\n'
        'profile   = "e3"\n'
        "agreement = 1021\n"
    )
    assert [note.sentence for note in told] == [
        'mode: "auto" became "review" for company 250, until somebody looked at the new rows',
        "row: Microsoft 365 E3 on agreement 1021",
    ]
    assert files.load().companies[250].mode is Mode.REVIEW


def test_mode_by_default_becomes_review_too(tmp_path: Path) -> None:
    """Where agent.toml says auto, the company's file says review from now on."""
    files = company_folder(tmp_path, HEAD, Mode.AUTO)

    written(files, "SPE_E3")

    assert files.load().companies[250].mode is Mode.REVIEW


@pytest.mark.parametrize("mode", ["report", "review"])
def test_stricter_mode_stays(mode: str, tmp_path: Path) -> None:
    """Nothing that wrote nothing begins to write."""
    files = company_folder(tmp_path, f'{HEAD}mode = "{mode}"\n')

    written(files, "SPE_E3")

    assert files.load().companies[250].mode.value == mode


def test_profile_is_made_for_a_product_without_one(tmp_path: Path) -> None:
    """The row needs a name to refer to; the price stays the PSA's."""
    files = company_folder(tmp_path, HEAD)

    written(files, "VISIOCLIENT")

    profile = files.load().profiles["visio-2-m"]
    assert (profile.product, profile.price.fixed, profile.price.percent) == ("VISIO-2-M", None, None)
    assert [row.profile for row in files.load().rows()] == [profile]


def test_ambiguous_part_number_is_written_as_guid(tmp_path: Path) -> None:
    """MCOPSTN5 is two licences; a row must say which."""
    files = company_folder(tmp_path, HEAD)
    sku = "54a152dc-90de-4996-93d2-bc47e670fc06"
    calling = Observation(sku, "MCOPSTN5", "Skype calling", 3, 0)
    seen = Snapshot(CONTOSO, READ_AT, {sku: calling}, (), frozenset({Coverage.LICENCES}))
    catalogue = Catalogue([], [product("CALL", "MCOPSTN5")], [agreement(1021, 250)], {})
    suggestions = suggest(files.load(), [seen], {}, catalogue)

    write_suggestions(files, suggestions)

    assert f'licence   = "{sku}"' in (tmp_path / "companies" / "contoso.toml").read_text()


def test_new_company_file(tmp_path: Path) -> None:
    """A matched tenant gets a file of its own, which says why, and writes nothing by itself."""
    files = mapping_folder(tmp_path, {}, Mode.AUTO)

    told = written(files, "SPE_E3", tenants=(CONTOSO,), companies=(company(250, "Contoso Ltd"),))

    assert (tmp_path / "companies" / "contoso-ltd.toml").read_text() == (
        "#:schema ../schema/company.json\n"
        "# Suggested: tenant Contoso is company Contoso Ltd. Evidence: same name but for the legal form (97 %).\n"
        '# Check it and its rows, then set mode = "auto".\n'
        "company = 250\n"
        f'tenant  = "{TENANT}"\n'
        'mode    = "review"\n'
        'name    = "Contoso Ltd"\n'
        "\n"
        "# Microsoft 365 E3, 10 purchased.\n"
        "# Suggested: profile named like the licence (95 %);"
        " agreement the company's only agreement that can be billed (98 %).\n"
        "[[row]]\n"
        'licence   = "SPE_E3"\n'
        'profile   = "e3"\n'
        "agreement = 1021\n"
    )
    assert told[0].sentence == "new: company 250 Contoso Ltd, tenant Contoso"
    assert files.load().companies[250].mode is Mode.REVIEW


def test_file_name_that_is_taken(tmp_path: Path) -> None:
    """contoso.toml may be another Contoso: the id tells the new file apart."""
    files = company_folder(tmp_path, HEAD.replace("250", "240").replace("1111-", "9999-"))

    written(files, tenants=(CONTOSO,), companies=(company(250, "Contoso"),))

    assert (tmp_path / "companies" / "contoso-250.toml").exists()


def test_what_must_be_chosen_is_not_written(tmp_path: Path) -> None:
    """Two products for one licence, and a company that is only similar: the files stay."""
    files = company_folder(tmp_path, HEAD)
    annual = product("M365-E3-A", "Microsoft 365 E3 Annual")

    told = written(
        files, "SPE_E3", products=(E3, annual), tenants=(account("Fabricam", 2),), companies=(company(9, "Fabrikam"),)
    )

    assert told == []
    assert (tmp_path / "companies" / "contoso.toml").read_text() == HEAD


def test_second_time_there_is_nothing_left(tmp_path: Path) -> None:
    """What was written is mapped."""
    files = company_folder(tmp_path, HEAD)

    assert written(files, "SPE_E3", "VISIOCLIENT")
    assert written(files, "SPE_E3", "VISIOCLIENT") == []


def test_broken_files_are_mended_first(tmp_path: Path) -> None:
    """Nothing is added to files that are not in force."""
    files = company_folder(tmp_path, HEAD)
    suggestions = suggest(files.load(), [], {}, Catalogue([], [], [], {}))
    (tmp_path / "companies" / "contoso.toml").write_text("company = ")

    with pytest.raises(MappingsInvalid):
        write_suggestions(files, suggestions)


def test_contradiction_saves_nothing(tmp_path: Path) -> None:
    """All files are checked together before the first one is saved."""
    fabrikam = HEAD.replace("250", "260").replace("1111-", "9999-") + ROW
    files = mapping_folder(tmp_path, {"companies/contoso.toml": HEAD, "companies/fabrikam.toml": fabrikam})

    with pytest.raises(EditRefused, match="1021 is used for company 250 as well"):
        written(files, "VISIOCLIENT")

    assert (tmp_path / "companies" / "contoso.toml").read_text() == HEAD
    assert "visio" not in (tmp_path / "profiles.toml").read_text()


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (HEAD, 'sources = { pax8 = "7" }'),
        (HEAD + 'sources = { huntress = "1" } # theirs\n', 'sources = { huntress = "1", pax8 = "7"} # theirs'),
    ],
)
def test_account_elsewhere_is_written_and_bills_nothing(tmp_path: Path, head: str, expected: str) -> None:
    """The id joins the company's others; the mode stays, because without a row nothing is counted there."""
    files = company_folder(tmp_path, head + 'mode = "auto"\n' + ROW)
    elsewhere = [Account("pax8", "7", "Contoso Inc", ((Hint.TENANT, TENANT),))]
    found = suggest(files.load(), [], {}, CATALOGUE, elsewhere)

    [told] = write_suggestions(files, found)

    assert told.sentence == (
        f"sources: pax8 account Contoso Inc (7) is company Contoso Ltd, names tenant {TENANT} (100 %)"
    )
    assert expected in (tmp_path / "companies" / "contoso.toml").read_text().splitlines()
    company = files.load().companies[250]
    assert (company.mode, company.accounts[-1], len(company.rows)) == (Mode.AUTO, "pax8:7", 1)


def test_company_without_a_file_gets_one_with_its_id(tmp_path: Path) -> None:
    """Some companies have devices and no tenant; the file waits for rows, in review."""
    files = mapping_folder(tmp_path, {})
    found = suggest(files.load(), [], {}, CATALOGUE, [Account("huntress", "9", "Contoso")])

    [told] = write_suggestions(files, found)

    assert told.sentence == "new: company 250 Contoso Ltd"
    company = files.load().companies[250]
    assert (company.accounts, company.mode) == (("huntress:9",), Mode.REVIEW)


CATALOGUE = Catalogue((Company(250, "Contoso Ltd", ""),), (), (), {})
