"""Three legs and a fourth: what is purchased, assigned, billed and invoiced by the distributor, and how they differ.

A leg that was not read is unknown, and nothing is compared with it. Over a position whose count is known, the units of
its differences add up to exactly what is counted less what is billed, so that nothing is told twice or left out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction

from agent.domain.findings import Code
from agent.domain.money import Money, minor_units, rounded
from agent.domain.ownership import plain
from agent.domain.periods import Grid, Period


class Leg(StrEnum):
    PURCHASED = "purchased"
    ASSIGNED = "assigned"  # to people, or protected devices: what is in use
    BILLED = "billed"
    INVOICED = "invoiced"  # by the distributor


# What a line is measured against: the first of these legs that is known.
_COUNTS = (Leg.PURCHASED, Leg.INVOICED, Leg.ASSIGNED)
# ConnectWise and Autotask bill by the month: what was bought within one may be right before the next invoice.
_RECENT = timedelta(days=31)  # a purchase so young may have its line with the next invoice
_APART = timedelta(days=3)  # two files so far apart may differ by what happened between them


class Confidence(StrEnum):
    CALCULATED = "calculated"
    ESTIMATED = "estimated"  # a name was matched by likeness, or a price borrowed; the reasons say which


class Effect(StrEnum):
    """What a difference does to the MSP's money; sums of different effects never meet."""

    # A leak of 100 and a refund of 100 are two mistakes of 100, and not none: whoever nets them hides both.

    LEAK = "leak"  # owed by the company and not billed
    REFUND = "refund"  # billed and not owed
    WASTE = "waste"  # paid for and not used
    RISK = "risk"  # in use and not paid for: may be charged later
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Part:
    """One record of one leg: a subscription, a user's seat, a line, an invoice item. `[start, end)`.

    `unit` is what one costs a month: the price on a line, else the cost. `group` is the agreement of a line.
    A line that is not `billable` covers its units without billing them. `committed` is the day before which seats
    cannot be lowered; `doubt` says why it may belong to another company or licence.
    """

    leg: Leg
    quantity: Decimal
    where: str
    name: str = ""
    unit: Money | None = None
    start: date | None = None
    end: date | None = None
    group: str = ""
    billable: bool = True
    committed: date | None = None
    doubt: str = ""

    def runs(self, today: date) -> bool:
        return (self.start is None or self.start <= today) and (self.end is None or self.end > today)


@dataclass(frozen=True, slots=True)
class Position:
    """All that is known of one company's seats of one licence. A leg in `known` without a part is zero, others unknown.

    `read` is the day of which each leg speaks, as far as that is known.
    """

    company: str
    licence: str
    parts: tuple[Part, ...]
    known: frozenset[Leg]
    read: Mapping[Leg, date] = field(default_factory=dict)

    def of(self, leg: Leg, today: date) -> tuple[Part, ...]:
        return tuple(part for part in self.parts if part.leg is leg and part.runs(today))

    def quantity(self, leg: Leg, today: date) -> Decimal | None:
        """None where nobody read it. Lines that are not billable bill nothing."""
        return self.total(leg, today) if leg in self.known else None

    def total(self, leg: Leg, today: date) -> Decimal:
        """Of a leg that is known."""
        return sum((part.quantity for part in self.of(leg, today) if part.billable), Decimal(0))

    def counted_by(self) -> Leg | None:
        # Not the largest, nor the newest: a person who reads "42 purchased" must find 42 in that one file.
        return next((leg for leg in _COUNTS if leg in self.known), None)


@dataclass(frozen=True, slots=True)
class Difference:
    """Two legs that have drifted apart, or something to put in order. `units` and `monthly` are never negative.

    `units` is None where nobody can say how many, `monthly` where no price is known. `since` is the first day on which
    it was surely so.
    """

    code: Code
    effect: Effect
    company: str
    licence: str
    units: Decimal | None
    sentence: str
    remedy: str
    monthly: Money | None = None
    price: Money | None = None
    cost: Money | None = None
    since: date | None = None
    confidence: Confidence = Confidence.CALCULATED
    causes: tuple[str, ...] = ()
    evidence: tuple[str, ...] = ()

    @property
    def unit(self) -> Money | None:
        """What one is taken to be worth a month: the price of what is billed or should be, the cost of the rest."""
        if self.effect in (Effect.WASTE, Effect.RISK):
            return self.cost
        return self.price or (self.cost if self.effect is Effect.LEAK else None)

    @property
    def margin(self) -> Money | None:
        """What the units would earn a month; None where price or cost is unknown, or in two currencies."""
        if self.units is None or self.price is None or self.cost is None or self.price.currency != self.cost.currency:
            return None
        return (self.price - self.cost) * self.units

    def age(self, today: date) -> int | None:
        """Days since it was first so."""
        return None if self.since is None else max(0, (today - self.since).days)

    def seat_months(self, today: date) -> Fraction | None:
        if self.since is None or self.units is None:
            return None
        return Fraction(self.units) * months(self.since, today)

    def so_far(self, today: date) -> Money | None:
        """The money since it was first so, rounded once to the currency's coins."""
        if self.since is None or self.monthly is None:
            return None
        # A Fraction to the end: 88.00 x 2.5 months is exact, 88.00 x 2.4999999 is a cent that nobody can explain.
        exact = Fraction(self.monthly.amount) * months(self.since, today)
        return Money(rounded(exact, minor_units(self.monthly.currency)), self.monthly.currency)


def months(since: date, today: date) -> Fraction:
    """Whole months from the day on, and of the last one the share of its days; zero before it."""
    if today <= since:
        return Fraction(0)
    # Counted from the first day on: a difference of calendar months would make 31 January to 1 March two of them.
    present = Grid(since, 1).containing(today)
    whole = (present.start.year - since.year) * 12 + present.start.month - since.month
    part = present.share(Period(present.start, today)) if today > present.start else Fraction(0)
    return whole + part


def usual_prices(positions: Iterable[Position], today: date) -> dict[str, Money]:
    """For each licence the price that most lines have, the lower of two that are as common."""
    seen: dict[str, Counter[Money]] = {}
    for position in positions:
        for part in position.of(Leg.BILLED, today):
            # A free line would make the most common price zero, and every borrowed one worth nothing.
            if part.unit and part.billable and part.quantity > 0:
                seen.setdefault(position.licence, Counter())[part.unit] += 1
    return {
        licence: min(prices, key=lambda price: (-prices[price], price.amount, price.currency))
        for licence, prices in seen.items()
    }


def differences(position: Position, today: date, usual: Money | None = None) -> tuple[Difference, ...]:
    """All differences of one company and licence. `usual` is what others pay for the licence, where that is known."""
    return tuple(_Comparison(position, today, usual).all())


def ranked(found: Iterable[Difference]) -> tuple[Difference, ...]:
    """Most money first; of equal money what is calculated before what is estimated. Without money come last."""
    return tuple(
        sorted(
            found,
            key=lambda one: (
                -(one.monthly.amount if one.monthly else Decimal(0)),
                one.effect is Effect.NONE,
                one.confidence is Confidence.ESTIMATED,
                one.company.casefold(),
                one.licence.casefold(),
                one.code,
            ),
        )
    )


def totals(found: Iterable[Difference]) -> dict[Effect, dict[str, Money]]:
    """Money a month by effect and currency. What has no price is in no sum."""
    sums: dict[Effect, dict[str, Money]] = {}
    for one in found:
        if one.monthly and one.effect is not Effect.NONE:
            of_effect = sums.setdefault(one.effect, {})
            currency = one.monthly.currency
            of_effect[currency] = of_effect.get(currency, Money.zero(currency)) + one.monthly
    return sums


@dataclass(frozen=True, slots=True)
class _Comparison:
    """One position, compared leg by leg."""

    position: Position
    today: date
    usual: Money | None

    def all(self) -> Iterator[Difference]:
        counting = self.position.counted_by()
        if Leg.BILLED in self.position.known:
            if counting is not None:
                yield from self._billed_against(counting)
            else:
                yield from self._twice(None)
            yield from self._clean_up()
        yield from self._assigned()
        yield from self._invoiced()

    def _quantity(self, leg: Leg) -> Decimal:
        return self.position.total(leg, self.today)

    def _billed_against(self, counting: Leg) -> Iterator[Difference]:
        counted, billed = self._quantity(counting), self._quantity(Leg.BILLED)
        waived = sum((p.quantity for p in self.position.of(Leg.BILLED, self.today) if not p.billable), Decimal(0))
        missing = counted - billed
        if missing > 0:
            # Somebody decided that these are not billed; whether rightly is theirs to say, and no leak of ours.
            covered = min(missing, waived)
            if covered:
                yield self._not_billable(covered)
            if missing > covered:
                yield self._under(counting, missing - covered, billed + covered)
        elif missing < 0:
            over = -missing
            # Duplicates first: what they explain is mended by ending a line, the rest by lowering one.
            twice = tuple(self._twice(over))
            yield from twice
            rest = over - sum((one.units for one in twice if one.units), Decimal(0))
            if rest:
                yield self._over(counting, rest, counted, billed)

    def _under(self, counting: Leg, units: Decimal, billed: Decimal) -> Difference:
        bought = self.position.of(counting, self.today)
        counted = f"{plain(self._quantity(counting))} {counting.value}"
        if billed:
            code, remedy = Code.UNDER_BILLED, "raise the line's quantity"
            sentence = f"{counted}, {plain(billed)} billed: under-billed by {plain(units)}"
        else:
            code, remedy = Code.UNMAPPED_LICENCE, "add a line for it, or record why it is not billed"
            sentence = f"{counted}, no line bills it: under-billed by {plain(units)}"
        # With something billed nobody knows which of the purchases the line lacks, so nor since when.
        since = max(starts) if (starts := [p.start for p in bought if p.start]) and not billed else None
        return self._difference(code, Effect.LEAK, units, sentence, remedy, (counting, Leg.BILLED), since=since)

    def _over(self, counting: Leg, units: Decimal, counted: Decimal, billed: Decimal) -> Difference:
        legs = (counting, Leg.BILLED)
        # None at all is another mistake than too few: the line outlived what it was made for.
        if counted:
            sentence = f"{plain(billed)} billed, {plain(counted)} {counting.value}: over-billed by {plain(units)}"
            remedy = "lower the line's quantity, and credit what was billed too much"
            return self._difference(Code.OVER_BILLED, Effect.REFUND, units, sentence, remedy, legs)
        sentence = f"{plain(billed)} billed, none {counting.value}: over-billed by {plain(units)}"
        remedy = "end the line, unless these seats are bought elsewhere"
        return self._difference(Code.STALE_LINE, Effect.REFUND, units, sentence, remedy, legs)

    def _twice(self, over: Decimal | None) -> Iterator[Difference]:
        """Lines that say the same on one agreement, as far as they explain `over`; None: nobody knows what is right.

        A line with an end is a bounded difference beside its base and no duplicate.
        """
        alike: dict[tuple[object, ...], list[Part]] = {}
        for part in self.position.of(Leg.BILLED, self.today):
            if part.billable and part.end is None and part.quantity > 0:
                alike.setdefault((part.group, part.name, part.quantity, part.unit), []).append(part)
        for parts in alike.values():
            extra = parts[0].quantity * (len(parts) - 1)
            units = extra if over is None else min(extra, over)
            if units > 0:
                over = None if over is None else over - units
                same = f"{len(parts)} lines bill the same {plain(parts[0].quantity)}"
                sentence = f"{same} on {parts[0].group}" if parts[0].group else same
                # Two equal lines may be two sites: without a count nobody may call one of them money to give back.
                effect = Effect.REFUND if over is not None else Effect.NONE
                remedy = "end the lines that are too many"
                about = tuple(parts)
                yield self._difference(
                    Code.DUPLICATE_LINES, effect, units, sentence, remedy, (Leg.BILLED,), about=about
                )

    def _not_billable(self, units: Decimal) -> Difference:
        sentence = f"{plain(units)} on a line that is not billed"
        remedy = "make the line billable, or record why these seats are free"
        return self._difference(Code.SET_UP, Effect.NONE, units, sentence, remedy, (Leg.BILLED,))

    def _clean_up(self) -> Iterator[Difference]:
        for part in self.position.of(Leg.BILLED, self.today):
            if part.quantity == 0:
                sentence, remedy = "a line bills a quantity of zero", "end the line, or give it its quantity"
            elif part.billable and part.unit is not None and not part.unit:
                sentence = f"a line bills {plain(part.quantity)} at a price of zero"
                remedy = "give the line its price, or mark it as free of charge"
            else:
                continue
            yield self._difference(
                Code.SET_UP, Effect.NONE, part.quantity, sentence, remedy, (Leg.BILLED,), about=(part,)
            )

    def _assigned(self) -> Iterator[Difference]:
        if not {Leg.PURCHASED, Leg.ASSIGNED} <= self.position.known:
            return
        purchased, assigned = self._quantity(Leg.PURCHASED), self._quantity(Leg.ASSIGNED)
        legs = (Leg.PURCHASED, Leg.ASSIGNED)
        sentence = f"{plain(assigned)} assigned, {plain(purchased)} purchased"
        if assigned > purchased:
            remedy = "buy the missing seats, or take licences from users"
            units = assigned - purchased
            yield self._difference(Code.ASSIGNED_OVER_PURCHASED, Effect.RISK, units, sentence, remedy, legs)
        elif assigned < purchased:
            remedy = "assign them, or order fewer at renewal"
            units = purchased - assigned
            yield self._difference(Code.UNASSIGNED_SEATS, Effect.WASTE, units, sentence, remedy, legs)

    def _invoiced(self) -> Iterator[Difference]:
        if not {Leg.PURCHASED, Leg.INVOICED} <= self.position.known:
            return
        purchased, invoiced = self._quantity(Leg.PURCHASED), self._quantity(Leg.INVOICED)
        if invoiced == purchased:
            return
        effect = Effect.WASTE if invoiced > purchased else Effect.RISK
        sentence = f"{plain(invoiced)} on the distributor's invoice, {plain(purchased)} purchased"
        remedy = "ask the distributor which of the two is right"
        legs = (Leg.PURCHASED, Leg.INVOICED)
        yield self._difference(Code.INVOICE_DIFFERS, effect, abs(invoiced - purchased), sentence, remedy, legs)

    def _difference(
        self,
        code: Code,
        effect: Effect,
        units: Decimal,
        sentence: str,
        remedy: str,
        legs: tuple[Leg, ...],
        since: date | None = None,
        about: tuple[Part, ...] = (),
    ) -> Difference:
        parts = about or tuple(part for leg in legs for part in self.position.of(leg, self.today))
        doubts = tuple(dict.fromkeys(part.doubt for part in parts if part.doubt))
        price, price_doubt = self._price(effect, about)
        cost, cost_doubt = self._cost()
        unit, unit_doubt = {
            Effect.LEAK: (price or cost, price_doubt if price else "priced at cost, as no price is known"),
            Effect.REFUND: (price, price_doubt),
            Effect.WASTE: (cost, cost_doubt),
            Effect.RISK: (cost, cost_doubt),
            Effect.NONE: (None, ""),
        }[effect]
        said = (unit_doubt,) if unit is not None and unit_doubt else ()
        return Difference(
            code,
            effect,
            self.position.company,
            self.position.licence,
            units,
            sentence,
            remedy,
            None if unit is None else unit * units,
            price,
            cost,
            since,
            Confidence.ESTIMATED if doubts or said else Confidence.CALCULATED,
            (*doubts, *said, *self._causes(code, legs)),
            tuple(told(part) for part in parts),
        )

    def _price(self, effect: Effect, about: tuple[Part, ...]) -> tuple[Money | None, str]:
        """Of several prices the one that claims less: the lowest for what is missing, the highest for a refund."""
        lines = [part for part in about or self.position.of(Leg.BILLED, self.today) if part.billable]
        prices = {part.unit for part in lines if part.unit}
        if not prices:
            return self.usual, "priced as most other lines of this licence" if self.usual else ""
        return _one(prices, max if effect is Effect.REFUND else min, "its lines have several prices")

    def _cost(self) -> tuple[Money | None, str]:
        # The lowest: a margin that is told too small disappoints nobody.
        costs = {p.unit for leg in (Leg.PURCHASED, Leg.INVOICED) for p in self.position.of(leg, self.today) if p.unit}
        return _one(costs, min, "it is bought at several costs") if costs else (None, "")

    def _causes(self, code: Code, legs: tuple[Leg, ...]) -> Iterator[str]:
        counting = legs[0]
        if code in (Code.UNDER_BILLED, Code.UNMAPPED_LICENCE):
            yield from self._timing(counting)
        if code is Code.UNMAPPED_LICENCE:
            yield "set-up: no line was made yet, or it is billed under another name"
        if code is Code.STALE_LINE:
            yield "set-up: it was cancelled and the line forgotten, or it is bought elsewhere"
        if code in (Code.OVER_BILLED, Code.STALE_LINE, Code.UNASSIGNED_SEATS):
            committed = max((p.committed for p in self.position.parts if p.committed), default=None)
            if committed and committed > self.today:
                yield f"commitment: seats cannot be lowered before {committed}"
        days = {leg: self.position.read[leg] for leg in legs if leg in self.position.read}
        if days and max(days.values()) - min(days.values()) > _APART:
            yield f"stale data: {', '.join(f'{leg.value} is of {day}' for leg, day in days.items())}"

    def _timing(self, counting: Leg) -> Iterator[str]:
        for part in self.position.of(counting, self.today):
            if part.start and self.today - part.start <= _RECENT:
                yield f"timing: {plain(part.quantity)} bought on {part.start}; it may follow with the next invoice"
        for part in self.position.parts:
            if part.leg is Leg.BILLED and part.start and part.start > self.today:
                yield f"timing: a line of {plain(part.quantity)} begins on {part.start}"
            elif part.leg is Leg.BILLED and part.end and self.today - _RECENT <= part.end <= self.today:
                yield f"set-up: a line of {plain(part.quantity)} ended before {part.end}"


def _one(units: set[Money], pick: Callable[[Iterable[Money]], Money], doubt: str) -> tuple[Money | None, str]:
    """The only one; of several the one picked, with the doubt; none where they are in several currencies."""
    if len({unit.currency for unit in units}) > 1:
        return None, ""
    return pick(units), doubt if len(units) > 1 else ""


def told(part: Part) -> str:
    """`billed.csv row 17: 12 x M365-BP-M at 22.00 USD, from 2026-01-01, on Managed Services`."""
    words = [f"{plain(part.quantity)} x {part.name}" if part.name else plain(part.quantity)]
    if part.unit is not None:
        words.append(f"at {plain(part.unit.amount)} {part.unit.currency}")
    said = [" ".join(words)]
    if part.start:
        said.append(f"from {part.start}")
    if part.end:
        said.append(f"until {part.end - timedelta(days=1)}")
    if part.group:
        said.append(f"on {part.group}")
    if not part.billable:
        said.append("not billed")
    return f"{part.where}: {', '.join(said)}"
