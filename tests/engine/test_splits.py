"""Splits and counts from the mapping file to the line of the agreement."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.domain.findings import Code
from agent.simulators.microsoft import READ_LICENCES
from tests.engine.firm import Firm
from tests.sources.office import APP

YEARLY, MONTHLY = "aaaaaaaa-0000-4000-8000-000000000001", "aaaaaaaa-0000-4000-8000-000000000002"
GROUP, NESTED = "bbbbbbbb-0000-4000-8000-000000000001", "bbbbbbbb-0000-4000-8000-000000000002"


@pytest.fixture
def firm(tmp_path: Path) -> Iterator[Firm]:
    """Ten people with Business Premium: six in Sales, four in Support."""
    made = Firm(tmp_path)
    made.tenant.add_subscription("SPB", 10)
    for number in range(10):
        department = "Sales" if number < 6 else "Support"
        made.tenant.add_user(f"u{number}@contoso.com", f"User {number}", ["SPB"], department=department)
    yield made
    made.cycle.store.dispose()


WHOLE = '[[row]]\nlicence = "SPB"\nprofile = "bp"\nagreement = 1021\nadopt = true\n'
SALES = '[[row]]\nlicence = "SPB"\nusers = { department = "Sales" }\nprofile = "bp"\nagreement = 1021\nname = "sales"\n'
SUPPORT = '[[row]]\nlicence = "SPB"\nusers = { department = "Support" }\nprofile = "bp"\nagreement = 1022\n'


def test_devices_of_the_tenant(firm: Firm) -> None:
    """Three managed devices, two of them Windows; when nothing is listed any more, both lines stay."""
    firm.agree(1021)
    firm.tenant.consent(APP, (*READ_LICENCES, "DeviceManagementManagedDevices.Read.All"))
    for number, system in enumerate(("Windows", "Windows", "macOS")):
        firm.tenant.add_device(f"PC{number}", system=system)
    rows = '[[row]]\ncount = {{ devices = "{}" }}\nprofile = "{}"\nagreement = 1021\n'
    firm.map(rows.format("all", "care") + rows.format("windows", "box"))
    firm.settle()
    both = [("BOX", 2, "2026-03-17", ""), ("CARE", 3, "2026-03-17", "")]
    assert firm.lines(1021) == both
    firm.tenant.consent(APP, READ_LICENCES)
    firm.pass_time(hours=2)
    firm.settle()
    assert firm.lines(1021) == both
    assert len(firm.found(Code.PERMISSION_MISSING)) == 2


def test_split_by_group(firm: Firm) -> None:
    """Two of ten are in a group inside the one that a row names, the eight others in another: 2 and 8.

    Without the permission for groups both lines stay as they are, though the two have left the group meanwhile.
    """
    firm.agree(1021, 1022)
    firm.tenant.consent(APP, (*READ_LICENCES, "GroupMember.Read.All"))
    firm.tenant.add_group("Inner", ["u0@contoso.com", "u1@contoso.com"], id=NESTED)
    firm.tenant.add_group("Outer", [NESTED], id=GROUP)
    firm.tenant.add_group("Others", [f"u{number}@contoso.com" for number in range(2, 10)], id=OTHERS)
    both = "".join(
        f'[[row]]\nlicence = "SPB"\nusers = {{ group = "{group}" }}\nprofile = "bp"\nagreement = {agreement}\n'
        for group, agreement in ((GROUP, 1021), (OTHERS, 1022))
    )
    firm.map(both)
    firm.settle()
    assert firm.lines(1021) == [("BP", 2, "2026-03-17", "")]
    assert firm.lines(1022) == [("BP", 8, "2026-03-17", "")]
    firm.tenant.consent(APP, READ_LICENCES)
    firm.tenant.set_members(NESTED, [])
    firm.pass_time(hours=2)
    firm.settle()
    assert {found.finding.subject.split("/")[1] for found in firm.found(Code.PERMISSION_MISSING)} == {"1021", "1022"}
    assert firm.lines(1021) == [("BP", 2, "2026-03-17", "")]


OTHERS = "bbbbbbbb-0000-4000-8000-000000000003"


def test_people_in_two_rows_stop_both(firm: Firm) -> None:
    """Sales and a group that holds one of Sales: neither line moves, and the finding names the person."""
    firm.agree(1021, 1022)
    firm.tenant.consent(APP, (*READ_LICENCES, "GroupMember.Read.All"))
    firm.tenant.add_group("Some", ["u0@contoso.com", "u9@contoso.com"], id=GROUP)
    firm.map(SALES + SUPPORT.replace('department = "Support"', f'group = "{GROUP}"'))
    firm.settle()
    assert [len(firm.lines(agreement)) for agreement in (1021, 1022)] == [0, 0]
    assert all("u0@contoso.com" in found.finding.sentence for found in firm.found(Code.OVERLAP))
    (left,) = firm.found(Code.LEFTOVER_SEATS)
    assert "3 users of Microsoft 365 Business Premium in no row: u6@contoso.com" in left.finding.sentence


def test_split_by_domain(firm: Firm) -> None:
    """Three of thirteen sign in as …@contoso-west.com."""
    firm.agree(1021, 1022)
    firm.tenant.buy("SPB", 3)
    for number in range(3):
        firm.tenant.add_user(f"w{number}@Contoso-West.com", f"West {number}", ["SPB"])
    firm.map(
        SALES.replace('department = "Sales"', 'domain = "contoso.com"')
        + SUPPORT.replace('department = "Support"', 'domain = "contoso-west.com"')
    )
    firm.settle()
    assert [firm.lines(agreement)[0][1] for agreement in (1021, 1022)] == [10, 3]


def test_counts_that_are_no_licence(firm: Firm) -> None:
    """A group of two people and a device, a domain, two shared mailboxes, a fixed number: a line each."""
    firm.agree(1021)
    firm.tenant.consent(APP, (*READ_LICENCES, "GroupMember.Read.All", "Reports.Read.All"))
    firm.tenant.add_user("unlicensed@contoso.com", "Una")
    tablet = firm.tenant.add_device("TABLET-7")
    firm.tenant.add_group("Care", ["u0@contoso.com", "unlicensed@contoso.com", tablet], id=GROUP)
    for name in ("info", "orders"):
        firm.tenant.add_mailbox(f"{name}@contoso.com", name.title())
    counts = (
        ("people", f'{{ group = "{GROUP}" }}', "care"),
        ("devices", f'{{ group = "{GROUP}", members = "devices" }}', "care"),
        ("domain", '{ domain = "contoso.com" }', "care"),
        ("boxes", '{ mailboxes = "shared" }', "box"),
        ("servers", "{ fixed = 7 }", "care"),
    )
    firm.map(
        "".join(
            f'[[row]]\ncount = {count}\nname = "{name}"\nprofile = "{profile}"\nagreement = 1021\n'
            for name, count, profile in counts
        )
    )
    firm.settle()
    assert sorted(line[1] for line in firm.lines(1021) if line[0] == "CARE") == [1, 2, 7, 10]
    assert [line[1] for line in firm.lines(1021) if line[0] == "BOX"] == [2]
    # Neither permission any more: whatever happens meanwhile, what was billed stays, and so does the fixed number.
    firm.tenant.consent(APP, READ_LICENCES)
    firm.tenant.delete_mailbox("info@contoso.com")
    firm.pass_time(hours=2)
    firm.settle()
    assert [line[1] for line in firm.lines(1021) if line[0] == "BOX"] == [2]
    (boxes,) = [found for found in firm.found(Code.PERMISSION_MISSING) if "mailboxes" in found.finding.subject]
    assert "Reports.Read.All is missing in this tenant" in boxes.finding.sentence
    assert "adminconsent" in boxes.finding.remedy
