"""Lines that bill a licence which is excluded: typed by hand, or left by another tool."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from agent.domain.agreements import Line
from agent.domain.counts import Observation, Snapshot
from agent.domain.descriptions import cleaned
from agent.domain.holdings import Ground, Owned
from agent.domain.keys import LineKey, Mark
from agent.domain.mappings import Mappings, folded


def billed_anyway(
    ground: Ground, bound: Collection[int], snapshots: Mapping[str, Snapshot], mappings: Mappings
) -> Iterator[Owned]:
    """Open lines that nobody's mark and no binding claims, of a licence that its tenant has and that is excluded.

    Told by the line alone: its product is called by the licence's part number, or its text by the licence's name. So
    their end is only offered; like every end it waits for a person.
    """
    found: dict[LineKey, Owned] = {}
    for tenant, snapshot in snapshots.items():
        excluded = mappings.excluded(tenant)
        free = [seen for sku, seen in snapshot.observations.items() if sku in excluded]
        for line, seen in _pairs(ground, bound, free):
            key = LineKey(ground.psa, line.agreement, tenant, seen.sku, "", "", line.identifier)
            found.setdefault(key, Owned(key, base=line))
    yield from found.values()


def _pairs(ground: Ground, bound: Collection[int], free: Collection[Observation]) -> Iterator[tuple[Line, Observation]]:
    for line in (line for lines in ground.lines.values() for line in lines if free):
        if line.open and line.quantity and line.id not in bound and Mark.read(line.mark) is None:
            yield from ((line, seen) for seen in free if _names(line, seen))


def _names(line: Line, seen: Observation) -> bool:
    part, name, text = folded(seen.part_number), folded(cleaned(seen.name)), folded(cleaned(line.text))
    # Not any longer name: Microsoft Stream is free, Microsoft Stream Plan 2 is not.
    rest = text.removeprefix(name).lstrip() if text.startswith(name) else "other"
    return folded(line.identifier) == part or not rest or rest[0] in ":;,(-"
