"""The store on SQLite or PostgreSQL. Every method is one transaction, unless it says otherwise."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Self
from zoneinfo import ZoneInfo

from agent.domain.agreements import Standing
from agent.domain.changes import Picture, Planned, Write
from agent.domain.counts import Account, Snapshot
from agent.domain.findings import Finding
from agent.domain.keys import LineKey
from agent.domain.ledger import Settlement
from agent.domain.news import Told
from agent.domain.ownership import Binding, Kept
from agent.domain.terms import History
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
from agent.store import (
    adopting,
    deciding,
    entries,
    histories,
    journal,
    keeping,
    learning,
    lease,
    past,
    remembering,
    runs,
    schema,
    settling,
    snapshots,
    standings,
    telling,
    thinning,
)
from agent.store.database import Database, database_at
from agent.store.files import own_folder
from agent.store.journal import Note
from agent.store.lease import Lease, Writing
from agent.store.locks import file_lock
from agent.store.snapshots import Packed, remember

_THINNED_AT_ONCE = 31  # days in one transaction


class SqlStore:
    """`agent.ports.Store`, for any number of threads; other processes may use the same database meanwhile."""

    def __init__(self, database: Database, clock: Clock, folder: Path, longest: int) -> None:
        self._database, self._clock, self._folder, self._longest = database, clock, folder, longest
        self._writing: Writing | None = None
        schema.bring_up_to_date(database)
        self._installation = schema.installation(database)

    @classmethod
    def open(cls, url: str, state_folder: Path, clock: Clock, password: str, longest: int) -> SqlStore:
        database = database_at(url, state_folder, password)
        return cls(database, clock, database.path.parent if database.is_sqlite else state_folder, longest)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.dispose()

    def dispose(self) -> None:
        """Let go of the connections; the store is not to be used after."""
        self._database.dispose()

    @property
    def installation(self) -> str:
        return self._installation

    @contextmanager
    def writer(self) -> Iterator[None]:
        if not self._database.is_sqlite:
            own_folder(self._folder)
        with file_lock(self._folder / "writer.lock") as name:
            if self._database.is_sqlite:
                with self._as(lease.next_epoch(self._database, name, self._clock.now())):
                    yield
            else:
                with Lease(self._database, self._clock, name, self._longest).held() as held, self._as(held):
                    yield

    @contextmanager
    def _as(self, writing: Writing) -> Iterator[None]:
        self._writing = writing
        try:
            with self._database.writing() as connection:
                entries.take_over(connection, writing.tenure.epoch, writing.tenure.since)
            yield
        finally:
            self._writing = None

    @property
    def tenure(self) -> Tenure | None:
        return self._writing.tenure if self._writing and not self._writing.lost else None

    def may_send(self) -> bool:
        return self._writing is None or self._writing.may_send(self._clock)

    def contents(self) -> Contents:
        """Reads the whole journal."""
        with self._database.reading() as connection:
            records, head, fault = journal.verify(connection)
            newest, writes = remembering.newest(connection), entries.count(connection)
        return Contents(self._installation, newest, records, writes, head, fault)

    def was_restored(self, source: str, replaced: Mapping[str, object] | None, at: datetime) -> None:
        """Told by the first record of what follows a copy; nothing that was forgotten is made again."""
        with self._database.writing() as connection:
            journal.append(connection, at, [Note("restored", {"from": source, "replaced": replaced})])
            adopting.ask(connection, "restored", at)

    def ask_to_adopt(self, reason: str, at: datetime) -> None:
        with self._database.writing() as connection:
            adopting.ask(connection, reason, at)

    def to_adopt(self, companies: Collection[int]) -> frozenset[int]:
        with self._database.reading() as connection:
            return adopting.due(connection, companies)

    def newest(self) -> datetime | None:
        with self._database.reading() as connection:
            return remembering.newest(connection)

    def open_run(self, reason: str, companies: Sequence[int], dry: bool, at: datetime) -> str:
        with self._database.writing() as connection:
            return runs.open_run(connection, reason, companies, dry, at)

    def seal_run(self, run: str, state: str, at: datetime, detail: str = "") -> None:
        with self._database.writing() as connection:
            runs.seal_run(connection, run, state, at, detail)

    def runs(self, limit: int = 50) -> Sequence[RunSummary]:
        with self._database.reading() as connection:
            return runs.latest(connection, limit)

    def run(self, run: str) -> RunSummary | None:
        with self._database.reading() as connection:
            return runs.one(connection, run)

    def remember(self, snapshots: Iterable[Snapshot]) -> None:
        packed = list(map(Packed, snapshots))
        with self._database.writing() as connection:
            remember(connection, packed)

    def histories(self, source: str, accounts: Iterable[str]) -> Mapping[str, History]:
        with self._database.reading() as connection:
            return histories.histories(connection, source, accounts)

    def last_snapshot(self, account: Account) -> Snapshot | None:
        with self._database.reading() as connection:
            return snapshots.last(connection, account)

    def snapshots(self, account: Account, since: datetime) -> Sequence[Version[Snapshot]]:
        with self._database.reading() as connection:
            return snapshots.versions(connection, account, since)

    def standings(self, company: int, since: datetime) -> Sequence[Version[Standing]]:
        with self._database.reading() as connection:
            return standings.versions(connection, company, since)

    def forget_past(self, before: datetime) -> None:
        with self._database.writing() as connection:
            past.forget(connection, before)
            learning.forget_derivations(connection, before)

    def to_thin(self, before: date) -> Sequence[Account]:
        with self._database.reading() as connection:
            return thinning.due(connection, before)

    def thin(self, account: Account, before: date, zone: ZoneInfo, companies: Collection[int]) -> int:
        """Several transactions: whoever else writes never waits for a whole history."""
        with self._database.reading() as connection:
            found = thinning.thinnings(connection, account, before, zone, companies)
        for first in range(0, len(found), _THINNED_AT_ONCE):
            with self._database.writing() as connection:
                for day in found[first : first + _THINNED_AT_ONCE]:
                    past.thin(connection, day.gone, day.bodies)
        with self._database.writing() as connection:
            thinning.done(connection, account, before)
        return sum(len(day.gone) for day in found)

    def size(self) -> int:
        return self._database.size()

    def give_back_space(self) -> None:
        self._database.shrink()

    def snapshot_age(self) -> Mapping[Account, datetime]:
        with self._database.reading() as connection:
            return snapshots.ages(connection)

    def bound_agreements(self, psa: str) -> Mapping[int, frozenset[int]]:
        with self._database.reading() as connection:
            return remembering.bound_agreements(connection, psa)

    def memory(
        self, psa: str, company: int, agreements: Iterable[int], at: datetime, accounts: Iterable[str] = ()
    ) -> Memory:
        with self._database.reading() as connection:
            return remembering.memory(connection, psa, company, list(agreements), at, list(accounts))

    def learn(self, run: str, learnt: Learnt, at: datetime) -> None:
        packed = list(map(Packed, learnt.snapshots))
        with self._database.writing() as connection:
            if self._writing is not None:
                lease.require(connection, self._writing)  # what was read before a long sleep is not news
            learning.learn(connection, run, learnt, packed, at)

    def mended(self, company: int, subjects: Iterable[str], at: datetime, digests: Iterable[str] = ()) -> None:
        with self._database.writing() as connection:
            learning.mended(connection, company, subjects, at)
            learning.carried_out(connection, digests, at)

    def forget(self, mapped: Mapping[int, Collection[str]], sources: Collection[str], at: datetime) -> None:
        with self._database.writing() as connection:
            learning.forget(connection, mapped, sources, at)

    def report(self, company: int, findings: Sequence[Finding], at: datetime) -> None:
        with self._database.writing() as connection:
            learning.report(connection, learning.company_scope(company), findings, False, at)

    def refusals(self, keys: Iterable[LineKey]) -> Mapping[LineKey, str]:
        with self._database.reading() as connection:
            return entries.refusals(connection, keys)

    def note(self, scope: str, findings: Sequence[Finding], at: datetime) -> None:
        with self._database.writing() as connection:
            learning.report(connection, scope, findings, True, at)

    def intend(self, run: str, planned: Planned, write: Write, at: datetime) -> Entry:
        with self._database.writing() as connection:
            return entries.intend(connection, run, planned, write, at, lease.require(connection, self._writing))

    def close(self, entry: Entry, state: EntryState, detail: str, at: datetime, binding: Binding | None = None) -> None:
        with self._database.writing() as connection:
            entries.close(connection, entry, state, detail, at, binding)

    def looked(self, entry: Entry, picture: Picture, at: datetime) -> None:
        with self._database.writing() as connection:
            entries.looked(connection, entry, picture, at)

    def entry_open(self) -> Sequence[Entry]:
        with self._database.reading() as connection:
            return entries.still_open(connection)

    def entries(self, run: str | None = None, limit: int = 200) -> Sequence[Entry]:
        with self._database.reading() as connection:
            return entries.latest(connection, run, limit)

    def confirmed(self, since: datetime, company: int | None = None) -> Sequence[Entry]:
        with self._database.reading() as connection:
            return entries.confirmed(connection, since, company)

    def entries_of(self, key: LineKey) -> Sequence[Entry]:
        with self._database.reading() as connection:
            return entries.of_base(connection, key)

    def decisions(self, digests: Iterable[str]) -> Mapping[str, Decision]:
        with self._database.reading() as connection:
            return deciding.decisions(connection, digests)

    def decide(self, digest: str, verdict: str, who: str, at: datetime, until: datetime | None) -> Sequence[Hold]:
        with self._database.writing() as connection:
            return deciding.decide(connection, digest, verdict, who, at, until)

    def keep(
        self, company: int, kept: Sequence[Kept], approved: Sequence[Planned], at: datetime, until: datetime
    ) -> None:
        with self._database.writing() as connection:
            keeping.keep(connection, company, kept, approved, at, until)

    def take(self, company: int, key: LineKey, bindings: Sequence[Binding], who: str, at: datetime) -> None:
        with self._database.writing() as connection:
            keeping.take(connection, company, key, bindings, who, at)

    def release(self, company: int, bindings: Sequence[Binding], who: str, at: datetime) -> None:
        with self._database.writing() as connection:
            keeping.release(connection, company, bindings, who, at)

    def kept(self, company: int | None = None) -> Sequence[tuple[int, Kept]]:
        with self._database.reading() as connection:
            return keeping.kept(connection, company)

    def released(self, company: int | None = None) -> Sequence[tuple[int, Binding]]:
        with self._database.reading() as connection:
            return keeping.released(connection, company)

    def managed(self, line: int) -> tuple[int, Binding] | None:
        with self._database.reading() as connection:
            return keeping.managed(connection, line)

    def holds(self, company: int | None = None) -> Sequence[Hold]:
        with self._database.reading() as connection:
            return deciding.holds(connection, company, self._clock.now())

    def findings(self, company: int | None = None) -> Sequence[OpenFinding]:
        with self._database.reading() as connection:
            return remembering.findings(connection, company)

    def closed_findings(self, since: datetime, company: int | None = None) -> Sequence[ClosedFinding]:
        with self._database.reading() as connection:
            return remembering.closed_findings(connection, since, company)

    def past_findings(self, since: datetime) -> Sequence[Version[Finding]]:
        with self._database.reading() as connection:
            return remembering.past_findings(connection, since)

    def gaps(self, company: int | None = None) -> Sequence[SeenGap]:
        with self._database.reading() as connection:
            return settling.gaps(connection, company)

    def settlements(self, company: int | None = None) -> Sequence[Settlement]:
        with self._database.reading() as connection:
            return settling.settlements(connection, company)

    def settle(self, asked: Settlement, after: int, licence: str) -> Settlement | None:
        with self._database.writing() as connection:
            return settling.settle(connection, asked, after, licence)

    def told(self, channel: str) -> Mapping[str, Told]:
        with self._database.reading() as connection:
            return telling.told(connection, channel)

    def tell(self, channel: str, told: Mapping[str, Told], forget: Iterable[str] = ()) -> None:
        with self._database.writing() as connection:
            telling.tell(connection, channel, told, forget)

    def plan(self, company: int | None = None) -> Sequence[Mapping[str, object]]:
        with self._database.reading() as connection:
            return remembering.plans(connection, company)

    def derivations(self, company: int, at: datetime | None = None) -> Sequence[Derivation]:
        with self._database.reading() as connection:
            return remembering.derivations(connection, company, at)

    def derivations_of(self, key: LineKey) -> Sequence[Derivation]:
        with self._database.reading() as connection:
            return remembering.derivations_of(connection, key)

    def journal(self, limit: int = 200) -> Sequence[JournalRecord]:
        with self._database.reading() as connection:
            return journal.latest(connection, limit)

    def journal_after(self, seq: int, limit: int = 1000) -> Sequence[JournalRecord]:
        with self._database.reading() as connection:
            return journal.after(connection, seq, limit)

    def journal_head(self) -> tuple[int, str]:
        with self._database.reading() as connection:
            return journal.head(connection)

    def verify_journal(self, heads: Mapping[int, str] = MappingProxyType({})) -> tuple[int, str, str]:
        with self._database.reading() as connection:
            return journal.verify(connection, heads)
