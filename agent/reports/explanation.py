"""Why a line bills what it bills: from the read of the tenant to the requests that were sent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from agent.domain.changes import Step
from agent.domain.counts import Observation, Snapshot
from agent.domain.keys import LineKey
from agent.domain.mappings import LicenceCount, Row, SumCount
from agent.domain.ownership import Binding
from agent.ports import Entry
from agent.reports.text import View, columns, counted, paint, shown, wrapped
from agent.reports.values import Values, of_entry, of_steps


@dataclass(frozen=True, slots=True)
class Explanation:
    """All that is remembered of one row's line. `planned` are its changes in the latest plan, as plain values."""

    row: Row
    key: LineKey
    label: str
    snapshot: Snapshot | None
    steps: tuple[Step, ...]
    binding: Binding | None
    planned: tuple[Mapping[str, object], ...]
    entries: tuple[Entry, ...]

    @property
    def seen(self) -> tuple[Observation, ...]:
        """What the tenant listed of the licences that the row counts."""
        match self.row.count:
            case LicenceCount(sku=sku):
                skus: Sequence[str] = (sku,)
            case SumCount(skus=several):
                skus = several
            case _:
                skus = ()
        known = self.snapshot.observations if self.snapshot else {}
        return tuple(known[sku] for sku in skus if sku in known)


def explanation_text(explained: Explanation, view: View) -> str:
    title = f"{view.company(explained.row.company)}: {shown(explained.label)} on agreement {explained.key.agreement}"
    parts = [
        ("Read", _read(explained, view)),
        ("Counted", _counted(explained)),
        ("In the PSA, as last confirmed", _line(explained.binding)),
        ("Planned", _planned(explained, view)),
        ("Written", _written(explained, view)),
    ]
    lines = [paint(title, "bold"), f"{explained.row.place}, profile {explained.row.profile.name}"]
    for name, said in parts:
        lines += ["", paint(name, "bold"), *said]
    return "\n".join(lines)


def explanation_values(explained: Explanation) -> Values:
    """The same for JSON."""
    snapshot, binding = explained.snapshot, explained.binding
    return {
        "company": explained.row.company,
        "agreement": explained.key.agreement,
        "label": explained.label,
        "key": str(explained.key),
        "row": str(explained.row.place),
        "profile": explained.row.profile.name,
        "read": snapshot.taken_at.isoformat() if snapshot else None,
        "people": _people(explained),
        "steps": of_steps({explained.key: explained.steps})[0]["steps"],
        "line": {"id": binding.line, "state": binding.state.value, **binding.confirmed} if binding else None,
        "planned": [dict(change) for change in explained.planned],
        "writes": [of_entry(entry) for entry in explained.entries],
    }


def _read(explained: Explanation, view: View) -> Iterator[str]:
    snapshot = explained.snapshot
    if snapshot is None:
        yield f"  Tenant {explained.key.tenant} has not been read yet."
        return
    yield f"  Tenant {shown(snapshot.account.name) or snapshot.account.id}, {view.ago(snapshot.taken_at)} " + (
        f"({view.at(snapshot.taken_at)})"
    )
    for seen in explained.seen:
        unassigned = f", {seen.unassigned} unassigned" if seen.per_user else ""
        yield from wrapped(
            f"{shown(seen.name)}: {seen.purchased} purchased, {seen.assigned} assigned{unassigned}", view.width, "  "
        )
    people = _people(explained)
    if people:
        yield from wrapped(", ".join(people), view.width, f"  {counted(len(people), 'holder')}: ", "    ")


def _people(explained: Explanation) -> list[str]:
    """Who holds a licence that the row counts; the row's filter is a step of its own."""
    snapshot = explained.snapshot
    holders = {m.id: shown(m.login) for seen in explained.seen if snapshot for m in snapshot.holders(seen.sku)}
    return sorted(holders.values())


def _counted(explained: Explanation) -> list[str]:
    if not explained.steps:
        return ["  No number could be had; see: trueup findings"]
    return columns([(s.rule, shown(s.says), s.value) for s in explained.steps], right={2}, indent="  ")


def _line(binding: Binding | None) -> list[str]:
    if binding is None:
        return ["  No line is bound to this row yet."]
    if not binding.confirmed:
        return [f"  Line {binding.line}, {binding.state}, adopted and not written yet."]
    said = [(name, shown(value)) for name, value in binding.confirmed.items() if value]
    return [f"  Line {binding.line}, {binding.state}", *columns(said, indent="    ")]


def _planned(explained: Explanation, view: View) -> Iterator[str]:
    if not explained.planned:
        yield "  Nothing."
    for change in explained.planned:
        yield from wrapped(shown(str(change["sentence"])), view.width, "  ")
        waits = change["note"] or change["waits"]
        if waits:
            yield from wrapped(shown(str(waits)), view.width, f"    {paint('waits', 'cyan')}: ")
        if change["holds"]:
            yield f"    {paint('held', 'yellow')}: trueup approve {change['digest']}"


def _written(explained: Explanation, view: View) -> list[str]:
    if not explained.entries:
        return ["  Nothing yet."]
    ordered = sorted(explained.entries, key=lambda entry: entry.id)
    rows = [(view.at(e.at), e.state.value, shown(e.write.sentence), f"run {e.run}") for e in ordered]
    return columns(rows, indent="  ")
