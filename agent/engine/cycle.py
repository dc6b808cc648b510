"""One cycle: settle, read, think, hold, write.

The agreements of all companies are read at once; each company is then read and planned by itself, companies side by
side; the fleet breaker looks at all plans together before the first write; then the plans are carried out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from zoneinfo import ZoneInfo

import structlog

from agent.domain.changes import EndLine, Planned, SetQuantity
from agent.domain.counts import Account
from agent.domain.findings import Code, Finding, Severity
from agent.domain.guards import CompanyPlan, fleet_reason, hold_ready
from agent.domain.keys import LineKey
from agent.domain.mappings import CompanyMapping, Mappings
from agent.domain.mismatches import of_open_writes, of_plan, of_refusals
from agent.domain.money import Money
from agent.domain.terms import History
from agent.engine.applying import Applying, Tried
from agent.engine.clockwatch import ClockWatch
from agent.engine.footing import Footing
from agent.engine.planning import Policy, think
from agent.engine.reading import Agreements, Catalogue, Sweep, histories_of, narrowed, reading
from agent.engine.recovery import Recovery
from agent.engine.turns import Turns
from agent.errors import ReadFailed, TrueupError
from agent.ports import Clock, EntryState, Learnt, Psa, Source, Store
from agent.reports.text import ended

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Progress:
    """One step of something long, for whoever watches: reading, writing or replaying, how many of how many."""

    phase: str
    done: int
    of: int


@dataclass(frozen=True, slots=True)
class Result:
    """What a run came to. `again` says when its `waiting` companies are to be looked at before the next regular cycle:
    a lowered count needs a second read, an open write is to be settled."""

    run: str
    state: str
    plans: tuple[CompanyPlan, ...]
    written: Mapping[EntryState, int]
    again: datetime | None = None
    waiting: frozenset[int] = frozenset()
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Thought:
    """A company's plan, and what is not yet stored of it; `failed` says why there is none, or none to rely on."""

    plan: CompanyPlan
    learnt: Learnt | None = None
    failed: str = ""
    footing: Footing | None = None


@dataclass(frozen=True, slots=True)
class Scope:
    """Which agreements are read for each company: the usual ones of its rows and bindings, and for those that are due
    to be looked through all others as well."""

    ids: Mapping[int, frozenset[int]]
    usual: Mapping[int, frozenset[int]]
    adopting: frozenset[int]

    @property
    def fleet(self) -> bool:
        return len(self.usual) > 1


Watcher = Callable[[Progress], None]


@dataclass(slots=True)
class Cycle:
    source: Source
    psa: Psa
    store: Store
    clock: Clock
    zone: ZoneInfo
    policy: Policy
    pool: Executor  # a thread for each company that is thought about
    wire: Executor  # a thread for each request under way
    catalogue: Catalogue
    turns: Turns
    stopping: Callable[[], bool] = lambda: False
    watch: ClockWatch = field(init=False)

    def __post_init__(self) -> None:
        self.watch = ClockWatch(self.clock)

    def run(
        self,
        mappings: Mappings,
        companies: Sequence[int],
        reason: str,
        dry: bool = False,
        run: str | None = None,
        watcher: Watcher = lambda progress: None,
    ) -> Result:
        """Run one cycle over the companies. What fails for one company or tenant is a finding, what stops all of them a
        failed run; only a store that cannot even record that raises."""
        mapped = [mappings.companies[c] for c in companies]
        run = run or self.store.open_run(reason, companies, dry, self.clock.now())
        try:
            self.watch.check(self.store.newest())
            result = self._phases(run, mappings, mapped, dry, watcher)
        except TrueupError as error:
            log.error("run.failed", run=run, error=str(error))
            result = Result(run, "failed", (), {}, detail=_why(error))
        finally:
            self.turns.end_all(run)
        self.store.seal_run(run, result.state, self.clock.now(), result.detail)
        self.store.note("run", _run_failed(result), self.clock.now())
        # In the log, which is kept elsewhere: who changes the journal and hashes it anew cannot change that as well.
        records, head = self.store.journal_head()
        log.info("journal.head", run=run, records=records, head=head)
        return result

    def _phases(
        self, run: str, mappings: Mappings, mapped: Sequence[CompanyMapping], dry: bool, watcher: Watcher
    ) -> Result:
        again = None if dry else self._settle(run, mappings, mapped)
        thoughts = self._think_all(run, mappings, mapped, watcher)
        plans = self._breaker(run, thoughts)
        written = {} if dry else self._write_all(run, plans, thoughts, watcher)
        failed = [t.failed for t in thoughts if t.failed]
        state = "failed" if failed and len(failed) == len(thoughts) else "done"
        soon, waiting = self._again(plans, again)
        return Result(run, state, tuple(plans), written, soon, waiting, " ".join(dict.fromkeys(failed)))

    def _settle(self, run: str, mappings: Mappings, mapped: Sequence[CompanyMapping]) -> datetime | None:
        unsettled = {entry.write.company for entry in self.store.entry_open()}
        # A company whose file is gone comes due no more, but what was sent for it must still become known.
        mine = {m.company for m in mapped} | (unsettled - mappings.companies.keys())
        due = [self._settle_one(run, company) for company in sorted(unsettled & mine)]
        return min((at for at in due if at is not None), default=None)

    def _settle_one(self, run: str, company: int) -> datetime | None:
        # In its turn: a write that another run has on the wire is not open yet, and two runs must not both close one.
        self.turns.take(company, run)
        try:
            return Recovery(self.psa, self.store, self.clock, self.policy.recheck).settle({company})
        finally:
            self.turns.end(company, run)

    def _think_all(
        self, run: str, mappings: Mappings, mapped: Sequence[CompanyMapping], watcher: Watcher
    ) -> list[Thought]:
        scope = self._scope(mapped)
        sweep = Sweep(self.source, mapped, mappings.needs)
        read_at = self.clock.now()
        agreements = Agreements(self.psa, frozenset().union(*scope.ids.values()), self.wire)
        think_one = partial(self._think_one, run, mappings, scope, sweep, read_at, agreements)
        thoughts: list[Thought] = []
        for thought in self.pool.map(think_one, mapped):
            thoughts.append(thought)
            watcher(Progress("reading", len(thoughts), len(mapped)))
        return thoughts

    def _scope(self, mapped: Sequence[CompanyMapping]) -> Scope:
        bound = self.store.bound_agreements(self.psa.traits.name)
        usual = {m.company: m.agreements | bound.get(m.company, frozenset()) for m in mapped}
        due = self.store.to_adopt(usual)
        ids = dict(usual)
        for agreement in self.psa.agreements_of(sorted(due)) if due else ():
            if agreement.company in due and not agreement.refusal:
                ids[agreement.company] |= {agreement.id}
        return Scope(ids, usual, due)

    def _think_one(
        self,
        run: str,
        mappings: Mappings,
        scope: Scope,
        sweep: Sweep,
        read_at: datetime,
        agreements: Agreements,
        mapping: CompanyMapping,
    ) -> Thought:
        company = mapping.company
        if self.stopping():
            return Thought(CompanyPlan(company, (), Money.zero(self.policy.currency)), failed="The agent is stopping.")
        self.turns.take(company, run)
        ids = scope.ids[company]
        answers = reading(mapping, agreements, ids, sweep, self.psa, self.catalogue, self.wire, self._stale)
        memory = self.store.memory(self.psa.traits.name, company, ids, self.clock.now(), mapping.accounts)
        try:
            reads = answers()
        except ReadFailed as error:
            return self._unread(run, mapping, error, alone=not (scope.fleet and agreements.unread))
        reads = narrowed(reads, scope.usual[company], self.policy.installation)
        if not reads.complete:
            # A planning that lacks a tenant closes nothing by itself, but the PSA has just been read.
            self.store.mended(company, [unreadable(company)], self.clock.now())
        now = self.clock.now()
        today, histories = self.clock.today(self.zone), self.histories(mapping)
        plan, learnt = think(mapping, mappings, reads, memory, self.psa, self.policy, now, today, histories)
        learnt = replace(self._with_refusals(learnt), adopted=company in scope.adopting)
        log.debug("company.planned", run=run, company=company, changes=len(plan.planned), ready=len(plan.ready))
        footing = Footing(self.psa, self.clock, reads.agreements, read_at)
        # One tenant that cannot be read is a finding; our own key refused means that the whole run went wrong.
        refused = "" if reads.snapshots else " ".join(map(_why, sweep.rejected.values()))
        if plan.unasked:
            # The plan is stored after the breaker has looked at all of them; until then a fleet's snapshots would
            # fill the memory, while for one company they are not worth a commit of their own.
            if scope.fleet:
                self.store.remember(learnt.snapshots)
                learnt = replace(learnt, snapshots=())
            return Thought(plan, learnt, refused, footing)
        self.store.learn(run, learnt, now)
        if not plan.ready:
            self.turns.end(company, run)
        return Thought(plan, None, refused, footing)

    def histories(self, mapping: CompanyMapping) -> Mapping[str, History]:
        """Of the company's accounts, by ref; not read at all where no row asks for a term."""
        asked = sorted({Account.parse(row.account) for row in mapping.rows if row.asks_for_term})
        return histories_of(self.store, asked)

    def _with_refusals(self, learnt: Learnt) -> Learnt:
        """A change that the PSA refused last time, and that is wanted still, stays a finding until it succeeds."""
        keys = {write.key for planned in learnt.planned for write in planned.realisation.writes}
        refused = of_refusals(self.store.refusals(keys), learnt.company) if keys else ()
        return replace(learnt, findings=(*learnt.findings, *refused))

    def _stale(self, account: str) -> bool:
        """Whether an account was not read for so long that a person should know; one never read is stale at once."""
        last = self.store.snapshot_age().get(Account.parse(account))
        return last is None or self.clock.now() - last > self.policy.stale_after

    def _unread(self, run: str, mapping: CompanyMapping, error: ReadFailed, alone: bool) -> Thought:
        """`alone`: what stops every company is told once, of the run."""
        log.warning("company.unread", run=run, company=mapping.company, error=str(error))
        sentence = f"{mapping.name}: the PSA could not be read whole ({error})"
        finding = Finding(
            Code.PSA_UNREADABLE, Severity.ERROR, mapping.company, unreadable(mapping.company), sentence, error.remedy
        )
        if alone:
            self.store.report(mapping.company, [finding], self.clock.now())
        return Thought(CompanyPlan(mapping.company, (), Money.zero(self.policy.currency)), failed=_why(error))

    def _breaker(self, run: str, thoughts: Sequence[Thought]) -> list[CompanyPlan]:
        plans = [thought.plan for thought in thoughts]
        reason = fleet_reason(plans, self.policy.limits, self.policy.currency)
        if reason:
            log.warning("fleet.held", run=run, reason=reason)
            plans = [hold_ready(plan, reason) for plan in plans]
        for thought, plan in zip(thoughts, plans, strict=True):
            if thought.learnt is not None:
                self.store.learn(run, replanned(thought.learnt, plan), self.clock.now())
        return plans

    def _write_all(
        self, run: str, plans: Sequence[CompanyPlan], thoughts: Sequence[Thought], watcher: Watcher
    ) -> Mapping[EntryState, int]:
        moving = [(plan, t.footing) for plan, t in zip(plans, thoughts, strict=True) if plan.ready and t.footing]
        written: Counter[EntryState] = Counter()
        for done, states in enumerate(self.wire.map(partial(self._write_one, run), moving), 1):
            written.update(states)
            watcher(Progress("writing", done, len(moving)))
        return written

    def _write_one(self, run: str, moving: tuple[CompanyPlan, Footing]) -> list[EntryState]:
        plan, footing = moving
        applying = Applying(self.psa, self.store, self.clock, self.stopping, footing.stands)
        tried: list[tuple[Planned, Tried | None]] = []
        for planned in plan.first:
            # What takes over seats of a line waits until that has given them: for a later cycle, if that went wrong.
            if _given(tried).issuperset(planned.change.follows):
                tried.append((planned, applying.apply(run, planned)))
        self._tell(plan.company, [done for _, done in tried if done])
        whole = [planned for planned, last in tried if last and last.completes(planned)]
        if whole:
            mended, digests = [str(planned.change.key) for planned in whole], [planned.digest for planned in whole]
            self.store.mended(plan.company, mended, self.clock.now(), digests)
        self.turns.end(plan.company, run)
        return [done.state for _, done in tried if done]

    def _tell(self, company: int, tried: Sequence[Tried]) -> None:
        """Open at once what the next cycle would find: a write that was refused, or whose outcome is unknown."""
        refused = {t.write.key: t.detail for t in tried if t.state in (EntryState.REFUSED, EntryState.CONFLICT)}
        unknown = [t.write for t in tried if t.state is EntryState.UNKNOWN]
        found = [*of_refusals(refused, company), *of_open_writes(unknown, company)]
        if found:
            self.store.report(company, found, self.clock.now())

    def _again(self, plans: Sequence[CompanyPlan], settle: datetime | None) -> tuple[datetime | None, frozenset[int]]:
        """When to come back before the next regular cycle, and to whom."""
        now = self.clock.now()
        unsettled = {entry.write.company for entry in self.store.entry_open()}
        waiting = {p.company for p in plans if len(p.first) < len(p.ready) or any(_soon(c) for c in p.planned)}
        mine = {plan.company for plan in plans}
        due = [settle] if settle else []
        if waiting - unsettled:
            due.append(now + self.policy.recheck)
        if unsettled & mine and not settle:
            due.append(now + timedelta(seconds=self.psa.traits.settle))
        return min(due, default=None), frozenset((waiting | unsettled) & mine)


def _given(tried: Sequence[tuple[Planned, Tried | None]]) -> set[LineKey]:
    """Lines that have ended, or were lowered, for certain."""
    done = [planned.change for planned, last in tried if last and last.state is EntryState.CONFIRMED]
    return {change.key for change in done if isinstance(change, (EndLine, SetQuantity))}


def _soon(planned: Planned) -> bool:
    return bool(planned.change.waits) and not planned.change.theirs


def _why(error: TrueupError) -> str:
    """What happened and what to do about it: a run keeps one text."""
    return " ".join(ended(said) for said in (str(error), error.remedy) if said)


def _run_failed(result: Result) -> list[Finding]:
    if result.state != "failed":
        return []
    remedy = "see the reason; the next cycle starts anew"
    return [Finding(Code.RUN_FAILED, Severity.ERROR, None, "run", f"the last cycle failed: {result.detail}", remedy)]


def unreadable(company: int) -> str:
    """Subject of the finding that the PSA could not be read for a company."""
    return f"company/{company}"


def replanned(learnt: Learnt, plan: CompanyPlan) -> Learnt:
    """What was learnt, with the plan and its findings as they stand after the breaker."""
    if plan.planned == learnt.planned:
        return learnt
    others = [f for f in learnt.findings if f.code not in (Code.UNDER_BILLED, Code.OVER_BILLED, Code.HELD)]
    return replace(learnt, planned=plan.planned, findings=(*others, *of_plan(plan.planned, plan.company)))
