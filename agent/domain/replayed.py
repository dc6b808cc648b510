"""What came of a replay: what would have been written, and the invoices beside those of the lines as they were."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from agent.domain.changes import Planned
from agent.domain.findings import Finding
from agent.domain.invoices import Invoice, Made, amount, by_line
from agent.domain.money import Money


@dataclass(frozen=True, slots=True)
class Written:
    """A change that would have been carried out."""

    at: datetime
    planned: Planned


@dataclass(frozen=True, slots=True)
class Replayed:
    """`billed` are the invoices by the lines as they were, `replayed` those of the replay; of the mapped products only.

    `findings` are those open at the end. `restless`: plans followed one another without coming to rest.
    """

    company: int
    begins: datetime
    written: tuple[Written, ...]
    billed: tuple[Invoice, ...]
    replayed: tuple[Invoice, ...]
    findings: tuple[Finding, ...]
    restless: bool

    def months(self, currency: str) -> Mapping[str, tuple[Money, Money]]:
        """Billed and replayed by the month in which an invoice's period begins; of what is to come by "next"."""
        both = [_by_month(invoices, currency) for invoices in (self.billed, self.replayed)]
        none = Money.zero(currency)
        return {month: (both[0].get(month, none), both[1].get(month, none)) for month in sorted({*both[0], *both[1]})}

    def products(self, currency: str) -> Mapping[str, tuple[Money, Money]]:
        """Billed and replayed by product, over all invoices."""
        both = [_by_product(invoices, currency) for invoices in (self.billed, self.replayed)]
        none = Money.zero(currency)
        return {name: (both[0].get(name, none), both[1].get(name, none)) for name in sorted({*both[0], *both[1]})}

    def total(self, currency: str) -> tuple[Money, Money]:
        months = self.months(currency).values()
        return Money.total((one for one, _ in months), currency), Money.total((two for _, two in months), currency)


def _by_month(invoices: Iterable[Invoice], currency: str) -> Mapping[str, Money]:
    found: dict[str, Money] = {}
    for invoice in invoices:
        month = "next" if invoice.made is Made.NEXT else f"{invoice.period.start:%Y-%m}"
        for money in _amounts(invoice, currency).values():
            found[month] = found.get(month, Money.zero(currency)) + money
    return found


def _by_product(invoices: Iterable[Invoice], currency: str) -> Mapping[str, Money]:
    found: dict[str, Money] = {}
    for invoice in invoices:
        named = {item.line.id: item.line.identifier for item in invoice.items}
        for line, money in _amounts(invoice, currency).items():
            found[named[line]] = found.get(named[line], Money.zero(currency)) + money
    return found


def _amounts(invoice: Invoice, currency: str) -> Mapping[int, Money]:
    """Each line's amount; those without a price on either side cannot be compared."""
    amounts = {line: amount(items, currency) for line, items in by_line(invoice.items).items()}
    return {line: money for line, money in amounts.items() if money is not None}
