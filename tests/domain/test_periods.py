"""Dates and billing periods."""

from datetime import date, timedelta
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.domain.periods import Grid, Period, add_months

days = st.dates(date(2000, 1, 1), date(2099, 12, 31))
grids = st.builds(Grid, days, st.sampled_from([1, 2, 3, 6, 12, 36]))


def test_months_are_counted_from_the_anchor() -> None:
    """31 January + 1 month = 29 February 2024, + 2 months = 31 March: the 31st is not lost on the way."""
    assert add_months(date(2024, 1, 31), 1) == date(2024, 2, 29)
    assert add_months(date(2024, 1, 31), 2) == date(2024, 3, 31)


def test_a_term_from_leap_day_ends_on_28_february() -> None:
    """29 February 2024 + 12 months = 28 February 2025."""
    assert add_months(date(2024, 2, 29), 12) == date(2025, 2, 28)


def test_seventeen_of_march_s_days_are_17_31() -> None:
    """15 to 31 March, both days included, are 17 of 31 days."""
    march = Period(date(2026, 3, 1), date(2026, 4, 1))
    assert march.share(Period(date(2026, 3, 15), date(2026, 4, 1))) == Fraction(17, 31)


def test_a_period_ends_before_its_end() -> None:
    """March has neither 1 April nor a share in April; its last day is the 31st."""
    march, april = Period(date(2026, 3, 1), date(2026, 4, 1)), Period(date(2026, 4, 1), date(2026, 5, 1))
    assert date(2026, 4, 1) not in march
    assert march.share(april) == 0
    assert str(march) == "2026-03-01 to 2026-03-31"


def test_a_period_without_a_day_is_none() -> None:
    """1 March to, not including, 1 March has no day; a grid of no months would have no end."""
    with pytest.raises(ValueError, match="a period needs at least one day: 2026-03-01 to 2026-03-01"):
        Period(date(2026, 3, 1), date(2026, 3, 1))
    with pytest.raises(ValueError, match=r"^a billing period has at least one month$"):
        Grid(date(2026, 3, 1), 0)


@given(grids, days)
def test_every_day_lies_in_exactly_one_period(grid: Grid, day: date) -> None:
    """The period that contains a day starts where the one before it ends."""
    period = grid.containing(day)
    assert day in period
    assert grid.containing(period.start - timedelta(days=1)).end == period.start
    assert grid.containing(period.end).start == period.end


@given(grids, days, st.integers(1, 800))
def test_the_pieces_of_a_stretch_make_up_the_stretch(grid: Grid, start: date, length: int) -> None:
    """Cut at period boundaries, the pieces join without gap, and each lies within one period."""
    end = start + timedelta(days=length)
    pieces = list(grid.between(start, end))
    assert pieces[0].start == start
    assert pieces[-1].end == end
    assert all(a.end == b.start for a, b in pairwise(pieces))
    assert all(grid.containing(p.start) == grid.containing(p.last_day) for p in pieces)


@given(grids, days, st.lists(days, max_size=6))
def test_shares_of_a_cut_period_sum_to_one(grid: Grid, day: date, cuts: list[date]) -> None:
    """However a period is cut, the fractions of its parts are exactly 1 together."""
    period = grid.containing(day)
    at = sorted({period.start, period.end, *(c for c in cuts if c in period)})
    parts = [Period(a, b) for a, b in pairwise(at)]
    assert sum(period.share(part) for part in parts) == 1
