"""From a file to rows of cells, whatever wrote it: nothing is understood yet, and nothing is left out."""

from __future__ import annotations

import codecs
import csv
import io
import re
import stat
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path

from agent.sheets.troubles import SheetInvalid, Trouble, refused

Cell = str | Decimal | date  # a CSV has texts only; a workbook says itself what is a number or a day


@dataclass(frozen=True, slots=True)
class Limits:
    """`unpacked` bounds what a workbook may grow to: a zip of 1 MB can hold 1 GB of the same letter."""

    size: int = 64 * 2**20
    unpacked: int = 256 * 2**20
    rows: int = 200_000
    columns: int = 500


# A CSV of 64 MiB takes about half a GiB as Python's texts; who has more than 200,000 rows has more than one book.
LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class Row:
    """`number` is the row's own in the file, from 1, so that a person finds it."""

    number: int
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Sheet:
    """`name` is the worksheet's, empty for a CSV; `form` says how the file was read: `CSV, UTF-8, ";"`."""

    file: str
    name: str
    form: str
    rows: tuple[Row, ...]


def read_sheets(
    path: Path, limits: Limits = LIMITS, encoding: str | None = None, delimiter: str | None = None
) -> tuple[Sheet, ...]:
    """The file's visible sheets; a CSV is one. Raises `SheetInvalid` with one sentence on why it cannot be read."""
    data = _bytes(path, limits)
    file = path.name
    # By its first bytes and not by its name: programs call an HTML table .xls, and people rename files.
    if data.startswith(b"PK\x03\x04"):
        from agent.sheets.workbooks import workbook_sheets

        return workbook_sheets(file, data, limits)
    if data.startswith(b"\xd0\xcf\x11\xe0"):
        # The container of .xls, and of a workbook with a password, alike.
        raise refused(file, "is an old .xls, or protected by a password", "save it as .xlsx without a password, or CSV")
    if data.startswith((b"\x1f\x8b", b"%PDF", b"{\\rtf")) or data[:200].lstrip().lower().startswith(
        (b"<!doctype", b"<html", b"<?xml")
    ):
        raise refused(file, "is neither CSV nor XLSX", "unpack it, or export it as CSV or XLSX")
    return (_csv(file, data, limits, encoding, delimiter),)


def _bytes(path: Path, limits: Limits) -> bytes:
    file = path.name
    try:
        with path.open("rb") as opened:
            # A pipe would be read for ever, and a device has no end.
            if not stat.S_ISREG(path.stat().st_mode):
                raise refused(file, "is not a regular file", "name a CSV or XLSX file")
            data = opened.read(limits.size + 1)
    except OSError as error:
        raise refused(str(path), (error.strerror or str(error)).lower(), "name a file that can be read") from error
    if len(data) > limits.size:
        raise refused(file, f"has more than {limits.size >> 20} MiB", "export fewer rows or columns")
    if not data.strip():
        raise refused(file, "is empty", "export it again")
    return data


def _csv(file: str, data: bytes, limits: Limits, encoding: str | None, delimiter: str | None) -> Sheet:
    text, encoding = _decoded(file, data, encoding)
    skipped = 0
    if told := re.match(r"sep=(.)\r?\n", text, re.IGNORECASE):  # Excel's own line about the delimiter
        delimiter, text, skipped = told[1], text[told.end() :], 1
    delimiter = delimiter or _delimiter(text)
    rows = tuple(_rows(file, text, delimiter, limits, skipped))
    shown = "tab" if delimiter == "\t" else f'"{delimiter}"'
    return Sheet(file, "", f"CSV, {encoding}, {shown}", rows)


def _rows(file: str, text: str, delimiter: str, limits: Limits, skipped: int) -> Iterator[Row]:
    # strict: a quote that is never closed would otherwise swallow the rest of the file as one cell.
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    number = skipped
    try:
        for number, cells in enumerate(reader, skipped + 1):
            if number > limits.rows:
                raise refused(file, f"has more than {limits.rows:,} rows", "export a shorter range")
            if len(cells) > limits.columns:
                raise refused(file, f"has more than {limits.columns} columns", "export fewer of them")
            yield Row(number, tuple(cells))
    except csv.Error as error:
        what = f"is no sound CSV ({error})"
        raise SheetInvalid([Trouble(file, what, 'expected quotes to be closed, and written twice within a text: ""',
                                    number + 1)]) from error  # fmt: skip


_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))


def _decoded(file: str, data: bytes, encoding: str | None) -> tuple[str, str]:
    """The text, and the name of the encoding in which it was written."""
    tried = [encoding] if encoding else _encodings(data)
    for name in tried:
        try:
            return data.decode(name), codecs.lookup(name).name.removesuffix("-sig").upper()
        except UnicodeError:
            continue
        except LookupError as error:
            raise refused(file, f"cannot be read as {name}: no such encoding", "say utf-8 or cp1252") from error
    raise refused(file, f"is not text in {' or '.join(tried)}", "save it as CSV UTF-8")


def _encodings(data: bytes) -> Sequence[str]:
    for mark, name in _MARKS:
        if data.startswith(mark):
            return [name]
    head = data[:400]
    if b"\0" in head:  # UTF-16 without its mark: every other byte of plain letters is zero
        return ["utf-16-le" if head[1::2].count(0) > head[::2].count(0) else "utf-16-be"]
    # In this order: nearly no text in Windows-1252 with an accent is valid UTF-8, while the other way round any is.
    return ["utf-8", "cp1252"]


def _delimiter(text: str) -> str:
    """The one that cuts the first rows into as many pieces, and in most rows into the same number of them."""
    # The last line of the piece may be cut in two, which is one vote of sixty.
    head = text[:100_000].splitlines()[:60]
    return max(",;\t|", key=lambda mark: _evenness(head, mark))


def _evenness(lines: Sequence[str], mark: str) -> tuple[int, int]:
    try:
        widths = Counter(len(row) for row in csv.reader(lines, delimiter=mark) if row)
    except csv.Error:
        return 0, 0
    # A title above the header, or a comma in a sentence, must not outweigh the table itself.
    width, times = max(widths.items(), key=lambda item: (item[0] > 1, item[1] * (item[0] - 1)), default=(1, 0))
    return times * (width - 1), width
