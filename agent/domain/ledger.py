"""The ledger of the past: what was billed otherwise than it should have been, and what became of that money.

A gap is one mismatch of one company and licence, from the day on which it was first seen to the day on which it was put
right. Its money is units x price of a month, calendar month by calendar month, of a partial month the share of its
days; each month is rounded once, as its invoice would have been. What later writes billed of these days is corrected by
itself; of the rest a person decides. Whatever is not decided stays open, so the sums always add up:
added - corrected - billed - waived = open + scheduled.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from itertools import groupby, pairwise

from agent.domain.changes import Write
from agent.domain.findings import Apart, Code
from agent.domain.keys import LineKey, Role
from agent.domain.money import Money, minor_units, rounded
from agent.domain.periods import DAY, Grid, Period
from agent.domain.proration import Convention, Interval

KEYED = (Code.UNDER_BILLED, Code.OVER_BILLED)  # mismatches of a line that is ours: their subject is its key
MONTHS = Grid(date(2000, 1, 1), 1)


class Direction(StrEnum):
    """Which way the money goes; the two are never netted: a refund due does not make a leak smaller."""

    UNDER = "under-billed"  # may be billed back
    OVER = "over-billed"  # is to be credited


class Verb(StrEnum):
    CORRECT = "correct"  # put right by other means than a write of ours
    BILL = "bill"
    WAIVE = "waive"
    REOPEN = "reopen"  # takes back the decision before it, which stays on record


class State(StrEnum):
    OPEN = "open"
    UNPRICED = "no price"  # open, and nobody can say how much
    BILLED = "billed"
    PHASED = "phased"
    WAIVED = "waived"
    CORRECTED = "corrected"
    TWICE = "settled twice"  # decided on, and billed by a later write too
    EXCLUDED = "excluded"  # the mapping files say, with a reason, that the licence is not billed
    NOTHING = "nothing owed"  # it lasted no day


@dataclass(frozen=True, slots=True)
class Stretch:
    """Days on which the same units were apart, at the same price of a month (None: not known)."""

    days: Period
    units: int
    price: Money | None


@dataclass(frozen=True, slots=True)
class Made:
    """Seats that a confirmed write billed for some days; negative where it took them away. `on` is when."""

    on: date
    days: Period
    seats: int
    entry: int = 0


@dataclass(frozen=True, slots=True)
class Instalment:
    """One dated one-off line."""

    day: date
    amount: Money


@dataclass(frozen=True, slots=True)
class Order:
    """That Trueup is to write the instalments itself: beside which line, and with which text on the invoice."""

    key: LineKey
    text: str
    credit: bool

    def part(self, of: Settlement, number: int) -> LineKey:
        """The key of one instalment, which is written once."""
        return self.key.base.delta(f"{of.gap}/{of.id}/{number}", Role.PAST)

    def says(self, of: Settlement, number: int) -> str:
        many = len(of.instalments)
        return self.text if many == 1 else f"{self.text}, part {number} of {many}"


def part_written(key: LineKey) -> tuple[int, int]:
    """Settlement and number of the instalment that a key is of."""
    _, settlement, number = key.part.split("/")
    return int(settlement), int(number)


@dataclass(frozen=True, slots=True)
class Settlement:
    """What a person decided about a gap, as it stood on the day `on`, for all its days before that one.

    `amount` is None where no price was known. `price` is what that person said one costs a month. `reverses` is the
    settlement that a `reopen` takes back.
    """

    id: int
    gap: int
    company: int
    verb: Verb
    on: date
    at: datetime
    who: str
    amount: Money | None = None
    approver: str = ""
    reason: str = ""
    price: Money | None = None
    instalments: tuple[Instalment, ...] = ()
    reverses: int | None = None
    order: Order | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """Days of one month with the same units: units x price x share is what they cost."""

    days: Period
    units: int
    price: Money
    share: Fraction

    @property
    def exact(self) -> Fraction:
        return Fraction(self.price.amount) * self.units * self.share


@dataclass(frozen=True, slots=True)
class Month:
    parts: tuple[Part, ...]
    amount: Money


@dataclass(frozen=True, slots=True)
class Sums:
    """Money of a gap up to a day; none of it is negative but `open`, where something was settled twice."""

    added: Money
    corrected: Money
    billed: Money
    waived: Money
    scheduled: Money  # decided to be billed, on days to come

    @property
    def remaining(self) -> Money:
        return self.added - self.corrected - self.billed - self.waived

    @property
    def open(self) -> Money:
        return self.remaining - self.scheduled

    def __add__(self, other: Sums) -> Sums:
        return Sums(
            self.added + other.added,
            self.corrected + other.corrected,
            self.billed + other.billed,
            self.waived + other.waived,
            self.scheduled + other.scheduled,
        )

    @classmethod
    def zero(cls, currency: str) -> Sums:
        return cls(*(Money.zero(currency) for _ in range(5)))


@dataclass(frozen=True, slots=True)
class Cut:
    """Where the ledger is looked at: days before `days` count, and what was recorded before the day `records`."""

    days: date
    records: date

    @classmethod
    def before(cls, day: date) -> Cut:
        return cls(day, day)

    @classmethod
    def now(cls, today: date) -> Cut:
        # Today is not over and owes nothing yet; but what somebody decided today has been decided.
        return cls(today, today + DAY)


@dataclass(frozen=True, slots=True)
class Gap:
    """`course` has no day twice and ends with `closed`, or never; `made` are later writes to the same lines.

    Where the agreement bills whole periods (`whole`), each stretch is one of them, and owed from its first day on.
    `written` are settlement and number of the instalments that stand in the PSA, whatever became of the decision.
    `excluded` is the reason why the mapping files do not bill the licence any more, where they say one.
    """

    id: int
    company: int
    code: Code
    subject: str
    sentence: str
    licence: str
    agreement: int | None
    product: str
    units: int  # as they were last seen
    since: date
    closed: date | None
    course: tuple[Stretch, ...]
    convention: Convention
    made: tuple[Made, ...] = ()
    settlements: tuple[Settlement, ...] = ()
    excluded: str = ""
    whole: bool = False
    written: frozenset[tuple[int, int]] = frozenset()
    _sums: dict[Cut, Sums | None] = field(default_factory=dict, init=False, compare=False, repr=False)

    @property
    def direction(self) -> Direction:
        return Direction.OVER if self.code is Code.OVER_BILLED else Direction.UNDER

    @property
    def said(self) -> Money | None:
        """What a person said that one costs a month; also of a decision that was taken back, for it was no guess."""
        return next((one.price for one in reversed(self.settlements) if one.price), None)

    @property
    def currency(self) -> str | None:
        known = (stretch.price for stretch in self.course if stretch.price)
        price = next(known, None) or self.said
        return price.currency if price else None

    def age(self, today: date) -> int:
        """Days since it was first seen."""
        return (today - self.since).days

    def standing(self, records: date) -> tuple[Settlement, ...]:
        """The decisions in force, of those before that day."""
        # By the day of the record and not by its number: a month that has passed must show what it showed.
        known = [one for one in self.settlements if one.on < records]
        taken_back = {one.reverses for one in known}
        return tuple(one for one in known if one.verb is not Verb.REOPEN and one.id not in taken_back)

    def months(self, until: date, made: Sequence[Made] = ()) -> tuple[Month, ...] | None:
        """What the days before `until` cost, without what those writes billed of them; None without a price."""
        parts = []
        for days, units, price in self._pieces(until):
            if price is None:
                return None
            parts += [part for piece in _cut(days, made) if (part := self._part(piece, units, price, made))]
        by_month = groupby(parts, lambda part: MONTHS.containing(part.days.start).start)
        return tuple(self._month(tuple(found)) for _, found in by_month)

    def _pieces(self, until: date) -> Iterator[tuple[Period, int, Money | None]]:
        for stretch in self.course:
            began = stretch.days.start < until
            end = stretch.days.end if self.whole and began else min(stretch.days.end, until)
            for days in MONTHS.between(stretch.days.start, end):
                yield days, stretch.units, stretch.price or self.said

    def _part(self, days: Period, units: int, price: Money, made: Sequence[Made]) -> Part | None:
        billed = sum(one.seats for one in made if one.days.overlap(days))
        # A write to another effect (seats that came or went meanwhile) makes this gap neither larger nor negative.
        left = min(units, max(0, units - billed if self.direction is Direction.UNDER else units + billed))
        if not left:
            return None
        share = self.convention.fraction(Interval(days.start, days.last_day), MONTHS.containing(days.start))
        return Part(days, left, price, share)

    # Rounded by the month and not by the part: two halves of a cent would make one that nobody owes, and what is left
    # after a write could come out larger than the whole.
    def _month(self, parts: tuple[Part, ...]) -> Month:
        currency = parts[0].price.currency
        exact = sum((part.exact for part in parts), Fraction(0))
        return Month(parts, Money(rounded(exact, minor_units(currency), self.convention.rounding), currency))

    def sums(self, cut: Cut) -> Sums | None:
        """None where no price is known: then there is no sum, and none is made up."""
        # A list asks each gap of a fleet four times, and all of its arithmetic is in fractions.
        if cut not in self._sums:
            self._sums[cut] = self._summed(cut)
        return self._sums[cut]

    def _summed(self, cut: Cut) -> Sums | None:
        known = [one for one in self.made if one.on < cut.records]
        whole = self.months(cut.days)
        left = self.months(cut.days, known) if known else whole
        if whole is None or left is None or self.currency is None:
            return None

        def total(amounts: Iterable[Money], currency: str = self.currency) -> Money:
            return Money.total(amounts, currency)

        standing = self.standing(cut.records)
        paid = [*self._paid(standing, cut.records)]
        added, owed = total(month.amount for month in whole), total(month.amount for month in left)
        by_word = self._worth(standing)
        return Sums(
            added,
            added - owed + total(money for one, money in by_word if one.verb is Verb.CORRECT),
            total(one.amount for one in paid if one.day < cut.records),
            total(money for one, money in by_word if one.verb is Verb.WAIVE),
            total(one.amount for one in paid if one.day >= cut.records),
        )

    def _paid(self, standing: Sequence[Settlement], records: date) -> Iterator[Instalment]:
        """Those of the decisions in force, and those that had been written when theirs was taken back."""
        for one in self.settlements:
            for number, part in enumerate(one.instalments, 1):
                if one in standing or (one.on < records and (one.id, number) in self.written):
                    yield part

    def _worth(self, standing: Sequence[Settlement]) -> list[tuple[Settlement, Money]]:
        """What each decision settled. One that was made before anybody knew a price settled its days all the same."""
        found: list[tuple[Settlement, Money]] = []
        for one in standing:
            amount = one.amount
            if amount is None:
                known = [made for made in self.made if made.on <= one.on]
                owed = [month.amount for month in self.months(one.on, known) or ()]
                before = [money for _, money in found]
                amount = Money.total(owed, self.currency or "") - Money.total(before, self.currency or "")
            found.append((one, amount))
        return found

    def state(self, cut: Cut) -> State:
        sums, standing = self.sums(cut), self.standing(cut.records)
        if sums is None:
            return self._unpriced(standing, cut)
        if sums.open.amount < 0:
            return State.TWICE
        if sums.open:
            return State.OPEN
        if not standing:
            return State.CORRECTED if sums.added else State.NOTHING
        return _STATES[standing[-1].verb] if len(standing[-1].instalments) < 2 else State.PHASED

    def _unpriced(self, standing: Sequence[Settlement], cut: Cut) -> State:
        """A word without a sum settles the days before it; a gap that went on needs another one."""
        if not self.course:
            return State.NOTHING  # no whole period began meanwhile
        last = min(self.closed or cut.days, cut.days)
        if standing and standing[-1].on >= last:
            return _STATES[standing[-1].verb]
        if self.excluded:
            return State.EXCLUDED
        return State.UNPRICED if last > self.since else State.NOTHING


_STATES = {Verb.CORRECT: State.CORRECTED, Verb.BILL: State.BILLED, Verb.WAIVE: State.WAIVED}


def course(seen: Iterable[tuple[date, Apart | None]], closed: date | None) -> tuple[Stretch, ...]:
    """From what was seen on which day, in its order: of several in one day the last one counts."""
    # A dict keeps the first place of a key and its last value, which is just what a day with several readings means.
    by_day = dict(seen)
    ends = [*list(by_day)[1:], closed or date.max]
    return tuple(
        Stretch(Period(day, end), apart.units, apart.price)
        for (day, apart), end in zip(by_day.items(), ends, strict=True)
        if apart is not None and day < end
    )


def by_periods(found: Iterable[Stretch], grid: Grid, until: date) -> tuple[Stretch, ...]:
    """For an agreement that bills whole periods: what each invoice should have billed otherwise, on its first day.

    Seats that come within a period are billed from the next one on, so of that period nothing is owed for them. Periods
    that have not begun before `until` are left out.
    """
    return tuple(
        replace(stretch, days=grid.containing(piece.start))
        for stretch in found
        for piece in grid.between(stretch.days.start, min(stretch.days.end, until))
        if grid.starts_on(piece.start)
    )


def made_by(write: Write, on: date, entry: int = 0) -> Iterator[Made]:
    """What a confirmed write billed of which days.

    A new line bills from its first day on. A changed quantity counts from the next invoice on, and nothing before it.
    (ConnectWise: reference 8.3.)
    """
    if write.key.role is Role.PAST:
        return  # that is a decision's own line, and no correction beside it
    if write.line is None:
        if write.after.get("billable", "billable") == "billable":
            start, end = date.fromisoformat(write.after["start"]), _end(write.after) or date.max
            seats = _seats(write.after)
            yield Made(on, Period(start, end), -abs(seats) if write.key.role is Role.CREDIT else seats, entry)
        return
    # A PATCH has only what it moves in `after`; what a line is then takes both.
    shown = {**write.before, **write.after}
    was, first = _end(write.before) or date.max, write.next_invoice or on
    more, end = _seats(shown) - _seats(write.before), _end(shown) or date.max
    if more and first < end:
        yield Made(on, Period(first, end), more, entry)
    if end < was:
        yield Made(on, Period(end, was), -_seats(write.before), entry)


def _seats(picture: Mapping[str, str]) -> int:
    return int(Decimal(picture["quantity"]) - Decimal(picture.get("included") or "0"))


def _end(picture: Mapping[str, str]) -> date | None:
    return date.fromisoformat(picture["end"]) if picture.get("end") else None


@dataclass(frozen=True, slots=True)
class Balance:
    """Of one company, direction and currency between two days. `scheduled` is a part of `remaining`.

    opening + added - corrected - billed - waived = remaining.
    """

    company: int
    direction: Direction
    currency: str
    opening: Money
    added: Money
    corrected: Money
    billed: Money
    waived: Money
    remaining: Money
    scheduled: Money


def balances(gaps: Iterable[Gap], begin: Cut, end: Cut) -> tuple[Balance, ...]:
    """By company; what has no price is in no sum."""
    found: dict[tuple[int, Direction, str], tuple[Sums, Sums]] = {}
    for gap in gaps:
        # Never netted with another direction or currency: a refund that is due makes no leak smaller.
        before, after = gap.sums(begin), gap.sums(end)
        if before is None or after is None or gap.currency is None:
            continue
        place = gap.company, gap.direction, gap.currency
        first, last = found.get(place, (Sums.zero(gap.currency), Sums.zero(gap.currency)))
        found[place] = first + before, last + after
    return tuple(_balance(*place, *sums) for place, sums in sorted(found.items()) if _any(*sums))


def _any(*sums: Sums) -> bool:
    return any(one.added for one in sums)


def _balance(company: int, direction: Direction, currency: str, first: Sums, last: Sums) -> Balance:
    return Balance(
        company,
        direction,
        currency,
        first.remaining,
        last.added - first.added,
        last.corrected - first.corrected,
        last.billed - first.billed,
        last.waived - first.waived,
        last.remaining,
        last.scheduled,
    )


def _cut(days: Period, made: Iterable[Made]) -> Iterator[Period]:
    """The days, cut where a write begins or ends to bill some of them."""
    edges = {edge for one in made for edge in (one.days.start, one.days.end) if days.start < edge < days.end}
    for start, end in pairwise([days.start, *sorted(edges), days.end]):
        yield Period(start, end)
