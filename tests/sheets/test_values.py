"""Numbers and days of all countries: read exactly, or a person is asked."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.sheets.values import Ambiguous, DayOrder, Decimals, day, decimals_of, number, order_of

NUMBERS = st.decimals(-10_000_000, 10_000_000, places=2, allow_nan=False)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("12", "12"),
        ("12.50", "12.50"),
        ("12,50", "12.50"),
        ("$1,234.50", "1234.50"),
        ("1.234,50 €", "1234.50"),
        ("1 234,50", "1234.50"),
        ("1\u202f234,5", "1234.5"),
        ("1'234.50", "1234.50"),
        ("USD 1,234.50", "1234.50"),
        ("1234.50 EUR", "1234.50"),
        ("'12.30", "12.30"),
        ("(12.00)", "-12.00"),
        ("12.00-", "-12.00"),
        ("\u221212.00", "-12.00"),
        ("1,234,567", "1234567"),
        ("0.125", "0.125"),
        (".5", "0.5"),
        ("12.", "12"),
        ("-0", "0"),
    ],
)
def test_number_is_read_as_written(text: str, value: str) -> None:
    """Currency, grouping and the accountant's ways of writing a minus change no digit."""
    assert number(text, None) == Decimal(value)


@pytest.mark.parametrize(
    "text", ["", "abc", "12 seats", "1.2.3", "1,23,4", "12,34.5.6", "1e5", "#REF!", "--1", "NaN", "12 3"]
)
def test_what_is_no_number_is_refused(text: str) -> None:
    """Nothing is guessed from half a number."""
    with pytest.raises(ValueError, match=r"."):
        number(text, None)


def test_a_single_mark_before_three_digits_has_two_readings() -> None:
    """1,234 is 1234 in New York and 1.234 in Berlin; with the mark known it is one of them."""
    with pytest.raises(Ambiguous):
        number("1,234", None)
    assert number("1,234", Decimals.POINT) == 1234
    assert number("1,234", Decimals.COMMA) == Decimal("1.234")


@given(NUMBERS)
def test_both_ways_of_writing_mean_the_same(value: Decimal) -> None:
    """Grouped and not, with point and with comma: the Decimal that went in comes back."""
    american, plain = f"{value:,.2f}", f"{value:.2f}"
    german = american.translate(str.maketrans(",.", ".,"))
    assert number(american, Decimals.POINT) == number(german, Decimals.COMMA) == value
    assert number(plain, Decimals.POINT) == value
    assert decimals_of(american) is Decimals.POINT
    assert decimals_of(german) is Decimals.COMMA


@given(st.text(alphabet="0123456789.,'- ()$€\u00a0", max_size=12))
def test_a_number_is_exact_or_refused(text: str) -> None:
    """Whatever is written: the digits of the result are digits of the text, in their order."""
    try:
        value = number(text, Decimals.POINT)
    except ValueError:
        return
    digits = "".join(c for c in text if c.isdigit()).lstrip("0")
    assert "".join(c for c in f"{value:f}" if c.isdigit()).lstrip("0") == digits


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-03-17", date(2026, 3, 17)),
        ("2022-03-18 19:49:35Z", date(2022, 3, 18)),
        ("2026-03-17T08:30:00+01:00", date(2026, 3, 17)),
        ("3/17/2026", date(2026, 3, 17)),
        ("3/17/2026 12:00:00 AM", date(2026, 3, 17)),
        ("17/03/2026", date(2026, 3, 17)),
        ("17.3.26", date(2026, 3, 17)),
        ("3.4.2026", date(2026, 4, 3)),
        ("17 Mar 2026", date(2026, 3, 17)),
        ("17-Mar-26", date(2026, 3, 17)),
        ("March 17, 2026", date(2026, 3, 17)),
        ("Tue, Mar 17, 2026", date(2026, 3, 17)),
        ("5/5/2026", date(2026, 5, 5)),
    ],
)
def test_day_is_read_as_written(text: str, expected: date) -> None:
    """The calendar day, with its time cut off and never shifted into another zone."""
    assert day(text, None) == expected


def test_a_day_with_two_readings_waits_for_a_person() -> None:
    """03/04/2026 is in March or in April."""
    with pytest.raises(Ambiguous):
        day("03/04/2026", None)
    assert day("03/04/2026", DayOrder.DAY) == date(2026, 4, 3)
    assert day("03/04/2026", DayOrder.MONTH) == date(2026, 3, 4)


@given(st.dates(date(2000, 1, 1), date(2099, 12, 31)))
def test_days_survive_every_spelling(value: date) -> None:
    """Written day first, month first, with dots or as ISO, it is the same day."""
    assert day(value.isoformat(), None) == value
    assert day(f"{value:%d/%m/%Y}", DayOrder.DAY) == value
    assert day(f"{value:%m/%d/%Y}", DayOrder.MONTH) == value
    assert day(f"{value:%d.%m.%Y}", None) == value
    assert order_of(f"{value:%d/%m/%Y}") in (None, DayOrder.DAY)


@pytest.mark.parametrize("text", ["", "soon", "2026-13-01", "31/02/2026", "17 Foo 2026", "12"])
def test_what_is_no_day_is_refused(text: str) -> None:
    """A month 13 and a 31 February are mistakes of the file, not days near by."""
    with pytest.raises(ValueError, match=r"."):
        day(text, None)
