"""What the simulated PSA holds, and the plain methods that fill it.

A day may be a date or its ISO text, an amount anything Decimal takes, so that all methods also work over
POST /__sim/world. Further fields are given by the names of the API.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from agent.simulators.connectwise import additions
from agent.simulators.connectwise.additions import Terms, Values, midnight
from agent.simulators.connectwise.billing import MONTHS, WEEKS, Cycle, Span
from agent.simulators.connectwise.site import Site
from agent.simulators.connectwise.tables import Record, Tables
from agent.simulators.faults import Faults
from agent.simulators.simulator import SimClock, Simulator

Day = date | str
Amount = Decimal | int | str

CYCLES = {
    "Monthly": "Monthly",
    "BiMonthly": "Every two months",
    "Quarterly": "Quarterly",
    "SemiAnnual": "Semi-annual",
    "Yearly": "Annual",
    "Weekly": "Weekly",
    "BiWeekly": "Every two weeks",
    "NotRecurring": "One time",
}
CURRENCIES = {"USD": "$", "CAD": "$", "AUD": "$", "NZD": "$", "EUR": "€", "GBP": "£"}
OFFICE = "office"  # the member who sets the world up and does what persons do


class Books(Simulator):
    def __init__(
        self,
        clock: SimClock,
        site: Site | None = None,
        *,
        faults: Faults | None = None,
        log_size: int = 2_000,
    ) -> None:
        super().__init__(clock, faults=faults, log_size=log_size)
        self.site = site or Site()
        self.tables = Tables()
        self._anchors: dict[int, date] = {}
        self._settled: dict[int, Span] = {}  # days of an addition that were billed before this world began
        for option, name in CYCLES.items():
            self.add_cycle(option, name)

    def add_cycle(self, option: str, name: str) -> int:
        """Sites may rename cycles: only `option` says how long one is."""
        values = {"identifier": option[:10], "name": name, "billingOptions": option, "defaultFlag": False}
        return self._add("cycles", values)

    def add_company(self, name: str, *, id: int | None = None, identifier: str | None = None, **fields: Any) -> int:
        values = {
            "identifier": identifier or "".join(filter(str.isalnum, name))[:25],
            "name": name,
            "status": {"id": 1, "name": "Active"},
            "deletedFlag": False,
        }
        return self._add("companies", {**values, **fields}, id)

    def add_agreement(
        self,
        company: int,
        name: str,
        *,
        bills_from: Day,
        next_invoice: Day | None = None,
        id: int | None = None,
        type: str = "Managed Services",
        cycle: str = "Monthly",
        prorates: bool = True,
        currency: str = "USD",
        amount: Amount = 0,
        end: Day | None = None,
        status: str = "Active",
        **fields: Any,
    ) -> int:
        """`cycle` is a billing option or the site's name for one. The next invoice is that of the period which
        begins on `next_invoice`, by default the first of the month from which the agreement bills."""
        start = as_day(bills_from)
        following = as_day(next_invoice) if next_invoice else start.replace(day=1)
        values = {
            "name": name,
            "type": self._agreement_type(type),
            "company": self._reference("companies", company, "identifier", "name"),
            "contact": {"id": 1, "name": "Accounts payable"},
            "startDate": midnight(start),
            "endDate": midnight(as_day(end)) if end else None,
            "noEndingDateFlag": end is None,
            "cancelledFlag": status == "Cancelled",
            "oneTimeFlag": False,
            "billOneTimeFlag": False,
            "billingCycle": self._cycle_reference(cycle),
            "invoicingCycle": "ContractYear",
            "billStartDate": midnight(start),
            "nextInvoiceDate": midnight(following),
            "periodType": "Current",  # its effect is not known (reference 15), and it has none here
            "prorateFlag": prorates,
            "invoiceProratedAdditionsFlag": False,
            "autoInvoiceFlag": False,
            "billAmount": Decimal(amount),
            "currency": _currency(currency),
            "agreementStatus": status,
        }
        number = self._add("agreements", {**values, **fields}, id)
        self._anchors[number] = following
        return number

    def add_product(
        self,
        identifier: str,
        *,
        price: Amount,
        cost: Amount,
        id: int | None = None,
        description: str | None = None,
        product_class: str = "Agreement",
        unit: str = "Each",
        **fields: Any,
    ) -> int:
        text = description or identifier
        values = {
            "identifier": identifier,
            "description": text[:60],
            "customerDescription": text,
            "subcategory": {"id": 1, "name": "Cloud licences"},
            "type": {"id": 1, "name": "Agreement"},
            "productClass": product_class,
            "unitOfMeasure": {"id": 1, "name": unit},
            "price": Decimal(price),
            "cost": Decimal(cost),
            "taxableFlag": True,
            "serializedFlag": False,
            "inactiveFlag": False,
            "recurringFlag": True,
        }
        return self._add("catalog", {**values, **fields}, id)

    def add_addition(
        self,
        agreement: int,
        product: str,
        quantity: Amount,
        *,
        effective: Day,
        id: int | None = None,
        cancelled: Day | None = None,
        price: Amount | None = None,
        marker: str | None = None,
        billed: bool = True,
        by: str = OFFICE,
        **fields: Any,
    ) -> int:
        """Judged as a POST is, except for its dates. `billed`: what lies before the next invoice is paid for."""
        body = {
            "product": {"identifier": product},
            "quantity": Decimal(quantity),
            "unitPrice": None if price is None else Decimal(price),
            "billCustomer": "Billable",
            "effectiveDate": midnight(as_day(effective)),
            "cancelledDate": midnight(as_day(cancelled)) if cancelled else None,
            "serialNumber": marker,
        }
        terms = self.terms(agreement)
        # A line of an earlier year, on an agreement that no longer takes such dates, must still be possible.
        undated = Terms(agreement, terms.status, terms.prorates, None, None, terms.cycle)
        values = additions.created({**body, **fields}, undated, self, self.clock.today(self.site.zone))
        record = self.store_addition(terms, values, by, id)
        if billed and terms.next_invoice:
            self._settled[record.fields["id"]] = Span(as_day(effective), terms.next_invoice)
        return int(record.fields["id"])

    def add_custom_field(self, caption: str, *, type: str = "Text", id: int | None = None) -> int:
        """Define a field of the Additions pod; every addition shows it from now on, at first with null."""
        values = {
            "podId": 1,
            "podDescription": "Agreements > Additions",
            "caption": caption,
            "sequenceNumber": 1,
            "screenId": "am2000",
            "fieldTypeIdentifier": type,
            "entryTypeIdentifier": "EntryField",
        }
        number = self._add("customFields", values, id)
        with self.lock:
            # Additions show every defined field, so a new one appears on lines that are years old.
            entry = self.custom_fields()[-1]
            for table in self._addition_tables():
                for record in self.tables.listed(table):
                    shown = [*record.fields["customFields"], entry]
                    self._put(table, {**record.fields, "customFields": shown})
        return number

    def agreement(self, id: int) -> Mapping[str, Any]:
        """The fields as they are now, whatever readers are shown; LookupError where there is none."""
        return self._row("agreements", id)

    def addition(self, agreement: int, id: int) -> Mapping[str, Any]:
        return self._row(addition_table(agreement), id)

    def additions(self, agreement: int) -> tuple[Mapping[str, Any], ...]:
        with self.lock:
            return tuple(record.fields for record in self.tables.listed(addition_table(agreement)))

    def terms(self, agreement: int) -> Terms:
        values = self._row("agreements", agreement)
        following = values.get("nextInvoiceDate")
        option = self._option(values)
        return Terms(
            agreement,
            values["agreementStatus"],
            values["prorateFlag"],
            as_day(values["billStartDate"]) if "billStartDate" in values else None,
            as_day(following) if following else None,
            Cycle(self._anchors[agreement], option) if option in MONTHS or option in WEEKS else None,
        )

    def product(self, reference: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """By id where the reference has one, else by identifier."""
        if "id" in reference:
            found = self.tables.get("catalog", reference["id"])
            return found.fields if found else None
        wanted = reference.get("identifier")
        rows = (record.fields for record in self.tables.listed("catalog"))
        return next((row for row in rows if row["identifier"] == wanted), None)

    def custom_fields(self) -> list[Values]:
        return [
            {
                "id": record.fields["id"],
                "caption": record.fields["caption"],
                "type": record.fields["fieldTypeIdentifier"],
                "entryMethod": record.fields["entryTypeIdentifier"],
                "numberOfDecimals": 0,
                "value": None,
            }
            for record in self.tables.listed("customFields")
        ]

    def store_addition(self, terms: Terms, values: Values, by: str, id: int | None = None) -> Record:
        """A new one where `values` has no id."""
        table = addition_table(terms.agreement)
        if "id" not in values:
            number = self.tables.new_id("additions", id)
            values = {"id": number, **values, "sequenceNumber": Decimal(len(self.tables.listed(table)) + 1)}
        return self._put(table, additions.completed(values, terms), by)

    def _add(self, table: str, values: Values, id: int | None = None) -> int:
        with self.lock:
            number = self.tables.new_id(table, id)
            if self.tables.get(table, number):
                raise ValueError(f"there is a {number} in {table} already")
            self._put(table, {"id": number, **values}, OFFICE)
            return number

    def _put(self, table: str, values: Values, by: str | None = None) -> Record:
        """Without `by` nobody is noted: what ConnectWise refreshes by itself leaves no trace."""
        if by is not None:
            now = self.clock.now().astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
            first = {"dateEntered": now, "enteredBy": by}
            values = {**values, "_info": {**first, **values.get("_info", {}), "lastUpdated": now, "updatedBy": by}}
        return self.tables.put(self.clock.now(), table, Record(values))

    def _row(self, table: str, id: int) -> Mapping[str, Any]:
        with self.lock:
            record = self.tables.get(table, id)
        if record is None:
            raise LookupError(f"there is no {id} in {table}")
        return record.fields

    def _addition_tables(self) -> list[str]:
        return [name for name in self.tables.names() if name.startswith("additions/")]

    def _reference(self, table: str, id: int, *names: str) -> Values:
        row = self._row(table, id)
        return {"id": id, **{name: row[name] for name in names}}

    def _agreement_type(self, name: str) -> Values:
        with self.lock:
            known = {record.fields["name"]: record.fields["id"] for record in self.tables.listed("types")}
            number = known[name] if name in known else self._add("types", {"name": name, **_TYPE_DEFAULTS})
        return {"id": number, "name": name}

    def _cycle_reference(self, cycle: str) -> Values:
        for record in self.tables.listed("cycles"):
            if cycle in (record.fields["name"], record.fields["billingOptions"]):
                return {"id": record.fields["id"], "name": record.fields["name"]}
        raise LookupError(f"there is no billing cycle {cycle}")

    def _option(self, agreement: Mapping[str, Any]) -> str:
        if "billingCycle" not in agreement:
            return "NotRecurring"
        return str(self._row("cycles", agreement["billingCycle"]["id"])["billingOptions"])


def addition_table(agreement: int) -> str:
    return f"additions/{agreement}"


def as_day(value: Day) -> date:
    if isinstance(value, datetime):
        raise TypeError("a billing day is a date, not an instant")
    return value if isinstance(value, date) else date.fromisoformat(value[:10])


def _currency(code: str) -> Values:
    number = [*CURRENCIES].index(code) + 1
    return {"id": number, "symbol": CURRENCIES[code], "currencyCode": code, "numberOfDecimals": 2, "name": code}


_TYPE_DEFAULTS: Mapping[str, Any] = {
    "employeeCompRate": "Actual",
    "employeeCompNotExceed": "Billing",
    "invoicingCycle": "ContractYear",
    "billTime": "Billable",
    "billExpenses": "Billable",
    "billProducts": "Billable",
    "inactiveFlag": False,
}
