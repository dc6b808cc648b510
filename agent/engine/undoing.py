"""What a run wrote is taken back: planned, guarded, approved, journaled and written like anything else.

The lines that the run moved are kept at what they were (`Kept`), and an ordinary plan brings them there: what the PSA
shows now, which days are invoiced, and how the profile takes a decrease are judged where they always are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from agent.domain.changes import Planned, Terms, Write, terms_of
from agent.domain.guards import CompanyPlan
from agent.domain.holdings import ownership
from agent.domain.keys import LineKey, Role
from agent.domain.mappings import CompanyMapping, Mappings, Mode
from agent.domain.ownership import Kept
from agent.domain.undoing import Deed, Undo, Undoing, by_hand, moves, taken_back, terms_shown
from agent.engine.cycle import Cycle
from agent.engine.planning import ground_of, think
from agent.engine.reading import Agreements, Reads, Sweep, reading
from agent.errors import TrueupError
from agent.ports import Entry, EntryState, Memory

_ENTRIES = 100_000  # of one run; more than a fleet's first cycle writes


class NothingToUndo(TrueupError):
    """There is no such run, it wrote nothing, or what it wrote cannot be planned back now."""


def undoing(cycle: Cycle, mappings: Mappings, run: str, companies: Sequence[int] | None, who: str) -> Undoing:
    """Read the run's companies (None: all of them) and plan. Nothing is kept, learnt or written.

    Raises `NothingToUndo`, or `ReadFailed` where the PSA cannot be read.
    """
    if cycle.store.run(run) is None:
        raise NothingToUndo(f"There is no run {run}", "List them with: trueup journal, or GET /runs")
    written = [e for e in reversed(cycle.store.entries(run, _ENTRIES)) if e.state is EntryState.CONFIRMED]
    wanted = sorted({e.write.company for e in written if companies is None or e.write.company in companies})
    if not wanted:
        raise NothingToUndo(f"Run {run} wrote nothing that was confirmed", "There is nothing to take back")
    unmapped = [company for company in wanted if company not in mappings.companies]
    if unmapped:
        raise NothingToUndo(f"Company {unmapped[0]} has no mapping file any more", "Restore it, then undo the run")
    parts = [_Company(cycle, mappings, mappings.companies[company], who).undo(run, written) for company in wanted]
    return Undoing(run, tuple(parts))


def carry_out(cycle: Cycle, found: Undoing, expires: timedelta) -> None:
    """Keep the lines, with the shown changes approved by whoever keeps them; the next cycle writes them."""
    now = cycle.clock.now()
    for part in found.parts:
        if part.kept:
            cycle.store.keep(part.company, part.kept, part.planned, now, now + expires)


@dataclass(frozen=True, slots=True)
class _Company:
    cycle: Cycle
    mappings: Mappings
    mapping: CompanyMapping
    who: str

    def undo(self, run: str, written: Sequence[Entry]) -> Undo:
        company, cycle = self.mapping.company, self.cycle
        written = [e for e in written if e.write.company == company]
        mine = [e for e in written if e.write.key.role is not Role.PAST]
        ids = self.mapping.agreements | {e.write.agreement for e in mine}
        memory = cycle.store.memory(cycle.psa.traits.name, company, ids, cycle.clock.now())
        reads = self._read(ids)
        now = self._terms(reads, memory)
        deeds, notes = self._deeds(run, mine, reads, memory)
        found = {d.key: taken_back(d, _present(now.get(d.key), d), self.who, cycle.clock.now()) for d in deeds}
        kept = {key: one for key, one in found.items() if one is not None}
        planned = self._planned(reads, memory, kept)
        for deed in deeds:
            if deed.key in kept:
                said = by_hand(deed, kept[deed.key], _present(now.get(deed.key), deed), _credits(planned, deed.key))
                kept[deed.key] = replace(kept[deed.key], note=said)
        notes += [
            f"{one.key.product} on agreement {one.key.agreement}: {one.note}" for one in kept.values() if one.note
        ]
        notes += self._unplanned(kept, planned)
        notes += [_past(e.write) for e in written if e.write.key.role is Role.PAST]
        return Undo(company, tuple(kept.values()), planned, tuple(notes))

    def _deeds(self, run: str, mine: Sequence[Entry], reads: Reads, memory: Memory) -> tuple[list[Deed], list[str]]:
        """What the run did, key by key; and of which keys it cannot be taken back, and why."""
        deeds, notes = [], []
        asked = {row.key(self.cycle.psa.traits.name) for row in self.mapping.rows}
        for key in dict.fromkeys(e.write.key.base for e in mine):
            own = [e for e in mine if e.write.key.base == key]
            why = self._obstacle(run, key, own, asked)
            if why:
                notes.append(f"{key.product} on agreement {key.agreement}: {why}")
            else:
                deeds.append(self._deed(run, key, own, reads, memory))
        return deeds, notes

    def _obstacle(self, run: str, key: LineKey, own: Sequence[Entry], asked: set[LineKey]) -> str:
        entries = (e for e in self.cycle.store.entries_of(key) if e.run != run and e.id > own[-1].id)
        later: dict[str, list[Write]] = {}
        for entry in (e for e in entries if e.state is EntryState.CONFIRMED):
            later.setdefault(entry.run, []).append(entry.write)
        after = next((other for other, writes in later.items() if moves(writes)), "")
        if after:
            return f"written again since, by run {after}: undo that one first"
        if key.row not in asked:
            return "no row asks for it any more: restore its row first"
        gave_way = [str(e.write.line) for e in own if e.write.key.role is Role.REPLACED]
        if gave_way:
            return (
                f"it took the place of line {', '.join(gave_way)}: clear that one's last day in the PSA by hand first"
            )
        return ""

    def _deed(self, run: str, key: LineKey, own: Sequence[Entry], reads: Reads, memory: Memory) -> Deed:
        store, first = self.cycle.store, own[0]
        before = store.standings(self.mapping.company, first.at)
        then = before[0].value.agreements.get(key.agreement) if before else None
        now = reads.agreements.get(key.agreement)
        moved = then and now and then.next_invoice and now.next_invoice and now.next_invoice > then.next_invoice
        day = first.at.astimezone(self.cycle.zone).date()
        line = next(b.line for b in memory.bindings.values() if b.key.base == key)
        return Deed(run, key, line, tuple(e.write for e in own), day, bool(moved))

    def _read(self, ids: frozenset[int]) -> Reads:
        cycle, mapping = self.cycle, self.mapping
        sweep = Sweep(cycle.source, [mapping], self.mappings.needs)
        agreements = Agreements(cycle.psa, ids, cycle.wire)
        return reading(mapping, agreements, ids, sweep, cycle.psa, cycle.catalogue, cycle.wire, lambda account: True)()

    def _terms(self, reads: Reads, memory: Memory) -> Mapping[LineKey, Terms]:
        """What each key's lines bill now; nothing of a key whose line has ended."""
        cycle = self.cycle
        ground = ground_of(
            self.mapping, self.mappings, reads, memory, cycle.psa, cycle.policy, cycle.clock.today(cycle.zone)
        )
        owned = ownership(ground, [row.key(cycle.psa.traits.name) for row in self.mapping.rows]).owned
        return {key: terms_of(mine.holding) for key, mine in owned.items() if mine.holding and mine.holding.base.open}

    def _planned(self, reads: Reads, memory: Memory, kept: Mapping[LineKey, Kept]) -> tuple[Planned, ...]:
        cycle, mapping = self.cycle, self.mapping
        now, today = cycle.clock.now(), cycle.clock.today(cycle.zone)
        memory = replace(memory, kept={**memory.kept, **kept}, past=())
        histories = cycle.histories(mapping)
        plan, _ = think(mapping, self.mappings, reads, memory, cycle.psa, cycle.policy, now, today, histories)
        return self._writable(plan, kept)

    def _writable(self, plan: CompanyPlan, kept: Mapping[LineKey, Kept]) -> tuple[Planned, ...]:
        if self.mapping.mode is Mode.REPORT:
            what = f"{self.mapping.name} is in mode report, in which nothing is written"
            raise NothingToUndo(what, 'Set its mode to "review" or "auto" first')
        return tuple(p for p in plan.planned if p.change.key.base in kept)

    def _unplanned(self, kept: dict[LineKey, Kept], planned: Sequence[Planned]) -> list[str]:
        """Lines that no change can bring back now, as sentences; they are not kept either."""
        moving = {p.change.key.base: p.realisation for p in planned}
        notes = []
        for key in list(kept):
            found = moving.get(key)
            if found is None or found.refused:
                why = found.note if found else "its line cannot be written to now; see trueup findings"
                notes.append(f"{key.product} on agreement {key.agreement}: {why}")
                del kept[key]
        return notes


def _past(write: Write) -> str:
    gap = write.key.part.partition("/")[0]
    return f"{write.sentence} was decided in the ledger: end that line by hand, then trueup ledger reopen {gap}"


def _present(now: Terms | None, deed: Deed) -> Terms:
    """What the key's lines bill now; a line that has ended bills nothing, at the terms that it had."""
    if now is not None:
        return now
    last = next((w for w in reversed(deed.writes) if w.key.role is Role.BASE), deed.writes[-1])
    return replace(terms_shown({**last.before, **last.after}), quantity=0)


def _credits(planned: Sequence[Planned], key: LineKey) -> list[Write]:
    writes = [w for p in planned if p.change.key.base == key for w in p.realisation.writes]
    return [w for w in writes if w.key.role is Role.CREDIT]
