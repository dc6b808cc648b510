"""The simulated Graph answers as the published description and Microsoft's own pages say that Graph does."""

import pytest

from agent.simulators.microsoft import MicrosoftSimulator, Tenant, Throttle
from tests.simulators.msp import (
    APP,
    CONTOSO,
    EVENTUAL,
    GRAPH,
    LICENSED,
    SPB,
    SPE_E3,
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


class TestLicences:
    def test_units_follow_subscriptions(self, contoso: Tenant, caller: Caller) -> None:
        """Seats lie in the state of the subscription they come from: 12 + 5 enabled, 2 in grace, 4 suspended."""
        contoso.add_subscription("SPB", 5)
        contoso.add_subscription("SPB", 2, status="Warning")
        contoso.add_subscription("SPB", 4, status="Suspended")
        contoso.add_subscription("SPB", 9, status="Deleted")

        assert skus(caller)["SPB"]["prepaidUnits"] == {"enabled": 17, "warning": 2, "suspended": 4, "lockedOut": 0}

    def test_whole_sku_in_grace(self, contoso: Tenant, caller: Caller) -> None:
        """An expired subscription leaves nothing enabled, while its users go on: enabled 0, warning 3."""
        (expired,) = contoso.holdings.subscriptions_of(SPE_E3)
        contoso.change_subscription(expired.id, status="Warning")

        row = skus(caller)["SPE_E3"]

        assert (row["capabilityStatus"], row["prepaidUnits"]["enabled"], row["prepaidUnits"]["warning"]) == (
            "Warning",
            0,
            3,
        )

    def test_subscriptions_are_joined_by_id(self, contoso: Tenant, caller: Caller) -> None:
        """subscriptionIds of a SKU name the rows of directory/subscriptions, two for a split licence."""
        annual = contoso.add_subscription("SPB", 5, commerce_id="commerce-1", owner_tenant=CONTOSO)

        rows = {row["id"]: row for row in caller.get("/directory/subscriptions").json()["value"]}

        assert set(skus(caller)["SPB"]["subscriptionIds"]) == {key for key in rows if rows[key]["skuId"] == SPB}
        assert (rows[annual]["totalLicenses"], rows[annual]["commerceSubscriptionId"]) == (5, "commerce-1")

    def test_consumed_units_count_users_not_assignments(self, contoso: Tenant, caller: Caller) -> None:
        """Ann has the licence herself and from a group, Bob from the group inside the group: 2 units, not 3."""
        ann = contoso.add_user("ann@contoso.com", "Ann", ["SPB"])
        bob = contoso.add_user("bob@contoso.com", "Bob")
        inner = contoso.add_group("Branch", [bob])
        contoso.add_group("Licensed", [ann, inner], ["SPB"])

        assert skus(caller)["SPB"]["consumedUnits"] == 2

    def test_more_consumed_than_bought(self, contoso: Tenant, caller: Caller, five: list[str]) -> None:
        """Seats given back leave the assignments: 12 - 10 = 2 enabled, 5 consumed."""
        assert contoso.reduce("SPB", 10) == 2

        row = skus(caller)["SPB"]

        assert (row["prepaidUnits"]["enabled"], row["consumedUnits"]) == (2, 5)

    def test_disabled_users_stay_consumed_and_deleted_ones_do_not(
        self, contoso: Tenant, caller: Caller, five: list[str]
    ) -> None:
        """5 users, one disabled, one deleted: 4 consumed, 4 listed."""
        contoso.disable_user("a@contoso.com")
        contoso.delete_user("b@contoso.com")

        users = caller.pages("/users?$select=userPrincipalName,accountEnabled")[0]["value"]

        assert skus(caller)["SPB"]["consumedUnits"] == len(users) == 4
        assert [user["userPrincipalName"] for user in users if not user["accountEnabled"]] == ["a@contoso.com"]

    def test_licence_that_no_table_knows(self, contoso: Tenant, caller: Caller) -> None:
        """Microsoft sells licences before it names them; Graph shows the part number all the same."""
        contoso.add_sku("a6d18b68-a67e-4cbd-ba00-8744bc468faa", part_number="BRAND_NEW", enabled=7)

        assert skus(caller)["BRAND_NEW"]["prepaidUnits"]["enabled"] == 7

    def test_ambiguous_part_number_is_refused(self, contoso: Tenant) -> None:
        """MCOPSTN5 belongs to two GUIDs, so only a GUID says which is meant."""
        with pytest.raises(LookupError, match="2 licences 'MCOPSTN5'"):
            contoso.add_subscription("MCOPSTN5", 1)


class TestUsers:
    def test_licences_come_only_when_selected(self, caller: Caller, five: list[str]) -> None:
        """Without $select a user has no assignedLicenses, which must not be read as having no licence."""
        assert "assignedLicenses" not in caller.get("/users").json()["value"][0]
        (licence,) = caller.get("/users?$select=assignedLicenses").json()["value"][0]["assignedLicenses"]
        assert licence["skuId"] == SPB

    def test_only_licensed_users(self, contoso: Tenant, caller: Caller, five: list[str]) -> None:
        """The advanced filter leaves out who has no licence; the count says how many have one."""
        contoso.add_user("visitor@contoso.com", "Visitor", user_type="Guest")

        page = caller.get(LICENSED, EVENTUAL).json()

        assert page["@odata.count"] == len(page["value"]) == 5

    def test_advanced_filter_needs_its_header_on_every_page(self, caller: Caller, five: list[str]) -> None:
        """The header is not part of the link: who forgets it on page 2 gets a 400, no page."""
        first = caller.get(f"{LICENSED}&$top=2", EVENTUAL).json()

        forgetful = caller.get(first["@odata.nextLink"])

        assert (forgetful.status_code, forgetful.json()["error"]["code"]) == (400, "Request_UnsupportedQuery")
        assert caller.get(first["@odata.nextLink"], EVENTUAL).status_code == 200

    def test_pages(self, caller: Caller, five: list[str]) -> None:
        """Five users by two are pages of 2, 2 and 1 with whole links; the count is on the first alone."""
        pages = caller.pages(f"{LICENSED}&$top=2", EVENTUAL)

        assert [len(page["value"]) for page in pages] == [2, 2, 1]
        assert ids(pages) == five
        assert ["@odata.count" in page for page in pages] == [True, False, False]
        assert pages[0]["@odata.nextLink"].startswith(f"{GRAPH}/v1.0/users?")

    def test_default_page_is_a_hundred(self, contoso: Tenant, caller: Caller) -> None:
        """101 users without $top are 100 and 1; $top goes up to 999."""
        for number in range(101):
            contoso.add_user(f"user{number}@contoso.com", "User")

        assert [len(page["value"]) for page in caller.pages("/users")] == [100, 1]
        assert caller.get("/users?$top=999").json()["value"][100:]
        caller.strict = False
        assert caller.get("/users?$top=1000").status_code == 400

    def test_paging_survives_a_change(self, contoso: Tenant, caller: Caller, five: list[str]) -> None:
        """A link names the last user seen: who leaves in between takes nobody else along."""
        first = caller.get("/users?$top=2").json()
        contoso.delete_user(five[0])

        rest = caller.get(first["@odata.nextLink"]).json()

        assert ids([rest]) == five[2:4]

    @pytest.mark.parametrize(
        ("clause", "found"),
        [
            ("accountEnabled eq false", "b"),
            ("userType eq 'guest'", "c"),
            (f"assignedLicenses/any(x:x/skuId eq {SPE_E3})", "c"),
            ("department eq 'R''n''D and more' and accountEnabled eq true", "a"),
        ],
    )
    def test_filters(self, contoso: Tenant, caller: Caller, clause: str, found: str) -> None:
        """Plain clauses need no header; texts compare without case, and a doubled quote is one quote."""
        contoso.add_user("a@contoso.com", "A", department="R'n'D and more")
        contoso.add_user("b@contoso.com", "B", enabled=False)
        contoso.add_user("c@contoso.com", "C", ["SPE_E3"], user_type="Guest")

        rows = caller.get(f"/users?$filter={clause}&$select=userPrincipalName").json()["value"]

        assert [row["userPrincipalName"] for row in rows] == [f"{found}@contoso.com"]

    @pytest.mark.parametrize(
        ("query", "code"),
        [
            ("$select=assignedLicences", "BadRequest"),
            ("$filter=department like 'S'", "Request_BadRequest"),
            ("$skip=10", "Request_UnsupportedQuery"),
            ("$skiptoken=stale", "Directory_ExpiredPageToken"),
        ],
    )
    def test_what_graph_does_not_understand(self, caller: Caller, query: str, code: str) -> None:
        """A misspelt property or an unsupported option is a 400 with a code, not an answer without it."""
        answer = caller.get(f"/users?{query}")

        assert (answer.status_code, answer.json()["error"]["code"]) == (400, code)

    def test_attributes(self, contoso: Tenant, caller: Caller) -> None:
        """What franchises are told apart by: department, office, company, extension attributes."""
        contoso.add_user(
            "ann@contoso.com", "Ann", department="Sales", office="Perth", company="Contoso AU", extension={"3": "AU"}
        )
        names = "department,officeLocation,companyName,onPremisesExtensionAttributes"

        (row,) = caller.get(f"/users?$select={names}").json()["value"]

        assert (row["department"], row["officeLocation"], row["companyName"]) == ("Sales", "Perth", "Contoso AU")
        assert row["onPremisesExtensionAttributes"]["extensionAttribute3"] == "AU"

    def test_assignment_states_tell_the_way(self, contoso: Tenant, caller: Caller) -> None:
        """Inherited licences name their group, direct ones none; the service writes "None" for no error."""
        ann = contoso.add_user("ann@contoso.com", "Ann", ["SPE_E3"])
        group = contoso.add_group("Licensed", [ann], ["SPB"])

        (row,) = caller.get("/users?$select=licenseAssignmentStates").json()["value"]

        ways = {state["skuId"]: state["assignedByGroup"] for state in row["licenseAssignmentStates"]}
        assert ways == {SPE_E3: None, SPB: group}
        assert {state["error"] for state in row["licenseAssignmentStates"]} == {"None"}


class TestOtherReads:
    def test_groups_and_their_members(self, contoso: Tenant, caller: Caller, five: list[str]) -> None:
        """Members come in pages, of every depth, each once, even where two groups hold each other."""
        contoso.consent(APP, ["GroupMember.Read.All"])
        inner = contoso.add_group("Inner", five[2:])
        outer = contoso.add_group("Outer", [inner, *five[:3]])
        contoso.set_members(inner, [outer, *five[2:]])

        pages = caller.pages(f"/groups/{outer}/transitiveMembers?$top=4")

        assert sorted(ids(pages)) == sorted([inner, *five])
        assert {row["displayName"] for row in caller.get("/groups").json()["value"]} == {"Inner", "Outer"}
        assert caller.get("/groups/unknown/transitiveMembers").status_code == 404

    def test_organization(self, caller: Caller) -> None:
        """One row: the tenant, with its initial and its default domain."""
        (row,) = caller.get("/organization").json()["value"]

        assert [domain["name"] for domain in row["verifiedDomains"] if domain["isDefault"]] == ["contoso.com"]

    def test_partner_sees_its_tenants(self, contoso: Tenant, caller: Caller) -> None:
        """Relationships filter by status; contracts keep the name of their first day."""
        contoso.consent(APP, ["Directory.Read.All", "DelegatedAdminRelationship.Read.All"])
        contoso.add_relationship("0a000000-0000-4000-8000-000000000002", "Fabrikam", auto_extend="PT0S")
        contoso.add_relationship("0a000000-0000-4000-8000-000000000003", "Gone", status="terminated")
        contoso.add_contract("0a000000-0000-4000-8000-000000000002", "Fabrikam", "fabrikam.com")

        relations = "/tenantRelationships/delegatedAdminRelationships?$filter=status eq 'active'"
        (relation,) = caller.get(relations).json()["value"]
        (contract,) = caller.get("/contracts").json()["value"]

        assert relation["customer"]["tenantId"] == contract["customerId"]
        # 730 days after 17 March 2026; February 2028 has 29 days.
        assert relation["endDateTime"] == "2028-03-16T09:00:00Z"

    def test_devices_need_intune(self, contoso: Tenant, caller: Caller) -> None:
        """Without Intune the service says that the request does not apply, which is not an empty list."""
        contoso.consent(APP, ["DeviceManagementManagedDevices.Read.All"])
        without = caller.get("/deviceManagement/managedDevices")
        contoso.add_device("PC-1")

        assert without.status_code == 400
        assert [row["deviceName"] for row in caller.get("/deviceManagement/managedDevices").json()["value"]] == ["PC-1"]

    def test_unknown_path_and_method(self, caller: Caller) -> None:
        """Nothing outside the simulated part answers as if it were there, and nothing can be written."""
        caller.strict = False

        assert caller.get("/me").status_code == 400
        posted = caller.session.post(f"{GRAPH}/v1.0/users", headers={"Authorization": f"Bearer {caller.token}"})
        assert posted.status_code == 405


class TestAccess:
    def test_missing_token(self, caller: Caller) -> None:
        """401 with a challenge, in the error body that carries the request's ids."""
        answer = caller.session.get(f"{GRAPH}/v1.0/subscribedSkus", headers={"client-request-id": "mine"})

        assert (answer.status_code, answer.json()["error"]["code"]) == (401, "InvalidAuthenticationToken")
        assert answer.headers["www-authenticate"].startswith("Bearer ")
        assert answer.headers["client-request-id"] == "mine"
        assert answer.json()["error"]["innerError"]["request-id"] == answer.headers["request-id"]

    def test_expired_token(self, world: MicrosoftSimulator, caller: Caller) -> None:
        """A token lasts 3,599 seconds of the simulator's clock."""
        world.login.expires_in = 3599
        assert caller.get("/subscribedSkus").status_code == 200
        world.clock.advance(seconds=3599)

        assert caller.get("/subscribedSkus").status_code == 401

    def test_revoked_token(self, world: MicrosoftSimulator, contoso: Tenant, caller: Caller) -> None:
        """Revoking brings a claims challenge, and a token fetched later is good again."""
        assert caller.get("/subscribedSkus").status_code == 200
        contoso.revoke_tokens()

        assert "claims=" in caller.get("/subscribedSkus").headers["www-authenticate"]
        world.clock.advance(seconds=1)
        assert Caller(world).get("/subscribedSkus").status_code == 200

    def test_tenant_that_is_gone(self, world: MicrosoftSimulator, caller: Caller) -> None:
        """A token of a tenant that no longer exists opens nothing."""
        assert caller.token
        world.remove_tenant(CONTOSO)

        assert caller.get("/subscribedSkus").status_code == 401

    def test_missing_role(self, contoso: Tenant, caller: Caller) -> None:
        """Without User.Read.All the counts can be read, the users cannot: 403, never an empty list."""
        contoso.consent(APP, ["Organization.Read.All"])

        refused = caller.get("/users")

        assert caller.get("/subscribedSkus").status_code == 200
        assert (refused.status_code, refused.json()["error"]["code"]) == (403, "Authorization_RequestDenied")

    def test_withdrawn_consent_shows_in_the_next_token(self, contoso: Tenant, caller: Caller) -> None:
        """A token that is out stays good; the next one is refused as 400 unauthorized_client."""
        assert caller.token
        contoso.withdraw_consent(APP)

        assert caller.get("/subscribedSkus").status_code == 200
        refused = caller.sign_in()
        assert (refused.status_code, refused.json()["error"]) == (400, "unauthorized_client")


class TestBatch:
    def test_one_request_reads_a_tenant(self, caller: Caller, five: list[str]) -> None:
        """Each item has its own status and headers; a link inside a body is whole and leads to a single read."""
        items = caller.batched(
            get("skus", "/subscribedSkus"),
            get("users", f"{LICENSED}&$top=3", ConsistencyLevel="eventual"),
            get("forgetful", LICENSED),
        )

        assert [items[key]["status"] for key in ("skus", "users", "forgetful")] == [200, 200, 400]
        assert items["skus"]["headers"]["x-ms-resource-unit"] == "3"
        rest = caller.get(items["users"]["body"]["@odata.nextLink"], EVENTUAL).json()
        assert ids([items["users"]["body"], rest]) == five

    def test_answers_come_in_another_order(self, caller: Caller) -> None:
        """Whoever reads answers by position is wrong sooner or later, and in the same way on every run."""
        asked = [get(str(number), "/organization") for number in range(8)]

        orders = [[item["id"] for item in caller.batch(*asked).json()["responses"]] for _ in range(2)]

        assert sorted(orders[0]) == sorted(orders[1]) == [str(number) for number in range(8)]
        assert orders[0] != orders[1] != [str(number) for number in range(8)]

    @pytest.mark.parametrize("numbers", [[], [1, 1], range(21)])
    def test_envelope_is_refused_as_a_whole(self, caller: Caller, numbers: list[int]) -> None:
        """No item, two of one id or more than 20: 400, and none is answered."""
        caller.strict = False

        assert caller.batch(*(get(str(number), "/organization") for number in numbers)).status_code == 400

    def test_dependent_item_fails_with_its_forerunner(self, caller: Caller) -> None:
        """424 for what waits on a failed item."""
        items = caller.batched(get("a", "/users?$skip=1"), {**get("b", "/organization"), "dependsOn": ["a"]})

        assert [items[key]["status"] for key in "ab"] == [400, 424]


class TestThrottling:
    @pytest.mark.parametrize(
        ("target", "units"),
        [
            ("/subscribedSkus", 3),  # base
            ("/subscribedSkus?$select=skuId", 2),
            ("/users", 2),
            ("/users?$select=id", 1),
            ("/users?$select=id&$top=5", 1),  # 1 - 1 for $top below 20, but never below 1
        ],
    )
    def test_price(self, caller: Caller, target: str, units: int) -> None:
        """Every read tells its price in resource units."""
        assert caller.get(target).headers["x-ms-resource-unit"] == str(units)

    def test_quota(self, world: MicrosoftSimulator, caller: Caller) -> None:
        """10 units in 10 seconds are three reads at 3; the share is told above 80 %, the fourth read waits."""
        world.graph.throttle = Throttle(allowed=10)
        answers = [caller.get("/subscribedSkus") for _ in range(4)]

        assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
        # 3 * 3 / 10
        assert answers[2].headers["x-ms-throttle-limit-percentage"] == "0.90"
        assert answers[3].headers["x-ms-throttle-scope"].endswith(f"/{APP}/{CONTOSO}")
        world.clock.advance(seconds=int(answers[3].headers["retry-after"]))
        assert caller.get("/subscribedSkus").status_code == 200
