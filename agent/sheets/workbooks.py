"""XLSX, by openpyxl: values only, read once from front to back."""

from __future__ import annotations

import io
import warnings
import zipfile
import zlib
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from xml.etree.ElementTree import ParseError

from agent.sheets.reading import Cell, Limits, Row, Sheet
from agent.sheets.troubles import SheetInvalid, refused

# What openpyxl raises on workbooks that are broken inside; it has no error of its own for them.
_BROKEN = (
    zipfile.BadZipFile, zlib.error, ParseError, KeyError, ValueError, TypeError, AttributeError, IndexError, EOFError,
    NotImplementedError, OSError, OverflowError,
)  # fmt: skip


def workbook_sheets(file: str, data: bytes, limits: Limits) -> tuple[Sheet, ...]:
    """The visible worksheets. Formulas give the value that the program which wrote them had computed."""
    import openpyxl  # 100 ms that a CSV does not need

    try:
        _bounded(file, data, limits)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about styles and validations, which say nothing about values
            book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True, keep_links=False)
            try:
                sheets = tuple(
                    Sheet(file, sheet.title, f"XLSX, sheet {sheet.title}", tuple(_rows(file, sheet, limits)))
                    for sheet in book.worksheets
                    if sheet.sheet_state == "visible"  # hidden ones hold lists for drop-downs, and last year's numbers
                )
            finally:
                book.close()
    except SheetInvalid:
        raise
    except _BROKEN as error:
        raise refused(file, f"is no sound XLSX ({type(error).__name__})", "save it again, or as CSV") from error
    if not any(sheet.rows for sheet in sheets):
        raise refused(file, "has no visible worksheet with rows", "export it again")
    return sheets


def _bounded(file: str, data: bytes, limits: Limits) -> None:
    # The sizes that the archive declares are also where unpacking stops, so a lie about them gains nothing.
    with zipfile.ZipFile(io.BytesIO(data)) as packed:
        names = {info.filename for info in packed.infolist()}
        if "xl/workbook.xml" not in names:
            raise refused(file, "is a zip file, but no XLSX", "unpack it, or save it as XLSX or CSV")
        if sum(info.file_size for info in packed.infolist()) > limits.unpacked:
            raise refused(file, f"unpacks to more than {limits.unpacked >> 20} MiB", "export fewer rows or columns")


def _rows(file: str, sheet: Any, limits: Limits) -> Iterator[Row]:
    sheet.reset_dimensions()  # many exporters write a wrong size, and openpyxl would believe it
    for number, values in enumerate(sheet.iter_rows(values_only=True), 1):
        if number > limits.rows:
            raise refused(file, f"has more than {limits.rows:,} rows", "export a shorter range")
        if len(values) > limits.columns:
            raise refused(file, f"has more than {limits.columns} columns", "export fewer of them")
        cells = tuple(map(_cell, values))
        if any(cell != "" for cell in cells):
            yield Row(number, cells)


def _cell(value: object) -> Cell:
    match value:
        case None:
            return ""
        case bool():
            return str(value).upper()
        case int():
            return Decimal(value)
        case float():
            # Excel itself shows and compares 15 digits; the binary number behind them has more, and they mean nothing.
            number = Decimal(f"{value:.15g}")
            return number if number.is_finite() else str(value)
        case datetime():
            return value.date()
        case date():
            return value
    return str(value)
