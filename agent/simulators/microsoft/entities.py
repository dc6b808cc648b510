"""How Graph shows the records: per entity the properties that can be selected, each with its way to the value.

Property names and types follow the published description (Graph v1.0, metadata of 2026-08-20).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter
from typing import Any

from agent.simulators.microsoft.records import Device, Holdings, Sku, Units, User

Get = Callable[[Holdings, Any], object]


@dataclass(frozen=True)
class Entity:
    """`default`: what is shown without $select; all of it where empty. `always`: shown whatever is selected.
    `optional`: left out where there is nothing, since the description publishes no null for it."""

    name: str
    properties: Mapping[str, Get]
    default: tuple[str, ...] = ()
    always: tuple[str, ...] = ()
    optional: frozenset[str] = frozenset()

    def show(self, holdings: Holdings, record: Any, select: tuple[str, ...]) -> dict[str, object]:
        chosen = (*self.always, *(select or self.default or self.properties))
        shown = {name: self.properties[name](holdings, record) for name in chosen}
        for name in self.optional & shown.keys():
            if shown[name] is None:
                del shown[name]
        return shown


def _own(name: str) -> Get:
    get = attrgetter(name)
    return lambda _, record: get(record)


def _fixed(value: object) -> Get:
    return lambda _, record: value


def _attribute(name: str) -> Get:
    return lambda _, user: user.attributes.get(name)


def _at(name: str) -> Get:
    get = attrgetter(name)
    return lambda _, record: stamp(get(record))


def stamp(instant: datetime | None) -> str | None:
    return f"{instant:%Y-%m-%dT%H:%M:%SZ}" if instant else None


def units(holdings: Holdings, sku: Sku) -> Units:
    """Units by the status of the subscriptions they come from; a deleted one gives none."""
    if sku.units is not None:
        return sku.units
    seats = dict.fromkeys(("Enabled", "Warning", "Suspended", "LockedOut"), 0)
    for held in holdings.subscriptions_of(sku.id):
        if held.status in seats:
            seats[held.status] += held.quantity
    return Units(*seats.values())


def _prepaid(holdings: Holdings, sku: Sku) -> object:
    held = units(holdings, sku)
    return {
        "enabled": held.enabled,
        "suspended": held.suspended,
        "warning": held.warning,
        "lockedOut": held.locked_out,
    }


def _capability(holdings: Holdings, sku: Sku) -> str:
    """The best state that any unit is in: one enabled unit makes the SKU Enabled (Microsoft: reference 2.1)."""
    if sku.capability is not None:
        return sku.capability
    held = units(holdings, sku)
    states = {
        "Enabled": held.enabled,
        "Warning": held.warning,
        "Suspended": held.suspended,
        "LockedOut": held.locked_out,
    }
    return next((state for state, count in states.items() if count), "Deleted")


def _consumed(holdings: Holdings, sku: Sku) -> int:
    return holdings.consumed[sku.id] if sku.consumed is None else sku.consumed


def _licences(holdings: Holdings, user: User) -> object:
    return [{"disabledPlans": [], "skuId": sku} for sku in holdings.licences(user)]


def _assignments(holdings: Holdings, user: User) -> object:
    """One state per way in which a licence arrives; the service writes the error "None" as a word."""
    inherited = holdings.inherited.get(user.id, {})
    ways = [(sku, None) for sku in user.skus] + list(inherited.items())
    return [
        {
            "skuId": sku,
            "assignedByGroup": group,
            "state": "Active",
            "error": "None",
            "disabledPlans": [],
            "lastUpdatedDateTime": stamp(user.created if group else user.assigned.get(sku, user.created)),
        }
        for sku, group in ways
    ]


_EXTENSION: Mapping[str, str | None] = {f"extensionAttribute{number}": None for number in range(1, 16)}


def _extension(_: Holdings, user: User) -> object:
    """All fifteen, set or not."""
    return {**_EXTENSION, **{f"extensionAttribute{number}": text for number, text in user.extension.items()}}


def _verified(holdings: Holdings, _: object) -> object:
    """The first domain is the initial one, the last one added is the default."""
    last = len(holdings.domains) - 1
    return [
        {
            "name": domain,
            "isInitial": place == 0,
            "isDefault": place == last,
            "type": "Managed",
            "capabilities": "Email, OfficeCommunicationsOnline",
        }
        for place, domain in enumerate(holdings.domains)
    ]


def _owner(name: str) -> Get:
    def get(holdings: Holdings, device: Device) -> object:
        user = holdings.users.get(device.user_id) if device.user_id else None
        return getattr(user, name) if user else None

    return get


SKU = Entity(
    "subscribedSkus",
    {
        "id": lambda held, sku: f"{held.tenant}_{sku.id}",
        "accountId": lambda held, _: held.tenant,
        "accountName": lambda held, _: held.domains[0].partition(".")[0],
        "appliesTo": _own("applies_to"),
        "capabilityStatus": _capability,
        "consumedUnits": _consumed,
        "prepaidUnits": _prepaid,
        "servicePlans": _fixed([]),
        "skuId": _own("id"),
        "skuPartNumber": _own("part_number"),
        "subscriptionIds": lambda held, sku: [one.id for one in held.subscriptions_of(sku.id)],
    },
)

SUBSCRIPTION = Entity(
    "directory/subscriptions",
    {
        "id": _own("id"),
        "commerceSubscriptionId": _own("commerce_id"),
        "createdDateTime": _at("created"),
        "isTrial": _own("trial"),
        "nextLifecycleDateTime": _at("next_lifecycle"),
        "ownerId": _fixed(None),
        "ownerTenantId": _own("owner_tenant"),
        "ownerType": _fixed(None),
        "serviceStatus": _fixed([]),
        "skuId": _own("sku"),
        "skuPartNumber": lambda held, one: held.skus[one.sku].part_number,
        "status": _own("status"),
        "totalLicenses": _own("quantity"),
    },
)

USER = Entity(
    "users",
    {
        "id": _own("id"),
        "accountEnabled": _own("enabled"),
        "assignedLicenses": _licences,
        "assignedPlans": _fixed([]),
        "city": _attribute("city"),
        "companyName": _attribute("companyName"),
        "country": _attribute("country"),
        "createdDateTime": _at("created"),
        "deletedDateTime": _fixed(None),
        "department": _attribute("department"),
        "displayName": _own("name"),
        "employeeId": _fixed(None),
        "externalUserState": _fixed(None),
        "isResourceAccount": _fixed(None),
        "jobTitle": _attribute("jobTitle"),
        "licenseAssignmentStates": _assignments,
        "mail": _attribute("mail"),
        "officeLocation": _attribute("officeLocation"),
        "onPremisesExtensionAttributes": _extension,
        "onPremisesSyncEnabled": _fixed(None),
        "proxyAddresses": lambda _, user: [f"SMTP:{user.upn}"],
        "state": _attribute("state"),
        "usageLocation": _fixed(None),
        "userPrincipalName": _own("upn"),
        "userType": _own("user_type"),
    },
    default=("displayName", "jobTitle", "mail", "officeLocation", "userPrincipalName", "id"),
)

GROUP = Entity(
    "groups",
    {
        "id": _own("id"),
        "assignedLicenses": lambda _, group: [{"disabledPlans": [], "skuId": sku} for sku in group.skus],
        "deletedDateTime": _fixed(None),
        "displayName": _own("name"),
        "groupTypes": _fixed([]),
        "hasMembersWithLicenseErrors": _fixed(False),
        "licenseProcessingState": lambda _, group: {"state": "ProcessingComplete"} if group.skus else None,
        "mail": _fixed(None),
        "mailEnabled": _fixed(False),
        "membershipRule": _fixed(None),
        "onPremisesSyncEnabled": _fixed(None),
        "securityEnabled": _fixed(True),
    },
    # Like assignedLicenses of a user, these come only when they are selected.
    default=("id", "deletedDateTime", "displayName", "groupTypes", "mail", "mailEnabled", "securityEnabled"),
    optional=frozenset({"licenseProcessingState"}),
)

MEMBER = Entity(
    "directoryObjects",
    {
        "@odata.type": lambda _, member: f"#microsoft.graph.{type(member).__name__.lower()}",
        "id": _own("id"),
        "deletedDateTime": _fixed(None),
        "displayName": _own("name"),
        "userPrincipalName": lambda _, member: getattr(member, "upn", None),
        "accountEnabled": lambda _, member: getattr(member, "enabled", None),
        "userType": lambda _, member: getattr(member, "user_type", None),
    },
    always=("@odata.type",),
)

MAILBOX = Entity(
    "reports/mailboxUsageDetail",
    {
        "reportRefreshDate": lambda held, _: f"{held.created:%Y-%m-%d}",
        "userPrincipalName": lambda held, box: _concealed(box.upn) if held.conceals_names else box.upn,
        "displayName": lambda held, box: _concealed(box.name) if held.conceals_names else box.name,
        "isDeleted": lambda _, box: box.deleted is not None,
        "deletedDate": lambda _, box: f"{box.deleted:%Y-%m-%d}" if box.deleted else None,
        "createdDate": lambda _, box: f"{box.created:%Y-%m-%d}",
        "lastActivityDate": _fixed(None),
        "itemCount": _fixed(0),
        "storageUsedInBytes": _fixed(0),
        "deletedItemCount": _fixed(0),
        "deletedItemSizeInBytes": _fixed(0),
        "hasArchive": _fixed(False),
        "recipientType": lambda held, box: f"{box.kind}Mailbox" if held.long_kinds else box.kind,
        "reportPeriod": _fixed("7"),
    },
)


def _concealed(name: str) -> str:
    return hashlib.md5(name.encode(), usedforsecurity=False).hexdigest().upper()


ORGANIZATION = Entity(
    "organization",
    {
        "id": _own("tenant"),
        "assignedPlans": _fixed([]),
        "countryLetterCode": _fixed(None),
        "createdDateTime": _at("created"),
        "defaultUsageLocation": _fixed(None),
        "deletedDateTime": _fixed(None),
        "displayName": _own("name"),
        "onPremisesSyncEnabled": _fixed(None),
        "partnerTenantType": lambda held, _: "resellerPartnerDelegatedAdmin" if held.contracts else None,
        "technicalNotificationMails": _fixed([]),
        "tenantType": _fixed("AAD"),
        "verifiedDomains": _verified,
    },
    optional=frozenset({"partnerTenantType"}),
)

DEVICE = Entity(
    "deviceManagement/managedDevices",
    {
        "id": _own("id"),
        "azureADDeviceId": _own("id"),
        "azureADRegistered": _fixed(True),
        "complianceState": _own("compliance"),
        "deviceCategoryDisplayName": _fixed(None),
        "deviceEnrollmentType": _fixed("windowsAutoEnrollment"),
        "deviceName": _own("name"),
        "emailAddress": _owner("upn"),
        "enrolledDateTime": _at("enrolled"),
        "isEncrypted": _fixed(True),
        "isSupervised": _fixed(False),
        "lastSyncDateTime": _at("enrolled"),
        "managedDeviceOwnerType": _fixed("company"),
        "managementAgent": _fixed("mdm"),
        "manufacturer": _fixed(None),
        "model": _fixed(None),
        "operatingSystem": _own("operating_system"),
        "osVersion": _fixed(None),
        "serialNumber": _fixed(None),
        "userDisplayName": _owner("name"),
        "userId": _own("user_id"),
        "userPrincipalName": _owner("upn"),
    },
)

CONTRACT = Entity(
    "contracts",
    {
        "id": _own("id"),
        "contractType": _own("kind"),
        "customerId": _own("tenant"),
        "defaultDomainName": _own("domain"),
        "deletedDateTime": _fixed(None),
        "displayName": _own("tenant_name"),
    },
)

RELATIONSHIP = Entity(
    "tenantRelationships/delegatedAdminRelationships",
    {
        "id": _own("id"),
        "accessDetails": _fixed({"unifiedRoles": []}),
        "activatedDateTime": _at("activated"),
        "autoExtendDuration": _own("auto_extend"),
        "createdDateTime": _at("activated"),
        "customer": lambda _, one: {"tenantId": one.tenant, "displayName": one.tenant_name},
        "displayName": _own("name"),
        "duration": lambda _, one: f"P{one.lasts.days}D",
        "endDateTime": lambda _, one: stamp(one.activated + one.lasts),
        "lastModifiedDateTime": _at("activated"),
        "status": _own("status"),
    },
)
