"""ConnectWise records as domain values: tolerant of what is absent or new, strict about numbers and dates."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any, TypeVar

from agent.domain.agreements import Agreement, Billable, Company, Line, Product
from agent.domain.descriptions import cleaned
from agent.domain.periods import DAY
from agent.errors import Incomplete
from agent.psa.connectwise.texts import json_of, json_text

Record = Mapping[str, Any]
T = TypeVar("T")

# `_info` comes only where it is asked for by name, and with it who touched a line last (reference 3.2).
ADDITION_FIELDS = (
    "id,product/id,product/identifier,quantity,lessIncluded,unitPrice,unitCost,billCustomer,effectiveDate,"
    "cancelledDate,taxableFlag,serialNumber,invoiceDescription,proratePrice,customFields,_info"
)
AGREEMENT_FIELDS = (
    "id,name,company/id,billingCycle,agreementStatus,cancelledFlag,oneTimeFlag,startDate,endDate,noEndingDateFlag,"
    "billStartDate,nextInvoiceDate,prorateFlag,currency/currencyCode,parentAgreement/id"
)
PRODUCT_FIELDS = "id,identifier,description,price,cost,productClass,inactiveFlag,serializedFlag"
COMPANY_FIELDS = "id,name,identifier,deletedFlag"
CYCLE_FIELDS = "id,name,billingOptions"
CUSTOM_FIELD_FIELDS = "id,caption,fieldTypeIdentifier,podDescription"

BILL_CUSTOMER = {
    Billable.BILLABLE: "Billable",
    Billable.DO_NOT_BILL: "DoNotBill",
    Billable.NO_CHARGE: "NoCharge",
}
_BILLABLE = {name: billable for billable, name in BILL_CUSTOMER.items()}

# Fields of an addition that Trueup never decides but copies onto a difference line, or tells of.
_EXTRA = ("customFields", "taxableFlag", "unitCost", "proratePrice")

_MONTHS = {"Monthly": 1, "BiMonthly": 2, "Quarterly": 3, "SemiAnnual": 6, "Yearly": 12}
_SUPPORTED_MONTHS = (1, 12)


@dataclass(frozen=True, slots=True)
class Marker:
    """Which field of an addition carries our mark: `serialNumber`, or the custom field with this caption.

    `field` is the custom field's id, which a POST must name; None until the site was asked for it.
    """

    caption: str = ""
    field: int | None = None

    @classmethod
    def parse(cls, setting: str) -> Marker:
        """`serialNumber` or `custom:<caption>`."""
        return cls(setting.removeprefix("custom:").strip() if setting.startswith("custom:") else "")

    @property
    def custom(self) -> bool:
        return bool(self.caption)

    def read(self, record: Record) -> str:
        if not self.custom:
            return _text(record, "serialNumber")
        entries = (entry for entry in _listed(record, "customFields") if self.names(_text(entry, "caption")))
        return next((_text(entry, "value") for entry in entries), "")

    def names(self, caption: str) -> bool:
        return caption.strip().casefold() == self.caption.casefold()

    def signing(self, mark: str, custom_fields: Sequence[Record]) -> Record:
        """The PATCH operation that sets the mark on a line that has none; custom fields are only taken all together."""
        if not self.custom:
            return {"op": "replace", "path": "serialNumber", "value": mark}
        whole = [{**entry, "value": mark} if self.names(_text(entry, "caption")) else entry for entry in custom_fields]
        return {"op": "replace", "path": "customFields", "value": whole}

    def written(self, mark: str) -> Mapping[str, object]:
        """The part of a POST body that sets the mark."""
        if not self.custom:
            return {"serialNumber": mark}
        return {"customFields": [{"id": self.field, "value": mark}]}


@dataclass(frozen=True, slots=True)
class Cycles:
    """Length of a site's billing cycles: `options` by id as the site says, `months` by name as the admin says."""

    options: Mapping[int, str]
    months: Mapping[str, int]

    def option(self, reference: Record) -> str:
        """The site's `billingOptions` value, or where that is unknown the cycle's name."""
        return self.options.get(int(reference["id"])) or _text(reference, "name")

    def unknown(self, records: Iterable[Record]) -> frozenset[int]:
        """Ids of the cycles that these agreements name and whose length nobody has said yet."""
        references = [cycle for cycle in (_part(record, "billingCycle") for record in records) if cycle]
        unsaid = (cycle for cycle in references if _text(cycle, "name").casefold() not in self.months)
        return frozenset(int(cycle["id"]) for cycle in unsaid) - self.options.keys()

    def length(self, reference: Record) -> int | None:
        """Whole months, where Trueup supports them (1 and 12); the admin's word stands before the site's."""
        months = self.months.get(_text(reference, "name").casefold(), _MONTHS.get(self.option(reference)))
        return months if months in _SUPPORTED_MONTHS else None


def each(records: Iterable[Record], read: Callable[[Record], T], what: str) -> list[T]:
    """Every record as a value; one that makes no sense makes the whole answer `Incomplete`."""
    values = []
    for record in records:
        try:
            values.append(read(record))
        # What a wrong type, a missing part or an impossible date raises on its way into a value.
        except (KeyError, TypeError, ValueError, ArithmeticError, AttributeError) as error:
            named = record.get("id", "without an id")
            raise Incomplete(
                f"ConnectWise {what} {named} cannot be understood: {_said(error)}.",
                "Open it in ConnectWise PSA and correct the field; until then nothing is planned from it.",
            ) from error
    return values


def line(record: Record, agreement: int, marker: Marker) -> Line:
    """An addition. Raises ValueError where its quantity, product or billing option is not there or not known."""
    quantity, included = _number(record, "quantity"), _number(record, "lessIncluded")
    if quantity is None:
        raise ValueError("it has no quantity")
    option = _text(record, "billCustomer")
    if option not in _BILLABLE:
        raise ValueError(f"its billing option {option!r} is not known")
    product, info, last = _part(record, "product"), _part(record, "_info"), _day(record, "cancelledDate")
    if "id" not in product:
        raise ValueError("it has no product")
    return Line(
        id=int(record["id"]),
        agreement=agreement,
        product=int(product["id"]),
        identifier=_text(product, "identifier"),
        quantity=quantity,
        included=Decimal(0) if included is None else included,  # an absent lessIncluded includes nothing
        price=_number(record, "unitPrice"),
        billable=_BILLABLE[option],
        start=_day(record, "effectiveDate"),
        end=last + DAY if last else None,  # ConnectWise bills the cancelled date itself (reference 8.4)
        text=cleaned(_text(record, "invoiceDescription")),
        mark=marker.read(record),
        version=_text(info, "lastUpdated"),
        changed_by=_text(info, "updatedBy"),
        prorated=_number(record, "proratePrice"),
        extra=json_text({name: record[name] for name in _EXTRA if record.get(name) is not None}),
    )


def extra(of: Line) -> Record:
    """What the adapter keeps of an addition beside the domain's fields, as ConnectWise names and types it."""
    kept: Record = json_of(of.extra) if of.extra else {}
    return kept


def agreement(record: Record, cycles: Cycles) -> Agreement:
    """An agreement; whatever forbids writing to it becomes its refusal, so that one odd record stops no other."""
    cycle, refusal = _part(record, "billingCycle"), ""
    try:
        days = {name: _day(record, name) for name in ("startDate", "billStartDate", "nextInvoiceDate", "endDate")}
    except ValueError as error:
        days, refusal = dict.fromkeys(("startDate", "billStartDate", "nextInvoiceDate", "endDate")), str(error)
    # The flag overrules a date that may stand beside it.
    ends = None if _flag(record, "noEndingDateFlag") else days["endDate"]
    return Agreement(
        id=int(record["id"]),
        company=int(_part(record, "company")["id"]),
        name=_text(record, "name"),
        months=cycles.length(cycle) if cycle else None,
        cycle=cycles.option(cycle) if cycle else "",
        prorates=bool(_flag(record, "prorateFlag")),
        bill_start=days["billStartDate"] or days["startDate"],
        next_invoice=days["nextInvoiceDate"],
        ends=ends + DAY if ends else None,
        currency=_text(_part(record, "currency"), "currencyCode").upper() or None,
        parent=_part(record, "parentAgreement").get("id"),
        refusal=refusal or _unbillable(record, cycles.option(cycle) if cycle else ""),
    )


def _unbillable(record: Record, option: str) -> str:
    """Reference 7.2. Not asked here: today's date, and the currency, which the domain compares."""
    status = _text(record, "agreementStatus")
    named = f"agreement {record['id']}"
    reasons = (
        (_flag(record, "cancelledFlag"), f"{named} is cancelled"),
        # Where it is absent, flag and dates say the same; a status that is new to us forbids.
        (status not in ("", "Active"), f"{named} has the status {status}"),
        (_flag(record, "oneTimeFlag"), f"{named} is a one-time agreement"),
        (not option, f"{named} has no billing cycle"),
        (option == "NotRecurring", f"the billing cycle of {named} does not recur"),
        # Exactly one side prorates; where ConnectWise does not say whether it does, nobody can tell.
        (_flag(record, "prorateFlag") is None, f"{named} does not say whether it prorates"),
    )
    return next((reason for applies, reason in reasons if applies), "")


def product(record: Record, marker: Marker) -> Product:
    """A catalogue item. A serialized one would make our mark in `serialNumber` look like a device."""
    named = _text(record, "identifier")
    reasons = (
        (_flag(record, "inactiveFlag"), f"product {named} is inactive"),
        (_text(record, "productClass") == "Bundle", f"product {named} is a bundle, which no addition can carry"),
        (
            _flag(record, "serializedFlag") and not marker.custom,
            f"product {named} is serialized, and the serial number carries Trueup's mark; "
            "choose another product or a custom field as psa.connectwise.marker-field",
        ),
    )
    return Product(
        id=int(record["id"]),
        identifier=named,
        description=_text(record, "description"),
        price=_number(record, "price"),
        cost=_number(record, "cost"),
        refusal=next((reason for applies, reason in reasons if applies), ""),
    )


def company(record: Record) -> Company:
    return Company(int(record["id"]), _text(record, "name"), _text(record, "identifier"))


def deleted(record: Record) -> bool:
    """In the recycle bin: such companies show up as doubles of live ones (reference 7.2)."""
    return bool(_flag(record, "deletedFlag"))


def cycle(record: Record) -> tuple[int, str]:
    return int(record["id"]), _text(record, "billingOptions")


def _number(record: Record, name: str) -> Decimal | None:
    value = record.get(name)
    if value is None:
        return None
    with suppress(InvalidOperation):
        number = Decimal(value) if type(value) in (int, Decimal, str) else None
        if number is not None and number.is_finite():
            return number
    raise ValueError(f"its {name} is {value!r}, which is no number")


def _day(record: Record, name: str) -> date | None:
    """The date part as it is written: a shift into another zone would make it the day before or after."""
    value = record.get(name)
    if value is None or value == "":
        return None
    try:
        return date.fromisoformat(str(value)[:10])
    except ValueError:
        raise ValueError(f"its {name} is {value!r}, which is no date") from None


def _text(record: Record, name: str) -> str:
    value = record.get(name)
    return "" if value is None else str(value)


def _flag(record: Record, name: str) -> bool | None:
    value = record.get(name)
    return value if isinstance(value, bool) else None


def _part(record: Record, name: str) -> Record:
    value = record.get(name)
    return value if isinstance(value, Mapping) else {}


def _listed(record: Record, name: str) -> list[Record]:
    value = record.get(name)
    return [entry for entry in value if isinstance(entry, Mapping)] if isinstance(value, list) else []


def _said(error: Exception) -> str:
    return f"it has no {error}" if isinstance(error, KeyError) else str(error)
