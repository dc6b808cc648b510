"""The view as XLSX. Every text is written as a text: a name that begins with `=` stays a name."""

from __future__ import annotations

from collections.abc import Sequence

from agent.domain.money import Money
from agent.domain.reconciliation import Confidence
from agent.reports.ledger import balance_sums
from agent.reports.month_end.values import HEADINGS, Value, difference_rows
from agent.reports.month_end.view import EFFECTS, MonthEnd
from agent.reports.pages import amounts
from agent.reports.text import shown
from agent.reports.workbooks import Sheet, workbook

_WIDTHS = (5, 24, 32, 24, 9, 8, 11, 11, 9, 12, 14, 11, 7, 12, 11, 44, 44, 44)
_MONEY = {"Unit price", "Unit cost", "A month", "Margin a month", "So far"}


def month_end_xlsx(report: MonthEnd) -> bytes:
    """Sheets: sums, differences, the records behind them, quantities of every leg, what nobody mapped, sources."""
    with workbook(shown(report.title)) as pen:
        _summary(pen.sheet("Summary", (38, 13, 30, 30)), report)
        _differences(pen.sheet("Differences", _WIDTHS), report)
        _evidence(pen.sheet("Evidence", (5, 30, 34, 90)), report)
        _quantities(pen.sheet("Quantities", (30, 40, 12, 12, 12, 12)), report)
        if report.corrected is not None or report.held is not None:
            _deeds(pen.sheet("Changes", (12, 12, 30, 60, 16, 60)), report)
        if report.past:
            _past(pen.sheet("Past", (30, 14, 10, 12, 12, 12, 12, 12, 12, 12)), report)
        _unmapped(pen.sheet("Not mapped", (12, 44, 40, 60)), report)
        _origins(pen.sheet("Sources", (34, 10, 100)), report)
    return pen.content


_SUMS = frozenset({2, 3})


def _summary(sheet: Sheet, report: MonthEnd) -> None:
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


def _origins(sheet: Sheet, report: MonthEnd) -> None:
    sheet.head(("Where the numbers come from", "State", "What"))
    for origin in report.origins:
        sheet.add((shown(origin.name), origin.state.value, shown(origin.detail)))
    for note in report.notes:
        sheet.add(("", "", shown(note)))


def _evidence(sheet: Sheet, report: MonthEnd) -> None:
    sheet.head(("No.", "Company", "Licence", "Record"))
    for number, one in enumerate(report.differences, 1):
        for record in one.evidence:
            sheet.add((number, shown(one.company), shown(one.licence), shown(record)))
    sheet.sheet.freeze_panes(1, 0)


def _differences(sheet: Sheet, report: MonthEnd) -> None:
    sheet.head(HEADINGS)
    money = frozenset(column for column, heading in enumerate(HEADINGS) if heading in _MONEY)
    rows = difference_rows(report)
    for row in rows:
        sheet.add(row, money)
    sheet.sheet.freeze_panes(1, 1)
    # A filter over the header alone is a broken file to Excel.
    sheet.sheet.autofilter(0, 0, max(1, len(rows)), len(HEADINGS) - 1)
    sheet.sheet.repeat_rows(0)


def _quantities(sheet: Sheet, report: MonthEnd) -> None:
    sheet.head(("Company", "Licence", "Purchased", "Assigned", "Billed", "Invoiced"))
    for legs in report.legs:
        quantities = (legs.purchased, legs.assigned, legs.billed, legs.invoiced)
        sheet.add((shown(legs.company), shown(legs.licence), *quantities))
    sheet.sheet.freeze_panes(1, 0)
    sheet.sheet.autofilter(0, 0, max(1, len(report.legs)), 5)


def _deeds(sheet: Sheet, report: MonthEnd) -> None:
    sheet.head(("When", "State", "Company", "Change", "A month", "Why"))
    for state, deeds in (("corrected", report.corrected), ("held", report.held)):
        for deed in deeds or ():
            monthly = deed.monthly.at_coins().amount if deed.monthly else None
            cells = (deed.when, state, shown(deed.company), shown(deed.sentence), monthly, shown(deed.why))
            sheet.add(cells, frozenset({4}))


def _past(sheet: Sheet, report: MonthEnd) -> None:
    sums = ("Opening", "Added", "Corrected", "Billed", "Waived", "Remaining", "Of which scheduled")
    sheet.head(("Company", "Direction", "Currency", *sums))
    for one in report.past:
        cells = [money.at_coins().amount for money in balance_sums(one.balance)]
        where = shown(one.company), one.balance.direction.value, one.balance.currency
        sheet.add((*where, *cells), frozenset(range(3, 10)))


def _unmapped(sheet: Sheet, report: MonthEnd) -> None:
    sheet.head(("Kind", "Name", "Where", "Perhaps"))
    for one in report.unmapped:
        sheet.add((one.kind, shown(one.name), shown(one.where), shown(one.perhaps)))
