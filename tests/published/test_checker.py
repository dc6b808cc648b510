"""The check against the published descriptions finds what it is there to find."""

import json

import pytest

from agent.simulators.connectwise import fields
from agent.simulators.connectwise.fields import Fields
from agent.simulators.wire import Headers, Request, Response, json_response
from tests.published.checker import SPECS, assert_published

PATH = "/v2026_4/apis/3.0/finance/agreements/871/additions"
SENT = {"product": {"id": 4021}, "quantity": 12, "billCustomer": "Billable"}
SHOWN = {"id": 1, "product": {"id": 4021}, "billCustomer": "Billable"}


def request(body: object = None, **headers: str) -> Request:
    named = {"authorization": "Basic x", "clientid": "x", "content-type": "application/json", **headers}
    sent = b"" if body is None else json.dumps(body).encode()
    return Request.parse("POST", PATH, Headers(named.items()), sent)


def test_what_is_published_passes() -> None:
    """With the base of any codebase, numbers with decimals, and fields that came later."""
    answer = json_response(201, {**SHOWN, "additionStatus": "Active"})
    assert_published("POST", PATH, request(SENT), answer)


@pytest.mark.parametrize(
    ("sent", "why"),
    [
        (request({**SENT, "billableOption": "Billable"}), "billableOption"),
        (request({**SENT, "product": {"id": 4021, "sku": "x"}}), "sku"),
        (request({"product": {"id": 4021}}), "'billCustomer' is a required property"),
        (request({**SENT, "quantity": "12"}), "quantity: '12' is not of type 'number'"),
        (request({**SENT, "effectiveDate": "2026-03-01"}), "is not a 'date-time'"),
        (request(), "Missing required request body"),
        (Request("POST", PATH, {}, Headers([("authorization", "Basic x")]), b"{}"), "clientId"),
    ],
)
def test_requests_are_held_strictly(sent: Request, why: str) -> None:
    """A property that ConnectWise would drop in silence is as wrong as a missing or a mistyped one."""
    with pytest.raises(AssertionError, match=why):
        assert_published("POST", PATH, sent, None)


@pytest.mark.parametrize(
    "answer",
    [
        json_response(201, {**SHOWN, "quantity": "12"}),
        json_response(201, {"id": 1}),
        json_response(201, [SHOWN]),
        json_response(400, {"code": "InvalidObject", "errors": "none"}),
        json_response(429, {"error": 7}),
        Response(201, {"content-type": "text/html"}, b"<html>"),
        Response(201, {"content-type": "application/json"}, b'{"id"'),
    ],
)
def test_answers_need_the_published_shape(answer: Response) -> None:
    """Errors too, each in its own."""
    with pytest.raises(AssertionError, match="to POST"):
        assert_published("POST", PATH, request(SENT), answer)


def test_a_choice_of_fields_need_not_be_complete() -> None:
    """Required properties are required of whole records; types hold for parts as well."""
    asked = Request("GET", PATH, {}, request().headers)
    assert_published("GET", f"{PATH}?fields=id", asked, json_response(200, [{"id": 1}]))
    with pytest.raises(AssertionError, match="is not of type"):
        assert_published("GET", f"{PATH}?fields=id", asked, json_response(200, [{"id": "1"}]))


def test_a_path_that_nobody_publishes() -> None:
    """Such as a list of additions across agreements."""
    with pytest.raises(AssertionError, match="Path not found"):
        assert_published("GET", "/v2026_4/apis/3.0/finance/additions", request(), None)


KINDS = {"integer": "int", "number": "number", "boolean": "flag", "string": "text", "array": "list"}


@pytest.mark.parametrize(
    ("name", "table"),
    [
        ("Addition", fields.ADDITION),
        ("Agreement", fields.AGREEMENT),
        ("AgreementType", fields.AGREEMENT_TYPE),
        ("BillingCycle", fields.BILLING_CYCLE),
        ("CatalogItem", fields.CATALOG_ITEM),
        ("Company", fields.COMPANY),
        ("Invoice", fields.INVOICE),
        ("UserDefinedField", fields.USER_DEFINED_FIELD),
        ("CustomFieldValue", fields.CUSTOM_FIELD_VALUE),
    ],
)
def test_the_simulator_knows_the_published_fields(name: str, table: Fields) -> None:
    """All of them, by kind; nextInvoiceDate is a string in the description and a date in fact."""
    description = json.loads((SPECS / "connectwise-psa.openapi.json").read_text(encoding="utf-8"))
    published = description["components"]["schemas"][name]["properties"]
    assert table.kinds.keys() == published.keys()
    for field, shape in published.items():
        if shape.get("format") == "date-time" or field == "nextInvoiceDate":
            kind = "date"
        elif field == "_info":
            kind = "info"
        else:
            kind = "ref" if "$ref" in shape else KINDS.get(shape.get("type"), "any")
        assert table.kinds[field] == kind, field
