"""What the example tests look at, in a few plain words."""

from __future__ import annotations

from agent.domain.findings import Code
from agent.domain.periods import DAY
from agent.ports import Entry, EntryState
from tests.engine.world import World


def sent(world: World) -> list[str]:
    """Every request that reached the PSA, oldest first."""
    return [write.sentence for write in world.stack.sent]


def entries(world: World) -> list[Entry]:
    """Every write that was ever intended, oldest first."""
    return sorted(world.watch.store.entries(), key=lambda entry: entry.id)


def states(world: World) -> list[EntryState]:
    return [entry.state for entry in entries(world)]


def lines(world: World) -> list[str]:
    """What the PSA bills, with first and last day; without the two lines that are nobody's business."""
    ours = [line for id, line in sorted(world.stack.now.items()) if id not in world.watch.strangers]
    return [f"{x.quantity:f} from {x.start}" + (f" to {x.end - DAY}" if x.end else "") for x in ours]


def codes(world: World) -> set[Code]:
    """The open findings, without the hint that seats are assigned to nobody."""
    return {found.finding.code for found in world.watch.store.findings()} - {Code.UNASSIGNED_SEATS}
