"""Changes that wait for a person."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from agent.ports import Hold
from agent.reports.text import View, counted, paint, shown, signed, wrapped

_COLOURS = {"open": "yellow", "approved": "green", "rejected": "red"}


def holds_text(holds: Sequence[Hold], plans: Sequence[Mapping[str, Any]], view: View) -> str:
    """`plans` are the latest plans as the store keeps them: what they put off needs no decision."""
    lines: list[str] = []
    for hold in holds:
        lines += [*_hold(hold, view), ""]
    queued = [line for plan in plans for change in plan["changes"] for line in _queued(plan, change, view)]
    if queued:
        lines += [paint("Put off, nothing to decide", "bold"), *queued, ""]
    waiting = sum(hold.state == "open" for hold in holds)
    if not holds:
        return "\n".join([*lines, "Nothing is held."])
    return "\n".join([*lines, f"{counted(len(holds), 'held change')}, {waiting:,} undecided", *_how(holds)])


def _queued(plan: Mapping[str, Any], change: Mapping[str, Any], view: View) -> Iterator[str]:
    if change["queued"]:
        said = f"{view.company(plan['company'])}: {change['sentence']}, {change['queued']}"
        yield from wrapped(shown(said), view.width, "  ", "    ")


def _hold(hold: Hold, view: View) -> Iterator[str]:
    state = paint(hold.state, _COLOURS[hold.state])
    yield f"{paint(hold.digest, 'bold')}  {state}  {view.company(hold.company)}, since {view.at(hold.since)}"
    yield from wrapped(shown(hold.sentence), view.width, "  ")
    yield from wrapped(_money(hold), view.width, "  money:  ") if _money(hold) else ()
    for number, reason in enumerate(hold.reasons):
        yield from wrapped(shown(reason), view.width, "          " if number else "  held:   ")
    for number, write in enumerate(hold.writes):
        yield from wrapped(shown(write), view.width, "          " if number else "  writes: ")


def _money(hold: Hold) -> str:
    monthly = [f"{signed(hold.monthly)} a month"] if hold.monthly else []
    later = [f"{signed(hold.next_invoice)} on the next invoice"] if hold.next_invoice else []
    return ", ".join([*monthly, *later])


def _how(holds: Sequence[Hold]) -> Iterator[str]:
    waiting = next((hold for hold in holds if hold.state == "open"), None)
    if waiting is not None:
        yield f"Decide with: trueup approve {waiting.digest}, or trueup reject {waiting.digest} --reason TEXT"


def decided_text(holds: Sequence[Hold], verdict: str, view: View) -> str:
    lines: list[str] = []
    for hold in holds:
        label = f"{paint(verdict, _COLOURS[verdict])}  "
        lines += wrapped(f"{hold.digest} {view.company(hold.company)}: {shown(hold.sentence)}", view.width, label)
    return "\n".join(lines)
