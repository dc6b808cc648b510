"""Invoices that were deleted: made again, each is to bill what it billed, whatever its lines have come to since.

An invoice bills a line with the quantity that it finds. Seats that came after it stand on the line as well, beside a
difference line for their days; made again it would bill them twice. Seats that left would not be billed any more.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from agent.domain.agreements import Line
from agent.domain.changes import Holding, Restore, terms_of
from agent.domain.desired import DesiredLine
from agent.domain.holdings import Ground, Owned
from agent.domain.keys import LineKey, Role
from agent.domain.money import Money
from agent.domain.ownership import Binding, Charge, Sighting
from agent.domain.periods import Period


@dataclass(frozen=True, slots=True)
class Otherwise:
    """A line that would be billed otherwise than before when the invoices of `days` are made again.

    It is to bill `surplus` seats less until then. `lacking` are days with the seats that it billed, from the first
    number up to the second, and then would not.
    """

    key: LineKey
    line: Line
    beside: Holding
    days: Period
    lacking: tuple[tuple[Period, int, int], ...]
    surplus: int

    def sighting(self, known: Mapping[LineKey, Sighting], now: datetime) -> Sighting:
        """Since when this has been read: one stale answer must not move anything."""
        key = self.key.base.delta(f"{self.line.id}/{self.days.start}", Role.AGAIN)
        before = known.get(key)
        return Sighting(key, 1, self.days.start, before.first_at if before and before.quantity else now, now)


def otherwise(ground: Ground, owned: Mapping[LineKey, Owned]) -> Iterator[Otherwise]:
    """Lines of ours that bill other than what is remembered of their deleted invoices (`Charge`)."""
    lines = {line.id: line for of_agreement in ground.lines.values() for line in of_agreement}
    for binding in ground.bindings.values():
        days, mine = ground.reopened(binding.key.agreement), owned.get(binding.key.base)
        line = lines.get(binding.line)
        if days and line and line.start and mine and not mine.stopped:
            found = _compared(binding, line, line.start, days, mine, ground)
            if found is not None:
                yield found


def restore(found: Otherwise, row: DesiredLine | None, company: int, currency: str) -> Restore:
    """The change that sets the line; `row` is the one that it bills, if any does."""
    terms = terms_of(found.beside)
    billed = " and ".join(str(high) for _, _, high in found.lacking) or str(terms.billed - found.surplus)
    said = f"the deleted invoice of {found.days} billed {billed} on this line, made again it would bill {terms.billed}"
    return Restore(
        key=found.key,
        company=company,
        label=row.label if row else found.line.identifier,
        product=found.line.product,
        before=terms,
        after=replace(terms, heading=row.terms.heading) if row else terms,
        effective=found.days.start,
        reason=said,
        holding=found.beside,
        monthly=Money.zero(currency),
        lacking=found.lacking,
        surplus=found.surplus,
        beyond=found.days.end,
    )


def past(sightings: Mapping[LineKey, Sighting], ground: Ground) -> Iterator[Sighting]:
    """Sightings of deleted invoices that have been made again: the next time is another."""
    for key, sighting in sightings.items():
        if key.role is Role.AGAIN and sighting.quantity and not ground.reopened(key.agreement):
            yield replace(sighting, quantity=0)


def _compared(binding: Binding, line: Line, start: date, days: Period, mine: Owned, ground: Ground) -> Otherwise | None:
    # What no invoice has reached but the deleted one: it caught up on the line from its first day.
    fresh = binding.boundary is not None and days.start <= binding.boundary
    first, end = start if fresh else max(start, days.start), min(line.end or days.end, days.end)
    charges = _charges(binding, line, ground)
    if end <= first or not any(c.period.overlap(Period(first, end)) for c in charges):
        return None
    billed = [*_billed(Period(first, end), charges)]
    shown = int(line.quantity - line.included)
    now = [shown + _made_up(line, period, mine) for period, _ in billed]
    # Of an invoice that we did not see, nobody knows but the line itself.
    then = [n if seats is None else seats for n, (_, seats) in zip(now, billed, strict=True)]
    surplus = max(0, *(n - seats for n, seats in zip(now, then, strict=True)))
    left = [(period, n - surplus, seats) for (period, _), n, seats in zip(billed, now, then, strict=True)]
    lacking = tuple((period, low, high) for period, low, high in left if low < high)
    if not lacking and not surplus:
        return None
    others = tuple(delta for delta in mine.deltas if delta.line.id != line.id)
    return Otherwise(binding.key, line, Holding(line, closed=others), days, lacking, surplus)


def _billed(unpaid: Period, charges: Sequence[Charge]) -> Iterator[tuple[Period, int | None]]:
    """The days that the deleted invoices billed of a line, and with how many seats each, as far as we saw it."""
    first = unpaid.start
    for charge in sorted(charges, key=lambda one: one.period.start):
        known = charge.period.overlap(unpaid)
        if known and first < known.start and first != unpaid.start:
            yield Period(first, known.start), None
            first = known.start
        if known and first < known.end:
            # One invoice bills a line with one quantity, so the first also tells of the days before its own period.
            yield Period(first, known.end), charge.quantity
            first = known.end
    if first < unpaid.end:
        yield Period(first, unpaid.end), None


def _charges(binding: Binding, line: Line, ground: Ground) -> Sequence[Charge]:
    """What is remembered of the line's invoices. All lives of a base share one key, and each speaks from its start."""
    key = binding.key
    if key.role is not Role.BASE:
        return ground.charges.get(key, ())
    lives = {b.line for b in ground.bindings.values() if b.key.role is Role.BASE and b.key.base == key.base}
    others = (x for x in ground.lines.get(key.agreement, ()) if x.id in lives and x.start)
    born = [x.start for x in others if x.start and (x.start, x.id) > (line.start or x.start, line.id)]
    return [c for c in ground.charges.get(key.base, ()) if all(c.period.start < start for start in born)]


def _made_up(line: Line, period: Period, mine: Owned) -> int:
    """Seats of the lines that were written for what this line would no longer bill."""
    its = (d.line for d in mine.deltas if d.key.role is Role.AGAIN and d.key.part.startswith(f"{line.id}/"))
    return sum(int(x.quantity) for x in its if x.start and x.end and Period(x.start, x.end).overlap(period))
