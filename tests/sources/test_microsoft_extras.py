"""Groups, mailboxes and devices: read whole or left as a gap, beside a snapshot that stands in either case."""

import pytest

from agent.domain.counts import Account, Coverage, Group, MailboxKind, Needs
from agent.domain.findings import Code
from agent.simulators.microsoft import READ_LICENCES, Odd, Tenant
from tests.sources.office import APP, CONTOSO, CONTOSO_ACCOUNT, Office

SALES = "77777777-0000-4000-8000-000000000001"
NESTED = "77777777-0000-4000-8000-000000000002"
NOWHERE = "77777777-0000-4000-8000-00000000ffff"
READS_GROUPS = (*READ_LICENCES, "GroupMember.Read.All")
READS_MAILBOXES = (*READ_LICENCES, "Reports.Read.All")
READS_DEVICES = (*READ_LICENCES, "DeviceManagementManagedDevices.Read.All")
MAILBOXES = Needs(mailboxes=True)
DEVICES = Needs(devices=True)


def logins(group: Group) -> list[str]:
    return sorted(member.login for member in group.people)


@pytest.fixture
def sales(contoso: Tenant) -> Needs:
    """Ann herself, and Bob and a tablet by a group inside it that holds the outer one in turn."""
    contoso.consent(APP, READS_GROUPS)
    contoso.add_user("ann@contoso.com", "Ann", ["SPB"])
    contoso.add_user("bob@contoso.com", "Bob", enabled=False)
    tablet = contoso.add_device("TABLET-7")
    contoso.add_group("Sales", ["ann@contoso.com"], id=SALES)
    contoso.add_group("Sales, field", ["bob@contoso.com", tablet, SALES], id=NESTED)
    contoso.set_members(SALES, ["ann@contoso.com", NESTED])
    return Needs(frozenset({SALES}))


@pytest.fixture
def boxes(contoso: Tenant) -> Tenant:
    """One of Ann's, two shared ones, a room."""
    contoso.consent(APP, READS_MAILBOXES)
    contoso.add_mailbox("ann@contoso.com", "Ann", "User")
    contoso.add_mailbox("info@contoso.com", "Info")
    contoso.add_mailbox("orders@contoso.com", "Orders")
    contoso.add_mailbox("room1@contoso.com", "Room 1", "Room")
    return contoso


class TestGroups:
    def test_nested_members_count_and_groups_do_not(self, office: Office, sales: Needs) -> None:
        """Ann and Bob are people, the tablet is a device, and the two groups that hold each other are neither."""
        group = office.observe(sales).groups[SALES]
        assert logins(group) == ["ann@contoso.com", "bob@contoso.com"]
        assert [device.name for device in group.devices] == ["TABLET-7"]
        assert {member.login: member.enabled for member in group.people}["bob@contoso.com"] is False

    def test_groups_ride_in_the_batch(self, office: Office, sales: Needs) -> None:
        """Licences, purchases, people and seventeen groups are one request; the eighteenth group makes it two."""
        office.observe(sales)
        assert [request.path for request in office.graph_requests] == ["/v1.0/$batch"]
        many = [f"77777777-0000-4000-8000-0000000001{number:02}" for number in range(18)]
        for group in many:
            office.tenant.add_group(group, ["ann@contoso.com"], id=group)
        assert office.observe(Needs(frozenset(many))).groups.keys() == set(many)
        assert [request.path for request in office.graph_requests[1:]] == ["/v1.0/$batch"] * 2

    def test_large_group_is_read_to_its_end(self, office: Office, sales: Needs) -> None:
        """1,200 members come in two pages."""
        people = [office.tenant.add_user(f"u{n}@contoso.com", f"User {n}") for n in range(1200)]
        office.tenant.set_members(SALES, people)
        assert len(office.observe(sales).groups[SALES].people) == 1200

    def test_without_permission_there_is_a_gap(self, office: Office, contoso: Tenant, sales: Needs) -> None:
        """The rest of the snapshot stands, and the gap names the permission and the link to consent."""
        contoso.consent(APP, READ_LICENCES)
        seen = office.observe(sales)
        assert (seen.groups, len(seen.members)) == ({}, 1)
        assert seen.gaps[SALES].code is Code.PERMISSION_MISSING
        assert "GroupMember.Read.All" in seen.gaps[SALES].reason
        assert f"/{CONTOSO}/adminconsent" in seen.gaps[SALES].remedy

    def test_group_that_is_not_there_is_a_gap_of_its_own(self, office: Office, sales: Needs) -> None:
        """A wrong id, or a group that was deleted: nobody is in it, but that is not to be billed on."""
        seen = office.observe(Needs(frozenset({SALES, NOWHERE})))
        assert seen.groups.keys() == {SALES}
        assert seen.gaps[NOWHERE].code is Code.GROUP_GONE

    @pytest.mark.parametrize("odd", [Odd.ERROR, Odd.TOO_MANY, Odd.PAGE_SHORT, Odd.COUNT_WRONG])
    def test_trouble_that_lasts_is_a_gap(self, office: Office, sales: Needs, odd: Odd) -> None:
        """A group's list that fails, or is short, leaves licences and people as they are."""
        office.microsoft.graph.oddities.add(odd, path="/transitiveMembers", times=None, seconds=10)
        seen = office.observe(sales)
        assert (seen.groups, len(seen.members)) == ({}, 1)
        assert seen.gaps[SALES].code is Code.SOURCE_INCOMPLETE

    def test_long_wait_for_a_group_holds_nobody_up(self, office: Office, sales: Needs) -> None:
        """Throttled for an hour: a gap at once, and no wait."""
        office.microsoft.graph.oddities.add(Odd.TOO_MANY, path="/transitiveMembers", seconds=3600)
        assert office.observe(sales).gaps.keys() == {SALES}
        assert office.waits == []


class TestMailboxes:
    def test_kinds_are_told_apart(self, office: Office, boxes: Tenant) -> None:
        """One of a person, two shared; the room is neither, and the deleted one is gone."""
        boxes.add_mailbox("old@contoso.com", "Old")
        boxes.delete_mailbox("old@contoso.com")
        seen = office.observe(MAILBOXES)
        found = {kind: sorted(box.login for box in held) for kind, held in seen.mailboxes.items()}
        assert found == {
            MailboxKind.USER: ["ann@contoso.com"],
            MailboxKind.SHARED: ["info@contoso.com", "orders@contoso.com"],
        }
        assert Coverage.MAILBOXES in seen.coverage

    def test_both_spellings_of_the_kinds(self, office: Office, boxes: Tenant) -> None:
        """Some tenants' reports say SharedMailbox where others say Shared."""
        boxes.spell_reports(long_kinds=True)
        assert len(office.observe(MAILBOXES).mailboxes[MailboxKind.SHARED]) == 2

    def test_concealed_names_are_counted_and_not_told(self, office: Office, boxes: Tenant) -> None:
        """The number stands; a hash is nobody's name and comes on no invoice."""
        boxes.spell_reports(conceals_names=True)
        shared = office.observe(MAILBOXES).mailboxes[MailboxKind.SHARED]
        assert [(box.login, box.name) for box in shared] == [("", ""), ("", "")]

    def test_report_in_pages(self, office: Office, boxes: Tenant) -> None:
        """450 shared mailboxes and 4 others in pages of 200."""
        for number in range(448):
            boxes.add_mailbox(f"box{number}@contoso.com", f"Box {number}")
        assert len(office.observe(MAILBOXES).mailboxes[MailboxKind.SHARED]) == 450

    def test_report_is_asked_for_only_where_it_is_needed(self, office: Office, boxes: Tenant) -> None:
        """One request without, two with it."""
        assert Coverage.MAILBOXES not in office.observe().coverage
        office.observe(MAILBOXES)
        assert [request.path.split("(")[0] for request in office.graph_requests] == [
            "/v1.0/$batch",
            "/v1.0/$batch",
            "/beta/reports/getMailboxUsageDetail",
        ]

    def test_without_permission_there_is_a_gap(self, office: Office, boxes: Tenant) -> None:
        """The count is off, the licences are read, and the remedy says what to grant."""
        boxes.consent(APP, READ_LICENCES)
        seen = office.observe(MAILBOXES)
        assert (seen.mailboxes, len(seen.observations)) == ({}, 2)
        assert seen.gaps[Coverage.MAILBOXES].code is Code.PERMISSION_MISSING
        assert "Reports.Read.All" in seen.gaps[Coverage.MAILBOXES].reason

    @pytest.mark.parametrize("odd", [Odd.ERROR, Odd.EMPTY_LIST, Odd.VALUE_MISSING])
    def test_report_that_is_not_there_is_a_gap(self, office: Office, boxes: Tenant, odd: Odd) -> None:
        """An empty report is one that is not made yet: no mailbox is not zero mailboxes."""
        office.microsoft.graph.oddities.add(odd, path="getMailboxUsageDetail", times=None)
        office.assert_published = lambda: None  # type: ignore[method-assign]  # a list without its value
        seen = office.observe(MAILBOXES)
        assert (seen.mailboxes, seen.gaps[Coverage.MAILBOXES].code) == ({}, Code.SOURCE_INCOMPLETE)


class TestCheck:
    def test_missing_permissions_are_findings(self, office: Office) -> None:
        """The tenant can be read; what two rows need cannot."""
        needs = Needs(frozenset({SALES}), mailboxes=True)
        found = office.source().check(CONTOSO_ACCOUNT, needs)
        assert {finding.code for finding in found} == {Code.PERMISSION_MISSING}
        assert [finding.subject for finding in found] == [
            f"{CONTOSO}/GroupMember.Read.All",
            f"{CONTOSO}/Reports.Read.All",
        ]

    def test_permission_that_rows_elsewhere_need_is_not_too_wide(self, office: Office, contoso: Tenant) -> None:
        """One application is consented to as a whole, in every tenant."""
        contoso.consent(APP, READS_MAILBOXES)
        assert office.source().check(CONTOSO_ACCOUNT, elsewhere=MAILBOXES) == []
        (found,) = office.source().check(CONTOSO_ACCOUNT)
        assert (found.code, found.subject) == (Code.PERMISSION_TOO_WIDE, f"{CONTOSO}/Reports.Read.All")

    @pytest.mark.parametrize("role", ["GroupMember.Read.All", "GroupMember.ReadBasic.All"])
    def test_either_permission_for_groups_will_do(self, office: Office, contoso: Tenant, role: str) -> None:
        """Microsoft has a narrow one for members alone."""
        contoso.consent(APP, (*READ_LICENCES, role))
        assert office.source().check(Account("microsoft", CONTOSO), Needs(frozenset({SALES}))) == []


class TestDevices:
    def test_devices_are_told_by_what_they_run(self, office: Office, contoso: Tenant) -> None:
        """Two of Windows and one of macOS, whoever uses them; what nobody knows is the rest."""
        contoso.consent(APP, READS_DEVICES)
        for name, system in (("PC1", "Windows"), ("PC2", "Windows"), ("AIR", "macOS"), ("TILL", "Fuchsia")):
            contoso.add_device(name, system=system)
        seen = office.observe(DEVICES)
        held = {system.value: sorted(one.login for one in found) for system, found in seen.devices.items() if found}
        assert held == {"windows": ["PC1", "PC2"], "macos": ["AIR"], "other": ["TILL"]}
        assert Coverage.DEVICES in seen.coverage

    def test_tenant_without_intune_is_a_gap(self, office: Office, contoso: Tenant) -> None:
        """Microsoft refuses the list there; the licences are read all the same."""
        contoso.consent(APP, READS_DEVICES)
        seen = office.observe(DEVICES)
        assert seen.gaps[Coverage.DEVICES].code is Code.SOURCE_INCOMPLETE
        assert len(seen.observations) == 2

    def test_missing_permission_is_named(self, office: Office, contoso: Tenant) -> None:
        """With the link by which it is consented to."""
        contoso.add_device("PC1")
        gap = office.observe(DEVICES).gaps[Coverage.DEVICES]
        assert gap.code is Code.PERMISSION_MISSING
        assert "DeviceManagementManagedDevices.Read.All" in gap.remedy
        [missing] = office.source().check(CONTOSO_ACCOUNT, DEVICES)
        assert missing.code is Code.PERMISSION_MISSING
