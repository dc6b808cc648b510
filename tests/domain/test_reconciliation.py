"""Purchased, assigned, billed, invoiced: what differs, by how much, and what nobody can know."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.domain.findings import Code
from agent.domain.money import Money
from agent.domain.reconciliation import (
    Confidence,
    Difference,
    Effect,
    Leg,
    Part,
    Position,
    differences,
    months,
    ranked,
    totals,
    usual_prices,
)

TODAY = date(2026, 11, 20)
PRICE, COST = Money(Decimal("22.00"), "USD"), Money(Decimal("17.60"), "USD")


def line(quantity: int, **said: object) -> Part:
    return Part(Leg.BILLED, Decimal(quantity), "billed.csv row 2", **{"unit": PRICE, **said})  # type: ignore[arg-type]


def bought(quantity: int, leg: Leg = Leg.PURCHASED, **said: object) -> Part:
    unit = None if leg is Leg.ASSIGNED else COST
    return Part(leg, Decimal(quantity), f"{leg}.csv row 2", **{"unit": unit, **said})  # type: ignore[arg-type]


def position(*parts: Part, known: str = "") -> Position:
    """Known are the legs of its parts, and those named."""
    legs = {part.leg for part in parts} | {Leg(word) for word in known.split()}
    return Position("Contoso Ltd", "Microsoft 365 Business Premium", parts, frozenset(legs))


def found(*parts: Part, known: str = "", usual: Money | None = None) -> list[Difference]:
    return list(differences(position(*parts, known=known), TODAY, usual))


def only(*parts: Part, known: str = "", usual: Money | None = None) -> Difference:
    [one] = found(*parts, known=known, usual=usual)
    return one


def test_38_billed_against_42_in_use_is_under_billed_by_4() -> None:
    """4 x 22.00 = 88.00 a month."""
    one = only(line(38), bought(42, Leg.ASSIGNED))
    assert (one.code, one.effect, one.units) == (Code.UNDER_BILLED, Effect.LEAK, 4)
    assert one.monthly == Money(Decimal("88.00"), "USD")
    assert one.sentence == "42 assigned, 38 billed: under-billed by 4"


def test_12_devices_billed_against_9_protected_are_over_billed_by_3() -> None:
    """3 x 22.00 = 66.00 a month to give back."""
    one = only(line(12), bought(9, Leg.ASSIGNED))
    assert (one.code, one.effect, one.units) == (Code.OVER_BILLED, Effect.REFUND, 3)
    assert one.monthly == Money(Decimal("66.00"), "USD")


def test_equal_legs_differ_in_nothing() -> None:
    """Also where the line is cut in two with an end, as a prorated purchase is."""
    assert found(line(10), line(2, end=date(2026, 12, 1)), bought(12), bought(12, Leg.ASSIGNED)) == []


def test_leg_that_nobody_read_is_not_zero() -> None:
    """Without purchases there is nothing to measure a line by; known and without a part is zero."""
    assert found(line(10)) == []
    assert found(bought(10)) == []
    assert only(line(10), known="purchased").code is Code.STALE_LINE
    assert only(bought(10), known="billed").code is Code.UNMAPPED_LICENCE


def test_margin_is_price_less_cost_of_the_units() -> None:
    """4 x (22.00 - 17.60) = 17.60."""
    assert only(line(38), bought(42)).margin == Money(Decimal("17.60"), "USD")


def test_what_was_never_billed_counts_from_its_purchase() -> None:
    """Bought on 5 September: two months and 15 of 30 days by 20 November, 5 x 2.5 = 12.5 seat-months."""
    one = only(bought(5, start=date(2026, 9, 5)), known="billed", usual=PRICE)
    assert (one.code, one.since, one.age(TODAY)) == (Code.UNMAPPED_LICENCE, date(2026, 9, 5), 76)
    assert one.seat_months(TODAY) == Fraction(25, 2)
    assert one.so_far(TODAY) == Money(Decimal("275.00"), "USD")


def test_borrowed_price_makes_an_estimate() -> None:
    """The usual price, else the cost; without either there is no money, and the units stay."""
    borrowed = only(bought(5), known="billed", usual=PRICE)
    assert (borrowed.monthly, borrowed.confidence) == (PRICE * 5, Confidence.ESTIMATED)
    at_cost = only(bought(5), known="billed")
    assert (at_cost.monthly, at_cost.confidence) == (COST * 5, Confidence.ESTIMATED)
    assert only(bought(5, unit=None), known="billed").monthly is None


def test_of_several_prices_the_modest_one_is_taken() -> None:
    """A leak is told at the lowest, a refund at the highest, and both as an estimate."""
    lines = line(1), line(1, unit=Money(Decimal("25.00"), "USD"))
    assert only(*lines, bought(3)).monthly == PRICE
    refund = only(*lines, bought(1))
    assert (refund.monthly, refund.confidence) == (Money(Decimal("25.00"), "USD"), Confidence.ESTIMATED)


def test_two_lines_that_say_the_same_are_duplicates() -> None:
    """Three lines of 10 where 12 are bought: 18 too many, all of them duplicates."""
    one = only(line(10, group="MS"), line(10, group="MS"), line(10, group="MS"), bought(12))
    assert (one.code, one.units, one.effect) == (Code.DUPLICATE_LINES, 18, Effect.REFUND)


def test_duplicates_that_are_owed_are_none() -> None:
    """Two lines of 10 for 20 seats are somebody's way of billing them; where nobody counts, a person must look."""
    assert found(line(10), line(10), bought(20)) == []
    one = only(line(10), line(10))
    assert (one.code, one.effect, one.monthly) == (Code.DUPLICATE_LINES, Effect.NONE, None)


def test_what_duplicates_do_not_explain_is_over_billed() -> None:
    """10 + 10 + 3 billed for 5: ten twice, and eight too many besides."""
    codes = {one.code: one.units for one in found(line(10), line(10), line(3), bought(5))}
    assert codes == {Code.DUPLICATE_LINES: 10, Code.OVER_BILLED: 8}


def test_line_that_is_not_billed_covers_its_seats() -> None:
    """Somebody decided that five are free: no leak, but worth a look."""
    one = only(line(5, billable=False), bought(5))
    assert (one.code, one.effect, one.units) == (Code.SET_UP, Effect.NONE, 5)
    codes = {one.code: one.units for one in found(line(5, billable=False), bought(8))}
    assert codes == {Code.SET_UP: 5, Code.UNDER_BILLED: 3}


def test_lines_of_zero_and_without_a_price_are_to_clean_up() -> None:
    """They bill nothing, and look as if they did."""
    zero, free = line(0), line(5, unit=Money.zero("USD"))
    assert [one.code for one in found(zero, known="purchased")] == [Code.SET_UP]
    assert [one.code for one in found(free, bought(5))] == [Code.SET_UP]


def test_waste_and_shadow_licences_cost_what_they_cost() -> None:
    """42 bought for 40 people, or for 45."""
    waste = only(line(42), bought(42), bought(40, Leg.ASSIGNED))
    assert (waste.code, waste.effect, waste.monthly) == (Code.UNASSIGNED_SEATS, Effect.WASTE, COST * 2)
    shadow = only(line(42), bought(42), bought(45, Leg.ASSIGNED))
    assert (shadow.code, shadow.effect, shadow.units) == (Code.ASSIGNED_OVER_PURCHASED, Effect.RISK, 3)


def test_distributors_invoice_is_a_leg_of_its_own() -> None:
    """14 invoiced for 12: paid for nothing; without other purchases it is what lines are measured by."""
    one = only(line(12), bought(12), bought(14, Leg.INVOICED))
    assert (one.code, one.effect, one.monthly) == (Code.INVOICE_DIFFERS, Effect.WASTE, COST * 2)
    assert only(line(12), bought(14, Leg.INVOICED)).code is Code.UNDER_BILLED


def test_line_counts_on_its_own_days_only() -> None:
    """One ended, one begins next month: neither is billed today, and both are told as causes."""
    ended, coming = line(12, end=date(2026, 11, 10)), line(12, start=date(2026, 12, 1))
    one = only(ended, coming, bought(12))
    assert (one.code, one.units) == (Code.UNMAPPED_LICENCE, 12)
    assert any("ended before 2026-11-10" in cause for cause in one.causes)
    assert any("begins on 2026-12-01" in cause for cause in one.causes)


def test_causes_are_suggested_from_what_the_records_say() -> None:
    """Bought last week; committed until spring; files of different months."""
    young = only(line(10), bought(10), bought(2, start=date(2026, 11, 13)))
    assert any(cause.startswith("timing: 2 bought on 2026-11-13") for cause in young.causes)
    bound = only(line(12), bought(10, committed=date(2027, 3, 1)))
    assert "commitment: seats cannot be lowered before 2027-03-01" in bound.causes
    read = {Leg.PURCHASED: TODAY, Leg.BILLED: date(2026, 10, 1)}
    parts = (line(12), bought(10))
    [old] = differences(Position("A", "B", parts, frozenset({Leg.PURCHASED, Leg.BILLED}), read), TODAY)
    assert any(cause.startswith("stale data: ") for cause in old.causes)


def test_doubtful_match_makes_an_estimate_and_says_why() -> None:
    """Never silently."""
    one = only(line(38, doubt="matched by hand"), bought(42))
    assert (one.confidence, one.causes[0]) == (Confidence.ESTIMATED, "matched by hand")


def test_evidence_names_each_record() -> None:
    """File, row, quantity, name and price."""
    one = only(line(38, name="M365-BP-M", group="Managed Services"), bought(42))
    assert "billed.csv row 2: 38 x M365-BP-M at 22 USD, on Managed Services" in one.evidence
    assert "purchased.csv row 2: 42 at 17.6 USD" in one.evidence


def test_usual_price_is_what_most_lines_have() -> None:
    """Of two as common the lower; free lines and zeros have no voice."""
    other = Money(Decimal("25.00"), "USD")
    lines = [position(line(1)), position(line(1, unit=other)), position(line(0, unit=other))]
    assert usual_prices(lines, TODAY) == {"Microsoft 365 Business Premium": PRICE}


def test_most_money_comes_first() -> None:
    """And what has none last, the calculated before the estimated."""
    small, large = only(line(1), bought(2)), only(line(1), bought(9))
    none = only(line(0), known="purchased")
    assert ranked([none, small, large]) == (large, small, none)


@pytest.mark.parametrize(
    ("since", "today", "expected"),
    [
        (date(2026, 1, 1), date(2026, 4, 1), Fraction(3)),
        (date(2026, 1, 31), date(2026, 2, 28), Fraction(1)),
        (date(2026, 11, 20), date(2026, 11, 20), Fraction(0)),
        (date(2026, 11, 1), date(2026, 11, 16), Fraction(1, 2)),
        (date(2026, 12, 1), date(2026, 11, 1), Fraction(0)),
    ],
)
def test_months_are_whole_ones_and_days_of_the_last(since: date, today: date, expected: Fraction) -> None:
    """A clamped 31st is a whole month too."""
    assert months(since, today) == expected


UNITS = st.sampled_from([None, Money(Decimal("22.00"), "USD"), Money(Decimal("9.99"), "USD"), Money.zero("USD")])
DAYS = st.one_of(st.none(), st.dates(date(2026, 1, 1), date(2027, 12, 31)))
PARTS = st.builds(
    Part,
    leg=st.sampled_from(Leg),
    quantity=st.integers(0, 30).map(Decimal),
    where=st.just("file row 2"),
    name=st.sampled_from(["", "SPB"]),
    unit=UNITS,
    start=DAYS,
    end=st.one_of(st.none(), st.dates(date(2028, 1, 1), date(2028, 12, 31)), st.just(date(2026, 2, 1))),
    group=st.sampled_from(["", "A", "B"]),
    billable=st.booleans(),
)
POSITIONS = st.builds(
    lambda parts, legs: position(*parts, known=" ".join(legs)),
    st.lists(PARTS, max_size=7),
    st.sets(st.sampled_from([leg.value for leg in Leg])),
)
ABOUT_BILLED = {Code.UNDER_BILLED, Code.UNMAPPED_LICENCE, Code.OVER_BILLED, Code.STALE_LINE, Code.DUPLICATE_LINES}


@given(POSITIONS)
def test_differences_add_up_to_what_is_counted_less_what_is_billed(one: Position) -> None:
    """Nothing is told twice, and nothing left out: leaks less refunds, and what free lines cover, are the gap."""
    counting = one.counted_by()
    if counting is None or Leg.BILLED not in one.known:
        return
    gap = one.total(counting, TODAY) - one.total(Leg.BILLED, TODAY)
    told = differences(one, TODAY)
    sums = {effect: sum(d.units for d in told if d.effect is effect and d.code in ABOUT_BILLED) for effect in Effect}
    covered = sum(d.units for d in told if d.code is Code.SET_UP and "not billed" in d.sentence)
    assert sums[Effect.LEAK] + covered - sums[Effect.REFUND] == gap


@given(POSITIONS, st.randoms(use_true_random=False))
def test_order_of_records_changes_nothing(one: Position, random: object) -> None:
    """A file sorted otherwise tells the same."""
    shuffled = list(one.parts)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    other = Position(one.company, one.licence, tuple(shuffled), one.known)
    told = [[(d.code, d.units, d.monthly) for d in ranked(differences(p, TODAY))] for p in (one, other)]
    assert sorted(told[0], key=str) == sorted(told[1], key=str)


@given(POSITIONS)
def test_no_difference_is_negative_and_money_is_units_times_a_price(one: Position) -> None:
    """Exact Decimals; sums by effect and currency are those of their differences."""
    told = differences(one, TODAY)
    for difference in told:
        assert difference.units >= 0
        if difference.monthly is not None:
            unit = difference.monthly.amount / difference.units if difference.units else Decimal(0)
            assert unit in {Decimal("22.00"), Decimal("9.99"), Decimal(0)}
    for effect, by_currency in totals(told).items():
        for currency, total in by_currency.items():
            parts = [d.monthly for d in told if d.effect is effect and d.monthly]
            assert total == Money.total(parts, currency)


@given(POSITIONS)
def test_unknown_leg_has_no_part_in_any_difference(one: Position) -> None:
    """Without a count no line is too much; without lines no purchase is a leak."""
    without = Position(one.company, one.licence, one.parts, one.known - {Leg.BILLED})
    assert not [d for d in differences(without, TODAY) if d.code in ABOUT_BILLED]


def test_a_year_is_twelve_months() -> None:
    """20 November to 20 November; and a difference first seen today is not a day old."""
    assert months(date(2025, 11, 20), TODAY) == 12
    today = only(line(38), bought(42, Leg.ASSIGNED))
    assert replace(today, since=None).age(TODAY) is None
    assert [replace(today, since=TODAY - timedelta(days=n)).age(TODAY) for n in (-1, 0, 1)] == [0, 0, 1]


def test_most_lines_make_the_usual_price() -> None:
    """Two at 22.00 and one at 20.00: 22.00. One of each: the lower."""
    lower = line(3, unit=Money(Decimal("20.00"), "USD"))
    licence = "Microsoft 365 Business Premium"
    assert usual_prices([position(line(1), lower, line(2))], TODAY) == {licence: PRICE}
    assert usual_prices([position(line(1), lower)], TODAY) == {licence: lower.unit}


def test_money_comes_before_what_has_none() -> None:
    """5.00 calculated, 5.00 estimated, 0.50; then without money what has an effect, and what has none."""
    one = only(line(38), bought(42, Leg.ASSIGNED))
    five, coins = Money(Decimal(5), "USD"), Money(Decimal("0.50"), "USD")
    given = [
        replace(one, monthly=five, confidence=Confidence.CALCULATED),
        replace(one, monthly=five, confidence=Confidence.ESTIMATED),
        replace(one, monthly=coins),
        replace(one, monthly=None),
        replace(one, monthly=None, effect=Effect.NONE),
    ]
    assert list(ranked(given[::-1])) == given


def test_free_seats_cover_before_anything_is_a_leak() -> None:
    """38 billed and 2 free for 42: the 2 are somebody's decision, and of 42 against 40 two are missing."""
    told = {one.code: (one.units, one.sentence) for one in found(line(38), line(2, billable=False), bought(42))}
    assert told == {
        Code.SET_UP: (2, "2 on a line that is not billed"),
        Code.UNDER_BILLED: (2, "42 purchased, 40 billed: under-billed by 2"),
    }


def test_duplicates_explain_no_more_than_is_too_much() -> None:
    """10 + 10 and 4 + 4 for 15 are 13 too many: ten by the first two, and three of the other four."""
    lines = [line(10, group="A"), line(10, group="A"), line(4, group="B"), line(4, group="B")]
    told = [(one.code, one.units, one.sentence) for one in found(*lines, bought(15))]
    assert told == [
        (Code.DUPLICATE_LINES, 10, "2 lines bill the same 10 on A"),
        (Code.DUPLICATE_LINES, 3, "2 lines bill the same 4 on B"),
    ]
    one = only(line(1), line(1), bought(1))
    assert (one.code, one.units, one.sentence) == (Code.DUPLICATE_LINES, 1, "2 lines bill the same 1")


def test_free_and_bounded_lines_are_no_duplicates() -> None:
    """Two free lines of ten bill nobody twice, and one with an end is a difference beside its base."""
    free = line(10, billable=False)
    assert [one.code for one in found(line(5), free, free, bought(3))] == [Code.OVER_BILLED]
    bounded = line(10, end=TODAY + timedelta(days=10))
    assert [one.code for one in found(line(10), bounded, bought(10))] == [Code.OVER_BILLED]


@pytest.mark.parametrize(
    ("parts", "remedy"),
    [
        ([line(38), bought(42)], "raise the line's quantity"),
        ([bought(42)], "add a line for it, or record why it is not billed"),
        ([line(42), bought(38)], "lower the line's quantity, and credit what was billed too much"),
        ([line(42)], "end the line, unless these seats are bought elsewhere"),
        ([line(9), line(9), bought(9)], "end the lines that are too many"),
        ([line(9, billable=False), bought(9)], "make the line billable, or record why these seats are free"),
    ],
)
def test_each_difference_says_what_to_do(parts: list[Part], remedy: str) -> None:
    """One thing, in the words of whoever keeps the agreement."""
    assert only(*parts, known="purchased billed").remedy == remedy


@pytest.mark.parametrize(
    ("part", "said"),
    [
        (
            bought(4, start=TODAY - timedelta(days=31)),
            "timing: 4 bought on 2026-10-20; it may follow with the next invoice",
        ),
        (bought(4, start=TODAY - timedelta(days=32)), ""),
        (line(2, start=TODAY + timedelta(days=1)), "timing: a line of 2 begins on 2026-11-21"),
        (line(2, start=TODAY), ""),
        (line(2, end=TODAY), "set-up: a line of 2 ended before 2026-11-20"),
        (line(2, end=TODAY - timedelta(days=31)), "set-up: a line of 2 ended before 2026-10-20"),
        (line(2, end=TODAY - timedelta(days=32)), ""),
    ],
)
def test_what_may_be_a_matter_of_days_is_said(part: Part, said: str) -> None:
    """A month back, the last day included; what lies further back explains nothing any more."""
    one = next(one for one in found(line(38), bought(42), part) if one.code is Code.UNDER_BILLED)
    assert [cause for cause in one.causes if cause.startswith(("timing", "set-up"))] == ([said] if said else [])


FREE = Money(Decimal(0), "USD")


@pytest.mark.parametrize(
    ("parts", "sentence", "remedy"),
    [
        ([line(9), line(0)], "a line bills a quantity of zero", "end the line, or give it its quantity"),
        (
            [line(9), line(3, unit=FREE)],
            "a line bills 3 at a price of zero",
            "give the line its price, or mark it as free of charge",
        ),
        (
            [bought(9), bought(12, Leg.ASSIGNED)],
            "12 assigned, 9 purchased",
            "buy the missing seats, or take licences from users",
        ),
        ([bought(12), bought(9, Leg.ASSIGNED)], "9 assigned, 12 purchased", "assign them, or order fewer at renewal"),
    ],
)
def test_what_is_to_be_put_in_order_says_how(parts: list[Part], sentence: str, remedy: str) -> None:
    """Each of them is told where nothing but these lines or counts is known."""
    [told] = [(one.sentence, one.remedy) for one in found(*parts)]
    assert told[0].startswith(sentence)
    assert told[1] == remedy


@pytest.mark.parametrize(("invoiced", "effect"), [(13, Effect.WASTE), (12, None), (11, Effect.RISK)])
def test_distributor_that_invoices_otherwise_is_asked(invoiced: int, effect: Effect | None) -> None:
    """12 purchased: more is paid for nothing, and less may be charged later."""
    told = [(one.effect, one.remedy) for one in found(bought(12), bought(invoiced, Leg.INVOICED))]
    assert told == ([(effect, "ask the distributor which of the two is right")] if effect else [])


def test_where_a_price_is_borrowed_the_difference_says_so() -> None:
    """A price of others, the lower of two of its own, and the cost where there is none: each is an estimate."""
    borrowed = only(bought(4), known="billed", usual=PRICE)
    assert "priced as most other lines of this licence" in borrowed.causes
    cost = only(bought(4), known="billed")
    assert "priced at cost, as no price is known" in cost.causes
    several = only(line(1), line(1, unit=Money(Decimal("20.00"), "USD")), bought(4))
    assert "its lines have several prices" in several.causes
    assert several.price == Money(Decimal("20.00"), "USD")


def test_what_has_no_effect_is_in_no_sum() -> None:
    """Two leaks of 88.00 are 176.00; two equal lines, of which nobody knows whether they should be, are nothing."""
    leak = only(line(38), bought(42, Leg.ASSIGNED))
    doubt = replace(leak, effect=Effect.NONE)
    assert totals([leak, doubt, leak]) == {Effect.LEAK: {"USD": Money(Decimal("176.00"), "USD")}}
