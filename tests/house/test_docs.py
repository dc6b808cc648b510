"""What the program knows, its documentation knows too."""

import re

import pytest

from agent.domain.findings import Code
from agent.settings import Setting, describe
from tests.house.source import REPOSITORY

CONFIGURATION = (REPOSITORY / "docs" / "configuration.md").read_text()
EXAMPLE = (REPOSITORY / "agent.toml.example").read_text()
SETTINGS = pytest.mark.parametrize("setting", describe(), ids=lambda setting: setting.key)


def example_settings() -> list[str]:
    """The dotted keys in agent.toml.example, in its order, commented out or not."""
    found, section = [], ""
    for line in EXAMPLE.splitlines():
        if header := re.fullmatch(r"#?\[+([a-z0-9.-]+)\]+", line):
            section = header[1]
        elif pair := re.match(r"#?([a-z-]+) = ", line):
            found.append(f"{section}.{pair[1]}")
    return found


def documented_rows() -> dict[str, list[str]]:
    """The cells of docs/configuration.md's tables of settings, without the ticks around code."""
    rows = re.findall(r"^\| `([a-z0-9.-]+)` \| (.*) \| (.*) \| (.*) \|$", CONFIGURATION, re.M)
    return {key: [kind.replace("`", ""), default.strip("`"), meaning] for key, kind, default, meaning in rows}


def test_example_holds_every_setting_once() -> None:
    """agent.toml.example shows all there is to set, and nothing that is not."""
    assert sorted(example_settings()) == sorted(setting.key for setting in describe())


@SETTINGS
def test_documentation_explains_the_setting(setting: Setting) -> None:
    """docs/configuration.md gives type, default and meaning as the program has them."""
    assert documented_rows()[setting.key] == [setting.type, setting.default, setting.meaning]


def test_documentation_explains_nothing_else() -> None:
    """A setting that has gone must not live on in its documentation."""
    assert set(documented_rows()) == {setting.key for setting in describe()}


@SETTINGS
def test_example_shows_the_default(setting: Setting) -> None:
    """Where the default is a value, it stands in the example as it would in a file."""
    if re.match(r'["\[{\d]', setting.default):
        name = setting.key.rpartition(".")[2]
        assert re.search(rf"^#?{name} = {re.escape(setting.default)}$", EXAMPLE, re.M)


@SETTINGS
def test_meaning_is_one_sentence(setting: Setting) -> None:
    """It goes into a table, into `trueup init` and behind "is missing"."""
    assert re.fullmatch(r"[^.]+(\.[a-z][^.]+)*\.", setting.meaning)


def test_every_finding_is_explained() -> None:
    """docs/findings.md has a row for each code, and none for a code that does not exist."""
    page = (REPOSITORY / "docs" / "findings.md").read_text()
    assert sorted(re.findall(r"^\| `([a-z-]+)` \|", page, re.M)) == sorted(code.value for code in Code)
