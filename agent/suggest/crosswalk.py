"""Which company an account of another source is: by exact ids, then by domains, then by names.

Nobody applies it but a person: an id at the wrong company would bill it for somebody else's devices.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace

from agent.domain.agreements import Company
from agent.domain.counts import Account, Hint
from agent.domain.mappings import Mappings
from agent.suggest.companies import AccountSuggestion, Directory, distinct
from agent.suggest.ranking import LIKENESS_LIMIT, Choice, Ranking

_TENANT, _COMPANY, _DOMAIN = 100, 98, 96
_NAMED = 94  # what a name alone can reach: two companies may have one


def suggest_accounts(
    accounts: Collection[Account],
    mappings: Mappings,
    found: Mapping[str, Company],
    companies: Sequence[Company],
    domains: Mapping[str, Collection[str]],
) -> tuple[AccountSuggestion, ...]:
    """For each account that no file names. `found` are companies just matched to tenants, `domains` those of tenants,
    both by the tenant's id."""
    unmapped = [account for account in accounts if account.ref not in mappings.companies_by_account]
    crosswalk = _Crosswalk(mappings, found, companies, domains)
    return tuple(distinct([AccountSuggestion(one, crosswalk.ranking(one)) for one in unmapped], "account"))


class _Crosswalk:
    def __init__(
        self,
        mappings: Mappings,
        found: Mapping[str, Company],
        companies: Sequence[Company],
        domains: Mapping[str, Collection[str]],
    ) -> None:
        self.mappings, self.domains = mappings, domains
        self.known = {company.id: company for company in companies}
        mapped = {tenant: [one.company for one in sharing] for tenant, sharing in mappings.companies_by_account.items()}
        self.tenants = mapped | {tenant: [company.id] for tenant, company in found.items()}
        self.directory = Directory(companies, ())

    def ranking(self, account: Account) -> Ranking[Company]:
        best: dict[int, Choice[Company]] = {}
        named = self.directory.ranking(account.name, [text for hint, text in account.hints if hint is Hint.DOMAIN])
        alike = (replace(choice, confidence=min(_NAMED, choice.confidence)) for choice in named.choices)
        for choice in (*self._proofs(account), *alike):
            best.setdefault(choice.thing.id, choice)
        return Ranking.of(self._unless_taken(account, choice) for choice in best.values())

    def _proofs(self, account: Account) -> Iterator[Choice[Company]]:
        """The surest first."""
        for hint, text in account.hints:
            if hint is Hint.TENANT:
                yield from self._of_tenant(text, _TENANT, f"names tenant {text}")
        for hint, text in account.hints:
            if hint is Hint.COMPANY and text.isdecimal() and int(text) in self.known:
                yield Choice(self.known[int(text)], _COMPANY, f"carries the company's id {text}")
        for hint, text in account.hints:
            if hint is Hint.DOMAIN:
                for tenant, domains in self.domains.items():
                    if text in domains:
                        yield from self._of_tenant(tenant, _DOMAIN, f"has the domain {text}")

    def _of_tenant(self, tenant: str, confidence: int, reason: str) -> Iterator[Choice[Company]]:
        sharing = [self.known[number] for number in self.tenants.get(tenant, ()) if number in self.known]
        for company in sharing:
            shared = len(sharing) > 1
            told = f"{reason}, which several companies share" if shared else reason
            yield Choice(company, min(LIKENESS_LIMIT, confidence) if shared else confidence, told)

    def _unless_taken(self, account: Account, choice: Choice[Company]) -> Choice[Company]:
        mapping = self.mappings.companies.get(choice.thing.id)
        refs = map(Account.parse, mapping.accounts) if mapping else ()
        if not any(one.source == account.source for one in refs):
            return choice
        # It may have several sites; more often this is another company with a like name.
        reason = f"{choice.reason}, but it has an id at {account.source} already"
        return replace(choice, confidence=min(LIKENESS_LIMIT, choice.confidence), reason=reason)
