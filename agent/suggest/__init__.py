"""Proposals for licences that no row bills and tenants that no company maps. Pure: it reads and writes nothing.

A proposal is sure only where the evidence is exact. Likeness of names only orders what a person chooses from.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from agent.domain.agreements import Agreement, Company, Line, Product
from agent.domain.counts import Account, Snapshot
from agent.domain.mappings import Mappings
from agent.suggest.companies import AccountSuggestion, suggest_companies
from agent.suggest.crosswalk import suggest_accounts
from agent.suggest.licences import Billing, RowSuggestion, RowSuggestions
from agent.suggest.ranking import Choice, Ranking

__all__ = [
    "AccountSuggestion",
    "Billing",
    "Catalogue",
    "Choice",
    "Ranking",
    "RowSuggestion",
    "Suggestions",
    "suggest",
]


@dataclass(frozen=True, slots=True)
class Catalogue:
    """What the PSA has, as far as suggestions need it: agreements at least of the companies in question, with the
    lines of those that can be billed."""

    companies: Sequence[Company]
    products: Sequence[Product]
    agreements: Sequence[Agreement]
    lines: Mapping[int, Sequence[Line]]


@dataclass(frozen=True, slots=True)
class Suggestions:
    """`tenants` and `accounts` (of other sources) are those that no file names yet."""

    tenants: tuple[AccountSuggestion, ...]
    rows: tuple[RowSuggestion, ...]
    accounts: tuple[AccountSuggestion, ...] = ()


def suggest(
    mappings: Mappings,
    snapshots: Iterable[Snapshot],
    tenants: Mapping[Account, Collection[str]],
    catalogue: Catalogue,
    elsewhere: Collection[Account] = (),
) -> Suggestions:
    """`tenants` are all that can be seen, each with the domains known of it; mapped ones need no match. `elsewhere` are
    the accounts of other sources, with their hints.

    Snapshots of tenants that were just matched surely get rows as well.
    """
    unmapped = {a: domains for a, domains in tenants.items() if a.id not in mappings.companies_by_account}
    matches = suggest_companies(unmapped, catalogue.companies, mappings.companies.keys())
    found = {match.account.id: sure.thing for match in matches if (sure := match.company.sure)}
    rows = RowSuggestions(mappings, found, catalogue.products, catalogue.agreements, catalogue.lines)
    domains = {tenant.id: known for tenant, known in tenants.items()}
    accounts = suggest_accounts(elsewhere, mappings, found, catalogue.companies, domains)
    return Suggestions(matches, tuple(row for snapshot in snapshots for row in rows.of(snapshot)), accounts)
