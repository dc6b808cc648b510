"""The partition proof: over all rows of a tenant, each seat of a licence is billed at most once.

Counts that are not one licence (sums, people) bill a service beside the licences, so they are no part of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from agent.domain.counts import Member, Snapshot
from agent.domain.mappings import LicenceCount, Row


@dataclass(frozen=True, slots=True)
class Overlap:
    """Rows that would bill the same seats, and the people who prove it; no people where rows take the whole licence."""

    sku: str
    rows: tuple[Row, ...]
    people: tuple[Member, ...] = ()


@dataclass(frozen=True, slots=True)
class Leftover:
    """People who hold a licence that only filtered rows bill, and whom no row takes."""

    sku: str
    people: tuple[Member, ...]


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


def leftovers(rows: Sequence[Row], snapshot: Snapshot) -> tuple[Leftover, ...]:
    found = []
    for sku, of_sku in licence_rows(rows).items():
        if any(row.users is None for row in of_sku):
            continue
        missed = tuple(m for m in snapshot.holders(sku) if not any(row.counts(m) for row in of_sku))
        if missed:
            found.append(Leftover(sku, missed))
    return tuple(found)


def _overlap(sku: str, rows: tuple[Row, ...], snapshot: Snapshot | None) -> Overlap | None:
    whole = [row for row in rows if row.users is None]
    subscriptions = [row.subscription for row in whole]
    # A row without subscription takes every seat; so it cannot stand beside any other row of the licence.
    if whole and (len(whole) < len(rows) or "" in subscriptions or len(set(subscriptions)) < len(subscriptions)):
        return Overlap(sku, rows)
    if whole or snapshot is None:
        return None
    claims = [(m, tuple(r for r in rows if r.counts(m))) for m in snapshot.holders(sku)]
    doubled = [(m, takers) for m, takers in claims if len(takers) > 1]
    if not doubled:
        return None
    concerned = tuple(row for row in rows if any(row in takers for _, takers in doubled))
    return Overlap(sku, concerned, tuple(m for m, _ in doubled))
