"""The view as plain values for JSON, and as rows for tables."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from decimal import Decimal

from agent.domain.ownership import plain
from agent.domain.reconciliation import Difference, Effect
from agent.reports.ledger import balance_values
from agent.reports.month_end.view import Deed, MonthEnd, code_words
from agent.reports.text import shown
from agent.reports.values import Values, of_head, of_money


def month_end_values(report: MonthEnd) -> Values:
    """Amounts are decimal texts with their currency; what is not known is null."""
    return {
        "title": report.title,
        "scope": report.scope,
        "day": report.day.isoformat(),
        "monthly": {
            effect.value: [of_money(money) for money in report.sums(effect)]
            for effect in Effect
            if effect is not Effect.NONE
        },
        "leaked_so_far": [of_money(money) for money in report.so_far()],
        "differences": [_difference(one, report) for one in report.differences],
        "positions": [
            {
                "company": legs.company,
                "licence": legs.licence,
                "purchased": _quantity(legs.purchased),
                "assigned": _quantity(legs.assigned),
                "billed": _quantity(legs.billed),
                "invoiced": _quantity(legs.invoiced),
            }
            for legs in report.legs
        ],
        "unmapped": [
            {"kind": one.kind, "name": one.name, "where": one.where, "perhaps": one.perhaps} for one in report.unmapped
        ],
        "corrected": _deeds(report.corrected),
        "held": _deeds(report.held),
        "origins": [
            {"name": origin.name, "detail": origin.detail, "state": origin.state.value} for origin in report.origins
        ],
        "past": [{**balance_values(one.balance), "company": one.company} for one in report.past],
        "trend": [
            {"month": month.label, "leak": of_money(month.leak), "refund": of_money(month.refund)}
            for month in report.trend
        ],
        "notes": list(report.notes),
        "journal_head": of_head(report.head),
    }


def _difference(one: Difference, report: MonthEnd) -> Values:
    seats = one.seat_months(report.day)
    return {
        "code": one.code.value,
        "effect": one.effect.value,
        "company": one.company,
        "licence": one.licence,
        "units": _quantity(one.units),
        "price": of_money(one.price),
        "cost": of_money(one.cost),
        "margin": of_money(one.margin),
        "monthly": of_money(one.monthly),
        "since": one.since.isoformat() if one.since else None,
        "age_days": one.age(report.day),
        "seat_months": None if seats is None else f"{seats.numerator}/{seats.denominator}",
        "so_far": of_money(one.so_far(report.day)),
        "confidence": one.confidence.value,
        "sentence": one.sentence,
        "causes": list(one.causes),
        "remedy": one.remedy,
        "evidence": list(one.evidence),
    }


def _quantity(number: object) -> str | None:
    return None if number is None else plain(number)


def _deeds(deeds: Sequence[Deed] | None) -> list[Values] | None:
    if deeds is None:
        return None
    return [
        {
            "company": deed.company,
            "sentence": deed.sentence,
            "when": deed.when.isoformat(),
            "why": deed.why,
            "monthly": of_money(deed.monthly),
        }
        for deed in deeds
    ]


HEADINGS = (
    *("No.", "Company", "Licence", "Difference", "Effect", "Units", "Unit price", "Unit cost", "Currency", "A month"),
    *("Margin a month", "Since", "Days", "So far", "Confidence", "What", "Possible causes", "What to do"),
)

Value = object  # of a cell: a text, a Decimal, a date, or None


def difference_rows(report: MonthEnd) -> list[tuple[Value, ...]]:
    """One row for each difference, under `HEADINGS`; amounts are Decimals at the currency's coins."""
    rows: list[tuple[Value, ...]] = []
    for number, one in enumerate(report.differences, 1):
        so_far, margin = one.so_far(report.day), one.margin
        known = one.monthly or one.price or one.cost
        rows.append(
            (
                number,
                shown(one.company),
                shown(one.licence),
                code_words(one.code),
                one.effect.value,
                one.units,
                one.price.amount if one.price else None,
                one.cost.amount if one.cost else None,
                known.currency if known else None,
                one.monthly.at_coins().amount if one.monthly else None,
                margin.at_coins().amount if margin is not None else None,
                one.since,
                one.age(report.day),
                so_far.amount if so_far else None,
                one.confidence.value,
                shown(one.sentence),
                "; ".join(map(shown, one.causes)),
                shown(one.remedy),
            )
        )
    return rows


# OWASP ASVS 1.2.10: what a spreadsheet takes for the beginning of a formula. Tab and carriage return are dropped by
# some importers before they look at the first letter.
_FORMULA = tuple("=+-@\t\r\0")


def inert(text: str) -> str:
    """A text that no spreadsheet runs: what begins like a formula gets an apostrophe before it."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def month_end_csv(report: MonthEnd) -> str:
    """The differences, every cell in quotes; with the mark by which Excel knows UTF-8."""
    held = io.StringIO()
    writer = csv.writer(held, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    writer.writerow(HEADINGS)
    for row in difference_rows(report):
        writer.writerow([inert(cell) if isinstance(cell, str) else _plain(cell) for cell in row])
    # Excel reads a CSV without this mark in the code page of the machine, and ruins every accent.
    return f"\ufeff{held.getvalue()}"


def _plain(cell: Value) -> str:
    if cell is None:
        return ""
    return f"{cell:f}" if isinstance(cell, Decimal) else str(cell)
