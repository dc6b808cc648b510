"""Tabular files that other programs exported: CSV in any encoding, and XLSX.

`read_sheets` decodes a file, `understand` finds the columns asked for and turns their cells into texts, exact numbers
and days. What cannot be told for sure is a `Doubt` for a person; what is wrong is a `Trouble` with file, row and
column. The same room serves the offline audit and sources that are files.
"""

from agent.sheets.columns import Column, Kind
from agent.sheets.joined import licence_names
from agent.sheets.reading import Limits, Row, Sheet, read_sheets
from agent.sheets.table import Choices, Doubt, Doubtful, Record, Table, fits, read_table, understand
from agent.sheets.troubles import SheetInvalid, Trouble
from agent.sheets.values import DayOrder, Decimals

__all__ = [
    "Choices",
    "Column",
    "DayOrder",
    "Decimals",
    "Doubt",
    "Doubtful",
    "Kind",
    "Limits",
    "Record",
    "Row",
    "Sheet",
    "SheetInvalid",
    "Table",
    "Trouble",
    "fits",
    "licence_names",
    "read_sheets",
    "read_table",
    "understand",
]
