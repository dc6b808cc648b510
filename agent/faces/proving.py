"""Gathers the evidence of a company's month from the store."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING

from agent.domain.counts import MICROSOFT, Account
from agent.domain.periods import add_months
from agent.faces.explaining import Memoirs, Moment, NothingThen
from agent.ports import Store
from agent.reports.evidence import Evidence, Reading
from agent.reports.text import View

if TYPE_CHECKING:
    from agent.domain.mappings import Mappings
    from agent.ports import Traits
    from agent.settings import Settings


def evidence(
    store: Store, mappings: Mappings, traits: Traits, settings: Settings, view: View, company: int, first: date
) -> Evidence:
    """Of the month that begins on `first`, up to now if it is not over. Raises `NothingThen` for one ahead."""
    zone, end = settings.agent.timezone, add_months(first, 1)
    begins, ends = (datetime.combine(day, time(), zone) for day in (first, end))
    if begins > view.now:
        raise NothingThen(f"{first:%B %Y} lies ahead", "Name a month that has begun")
    # A month that is over is told as its readings and derivations stood at the end, whatever has been read since.
    over = ends <= view.now
    at = (ends - timedelta(microseconds=1)).astimezone(UTC) if over else view.now
    when = Moment(at, at.astimezone(zone).date(), over)
    memoirs = Memoirs(store, mappings, traits, zone, settings.agent.currency, company, when, first)
    accounts = mappings.companies[company].accounts
    readings = tuple(reading for ref in accounts for reading in _readings(store, ref, begins, ends))
    head = next(iter(store.journal(1)), None)
    return Evidence(company, first, end, tuple(memoirs.explanations()), readings, head, view)


def _readings(store: Store, ref: str, begins: datetime, ends: datetime) -> Iterator[Reading]:
    for version in store.snapshots(Account.parse(ref), begins):
        if version.since < ends and version.last >= begins:
            account = version.value.account
            kind = "tenant" if account.source == MICROSOFT else account.source
            yield Reading(f"{kind} {account.name or account.id}", version.since, version.last, version.digest)
