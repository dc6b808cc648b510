"""`trueup init`: a configuration that works, secrets that only their owner reads, and nothing overwritten."""

import os
import pty
import select
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import pytest

from agent.settings import SettingsInvalid, describe, load
from agent.simulators.configuration import key_pair
from tests.domain.given import NOW
from tests.faces.shell import MAIN, environment, here

APP = "3b2f8a34-5c1d-4f6e-9a70-8d2c41e5b6f7"
ANSWERS = {
    "agent.timezone": "Europe/London",
    "agent.currency": "GBP",
    "microsoft.client-id": APP,
    "microsoft.certificate": "env:GRAPH_KEY",
    "psa.connectwise.url": "https://na.myconnectwise.net",
    "psa.connectwise.company": "exampleco",
    "psa.connectwise.public-key": "AbCdEfGh",
    "psa.connectwise.private-key": "env:PSA_KEY",
    "psa.connectwise.client-id": APP,
}


def init(folder: Path, **answers: str) -> tuple[int, str]:
    """Without questions; the exit status and what went to stderr."""
    given = {**ANSWERS, **{key.replace("__", "."): value for key, value in answers.items()}}
    options = [word for key, value in given.items() for word in ("--set", f"{key}={value}")]
    said = here("init", "--non-interactive", "--config", str(folder / "agent.toml"), *options)
    return said.status, said.err


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_written_settings_are_valid(tmp_path: Path) -> None:
    """The file that init writes is one that the daemon takes, in the mode that never writes to the PSA."""
    assert init(tmp_path) == (0, "")
    settings = load(tmp_path / "agent.toml")
    assert settings.agent.mode == "report"
    assert settings.agent.state == tmp_path / "state"
    assert str(settings.microsoft.certificate) == "env:GRAPH_KEY"


def test_written_file_shows_every_setting(tmp_path: Path) -> None:
    """What was not asked stands there as a comment with its default."""
    init(tmp_path)
    text = (tmp_path / "agent.toml").read_text()
    for setting in describe():
        assert f"# {setting.meaning}\n" in text
        assert f"{setting.key.rpartition('.')[2]} =" in text


def test_mapping_files_to_start_from(tmp_path: Path) -> None:
    """Profiles, exclusions, an example and the schemas for editors, valid together."""
    init(tmp_path)
    said = here("map", "check", "--config", str(tmp_path / "agent.toml"))
    assert (said.status, said.err) == (0, "")
    assert (tmp_path / "mappings" / "companies" / "example.toml.sample").exists()
    assert (tmp_path / "mappings" / "schema" / "company.json").exists()


def test_token_is_a_secret(tmp_path: Path) -> None:
    """256 random bits, for the owner's eyes, and another one each time."""
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        init(tmp_path / name)
    one, two = ((tmp_path / name / "secrets" / "api-token") for name in ("one", "two"))
    assert mode(one) == 0o600
    assert mode(one.parent) == 0o700
    assert mode(tmp_path / "one" / "agent.toml") == 0o600
    assert len(one.read_text().strip()) >= 43
    assert one.read_text() != two.read_text()


def test_service_gets_its_credentials(tmp_path: Path) -> None:
    """Where the folder of the systemd unit is, secrets go there and are referred to as credentials; everybody may
    read agent.toml, because the user that systemd makes up must."""
    (tmp_path / "credentials").mkdir(mode=0o700)
    init(tmp_path)
    assert mode(tmp_path / "credentials" / "api-token") == 0o600
    assert mode(tmp_path / "agent.toml") == 0o644
    settings = load(tmp_path / "agent.toml")
    assert str(settings.api_token) == "credential:api-token"
    assert settings.agent.state == Path("/var/lib/trueup")


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    """A second init leaves everything as it is and says so."""
    init(tmp_path)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    status, err = init(tmp_path)
    assert status == 1
    assert "is there already" in err
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_edited_mapping_files_stay(tmp_path: Path) -> None:
    """A folder of mapping files that is there is only added to."""
    profiles = tmp_path / "mappings" / "profiles.toml"
    profiles.parent.mkdir()
    profiles.write_text("# ours\n")
    assert init(tmp_path)[0] == 0
    assert profiles.read_text() == "# ours\n"


def test_wrong_answer_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    """The setting's own problem and remedy; no file is left behind."""
    status, err = init(tmp_path, **{"agent.timezone": "Europe/Londn"})
    assert status == 1
    assert 'Did you mean "Europe/London"?' in err
    assert list(tmp_path.iterdir()) == []


def test_missing_answers_are_told_all_at_once(tmp_path: Path) -> None:
    """Without a line of a file that is not there yet; nothing is written."""
    said = here("init", "--non-interactive", "--config", str(tmp_path / "agent.toml"), "--set", "agent.currency=GBP")
    assert said.status == 2
    assert "--set: agent.timezone: is missing" in said.err
    assert "psa.connectwise.url: is missing" in said.err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("given", "every", "cron"),
    [({}, timedelta(hours=1), None), ({"schedule.cron": "15 6 * * *"}, None, "15 6 * * *")],
)
def test_schedule_need_not_be_given(
    tmp_path: Path, given: dict[str, str], every: timedelta | None, cron: str | None
) -> None:
    """Without questions, as with them, a cycle is proposed for each hour; a plan by the clock takes its place."""
    assert init(tmp_path, **given) == (0, "")
    schedule = load(tmp_path / "agent.toml").schedule
    assert (schedule.every, schedule.cron) == (every, cron)


def test_unknown_setting_is_refused(tmp_path: Path) -> None:
    """A misspelt key would otherwise be left out silently."""
    status, err = init(tmp_path, **{"agent.timezon": "Europe/London"})
    assert (status, "There is no setting agent.timezon" in err) == (1, True)


def test_numbers_and_lists_are_written_as_such(tmp_path: Path) -> None:
    """Any setting can be given, as it is typed in the file."""
    init(tmp_path, **{"guards.new-lines": "7", "api.hosts": '["trueup.example.com"]'})
    settings = load(tmp_path / "agent.toml")
    assert settings.guards.new_lines == 7
    assert settings.api.hosts == ("trueup.example.com",)


def test_nobody_at_the_keyboard(tmp_path: Path) -> None:
    """In a script, questions would wait for ever: init says what to use instead."""
    said = here("init", "--config", str(tmp_path / "agent.toml"))
    assert said.status == 1
    assert "--non-interactive" in said.err


class Typist:
    """Somebody at a terminal who answers one question after the other."""

    def __init__(self, *words: str, cwd: Path) -> None:
        self.terminal, theirs = pty.openpty()
        command, env = [sys.executable, "-c", MAIN, *words], environment(NO_COLOR="1")
        self.process = subprocess.Popen(
            command, cwd=cwd, env=env, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True
        )
        os.close(theirs)
        self.seen, self.read = "", 0

    def read_until(self, words: str, seconds: float = 30) -> str:
        """What appeared on the screen from where reading stopped up to these words."""
        end = time.monotonic() + seconds
        while words not in self.seen[self.read :]:
            assert time.monotonic() < end, f"waiting for {words!r}, seen:\n{self.seen}"
            if select.select([self.terminal], [], [], 0.2)[0]:
                self.seen += os.read(self.terminal, 4096).decode(errors="replace")
        start = self.read
        self.read = self.seen.index(words, start) + len(words)
        return self.seen[start : self.read]

    def answer(self, question: str, text: str) -> None:
        self.read_until(f"{question}\r\n")
        self.type(text)

    def type(self, text: str) -> None:
        self.read_until("\n> ")
        os.write(self.terminal, f"{text}\n".encode())

    def end(self) -> int:
        status = self.process.wait(30)
        os.close(self.terminal)
        return status


def test_questions_one_by_one(tmp_path: Path) -> None:
    """Typed at a terminal: a wrong answer is asked again, a secret is not shown, and the files are there at the end."""
    pem = tmp_path / "in.pem"
    pem.write_text("".join(key_pair(NOW)))
    typist = Typist("init", cwd=tmp_path)
    typist.answer("agent.timezone", "Europe/Londn")
    assert "Did you mean" in typist.read_until('London"?')
    typist.type("Europe/London")
    typist.answer("agent.currency", "GBP")
    typist.answer("schedule.every", "")
    typist.answer("microsoft.client-id", APP)
    typist.answer("microsoft.certificate", str(pem))
    typist.answer("microsoft.tenant", "")
    typist.answer("psa.connectwise.url", "https://na.myconnectwise.net")
    typist.answer("psa.connectwise.company", "exampleco")
    typist.answer("psa.connectwise.public-key", "AbCdEfGh")
    typist.answer("psa.connectwise.private-key", "TOPSECRET")
    typist.answer("psa.connectwise.client-id", APP)
    typist.answer("psa.connectwise.member", "")
    typist.read_until("trueup run")
    assert typist.end() == 0
    assert "TOPSECRET" not in typist.seen
    assert "TOPSECRET" not in (tmp_path / "agent.toml").read_text()
    settings = load(tmp_path / "agent.toml")
    assert settings.psa.connectwise.private_key.read().reveal() == "TOPSECRET"
    assert mode(tmp_path / "secrets" / "psa-private-key") == 0o600
    assert settings.microsoft.certificate is not None
    assert settings.microsoft.certificate.read().reveal() == pem.read_text().strip()
    assert str(settings.schedule.every) == "1:00:00"


def test_giving_up_leaves_nothing(tmp_path: Path) -> None:
    """Who stops half way finds no half configuration."""
    typist = Typist("init", cwd=tmp_path)
    typist.answer("agent.timezone", "Europe/London")
    typist.read_until("agent.currency")
    typist.process.kill()
    typist.end()
    assert list(tmp_path.iterdir()) == []


def test_settings_without_answers_are_invalid(tmp_path: Path) -> None:
    """An empty file is no configuration: init is not optional."""
    (tmp_path / "agent.toml").write_text("")
    with pytest.raises(SettingsInvalid):
        load(tmp_path / "agent.toml")
