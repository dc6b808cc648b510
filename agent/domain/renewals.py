"""Findings about commitments: windows that close, renewals that come, terms that nobody knows."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping
from datetime import datetime, timedelta

from agent.domain.agreements import Agreement
from agent.domain.commitment import Batch
from agent.domain.counts import Snapshot
from agent.domain.desired import DesiredLine
from agent.domain.findings import Code, Finding, Severity
from agent.domain.keys import LineKey
from agent.domain.money import Money
from agent.domain.owed import Owed, Promise, purchases
from agent.domain.terms import UNREAD, History, learnt_term

WARNED_BEFORE = timedelta(hours=48)
# Days before a renewal: the one finding becomes more severe, and says so once each.
_STAGES = ((7, Severity.WARNING), (14, Severity.WARNING), (30, Severity.INFO))


_UNTOLD = "let Partner Center or Pax8 tell it, or take price-lock away to have the present price"


def of_commitments(
    lines: Iterable[DesiredLine], agreements: Mapping[int, Agreement], company: int, currency: str
) -> Iterator[Finding]:
    """For rows that hold commitments: what a person can still decide, while it can be decided."""
    for line in lines:
        if line.owes is None or line.doubt:
            continue
        seat = _a_month(line, agreements, currency)
        for promise in line.owes.promises:
            for batch in promise.batches:
                yield from _window(line, line.owes, promise, batch, company, seat)
            yield from _renewal(line, line.owes, promise, company, seat)


def of_terms(
    lines: Iterable[DesiredLine],
    snapshots: Mapping[str, Snapshot],
    histories: Mapping[str, History],
    stopped: Container[LineKey],
    company: int,
) -> Iterator[Finding]:
    """Terms that are needed and unknown, and rows that say something else than is known.

    A line that is `stopped` because of its term already has that finding, as an error.
    """
    for line in lines:
        if line.owes and line.owes.unsure and line.key not in stopped:
            stop = line.owes.unsure
            yield _about(line, stop.code, Severity.WARNING, company, stop.reason, stop.remedy)
        if line.row.profile.price_lock and line.renews is None and not line.doubt:
            reason = "no source tells when its purchases renew, so its prices stay as they are"
            yield _about(line, Code.TERM_UNKNOWN, Severity.WARNING, company, reason, _UNTOLD)
        snapshot = snapshots.get(line.row.account)
        if line.row.term is not None and snapshot is not None:
            yield from _disagreeing(line, snapshot, histories.get(line.row.account, UNREAD), company)


def _disagreeing(line: DesiredLine, snapshot: Snapshot, history: History, company: int) -> Iterator[Finding]:
    stated, seen = line.row.term, snapshot.observations.get(line.row.skus[0])
    for one in purchases(line.row, seen) if seen else ():
        known = learnt_term(history.told(one, snapshot))
        if stated is None or known is None or known.term.months == stated.months:
            continue
        reason = f"the row says {stated}, but subscription {one.id[:8]} is {known.term}: {known.says}"
        remedy = "correct the row's term and profile; until then the row is believed"
        yield _about(line, Code.TERM_DISAGREES, Severity.WARNING, company, reason, remedy)


def _window(
    line: DesiredLine, owes: Owed, promise: Promise, batch: Batch, company: int, seat: Money | None
) -> Iterator[Finding]:
    """Only where seats are left over: whoever needs all of them has nothing to decide."""
    free = min(batch.seats, owes.seen.unassigned)
    if not (owes.at < batch.closes <= owes.at + WARNED_BEFORE) or not free:
        return
    money = (seat * free).at_coins() if seat else None
    yield Finding(
        Code.COMMITMENT_WINDOW,
        Severity.WARNING,
        company,
        f"{line.key}/{promise.bought.id}/{batch.closes:%Y-%m-%dT%H:%M}",
        f"{line.label}: {free} unused of {_seats(batch.seats)} from {batch.bought:%Y-%m-%d} can be lowered until "
        f"{batch.closes:%Y-%m-%d %H:%M} UTC; after that they are owed until {batch.renews:%Y-%m-%d}{_worth(money)}",
        "lower the subscription at Microsoft before then, or keep the seats",
        money,
    )


def _renewal(line: DesiredLine, owes: Owed, promise: Promise, company: int, seat: Money | None) -> Iterator[Finding]:
    """Monthly terms renew too often for anybody to be told each time."""
    renews = promise.renews
    stage = _stage(owes.at, renews) if renews and promise.known.term.months > 1 else None
    if renews is None or stage is None:
        return
    days, severity = stage
    # What unused seats cost is told, but is no mismatch: until that day they are owed.
    free, deal = min(promise.seats, owes.seen.unassigned), promise.bought.deal
    worth = _worth((seat * free).at_coins() if seat and free else None)
    what = "renews" if deal is None or deal.renews else "ends, and does not renew by itself,"
    ordered = f"; {_seats(deal.next_quantity)} ordered for then" if deal and deal.next_quantity is not None else ""
    yield Finding(
        Code.COMMITMENT_RENEWAL,
        severity,
        company,
        f"{line.key}/{promise.bought.id}",
        f"{line.label}: the subscription of {_seats(promise.seats)} ({promise.known.term}) {what} on "
        f"{renews:%Y-%m-%d}, within {days} days; {free} unused{worth}{ordered}",
        f"order {promise.seats - free} for the renewal, or keep the seats" if free else "nothing, if all are to stay",
    )


def _worth(money: Money | None) -> str:
    return f", {money} a month" if money else ""


def _stage(at: datetime, renews: datetime) -> tuple[int, Severity] | None:
    return next(((days, severity) for days, severity in _STAGES if renews - at <= timedelta(days=days)), None)


def _a_month(line: DesiredLine, agreements: Mapping[int, Agreement], currency: str) -> Money | None:
    """What one seat of the line bills a month, not rounded yet."""
    price = line.product.price if line.terms.price is None else line.terms.price
    agreement = agreements.get(line.key.agreement)
    if price is None or agreement is None or not agreement.months:
        return None
    return Money(price / agreement.months, currency)


def _about(line: DesiredLine, code: Code, severity: Severity, company: int, reason: str, remedy: str) -> Finding:
    return Finding(code, severity, company, str(line.key), f"{line.label}: {reason}", remedy)


def _seats(number: int) -> str:
    return f"{number} seat" if number == 1 else f"{number} seats"
