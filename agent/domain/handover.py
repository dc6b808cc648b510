"""Seats that change lines: a split, a merge, a row that moves, people who move from one row to another.

A day that is invoiced has been billed for so many seats of a licence, whichever lines carried them. Lines that gain
seats draw on what other lines of the same seats are billed for and do not use any more (`Change.covered`): those that
end because their row is gone, and those that have lost seats without a credit. So a new line begins where the old one
ends, and only seats that no line was billed for are billed beside it.

Nothing is remembered for this but lines, charges and what was asked for: what each line uses and what it bills on a day
tells the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import partial
from itertools import groupby

from agent.domain.agreements import Agreement, Line
from agent.domain.changes import AddLine, Change, Delta, EndLine, Restore, SetQuantity
from agent.domain.desired import Desired, DesiredLine
from agent.domain.history import level
from agent.domain.holdings import Ground, Owned, Ownership, charged, never_invoiced
from agent.domain.keys import LineKey, Role
from agent.domain.mappings import Decrease, Increase
from agent.domain.ownership import Binding, BindingState, Sighting
from agent.domain.periods import DAY, Period
from agent.domain.replacing import boundary

Daily = Callable[[date], int]

_FAR = 3 * 366  # days for which seats are followed from line to line: longer than any term that is sold


@dataclass(frozen=True, slots=True)
class Party:
    """A line of the pool: it has seats to spare where it bills more than it uses, from `first` to before `end`.

    After that it follows its own count, but `bounded` differences bill to their own ends. On any day it uses seats of
    the others where it bills less. `change` is by what it loses seats: lines that gain some never go before it, or an
    invoice between the two would bill both.
    """

    line: int
    uses: Daily
    bills: Daily
    first: date
    end: date
    change: Change | None = None
    bounded: tuple[Delta, ...] = ()

    @property
    def reach(self) -> date:
        return max([self.end, *(delta.line.end for delta in self.bounded if delta.line.end)])

    def balance(self, day: date) -> int:
        spare = self.bills(day) - self.uses(day)
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

    `sightings` are those of this reading: since when each quantity is asked for, or no row asks for the line.
    """
    lines = {line.key: line for line in wanted.lines}
    seats_of = _SeatsOf({_but_product(key): key for key in (*lines, *wanted.unknown)})
    pools: dict[tuple[str, str], dict[LineKey, Change]] = {}
    for change in changes:
        if _moves_seats(change, owned):
            pools.setdefault(seats_of(change.key), {})[change.key.base] = change
    told: dict[int, Change] = {}
    for seats, moving in pools.items():
        if any(change.gained > 0 for change in moving.values()):
            of_pool = {key: line for key, line in lines.items() if seats_of(key) == seats}
            asked = frozenset({*of_pool, *(key for key in wanted.unknown if seats_of(key) == seats)})
            after = _Pool(seats, seats_of, of_pool, asked, dict(moving), ground, owned, sightings).told()
            told |= {id(change): after[key] for key, change in moving.items()}
    return [told.get(id(change), change) for change in changes]


@dataclass(frozen=True, slots=True)
class _SeatsOf:
    """Which pool a line belongs to. A service is known by its product; one whose row got another product is that row's.

    `rows` are the keys that are asked for, by what they are without their product.
    """

    rows: Mapping[tuple[object, ...], LineKey]

    def __call__(self, key: LineKey) -> tuple[str, str]:
        return self.rows.get(_but_product(key), key).seats


def _but_product(key: LineKey) -> tuple[object, ...]:
    return key.psa, key.agreement, key.account, key.count, key.subscription, key.name


def ordered(changes: Sequence[Change]) -> list[Change]:
    """By agreement and key, lines to be added first; before all of them what an invoice that may be made at any moment
    depends on, and what others follow. What follows a change that is put off is put off with it."""
    queued = {change.key: change.queued for change in changes if change.queued}
    behind = {key for change in changes for key in change.follows}
    found = []
    for change in changes:
        until = next((queued[key] for key in change.follows if key in queued), "")
        found.append(replace(change, waits="", queued=until) if until else change)
    return sorted(found, key=lambda c: (_rank(c, behind), c.key.agreement, not isinstance(c, AddLine), c.key, c.verb))


def _rank(change: Change, behind: Collection[LineKey]) -> int:
    return 0 if isinstance(change, Restore) else 1 if change.key in behind else 2


def _moves_seats(change: Change, owned: Ownership) -> bool:
    ours = isinstance(change, AddLine) or change.key.base in owned.owned
    # The end of a line of somebody else is journaled under a row's key, and has its boundary from `replacing`.
    return bool(change.gained) and ours and not change.queued and change.key.role is Role.BASE


@dataclass(slots=True)
class _Pool:
    """The lines of one account that bill the same seats, and what is planned to move seats between them.

    `asked` are the keys that rows ask for, those included whose number is not known.
    """

    seats: tuple[str, str]
    seats_of: _SeatsOf
    wanted: Mapping[LineKey, DesiredLine]
    asked: frozenset[LineKey]
    changes: dict[LineKey, Change]
    ground: Ground
    owned: Ownership
    sightings: Mapping[LineKey, Sighting]
    given: dict[date, int] = field(default_factory=dict)

    def told(self) -> Mapping[LineKey, Change]:
        self.changes |= self._givers()
        standing = {key: self._standing(line) for key, line in self.wanted.items() if self._stands(key)}
        others = [*self._leaving(), *self._past(), *self._remembered()]
        for key, taker in sorted(self.changes.items()):
            if taker.gained <= 0:
                continue
            taker = self.changes[key] = self._behind(taker)
            own = standing.get(key, _NOBODY)
            parties = [*standing.values(), *others]
            if any(party is not own for party in parties):
                self.changes[key] = self._fed(taker, own, parties)
        return self.changes

    def _behind(self, taker: Change) -> Change:
        """A line of another company that bills the same seats, and that no row wants, must end first.

        Its end is in that company's part of the plan.
        """
        live = (b for b in self.ground.elsewhere if b.state is BindingState.LIVE and b.key.role is Role.BASE)
        other = next((b for b in live if self.seats_of(b.key) == self.seats), None)
        if other is None or taker.waits:
            return taker
        where = f"line {other.line} on agreement {other.key.agreement}, which no row wants any more,"
        return replace(taker, waits=f"{where} still bills these seats: approve its end first", theirs=True)

    def _stands(self, key: LineKey) -> bool:
        mine = self.owned.owned.get(key)
        return mine is not None and mine.holding is not None

    def _fed(self, taker: Change, own: Party, parties: Sequence[Party]) -> Change:
        """The taker, told of the days on which its own charges do not say what is to be billed for its new seats."""
        free = {
            day: sum(p.balance(day) for p in parties) - self.given.get(day, 0) for day in self._days(taker, parties)
        }
        covered = {day: min(_gained(taker, day), max(0, seats)) for day, seats in free.items()}
        self.given |= {day: self.given.get(day, 0) + seats for day, seats in covered.items()}
        alone = all(seats == own.balance(day) for day, seats in free.items()) and not any(p.change for p in parties)
        # A line that bills by the day knows what its own differences bill; one of whole periods is raised beyond them.
        if alone and (self.ground.agreements[taker.key.agreement].prorates or not any(covered.values())):
            return taker
        return _taking(taker, covered, own, [party for party in parties if party is not own])

    def _givers(self) -> Mapping[LineKey, Change]:
        """What loses seats, told until when it bills them at least."""
        losing = {key: change for key, change in self.changes.items() if change.gained < 0}
        gained, lost = (sum(max(0, sign * c.gained) for c in self.changes.values()) for sign in (1, -1))
        stop = max((self._stop(key, change) for key, change in losing.items()), default=date.min)
        last = max(self._takes_over(change, stop) for change in self.changes.values() if change.gained > 0)
        found = {}
        for key, change in losing.items():
            orphan = key not in self.asked
            # Seats that go to other lines were used until then, and are billed until then. Seats that leave altogether
            # are the profile's affair, and so are credits, which an end never gives.
            credits = isinstance(change, SetQuantity) and change.decrease is Decrease.CREDIT
            if orphan or (lost <= gained and not credits):
                found[key] = _until(change, last, self.ground.agreements[key.agreement])
        return found

    def _stop(self, key: LineKey, change: Change) -> date:
        agreement, day = self.ground.agreements[key.agreement], change.falls[-1].day
        invoiced = agreement.invoiced(day) and not self._fresh(self.owned.owned[key])
        return agreement.next_invoice or day if invoiced else day

    def _first(self, taker: Change) -> date:
        line = self.wanted.get(taker.key.base)
        return max(day for day in (taker.rises[0].day, line.row.start_on if line else None) if day)

    def _takes_over(self, taker: Change, stop: date) -> date:
        """The first day on which the taker can bill: of whole periods the first in which nobody else is billed."""
        agreement, first = self.ground.agreements[taker.key.agreement], self._first(taker)
        by_the_day = not isinstance(taker, SetQuantity) or taker.increase is Increase.PRORATE
        if agreement.prorates and by_the_day:
            return max(first, agreement.bill_start or first)
        return boundary(replace(agreement, prorates=False), max(first, stop))

    def _standing(self, line: DesiredLine) -> Party:
        mine, change = self.owned.owned[line.key], self.changes.get(line.key)
        holding, agreement = mine.holding, self.ground.agreements[line.key.agreement]
        assert holding is not None  # noqa: S101 - asked only of lines that stand
        loses = change if change and change.gained < 0 else None
        credits = isinstance(loses, SetQuantity) and loses.decrease is Decrease.CREDIT
        uses = partial(_still_asked, loses) if loses and not credits else _always(holding.billed)
        bills = self._bills(mine)
        if not agreement.prorates or line.row.profile.increase is not Increase.PRORATE:
            # Seats that it was given for nothing, by its agreement or profile, are not taken from the others.
            bills = partial(_at_least, uses, bills, holding.base.start or date.min)
        seen = self.sightings.get(line.key)
        # What was used before the present number was asked for, nobody knows any more.
        first = seen.since if seen and not change and seen.quantity == holding.quantity else date.min
        paid = date.min if self._fresh(mine) else agreement.next_invoice or date.min
        end = max(paid, loses.until) if loses and loses.until else paid
        return Party(holding.base.id, uses, bills, first, end, loses, _bounded(mine))

    def _leaving(self) -> Iterator[Party]:
        """Lines that no row wants any more, whether their end can be planned or not."""
        for key, mine in self.owned.owned.items():
            agreement = self.ground.agreements.get(key.agreement)
            if self.seats_of(key) != self.seats or key in self.asked or mine.base is None or agreement is None:
                continue
            change = self.changes.get(key)
            stop = mine.base.end or agreement.next_invoice or date.min
            if change:
                invoiced = agreement.invoiced(change.effective) and not self._fresh(mine)
                stop = (invoiced and agreement.next_invoice) or change.effective
            yield Party(mine.base.id, self._unwanted(key), self._bills(mine), date.min, stop, change, _bounded(mine))

    def _past(self) -> Iterator[Party]:
        """Lines that have ended, or will with what is invoiced, and differences that were written before their base."""
        for key, mine in self.owned.owned.items():
            if self.seats_of(key) != self.seats:
                continue
            # Once the row is asked for again, its use is counted on the line that it has now.
            uses = _always(0) if key in self.asked else self._unwanted(key)
            # One that was given up before it began bills nothing; what is remembered of its day is the next life's.
            lives = [x for x in mine.past if x.quantity or x.start is None or x.end != x.start + DAY]
            # Differences and credits stay with the line that stands, else with the last: its charges tell of them too.
            last = max(lives, key=lambda line: line.end or date.min, default=None) if mine.base is None else None
            for line in lives:
                life = replace(mine, base=line, binding=None, deltas=mine.deltas if line is last else [])
                bills, bounded = self._bills(life), _bounded(life)
                yield Party(line.id, uses, bills, date.min, line.end or date.min, bounded=bounded)
            if mine.base is None and last is None and _bounded(mine):
                line, bills = _bounded(mine)[0].line, self._bills(mine)
                yield Party(line.id, _always(0), bills, date.max, date.min, bounded=_bounded(mine))

    def _remembered(self) -> Iterator[Party]:
        """Ended lines on agreements that are not read: of other companies, or of none of our rows any more."""
        unread = [b for b in self.ground.bindings.values() if b.key.agreement not in self.ground.lines]
        known: dict[LineKey, list[Binding]] = {}
        for binding in (*unread, *self.ground.elsewhere):
            if self.seats_of(binding.key) == self.seats and binding.confirmed.get("end"):
                known.setdefault(binding.key.base, []).append(binding)
        for key, bindings in known.items():
            end = max(date.fromisoformat(binding.confirmed["end"]) for binding in bindings)
            bases = [b.line for b in bindings if b.key == key] or [bindings[0].line]
            yield Party(bases[0], _always(0), partial(_as_confirmed, bindings), date.min, end)

    def _unwanted(self, key: LineKey) -> Daily:
        """What was asked of a line that no row wants any more; nothing where that was never seen."""
        seen = self.sightings.get(key)
        return partial(level, seen.asked) if seen and seen.asked and not seen.quantity else _always(0)

    def _fresh(self, mine: Owned) -> bool:
        """Whether the line's invoiced days are yet to be caught up on, with the quantity that it has then."""
        invoiced_to = self.ground.agreements[mine.key.agreement].next_invoice
        return invoiced_to is not None and never_invoiced(mine.binding, invoiced_to)

    def _bills(self, mine: Owned) -> Daily:
        """Seats that a line and its differences bill on a day: as charged where that is known, else as they stand."""
        since = min(self._first(change) for change in self.changes.values() if change.gained > 0)
        invoiced_to, base = self.ground.agreements[mine.key.agreement].next_invoice, mine.base
        known = () if self._fresh(mine) else charged(mine.key, mine, self.ground, min(since, self.ground.today))[0]

        def bills(day: date) -> int:
            charge = next((seats for period, seats in known if day in period), None)
            if charge is not None:
                return charge + _together((d for d in _beside(mine) if d.opened and not d.invoiced(invoiced_to)), day)
            own = int(base.quantity - base.included) if base and _lives(base, day) else 0
            return own + sum(self._charged(delta, day) for delta in _beside(mine) if _lives(delta.line, day))

        return bills

    def _charged(self, delta: Delta, day: date) -> int:
        """What an invoice billed of a difference, which may have been lowered since; else what it shows."""
        known = (charge.quantity for charge in self.ground.charges.get(delta.key, ()) if day in charge.period)
        return next(known, delta.seats)

    def _days(self, taker: Change, parties: Sequence[Party]) -> list[date]:
        """From the taker's first day to the last that any line of the pool is billed for, or that its own awaits."""
        first = self._first(taker)
        begins = taker.holding.base.start if taker.holding else None
        end = max([first, *(party.reach for party in parties), *([begins] if begins else [])])
        # People type 31 December 9999 for a line that is never to end.
        return [first + n * DAY for n in range(min((end - first).days, _FAR))]


def _always(seats: int) -> Daily:
    return lambda day: seats


_NOBODY = Party(0, _always(0), _always(0), date.max, date.min)


def _gained(taker: Change, day: date) -> int:
    return sum(move.seats for move in taker.rises if move.day <= day)


def _still_asked(loses: Change, day: date) -> int:
    """Of the seats that the line has. Those that came and went while a change was held were never billed."""
    return min(loses.had, level(loses.history, day))


def _lives(line: Line, day: date) -> bool:
    return (line.start is None or line.start <= day) and line.live(day)


def _bounded(mine: Owned) -> tuple[Delta, ...]:
    return tuple(delta for delta in _beside(mine) if not delta.line.open)


def _beside(mine: Owned) -> Iterator[Delta]:
    """Without those for a deleted invoice: the line that they make up for is remembered with their seats."""
    return (delta for delta in mine.deltas if delta.key.role is not Role.AGAIN)


def _together(deltas: Iterable[Delta], day: date) -> int:
    return sum(delta.seats for delta in deltas if _lives(delta.line, day))


def _at_least(uses: Daily, bills: Daily, start: date, day: date) -> int:
    return max(uses(day), bills(day)) if day >= start else bills(day)


def _as_confirmed(bindings: Sequence[Binding], day: date) -> int:
    """What a base and its differences billed on a day. Where they lived side by side, the base had taken them over."""
    bases, beside = 0, 0
    for binding in (one for one in bindings if one.key.role is not Role.PAST):
        fields = binding.confirmed
        if fields["start"] <= day.isoformat() < fields["end"]:
            seats = _whole(fields["quantity"]) - _whole(fields["included"])
            bases, beside = (bases + seats, beside) if binding.key.role is Role.BASE else (bases, beside + seats)
    return max(bases, beside)


def _whole(number: str) -> int:
    return int(number.partition(".")[0])


def _until(change: Change, last: date, agreement: Agreement) -> Change:
    """An old line bills on until the last of those that take over begins, and covers them for so long.

    On an agreement that bills whole periods it keeps the one that has begun: a half of it cannot be handed over.
    """
    day = max(change.falls[-1 if isinstance(change, EndLine) else 0].day, last)
    if not agreement.prorates and not agreement.invoiced(day):
        day = boundary(agreement, day)
    ends = max(change.effective, day) if isinstance(change, EndLine) else change.effective
    return replace(change, until=day, effective=ends)


def _taking(taker: Change, covered: Mapping[date, int], own: Party, others: Sequence[Party]) -> Change:
    told = [day for day, seats in covered.items() if seats or own.balance(day) > 0 or _before_its_base(taker, day)]
    days = [(day, seats) for day, seats in covered.items() if told and day <= told[-1]]
    givers = [party for party in others if party.change or any(party.balance(day) > 0 for day, _ in days)]
    changes = [party.change for party in givers if party.change]
    lines = f"; takes over from line {', '.join(str(party.line) for party in givers)}" if givers else ""
    return replace(
        taker,
        covered=tuple(_stretches(days)),
        follows=(*taker.follows, *(change.key for change in changes)),
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
