"""Which company a tenant is: by name, by name without legal form, by domain, and else only by likeness."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from rapidfuzz import fuzz, process

from agent.domain.agreements import Company
from agent.domain.counts import Account
from agent.suggest.ranking import LIKENESS_LIMIT, SHOWN, Choice, Ranking

_LEGAL_FORMS = frozenset(
    "ab ag and aps as asa bhd bv bvba cc co company corp corporation doo eirl ev gmbh inc incorporated kft kg kk lda"
    " limited llc llp lp ltd ltda mbh nv ohg ooo oy oyj plc pte pty pvt sa sarl sas sdn sl spa sprl srl sro the ug"
    " zrt".split()
)
_NOBODYS_LABELS = frozenset("cloud com edu gov group info mail net onmicrosoft org www".split())


@dataclass(frozen=True, slots=True)
class AccountSuggestion:
    account: Account
    company: Ranking[Company]


def suggest_companies(
    tenants: Mapping[Account, Collection[str]], companies: Sequence[Company], mapped: Collection[int]
) -> tuple[AccountSuggestion, ...]:
    """For each tenant with the domains known of it; `mapped` are the ids of companies that have a tenant."""
    directory = Directory(companies, mapped)
    matches = [AccountSuggestion(account, directory.ranking(account.name, tenants[account])) for account in tenants]
    return tuple(distinct(matches, "tenant"))


def words(text: str) -> tuple[str, ...]:
    """Lower case, without accents; `S.A.` is one word, `&` is `and`."""
    plain = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c)).casefold()
    joined = re.sub(r"\b(\w)\.(?=\w\b|\W|$)", r"\1", plain).replace("&", " and ")
    return tuple(re.findall(r"\w+", joined))


def without_legal_form(name: Sequence[str]) -> tuple[str, ...]:
    """The words of a name without legal forms around them; at least one stays."""
    kept = list(name)
    while len(kept) > 1 and kept[-1] in _LEGAL_FORMS:
        kept.pop()
    while len(kept) > 1 and kept[0] in _LEGAL_FORMS:
        kept.pop(0)
    return tuple(kept)


class Directory:
    def __init__(self, companies: Sequence[Company], mapped: Collection[int]) -> None:
        self.companies, self.mapped = companies, mapped
        self.names = [words(company.name) for company in companies]
        self.cores = [without_legal_form(name) for name in self.names]
        self.shown = [" ".join(core) for core in self.cores]
        identifiers = ("".join(words(company.identifier)) for company in companies)
        self.spellings = [{"".join(core), identifier} for core, identifier in zip(self.cores, identifiers, strict=True)]

    def ranking(self, name: str, domains: Collection[str]) -> Ranking[Company]:
        named = words(name)
        core = without_legal_form(named)
        found = {i: evidence for i in range(len(self.companies)) if (evidence := self._proof(i, named, core, domains))}
        for _, likeness, i in process.extract(" ".join(core), self.shown, scorer=fuzz.WRatio, limit=SHOWN + len(found)):
            found.setdefault(i, (min(LIKENESS_LIMIT, int(likeness)), "similar name"))
        return Ranking.of(self._choice(i, *evidence) for i, evidence in found.items())

    def _proof(
        self, i: int, named: Sequence[str], core: Sequence[str], domains: Collection[str]
    ) -> tuple[int, str] | None:
        if named and named == self.names[i]:
            return 100, "same name"
        if core and core == self.cores[i]:
            return 97, "same name but for the legal form"
        for domain in sorted(domains):
            labels = {label for label in domain.casefold().split(".") if len(label) > 2}
            if self.spellings[i] & (labels - _NOBODYS_LABELS):
                return 95, f"named like the domain {domain}"
        return None

    def _choice(self, i: int, confidence: int, reason: str) -> Choice[Company]:
        company = self.companies[i]
        if company.id in self.mapped:
            # It may have a second tenant; but more often this is another company with a like name.
            return Choice(company, min(LIKENESS_LIMIT, confidence), f"{reason}, but it has a tenant already")
        return Choice(company, confidence, reason)


def distinct(matches: Sequence[AccountSuggestion], what: str) -> Iterator[AccountSuggestion]:
    """Where two of a source would surely be the same company, neither is sure."""
    taken = Counter((match.account.source, sure.thing.id) for match in matches if (sure := match.company.sure))
    for match in matches:
        sure = match.company.sure
        if sure is not None and taken[match.account.source, sure.thing.id] > 1:
            yield replace(match, company=match.company.at_most(LIKENESS_LIMIT, f"as another {what} does"))
        else:
            yield match
