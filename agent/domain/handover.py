"""Seats that change lines: a split, a merge, a row that moves to another agreement or company.

Lines whose rows are gone end; other lines of the same seats take over. What the old lines are billed for until they
end is set against the new ones, day by day (`Change.covered`): a new line begins where the old one ends, and of the
days before that only those seats are billed which no old line carried.

Nothing is remembered for this beside lines and charges. What lines that stand already use of the old ones follows from
themselves: the seats that they ask for and do not bill on that day.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from itertools import groupby

from agent.domain.agreements import Agreement, Line
from agent.domain.changes import AddLine, Change, EndLine, SetQuantity, Terms
from agent.domain.desired import Desired, DesiredLine
from agent.domain.holdings import Ground, Owned, Ownership, charged, never_invoiced
from agent.domain.keys import LineKey
from agent.domain.mappings import Increase
from agent.domain.ownership import Binding, BindingState, Sighting
from agent.domain.periods import DAY, Period

Daily = Callable[[date], int]


@dataclass(frozen=True, slots=True)
class Lender:
    """A line that no row wants: the days from then on for which it is billed, and for how many seats.

    `ending` is set while its end is yet to be written.
    """

    key: LineKey
    line: int
    first: date
    end: date
    seats: Daily
    ending: LineKey | None = None

    def lends(self, day: date) -> int:
        return max(0, self.seats(day)) if self.first <= day < self.end else 0


@dataclass(frozen=True, slots=True)
class User:
    """A wanted line that stands: the seats that it has, and those of them that it bills itself on a day."""

    key: LineKey
    has: int
    bills: Daily

    def uses(self, day: date) -> int:
        return max(0, self.has - self.bills(day))

    def spares(self, day: date) -> int:
        """Seats that are billed for that day and have left."""
        return max(0, self.bills(day) - self.has)


def handed_over(
    changes: Sequence[Change],
    wanted: Desired,
    ground: Ground,
    owned: Ownership,
    sightings: Mapping[LineKey, Sighting],
) -> list[Change]:
    """The same changes, where lines that end and lines that take over from them know of each other.

    `sightings` tell for a line that no row wants since when that is so.
    """
    pools: dict[tuple[str, str], list[Change]] = {}
    for change in changes:
        if _takes(change):
            pools.setdefault(change.key.seats, []).append(change)
    found = list(changes)
    for seats, takers in pools.items():
        lines = {line.key: line for line in wanted.lines if line.key.seats == seats}
        pool = _Pool(lines, {*lines, *wanted.unknown}, takers, ground, owned, sightings)
        ends = [c for c in changes if isinstance(c, EndLine) and c.key.seats == seats and c.key.base not in pool.asked]
        told = pool.told(ends)
        found = [told.get(id(change), change) for change in found]
    return found


def _takes(change: Change) -> bool:
    return isinstance(change, AddLine) or (isinstance(change, SetQuantity) and _more(change) > 0)


def _net(terms: Terms | None) -> int:
    return terms.quantity - terms.included if terms else 0


def _more(change: Change) -> int:
    return _net(change.after) - _net(change.before)


@dataclass(slots=True)
class _Pool:
    """The lines of one tenant that bill the same seats. `asked` are the keys of all rows, known numbers or not."""

    wanted: Mapping[LineKey, DesiredLine]
    asked: set[LineKey]
    takers: Sequence[Change]
    ground: Ground
    owned: Ownership
    sightings: Mapping[LineKey, Sighting]

    def told(self, ends: Sequence[EndLine]) -> dict[int, Change]:
        """By the identity of the change that it stands for."""
        last = max(change.effective for change in self.takers)
        moved = {id(end): _until(end, last, self.ground.agreements[end.key.agreement]) for end in ends}
        lenders = [*map(self._ending, ends, moved.values()), *self._past(), *self._elsewhere()]
        if not lenders:
            return {}
        users = {key: self._user(line) for key, line in self.wanted.items() if self.owned.owned[key].holding}
        return {**moved, **self._covered(lenders, users)}

    def _since(self, key: LineKey) -> date:
        """From when on no row wanted the line."""
        seen = self.sightings.get(key)
        return seen.since if seen and not seen.quantity else self.ground.today

    def _ending(self, end: EndLine, moved: EndLine) -> Lender:
        mine = self.owned.owned[end.key.base]
        bills, agreement = self._bills(mine, end.effective), self.ground.agreements[end.key.agreement]
        invoiced = agreement.invoiced(moved.effective) and not self._fresh(mine)
        stop = agreement.next_invoice if invoiced and agreement.next_invoice else moved.effective
        line = mine.base.id if mine.base else 0
        return Lender(mine.key, line, end.effective, stop, bills, end.key)

    def _past(self) -> Iterator[Lender]:
        """Lines that have ended, or will with what is invoiced."""
        pool = self.takers[0].key.seats
        for key, mine in self.owned.owned.items():
            line = mine.base or mine.last
            if key.seats == pool and key not in self.asked and line and line.end:
                standing = replace(mine, base=line)
                yield Lender(key, line.id, self._since(key), line.end, self._bills(standing, self._since(key)))

    def _elsewhere(self) -> Iterator[Lender]:
        """Lines of other companies, of which only what was last confirmed is known here."""
        for binding in self.ground.elsewhere:
            if binding.key.seats == self.takers[0].key.seats and binding.state is BindingState.ENDED:
                end = binding.confirmed.get("end")
                if end:
                    seats = partial(_always, _confirmed(binding))
                    yield Lender(binding.key, binding.line, date.min, date.fromisoformat(end), seats)

    def _user(self, line: DesiredLine) -> User:
        mine = self.owned.owned[line.key]
        holding, agreement = mine.holding, self.ground.agreements[line.key.agreement]
        assert holding is not None  # noqa: S101 - only lines that stand are asked for
        has = int(holding.quantity - holding.base.included)
        bills = self._bills(mine, min(change.effective for change in self.takers))
        if agreement.prorates and line.row.profile.increase is Increase.PRORATE:
            return User(line.key, has, bills)
        # Seats that it was given for nothing, by its agreement or profile, are not taken from the others.
        start = holding.base.start or date.min
        return User(line.key, has, lambda day: has if day >= start else bills(day))

    def _fresh(self, mine: Owned) -> bool:
        """Whether the line's invoiced days are yet to be caught up on, with the quantity that it has then."""
        boundary = self.ground.agreements[mine.key.agreement].next_invoice
        return boundary is not None and never_invoiced(mine.binding, boundary)

    def _bills(self, mine: Owned, since: date) -> Daily:
        """Seats that a line and its differences bill on a day: as charged where that is known, else as they stand."""
        base = mine.base
        known = () if self._fresh(mine) else charged(mine.key, mine, self.ground, min(since, self.ground.today))[0]

        def bills(day: date) -> int:
            if base is None:
                return 0
            opened = sum(int(d.line.quantity) for d in mine.deltas if d.line.open and _lives(d.line, day))
            level = next((seats for period, seats in known if day in period), None)
            if level is None:
                bounded = sum(int(d.line.quantity) for d in mine.deltas if not d.line.open and _lives(d.line, day))
                level = bounded + (int(base.quantity) if _lives(base, day) else 0)
            return level + opened - (int(base.included) if _lives(base, day) else 0)

        return bills

    def _covered(self, lenders: Sequence[Lender], users: Mapping[LineKey, User]) -> dict[int, Change]:
        given: dict[date, int] = {}
        found: dict[int, Change] = {}
        for taker in sorted(self.takers, key=lambda change: change.key):
            own, lent = users.get(taker.key.base), {}
            for day in self._days(taker, lenders):
                free = sum(lender.lends(day) for lender in lenders) - sum(user.uses(day) for user in users.values())
                spare = own.spares(day) if own else 0
                lent[day] = min(max(0, free - given.get(day, 0)), max(0, _more(taker) - spare)), spare
            given |= {day: given.get(day, 0) + seats for day, (seats, _) in lent.items()}
            found[id(taker)] = _taking(taker, lent, lenders)
        return found

    def _days(self, taker: Change, lenders: Sequence[Lender]) -> list[date]:
        """From the taker's first day to the last that a lender, or what the taker waits for, reaches."""
        line = self.wanted.get(taker.key.base)
        first = max(day for day in (taker.effective, line.row.start_on if line else None) if day)
        begins = taker.holding.base.start if taker.holding else None
        end = max([*(lender.end for lender in lenders), *([begins] if begins else [])])
        return [first + n * DAY for n in range(max(0, (end - first).days))]


def _lives(line: Line, day: date) -> bool:
    return (line.start is None or line.start <= day) and line.live(day)


def _always(seats: int, _: date) -> int:
    return seats


def _confirmed(binding: Binding) -> int:
    seats = (binding.confirmed.get(name) or "0" for name in ("quantity", "included"))
    quantity, included = (int(number.partition(".")[0]) for number in seats)
    return quantity - included


def _until(end: EndLine, last: date, agreement: Agreement) -> EndLine:
    """An old line bills on until the last of those that take over begins, and covers them for so long.

    On an agreement that bills whole periods it keeps the one that has begun: a half of it cannot be handed over.
    """
    day = max(end.effective, last)
    if not agreement.prorates and not agreement.invoiced(day):
        period = agreement.period(day)
        day = day if day == period.start else period.end
    return replace(end, effective=day)


def _taking(taker: Change, lent: Mapping[date, tuple[int, int]], lenders: Sequence[Lender]) -> Change:
    ending = tuple(lender.ending for lender in lenders if lender.ending)
    covered = [day for day, (seats, _) in lent.items() if seats or _before_its_base(taker, day)]
    if not covered:
        return replace(taker, follows=ending)
    days = [(day, seats + spare) for day, (seats, spare) in lent.items() if day <= covered[-1]]
    lines = ", ".join(str(lender.line) for lender in lenders)
    return replace(
        taker,
        covered=tuple(_stretches(days)),
        follows=ending,
        reason=f"{taker.reason}; takes over from line {lines}",
    )


def _before_its_base(taker: Change, day: date) -> bool:
    """A base may begin later, where an old line ends. Seats that come before that day are billed beside it."""
    start = taker.holding.base.start if taker.holding else None
    return start is not None and day < start


def _stretches(days: Iterable[tuple[date, int]]) -> Iterator[tuple[Period, int]]:
    for seats, group in groupby(days, key=lambda pair: pair[1]):
        run = [day for day, _ in group]
        yield Period(run[0], run[-1] + DAY), seats
