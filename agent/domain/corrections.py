"""What writes that were carried out have changed in what is billed: for the letter that tells a company about them.

The lines of one key are laid beside each other as they were before the first write and as they are after the last.
What goes on to be billed each period is one thing; what is billed once, for days of which the coming invoices tell
nothing, is another. Quantity and price are told apart, as they were approved apart.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from itertools import groupby
from typing import NamedTuple

from agent.domain.agreements import Agreement, Billable, Line
from agent.domain.changes import Write
from agent.domain.invoices import Part, due, units
from agent.domain.keys import LineKey, Role
from agent.domain.ownership import pictured
from agent.domain.periods import DAY, Period
from agent.domain.proration import Convention


@dataclass(frozen=True, slots=True)
class Recurring:
    """What a key's lines bill each period from here on; the price is None where it is unknown or not one."""

    units: Decimal
    price: Decimal | None


@dataclass(frozen=True, slots=True)
class OneOff:
    """Units billed for some days and never again; units or a price below zero give back."""

    units: Decimal
    price: Decimal | None
    parts: tuple[Part, ...]

    @property
    def days(self) -> Period:
        return Period(self.parts[0].days.start, self.parts[-1].days.end)

    @property
    def gives_back(self) -> bool:
        return (self.units < 0) != (self.price is not None and self.price < 0)

    @property
    def amount(self) -> Fraction | None:
        """Exact; None where the price is unknown."""
        if self.price is None:
            return None
        return Fraction(self.units) * Fraction(self.price) * sum((part.share for part in self.parts), Fraction(0))


@dataclass(frozen=True, slots=True)
class Correction:
    """What the writes of one invoice boundary made of a key's lines.

    `agreement` is as it stood then, its next invoice being the first that shows the correction. `since` is the first
    day that is billed otherwise than before. From `continues` on each period is billed for `after` in place of
    `before`; what coming invoices differ by besides, also of a line that ends within a period, is `once`.
    """

    key: LineKey
    agreement: Agreement
    before: Recurring
    after: Recurring
    since: date | None
    continues: date | None
    once: tuple[OneOff, ...]

    @property
    def of_quantity(self) -> bool:
        return self.before.units != self.after.units or bool(self.once)

    @property
    def of_price(self) -> bool:
        """A line that begins or ends has no price before or after, and so none that changed."""
        prices = {self.before.price, self.after.price} - {None}
        return bool(self.before.units and self.after.units) and len(prices) == 2


@dataclass(frozen=True, slots=True)
class Known:
    """What is remembered of a key's lines beside the writes.

    `lines` as read before the first write; `made` those that came of it, by mark, as they were first read; `unbilled`
    by id the invoice boundary that stood when a line was made: up to the next one no invoice has reached it.
    """

    lines: Sequence[Line]
    made: Mapping[str, Line]
    unbilled: Mapping[int, date]


class Sent(NamedTuple):
    """A confirmed write, and its agreement as it stood at that time."""

    write: Write
    agreement: Agreement


def corrections(key: LineKey, sent: Sequence[Sent], known: Known, convention: Convention) -> Iterator[Correction]:
    """Of the confirmed writes to the lines of one base, the oldest first; none where nothing that is billed moved.

    Writes before and after an invoice are told apart: each boundary has a correction of its own.
    """
    now = {line.id: line for line in known.lines}
    # For an invoice that is made again, lines are set to what it billed before: to the company nothing is new in that.
    wanted = [one for one in sent if one.write.key.role is not Role.AGAIN]
    # An invoice between two writes bills what the first one left: netted over it, the letter would explain neither.
    for boundary, group in groupby(wanted, key=lambda one: one.agreement.next_invoice):
        together = list(group)
        before, now = _written([one.write for one in together], now, known.made)
        unbilled = {id for id, stood in known.unbilled.items() if stood == boundary}
        made = _Beside(together[-1].agreement, convention, before, now, unbilled).correction(key)
        if made.of_quantity or made.of_price:
            yield made


Lines = dict[int, Line]


def _written(writes: Sequence[Write], lines: Mapping[int, Line], made: Mapping[str, Line]) -> tuple[Lines, Lines]:
    """The lines before and after. What a write found is surer than what was read some time before it."""
    before, after = dict(lines), dict(lines)
    for write in writes:
        # Only a read tells the id that the PSA gave; a line that was never read gets one that no PSA gives.
        found = made.get(write.mark)
        id = write.line if write.line is not None else found.id if found else -1 - len(after)
        if write.line is None:
            line = found or blank(id, write.agreement)
        else:
            line = pictured(after.get(id) or blank(id, write.agreement), write.before)
            # A second write to a line must not hide what the first one found.
            if after.get(id) == before.get(id):
                before[id] = line
        after[id] = pictured(line, write.after)
    return before, after


def blank(id: int, agreement: int) -> Line:
    """A line of which nothing is known yet."""
    return Line(id, agreement, 0, "", Decimal(0), Decimal(0), None, Billable.BILLABLE, None, None, "")


@dataclass(frozen=True, slots=True)
class _Beside:
    """A key's lines before and after the writes of one boundary."""

    agreement: Agreement
    convention: Convention
    before: Mapping[int, Line]
    after: Mapping[int, Line]
    unbilled: set[int]

    def correction(self, key: LineKey) -> Correction:
        # Lines may move on different days. From the latest of these on all of them are told together; what differs
        # before it is told line by line, so that the sum is what the invoices will differ by.
        continues = max(filter(None, self._continues()), default=None)
        since = min(filter(None, self._begins()), default=None)
        once = tuple(one for was, line in self._moved() for one in self._once(was, line, continues))
        return Correction(key, self.agreement, _recurring(self.before), _recurring(self.after), since, continues, once)

    def _moved(self) -> Iterator[tuple[Line | None, Line]]:
        """Those with other units or days; a price counts for all that is invoiced from then on, whichever days."""
        for id, line in self.after.items():
            was = self.before.get(id)
            if was is None or (units(was), was.start, was.end) != (units(line), line.start, line.end):
                yield was, line

    def _begins(self) -> Iterator[date | None]:
        """A quantity that is set counts from the next invoice on; a new line from its own first day."""
        for was, line in self._moved():
            yield line.start if was is None or not was.open else line.end or self._first(line)

    def _continues(self) -> Iterator[date | None]:
        for was, line in self._moved():
            if line.open or (was and was.open):
                yield self._regular(line)

    def _first(self, line: Line) -> date | None:
        """The first day that coming invoices bill beside what they catch up on; a line may begin after it."""
        return max(filter(None, (self.agreement.next_invoice, line.start)), default=None)

    def _regular(self, line: Line) -> date | None:
        """From when on it is billed for whole periods."""
        first = self._first(line)
        if first is None or self.agreement.months is None:
            return first
        period = self.agreement.period(first)
        # By whole periods the one in which a line begins is charged in full, so that it is a regular one.
        return first if first == period.start else period.end if self.agreement.prorates else period.start

    def _once(self, was: Line | None, line: Line, continues: date | None) -> Iterator[OneOff]:
        old, new = (self._passing(one, continues) if one else () for one in (was, line))
        if was and old == new:
            found = [(units(line) - units(was), new)]
        else:
            found = [(-units(was), old)] if was else []
            found += [(units(line), new)]
        # The new price for both: what a new price makes of the old units is told as a change of price.
        price = _price(line)
        yield from (OneOff(number, price, parts) for number, parts in found if number and parts and price != 0)

    def _passing(self, line: Line, continues: date | None) -> tuple[Part, ...]:
        """What coming invoices bill of it for days before `continues`, or up to its end."""
        boundary, end = self.agreement.next_invoice or line.start, line.end or continues
        if boundary is None or end is None or self.agreement.months is None:
            return ()
        # What stood before is paid up to the boundary, unless no invoice has been made since it was.
        reached = line.id in self.before and line.id not in self.unbilled
        paid = [Period(date.min, boundary)] if reached else []
        parts: list[Part] = []
        for period in self._periods(boundary, end, line.open):
            days = [*paid, *(part.days for part in parts)]
            parts += due(self.agreement, self.convention, period, line.start, line.end, days)
        return tuple(parts)

    def _periods(self, boundary: date, end: date, open_: bool) -> list[Period]:
        """Those whose invoices bill days up to `end`: by the day the last one catches up on all before it."""
        if self.agreement.prorates:
            return [self.agreement.period(end - DAY)]
        after = end if open_ else max(end, boundary + DAY)
        pieces = self.agreement.grid.between(boundary, after) if boundary < after else ()
        return [self.agreement.period(piece.start) for piece in pieces]


def _recurring(lines: Mapping[int, Line]) -> Recurring:
    # A line with a last day bills on for a while, and that is told as what is charged once.
    open_ = [line for line in lines.values() if line.open and units(line)]
    prices = {_price(line) for line in open_}
    return Recurring(sum(map(units, open_), Decimal(0)), prices.pop() if len(prices) == 1 else None)


def _price(line: Line) -> Decimal | None:
    # Not billed is a price of nothing, and known to be; no price shown is not known.
    return line.price if line.billable is Billable.BILLABLE else Decimal(0)
