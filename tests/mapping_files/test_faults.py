"""Every fault is told with file, line, key, what is wrong and what to do; all of them at once."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.mapping_files import MappingsInvalid
from tests.mapping_files.folders import HEAD, ROW, company_folder, mapping_folder, overlaid

FIXTURES = Path(__file__).parents[1] / "fixtures" / "mappings"
EXPECT = "# expect: "


def expected(fixture: Path) -> Iterator[str]:
    """The problems that a fixture's own last lines announce, each behind the name of its file."""
    for path in sorted(fixture.rglob("*.toml")) if fixture.is_dir() else [fixture]:
        name = path.relative_to(fixture).as_posix() if fixture.is_dir() else f"companies/{path.name}"
        lines = path.read_text("utf-8").splitlines()
        yield from (f"{name}:{line.removeprefix(EXPECT)}" for line in lines if line.startswith(EXPECT))


@pytest.mark.parametrize("fixture", sorted(FIXTURES.iterdir()), ids=lambda path: path.stem)
def test_fault_is_told(fixture: Path, tmp_path: Path) -> None:
    """Each fixture is named for its fault and says which sentences a person gets to read."""
    files = overlaid(tmp_path, fixture)

    with pytest.raises(MappingsInvalid) as caught:
        files.load()

    told = [str(problem).replace(f"{tmp_path}/", "") for problem in caught.value.problems]
    assert told == list(expected(fixture))


def test_errors_of_all_files_come_together(tmp_path: Path) -> None:
    """Two broken companies and broken profiles are three problems of one error, not three attempts."""
    files = mapping_folder(
        tmp_path,
        {
            "profiles.toml": "[e3]\nproduct = 3\n",
            "companies/a.toml": HEAD + 'mode = "off"\n',
            "companies/b.toml": "company = ",
        },
    )

    with pytest.raises(MappingsInvalid) as caught:
        files.load()

    assert [problem.key for problem in caught.value.problems] == ["mode", "", "e3.product"]
    assert caught.value.remedy == "Correct the files; `trueup map check` shows what is left"


@pytest.mark.parametrize("missing", ["profiles.toml", "exclusions.toml"])
def test_missing_file_is_not_an_empty_one(missing: str, tmp_path: Path) -> None:
    """A file that vanished excludes nothing and bills nothing; that is a problem, and no wish."""
    files = company_folder(tmp_path, HEAD)
    (tmp_path / missing).unlink()

    with pytest.raises(MappingsInvalid, match=f"{missing}: does not exist"):
        files.load()


def test_missing_companies_are_not_no_companies(tmp_path: Path) -> None:
    """Without the folder every line would be an orphan."""
    files = mapping_folder(tmp_path, {})
    (tmp_path / "companies").rmdir()

    with pytest.raises(MappingsInvalid, match="companies: is not a readable folder"):
        files.load()


def test_unknown_guid_is_a_licence(tmp_path: Path) -> None:
    """Microsoft sells licences that no table knows yet: their GUID is enough."""
    unknown = "99999999-0000-4000-8000-00000000ABCD"
    files = company_folder(tmp_path, HEAD + ROW.replace("SPB", unknown))

    (row,) = files.load().rows()

    assert row.skus == (unknown.lower(),)
