"""How it stands, on one screen. Nothing here imports pydantic or SQLAlchemy: they would take longer than the rest."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta, tzinfo
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import click

from agent import __version__
from agent.domain.counts import MICROSOFT, Account
from agent.durations import parse_duration
from agent.errors import TrueupError
from agent.faces import options
from agent.faces.desk import Desk, desk, say, say_json
from agent.faces.holding import holder_of
from agent.reports.status import Status, status_text, status_values
from agent.store.glance import Glance, glance
from agent.toml_places import read_toml

# As in the settings; a test compares them.
STATE, STORE, ZONE = "/var/lib/trueup", "sqlite:///{state}/trueup.db", ZoneInfo("UTC")
SETTLE, STALE_AFTER = "300s", "24h"


@dataclass(frozen=True, slots=True)
class Place:
    """What `status` needs of agent.toml; `store` is None where it is no SQLite file."""

    store: Path | None
    zone: tzinfo
    settle: timedelta
    stale_after: timedelta


@click.command()
@options.common
@options.as_json
@desk
def command(desk: Desk, as_json: bool) -> None:
    """How it stands: the last run, what is held, unknown and stale, and until when; open mismatches."""
    place = place_of(desk.config)
    seen = glance(place.store, desk.clock.now()) if place.store else _through_the_store(desk)
    status = _status(desk, place, seen)
    if as_json:
        say_json(status_values(status, desk.clock.now()))
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
    microsoft, psa = _table(data, "microsoft"), _table(_table(data, "psa"), "connectwise")
    return Place(
        path,
        _zone(str(agent.get("timezone", ""))),
        _duration(psa.get("settle"), SETTLE),
        _duration(microsoft.get("stale-after"), STALE_AFTER),
    )


def _table(data: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Empty where something else stands under the name, which `check` tells."""
    found = data.get(name)
    return found if isinstance(found, dict) else {}


def _duration(given: object, default: str) -> timedelta:
    try:
        return parse_duration(given if isinstance(given, str) else default)
    except ValueError:
        return parse_duration(default)


def _zone(name: str) -> tzinfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZONE


def _called(account: Account) -> str:
    name = account.name or account.id
    return name if account.source == MICROSOFT else f"{account.source}: {name}"


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
        tenants={_called(account): at for account, at in seen.snapshots.items()} if seen else {},
        held_since=seen.held_since if seen else None,
        open_since=seen.open_since if seen else None,
        settle=place.settle,
        stale_after=place.stale_after,
    )
