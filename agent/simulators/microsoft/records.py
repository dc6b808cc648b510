"""What a tenant holds, as frozen values. A change makes a new `Holdings`; the old one stays for lagging reads."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property


@dataclass(frozen=True, slots=True)
class Units:
    enabled: int = 0
    warning: int = 0
    suspended: int = 0
    locked_out: int = 0


@dataclass(frozen=True, slots=True)
class Sku:
    """`units`, `consumed` and `capability` are derived from subscriptions and users where they are None."""

    id: str
    part_number: str
    applies_to: str = "User"
    units: Units | None = None
    consumed: int | None = None
    capability: str | None = None


@dataclass(frozen=True, slots=True)
class Subscription:
    """`term` (P1M, P1Y, P3Y), `cycle`, `renews` and `next_quantity` are what only the seller sees; without a term it
    was not sold in the new commerce."""

    id: str
    sku: str
    quantity: int
    status: str
    created: datetime
    next_lifecycle: datetime | None
    trial: bool
    commerce_id: str
    owner_tenant: str | None
    term: str = ""
    cycle: str = ""
    renews: bool = True
    next_quantity: int | None = None


@dataclass(frozen=True, slots=True)
class User:
    """`skus`: GUIDs assigned directly, on the day when the user was made unless `assigned` says another. `attributes`:
    further Graph properties, under their Graph names."""

    id: str
    upn: str
    name: str
    created: datetime
    skus: tuple[str, ...] = ()
    enabled: bool = True
    user_type: str = "Member"
    attributes: Mapping[str, str] = field(default_factory=dict)
    extension: Mapping[str, str] = field(default_factory=dict)
    assigned: Mapping[str, datetime] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Group:
    """`members`: ids of users, groups and devices. `skus`: licences that every member inherits."""

    id: str
    name: str
    members: tuple[str, ...] = ()
    skus: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Device:
    id: str
    name: str
    enrolled: datetime
    user_id: str | None = None
    operating_system: str = "Windows"
    compliance: str = "compliant"


@dataclass(frozen=True, slots=True)
class Mailbox:
    """A row of the mailbox report. `kind` is User, Shared, Room or Equipment."""

    upn: str
    name: str
    kind: str
    created: datetime
    deleted: datetime | None = None


@dataclass(frozen=True, slots=True)
class Relationship:
    """A GDAP relationship that a partner has with another tenant; durations as ISO 8601 text."""

    id: str
    tenant: str
    tenant_name: str
    name: str
    status: str
    activated: datetime
    lasts: timedelta
    auto_extend: str


@dataclass(frozen=True, slots=True)
class Contract:
    """A partner's contract with another tenant; its names are those of the day it was made."""

    id: str
    tenant: str
    tenant_name: str
    domain: str
    kind: str


@dataclass(frozen=True)
class Holdings:
    """Everything that Graph can tell of one tenant at one moment."""

    tenant: str
    name: str
    domains: tuple[str, ...]
    created: datetime
    intune: bool = False
    skus: Mapping[str, Sku] = field(default_factory=dict)
    subscriptions: Mapping[str, Subscription] = field(default_factory=dict)
    users: Mapping[str, User] = field(default_factory=dict)
    groups: Mapping[str, Group] = field(default_factory=dict)
    devices: Mapping[str, Device] = field(default_factory=dict)
    mailboxes: Mapping[str, Mailbox] = field(default_factory=dict)
    conceals_names: bool = False  # in reports
    long_kinds: bool = False  # the report says SharedMailbox where it says Shared elsewhere
    relationships: Mapping[str, Relationship] = field(default_factory=dict)
    contracts: Mapping[str, Contract] = field(default_factory=dict)

    @cached_property
    def rendered(self) -> dict[object, object]:
        """What was made of these holdings so far (Graph's JSON); it dies with them."""
        return {}

    @cached_property
    def consumed(self) -> Counter[str]:
        """Users per SKU; who has it directly and by a group counts once."""
        return Counter(sku for user in self.users.values() for sku in self.licences(user))

    @cached_property
    def inherited(self) -> Mapping[str, Mapping[str, str]]:
        """User id -> SKU -> the group that passes it on."""
        grants: dict[str, dict[str, str]] = {}
        for group in self.groups.values():
            for member in self.transitive_members(group.id) if group.skus else ():
                grants.setdefault(member, {}).update(dict.fromkeys(group.skus, group.id))
        return grants

    def licences(self, user: User) -> tuple[str, ...]:
        inherited = self.inherited.get(user.id, {})
        return tuple(dict.fromkeys((*user.skus, *inherited)))

    def transitive_members(self, group_id: str) -> list[str]:
        """Ids of users, devices and nested groups, each once, sorted; groups may hold each other in circles."""
        found: set[str] = set()
        waiting = [group_id]
        while waiting:
            members = self.groups[waiting.pop()].members
            fresh = set(members) - found
            found |= fresh
            waiting += fresh & self.groups.keys()
        return sorted(found - {group_id})

    def subscriptions_of(self, sku: str) -> Iterator[Subscription]:
        return (held for held in self.subscriptions.values() if held.sku == sku)
