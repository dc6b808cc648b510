"""Tenants and the companies that they belong to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from agent.domain.counts import MICROSOFT, Account
from agent.domain.mappings import Mappings
from agent.reports.text import columns, counted, paint, shown
from agent.reports.values import Values


@dataclass(frozen=True, slots=True)
class TenantRow:
    """`companies` are (id, name); none where the tenant is unmapped. `seen`: the partner's list has it."""

    id: str
    name: str
    seen: bool
    companies: tuple[tuple[int, str], ...]

    def values(self) -> Values:
        companies = [{"id": number, "name": name} for number, name in self.companies]
        return {"id": self.id, "name": self.name, "seen": self.seen, "companies": companies}


def tenant_rows(accounts: Iterable[Account], mappings: Mappings) -> list[TenantRow]:
    """Every tenant of either side, the unmapped first, then by name."""
    seen = {account.id: account.name for account in accounts}
    mapped = {
        tenant: tuple((company.company, company.name) for company in companies)
        for tenant, companies in mappings.companies_by_account.items()
        if Account.parse(tenant).source == MICROSOFT
    }
    rows = [TenantRow(t, seen.get(t, ""), t in seen, mapped.get(t, ())) for t in seen.keys() | mapped.keys()]
    return sorted(rows, key=lambda row: (bool(row.companies), row.name.casefold(), row.id))


def tenants_text(rows: Sequence[TenantRow]) -> str:
    unmapped = sum(not row.companies for row in rows)
    lines = columns([_row(row) for row in rows]) if rows else []
    suggest = "; see: trueup map suggest" if unmapped else ""
    return "\n".join([*lines, "", f"{counted(len(rows), 'tenant')}, {unmapped:,} unmapped{suggest}"])


def _row(row: TenantRow) -> tuple[str, str, str]:
    companies = ", ".join(f"{shown(name)} ({number})" for number, name in row.companies)
    whose = companies or paint("unmapped", "yellow")
    note = "" if row.seen else f"  {paint('not in the list of your own tenant', 'dim')}"
    return row.id, shown(row.name) or "?", f"{whose}{note}"
