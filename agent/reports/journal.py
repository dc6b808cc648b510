"""The journal: who did what, when, in the order in which it was chained."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from agent.ports import JournalRecord
from agent.reports.text import View, columns, paint, shown

_COLOURS = {"confirmed": "green", "refused": "red", "unknown": "yellow", "conflict": "yellow"}


def journal_text(records: Sequence[JournalRecord], view: View) -> str:
    """The records oldest first, each with what it says on one line."""
    if not records:
        return "The journal is empty: nothing has been written yet."
    rows = [_row(record, view) for record in sorted(records, key=lambda record: record.seq)]
    return "\n".join(columns(rows, right={0}))


def _row(record: JournalRecord, view: View) -> tuple[str, ...]:
    kind = paint(record.kind, _COLOURS.get(record.kind, "bold"))
    entry = f"write {record.entry}" if record.entry is not None else ""
    return f"{record.seq:,}", view.at(record.at), kind, entry, "; ".join(_says(json.loads(record.payload), view))


def _says(payload: Mapping[str, Any], view: View) -> Iterator[str]:
    """What a record says, of the keys that its kind carries."""
    write = payload.get("write")
    if write:
        yield f"{view.company(write['company'])}: {shown(write['sentence'])}"
    if "company" in payload:
        yield view.company(payload["company"])
    yield from (shown(str(payload[name])) for name in ("sentence", "state", "detail") if payload.get(name))
    binding = payload.get("binding")
    if binding:
        yield f"line {binding['line']} is {binding['state']}"
    if "who" in payload:
        yield f"by {shown(payload['who'])}"


def verdict(records: int, head: str, fault: str) -> str:
    """What `journal verify` says; `head` is worth keeping elsewhere, because it fixes all before it."""
    if fault:
        return f"{paint('The journal is damaged', 'red')} after {records:,} sound records: {fault}."
    return f"{paint('The journal is sound', 'green')}: {records:,} records, head {head or 'none'}."
