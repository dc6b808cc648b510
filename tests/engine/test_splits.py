"""Splits, merges and moves from the mapping file to the invoice: each seat once, to the cent."""

from collections.abc import Iterator
from decimal import Decimal
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


def billed_whole(firm: Firm) -> None:
    """March is invoiced for the ten of them, on one line of agreement 1021, which the row has taken over."""
    firm.agree(1021, 1022)
    firm.sell(1021, "BP", 10)
    firm.map(WHOLE)
    firm.settle()


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


def test_split_by_department_within_an_invoiced_month(firm: Firm) -> None:
    """March is paid for ten; split on the 17th, the old line ends with March and 6 + 4 begin in April.

    April: 10 x 22.00 = 220.00 over both agreements, and so is May.
    """
    billed_whole(firm)
    firm.map(SALES + SUPPORT)
    firm.settle()
    assert firm.lines(1021) == [("BP", 6, "2026-04-01", ""), ("BP", 10, "2025-01-01", "2026-03-31")]
    assert firm.lines(1022) == [("BP", 4, "2026-04-01", "")]
    assert firm.invoice(1021, 1022) == Decimal("220.00")
    assert firm.invoice(1021, 1022) == Decimal("220.00")


def test_merged_again_before_the_split_began(firm: Firm) -> None:
    """Split on the 17th and merged on the 20th: the two lines that were to begin in April bill nothing, ten go on."""
    billed_whole(firm)
    firm.map(SALES + SUPPORT)
    firm.settle()
    firm.move_to("2026-03-20")
    firm.map(WHOLE)
    firm.settle()
    assert ("BP", 10, "2026-04-01", "") in firm.lines(1021)
    assert firm.invoice(1021, 1022) == Decimal("220.00")


def test_merged_a_month_later(firm: Firm) -> None:
    """Split on 17 March, merged on 10 April, when April is invoiced: every month bills ten."""
    billed_whole(firm)
    firm.map(SALES + SUPPORT)
    firm.settle()
    assert firm.invoice(1021, 1022) == Decimal("220.00")
    firm.move_to("2026-04-10")
    firm.run()
    firm.map(WHOLE)
    firm.settle()
    assert firm.lines(1022) == [("BP", 4, "2026-04-01", "2026-04-30")]
    assert firm.invoice(1021, 1022) == Decimal("220.00")


def test_two_more_on_the_day_of_the_split(firm: Firm) -> None:
    """March is paid for ten, and twelve are used from the 17th: 2 x 22.00 x 15/31 = 21.29 beside April's 264.00."""
    billed_whole(firm)
    firm.tenant.buy("SPB", 2)
    for number in (11, 12):
        firm.tenant.add_user(f"u{number}@contoso.com", f"User {number}", ["SPB"], department="Support")
    firm.map(SALES + SUPPORT)
    firm.settle()
    assert firm.invoice(1021, 1022) == Decimal("264.00") + Decimal("21.29")
    assert firm.invoice(1021, 1022) == Decimal("264.00")


def test_one_more_after_the_split(firm: Firm) -> None:
    """Split on the 17th; on the 25th Support gets one more, whom no line carries: 22.00 x 7/31 = 4.97 beside 242.00."""
    billed_whole(firm)
    firm.map(SALES + SUPPORT)
    firm.settle()
    firm.move_to("2026-03-25")
    firm.tenant.buy("SPB", 1)
    firm.tenant.add_user("u11@contoso.com", "User 11", ["SPB"], department="Support")
    firm.settle()
    assert firm.invoice(1021, 1022) == Decimal("242.00") + Decimal("4.97")
    assert firm.invoice(1021, 1022) == Decimal("242.00")


def test_split_in_a_month_that_is_not_invoiced(firm: Firm) -> None:
    """In arrears the old line ends on the 16th, the new ones begin on the 17th; approved on the 20th, the days stay.

    March: 10 x 22.00 x 16/31 = 113.55, 6 x 22.00 x 15/31 = 63.87, 4 x 22.00 x 15/31 = 42.58: 220.00 together.
    """
    firm.agree(1021, 1022, next_invoice="2026-03-01")
    firm.sell(1021, "BP", 10)
    firm.map(WHOLE)
    firm.settle()
    firm.map(SALES + SUPPORT)
    firm.run()
    firm.move_to("2026-03-20")
    firm.settle()
    assert firm.lines(1021) == [("BP", 6, "2026-03-17", ""), ("BP", 10, "2025-01-01", "2026-03-16")]
    assert firm.lines(1022) == [("BP", 4, "2026-03-17", "")]
    assert firm.invoice(1021, 1022) == Decimal("113.55") + Decimal("63.87") + Decimal("42.58")


def test_merge_into_a_row_that_stands(firm: Firm) -> None:
    """Support's row is widened to Sales, whose row is removed: its six seats of March are paid, so nothing is added."""
    firm.agree(1021, 1022)
    firm.sell(1021, "BP", 6)
    firm.sell(1022, "BP", 4)
    firm.map((SALES + SUPPORT).replace("agreement", "adopt = true\nagreement"))
    firm.settle()
    firm.map(SUPPORT.replace('"Support"', '["Support", "Sales"]'))
    firm.settle()
    assert firm.lines(1022) == [("BP", 10, "2025-01-01", "")]
    assert firm.invoice(1021, 1022) == Decimal("220.00")


def test_merge_into_a_row_in_arrears(firm: Firm) -> None:
    """1021 has invoiced March, 1022 has not: Sales' six are added to 1022 from April on, after March's 88.00."""
    firm.agree(1021)
    firm.agree(1022, next_invoice="2026-03-01")
    firm.sell(1021, "BP", 6)
    firm.sell(1022, "BP", 4)
    firm.map((SALES + SUPPORT).replace("agreement", "adopt = true\nagreement"))
    firm.settle()
    firm.map(SUPPORT.replace('"Support"', '["Support", "Sales"]'))
    firm.settle()
    assert firm.invoice(1022) == Decimal("88.00")
    firm.move_to("2026-04-02")
    firm.settle()
    assert firm.invoice(1021, 1022) == Decimal("220.00")


def test_move_to_an_agreement_that_is_invoiced(firm: Firm) -> None:
    """From arrears to advance on the 17th: March is 10 x 22.00 x 16/31 = 113.55 on the one, the other catches up on
    10 x 22.00 x 15/31 = 106.45 with April's 220.00."""
    firm.agree(1021, next_invoice="2026-03-01")
    firm.agree(1022)
    firm.sell(1021, "BP", 10)
    firm.map(WHOLE)
    firm.settle()
    firm.map(WHOLE.replace("1021", "1022").replace("adopt = true\n", ""))
    firm.settle()
    assert firm.invoice(1021) == Decimal("113.55")
    assert firm.invoice(1022) == Decimal("106.45") + Decimal("220.00")


def test_move_to_another_company(firm: Firm) -> None:
    """Company 251 begins where company 250 ends, and not before its end is written."""
    firm.agree(1021, 1031)
    firm.sell(1021, "BP", 10)
    firm.map(WHOLE)
    firm.settle()
    firm.map("")
    firm.map(WHOLE.replace("1021", "1031").replace("adopt = true\n", ""), company=251)
    firm.run()
    (waits,) = firm.found(Code.UNDER_BILLED)
    assert "on agreement 1021, which no row wants any more, still bills these seats" in waits.finding.remedy
    assert firm.lines(1031) == []
    firm.settle()
    assert firm.lines(1021) == [("BP", 10, "2025-01-01", "2026-03-31")]
    assert firm.lines(1031) == [("BP", 10, "2026-04-01", "")]
    assert firm.invoice(1021, 1031) == Decimal("220.00")


def test_whole_months_are_handed_over_whole(firm: Firm) -> None:
    """Nothing is prorated, and March is not invoiced: the old line keeps March, the new ones have April."""
    firm.agree(1021, 1022, next_invoice="2026-03-01", prorates=False)
    firm.sell(1021, "BP", 10)
    firm.map(WHOLE)
    firm.settle()
    firm.map(SALES + SUPPORT)
    firm.settle()
    assert firm.invoice(1021, 1022) == Decimal("220.00")
    firm.move_to("2026-04-02")
    firm.settle()
    assert firm.invoice(1021, 1022) == Decimal("220.00")
    assert firm.lines(1022) == [("BP", 4, "2026-04-01", "")]


def test_a_move_between_whole_months(firm: Firm) -> None:
    """Nothing is prorated and March is not invoiced when one of Sales goes to Support: both wait for March's invoices.

    March is 6 and 4, as it began; April is 5 and 5.
    """
    firm.agree(1021, 1022, next_invoice="2026-03-01", prorates=False)
    firm.sell(1021, "BP", 6)
    firm.sell(1022, "BP", 4)
    firm.map((SALES + SUPPORT).replace("agreement", "adopt = true\nagreement"))
    firm.settle()
    firm.move_to("2026-03-20")
    firm.tenant.change_user("u0@contoso.com", department="Support")
    firm.settle()
    assert firm.cycle.store.holds() == []
    assert (firm.invoice(1021), firm.invoice(1022)) == (Decimal("132.00"), Decimal("88.00"))
    firm.move_to("2026-04-02")
    firm.settle()
    assert (firm.invoice(1021), firm.invoice(1022)) == (Decimal("110.00"), Decimal("110.00"))


@pytest.fixture
def whole_months(firm: Firm) -> Firm:
    """Sales' six on 1021, which bills a month when it is over, Support's four on 1022, which bills it beforehand."""
    firm.agree(1021, next_invoice="2026-03-01", prorates=False)
    firm.agree(1022, prorates=False)
    firm.sell(1021, "BP", 6)
    firm.sell(1022, "BP", 4)
    firm.map((SALES + SUPPORT).replace("agreement", "adopt = true\nagreement"))
    firm.settle()
    firm.move_to("2026-03-20")
    return firm


def test_an_end_waits_with_the_line_that_waits_for_an_invoice(whole_months: Firm) -> None:
    """One of Sales goes to the Lab, whose row takes Support's four in. What 1021 gives waits for March's invoice,
    and so does the end of Support's line: 1022 bills April for the four, and the Lab's five begin in May.

    April is 6 on 1021 and 4 on 1022, May is 5 and 5.
    """
    firm = whole_months
    firm.tenant.change_user("u0@contoso.com", department="Lab")
    firm.map(SALES + SUPPORT.replace('"Support"', '["Support", "Lab"]').replace("[[row]]", '[[row]]\nname = "Lab"'))
    firm.settle()
    assert (firm.lines(1021), firm.lines(1022)) == ([("BP", 6, "2025-01-01", "")], [("BP", 4, "2025-01-01", "")])
    assert firm.cycle.store.holds() == []
    assert (firm.invoice(1021), firm.invoice(1022)) == (Decimal("132.00"), Decimal("88.00"))
    firm.move_to("2026-04-02")
    firm.run()
    (lowered,) = (hold for hold in firm.cycle.store.holds() if "6 -> 5" in hold.sentence)
    assert "another line takes over its seats: approve both, or nobody bills them" in lowered.reasons
    assert firm.lines(1021) == [("BP", 6, "2025-01-01", "")]
    firm.settle()
    assert (firm.invoice(1021), firm.invoice(1022)) == (Decimal("132.00"), Decimal("110.00"))
    firm.move_to("2026-05-02")
    firm.settle()
    assert firm.invoice(1021) == Decimal("110.00")


def test_there_and_back_again_between_whole_months(whole_months: Firm) -> None:
    """One of Sales is in Support from 20 March to 7 April: 1021 bills April for that seat, and does so once."""
    firm = whole_months
    firm.tenant.change_user("u0@contoso.com", department="Support")
    firm.settle()
    assert firm.invoice(1021, 1022) == Decimal("220.00")
    firm.move_to("2026-04-02")
    firm.settle()
    assert firm.lines(1021) == [("BP", 1, "2026-04-01", "2026-04-30"), ("BP", 5, "2025-01-01", "")]
    firm.move_to("2026-04-07")
    firm.tenant.change_user("u0@contoso.com", department="Sales")
    firm.settle()
    assert firm.invoice(1021, 1022) == Decimal("132.00") + Decimal("110.00")
    firm.move_to("2026-05-02")
    firm.settle()
    assert firm.invoice(1021, 1022) == Decimal("220.00")


def test_a_row_that_went_before_it_had_a_line_counts_from_its_return(firm: Firm) -> None:
    """Support's row of 10 March was taken out on the 12th, unapproved, and came back on the 17th with another four.

    March is paid for nobody of Support: 4 x 22.00 x 15/31 = 42.58 beside April's 88.00.
    """
    firm.agree(1022)
    for day, rows in (("2026-03-10", SUPPORT), ("2026-03-12", ""), ("2026-03-17", SUPPORT)):
        firm.move_to(day)
        firm.map(rows)
        firm.planned()
    firm.settle()
    assert firm.invoice(1022) == Decimal("42.58") + Decimal("88.00")


def test_another_product_for_a_service(firm: Firm) -> None:
    """March is paid at 45.00 for each of ten users; the profile of the 17th begins in April, at 2.00."""
    firm.agree(1021)
    firm.sell(1021, "CARE", 10)
    users = '[[row]]\ncount = { users = "licensed" }\nprofile = "care"\nagreement = 1021\nadopt = true\n'
    firm.map(users)
    firm.settle()
    firm.map(users.replace('"care"', '"box"'))
    firm.settle()
    assert firm.lines(1021) == [("BOX", 10, "2026-04-01", ""), ("CARE", 10, "2025-01-01", "2026-03-31")]
    assert firm.invoice(1021) == Decimal("20.00")


def test_neither_half_is_written_alone(firm: Firm) -> None:
    """A new line that is approved waits for the end of the old one; an end that is approved leaves no gap behind."""
    billed_whole(firm)
    firm.map(SALES + SUPPORT)
    firm.run()
    holds = {hold.sentence: hold for hold in firm.cycle.store.holds()}
    (end,) = [sentence for sentence in holds if sentence.startswith("end ")]
    for sentence, hold in holds.items():
        if sentence != end:
            firm.approve(hold.digest)
    firm.run()
    assert len(firm.lines(1021)) == 1
    firm.approve(holds[end].digest)
    firm.run()
    assert firm.lines(1021) == [("BP", 6, "2026-04-01", ""), ("BP", 10, "2025-01-01", "2026-03-31")]
    assert firm.lines(1022) == [("BP", 4, "2026-04-01", "")]


def test_a_move_from_row_to_row_is_paid_for_already(firm: Firm) -> None:
    """One of Sales goes to Support on the 20th: March has paid for ten seats, and ten are used. April: 110.00 twice."""
    firm.agree(1021, 1022)
    firm.sell(1021, "BP", 6)
    firm.sell(1022, "BP", 4)
    firm.map((SALES + SUPPORT).replace("agreement", "adopt = true\nagreement"))
    firm.settle()
    firm.move_to("2026-03-20")
    firm.tenant.change_user("u0@contoso.com", department="Support")
    firm.settle()
    assert [len(firm.lines(agreement)) for agreement in (1021, 1022)] == [1, 1]
    assert (firm.invoice(1021), firm.invoice(1022)) == (Decimal("110.00"), Decimal("110.00"))


def test_a_move_in_arrears_is_billed_by_the_day(firm: Firm) -> None:
    """Nothing is invoiced for March: Sales has six for 19 days and five for 12, Support four and five.

    5 x 22.00 + 22.00 x 19/31 = 123.48 and 4 x 22.00 + 22.00 x 12/31 = 96.52: 220.00 together.
    """
    firm.agree(1021, 1022, next_invoice="2026-03-01")
    firm.sell(1021, "BP", 6)
    firm.sell(1022, "BP", 4)
    firm.map((SALES + SUPPORT).replace("agreement", "adopt = true\nagreement"))
    firm.settle()
    firm.move_to("2026-03-20")
    firm.tenant.change_user("u0@contoso.com", department="Support")
    firm.settle()
    assert (firm.invoice(1021), firm.invoice(1022)) == (Decimal("123.48"), Decimal("96.52"))


PURCHASES = "".join(
    f'[[row]]\nlicence = "SPE_E3"\nsubscription = "{id}"\nprofile = "{profile}"\nagreement = 1021\n'
    for id, profile in ((YEARLY, "e3-y"), (MONTHLY, "e3"))
)
ALL_E3 = '[[row]]\nlicence = "SPE_E3"\nprofile = "e3"\nagreement = 1021\nadopt = true\n'


@pytest.fixture
def purchases(firm: Firm) -> Firm:
    """Seven E3 for a year at 36.00 and three by the month at 39.00, so far one line of ten at 39.00."""
    firm.tenant.add_subscription("SPE_E3", 7, id=YEARLY)
    firm.tenant.add_subscription("SPE_E3", 3, id=MONTHLY)
    firm.agree(1021)
    firm.sell(1021, "E3", 10)
    firm.map(ALL_E3)
    firm.settle()
    return firm


def test_split_by_subscription_and_back(purchases: Firm) -> None:
    """From April 7 x 36.00 + 3 x 39.00 = 369.00; merged on 10 April, May is 10 x 39.00 again."""
    purchases.map(PURCHASES)
    purchases.settle()
    assert purchases.invoice(1021) == Decimal("369.00")
    purchases.move_to("2026-04-10")
    purchases.map(ALL_E3.replace("adopt = true\n", ""))
    purchases.settle()
    assert purchases.invoice(1021) == Decimal("390.00")


def test_a_subscription_that_is_gone_is_no_zero(purchases: Firm) -> None:
    """Renewed under another id, with the old one vanished or expired: two findings, and the line stays.

    Written into the row, the new id ends the old line with March and begins its own in April: nothing lost or doubled.
    """
    purchases.map(PURCHASES)
    purchases.settle()
    purchases.invoice(1021)
    purchases.move_to("2026-04-10")
    renewed = "aaaaaaaa-0000-4000-8000-000000000003"
    purchases.tenant.change_subscription(YEARLY, status="Suspended")
    purchases.tenant.add_subscription("SPE_E3", 7, id=renewed)
    for vanished in (False, True):
        if vanished:
            purchases.tenant.remove_subscription(YEARLY)
        purchases.settle()
        (gone,), (left,) = purchases.found(Code.SUBSCRIPTION_GONE), purchases.found(Code.LEFTOVER_SEATS)
        assert renewed in gone.finding.sentence
        assert f"7 seats of subscription {renewed} in no row" in left.finding.sentence
        assert ("E3-Y", 7, "2026-04-01", "") in purchases.lines(1021)
    purchases.map(PURCHASES.replace(YEARLY, renewed))
    purchases.settle()
    assert purchases.found(Code.SUBSCRIPTION_GONE) == []
    assert purchases.invoice(1021) == Decimal("369.00")


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
