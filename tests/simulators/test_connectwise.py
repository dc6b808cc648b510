"""The simulated ConnectWise PSA: who may ask, what goes wrong, and what people do (reference 14)."""

from datetime import date
from decimal import Decimal

import pytest

from agent.simulators.connectwise import ConnectWise, Site
from agent.simulators.wire import NoAnswer, Request, encode
from tests.simulators.caller import CONTOSO, LINES, MONTHLY, VERSIONED, Caller, seats


def test_every_resource_can_be_listed_counted_and_read(psa: ConnectWise, api: Caller, line: int) -> None:
    """All reading paths of reference 1 that the agent uses, each held against its description."""
    psa.add_custom_field("Trueup line")
    (invoice,) = psa.invoice(MONTHLY)
    for path, id in [
        ("/company/companies", CONTOSO),
        ("/finance/agreements", MONTHLY),
        ("/finance/agreements/types", 1),
        ("/finance/invoices", invoice.id),
        ("/procurement/catalog", 4021),
        (LINES, line),
    ]:
        assert api.get(f"{path}/count")["count"] == len(api.get(path)) > 0
        assert api.get(f"{path}/{id}") in api.get(path)
    assert {row["billingOptions"] for row in api.get("/finance/billingCycles")} >= {"Monthly", "Yearly"}
    assert [row["caption"] for row in api.get("/system/userDefinedFields")] == ["Trueup line"]
    assert api.get("/system/myMembers/info")["licenseClass"] == "A"
    assert api.get("/system/info")["isCloud"] is True


def test_the_codebase_is_found_by_the_login_name(psa: ConnectWise, api: Caller) -> None:
    """Without keys; a company that is not known is `null` with 200, and IsCloud is a string."""
    known = psa.handle(Request("GET", "/login/companyinfo/Evergreen")).json()
    assert (known["Codebase"], known["IsCloud"]) == ("v2026_4/", "True")
    unknown = psa.handle(Request("GET", "/login/companyinfo/nobody"))
    assert (unknown.status, unknown.body) == (200, b"null")


def test_an_upgrade_takes_the_old_path_away(psa: ConnectWise, api: Caller) -> None:
    """The codebase that was right a moment ago answers 404; the router path leads on."""
    assert api.send("GET", "/finance/agreements", base="/v2026_4/apis/3.0").status == 200
    psa.upgrade("2026.5")
    gone = api.send("GET", "/finance/agreements", base="/v2026_4/apis/3.0")
    assert (gone.status, gone.json()["message"]) == (404, "The endpoint does not exist.")
    assert api.send("GET", "/finance/agreements", base="/v2026_5/apis/3.0").status == 200
    assert api.send("GET", "/finance/agreements").headers["api-current-version"] == "2026.5"


@pytest.mark.parametrize("header", [{"clientid": ""}, {"authorization": "Basic bm9ib2R5"}])
def test_wrong_keys_are_refused(psa: ConnectWise, api: Caller, header: dict[str, str]) -> None:
    """401 with an error body, or as the cloud may do it: as if the path did not exist."""
    assert api.refused("GET", "/finance/agreements", **header) == (401, "Unauthorized")
    psa.site.hides_behind_404 = True
    assert api.refused("GET", "/finance/agreements", **header) == (404, "ConnectWiseApi")
    assert api.send("GET", "/system/info", **header).status == 200  # says nothing about the keys
    api.forget()  # what lacks the header is not a published request


def test_a_role_lacks_delete_until_it_is_given(psa: ConnectWise, api: Caller, line: int) -> None:
    """403 with code Security; with the right the line is gone with 204 and no body."""
    assert api.refused("DELETE", f"{LINES}/{line}") == (403, "Security")
    psa.site.forbidden.clear()
    gone = api.send("DELETE", f"{LINES}/{line}")
    assert (gone.status, gone.body) == (204, b"")
    assert api.refused("GET", f"{LINES}/{line}") == (404, "NotFound")


def test_the_thousandth_request_of_a_minute_is_the_last(psa: ConnectWise) -> None:
    """429 in its own shape with the seconds to wait; after them there is room again."""
    seconds = 0.0
    paced = ConnectWise(psa.clock, Site(requests_per_minute=1_000), monotonic=lambda: seconds)
    api = Caller(paced)
    assert {api.send("GET", "/finance/agreements/count").status for _ in range(1_000)} == {200}
    seconds = 20.0
    refused = api.send("GET", "/finance/agreements/count")
    assert (refused.status, refused.headers["retry-after"]) == (429, "40")
    assert refused.json()["error"] == "ConnectWiseAPI"
    seconds = 60.0
    assert api.send("GET", "/finance/agreements/count").status == 200


def test_an_answer_carries_its_version_and_its_number(api: Caller) -> None:
    """The media type is the version asked for, and no two answers share a request id."""
    first, second = (api.send("GET", "/finance/agreements") for _ in range(2))
    assert first.headers["content-type"] == VERSIONED
    assert api.send("GET", "/finance/agreements", accept="*/*").headers["content-type"].startswith("application/json")
    assert first.headers["x-cw-request-id"] != second.headers["x-cw-request-id"]


def test_a_long_url_is_refused_by_what_stands_in_front(api: Caller) -> None:
    """414 with an HTML body beyond 2,000 characters."""
    path = "/finance/agreements?conditions=id in (" + ",".join(["1021"] * 400) + ")"
    refused = api.send("GET", path)
    assert (refused.status, refused.headers["content-type"]) == (414, "text/html; charset=UTF-8")
    api.forget()


def test_a_lagging_read_shows_yesterday(psa: ConnectWise, api: Caller, line: int) -> None:
    """The list, the count and the row of 30 seconds ago."""
    psa.clock.advance(seconds=60)
    api.patch(line, quantity=12)
    added = api.post(**seats())["id"]
    psa.clock.advance(seconds=20)
    psa.faults.add("read-lag", method="GET", seconds=30, times=4)
    assert [row["quantity"] for row in api.get(LINES)] == [10]
    assert api.get(f"{LINES}/count") == {"count": 1}
    assert api.refused("GET", f"{LINES}/{added}") == (404, "NotFound")
    assert api.get(f"{LINES}/{line}")["quantity"] == 10
    assert api.get(f"{LINES}/{line}")["quantity"] == 12


@pytest.mark.parametrize(
    ("kind", "numbers"),
    [
        ("page-short", [*range(26, 50)]),
        ("page-skipped", [*range(27, 52)]),
        ("page-repeated", [*range(25, 50)]),
        ("empty-list", []),
    ],
)
@pytest.mark.parametrize("paging", ["page=2", "pageId=25"])
def test_pages_that_lie(
    psa: ConnectWise, api: Caller, sixty: list[int], kind: str, numbers: list[int], paging: str
) -> None:
    """The second page of 25 lacks its last row, loses or repeats one at the seam, or is empty."""
    forward = {"pagination_type": "forward-only"} if "Id" in paging else {}
    psa.faults.add(kind)
    assert [row["quantity"] for row in api.get(f"{LINES}?{paging}", **forward)] == numbers


def test_the_first_page_repeats_within_itself(psa: ConnectWise, api: Caller, sixty: list[int]) -> None:
    """There is no page before it, so a row comes twice."""
    psa.faults.add("page-repeated")
    assert [row["id"] for row in api.get(f"{LINES}?pageSize=3")] == [1, 1, 2]


def test_a_count_that_disagrees(psa: ConnectWise, api: Caller, line: int) -> None:
    """One more than there are."""
    psa.faults.add("count-wrong", path="/count$")
    assert api.get(f"{LINES}/count") == {"count": 2}


def test_a_200_that_looks_right_and_is_not(psa: ConnectWise, api: Caller, line: int) -> None:
    """The answer shows what was asked for; the next read shows that nothing was kept."""
    psa.faults.add("false-ok", times=2)
    assert api.patch(line, quantity=12)["quantity"] == 12
    ghost = api.post(**seats())["id"]
    assert api.get(f"{LINES}/{line}")["quantity"] == 10
    assert api.refused("GET", f"{LINES}/{ghost}") == (404, "NotFound")


def test_fields_that_are_cut_or_rounded(psa: ConnectWise, api: Caller, line: int) -> None:
    """A marker of eight characters, and a price without cents."""
    psa.faults.add("field-truncated", size=8)
    assert api.patch(line, serialNumber="lx1-abcdefgh")["serialNumber"] == "lx1-abcd"
    psa.faults.add("field-rounded", size=0)
    assert api.patch(line, unitPrice="21.50")["unitPrice"] == 22


def test_a_request_that_is_executed_twice(psa: ConnectWise, api: Caller) -> None:
    """Two lines with one marker from one POST."""
    psa.faults.add("duplicate", method="POST")
    api.post(**seats(serialNumber="lx1-a"))
    assert [row["serialNumber"] for row in api.get(LINES)] == ["lx1-a", "lx1-a"]
    assert psa.log[0].effects == 2


def test_a_post_that_lands_after_the_first_look(psa: ConnectWise, api: Caller) -> None:
    """A caller that looks once and sends again makes two."""
    psa.faults.add("late-effect", method="POST", seconds=45)
    with pytest.raises(NoAnswer):
        api.post(**seats())
    assert api.get(LINES) == []
    psa.clock.advance(seconds=45)
    assert len(api.get(LINES)) == 1


def test_errors_in_the_vendors_shapes(psa: ConnectWise, api: Caller, line: int) -> None:
    """429 has two, a 500 may be a time-out with or without an effect."""
    for kind in ("too-many", "too-many-bare", "server-timeout", "server-timeout-after", "error-before"):
        psa.faults.add(kind, seconds=30)
    sent = [[{"op": "replace", "path": "quantity", "value": number}] for number in range(11, 16)]
    answers = [api.send("PATCH", f"{LINES}/{line}", operations) for operations in sent]
    assert [answer.status for answer in answers] == [429, 429, 500, 500, 500]
    assert [answer.headers.get("retry-after") for answer in answers[:2]] == ["30", None]
    assert answers[2].json()["message"] == "A timeout has occured. Please try again."
    assert psa.addition(MONTHLY, line)["quantity"] == 14


def test_a_persons_deeds_show_in_the_rows(psa: ConnectWise, api: Caller, line: int) -> None:
    """Edit, copy with the marker, cancel, delete, and an agreement that is cancelled."""
    psa.person_edits(MONTHLY, line, quantity=7, by="dispatcher")
    row = api.get(f"{LINES}/{line}")
    assert (row["quantity"], row["extPrice"], row["_info"]["updatedBy"]) == (7, 154, "dispatcher")
    copy = psa.person_copies(MONTHLY, line)
    assert len(api.get(f"{LINES}?conditions=serialNumber='lx1-base'")) == 2
    psa.person_cancels(MONTHLY, copy, "2026-03-31")
    assert api.get(f"{LINES}/{copy}")["cancelledDate"] == "2026-03-31T00:00:00Z"
    psa.person_deletes(MONTHLY, copy)
    psa.person_edits_agreement(MONTHLY, agreementStatus="Cancelled", cancelledFlag=True)
    assert [row["agreementStatus"] for row in api.get(LINES)] == ["Cancelled"]


def test_an_enum_value_of_a_later_version(psa: ConnectWise, api: Caller, line: int) -> None:
    """A reader must live with values that no description knew."""
    psa.person_edits(MONTHLY, line, billCustomer="BillLater")
    assert api.get(f"{LINES}/{line}")["billCustomer"] == "BillLater"
    api.forget()


def test_the_world_is_steered_by_name(psa: ConnectWise) -> None:
    """What POST /__sim/world offers takes plain JSON and gives it."""
    act = psa.actions()
    id = act["add_addition"](agreement=MONTHLY, product="M365-BP", quantity=3, effective="2026-02-01")
    act["person_edits"](agreement=MONTHLY, addition=id, quantity=4)
    (invoice,) = act["invoice"](agreement=MONTHLY)  # type: ignore[misc]
    assert invoice["lines"] == {str(id): Decimal("88.00")}
    assert encode(psa.state())
    assert psa.addition(MONTHLY, id)["quantity"] == 4


def test_a_day_is_a_date(psa: ConnectWise) -> None:
    """An instant has no day until somebody names a zone."""
    with pytest.raises(TypeError, match="not an instant"):
        psa.add_agreement(CONTOSO, "x", bills_from=psa.clock.now())
    assert psa.add_agreement(CONTOSO, "x", bills_from=date(2026, 1, 1)) == MONTHLY + 1
