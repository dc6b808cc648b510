"""The view as one HTML page, with its charts as static SVG."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import partial

from agent.domain.money import Money
from agent.domain.reconciliation import Confidence, Difference, Effect
from agent.reports.month_end.view import EFFECTS, MonthEnd, Sums, TrendMonth, code_words
from agent.reports.pages import page

# Nobody reads a thousand differences on paper, and laying them out as PDF takes minutes; the workbook has them all.
_DIFFERENCES, _QUANTITIES = 250, 500


def month_end_html(report: MonthEnd) -> str:
    """A page that needs nothing but itself; every value in it is escaped. Of very many rows it has the first ones."""
    legs = report.legs if len(report.legs) <= _QUANTITIES else tuple(one for one in report.legs if one.differ)
    return page(
        "month_end",
        report=report,
        differences=report.differences[:_DIFFERENCES],
        legs=legs[:_QUANTITIES],
        effects=EFFECTS,
        Effect=Effect,
        calculated=Confidence.CALCULATED,
        bars=company_bars(report.by_company),
        trend=trend_bars(report.trend),
        code_words=code_words,
        seat_months=partial(_seat_months, report),
    )


def _seat_months(report: MonthEnd, one: Difference) -> str:
    seats = one.seat_months(report.day)
    return "" if seats is None else f"{Decimal(seats.numerator) / Decimal(seats.denominator):.1f}"


@dataclass(frozen=True, slots=True)
class Bar:
    """One row of the chart of companies: widths in user units, 0 to 100 to either side."""

    label: str
    leak: Decimal
    refund: Decimal
    leak_said: str
    refund_said: str


_BARS = 12


def company_bars(companies: Sequence[Sums]) -> tuple[Bar, ...]:
    """The companies with most money; none where there are several currencies, which share no axis."""
    worth = [one for one in companies if one.weight][:_BARS]
    currencies = {money.currency for one in worth for money in (*one.leak, *one.refund)}
    if len(worth) < 2 or len(currencies) != 1:
        return ()
    # One scale for both sides: bars of the same length are the same money, owed or overcharged.
    longest = max(max(_sum(one.leak), _sum(one.refund)) for one in worth)
    return tuple(
        Bar(
            one.label,
            (_sum(one.leak) * 100 / longest).quantize(Decimal("0.1")),
            (_sum(one.refund) * 100 / longest).quantize(Decimal("0.1")),
            f"{_sum(one.leak):,.2f}" if one.leak else "",
            f"{_sum(one.refund):,.2f}" if one.refund else "",
        )
        for one in worth
    )


@dataclass(frozen=True, slots=True)
class Column:
    """One month of the trend: heights from 0 to 100. `year` stands below its first month alone."""

    label: str
    year: str
    leak: Decimal
    refund: Decimal
    leak_said: str
    refund_said: str


def trend_bars(trend: Sequence[TrendMonth]) -> tuple[Column, ...]:
    """Two columns a month; none before there are two months."""
    if len(trend) < 2 or len({month.leak.currency for month in trend}) != 1:
        return ()
    # A year without any difference has no tallest bar to measure by.
    tallest = max(max(month.leak.amount, month.refund.amount) for month in trend)
    scale = Decimal(100) / tallest if tallest else Decimal(0)
    names = [month.label.partition(" ") for month in trend]
    years = ["", *(year for _, _, year in names)]
    return tuple(
        Column(
            name,
            year if year != before else "",
            (month.leak.amount * scale).quantize(Decimal("0.1")),
            (month.refund.amount * scale).quantize(Decimal("0.1")),
            f"{month.leak.amount:,.0f}",
            f"{month.refund.amount:,.0f}",
        )
        for month, (name, _, year), before in zip(trend, names, years, strict=False)
    )


def _sum(sums: Sequence[Money]) -> Decimal:
    return sum((money.amount for money in sums), Decimal(0))
