"""Read there, read here: everything one company's plan needs, or the findings that say what could not be read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from threading import Lock

from agent.domain.agreements import Agreement, Line, Product, Standing
from agent.domain.counts import MICROSOFT, Account, Needs, Snapshot
from agent.domain.findings import Code, Finding, Severity
from agent.domain.keys import Mark, installation_tag
from agent.domain.mappings import CompanyMapping
from agent.domain.terms import History
from agent.errors import AccessDenied, CredentialsRejected, Incomplete, ReadFailed, Unreachable
from agent.ports import Clock, Psa, Source, Store


@dataclass(frozen=True, slots=True)
class Reads:
    """What was read for one company. An account whose ref is missing from `snapshots` could not be read.

    `failures` are those of them that a person should know of; one that is out of reach for an hour is none yet.
    """

    snapshots: Mapping[str, Snapshot]
    failures: tuple[Finding, ...]
    complete: bool
    agreements: Mapping[int, Agreement]
    lines: Mapping[int, Sequence[Line]]
    products: Mapping[str, Product]

    @property
    def standing(self) -> Standing:
        return Standing(self.agreements, self.lines, self.products)


class Sweep:
    """The accounts of one run. One that several companies share is read once, and forgotten after its last use.

    `rejected` holds the sources that refuse our key, by name.
    """

    def __init__(self, source: Source, companies: Iterable[CompanyMapping], needs: Callable[[str], Needs]) -> None:
        self._source, self._needs = source, needs
        self._uses = Counter(account for company in companies for account in company.accounts)
        self._seen: dict[str, Snapshot | ReadFailed] = {}
        self._locks: dict[str, Lock] = {account: Lock() for account in self._uses}
        self.rejected: dict[str, CredentialsRejected] = {}

    def observe(self, account: str) -> Snapshot | ReadFailed:
        with self._locks[account]:
            seen = self._seen.pop(account, None)
            if seen is None:
                seen = self._observe(Account.parse(account))
            self._uses[account] -= 1
            if self._uses[account]:
                self._seen[account] = seen
        return seen

    def _observe(self, account: Account) -> Snapshot | ReadFailed:
        # A refused key is refused for every account; asking a thousand times would only lock the app out.
        if account.source in self.rejected:
            return self.rejected[account.source]
        try:
            return self._source.observe(account, self._needs(account.ref))
        except CredentialsRejected as error:
            self.rejected[account.source] = error
            return error
        except ReadFailed as error:
            return error


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


class Agreements:
    """What the agreements of a run say of themselves, asked for in as few requests as their numbers need.

    `unread` once none of them could be read.
    """

    def __init__(self, psa: Psa, ids: Iterable[int], beside: Executor) -> None:
        self._parts = [(frozenset(part), beside.submit(psa.agreements, part)) for part in psa.batches(ids)]

    def of(self, ids: Collection[int]) -> Mapping[int, Agreement]:
        """Those of the ids that exist. Raises `ReadFailed`."""
        told = (answer.result() for part, answer in self._parts if not part.isdisjoint(ids))
        return {id_: agreement for found in told for id_, agreement in found.items() if id_ in ids}

    @property
    def unread(self) -> bool:
        return bool(self._parts) and all(answer.exception() for _, answer in self._parts)


def reading(
    mapping: CompanyMapping,
    agreements: Agreements,
    bound: frozenset[int],
    sweep: Sweep,
    psa: Psa,
    catalogue: Catalogue,
    beside: Executor,
    stale: Callable[[str], bool],
) -> Callable[[], Reads]:
    """Begin to read a company's accounts and the lines of exactly the agreements that its rows and bindings name.

    What comes back waits for the answers. A PSA that cannot be read raises there: then there is nothing to plan.
    """
    ids = frozenset(mapping.agreements | bound)
    identifiers = sorted({row.profile.product for row in mapping.rows})
    accounts = {account: beside.submit(sweep.observe, account) for account in mapping.accounts}
    products = beside.submit(catalogue.products, identifiers)
    lines = {a: beside.submit(psa.lines, a) for a in sorted(ids)}

    def answers() -> Reads:
        here = agreements.of(ids)
        # One that the PSA no longer has may have no list of lines either.
        read = {a: lines[a].result() for a in here}
        seen = {account: result.result() for account, result in accounts.items()}
        snapshots = {account: s for account, s in seen.items() if isinstance(s, Snapshot)}
        failed = {account: error for account, error in seen.items() if isinstance(error, ReadFailed)}
        told = {account: e for account, e in failed.items() if not isinstance(e, Unreachable) or stale(account)}
        failures = tuple(failure_finding(error, mapping, Account.parse(account)) for account, error in told.items())
        return Reads(snapshots, failures, not failed, here, read, products.result())

    return answers


def narrowed(reads: Reads, usual: frozenset[int], installation: str) -> Reads:
    """Without agreements that were read only to look for forgotten lines of ours, and hold none."""
    tag = installation_tag(installation)
    strange = {
        a for a, lines in reads.lines.items()
        if a not in usual and not any((mark := Mark.read(x.mark)) and mark.installation == tag for x in lines)
    }  # fmt: skip
    if not strange:
        return reads
    agreements = {a: agreement for a, agreement in reads.agreements.items() if a not in strange}
    return replace(reads, agreements=agreements, lines={a: x for a, x in reads.lines.items() if a not in strange})


def failure_finding(error: ReadFailed, mapping: CompanyMapping, account: Account) -> Finding:
    """An account that could not be read, as a finding; what was billed stays as it is."""
    ours, subject = account.source == MICROSOFT, account.ref
    match error:
        case CredentialsRejected():
            code, subject = Code.CREDENTIALS_REJECTED, "credentials" if ours else f"{account.source}/credentials"
        case AccessDenied():
            code = Code.CONSENT_LOST
        case Incomplete():
            code = Code.SOURCE_INCOMPLETE
        case _:
            code = Code.SOURCE_STALE
    sentence = f"{mapping.name}, {f'tenant {account.id}' if ours else account}: {error}"
    return Finding(code, Severity.ERROR, mapping.company, subject, sentence, error.remedy)


def histories_of(store: Store, accounts: Iterable[Account]) -> Mapping[str, History]:
    """By ref, of those accounts that have one."""
    by_source: dict[str, list[str]] = {}
    for account in accounts:
        by_source.setdefault(account.source, []).append(account.id)
    found = {source: store.histories(source, ids) for source, ids in by_source.items()}
    return {Account(source, id_).ref: history for source, told in found.items() for id_, history in told.items()}
