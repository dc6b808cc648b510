"""An adapter at work on one simulated site, and the changes that the tests ask of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from agent.domain.agreements import Agreement, Billable, Line
from agent.domain.changes import (
    AddLine,
    Change,
    Delta,
    EndLine,
    Fold,
    Holding,
    Realisation,
    SetPrice,
    SetQuantity,
    Terms,
    Write,
)
from agent.domain.keys import LineKey, Mark, Role
from agent.domain.mappings import AtZero, Decrease, Increase
from agent.domain.periods import Period
from agent.outgoing import Outgoing
from agent.psa.connectwise import ConnectWise
from agent.simulators import connectwise as simulated
from agent.simulators.wire import SimClock, Transport

URL = "https://na.myconnectwise.net"
INSTALLATION = "1f0c3c1e-tests"
CONTOSO, AGREEMENT, PRODUCT = 250, 1021, "M365-BP-M"
KEY = LineKey("connectwise", AGREEMENT, "4f1c0000", "cbdc14ab", "", "", PRODUCT)
TEXT = "Microsoft 365 Business Premium"
TODAY = date(2026, 3, 17)


def day(text: str) -> date:
    return date.fromisoformat(f"2026-{text}")


def terms(quantity: int, included: int = 0, text: str = TEXT, price: str | None = None) -> Terms:
    return Terms(quantity, included, Decimal(price) if price else None, Billable.BILLABLE, text)


def adapter(site: simulated.ConnectWise, url: str = URL, **settings: Any) -> ConnectWise:
    def connect(base_url: str) -> Outgoing:
        return Outgoing(base_url=base_url, transport=lambda: Transport({"https://": site}), sleep=lambda _: None)

    return ConnectWise(
        connect=connect,
        url=url,
        company=settings.pop("company", site.site.company),
        public_key=lambda: site.site.public_key,
        private_key=lambda: site.site.private_key,
        client_id="0a4d2f9e-8e1c-4bb0-9d0f-1f7a0f3c5d11",
        installation=INSTALLATION,
        **settings,
    )


def office(
    *, today: date = TODAY, next_invoice: str = "2026-04-01", prorates: bool = True, **agreement: Any
) -> simulated.ConnectWise:
    """Contoso has one agreement, billed in advance on the 1st, and nothing on it; Business Premium is 22.00."""
    site = simulated.ConnectWise(SimClock(datetime(today.year, today.month, today.day, 9, tzinfo=UTC)))
    site.add_company("Contoso Ltd", id=CONTOSO, identifier="Contoso")
    fields = {"bills_from": "2026-01-01", "next_invoice": next_invoice, "prorates": prorates, **agreement}
    site.add_agreement(CONTOSO, "Microsoft 365", id=AGREEMENT, **fields)
    site.add_product(PRODUCT, id=4021, price="22.00", cost="17.60", description=TEXT)
    return site


@dataclass
class Desk:
    """Plans and executes changes of the one key, and keeps what the engine's store would: whose line is whose.

    The quantities charged so far are taken from the simulated invoices, not from a memory of our own.
    """

    site: simulated.ConnectWise
    psa: ConnectWise
    today: date = TODAY
    base: int = 0
    adopted: int = 0
    paid_until: date = date.min
    opened: date | None = None
    deltas: dict[int, tuple[LineKey, date | None]] = field(default_factory=dict)

    @property
    def agreement(self) -> Agreement:
        return self.psa.agreements([AGREEMENT])[AGREEMENT]

    def lines(self) -> dict[int, Line]:
        return {line.id: line for line in self.psa.lines(AGREEMENT)}

    def adopt(self, quantity: int, effective: str = "2026-01-01", **fields: Any) -> int:
        """A line that somebody made by hand and that has been billed as far as the agreement has."""
        self.base = self.site.add_addition(AGREEMENT, PRODUCT, quantity, effective=effective, **fields)
        self.adopted, self.paid_until = quantity, self.agreement.next_invoice or date.min
        return self.base

    @property
    def holding(self) -> Holding:
        lines = self.lines()
        open_deltas = [(lines[id], *known) for id, known in self.deltas.items() if lines[id].open]
        deltas = tuple(Delta(key, line, opened) for line, key, opened in open_deltas)
        return Holding(lines[self.base], deltas, tuple(self.charged(lines)), opened_before=self.opened)

    def charged(self, lines: dict[int, Line]) -> Sequence[tuple[Period, int]]:
        """Day by day from the change on: what was invoiced of base and open deltas, and all bounded deltas."""
        boundary = self.agreement.next_invoice
        if boundary is None:
            return []
        days = [date.fromordinal(n) for n in range(self.today.toordinal(), boundary.toordinal())]
        return [(Period(d, date.fromordinal(d.toordinal() + 1)), self._charged_on(d, lines)) for d in days]

    def _charged_on(self, day: date, lines: dict[int, Line]) -> int:
        bounded = [lines[id] for id in self.deltas if not lines[id].open]
        ours = sum(self._invoiced(id, day) for id in (self.base, *self.deltas) if lines[id].open)
        return ours + sum(int(line.quantity) for line in bounded if line.start <= day < line.end)

    def _invoiced(self, id: int, day: date) -> int:
        if id == self.base and self.adopted and day < self.paid_until:
            return self.adopted
        charges = self.site.charges(AGREEMENT, id)
        return next((int(charge.quantity) for charge in charges if charge.span.first <= day < charge.span.end), 0)

    def add(self, quantity: int, **changes: Any) -> Realisation:
        return self.carry_out(self.addition(quantity, **changes))

    def addition(self, quantity: int, **changes: Any) -> AddLine:
        return AddLine(**self._common(terms(quantity), **changes))

    def set(
        self, quantity: int, increase: Increase = Increase.PRORATE, decrease: Decrease = Decrease.NOW, **changes: Any
    ) -> Realisation:
        return self.carry_out(self.set_quantity(quantity, increase, decrease, **changes))

    def set_quantity(
        self, quantity: int, increase: Increase = Increase.PRORATE, decrease: Decrease = Decrease.NOW, **changes: Any
    ) -> SetQuantity:
        return SetQuantity(increase=increase, decrease=decrease, **self._held(quantity, **changes))

    def end(self, at_zero: AtZero = AtZero.END, **changes: Any) -> Realisation:
        return self.carry_out(self.ending(at_zero, **changes))

    def ending(self, at_zero: AtZero = AtZero.END, **changes: Any) -> EndLine:
        return EndLine(at_zero=at_zero, **self._held(0, **changes))

    def price(self, price: str) -> SetPrice:
        quantity = int(self.holding.quantity)
        return SetPrice(**self._held(quantity, after=terms(quantity, int(self.holding.base.included), price=price)))

    def fold(self) -> Realisation:
        """As the engine does: once the boundary has moved past where it stood when the deltas were written."""
        holding, boundary = self.holding, self.agreement.next_invoice
        ripe = [
            d.opened_before is not None and boundary is not None and d.opened_before < boundary for d in holding.deltas
        ]
        if not holding.deltas or not all(ripe):
            return Realisation()
        return self.carry_out(Fold(**self._held(int(holding.quantity))))

    def carry_out(self, change: Change) -> Realisation:
        realisation = self.psa.writes(change, self.agreement, self.today)
        for write in realisation.writes:
            self.execute(write)
        return realisation

    def execute(self, write: Write) -> None:
        receipt = self.psa.execute(write)
        assert receipt.outcome == "done", receipt.detail
        if write.line is None and write.key.role is Role.BASE:
            self.base, self.opened = receipt.line or 0, write.boundary
        elif write.line is None:
            self.deltas[receipt.line or 0] = (write.key, write.boundary)

    def _held(self, quantity: int, **changes: Any) -> dict[str, Any]:
        holding = self.holding
        before = terms(int(holding.quantity), int(holding.base.included), holding.base.text)
        after = changes.pop("after", terms(quantity, int(holding.base.included), holding.base.text))
        return self._common(after, before=before, holding=holding, **changes)

    def _common(self, after: Terms, **changes: Any) -> dict[str, Any]:
        common = {
            "key": KEY,
            "company": CONTOSO,
            "label": "Business Premium",
            "product": 4021,
            "after": after,
            "effective": self.today,
            "reason": "counted",
        }
        return {**common, **changes}


def desk(site: simulated.ConnectWise | None = None, today: date = TODAY, **settings: Any) -> Desk:
    site = site or office(today=today)
    return Desk(site, adapter(site, **settings), today)


def mark(key: LineKey = KEY) -> str:
    return str(Mark.of(INSTALLATION, key))
