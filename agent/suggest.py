"""Proposals for licences that no row bills and tenants that no company maps: which product, agreement, company.

A proposal is sure only where the evidence is exact; likeness of names, which puts one name in ten at the wrong
place, only orders what a person chooses from. Everything here is pure.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Generic, TypeVar

from rapidfuzz import fuzz

from agent.domain.agreements import Agreement, Company, Product
from agent.domain.counts import Account, Observation, Snapshot
from agent.domain.mappings import CompanyMapping, LicenceCount, Mappings

SURE = 90  # out of 100; likeness alone stays below
AHEAD = 5  # so much better than the next one must the best be
SHOWN = 3
_LIKENESS_LIMIT = 85

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Choice(Generic[T]):
    """One thing that may be meant: confidence from 0 to 100, and the evidence in words."""

    thing: T
    confidence: int
    reason: str


@dataclass(frozen=True, slots=True)
class Ranking(Generic[T]):
    """The best few choices, best first."""

    choices: tuple[Choice[T], ...]

    @classmethod
    def of(cls, choices: Iterable[Choice[T]]) -> Ranking[T]:
        # Python's sort keeps the order of equals, so the PSA's order decides and the result is the same each time.
        return cls(tuple(sorted(choices, key=lambda choice: -choice.confidence)[:SHOWN]))

    @property
    def sure(self) -> Choice[T] | None:
        """The one choice that needs no person to choose; None says: choose."""
        if not self.choices or self.choices[0].confidence < SURE:
            return None
        rivals = self.choices[1:2]
        return None if rivals and rivals[0].confidence > self.choices[0].confidence - AHEAD else self.choices[0]

    def at_most(self, limit: int, reason: str) -> Ranking[T]:
        lowered = (replace(c, confidence=min(limit, c.confidence), reason=f"{c.reason}, {reason}") for c in self.choices)
        return Ranking(tuple(lowered))


@dataclass(frozen=True, slots=True)
class Billing:
    """A profile, or (where `profile` is empty) a PSA product that no profile names yet."""

    product: str
    profile: str = ""


@dataclass(frozen=True, slots=True)
class RowSuggestion:
    """A row for a licence that nobody bills. `doubt` says why a person must look, whatever the rankings say."""

    company: Company
    account: Account
    sku: str
    part_number: str
    licence: str
    purchased: int
    billing: Ranking[Billing]
    agreement: Ranking[Agreement]
    doubt: str = ""

    @property
    def sure(self) -> bool:
        return not self.doubt and self.billing.sure is not None and self.agreement.sure is not None


@dataclass(frozen=True, slots=True)
class TenantSuggestion:
    account: Account
    company: Ranking[Company]


@dataclass(frozen=True, slots=True)
class Catalogue:
    """What the PSA has, as far as suggestions need it."""

    companies: Sequence[Company]
    products: Sequence[Product]
    agreements: Sequence[Agreement]


@dataclass(frozen=True, slots=True)
class Suggestions:
    tenants: tuple[TenantSuggestion, ...]
    rows: tuple[RowSuggestion, ...]


def suggest(
    mappings: Mappings, snapshots: Iterable[Snapshot], tenants: Mapping[Account, Collection[str]], catalogue: Catalogue
) -> Suggestions:
    """`tenants` are all that can be seen, with the domains that are known of each (none is fine)."""
    unmapped = {a: domains for a, domains in tenants.items() if a.id not in mappings.companies_by_tenant}
    matched = tuple(_settled([_match(a, domains, mappings, catalogue) for a, domains in unmapped.items()]))
    found = {m.account.id: sure.thing for m in matched if (sure := m.company.sure)}
    rows = _Rows(mappings, found, catalogue)
    return Suggestions(matched, tuple(row for snapshot in snapshots for row in rows.of(snapshot)))




def _match(
    account: Account, domains: Collection[str], mappings: Mappings, catalogue: Catalogue
) -> TenantSuggestion:
    choices = []
    for company in catalogue.companies:
        confidence, reason = _same_company(account.name, domains, company)
        if company.id in mappings.companies:
            # A second tenant of a company is possible; a second company of the same name is likelier.
            confidence, reason = min(confidence, _LIKENESS_LIMIT), f"{reason}, but the company has a tenant already"
        choices.append(Choice(company, confidence, reason))
    return TenantSuggestion(account, Ranking.of(choices))


def _same_company(name: str, domains: Collection[str], company: Company) -> tuple[int, str]:
    ours, theirs = words(name), words(company.name)
    if ours and ours == theirs:
        return 100, "same name"
    short = without_legal_form(ours)
    if short and short == without_legal_form(theirs):
        return 97, "same name but for the legal form"
    spellings = {"".join(without_legal_form(theirs)), "".join(words(company.identifier))}
    for domain in sorted(domains):
        if spellings & {label for label in domain.casefold().split(".") if len(label) > 3}:
            return 95, f"named like its domain {domain}"
    likeness = int(fuzz.WRatio(" ".join(short), " ".join(without_legal_form(theirs))))
    return min(_LIKENESS_LIMIT, likeness), "similar name"


def _settled(matches: Sequence[TenantSuggestion]) -> Iterator[TenantSuggestion]:
    """Where two tenants would surely be the same company, neither is sure."""
    taken = Counter(sure.thing.id for match in matches if (sure := match.company.sure))
    for match in matches:
        sure = match.company.sure
        rivalled = sure is not None and taken[sure.thing.id] > 1
        ranking = match.company.at_most(_LIKENESS_LIMIT, "as does another tenant") if rivalled else match.company
        yield replace(match, company=ranking)


_LEGAL_FORMS = frozenset(
    "ab ag aps as asa bhd bv bvba cc co company corp corporation doo eirl ev gmbh inc incorporated kft kg kk lda limited"
    " llc llp lp ltd ltda mbh nv ohg ooo oy oyj plc pte pty pvt sa sarl sas sdn sl spa sprl srl sro the ug zrt".split()
)


def without_legal_form(name: Sequence[str]) -> tuple[str, ...]:
    """Company words without legal forms around them; all of them where nothing else would be left."""
    kept = list(name)
    while len(kept) > 1 and kept[-1] in _LEGAL_FORMS:
        kept.pop()
    while len(kept) > 1 and kept[0] in _LEGAL_FORMS:
        kept.pop(0)
    return tuple(kept)


def words(text: str) -> tuple[str, ...]:
    """Lower case, without accents; `S.A.` is one word, `&` is `and`."""
    plain = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c)).casefold()
    joined = re.sub(r"\b(\w)\.(?=\w\b|\W|$)", r"\1", plain).replace("&", " and ")
    return tuple(re.findall(r"\w+", joined))




class _Rows:
    """Suggests rows; what bills a licence is worked out once for all tenants."""

    def __init__(self, mappings: Mappings, found: Mapping[str, Company], catalogue: Catalogue) -> None:
        self.mappings, self.found, self.catalogue = mappings, found, catalogue
        self._billing: dict[str, Ranking[Billing]] = {}

    def of(self, snapshot: Snapshot) -> Iterator[RowSuggestion]:
        tenant = snapshot.account.id
        companies = self._companies(tenant)
        doubt = "several companies bill from this tenant" if len(companies) > 1 else ""
        mapped = {sku for row in self.mappings.rows_by_tenant.get(tenant, ()) for sku in row.skus}
        excluded = self.mappings.excluded(tenant)
        for seen in snapshot.observations.values():
            if seen.purchased and seen.sku not in mapped and seen.sku not in excluded:
                for company in companies:
                    yield self._row(company, snapshot.account, seen, doubt)
