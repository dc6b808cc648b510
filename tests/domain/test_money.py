"""Money and the one rounding."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.domain.money import Money, Rounding, minor_units, rounded


def usd(text: str) -> Money:
    return Money(Decimal(text), "USD")


def test_half_a_cent_goes_away_from_zero_both_ways() -> None:
    """2.675 becomes 2.68 and -2.675 becomes -2.68, so that a credit is the exact negative of its charge."""
    assert usd("2.675").at_coins() == usd("2.68")
    assert usd("-2.675").at_coins() == usd("-2.68")


def test_currencies_keep_their_own_coins() -> None:
    """Yen have no decimals and Kuwaiti dinars three."""
    assert str(Money(Decimal("1234.5"), "JPY")) == "1,235 JPY"
    assert str(Money(Decimal("1234.5"), "KWD")) == "1,234.500 KWD"
    assert minor_units("USD") == 2


@pytest.mark.parametrize("wrong", [22.0, Decimal("NaN"), 22, "22.00"])
def test_money_is_made_of_finite_decimals_only(wrong: object) -> None:
    """Floats, not-a-numbers, ints and texts are refused at the door."""
    with pytest.raises(TypeError, match="money needs a finite Decimal, not"):
        Money(wrong, "USD")


def test_two_currencies_never_meet_in_one_sum() -> None:
    """USD plus EUR is an error, not a number."""
    with pytest.raises(ValueError, match="USD and EUR"):
        usd("1") + Money(Decimal(1), "EUR")


def test_a_currency_is_a_three_letter_code() -> None:
    """A lower-case, longer or foreign code is refused."""
    for code in ("usd", "USDX", "US", "ÜSD"):
        with pytest.raises(ValueError, match="ISO 4217"):
            Money(Decimal(1), code)


def test_money_is_multiplied_by_what_is_exact() -> None:
    """3 x 22.00 and 0.5 x 22.00, but not by a float."""
    assert (usd("22.00") * 3, usd("22.00") * Decimal("0.5")) == (usd("66.00"), usd("11.00"))
    with pytest.raises(TypeError, match=r"money is multiplied by int or Decimal, not 0\.5"):
        usd("22.00") * 0.5


def test_the_fraction_of_march_is_rounded_once() -> None:
    """22.00 x 17/31 = 12.0645..., which is 12.06."""
    assert rounded(Fraction(2200, 100) * Fraction(17, 31), 2) == Decimal("12.06")


@given(st.fractions(), st.integers(0, 6))
def test_rounding_is_symmetric(exact: Fraction, places: int) -> None:
    """The rounded negative is the negative of the rounded."""
    assert rounded(-exact, places) == rounded(exact, places).copy_negate()


@given(st.fractions(), st.integers(0, 6))
def test_rounding_moves_by_at_most_half_a_coin(exact: Fraction, places: int) -> None:
    """|rounded - exact| <= 1/2 x 10^-places, and truncation never moves away from zero."""
    assert abs(Fraction(rounded(exact, places)) - exact) <= Fraction(1, 2) / 10**places
    cut = Fraction(rounded(exact, places, Rounding.TRUNCATE))
    assert abs(cut) <= abs(exact) < abs(cut) + Fraction(1, 10**places)


def test_nothing_is_never_minus_nothing() -> None:
    """-0.001 USD rounds to 0.00, not to -0.00."""
    assert str(rounded(Fraction(-1, 1000), 2)) == "0.00"
