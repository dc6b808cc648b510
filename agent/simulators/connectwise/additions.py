"""What ConnectWise PSA makes of the body of a POST, PUT or PATCH of an addition."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from fractions import Fraction
from typing import Any, Protocol

from agent.simulators.connectwise.billing import Cycle, Span, first_share, rounded
from agent.simulators.connectwise.fields import ADDITION
from agent.simulators.connectwise.refusals import (
    Problem,
    invalid,
    missing,
    no_conversion,
    too_long,
)
from agent.simulators.faults import Fault, Kind

BILL_CUSTOMER = ("Billable", "DoNotBill", "NoCharge")
LIMITS = {"serialNumber": 50, "invoiceDescription": 6_000}
REQUIRED = ("product", "billCustomer")
# ConnectWise works these out itself; a caller's value for one of them is dropped without a word.
DERIVED = {"id", "agreementId", "description", "uom", "billedQuantity", "extPrice", "extCost", "margin"}
DERIVED |= {"prorateCost", "proratePrice", "extendedProrateCost", "extendedProratePrice"}
DERIVED |= {"agreementStatus", "_info"}
TOO_EARLY = "effectiveDate cannot be less than the agreement billing start date"
INVOICED = (
    "Since this period has already been invoiced there will not be an invoice generated for additional products "
    "for this period. Please prorate the agreement or update the start date to on or after the Next Invoice Date."
)
_TYPES = {
    "int": "System.Nullable`1[System.Int32]",
    "number": "System.Nullable`1[System.Decimal]",
    "flag": "System.Nullable`1[System.Boolean]",
    "date": "System.Nullable`1[System.DateTime]",
    "text": "System.String",
    "ref": "Reference",
    "list": "System.Collections.Generic.List`1[CustomFieldValue]",
}

Values = dict[str, Any]


class Catalog(Protocol):
    """Where what an addition refers to is looked up."""

    def product(self, reference: Mapping[str, Any]) -> Mapping[str, Any] | None: ...

    def custom_fields(self) -> list[Values]:
        """One entry per field that is defined for additions, with the value null."""
        ...


@dataclass(frozen=True, slots=True)
class Terms:
    """What of the agreement an addition depends on; without a cycle it does not bill by periods."""

    agreement: int
    status: str
    prorates: bool
    bills_from: date | None
    next_invoice: date | None
    cycle: Cycle | None


def created(body: object, terms: Terms, catalog: Catalog, today: date, twist: Fault | None = None) -> Values:
    """The values of a new addition; Refusal as the server would refuse it. A PUT is read in the same way."""
    given = _given(body)
    lacking = [missing(name) for name in REQUIRED if name not in given]
    if lacking:
        raise invalid("addition", *lacking)
    defaults = {
        "quantity": Decimal(1),
        "lessIncluded": Decimal(0),
        "effectiveDate": midnight(today),
        "purchaseItemFlag": False,
        "specialOrderFlag": False,
        **_from_product(given.pop("product"), catalog),
    }
    values = {**defaults, **_blurred(given, twist)}
    # All fields that are defined are there from the start, filled or not (reference 3.3).
    values["customFields"] = _with_custom_values(catalog.custom_fields(), given.get("customFields", []))
    _judge(values, terms, {"effectiveDate"})
    return values


def patched(
    values: Mapping[str, Any],
    operations: object,
    terms: Terms,
    catalog: Catalog,
    twist: Fault | None = None,
) -> Values:
    """`values` after the operations of a PATCH; Refusal as the server would refuse it."""
    if not isinstance(operations, list):
        raise no_conversion(operations, "System.Collections.Generic.List`1[PatchOperation]", "")
    changes: Values = {}
    for operation in operations:
        changes.update(_change(operation))
    if "customFields" in changes:
        changes["customFields"] = _with_custom_values(values["customFields"], changes["customFields"] or ())
    defaults = _from_product(changes.pop("product"), catalog) if changes.get("product") else {}
    changed = {**values, **defaults, **_blurred(changes, twist)}
    _judge(changed, terms, set(changes))
    return {name: value for name, value in changed.items() if value is not None}


def completed(values: Mapping[str, Any], terms: Terms) -> Values:
    """With all that ConnectWise works out. What it shows as prorated is the period in which the line begins."""
    quantity = billed_quantity(values)
    price, cost = values.get("unitPrice", Decimal(0)), values.get("unitCost", Decimal(0))
    share = first_share(live_span(values), terms.cycle) if terms.prorates and terms.cycle else Fraction(0)
    whole_price, whole_cost = (rounded(Fraction(unit) * Fraction(quantity)) for unit in (price, cost))
    return {
        **values,
        "agreementId": terms.agreement,
        "agreementStatus": terms.status,
        "additionStatus": terms.status,  # sent though no published description has it
        "billedQuantity": quantity,
        "extPrice": whole_price,
        "extCost": whole_cost,
        "margin": whole_price - whole_cost,
        "proratePrice": rounded(Fraction(price) * share),
        "prorateCost": rounded(Fraction(cost) * share),
        "extendedProratePrice": rounded(Fraction(price) * share * Fraction(quantity)),
        "extendedProrateCost": rounded(Fraction(cost) * share * Fraction(quantity)),
    }


def billed_quantity(values: Mapping[str, Any]) -> Decimal:
    """What is included is taken off down to nothing; a negative quantity is a credit and stays what it is."""
    quantity: Decimal = values.get("quantity", Decimal(0))
    included: Decimal = values.get("lessIncluded", Decimal(0))
    return max(Decimal(0), quantity - included) if quantity > 0 else quantity


def live_span(values: Mapping[str, Any]) -> Span:
    """`cancelledDate` is the last billed day (reference 8.4)."""
    last = values.get("cancelledDate")
    return Span(day_of(values["effectiveDate"]), day_of(last) + timedelta(days=1) if last else date.max)


def day_of(text: str) -> date:
    return date.fromisoformat(text[:10])


def midnight(day: date) -> str:
    return f"{day.isoformat()}T00:00:00Z"


def _given(body: object) -> Values:
    if not isinstance(body, dict):
        raise no_conversion(body, "Addition", "")
    return {
        name: _converted(name, value)
        for name, value in body.items()
        if name in ADDITION.kinds and name not in DERIVED and value is not None
    }


def _change(operation: object) -> Values:
    """The value that one operation sets; None takes it away. Nothing where the server only pretends."""
    if not isinstance(operation, dict) or operation.get("op") not in ("add", "replace", "remove"):
        raise invalid("addition", Problem("InvalidOperation", "The op must be add, replace or remove.", "op"))
    path = str(operation.get("path", "")).removeprefix("/")
    name, _, beneath = path.partition("/")
    if name not in ADDITION.kinds:
        raise invalid("addition", Problem("InvalidField", f"The path {path} does not exist.", path))
    # A path into a reference answers 200 and does nothing (reference 4.2), and so does one that is worked out.
    if beneath or name in DERIVED:
        return {}
    value = None if operation["op"] == "remove" else operation.get("value")
    return {name: None if value is None else _converted(name, value)}


def _converted(name: str, value: Any) -> Any:
    kind = ADDITION.kinds[name]
    try:
        # An enum is a type to the server: an unknown value fails like a word in the place of a number.
        if name == "billCustomer" and value not in BILL_CUSTOMER:
            raise ValueError
        return _CONVERSIONS[kind](value)
    except (TypeError, ValueError, InvalidOperation):
        raise no_conversion(value, _TYPES[kind], name) from None


def _number(value: Any) -> Decimal:
    # Numeric strings are taken (reference 4.2); True is an int to Python alone.
    if isinstance(value, bool) or not isinstance(value, int | str | Decimal):
        raise TypeError
    return Decimal(value)


def _flag(value: Any) -> bool:
    known = {True: True, False: False, "true": True, "false": False}
    if not isinstance(value, bool | str) or value not in known:
        raise ValueError
    return known[value]


def _date(value: Any) -> str:
    """A date and no time is kept: of the instant in UTC, so that a caller's local midnight loses its day."""
    instant = datetime.fromisoformat(value)
    return midnight((instant.astimezone(UTC) if instant.tzinfo else instant).date())


def _text(value: Any) -> str:
    """Line breaks are shown as one space (reference 4.1)."""
    if not isinstance(value, str | int | Decimal) or isinstance(value, bool):
        raise TypeError
    return re.sub(r"\r\n|\r|\n", " ", str(value))


def _reference(value: Any) -> Values:
    if not isinstance(value, dict):
        raise TypeError
    return value


def _entries(value: Any) -> list[Values]:
    if not isinstance(value, list) or not all(isinstance(entry, dict) for entry in value):
        raise TypeError
    return value


_CONVERSIONS = {
    "number": _number,
    "flag": _flag,
    "date": _date,
    "text": _text,
    "ref": _reference,
    "list": _entries,
}


def _from_product(reference: Mapping[str, Any], catalog: Catalog) -> Values:
    """What an addition takes over from the catalogue unless the caller says otherwise."""
    product = catalog.product(reference)
    if product is None:
        named = reference.get("id", reference.get("identifier"))
        raise invalid("addition", Problem("NotFound", f"Product {named} not found", "product/id"))
    if product.get("productClass") == "Bundle":
        text = "A product of the class Bundle cannot be used as an addition."
        raise invalid("addition", Problem("InvalidObject", text, "product"))
    return {
        "product": {name: product[name] for name in ("id", "identifier", "serializedFlag")},
        "description": product["description"],
        "invoiceDescription": product["customerDescription"],
        "unitPrice": product["price"],
        "unitCost": product["cost"],
        "taxableFlag": product["taxableFlag"],
        "uom": product["unitOfMeasure"]["name"],
    }


def _with_custom_values(entries: list[Values], given: Iterable[Values]) -> list[Values]:
    """All fields that are defined, with the values given by id; what is not named keeps its value."""
    values = {entry["id"]: entry["value"] for entry in entries}
    for change in given:
        if change.get("id") not in values:
            named = change.get("id", change.get("caption"))
            raise invalid("addition", Problem("NotFound", f"Custom field {named} not found", "customFields"))
        values[change["id"]] = change.get("value")
    return [{**entry, "value": values[entry["id"]]} for entry in entries]


def _judge(values: Mapping[str, Any], terms: Terms, touched: set[str]) -> None:
    lacking = [missing(name) for name in (*REQUIRED, "effectiveDate") if values.get(name) is None]
    if lacking:
        raise invalid("addition", *lacking)
    problems = [too_long(name, limit) for name, limit in LIMITS.items() if len(values.get(name) or "") > limit]
    if "effectiveDate" in touched:
        problems += _date_problems(day_of(values["effectiveDate"]), terms)
    if touched & {"effectiveDate", "cancelledDate"} and live_span(values).days < 1:
        text = "cancelledDate cannot be less than effectiveDate"
        problems.append(Problem("InvalidObject", text, "cancelledDate"))
    if problems:
        raise invalid("addition", *problems)


def _date_problems(effective: date, terms: Terms) -> list[Problem]:
    if terms.bills_from and effective < terms.bills_from:
        return [Problem("InvalidObject", TOO_EARLY, "effectiveDate")]
    # The boundary of what is invoiced is the next invoice date, which deleting an invoice moves back.
    if not terms.prorates and terms.next_invoice and effective < terms.next_invoice:
        return [Problem("InvalidObject", INVOICED, "effectiveDate")]
    return []


def _blurred(given: Values, twist: Fault | None) -> Values:
    """A PSA that keeps fewer characters or decimals than it was sent, and says so to nobody."""
    if twist is None or twist.kind not in (Kind.FIELD_TRUNCATED, Kind.FIELD_ROUNDED):
        return given
    return {name: _blur(value, twist) for name, value in given.items()}


def _blur(value: Any, twist: Fault) -> Any:
    # A date is text here and a date to the server: it is not what gets cut.
    if twist.kind is Kind.FIELD_TRUNCATED and isinstance(value, str) and not value.endswith("T00:00:00Z"):
        return value[: twist.size]
    if twist.kind is Kind.FIELD_ROUNDED and isinstance(value, Decimal):
        return value.quantize(Decimal(1).scaleb(-twist.size), ROUND_HALF_UP)
    return value
