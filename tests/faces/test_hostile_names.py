"""Names that would forge lines, steer a terminal or run in a spreadsheet: what becomes of them in every face."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from agent.faces.desk import harmless
from agent.simulators.world import World
from tests.faces.shell import Said, here

CORVANE = 203
HOSTILE = "\x1b]0;owned\x07Eve\x9b2J\r\nUnassigned: 99 <script>alert(1)</script> \u202etxt.exe, =cmd|' /C calc'!A0"
STEERS = re.compile(r"[\x00-\x08\x0b-\x1a\x1c-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f]|\x1b(?!\[[0-9;]*m)")
LOOKS = (
    "plan",
    "findings",
    "holds",
    "status",
    "tenants",
    "journal",
    "check",
    "map suggest",
    "map check",
    "report",
    "evidence 203",
)


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The simulated MSP, where people, companies, agreements and products have been given such names."""
    world = World.build(datetime.now(UTC))
    for tenant in world.microsoft.tenants.values():
        for user in list(tenant.holdings.users.values()):
            tenant.change_user(user.id, name=f"{HOSTILE} {user.id}")
    office = world.connectwise
    for record in office.tables.listed("companies"):
        office.person_edits_company(record.fields["id"], name=HOSTILE)
    for record in office.tables.listed("agreements"):
        office.person_edits_agreement(record.fields["id"], name=HOSTILE)
    for record in office.tables.listed("catalog"):
        office.person_edits_product(record.fields["id"], customerDescription=HOSTILE)
    with world.serve() as served:
        yield world.write_configuration(tmp_path_factory.mktemp("msp"), served, "127.0.0.1:1")


def said(config: Path, *words: str) -> Said:
    return here("--config", str(config), *words)


@pytest.mark.parametrize("look", LOOKS)
def test_nothing_steers_the_terminal(config: Path, look: str) -> None:
    """What each command prints holds no control or bidirectional character, as text and as JSON."""
    said(config, "plan")
    for words in (look.split(), [*look.split(), "--json"]):
        answer = said(config, *words)
        assert answer.out
        assert not STEERS.search(answer.out + answer.err), words
        # Names are cleaned where they are printed: what prints at the very end had nothing left to mend.
        assert "--json" in words or not re.search(r"\\(x9b|u202e|x1b)", answer.out), words


def test_explain_neither(config: Path) -> None:
    """The page that names the people."""
    said(config, "plan")
    assert not STEERS.search(said(config, "explain", str(CORVANE)).out)


def test_own_colours_pass() -> None:
    """Colours are ours; any other sequence is shown as what it is, and line breaks and tabs stay."""
    assert harmless("\x1b[31mred\x1b[0m\n\tx\x1b[2J\u202e") == "\x1b[31mred\x1b[0m\n\tx\\x1b[2J\\u202e"
