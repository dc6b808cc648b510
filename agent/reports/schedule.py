"""What was decided to be billed back or credited, as dated one-off lines to export."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from agent.domain.descriptions import cleaned
from agent.domain.ledger import Cut, Direction, Gap, Part, Settlement
from agent.domain.money import Money
from agent.reports.ledger import coins
from agent.reports.month_end.values import inert
from agent.reports.text import View, shown
from agent.reports.values import Values, of_money

HEADINGS = (
    "Company",
    "Company id",
    "Agreement",
    "Product",
    "Licence",
    "Gap",
    "Part",
    "Bill on",
    "Period from",
    "Period to",
    "Units",
    "Unit price a month",
    "Amount",
    "Currency",
    "Invoice text",
)
_WIDTHS = (26, 10, 11, 18, 36, 6, 8, 12, 12, 12, 8, 12, 12, 9, 80)
_MONEY = frozenset({11, 12})
Cell = str | int | Decimal | date | None


@dataclass(frozen=True, slots=True)
class OneOff:
    """One line to bill once. `amount` is negative for a credit; `units` and `price` are None where they changed."""

    gap: Gap
    settlement: Settlement
    number: int
    day: date
    first: date
    last: date
    units: int | None
    price: Money | None
    amount: Money

    @property
    def part(self) -> str:
        return f"{self.number} of {len(self.settlement.instalments)}"

    @property
    def text(self) -> str:
        """For the invoice: what it is for, and that it is not billed twice."""
        what = "credit for" if self.gap.direction is Direction.OVER else "back-billing of"
        each = f" {self.units} x {coins(self.price)} a month" if self.units and self.price else ""
        share = f", part {self.part}" if len(self.settlement.instalments) > 1 else ""
        return cleaned(f"{self.gap.licence}: {what}{each}, {self.first} to {self.last}{share}")


def one_offs(gaps: Iterable[Gap], cut: Cut) -> tuple[OneOff, ...]:
    """Of the decisions that stand, by their day."""
    found = [one for gap in gaps for settlement in gap.standing(cut.records) for one in _of(gap, settlement)]
    return tuple(sorted(found, key=lambda one: (one.day, one.gap.company, one.gap.id, one.number)))


def _of(gap: Gap, settlement: Settlement) -> Iterator[OneOff]:
    parts = _billed_by(gap, settlement)
    units, prices = {part.units for part in parts}, {part.price for part in parts}
    first = parts[0].days.start if parts else gap.since
    last = parts[-1].days.last_day if parts else first
    same = next(iter(units)) if len(units) == 1 else None
    price = next(iter(prices)) if len(prices) == 1 else None
    sign = -1 if gap.direction is Direction.OVER else 1
    for number, part in enumerate(settlement.instalments, 1):
        yield OneOff(
            gap,
            settlement,
            number,
            part.day,
            first,
            last,
            same,
            price,
            part.amount * sign,
        )


def _billed_by(gap: Gap, settlement: Settlement) -> list[Part]:
    """The days that it bills: up to its own, from where the decision before it ended."""
    begins = max(
        (one.on for one in gap.settlements if one.id < settlement.id and one in gap.standing(settlement.on)),
        default=gap.since,
    )
    # As the decision saw it: writes that came after it are not what it billed.
    known = [made for made in gap.made if made.on <= settlement.on]
    months = gap.months(settlement.on, known) or ()
    return [part for month in months for part in month.parts if part.days.end > begins]


def _row(one: OneOff, view: View) -> tuple[Cell, ...]:
    gap = one.gap
    return (
        shown(view.companies.get(gap.company, "")),
        gap.company,
        gap.agreement,
        shown(gap.product),
        shown(gap.licence),
        gap.id,
        one.part,
        one.day,
        one.first,
        one.last,
        one.units,
        one.price.amount.normalize() if one.price else None,
        one.amount.amount,
        one.amount.currency,
        one.text,
    )


def schedule_csv(found: Sequence[OneOff], view: View) -> str:
    """Every cell in quotes; with the mark by which Excel knows UTF-8."""
    held = io.StringIO()
    writer = csv.writer(held, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    writer.writerow(HEADINGS)
    for one in found:
        # Licence names are other people's text: one that begins like a formula must not run in whoever's Excel.
        writer.writerow([inert(cell) if isinstance(cell, str) else _plain(cell) for cell in _row(one, view)])
    return f"\ufeff{held.getvalue()}"


def _plain(cell: Cell) -> str:
    if cell is None:
        return ""
    return f"{cell:f}" if isinstance(cell, Decimal) else str(cell)


def schedule_xlsx(found: Sequence[OneOff], view: View) -> bytes:
    from agent.reports.workbooks import workbook

    with workbook("Back-billing schedule") as made:
        sheet = made.sheet("Schedule", _WIDTHS)
        sheet.head(HEADINGS)
        for one in found:
            sheet.add(_row(one, view), _MONEY)
        sheet.sheet.freeze_panes(1, 0)
    return made.content


def schedule_values(found: Sequence[OneOff]) -> list[Values]:
    return [
        {
            "company": one.gap.company,
            "agreement": one.gap.agreement,
            "product": one.gap.product or None,
            "licence": one.gap.licence,
            "gap": one.gap.id,
            "decision": one.settlement.id,
            "part": one.number,
            "of": len(one.settlement.instalments),
            "day": one.day.isoformat(),
            "first_day": one.first.isoformat(),
            "last_day": one.last.isoformat(),
            "units": one.units,
            "price": of_money(one.price),
            "amount": of_money(one.amount),
            "text": one.text,
        }
        for one in found
    ]
