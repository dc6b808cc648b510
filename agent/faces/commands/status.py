"""How it stands, on one screen. Nothing here imports pydantic or SQLAlchemy: they would take longer than the rest."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import tzinfo
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import click

from agent import __version__
from agent.errors import TrueupError
from agent.faces import options
from agent.faces.desk import Desk, desk, say, say_json
from agent.faces.holding import holder_of
from agent.reports.status import Status, status_text, status_values
from agent.store.glance import Glance, glance
from agent.toml_places import read_toml

# As in the settings; a test compares them.
STATE, STORE, ZONE = "/var/lib/trueup", "sqlite:///{state}/trueup.db", ZoneInfo("UTC")


@dataclass(frozen=True, slots=True)
class Place:
    """What `status` needs of agent.toml; `store` is None where it is no SQLite file."""

    store: Path | None
    zone: tzinfo


@click.command()
@options.common
@options.as_json
@desk
def command(desk: Desk, as_json: bool) -> None:
    """How it stands: the last run, what waits for whom, open mismatches, when tenants were last read."""
    place = place_of(desk.config)
    seen = glance(place.store, desk.clock.now()) if place.store else _through_the_store(desk)
    status = _status(desk, place, seen)
    if as_json:
        say_json(status_values(status))
    else:
        say(status_text(status, desk.view_in(place.zone, {})))


def place_of(config: Path) -> Place:
    """Read off agent.toml without judging the rest of it: that is for `check`, and for the daemon when it starts."""
    if not os.path.lexists(config):
        raise TrueupError(f"{config} does not exist", "Write one with: trueup init")
    data = read_toml(config).data
    agent, store = (_table(data, name) for name in ("agent", "store"))
    folder = config.absolute().parent
    state = folder / str(agent.get("state", STATE))
    url = str(store.get("url", STORE.format(state=state)))
    path = folder / url.removeprefix("sqlite:///") if url.startswith("sqlite:///") else None
    return Place(path, _zone(str(agent.get("timezone", ""))))


def _table(data: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Empty where something else stands under the name, which `check` tells."""
    found = data.get(name)
    return found if isinstance(found, dict) else {}


def _zone(name: str) -> tzinfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZONE


def _through_the_store(desk: Desk) -> Glance:
    from agent.store.glance import glance_at

    with desk.store() as store:
        return glance_at(store)


def _status(desk: Desk, place: Place, seen: Glance | None) -> Status:
    return Status(
        version=__version__,
        config=str(desk.config),
        store=str(place.store or "PostgreSQL") if seen else "",
        daemon=holder_of(place.store) if place.store else None,
        last_run=seen.last_run if seen else None,
        findings={severity.value: count for severity, count in seen.findings.items()} if seen else {},
        holds=seen.holds if seen else 0,
        unknown=seen.unknown + seen.intents if seen else 0,
        tenants={account.name or account.id: at for account, at in seen.snapshots.items()} if seen else {},
    )
