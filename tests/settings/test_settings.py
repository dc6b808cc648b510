"""agent.toml as a whole: what it gives, what it refuses, and in which words."""

import re
from datetime import timedelta
from pathlib import Path

import pytest

from agent.credentials import SecretRef
from agent.setting_types import TcpAddress, UnixSocket
from agent.settings import Settings, SettingsInvalid, config_path, load, settings_of
from agent.toml_places import parse

HERE = Path(__file__).parent
EXAMPLE = HERE.parents[1] / "agent.toml.example"
MINIMAL = (HERE / "minimal.toml").read_text()
FAULTS = sorted((HERE / "faults").glob("*.toml"))


def settings(text: str, folder: Path = Path("/etc/trueup")) -> Settings:
    return settings_of(parse(text, "agent.toml"), folder)


def complaints(path: Path) -> list[str]:
    with pytest.raises(SettingsInvalid) as refused:
        load(path)
    return [str(problem) for problem in refused.value.problems]


@pytest.mark.parametrize("path", FAULTS, ids=lambda path: path.stem)
def test_each_fault_is_told_in_its_own_line(path: Path) -> None:
    """The line with the fault, and no other, gets exactly the message that stands behind its `#!`."""
    lines = enumerate(path.read_text().splitlines(), start=1)
    expected = [f"{path}:{number}: {line.split('#! ')[1]}" for number, line in lines if "#! " in line]

    assert complaints(path) == expected


def test_minimal_file_gets_the_careful_defaults() -> None:
    """Whoever leaves everything out reads only, answers to this machine only, and has all guards."""
    loaded = settings(MINIMAL)

    assert loaded.agent.mode == "report"
    assert loaded.api.listen == TcpAddress("127.0.0.1", 8365)
    assert loaded.schedule.every == timedelta(hours=1)
    assert loaded.psa.connectwise.settle == timedelta(seconds=300)
    assert loaded.psa.connectwise.credits == "off"
    assert (loaded.guards.lower_absolute, loaded.guards.lower_percent) == (3, 20)
    assert loaded.guards.recheck == timedelta(seconds=60)
    assert loaded.store_url == "sqlite:////var/lib/trueup/trueup.db"
    assert loaded.api_token == SecretRef("file", "/var/lib/trueup/api-token")


def test_example_is_a_valid_file() -> None:
    """agent.toml.example can be copied and loads before anything is filled in."""
    assert load(EXAMPLE).agent.mode == "report"


def test_example_is_valid_with_every_setting_uncommented() -> None:
    """What is commented out is ready for use, save for the settings of which a file may have one only."""
    not_both = 'cron|client-secret = "credential:graph|client-secret-ends|fixed-product|account = "customer'
    text = re.sub(rf"^#(?=[a-z\[])(?!{not_both})", "", EXAMPLE.read_text(), flags=re.M)

    assert settings(text).psa.connectwise.billing_cycles == {}


def test_example_changes_nothing_by_its_defaults() -> None:
    """A commented default is the default: uncommenting it makes no difference."""
    commented = load(EXAMPLE)
    text = EXAMPLE.read_text()
    for section in ("guards", "log", "http", "schedule"):
        start = text.index(f"\n[{section}]")
        end = text.find("\n[", start + 1)
        part = text[start : end if end > 0 else len(text)]
        text = text.replace(part, re.sub(r"^#(?=[a-z])(?!cron|ca-file|proxy)", "", part, flags=re.M))

    assert settings(text, EXAMPLE.parent) == commented


def test_relative_paths_start_at_the_folder_of_the_file() -> None:
    """The same file means the same wherever the command is started."""
    text = MINIMAL.replace("[agent]", '[agent]\nstate = "state"')
    loaded = settings(text + '\n[store]\nurl = "sqlite:///db/t.db"\n[http]\nca-file = "../ca.pem"\n')

    assert loaded.agent.state == Path("/etc/trueup/state")
    assert loaded.agent.mappings == Path("/etc/trueup/mappings")
    assert loaded.store_url == "sqlite:////etc/trueup/db/t.db"
    assert loaded.http.ca_file == Path("/etc/trueup/../ca.pem")
    assert loaded.api_token.name == "/etc/trueup/state/api-token"


def test_a_secret_file_lies_beside_the_settings() -> None:
    """file: takes a path like any other; credential: and env: take a name."""
    text = MINIMAL.replace("credential:graph-key.pem", "file:keys/graph.pem")

    assert settings(text).microsoft.certificate == SecretRef("file", "/etc/trueup/keys/graph.pem")
    assert settings(text).psa.connectwise.private_key == SecretRef("credential", "psa-private-key")


@pytest.mark.parametrize(
    ("written", "token"),
    [
        ("token", SecretRef("file", "/etc/trueup/token")),
        ("file:/run/token", SecretRef("file", "/run/token")),
        ("credential:api-token", SecretRef("credential", "api-token")),
    ],
)
def test_the_token_file_may_be_a_credential(written: str, token: SecretRef) -> None:
    """systemd hands over the token like the other secrets; a plain path is meant as a file."""
    assert settings(f'{MINIMAL}\n[api]\ntoken-file = "{written}"\n').api_token == token


@pytest.mark.parametrize(
    ("written", "address"),
    [
        ("127.0.0.1:0", TcpAddress("127.0.0.1", 0)),
        ("localhost:8365", TcpAddress("localhost", 8365)),
        ("[::1]:8365", TcpAddress("::1", 8365)),
        ("unix:/run/trueup/api.sock", UnixSocket(Path("/run/trueup/api.sock"))),
    ],
)
def test_the_api_listens_on_loopback_or_a_socket(written: str, address: object) -> None:
    """An address prints as it is written, so that a message can name it."""
    listen = settings(f'{MINIMAL}\n[api]\nlisten = "{written}"\n').api.listen

    assert listen == address
    assert str(listen) == written


def test_a_cloud_brings_its_own_hosts() -> None:
    """A registration belongs to one cloud, whose login and Graph hosts go together."""
    text = MINIMAL.replace("[microsoft]", '[microsoft]\ncloud = "us-dod"')
    other = text.replace("[microsoft]", '[microsoft]\ngraph-url = "http://127.0.0.1:5000/graph/"')

    assert settings(text).microsoft.login == "https://login.microsoftonline.us"
    assert settings(text).microsoft.graph == "https://dod-graph.microsoft.us"
    assert settings(other).microsoft.graph == "http://127.0.0.1:5000/graph"


def test_no_message_repeats_a_secret() -> None:
    """A secret in the wrong place is refused without being shown, not even in the error's own innards."""
    guilty = [path for path in FAULTS if "CANARY" in path.read_text()]

    assert len(guilty) >= 5
    for path in guilty:
        with pytest.raises(SettingsInvalid) as refused:
            load(path)
        assert "CANARY" not in f"{refused.value!s} {refused.value!r} {refused.value.problems!r}"


def test_no_shown_settings_hold_a_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    """repr, JSON and dump of the settings name where secrets lie, even after they were read."""
    monkeypatch.setenv("GRAPH_SECRET", "CANARY")
    text = MINIMAL.replace('certificate = "credential:graph-key.pem"', 'client-secret = "env:GRAPH_SECRET"')
    loaded = settings(text)
    assert loaded.microsoft.client_secret is not None
    assert loaded.microsoft.client_secret.read().reveal() == "CANARY"

    shown = f"{loaded!r} {loaded.model_dump()} {loaded.model_dump_json()}"

    assert "CANARY" not in shown
    assert "GRAPH_SECRET" in shown


def test_a_missing_file_says_how_to_get_one(tmp_path: Path) -> None:
    """The first command of a newcomer meets no file, and is told which command writes it."""
    path = tmp_path / "agent.toml"

    assert complaints(path) == [f"{path}: does not exist. Write one with: trueup init."]


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    """A file that could be swapped for another behind our back is refused like any unreadable one."""
    (tmp_path / "agent.toml").symlink_to(HERE / "minimal.toml")

    assert complaints(tmp_path / "agent.toml") == [f"{tmp_path}/agent.toml: is a symbolic link. Name the file itself."]


def test_the_file_is_looked_for_in_four_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The command line, then TRUEUP_CONFIG, then this folder, then /etc: the nearest word counts."""
    monkeypatch.chdir(tmp_path)
    environment = {"TRUEUP_CONFIG": "/srv/agent.toml"}

    assert config_path(Path("given.toml"), environment) == Path("given.toml")
    assert config_path(None, environment) == Path("/srv/agent.toml")
    assert config_path(None, {}) == Path("/etc/trueup/agent.toml")
    (tmp_path / "agent.toml").touch()
    assert config_path(None, {}) == Path("agent.toml")
