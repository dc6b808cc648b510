"""`trueup status` reads agent.toml by itself, and must not disagree with the settings about it."""

import fcntl
import os
from pathlib import Path

import pytest

from agent.errors import TrueupError
from agent.faces.commands.status import place_of
from agent.faces.holding import holder_of
from agent.settings import describe, load
from tests.faces.shell import here
from tests.house.source import REPOSITORY

MINIMAL = (REPOSITORY / "tests" / "settings" / "minimal.toml").read_text()


@pytest.mark.parametrize(
    "change",
    [
        ("", ""),
        ("[agent]", '[agent]\nstate = "elsewhere"'),
        ("[agent]", '[agent]\nstate = "/srv/trueup"'),
        ("[schedule]", '[store]\nurl = "sqlite:///other.db"\n[schedule]'),
        ("[schedule]", '[store]\nurl = "sqlite:////srv/other.db"\n[schedule]'),
        ("[microsoft]", '[microsoft]\nstale-after = "2d"'),
        ("[psa.connectwise]", '[psa.connectwise]\nsettle = "90s"'),
    ],
)
def test_store_and_zone_are_those_of_the_settings(tmp_path: Path, change: tuple[str, str]) -> None:
    """Defaults, relative and absolute paths: the same file, the same zone."""
    config = tmp_path / "agent.toml"
    config.write_text(MINIMAL.replace(*change, 1) if change[0] else MINIMAL)
    settings, place = load(config), place_of(config)
    assert f"sqlite:///{place.store}" == settings.store_url
    assert place.zone == settings.agent.timezone
    assert place.settle == settings.psa.connectwise.settle
    assert place.stale_after == settings.microsoft.stale_after


def test_default_state_is_the_documented_one() -> None:
    """`status` knows one default by heart; this is where a change of it shows."""
    [default] = [setting.default for setting in describe() if setting.key == "agent.state"]
    assert default == '"/var/lib/trueup"'


def test_postgres_has_no_file(tmp_path: Path) -> None:
    """Then `status` goes the longer way through the store."""
    config = tmp_path / "agent.toml"
    config.write_text(MINIMAL + '\n[store]\nurl = "postgresql://trueup@db/trueup"\n')
    assert place_of(config).store is None


def test_broken_file_is_told(tmp_path: Path) -> None:
    """No traceback for a file that is no TOML, but its line."""
    config = tmp_path / "agent.toml"
    config.write_text("[agent\n")
    with pytest.raises(TrueupError, match=r"agent\.toml:1:7: this is not TOML"):
        place_of(config)


@pytest.mark.parametrize("text", ["agent = 5", "store = [1]", "[store]\nurl = 5", "[agent]\ntimezone = []", ""])
def test_nonsense_in_the_file_is_left_to_check(tmp_path: Path, text: str) -> None:
    """A table where a text belongs must not keep anybody from seeing how it stands."""
    config = tmp_path / "agent.toml"
    config.write_text(text)
    assert place_of(config).zone.key == "UTC"


def test_pipe_in_place_of_the_file_is_not_waited_for(tmp_path: Path) -> None:
    """Nor would a device without an end be read to it: one sentence, said once."""
    os.mkfifo(tmp_path / "agent.toml")
    said = here("status", "--config", str(tmp_path / "agent.toml"))
    assert said.status == 1
    assert said.err.count("Put a plain file there.") == 1


def test_holder_of_the_lock(tmp_path: Path) -> None:
    """Who holds the writer's lock is seen without touching it; an abandoned lock file means nothing."""
    lock = tmp_path / "writer.lock"
    assert holder_of(tmp_path / "trueup.db") == ""
    with lock.open("w") as file:
        file.write("process 4711 on vm\n")
        file.flush()
        assert holder_of(tmp_path / "trueup.db") == ""
        fcntl.flock(file, fcntl.LOCK_EX)
        assert holder_of(tmp_path / "trueup.db") == "process 4711 on vm"


def test_status_before_anything_ran(tmp_path: Path) -> None:
    """A fresh configuration has no store yet, and that is no error."""
    config = tmp_path / "agent.toml"
    config.write_text(MINIMAL.replace("[agent]", '[agent]\nstate = "state"', 1))
    said = here("status", "--config", str(config))
    assert said.status == 0
    assert "none yet" in said.out
    assert not (tmp_path / "state").exists()
