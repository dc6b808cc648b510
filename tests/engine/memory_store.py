"""The `Store` port as a few dictionaries, for tests that run a hundred thousand cycles.

The `Disk` is what survives: stores are opened on it one after the other, as the processes of an agent would.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, fields, replace
from datetime import date, datetime, timedelta
from hashlib import sha256
from threading import RLock
from typing import Any, Self
from zoneinfo import ZoneInfo

from agent.domain.agreements import Standing
from agent.domain.changes import Picture, Planned, Write
from agent.domain.closing import PER_SOURCE, nobody_asks
from agent.domain.counts import Account, Coverage, Snapshot
from agent.domain.findings import Code, Finding, Over
from agent.domain.keys import LineKey, Role
from agent.domain.ledger import Settlement
from agent.domain.news import Told
from agent.domain.ownership import Binding, BindingState, Charge, Kept, Sighting, as_released
from agent.domain.terms import UNREAD, History, next_chapter
from agent.errors import AnotherWriter, EntryOpen, LeaseLost, StoreFailed
from agent.ports import (
    Clock,
    ClosedFinding,
    Contents,
    Decision,
    Derivation,
    Entry,
    EntryState,
    Hold,
    JournalRecord,
    Learnt,
    Memory,
    OpenFinding,
    RunSummary,
    SeenGap,
    Tenure,
    Version,
)
from agent.store.canonical import canonical, parsed
from agent.store.journal import GENESIS, link
from agent.store.rows import plan_text
from agent.store.tables import instant_text

OPEN = (EntryState.INTENT, EntryState.UNKNOWN)
_KEPT = timedelta(days=30)  # a run that wrote nothing
_CHARGES_KEPT = timedelta(days=400)
_WRONG = (Code.UNDER_BILLED, Code.OVER_BILLED, Code.PSA_UNREADABLE)


@dataclass(frozen=True, slots=True)
class Held:
    """A hold while its change is planned; a decision counts until `until`."""

    hold: Hold
    until: datetime | None = None

    def standing(self, now: datetime) -> str:
        return "open" if self.until is not None and self.until <= now else self.hold.state


@dataclass(slots=True)
class Disk:
    """Everything that was committed. Its values are frozen, so a copy of the tables is a backup."""

    installation: str = "0f" * 16
    runs: dict[str, RunSummary] = field(default_factory=dict)
    snapshots: dict[Account, list[Version[Snapshot]]] = field(default_factory=dict)
    histories: dict[Account, History] = field(default_factory=dict)
    standings: dict[int, list[Version[Standing]]] = field(default_factory=dict)
    bindings: dict[LineKey, tuple[int, Binding]] = field(default_factory=dict)
    sightings: dict[LineKey, tuple[int, Sighting]] = field(default_factory=dict)
    charges: dict[tuple[LineKey, date], tuple[int, Charge]] = field(default_factory=dict)
    boundaries: dict[int, tuple[int, date]] = field(default_factory=dict)
    entries: dict[int, Entry] = field(default_factory=dict)
    holds: dict[str, Held] = field(default_factory=dict)
    findings: dict[tuple[str, Code, str], OpenFinding] = field(default_factory=dict)
    closed: list[ClosedFinding] = field(default_factory=list)
    gaps: list[SeenGap] = field(default_factory=list)
    settlements: list[Settlement] = field(default_factory=list)
    derivations: list[tuple[int, Derivation]] = field(default_factory=list)
    decisions: dict[str, Decision] = field(default_factory=dict)
    plans: dict[int, tuple[str, datetime, Learnt]] = field(default_factory=dict)
    told: dict[tuple[str, str], Told] = field(default_factory=dict)
    journal: list[JournalRecord] = field(default_factory=list)
    lock: Any = field(default_factory=RLock)
    written: bool = False  # somebody holds the writer's lock
    epoch: int = 0
    kept: dict[LineKey, tuple[int, Kept]] = field(default_factory=dict)
    adopted: set[int] | None = None  # None: nobody asked

    def backup(self) -> Disk:
        tables = {f.name: getattr(self, f.name) for f in fields(self) if f.name not in ("lock", "written")}
        return Disk(**{name: kept.copy() if hasattr(kept, "copy") else kept for name, kept in tables.items()})


class MemoryStore:
    """`agent.ports.Store` on a disk in memory. Whatever it refuses, it refuses before it keeps anything."""

    def __init__(self, disk: Disk, clock: Clock) -> None:
        self.disk, self._clock = disk, clock
        self._tenure: Tenure | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.dispose()

    @property
    def installation(self) -> str:
        return self.disk.installation

    @contextmanager
    def writer(self) -> Iterator[None]:
        if self.disk.written:
            raise AnotherWriter("this process writes already")
        self.disk.written = True
        self.disk.epoch += 1
        self._tenure = Tenure(self.disk.epoch, self._clock.now())
        for entry in self.disk.entries.values():
            if entry.state is EntryState.INTENT and entry.taken_over is None:
                self.disk.entries[entry.id] = replace(entry, taken_over=self._clock.now())
        try:
            yield
        finally:
            self.disk.written, self._tenure = False, None

    @property
    def tenure(self) -> Tenure | None:
        return self._tenure

    def may_send(self) -> bool:
        return self._tenure is None or self._tenure.epoch == self.disk.epoch

    def dispose(self) -> None:
        pass

    def contents(self) -> Contents:
        records, head = self.journal_head()
        return Contents(self.installation, self.disk.newest, records, len(self.disk.entries), head)

    def journal_head(self) -> tuple[int, str]:
        journal = self.disk.journal
        return (len(journal), journal[-1].hash) if journal else (0, GENESIS)

    def journal_after(self, seq: int, limit: int = 1000) -> Sequence[JournalRecord]:
        return self.disk.journal[seq : seq + limit]

    def ask_to_adopt(self, reason: str, at: datetime) -> None:
        with self._writing(at) as disk:
            disk.adopted = set()
            self._record("adopt-asked", {"reason": reason}, at)

    def to_adopt(self, companies: Collection[int]) -> frozenset[int]:
        return frozenset() if self.disk.adopted is None else frozenset(companies) - self.disk.adopted

    def newest(self) -> datetime | None:
        disk = self.disk
        ended = [run.ended for run in disk.runs.values() if run.state == "done" and run.ended]
        taken = [kept[-1].last for kept in disk.snapshots.values()]
        planned = [at for _, at, _ in disk.plans.values()]
        return max([*ended, *taken, *planned, *(e.at for e in disk.entries.values())], default=None)

    def open_run(self, reason: str, companies: Sequence[int], dry: bool, at: datetime) -> str:
        with self._writing(at) as disk:
            wrote = {entry.run for entry in disk.entries.values()}
            quiet = [r.id for r in disk.runs.values() if r.started < at - _KEPT and r.id not in wrote]
            for run in quiet:
                del disk.runs[run]
            run = f"{at:%Y%m%d-%H%M%S}-{len(disk.runs):06x}"
            disk.runs[run] = RunSummary(run, reason, tuple(companies), dry, at, None, "running")
        return run

    def seal_run(self, run: str, state: str, at: datetime, detail: str = "") -> None:
        with self._writing(at) as disk:
            if run not in disk.runs:
                raise StoreFailed(f"run {run} is not in the store")
            disk.runs[run] = sealed = replace(self._counted(run), state=state, ended=at, detail=detail)
            if state != "done" or sealed.confirmed or sealed.refused or sealed.unknown:
                self._record("run-sealed", {"run": run, "state": state}, at)

    def runs(self, limit: int = 50) -> Sequence[RunSummary]:
        newest = sorted(self.disk.runs.values(), key=lambda run: run.started, reverse=True)
        return [self._counted(run.id) for run in newest[:limit]]

    def run(self, run: str) -> RunSummary | None:
        return self._counted(run) if run in self.disk.runs else None

    def remember(self, snapshots: Iterable[Snapshot]) -> None:
        for snapshot in snapshots:
            with self._writing(snapshot.taken_at) as disk:
                kept = disk.snapshots.get(snapshot.account, [])
                if not kept or kept[-1].last <= snapshot.taken_at:
                    disk.snapshots.pop(snapshot.account, None)  # the tenant may have another name now
                    disk.snapshots[snapshot.account] = _and(kept, snapshot, snapshot.taken_at)
                    self._continue(snapshot, kept[-1].last if kept else None)

    def _continue(self, snapshot: Snapshot, before: datetime | None) -> None:
        told = dict(self.disk.histories.get(snapshot.account, UNREAD).chapters)
        bought = [one for seen in snapshot.observations.values() for one in seen.subscriptions]
        for one in bought if Coverage.SUBSCRIPTIONS in snapshot.coverage else ():
            known = told.get(one.id, ())
            news = next_chapter(known[-1] if known else None, one, snapshot, before)
            told[one.id] = (*known, news) if news else known
        self.disk.histories[snapshot.account] = History(told, snapshot.taken_at)

    def histories(self, source: str, accounts: Iterable[str]) -> Mapping[str, History]:
        wanted = set(accounts)
        kept = self.disk.histories.items()
        return {of.id: told for of, told in kept if of.source == source and of.id in wanted and told.chapters}

    def last_snapshot(self, account: Account) -> Snapshot | None:
        kept = self.disk.snapshots.get(account)
        return kept[-1].value if kept else None

    def snapshots(self, account: Account, since: datetime) -> Sequence[Version[Snapshot]]:
        return [replace(v, digest=_digest(v.value)) for v in _from(self.disk.snapshots.get(account, []), since)]

    def standings(self, company: int, since: datetime) -> Sequence[Version[Standing]]:
        return _from(self.disk.standings.get(company, []), since)

    def forget_past(self, before: datetime) -> None:
        self.disk.snapshots = {of: _since(kept, before) for of, kept in self.disk.snapshots.items()}
        self.disk.standings = {of: _since(kept, before) for of, kept in self.disk.standings.items()}
        self.disk.derivations = [(of, d) for of, d in self.disk.derivations if d.until is None or d.until >= before]

    def to_thin(self, before: date) -> Sequence[Account]:
        """None: memory ends with its test, long before any day is past enough."""
        return []

    def thin(self, account: Account, before: date, zone: ZoneInfo, companies: Collection[int]) -> int:
        return 0

    def size(self) -> int:
        return 0

    def give_back_space(self) -> None: ...

    def snapshot_age(self) -> Mapping[Account, datetime]:
        return {account: kept[-1].last for account, kept in self.disk.snapshots.items()}

    def bound_agreements(self, psa: str) -> Mapping[int, frozenset[int]]:
        found: dict[int, frozenset[int]] = {}
        for company, b in self.disk.bindings.values():
            if b.key.psa == psa and b.state is BindingState.LIVE:
                found[company] = found.get(company, frozenset()) | {b.key.agreement}
        return found

    def memory(
        self, psa: str, company: int, agreements: Iterable[int], at: datetime, accounts: Iterable[str] = ()
    ) -> Memory:
        named, shared, disk = frozenset(agreements), frozenset(accounts), self.disk

        def mine(key: LineKey, of: int) -> bool:
            return key.psa == psa and (of == company or key.agreement in named)

        charges: dict[LineKey, tuple[Charge, ...]] = {}
        for (key, _), (of, charge) in sorted(disk.charges.items(), key=lambda item: item[0][1]):
            if mine(key, of):
                charges[key] = (*charges.get(key, ()), charge)
        decided = [(d, h.standing(at)) for d, h in disk.holds.items() if h.hold.company == company]
        return Memory(
            bindings={key: b for key, (of, b) in disk.bindings.items() if mine(key, of)},
            open_entries={e.write.key: e for e in self.entry_open() if mine(e.write.key, e.write.company)},
            sightings={key: seen for key, (of, seen) in disk.sightings.items() if mine(key, of)},
            charges=charges,
            boundaries={a: day for a, (of, day) in disk.boundaries.items() if of == company or a in named},
            past=self._ordered(company),
            kept={key: one for key, (of, one) in disk.kept.items() if mine(key, of)},
            approved=frozenset(digest for digest, state in decided if state == "approved"),
            rejected=frozenset(digest for digest, state in decided if state == "rejected"),
            elsewhere=tuple(
                b
                for key, (of, b) in disk.bindings.items()
                if key.psa == psa and key.account in shared and not mine(key, of)
            ),
            made=Counter(
                e.write.agreement
                for e in disk.entries.values()
                if e.write.key.psa == psa and e.write.agreement in named and at - timedelta(days=1) < e.at
                if e.write.line is None and e.write.key.role is Role.BASE and e.state in (*OPEN, EntryState.CONFIRMED)
            ),
        )

    def learn(self, run: str, learnt: Learnt, at: datetime) -> None:
        company = learnt.company
        self.remember(learnt.snapshots)
        with self._writing(at) as disk:
            if learnt.standing is not None:
                disk.standings[company] = _and(disk.standings.get(company, []), learnt.standing, at)
            if learnt.adopted and disk.adopted is not None:
                disk.adopted.add(company)
            for b in learnt.bindings:
                self._learn_binding(run, company, b, at)
            disk.sightings |= {seen.key: (company, seen) for seen in learnt.sightings}
            disk.charges |= {(c.key, c.period.start): (company, c) for c in learnt.charges}
            self._forget_charges({c.key for c in learnt.charges}, (at - _CHARGES_KEPT).date())
            disk.boundaries |= {agreement: (company, day) for agreement, day in learnt.boundaries.items()}
            self._derive(run, learnt, at)
            self._hold(learnt, at)
            self._report(f"company/{company}", learnt.findings, learnt.complete, at)
            disk.plans[company] = (run, at, learnt)

    def mended(self, company: int, subjects: Iterable[str], at: datetime, digests: Iterable[str] = ()) -> None:
        with self._writing(at) as disk:
            for digest in digests:
                disk.holds.pop(digest, None)
            for subject in subjects:
                for code in _WRONG:
                    self._over((f"company/{company}", code, subject), Over.WRITTEN, at)

    def forget(self, mapped: Mapping[int, Collection[str]], sources: Collection[str], at: datetime) -> None:
        with self._writing(at) as disk:
            for place in list(disk.findings):
                self._orphan(place, mapped, sources, at)
            for company in disk.plans.keys() - mapped.keys():
                for place in [p for p in disk.findings if p[0] == f"company/{company}"]:
                    self._over(place, Over.FILE_GONE, at)
                disk.holds = {d: held for d, held in disk.holds.items() if held.hold.company != company}
                del disk.plans[company]

    def report(self, company: int, findings: Sequence[Finding], at: datetime) -> None:
        with self._writing(at):
            self._report(f"company/{company}", findings, False, at)

    def refusals(self, keys: Iterable[LineKey]) -> Mapping[LineKey, str]:
        asked = set(keys)
        newest = {entry.write.key: entry for entry in self.disk.entries.values() if entry.write.key in asked}
        return {key: e.detail for key, e in newest.items() if e.state in (EntryState.REFUSED, EntryState.CONFLICT)}

    def note(self, scope: str, findings: Sequence[Finding], at: datetime) -> None:
        with self._writing(at):
            self._report(scope, findings, True, at)

    def intend(self, run: str, planned: Planned, write: Write, at: datetime) -> Entry:
        with self._writing(at) as disk:
            epoch = self._tenure.epoch if self._tenure else 0
            if epoch != disk.epoch:
                raise LeaseLost("this agent is not the one that writes any more")
            before = next((entry for entry in self.entry_open() if entry.write.key == write.key), None)
            if before is not None:
                since = f"{before.at:%Y-%m-%d %H:%M}"
                raise EntryOpen(f"line {write.key}: entry {before.id} is {before.state} since {since} UTC")
            if run not in disk.runs:
                raise StoreFailed(f"run {run} is not in the store")
            about = {"change": planned.digest, "reason": planned.change.reason}
            entry = Entry(len(disk.entries) + 1, run, write, EntryState.INTENT, at, **about, epoch=epoch)
            disk.entries[entry.id] = entry
            self._record("intent", {"run": run, "change": planned.digest, "write": write.digest}, at, entry.id)
        return entry

    def close(self, entry: Entry, state: EntryState, detail: str, at: datetime, binding: Binding | None = None) -> None:
        with self._writing(at) as disk:
            self._expect_open(entry)
            disk.entries[entry.id] = replace(disk.entries[entry.id], state=state, detail=detail, at=at, looked=None)
            if binding is not None:
                before = disk.bindings.get(binding.key, (0, None))[1]
                disk.bindings[binding.key] = (entry.write.company, as_released(binding, before))
            self._record(state.value, {"detail": detail, "line": binding.line if binding else None}, at, entry.id)

    def looked(self, entry: Entry, picture: Picture, at: datetime) -> None:
        with self._writing(at) as disk:
            self._expect_open(entry)
            disk.entries[entry.id] = replace(disk.entries[entry.id], looked=(picture, at))

    def entry_open(self) -> Sequence[Entry]:
        return [entry for entry in self.disk.entries.values() if entry.state in OPEN]

    def entries(self, run: str | None = None, limit: int = 200) -> Sequence[Entry]:
        newest = reversed(self.disk.entries.values())
        return [entry for entry in newest if run in (None, entry.run)][:limit]

    def confirmed(self, since: datetime, company: int | None = None) -> Sequence[Entry]:
        done = [e for e in self.disk.entries.values() if e.state is EntryState.CONFIRMED and e.at >= since]
        return [entry for entry in done if company in (None, entry.write.company)]

    def entries_of(self, key: LineKey) -> Sequence[Entry]:
        return [entry for entry in self.disk.entries.values() if entry.write.key.base == key.base]

    def decisions(self, digests: Iterable[str]) -> Mapping[str, Decision]:
        return {digest: self.disk.decisions[digest] for digest in digests if digest in self.disk.decisions}

    def decide(self, digest: str, verdict: str, who: str, at: datetime, until: datetime | None) -> Sequence[Hold]:
        if verdict not in ("approved", "rejected"):
            raise ValueError(f"a hold is approved or rejected, not {verdict!r}")
        with self._writing(at) as disk:
            named = [replace(hold, state=verdict) for hold in self._named(digest, at)]
            for hold in named:
                disk.holds[hold.digest] = Held(hold, until)
                disk.decisions[hold.digest] = Decision(hold.digest, verdict, who, at)
                self._record(verdict, {"who": who, "digest": hold.digest}, at)
        return named

    def keep(
        self, company: int, kept: Sequence[Kept], approved: Sequence[Planned], at: datetime, until: datetime
    ) -> None:
        with self._writing(at) as disk:
            disk.kept |= {one.key: (company, one) for one in kept}
            for one in kept:
                self._record("kept", {"sentence": one.says}, at)
            for planned in approved:
                hold = Hold(
                    planned.digest, company, planned.change.sentence, (), (), planned.change.monthly, at, "approved"
                )
                disk.holds[planned.digest] = Held(hold, until)
                self._record("approved", {"digest": planned.digest}, at)

    def take(self, company: int, key: LineKey, bindings: Sequence[Binding], who: str, at: datetime) -> None:
        with self._writing(at) as disk:
            disk.kept.pop(key, None)
            disk.sightings.pop(key, None)
            disk.bindings |= {b.key: (company, b) for b in bindings}
            self._record("taken", {"who": who}, at)

    def release(self, company: int, bindings: Sequence[Binding], who: str, at: datetime) -> None:
        with self._writing(at) as disk:
            disk.bindings |= {b.key: (company, b) for b in bindings}
            for b in bindings:
                disk.kept.pop(b.key.base, None)
                self._record("released", {"who": who}, at)

    def kept(self, company: int | None = None) -> Sequence[tuple[int, Kept]]:
        return [(of, one) for of, one in self.disk.kept.values() if company in (None, of)]

    def released(self, company: int | None = None) -> Sequence[tuple[int, Binding]]:
        gone = [(of, b) for of, b in self.disk.bindings.values() if b.state is BindingState.RELEASED]
        return [(of, b) for of, b in gone if company in (None, of)]

    def managed(self, line: int) -> tuple[int, Binding] | None:
        return next((bound for bound in self.disk.bindings.values() if bound[1].line == line), None)

    def holds(self, company: int | None = None) -> Sequence[Hold]:
        now = self._clock.now()
        kept = [replace(held.hold, state=held.standing(now)) for held in self.disk.holds.values()]
        return sorted((h for h in kept if company in (None, h.company)), key=lambda h: (h.company, h.since, h.digest))

    def findings(self, company: int | None = None) -> Sequence[OpenFinding]:
        kept = [found for found in self.disk.findings.values() if company in (None, found.finding.company)]
        return sorted(kept, key=lambda found: found.first_seen)

    def closed_findings(self, since: datetime, company: int | None = None) -> Sequence[ClosedFinding]:
        mine = [one for one in self.disk.closed if one.closed >= since and company in (None, one.finding.company)]
        return sorted(reversed(mine), key=lambda one: one.closed, reverse=True)

    def past_findings(self, since: datetime) -> Sequence[Version[Finding]]:
        still = [Version(found.first_seen, found.last_seen, found.finding) for found in self.disk.findings.values()]
        over = [Version(v.first_seen, v.closed, v.finding) for v in self.disk.closed if v.closed > since]
        return sorted(over + still, key=lambda version: version.since)

    def _ordered(self, company: int) -> tuple[Settlement, ...]:
        known = self.settlements(company)
        gone = {one.reverses for one in known}
        return tuple(one for one in known if one.order is not None and one.id not in gone)

    def gaps(self, company: int | None = None) -> Sequence[SeenGap]:
        return [gap for gap in self.disk.gaps if company in (None, gap.company)]

    def settlements(self, company: int | None = None) -> Sequence[Settlement]:
        return [one for one in self.disk.settlements if company in (None, one.company)]

    def settle(self, asked: Settlement, after: int, licence: str) -> Settlement | None:
        with self._writing(asked.at) as disk:
            if any(one.id > after for one in disk.settlements if one.gap == asked.gap):
                return None
            made = replace(asked, id=len(disk.settlements) + 1)
            disk.settlements.append(made)
            self._record(f"ledger-{asked.verb.value}", {"gap": asked.gap, "licence": licence}, asked.at)
        return made

    def told(self, channel: str) -> Mapping[str, Told]:
        return {topic: told for (by, topic), told in self.disk.told.items() if by == channel}

    def tell(self, channel: str, told: Mapping[str, Told], forget: Iterable[str] = ()) -> None:
        self.disk.told |= {(channel, topic): one for topic, one in told.items()}
        for topic in forget:
            self.disk.told.pop((channel, topic), None)

    def plan(self, company: int | None = None) -> Sequence[Mapping[str, object]]:
        kept = [plan for of, plan in sorted(self.disk.plans.items()) if company in (None, of)]
        texts = [(run, at, plan_text(learnt, [p.digest for p in learnt.planned])) for run, at, learnt in kept]
        return [{"run": run, "at": at.isoformat(), **parsed(text)} for run, at, text in texts]

    def derivations(self, company: int, at: datetime | None = None) -> Sequence[Derivation]:
        kept = [d for of, d in self.disk.derivations if of == company and _in_force(d, at)]
        return sorted(kept, key=lambda derivation: str(derivation.key))

    def derivations_of(self, key: LineKey) -> Sequence[Derivation]:
        return [derivation for _, derivation in self.disk.derivations if derivation.key == key]

    def journal(self, limit: int = 200) -> Sequence[JournalRecord]:
        return self.disk.journal[: -limit - 1 : -1]

    def verify_journal(self) -> tuple[int, str, str]:
        head = GENESIS
        for seq, r in enumerate(self.disk.journal, 1):
            if r.hash != link(head, seq, instant_text(r.at), r.kind, r.entry, r.payload):
                return seq - 1, head, f"record {seq} was changed"
            head = r.hash
        return len(self.disk.journal), head, ""

    @contextmanager
    def _writing(self, at: datetime) -> Iterator[Disk]:
        with self.disk.lock:
            if at.tzinfo is None:
                raise StoreFailed(f"{at} has no zone")
            yield self.disk

    def _record(self, kind: str, payload: dict[str, object], at: datetime, entry: int | None = None) -> None:
        journal, text = self.disk.journal, canonical(payload)
        previous = journal[-1].hash if journal else GENESIS
        seq = len(journal) + 1
        hashed = link(previous, seq, instant_text(at), kind, entry, text)
        journal.append(JournalRecord(seq, at, kind, entry, text, previous, hashed))

    def _counted(self, run: str) -> RunSummary:
        """A sealed run says what it came to; a running one is counted now."""
        disk, summary = self.disk, self.disk.runs[run]
        if summary.ended:
            return summary
        states = Counter(entry.state.value for entry in disk.entries.values() if entry.run == run)
        every = [learnt.planned for by, _, learnt in disk.plans.values() if by == run]
        plans = [[planned for planned in plan if not planned.change.queued] for plan in every]
        return replace(
            summary,
            changes=sum(map(len, plans)),
            held=sum(bool(planned.holds) for plan in plans for planned in plan),
            confirmed=states["confirmed"],
            refused=states["refused"] + states["conflict"] + states["not-applied"],
            unknown=states["unknown"] + states["intent"],
        )

    def _learn_binding(self, run: str, company: int, b: Binding, at: datetime) -> None:
        before = self.disk.bindings.get(b.key, (0, None))[1]
        b = as_released(b, before)
        self.disk.bindings[b.key] = (company, b)
        if before != b:
            self._record(_kind(before, b), {"run": run, "key": str(b.key), "line": b.line}, at)

    def _derive(self, run: str, learnt: Learnt, at: datetime) -> None:
        disk, company = self.disk, learnt.company
        known = {d.key: d for of, d in disk.derivations if of == company and d.until is None}
        news = {k: steps for k, steps in learnt.derivations.items() if k not in known or known[k].steps != steps}
        gone = known.keys() - learnt.derivations.keys() if learnt.complete else set()
        over = [known[k] for k in known if k in news or k in gone]
        kept = [(of, replace(d, until=at) if d in over else d) for of, d in disk.derivations]
        # Two plannings at one instant: the later one stands.
        kept = [(of, d) for of, d in kept if not (d.key in news and d.since == at)]
        disk.derivations = kept + [(company, Derivation(k, steps, at, None, run)) for k, steps in news.items()]

    def _forget_charges(self, keys: set[LineKey], limit: date) -> None:
        charges = self.disk.charges
        for place in [p for p, (_, c) in charges.items() if p[0] in keys and c.period.end < limit]:
            del charges[place]

    def _hold(self, learnt: Learnt, at: datetime) -> None:
        """While its change stays planned a decision stays; a change that comes back starts anew."""
        holds, digests = self.disk.holds, {p.digest: p for p in learnt.planned}
        for digest, p in digests.items():
            if p.holds:
                writes, said = tuple(w.sentence for w in p.realisation.writes), p.change.sentence
                money = p.change.monthly, at, "open", p.realisation.next_invoice
                hold = Hold(digest, learnt.company, said, p.holds, writes, *money)
                known = holds.get(digest, Held(hold))
                holds[digest] = replace(known, hold=replace(hold, since=known.hold.since, state=known.hold.state))
        if learnt.complete:
            gone = [d for d, held in holds.items() if held.hold.company == learnt.company and d not in digests]
            for digest in gone:
                del holds[digest]

    def _report(self, scope: str, findings: Sequence[Finding], complete: bool, at: datetime) -> None:
        known, found = self.disk.findings, {(scope, f.code, f.subject): f for f in findings}
        if complete:
            for place in [p for p in known if p[0] == scope and p not in found]:
                self._over(place, Over.NOT_SEEN, at)
        for place, finding in found.items():
            first = known[place].first_seen if place in known else at
            self._follow(finding, first, at)
            known[place] = OpenFinding(finding, first, at)

    def _orphan(
        self,
        place: tuple[str, Code, str],
        mapped: Mapping[int, Collection[str]],
        sources: Collection[str],
        at: datetime,
    ) -> None:
        known, (kind, _, name) = self.disk.findings[place], place[0].partition("/")
        company = known.finding.company
        if kind in PER_SOURCE and name and name not in sources:
            self._over(place, Over.SOURCE_GONE, at)
        elif company in mapped and company in self.disk.plans and known.last_seen < self.disk.plans[company][1]:
            why = nobody_asks(known.finding.subject, mapped[company], sources)
            if why:
                self._over(place, why, at)

    def _over(self, place: tuple[str, Code, str], why: Over, at: datetime) -> None:
        found = self.disk.findings.pop(place, None)
        if found is not None:
            self.disk.closed.append(ClosedFinding(found.finding, found.first_seen, at, why))
            self.disk.gaps = [replace(one, closed=at) if _same(one, found) else one for one in self.disk.gaps]

    def _follow(self, finding: Finding, first: datetime, at: datetime) -> None:
        gaps = self.disk.gaps
        place = next((n for n, one in enumerate(gaps) if _same(one, OpenFinding(finding, first, at))), None)
        if place is not None:
            course = gaps[place].course
            course = course if course[-1][1] == finding.apart else (*course, (at, finding.apart))
            gaps[place] = replace(gaps[place], finding=finding, course=course)
        elif finding.apart is not None and finding.company is not None:
            gaps.append(SeenGap(len(gaps) + 1, finding.company, finding, ((at, finding.apart),), first, None))

    def _named(self, name: str, at: datetime) -> Sequence[Hold]:
        by_digest = [held.hold for digest, held in self.disk.holds.items() if digest.startswith(name)]
        if len(name) >= 6 and len(by_digest) == 1:
            return by_digest
        run = self.disk.runs.get(name)
        if run is None:
            return []
        waiting = [held.hold for held in self.disk.holds.values() if held.standing(at) == "open"]
        return [hold for hold in waiting if hold.company in run.companies and hold.since <= (run.ended or at)]

    def _expect_open(self, entry: Entry) -> None:
        if self.disk.entries[entry.id].state not in OPEN:
            raise StoreFailed(f"entry {entry.id} is not open any more")


def _same(gap: SeenGap, found: OpenFinding) -> bool:
    mine, its = gap.finding, found.finding
    same = (mine.code, mine.subject, gap.company) == (its.code, its.subject, its.company)
    return gap.closed is None and same and gap.since == found.first_seen


def _kind(before: Binding | None, now: Binding) -> str:
    if before is None:
        return "adopted" if now.adopted else "bound"
    if before.state is not now.state:
        return "found" if now.state is BindingState.LIVE else now.state.value
    return "rebound" if before.line != now.line else "restated"


def _and(kept: list[Version[Any]], value: Any, at: datetime) -> list[Version[Any]]:
    """The versions with one more reading; the same value again only lasts longer."""
    told = replace(value, taken_at=at) if isinstance(value, Snapshot) else value
    if not kept or _plain(kept[-1].value) != _plain(told):
        return [*kept, Version(at, at, told)]
    return [*kept[:-1], Version(kept[-1].since, at, told)]


def _digest(snapshot: Snapshot) -> str:
    return sha256(repr(_plain(snapshot)).encode()).hexdigest()


def _plain(value: Any) -> Any:
    return replace(value, taken_at=datetime.min) if isinstance(value, Snapshot) else value  # noqa: DTZ901


def _since(kept: list[Version[Any]], before: datetime) -> list[Version[Any]]:
    return [version for version in kept[:-1] if version.last >= before] + kept[-1:]


def _from(kept: list[Version[Any]], since: datetime) -> list[Version[Any]]:
    later = next((n for n, version in enumerate(kept) if version.since > since), len(kept))
    return kept[max(0, later - 1) :]


def _in_force(derivation: Derivation, at: datetime | None) -> bool:
    if at is None:
        return derivation.until is None
    return derivation.since <= at and (derivation.until is None or derivation.until > at)
