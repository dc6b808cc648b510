"""What an installation gets: exactly the locked packages, and every file that the program reads."""

import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from tests.house.source import REPOSITORY

LOCKS = ["requirements.lock", "requirements-dev.lock"]
PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())


# `name==version`, where needed the machines it is for, and at least one hash.
ENTRY = re.compile(r"^([a-z0-9-]+)==(\S+)(?: ; [^\\\n]+)?(?: \\\n +--hash=sha256:[0-9a-f]{64})+$", re.M)


def locked(lock: str) -> dict[str, str]:
    """Name -> version of each package in a lock file."""
    return dict(ENTRY.findall((REPOSITORY / lock).read_text()))


@pytest.mark.parametrize("lock", LOCKS)
def test_every_package_is_pinned_with_hashes(lock: str) -> None:
    """pip refuses the whole file over one package without a hash, and so do we, before a user sees it."""
    rest = ENTRY.sub("", (REPOSITORY / lock).read_text())

    assert [line for line in rest.splitlines() if line and not line.lstrip().startswith("#")] == []
    assert len(locked(lock)) > 20


@pytest.mark.parametrize("lock", LOCKS)
def test_lock_names_no_place(lock: str) -> None:
    """Where packages come from is the choice of each machine: no index address, no path of somebody's disk."""
    text = (REPOSITORY / lock).read_text()

    assert re.findall(r"://|--(?:extra-)?index|--find-links|--trusted-host|file:|/home/|/opt/", text) == []


def test_lock_satisfies_the_project() -> None:
    """A dependency added to pyproject.toml without `make lock` is found here, not on a user's machine."""
    project, groups, lock = PROJECT["project"], PROJECT["dependency-groups"], locked("requirements.lock")
    extras = project["optional-dependencies"]
    wanted = [*project["dependencies"], *extras["postgres"], *extras["chat"], *extras["docx"], *groups["build"]]
    unmet = [
        text for text in wanted if (need := Requirement(text)).name not in lock or lock[need.name] not in need.specifier
    ]

    assert unmet == []


def test_locks_agree() -> None:
    """The tests run on the versions that are installed in production."""
    production, development = (locked(lock) for lock in LOCKS)
    shared = production.keys() & development.keys()

    assert {name: production[name] for name in shared} == {name: development[name] for name in shared}


def test_wheel_holds_the_program_and_its_data(tmp_path: Path) -> None:
    """Tables, migrations and templates travel with the code; built from a copy, so no old `build/` helps."""
    source = tmp_path / "source"
    shutil.copytree(REPOSITORY / "agent", source / "agent", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(REPOSITORY / name, source)
    build = ["wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", tmp_path, source]
    subprocess.run([sys.executable, "-m", "pip", *build], check=True)
    (wheel,) = tmp_path.glob("trueup_agent-*.whl")

    packed = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}

    assert packed == {path.relative_to(source).as_posix() for path in (source / "agent").rglob("*") if path.is_file()}
