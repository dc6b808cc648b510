"""Proves a cut-over before anything is written: the edited rows are planned, and their writes carried out on paper."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from agent.domain.agreements import Line
from agent.domain.cutover import Proof, Proposal, edited, proof
from agent.domain.desired import desired
from agent.domain.invoices import Invoice, Ledger
from agent.domain.mappings import CompanyMapping, Mappings, Row
from agent.domain.periods import DAY, Period
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
    psa: Psa
    policy: Policy
    zone: ZoneInfo
    now: datetime

    def rehearse(self, proposals: Sequence[Proposal], on: date) -> Rehearsal:
        rows = tuple(edited(row, proposals, on) for row in self.mapping.rows)
        mapping = replace(self.mapping, rows=rows)
        mappings = replace(self.mappings, companies={**self.mappings.companies, mapping.company: mapping})
        stage = self._played(mapping, mappings)
        after = {line.id: line for lines in stage.paper.of(self.reads.agreements).values() for line in lines}
        before = {line.id: line for lines in self.reads.lines.values() for line in lines}
        concerned = [row for row, was in zip(rows, self.mapping.rows, strict=True) if row != was]
        wanted = self._wanted(mapping, mappings)
        proofs, ids = [], set()
        for row in concerned:
            mine = {p.line.id for p in proposals if p.row is not None and p.row.place == row.place}
            base = row.key(self.psa.traits.name).base
            mine |= {b.line for key, b in stage.memory.bindings.items() if key.base == base}
            ids |= mine
            label, units = wanted.get(row.place, (row.profile.product, 0))
            was, becomes = ([known[id] for id in sorted(mine, key=abs) if id in known] for known in (before, after))
            proofs.append(proof(row, label, on, self._window(row, on), was, becomes, units))
        agreements = sorted({row.agreement for row in concerned})
        invoices = tuple(pair for number in agreements for pair in self._invoices(number, on, after.values(), ids))
        return Rehearsal(rows, tuple(proofs), invoices)

    def _played(self, mapping: CompanyMapping, mappings: Mappings) -> Stage:
        snapshots = {tenant: [Version(self.now, self.now, read)] for tenant, read in self.reads.snapshots.items()}
        evidence = Evidence([Version(self.now, self.now, self.reads.standing)], snapshots, self.memory, {})
        stage = Stage(Replay(mappings, self.psa, self.policy, self.zone), mapping, evidence, self.now)
        # Long enough for the second read that a lower count waits for.
        stage.play(self.now + 3 * self.policy.recheck + timedelta(seconds=1))
        return stage

    def _wanted(self, mapping: CompanyMapping, mappings: Mappings) -> Mapping[object, tuple[str, int]]:
        traits, reads = self.psa.traits, self.reads
        lines = desired(mapping, mappings, reads.snapshots, reads.products, traits.name, traits.text_limit).lines
        return {line.row.place: (line.label, line.terms.quantity - line.terms.included) for line in lines}

    def _window(self, row: Row, on: date) -> Period:
        """The periods on both sides of the boundary."""
        agreement = self.reads.agreements[row.agreement]
        return Period(agreement.period(on - DAY).start, agreement.period(on).end)

    def _invoices(
        self, number: int, on: date, after: Iterable[Line], ids: set[int]
    ) -> Iterator[tuple[Invoice, Invoice]]:
        """Every invoice up to that of the period in which the boundary lies, as it is now and as it will be."""
        agreement, lines = self.reads.agreements[number], self.reads.lines[number]
        through = agreement.period(on).end
        if agreement.next_invoice is None or agreement.next_invoice >= through:
            return
        fresh = {b.line for b in self.memory.bindings.values() if b.boundary == agreement.next_invoice}
        sides = []
        for side in (lines, [line for line in after if line.agreement == number]):
            ledger = Ledger(self.psa.traits.convention, fresh)
            ledger.read(agreement, lines, self.now)
            known = len(ledger.invoices)
            ledger.read(replace(agreement, next_invoice=through), side, self.now)
            sides.append([invoice.of(ids) for invoice in ledger.invoices[known:]])
        yield from zip(*sides, strict=True)
