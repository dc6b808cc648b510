"""The collections that are read: address, permission, shape (Microsoft: reference 2, 5.2 and 7)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from msgspec.json import Decoder

from agent.sources.microsoft import records
from agent.sources.microsoft.records import Page

T = TypeVar("T")

_EVENTUAL = {"ConsistencyLevel": "eventual"}


@dataclass(frozen=True, slots=True)
class Read(Generic[T]):
    """One collection: its address with all that it needs, the permission it takes, and the shape of its pages.

    `eventual`: the query runs on Graph's other index, which must be said with every page anew.
    """

    id: str
    path: str
    permission: str
    decoder: Decoder[Page[T]]
    eventual: bool = False

    @property
    def headers(self) -> Mapping[str, str]:
        return _EVENTUAL if self.eventual else {}


# $select leaves out service plans and the like, the bulk of these answers, and makes them cheaper in resource units.
_USER_FIELDS = ",".join(records.WireUser.__struct_fields__)
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
