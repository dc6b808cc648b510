"""Seats that change lines: a split, a merge, a row that moves, people who move from one row to another.

A day that is invoiced has been billed for so many seats of a licence, whichever lines carried them. Lines that gain
seats draw on what other lines of the same seats are billed for and do not use any more (`Change.covered`): those that
end because their row is gone, and those that have lost seats without a credit. So a new line begins where the old one
ends, and only seats that no line was billed for are billed beside it.

Nothing is remembered for this but lines and charges: what each line has and what it bills on a day tells the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from itertools import groupby

from agent.domain.agreements import Agreement, Line
from agent.domain.changes import AddLine, Change, EndLine, SetQuantity, Terms
from agent.domain.desired import Desired, DesiredLine
from agent.domain.holdings import Ground, Owned, Ownership, charged, never_invoiced
from agent.domain.keys import LineKey, Role
from agent.domain.mappings import Decrease, Increase
from agent.domain.ownership import Binding, Sighting
from agent.domain.periods import DAY, Period

Daily = Callable[[date], int]


@dataclass(frozen=True, slots=True)
class Party:
    """A line of the pool: from `first` to before `end` it has seats to spare where it `bills` more than it `has`.

    After that the rest of it follows its count, but `bounded` differences bill to their own ends. On any day it uses
    seats of the others where it bills less. `change` is by what it loses seats: lines that gain some never go before
    it, or an invoice between the two would bill both.
    """

    line: int
    has: int
    bills: Daily
    first: date
    end: date
    change: Change | None = None
    bounded: tuple[Line, ...] = ()

    @property
    def reach(self) -> date:
        return max([self.end, *(line.end for line in self.bounded if line.end)])

    def balance(self, day: date) -> int:
        spare = self.bills(day) - self.has
        if spare < 0 or self.first <= day < self.end:
            return spare
        return min(spare, _together(self.bounded, day)) if day >= self.end else 0


def handed_over(
    changes: Sequence[Change],
    wanted: Desired,
    ground: Ground,
    owned: Ownership,
    sightings: Mapping[LineKey, Sighting],
) -> list[Change]:
    """The same changes, where lines that lose seats and lines that gain them know of each other.

    `sightings` tell for a line that no row wants since when that is so.
    """
    pools: dict[tuple[str, str], list[Change]] = {}
    now = [c for c in changes if _more(c) and not c.queued and (_is_new(c) or c.key.base in owned.owned)]
    for change in now:
        if _more(change) > 0:
            pools.setdefault(change.key.seats, []).append(change)
    found = list(changes)
    for seats, takers in pools.items():
        lines = {line.key: line for line in wanted.lines if line.key.seats == seats}
        mine = {change.key.base: change for change in now if change.key.seats == seats}
        pool = _Pool(lines, wanted.unknown.keys(), mine, takers, ground, owned, sightings)
        told = pool.told()
        found = [told.get(id(change), change) for change in found]
    return found


def _is_new(change: Change) -> bool:
    return isinstance(change, AddLine)


def _net(terms: Terms | None) -> int:
    return terms.quantity - terms.included if terms else 0


def _more(change: Change) -> int:
    return _net(change.after) - _net(change.before)


@dataclass(slots=True)
class _Pool:
    """The lines of one tenant that bill the same seats, and what is planned to move seats between them.

    `rows` are the keys of those whose number is not known: their lines are wanted all the same.
    """

    wanted: Mapping[LineKey, DesiredLine]
    rows: Collection[LineKey]
    changes: Mapping[LineKey, Change]
    takers: Sequence[Change]
    ground: Ground
    owned: Ownership
    sightings: Mapping[LineKey, Sighting]

    def told(self) -> dict[int, Change]:
        """By the identity of the change that it stands for."""
        moved = {id(change): told for change, told in self._givers() if told is not change}
        standing = {key: self._standing(line) for key, line in self.wanted.items() if self._stands(key)}
        others = [*self._ending(moved), *self._past(), *self._remembered()]
        given: dict[date, int] = {}
        for taker in sorted(self.takers, key=lambda change: change.key):
            parties = [*standing.values(), *others]
            days = self._days(taker, parties)
            free = {day: sum(party.balance(day) for party in parties) - given.get(day, 0) for day in days}
            covered = {day: min(_more(taker), max(0, seats)) for day, seats in free.items()}
            given |= {day: given.get(day, 0) + seats for day, seats in covered.items()}
            own = standing.get(taker.key.base, _NOBODY)
            if any(seats != own.balance(day) for day, seats in free.items()) or any(party.change for party in parties):
                moved[id(taker)] = _taking(taker, covered, own, [party for party in parties if party is not own])
        return moved

    def _asked(self, key: LineKey) -> bool:
        return key in self.wanted or key.row in self.rows

    def _stands(self, key: LineKey) -> bool:
        mine = self.owned.owned.get(key)
        return mine is not None and mine.holding is not None

    def _givers(self) -> Iterator[tuple[Change, Change]]:
        last = max(change.effective for change in self.takers)
        gained, lost = (sum(max(0, sign * _more(c)) for c in self.changes.values()) for sign in (1, -1))
        for key, change in self.changes.items():
            agreement = self.ground.agreements[change.key.agreement]
            if isinstance(change, EndLine) and not self._asked(key):
                yield change, _until(change, last, agreement)
            elif isinstance(change, SetQuantity) and _more(change) < 0 and lost <= gained:
                open_days = self._fresh(self.owned.owned[key]) or not agreement.invoiced(change.effective)
                # Seats that go to other lines were used until then, and are billed until then. Seats that leave
                # altogether are the profile's affair.
                dated = agreement.prorates and open_days
                yield change, replace(change, decrease=Decrease.CREDIT) if dated else change

    def _ending(self, moved: Mapping[int, Change]) -> Iterator[Party]:
        """Lines whose end is planned because no row wants them any more."""
        for key, change in self.changes.items():
            if self._asked(key) or not isinstance(change, EndLine):
                continue
            mine, until = self.owned.owned[key], moved.get(id(change), change).effective
            boundary = self.ground.agreements[key.agreement].next_invoice
            invoiced = self.ground.agreements[key.agreement].invoiced(until) and not self._fresh(mine)
            stop = boundary if invoiced and boundary else until
            yield self._leaving(mine, mine.base, change.effective, stop, change)

    def _past(self) -> Iterator[Party]:
        """Lines that have ended, or will with what is invoiced: without a row, or earlier lives of a row's line."""
        pool = self.takers[0].key.seats
        for key, mine in self.owned.owned.items():
            standing = mine.base is not None and (self._asked(key) or key in self.changes)
            line = mine.last if standing else mine.base or mine.last
            if key.seats != pool or line is None or line.end is None:
                continue
            seen = self.sightings.get(key)
            since = seen.since if seen and not seen.quantity and not self._asked(key) else date.min
            yield self._leaving(replace(mine, deltas=[]) if standing else mine, line, since, line.end)

    def _leaving(self, mine: Owned, line: Line | None, since: date, stop: date, change: Change | None = None) -> Party:
        """A line that bills until `stop`."""
        asked = max(since, min(taker.effective for taker in self.takers))
        bills = self._bills(replace(mine, base=line), asked)
        return Party(line.id if line else 0, 0, bills, since, stop, change, _bounded(mine))

    def _remembered(self) -> Iterator[Party]:
        """Ended lines on agreements that are not read: of other companies, or of none of our rows any more."""
        unread = [b for b in self.ground.bindings.values() if b.key.agreement not in self.ground.lines]
        known: dict[LineKey, list[Binding]] = {}
        for binding in (*unread, *self.ground.elsewhere):
            if binding.key.seats == self.takers[0].key.seats and binding.confirmed.get("end"):
                known.setdefault(binding.key.base, []).append(binding)
        for key, bindings in known.items():
            end = max(date.fromisoformat(binding.confirmed["end"]) for binding in bindings)
            bases = [b.line for b in bindings if b.key == key] or [bindings[0].line]
            yield Party(bases[0], 0, partial(_as_confirmed, bindings), date.min, end)

    def _standing(self, line: DesiredLine) -> Party:
        mine, change = self.owned.owned[line.key], self.changes.get(line.key)
        holding, agreement = mine.holding, self.ground.agreements[line.key.agreement]
        assert holding is not None  # noqa: S101 - asked only of lines that stand
        loses = change if change and _more(change) < 0 else None
        spares = loses if line.row.profile.decrease is not Decrease.CREDIT else None
        has = _net(spares.after) if spares else int(holding.quantity - holding.base.included)
        bills = self._bills(mine, min(taker.effective for taker in self.takers))
        if not agreement.prorates or line.row.profile.increase is not Increase.PRORATE:
            # Seats that it was given for nothing, by its agreement or profile, are not taken from the others.
            bills = partial(_at_least, has, bills, holding.base.start or date.min)
        first = spares.effective if spares else date.min
        end = date.min if self._fresh(mine) else agreement.next_invoice or date.min
        return Party(holding.base.id, has, bills, first, end, loses, _bounded(mine))

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
            opened = _together([d.line for d in mine.deltas if d.line.open], day)
            level = next((seats for period, seats in known if day in period), None)
            if level is None:
                level = _together(_bounded(mine), day) + _together([base], day)
            return level + opened - (int(base.included) if _lives(base, day) else 0)

        return bills

    def _days(self, taker: Change, parties: Sequence[Party]) -> list[date]:
        """From the taker's first day to the last that any line of the pool is billed for, or that its own awaits."""
        line = self.wanted.get(taker.key.base)
        first = max(day for day in (taker.effective, line.row.start_on if line else None) if day)
        begins = taker.holding.base.start if taker.holding else None
        end = max([first, *(party.reach for party in parties), *([begins] if begins else [])])
        return [first + n * DAY for n in range((end - first).days)]


_NOBODY = Party(0, 0, lambda _: 0, date.max, date.min)


def _lives(line: Line, day: date) -> bool:
    return (line.start is None or line.start <= day) and line.live(day)


def _bounded(mine: Owned) -> tuple[Line, ...]:
    return tuple(delta.line for delta in mine.deltas if not delta.line.open)


def _together(lines: Iterable[Line], day: date) -> int:
    return sum(int(line.quantity) for line in lines if _lives(line, day))


def _at_least(seats: int, bills: Daily, start: date, day: date) -> int:
    return max(seats, bills(day)) if day >= start else bills(day)


def _as_confirmed(bindings: Sequence[Binding], day: date) -> int:
    """What a base and its differences billed on a day. Where they lived side by side, the base had taken them over."""
    bases, beside = 0, 0
    for binding in bindings:
        fields = binding.confirmed
        if (fields.get("start") or "") <= day.isoformat() < fields["end"]:
            seats = _whole(fields.get("quantity")) - _whole(fields.get("included"))
            bases, beside = (bases + seats, beside) if binding.key.role is Role.BASE else (bases, beside + seats)
    return max(bases, beside)


def _whole(number: str | None) -> int:
    return int((number or "0").partition(".")[0])


def _until(end: EndLine, last: date, agreement: Agreement) -> EndLine:
    """An old line bills on until the last of those that take over begins, and covers them for so long.

    On an agreement that bills whole periods it keeps the one that has begun: a half of it cannot be handed over.
    """
    day = max(end.effective, last)
    if not agreement.prorates and not agreement.invoiced(day):
        period = agreement.period(day)
        day = day if day == period.start else period.end
    return replace(end, effective=day)


def _taking(taker: Change, covered: Mapping[date, int], own: Party, others: Sequence[Party]) -> Change:
    """Told of every day on which the line's own charges do not say what is to be billed for the seats it gains."""
    told = [day for day, seats in covered.items() if seats or own.balance(day) > 0 or _before_its_base(taker, day)]
    days = [(day, seats) for day, seats in covered.items() if told and day <= told[-1]]
    givers = [party for party in others if party.change or any(party.balance(day) > 0 for day, _ in days)]
    changes = [party.change for party in givers if party.change]
    lines = f"; takes over from line {', '.join(str(party.line) for party in givers)}" if givers else ""
    return replace(
        taker,
        covered=tuple(_stretches(days)),
        follows=tuple(change.key for change in changes),
        waits=taker.waits or next((change.waits for change in changes if change.waits), ""),
        reason=taker.reason + lines,
    )


def _before_its_base(taker: Change, day: date) -> bool:
    """A base may begin later, where an old line ends. Seats that come before that day are billed beside it."""
    start = taker.holding.base.start if taker.holding else None
    return start is not None and day < start


def _stretches(days: Iterable[tuple[date, int]]) -> Iterator[tuple[Period, int]]:
    for seats, group in groupby(days, key=lambda pair: pair[1]):
        run = [day for day, _ in group]
        yield Period(run[0], run[-1] + DAY), seats
