"""XLSX files. Every text is written as a text: a name that begins with `=` stays a name."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from decimal import Decimal
from typing import Any

_LONGEST = 32_767  # characters that Excel takes in a cell
Value = object  # of a cell: a text, a number, a date, or None


@contextmanager
def workbook(title: str) -> Iterator[Pen]:
    import xlsxwriter  # 60 ms that no other format needs

    # XlsxWriter would turn "=…" into a formula, an address into a link and digits into a number; write_string alone
    # would do, and these make sure that no later line forgets it.
    held = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with xlsxwriter.Workbook(held, options) as book:
        book.set_properties({"title": title, "author": "Trueup"})
        yield Pen(book, held)


class Pen:
    """A workbook while it is filled; `content` is the file once it is closed."""

    def __init__(self, book: Any, held: io.BytesIO) -> None:
        self.book, self._held = book, held
        self.title = book.add_format({"bold": True, "font_size": 15, "font_color": "#16324f"})
        self.head = book.add_format({"bold": True, "font_color": "#ffffff", "bg_color": "#16324f", "valign": "top"})
        self.text = book.add_format({"valign": "top"})
        self.wrapped = book.add_format({"valign": "top", "text_wrap": True})
        self.money = book.add_format({"valign": "top", "num_format": "#,##0.00"})
        self.day = book.add_format({"valign": "top", "num_format": "yyyy-mm-dd"})

    @property
    def content(self) -> bytes:
        return self._held.getvalue()

    def sheet(self, name: str, widths: Sequence[int]) -> Sheet:
        made = self.book.add_worksheet(name)
        for column, width in enumerate(widths):
            made.set_column(column, column, width)
        made.set_landscape()
        made.set_paper(9)  # A4
        made.fit_to_pages(1, 0)
        return Sheet(self, made, widths)


class Sheet:
    """Filled row by row, from the top."""

    def __init__(self, pen: Pen, sheet: Any, widths: Sequence[int]) -> None:
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
