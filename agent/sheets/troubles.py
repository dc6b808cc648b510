"""What is wrong with a tabular file, told so that a person finds the cell."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from agent.errors import TrueupError

_SHOWN = 8  # one wrong setting makes ten thousand bad cells, and the first few say all about it


@dataclass(frozen=True, slots=True)
class Trouble:
    """`row` as a spreadsheet numbers it, from 1; None where the whole file is meant. `expected` says what would do."""

    file: str
    what: str
    expected: str
    row: int | None = None
    column: str = ""

    def __str__(self) -> str:
        row = f", row {self.row}" if self.row is not None else ""
        column = f", column {self.column}" if self.column else ""
        return f"{self.file}{row}{column}: {self.what}; {self.expected}"


class SheetInvalid(TrueupError):
    """The file cannot be used. `troubles` holds all that is wrong with it, in the order of its rows."""

    def __init__(self, troubles: Iterable[Trouble]) -> None:
        self.troubles = tuple(troubles)
        # One line each: the command line prints every line of an error as a sentence of its own.
        said = [str(trouble) for trouble in self.troubles[:_SHOWN]]
        more = len(self.troubles) - len(said)
        super().__init__("\n".join([*said, *([f"and {more:,} more like these"] if more else [])]))


def refused(file: str, what: str, expected: str) -> SheetInvalid:
    """One sentence about the file as a whole."""
    return SheetInvalid([Trouble(file, what, expected)])
