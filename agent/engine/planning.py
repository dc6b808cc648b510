"""Think: from what was read and remembered to one company's guarded plan. Pure, but for asking the PSA adapter
which requests would realise a change, which reads and sends nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import date, datetime, timedelta

from agent.domain.agreements import Agreement
from agent.domain.back_billing import back_billed
from agent.domain.changes import AddLine, Change, Planned, Realisation, Write
from agent.domain.desired import Desired, desired
from agent.domain.exclusions import billed_anyway
from agent.domain.findings import Code, Finding
from agent.domain.guards import Case, CompanyPlan, Limits, guarded
from agent.domain.holdings import Ground, Ownership, ownership, unclaimed
from agent.domain.kept import as_kept, of_kept
from agent.domain.keys import LineKey
from agent.domain.mappings import CompanyMapping, Mappings
from agent.domain.mismatches import (
    labels,
    of_duplicates,
    of_edits,
    of_open_writes,
    of_ownership,
    of_plan,
    of_proration,
    of_snapshot,
    of_stops,
    of_strays,
    of_undone,
)
from agent.domain.money import Money
from agent.domain.next_invoice import effect
from agent.domain.orders import of_orders
from agent.domain.ownership import Binding, Timing
from agent.domain.plan import Draft, draft
from agent.domain.price_lock import allotted
from agent.domain.renewals import of_commitments, of_terms
from agent.domain.sales import of_sales, with_deals
from agent.domain.terms import History
from agent.engine.reading import Reads
from agent.ports import Learnt, Memory, Psa


@dataclass(frozen=True, slots=True)
class Policy:
    """The settings that planning needs."""

    currency: str
    limits: Limits
    recheck: timedelta
    stale_after: timedelta
    installation: str


def think(
    mapping: CompanyMapping,
    mappings: Mappings,
    reads: Reads,
    memory: Memory,
    psa: Psa,
    policy: Policy,
    now: datetime,
    today: date,
    histories: Mapping[str, History],
) -> tuple[CompanyPlan, Learnt]:
    """One company's plan with everything that is to be remembered about it.

    `histories` are those of the company's accounts, as far as its rows ask for terms.
    """
    reads = replace(reads, snapshots=with_deals(mapping, mappings, reads.snapshots))
    names = psa.traits.name, psa.traits.text_limit, policy.currency
    asked = desired(mapping, mappings, reads.snapshots, reads.products, *names, histories)
    ground = ground_of(mapping, mappings, reads, memory, psa, policy, today)
    keys = [row.key(psa.traits.name) for row in mapping.rows]
    owned = ownership(ground, keys)
    bound = frozenset(b.line for b in (*memory.bindings.values(), *owned.learnt))
    free = tuple(billed_anyway(ground, bound, reads.snapshots, mappings))
    owned = replace(owned, orphans=(*owned.orphans, *free))
    shared = allotted(asked, owned, today)
    wanted = as_kept(shared, memory.kept)
    timing = Timing(now, today, policy.recheck)
    made = draft(wanted, owned, ground, memory.sightings, frozenset(memory.open_entries), timing, policy.currency)
    bindings = {**memory.bindings, **{binding.key: binding for binding in owned.learnt}}
    changes = (*made.changes, *back_billed(memory.past, replace(ground, bindings=bindings), policy.currency))
    realised = [Planned(change, _realise(change, psa, reads, bindings, today, policy.currency)) for change in changes]
    case = _case(mapping, reads, memory, owned, keys, policy, today)
    if any(isinstance(change, AddLine) for change in made.changes):
        by_hand = [line for number in ground.agreements for line in unclaimed(ground, number, bindings)]
        case = replace(case, by_hand=by_hand)
    plan = CompanyPlan(mapping.company, guarded(realised, case), case.monthly)
    learnt = _learnt(mapping, mappings, reads, memory, wanted, owned, made, plan)
    odd = [
        *of_proration(
            owned.owned.values(), reads.agreements, psa.traits.convention, today, mapping.company, policy.currency
        ),
        *of_commitments(asked.lines, reads.agreements, mapping.company, policy.currency),
        *of_kept(shared, memory.kept, reads.agreements, mapping.company, policy.currency),
        *of_undone(ground, plan.planned, mapping.company),
        *of_terms(asked.lines, reads.snapshots, histories, made.stopped, mapping.company),
    ]
    return plan, replace(learnt, findings=(*learnt.findings, *odd))


def ground_of(
    mapping: CompanyMapping,
    mappings: Mappings,
    reads: Reads,
    memory: Memory,
    psa: Psa,
    policy: Policy,
    today: date,
) -> Ground:
    shared = (row for account in mapping.accounts for row in mappings.rows_by_account.get(account, ()))
    asked = {row.key(psa.traits.name) for row in shared} if memory.elsewhere else set()
    return Ground(
        psa=psa.traits.name,
        installation=policy.installation,
        company=mapping.company,
        today=today,
        agreements=reads.agreements,
        lines=reads.lines,
        bindings=memory.bindings,
        charges=memory.charges,
        boundaries=memory.boundaries,
        open_keys=frozenset(memory.open_entries),
        adopting=frozenset(row.key(psa.traits.name) for row in mapping.rows if row.adopt),
        replaced=frozenset(id for row in mapping.rows for id in row.replaces),
        elsewhere=tuple(binding for binding in memory.elsewhere if binding.key.row not in asked),
    )


def _realise(
    change: Change, psa: Psa, reads: Reads, bindings: Mapping[LineKey, Binding], today: date, currency: str
) -> Realisation:
    if change.waits or change.queued:
        return Realisation(note=change.waits or change.queued)
    agreement = reads.agreements[change.key.agreement]
    realisation = psa.writes(change, agreement, today)
    writes = tuple(_remembering(w, agreement, bindings.get(w.key)) for w in realisation.writes)
    money = effect(writes, change, agreement, psa.traits.convention, currency)
    return replace(realisation, writes=writes, next_invoice=money)


def _remembering(write: Write, agreement: Agreement, bound: Binding | None) -> Write:
    """With where the invoices stood when the line was made; a later write to it changes nothing of that."""
    write = replace(write, next_invoice=agreement.next_invoice)
    if write.line is None:
        return replace(write, boundary=agreement.next_invoice)
    return replace(write, boundary=bound.boundary, locked=bound.locked) if bound else replace(write, boundary=None)


def _case(
    mapping: CompanyMapping,
    reads: Reads,
    memory: Memory,
    owned: Ownership,
    keys: Sequence[LineKey],
    policy: Policy,
    today: date,
) -> Case:
    return Case(
        mode=mapping.mode,
        limits=_limits(policy.limits, mapping),
        today=today,
        agreements=reads.agreements,
        owned={**owned.owned, **{orphan.key: orphan for orphan in owned.orphans}},
        may_adopt=frozenset(key for key, row in zip(keys, mapping.rows, strict=True) if row.adopt),
        monthly=_billed_monthly(mapping, owned, reads, policy.currency),
        seats=sum(int(mine.holding.quantity) for mine in owned.owned.values() if mine.holding),
        approved=memory.approved,
        rejected=memory.rejected,
        strays=owned.strays,
        made=memory.made,
    )


def _limits(defaults: Limits, mapping: CompanyMapping) -> Limits:
    known = {field.name for field in fields(Limits)}
    own = {name.replace("-", "_"): value for name, value in (mapping.limits or {}).items()}
    return replace(defaults, **{name: value for name, value in own.items() if name in known})


def _billed_monthly(mapping: CompanyMapping, owned: Ownership, reads: Reads, currency: str) -> Money:
    """What the company's managed lines bill a month, and those that are to give way to them; lines without a price of
    their own cannot be summed."""
    replaced = {id for row in mapping.rows for id in row.replaces}
    giving_way = [x for lines in reads.lines.values() for x in lines if x.id in replaced and x.open]
    amounts = [
        Money(line.price * (line.quantity - line.included) / (reads.agreements[line.agreement].months or 1), currency)
        for line in giving_way
        if line.price is not None
    ]
    for mine in owned.owned.values():
        agreement = reads.agreements.get(mine.key.agreement)
        if mine.holding and agreement and mine.base and mine.base.price is not None:
            seats = mine.holding.quantity - mine.base.included
            amounts.append(Money(mine.base.price * seats / (agreement.months or 1), currency))
    return Money.total(amounts, currency)


def _learnt(
    mapping: CompanyMapping,
    mappings: Mappings,
    reads: Reads,
    memory: Memory,
    wanted: Desired,
    owned: Ownership,
    made: Draft,
    plan: CompanyPlan,
) -> Learnt:
    rebased = {binding.key: binding for binding in (*owned.learnt, *made.bindings)}
    boundaries = {a.id: a.next_invoice for a in reads.agreements.values() if a.next_invoice}
    # An invoice that was undone must stay visible until it is made again, so a boundary is only ever moved forward.
    boundaries = {a: day for a, day in boundaries.items() if day >= memory.boundaries.get(a, day)}
    return Learnt(
        company=mapping.company,
        bindings=tuple(rebased.values()),
        sightings=made.sightings,
        charges=made.charges,
        boundaries=boundaries,
        planned=plan.planned,
        derivations={line.key: line.steps for line in wanted.lines},
        findings=tuple(_findings(mapping, mappings, reads, memory, wanted, owned, made, plan)),
        monthly=plan.monthly,
        complete=reads.complete,
        snapshots=tuple(reads.snapshots.values()),
        standing=reads.standing,
    )


def _findings(
    mapping: CompanyMapping,
    mappings: Mappings,
    reads: Reads,
    memory: Memory,
    wanted: Desired,
    owned: Ownership,
    made: Draft,
    plan: CompanyPlan,
) -> list[Finding]:
    # An account that was not read has a finding of its own, which each of its lines would only repeat.
    stopped = {key: stop for key, stop in made.stopped.items() if stop.code is not Code.SOURCE_STALE}
    found = [*reads.failures, *of_stops(stopped, labels(wanted), mapping.company)]
    found += of_plan(plan.planned, mapping.company)
    found += of_edits(owned.owned.values(), mapping.company)
    found += of_open_writes((entry.write for entry in memory.open_entries.values()), mapping.company)
    excluded = {sku: e for account in mapping.accounts for sku, e in mappings.excluded(account).items()}
    found += of_ownership(owned.orphans, owned.foreign, excluded, mapping.company)
    found += of_duplicates(owned.twice, made.stopped, mapping.company)
    found += of_strays(owned.strays, mapping.company)
    if reads.complete:
        found += of_sales(mapping, mappings, reads.snapshots)
    for account, snapshot in reads.snapshots.items():
        # Of companies that share a tenant the first reports what is wrong inside it, so that it is told once.
        if mappings.companies_by_account[account][0].company == mapping.company:
            found += of_snapshot(snapshot, mappings, mapping.company)
            found += of_orders(snapshot, mapping.company)
    return found
