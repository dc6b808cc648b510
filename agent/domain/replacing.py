"""Lines of somebody else whose place a row takes (`replaces`): they end where the row's own line begins."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from agent.domain.agreements import Agreement, Line
from agent.domain.findings import Code, Stop
from agent.domain.holdings import Ground
from agent.domain.keys import LineKey, Role
from agent.domain.mappings import Row


@dataclass(frozen=True, slots=True)
class Replacing:
    """`day` is the first that the row's own line bills; `ends` are the lines whose end on the day before is still to
    be written. With a `stop`, neither may be."""

    day: date
    ends: tuple[Line, ...] = ()
    stop: Stop | None = None


def replacing(row: Row, ground: Ground) -> Replacing | None:
    """None for a row that replaces nothing, or whose agreement cannot be judged.

    Both sides of the boundary come from here, so that no day is billed twice and none by nobody, whenever a person
    approves them: where an invoice has meanwhile billed the old lines beyond `start-on`, the boundary moves behind it.
    """
    agreement = ground.agreements.get(row.agreement)
    if not row.replaces or row.start_on is None or agreement is None or agreement.months is None:
        return None
    lines = {line.id: line for line in ground.lines.get(row.agreement, ())}
    managed = (b for b in ground.bindings.values() if b.key.role is not Role.REPLACED and not b.untouched)
    stop = _stop(row, set(lines), {b.line for b in managed})
    if stop is not None:
        return Replacing(row.start_on, stop=stop)
    first = boundary(agreement, row.start_on)
    old = [lines[id] for id in row.replaces]
    ends = tuple(line for line in old if line.end is None or line.end > first)
    ended = [line.end for line in old if line.end is not None and line.end <= first]
    return Replacing(max([row.start_on, *ended, *([first] if ends else [])]), ends)


def boundary(agreement: Agreement, day: date) -> date:
    """The first day, from this one on, on which one line can take over from another: nothing of it is invoiced, and
    where whole periods are billed, one begins."""
    first = agreement.next_invoice if agreement.invoiced(day) and agreement.next_invoice else day
    if agreement.prorates or agreement.grid.starts_on(first):
        return first
    return agreement.period(first).end


def key_of(row_key: LineKey, line: Line) -> LineKey:
    """The key under which the end of a replaced line is journaled: it belongs to the row, and to no line of ours."""
    return row_key.base.delta(str(line.id), Role.REPLACED)


def _stop(row: Row, there: set[int], ours: set[int]) -> Stop | None:
    lost = [id for id in row.replaces if id not in there]
    if lost:
        reason = f"agreement {row.agreement} has no line {_listed(lost)}, which the row replaces"
        return Stop(Code.MISSING_LINE, reason, "correct replaces in the mapping file")
    mine = [id for id in row.replaces if id in ours]
    if mine:
        reason = f"line {_listed(mine)}, which the row replaces, is managed by Trueup itself"
        return Stop(Code.AMBIGUOUS_LINES, reason, "take it out of replaces; remove its row instead if it is to end")
    return None


def _listed(ids: list[int]) -> str:
    return ", ".join(map(str, ids))
