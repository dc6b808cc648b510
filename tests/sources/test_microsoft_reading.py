"""From Graph's rows to observations and members (Microsoft: reference 2)."""

from datetime import UTC, datetime

import pytest

from agent.domain.counts import Account, Coverage, Status
from agent.errors import AccessDenied, Incomplete
from agent.simulators.microsoft import Odd, Tenant
from agent.simulators.wire import serve
from agent.sku_table import with_names
from agent.sources.microsoft.reads import DATED_USERS
from agent.sources.microsoft.records import Members
from tests.sources.office import APP, CONTOSO_ACCOUNT, MARCH, SPB, SPE_E3, Office

STREAM = "1f2f344a-700d-42c9-9427-5cea1d5d7ba6"
UNHEARD_OF = "a6d18b68-a67e-4cbd-ba00-8744bc468faa"


class TestLicences:
    def test_enabled_and_warning_are_bought(self, office: Office, contoso: Tenant) -> None:
        """12 enabled and 5 in their month of grace are 17 to bill; 4 suspended and 3 locked out are none."""
        contoso.add_subscription("SPB", 5, status="Warning")
        contoso.add_subscription("SPB", 4, status="Suspended")
        contoso.add_subscription("SPB", 3, status="LockedOut")
        found = office.observe().observations[SPB]
        assert (found.purchased, found.prepaid, found.contradicts_itself) == (17, 17, False)
        assert sorted(one.status for one in found.subscriptions) == ["Enabled", "LockedOut", "Suspended", "Warning"]

    def test_more_assigned_than_bought_is_told_as_it_is(self, office: Office, contoso: Tenant) -> None:
        """Three hold what was reduced to two: never clamped, and nothing is unassigned."""
        for name in ("ann", "bob", "cem"):
            contoso.add_user(f"{name}@contoso.com", name, ["SPE_E3"])
        contoso.reduce("SPE_E3", 1)
        found = office.observe().observations[SPE_E3]
        assert (found.purchased, found.assigned, found.unassigned) == (2, 3, 0)

    def test_purchase_keeps_its_facts(self, office: Office, contoso: Tenant) -> None:
        """When it began and ends, whether it is a trial, and whose sale it was."""
        id = contoso.add_subscription(
            "SPB",
            7,
            created="2026-01-31T23:30:00+00:00",
            next_lifecycle="2027-01-31T00:00:00+00:00",
            trial=True,
            owner_tenant="4F1C0000-0000-4000-8000-00000000FFFF",
        )
        bought = {one.id: one for one in office.observe().observations[SPB].subscriptions}[id]
        assert (bought.quantity, bought.status, bought.trial) == (7, Status.ENABLED, True)
        assert (bought.created, bought.renews) == (
            datetime(2026, 1, 31, 23, 30, tzinfo=UTC),
            datetime(2027, 1, 31, tzinfo=UTC),
        )
        assert bought.owner == "4f1c0000-0000-4000-8000-00000000ffff"

    def test_unknown_state_contradicts(self, office: Office, contoso: Tenant) -> None:
        """A state that Microsoft adds tomorrow is no number to bill on."""
        office.assert_published = lambda: None  # type: ignore[method-assign]  # on purpose not as published
        contoso.add_subscription("SPB", 5, status="Hibernating")
        assert office.observe().observations[SPB].contradicts_itself

    def test_licence_without_purchase_counts_its_own_units(self, office: Office, contoso: Tenant) -> None:
        """Free licences come with a million units and no subscription."""
        contoso.add_sku("STREAM", enabled=1_000_000)
        found = office.observe().observations[STREAM]
        assert (found.purchased, found.subscriptions, found.contradicts_itself) == (1_000_000, (), False)

    def test_licence_of_the_company_has_no_people(self, office: Office, contoso: Tenant) -> None:
        """Company-scoped licences are never assigned, so none of their units is unassigned."""
        contoso.add_subscription("SHAREPOINTSTORAGE", 500, applies_to="Company")
        found = next(one for one in office.observe().observations.values() if one.part_number == "SHAREPOINTSTORAGE")
        assert (found.per_user, found.purchased, found.unassigned) == (False, 500, 0)

    def test_licence_with_nothing_left_is_still_seen(self, office: Office, contoso: Tenant) -> None:
        """Zero is an observation; no observation is not zero."""
        (bought,) = contoso.holdings.subscriptions_of(SPE_E3)
        contoso.change_subscription(bought.id, status="Suspended")
        found = office.observe().observations[SPE_E3]
        assert (found.purchased, found.prepaid, found.contradicts_itself) == (0, 0, False)

    def test_live_purchase_of_a_vanished_licence_contradicts(self, office: Office) -> None:
        """subscribedSkus leaves E3 out while its purchase of 3 is live: not zero, but no number either."""
        office.microsoft.graph.oddities.add(Odd.SKU_VANISHED, path="subscribedSkus", sku=SPE_E3)
        found = office.observe().observations[SPE_E3]
        assert (found.prepaid, found.purchased, found.contradicts_itself) == (0, 3, True)

    def test_total_that_purchases_do_not_make_up_contradicts(self, office: Office, contoso: Tenant) -> None:
        """12 were bought, the total says 14."""
        contoso.change_sku("SPB", units={"enabled": 14})
        assert office.observe().observations[SPB].contradicts_itself

    def test_names_fall_back_step_by_step(self, office: Office, contoso: Tenant) -> None:
        """The operator's name, the table's, the part number; nothing is dropped for want of a name."""
        contoso.add_sku(UNHEARD_OF, part_number="CONTOSO_SPECIAL", enabled=4)
        found = office.observe(names=with_names({SPE_E3.upper(): "Desk E3"})).observations
        assert [found[sku].name for sku in (SPE_E3, SPB, UNHEARD_OF)] == [
            "Desk E3",
            "Microsoft 365 Business Premium",
            "CONTOSO_SPECIAL",
        ]

    def test_tenant_without_licences_is_empty(self, office: Office, contoso: Tenant) -> None:
        """The source says what it saw; whether to believe an empty tenant is the engine's to judge."""
        contoso.remove_sku("SPB")
        contoso.remove_sku("SPE_E3")
        seen = office.observe()
        assert (seen.observations, seen.members) == ({}, ())
        assert seen.coverage == {Coverage.LICENCES, Coverage.SUBSCRIPTIONS, Coverage.MEMBERS}


class TestMembers:
    def test_attributes_have_our_names(self, office: Office, contoso: Tenant) -> None:
        """What filters of mapping files compare; an attribute without a value is absent."""
        contoso.add_user(
            "ann@contoso.com",
            "Ann Ito",
            ["SPB"],
            department="Sales",
            office="Perth",
            city="Perth",
            state="WA",
            country="Australia",
            company="Contoso West",
            title="Clerk",
            extension={"1": "Franchise 7", "15": "x"},
        )
        (ann,) = office.observe().members
        assert (ann.login, ann.name, ann.enabled, ann.guest) == ("ann@contoso.com", "Ann Ito", True, False)
        assert ann.licences == {SPB}
        assert ann.attributes == {
            "department": "Sales",
            "office": "Perth",
            "city": "Perth",
            "state": "WA",
            "country": "Australia",
            "company": "Contoso West",
            "job-title": "Clerk",
            "extension-1": "Franchise 7",
            "extension-15": "x",
        }

    def test_only_people_with_licences_are_members(self, office: Office, contoso: Tenant) -> None:
        """Two licences make one member; none makes none."""
        contoso.add_user("ann@contoso.com", "Ann", ["SPB", "SPE_E3"])
        contoso.add_user("bob@contoso.com", "Bob")
        assert [(member.name, member.licences) for member in office.observe().members] == [("Ann", {SPB, SPE_E3})]

    def test_disabled_people_and_guests_are_told_apart(self, office: Office, contoso: Tenant) -> None:
        """They hold licences like everybody, and rows may leave them out."""
        contoso.add_user("ann@contoso.com", "Ann", ["SPB"], enabled=False)
        contoso.add_user("bob@partner.com", "Bob", ["SPB"], user_type="Guest")
        told = {member.name: (member.enabled, member.guest) for member in office.observe().members}
        assert told == {"Ann": (False, False), "Bob": (True, True)}

    def test_licence_from_a_group_counts_like_ones_own(self, office: Office, contoso: Tenant) -> None:
        """Direct and inherited at once is one licence."""
        ann = contoso.add_user("ann@contoso.com", "Ann", ["SPB"])
        bob = contoso.add_user("bob@contoso.com", "Bob")
        contoso.add_group("Licensed", [ann, bob], ["SPB"])
        seen = office.observe()
        assert {member.name: member.licences for member in seen.members} == {"Ann": {SPB}, "Bob": {SPB}}
        assert seen.observations[SPB].assigned == 2

    def test_equal_combinations_are_kept_once(self, office: Office, contoso: Tenant) -> None:
        """A thousand clerks share one set of licences and one mapping of attributes."""
        for name in ("ann", "bob"):
            contoso.add_user(f"{name}@contoso.com", name, ["SPB"], department="Sales")
        ann, bob = office.observe().members
        assert ann.licences is bob.licences
        assert ann.attributes is bob.attributes

    def test_day_of_an_assignment_comes_along(self, office: Office, contoso: Tenant) -> None:
        """No request more; of several ways to hold a licence the older one counts."""
        ann = contoso.add_user("ann@contoso.com", "Ann", ["SPB"], created="2026-01-05T10:00:00+00:00")
        bob = contoso.add_user("bob@contoso.com", "Bob", created="2025-11-01T10:00:00+00:00")
        contoso.assign(ann, "SPE_E3")
        contoso.assign(bob, "SPB")
        contoso.add_group("Licensed", [bob], ["SPB"])
        found = {member.name: member.assigned for member in office.observe().members}
        assert found["Ann"] == {SPB: datetime(2026, 1, 5, 10, tzinfo=UTC), SPE_E3: MARCH}
        assert found["Bob"] == {SPB: datetime(2025, 11, 1, 10, tzinfo=UTC)}
        assert len(office.graph_requests) == 1

    def test_day_that_is_not_asked_for_is_not_known(self, office: Office, contoso: Tenant) -> None:
        """A setting leaves it out of the same request."""
        contoso.add_user("ann@contoso.com", "Ann", ["SPB"])
        [ann] = office.observe(dates=False).members
        assert (ann.assigned, ann.licences) == ({}, {SPB})
        assert b"licenseAssignmentStates" not in office.graph_requests[0].body

    @pytest.mark.parametrize(
        "told",
        [
            b"null",
            b"[]",
            b'[{"skuId": null, "state": "Active", "lastUpdatedDateTime": "2026-03-01T00:00:00Z"}]',
            b'[{"skuId": "%b", "state": "Active", "lastUpdatedDateTime": "0001-01-01T00:00:00Z"}]' % SPB.encode(),
            b'[{"skuId": "%b", "state": "Active", "lastUpdatedDateTime": "last week"}]' % SPB.encode(),
            b'[{"skuId": "%b", "state": "Error", "lastUpdatedDateTime": "2026-03-01T00:00:00Z"}]' % SPB.encode(),
        ],
    )
    def test_day_that_is_not_told_is_not_known_and_fails_nothing(self, told: bytes) -> None:
        """No number rests on it, so nothing that is wrong with it may stop a number."""
        user = b'{"id": "1", "assignedLicenses": [{"skuId": "%b"}], ' % SPB.encode()
        user += b'"licenseAssignmentStates": %b}' % told
        members = Members()
        members.take(DATED_USERS.decoder.decode(b'{"value": [%b]}' % user))
        [member] = members.whole()
        assert (member.licences, member.assigned) == ({SPB}, {})

    def test_without_members_users_are_not_asked_for(self, office: Office, contoso: Tenant) -> None:
        """Organization.Read.All is enough then, and the coverage does not claim what was not read."""
        contoso.consent(APP, ["Organization.Read.All"])
        seen = office.observe(members=False)
        assert seen.coverage == {Coverage.LICENCES, Coverage.SUBSCRIPTIONS}
        assert b"users" not in office.graph_requests[0].body


class TestRequests:
    def test_small_tenant_costs_one_request(self, office: Office, contoso: Tenant) -> None:
        """Discovery and token come once; each reading after that is one batch, up to 999 licensed users."""
        for number in range(999):
            contoso.add_user(f"u{number}@contoso.com", f"User {number}", ["SPB"])
        source = office.source()
        assert len(source.observe(CONTOSO_ACCOUNT).members) == 999
        source.observe(CONTOSO_ACCOUNT)
        discovery, token, *reads = office.requests
        assert discovery.endswith("openid-configuration")
        assert token.endswith("/token")
        assert reads == ["POST /v1.0/$batch", "POST /v1.0/$batch"]

    def test_every_page_says_consistency_again(self, office: Office, contoso: Tenant) -> None:
        """Graph forgets the header from page to page; the link itself is followed as it is."""
        for number in range(2005):
            contoso.add_user(f"u{number}@contoso.com", f"User {number}", ["SPB"])
        assert len(office.observe().members) == 2005
        batch, *pages = office.graph_requests
        assert [page.headers["ConsistencyLevel"] for page in pages] == ["eventual", "eventual"]
        assert all("$skiptoken=" in page.target for page in pages)
        assert b"ConsistencyLevel" in batch.body

    def test_only_what_failed_is_asked_again_and_after_its_wait(self, office: Office) -> None:
        """The batch's users are throttled for 17 s: one wait of 17 s, one request for the users alone."""
        office.microsoft.graph.oddities.add(Odd.TOO_MANY, path="/users", seconds=17)
        office.observe()
        assert [request.path for request in office.graph_requests] == ["/v1.0/$batch", "/v1.0/users"]
        assert office.waits == [17]

    def test_longest_wait_of_several_counts(self, office: Office) -> None:
        """Two items are throttled, for 5 and for 20 seconds: both are asked again after 20."""
        office.microsoft.graph.oddities.add(Odd.TOO_MANY, path="/users", seconds=5)
        office.microsoft.graph.oddities.add(Odd.TOO_MANY, path="/subscribedSkus", seconds=20)
        office.observe()
        assert office.waits == [20]
        assert len(office.graph_requests) == 3

    def test_batch_too_large_for_graph_is_taken_apart(self, office: Office) -> None:
        """413 for one item is the batch's limit, not the read's."""
        office.microsoft.graph.oddities.add(Odd.ERROR, path="/users", status=413)
        assert Coverage.MEMBERS in office.observe().coverage

    def test_empty_page_with_a_link_is_not_the_end(self, office: Office, contoso: Tenant) -> None:
        """Graph may send no rows yet and a link to them."""
        contoso.add_user("ann@contoso.com", "Ann", ["SPB"])
        office.microsoft.graph.oddities.add(Odd.EMPTY_PAGE, path="/users")
        assert len(office.observe().members) == 1

    def test_link_to_itself_is_not_followed_for_ever(self, office: Office, contoso: Tenant) -> None:
        """The same link a second time ends the reading."""
        office.microsoft.graph.oddities.add(Odd.EMPTY_PAGE, path="/users", times=None)
        with pytest.raises(Incomplete, match="does not end"):
            office.observe()
        assert len(office.graph_requests) < 5

    def test_token_never_follows_a_foreign_link(self, office: Office) -> None:
        """A link to another host is an error before anything is sent there."""
        office.microsoft.graph.oddities.add(Odd.FOREIGN_LINK, path="/users")
        with pytest.raises(Incomplete, match="outside itself"):
            office.observe()
        assert len(office.graph_requests) == 1

    def test_simulator_on_a_port_is_read_like_microsoft(self, office: Office, contoso: Tenant) -> None:
        """Plain http on loopback, which the token library itself would refuse, pages included."""
        for number in range(1005):
            contoso.add_user(f"u{number}@contoso.com", f"User {number}", ["SPB"])
        with serve(office.microsoft) as server:
            source = office.source(login_url=server.url, graph_url=f"{server.url}/", transport=None)
            seen = source.observe(CONTOSO_ACCOUNT)
            source.close()
        assert (len(seen.members), seen.observations[SPB].purchased) == (1005, 12)


class TestRefusals:
    def test_missing_permission_is_named(self, office: Office, contoso: Tenant) -> None:
        """Users are forbidden: the sentence names the permission, the remedy the link to consent."""
        contoso.consent(APP, ["Organization.Read.All"])
        with pytest.raises(AccessDenied, match=r"User\.Read\.All") as caught:
            office.observe()
        assert f"/{contoso.id}/adminconsent?client_id={APP}" in caught.value.remedy

    def test_unmapped_answer_is_incomplete(self, office: Office) -> None:
        """An item that answers 400 makes no snapshot without it."""
        office.microsoft.graph.oddities.add(Odd.ERROR, path="/directory/subscriptions", status=400)
        with pytest.raises(Incomplete, match="directory/subscriptions: it answered 400"):
            office.observe()

    def test_unknown_tenant(self, office: Office) -> None:
        """A tenant id that nobody has, before any token is asked for."""
        with pytest.raises(AccessDenied, match="knows no such tenant"):
            office.source().observe(Account("microsoft", "4f1c0000-0000-4000-8000-0000000000ff"))
