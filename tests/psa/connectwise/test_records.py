"""Records as ConnectWise sites really send them: absent fields, new ones, odd ones (reference 3.3, 7, 8.4)."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from agent.domain.agreements import Agreement, Billable, Line, Product
from agent.errors import Incomplete
from agent.psa.connectwise import records
from agent.psa.connectwise.records import Cycles, Marker
from agent.psa.connectwise.texts import json_of, json_text

CYCLES = Cycles({1: "Monthly", 2: "Yearly", 3: "Quarterly", 4: "NotRecurring", 5: "Fortnightly"}, {"house month": 1})
ADDITION = {
    "id": 1,
    "product": {"id": 4021, "identifier": "M365"},
    "quantity": Decimal("10.00"),
    "billCustomer": "Billable",
}
AGREEMENT = {
    "id": 1021,
    "name": "Microsoft 365",
    "company": {"id": 250},
    "billingCycle": {"id": 1, "name": "Monatlich"},
    "agreementStatus": "Active",
    "prorateFlag": True,
    "billStartDate": "2026-01-01T00:00:00Z",
    "nextInvoiceDate": "2026-04-01T00:00:00Z",
}


SERIAL = Marker()


def line(marker: Marker = SERIAL, **fields: Any) -> Line:
    return records.line({**ADDITION, **fields}, 1021, marker)


def agreement(**fields: Any) -> Agreement:
    return records.agreement({**AGREEMENT, **fields}, CYCLES)


def product(marker: Marker = SERIAL, **fields: Any) -> Product:
    item = {"id": 4021, "identifier": "M365", "description": "Business Premium", "price": Decimal("22.00")}
    return records.product({**item, **fields}, marker)


def test_the_least_that_a_line_can_be() -> None:
    """What is absent is open, unpriced, unmarked; nothing is invented but that nothing is included."""
    least = line()
    assert (least.start, least.end, least.price, least.mark, least.text) == (None, None, None, "", "")
    assert (least.included, least.version, least.changed_by) == (Decimal(0), "", "")
    assert line(brandNew={"a": 1}, cancelledDate=None, serialNumber=None) == least


@pytest.mark.parametrize(
    ("text", "last", "end"),
    [
        ("2026-03-31T00:00:00Z", "March has its last day", date(2026, 4, 1)),
        ("2026-03-31T23:59:59+10:00", "the date as it is written, in whatever zone", date(2026, 4, 1)),
        ("2026-12-31", "a date alone", date(2027, 1, 1)),
        ("2028-02-28T00:00:00Z", "a leap year", date(2028, 2, 29)),
    ],
)
def test_the_cancelled_date_is_billed(text: str, last: str, end: date) -> None:
    """It is the last billed day, so the line ends with the day after."""
    assert line(cancelledDate=text).end == end


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"quantity": None}, "it has no quantity"),
        ({"quantity": "ten"}, "its quantity is 'ten', which is no number"),
        ({"quantity": True}, "its quantity is True, which is no number"),
        ({"quantity": float("nan")}, "which is no number"),
        ({"quantity": Decimal("Infinity")}, "which is no number"),
        ({"billCustomer": "BillLater"}, "its billing option 'BillLater' is not known"),
        ({"product": None}, "it has no product"),
        ({"effectiveDate": "31/03/2026"}, "its effectiveDate is '31/03/2026', which is no date"),
        ({"cancelledDate": "9999-12-31T00:00:00Z"}, "date value out of range"),
    ],
)
def test_a_line_that_makes_no_sense(fields: dict[str, Any], said: str) -> None:
    """One that cannot be understood makes the whole answer incomplete, with its id: it is not left out."""
    with pytest.raises(Incomplete, match="ConnectWise addition 1 cannot be understood") as caught:
        records.each([{**ADDITION, **fields}], lambda row: records.line(row, 1021, SERIAL), "addition")
    assert said in str(caught.value)


def test_billing_options() -> None:
    """The three that exist."""
    options = [line(billCustomer=name).billable for name in ("Billable", "DoNotBill", "NoCharge")]
    assert options == [Billable.BILLABLE, Billable.DO_NOT_BILL, Billable.NO_CHARGE]


def test_numbers_come_as_they_were_written() -> None:
    """A number in quotes is a number; the digits of 22.10 are kept."""
    read = line(quantity="12", unitPrice=Decimal("22.10"))
    assert (read.quantity, str(read.price)) == (Decimal(12), "22.10")


def test_a_mark_in_a_custom_field() -> None:
    """By caption, whatever its case; a field without a value is unmarked."""
    fields = [{"id": 6, "caption": "Room", "value": "B2"}, {"id": 7, "caption": "Trueup Line", "value": "TU…"}]
    marker = Marker.parse("custom:trueup line")
    assert line(marker, customFields=fields).mark == "TU…"
    assert line(marker, customFields=[{"id": 7, "caption": "Trueup Line", "value": None}]).mark == ""
    assert line(marker, serialNumber="TU…").mark == ""


def test_an_agreement() -> None:
    """Dates, cycle and currency; the end date is the last day, so it ends with the day after."""
    read = agreement(endDate="2026-12-31T00:00:00Z", currency={"currencyCode": "usd"}, parentAgreement={"id": 9})
    assert (read.company, read.months, read.cycle, read.prorates) == (250, 1, "Monthly", True)
    assert (read.bill_start, read.next_invoice, read.ends) == (date(2026, 1, 1), date(2026, 4, 1), date(2027, 1, 1))
    assert (read.currency, read.parent, read.refusal) == ("USD", 9, "")


def test_an_agreement_without_an_end() -> None:
    """A site may keep an end date beside the flag that there is none."""
    assert agreement(endDate="2026-12-31T00:00:00Z", noEndingDateFlag=True).ends is None


def test_billing_begins_with_the_agreement() -> None:
    """Where no billing start is set, the agreement's own is."""
    assert agreement(billStartDate=None, startDate="2025-06-01T00:00:00Z").bill_start == date(2025, 6, 1)


@pytest.mark.parametrize(
    ("cycle", "months", "shown"),
    [
        ({"id": 1, "name": "Monatlich"}, 1, "Monthly"),
        ({"id": 2, "name": "Jahr"}, 12, "Yearly"),
        ({"id": 3, "name": "Quartal"}, None, "Quarterly"),
        ({"id": 5, "name": "?"}, None, "Fortnightly"),
        ({"id": 9, "name": "House month"}, 1, "House month"),
        ({"id": 9, "name": "Another"}, None, "Another"),
    ],
)
def test_cycles(cycle: dict[str, Any], months: int | None, shown: str) -> None:
    """Monthly and annual by the site's word or the admin's; anything else has no length, and keeps its name."""
    read = agreement(billingCycle=cycle)
    assert (read.months, read.cycle, read.refusal) == (months, shown, "")


@pytest.mark.parametrize(
    ("fields", "refusal"),
    [
        ({"agreementStatus": "Expired"}, "agreement 1021 has the status Expired"),
        ({"agreementStatus": "OnHold"}, "agreement 1021 has the status OnHold"),
        ({"cancelledFlag": True}, "agreement 1021 is cancelled"),
        ({"oneTimeFlag": True}, "agreement 1021 is a one-time agreement"),
        ({"billingCycle": None}, "agreement 1021 has no billing cycle"),
        ({"billingCycle": {"id": 4, "name": "Once"}}, "the billing cycle of agreement 1021 does not recur"),
        ({"prorateFlag": None}, "agreement 1021 does not say whether it prorates"),
        ({"nextInvoiceDate": "soon"}, "its nextInvoiceDate is 'soon', which is no date"),
    ],
)
def test_agreements_that_are_not_written_to(fields: dict[str, Any], refusal: str) -> None:
    """The reason is part of the agreement, so that the others of the same page are read all the same."""
    assert agreement(**fields).refusal == refusal


@pytest.mark.parametrize(
    ("fields", "refusal"),
    [
        ({}, ""),
        ({"productClass": "Bundle"}, "product M365 is a bundle, which no addition can carry"),
        ({"inactiveFlag": True}, "product M365 is inactive"),
        ({"serializedFlag": True}, "product M365 is serialized"),
        ({"productClass": "SomethingNew"}, ""),
    ],
)
def test_products(fields: dict[str, Any], refusal: str) -> None:
    """What cannot stand on a line, or would take our mark for a device's number."""
    read = product(**fields)
    assert (read.id, read.identifier, read.price) == (4021, "M365", Decimal("22.00"))
    assert read.refusal.startswith(refusal)
    assert bool(read.refusal) == bool(refusal)


def test_serialized_products_bear_a_custom_mark() -> None:
    """With the mark in a field of its own the serial number is free."""
    assert product(Marker("Trueup line"), serializedFlag=True).refusal == ""


def test_json_keeps_every_digit() -> None:
    """What was read is written again to the digit, whatever a float would have made of it."""
    text = '{"a": 22.10, "b": [1, 0.1000000000000000055], "c": "\\u00e9 \\"x\\"", "d": null, "e": true}'
    assert json_text(json_of(text)) == text
    assert json_text({"n": Decimal("1E+3")}) == '{"n": 1000}'
