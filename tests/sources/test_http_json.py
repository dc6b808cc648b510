"""An API by declaration keeps the laws of every source, in each way of paging."""

from decimal import Decimal
from typing import Any

import pytest

from agent.domain.counts import Account, Coverage, Hint, Unit
from agent.domain.mappings import Basis
from agent.errors import Absent, CredentialsRejected, Incomplete
from agent.outgoing.vendor import Vendor, fixed
from agent.simulators.faults import Kind
from agent.simulators.json_lists import TOKEN, JsonLists
from agent.simulators.simulator import SimClock
from agent.sources.http_json import Accounts, Condition, Counts, JsonSource, Listing, Paging, Turn
from tests.contract.source_contract import SourceContract
from tests.sources.counter import MARCH, Clock, CounterStage, outgoing

URL = "https://devices.example.com"
CONTOSO = Account("backup", "contoso")
PAGINGS = {
    Turn.NONE: Paging(),
    Turn.PAGE: Paging(Turn.PAGE, "page", pages="meta.pages"),
    Turn.AFTER: Paging(Turn.AFTER, "after"),
    Turn.CURSOR: Paging(Turn.CURSOR, "cursor", next="meta.next"),
    Turn.NEXT_URL: Paging(Turn.NEXT_URL, next="meta.next"),
}
EACH = Listing("/api/accounts/{account}/devices", items="data.items", total="meta.total")
ACCOUNTS = Accounts(Listing("/api/accounts", items="data.items"), "id", "label.name", "azure.tenant")


def service(turn: Turn = Turn.NONE) -> JsonLists:
    """Contoso has five servers and three workstations, Fabrikam one."""
    made = JsonLists(SimClock(MARCH), turn.value)
    made.add_account("contoso", "Contoso Ltd", "4F1C0000-0000-4000-8000-00000000ABCD")
    made.add_account("fabrikam", "Fabrikam")
    for number in range(8):
        made.enrol("contoso", f"host{number}", "Server" if number < 5 else "Workstation")
    made.enrol("fabrikam", "elsewhere")
    return made


def source(
    made: JsonLists, turn: Turn = Turn.NONE, listing: Listing = EACH, key: str = TOKEN, **given: Any
) -> JsonSource:
    vendor = Vendor("backup", outgoing(made, URL), fixed(lambda: key), "X-Api-Key")
    told = {"basis": Basis.ASSIGNED, "unit": Unit.DEVICE, "product": "kind", "member": "host"}
    counts = Counts(listing, **{**told, **given})
    return JsonSource("backup", vendor, ACCOUNTS, counts, PAGINGS[turn], Clock(made.clock))


@pytest.mark.parametrize("turn", [Turn.PAGE, Turn.NEXT_URL])
class TestJsonSource(SourceContract):
    @pytest.fixture
    def stage(self, turn: Turn) -> CounterStage:
        made = service(turn)
        return CounterStage(made, source(made, turn), CONTOSO, Account("backup", "nobody"))


def numbers(told: JsonSource) -> dict[str, int | None]:
    return {key: one.assigned for key, one in told.observe(CONTOSO).observations.items()}


@pytest.mark.parametrize("turn", list(Turn))
def test_every_way_of_paging_reads_all(turn: Turn) -> None:
    """5 + 3 in pages of three, with names."""
    seen = source(service(turn), turn).observe(CONTOSO)

    assert {key: one.told for key, one in seen.observations.items()} == {
        "server": "5 devices in use",
        "workstation": "3 devices in use",
    }
    assert [one.login for one in seen.holders("workstation")] == ["host5", "host6", "host7"]


@pytest.mark.parametrize("kind", [Kind.PAGE_SHORT, Kind.PAGE_SKIPPED, Kind.COUNT_WRONG])
@pytest.mark.parametrize("turn", [Turn.PAGE, Turn.CURSOR, Turn.NEXT_URL])
def test_total_that_disagrees_is_a_failed_read(turn: Turn, kind: Kind) -> None:
    """The service says how many there are; a page of them got lost."""
    made = service(turn)
    told = source(made, turn)
    made.faults.add(kind, nth=2)
    with pytest.raises(Incomplete, match="but listed"):
        told.observe(CONTOSO)


def test_link_to_another_host_is_not_followed() -> None:
    """It would carry the key there."""
    made = service(Turn.NEXT_URL)
    made._page = lambda rows, request, twist: _with(  # type: ignore[method-assign]
        JsonLists._page(made, rows, request, twist), "https://evil.example.com/more"
    )
    with pytest.raises(Incomplete, match="outside itself"):
        source(made, Turn.NEXT_URL).observe(CONTOSO)
    assert all(one.request.headers["host"] == "devices.example.com" for one in made.log)


def test_list_that_leads_in_a_circle_ends() -> None:
    """A cursor that comes back would be read for ever."""
    made = service(Turn.CURSOR)
    made._start = lambda rows, request, size: 0  # type: ignore[method-assign]
    with pytest.raises(Incomplete, match="does not end"):
        source(made, Turn.CURSOR).observe(CONTOSO)


def test_one_list_of_all_accounts_is_taken_apart() -> None:
    """Where the API cannot be asked for one: each item says whose it is."""
    everything = Listing("/api/devices", items="data.items", total="meta.total")
    made = service()
    assert numbers(source(made, listing=everything, account="account")) == {"server": 5, "workstation": 3}
    with pytest.raises(Absent):
        source(made, listing=everything, account="account").observe(Account("backup", "wingtip"))


def test_conditions_leave_items_out() -> None:
    """Two servers are retired, and one workstation is a test; the total is of all items."""
    made = service()
    made.devices[0]["state"] = made.devices[1]["state"] = "Retired"
    made.devices[7]["tags"] = {"use": "test"}
    where = (Condition("state", frozenset({"active"})), Condition("tags.use", frozenset({"test"}), unless=True))
    listing = Listing(EACH.path, items=EACH.items, total=EACH.total, where=where)
    assert numbers(source(made, listing=listing)) == {"server": 3, "workstation": 2}


def test_numbers_instead_of_items() -> None:
    """One item says how many; a product of which there is none is not listed."""
    made = service()
    made.devices = [
        {"account": "contoso", "host": "a", "kind": "Mailbox", "used": "7"},
        {"account": "contoso", "host": "b", "kind": "Tape", "used": 0},
        {"account": "contoso", "host": "c", "kind": "Archive", "used": Decimal("3.00")},
    ]
    seen = source(made, quantity="used", member="", unit=Unit.MAILBOX).observe(CONTOSO)
    assert {key: one.told for key, one in seen.observations.items()} == {
        "mailbox": "7 mailboxes in use",
        "archive": "3 mailboxes in use",
    }
    assert seen.coverage == {Coverage.LICENCES, Coverage.IN_USE}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"product": "class"}, "tells nothing at class"),
        ({"quantity": "state"}, "tells 'active' where state should be a number"),
        ({"listing": Listing(EACH.path, items="rows")}, "has no list at rows"),
        ({"listing": Listing(EACH.path, items="data.items", total="meta.count")}, "where a total should be"),
    ],
)
def test_path_that_leads_nowhere_is_no_zero(given: dict[str, Any], said: str) -> None:
    """A renamed field would otherwise count nothing."""
    with pytest.raises(Incomplete, match=said):
        source(service(), **given).observe(CONTOSO)


def test_accounts_are_listed_with_the_tenant() -> None:
    """As hints for whose they are."""
    first, second = source(service()).accounts()
    assert (first.id, first.name, dict(first.hints)) == (
        "contoso",
        "Contoso Ltd",
        {Hint.TENANT: "4f1c0000-0000-4000-8000-00000000abcd"},
    )
    assert second.hints == ()


def test_hostile_account_stays_in_its_place() -> None:
    """An id is a part of a path, and no path."""
    made = service()
    made.add_account("../devices?x=1", "Bobby")
    with pytest.raises(Absent):
        source(made).observe(Account("backup", "../devices?x=1"))
    assert made.log[-1].request.target == "/api/accounts/..%2Fdevices%3Fx%3D1/devices"


def test_ids_are_asked_for_as_they_are_written() -> None:
    """Mapping files compare them without regard to case; the service does not."""
    made = service()
    made.add_account("AbC", "Wingtip")
    made.enrol("AbC", "till")
    assert source(made).observe(Account("backup", "abc")).observations["server"].assigned == 1


def test_wrong_key_stops_all() -> None:
    """Like any other source's."""
    with pytest.raises(CredentialsRejected):
        source(service(), key="canary-wrong").observe(CONTOSO)


def _with(answer: Any, link: str) -> Any:
    from agent.simulators.messages import json_response

    body = answer.json()
    return json_response(200, {**body, "meta": {**body["meta"], "next": link}})
