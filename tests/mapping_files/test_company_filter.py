"""`users` above the first row: the filter of all rows of a company."""

from pathlib import Path

import pytest

from agent.domain.mappings import Basis, UserFilter
from agent.mapping_files import MappingsInvalid
from tests.mapping_files.folders import HEAD, ROW, company_folder

FILTERED = HEAD + 'users = { office = "Perth" }\n'
LOCKING = '[locked]\nproduct = "M365-BP-M"\nprice-lock = true\n'


def users(folder: Path, row: str) -> tuple[UserFilter | None, Basis]:
    (found,) = company_folder(folder, FILTERED + ROW + row).load().rows()
    return found.users, found.basis


def test_rows_inherit_it(tmp_path: Path) -> None:
    """A row without a filter of its own counts the people in Perth."""
    assert users(tmp_path, "") == (UserFilter.of({"office": ["Perth"]}), Basis.ASSIGNED)


def test_a_rows_own_filter_stands_instead(tmp_path: Path) -> None:
    """It is not joined with the company's: who wants both writes both."""
    own = 'users = { department = "Sales" }'
    assert users(tmp_path, own) == (UserFilter.of({"department": ["Sales"]}), Basis.ASSIGNED)


def test_everybody_is_exempt(tmp_path: Path) -> None:
    """A licence that the head office pays for: all purchased seats."""
    assert users(tmp_path, "everybody = true") == (None, Basis.PURCHASED)


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ('subscription = "22222222-2222-2222-2222-222222222222"', "is the company's, and cannot stand beside"),
        ("everybody = true\nusers = { office = 'Perth' }", "cannot stand beside users"),
    ],
)
def test_contradictions(row: str, says: str, tmp_path: Path) -> None:
    """A row that cannot be about some people says that it is for everybody."""
    with pytest.raises(MappingsInvalid, match=says):
        users(tmp_path, row)


@pytest.mark.parametrize("row", ["users = { office = 'Perth' }", 'basis = "assigned"'])
def test_only_purchases_lock_prices(row: str, tmp_path: Path) -> None:
    """People do not renew."""
    files = company_folder(tmp_path, HEAD + ROW.replace("business-premium", "locked") + row)
    (tmp_path / "profiles.toml").write_text(LOCKING, "utf-8")
    with pytest.raises(MappingsInvalid, match="counts no purchases of one licence"):
        files.load()
