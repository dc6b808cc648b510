"""Files of hostile shape: refused in a moment, with a sentence, and never followed out of the folder."""

import os
import time
from pathlib import Path

import pytest

from agent.mapping_files import MappingsInvalid
from agent.mapping_files import files as limits
from tests.mapping_files.folders import HEAD, ROW, company_folder, mapping_folder
from tests.mapping_files.hostile import BOMBS


def refusal(folder: Path) -> str:
    """What is said about a folder with a hostile file in it; saying so must not take long."""
    started = time.process_time()  # of this process alone, as the machine may be busy
    with pytest.raises(MappingsInvalid) as caught:
        mapping_folder(folder, {}).load()
    assert time.process_time() - started < 1
    return str(caught.value)


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("beyond the limit", "is larger than 1048576 bytes"),
        ("latin-1", "contoso.toml:1: this is not UTF-8 text"),
        ("utf-16", "this is not UTF-8 text"),
        ("nul", "NUL"),
        ("deep", "is nested more than 16 levels deep"),
        ("many values", "has more than 20000 values"),
        ("dotted", "is nested more than 16 levels deep"),
        ("bidirectional name", "name: has an invisible character"),
        ("unknown licences", "is not looked at, nor what follows, because 100 problems stand before it"),
    ],
)
def test_bomb_is_refused(name: str, says: str, tmp_path: Path) -> None:
    """Each costs less than a second, and what is said is what a person can act on."""
    (tmp_path / "companies").mkdir()
    (tmp_path / "companies" / "contoso.toml").write_bytes(BOMBS[name])

    assert says in refusal(tmp_path)


@pytest.mark.parametrize("size", [1024 * 1024 + 1, 5 * 1024**3])
def test_sparse_file_is_not_read(size: int, tmp_path: Path) -> None:
    """Five gigabytes that take no room on the disk would take it in memory."""
    (tmp_path / "companies").mkdir()
    with (tmp_path / "companies" / "contoso.toml").open("wb") as file:
        file.truncate(size)

    assert "is larger than 1048576 bytes" in refusal(tmp_path)


@pytest.mark.parametrize("target", ["/dev/zero", "/dev/stdin", "/proc/self/environ", "/etc/shadow"])
def test_device_behind_a_link_is_not_read(target: str, tmp_path: Path) -> None:
    """Nor is what another user may not see."""
    (tmp_path / "companies").mkdir()
    (tmp_path / "companies" / "contoso.toml").symlink_to(target)

    assert "contoso.toml: is a symbolic link" in refusal(tmp_path)


def test_symbolic_link_is_refused(tmp_path: Path) -> None:
    """A link could show another user's file in an error message."""
    outside = tmp_path / "outside.toml"
    outside.write_text(HEAD)
    (tmp_path / "mappings" / "companies").mkdir(parents=True)
    (tmp_path / "mappings" / "companies" / "contoso.toml").symlink_to(outside)

    assert "contoso.toml: is a symbolic link" in refusal(tmp_path / "mappings")


def test_linked_folder_is_refused(tmp_path: Path) -> None:
    """Nor may the whole of companies/ lie elsewhere."""
    (tmp_path / "outside").mkdir()
    (tmp_path / "mappings").mkdir()
    (tmp_path / "mappings" / "companies").symlink_to(tmp_path / "outside")

    assert "companies: is a symbolic link" in refusal(tmp_path / "mappings")


def test_pipe_is_not_waited_for(tmp_path: Path) -> None:
    """Opening a pipe waits for a writer who may never come."""
    (tmp_path / "companies").mkdir()
    os.mkfifo(tmp_path / "companies" / "contoso.toml")

    assert "contoso.toml: is not a regular file" in refusal(tmp_path)


def test_folder_named_like_a_file_is_refused(tmp_path: Path) -> None:
    """Somebody's `contoso.toml/` is told, not skipped."""
    (tmp_path / "companies" / "contoso.toml").mkdir(parents=True)

    assert "contoso.toml: is not a regular file" in refusal(tmp_path)


def test_file_that_everybody_may_write_is_refused(tmp_path: Path) -> None:
    """Who may write mapping files may write invoices."""
    company_folder(tmp_path, HEAD)
    (tmp_path / "companies" / "contoso.toml").chmod(0o666)

    assert "can be changed by every user of this machine" in refusal(tmp_path)


def test_unprintable_file_name_is_told_in_letters(tmp_path: Path) -> None:
    """A name with a line break must not forge a line in somebody's terminal."""
    (tmp_path / "companies").mkdir()
    (tmp_path / "companies" / "a\nb.toml").write_text(HEAD)

    assert r"whose name cannot be shown: 'a\nb.toml'" in refusal(tmp_path)


@pytest.mark.parametrize("name", [".contoso.toml.swp", ".#contoso.toml", "contoso.toml~", "contoso.toml.bak", "a.txt"])
def test_editors_leftovers_are_ignored(name: str, tmp_path: Path) -> None:
    """What an editor or a person keeps beside a file is no mapping file."""
    files = company_folder(tmp_path, HEAD)
    (tmp_path / "companies" / name).write_text("not TOML")

    assert list(files.load().companies) == [250]


def test_too_many_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The limit is told; nothing is read in part."""
    monkeypatch.setattr(limits, "FILE_LIMIT", 2)
    names = {f"companies/{n}.toml": HEAD.replace("250", str(n)) for n in (1, 2, 3)}

    with pytest.raises(MappingsInvalid, match="has more than 2 files"):
        mapping_folder(tmp_path, names).load()


def test_too_many_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Likewise for the rows of all files together."""
    monkeypatch.setattr(limits, "ROW_LIMIT", 1)

    with pytest.raises(MappingsInvalid, match="has more than 1 rows"):
        company_folder(tmp_path, HEAD + ROW + ROW.replace("SPB", "SPE_E3")).load()
