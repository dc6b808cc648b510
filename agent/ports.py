"""What the engine needs from the world: sources of counts, a PSA, a store, a clock."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import Generic, Protocol, TypeVar
from zoneinfo import ZoneInfo

from agent.domain.agreements import Agreement, Company, Line, Product, Standing
from agent.domain.changes import Change, Picture, Planned, Realisation, Receipt, Seen, Step, Write
from agent.domain.counts import NO_NEEDS, Account, Needs, Snapshot
from agent.domain.findings import Apart, Finding, Over
from agent.domain.keys import LineKey
from agent.domain.ledger import Settlement
from agent.domain.money import Money
from agent.domain.news import Told
from agent.domain.ownership import Binding as Binding
from agent.domain.ownership import BindingState as BindingState
from agent.domain.ownership import Charge as Charge
from agent.domain.ownership import Kept as Kept
from agent.domain.ownership import Sighting as Sighting
from agent.domain.proration import Convention
from agent.domain.terms import History


class Source(Protocol):
    """Where counts come from: seats, devices, mailboxes, products, bought or in use.

    Reads are whole or raise `ReadFailed`; there is no short answer. A product that an account has none of is not
    listed, so that nothing is lowered to zero without a person.
    """

    def accounts(self) -> Sequence[Account]:
        """Every account that the source's own credential can see (the partner's list of tenants)."""
        ...

    def observe(self, account: Account, needs: Needs = NO_NEEDS) -> Snapshot:
        """Products, purchases and who has them, whole or not at all; what is needed beyond, each whole or a gap."""
        ...

    def check(self, account: Account, needs: Needs = NO_NEEDS, elsewhere: Needs = NO_NEEDS) -> Sequence[Finding]:
        """Can we read this account and what its rows need, and with no more rights than that?

        One application serves all accounts: what rows need of others (`elsewhere`) is not too much here.
        """
        ...


@dataclass(frozen=True, slots=True)
class Traits:
    """How a PSA differs from others, as data."""

    name: str
    line_word: str  # what its people call a line: "addition"
    text_limit: int
    settle: int  # seconds after which an unknown write can no longer take effect
    convention: Convention  # how it prorates, on agreements that do


class Psa(Protocol):
    @property
    def traits(self) -> Traits: ...
    def check(self) -> Sequence[Finding]: ...
    def companies(self) -> Sequence[Company]: ...
    def products(self, identifiers: Iterable[str]) -> Mapping[str, Product]: ...
    def agreements(self, ids: Iterable[int]) -> Mapping[int, Agreement]:
        """Those of the ids that exist; a missing id was deleted or never was."""
        ...

    def batches(self, ids: Iterable[int]) -> Sequence[Sequence[int]]:
        """The ids in parts of which `agreements` can tell in one request each."""
        ...

    def agreements_of(self, companies: Iterable[int]) -> Sequence[Agreement]: ...
    def lines(self, agreement: int) -> Sequence[Line]:
        """Every line of the agreement, ended ones included; raises `Incomplete` rather than return some."""
        ...

    def writes(self, change: Change, agreement: Agreement, today: date) -> Realisation:
        """Exactly which requests realise the change. Pure: reads nothing, sends nothing."""
        ...

    def execute(self, write: Write) -> Receipt:
        """Send one request once. Never repeated here, whatever the answer."""
        ...

    def look_for(self, write: Write) -> Seen:
        """Did it happen? Raises `ReadFailed` when that cannot be seen."""
        ...


class EntryState(StrEnum):
    INTENT = "intent"
    UNKNOWN = "unknown"
    CONFIRMED = "confirmed"
    REFUSED = "refused"
    NOT_APPLIED = "not-applied"
    CONFLICT = "conflict"


@dataclass(frozen=True, slots=True)
class Entry:
    """One write on its way. `looked` is the first agreeing look since it became unknown, if there was one."""

    id: int
    run: str
    write: Write
    state: EntryState
    at: datetime  # when it took this state
    detail: str = ""
    looked: tuple[Picture, datetime] | None = None
    change: str = ""  # the digest of the change that it realises, which an approval names
    reason: str = ""  # and why that was wanted
    epoch: int = 0  # of the agent that intended it
    taken_over: datetime | None = None  # while still an intent: when the first agent of a later epoch began


@dataclass(frozen=True, slots=True)
class Tenure:
    """Being the one agent that writes: each has a higher epoch than all before it. `since` is when it began."""

    epoch: int
    since: datetime


@dataclass(frozen=True, slots=True)
class Memory:
    """What the store knows about one company, read in one transaction at the start of its cycle."""

    bindings: Mapping[LineKey, Binding]
    open_entries: Mapping[LineKey, Entry]
    sightings: Mapping[LineKey, Sighting]
    charges: Mapping[LineKey, tuple[Charge, ...]]
    boundaries: Mapping[int, date]
    approved: frozenset[str]
    rejected: frozenset[str]
    elsewhere: tuple[Binding, ...] = ()  # of other companies that bill, or billed, from the same accounts
    kept: Mapping[LineKey, Kept] = field(default_factory=dict)
    made: Mapping[int, int] = field(default_factory=dict)  # by agreement: lines made within a day
    past: tuple[Settlement, ...] = ()  # decisions in force whose instalments are to be written


@dataclass(frozen=True, slots=True)
class Learnt:
    """What one company's planning learnt, stored in one transaction before anything is written to the PSA.

    `snapshots` and `standing` are what it thought on: the evidence, kept in all its versions.
    """

    company: int
    bindings: tuple[Binding, ...]
    sightings: tuple[Sighting, ...]
    charges: tuple[Charge, ...]
    boundaries: Mapping[int, date]
    planned: tuple[Planned, ...]
    derivations: Mapping[LineKey, tuple[Step, ...]]
    findings: tuple[Finding, ...]
    monthly: Money | None
    complete: bool  # False: some read failed, so findings that were not seen again stay open
    snapshots: tuple[Snapshot, ...] = ()
    standing: Standing | None = None
    adopted: bool = False  # all agreements of the company were read for lines that the store may have forgotten


Read = TypeVar("Read")


@dataclass(frozen=True, slots=True)
class Version(Generic[Read]):
    """What was read alike from `since` up to `last`; another value came after that, or nothing newer is known.

    `digest` is the SHA-256 of the stored text of a snapshot, which anybody who has the store can work out again.
    """

    since: datetime
    last: datetime
    value: Read
    digest: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Derivation:
    """How the number of one line came about, from when to when (None: still), and the run that first had it so."""

    key: LineKey
    steps: tuple[Step, ...]
    since: datetime
    until: datetime | None
    run: str


@dataclass(frozen=True, slots=True)
class RunSummary:
    """A sealed or running cycle. `state` is running, done or failed."""

    id: str
    reason: str
    companies: tuple[int, ...]
    dry: bool
    started: datetime
    ended: datetime | None
    state: str
    changes: int = 0
    held: int = 0
    confirmed: int = 0
    refused: int = 0
    unknown: int = 0
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Hold:
    """A change that waits for a person. `next_invoice` is what it adds to the next invoice, where that can be told."""

    digest: str
    company: int
    sentence: str
    reasons: tuple[str, ...]
    writes: tuple[str, ...]
    monthly: Money | None
    since: datetime
    state: str = "open"  # open, approved, rejected
    next_invoice: Money | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """Who decided on a held change, and when; verdict is approved or rejected."""

    digest: str
    verdict: str
    who: str
    at: datetime


@dataclass(frozen=True, slots=True)
class OpenFinding:
    finding: Finding
    first_seen: datetime
    last_seen: datetime


@dataclass(frozen=True, slots=True)
class SeenGap:
    """A finding that costs more with each day, open or closed: `course` tells from when on it was how large.

    `id` names it for ever.
    """

    id: int
    company: int
    finding: Finding
    course: tuple[tuple[datetime, Apart | None], ...]
    since: datetime
    closed: datetime | None


@dataclass(frozen=True, slots=True)
class ClosedFinding:
    """A finding as it last stood."""

    finding: Finding
    first_seen: datetime
    closed: datetime
    because: Over


@dataclass(frozen=True, slots=True)
class JournalRecord:
    """One link of the hash chain: `hash` covers every field before it and the hash of the record before."""

    seq: int
    at: datetime
    kind: str
    entry: int | None
    payload: str
    previous: str
    hash: str


@dataclass(frozen=True, slots=True)
class Contents:
    """What a store holds, in a few numbers; `writes` are journaled ones, `fault` what is wrong with it, or empty."""

    installation: str
    newest: datetime | None
    records: int
    writes: int
    head: str
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Restoring:
    """A store (None: there is none) and the copy that is to take its place."""

    present: Contents | None
    copy: Contents


@dataclass(frozen=True, slots=True)
class Restored:
    """`kept` is where the replaced store lies now; None if there was none."""

    kept: Path | None


class Store(Protocol):
    """What must survive. Every method is one transaction; a raised `StoreFailed` means nothing was kept."""

    @property
    def installation(self) -> str:
        """Random, made once; part of every mark."""
        ...

    def writer(self) -> AbstractContextManager[None]:
        """Be the only agent that writes through this store; raises `AnotherWriter`."""
        ...

    @property
    def tenure(self) -> Tenure | None:
        """This process's time as the writer; None before it, after it, and once another agent has taken over."""
        ...

    def may_send(self) -> bool:
        """Asked right before a request leaves: would it surely be over before anybody else may write?"""
        ...

    def dispose(self) -> None:
        """Let go of the connections; the store is not to be used after."""
        ...

    def contents(self) -> Contents: ...
    def ask_to_adopt(self, reason: str, at: datetime) -> None:
        """Have every company looked through for lines of ours that this store does not know, before any is made."""
        ...

    def to_adopt(self, companies: Collection[int]) -> frozenset[int]:
        """Of these companies, those that were asked for and not yet looked through."""
        ...

    def newest(self) -> datetime | None:
        """The newest instant that a cycle stored on a clock found right, for the check that it did not go back.

        A failed run is none: the clock may be why it failed."""
        ...

    def open_run(self, reason: str, companies: Sequence[int], dry: bool, at: datetime) -> str: ...
    def seal_run(self, run: str, state: str, at: datetime, detail: str = "") -> None: ...
    def runs(self, limit: int = 50) -> Sequence[RunSummary]:
        """The newest first, as are entries and journal records: a limit cuts off the past."""
        ...

    def run(self, run: str) -> RunSummary | None: ...
    def remember(self, snapshots: Iterable[Snapshot]) -> None:
        """Keep what was read where nothing could be learnt from it; `learn` keeps its own."""
        ...

    def histories(self, source: str, accounts: Iterable[str]) -> Mapping[str, History]:
        """Of each account that has one: what all readings showed of its subscriptions."""
        ...

    def last_snapshot(self, account: Account) -> Snapshot | None: ...
    def snapshots(self, account: Account, since: datetime) -> Sequence[Version[Snapshot]]:
        """The versions of an account from the one in force at `since` on, the oldest first."""
        ...

    def standings(self, company: int, since: datetime) -> Sequence[Version[Standing]]:
        """What the PSA showed of the company, from the version in force at `since` on, the oldest first."""
        ...

    def forget_past(self, before: datetime) -> None:
        """Drop versions of snapshots, standings and derivations that were over before that time."""
        ...

    def to_thin(self, before: date) -> Sequence[Account]:
        """Accounts whose earlier days are to be thinned again, the one that has waited longest first."""
        ...

    def thin(self, account: Account, before: date, zone: ZoneInfo, companies: Collection[int]) -> int:
        """Drop versions of the days before that one, which hide no change that lasted; how many (`domain.thinning`).

        What was in force when something was concluded, decided or written for one of the companies stays.
        """
        ...

    def size(self) -> int:
        """Bytes that all of it takes."""
        ...

    def give_back_space(self) -> None:
        """Hand some of what dropping has freed back to the disk; more of it the next time."""
        ...

    def snapshot_age(self) -> Mapping[Account, datetime]: ...
    def bound_agreements(self, psa: str) -> Mapping[int, frozenset[int]]:
        """Company -> agreements on which it has live bindings, mapped or not."""
        ...

    def memory(
        self, psa: str, company: int, agreements: Iterable[int], at: datetime, accounts: Iterable[str] = ()
    ) -> Memory:
        """What was learnt for the company or on one of the agreements; decisions as they stand at that time.

        Of the `accounts` also the bindings elsewhere.
        """
        ...

    def learn(self, run: str, learnt: Learnt, at: datetime) -> None:
        """Keep what planning learnt; findings open once, stay, and close by themselves when seen no more."""
        ...

    def mended(self, company: int, subjects: Iterable[str], at: datetime, digests: Iterable[str] = ()) -> None:
        """Close the billing mismatches of these subjects, or that the PSA was unreadable: it is seen to be over.

        `digests` are of changes that have been carried out: nothing holds them any more.
        """
        ...

    def forget(self, mapped: Mapping[int, Collection[str]], sources: Collection[str], at: datetime) -> None:
        """Close what is about companies, accounts and sources that nobody names any more, each with its reason.

        `mapped` holds each company's accounts by ref, `sources` the names in agent.toml. A company without a mapping
        file loses its holds and plan as well; its bindings stay: they say for ever which lines are ours. What its last
        planning saw stays open, for that was read.
        """
        ...

    def report(self, company: int, findings: Sequence[Finding], at: datetime) -> None:
        """Open or renew findings of a company, and close none: something was seen, but not everything."""
        ...

    def refusals(self, keys: Iterable[LineKey]) -> Mapping[LineKey, str]:
        """Of these keys, those whose newest entry was refused or met a conflict, with what was said."""
        ...

    def note(self, scope: str, findings: Sequence[Finding], at: datetime) -> None:
        """Keep findings that belong to no company; those of the scope that are not seen again close."""
        ...

    def intend(self, run: str, planned: Planned, write: Write, at: datetime) -> Entry:
        """Commit the intention durably before the first byte leaves.

        Raises `EntryOpen` on a second one, `LeaseLost` where another agent has become the writer.
        """
        ...

    def close(self, entry: Entry, state: EntryState, detail: str, at: datetime, binding: Binding | None = None) -> None:
        """Record what became of the write, and the binding that it proves, in one transaction."""
        ...

    def looked(self, entry: Entry, picture: Picture, at: datetime) -> None: ...
    def entry_open(self) -> Sequence[Entry]: ...
    def entries(self, run: str | None = None, limit: int = 200) -> Sequence[Entry]: ...
    def confirmed(self, since: datetime, company: int | None = None) -> Sequence[Entry]:
        """Writes that were confirmed at that time or later, the oldest first."""
        ...

    def entries_of(self, key: LineKey) -> Sequence[Entry]:
        """Every write to the lines of a key's base: all its lives and differences, the oldest first."""
        ...

    def decisions(self, digests: Iterable[str]) -> Mapping[str, Decision]:
        """What people decided on these changes, as far as they did."""
        ...

    def decide(self, digest: str, verdict: str, who: str, at: datetime, until: datetime | None) -> Sequence[Hold]:
        """The verdict (approved, rejected) on one hold, or on all undecided ones that a run saw.

        `digest` is a hold's, or six or more characters with which only one begins, or a run's id. Empty: it names none.
        """
        ...

    def keep(
        self, company: int, kept: Sequence[Kept], approved: Sequence[Planned], at: datetime, until: datetime
    ) -> None:
        """Lines of a company that a person keeps; the changes that bring them there count as approved up to `until`."""
        ...

    def take(self, company: int, key: LineKey, bindings: Sequence[Binding], who: str, at: datetime) -> None:
        """The row decides again: what was kept, and what was asked for meanwhile, is forgotten; the bindings count."""
        ...

    def release(self, company: int, bindings: Sequence[Binding], who: str, at: datetime) -> None:
        """Leave the lines of a key to people, with these bindings."""
        ...

    def kept(self, company: int | None = None) -> Sequence[tuple[int, Kept]]: ...
    def released(self, company: int | None = None) -> Sequence[tuple[int, Binding]]: ...
    def managed(self, line: int) -> tuple[int, Binding] | None:
        """The company and the binding of a PSA line that is ours, or was."""
        ...

    def holds(self, company: int | None = None) -> Sequence[Hold]: ...
    def findings(self, company: int | None = None) -> Sequence[OpenFinding]: ...
    def closed_findings(self, since: datetime, company: int | None = None) -> Sequence[ClosedFinding]:
        """Those closed at that time or later, the newest first."""
        ...

    def past_findings(self, since: datetime) -> Sequence[Version[Finding]]:
        """Those that were open at that time or later, closed since or not, as they last stood."""
        ...

    def gaps(self, company: int | None = None) -> Sequence[SeenGap]:
        """Every one that there ever was, the oldest first."""
        ...

    def settlements(self, company: int | None = None) -> Sequence[Settlement]:
        """Every decision about a gap, in the order in which they were made."""
        ...

    def settle(self, asked: Settlement, after: int, licence: str) -> Settlement | None:
        """Record a decision, and give it its number; the journal tells the licence with it.

        None, and nothing kept, where the gap has a decision with a higher number than `after`: whoever asks has not
        seen that one.
        """
        ...

    def told(self, channel: str) -> Mapping[str, Told]:
        """By topic, what the channel has said."""
        ...

    def tell(self, channel: str, told: Mapping[str, Told], forget: Iterable[str] = ()) -> None:
        """Remember what the channel has just said, and drop the topics that may be said again."""
        ...

    def plan(self, company: int | None = None) -> Sequence[Mapping[str, object]]:
        """The latest plan of each company, as the plain values that faces print."""
        ...

    def derivations(self, company: int, at: datetime | None = None) -> Sequence[Derivation]:
        """How the numbers of the company's lines came about, as it stood at that time (None: now), by key."""
        ...

    def derivations_of(self, key: LineKey) -> Sequence[Derivation]:
        """All that a line ever had, the oldest first."""
        ...

    def journal(self, limit: int = 200) -> Sequence[JournalRecord]: ...
    def journal_after(self, seq: int, limit: int = 1000) -> Sequence[JournalRecord]:
        """The records that follow that one, the oldest first."""
        ...

    def journal_head(self) -> tuple[int, str]:
        """The number of the newest record and its hash, which stands for all records before it."""
        ...

    def verify_journal(self, heads: Mapping[int, str] = MappingProxyType({})) -> tuple[int, str, str]:
        """(sound records, hash of the last of them, first fault or ""): recomputes the whole chain.

        `heads` are hashes of records that were told at the time: whoever changes a record and hashes all that follow
        anew leaves a sound chain, but not that one.
        """
        ...


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that goes with a notice; `kind` is its media type, `text/html`."""

    name: str
    kind: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Notice:
    """What a person is told. `text` has several lines, cleaned of what steers terminals and without colours.

    Attachments go by mail; a chat shows the text alone.
    """

    subject: str
    text: str
    urgent: bool
    attachments: tuple[Attachment, ...] = ()


class Channel(Protocol):
    """A way to reach people. What it was told is remembered by its name."""

    @property
    def name(self) -> str: ...
    def send(self, notice: Notice) -> None:
        """Once; raises `NotDelivered`."""
        ...


class Clock(Protocol):
    def now(self) -> datetime:
        """The present in UTC, aware."""
        ...

    def today(self, zone: ZoneInfo) -> date: ...
    def monotonic(self) -> int:
        """Nanoseconds that no clock change moves; for waiting and for noticing that the wall clock jumped."""
        ...

    def sleep(self, seconds: int) -> None: ...
