"""A first agent.toml: which answers it needs, whether an answer will do, and how the file reads."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from agent.errors import TrueupError
from agent.settings import ONE_OF, Setting, SettingsInvalid, describe, settings_of
from agent.toml_places import FileRefused, Problem, parse

_HEAD = """\
# Trueup's settings, written by `trueup init`. What begins with #name shows a default, or a setting without one.
# docs/configuration.md explains them all. Relative paths start at the folder of this file; durations are "90s", "15m",
# "1h" or "2d". No secret stands here: "credential:NAME" (systemd), "file:PATH" (mode 0600) or "env:NAME" says where.
"""


@dataclass(frozen=True, slots=True)
class Question:
    """What `init` asks. `kept_in` is the file for an answer that must not stand in agent.toml itself."""

    key: str
    where: str
    default: str = ""
    kept_in: str = ""
    optional: bool = False


QUESTIONS = (
    Question("agent.timezone", "The IANA name of where the site dates its invoices: Europe/London, America/Chicago."),
    Question("agent.currency", "The ISO code: USD, AUD, GBP."),
    Question("schedule.every", "Microsoft's counts change within minutes of an order.", "1h"),
    Question("microsoft.client-id", "Entra admin center > App registrations > your app > Overview."),
    Question(
        "microsoft.certificate",
        "The path of the PEM file, or a reference. Leave it empty to use a client secret instead.",
        kept_in="graph-key.pem",
        optional=True,
    ),
    Question("microsoft.client-secret", "Less safe than a certificate.", kept_in="graph-secret"),
    Question("microsoft.tenant", "Entra admin center > Overview. Leave it empty to do without.", optional=True),
    Question("psa.connectwise.url", "As in the browser, such as https://na.myconnectwise.net."),
    Question("psa.connectwise.company", "The first field of the ConnectWise login."),
    Question("psa.connectwise.public-key", "System > Members > API Members > your member > API Keys."),
    Question("psa.connectwise.private-key", "Shown once, when the keys are made.", kept_in="psa-private-key"),
    Question("psa.connectwise.client-id", "developer.connectwise.com > ClientID."),
    Question("psa.connectwise.member", "Leave it empty if you do not know it.", optional=True),
)
FIXED = {"agent.mode": "report", "psa.kind": "connectwise"}


def wanted(question: Question, answers: Mapping[str, str]) -> bool:
    """Whether it is still to be answered: of alternatives, one answer will do."""
    for section, *names in ONE_OF:
        pair = [f"{section}.{name}" for name in names]
        if question.key in pair:
            return not any(answers.get(key) for key in pair)
    return question.key not in answers


def setting(key: str) -> Setting:
    """Raises `TrueupError` for a key that is no setting."""
    known = {setting.key: setting for setting in describe()}
    if key not in known:
        raise TrueupError(f"There is no setting {key}", "docs/configuration.md lists them")
    return known[key]


def problem_with(key: str, value: str, folder: Path) -> Problem | None:
    """What the settings have against this one value; None if nothing."""
    section, _, name = key.rpartition(".")
    try:
        settings_of(parse(f"[{section}]\n{name} = {_toml(setting(key), value)}\n", ""), folder)
    except FileRefused as error:
        return error.problem
    except SettingsInvalid as error:
        return next((problem for problem in error.problems if problem.key == key), None)
    return None


def text(answers: Mapping[str, str]) -> str:
    """agent.toml with every setting: those answered as they are, the others as comments with their defaults."""
    lines = [_HEAD]
    for header, settings in groupby(describe(), key=lambda setting: setting.header):
        section = list(settings)
        asked = any(one.key in answers for one in section)
        lines += ["", header.lstrip("#") if asked else header]
        for one in section:
            lines += _setting(one, answers.get(one.key))
    return "\n".join(lines) + "\n"


def _setting(one: Setting, answer: str | None) -> Iterator[str]:
    name = one.key.rpartition(".")[2]
    yield f"# {one.meaning}"
    if answer:
        yield f"{name} = {_toml(one, answer)}"
    elif re.match(r'["\[{\d]', one.default):
        yield f"#{name} = {one.default}"
    else:
        yield f"#{name} =    ({one.type}; {one.default})"


def _toml(one: Setting, answer: str) -> str:
    """Numbers, lists and tables as they were typed, all else in quotes."""
    plain = re.match(r"\d|list|table", one.type)
    return answer if plain else json.dumps(answer, ensure_ascii=False)
