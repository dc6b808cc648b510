"""What a run did, write by write."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime

from agent.domain.findings import Finding
from agent.ports import Entry, EntryState, RunSummary
from agent.reports.text import View, columns, counted, duration, paint, shown, wrapped

_MEANINGS = {
    EntryState.CONFIRMED: ("written", "green", "the PSA shows every value that was set"),
    EntryState.REFUSED: ("refused", "red", "surely not executed; planned anew in the next cycle"),
    EntryState.CONFLICT: ("conflict", "yellow", "not sent, because the line is not as planned; planned anew"),
    EntryState.UNKNOWN: ("unknown", "yellow", "may have happened: settled by reading, never sent again"),
    EntryState.INTENT: ("on its way", "yellow", "may have happened: settled by reading, never sent again"),
    EntryState.NOT_APPLIED: ("not applied", "yellow", "did not happen; planned anew in the next cycle"),
}


def run_text(
    run: RunSummary,
    entries: Sequence[Entry],
    again: datetime | None,
    head: tuple[int, str],
    view: View,
    unread: Sequence[Finding] = (),
) -> str:
    """`again`: when a lowered count or an open write is to be looked at once more; None where nothing waits. `head` is
    the journal's, printed so that it is kept elsewhere as well."""
    lines = [*_heading(run, view)]
    for entry in sorted(entries, key=lambda entry: entry.id):
        lines += _entry(entry, view)
    lines += columns(_sums(entries), right={1}, indent="  ")
    for finding in unread:
        lines += _unread(finding, view)
    if run.held:
        lines.append(f"{counted(run.held, 'change')} held for a person: trueup holds")
    if again is not None:
        lines.append(f"Something waits for a second look, not before {view.at(again)}: run it again then, or let the")
        lines.append("daemon do so.")
    lines.append(f"Journal: {counted(head[0], 'record')}, head {head[1]}")
    return "\n".join(lines)


def _unread(finding: Finding, view: View) -> Iterator[str]:
    yield from wrapped(shown(finding.sentence), view.width, f"  {paint('not read', 'red')}  ", "    ")
    yield "    Its lines stay as they are."
    yield from wrapped(shown(finding.remedy), view.width, "    → ", "      ")


def all_confirmed(entries: Sequence[Entry]) -> bool:
    return all(entry.state is EntryState.CONFIRMED for entry in entries)


def _heading(run: RunSummary, view: View) -> Iterator[str]:
    took = f" in {duration(int((run.ended - run.started).total_seconds()))}" if run.ended else ""
    state = paint(run.state, {"done": "green", "failed": "red"}.get(run.state, "yellow"))
    dry = ", dry run" if run.dry else ""
    whom = view.company(run.companies[0]) if len(run.companies) == 1 else counted(len(run.companies), "company")
    yield f"Run {run.id}: {state}{took}, {whom}{dry}, {counted(run.changes, 'change')} planned"
    if run.detail:
        yield from wrapped(shown(run.detail), view.width, "  ")


def _entry(entry: Entry, view: View) -> Iterator[str]:
    word, colour, _ = _MEANINGS[entry.state]
    says = f"{view.company(entry.write.company)}: {shown(entry.write.sentence)}"
    yield from wrapped(says, view.width, f"  {paint(word, colour)}  ", "    ")
    if entry.state is not EntryState.CONFIRMED:
        yield from wrapped(shown(entry.detail), view.width, "    ")


def _sums(entries: Sequence[Entry]) -> list[tuple[str, str, str]]:
    if not entries:
        return [("nothing", "", "was written")]
    counts = Counter(entry.state for entry in entries)
    return [
        (paint(word, colour), f"{counts[state]:,}", says)
        for state, (word, colour, says) in _MEANINGS.items()
        if counts[state]
    ]
