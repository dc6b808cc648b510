"""Proves a cut-over before anything is written: the edited rows are planned, and their writes carried out on paper."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from agent.domain.agreements import Line
from agent.domain.cutover import Proof, Proposal, edited, proof
from agent.domain.desired import desired
from agent.domain.findings import Stop
from agent.domain.invoices import Invoice, Ledger, Made
from agent.domain.keys import LineKey
from agent.domain.mappings import CompanyMapping, Mappings, Row
from agent.domain.periods import DAY, Period
from agent.domain.terms import History
from agent.engine.planning import Policy
from agent.engine.reading import Reads
from agent.engine.replay import Evidence, Replay, Stage
from agent.ports import Memory, Psa, Version


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """What the edited rows come to. `invoices` are those around the boundary, before and after, of the rows' lines."""

    rows: tuple[Row, ...]
    proofs: tuple[Proof, ...]
    invoices: tuple[tuple[Invoice, Invoice], ...]


@dataclass(frozen=True, slots=True)
class CutOver:
    """One company as it was read just now; `psa` only says which requests a change needs."""

    mapping: CompanyMapping
    mappings: Mappings
    reads: Reads
    memory: Memory
    histories: Mapping[str, History]
    psa: Psa
    policy: Policy
    zone: ZoneInfo
    now: datetime

    def rehearse(self, proposals: Sequence[Proposal], on: date) -> Rehearsal:
        rows = tuple(edited(row, proposals, on) for row in self.mapping.rows)
        mapping = replace(self.mapping, rows=rows)
        mappings = replace(self.mappings, companies={**self.mappings.companies, mapping.company: mapping})
        stage = self._played(mapping, mappings)
        after = stage.paper.of(self.reads.agreements)
        concerned = [row for row, was in zip(rows, self.mapping.rows, strict=True) if row != was]
        numbers = sorted({row.agreement for row in concerned})
        sides = {n: (self._invoices(n, on, self.reads.lines[n]), self._invoices(n, on, after[n])) for n in numbers}
        wanted = self._wanted(mapping, mappings)
        proofs, ids = [], set()
        for row in concerned:
            mine = self._lines_of(row, proposals, stage.memory)
            was, becomes = ([invoice.of(mine) for invoice in side] for side in sides[row.agreement])
            label, units = wanted[row.key(self.psa.traits.name)]
            proofs.append(proof(row, label, on, self._window(row, on), was, becomes, units))
            ids |= mine
        made = [pair for was, becomes in sides.values() for pair in zip(was, becomes, strict=True)]
        to_come = tuple((was.of(ids), becomes.of(ids)) for was, becomes in made if was.made is not Made.ASSUMED)
        return Rehearsal(rows, tuple(proofs), to_come)

    def _lines_of(self, row: Row, proposals: Iterable[Proposal], memory: Memory) -> set[int]:
        its = row.key(self.psa.traits.name).row
        found = {p.line.id for p in proposals if p.row is not None and p.row.place == row.place}
        return found | {binding.line for key, binding in memory.bindings.items() if key.row == its}

    def _played(self, mapping: CompanyMapping, mappings: Mappings) -> Stage:
        snapshots = {tenant: [Version(self.now, self.now, read)] for tenant, read in self.reads.snapshots.items()}
        evidence = Evidence(
            [Version(self.now, self.now, self.reads.standing)], snapshots, self.memory, {}, self.histories
        )
        stage = Stage(Replay(mappings, self.psa, self.policy, self.zone), mapping, evidence, self.now)
        # Long enough for the second read that a lower count waits for.
        stage.play(self.now + 3 * self.policy.recheck + timedelta(seconds=1))
        return stage

    def _wanted(self, mapping: CompanyMapping, mappings: Mappings) -> Mapping[LineKey, tuple[str, int | Stop]]:
        """What each row is called, and the units that it is to bill or why that is not known."""
        traits, reads = self.psa.traits, self.reads
        names = traits.name, traits.text_limit, self.policy.currency
        asked = desired(mapping, mappings, reads.snapshots, reads.products, *names, self.histories)
        unknown = {key: (key.product, stop) for key, stop in asked.unknown.items()}
        return {**unknown, **{line.key: (line.label, line.doubt or line.terms.billed) for line in asked.lines}}

    def _window(self, row: Row, on: date) -> Period:
        """The periods on both sides of the boundary."""
        agreement = self.reads.agreements[row.agreement]
        return Period(agreement.period(on - DAY).start, agreement.period(on).end)

    def _invoices(self, number: int, on: date, lines: Sequence[Line]) -> list[Invoice]:
        """From the period of the day before to that of the day itself; those that are made are what they are."""
        agreement, now = self.reads.agreements[number], self.reads.lines[number]
        bindings = self.memory.bindings.values()
        fresh = {b.line for b in bindings if b.boundary and b.boundary == agreement.next_invoice}
        ledger = Ledger(self.psa.traits.convention, fresh)
        ledger.read(agreement, now, self.now, min(on - DAY, self.now.astimezone(self.zone).date()))
        through = agreement.period(on).end
        if agreement.next_invoice is not None and agreement.next_invoice < through:
            ledger.read(replace(agreement, next_invoice=through), lines, self.now)
        return ledger.invoices
