"""Counts that are not one licence: groups, mailboxes, devices, a number; lines of other tools that give way; terms."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from agent.domain.counts import Coverage, Group, MailboxKind, Status, Subscription, System, Term
from agent.domain.findings import Code, Stop
from agent.domain.mappings import Basis, Commitment, DeviceCount, FixedCount, GroupCount, GroupMembers, MailboxCount
from tests.market.shop import AGREEMENT, OTHER, Shop, day, person, profile, row, seats

SUPPORT = "99999999-0000-4000-8000-000000000001"
IN_IT = Group((person("a@x"), person("b@x"), person("c@x")), (person("pc-1"), person("pc-2")))


@pytest.mark.parametrize(("members", "count"), [("users", 3), ("devices", 2), ("all", 5)])
def test_group(tmp_path: Path, members: str, count: int) -> None:
    """People of a group at any depth, each once and licensed or not: 3; its devices: 2; both: 3 + 2 = 5."""
    shop = Shop(tmp_path, (row(GroupCount(SUPPORT, GroupMembers(members))),))
    shop.tenant.more = {"groups": {SUPPORT: IN_IT}}
    assert shop.sees(seats(10)).sync().additions() == [(count, "2026-03-17", "")]


def test_group_that_cannot_be_read(tmp_path: Path) -> None:
    """What nobody can read is not nobody: the 3 stay, and a finding says why."""
    shop = Shop(tmp_path, (row(GroupCount(SUPPORT)),))
    shop.tenant.more = {"groups": {SUPPORT: IN_IT}}
    shop.sees(seats(10)).sync()
    lost = Stop(Code.PERMISSION_MISSING, "GroupMember.Read.All is missing", "consent to it")
    shop.tenant.more = {"gaps": {SUPPORT: lost}}
    assert shop.sync().additions() == [(3, "2026-03-17", "")]
    assert "GroupMember.Read.All" in shop.findings()[Code.PERMISSION_MISSING]


def test_mailboxes(tmp_path: Path) -> None:
    """User mailboxes and shared ones are counts of their own: 3 and 2."""
    rows = (row(MailboxCount(MailboxKind.USER)), row(MailboxCount(MailboxKind.SHARED), profile=profile(OTHER)))
    boxes = {MailboxKind.USER: IN_IT.people, MailboxKind.SHARED: (person("info@x"), person("jobs@x"))}
    shop = Shop(tmp_path, rows)
    shop.tenant.more = {"mailboxes": boxes}
    assert sorted(shop.sees(seats(10)).sync().additions()) == [(2, "2026-03-17", ""), (3, "2026-03-17", "")]


def test_mailboxes_without_the_permission(tmp_path: Path) -> None:
    """Off unless the tenant allows it: no line is made, and a finding names the permission."""
    shop = Shop(tmp_path, (row(MailboxCount(MailboxKind.SHARED)),))
    lost = Stop(Code.PERMISSION_MISSING, "Reports.Read.All is missing", "consent to it")
    shop.tenant.more = {"gaps": {Coverage.MAILBOXES: lost}}
    assert shop.sees(seats(10)).sync().additions() == []
    assert "Reports.Read.All" in shop.findings()[Code.PERMISSION_MISSING]


def test_devices(tmp_path: Path) -> None:
    """What the tenant manages, whatever it runs: 2 + 1 = 3; of one system: 2."""
    rows = (row(DeviceCount()), row(DeviceCount(System.WINDOWS), profile=profile(OTHER)))
    shop = Shop(tmp_path, rows)
    shop.tenant.more = {"devices": {System.WINDOWS: IN_IT.devices, System.MACOS: (person("mac-1"),)}}
    assert sorted(shop.sees(seats(10)).sync().additions()) == [(2, "2026-03-17", ""), (3, "2026-03-17", "")]


def test_fixed_number(tmp_path: Path) -> None:
    """What a contract says, whatever the tenant holds: 7 of 10; included and minimum count as ever: 7 - 2 = 5."""
    rows = (row(FixedCount(7)), row(FixedCount(7), profile=profile(OTHER), included=2))
    shop = Shop(tmp_path, rows).sees(seats(10)).sync()
    assert sorted(shop.additions()) == [(5, "2026-03-17", ""), (7, "2026-03-17", "")]


def test_additions_of_other_tools_give_way(tmp_path: Path) -> None:
    """10 of another tool end with March and 10 of ours begin with April, both by a person's word: 220.00, once."""
    shop = Shop(tmp_path, (row(replaces=(1,), start_on=day("2026-04-01")),))
    shop.site.add_product("CLOUD", price="20.00", cost="15.00")
    shop.site.add_addition(AGREEMENT, "CLOUD", 10, effective="2026-01-01", marker="Cloudconsole")
    assert shop.sees(seats(10)).sync().additions() == [(10, "2026-01-01", "")]
    assert shop.approve().additions() == [(10, "2026-01-01", "2026-03-31"), (10, "2026-04-01", "")]
    assert shop.invoice() == 220


def test_commitment(tmp_path: Path) -> None:
    """13 bought for a year on 1 March: on the 20th only 8 are in use, 13 are billed, and the 5 wait a year."""
    held = profile(commitment=Commitment.HOLD)
    shop = Shop(tmp_path, (row(basis=Basis.ASSIGNED, term=Term(12, paid=1), profile=held),))
    dates = datetime(2026, 3, 1, tzinfo=UTC), datetime(2027, 3, 1, tzinfo=UTC)
    yearly = seats(13, subscriptions=(Subscription("yearly", 13, Status.ENABLED, *dates),))
    people = [person(f"{number}@x") for number in range(13)]

    assert shop.sees(yearly, people=people).sync().additions() == [(13, "2026-03-17", "")]
    assert shop.on("2026-03-20").sees(yearly, people=people[:8]).sync().additions() == [(13, "2026-03-17", "")]
    [put_off] = [planned.change for planned in shop.plan()]
    assert (put_off.after.quantity, put_off.queued[:22]) == (8, "waits until 2027-03-01")
