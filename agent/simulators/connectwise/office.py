"""What people do in the simulated PSA beside the agent, and its invoice run."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from agent.simulators.connectwise import additions, billing
from agent.simulators.connectwise.additions import Terms, midnight
from agent.simulators.connectwise.billing import Billed, Charge, Invoice, Span
from agent.simulators.connectwise.books import OFFICE, Amount, Books, Day, addition_table, as_day
from agent.simulators.connectwise.site import Site
from agent.simulators.faults import Faults
from agent.simulators.simulator import SimClock

PAYMENT_DAYS = 30


class Office(Books):
    def __init__(
        self,
        clock: SimClock,
        site: Site | None = None,
        *,
        faults: Faults | None = None,
        log_size: int = 2_000,
    ) -> None:
        super().__init__(clock, site, faults=faults, log_size=log_size)
        self._invoices: dict[int, list[Invoice]] = defaultdict(list)

    def person_adds(
        self, agreement: int, product: str, quantity: Amount, *, effective: Day, by: str = OFFICE, **fields: Any
    ) -> int:
        """A line that nobody has been billed for yet."""
        with self.lock:
            return self.add_addition(agreement, product, quantity, effective=effective, billed=False, by=by, **fields)

    def person_edits(self, agreement: int, addition: int, *, by: str = OFFICE, **fields: Any) -> None:
        """Set fields by their API names, unjudged; None takes one away."""
        with self.lock:
            values = {**self.addition(agreement, addition), **{n: _as_kept(v) for n, v in fields.items()}}
            self.store_addition(self.terms(agreement), values, by)

    def person_cancels(self, agreement: int, addition: int, last_day: Day, *, by: str = OFFICE) -> None:
        self.person_edits(agreement, addition, by=by, cancelledDate=midnight(as_day(last_day)))

    def person_copies(self, agreement: int, addition: int, *, by: str = OFFICE) -> int:
        """The copy has everything of the original, the marker too, and has not been billed."""
        with self.lock:
            # `_info` would make the copy as old as the original.
            values = {n: v for n, v in self.addition(agreement, addition).items() if n not in ("id", "_info")}
            return int(self.store_addition(self.terms(agreement), values, by).fields["id"])

    def person_deletes(self, agreement: int, addition: int) -> None:
        with self.lock:
            self.addition(agreement, addition)
            self.tables.drop(self.clock.now(), addition_table(agreement), addition)

    def person_edits_agreement(self, agreement: int, *, by: str = OFFICE, **fields: Any) -> None:
        """Set fields by their API names; what the additions show of the agreement follows."""
        with self.lock:
            values = {**self.agreement(agreement), **{n: _as_kept(v) for n, v in fields.items()}}
            self._put("agreements", values, by)
            table, terms = addition_table(agreement), self.terms(agreement)
            for record in self.tables.listed(table):
                # Nobody has touched the line: its own stamp stays, as the agreement's status shows through.
                self._put(table, additions.completed(record.fields, terms))

    def person_edits_product(self, product: int, *, by: str = OFFICE, **fields: Any) -> None:
        """Additions keep what they took over from it."""
        with self.lock:
            values = {**self._row("catalog", product), **{n: _as_kept(v) for n, v in fields.items()}}
            self._put("catalog", values, by)

    def person_edits_company(self, company: int, *, by: str = OFFICE, **fields: Any) -> None:
        with self.lock:
            self._put("companies", {**self._row("companies", company), **fields}, by)

    def invoice(self, agreement: int, through: Day | None = None) -> tuple[Invoice, ...]:
        """Invoice the next period, or all that begin up to and with the day `through`, oldest first.

        None where the agreement is not active, does not recur or has ended.
        """
        with self.lock:
            made: list[Invoice] = []
            while period := self._next_period(agreement):
                if as_day(through) < period.first if through else made:
                    break
                made.append(self._invoice(agreement, period))
            return tuple(made)

    def uninvoice(self, agreement: int) -> Invoice:
        """Delete the last invoice: its period is open again. LookupError where there is none."""
        with self.lock:
            if not self._invoices[agreement]:
                raise LookupError(f"agreement {agreement} has no invoice")
            # Its charges go with it, so its days are unpaid again; a later invoice must be deleted first.
            gone = self._invoices[agreement].pop()
            self.tables.drop(self.clock.now(), "invoices", gone.id)
            self._move_next_invoice(agreement, gone.period.first)
            return gone

    def invoices(self, agreement: int) -> tuple[Invoice, ...]:
        return tuple(self._invoices[agreement])

    def charges(self, agreement: int, addition: int) -> tuple[Charge, ...]:
        """All that has been charged for an addition, oldest first."""
        with self.lock:
            return tuple(
                charge
                for invoice in self._invoices[agreement]
                for charge in invoice.charges
                if charge.addition == addition
            )

    def _next_period(self, agreement: int) -> Span | None:
        terms, ends = self.terms(agreement), self.agreement(agreement).get("endDate")
        if terms.status != "Active" or terms.cycle is None or terms.next_invoice is None:
            return None
        if ends and additions.day_of(ends) < terms.next_invoice:
            return None
        return terms.cycle.containing(terms.next_invoice)

    def _invoice(self, agreement: int, period: Span) -> Invoice:
        terms = self.terms(agreement)
        charges = [
            charge
            for values in self.additions(agreement)
            if values["billCustomer"] != "DoNotBill"
            for charge in self._due(values, period, terms)
        ]
        amount = self.agreement(agreement)["billAmount"]
        invoice = Invoice(self.tables.new_id("invoices"), agreement, period, amount, tuple(charges))
        self._invoices[agreement].append(invoice)
        self._put("invoices", self._printed(invoice), OFFICE)
        self._move_next_invoice(agreement, period.end)
        return invoice

    def _due(self, values: Any, period: Span, terms: Terms) -> tuple[Charge, ...]:
        if terms.cycle is None:
            return ()
        number = values["id"]
        paid = [charge.span for charge in self.charges(terms.agreement, number)]
        if number in self._settled:
            paid.append(self._settled[number])
        price = values["unitPrice"] if values["billCustomer"] == "Billable" else Decimal(0)
        line = Billed(number, additions.live_span(values), additions.billed_quantity(values), price)
        return billing.due(line, period, terms.cycle, terms.prorates, paid)

    def _printed(self, invoice: Invoice) -> dict[str, Any]:
        """The invoice as the API shows it; its lines are on paper only."""
        agreement = self.agreement(invoice.agreement)
        today = self.clock.today(self.site.zone)
        return {
            "id": invoice.id,
            "invoiceNumber": str(10_000 + invoice.id),
            "type": "Agreement",
            "status": {"id": 1, "name": "New"},
            "company": agreement["company"],
            "billToCompany": agreement["company"],
            "applyToType": "Agreement",
            "applyToId": invoice.agreement,
            "agreement": {"id": invoice.agreement, "name": agreement["name"], "type": agreement["type"]["name"]},
            "date": midnight(today),
            "dueDate": midnight(today + timedelta(days=PAYMENT_DAYS)),
            "currency": agreement["currency"],
            "agreementAmount": invoice.base,
            "productTotal": invoice.total - invoice.base,
            "subtotal": invoice.total,
            "salesTax": Decimal(0),
            "total": invoice.total,
            "balance": invoice.total,
        }

    def _move_next_invoice(self, agreement: int, day: date) -> None:
        self._put("agreements", {**self.agreement(agreement), "nextInvoiceDate": midnight(day)}, OFFICE)


def _as_kept(value: Any) -> Any:
    """Days are kept as the API shows them, and its numbers are decimals throughout, ids apart."""
    if isinstance(value, date):
        return midnight(value)
    return Decimal(value) if isinstance(value, int) and not isinstance(value, bool) else value
