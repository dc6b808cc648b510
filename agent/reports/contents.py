"""What a store holds: a copy of it, what a restore would lose, and what was found again by its mark."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from agent.domain.findings import Code, Finding
from agent.domain.keys import LineKey
from agent.ports import Contents, JournalRecord, Restored, Restoring
from agent.reports.text import View, columns, counted, duration, paint, shown, wrapped
from agent.reports.values import Values

# How planning journals a binding that it learnt by the mark of a line.
_FOUND = ("bound", "found", "rebound")
_UNEXPLAINED = (Code.ORPHAN_LINE, Code.FOREIGN_MARK, Code.DUPLICATE_LINES)


def contents_text(contents: Contents, view: View) -> str:
    newest = f"up to {view.at(contents.newest)}" if contents.newest else "no run yet"
    return (
        f"{newest}, {counted(contents.writes, 'write')}, {counted(contents.records, 'journal record')}, "
        f"head {contents.head}"
    )


def contents_values(contents: Contents) -> Values:
    return {
        "installation": contents.installation,
        "newest": contents.newest.isoformat() if contents.newest else None,
        "writes": contents.writes,
        "records": contents.records,
        "head": contents.head,
        "fault": contents.fault or None,
    }


def restoring_text(restoring: Restoring, view: View) -> str:
    """Both sides, and what is older in the copy."""
    copy, present = restoring.copy, restoring.present
    rows = [(paint("the copy", "bold"), contents_text(copy, view))]
    if present is not None:
        says = f"cannot be read: {present.fault}" if present.fault else contents_text(present, view)
        rows.insert(0, (paint("the store", "bold"), says))
    return "\n".join([*columns(rows), *_older(restoring, view)])


def _older(restoring: Restoring, view: View) -> Iterator[str]:
    copy, present = restoring.copy, restoring.present
    if copy.newest:
        yield f"The copy is {duration(int((view.now - copy.newest).total_seconds()))} old."
    if present is None or present.fault:
        return
    if present.installation != copy.installation:
        says = "It is of another installation: lines that the present store has marked will look like somebody else's."
        yield from wrapped(says, view.width)
    lost = present.writes - copy.writes
    if lost > 0:
        says = (
            f"It does not know of {counted(lost, 'later write')}, nor of what was decided since. Their lines are found "
            "again by their marks; decisions have to be made again."
        )
        yield from wrapped(says, view.width)


def restored_values(restoring: Restoring, restored: Restored | None) -> Values:
    present = restoring.present
    return {
        "restored": restored is not None,
        "kept": str(restored.kept) if restored and restored.kept else None,
        "copy": contents_values(restoring.copy),
        "replaced": contents_values(present) if present else None,
    }


def found_text(records: Sequence[JournalRecord], findings: Sequence[Finding], view: View) -> str:
    """Lines bound since, from the journal, and what about marked lines is left for a person."""
    lines: list[str] = []
    for binding in _bindings(records):
        key = LineKey.parse(str(binding["key"]))
        lines += wrapped(f"line {binding['line']} of agreement {key.agreement}: {shown(key.product)}", view.width, "  ")
    head = [paint(f"{counted(len(lines), 'line')} found that the store did not know", "bold")]
    left = [found for found in findings if found.code in _UNEXPLAINED]
    for found in left:
        lines += [
            *wrapped(shown(found.sentence), view.width, "  "),
            *wrapped(shown(found.remedy), view.width, "    → "),
        ]
    if not left:
        lines.append("Every marked line has its row.")
    return "\n".join([*head, *lines])


def found_values(records: Sequence[JournalRecord], findings: Sequence[Finding]) -> Values:
    left = [found for found in findings if found.code in _UNEXPLAINED]
    return {
        "found": [{"line": b["line"], "key": b["key"], "state": b["state"]} for b in _bindings(records)],
        "left": [{"code": f.code.value, "sentence": f.sentence, "remedy": f.remedy} for f in left],
    }


def _bindings(records: Sequence[JournalRecord]) -> list[Values]:
    told = [json.loads(record.payload).get("binding") for record in records if record.kind in _FOUND]
    return [binding for binding in told if binding]
