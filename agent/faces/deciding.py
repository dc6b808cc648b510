"""A person's decision about held changes, and what follows from it."""

from __future__ import annotations

import getpass
import os
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from agent.domain.mappings import Mode
from agent.errors import TrueupError
from agent.faces.desk import Desk
from agent.mapping_files import MappingsInvalid
from agent.ports import Hold

if TYPE_CHECKING:
    from agent.ports import Store


class NoSuchHold(TrueupError):
    """The digest names no change that is held now."""


def decide(desk: Desk, digests: Sequence[str], verdict: str, reason: str) -> list[Hold]:
    """Decide about all of them, or about none where one names nothing. `reason` may be empty."""
    now = desk.clock.now()
    until = now + desk.settings.guards.approval_expires if verdict == "approved" else None
    who = by(reason)
    with desk.store() as store:
        _refuse_unknown(store, digests)
        return [hold for digest in digests for hold in store.decide(digest, verdict, who, now, until)]


def _refuse_unknown(store: Store, digests: Sequence[str]) -> None:
    held = [hold.digest for hold in store.holds()]
    for digest in digests:
        if store.run(digest) is None and sum(known.startswith(digest) for known in held) != 1:
            what = f'"{digest}" names no change that is held now, or more than one'
            raise NoSuchHold(what, "List them with: trueup holds. A plan that changed since has another digest")


def by(reason: str) -> str:
    """Who is at the keyboard and why: the journal has one text for both."""
    return f"{user()}: {reason}" if reason else user()


def user() -> str:
    """Who is at the keyboard, also behind sudo."""
    try:
        return os.environ.get("SUDO_USER") or getpass.getuser()
    except (KeyError, OSError):  # a user that no list of users knows
        return f"user {os.getuid()}"


def when_written(desk: Desk, holds: Sequence[Hold]) -> Iterator[str]:
    """When the approved changes reach the PSA, as sentences."""
    companies = sorted({hold.company for hold in holds})
    view, modes = desk.view(), _modes(desk)
    silent = [company for company in companies if modes.get(company) is Mode.REPORT]
    for company in silent:
        yield f'{view.company(company)} is in mode "report", which never writes: set mode to "review" or "auto" first.'
    if len(silent) == len(companies):
        return
    following = next_cycle(desk)
    when = f"at {view.at(following)}" if following else "when the daemon runs"
    numbers = " ".join(str(company) for company in companies)
    yield f"Written in the next cycle, {when}; or now with: trueup sync {numbers}"


def _modes(desk: Desk) -> Mapping[int, Mode]:
    try:
        return {company.company: company.mode for company in desk.mappings.companies.values()}
    except MappingsInvalid:
        return {}  # the decision stands all the same


def next_cycle(desk: Desk) -> datetime | None:
    """As the daemon says; None where none answers."""
    from agent.faces.local import Local

    try:
        said = Local(desk.settings).status()["next_cycle"]
    except TrueupError:
        return None
    return datetime.fromisoformat(said) if said else None
