"""What a seller says it sold, beside what the tenants have: two numbers of one thing, which should be alike.

Nothing is billed on the difference. It is an order under way, seats bought elsewhere, or money for seats nobody has.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from agent.domain.counts import MICROSOFT, Coverage, Observation, Snapshot
from agent.domain.findings import Code, Finding, Severity
from agent.domain.mappings import CompanyMapping, Mappings
from agent.domain.money import Money


@dataclass(frozen=True, slots=True)
class _Sold:
    source: str
    account: str
    seen: Observation


def of_sales(mapping: CompanyMapping, mappings: Mappings, snapshots: Mapping[str, Snapshot]) -> Iterator[Finding]:
    """Of a company all of whose accounts were read. Where a tenant or account is shared, nobody knows whose is what."""
    if any(len(mappings.companies_by_account[account]) > 1 for account in mapping.accounts):
        return
    tenants = [one for one in snapshots.values() if one.account.source == MICROSOFT]
    sold: dict[str, list[_Sold]] = {}
    for snapshot in snapshots.values():
        if snapshot.account.source != MICROSOFT and Coverage.SUBSCRIPTIONS in snapshot.coverage:
            for sku, seen in snapshot.observations.items():
                sold.setdefault(sku, []).append(_Sold(snapshot.account.source, snapshot.account.ref, seen))
                yield from _of_invoice(mapping.company, _Sold(snapshot.account.source, snapshot.account.ref, seen))
    for sku, of_sku in sold.items() if tenants else ():
        # Only what has a part number is Microsoft's, and should be in a tenant.
        if of_sku[0].seen.part_number:
            held = _together(t.observations[sku] for t in tenants if sku in t.observations)
            yield from _of_difference(mapping.company, of_sku, held)


def _together(seen: Iterable[Observation]) -> int | None:
    """Units purchased; None where one of the numbers is no number to compare with."""
    total = 0
    for one in seen:
        if one.purchased is None or one.contradicts_itself:
            return None
        total += one.purchased
    return total


def _of_difference(company: int, sold: list[_Sold], held: int | None) -> Iterator[Finding]:
    bought = _together(one.seen for one in sold)
    if bought is None or held is None or bought == held:
        return
    where = " and ".join(dict.fromkeys(one.source for one in sold))
    sentence = f"{sold[0].seen.name}: {bought} bought at {where}, {held} in the tenant"
    remedy = (
        "you may be paying for seats that the tenant does not have: look at the order"
        if bought > held
        else "find out who sold the others, or whether an order is under way"
    )
    subject = f"{sold[0].account}/{sold[0].seen.sku}"
    yield Finding(
        Code.SELLER_DISAGREES, Severity.WARNING, company, subject, sentence, remedy, _monthly(sold, bought - held)
    )


def _of_invoice(company: int, sold: _Sold) -> Iterator[Finding]:
    """The seller's own two numbers: what it is about to bill, and what it says is in force."""
    invoiced, purchased = sold.seen.invoiced, _together([sold.seen])
    if invoiced is None or purchased is None or invoiced.quantity == purchased:
        return
    sentence = f"{sold.seen.name}: {sold.source} is about to bill {invoiced.quantity}, {purchased} are in force"
    remedy = "compare it with the draft of the next invoice there; an order of this month may not be in it yet"
    subject = f"{sold.account}/{sold.seen.sku}/invoice"
    yield Finding(Code.SELLER_DISAGREES, Severity.INFO, company, subject, sentence, remedy)


def _monthly(sold: list[_Sold], seats: int) -> Money | None:
    """What the seats cost us a month, where all of them cost the same and it is known how often that is paid."""
    bought = [one for s in sold for one in s.seen.subscriptions if one.status.billed]
    costs = {(one.cost, one.paid) for one in bought}
    if len(costs) != 1 or seats <= 0:
        return None
    [(cost, months)] = costs
    return Money(cost.amount * seats / months, cost.currency) if cost and months else None
