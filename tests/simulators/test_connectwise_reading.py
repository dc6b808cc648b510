"""Paging, conditions and the choice of fields, as the vendor documents them (reference 3)."""

import pytest

from agent.simulators.connectwise import ConnectWise
from tests.simulators.caller import LINES, MONTHLY, Caller


def test_a_list_ends_after_25_unless_asked_for_more(api: Caller, sixty: list[int]) -> None:
    """The page size is 25; beyond the last page is an empty list; 5,000 is cut down to 1,000."""
    assert [row["id"] for row in api.get(LINES)] == sixty[:25]
    assert [row["id"] for row in api.get(f"{LINES}?page=3")] == sixty[50:]
    assert api.get(f"{LINES}?page=4") == []
    assert len(api.get(f"{LINES}?pageSize=5000")) == 60


def test_links_lead_through_the_pages(api: Caller, sixty: list[int]) -> None:
    """next is absent at the end and prev at the start, and the query goes along."""
    first = api.send("GET", f"{LINES}?page=1&pageSize=30&conditions=quantity>0").headers["link"]
    last = api.send("GET", f"{LINES}?page=2&pageSize=30").headers["link"]
    assert 'page=2&pageSize=30&conditions=quantity%3E0>; rel="next"' in first
    assert 'rel="prev"' not in first
    assert 'rel="next"' not in last
    assert "link" not in api.send("GET", f"{LINES}?pageSize=60").headers


def test_forward_only_paging_goes_by_id(api: Caller, sixty: list[int]) -> None:
    """pageId means "ids above"; page is ignored, orderBy refused, and a link is always there."""
    forward = {"pagination_type": "forward-only"}
    page = api.send("GET", f"{LINES}?pageSize=40&page=2", **forward)
    assert [row["id"] for row in page.json()] == sixty[:40]
    assert f'pageId={sixty[39]}>; rel="next"' in page.headers["link"]
    rest = api.send("GET", f"{LINES}?pageSize=40&pageId={sixty[39]}", **forward)
    assert [row["id"] for row in rest.json()] == sixty[40:]
    assert 'rel="next"' in rest.headers["link"]
    assert api.get(f"{LINES}?pageId={sixty[59]}", **forward) == []
    assert api.refused("GET", f"{LINES}?orderBy=id desc", **forward) == (400, "InvalidParameter")


def test_order(api: Caller, sixty: list[int]) -> None:
    """By any field, rising or falling."""
    assert [row["quantity"] for row in api.get(f"{LINES}?orderBy=quantity desc&pageSize=2")] == [60, 59]
    assert api.get("/finance/agreements?orderBy=company/id, name asc")[0]["id"] == MONTHLY


@pytest.mark.parametrize(
    ("condition", "quantities"),
    [
        ("id in (3,5,900)", {3, 5}),
        ("id not in (3,5) and quantity < 7", {1, 2, 4, 6}),
        ("quantity = 3 or quantity = 4", {3, 4}),
        ("quantity = 3 or quantity = 4 and quantity > 9", {3}),
        ("(quantity = 3 or quantity = 4) and quantity > 3", {4}),
        ("quantity >= 59", {59, 60}),
        ("quantity <= 1.00", {1}),
        ('serialNumber = "LINE 07"', {7}),
        ("serialNumber = 'line 07'", {7}),
        ('serialNumber like "line 1%"', set(range(10, 20))),
        ('serialNumber like "*ne 2*"', set(range(20, 30))),
        ('serialNumber contains "e 60"', {60}),
        ("product/identifier = 'M365-BP' and quantity > 58", {59, 60}),
        ("product/id != 4021", set()),
        ("cancelledDate = null and quantity < 3", {1, 2}),
        ("cancelledDate != null", {60}),
        ("cancelledDate < [2026-06-01T00:00:00Z]", set()),
        ("cancelledDate < [2026-07-01]", {60}),
        ("taxableFlag = true and quantity > 59", {60}),
        ("taxableFlag = false", set()),
        ("lastUpdated > [2026-01-01T00:00:00Z] and quantity=1", {1}),
        ("_info/updatedBy = 'office' and quantity=1", {1}),
    ],
)
def test_conditions(psa: ConnectWise, api: Caller, sixty: list[int], condition: str, quantities: set[int]) -> None:
    """Strings compare without regard to case; a comparison with what is null is never true."""
    psa.person_edits(MONTHLY, sixty[59], cancelledDate="2026-06-30T00:00:00Z")
    rows = api.get(f"{LINES}?pageSize=1000&conditions={condition}")
    assert {row["quantity"] for row in rows} == quantities
    assert api.get(f"{LINES}/count?conditions={condition}") == {"count": len(quantities)}


@pytest.mark.parametrize(
    "condition",
    [
        "serial = 'x'",
        "product/sku = 'x'",
        "quantity = 'ten'",
        "serialNumber = 7",
        "taxableFlag = 1",
        "cancelledDate > '2026-06-30'",
        "cancelledDate > [yesterday]",
        "quantity >",
        "quantity > 1 and",
        "quantity > 1)",
        "id in (1,",
        "id in 1",
        "quantity ( 1",
        "quantity > 1 garbage",
        "§",
        "serialNumber like 7",
    ],
)
def test_conditions_that_make_no_sense_are_refused(api: Caller, condition: str) -> None:
    """400; in the server's own words a name is "not a recognized name"."""
    assert api.refused("GET", f"{LINES}?conditions={condition}") == (400, "ApiFindCondition")


def test_custom_fields_have_their_own_conditions(psa: ConnectWise, api: Caller, sixty: list[int]) -> None:
    """Caption and value of one and the same field."""
    field = psa.add_custom_field("Trueup line")
    psa.add_custom_field("Other")
    api.patch(sixty[6], customFields=[{"id": field, "value": "lx1-x"}])
    query = 'customFieldConditions=caption="Trueup line" AND value="lx1-x"'
    assert [row["id"] for row in api.get(f"{LINES}?{query}")] == [sixty[6]]
    assert api.get(f'{LINES}?customFieldConditions=caption="Other" AND value="lx1-x"') == []


def test_fields_choose_what_is_shown(api: Caller, line: int) -> None:
    """`_info` comes only when listed, references may be cut to a part, unknown names are refused."""
    chosen = api.get(f"{LINES}?fields=id,product/identifier,cancelledDate")
    assert chosen == [{"id": line, "product": {"identifier": "M365-BP"}}]
    (whole,) = api.get(f"{LINES}?fields=product/id,product")
    assert whole["product"]["identifier"] == "M365-BP"
    assert api.get(f"{LINES}/{line}?fields=_info")["_info"]["updatedBy"] == "office"
    assert api.refused("GET", f"{LINES}?fields=id,sku") == (400, "ApiFindCondition")


def test_null_is_absent_and_numbers_are_decimals(api: Caller, line: int) -> None:
    """An open line has no cancelledDate at all, and its 10 is 10.00; some fields are in no description."""
    text = api.send("GET", f"{LINES}/{line}").body.decode()
    assert '"quantity":10.00' in text
    assert "cancelledDate" not in text
    assert "null" not in text
    assert '"additionStatus":"Active"' in text
    assert "endDate" not in api.get(f"/finance/agreements/{MONTHLY}")


def test_what_is_not_there(api: Caller) -> None:
    """A record has its own 404, a path another, and a verb that is not meant a 405."""
    assert api.send("GET", "/finance/agreements/99/additions").json()["message"] == "Agreement 99 not found"
    assert api.refused("GET", f"{LINES}/77") == (404, "NotFound")
    assert api.refused("GET", "/nowhere/at/all") == (404, "ConnectWiseApi")
    assert api.send("GET", "/finance/agreements/nowhere").status == 404
    assert api.send("POST", "/company/companies", {}).status == 405
    api.forget()
