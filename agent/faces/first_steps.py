"""`trueup init`: from answers to files. Nothing is written before every answer will do, and nothing is overwritten."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

import click

from agent.errors import TrueupError
from agent.faces import first_settings
from agent.faces.desk import Desk, say, width
from agent.faces.first_settings import FIXED, QUESTIONS, Question
from agent.mapping_files.starter import write_starter
from agent.reports.text import ended, wrapped
from agent.settings import SettingsInvalid, settings_of
from agent.toml_places import parse

_NOBODYS_ZONES = {"UTC", "Etc/UTC"}  # what servers are set to, and no site bills in
_REFERENCES = ("credential:", "file:", "env:")


@dataclass
class Answers:
    """`secrets` are texts for files by name; what `values` says of them are references."""

    config: Path
    values: dict[str, str]
    secrets: dict[str, str] = field(default_factory=dict)

    @property
    def as_service(self) -> bool:
        """Whether systemd will hand over the secrets: the folder that its unit takes them from is there."""
        return (self.config.parent / "credentials").is_dir()

    @property
    def secrets_folder(self) -> Path:
        return self.config.parent / ("credentials" if self.as_service else "secrets")

    def reference(self, name: str) -> str:
        return f"credential:{name}" if self.as_service else f"file:secrets/{name}"

    def keep_secret(self, name: str, text: str) -> str:
        """The reference to a secret that will lie in a file of its own."""
        self.secrets[name] = text
        return self.reference(name)


def write_first(desk: Desk, given: Iterable[str], ask: bool) -> None:
    config = _target(desk)
    answers = Answers(config, {**FIXED, **_parsed(given, config)})
    if "agent.state" not in answers.values and not answers.as_service:
        answers.values["agent.state"] = "state"
    for question in QUESTIONS:
        if first_settings.wanted(question, answers.values):
            answers.values[question.key] = _ask(question, answers) if ask else question.default
    if "api.token-file" not in answers.values:
        answers.values["api.token-file"] = answers.keep_secret("api-token", secrets.token_urlsafe(32))
    _write(answers)
    _tell(answers)


def _target(desk: Desk) -> Path:
    chosen = desk.given or Path(os.environ.get("TRUEUP_CONFIG", "agent.toml"))
    if os.path.lexists(chosen):
        raise TrueupError(f"{chosen} is there already", "Edit it, or write another one with: trueup init --config PATH")
    return chosen.absolute()


def _parsed(given: Iterable[str], config: Path) -> dict[str, str]:
    found: dict[str, str] = {}
    for pair in given:
        key, equals, value = pair.partition("=")
        if not equals:
            raise TrueupError(f'--set "{pair}" has no "="', "Write --set KEY=VALUE")
        problem = first_settings.problem_with(key, value, config.parent)
        if problem is not None:
            raise TrueupError(f"--set {key}: {problem.what}", problem.remedy)
        found[key] = value
    return found


def _ask(question: Question, answers: Answers) -> str:
    """Asked again until it will do."""
    setting = first_settings.setting(question.key)
    kept = answers.secrets_folder / question.kept_in
    if question.kept_in and kept.exists():
        say(f"\n{question.key}: {kept} is there already, and is used.")
        return answers.reference(question.kept_in)
    say(f"\n{click.style(question.key, bold=True)}")
    for line in (*wrapped(setting.meaning, width(), "  "), *wrapped(question.where, width(), "  ")):
        say(line)
    default = _default(question)
    hidden = bool(question.kept_in) and not question.optional
    answer: str = click.prompt(
        ">",
        default=default if default or question.optional else None,
        show_default=bool(default),
        hide_input=hidden,
        prompt_suffix=" ",
        value_proc=lambda typed: _taken(question, typed.strip(), answers),
    )
    return answer


def _taken(question: Question, typed: str, answers: Answers) -> str:
    """The value for agent.toml; click asks again after a UsageError."""
    if not typed and question.optional:
        return ""
    value = _reference(question, typed, answers) if question.kept_in else typed
    problem = first_settings.problem_with(question.key, value, answers.config.parent)
    if problem is not None:
        raise click.UsageError(f"This {problem.what}. {ended(problem.remedy)}")
    return value


def _reference(question: Question, typed: str, answers: Answers) -> str:
    if typed.startswith(_REFERENCES):
        return typed
    if question.kept_in.endswith(".pem"):
        return answers.keep_secret(question.kept_in, _pem(Path(typed).expanduser()))
    return answers.keep_secret(question.kept_in, typed)


def _pem(path: Path) -> str:
    try:
        content = path.read_text("ascii")
    except (OSError, ValueError):
        content = ""
    if "PRIVATE KEY-----" not in content or "BEGIN CERTIFICATE-----" not in content:
        raise click.UsageError(f"{path} is no PEM file with a private key and its certificate.")
    return content


def _default(question: Question) -> str:
    if question.key != "agent.timezone":
        return question.default
    # /etc/localtime leads into the zone database, by the zone's own name.
    _, found, zone = os.path.realpath("/etc/localtime").partition("/zoneinfo/")
    return zone if found and zone not in _NOBODYS_ZONES else ""


def _write(answers: Answers) -> None:
    content = first_settings.text(answers.values)
    try:
        settings = settings_of(parse(content, str(answers.config)), answers.config.parent)
    except SettingsInvalid as error:
        # There is no file yet whose line could be named.
        raise SettingsInvalid([replace(problem, file="--set", line=None) for problem in error.problems]) from None
    os.umask(0o022)
    answers.config.parent.mkdir(parents=True, exist_ok=True)
    for name, text in answers.secrets.items():
        answers.secrets_folder.mkdir(mode=0o700, exist_ok=True)
        _make(answers.secrets_folder / name, f"{text.strip()}\n", 0o600)
    write_starter(settings.agent.mappings)
    # The service's user, whom systemd makes up, reads agent.toml like everybody else; it holds no secret.
    _make(answers.config, content, 0o644 if answers.as_service else 0o600)


def _make(path: Path, text: str, mode: int) -> None:
    """A new file, or the old one left alone."""
    try:
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        say(f"{path} is there already, and was left as it is.", to_stderr=True)
    except OSError as error:
        raise TrueupError(f"{path} cannot be written: {error.strerror}", "Run as a user who may write there") from None


def _tell(answers: Answers) -> None:
    say(f"\nWritten: {answers.config}")
    for name in answers.secrets:
        say(f"         {answers.secrets_folder / name}")
    say(f"         {answers.config.parent / answers.values.get('agent.mappings', 'mappings')}/")
    say('\nThe mode is "report": nothing will be written to the PSA. Go on with:')
    for command, what in _NEXT:
        say(f"  trueup {command:<14} {what}")


_NEXT = (
    ("check", "does everything answer?"),
    ("map suggest", "which licence belongs on which agreement?"),
    ("plan", "what would be written?"),
    ("run", "the daemon"),
)
