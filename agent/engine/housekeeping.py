"""What is looked at daily rather than in each cycle: our own rights, and tenants that nobody mapped."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import structlog

from agent.domain.counts import Account
from agent.domain.findings import Code, Finding, Severity
from agent.domain.mappings import Mappings
from agent.errors import ReadFailed
from agent.ports import Clock, Psa, Source, Store

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Housekeeping:
    source: Source
    psa: Psa
    store: Store
    clock: Clock
    mappings: Callable[[], Mappings]

    def __call__(self) -> None:
        """Each part stands by itself: what cannot be read leaves its earlier findings as they were."""
        for scope, look in (("psa", self._psa), ("tenants", self._tenants), ("credentials", self._credentials)):
            try:
                findings = look()
            except ReadFailed as error:
                log.warning("housekeeping.failed", scope=scope, error=str(error))
            else:
                self.store.note(scope, findings, self.clock.now())

    def _psa(self) -> list[Finding]:
        return list(self.psa.check())

    def _tenants(self) -> list[Finding]:
        mapped = self.mappings().companies_by_tenant
        return [_unmapped(account) for account in self.source.accounts() if account.id not in mapped]

    def _credentials(self) -> list[Finding]:
        """One tenant tells about the credential that all share; its own findings belong to its company."""
        tenant = next(iter(self.mappings().companies_by_tenant), None)
        if tenant is None:
            return []
        shared = (Code.CREDENTIAL_EXPIRING, Code.CREDENTIALS_REJECTED, Code.PERMISSION_TOO_WIDE)
        return [f for f in self.source.check(Account(self.source.name, tenant)) if f.code in shared]


def _unmapped(account: Account) -> Finding:
    name = account.name or account.id
    return Finding(
        Code.UNMAPPED_TENANT,
        Severity.WARNING,
        None,
        f"tenant/{account.id}",
        f"tenant {name} is visible to you, but no mapping file bills it",
        "trueup map suggest proposes a company for it",
    )
