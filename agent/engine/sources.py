"""Every source of agent.toml behind one port: an account says which of them is asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from agent.domain.counts import NO_NEEDS, Account, Needs, Snapshot
from agent.domain.findings import Finding
from agent.errors import Incomplete
from agent.ports import Source


@dataclass(frozen=True, slots=True)
class Switchboard:
    """`agent.ports.Source` over all of `sources`, by name."""

    sources: Mapping[str, Source]

    def accounts(self) -> Sequence[Account]:
        return [account for source in self.sources.values() for account in source.accounts()]

    def observe(self, account: Account, needs: Needs = NO_NEEDS) -> Snapshot:
        return self._of(account).observe(account, needs)

    def check(self, account: Account, needs: Needs = NO_NEEDS, elsewhere: Needs = NO_NEEDS) -> Sequence[Finding]:
        return self._of(account).check(account, needs, elsewhere)

    def _of(self, account: Account) -> Source:
        if account.source not in self.sources:
            # The mapping files in force may be older than agent.toml.
            remedy = f"Put [sources.{account.source}] back, or remove its rows."
            raise Incomplete(f"agent.toml has no source {account.source} any more.", remedy)
        return self.sources[account.source]
