"""What is wrong between rows and between files, each of which is right by itself.

Whether an agreement belongs to the company and a product exists only the PSA knows; that is checked in the cycle.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Sequence
from typing import TypeVar

from agent.domain.counts import MICROSOFT, Account
from agent.domain.mappings import CompanyMapping, Exclusion, Place, Row
from agent.toml_places import Problem

Item = TypeVar("Item", CompanyMapping, Exclusion, Row)


def conflicts(companies: Sequence[CompanyMapping], exclusions: Sequence[Exclusion]) -> Iterator[Problem]:
    """Each told at the later place, naming the earlier one."""
    yield from _companies_twice(companies)
    yield from _agreements_of_two(companies)
    yield from _excluded_twice(exclusions)
    for company in companies:
        yield from _same_rows(company)
        yield from _counted_twice(company)
        yield from _unclear_adoptions(company)
        yield from _replaced_twice(company)
        yield from _excluded_twice(company.exclusions)
    yield from _billed_and_excluded(companies, exclusions)


def _companies_twice(companies: Sequence[CompanyMapping]) -> Iterator[Problem]:
    for first, again in _repeated((company, company.company) for company in companies):
        what = f"{again.company} is already mapped in {first.place.file}"
        yield _problem(again.place, "company", what, "Join the two files, or correct the id")


def _agreements_of_two(companies: Sequence[CompanyMapping]) -> Iterator[Problem]:
    users: dict[int, Row] = {}
    for row in (row for company in companies for row in company.rows):
        first = users.setdefault(row.agreement, row)
        if first.company != row.company:
            what = f"{row.agreement} is used for company {first.company} as well ({first.place})"
            yield _problem(row.place, "agreement", what, "An agreement belongs to one company: correct one of the ids")


def _same_rows(company: CompanyMapping) -> Iterator[Problem]:
    keys = ((row, (row.agreement, row.account, str(row.count), row.subscription, row.name)) for row in company.rows)
    for first, again in _repeated(keys):
        what = f"bills the same licence on the same agreement as the row on line {first.place.line}"
        yield _problem(again.place, "row", what, "Give each of them a name of its own, or join them")


def _counted_twice(company: CompanyMapping) -> Iterator[Problem]:
    """The seats that a seller lists are those that the tenant has: counted by both, they would be billed twice."""
    first: dict[str, Row] = {}
    for row in company.rows:
        for sku in row.skus:
            other = first.setdefault(sku, row)
            sources = {Account.parse(one.account).source for one in (row, other)}
            # Two sellers may each have sold some; whatever they sold is in the tenant.
            if len(sources) == 2 and MICROSOFT in sources:
                what = f"counts a licence that the row on line {other.place.line} counts at another source"
                yield _problem(row.place, "source", what, "Let one source count it: remove one of the rows")


def _unclear_adoptions(company: CompanyMapping) -> Iterator[Problem]:
    """One line of the PSA cannot be taken over by two rows."""
    rivals: dict[tuple[int, str], list[Row]] = {}
    for row in company.rows:
        rivals.setdefault((row.agreement, row.profile.product), []).append(row)
    for rows in rivals.values():
        for row in rows if len(rows) > 1 else ():
            if row.adopt:
                other = next(rival for rival in rows if rival is not row)
                what = f"is unclear: the row on line {other.place.line} bills {row.profile.product} there too"
                yield _problem(row.place, "adopt", what, "Remove adopt; the first write to the line is held for you")


def _replaced_twice(company: CompanyMapping) -> Iterator[Problem]:
    keys = [(row, id) for row in company.rows for id in row.replaces]
    for first, again in _repeated(keys):
        both = ", ".join(str(id) for id in again.replaces if id in first.replaces)
        what = f"names {both}, which the row on line {first.place.line} replaces already"
        yield _problem(again.place, "replaces", what, "One row takes the place of a line: remove the id from the other")


def _excluded_twice(exclusions: Iterable[Exclusion]) -> Iterator[Problem]:
    for first, again in _repeated((exclusion, (exclusion.sku, exclusion.account)) for exclusion in exclusions):
        what = f"names a licence that line {first.place.line} excludes already"
        yield _problem(again.place, "exclude", what, "Remove one of the two")


def _billed_and_excluded(companies: Sequence[CompanyMapping], everywhere: Sequence[Exclusion]) -> Iterator[Problem]:
    """An exclusion without tenant holds in all tenants of its company, whoever bills from them."""
    by_account: dict[tuple[str, str], Exclusion] = {}
    for company in companies:
        for exclusion in company.exclusions:
            for account in [exclusion.account] if exclusion.account else company.accounts:
                by_account.setdefault((account, exclusion.sku), exclusion)
    globally = {exclusion.sku: exclusion for exclusion in everywhere}
    for row in (row for company in companies for row in company.rows):
        for sku in row.skus:
            excluded = by_account.get((row.account, sku)) or globally.get(sku)
            if excluded:
                what = f"bills a licence that {excluded.place} excludes: {excluded.reason}"
                yield _problem(row.place, "row", what, "Remove the row or the exclusion")


def _repeated(keyed: Iterable[tuple[Item, Hashable]]) -> Iterator[tuple[Item, Item]]:
    """(first, later) for each item whose key an earlier one has."""
    seen: dict[Hashable, Item] = {}
    for item, key in keyed:
        first = seen.setdefault(key, item)
        if first is not item:
            yield first, item


def _problem(place: Place, key: str, what: str, remedy: str) -> Problem:
    return Problem(place.file, place.line, key, what, remedy)
