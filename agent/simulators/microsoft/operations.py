"""The reads of Graph v1.0 that are simulated: path, rows, permissions, price in resource units, paging.

Permissions and units are those of the published description (x-application-permissions, x-resource-units).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from agent.simulators.microsoft import entities
from agent.simulators.microsoft.entities import Entity
from agent.simulators.microsoft.problems import Refusal
from agent.simulators.microsoft.records import Holdings

Rows = Mapping[str, Any]

_REPORT = frozenset({"$format", "$top", "$skiptoken"})
_FILTERED = frozenset({"$select", "$filter", "$top"})
_PAGED = _FILTERED | {"$count", "$skiptoken"}


@dataclass(frozen=True)
class Operation:
    """`rows` maps id to record. `cost` is (bare, with $select). `page` is the page size without $top, None where
    the collection always comes as a whole; `most` is the largest $top."""

    entity: Entity
    rows: Callable[[Holdings, str], Rows]
    roles: frozenset[str]
    cost: tuple[int, int] = (1, 1)
    options: frozenset[str] = _PAGED
    page: int | None = 100
    most: int = 999

    def price(self, select: tuple[str, ...], top: int | None) -> int:
        return max(1, self.cost[bool(select)] - (top is not None and top < 20))


def _devices(holdings: Holdings, _: str) -> Rows:
    if not holdings.intune:
        raise Refusal(400, "BadRequest", "Request not applicable to target tenant.")
    return holdings.devices


def _members(holdings: Holdings, group: str) -> Rows:
    if group not in holdings.groups:
        raise Refusal(404, "Request_ResourceNotFound", f"Resource '{group}' does not exist.")
    everyone = {**holdings.users, **holdings.groups, **holdings.devices}
    return {key: everyone[key] for key in holdings.transitive_members(group)}


USERS = Operation(
    entities.USER,
    lambda holdings, _: holdings.users,
    frozenset({"User.Read.All", "Directory.Read.All"}),
    cost=(2, 1),
)

MEMBERS = Operation(
    entities.MEMBER,
    _members,
    frozenset({"GroupMember.ReadBasic.All", "GroupMember.Read.All", "Group.Read.All", "Directory.Read.All"}),
    cost=(5, 4),
)

OPERATIONS: Mapping[str, Operation] = {
    "/v1.0/subscribedSkus": Operation(
        entities.SKU,
        lambda holdings, _: holdings.skus,
        frozenset({"LicenseAssignment.Read.All", "Organization.Read.All", "Directory.Read.All"}),
        cost=(3, 2),
        options=frozenset({"$select"}),
        page=None,
    ),
    "/v1.0/directory/subscriptions": Operation(
        entities.SUBSCRIPTION,
        lambda holdings, _: holdings.subscriptions,
        frozenset({"Organization.Read.All", "Directory.Read.All"}),
        options=_FILTERED | {"$skiptoken"},
        page=999,
    ),
    "/v1.0/users": USERS,
    "/v1.0/groups": Operation(
        entities.GROUP,
        lambda holdings, _: holdings.groups,
        frozenset({"GroupMember.Read.All", "Group.Read.All", "Directory.Read.All"}),
    ),
    "/v1.0/organization": Operation(
        entities.ORGANIZATION,
        lambda holdings, _: {holdings.tenant: holdings},
        frozenset({"Organization.Read.All", "Directory.Read.All"}),
        options=frozenset({"$select"}),
        page=None,
    ),
    "/v1.0/deviceManagement/managedDevices": Operation(
        entities.DEVICE,
        _devices,
        frozenset(
            {
                "DeviceManagementManagedDevices.Read.All",
                "DeviceManagementManagedDevices.ReadWrite.All",
            }
        ),
        options=_FILTERED | {"$skiptoken"},
        page=1000,
        most=1000,
    ),
    # A tenant that is no partner has no relationships and no contracts: both lists are empty there.
    "/v1.0/contracts": Operation(
        entities.CONTRACT,
        lambda holdings, _: holdings.contracts,
        frozenset({"Directory.Read.All"}),
        cost=(3, 2),
        options=_FILTERED | {"$skiptoken"},
    ),
    "/v1.0/tenantRelationships/delegatedAdminRelationships": Operation(
        entities.RELATIONSHIP,
        lambda holdings, _: holdings.relationships,
        frozenset({"DelegatedAdminRelationship.Read.All", "DelegatedAdminRelationship.ReadWrite.All"}),
        options=_FILTERED | {"$skiptoken"},
    ),
}

# In v1.0 it is a redirect to a CSV file, so only the beta version's JSON is simulated (Microsoft: reference 2.4).
MAILBOXES = Operation(
    entities.MAILBOX,
    lambda holdings, _: holdings.mailboxes,
    frozenset({"Reports.Read.All"}),
    options=_REPORT,
    page=200,
)

_REPORT_PATH = re.compile(r"/beta/reports/getMailboxUsageDetail\(period='D(7|30|90|180)'\)")
_MEMBERS_PATH = re.compile(r"/v1\.0/groups/([^/]+)/transitiveMembers")


def find(path: str) -> tuple[Operation, str]:
    """The operation and the id in its path ("" where it has none); Refusal for a path that is not simulated."""
    if operation := OPERATIONS.get(path):
        return operation, ""
    if match := _MEMBERS_PATH.fullmatch(path):
        return MEMBERS, match[1]
    if _REPORT_PATH.fullmatch(path):
        return MAILBOXES, ""
    segment = path.rsplit("/", 1)[-1]
    raise Refusal(400, "BadRequest", f"Resource not found for the segment '{segment}'.")
