"""Proration: published figures under the convention that gives them, laws, and a second implementation."""

import doctest
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction as F
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.domain import proration
from agent.domain.money import Money, Rounding, rounded
from agent.domain.periods import DAY, Grid, Period, add_months
from agent.domain.proration import (
    CLOUD_MARKETPLACE,
    CONNECTWISE,
    CONVENTIONS,
    FIXED_30,
    KILL_BILL,
    MICROSOFT,
    MICROSOFT_LEGACY,
    MICROSOFT_LICENCE_FILE,
    MICROSOFT_SUBTOTAL,
    RHIPE,
    STRIPE,
    ZUORA_30,
    ZUORA_ACTUAL,
    ZUORA_STRICT,
    Convention,
    Days,
    Denominator,
    Interval,
    PerSecond,
    RoundAt,
    Span,
    split,
)
from bench import laws

PAGE = Path(__file__).parents[2] / "docs" / "proration.md"

BY_DAILY_RATE = Convention(Days.HALF_OPEN, Denominator.ACTUAL, round_at=RoundAt.DAILY_RATE)
BY_TERM = Convention(Days.HALF_OPEN, Denominator.TERM)
PER_UNIT = replace(CONNECTWISE, round_at=RoundAt.UNIT)
KILL_BILL_28 = replace(FIXED_30, denominator=Denominator.FIXED_28)


def usd(text: str) -> Money:
    return Money(Decimal(text), "USD")


def since(day: str) -> Interval:
    return Interval(date.fromisoformat(day))


def from_to(first: str, last: str) -> Interval:
    return Interval(date.fromisoformat(first), date.fromisoformat(last))


def month(start: str, months: int = 1) -> Period:
    first = date.fromisoformat(start)
    return Period(first, add_months(first, months))


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


MARCH = month("2026-03-01")

# Convention, price, quantity, dates, period, share, amount: price x quantity x share, rounded as the convention says.
GOLDEN = [
    # IDSync FAQ: 34.06 on April's invoice less April's own 22.00; kb.cloud.im's formula for the same case
    (CONNECTWISE, "22.00", 1, since("2019-03-15"), month("2019-03-01"), F(17, 31), "12.06"),
    (CLOUD_MARKETPLACE, "22.00", 1, since("2019-03-15"), month("2019-03-01"), F(16, 31), "11.35"),
    # Microsoft, one-time and recurring purchases, 2019: a seat more on day 2 of 30; by the line it would be 7.73
    (MICROSOFT_LEGACY, "4.00", -1, since("2019-06-12"), month("2019-06-11"), F(29, 30), "-3.87"),
    (MICROSOFT_LEGACY, "4.00", 2, since("2019-06-12"), month("2019-06-11"), F(29, 30), "7.74"),
    (MICROSOFT_LICENCE_FILE, "4.00", 2, since("2019-06-12"), month("2019-06-11"), F(29, 30), "7.73"),
    # AppXite, legacy correction: 2.2667 cut off
    (MICROSOFT, "4.00", 1, since("2021-06-14"), month("2021-06-01"), F(17, 30), "2.26"),
    # AppXite, licence-based file: 22,614.677... and 33.503...
    (
        MICROSOFT_LICENCE_FILE,
        "51.93",
        500,
        from_to("2021-03-16", "2021-04-12"),
        month("2021-03-16"),
        F(27, 31),
        "22614.68",
    ),
    (MICROSOFT_LICENCE_FILE, "51.93", 5, since("2021-04-12"), month("2021-03-16"), F(4, 31), "33.50"),
    (MICROSOFT_LICENCE_FILE, "51.93", -495, since("2021-03-16"), month("2021-03-16"), F(1), "-25705.35"),
    # Microsoft, new commerce: 10 seats bought on 18 June, 12 from the 20th on; or 8
    (MICROSOFT, "10.08", -10, since("2021-06-20"), month("2021-06-18"), F(28, 30), "-94.08"),
    (MICROSOFT, "10.08", 12, since("2021-06-20"), month("2021-06-18"), F(28, 30), "112.89"),
    (MICROSOFT, "10.08", 8, since("2021-06-20"), month("2021-06-18"), F(28, 30), "75.26"),
    # ... and 10 seats bought on 5 March that change five times
    (MICROSOFT, "12.00", -10, since("2022-03-07"), month("2022-03-05"), F(29, 31), "-112.25"),
    (MICROSOFT, "12.00", 15, since("2022-03-07"), month("2022-03-05"), F(29, 31), "168.38"),
    (MICROSOFT, "12.00", -15, since("2022-03-10"), month("2022-03-05"), F(26, 31), "-150.96"),
    (MICROSOFT, "12.00", 25, since("2022-03-10"), month("2022-03-05"), F(26, 31), "251.61"),
    (MICROSOFT, "12.00", -25, since("2022-03-12"), month("2022-03-05"), F(24, 31), "-232.25"),
    (MICROSOFT, "12.00", 23, since("2022-03-12"), month("2022-03-05"), F(24, 31), "213.67"),
    (MICROSOFT, "12.00", -23, since("2022-03-14"), month("2022-03-05"), F(22, 31), "-195.87"),
    (MICROSOFT, "12.00", 20, since("2022-03-14"), month("2022-03-05"), F(22, 31), "170.32"),
    (MICROSOFT, "12.00", -20, since("2022-03-25"), month("2022-03-05"), F(11, 31), "-85.16"),
    (MICROSOFT, "12.00", 30, since("2022-03-25"), month("2022-03-05"), F(11, 31), "127.74"),
    # ... cancelled two days after 15 July; upgraded on 25 June: 9.4297, 7.728 and 4.9297 are cut off per unit
    (MICROSOFT_SUBTOTAL, "10.08", -10, since("2021-07-17"), month("2021-07-15"), F(29, 31), "-94.20"),
    (MICROSOFT_SUBTOTAL, "10.08", -300, since("2021-06-25"), month("2021-06-18"), F(23, 30), "-2316.00"),
    (MICROSOFT_SUBTOTAL, "6.43", 300, since("2021-06-25"), month("2021-06-18"), F(23, 30), "1476.00"),
    (MICROSOFT_SUBTOTAL, "10.08", -100, since("2021-06-25"), month("2021-06-18"), F(23, 30), "-772.00"),
    (MICROSOFT_SUBTOTAL, "6.43", 100, since("2021-06-25"), month("2021-06-18"), F(23, 30), "492.00"),
    # ours: cancelled within the seven days, 5 of 31 days used
    (MICROSOFT, "22.00", -1, since("2026-03-06"), month("2026-03-01"), F(26, 31), "-18.45"),
    # rhipe, billable ratio: 3 to 15 April for 10, 16 to 30 April for 15
    (RHIPE, "12.00", 10, from_to("2022-04-03", "2022-04-15"), month("2022-04-01"), F(13, 30), "52.00"),
    (RHIPE, "12.00", 15, from_to("2022-04-16", "2022-04-30"), month("2022-04-01"), F(15, 30), "90.00"),
    # mlytics, "How is prorate calculated?": 0.33 and 3.30 a day, 15 days
    (BY_DAILY_RATE, "10.00", 1, since("2020-09-16"), month("2020-09-01"), F(15, 30), "4.95"),
    (BY_DAILY_RATE, "99.00", 1, since("2020-09-16"), month("2020-09-01"), F(15, 30), "49.50"),
    # ours: seven seats more on the last day of a month
    (CONNECTWISE, "30.00", 7, since("2024-02-29"), month("2024-02-01"), F(1, 29), "7.24"),
    (ZUORA_30, "30.00", 7, since("2024-02-29"), month("2024-02-01"), F(1, 30), "7.00"),
    (ZUORA_STRICT, "30.00", 7, since("2024-02-29"), month("2024-02-01"), F(2, 30), "14.00"),
    (CONNECTWISE, "30.00", 7, since("2024-01-31"), month("2024-01-01"), F(1, 31), "6.77"),
    (ZUORA_30, "30.00", 7, since("2024-01-31"), month("2024-01-01"), F(1, 30), "7.00"),
    (ZUORA_STRICT, "30.00", 7, since("2024-01-31"), month("2024-01-01"), F(1, 30), "7.00"),
    # ours: added in the middle of an annual term
    (BY_TERM, "360.00", 1, since("2024-02-29"), month("2023-07-01", 12), F(123, 366), "120.98"),
    # ours: 137 seats, by the line and by the unit (6.85 each)
    (CONNECTWISE, "12.50", 137, since("2026-03-15"), month("2026-03-01"), F(17, 31), "939.11"),
    (PER_UNIT, "12.50", 137, since("2026-03-15"), month("2026-03-01"), F(17, 31), "938.45"),
]


@pytest.mark.parametrize(
    ("convention", "price", "quantity", "dates", "period", "share", "expected"),
    GOLDEN,
    ids=[f"{price} x {quantity} x {share} = {expected}" for _, price, quantity, _, _, share, expected in GOLDEN],
)
def test_published_amount(
    convention: Convention, price: str, quantity: int, dates: Interval, period: Period, share: F, expected: str
) -> None:
    """Each published amount, and each that our own pages name, comes out to the cent under its convention."""
    assert convention.fraction(dates, period) == share
    assert convention.amount(usd(price), quantity, dates, period) == usd(expected)


def test_april_s_invoice_carries_march_s_rest() -> None:
    """22.00 + 22.00 x 17/31 = 34.06 by ConnectWise; 22.00 + 22.00 x 16/31 = 33.35 by the marketplace's formula."""
    case = (usd("22.00"), 1, since("2019-03-15"), month("2019-03-01"))
    assert usd("22.00") + CONNECTWISE.amount(*case) == usd("34.06")
    assert usd("22.00") + CLOUD_MARKETPLACE.amount(*case) == usd("33.35")


@pytest.mark.parametrize(
    ("dates", "start", "actual", "by_30", "strict"),
    [
        (from_to("2021-01-27", "2021-01-31"), "2021-01-01", F(5, 31), F(5, 30), F(4, 30)),
        (from_to("2021-02-27", "2021-02-28"), "2021-02-01", F(2, 28), F(2, 30), F(4, 30)),
        (from_to("2020-02-01", "2020-02-29"), "2020-02-01", F(29, 29), F(29, 30), F(30, 30)),
        (from_to("2021-04-21", "2021-04-29"), "2021-04-01", F(9, 30), F(9, 30), F(9, 30)),
    ],
)
def test_zuora_s_table(dates: Interval, start: str, actual: F, by_30: F, strict: F) -> None:
    """Zuora's page gives the ratio of each of its three methods for the same dates."""
    ratios = [rule.fraction(dates, month(start)) for rule in (ZUORA_ACTUAL, ZUORA_30, ZUORA_STRICT)]
    assert ratios == [actual, by_30, strict]


@pytest.mark.parametrize(
    ("convention", "start", "period", "share", "ratio"),
    [
        (KILL_BILL, "2023-05-23", "2023-05-15", F(23, 31), "0.741935484"),
        (KILL_BILL, "2023-06-23", "2023-06-15", F(22, 30), "0.733333333"),
        (KILL_BILL, "2023-02-23", "2023-02-15", F(20, 28), "0.714285714"),
        (KILL_BILL, "2024-02-23", "2024-02-15", F(21, 29), "0.724137931"),
        *(
            (FIXED_30, f"{m}-23", f"{m}-15", F(22, 30), "0.733333333")
            for m in ("2023-05", "2023-06", "2023-02", "2024-02")
        ),
        (FIXED_30, "2023-05-15", "2023-04-23", F(8, 30), "0.266666667"),
        *((KILL_BILL_28, f"{m}-23", f"{m}-15", F(20, 28), "0.714285714") for m in ("2023-05", "2023-02", "2024-02")),
    ],
)
def test_kill_bill_s_ratios(convention: Convention, start: str, period: str, share: F, ratio: str) -> None:
    """Kill Bill's own tests give nine decimals, for actual days and for months of 30 and of 28 days."""
    assert convention.fraction(since(start), month(period)) == share
    assert rounded(share, 9) == Decimal(ratio)


def test_kill_bill_s_ninth_decimal_can_move_a_cent() -> None:
    """0.015 x 10/30 = 0.005, a cent; 0.015 x 0.333333333 = 0.004999999995, none."""
    case = (usd("0.015"), 1, since("2026-04-21"), month("2026-04-01"))
    assert replace(KILL_BILL, ratio_places=None).amount(*case) == usd("0.01")
    assert KILL_BILL.amount(*case) == usd("0.00")


def test_stripe_counts_seconds() -> None:
    """From 15 March 13:37 on 1,419,780 of 2,678,400 seconds are left: 22.00 x that = 11.66."""
    march = Span(utc("2026-03-01"), utc("2026-04-01"))
    left = Span(utc("2026-03-15T13:37"), march.end)
    assert STRIPE.fraction(left, march) == F(1_419_780, 2_678_400)
    assert STRIPE.amount(usd("22.00"), 1, left, march) == usd("11.66")


def test_stripe_s_upgrade_halfway() -> None:
    """10.00 to 20.00 in the middle of April: -10.00 x 1/2 = -5.00 and 20.00 x 1/2 = +10.00."""
    april = Span(utc("2026-04-01"), utc("2026-05-01"))
    rest = Span(utc("2026-04-16"), april.end)
    assert STRIPE.credit(usd("10.00"), usd("10.00"), 1, rest, april) == usd("-5.00")
    assert STRIPE.amount(usd("20.00"), 1, rest, april) == usd("10.00")


def test_four_ways_to_price_the_rest_of_a_year() -> None:
    """From 29 February to 30 June at 30.00 a month: 4 months, 5 months, or 30.00 x (1/29 + 4) = 121.03."""
    grid = Grid(date(2023, 7, 1), 1)
    months = list(grid.between(date(2024, 2, 29), date(2024, 7, 1)))
    shares = [CONNECTWISE.fraction(Interval(part.start), grid.containing(part.start)) for part in months]
    assert shares == [F(1, 29), 1, 1, 1, 1]
    assert [30 * shares.count(F(1)), 30 * len(shares)] == [120, 150]
    assert rounded(30 * sum(shares, F(0)), 2) == Decimal("121.03")


def test_microsoft_s_charge_cycles_are_the_grid_s() -> None:
    """Bought on 31 January 2021 with a monthly plan: the cycles begin on the 31st, or on a shorter month's last day."""
    starts = [Grid(date(2021, 1, 31), 1).nth(n).start for n in range(12)]
    assert [day.day for day in starts] == [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]


def test_marketplace_prorates_nothing_from_the_first_day_on() -> None:
    """From 1 March the whole price is due; from the 2nd on the day itself is free, so 29 of 31 are left."""
    assert CLOUD_MARKETPLACE.fraction(since("2026-03-01"), MARCH) == 1
    assert CLOUD_MARKETPLACE.fraction(since("2026-03-02"), MARCH) == F(29, 31)


def test_cancel_day_is_the_convention_s() -> None:
    """From 3 to 10 March, both written down: eight days, seven without the last, seven without the first."""
    dates = from_to("2026-03-03", "2026-03-10")
    billed = {days: replace(CONNECTWISE, days=days).billed(dates, MARCH) for days in Days}
    assert billed == {
        Days.INCLUSIVE: Period(date(2026, 3, 3), date(2026, 3, 11)),
        Days.HALF_OPEN: Period(date(2026, 3, 3), date(2026, 3, 10)),
        Days.EXCLUDE_EFFECTIVE_DAY: Period(date(2026, 3, 4), date(2026, 3, 11)),
    }


def test_actual_days_over_360_do_not_add_up() -> None:
    """January in two parts is 15/30 + 16/30 = 31/30, yet January as a whole is no more than 1."""
    january = month("2026-01-01")
    parts = [from_to("2026-01-01", "2026-01-15"), from_to("2026-01-16", "2026-01-31")]
    assert sum(ZUORA_30.fraction(part, january) for part in parts) == F(31, 30)
    assert ZUORA_30.fraction(since("2026-01-01"), january) == 1


@pytest.mark.parametrize(("currency", "amount"), [("JPY", "12"), ("USD", "12.06"), ("KWD", "12.065")])
def test_amounts_are_whole_coins(currency: str, amount: str) -> None:
    """22 x 17/31 = 12.0645...: yen have no decimals, dinars three."""
    charge = CONNECTWISE.amount(Money(Decimal(22), currency), 1, since("2026-03-15"), month("2026-03-01"))
    assert charge == Money(Decimal(amount), currency)


def test_credit_stops_at_the_charge() -> None:
    """18.45 for the 26 days left, but only 10.00 were charged: 10.00 go back."""
    case = (usd("22.00"), 1, since("2026-03-06"), MARCH)
    assert MICROSOFT.credit(usd("22.00"), *case) == usd("-18.45")
    assert MICROSOFT.credit(usd("10.00"), *case) == usd("-10.00")


def test_a_hundred_in_three() -> None:
    """100.00 / 3 = 33.34 + 33.33 + 33.33, and a credit of it alike; 3 x 33.33 would lose a cent."""
    thirds = ("33.34", "33.33", "33.33")
    assert split(usd("100.00"), [1, 1, 1]) == tuple(map(usd, thirds))
    assert split(usd("-100.00"), [1, 1, 1]) == tuple(-usd(part) for part in thirds)


def test_the_largest_remainder_gets_the_coin() -> None:
    """10 yen by 1/31, 13/31, 17/31: 0.32, 4.19, 5.48 leave one yen, which goes to the .48."""
    parts = split(Money(Decimal(10), "JPY"), [F(1, 31), F(13, 31), F(17, 31)])
    assert [part.amount for part in parts] == [0, 4, 6]


@pytest.mark.parametrize("quantity", [2.0, Decimal(2), True, F(2)])
def test_quantities_are_ints(quantity: int) -> None:
    """A PSA's 12.5 seats are somebody's mistake, and a float is never exact."""
    with pytest.raises(TypeError, match="whole number"):
        CONNECTWISE.amount(usd("22.00"), quantity, since("2026-03-15"), MARCH)


def test_currencies_never_mix() -> None:
    """Euros that were charged cannot be credited at a price in dollars."""
    with pytest.raises(ValueError, match="EUR and USD"):
        CONNECTWISE.credit(Money(Decimal(9), "EUR"), usd("22.00"), 1, since("2026-03-15"), MARCH)


@pytest.mark.parametrize(("charged", "quantity"), [("-1.00", 1), ("22.00", -1)])
def test_a_credit_needs_a_charge(charged: str, quantity: int) -> None:
    """The negative of a negative would be a charge in disguise."""
    with pytest.raises(ValueError, match="takes back a charge"):
        CONNECTWISE.credit(usd(charged), usd("22.00"), quantity, since("2026-03-15"), MARCH)


def test_dates_and_instants_do_not_mix() -> None:
    """A datetime is a date to Python, but not to an interval; an instant without a zone is no instant."""
    with pytest.raises(TypeError, match="Span"):
        Interval(utc("2026-03-15"))
    with pytest.raises(TypeError, match="offset-naive"):
        Span(datetime(2026, 3, 15), datetime(2026, 3, 16))  # noqa: DTZ001


def test_time_runs_forward() -> None:
    """An end before the start is refused."""
    with pytest.raises(ValueError, match="2026-03-15 cannot end on 2026-03-14"):
        from_to("2026-03-15", "2026-03-14")
    with pytest.raises(ValueError, match="cannot end at"):
        Span(utc("2026-03-15"), utc("2026-03-14"))


def test_nothing_is_prorated_over_nothing() -> None:
    """30 January alone has no day in months of 30 days; a period of no seconds has none either."""
    with pytest.raises(ValueError, match="no day by fixed-30"):
        FIXED_30.fraction(since("2026-01-30"), Period(date(2026, 1, 30), date(2026, 1, 31)))
    moment = Span(utc("2026-03-15"), utc("2026-03-15"))
    with pytest.raises(ValueError, match="no seconds"):
        STRIPE.fraction(moment, moment)


def test_a_second_has_no_price_in_coins() -> None:
    """22.00 a month is 0.0008 cents a second, which would round to nothing."""
    with pytest.raises(ValueError, match="second"):
        PerSecond(round_at=RoundAt.DAILY_RATE)


@pytest.mark.parametrize(
    ("total", "weights", "error"),
    [
        ("0.005", [1], ValueError),
        ("1.00", [], ValueError),
        ("1.00", [0, 0], ValueError),
        ("1.00", [2, -1], ValueError),
        ("1.00", [0.5, 0.5], TypeError),
    ],
)
def test_what_cannot_be_split(total: str, weights: Sequence[int], error: type[Exception]) -> None:
    """Half a cent, no weights, weights of nothing, negative weights and floats are refused."""
    with pytest.raises(error):
        split(usd(total), weights)


Case = tuple[Money, int, Interval, Period]

rules = st.builds(
    Convention,
    st.sampled_from(Days),
    st.sampled_from(Denominator),
    round_at=st.sampled_from(RoundAt),
    rounding=st.sampled_from(Rounding),
    ratio_places=st.sampled_from([None, 9]),
)
additive = rules.filter(lambda rule: rule.denominator is not Denominator.FIXED_360)
days = st.dates(date(2000, 1, 1), date(2099, 12, 31))
periods = st.builds(lambda anchor, months: Grid(anchor, months).nth(0), days, st.sampled_from([1, 3, 12, 36]))
prices = st.builds(lambda n: Money(Decimal(n) / 10_000, "USD"), st.integers(0, 10**8))
quantities = st.integers(0, 10_000)


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Price, quantity, dates within the period and some days around it, with or without an end; the period."""
    period = draw(periods)
    around = st.integers(-5, period.days + 5).map(lambda n: period.start + n * DAY)
    first, last = sorted((draw(around), draw(around)))
    return draw(prices), draw(quantities), Interval(first, draw(st.sampled_from([None, last]))), period


def written(part: Period, rule: Days) -> Interval:
    """The dates by which a system of this rule writes down the days of the part."""
    effective = part.start - DAY if rule is Days.EXCLUDE_EFFECTIVE_DAY else part.start
    return Interval(effective, part.end if rule is Days.HALF_OPEN else part.last_day)


@given(rules, cases())
def test_share_is_between_none_and_all(rule: Convention, case: Case) -> None:
    """No dates bear less than nothing of a period, or more than all of it."""
    assert 0 <= rule.fraction(*case[2:]) <= 1


@given(additive, periods, st.data())
def test_shares_of_a_cut_period_make_up_the_whole(rule: Convention, period: Period, data: st.DataObject) -> None:
    """However a period is cut, its parts' shares are exactly 1 together, and split its price to the last cent."""
    # Effective on the first day a system that excludes it bills it all the same, and from the second only the third.
    earliest = 2 if rule.days is Days.EXCLUDE_EFFECTIVE_DAY else 1
    cuts = data.draw(st.sets(st.integers(earliest, period.days - 1), max_size=5))
    at = [period.start + n * DAY for n in sorted({0, period.days, *cuts})]
    shares = [rule.fraction(written(Period(a, b), rule.days), period) for a, b in pairwise(at)]
    assert sum(shares) == 1

    price = usd("22.00")
    parts = split(price, shares)
    assert Money.total(parts, "USD") == price
    assert all(abs(F(part.amount) - 22 * share) < F(1, 100) for part, share in zip(parts, shares, strict=True))


@given(rules, periods, st.data())
def test_the_same_days_cost_the_same_however_written(rule: Convention, period: Period, data: st.DataObject) -> None:
    """Systems differ in how they write days down; once read, the days are the same (save from the second day on)."""
    start = data.draw(st.integers(0, period.days - 1).filter(lambda n: n != 1))
    end = data.draw(st.integers(start + 1, period.days))
    part = Period(period.start + start * DAY, period.start + end * DAY)
    assert {replace(rule, days=way).billed(written(part, way), period) for way in Days} == {part}


@given(rules, cases())
def test_signs_are_symmetric(rule: Convention, case: Case) -> None:
    """A negative quantity, a negative price and a full credit are the exact negative of the charge."""
    price, quantity, dates, period = case
    charge = rule.amount(*case)
    assert rule.amount(price, -quantity, dates, period) == rule.amount(-price, quantity, dates, period) == -charge
    assert rule.credit(charge, *case) == -charge


@given(rules, cases(), prices)
def test_credit_is_capped(rule: Convention, case: Case, charge: Money) -> None:
    """A credit is never more than what was charged, nor more than what the days cost."""
    assert -rule.credit(charge, *case) == min(charge, rule.amount(*case))


@given(rules, cases(), st.integers(0, 100), st.integers(0, 40), st.integers(0, 40))
def test_more_never_costs_less(rule: Convention, case: Case, seats: int, before: int, after: int) -> None:
    """More seats, an earlier start or a later end never lower an amount."""
    price, quantity, dates, period = case
    longer = Interval(dates.start - before * DAY, dates.end and dates.end + after * DAY)
    charge = rule.amount(*case).amount
    assert charge <= rule.amount(price, quantity, longer, period).amount
    assert charge <= rule.amount(price, quantity + seats, dates, period).amount


@given(rules, cases())
def test_one_rounding_moves_less_than_a_coin(rule: Convention, case: Case) -> None:
    """By the line and with the exact ratio: half a cent at most where it rounds, less than one where it cuts off."""
    price, quantity, dates, period = case
    once = replace(rule, round_at=RoundAt.LINE, ratio_places=None)
    moved = F(price.amount) * quantity * rule.fraction(dates, period) - F(once.amount(*case).amount)
    assert abs(moved) <= F(1, 200) if rule.rounding is Rounding.HALF_UP else 0 <= moved < F(1, 100)


@given(rules, cases())
def test_running_again_changes_nothing(rule: Convention, case: Case) -> None:
    """Equal questions, equal answers, to the digit: 5.10 does not become 5.1."""
    assert str(rule.amount(*case).amount) == str(replace(rule).amount(*deepcopy(case)).amount)


@given(st.lists(st.integers(0, 10**7), min_size=2, max_size=8, unique=True), st.data())
def test_seconds_add_up(at: list[int], data: st.DataObject) -> None:
    """However a span is cut, to the second, and whatever zones its ends are written in, the parts make up the whole."""
    zones = st.timezones()
    instants = [(utc("2026-01-01") + timedelta(seconds=n)).astimezone(data.draw(zones)) for n in sorted(at)]
    whole = Span(instants[0], instants[-1])
    assert sum(STRIPE.fraction(Span(a, b), whole) for a, b in pairwise(instants)) == 1


@given(st.integers(-(10**9), 10**9), st.lists(st.fractions(0, 1000), max_size=12).filter(sum))
def test_split_keeps_the_total(coins: int, weights: list[F]) -> None:
    """The parts add up to the total, each within a coin of its exact share, on the total's side of zero."""
    total = Money(Decimal(coins).scaleb(-2), "USD")
    parts = split(total, weights)
    assert Money.total(parts, "USD") == total
    for part, weight in zip(parts, weights, strict=True):
        assert abs(100 * F(part.amount) - coins * weight / sum(weights)) < 1
        assert part.amount * coins >= 0


def test_second_implementation_agrees() -> None:
    """20,000 random cases by another method, the same ones every time; `make bench-laws` takes a million."""
    assert list(laws.disagreements(20_000, laws.SEED)) == []


def test_documentation_s_examples_run() -> None:
    """What docs/proration.md shows at the Python prompt is what Python answers."""
    tried = doctest.testfile(str(PAGE), module_relative=False)
    assert tried.attempted > 10
    assert tried.failed == 0


@pytest.mark.parametrize("name", CONVENTIONS)
def test_documentation_has_the_convention(name: str) -> None:
    """The table of docs/proration.md gives each convention its four choices, and the module each its source."""
    rule = CONVENTIONS[name]
    row = f"| `{name}` | {rule.days} | {rule.denominator} | {rule.round_at} | {rule.rounding} |"
    assert row in PAGE.read_text(encoding="utf-8")
    assert getattr(proration, name.upper().replace("-", "_")) is rule
