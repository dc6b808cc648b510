"""POST, PATCH and PUT of additions, with the refusals and the false 200s (reference 4 and 5)."""

from decimal import Decimal
from typing import Any

import pytest

from agent.simulators.connectwise import ConnectWise
from agent.simulators.wire import Headers, Request
from tests.simulators.caller import BASE, LINES, MONTHLY, Caller, seats


def test_a_new_line_takes_from_the_catalogue_what_was_not_said(psa: ConnectWise, api: Caller) -> None:
    """Price, cost, texts and tax are the product's; the amounts are worked out; the author is the key's member."""
    made = api.post(**seats())
    assert (made["unitPrice"], made["unitCost"], made["taxableFlag"]) == (22, Decimal("17.60"), True)
    assert (made["description"], made["invoiceDescription"]) == ("Business Premium", "Business Premium")
    assert (made["billedQuantity"], made["extPrice"], made["margin"]) == (2, 44, Decimal("8.80"))
    # 22.00 x 15/31 from 17 March to the 31st, and the same for two.
    assert (made["proratePrice"], made["extendedProratePrice"]) == (Decimal("10.65"), Decimal("21.29"))
    assert (made["agreementId"], made["_info"]["updatedBy"]) == (MONTHLY, psa.site.member)


def test_a_caller_may_set_prices_and_texts(api: Caller) -> None:
    """What is worked out cannot be set, what is included is not billed, line breaks become a space."""
    made = api.post(**seats(unitPrice=Decimal("19.50"), lessIncluded=1, invoiceDescription="a\r\nb", billedQuantity=9))
    assert (made["unitPrice"], made["billedQuantity"], made["extPrice"]) == (Decimal("19.50"), 1, Decimal("19.50"))
    assert made["invoiceDescription"] == "a b"


@pytest.mark.parametrize(
    ("changes", "code", "field"),
    [
        ({"product": None}, "MissingRequiredField", "product"),
        ({"product": {"id": 9}}, "NotFound", "product/id"),
        ({"product": {"identifier": "BUNDLE"}}, "InvalidObject", "product"),
        ({"serialNumber": "x" * 51}, "MaxLengthField", "serialNumber"),
        ({"invoiceDescription": "x" * 6_001}, "MaxLengthField", "invoiceDescription"),
        ({"effectiveDate": "2025-12-31T00:00:00Z"}, "InvalidObject", "effectiveDate"),
        ({"cancelledDate": "2026-03-16T00:00:00Z"}, "InvalidObject", "cancelledDate"),
        ({"customFields": [{"id": 5, "value": "x"}]}, "NotFound", "customFields"),
    ],
)
def test_a_line_that_is_refused(
    psa: ConnectWise, api: Caller, changes: dict[str, object], code: str, field: str
) -> None:
    """400 with the field and the reason, and nothing is kept."""
    response = api.send("POST", LINES, {name: value for name, value in seats(**changes).items() if value})
    (error,) = response.json()["errors"]
    assert (response.status, error["code"], error["field"]) == (400, code, field)
    assert psa.additions(MONTHLY) == ()
    if field == "product" and code == "MissingRequiredField":
        api.forget()  # the description requires it too


def test_bill_customer_is_required(psa: ConnectWise, api: Caller) -> None:
    """As in every generation of the description."""
    body = {name: value for name, value in seats().items() if name != "billCustomer"}
    assert api.refused("POST", LINES, body) == (400, "MissingRequiredField")
    api.forget()


def test_an_invoiced_period_takes_no_new_line_without_proration(psa: ConnectWise, api: Caller) -> None:
    """March is invoiced: the sentence of the vendor for 17 March, no objection to 1 April."""
    psa.person_edits_agreement(MONTHLY, prorateFlag=False)
    (error,) = api.send("POST", LINES, seats()).json()["errors"]
    assert error["message"].startswith("Since this period has already been invoiced")
    made = api.post(**seats(effectiveDate="2026-04-01T00:00:00Z"))
    assert made["proratePrice"] == 0
    moved = [{"op": "replace", "path": "effectiveDate", "value": "2026-03-31T00:00:00Z"}]
    assert api.refused("PATCH", f"{LINES}/{made['id']}", moved) == (400, "InvalidObject")


def test_a_patch_sets_several_fields_at_once(api: Caller, psa: ConnectWise, line: int) -> None:
    """One request, one stamp; the author of the row stays."""
    psa.clock.advance(seconds=60)
    row = api.patch(line, quantity=12, unitPrice="21.00", cancelledDate="2026-03-31T00:00:00Z")
    assert (row["quantity"], row["extPrice"], row["cancelledDate"]) == (12, 252, "2026-03-31T00:00:00Z")
    stamp = row["_info"]
    assert (stamp["enteredBy"], stamp["updatedBy"]) == ("office", psa.site.member)
    assert (stamp["dateEntered"], stamp["lastUpdated"]) == ("2026-03-17T09:00:00Z", "2026-03-17T09:01:00Z")
    reopened = api.send("PATCH", f"{LINES}/{line}", [{"op": "remove", "path": "/cancelledDate"}])
    assert "cancelledDate" not in reopened.json()


def test_a_false_200(api: Caller, line: int) -> None:
    """A path into a reference, and one that is worked out, are answered 200 and change nothing."""
    psa_says = api.patch(line, **{"product/id": 2, "extPrice": 1})
    assert (psa_says["product"]["id"], psa_says["extPrice"]) == (4021, 220)


def test_another_product_brings_its_prices(psa: ConnectWise, api: Caller, line: int) -> None:
    """Unless the same request says otherwise."""
    other = psa.add_product("M365-E3", price="36.00", cost="30.00")
    row = api.patch(line, product={"id": other}, unitPrice=33)
    assert (row["product"]["identifier"], row["unitPrice"], row["unitCost"]) == ("M365-E3", 33, 30)


@pytest.mark.parametrize(
    "operations",
    [
        [{"op": "replace", "path": "Quantity", "value": 2}],
        [{"op": "increment", "path": "quantity", "value": 2}],
        [{"op": "remove", "path": "product"}],
        [{"op": "remove", "path": "effectiveDate"}],
        [{"op": "replace", "path": "serialNumber", "value": "x" * 51}],
    ],
)
def test_a_patch_that_is_refused(psa: ConnectWise, api: Caller, line: int, operations: list[Any]) -> None:
    """Paths mind their case, required fields stay; nothing of the request is kept."""
    before = psa.addition(MONTHLY, line)
    assert api.send("PATCH", f"{LINES}/{line}", operations).status == 400
    assert psa.addition(MONTHLY, line) == before


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("quantity", "many"),
        ("quantity", True),
        ("taxableFlag", 1),
        ("cancelledDate", "soon"),
        ("product", 4021),
        ("billCustomer", "Maybe"),
        ("serialNumber", ["x"]),
        ("customFields", {"id": 1}),
    ],
)
def test_a_wrong_type_is_reported_as_the_servers_mistake(api: Caller, line: int, path: str, value: object) -> None:
    """500 and "Error converting value": not to be sent again (reference 5.1)."""
    response = api.send("PATCH", f"{LINES}/{line}", [{"op": "replace", "path": path, "value": value}])
    assert response.status == 500
    assert response.json()["message"].startswith("Error converting value")


def test_bodies_that_are_no_json_or_no_list(api: Caller, psa: ConnectWise, line: int) -> None:
    """400 for what cannot be parsed; an object where the array belongs is a conversion error."""
    headers = Headers([("authorization", psa.site.authorization), ("clientid", "x")])
    broken = Request("PATCH", f"{BASE}{LINES}/{line}", {}, headers, b"[{", f"{BASE}{LINES}/{line}")
    assert psa.handle(broken).status == 400
    assert api.send("PATCH", f"{LINES}/{line}", {"quantity": 2}).status == 500
    api.forget()


def test_numbers_and_dates_in_other_clothes(api: Caller, line: int) -> None:
    """Numeric strings count; of an instant the date in UTC is kept, so that local midnights lose a day."""
    row = api.patch(line, quantity="12.50", cancelledDate="2026-03-31T00:00:00+10:00")
    assert (row["quantity"], row["cancelledDate"]) == (Decimal("12.50"), "2026-03-30T00:00:00Z")


def test_custom_fields_come_all_and_keep_what_is_not_named(psa: ConnectWise, api: Caller, line: int) -> None:
    """Empty ones with null; an empty array clears nothing."""
    first, second = psa.add_custom_field("Trueup line"), psa.add_custom_field("Cost centre")
    assert [field["value"] for field in api.get(f"{LINES}/{line}")["customFields"]] == [None, None]
    api.patch(line, customFields=[{"id": second, "value": "Sales"}])
    row = api.patch(line, customFields=[{"id": first, "value": "lx1-a"}])
    assert [field["value"] for field in row["customFields"]] == ["lx1-a", "Sales"]
    assert api.patch(line, customFields=[])["customFields"] == row["customFields"]
    made = api.post(**seats(customFields=[{"id": first, "value": "lx1-b"}]))
    assert [field["value"] for field in made["customFields"]] == ["lx1-b", None]


def test_some_sites_want_custom_fields_in_every_patch(psa: ConnectWise, api: Caller, line: int) -> None:
    """400 without them, though they are not touched (reference 4.2)."""
    field = psa.add_custom_field("Trueup line")
    psa.site.wants_custom_fields = True
    quantity = {"op": "replace", "path": "quantity", "value": 3}
    assert api.send("PATCH", f"{LINES}/{line}", [quantity]).status == 400
    assert api.patch(line, quantity=3, customFields=[{"id": field, "value": None}])["quantity"] == 3


def test_put_forgets_what_it_is_not_told(api: Caller, line: int) -> None:
    """The marker is gone and the price is the catalogue's again."""
    api.patch(line, unitPrice=19)
    row = api.send("PUT", f"{LINES}/{line}", seats(quantity=4)).json()
    assert (row["id"], row["quantity"], row["unitPrice"]) == (line, 4, 22)
    assert "serialNumber" not in row
