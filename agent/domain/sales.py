"""What a seller says it sold, beside what the tenants have: two numbers of one thing, which should be alike.

The seller also knows for how long it was sold, which the tenant does not tell. Nothing is billed on a difference: it is
an order under way, seats bought elsewhere, or money for seats nobody has.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from agent.domain.counts import MICROSOFT, Account, Coverage, Deal, Observation, Snapshot, Subscription
from agent.domain.findings import Code, Finding, Severity
from agent.domain.mappings import CompanyMapping, Mappings
from agent.domain.money import Money
from agent.domain.orders import ending, on_trial, ordered


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


def with_deals(
    mapping: CompanyMapping, mappings: Mappings, snapshots: Mapping[str, Snapshot]
) -> Mapping[str, Snapshot]:
    """The snapshots, a tenant's purchases with the terms that a seller of the company tells of them.

    The two are one purchase where the seller's id of it is the tenant's id in commerce. What Partner Center told
    stays. A tenant of several companies is left as it is: each of them may read other sellers, and what was read of it
    is kept once.
    """
    others = {ref for ref in mapping.accounts if Account.parse(ref).source != MICROSOFT}
    sellers = [snapshots[ref] for ref in others & snapshots.keys() if Coverage.TERMS in snapshots[ref].coverage]
    unread = not others <= snapshots.keys()
    if not sellers and not unread:
        return snapshots
    bought = (one for seller in sellers for seen in seller.observations.values() for one in seen.subscriptions)
    deals = {one.commerce: one.deal for one in bought if one.commerce and one.deal and one.status.billed}
    mine = {ref for ref in snapshots if ref not in others and len(mappings.companies_by_account[ref]) == 1}
    return {ref: _dealt(one, deals, unread) if ref in mine else one for ref, one in snapshots.items()}


def _dealt(tenant: Snapshot, deals: Mapping[str, Deal], unread: bool) -> Snapshot:
    seen = {sku: _sold(one, deals) for sku, one in tenant.observations.items()}
    if unread:
        # Who could not be asked may have told terms before: they stay known, unless we claim to have heard everybody.
        return replace(tenant, observations=seen, coverage=tenant.coverage - {Coverage.TERMS})
    heard = tenant.coverage if Coverage.TERMS in tenant.gaps else tenant.coverage | {Coverage.TERMS}
    return replace(tenant, observations=seen, coverage=heard)


def _sold(seen: Observation, deals: Mapping[str, Deal]) -> Observation:
    if all(one.deal or one.commerce not in deals for one in seen.subscriptions):
        return seen
    told = tuple(replace(one, deal=one.deal or deals.get(one.commerce)) for one in seen.subscriptions)
    return replace(seen, subscriptions=told)


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
    causes = _causes([purchase for one in sold for purchase in one.seen.subscriptions], more=held > bought)
    sentence = f"{sold[0].seen.name}: {bought} bought at {where}, {held} in the tenant"
    told = "; ".join([sentence, *(words for words, _ in causes)])
    subject = f"{sold[0].account}/{sold[0].seen.sku}"
    if abs(bought - held) in _sums([units for _, units in causes]):
        remedy = "nothing now: it is the timing of an order; look again if it lasts"
        yield Finding(Code.SELLER_DISAGREES, Severity.INFO, company, subject, told, remedy)
        return
    remedy = (
        "you may be paying for seats that the tenant does not have: look at the order"
        if bought > held
        else "find out who sold the others, or whether an order is under way"
    )
    money = _monthly(sold, bought - held)
    yield Finding(Code.SELLER_DISAGREES, Severity.WARNING, company, subject, told, remedy, money)


def _causes(purchases: Sequence[Subscription], more: bool) -> list[tuple[str, int]]:
    """What may make the tenant have more, or fewer, than is bought: in words, with its units."""
    if more:
        told = (("ordered there", ordered(purchases)), ("on trial there", on_trial(purchases)))
        return [(f"{units} more {how}", units) for how, units in told if units]
    units, first = ending(purchases)
    return [(f"{units} of them end there from {first} on", units)] if first else []


def _sums(units: Sequence[int]) -> set[int]:
    """Of each of the causes alone, and of all together."""
    return {*units, sum(units)} if units else set()


def _of_invoice(company: int, sold: _Sold) -> Iterator[Finding]:
    """The seller's own two numbers: what it is about to bill, and what it says is in force."""
    invoiced, purchased = sold.seen.invoiced, _together([sold.seen])
    if invoiced is None or purchased is None or invoiced.quantity == purchased:
        return
    sentence = f"{sold.seen.name}: {sold.source} is about to bill {invoiced.quantity}, {purchased} are in force"
    units, first = ending(sold.seen.subscriptions)
    sentence += f"; {units} of them end from {first} on" if first else ""
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
