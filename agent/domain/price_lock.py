"""Prices that last: seats keep the price at which they were bought until their commitment renews.

A row then has a line for each price, its *lots*. The line itself says at which price its seats were bought, so
nothing else has to remember that; how long the price lasts is kept with its binding. While a lot has the present
price, its lock follows the renewal that the source tells of; once the price moves, the renewal then known stands.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from agent.domain.changes import Step
from agent.domain.desired import Desired, DesiredLine
from agent.domain.holdings import Owned, Ownership
from agent.domain.keys import LineKey


def allotted(wanted: Desired, owned: Ownership, today: date) -> Desired:
    """The same rows, those that lock prices with a line for each price at which their seats were bought."""
    families = _families(owned.owned.values())
    lines = [lot for line in wanted.lines for lot in _lots(line, families[line.key], today)]
    # A row of which no number is known leaves all its lines as they are.
    unknown = {lot.key: stop for key, stop in wanted.unknown.items() for lot in families[key]}
    return Desired(tuple(lines), unknown)


def _families(owned: Iterable[Owned]) -> Mapping[LineKey, Sequence[Owned]]:
    """The lines of each row, the oldest first."""
    found: dict[LineKey, list[Owned]] = {}
    for mine in sorted(owned, key=lambda mine: int(mine.key.lot or 1)):
        found.setdefault(mine.key.row, []).append(mine)
    return found


def _lots(line: DesiredLine, family: Sequence[Owned], today: date) -> Iterator[DesiredLine]:
    price = line.product.price if line.terms.price is None else line.terms.price
    locks = line.row.profile.price_lock and price is not None and family[0].lives > 0
    if len(family) == 1 and not locks:
        yield line
        return
    stopped = line.doubt or next((mine.stopped for mine in family if mine.stopped), None)
    if stopped:
        # Of a sum of which one part is unknown nothing can be said of the others.
        yield from (replace(line, key=mine.key, doubt=stopped) for mine in family)
        return
    lots = _shared(line, [_Lot.of(mine, line, price, today) for mine in family], price)
    yield from _lines(line, lots, price, today)


@dataclass(frozen=True, slots=True)
class _Lot:
    """A line of a row, which `stands` or is to be made. `until` is the renewal up to which it keeps its price, `locked`
    whether it does so now."""

    key: LineKey
    quantity: int
    price: Decimal | None
    until: date | None = None
    locked: bool = False
    stands: bool = False

    @classmethod
    def of(cls, mine: Owned, line: DesiredLine, price: Decimal | None, today: date) -> _Lot:
        if mine.holding is None or mine.binding is None:
            return cls(mine.key, 0, None)
        has, until = mine.holding.base.price, mine.binding.locked
        if until is None or has == price:
            until = line.renews or until
        ahead = until is None or until > today
        locked = line.row.profile.price_lock and has is not None and has != price and ahead
        return cls(mine.key, int(mine.holding.quantity), has, until, locked, stands=True)


def _shared(line: DesiredLine, lots: Sequence[_Lot], price: Decimal | None) -> list[_Lot]:
    """The lots with the quantities that they are to have: new seats at the present price, the newest leave first."""
    more = line.terms.quantity - sum(lot.quantity for lot in lots)
    found = {lot.key: lot for lot in lots}
    if more > 0:
        at_price = [lot for lot in lots if lot.stands and lot.price == price]
        others = [] if line.row.profile.price_lock else [lot for lot in lots if lot.stands]
        takes = next(reversed(at_price or others), None) or _new(line.key, found)
        found[takes.key] = replace(takes, quantity=takes.quantity + more)
    for lot in reversed(lots):
        gives = min(lot.quantity, max(0, -more))
        if gives:
            found[lot.key] = replace(lot, quantity=lot.quantity - gives)
            more += gives
    return list(found.values())


def _new(row: LineKey, lots: Mapping[LineKey, _Lot]) -> _Lot:
    """A lot whose line has ended, or one that has never been: never one that bills."""
    return next(_Lot(key, 0, None) for key in row.lots() if key not in lots or not lots[key].stands)


def _lines(line: DesiredLine, lots: Sequence[_Lot], price: Decimal | None, today: date) -> Iterator[DesiredLine]:
    included = line.terms.included
    # A start-on date that is over was for the seats that were there: what is bought later begins later.
    ahead = line.row.start_on if line.row.start_on and line.row.start_on > today else None
    names = next((lot.key for lot in lots if lot.quantity), line.key)
    for lot in lots:
        asked = lot.price if lot.locked else price if line.row.profile.price_lock else line.terms.price
        terms = replace(
            line.terms,
            quantity=lot.quantity,
            included=min(included, lot.quantity),
            price=asked,
            # Whom the seats belong to stands on one line; which of them has whose price, nobody can tell.
            text=line.terms.text if lot.key == names else line.terms.heading,
        )
        included -= terms.included
        at = lot.price if lot.stands else asked
        label = line.label if at is None else f"{line.label} at {at}"
        steps = (*line.steps, _step(lot, line.terms.quantity, price))
        row = replace(line.row, start_on=ahead) if lot.key.lot else line.row
        # What a renewal will set free is a number of the row, not of one of its lines.
        told = replace(line, row=row, label=label, counted=lot.quantity, steps=steps, release=None)
        yield replace(told, key=lot.key, terms=terms, locked=lot.until)


def _step(lot: _Lot, total: int, price: Decimal | None) -> Step:
    seats = f"{lot.quantity} of {total} seats"
    if not lot.locked:
        return Step("price-lock", f"{seats} at the present price of {price}", str(lot.quantity))
    until = f"until {lot.until}" if lot.until else "until their renewal, which no source tells"
    return Step("price-lock", f"{seats} keep {lot.price} {until}; the present price is {price}", str(lot.quantity))
