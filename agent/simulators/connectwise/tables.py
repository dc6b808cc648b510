"""The rows that the simulated PSA keeps, with enough history to show an earlier state."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from agent.simulators.messages import encode

# The fields to show: a name maps to the names wanted beneath it, or to None for all of it.
Tree = Mapping[str, "Tree | None"]


@dataclass(frozen=True, slots=True)
class Selection:
    """A `fields` parameter as it was written, and what it asks for."""

    text: str
    tree: Tree


class Record:
    """One row, never changed in place: an edit puts a new Record where the old one was.

    `fields` has the shape of the API's JSON. Nothing in it is None: the API leaves out what is null.
    """

    __slots__ = ("_rendered", "fields")

    def __init__(self, fields: Mapping[str, Any]) -> None:
        self.fields = {name: value for name, value in fields.items() if value is not None}
        self._rendered: dict[str | None, bytes] = {}

    def render(self, selection: Selection | None) -> bytes:
        """The row as JSON, kept: nearly every read of a fleet asks again for what has not changed."""
        key = selection.text if selection else None
        if key not in self._rendered:
            shown = self.fields if selection is None else _select(self.fields, selection.tree)
            self._rendered[key] = encode(shown)
        return self._rendered[key]


class Rows:
    """Tables of Records by name and id. Additions lie in one table per agreement."""

    def __init__(self, tables: Mapping[str, Mapping[int, Record]] | None = None) -> None:
        self._tables: dict[str, dict[int, Record]] = defaultdict(dict)
        self._tables.update({name: dict(rows) for name, rows in (tables or {}).items()})

    def get(self, table: str, id: int) -> Record | None:
        return self._tables[table].get(id)

    def listed(self, table: str) -> list[Record]:
        """Ordered by id."""
        rows = self._tables[table]
        return [rows[id] for id in sorted(rows)]

    def names(self) -> list[str]:
        return sorted(self._tables)


class Tables(Rows):
    """The present rows. `history` edits are remembered for `as_of`; what is older cannot be gone back to."""

    def __init__(self, history: int = 5_000) -> None:
        super().__init__()
        self._undo: deque[tuple[datetime, str, int, Record | None]] = deque(maxlen=history)
        self._last_id: dict[str, int] = defaultdict(int)

    def new_id(self, sequence: str, wanted: int | None = None) -> int:
        """`wanted`, or the number after the highest that the sequence has given."""
        given = self._last_id[sequence] + 1 if wanted is None else wanted
        self._last_id[sequence] = max(self._last_id[sequence], given)
        return given

    def put(self, at: datetime, table: str, record: Record) -> Record:
        id = record.fields["id"]
        self._undo.append((at, table, id, self.get(table, id)))
        self._tables[table][id] = record
        return record

    def drop(self, at: datetime, table: str, id: int) -> None:
        self._undo.append((at, table, id, self._tables[table].pop(id)))

    def as_of(self, instant: datetime) -> Rows:
        # Records are never changed in place, so undoing edits on a copy of the tables is all it takes.
        past = Rows(self._tables)
        for at, table, id, before in reversed(self._undo):
            if at <= instant:
                break
            if before is None:
                past._tables[table].pop(id, None)
            else:
                past._tables[table][id] = before
        return past


def _select(fields: Mapping[str, Any], tree: Tree) -> Mapping[str, Any]:
    return {
        name: fields[name] if beneath is None else _select(fields[name], beneath)
        for name, beneath in tree.items()
        if name in fields
    }
