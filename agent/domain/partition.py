"""The partition proof: over all rows of a tenant, each seat of a licence is billed at most once.

Counts that are not one licence (sums, people) bill a service beside the licences, so they are no part of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from agent.domain.counts import Member, Observation, Snapshot, Subscription
from agent.domain.findings import Stop
from agent.domain.mappings import LicenceCount, Row


@dataclass(frozen=True, slots=True)
class Overlap:
    """Rows that would bill the same seats, and the people who prove it; no people where rows take the whole licence."""

    sku: str
    rows: tuple[Row, ...]
    people: tuple[Member, ...] = ()


@dataclass(frozen=True, slots=True)
class Leftover:
    """Seats of a licence that is split, and that no row takes: those of people, or whole purchases."""

    sku: str
    people: tuple[Member, ...] = ()
    purchases: tuple[Subscription, ...] = ()


@dataclass(frozen=True, slots=True)
class Unjudged:
    """Rows of a licence whose filters need what could not be read: who is in none, or in two of them, is unknown."""

    rows: tuple[Row, ...]
    gap: Stop


def licence_rows(rows: Sequence[Row]) -> Mapping[str, tuple[Row, ...]]:
    found: dict[str, list[Row]] = {}
    for row in rows:
        if isinstance(row.count, LicenceCount):
            found.setdefault(row.count.sku, []).append(row)
    return {sku: tuple(of_sku) for sku, of_sku in found.items()}


def overlaps(rows: Sequence[Row], snapshot: Snapshot | None) -> tuple[Overlap, ...]:
    """Every overlap of a tenant's rows. Filters need the snapshot's people; without one they are not judged."""
    found = []
    for sku, of_sku in licence_rows(rows).items():
        if len(of_sku) > 1:
            overlap = _overlap(sku, of_sku, snapshot)
            if overlap:
                found.append(overlap)
    return tuple(found)


def unjudged(rows: Sequence[Row], snapshot: Snapshot) -> tuple[Unjudged, ...]:
    """Licences with a filter by a group that was not read. All their filtered rows wait.

    Somebody who has left that group may match another row today, while the line of the group's row still bills them.
    """
    found = []
    for of_sku in licence_rows(rows).values():
        gap = next((stop for row in of_sku if (stop := gap_of(row, snapshot))), None)
        if gap:
            found.append(Unjudged(tuple(row for row in of_sku if row.personal), gap))
    return tuple(found)


def gap_of(row: Row, snapshot: Snapshot) -> Stop | None:
    """Why a group of the row's filter was not read; None where all of them were."""
    return next((snapshot.gap(group) for group in sorted(row.needs.groups - snapshot.groups.keys())), None)


def leftovers(rows: Sequence[Row], snapshot: Snapshot) -> tuple[Leftover, ...]:
    found = []
    for sku, of_sku in licence_rows(rows).items():
        people = _missed_people(sku, of_sku, snapshot)
        purchases = unclaimed(of_sku, snapshot.observations.get(sku))
        if people or purchases:
            found.append(Leftover(sku, people, purchases))
    return tuple(found)


def unclaimed(rows: Sequence[Row], seen: Observation | None) -> tuple[Subscription, ...]:
    """Live purchases of a licence that is split by purchase, which none of its rows names."""
    named = {row.subscription for row in rows}
    if seen is None or not named or "" in named:
        return ()
    return tuple(one for one in seen.subscriptions if one.status.billed and one.quantity and one.id not in named)


def _missed_people(sku: str, rows: tuple[Row, ...], snapshot: Snapshot) -> tuple[Member, ...]:
    if any(row.users is None for row in rows) or any(gap_of(row, snapshot) for row in rows):
        return ()
    return tuple(m for m in snapshot.holders(sku) if not any(row.counts(m, snapshot.groups) for row in rows))


def _overlap(sku: str, rows: tuple[Row, ...], snapshot: Snapshot | None) -> Overlap | None:
    whole = [row for row in rows if row.users is None]
    subscriptions = [row.subscription for row in whole]
    # A row without subscription takes every seat; so it cannot stand beside any other row of the licence.
    if whole and (len(whole) < len(rows) or "" in subscriptions or len(set(subscriptions)) < len(subscriptions)):
        return Overlap(sku, rows)
    if whole or snapshot is None:
        return None
    claims = [(m, tuple(r for r in rows if r.counts(m, snapshot.groups))) for m in snapshot.holders(sku)]
    doubled = [(m, takers) for m, takers in claims if len(takers) > 1]
    if not doubled:
        return None
    concerned = tuple(row for row in rows if any(row in takers for _, takers in doubled))
    return Overlap(sku, concerned, tuple(m for m, _ in doubled))
