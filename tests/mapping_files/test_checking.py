"""What `trueup map check` has to tell."""

from pathlib import Path

from agent.domain.mappings import Mode
from agent.mapping_files import check
from tests.mapping_files.folders import HEAD, ROW, company_folder, mapping_folder


def test_summary(tmp_path: Path) -> None:
    """What the files hold, when nothing is wrong with them."""
    fabrikam = HEAD.replace("250", "260") + 'mode = "auto"\n[[exclude]]\nlicence = "STREAM"\nreason = "free"\n'
    files = mapping_folder(tmp_path, {"companies/contoso.toml": HEAD + ROW, "companies/fabrikam.toml": fabrikam})

    checked = check(files)
    summary = checked.summary

    assert checked.problems == ()
    assert summary is not None
    assert (summary.companies, summary.tenants, summary.rows) == (2, 1, 1)
    assert (summary.profiles, summary.exclusions) == (2, 2)
    assert summary.modes == {Mode.REPORT: 1, Mode.AUTO: 1}


def test_notes_about_what_is_perhaps_not_meant(tmp_path: Path) -> None:
    """Allowed, and worth a look: unused profiles, companies without rows, shared tenants."""
    fabrikam = HEAD.replace("250", "260")
    files = mapping_folder(tmp_path, {"companies/contoso.toml": HEAD + ROW, "companies/fabrikam.toml": fabrikam})

    summary = check(files).summary

    assert summary is not None
    assert [note.replace(f"{tmp_path}/", "") for note in summary.notes] == [
        "No row uses the profile e3.",
        "companies/fabrikam.toml has no row: nothing of company 260 is billed.",
        "Tenant 11111111-2222-3333-4444-555555555555 is shared by company 250, company 260:"
        " rows that would bill the same seat are held.",
    ]


def test_problems_instead_of_a_summary(tmp_path: Path) -> None:
    """Numbers of files that are not in force would mislead."""
    checked = check(company_folder(tmp_path, "company = 250\n"))

    assert checked.summary is None
    assert [problem.key for problem in checked.problems] == ["tenant"]
