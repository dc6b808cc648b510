"""Which profile or product bills a licence, and on which agreement: by evidence, and else only by likeness."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from rapidfuzz import fuzz, process

from agent.domain.agreements import Agreement, Company, Line, Product
from agent.domain.counts import Account, Observation, Snapshot
from agent.domain.mappings import LicenceCount, Mappings
from agent.suggest.ranking import LIKENESS_LIMIT, SHOWN, Choice, Ranking

# Words that say how a licence is sold, not which one it is.
_SALES = frozenset(
    "microsoft ms licence licences license licenses subscription subscriptions csp nce new commerce seat seats"
    " monthly annual annually yearly month months year years commit commitment term paid billed p1m p1y p3y"
    " the for of and per".split()
)
_MICROSOFT = frozenset("microsoft 365 m365 o365 office csp nce licences licenses licensing cloud".split())


@dataclass(frozen=True, slots=True)
class Billing:
    """A profile; or, where `profile` is empty, a PSA product that no profile names yet."""

    product: str
    profile: str = ""


@dataclass(frozen=True, slots=True)
class RowSuggestion:
    """A row for a licence that no row bills. `doubt` says why a person must look, however sure the rankings are;
    `adopts` is the line that somebody keeps by hand for it."""

    company: Company
    account: Account
    licence: Observation
    billing: Ranking[Billing]
    agreement: Ranking[Agreement]
    doubt: str = ""
    adopts: Line | None = None

    @property
    def sure(self) -> bool:
        return not self.doubt and self.billing.sure is not None and self.agreement.sure is not None


def identity(text: str) -> frozenset[str]:
    """The words that tell one licence from another: `Office 365 E3 - Monthly` is {o365, e3}.

    Microsoft 365 E3 and Office 365 E3, Plan 1 and Plan 2, with Teams and without are different licences at different
    prices, though their names are alike to any measure of likeness.
    """
    folded = re.sub(r"\b(?:microsoft|ms|m)[ -]?365\b", " m365 ", text.casefold())
    folded = re.sub(r"\b(?:office|o)[ -]?365\b", " o365 ", folded)
    folded = re.sub(r"\bplan[ -]?(\d)\b", r" p\1 ", folded)
    folded = re.sub(r"\bper users?\b", " ", folded)  # but a Copilot Studio User License is not Copilot Studio
    return frozenset(re.findall(r"[^\W_]+", folded)) - _SALES


class RowSuggestions:
    """What bills a licence is worked out once for all tenants. `found` are companies just matched to tenants, by id."""

    def __init__(
        self,
        mappings: Mappings,
        found: Mapping[str, Company],
        products: Sequence[Product],
        agreements: Sequence[Agreement],
        lines: Mapping[int, Sequence[Line]],
    ) -> None:
        self.mappings, self.found, self.agreements, self.lines = mappings, found, agreements, lines
        self._candidates = list(_candidates(mappings, products))
        self._wanted: dict[str, _Wanted] = {}
        self._billing: dict[str, Ranking[Billing]] = {}
        self._billed = {(row.agreement, row.profile.product) for row in mappings.rows()}

    def of(self, snapshot: Snapshot) -> Iterator[RowSuggestion]:
        tenant = snapshot.account.id
        companies = self._companies(tenant)
        doubt = "several companies bill from this tenant" if len(companies) > 1 else ""
        mapped = {sku for row in self.mappings.rows_by_account.get(tenant, ()) for sku in row.skus}
        settled = mapped | self.mappings.excluded(tenant).keys()
        for seen in snapshot.observations.values():
            if seen.purchased and seen.sku not in settled:
                for company in companies:
                    yield self._row(company, snapshot.account, seen, doubt)

    def _row(self, company: Company, account: Account, seen: Observation, doubt: str) -> RowSuggestion:
        """Beside a line that bills the licence already, a row with another product would bill it twice."""
        already = [line for line in self._strangers(company.id) if self._wanted_of(seen).named_by(line)]
        if not already:
            billing, agreement = self._billing_of(seen), self._agreement(company.id)
            return RowSuggestion(company, account, seen, billing, agreement, doubt)
        line = already[0]
        billing = Ranking.of(self._billed_by(line))
        agreement = Ranking.of(Choice(a, 98, "the line is there") for a in self.agreements if a.id == line.agreement)
        if len(already) > 1:
            ids = ", ".join(str(line.id) for line in already)
            return RowSuggestion(company, account, seen, billing, agreement, f"lines {ids} seem to bill it already")
        return RowSuggestion(company, account, seen, billing, agreement, doubt, adopts=line)

    def _strangers(self, company: int) -> Iterator[Line]:
        """Open lines of the company that no row of a mapping file bills."""
        for agreement in self._billable(company):
            for line in self.lines.get(agreement.id, ()):
                if line.open and (line.agreement, line.identifier) not in self._billed:
                    yield line

    def _billed_by(self, line: Line) -> Iterator[Choice[Billing]]:
        why = f"line {line.id} of agreement {line.agreement} bills it already, {line.quantity.normalize():f} units"
        fitting = [name for name, profile in self.mappings.profiles.items() if profile.product == line.identifier]
        for name in fitting or [""]:
            yield Choice(Billing(line.identifier, name), 98, why)

    def _companies(self, tenant: str) -> list[Company]:
        mapped = [Company(m.company, m.name) for m in self.mappings.companies_by_account.get(tenant, ())]
        return mapped or [company for id, company in self.found.items() if id == tenant]

    def _billing_of(self, seen: Observation) -> Ranking[Billing]:
        if seen.sku not in self._billing:
            self._billing[seen.sku] = _billing(self._wanted_of(seen), self._candidates)
        return self._billing[seen.sku]

    def _wanted_of(self, seen: Observation) -> _Wanted:
        if seen.sku not in self._wanted:
            self._wanted[seen.sku] = _Wanted.of(seen, self.mappings)
        return self._wanted[seen.sku]

    def _billable(self, company: int) -> list[Agreement]:
        return [a for a in self.agreements if a.company == company and not a.refusal and a.months]

    def _agreement(self, company: int) -> Ranking[Agreement]:
        open_ones = self._billable(company)
        if len(open_ones) == 1:
            return Ranking.of([Choice(open_ones[0], 98, "the company's only agreement that can be billed")])
        mapping = self.mappings.companies.get(company)
        used = mapping.agreements if mapping else frozenset()
        named = {a.id for a in open_ones if _MICROSOFT & set(re.findall(r"\w+", a.name.casefold()))}
        return Ranking.of(_agreement_choice(agreement, used, named, len(open_ones)) for agreement in open_ones)


@dataclass(frozen=True, slots=True)
class _Candidate:
    billing: Billing
    texts: tuple[str, ...]
    identities: frozenset[frozenset[str]]

    @classmethod
    def of(cls, product: Product, profile: str = "") -> _Candidate:
        texts = tuple(text for text in (product.description, product.identifier, profile) if text)
        return cls(Billing(product.identifier, profile), texts, frozenset(map(identity, texts)))

    def evidence(self, wanted: _Wanted) -> tuple[int, str] | None:
        if wanted.number and any(map(wanted.number.search, self.texts)):
            return 99, f"carries the part number {wanted.seen.part_number}"
        if self.billing.profile in wanted.uses:
            times, total = wanted.uses[self.billing.profile], sum(wanted.uses.values())
            return 97 * times // total, f"used by {times} of {total} rows that bill this licence"
        if wanted.identity and wanted.identity in self.identities:
            return 95, "named like the licence"
        return None


@dataclass(frozen=True, slots=True)
class _Wanted:
    """A licence, prepared to be looked for; `uses` counts the rows that bill it, by profile."""

    seen: Observation
    number: re.Pattern[str] | None
    identity: frozenset[str]
    uses: Mapping[str, int]

    @classmethod
    def of(cls, seen: Observation, mappings: Mappings) -> _Wanted:
        # As it is written, and not its words: O365_BUSINESS_PREMIUM is what is now called Business Standard.
        number = re.compile(rf"(?<!\w){re.escape(seen.part_number)}(?!\w)", re.IGNORECASE) if seen.part_number else None
        counts = ((row.count, row.profile.name) for row in mappings.rows())
        uses = Counter(name for count, name in counts if isinstance(count, LicenceCount) and count.sku == seen.sku)
        return cls(seen, number, identity(seen.name), uses)

    def named_by(self, line: Line) -> bool:
        """Whether the line's text or product says exactly this licence. People's names may follow after a colon."""
        texts = (line.text.partition(":")[0], line.identifier)
        if self.number and any(map(self.number.search, texts)):
            return True
        return bool(self.identity) and self.identity in map(identity, texts)


def _candidates(mappings: Mappings, products: Sequence[Product]) -> Iterator[_Candidate]:
    """Profiles, and products that no profile names."""
    usable = {product.identifier: product for product in products if not product.refusal}
    named = {profile.product for profile in mappings.profiles.values()}
    for profile in mappings.profiles.values():
        if profile.product in usable:
            yield _Candidate.of(usable[profile.product], profile.name)
    yield from (_Candidate.of(product) for identifier, product in usable.items() if identifier not in named)


def _billing(wanted: _Wanted, candidates: Sequence[_Candidate]) -> Ranking[Billing]:
    found = {i: evidence for i, candidate in enumerate(candidates) if (evidence := candidate.evidence(wanted))}
    texts = [candidate.texts[0].casefold() for candidate in candidates]
    alike = process.extract(wanted.seen.name.casefold(), texts, scorer=fuzz.WRatio, limit=SHOWN + len(found))
    for _, likeness, i in alike:
        found.setdefault(i, (min(LIKENESS_LIMIT, int(likeness)), "similar name"))
    return Ranking.of(Choice(candidates[i].billing, *evidence) for i, evidence in found.items())


def _agreement_choice(agreement: Agreement, used: frozenset[int], named: set[int], total: int) -> Choice[Agreement]:
    if used == {agreement.id}:
        return Choice(agreement, 95, "the company's other rows bill there")
    if named == {agreement.id}:
        return Choice(agreement, 92, "the only one with a name about Microsoft licences")
    likely = 60 if agreement.id in used or agreement.id in named else 30
    return Choice(agreement, likely, f"one of {total} agreements that can be billed")
