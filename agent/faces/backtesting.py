"""Gathers what is stored of companies, and replays it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from agent.domain.agreements import Product
from agent.domain.counts import Account
from agent.domain.mappings import CompanyMapping, Mappings
from agent.domain.replayed import Replayed
from agent.engine.cycle import Progress, Watcher
from agent.engine.planning import Policy
from agent.engine.reading import histories_of
from agent.engine.replay import Evidence, Replay
from agent.errors import TrueupError
from agent.ports import Psa, Store

Catalogue = Callable[[Iterable[str]], Mapping[str, Product]]


class NothingStored(TrueupError):
    """No read covers what was asked for."""


@dataclass(frozen=True, slots=True)
class Archive:
    """`psa` only says which requests a change needs; `catalogue` is asked for products that no stored read knows."""

    store: Store
    psa: Psa
    policy: Policy
    zone: ZoneInfo
    catalogue: Catalogue

    def replays(
        self, mappings: Mappings, companies: Sequence[int], first: date, last: date, watcher: Watcher
    ) -> tuple[list[Replayed], dict[int, str]]:
        """What came of each company, and why it did not, or not from the first day on."""
        replay = Replay(mappings, self.psa, self.policy, self.zone)
        done, uncovered = [], {}
        for number, company in enumerate(companies, 1):
            mapping = mappings.companies[company]
            evidence = self.evidence(mapping, first)
            replayed = replay.run(company, evidence, first, last)
            if replayed is not None:
                done.append(replayed)
            lacking = "; ".join(self._lacking(mapping, evidence, replayed, first))
            if lacking:
                uncovered[company] = lacking
            watcher(Progress("replaying", number, len(companies)))
        return done, uncovered

    def evidence(self, mapping: CompanyMapping, first: date) -> Evidence:
        since = datetime.combine(first, time(), self.zone)
        standings = self.store.standings(mapping.company, since)
        snapshots = {account: self.store.snapshots(Account.parse(account), since) for account in mapping.accounts}
        known = {name for version in standings for name in version.value.products}
        asked = {row.profile.product for row in mapping.rows} - known
        agreements = {agreement for version in standings for agreement in version.value.agreements}
        now = standings[-1].last if standings else since
        memory = self.store.memory(self.psa.traits.name, mapping.company, agreements, now)
        products = self.catalogue(asked) if asked and standings else {}
        histories = histories_of(self.store, map(Account.parse, mapping.accounts))
        return Evidence(standings, snapshots, memory, products, histories)

    def _lacking(
        self, mapping: CompanyMapping, evidence: Evidence, replayed: Replayed | None, first: date
    ) -> Iterator[str]:
        unread = [account for account, versions in evidence.snapshots.items() if not versions]
        if not evidence.standings:
            yield "its agreements have not been read yet"
        elif unread:
            yield f"account {', '.join(unread)} has not been read yet"
        elif replayed is None:
            yield "all that is stored of it was read later"
        elif replayed.begins > datetime.combine(first, time(), self.zone):
            yield f"replayed from {replayed.begins.astimezone(self.zone):%Y-%m-%d %H:%M} on, its first complete read"
        known = {agreement for version in evidence.standings for agreement in version.value.agreements}
        never = sorted(mapping.agreements - known) if evidence.standings else []
        if never:
            yield f"agreement {', '.join(map(str, never))} was never read, so its rows could not be replayed"
