"""Replay what was read: what these mappings would have written, when, and what would have been invoiced.

Nothing is asked of anybody. The planner and the adapter's rules are the ones that work in a cycle; the writes take
effect on paper, where what is held counts as approved at once. Lines that people made or changed meanwhile are taken
over as they were read, unless the replay manages them; what Trueup itself wrote in reality is left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time
from heapq import heapify, heappop, heappush
from typing import TypeVar
from zoneinfo import ZoneInfo

from agent.domain.agreements import Agreement, Line, Product, Standing
from agent.domain.changes import Picture, Planned, Seen
from agent.domain.counts import Snapshot
from agent.domain.findings import Finding
from agent.domain.invoices import Invoice, Ledger, Made
from agent.domain.keys import LineKey, Mark, installation_tag
from agent.domain.mappings import CompanyMapping, Mappings
from agent.domain.ownership import Binding, BindingState, Charge
from agent.domain.periods import DAY
from agent.domain.replayed import Replayed, Written
from agent.domain.terms import History
from agent.engine.applying import bound
from agent.engine.paper import Paper
from agent.engine.planning import Policy, think
from agent.engine.reading import Reads
from agent.ports import Learnt, Memory, Psa, Version

_T = TypeVar("_T")

# Of plannings right after one another: a plan that never comes to rest would be a mistake of ours.
_FOLLOW_UPS = 10


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known of one company: versions of what was read, the oldest first, and what is remembered of its lines.

    `products` are of today's catalogue, for those that no read ever named.
    """

    standings: Sequence[Version[Standing]]
    snapshots: Mapping[str, Sequence[Version[Snapshot]]]
    memory: Memory
    products: Mapping[str, Product]
    histories: Mapping[str, History]

    @property
    def since(self) -> datetime | None:
        """From when on all of it is known; None where something was never read."""
        if not self.standings or not all(self.snapshots.values()):
            return None
        return max(self.standings[0].since, *(versions[0].since for versions in self.snapshots.values()))

    def news(self, begins: datetime, end: datetime) -> set[datetime]:
        """When something was first read otherwise."""
        times = {version.since for version in self.standings}
        times |= {version.since for versions in self.snapshots.values() for version in versions}
        return {at for at in times if begins < at < end}


@dataclass(frozen=True, slots=True)
class Replay:
    """`psa` is asked for its traits and its writes alone, which read and send nothing."""

    mappings: Mappings
    psa: Psa
    policy: Policy
    zone: ZoneInfo

    def run(self, company: int, evidence: Evidence, first: date, last: date) -> Replayed | None:
        """One company from the first to the last day; None where nothing is known of any of them."""
        begins, end = self.instant(first), self.instant(last + DAY)
        known = evidence.since
        if known is None or known >= end:
            return None
        stage = Stage(self, self.mappings.companies[company], evidence, max(begins, known))
        stage.play(end)
        wanted = self._ours(stage)
        return Replayed(
            company=company,
            begins=stage.begins,
            written=tuple(stage.written),
            billed=tuple(wanted(self._as_it_was(evidence, stage.begins, end))),
            replayed=tuple(wanted(stage.invoices())),
            findings=stage.findings,
            restless=stage.restless,
        )

    def instant(self, day: date) -> datetime:
        return datetime.combine(day, time(), self.zone)

    def _as_it_was(self, evidence: Evidence, begins: datetime, end: datetime) -> Iterator[Invoice]:
        ledgers = Ledgers(self, evidence.memory)
        for version in _within(evidence.standings, begins, end):
            ledgers.read(version.value.agreements, version.value.lines, max(version.since, begins))
        return ledgers.invoices()

    def _ours(self, stage: Stage) -> _Cut:
        products = {row.profile.product for row in stage.mapping.rows}
        return _Cut(products, {binding.line for binding in stage.evidence.memory.bindings.values()})


@dataclass(frozen=True, slots=True)
class _Cut:
    """Leaves of each invoice what this agent has to do with: mapped products, and lines that it ever managed."""

    products: set[str]
    lines: set[int]

    def __call__(self, invoices: Iterable[Invoice]) -> Iterator[Invoice]:
        for invoice in invoices:
            yield replace(invoice, items=tuple(item for item in invoice.items if self._ours(item.line)))

    def _ours(self, line: Line) -> bool:
        return line.id < 0 or line.identifier in self.products or line.id in self.lines


@dataclass(slots=True)
class Ledgers:
    """One ledger for each agreement. Invoices that were there before the first reading tell nothing of a difference."""

    replay: Replay
    memory: Memory
    _of: dict[int, Ledger] = field(default_factory=dict)

    def read(self, agreements: Mapping[int, Agreement], lines: Mapping[int, Sequence[Line]], at: datetime) -> None:
        for id, agreement in agreements.items():
            ledger = self._of.get(id) or self._begun(agreement)
            self._of[id] = ledger
            ledger.read(agreement, lines.get(id, ()), at.astimezone(self.replay.zone))

    def invoices(self) -> Iterator[Invoice]:
        for ledger in self._of.values():
            coming = ledger.next()
            yield from (invoice for invoice in ledger.invoices if invoice.made is Made.SEEN)
            yield from [coming] if coming else []

    def _begun(self, agreement: Agreement) -> Ledger:
        boundary = agreement.next_invoice
        bindings = self.memory.bindings.values()
        fresh = {b.line for b in bindings if boundary and b.boundary and b.boundary >= boundary}
        return Ledger(self.replay.psa.traits.convention, fresh)


class Stage:
    """One company's replay: paper, memory, and the time that goes on from one reading to the next."""

    def __init__(self, replay: Replay, mapping: CompanyMapping, evidence: Evidence, begins: datetime) -> None:
        self.replay, self.mapping, self.evidence, self.begins = replay, mapping, evidence, begins
        first = _at(evidence.standings, begins)
        self.memory = _remembered_at(evidence.memory, first)
        self.paper, self.ledgers = Paper(), Ledgers(replay, self.memory)
        # Before the replay begins, what Trueup wrote is as real as anything; what it wrote later is not.
        self.paper.lay((line for lines in first.lines.values() for line in lines), ())
        self.written: list[Written] = []
        self.findings: tuple[Finding, ...] = ()
        self.restless = False

    def play(self, end: datetime) -> None:
        """Plan at each news and at the beginning of each day, for some rules go by the calendar; and again soon after,
        while writes follow or a second read is waited for."""
        due = [(at, 0) for at in {self.begins, *self.evidence.news(self.begins, end), *self._midnights(end)}]
        heapify(due)
        while due:
            at, follow_ups = heappop(due)
            later = at + self.replay.policy.recheck
            if self._turn(at) and later < end:
                self.restless = self.restless or follow_ups == _FOLLOW_UPS
                if follow_ups < _FOLLOW_UPS:
                    heappush(due, (later, follow_ups + 1))

    def invoices(self) -> Iterator[Invoice]:
        return self.ledgers.invoices()

    def _midnights(self, end: datetime) -> Iterator[datetime]:
        day = self.begins.astimezone(self.replay.zone).date()
        while (midnight := self.replay.instant(day := day + DAY)) < end:
            yield midnight

    def _turn(self, at: datetime) -> bool:
        """One planning, carried out; whether another look soon after may bring more."""
        standing = _at(self.evidence.standings, at)
        self._take_over(standing)
        lines = self.paper.of(standing.agreements)
        self.ledgers.read(standing.agreements, lines, at)
        # A version stands for every reading from its first to its last; this one is of now.
        seen = {tenant: _at(versions, at) for tenant, versions in self.evidence.snapshots.items()}
        snapshots = {tenant: replace(snapshot, taken_at=at) for tenant, snapshot in seen.items()}
        histories = {tenant: history.as_of(at) for tenant, history in self.evidence.histories.items()}
        products = {**self.evidence.products, **standing.products}
        reads = Reads(snapshots, (), True, standing.agreements, lines, products)
        replay, today = self.replay, at.astimezone(self.replay.zone).date()
        plan, learnt = think(
            self.mapping, replay.mappings, reads, self.memory, replay.psa, replay.policy, at, today, histories
        )
        self.memory, self.findings = remembering(self.memory, learnt), learnt.findings
        ready = [planned for planned in plan.planned if planned.realisation.writes]
        for planned in ready:
            self._carry_out(planned, products, at)
        # Read again, so that the next invoice knows what was written.
        self.ledgers.read(standing.agreements, self.paper.of(standing.agreements), at)
        return bool(ready) or any(p.change.waits and not p.change.theirs for p in plan.planned)

    def _carry_out(self, planned: Planned, products: Mapping[str, Product], at: datetime) -> None:
        self.written.append(Written(at, planned))
        for write in planned.realisation.writes:
            line = self.paper.write(planned.change, write, products.get(write.key.product))
            proven = bound(write, Seen(Picture.AFTER, line))
            if proven is not None:
                self.memory = replace(self.memory, bindings={**self.memory.bindings, write.key: proven})

    def _take_over(self, standing: Standing) -> None:
        """People's lines as they are by now; those that the replay or Trueup manages stay as the replay has them."""
        mine = {binding.line for binding in self.memory.bindings.values()}
        tag = installation_tag(self.replay.policy.installation)
        lines = [line for lines in standing.lines.values() for line in lines]
        mine |= {line.id for line in lines if _mark_of(line) == tag}
        self.paper.lay((line for line in lines if line.id not in mine), mine)


def _mark_of(line: Line) -> str | None:
    mark = Mark.read(line.mark)
    return mark.installation if mark else None


def _within(versions: Sequence[Version[Standing]], begins: datetime, end: datetime) -> list[Version[Standing]]:
    before = [version for version in versions if version.since <= begins][-1:]
    return [*before, *(version for version in versions if begins < version.since < end)]


def _at(versions: Sequence[Version[_T]], moment: datetime) -> _T:
    return next(version.value for version in reversed(versions) if version.since <= moment)


def _remembered_at(memory: Memory, first: Standing) -> Memory:
    """Of what is known now, what was true of the lines that stood then."""
    lines = {line.id: line for lines in first.lines.values() for line in lines}
    invoiced = {id: agreement.next_invoice for id, agreement in first.agreements.items() if agreement.next_invoice}
    bindings = {key: _then(b, lines[b.line]) for key, b in memory.bindings.items() if b.line in lines}
    charges = {key: tuple(c for c in some if _was_made(c, invoiced)) for key, some in memory.charges.items()}
    return Memory(bindings, {}, {}, charges, invoiced, frozenset(), frozenset())


def _then(binding: Binding, line: Line) -> Binding:
    state = BindingState.LIVE if line.open else BindingState.ENDED
    return replace(binding, state=state, confirmed=binding.confirming(line))


def _was_made(charge: Charge, invoiced: Mapping[int, date]) -> bool:
    until = invoiced.get(charge.key.agreement)
    return until is not None and charge.period.end <= until


def remembering(memory: Memory, learnt: Learnt) -> Memory:
    charges: dict[LineKey, dict[date, Charge]] = {}
    for charge in (*(c for some in memory.charges.values() for c in some), *learnt.charges):
        charges.setdefault(charge.key, {})[charge.period.start] = charge
    return replace(
        memory,
        bindings={**memory.bindings, **{binding.key: binding for binding in learnt.bindings}},
        sightings={**memory.sightings, **{seen.key: seen for seen in learnt.sightings}},
        charges={key: tuple(some[day] for day in sorted(some)) for key, some in charges.items()},
        boundaries={**memory.boundaries, **learnt.boundaries},
    )
