"""What people decided to bill back, as changes: each instalment once, on the first invoice from its day on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date

from agent.domain.agreements import Agreement, Billable, Line
from agent.domain.changes import BillPast, Terms
from agent.domain.holdings import Ground
from agent.domain.keys import LineKey, Mark, Role
from agent.domain.ledger import Instalment, Order, Settlement
from agent.domain.money import Money
from agent.domain.periods import Period

ASKS = "a one-off line for the past: see that nobody has entered it by hand"


def back_billed(settlements: Iterable[Settlement], ground: Ground, currency: str) -> Iterator[BillPast]:
    """Those of which the next invoice is the one, and that were never written."""
    # Of ended lines too: the month of a part that was written may be over by the time a lost store is put back.
    marks = {line.mark.strip() for lines in ground.lines.values() for line in lines}
    for one in settlements:
        for number, part in enumerate(one.instalments, 1):
            if one.order is not None and not _done(one.order.part(one, number), ground, marks):
                yield from _due(one, one.order, number, part, ground, currency)


def _done(key: LineKey, ground: Ground, marks: set[str]) -> bool:
    """Bound, on its way, or there by its mark: a store that was set back does not remember that it wrote it."""
    return key in ground.bindings or key in ground.open_keys or str(Mark.of(ground.installation, key)) in marks


def _due(
    one: Settlement, order: Order, number: int, part: Instalment, ground: Ground, currency: str
) -> Iterator[BillPast]:
    agreement, like = ground.agreements.get(order.key.agreement), _like(order.key, ground)
    if agreement is None or like is None or not _billable(agreement, part, ground, currency):
        return
    days = _period(agreement, part.day)
    if days is None:
        return
    yield BillPast(
        key=order.part(one, number),
        company=ground.company,
        label=order.says(one, number),
        product=like.product,
        after=Terms(1, 0, part.amount.amount, Billable.BILLABLE, order.says(one, number)),
        effective=days.start,
        reason=f"decided by {one.who} on {one.on} (trueup ledger show {one.gap})",
        monthly=Money.zero(currency),
        asks=ASKS,
        days=days,
        amount=part.amount,
        credit=order.credit,
        like=like,
    )


def _billable(agreement: Agreement, part: Instalment, ground: Ground, currency: str) -> bool:
    """While a deleted invoice waits to be made again, it is to be what it was."""
    fits = agreement.currency in (None, currency) and part.amount.currency == currency
    # A year's invoice would bill in one go, months later, what was spread over as many.
    ours = agreement.company == ground.company and not agreement.refusal and agreement.months == 1
    return fits and ours and ground.reopened(agreement.id) is None


def _period(agreement: Agreement, day: date) -> Period | None:
    """The period of the agreement's next invoice, once the day has come within it; None before that."""
    following = agreement.next_invoice or agreement.bill_start
    if following is None:
        return None
    # A whole period from its first day to its last: ConnectWise bills that once, and nobody prorates it.
    days = agreement.period(following)
    ends_before = agreement.ends is not None and agreement.ends < days.end
    return None if days.start < following or day >= days.end or ends_before else days


def _like(key: LineKey, ground: Ground) -> Line | None:
    """A line of the key, ended or not: the latest that is open."""
    # One that has ended serves as well: seats that nobody needs any more may still owe their past.
    ours = {b.line for b in ground.bindings.values() if b.key.base == key.base and b.key.role is Role.BASE}
    lines = [line for line in ground.lines.get(key.agreement, ()) if line.id in ours]
    return max(lines, key=lambda line: (line.open, line.start or date.min, line.id), default=None)
