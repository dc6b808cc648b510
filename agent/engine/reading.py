"""Read there, read here: everything one company's plan needs, or the findings that say what could not be read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from threading import Lock
from typing import TypeVar

from agent.domain.agreements import Agreement, Line, Product
from agent.domain.counts import Account, Needs, Snapshot
from agent.domain.findings import Code, Finding, Severity
from agent.domain.mappings import CompanyMapping
from agent.errors import AccessDenied, CredentialsRejected, Incomplete, ReadFailed, Unreachable
from agent.ports import Clock, Psa, Source

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Reads:
    """What was read for one company. A tenant that is missing from `snapshots` could not be read.

    `failures` are those of them that a person should know of; a tenant that is out of reach for an hour is none yet.
    """

    snapshots: Mapping[str, Snapshot]
    failures: tuple[Finding, ...]
    complete: bool
    agreements: Mapping[int, Agreement]
    lines: Mapping[int, Sequence[Line]]
    products: Mapping[str, Product]


class Sweep:
    """The tenants of one run. A tenant that several companies share is read once, and forgotten after its last use."""

    def __init__(
        self,
        source: Source,
        companies: Iterable[CompanyMapping],
        needs: Callable[[str], Needs],
        kept: Callable[[Snapshot], None],
    ) -> None:
        self._source, self._needs, self._kept = source, needs, kept
        self._uses = Counter(tenant for company in companies for tenant in company.tenants)
        self._seen: dict[str, Snapshot | ReadFailed] = {}
        self._locks: dict[str, Lock] = {tenant: Lock() for tenant in self._uses}
        self.rejected: CredentialsRejected | None = None

    def observe(self, tenant: str) -> Snapshot | ReadFailed:
        with self._locks[tenant]:
            seen = self._seen.pop(tenant, None)
            if seen is None:
                seen = self._observe(tenant)
            self._uses[tenant] -= 1
            if self._uses[tenant]:
                self._seen[tenant] = seen
        return seen

    def _observe(self, tenant: str) -> Snapshot | ReadFailed:
        # A refused key is refused for every tenant; asking a thousand times would only lock the app out.
        if self.rejected is not None:
            return self.rejected
        try:
            snapshot = self._source.observe(Account(self._source.name, tenant), self._needs(tenant))
        except CredentialsRejected as error:
            self.rejected = error
            return error
        except ReadFailed as error:
            return error
        self._kept(snapshot)
        return snapshot


@dataclass(slots=True)
class Catalogue:
    """PSA products by identifier, asked for again when older than `lifetime`: they change about never."""

    psa: Psa
    clock: Clock
    lifetime: timedelta
    _products: dict[str, tuple[Product | None, datetime]] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def products(self, identifiers: Iterable[str]) -> Mapping[str, Product]:
        wanted, now = set(identifiers), self.clock.now()
        with self._lock:
            stale = [i for i in wanted if i not in self._products or now - self._products[i][1] > self.lifetime]
            if stale:
                found = self.psa.products(stale)
                # A product that is not there yet may be created any minute: it is not remembered as missing.
                self._products |= {i: (found[i], now) for i in stale if i in found}
            known = {i: self._products[i][0] for i in wanted if i in self._products}
        return {identifier: product for identifier, product in known.items() if product is not None}


def read_company(
    mapping: CompanyMapping,
    agreements: Callable[[], Mapping[int, Agreement]],
    bound: frozenset[int],
    sweep: Sweep,
    psa: Psa,
    catalogue: Catalogue,
    beside: Executor | None,
    stale: Callable[[str], bool],
) -> Reads:
    """Read a company's tenants and the lines of exactly the agreements that its rows and bindings name.

    With `beside` the reads run side by side (one company, a person waits); without it one after the other (a fleet,
    whose companies already run side by side). A PSA that cannot be read raises: then there is nothing to plan.
    """
    ids = sorted(mapping.agreements | bound)
    identifiers = sorted({row.profile.product for row in mapping.rows})
    later = _submit(beside)
    tenants = {tenant: later(partial(sweep.observe, tenant)) for tenant in mapping.tenants}
    found = later(agreements)
    products = later(partial(catalogue.products, identifiers))
    lines = {a: later(partial(psa.lines, a)) for a in ids} if beside else None
    here = {a: agreement for a, agreement in found().items() if a in ids}
    # In a fleet the agreements are known before: one that the PSA no longer has is not asked for its lines.
    read = {a: lines[a]() for a in here} if lines else {a: psa.lines(a) for a in here}
    seen = {tenant: result() for tenant, result in tenants.items()}
    snapshots = {tenant: s for tenant, s in seen.items() if isinstance(s, Snapshot)}
    failed = {tenant: error for tenant, error in seen.items() if isinstance(error, ReadFailed)}
    told = {tenant: e for tenant, e in failed.items() if not isinstance(e, Unreachable) or stale(tenant)}
    failures = tuple(failure_finding(error, mapping, tenant) for tenant, error in told.items())
    return Reads(snapshots, failures, not failed, here, read, products())


def failure_finding(error: ReadFailed, mapping: CompanyMapping, tenant: str) -> Finding:
    """A tenant that could not be read, as a finding; what was billed stays as it is."""
    match error:
        case CredentialsRejected():
            code, subject = Code.CREDENTIALS_REJECTED, "credentials"
        case AccessDenied():
            code, subject = Code.CONSENT_LOST, tenant
        case Incomplete():
            code, subject = Code.SOURCE_INCOMPLETE, tenant
        case _:
            code, subject = Code.SOURCE_STALE, tenant
    sentence = f"{mapping.name}, tenant {tenant}: {error}"
    return Finding(code, Severity.ERROR, mapping.company, subject, sentence, error.remedy)


def _submit(beside: Executor | None) -> Callable[[Callable[[], T]], Callable[[], T]]:
    if beside is None:
        return _remembering
    return lambda task: beside.submit(task).result


def _remembering(task: Callable[[], T]) -> Callable[[], T]:
    """Run when first asked for, once."""
    results: list[T] = []

    def result() -> T:
        if not results:
            results.append(task())
        return results[0]

    return result
