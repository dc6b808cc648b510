"""The shipped unit, judged by systemd itself: it reads without a word, and exposes little."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.optional import missing

REPOSITORY = Path(__file__).parents[2]
UNIT = (REPOSITORY / "systemd" / "trueup.service").read_text()
HARDENING = set(re.findall(r"^((?:Protect|Private|Restrict|MemoryDeny|System|Lock|No|Cap)\w+)=", UNIT, re.M))

# In tenths, so 1.1: what is left is the network, the host's root directory and the socket to systemd.
THRESHOLD = "--threshold=11"


def analyze(unit: str, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """systemd-analyze on `unit`, with a program that exists here in place of the installed one."""
    if shutil.which("systemd-analyze") is None:
        missing("systemd-analyze", "apt install systemd", required_by="TRUEUP_REQUIRE_SYSTEMD")
    path = folder / "trueup.service"
    path.write_text(re.sub(r"^ExecStart=\S+", "ExecStart=/bin/true", unit, flags=re.M))
    command = ["systemd-analyze", *arguments, str(path)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def verify(unit: str, folder: Path) -> str:
    done = analyze(unit, folder, "verify")
    return done.stdout + done.stderr


def test_verify_is_silent(tmp_path: Path) -> None:
    """A misspelt key is a mere warning with exit status 0, so any word of `verify` counts as a failure."""
    assert verify(UNIT, tmp_path) == ""


def test_exposure_is_at_most_1_1(tmp_path: Path) -> None:
    """The daemon holds the keys of every tenant: what it can reach on its host stays at 1.1 or below."""
    done = analyze(UNIT, tmp_path, "security", "--offline=true", THRESHOLD)

    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("key", sorted(HARDENING))
def test_misspelt_hardening_is_noticed(key: str, tmp_path: Path) -> None:
    """systemd would start the unit without a protection that it cannot read."""
    assert f"Unknown key '{key}x'" in verify(UNIT.replace(f"\n{key}=", f"\n{key}x="), tmp_path)


@pytest.mark.parametrize("key", ["ProtectClock", "PrivateUsers", "RestrictNamespaces", "SystemCallFilter"])
def test_lost_hardening_raises_the_exposure(key: str, tmp_path: Path) -> None:
    """The threshold is tight: dropping one protection passes it."""
    weaker = re.sub(rf"^{key}=.*\n", "", UNIT, flags=re.M)

    assert analyze(weaker, tmp_path, "security", "--offline=true", THRESHOLD).returncode != 0


def test_credentials_are_in_the_install_guide() -> None:
    """The unit does not start without its credential files, so the guide creates every one of them."""
    guide = (REPOSITORY / "docs" / "install.md").read_text()
    files = re.findall(r"^LoadCredential=\S+?:(\S+)$", UNIT, re.M)

    assert len(files) == 3
    assert [path for path in files if path not in guide] == []
