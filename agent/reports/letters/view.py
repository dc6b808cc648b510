"""What a letter says, as the values that its templates see: every text cleaned, None for what is not known."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from itertools import groupby

from agent.domain.corrections import Correction, OneOff
from agent.domain.invoices import Part
from agent.domain.money import Money, minor_units, rounded
from agent.domain.ownership import plain
from agent.domain.proration import Convention, Days, Denominator
from agent.reports.text import shown

_UNITS = {1: "month", 3: "quarter", 6: "half-year", 12: "year"}
_COUNTED = {
    Days.INCLUSIVE: "its first and its last day both count",
    Days.HALF_OPEN: "its first day counts and the day on which it ends does not",
    Days.EXCLUDE_EFFECTIVE_DAY: "the day of the change itself does not count",
}
_DIVIDED = {
    Denominator.ACTUAL: "the days of that {unit}",
    Denominator.FIXED_30: "30 days, whatever the month has",
    Denominator.FIXED_28: "28 days, whatever the month has",
    Denominator.FIXED_360: "months of 30 days",
    Denominator.TERM: "the days of the whole term",
}


@dataclass(frozen=True, slots=True)
class Quantity:
    """Units that were billed each `unit` (month, year), and those that are right, both at the `price` that was billed.

    `since` is the first day that is corrected; a new line had no units before, an ended one has none after.
    """

    licence: str
    agreement: str
    before: Decimal
    after: Decimal
    since: date | None
    unit: str
    price: Money | None
    was: Money | None
    becomes: Money | None

    @property
    def difference(self) -> Money | None:
        return None if self.was is None or self.becomes is None else self.becomes - self.was


@dataclass(frozen=True, slots=True)
class Amount:
    """What is charged or given back once for some days, and how it is worked out; `invoice` says which the first
    invoice is that can show it: `December 2026`, or from which day to which."""

    licence: str
    agreement: str
    first: date
    last: date
    arithmetic: str
    money: Money | None
    invoice: str
    credit: bool


@dataclass(frozen=True, slots=True)
class Price:
    """Another price of one unit a `unit`, for so many units, from that invoice on."""

    licence: str
    agreement: str
    before: Money
    after: Money
    units: Decimal
    unit: str
    invoice: str

    @property
    def difference(self) -> Money:
        return (self.after - self.before) * self.units


@dataclass(frozen=True, slots=True)
class Going:
    """What is billed each `unit` from the day `begins` on; of no units nothing any more."""

    licence: str
    agreement: str
    units: Decimal
    price: Money | None
    money: Money | None
    unit: str
    begins: date | None


@dataclass(frozen=True, slots=True)
class Person:
    """`first` is None where the oldest reading already showed the person, `last` None while it lasts."""

    name: str
    first: date | None
    last: date | None


@dataclass(frozen=True, slots=True)
class Holders:
    """Who was counted for a licence in the month, under the names that its billing profile allows."""

    licence: str
    people: tuple[Person, ...]


@dataclass(frozen=True, slots=True)
class Letter:
    """One company's month. `sender` and `contact` are the MSP's, empty where no setting tells them.

    `conventions` say in words how parts of a period are charged, `unknown` what could not be told.
    """

    company: str
    month: str
    day: date
    read: date | None
    sender: str
    contact: str
    quantities: tuple[Quantity, ...]
    amounts: tuple[Amount, ...]
    prices: tuple[Price, ...]
    forward: tuple[Going, ...]
    holders: tuple[Holders, ...]
    conventions: tuple[str, ...]
    unknown: tuple[str, ...] = ()
    unsettled: int = 0

    def __bool__(self) -> bool:
        # What is not known is worth a letter too: something was corrected.
        return bool(self.quantities or self.amounts or self.prices or self.unknown)

    @property
    def charges(self) -> list[Amount]:
        return [one for one in self.amounts if not one.credit]

    @property
    def credits(self) -> list[Amount]:
        return [one for one in self.amounts if one.credit]


def long_day(day: date) -> str:
    """`5 October 2026`: no country reads the day for the month."""
    return f"{day.day} {day:%B %Y}"


def unit_price(price: Decimal, currency: str) -> str:
    """At the currency's coins, or finer where the price is: `30.00`, `0.0825`."""
    return f"{price:,.{max(minor_units(currency), len(plain(price).partition('.')[2]))}f}"


def total(amounts: Iterable[Amount]) -> str:
    """Their sum, one a currency; empty where there are none, and not known if one of them is not."""
    monies = [one.money for one in amounts]
    known = [money for money in monies if money is not None]
    # A sum without the one that is not known would look like all of it.
    if len(known) < len(monies):
        return "not known"
    sums = (Money.total(of, currency) for currency, of in groupby(sorted(known, key=_currency), key=_currency))
    return " and ".join(map(str, sums))


def _currency(money: Money) -> str:
    return money.currency


@dataclass(frozen=True, slots=True)
class Told:
    """One correction in the letter's words. `currency` is the agreement's."""

    licence: str
    correction: Correction
    convention: Convention
    currency: str

    @property
    def _where(self) -> tuple[str, str]:
        return shown(self.licence), shown(self.correction.agreement.name)

    @property
    def unit(self) -> str:
        months = self.correction.agreement.months
        return _UNITS.get(months or 0, f"{months} months" if months else "period")

    @property
    def invoice(self) -> str:
        """Of which period the next one was when the correction was made."""
        agreement = self.correction.agreement
        if agreement.next_invoice is None or agreement.months is None:
            return ""
        period = agreement.period(agreement.next_invoice)
        # A month that does not begin on the 1st has no name that people would not take for the calendar's.
        whole = agreement.months == 1 and period.start.day == 1
        return f"{period.start:%B %Y}" if whole else f"{long_day(period.start)} to {long_day(period.last_day)}"

    def quantities(self) -> Iterator[Quantity]:
        made, (before, after) = self.correction, (self.correction.before, self.correction.after)
        # Up and down between lines of one key, or a taken back difference: nothing that goes on has changed.
        if before.units == after.units:
            return
        # At the price that was billed. Where the price changed as well, its own part tells what that makes of all
        # units that are left, so that the two add up to what the bill changes by.
        price = before.price if before.units else after.price
        was, becomes = (self._sum(side.units, price) for side in (before, after))
        money = self._money(price)
        yield Quantity(*self._where, before.units, after.units, made.since, self.unit, money, was, becomes)

    def prices(self) -> Iterator[Price]:
        made = self.correction
        before, after = self._money(made.before.price), self._money(made.after.price)
        if made.of_price and before is not None and after is not None:
            yield Price(*self._where, before, after, made.after.units, self.unit, self.invoice)

    def forward(self) -> Going:
        made, after = self.correction, self.correction.after
        begins = (made.continues or made.agreement.next_invoice) if after.units else made.since
        sums = self._money(after.price), self._sum(after.units, after.price)
        return Going(*self._where, after.units, *sums, self.unit, begins)

    def amounts(self) -> Iterator[Amount]:
        for one in self.correction.once:
            exact = one.amount
            money = None if exact is None else Money(rounded(exact, minor_units(self.currency)), self.currency)
            first, last = one.days.start, one.days.last_day
            yield Amount(*self._where, first, last, self._arithmetic(one), money, self.invoice, one.gives_back)

    def conventions(self) -> Iterator[str]:
        if not self.correction.agreement.prorates:
            yield f"{self._where[1]} is billed by the whole {self.unit}: part of one is neither charged nor credited."
        elif self.correction.once:
            counted, divided = _COUNTED[self.convention.days], _DIVIDED[self.convention.denominator]
            yield (
                f"Part of a {self.unit} is charged by the day: {counted}, and a day costs the price of the {self.unit} "
                f"divided by {divided.format(unit=self.unit)}. Each amount is rounded once."
            )

    def stays(self) -> Iterator[str]:
        """Of units that went, what earlier invoices billed for them: nobody should have to ask."""
        made = self.correction
        if made.after.units < made.before.units and not any(one.gives_back for one in made.once):
            yield f"{self._where[0]}: what earlier invoices billed stays as it was billed."

    def _arithmetic(self, one: OneOff) -> str:
        """`2 × 30.00 × 11/30`; a credit begins with a minus, whichever way the PSA takes it."""
        # One site writes -2 × 22.00, another 2 × -22.00; nobody who reads the letter should have to know which.
        sign = "-" if one.gives_back else ""
        price = "a price that is not known" if one.price is None else unit_price(abs(one.price), self.currency)
        shares = [self._shares(share, list(parts)) for share, parts in groupby(one.parts, key=lambda part: part.share)]
        times = shares[0] if len(shares) == 1 else f"({' + '.join(shares)})"
        return f"{sign}{plain(abs(one.units))} × {price} × {times}"

    def _shares(self, share: Fraction, parts: list[Part]) -> str:
        if share == 1:
            return f"{len(parts)} {self.unit}{'s' if len(parts) > 1 else ''}"
        # Unreduced where it counts days, because 15/30 says more than 1/2.
        said = [(part.days.days, part.period.days) for part in parts]
        return " + ".join(f"{days}/{whole}" if days == share * whole else str(share) for days, whole in said)

    def _sum(self, units: Decimal, price: Decimal | None) -> Money | None:
        return None if price is None else Money(units * price, self.currency).at_coins()

    def _money(self, price: Decimal | None) -> Money | None:
        return None if price is None else Money(price, self.currency)
