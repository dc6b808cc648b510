"""Sheets understood: which row is the header, which column is what, and every cell as the value that it means."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import TypeVar

from agent.sheets.columns import Column, Found, Kind, folded, likely, recognised
from agent.sheets.reading import LIMITS, Cell, Limits, Row, Sheet, read_sheets
from agent.sheets.troubles import SheetInvalid, Trouble
from agent.sheets.values import Ambiguous, DayOrder, Decimals, day, decimals_of, number, order_of

_HEADER_WITHIN = 25  # rows: reports begin with a title, a filter, the day they were made
# How sums are called at the foot of reports, in English and German; more can be added without harm, because a row
# counts as a sum only where it also lacks what every record must have.
_TOTALS = ("total", "grandtotal", "subtotal", "sum", "summe", "gesamt", "insgesamt")

Told = TypeVar("Told", Decimals, DayOrder)


@dataclass(frozen=True, slots=True)
class Choices:
    """What a person decided about a file: the header of a column by name, and how numbers and days are written."""

    columns: Mapping[str, str] = field(default_factory=dict)
    decimals: Decimals | None = None
    days: DayOrder | None = None
    sheet: str = ""
    encoding: str | None = None
    delimiter: str | None = None


NOTHING_CHOSEN = Choices()


@dataclass(frozen=True, slots=True)
class Doubt:
    """What only a person can tell. `about` is `columns.NAME`, `decimals`, `days` or `sheet`, `choices` its answers."""

    file: str
    about: str
    question: str
    choices: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.file}: {self.question} ({' or '.join(self.choices)})"


class Doubtful(SheetInvalid):
    """The file may be sound, but means two things. `doubts` holds what a person must say."""

    def __init__(self, doubts: Iterable[Doubt]) -> None:
        self.doubts = tuple(doubts)
        super().__init__(Trouble(d.file, d.question, f"say {' or '.join(d.choices)}") for d in self.doubts)


@dataclass(frozen=True, slots=True)
class Record:
    """One row; `row` is its number in the file.

    Absent columns and empty cells are "" as text and None as number or day: unknown, and no zero.
    """

    row: int
    values: Mapping[str, Cell | None]

    def text(self, name: str) -> str:
        value = self.values.get(name)
        return value if isinstance(value, str) else ""

    def number(self, name: str) -> Decimal | None:
        value = self.values.get(name)
        return value if isinstance(value, Decimal) else None

    def day(self, name: str) -> date | None:
        value = self.values.get(name)
        return value if isinstance(value, date) else None


@dataclass(frozen=True, slots=True)
class Table:
    """`columns` says under which header each column was found; `totals` are rows left out as sums of others."""

    file: str
    form: str
    columns: Mapping[str, str]
    records: tuple[Record, ...]
    totals: tuple[int, ...] = ()


def read_table(
    path: Path, columns: Sequence[Column], choices: Choices = NOTHING_CHOSEN, limits: Limits = LIMITS
) -> Table:
    """The columns of a file. Raises `SheetInvalid` with all that is wrong, `Doubtful` where a person must choose."""
    return understand(read_sheets(path, limits, choices.encoding, choices.delimiter), columns, choices)


def fits(sheets: Sequence[Sheet], columns: Sequence[Column], choices: Choices = NOTHING_CHOSEN) -> bool:
    """Whether any sheet surely has every required column: tells one kind of export from another."""
    return any(_headed(sheet, columns, choices).complete for sheet in sheets if sheet.rows)


def understand(sheets: Sequence[Sheet], columns: Sequence[Column], choices: Choices = NOTHING_CHOSEN) -> Table:
    """The one sheet that has the required columns, with every cell read. Raises as `read_table`."""
    headed = [_headed(sheet, columns, choices) for sheet in sheets if sheet.rows]
    named = [one for one in headed if not choices.sheet or one.sheet.name.casefold() == choices.sheet.casefold()]
    fitting = [one for one in named if one.complete]
    if len(fitting) > 1:
        names = tuple(one.sheet.name for one in fitting)
        raise Doubtful([Doubt(sheets[0].file, "sheet", "several worksheets fit; which one is it?", names)])
    if not named:
        what = f"has no worksheet {choices.sheet}" if choices.sheet else "has no rows"
        raise SheetInvalid([Trouble(sheets[0].file, what, f"it has: {', '.join(sheet.name for sheet in sheets)}")])
    # Where none fits, the likeliest is the one that a person will want to hear about.
    best = fitting[0] if fitting else max(named, key=lambda one: len(one.found.places))
    best.refuse()
    return _Reading(best, columns, choices).table()


@dataclass(frozen=True, slots=True)
class _Headed:
    """A sheet with the row that is taken for its header."""

    sheet: Sheet
    header: Row
    columns: Sequence[Column]
    found: Found

    @property
    def headers(self) -> list[str]:
        return [_text(cell).strip() for cell in self.header.cells]

    @property
    def complete(self) -> bool:
        return all(column.name in self.found.places for column in self.columns if column.required)

    def refuse(self) -> None:
        """Raises what keeps the header from being used."""
        file, row, places = self.sheet.file, self.header.number, self.found.places
        missing = [column for column in self.columns if column.required and column.name not in places]
        free = [header for place, header in enumerate(self.headers) if header and place not in places.values()]
        maybe = {column.name: likely(column, free) for column in missing}
        twice = [Trouble(file, f"has two columns {header}", "rename one of them", row) for header in self.found.twice]
        unknown = [self._unknown(column) for column in missing if not maybe[column.name]]
        if twice or unknown:
            raise SheetInvalid([*twice, *unknown])
        if missing:
            raise Doubtful(
                Doubt(file, f"columns.{name}", f"no header surely means the {_words(name)}; which one is it?", choices)
                for name, choices in maybe.items()
            )

    def _unknown(self, column: Column) -> Trouble:
        shown = ", ".join(header for header in self.headers if header)
        wanted = f"expected a header such as {', '.join(column.aliases[:4])}; its headers are: {shown}"
        return Trouble(self.sheet.file, f"has no column for the {_words(column.name)}", wanted, self.header.number)


def _headed(sheet: Sheet, columns: Sequence[Column], choices: Choices) -> _Headed:
    found = []
    for row in sheet.rows[:_HEADER_WITHIN]:
        # A header may stand below a title, and the title may have more cells than the table has columns.
        headers = [_text(cell).strip() for cell in row.cells]
        found.append(_Headed(sheet, row, columns, recognised(headers, columns, choices.columns)))
    # Where no header is known, the first row with two filled cells is the likeliest to be shown to a person.
    return max(found, key=lambda one: (len(one.found.places), sum(map(bool, one.headers)) > 1))


def _text(cell: Cell) -> str:
    return f"{cell:f}" if isinstance(cell, Decimal) else str(cell)


def _words(name: str) -> str:
    return name.replace("_", " ").replace("-", " ")


class _Reading:
    """The rows below a header; all that is wrong with any cell is collected before anything is raised."""

    def __init__(self, headed: _Headed, columns: Sequence[Column], choices: Choices) -> None:
        self.headed, self.file = headed, headed.sheet.file
        self.places = headed.found.places
        self.columns = [column for column in columns if column.name in self.places]
        self.rows = [row for row in headed.sheet.rows if row.number > headed.header.number and self._filled(row)]
        self.troubles: list[Trouble] = []
        self.doubts: dict[str, Doubt] = {}
        # Before any cell is read: a single row that proves the mark decides all the others of the file.
        self.decimals = choices.decimals or self._told(Kind.NUMBER, decimals_of)
        self.order = choices.days or self._told(Kind.DAY, order_of)

    def table(self) -> Table:
        totals = tuple(row.number for row in self.rows if self._is_total(row))
        records = tuple(self._record(row) for row in self.rows if row.number not in set(totals))
        # What is wrong comes before what is unsure: nobody wants to answer questions about a file that will be refused.
        if self.troubles:
            raise SheetInvalid(sorted(self.troubles, key=lambda trouble: trouble.row or 0))
        if self.doubts:
            raise Doubtful(self.doubts.values())
        if not records:
            raise SheetInvalid([Trouble(self.file, "has a header and no rows", "export it again")])
        headers = self.headed.headers
        used = {column.name: headers[self.places[column.name]] for column in self.columns}
        return Table(self.file, self.headed.sheet.form, used, records, totals)

    def _filled(self, row: Row) -> bool:
        return any(_text(cell).strip() for cell in row.cells)

    def _cell(self, row: Row, column: Column) -> Cell:
        place = self.places[column.name]
        # Excel leaves out what is empty at the end of a row.
        return row.cells[place] if place < len(row.cells) else ""

    def _is_total(self, row: Row) -> bool:
        """A row that lacks what every row must have, and says that it is a sum."""
        lacks = any(column.filled and not _text(self._cell(row, column)).strip() for column in self.columns)
        return lacks and any(folded(_text(cell)).startswith(_TOTALS) for cell in row.cells)

    def _record(self, row: Row) -> Record:
        extra = [cell for cell in row.cells[len(self.headed.header.cells) :] if _text(cell).strip()]
        if extra:
            # Whatever follows an unquoted comma has moved one column to the right: no cell of this row can be believed.
            what = f"has {len(row.cells)} values where the header has {len(self.headed.header.cells)}"
            expected = "expected quotes around a text that holds the delimiter"
            self.troubles.append(Trouble(self.file, what, expected, row.number))
            return Record(row.number, {})
        return Record(row.number, {column.name: self._value(row, column) for column in self.columns})

    def _value(self, row: Row, column: Column) -> Cell | None:
        cell = self._cell(row, column)
        text = _text(cell).strip()
        if not text:
            if column.filled:
                self._refuse(row, column, "is empty", _expected(column))
            return None
        try:
            match column.kind:
                case Kind.TEXT:
                    return text
                case Kind.NUMBER:
                    return cell if isinstance(cell, Decimal) else number(text, self.decimals)
                case Kind.DAY:
                    return cell if isinstance(cell, date) else day(text, self.order)
        except Ambiguous:
            self._doubt(column.kind, text, row)
        except ValueError:
            self._refuse(row, column, f'"{text[:60]}" is no {column.kind}', _expected(column))
        return None

    def _refuse(self, row: Row, column: Column, what: str, expected: str) -> None:
        header = self.headed.headers[self.places[column.name]]
        self.troubles.append(Trouble(self.file, what, expected, row.number, header))

    def _doubt(self, kind: Kind, text: str, row: Row) -> None:
        if kind is Kind.NUMBER:
            question = (
                f'row {row.number} says "{text}"; what does this file write before fractions, a point or a comma?'
            )
            # One question for the whole file, with the first cell that raised it.
            self.doubts.setdefault("decimals", Doubt(self.file, "decimals", question, tuple(Decimals)))
        else:
            question = f'row {row.number} says "{text}"; does the day or the month come first?'
            self.doubts.setdefault("days", Doubt(self.file, "days", question, tuple(DayOrder)))

    def _told(self, kind: Kind, proves: Callable[[str], Told | None]) -> Told | None:
        """How the file writes its numbers or days, by every cell that has one reading only."""
        seen: dict[Told, tuple[Row, Column, str]] = {}
        for row, column, text in self._texts(kind):
            proof = proves(text)
            if proof is not None:
                seen.setdefault(proof, (row, column, text))
        if len(seen) > 1:
            (first, _, one), (row, column, two) = sorted(seen.values(), key=lambda found: found[0].number)
            expected = f'expected one way of writing, but row {first.number} says "{one}"'
            self._refuse(row, column, f'"{two}" is written otherwise', expected)
            raise SheetInvalid(self.troubles)
        return next(iter(seen), None)

    def _texts(self, kind: Kind) -> Iterator[tuple[Row, Column, str]]:
        for column in self.columns:
            if column.kind is kind:
                for row in self.rows:
                    cell = self._cell(row, column)
                    if isinstance(cell, str) and cell.strip():
                        yield row, column, cell


def _expected(column: Column) -> str:
    example = column.example or {Kind.TEXT: "a name", Kind.NUMBER: "12 or 12.50", Kind.DAY: "2026-11-30"}[column.kind]
    return (
        f"expected a {_words(column.name)} such as {example}" if column.kind is not Kind.TEXT else f"expected {example}"
    )
