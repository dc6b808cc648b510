"""The journal: who did what, when, in the order in which it was chained."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from agent.domain.keys import LineKey
from agent.ports import JournalRecord
from agent.reports.text import View, cells, columns, counted, padded, paint, shown, wrapped

_COLOURS = {"confirmed": "green", "refused": "red", "unknown": "yellow", "conflict": "yellow"}


def journal_text(records: Sequence[JournalRecord], view: View) -> str:
    """The records oldest first, each with what it says on one line."""
    if not records:
        return "The journal is empty: nothing has been written yet."
    ordered = sorted(records, key=lambda record: record.seq)
    heads = columns([_head(record, view) for record in ordered], right={0})
    lines: list[str] = []
    for head, record in zip(heads, ordered, strict=True):
        says = "; ".join(_says(json.loads(record.payload), view))
        lines += wrapped(says, view.width, f"{padded(head, max(map(cells, heads)))}  ")
    return "\n".join(lines)


def _head(record: JournalRecord, view: View) -> tuple[str, ...]:
    kind = paint(record.kind, _COLOURS.get(record.kind, "bold"))
    entry = f"write {record.entry}" if record.entry is not None else ""
    return f"{record.seq:,}", view.at(record.at), kind, entry


def _says(payload: Mapping[str, Any], view: View) -> Iterator[str]:
    """What a record says, of the keys that its kind carries."""
    if "confirmed" in payload:
        yield f"run {payload['run']} {payload['state']}: {counted(payload['confirmed'], 'write')} confirmed"
    write = payload.get("write")
    if write:
        yield f"{view.company(write['company'])}: {shown(write['sentence'])}"
    if "company" in payload:
        yield view.company(payload["company"])
    yield from (shown(str(payload[name])) for name in ("sentence", "detail") if payload.get(name))
    binding = payload.get("binding")
    if binding:
        yield f"line {binding['line']} of agreement {LineKey.parse(binding['key']).agreement} is {binding['state']}"
    if "who" in payload:
        yield f"by {shown(payload['who'])}"


def verdict(records: int, head: str, fault: str) -> str:
    """What `journal verify` says; `head` is worth keeping elsewhere, because it fixes all before it."""
    if fault:
        return f"{paint('The journal is damaged', 'red')} after {records:,} sound records: {fault}."
    return f"{paint('The journal is sound', 'green')}: {records:,} records, head {head or 'none'}."
