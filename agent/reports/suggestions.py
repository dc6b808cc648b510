"""Proposals for the mapping files: what is sure, and what a person has to choose."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TypeVar

from agent.domain.agreements import Agreement, Company
from agent.reports.text import View, counted, paint, shown, wrapped
from agent.reports.values import Values
from agent.suggest import AccountSuggestion, Billing, Ranking, RowSuggestion, Suggestions

T = TypeVar("T")


def suggestions_text(found: Suggestions, unread: Mapping[str, str], view: View, written: bool) -> str:
    """`unread` are tenants that could not be read, with the reason; `written`: what is sure is in the files now."""
    lines: list[str] = []
    for tenant in found.tenants:
        lines += [*_tenant(tenant, view), ""]
    for account in found.accounts:
        lines += [*_account(account, view), ""]
    for row in found.rows:
        lines += [*_row(row, view), ""]
    for name, reason in unread.items():
        lines += [*wrapped(f"{shown(name)}: not read: {shown(reason)}", view.width), ""]
    return "\n".join([*lines, _sums(found, written)])


def suggestions_values(found: Suggestions, unread: Mapping[str, str], written: Sequence[str]) -> Values:
    return {
        "tenants": [
            {"tenant": t.account.id, "name": t.account.name, "companies": _values(t.company, _company_word)}
            for t in found.tenants
        ],
        "accounts": [
            {
                "source": one.account.source,
                "account": one.account.id,
                "name": one.account.name,
                "companies": _values(one.company, _company_word),
            }
            for one in found.accounts
        ],
        "rows": [
            {
                "company": row.company.id,
                "tenant": row.account.id,
                "licence": row.licence.sku,
                "part_number": row.licence.part_number,
                "name": row.licence.name,
                "purchased": row.licence.purchased,
                "sure": row.sure,
                "doubt": row.doubt,
                "billing": _values(row.billing, _billing_word),
                "agreements": _values(row.agreement, _agreement_word),
                "adopts": row.adopts.id if row.adopts else None,
            }
            for row in found.rows
        ],
        "unread": dict(unread),
        "written": list(written),
    }


def _tenant(tenant: AccountSuggestion, view: View) -> Iterator[str]:
    yield f"{paint(f'Tenant {shown(tenant.account.name) or tenant.account.id}', 'bold')} ({tenant.account.id})"
    yield from _ranked("company", tenant.company, _company_word, view)


def _account(one: AccountSuggestion, view: View) -> Iterator[str]:
    title = f"{one.account.source}: {shown(one.account.name) or one.account.id}"
    yield f"{paint(title, 'bold')} ({one.account.id})"
    yield from _ranked("company", one.company, _company_word, view)


def _row(row: RowSuggestion, view: View) -> Iterator[str]:
    yield f"{paint(f'{shown(row.company.name)} ({row.company.id})', 'bold')}: {shown(row.licence.name)}"
    yield f"  {row.licence.told}, billed by no row"
    yield from _ranked("profile", row.billing, _billing_word, view)
    yield from _ranked("agreement", row.agreement, _agreement_word, view)
    if row.doubt:
        yield from wrapped(f"choose yourself: {row.doubt}", view.width, "  ")


def _ranked(what: str, ranking: Ranking[T], word: Callable[[T], str], view: View) -> Iterator[str]:
    if not ranking.choices:
        yield f"  {what}: {paint('nothing fits', 'yellow')}"
    sure = ranking.sure
    for number, choice in enumerate(ranking.choices):
        label = f"  {what}: " if number == 0 else " " * (len(what) + 4)
        mark = paint("sure ", "green") if choice is sure else paint("or ", "dim") if number else ""
        yield from wrapped(f"{mark}{shown(word(choice.thing))}, {choice.evidence}", view.width, label)
        if sure is not None:
            return


def _company_word(company: Company) -> str:
    return f"{company.name} ({company.id})"


def _billing_word(billing: Billing) -> str:
    return billing.profile or f"a new profile for product {billing.product}"


def _agreement_word(agreement: Agreement) -> str:
    return f"{agreement.id} {agreement.name}"


def _values(ranking: Ranking[T], word: Callable[[T], str]) -> list[Values]:
    return [
        {"choice": word(c.thing), "confidence": c.confidence, "reason": c.reason, "sure": c is ranking.sure}
        for c in ranking.choices
    ]


def _sums(found: Suggestions, written: bool) -> str:
    if not found.tenants and not found.rows and not found.accounts:
        return "Nothing to suggest: every tenant is mapped and every licence is billed or excluded."
    sure = [
        sum(t.company.sure is not None for t in found.tenants),
        sum(row.sure for row in found.rows),
        sum(one.company.sure is not None for one in found.accounts),
    ]
    said = (
        f"{counted(len(found.tenants), 'unmapped tenant')} ({sure[0]} sure), "
        f"{counted(len(found.rows), 'unmapped licence')} ({sure[1]} sure)"
    )
    if found.accounts:
        said += f", {counted(len(found.accounts), 'unmapped account')} of other sources ({sure[2]} sure)"
    if written or not any(sure):
        return said
    return f"{said}; write what is sure with: trueup map suggest --write"
