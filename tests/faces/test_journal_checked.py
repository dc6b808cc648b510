"""The journal, checked by somebody who has no Trueup: with the script of the documentation, as it is printed there."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from agent.store import open_store
from tests.contract.store_values import COMPANY, NOW, StillClock, finding, key, learnt, planned, write
from tests.faces.shell import Said, here
from tests.house.source import REPOSITORY

OPERATIONS = (REPOSITORY / "docs" / "operations.md").read_text()
CONFIG = """
[agent]
timezone = "Europe/London"
currency = "GBP"
state = "state"
[schedule]
every = "1h"
[microsoft]
client-id = "11111111-2222-4333-8444-555555555555"
client-secret = "env:NOTHING"
[psa]
kind = "connectwise"
[psa.connectwise]
url = "https://psa.example.com"
company = "example"
public-key = "key"
private-key = "env:NOTHING"
client-id = "11111111-2222-4333-8444-555555555555"
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A store with seven records, one of a name in many scripts."""
    with open_store("", tmp_path / "state", StillClock()) as store:
        run = store.open_run("test", [COMPANY], False, NOW)
        for number in range(6):
            store.intend(run, planned(key(f"{number}")), write(key(f"{number}")), NOW.replace(microsecond=0))
        store.learn(run, learnt(findings=(finding("a"),)), NOW)
        store.seal_run(run, "failed", NOW, "Łódź 東京 \ud800")
    (tmp_path / "agent.toml").write_text(CONFIG)
    return tmp_path / "agent.toml"


def exported(config: Path) -> str:
    said = here("--config", str(config), "journal", "export")
    assert said.status == 0, said.err
    return said.out


def checked(text: str) -> Said:
    """By the script of the page, in a Python that knows nothing of this project."""
    [script] = re.findall(r"```python\n(import hashlib.*?)```", OPERATIONS, re.S)
    done = subprocess.run([sys.executable, "-I", "-c", script], input=text, capture_output=True, text=True)
    return Said(done.returncode, done.stdout, done.stderr)


def test_script_of_the_documentation_comes_to_the_same_head(config: Path) -> None:
    """As `trueup journal verify` does, of the same seven records."""
    told = here("--config", str(config), "journal", "verify", "--json").json()
    said = checked(exported(config))

    assert told["records"] == 7
    assert said.out == f"7 records are sound; head {told['head']}\n"


@pytest.mark.parametrize(
    ("deed", "told"),
    [
        (lambda records: records[2].update(payload="{}"), "record 3 was changed"),
        (lambda records: records.pop(4), "record 5 is missing"),
        (lambda records: records.insert(1, records[0]), "record 2 is missing"),
        (lambda records: records.reverse(), "record 1 is missing"),
    ],
)
def test_script_of_the_documentation_finds_tampering(config: Path, deed, told: str) -> None:
    """Changed, removed, doubled, turned around."""
    records = [json.loads(line) for line in exported(config).splitlines()]
    deed(records)
    said = checked("\n".join(map(json.dumps, records)))

    assert said.status == 1
    assert told in said.err


def test_export_goes_on_where_an_earlier_one_ended(config: Path) -> None:
    """For a timer that keeps the journal elsewhere."""
    whole = exported(config).splitlines()
    said = here("--config", str(config), "journal", "export", "--after", "5")

    assert said.out.splitlines() == whole[5:]


def test_told_heads_are_compared(config: Path, tmp_path: Path) -> None:
    """From a log with other lines in it, and by hand; a head that never was is found."""
    records = [json.loads(line) for line in exported(config).splitlines()]
    events = [{"event": "journal.head", "records": r["seq"], "head": r["hash"]} for r in records[2:5]]
    log = tmp_path / "trueup.log"
    log.write_text("\n".join(["Started Trueup.", *(f"Nov 20 host trueup[1]: {json.dumps(e)}" for e in events), "{"]))
    verify = ("--config", str(config), "journal", "verify")

    assert here(*verify, "--log", str(log)).status == 0
    assert here(*verify, "--head", f"6:{'0' * 64}", "--log", str(log)).status == 1
    said = here(*verify, "--head", f"6:{'0' * 64}", "--log", str(log))
    assert "record 6 is another than was told, so one of 6 to 6 was changed" in said.out
    assert "is no head of a journal" in here(*verify, "--head", "6").err


def test_copy_and_restore_as_a_person_does_it(config: Path, tmp_path: Path) -> None:
    """Declined, and then done; the reader sees both sides, what is older and where the replaced store went."""
    store = ("--config", str(config), "store")
    copied = here(*store, "backup", str(tmp_path / "copy.db"))
    assert "Copied to" in copied.out
    assert "6 writes, 7 journal records, head" in copied.out

    declined = here(*store, "restore", str(tmp_path / "copy.db"))
    assert declined.status == 3
    assert "the copy" in declined.out
    done = here(*store, "restore", str(tmp_path / "copy.db"), "--yes", "--json")
    assert (done.status, done.json()["copy"]["writes"], done.json()["replaced"]["records"]) == (0, 6, 7)
    assert Path(done.json()["kept"]).exists()
