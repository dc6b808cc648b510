"""What only some rows need: members of groups, mailboxes by their kind, managed devices (Microsoft: reference 2.4).

Each is whole or a gap with its reason; a gap leaves everything else of the snapshot standing.
"""

from __future__ import annotations

from typing import Any

from agent.domain.counts import Group, MailboxKind, Member, System
from agent.domain.findings import Code, Stop
from agent.errors import Absent, AccessDenied, Incomplete, ReadFailed
from agent.sources.microsoft.reads import Read
from agent.sources.microsoft.records import CHANGED, Page, WireDevice, WireGroupMember, WireMailbox

_NOBODY: frozenset[str] = frozenset()
_USER, _DEVICE = "#microsoft.graph.user", "#microsoft.graph.device"

# The report spells the kinds in two ways, depending on the tenant. Rooms and equipment are of neither kind.
_KINDS = {
    "user": MailboxKind.USER,
    "usermailbox": MailboxKind.USER,
    "shared": MailboxKind.SHARED,
    "sharedmailbox": MailboxKind.SHARED,
}


_SYSTEMS = {
    "windows": System.WINDOWS,
    "macos": System.MACOS,
    **dict.fromkeys(("ios", "ipados"), System.IOS),
    **dict.fromkeys(("android", "androidforwork", "androidenterprise"), System.ANDROID),
    "linux": System.LINUX,
}


def gap(error: ReadFailed, read: Read[Any]) -> Stop:
    """Why the rows that need this read stay as they are."""
    match error:
        case AccessDenied():
            return Stop(Code.PERMISSION_MISSING, str(error), error.remedy)
        case Absent():
            return Stop(Code.GROUP_GONE, str(error), "correct the group's id in the mapping file, or remove the row")
    return Stop(Code.SOURCE_INCOMPLETE, f"{read.id} could not be read: {error}", error.remedy)


class GroupMembers:
    """The members of one group, taken in page by page. The groups inside it are listed too, and are no members."""

    def __init__(self) -> None:
        self._seen: set[str] = set()
        self._count: int | None = None
        self._people: list[Member] = []
        self._devices: list[Member] = []

    def take(self, page: Page[WireGroupMember]) -> None:
        """Raises `Incomplete` for a member who was there before: then a page came twice, and another may be missing."""
        if page.count is not None:
            self._count = page.count
        for one in page.value:
            id = one.id.lower()
            if id in self._seen:
                raise Incomplete("Graph listed a group's member twice; its pages do not fit together.", CHANGED)
            self._seen.add(id)
            if one.type == _USER:
                self._people.append(_member(id, one.userPrincipalName or "", one))
            elif one.type == _DEVICE:
                self._devices.append(_member(id, "", one))

    def whole(self) -> Group:
        """Raises `Incomplete` where Graph counted another number than it listed."""
        if self._count is not None and self._count != len(self._seen):
            raise Incomplete(f"Graph counts {self._count} members of a group but listed {len(self._seen)}.", CHANGED)
        return Group(tuple(self._people), tuple(self._devices))


def _member(id: str, login: str, one: WireGroupMember) -> Member:
    name, guest = one.displayName or login, one.userType == "Guest"
    return Member(id, login, name, one.accountEnabled is not False, guest, _NOBODY, {})


class Mailboxes:
    """The mailbox report of one tenant, taken in page by page. It trails the tenant by up to two days."""

    def __init__(self) -> None:
        self._found: dict[str, tuple[MailboxKind | None, Member]] = {}

    def take(self, page: Page[WireMailbox]) -> None:
        """Raises `Incomplete` where the kind of a mailbox is not told, or one comes twice."""
        for row in page.value:
            if row.isDeleted:
                continue
            if not row.recipientType:
                raise Incomplete("Graph's mailbox report does not tell what kind of mailbox each is.", _REPORT)
            if row.userPrincipalName in self._found:
                raise Incomplete("Graph listed a mailbox twice; its pages do not fit together.", CHANGED)
            self._found[row.userPrincipalName] = _KINDS.get(row.recipientType.casefold()), _mailbox(row)

    def whole(self) -> dict[MailboxKind, tuple[Member, ...]]:
        """By kind. Raises `Incomplete` for an empty report: a tenant whose report is not made yet looks like that."""
        if not self._found:
            raise Incomplete("Graph's mailbox report is empty.", _REPORT)
        return {kind: tuple(m for of, m in self._found.values() if of is kind) for kind in MailboxKind}


class Devices:
    """What a tenant manages in Intune, taken in page by page. A tenant without Intune refuses the list (400)."""

    def __init__(self) -> None:
        self._found: dict[str, tuple[System, Member]] = {}

    def take(self, page: Page[WireDevice]) -> None:
        """Raises `Incomplete` for a device that was there before: another may be missing."""
        for row in page.value:
            id = row.id.lower()
            if id in self._found:
                raise Incomplete("Graph listed a device twice; its pages do not fit together.", CHANGED)
            host = row.deviceName or ""
            member = Member(id, host, host, True, False, _NOBODY, {})
            self._found[id] = _SYSTEMS.get((row.operatingSystem or "").casefold(), System.OTHER), member

    def whole(self) -> dict[System, tuple[Member, ...]]:
        """By what they run. Raises `Incomplete` where there is none: nothing tells that from a list that got lost."""
        if not self._found:
            raise Incomplete("Intune lists no device at all.", "If the tenant really has none left, remove the row.")
        return {system: tuple(m for of, m in self._found.values() if of is system) for system in System}


_REPORT = "Microsoft makes the report anew each day; if it stays so, give the row a fixed count."


def _mailbox(row: WireMailbox) -> Member:
    # A tenant may conceal names in reports; what stands in their place is no name for an invoice.
    told = "@" in row.userPrincipalName
    login = row.userPrincipalName if told else ""
    name = (row.displayName or login) if told else ""
    return Member(row.userPrincipalName.lower(), login, name, True, False, _NOBODY, {})
