"""Files change under a running daemon: what was good last stays until they are good again."""

import os
import threading
from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest

from agent.mapping_files import LastGood, MappingsInvalid
from tests.mapping_files.folders import HEAD, ROW, company_folder

CONTOSO = "companies/contoso.toml"


def watched(folder: Path, pause: Callable[[], None] = lambda: None) -> LastGood:
    return LastGood(company_folder(folder, HEAD + ROW), pause)


def test_change_counts_at_the_next_look(tmp_path: Path) -> None:
    """No restart: a row that was added is there when the mappings are asked for again."""
    mappings = watched(tmp_path)
    before = mappings.current()

    (tmp_path / CONTOSO).write_text(HEAD + ROW + ROW.replace("SPB", "SPE_E3"))

    assert len(list(before.rows())) == 1
    assert len(list(mappings.current().rows())) == 2


def test_bad_files_change_nothing(tmp_path: Path) -> None:
    """The problems can be seen, the good mappings go on."""
    mappings = watched(tmp_path)
    before = mappings.current()

    (tmp_path / CONTOSO).write_text(HEAD + ROW + "minimum = -1\n")

    assert mappings.current() is before
    assert [problem.key for problem in mappings.problems] == ["row[1].minimum"]


def test_good_again(tmp_path: Path) -> None:
    """Putting the old text back ends the problems, though nothing differs from what was good."""
    mappings = watched(tmp_path)
    before = mappings.current()
    (tmp_path / CONTOSO).write_text("company = ")
    mappings.current()

    (tmp_path / CONTOSO).write_text(HEAD + ROW)

    assert mappings.current().digest == before.digest
    assert mappings.problems == ()


def test_vanished_folder_changes_nothing(tmp_path: Path) -> None:
    """A disk that is not mounted must not end the lines of every company."""
    mappings = watched(tmp_path)
    before = mappings.current()

    (tmp_path / "companies").rename(tmp_path / "elsewhere")

    assert mappings.current() is before
    assert mappings.problems


def test_never_good(tmp_path: Path) -> None:
    """A daemon that starts with bad files has nothing to go on with."""
    mappings = watched(tmp_path)
    (tmp_path / CONTOSO).write_text("company = ")

    with pytest.raises(MappingsInvalid, match=r"contoso\.toml:1"):
        mappings.current()


def test_touched_is_not_changed(tmp_path: Path) -> None:
    """A new time stamp with the old bytes keeps the very same mappings, and approvals with them."""
    mappings = watched(tmp_path)
    before = mappings.current()

    os.utime(tmp_path / CONTOSO, (1, 1))

    assert mappings.current() is before


def test_same_size_and_old_time_is_seen(tmp_path: Path) -> None:
    """`cp -p` and restored backups bring their old times along; the disk notes the change all the same."""
    mappings = watched(tmp_path)
    mappings.current()
    path = tmp_path / CONTOSO
    status = path.stat()

    path.write_text((HEAD + ROW).replace("1021", "1022"))
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))

    assert [row.agreement for row in mappings.current().rows()] == [1022]


def test_unchanged_files_cost_no_pause(tmp_path: Path) -> None:
    """Only a change is looked at twice: a quiet tick waits for nothing."""
    pauses: list[None] = []
    mappings = watched(tmp_path, lambda: pauses.append(None))

    for _ in range(3):
        mappings.current()

    assert len(pauses) == 1  # the first read of all


def test_half_saved_file_starts_no_cycle(tmp_path: Path) -> None:
    """A file cut at the end of a row is valid and would end the other rows' lines: the pause sees it grow."""
    path = tmp_path / CONTOSO
    whole = HEAD + ROW + ROW.replace("SPB", "SPE_E3")
    mappings = watched(tmp_path, lambda: None if path.read_text() == whole else void(path.write_text(whole)))
    path.write_text(HEAD + ROW)

    assert len(list(mappings.current().rows())) == 2


def test_endless_copying_is_left_for_later(tmp_path: Path) -> None:
    """A folder that looks different each time is a problem for now, and read when it has come to rest."""
    path = tmp_path / CONTOSO
    copying = False
    looks = count()
    mappings = watched(tmp_path, lambda: void(path.write_text(f"{HEAD}# {next(looks)}\n")) if copying else None)
    before = mappings.current()
    path.write_text(HEAD)
    copying = True

    assert mappings.current() is before
    assert "is being changed all the time" in mappings.problems[0].what
    copying = False
    assert list(mappings.current().rows()) == []
    assert mappings.problems == ()


def test_many_threads_see_one_state(tmp_path: Path) -> None:
    """The scheduler and the local HTTP interface ask at the same time."""
    mappings = watched(tmp_path)
    seen: list[str] = []
    threads = [threading.Thread(target=lambda: seen.append(mappings.current().digest)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(seen) == 8
    assert len(set(seen)) == 1


def void(_: object) -> None:
    """The result of an expression that is only wanted for what it does."""
