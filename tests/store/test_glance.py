"""The quick look past SQLAlchemy says what the store says."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from agent.domain.counts import Account, Snapshot
from agent.domain.findings import Severity
from agent.errors import StoreFailed
from agent.ports import EntryState
from agent.store import open_store
from agent.store.glance import glance, glance_at
from agent.store.store import SqlStore
from tests.contract.store_values import COMPANY, HOUR, NOW, StillClock, finding, key, learnt, planned, write


def fill(store: SqlStore) -> None:
    """Two findings, a hold, an approved hold, an intent, an unknown write, two snapshots, a sealed run."""
    run = store.open_run("timer", [COMPANY], False, NOW)
    held = [planned(key(f"sku-{n}"), holds=("review",)) for n in range(2)]
    grave = replace(finding("t/sku-2"), severity=Severity.ERROR)
    store.learn(run, learnt(findings=(finding(), grave), planned=tuple(held)), NOW)
    store.decide(held[0].digest, "approved", "ana", NOW, NOW + HOUR)
    store.close(store.intend(run, planned(), write(), NOW), EntryState.UNKNOWN, "timeout", NOW)
    store.intend(run, planned(key("sku-9")), write(key("sku-9")), NOW)
    for name in ("b", "a"):
        store.remember([Snapshot(Account("microsoft", name, "Łódź"), NOW, {}, (), frozenset())])
    store.seal_run(run, "done", NOW + HOUR, "fine")


@pytest.mark.parametrize("after", [timedelta(0), HOUR])
def test_glance_is_what_the_store_says(tmp_path: Path, after: timedelta) -> None:
    """Beside an open store; an hour later the approval has run out and its hold waits again."""
    clock = StillClock(NOW + after)
    with open_store("", tmp_path, clock) as store:
        fill(store)
        seen = glance(tmp_path / "trueup.db", clock.now())

        assert seen == glance_at(store)
        assert seen is not None
        assert (seen.holds, seen.intents, seen.unknown) == (1 + bool(after), 1, 1)
        assert (seen.held_since, seen.open_since) == (NOW, NOW)
        assert seen.findings == {Severity.INFO: 1, Severity.ERROR: 1}


def test_glance_works_after_the_daemon_has_gone(tmp_path: Path) -> None:
    """The write-ahead log is gone with it, and nobody writes the file anew."""
    with open_store("", tmp_path, StillClock()) as store:
        fill(store)
    before = (tmp_path / "trueup.db").read_bytes()

    seen = glance(tmp_path / "trueup.db", NOW)

    assert seen is not None
    assert seen.unknown == 1
    assert (tmp_path / "trueup.db").read_bytes() == before


def test_fresh_store_shows_nothing(tmp_path: Path) -> None:
    """No run, no findings; and where there is no file there is no store to be made."""
    assert glance(tmp_path / "trueup.db", NOW) is None
    assert not (tmp_path / "trueup.db").exists()
    open_store("", tmp_path, StillClock()).dispose()
    seen = glance(tmp_path / "trueup.db", NOW)
    assert seen is not None
    assert (seen.last_run, seen.findings, seen.snapshots) == (None, {}, {})


def test_glance_on_another_file_says_what_to_do(tmp_path: Path) -> None:
    """A file that is no store, or has other tables."""
    (tmp_path / "trueup.db").write_text("nothing of ours" * 100)
    with pytest.raises(StoreFailed, match="cannot be read") as failure:
        glance(tmp_path / "trueup.db", NOW)

    assert "daemon" in failure.value.remedy


def test_glance_imports_no_sqlalchemy() -> None:
    """`trueup status` has 150 ms; SQLAlchemy alone takes more."""
    program = (
        "import sys, agent.store.glance; print({'sqlalchemy', 'sqlmodel', 'pydantic', 'alembic'} & set(sys.modules))"
    )
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert said.stdout == "set()\n"
