"""A one-off addition: one unit at the whole amount, for exactly one billing period that is not invoiced yet.

An addition that begins and ends within one billing period is charged once (reference 8.4). From the period's first day
to its last it is never prorated, whether the agreement prorates or not.
"""

from __future__ import annotations

from decimal import Decimal

from agent.domain.agreements import Billable
from agent.domain.changes import BillPast, Realisation
from agent.psa.connectwise.pen import Pen
from agent.psa.connectwise.records import extra


def one_off(pen: Pen, change: BillPast) -> Realisation:
    """Refused where it is a credit and the site takes none."""
    amount, quantity = change.amount.amount, Decimal(1)
    if change.credit:
        if pen.manner.credits == "off":
            why = "credits are switched off: set psa.connectwise.credits, or enter it by hand (trueup ledger export)"
            return Realisation(note=why, refused=True)
        by_price = pen.manner.credits == "negative-price"
        amount, quantity = (-amount, quantity) if by_price else (amount, -quantity)
    written = pen.post(
        change.key,
        quantity=quantity,
        price=amount,
        billable=Billable.BILLABLE,
        start=change.days.start,
        end=change.days.end,
        text=change.after.text,
        taxable=extra(change.like).get("taxableFlag"),
        # What these seats cost was paid in their own months; the catalogue's cost of one would be booked again.
        cost=Decimal(0),
    )
    return Realisation((written,))
