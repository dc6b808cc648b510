"""The view as one self-contained HTML page that prints well, and as PDF from the same page.

No script, no picture, no address that would be fetched: names are other people's, and the page may be mailed on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from typing import Any

from agent.domain.money import Money
from agent.domain.reconciliation import Confidence, Difference, Effect
from agent.errors import TrueupError
from agent.reports.month_end.text import amounts, quantity
from agent.reports.month_end.view import EFFECTS, MonthEnd, Sums, TrendMonth, code_words
from agent.reports.text import counted, shown


class NoPdf(TrueupError):
    """PDF needs the extra `pdf` and the Pango library."""


def month_end_html(report: MonthEnd) -> str:
    """A page that needs nothing but itself; every value in it is escaped."""
    template = _environment().get_template("page.html.jinja")
    made: str = template.render(
        report=report,
        effects=EFFECTS,
        Effect=Effect,
        calculated=Confidence.CALCULATED,
        bars=company_bars(report.by_company),
        trend=trend_bars(report.trend),
    )
    return made


def month_end_pdf(report: MonthEnd) -> bytes:
    """The page as PDF. Raises `NoPdf` where WeasyPrint or Pango is missing."""
    try:
        from weasyprint import HTML
    except (ImportError, OSError) as error:
        # OSError: the package is there and a library of the system is not, which it says in ten lines.
        what = "PDF needs WeasyPrint and Pango, and one of them is not installed here"
        remedy = (
            "Install them: pip install weasyprint, and on Debian apt install libpango-1.0-0 libpangoft2-1.0-0 "
            "libharfbuzz-subset0; or take --html and print it from a browser"
        )
        raise NoPdf(what, remedy) from error
    made: bytes = HTML(string=month_end_html(report), url_fetcher=_fetch_nothing).write_pdf()
    return made


def _fetch_nothing(url: str, *_: object, **__: object) -> Any:
    raise ValueError(f"a report fetches nothing: {url}")


@cache
def _environment() -> Any:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    made = Environment(
        loader=PackageLoader("agent.reports.month_end", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {
        "clean": shown,
        "amounts": amounts,
        "amount": _amount,
        "counted": counted,
        "quantity": quantity,
        "code_words": code_words,
        "seat_months": _seat_months,
    }
    return made


def _amount(money: Money | None, currencies: frozenset[str]) -> str:
    """Without its currency where the whole report has but one."""
    if money is None:
        return ""
    return f"{money.at_coins().amount:,}" if len(currencies) == 1 else str(money)


def _seat_months(one: Difference, report: MonthEnd) -> str:
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
    """One month of the trend: heights from 0 to 100."""

    label: str
    leak: Decimal
    refund: Decimal
    leak_said: str
    refund_said: str


def trend_bars(trend: Sequence[TrendMonth]) -> tuple[Column, ...]:
    """Two columns a month; none before there are two months."""
    if len(trend) < 2 or len({month.leak.currency for month in trend}) != 1:
        return ()
    tallest = max(max(month.leak.amount, month.refund.amount) for month in trend)
    scale = Decimal(100) / tallest if tallest else Decimal(0)
    return tuple(
        Column(
            month.label,
            (month.leak.amount * scale).quantize(Decimal("0.1")),
            (month.refund.amount * scale).quantize(Decimal("0.1")),
            str(month.leak),
            str(month.refund),
        )
        for month in trend
    )


def _sum(sums: Sequence[Money]) -> Decimal:
    return sum((money.amount for money in sums), Decimal(0))
