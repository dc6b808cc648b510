"""What is done daily rather than in each cycle: looking at our own rights and at what nobody mapped, and thinning."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from zoneinfo import ZoneInfo

import structlog

from agent.domain.counts import MICROSOFT, Account
from agent.domain.findings import Code, Finding, Severity
from agent.domain.mappings import Mappings
from agent.errors import ReadFailed
from agent.ports import Clock, Psa, Source, Store

log = structlog.get_logger()

# Nanoseconds; the accounts that are left have waited longest the next day, and are then the first.
_THINNING = 60 * 10**9


@dataclass(frozen=True, slots=True)
class Housekeeping:
    sources: Mapping[str, Source]
    psa: Psa
    store: Store
    clock: Clock
    mappings: Callable[[], Mappings]
    zone: ZoneInfo
    history: timedelta  # how long earlier versions of what was read are kept
    thin_after: timedelta  # how long all of them

    def __call__(self) -> None:
        """Each part stands by itself: what cannot be read leaves its earlier findings as they were."""
        self.store.forget_past(self.clock.now() - self.history)
        self._thin()
        looks: dict[str, Callable[[], list[Finding]]] = {
            "psa": self._psa,
            "tenants": partial(self._unmapped, MICROSOFT),
            "credentials": partial(self._credentials, MICROSOFT),
            "companies": self._companies,
            "journal": self._journal,
        }
        for source in self.sources.keys() - {MICROSOFT}:
            looks |= {
                f"accounts/{source}": partial(self._unmapped, source),
                f"credentials/{source}": partial(self._credentials, source),
            }
        for scope, look in looks.items():
            try:
                findings = look()
            except ReadFailed as error:
                log.warning("housekeeping.failed", scope=scope, error=str(error))
            else:
                self.store.note(scope, findings, self.clock.now())

    def _thin(self) -> None:
        """For a minute at most; an account is done whole."""
        ends = self.clock.monotonic() + _THINNING
        before = (self.clock.now() - self.thin_after).astimezone(self.zone).date()
        sharing, dropped = self.mappings().companies_by_account, 0
        for account in self.store.to_thin(before):
            if self.clock.monotonic() > ends:
                break
            companies = [mapping.company for mapping in sharing.get(account.ref, ())]
            dropped += self.store.thin(account, before, self.zone, companies)
        if dropped:
            log.info("history.thinned", before=before.isoformat(), reads=dropped)
        self.store.give_back_space()

    def _psa(self) -> list[Finding]:
        return list(self.psa.check())

    def _unmapped(self, source: str) -> list[Finding]:
        mapped = self.mappings().companies_by_account
        return [_unmapped(account) for account in self.sources[source].accounts() if account.ref not in mapped]

    def _credentials(self, source: str) -> list[Finding]:
        """One account tells about the credential that all share; its own findings belong to its company."""
        mappings = self.mappings()
        accounts = map(Account.parse, mappings.companies_by_account)
        account = next((account for account in accounts if account.source == source), None)
        if account is None:
            return []
        shared = (Code.CREDENTIAL_EXPIRING, Code.CREDENTIALS_REJECTED, Code.PERMISSION_TOO_WIDE)
        found = self.sources[source].check(account, elsewhere=mappings.all_needs)
        return [f for f in found if f.code in shared]

    def _journal(self) -> list[Finding]:
        """Somebody may have changed what was written long ago, when nobody looks at it any more."""
        _, _, fault = self.store.verify_journal()
        remedy = "keep a copy of the store as it is, and find out who wrote to it"
        return [Finding(Code.JOURNAL_BROKEN, Severity.ERROR, None, "journal", fault, remedy)] if fault else []

    def _companies(self) -> list[Finding]:
        """A company whose mapping file is gone is in no cycle any more, but its lines go on billing."""
        mapped = self.mappings().companies
        accounts = {company: mapping.accounts for company, mapping in mapped.items()}
        self.store.forget(accounts, self.sources.keys(), self.clock.now())
        bound = self.store.bound_agreements(self.psa.traits.name)
        return [_abandoned(company, agreements) for company, agreements in bound.items() if company not in mapped]


def _abandoned(company: int, agreements: Collection[int]) -> Finding:
    where = ", ".join(str(agreement) for agreement in sorted(agreements))
    return Finding(
        Code.ORPHAN_LINE,
        Severity.ERROR,
        company,
        f"company/{company}",
        f"company {company} has no mapping file any more, but Trueup's lines on agreement {where} go on billing",
        "restore its file without rows, and approve the ends that the next plan proposes; or end the lines by hand",
    )


def _unmapped(account: Account) -> Finding:
    name = account.name or account.id
    if account.source != MICROSOFT:
        return Finding(
            Code.UNMAPPED_ACCOUNT,
            Severity.WARNING,
            None,
            f"account/{account.ref}",
            f"{account.source} knows {name}, but no mapping file names its id there ({account.id})",
            "trueup map suggest proposes a company for it",
        )
    return Finding(
        Code.UNMAPPED_TENANT,
        Severity.WARNING,
        None,
        f"tenant/{account.id}",
        f"tenant {name} is visible to you, but no mapping file bills it",
        "trueup map suggest proposes a company for it",
    )
