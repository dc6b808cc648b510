"""What edited mapping files would change: both sides think on the same reads. Nothing is written or learnt."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial

from agent.domain.compared import Compared
from agent.domain.counts import Account, Needs
from agent.domain.findings import Finding
from agent.domain.guards import CompanyPlan
from agent.domain.mappings import CompanyMapping, Mappings
from agent.domain.money import Money
from agent.engine.cycle import Cycle, Progress, Watcher
from agent.engine.planning import think
from agent.engine.reading import Agreements, Reads, Sweep, reading
from agent.errors import ReadFailed
from agent.ports import Memory

Reader = Callable[[CompanyMapping, frozenset[int]], Reads]
"""What a company needs, with these agreements beside its rows'; raises `ReadFailed` where it cannot be had."""


@dataclass(frozen=True, slots=True)
class WhatIf:
    """`cycle` lends its ports and its policy; it is not run."""

    cycle: Cycle
    now: Mappings
    edited: Mappings

    def _needs(self, account: str) -> Needs:
        return self.now.needs(account) | self.edited.needs(account)

    def compared(
        self, companies: Sequence[int], stored: bool, watcher: Watcher = lambda progress: None
    ) -> Iterator[Compared | tuple[int, ReadFailed]]:
        """One after the other; a company that could not be read comes with its error."""
        unions = [_union(company, self.now, self.edited) for company in companies]
        reader = self._stored if stored else partial(self._read, Sweep(self.cycle.source, unions, self._needs))
        bound = self.cycle.store.bound_agreements(self.cycle.psa.traits.name)
        for number, union in enumerate(unions, 1):
            known = bound.get(union.company, frozenset())
            try:
                reads = reader(union, known)
            except ReadFailed as error:
                yield union.company, error
            else:
                yield self._compared(union.company, reads, known | union.agreements)
            watcher(Progress("reading", number, len(unions)))

    def _compared(self, company: int, reads: Reads, agreements: frozenset[int]) -> Compared:
        cycle = self.cycle
        sides = (side.companies.get(company) for side in (self.now, self.edited))
        accounts = {account for mapping in sides if mapping for account in mapping.accounts}
        memory = cycle.store.memory(cycle.psa.traits.name, company, agreements, cycle.clock.now(), accounts)
        return Compared.of(*(self._thought(company, side, reads, memory) for side in (self.now, self.edited)))

    def _thought(
        self, company: int, mappings: Mappings, reads: Reads, memory: Memory
    ) -> tuple[CompanyPlan, tuple[Finding, ...]]:
        cycle, mapping = self.cycle, mappings.companies.get(company)
        if mapping is None:
            return CompanyPlan(company, (), Money.zero(cycle.policy.currency)), ()
        own = {account: snapshot for account, snapshot in reads.snapshots.items() if account in mapping.accounts}
        reads, now = replace(reads, snapshots=own), cycle.clock.now()
        today = cycle.clock.today(cycle.zone)
        histories = cycle.histories(mapping)
        plan, learnt = think(mapping, mappings, reads, memory, cycle.psa, cycle.policy, now, today, histories)
        return plan, learnt.findings

    def _read(self, sweep: Sweep, union: CompanyMapping, bound: frozenset[int]) -> Reads:
        cycle = self.cycle
        agreements = Agreements(cycle.psa, union.agreements | bound, cycle.wire)
        return reading(union, agreements, bound, sweep, cycle.psa, cycle.catalogue, cycle.wire, lambda account: True)()

    def _stored(self, union: CompanyMapping, bound: frozenset[int]) -> Reads:
        """What was read last. What that does not hold is not guessed: a product that nobody read is not missing."""
        store = self.cycle.store
        standings = store.standings(union.company, datetime.max.replace(tzinfo=UTC))
        read = {account: store.last_snapshot(Account.parse(account)) for account in union.accounts}
        snapshots = {account: snapshot for account, snapshot in read.items() if snapshot is not None}
        standing = standings[-1].value if standings else None
        missing = [] if standing is None else [
            *(f"agreement {number}" for number in sorted(union.agreements - standing.agreements.keys())),
            *(f"product {name}" for name in sorted({r.profile.product for r in union.rows} - standing.products.keys())),
            *(f"account {account}" for account in union.accounts if account not in snapshots),
        ]  # fmt: skip
        if standing is None or missing:
            what = ", ".join(missing) or "the company"
            raise ReadFailed(f"{what} is in no stored read", "Leave --stored out, so that it is read now")
        return Reads(snapshots, (), True, standing.agreements, standing.lines, standing.products)


def _union(company: int, *sides: Mappings) -> CompanyMapping:
    """What either side needs to be read."""
    known = [side.companies[company] for side in sides if company in side.companies]
    accounts = tuple(dict.fromkeys(account for mapping in known for account in mapping.accounts))
    return replace(known[0], accounts=accounts, rows=tuple(row for mapping in known for row in mapping.rows))


def companies_of(now: Mappings, edited: Mappings) -> Mapping[int, CompanyMapping]:
    """Every company that either side maps, as the edited files call it."""
    return {**now.companies, **edited.companies}
