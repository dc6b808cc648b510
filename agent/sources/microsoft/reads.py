"""The collections that are read: address, permission, shape (Microsoft: reference 2, 5.2 and 7)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from msgspec.json import Decoder

from agent.sources.microsoft import records
from agent.sources.microsoft.records import Page

T = TypeVar("T")

_EVENTUAL = {"ConsistencyLevel": "eventual"}


@dataclass(frozen=True, slots=True)
class Read(Generic[T]):
    """One collection: its address with all that it needs, the permission it takes, and the shape of its pages.

    `eventual`: the query runs on Graph's other index, which must be said with every page anew. `wider` permissions
    answer it as well, and so does a `narrower` one where Microsoft has one.
    """

    id: str
    path: str
    permission: str
    decoder: Decoder[Page[T]]
    eventual: bool = False
    wider: frozenset[str] = frozenset()
    narrower: str = ""

    def allowed(self, roles: frozenset[str]) -> bool:
        return bool(roles & {self.permission, self.narrower, *self.wider})

    @property
    def headers(self) -> Mapping[str, str]:
        return _EVENTUAL if self.eventual else {}


# $select leaves out service plans and the like, the bulk of these answers, and makes them cheaper in resource units.
_DATES = "licenseAssignmentStates"
_USER_FIELDS = ",".join(name for name in records.WireUser.__struct_fields__ if name != _DATES)
SKUS = Read(
    "subscribedSkus",
    "/subscribedSkus?$select=" + ",".join(records.WireSku.__struct_fields__),
    "Organization.Read.All",
    Decoder(Page[records.WireSku]),
)
SUBSCRIPTIONS = Read(
    "directory/subscriptions",
    "/directory/subscriptions?$select=" + ",".join(records.WireSubscription.__struct_fields__),
    "Organization.Read.All",
    Decoder(Page[records.WireSubscription]),
)
USERS = Read(
    "users",
    f"/users?$select={_USER_FIELDS}&$filter=assignedLicenses/$count%20ne%200&$count=true&$top=999",
    "User.Read.All",
    Decoder(Page[records.WireUser]),
    eventual=True,
)
DATED_USERS = replace(USERS, path=USERS.path.replace(_USER_FIELDS, f"{_USER_FIELDS},{_DATES}"))
_GROUP_FIELDS = ",".join(name for name in records.WireGroupMember.__struct_fields__ if name != "type")
_GROUP_MEMBERS = Decoder(Page[records.WireGroupMember])


def group_members(group: str) -> Read[records.WireGroupMember]:
    """Everything in a group and in the groups inside it. The count is only told on the eventual index."""
    return Read(
        f"the members of group {group}",
        f"/groups/{group}/transitiveMembers?$select={_GROUP_FIELDS}&$count=true&$top=999",
        "GroupMember.Read.All",
        _GROUP_MEMBERS,
        eventual=True,
        wider=frozenset({"Group.Read.All", "Directory.Read.All"}),
        narrower="GroupMember.ReadBasic.All",
    )


# Kinds of mailboxes are told by this report alone, in Graph's beta version; v1.0 answers with a redirect to a CSV file.
MAILBOXES = Read(
    "mailboxes",
    "/reports/getMailboxUsageDetail(period='D7')?$format=application/json",
    "Reports.Read.All",
    Decoder(Page[records.WireMailbox]),
)
# Without $top Graph gives what it likes; there is no count to hold the list against.
DEVICES = Read(
    "managed devices",
    "/deviceManagement/managedDevices?$top=1000&$select=" + ",".join(records.WireDevice.__struct_fields__),
    "DeviceManagementManagedDevices.Read.All",
    Decoder(Page[records.WireDevice]),
)
RELATIONSHIPS = Read(
    "delegatedAdminRelationships",
    "/tenantRelationships/delegatedAdminRelationships?$filter=status%20eq%20'active'",
    "DelegatedAdminRelationship.Read.All",
    Decoder(Page[records.WireRelationship]),
)
CONTRACTS = Read(
    "contracts",
    "/contracts?$select=customerId,displayName",
    "Directory.Read.All",
    Decoder(Page[records.WireContract]),
)
