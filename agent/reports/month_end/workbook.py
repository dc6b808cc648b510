"""The view as XLSX. Every text is written as a text: a name that begins with `=` stays a name."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from agent.domain.money import Money
from agent.domain.reconciliation import Confidence
from agent.reports.month_end.values import HEADINGS, Value, difference_rows
from agent.reports.month_end.view import EFFECTS, MonthEnd
from agent.reports.pages import amounts
from agent.reports.text import shown

_LONGEST = 32_767  # characters that Excel takes in a cell
_WIDTHS = (5, 24, 32, 24, 9, 8, 11, 11, 9, 12, 14, 11, 7, 12, 11, 44, 44, 44)
_MONEY = {"Unit price", "Unit cost", "A month", "Margin a month", "So far"}


def month_end_xlsx(report: MonthEnd) -> bytes:
    """Sheets: sums, differences, the records behind them, quantities of every leg, what nobody mapped, sources."""
    import xlsxwriter  # 60 ms that no other format needs

    # XlsxWriter would turn "=…" into a formula, an address into a link and digits into a number; write_string alone
    # would do, and these make sure that no later line of this file forgets it.
    held = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with xlsxwriter.Workbook(held, options) as book:
        book.set_properties({"title": shown(report.title), "author": "Trueup"})
        pen = _Pen(book)
        _summary(pen.sheet("Summary", (38, 13, 30, 30)), report)
        _differences(pen.sheet("Differences", _WIDTHS), report)
        _evidence(pen.sheet("Evidence", (5, 30, 34, 90)), report)
        _quantities(pen.sheet("Quantities", (30, 40, 12, 12, 12, 12)), report)
        if report.corrected is not None or report.held is not None:
            _deeds(pen.sheet("Changes", (12, 12, 30, 60, 16, 60)), report)
        _unmapped(pen.sheet("Not mapped", (12, 44, 40, 60)), report)
        _origins(pen.sheet("Sources", (34, 10, 100)), report)
    return held.getvalue()


class _Pen:
    def __init__(self, book: Any) -> None:
        self.book = book
        self.title = book.add_format({"bold": True, "font_size": 15, "font_color": "#16324f"})
        self.head = book.add_format({"bold": True, "font_color": "#ffffff", "bg_color": "#16324f", "valign": "top"})
        self.text = book.add_format({"valign": "top"})
        self.wrapped = book.add_format({"valign": "top", "text_wrap": True})
        self.money = book.add_format({"valign": "top", "num_format": "#,##0.00"})
        self.day = book.add_format({"valign": "top", "num_format": "yyyy-mm-dd"})

    def sheet(self, name: str, widths: Sequence[int]) -> _Sheet:
        made = self.book.add_worksheet(name)
        for column, width in enumerate(widths):
            made.set_column(column, column, width)
        made.set_landscape()
        made.set_paper(9)  # A4
        made.fit_to_pages(1, 0)
        return _Sheet(self, made, widths)


class _Sheet:
    def __init__(self, pen: _Pen, sheet: Any, widths: Sequence[int]) -> None:
        self.pen, self.sheet, self.widths, self.row = pen, sheet, widths, 0

    def title(self, text: str) -> None:
        self.sheet.write_string(self.row, 0, text[:_LONGEST], self.pen.title)
        self.row += 1

    def head(self, headings: Sequence[str]) -> None:
        for column, heading in enumerate(headings):
            self.sheet.write_string(self.row, column, heading, self.pen.head)
        self.row += 1

    def add(self, cells: Iterable[Value], money: frozenset[int] = frozenset()) -> None:
        for column, cell in enumerate(cells):
            self._cell(column, cell, column in money)
        self.row += 1

    def _cell(self, column: int, cell: Value, money: bool) -> None:
        match cell:
            case Decimal() | int():
                self.sheet.write_number(self.row, column, cell, self.pen.money if money else self.pen.text)
            case date():
                self.sheet.write_datetime(self.row, column, cell, self.pen.day)
            case str() if cell:
                wide = self.widths[column] >= 40
                self.sheet.write_string(self.row, column, cell[:_LONGEST], self.pen.wrapped if wide else self.pen.text)


_SUMS = frozenset({2, 3})


def _summary(sheet: _Sheet, report: MonthEnd) -> None:
    unit = f", {next(iter(report.currencies))} a month" if len(report.currencies) == 1 else " a month"
    sheet.title(shown(report.title))
    sheet.add([shown(report.scope)])
    sheet.row += 1
    sheet.head(("", "Differences", f"Total{unit}", f"Calculated{unit}"))
    for effect, words in EFFECTS.items():
        total, sure = report.sums(effect), report.sums(effect, Confidence.CALCULATED)
        sheet.add((words, report.count(effect), _sum(total), _sum(sure)), _SUMS)
    for heading, groups in (("Company", report.by_company), ("Licence", report.by_licence), ("Kind", report.by_kind)):
        sheet.row += 1
        sheet.head((heading, "Differences", f"Owed, not billed{unit}", f"Billed, not owed{unit}"))
        for group in groups:
            sheet.add((shown(group.label), group.count, _sum(group.leak), _sum(group.refund)), _SUMS)


def _sum(sums: Sequence[Money]) -> Value:
    """A number to reckon with; a text where there are several currencies, and nothing where there is no money."""
    return sums[0].at_coins().amount if len(sums) == 1 else amounts(sums) if sums else None


def _origins(sheet: _Sheet, report: MonthEnd) -> None:
    sheet.head(("Where the numbers come from", "State", "What"))
    for origin in report.origins:
        sheet.add((shown(origin.name), origin.state.value, shown(origin.detail)))
    for note in report.notes:
        sheet.add(("", "", shown(note)))


def _evidence(sheet: _Sheet, report: MonthEnd) -> None:
    sheet.head(("No.", "Company", "Licence", "Record"))
    for number, one in enumerate(report.differences, 1):
        for record in one.evidence:
            sheet.add((number, shown(one.company), shown(one.licence), shown(record)))
    sheet.sheet.freeze_panes(1, 0)


def _differences(sheet: _Sheet, report: MonthEnd) -> None:
    sheet.head(HEADINGS)
    money = frozenset(column for column, heading in enumerate(HEADINGS) if heading in _MONEY)
    rows = difference_rows(report)
    for row in rows:
        sheet.add(row, money)
    sheet.sheet.freeze_panes(1, 1)
    # A filter over the header alone is a broken file to Excel.
    sheet.sheet.autofilter(0, 0, max(1, len(rows)), len(HEADINGS) - 1)
    sheet.sheet.repeat_rows(0)


def _quantities(sheet: _Sheet, report: MonthEnd) -> None:
    sheet.head(("Company", "Licence", "Purchased", "Assigned", "Billed", "Invoiced"))
    for legs in report.legs:
        quantities = (legs.purchased, legs.assigned, legs.billed, legs.invoiced)
        sheet.add((shown(legs.company), shown(legs.licence), *quantities))
    sheet.sheet.freeze_panes(1, 0)
    sheet.sheet.autofilter(0, 0, max(1, len(report.legs)), 5)


def _deeds(sheet: _Sheet, report: MonthEnd) -> None:
    sheet.head(("When", "State", "Company", "Change", "A month", "Why"))
    for state, deeds in (("corrected", report.corrected), ("held", report.held)):
        for deed in deeds or ():
            monthly = deed.monthly.at_coins().amount if deed.monthly else None
            cells = (deed.when, state, shown(deed.company), shown(deed.sentence), monthly, shown(deed.why))
            sheet.add(cells, frozenset({4}))


def _unmapped(sheet: _Sheet, report: MonthEnd) -> None:
    sheet.head(("Kind", "Name", "Where", "Perhaps"))
    for one in report.unmapped:
        sheet.add((one.kind, shown(one.name), shown(one.where), shown(one.perhaps)))
