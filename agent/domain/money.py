"""Money, and the one place that rounds."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal
from enum import StrEnum
from fractions import Fraction

# ISO 4217 minor units; every currency that is not listed has two.
_MINOR_UNITS = {
    **dict.fromkeys("BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF".split(), 0),
    **dict.fromkeys("BHD IQD JOD KWD LYD OMR TND".split(), 3),
}


class Rounding(StrEnum):
    HALF_UP = "half-up"  # away from zero, so that a credit is the exact negative of its charge
    TRUNCATE = "truncate"


_MODES = {Rounding.HALF_UP: ROUND_HALF_UP, Rounding.TRUNCATE: ROUND_DOWN}


def minor_units(currency: str) -> int:
    """Decimals of a currency's smallest coin: USD 2, JPY 0, KWD 3."""
    return _MINOR_UNITS.get(currency, 2)


def rounded(exact: Fraction, places: int, rounding: Rounding = Rounding.HALF_UP) -> Decimal:
    """The exact fraction as a Decimal of so many places, rounded once.

    Works on the scaled integer and builds the Decimal from its digits: arithmetic between Decimals, `scaleb` included,
    would round at 28 digits before.
    """
    scaled = exact * 10**places
    whole, rest = divmod(abs(scaled.numerator), scaled.denominator)
    if rounding is Rounding.HALF_UP and 2 * rest >= scaled.denominator:
        whole += 1
    return Decimal((int(scaled < 0 < whole), tuple(map(int, str(whole))), -places))


@dataclass(frozen=True, slots=True, order=False)
class Money:
    """An amount of one currency. Refuses floats and mixed currencies.

    Amounts may be finer than the currency's coins (a unit price of 0.0825): `at_coins` rounds.
    """

    amount: Decimal
    currency: str

    def __post_init__(self) -> None:
        if type(self.amount) is not Decimal or not self.amount.is_finite():
            raise TypeError(f"money needs a finite Decimal, not {self.amount!r}")
        if len(self.currency) != 3 or not self.currency.isascii() or not self.currency.isupper():
            raise ValueError(f"money needs an ISO 4217 code, not {self.currency!r}")

    @classmethod
    def zero(cls, currency: str) -> Money:
        return cls(Decimal(0), currency)

    @classmethod
    def total(cls, amounts: Iterable[Money], currency: str) -> Money:
        """The sum; an empty sum is zero of the named currency."""
        return sum(amounts, start=cls.zero(currency))

    def __add__(self, other: Money) -> Money:
        return Money(self.amount + self._same(other), self.currency)

    def __sub__(self, other: Money) -> Money:
        return Money(self.amount - self._same(other), self.currency)

    def __neg__(self) -> Money:
        return Money(-self.amount, self.currency)

    def __abs__(self) -> Money:
        return Money(abs(self.amount), self.currency)

    def __mul__(self, factor: int | Decimal) -> Money:
        if not isinstance(factor, (int, Decimal)):
            raise TypeError(f"money is multiplied by int or Decimal, not {factor!r}")
        return Money(self.amount * factor, self.currency)

    def __lt__(self, other: Money) -> bool:
        return self.amount < self._same(other)

    def __bool__(self) -> bool:
        return bool(self.amount)

    def at_coins(self, rounding: Rounding = Rounding.HALF_UP) -> Money:
        places = minor_units(self.currency)
        return Money(self.amount.quantize(Decimal(1).scaleb(-places), _MODES[rounding]), self.currency)

    def __str__(self) -> str:
        """`1,234.50 USD`, at the currency's coins."""
        return f"{self.at_coins().amount:,} {self.currency}"

    def _same(self, other: Money) -> Decimal:
        if other.currency != self.currency:
            raise ValueError(f"{self.currency} and {other.currency} cannot meet in one sum")
        return other.amount
