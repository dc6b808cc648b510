"""What a part of a billing period costs, under a named convention.

Over the same event vendors and PSAs differ by real cents, so no amount stands without its convention. Everything is an
exact fraction until the rounding that the convention prescribes. docs/proration.md has the table of conventions and
every published figure that they reproduce.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from fractions import Fraction
from types import MappingProxyType
from typing import Generic, TypeVar

from agent.domain.money import Money, Rounding, minor_units, rounded
from agent.domain.periods import DAY, Period


class Days(StrEnum):
    """Which of the two days that a system writes down are billed."""

    INCLUSIVE = "inclusive"  # both
    HALF_OPEN = "half-open"  # the first
    EXCLUDE_EFFECTIVE_DAY = "exclude-effective-day"  # the last; the first only where it starts the period


class Denominator(StrEnum):
    """What a period's days are counted in."""

    ACTUAL = "actual"
    FIXED_30 = "fixed-30"  # strict 30/360: every month has 30 days, a 31st counts as the 30th
    FIXED_28 = "fixed-28"
    FIXED_360 = "fixed-360"  # actual days over months of 30
    TERM = "term"  # counts like ACTUAL, and says that the period to hand in is the whole term that the price pays for


class RoundAt(StrEnum):
    LINE = "line"  # once, after the quantity
    UNIT = "unit"  # the prorated unit price
    DAILY_RATE = "daily-rate"  # the price of a day


@dataclass(frozen=True, slots=True)
class Interval:
    """The dates as a system writes them: when something takes effect and when it ends; None runs to the period's end.

    Whether these two days themselves are billed is the convention's choice.
    """

    start: date
    end: date | None = None

    def __post_init__(self) -> None:
        if isinstance(self.start, datetime) or isinstance(self.end, datetime):
            raise TypeError("an interval has dates; instants make a Span")
        if self.end is not None and self.end < self.start:
            raise ValueError(f"an interval that starts on {self.start} cannot end on {self.end}")


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Span:
    """Instants from `start` up to, not including, `end`, in whole seconds. Naive datetimes raise TypeError."""

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        start, end = self.seconds()
        if end < start:
            raise ValueError(f"a span that starts at {self.start} cannot end at {self.end}")

    def seconds(self) -> tuple[int, int]:
        """Both ends as Unix time."""
        # Against UTC: between two datetimes of one zone Python subtracts wall clocks, and a spring day keeps 24 hours.
        start, end = ((instant - _EPOCH) // timedelta(seconds=1) for instant in (self.start, self.end))
        return start, end


_Part = TypeVar("_Part")
_Whole = TypeVar("_Whole")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rule(ABC, Generic[_Part, _Whole]):
    """How a share of a period becomes money; the price is what one unit costs for the whole period."""

    round_at: RoundAt = RoundAt.LINE
    rounding: Rounding = Rounding.HALF_UP
    ratio_places: int | None = None  # decimals to which a system rounds the share before it multiplies; None: exact

    @abstractmethod
    def count(self, interval: _Part, period: _Whole) -> tuple[int, int]:
        """Billed days or seconds of the interval within the period, and those of the whole period."""

    def fraction(self, interval: _Part, period: _Whole) -> Fraction:
        """The interval's exact share of the period, from 0 to 1."""
        return Fraction(*self.count(interval, period))

    def amount(self, price: Money, quantity: int, interval: _Part, period: _Whole) -> Money:
        """What so many units cost for the interval, in whole coins of the price's currency.

        A negative quantity gives the exact negative. Raises TypeError for a quantity that is not an int.
        """
        if type(quantity) is not int:
            raise TypeError(f"a quantity is a whole number, not {quantity!r}")
        places = minor_units(price.currency)

        def coins(exact: Fraction) -> Fraction:
            return Fraction(rounded(exact, places, self.rounding))

        # Fractions to the end: Decimals would round at 28 digits on the way.
        counted, whole = self.count(interval, period)
        unit = Fraction(price.amount)
        match self.round_at:
            case RoundAt.LINE:
                exact = coins(unit * self._ratio(counted, whole) * quantity)
            case RoundAt.UNIT:
                exact = coins(unit * self._ratio(counted, whole)) * quantity
            case RoundAt.DAILY_RATE:
                exact = coins(unit / whole) * counted * quantity
        return Money(rounded(exact, places), price.currency)

    def credit(self, charged: Money, price: Money, quantity: int, interval: _Part, period: _Whole) -> Money:
        """The negative of what the interval costs, never more than what was charged for it.

        Raises ValueError for mixed currencies, and where there is no charge to take back: a negative one would
        turn the credit into a charge.
        """
        due = self.amount(price, quantity, interval, period)
        taken_back = min(due, charged)
        if taken_back < Money.zero(charged.currency):
            raise ValueError(f"a credit takes back a charge, not {taken_back}")
        return -taken_back

    def _ratio(self, counted: int, whole: int) -> Fraction:
        exact = Fraction(counted, whole)
        return exact if self.ratio_places is None else Fraction(rounded(exact, self.ratio_places, self.rounding))


@dataclass(frozen=True, slots=True)
class Convention(_Rule[Interval, Period]):
    """Proration by days: four choices, and for Kill Bill a fifth."""

    days: Days
    denominator: Denominator

    def billed(self, interval: Interval, period: Period) -> Period | None:
        """The days of the period that are billed; None if there are none."""
        start, end = max(interval.start, period.start), period.end
        if self.days is Days.EXCLUDE_EFFECTIVE_DAY and interval.start > period.start:
            start += DAY
        if interval.end is not None and interval.end < period.end:
            end = interval.end if self.days is Days.HALF_OPEN else interval.end + DAY
        return Period(start, end) if start < end else None

    def count(self, interval: Interval, period: Period) -> tuple[int, int]:
        whole = _length(period, self.denominator)
        if whole == 0:
            raise ValueError(f"{period} has no day by {self.denominator}: no price can be prorated over it")
        part = self.billed(interval, period)
        if part is None:
            return 0, whole
        if self.denominator is Denominator.FIXED_360:
            # 31 days are more than a month of 30, and yet nobody charges more than the period's price.
            return min(part.days, whole), whole
        return _length(part, self.denominator), whole


@dataclass(frozen=True, slots=True)
class PerSecond(_Rule[Span, Span]):
    """Proration by seconds, for systems that know the instant of a change; the period is a Span too."""

    def __post_init__(self) -> None:
        if self.round_at is RoundAt.DAILY_RATE:
            raise ValueError("the price of a second cannot be rounded to coins")

    def count(self, interval: Span, period: Span) -> tuple[int, int]:
        (start, end), (first, after) = interval.seconds(), period.seconds()
        if first == after:
            raise ValueError(f"a period of no seconds at {period.start}: no price can be prorated over it")
        return max(0, min(end, after) - max(start, first)), after - first


def _length(period: Period, denominator: Denominator) -> int:
    match denominator:
        case Denominator.ACTUAL | Denominator.TERM:
            return period.days
        case Denominator.FIXED_28:
            return _position(period.end, 28) - _position(period.start, 28)
        case Denominator.FIXED_30 | Denominator.FIXED_360:
            return _position(period.end, 30) - _position(period.start, 30)


def _position(day: date, length: int) -> int:
    """The day's place in a calendar whose months all have `length` days.

    As a difference of places adds up over any cut, the last day of a month carries what the month lacks or exceeds:
    28 February counts as three days of 30, 30 January as none and the 31st as one.
    """
    return (day.year * 12 + day.month) * length + min(day.day, length)


def split(total: Money, weights: Sequence[int | Fraction]) -> tuple[Money, ...]:
    """Shares the total by weight, in whole coins that add up to exactly the total.

    Each part is cut off to coins; the coins left over go to the largest remainders, to earlier parts first. Raises
    ValueError for a total finer than a coin and for weights that are negative or all zero.
    """
    if not all(isinstance(weight, int | Fraction) for weight in weights):
        raise TypeError(f"weights are whole numbers or fractions: {weights!r}")
    places = minor_units(total.currency)
    exact, whole = Fraction(total.amount) * 10**places, sum(weights)
    if exact.denominator != 1:
        raise ValueError(f"{total.amount} {total.currency} is finer than a coin and cannot be split")
    if whole == 0 or min(weights) < 0:
        raise ValueError(f"a total needs weights to be split by, none of them negative: {weights!r}")
    shares = [abs(exact) * weight / whole for weight in weights]
    coins = [share.numerator // share.denominator for share in shares]
    left = abs(exact.numerator) - sum(coins)
    for i in sorted(range(len(coins)), key=lambda i: coins[i] - shares[i])[:left]:
        coins[i] += 1
    coin = Fraction(-1 if exact < 0 else 1, 10**places)
    return tuple(Money(rounded(count * coin, places), total.currency) for count in coins)


CONNECTWISE = Convention(Days.INCLUSIVE, Denominator.ACTUAL)
"""ConnectWise PSA, agreements that prorate: 22.00 from 15 March, both ends billed, is 12.06 on top of April's 22.00.

Source: idsync.atlassian.net, FAQ Billing Connectors (34.06 a unit); support.ceojuice.com 35868833724052. The figure is
of one unit: whether ConnectWise rounds before or after the quantity is not published.
"""

MICROSOFT = Convention(Days.HALF_OPEN, Denominator.ACTUAL, rounding=Rounding.TRUNCATE)
"""Microsoft new commerce, seats added and removed: days of the charge cycle from the event on, cents cut off the line.

Source: learn.microsoft.com, partner-center/billing/common-billing-scenarios-onetime-recurring (edition of November
2022), tables of added and removed seats.
"""

MICROSOFT_SUBTOTAL = Convention(Days.HALF_OPEN, Denominator.ACTUAL, round_at=RoundAt.UNIT, rounding=Rounding.TRUNCATE)
"""Microsoft new commerce, cancellations and upgrades: cents are cut off the prorated unit price.

Source: the tables of cancellations and upgrades on the same page, and the formula for a subtotal of licences on
learn.microsoft.com, partner-center/billing/modern-invoice-reconciliation-file.
"""

MICROSOFT_LEGACY = Convention(Days.HALF_OPEN, Denominator.ACTUAL, round_at=RoundAt.UNIT)
"""Microsoft before new commerce: the prorated unit price is rounded to cents, 4.00 x 29/30 = 3.87, twice that 7.74.

Source: docs.microsoft.com, partner-center/common-billing-scenarios-onetime-recurring (edition of 2019).
"""

MICROSOFT_LICENCE_FILE = Convention(Days.HALF_OPEN, Denominator.ACTUAL)
"""Microsoft's licence-based reconciliation file of old commerce: amounts from the unrounded unit price.

Source: support.appxite.com 4402361801746. The unit price that the file shows is cut off and does not multiply to them.
"""

RHIPE = Convention(Days.INCLUSIVE, Denominator.ACTUAL)
"""rhipe / Crayon PRISM: the billable ratio counts the end date, the line is rounded after the quantity.

Source: operations.rhipe.com, articles/billable-ratio-pro-rata-charges.
"""

KILL_BILL = Convention(Days.HALF_OPEN, Denominator.ACTUAL, ratio_places=9)
"""Kill Bill: the ratio is rounded half up to nine decimals, the amount half up to the currency's coins.

Source: github.com/killbill/killbill, InvoiceDateUtils and KillBillMoney.
"""

FIXED_30 = Convention(Days.HALF_OPEN, Denominator.FIXED_30)
"""Every month has 30 days.

Source: Kill Bill's setting org.killbill.invoice.proration.fixed.days = 30 and its tests,
TestInvoiceDateUtilsWithFixedProration. Kill Bill counts actual days within one month; the two differ from a 30th on.
"""

CLOUD_MARKETPLACE = Convention(Days.EXCLUDE_EFFECTIVE_DAY, Denominator.ACTUAL)
"""Ingram / CloudBlue marketplace, before it writes to ConnectWise: (days - effective day) / days, one day less.

Source: kb.cloud.im 66000488153. Nothing is prorated from the period's first day on; rounding is not published.
"""

ZUORA_ACTUAL = Convention(Days.INCLUSIVE, Denominator.ACTUAL)
"""Zuora, "Use actual number of days": 27 to 31 January are 5/31.

Source, as for the next two: docs.zuora.com, "When prorating a month, assume 30 days in a month or use actual days?".
Zuora publishes the ratios; its rounding is a setting of each site.
"""

ZUORA_30 = Convention(Days.INCLUSIVE, Denominator.FIXED_360)
"""Zuora, "Assume 30 days - Actual / 360": 27 to 31 January are 5/30. Parts of a long month add up to more than 1."""

ZUORA_STRICT = Convention(Days.INCLUSIVE, Denominator.FIXED_30)
"""Zuora, "Assume 30 days - Strict 30 / 360": 27 to 31 January are 4/30, 27 and 28 February too."""

STRIPE = PerSecond()
"""Stripe: time left over time of the period, to the second; a credit at the old price, a charge at the new.

Source: docs.stripe.com, billing/subscriptions/prorations and billing/scripts/prorations. Rounding is not published.
"""

CONVENTIONS: Mapping[str, Convention] = MappingProxyType(
    {
        "connectwise": CONNECTWISE,
        "microsoft": MICROSOFT,
        "microsoft-subtotal": MICROSOFT_SUBTOTAL,
        "microsoft-legacy": MICROSOFT_LEGACY,
        "microsoft-licence-file": MICROSOFT_LICENCE_FILE,
        "rhipe": RHIPE,
        "kill-bill": KILL_BILL,
        "fixed-30": FIXED_30,
        "cloud-marketplace": CLOUD_MARKETPLACE,
        "zuora-actual": ZUORA_ACTUAL,
        "zuora-30": ZUORA_30,
        "zuora-strict": ZUORA_STRICT,
    }
)
"""Conventions by days under their names; `STRIPE` is not among them, because it asks for instants."""
