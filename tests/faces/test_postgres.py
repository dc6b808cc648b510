"""The commands on a PostgreSQL store, which has no file to glance at."""

from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from agent.simulators.world import World
from tests.faces.shell import here


def test_plan_sync_and_status(tmp_path: Path, postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same answers; only who holds the lock cannot be told from outside."""
    parts = urlsplit(postgres_url)
    monkeypatch.setenv("STORE_PASSWORD", parts.password or "")
    address = f"postgresql://{parts.username}@{parts.hostname}:{parts.port}{parts.path}"
    world = World.build(datetime.now(UTC))
    with world.serve() as served:
        config = world.write_configuration(tmp_path, served, "127.0.0.1:1")
        config.write_text(f'{config.read_text()}\n[store]\nurl = "{address}"\npassword = "env:STORE_PASSWORD"\n')
        assert here("plan", "corvane", "--config", str(config)).status == 2
        [hold] = here("holds", "--json", "--config", str(config)).json()
        said = here("approve", hold["digest"], "--now", "--config", str(config))
        assert said.status == 0, said.err
        values = here("status", "--json", "--config", str(config)).json()
    assert values["last_run"]["confirmed"] == 2
    assert values["daemon"] is None
    assert here("journal", "verify", "--config", str(config)).status == 0
