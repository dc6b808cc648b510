"""The command line itself: what there is, how fast it is there, and how failures end."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from agent.faces.cli import COMMANDS, Trueup, cli
from tests.faces.shell import environment, here, process
from tests.house.source import REPOSITORY

OPERATIONS = (REPOSITORY / "docs" / "operations.md").read_text()
NAMES = [name for commands in COMMANDS.values() for name in commands]
HEAVY = "pydantic sqlalchemy sqlmodel requests msal fastapi apscheduler structlog rich tomlkit rapidfuzz".split()


def commands() -> list[str]:
    """Every command with its subcommands, as they are typed."""
    found = []
    for name in NAMES:
        command = cli.get_command(cli.make_context("trueup", [name, "--help"], resilient_parsing=True), name)
        assert command is not None
        subcommands = getattr(command, "commands", {})
        plain = [name] if not subcommands or name in ("journal", "ledger") else []
        found += [*plain, *(f"{name} {sub}" for sub in subcommands)]
    return found


def test_help_shows_every_command() -> None:
    """One line for each, in groups."""
    said = here("--help")
    assert said.status == 0
    for heading, listed in COMMANDS.items():
        assert f"\n{heading}:\n" in said.out
        for name, short in listed.items():
            assert re.search(rf"^  {name} +{re.escape(short[:30])}", said.out, re.M)


@pytest.mark.parametrize("name", NAMES)
def test_command_explains_itself(name: str) -> None:
    """Its own help says what it does and takes --config."""
    said = here(name, "--help")
    assert said.status == 0
    assert "Usage: trueup" in said.out
    assert "--config" in said.out or name == "completion"


def test_operations_page_has_an_example_of_each_command() -> None:
    """docs/operations.md has a section for every command, with an example of it, and for nothing else."""
    sections = dict(re.findall(r"^### trueup ([a-z ]+)\n(.*?)(?=^##)", OPERATIONS, re.M | re.S))
    assert sorted(sections) == sorted(commands())
    for name, section in sections.items():
        assert re.search(rf"```(?:sh|console)\n.*trueup {name}", section, re.S), name


@pytest.mark.parametrize("words", [["--help"], ["--version"], ["status"]])
def test_quick_commands_load_nothing_heavy(words: list[str], tmp_path: Path) -> None:
    """What answers within 150 ms cannot import the libraries that take longer than that."""
    (tmp_path / "agent.toml").write_text('[agent]\nstate = "state"\n')
    program = (
        "import sys, atexit\n"
        "atexit.register(lambda: print('LOADED', *sys.modules, file=sys.stderr))\n"
        "from agent.faces.cli import main; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, *words], cwd=tmp_path, env=environment(), capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    loaded = set(done.stderr.split("LOADED")[1].split())
    assert loaded & set(HEAVY) == set()


def test_version_is_the_package_s() -> None:
    """`trueup --version` says what pip installed."""
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    assert "version" in project["dynamic"]
    assert re.fullmatch(r"trueup \d+\.\d+\.\d+\n", here("--version").out)


def test_failure_is_a_sentence_and_a_remedy(tmp_path: Path) -> None:
    """No traceback: what is wrong and what to do, on stderr, without colours where nobody sees them."""
    said = process("status", cwd=tmp_path, env=environment(TRUEUP_CONFIG="nowhere.toml"))
    assert (said.status, said.out) == (1, "")
    assert said.err == "Error: nowhere.toml does not exist.\n       Write one with: trueup init.\n"


def test_wrong_settings_are_told_all_at_once(tmp_path: Path) -> None:
    """Every problem of agent.toml with its line, and exit status 2, which systemd does not try again."""
    (tmp_path / "agent.toml").write_text('[agent]\ntimezone = "Europe/Londn"\nmode = "automatic"\n')
    said = process("plan", cwd=tmp_path)
    assert said.status == 2
    lines = said.err.splitlines()
    assert len(lines) > 5
    assert all(line.startswith("Error: ") for line in lines)
    assert any(re.search(r'agent\.toml:2.*agent\.timezone.*Did you mean "Europe/London"\?$', line) for line in lines)


@pytest.mark.parametrize("order", [["--config", "x.toml", "plan"], ["plan", "--config", "x.toml"]])
def test_config_before_or_behind_the_command(order: list[str]) -> None:
    """Both are typed by people; both count."""
    said = here(*order)
    assert said.status == 2
    assert "x.toml: does not exist" in said.err


def test_debug_keeps_the_traceback(tmp_path: Path) -> None:
    """For a report to the developers: the error as Python tells it."""
    said = process("plan", "--debug", "--config", "x.toml", cwd=tmp_path)
    assert said.status == 1
    assert "Traceback" in said.err


def test_unforeseen_error_is_a_sentence_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A fault of our own ends in one sentence that asks for a report, and status 1."""
    (tmp_path / "broken.py").write_text(
        "from agent.faces import cli\ncli.Trueup.get_command = lambda *_: 1 / 0\ncli.main()\n"
    )
    env = environment(PYTHONPATH=str(REPOSITORY))
    done = subprocess.run([sys.executable, "broken.py", "plan"], cwd=tmp_path, env=env, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr.startswith("Error: A fault of Trueup's own: ZeroDivisionError: division by zero\n")
    assert "Traceback" not in done.stderr


def test_unknown_command_is_a_usage_error() -> None:
    """Status 2, and no guess."""
    said = here("plna")
    assert said.status == 2
    assert "No such command 'plna'" in said.err


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts(shell: str) -> None:
    """Each shell gets a script that asks trueup itself."""
    said = here("completion", shell)
    assert said.status == 0
    assert "_TRUEUP_COMPLETE" in said.out


def test_completion_completes_commands(tmp_path: Path) -> None:
    """What the script asks, answered as bash wants it."""
    env = environment(_TRUEUP_COMPLETE="bash_complete", COMP_WORDS="trueup fin", COMP_CWORD="1")
    assert process(cwd=tmp_path, env=env).out == "plain,findings\n"


def test_group_lists_what_it_can_load() -> None:
    """Each listed name has a module that offers a command."""
    assert isinstance(cli, Trueup)
    assert len(commands()) > len(NAMES)
