"""Purchases that a seller does not simply have in force: ordered and not delivered, on trial, or about to end.

Each explains for a while why two numbers differ that should be alike; none of them changes what is billed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta

from agent.domain.counts import MICROSOFT, Coverage, Observation, Snapshot, Status, Subscription
from agent.domain.findings import Code, Finding, Severity

# An order can hang at the seller although its vendor has delivered long ago: by then a person should look.
_HANGS = timedelta(days=3)


def of_orders(snapshot: Snapshot, company: int) -> Iterator[Finding]:
    """What a seller tells of one account. A tenant itself has no orders."""
    if snapshot.account.source == MICROSOFT or Coverage.SUBSCRIPTIONS not in snapshot.coverage:
        return
    for seen in snapshot.observations.values():
        for one in seen.subscriptions:
            if one.quantity:
                yield from _of_purchase(snapshot, seen, one, company)


def ordered(purchases: Iterable[Subscription]) -> int:
    """Units that are to come."""
    return sum(one.quantity for one in purchases if one.status is Status.PENDING)


def on_trial(purchases: Iterable[Subscription]) -> int:
    return sum(one.quantity for one in purchases if one.status is Status.TRIAL)


def ending(purchases: Iterable[Subscription]) -> tuple[int, date | None]:
    """Units in force whose end has been ordered, and the last day of the first of them."""
    those = [(one.quantity, one.ends) for one in purchases if one.status.billed and one.ends is not None]
    return sum(units for units, _ in those), min((_last_day(ends) for _, ends in those), default=None)


def _last_day(ends: datetime) -> date:
    """People name the last day on which something is there, and not the instant after it."""
    return (ends - timedelta(microseconds=1)).date()


def _of_purchase(snapshot: Snapshot, seen: Observation, one: Subscription, company: int) -> Iterator[Finding]:
    source, units = snapshot.account.source, seen.unit(one.quantity)
    last = _last_day(one.ends) if one.ends else None
    until = f" until {last}" if last else ""
    since = f" since {one.created:%Y-%m-%d}" if one.created else ""
    severity = Severity.INFO
    if one.status is Status.PENDING:
        code, what, remedy = Code.ORDER_PENDING, f"ordered at {source}{since}, not delivered yet", "wait"
        if one.created is not None and snapshot.taken_at - one.created > _HANGS:
            severity = Severity.WARNING
            remedy = f"ask {source} why: an order can hang there though the tenant has its seats"
    elif one.status is Status.TRIAL:
        code, what = Code.PURCHASE_ON_TRIAL, f"on trial at {source}{until}"
        remedy = "decide before it ends; a row that counts the tenant's seats bills those of the trial as well"
    elif one.status.billed and last is not None:
        code, what = Code.PURCHASE_ENDS, f"bought at {source} end on {last}"
        remedy = "nothing if that was meant: lines follow what is left, once it is over"
    else:
        return
    subject = f"{snapshot.account.ref}/{seen.sku}/{one.id}"
    yield Finding(code, severity, company, subject, f"{seen.name}: {units} {what}", remedy)
