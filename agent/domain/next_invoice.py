"""What a plan's requests add to an agreement's next invoice, worked out as the PSA will."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction

from agent.domain.agreements import Agreement, Billable
from agent.domain.changes import Change, Holding, Write
from agent.domain.invoices import due
from agent.domain.money import Money, minor_units, rounded
from agent.domain.periods import DAY, Period
from agent.domain.proration import Convention


def effect(
    writes: Sequence[Write], change: Change, agreement: Agreement, convention: Convention, currency: str
) -> Money | None:
    """The next invoice with the requests less the one without them; the amount of each line is rounded once.

    None where it cannot be told: no invoice will follow, a price is not known, or nobody can say whether an invoice
    has reached a line. A change is weighed alone, against the lines as they are.
    """
    period = _next_period(agreement)
    if period is None or not writes:
        return None
    invoice = _Invoice(agreement, period, convention, currency)
    total = Decimal(0)
    for write in writes:
        added = invoice.added(write, change)
        if added is None:
            return None
        total += added
    return Money(total, currency)


def _next_period(agreement: Agreement) -> Period | None:
    first = agreement.next_invoice or agreement.bill_start
    if first is None or agreement.months is None or (agreement.ends is not None and agreement.ends <= first):
        return None
    return agreement.period(first)


def _unpaid_from(write: Write, holding: Holding | None, agreement: Agreement) -> date | None:
    """From which day on no invoice has been made for the line, be it before it began; None where nobody can say."""
    boundary = agreement.next_invoice
    if write.line is None or boundary is None:
        return date.min
    opened = _opened_before(write, holding)
    if opened is not None:
        return date.min if boundary <= opened else boundary
    start = write.before["start"]
    # One that others made in the middle of the last invoiced period may have missed that invoice.
    return None if start and date.fromisoformat(start) > agreement.period(boundary - DAY).start else boundary


def _opened_before(write: Write, holding: Holding | None) -> date | None:
    """The invoice boundary that stood when the line was made, where we know it."""
    if holding is None:
        return None
    if write.line == holding.base.id:
        return holding.opened_before
    deltas = (*holding.deltas, *holding.closed)
    return next((delta.opened_before for delta in deltas if delta.line.id == write.line), None)


@dataclass(frozen=True, slots=True)
class _Invoice:
    agreement: Agreement
    period: Period
    convention: Convention
    currency: str

    def added(self, write: Write, change: Change) -> Decimal | None:
        unpaid = _unpaid_from(write, change.holding, self.agreement)
        if unpaid is None:
            return None
        after = self.amount({**write.before, **write.after}, unpaid, change.listed)
        before = Decimal(0) if write.line is None else self.amount(write.before, unpaid, None)
        return None if after is None or before is None else after - before

    def amount(self, line: Mapping[str, str], unpaid: date, listed: Decimal | None) -> Decimal | None:
        """What a line comes to; `listed` is the price of one that is made without naming any."""
        price = listed if "price" not in line else Decimal(line["price"]) if line["price"] else None
        if line["billable"] != Billable.BILLABLE:
            return Decimal(0)
        if price is None:
            return None
        seats = Fraction(line["quantity"]) - Fraction(line.get("included", "0"))
        return rounded(Fraction(price) * seats * self._periods(line, unpaid), minor_units(self.currency))

    def _periods(self, line: Mapping[str, str], unpaid: date) -> Fraction:
        """How many billing periods the invoice charges, those included that it catches up on."""
        start, end = (date.fromisoformat(text) if text else None for text in (line["start"], line.get("end")))
        paid = [Period(date.min, unpaid)] if unpaid > date.min else []
        parts = due(self.agreement, self.convention, self.period, start, end, paid)
        return sum((part.share for part in parts), Fraction(0))
