"""What goes wrong inside the simulated Graph on demand, how it is steered from outside, and whole fleets."""

import pytest
import requests

from agent.simulators.microsoft import MicrosoftSimulator, Tenant, generate
from agent.simulators.wire import serve
from tests.simulators.msp import (
    APP,
    CONTOSO,
    EVENTUAL,
    GRAPH,
    LICENSED,
    SPB,
    Caller,
    get,
    ids,
    simulator,
    skus,
)


@pytest.fixture
def world() -> MicrosoftSimulator:
    return simulator()


@pytest.fixture
def contoso(world: MicrosoftSimulator) -> Tenant:
    return world.tenants[CONTOSO]


@pytest.fixture
def caller(world: MicrosoftSimulator) -> Caller:
    return Caller(world)


@pytest.fixture
def five(contoso: Tenant) -> list[str]:
    """Ids of five users with Business Premium, in the order in which Graph lists them."""
    return sorted(contoso.add_user(f"{name}@contoso.com", name.title(), ["SPB"]) for name in "abcde")


class TestOddities:
    @pytest.fixture(autouse=True)
    def _damaged(self, caller: Caller) -> None:
        caller.strict = False

    def test_one_item_fails(self, world: MicrosoftSimulator, caller: Caller) -> None:
        """The batch says 200, the users in it 503: the missing part is not zero."""
        world.graph.oddities.add("error", path="/users", status=503)

        items = caller.batched(get("1", "/subscribedSkus"), get("2", "/users"))

        assert (items["1"]["status"], items["2"]["status"]) == (200, 503)

    def test_one_item_is_throttled(self, world: MicrosoftSimulator, caller: Caller) -> None:
        """Its own Retry-After stands in the headers of the item, or is missing."""
        world.graph.oddities.add("too-many", path="/users", seconds=7)
        world.graph.oddities.add("too-many-bare", path="/users")
        first, second = (caller.batched(get("1", "/users"))["1"] for _ in range(2))

        assert (first["status"], first["headers"]["retry-after"]) == (429, "7")
        assert (second["status"], "retry-after" in second["headers"]) == (429, False)

    def test_one_item_is_not_answered(self, world: MicrosoftSimulator, caller: Caller) -> None:
        """Two asked, one answered."""
        world.graph.oddities.add("item-missing", path="/users")

        assert caller.batched(get("1", "/subscribedSkus"), get("2", "/users")).keys() == {"1"}

    @pytest.mark.parametrize(
        ("kind", "seen"),
        [
            ("page-skipped", [0, 1, 4]),  # the link of page 1 leads to page 3
            ("page-repeated", [0, 1, 0, 1, 2, 3, 4]),
            ("page-short", [0, 2, 3, 4]),
            ("empty-page", [0, 1, 2, 3, 4]),  # odd, but legal
            ("empty-list", []),
        ],
    )
    def test_pages_go_wrong(
        self, world: MicrosoftSimulator, caller: Caller, five: list[str], kind: str, seen: list[int]
    ) -> None:
        """Five users by two, the fault on the first page: who arrives in the end."""
        world.graph.oddities.add(kind, path="/users")

        assert ids(caller.pages("/users?$top=2")) == [five[place] for place in seen]

    def test_link_leads_elsewhere(self, world: MicrosoftSimulator, caller: Caller, five: list[str]) -> None:
        """A link to another origin would carry the token there."""
        world.graph.oddities.add("foreign-link", path="/users")

        assert not caller.get("/users").json()["@odata.nextLink"].startswith(GRAPH)

    def test_value_missing_and_count_wrong(self, world: MicrosoftSimulator, caller: Caller, five: list[str]) -> None:
        """An answer without `value` is no empty list; a count of 6 over 5 users is no whole list."""
        world.graph.oddities.add("value-missing", path="/users")
        world.graph.oddities.add("count-wrong", path="/users")

        assert "value" not in caller.get(LICENSED, EVENTUAL).json()
        page = caller.get(LICENSED, EVENTUAL).json()
        assert (page["@odata.count"], len(page["value"])) == (6, 5)

    def test_sku_vanishes(self, world: MicrosoftSimulator, caller: Caller) -> None:
        """A licence that was billed is missing from one reading, and back in the next."""
        world.graph.oddities.add("sku-vanished", path="/subscribedSkus", sku=SPB)

        assert [skus(caller).keys() for _ in range(2)] == [{"SPE_E3"}, {"SPB", "SPE_E3"}]

    def test_users_trail_behind_the_counts(
        self, world: MicrosoftSimulator, contoso: Tenant, caller: Caller, five: list[str]
    ) -> None:
        """For 60 seconds 6 are consumed and 5 users listed: the two live in different indexes."""
        assert ids(caller.pages("/users")) == five
        contoso.lag_users(60)
        contoso.add_user("f@contoso.com", "F", ["SPB"])

        assert skus(caller)["SPB"]["consumedUnits"] == 6
        assert len(ids(caller.pages("/users"))) == 5
        world.clock.advance(seconds=60)
        assert len(ids(caller.pages("/users"))) == 6

    def test_faults_of_the_wire_reach_into_a_batch(
        self, world: MicrosoftSimulator, caller: Caller, five: list[str]
    ) -> None:
        """A fault that the server must play strikes every item that it can concern."""
        assert caller.token
        world.faults.add("empty-list", path="batch")

        items = caller.batched(get("1", "/subscribedSkus"), get("2", "/users"))

        assert [items[key]["body"]["value"] for key in "12"] == [[], []]

    @pytest.mark.parametrize(
        ("path", "shape"), [("subscribedSkus", "innerError"), ("token", "temporarily_unavailable")]
    )
    def test_each_host_words_its_own_errors(
        self, world: MicrosoftSimulator, caller: Caller, path: str, shape: str
    ) -> None:
        """Graph nests its error in an object, login writes OAuth's: a token library reads only the latter."""
        token_first = caller.token if path != "token" else ""
        world.faults.add("error-before", path=path, status=503)

        answer = caller.get("/subscribedSkus") if token_first else caller.sign_in()

        assert (answer.status_code, shape in answer.text) == (503, True)


class TestFromOutside:
    def test_links_lead_back_over_loopback(self, world: MicrosoftSimulator, caller: Caller, five: list[str]) -> None:
        """A served simulator names the address under which it was asked."""
        with serve(world) as server, requests.Session() as session:
            fields = {"Authorization": f"Bearer {caller.token}"}
            page = session.get(f"{server.url}/v1.0/users?$top=2", headers=fields, timeout=5).json()

            assert page["@odata.nextLink"].startswith(f"{server.url}/v1.0/users?")

    def test_world_is_steered_over_http(self, world: MicrosoftSimulator, contoso: Tenant) -> None:
        """12 seats, 3 more bought from another process, and a user who gets one: 15, 1."""
        with serve(world) as server, requests.Session() as session:

            def act(action: str, **given: object) -> requests.Response:
                body = {"action": action, **given}
                return session.post(f"{server.url}/__sim/world", json=body, timeout=5)

            assert act("buy", tenant=CONTOSO, licence="SPB", seats=3).json() == {"result": 15}
            act("add_user", tenant=CONTOSO, upn="ann@contoso.com", name="Ann", licences=["SPB"], office="Perth")
            act("odd", kind="empty-list", path="/users", tenant=CONTOSO)
            wrong = act("buy", tenant=CONTOSO, licence="SPX", seats=3)
            state = session.get(f"{server.url}/__sim/state", timeout=5).json()

        assert contoso.holdings.consumed[SPB] == 1
        assert (wrong.status_code, "SPX" in wrong.text) == (400, True)
        assert state[0]["skus"]["SPB"]["prepaidUnits"]["enabled"] == 15

    def test_generated_fleet_is_the_same_every_time(self, world: MicrosoftSimulator) -> None:
        """A seed fixes ids, users and seats, and every seat that is assigned has been bought."""
        first, second = (generate(simulator(), 3, 20, 4, seed=7, app=APP) for _ in range(2))

        assert [tenant.holdings.users for tenant in first] == [tenant.holdings.users for tenant in second]
        for tenant in first:
            bought = {held.sku: held.quantity for held in tenant.holdings.subscriptions.values()}
            assert all(bought[sku] >= number for sku, number in tenant.holdings.consumed.items())

    def test_generated_fleet_answers_as_published(self, world: MicrosoftSimulator) -> None:
        """A batch of a generated tenant holds 200 users and is held to the description like any other."""
        (tenant,) = generate(world, 1, 200, 6, seed=7, app=APP, warm=[f"/v1.0{LICENSED}"])

        items = Caller(world, tenant.id).batched(
            get("1", "/subscribedSkus"), get("2", f"{LICENSED}&$top=999", ConsistencyLevel="eventual")
        )

        assert len(items["2"]["body"]["value"]) == 200
        assert len(items["1"]["body"]["value"]) == 6
