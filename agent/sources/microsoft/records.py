"""What Graph sends, as far as we need it, and how it becomes our words (Microsoft: reference 2).

Decoded and validated from bytes in one step by msgspec; whatever else Graph sends is skipped. A field without a default
must be there and must have its type: a count that is missing is not zero.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from operator import attrgetter
from sys import intern
from typing import Generic, TypeVar

from msgspec import Struct, field

from agent.domain.counts import Member, Observation, Status, Subscription
from agent.errors import Incomplete
from agent.sku_table import SkuTable

T = TypeVar("T")

CHANGED = "Nothing to do unless it lasts: the list may have changed while it was read."


class Page(Struct, Generic[T]):
    """`count` is of the whole collection and comes with its first page only, if at all."""

    value: list[T]
    next_link: str | None = field(default=None, name="@odata.nextLink")
    count: int | None = field(default=None, name="@odata.count")


class Units(Struct):
    enabled: int
    warning: int


class WireSku(Struct):
    skuId: str
    consumedUnits: int
    prepaidUnits: Units
    skuPartNumber: str | None = None
    appliesTo: str | None = None
    subscriptionIds: list[str] | None = None


class WireSubscription(Struct):
    id: str
    skuId: str
    totalLicenses: int
    status: str
    isTrial: bool | None = None
    createdDateTime: str | None = None
    nextLifecycleDateTime: str | None = None
    ownerTenantId: str | None = None
    commerceSubscriptionId: str | None = None


class WireLicence(Struct, gc=False):
    skuId: str


class WireAssignment(Struct, gc=False):
    """One way in which a licence is held: directly, or by a group."""

    skuId: str | None = None
    state: str | None = None
    lastUpdatedDateTime: str | None = None


class WireExtensions(Struct, gc=False):
    extensionAttribute1: str | None = None
    extensionAttribute2: str | None = None
    extensionAttribute3: str | None = None
    extensionAttribute4: str | None = None
    extensionAttribute5: str | None = None
    extensionAttribute6: str | None = None
    extensionAttribute7: str | None = None
    extensionAttribute8: str | None = None
    extensionAttribute9: str | None = None
    extensionAttribute10: str | None = None
    extensionAttribute11: str | None = None
    extensionAttribute12: str | None = None
    extensionAttribute13: str | None = None
    extensionAttribute14: str | None = None
    extensionAttribute15: str | None = None


class WireUser(Struct, gc=False):
    id: str
    assignedLicenses: list[WireLicence]
    displayName: str | None = None
    userPrincipalName: str | None = None
    accountEnabled: bool | None = None
    userType: str | None = None
    department: str | None = None
    officeLocation: str | None = None
    city: str | None = None
    state: str | None = None
    country: str | None = None
    companyName: str | None = None
    jobTitle: str | None = None
    usageLocation: str | None = None
    onPremisesExtensionAttributes: WireExtensions | None = None
    licenseAssignmentStates: list[WireAssignment] | None = None


class WireGroupMember(Struct):
    """A user, a device, or something else in a group, such as the groups inside it.

    Of objects that the application may not read Graph tells id and type only; they are members all the same.
    """

    type: str = field(name="@odata.type")
    id: str
    displayName: str | None = None
    userPrincipalName: str | None = None
    accountEnabled: bool | None = None
    userType: str | None = None


class WireMailbox(Struct):
    userPrincipalName: str
    displayName: str | None = None
    isDeleted: bool | None = None
    recipientType: str | None = None


class WireDevice(Struct):
    id: str
    deviceName: str | None = None
    operatingSystem: str | None = None


class Customer(Struct):
    tenantId: str
    displayName: str | None = None


class WireRelationship(Struct):
    customer: Customer
    status: str | None = None


class WireContract(Struct):
    customerId: str
    displayName: str | None = None


# Our names of a user's attributes, which the filters of mapping files use, to Graph's.
ATTRIBUTES = {
    "department": "department",
    "office": "officeLocation",
    "city": "city",
    "state": "state",
    "country": "country",
    "company": "companyName",
    "job-title": "jobTitle",
    "usage-location": "usageLocation",
}
_NAMES = (*ATTRIBUTES, *(f"extension-{number}" for number in range(1, 16)))
_values = attrgetter(*ATTRIBUTES.values())
_extension_values = attrgetter(*(f"extensionAttribute{number}" for number in range(1, 16)))
_NO_EXTENSIONS = (None,) * 15

_STATUS = {status.value.lower(): status for status in Status}
_HELD = ("Active", "ActiveWithError")


class Members:
    """The licensed users of one tenant, taken in page by page.

    Thousands of users share few combinations of licences and attributes, so each combination is kept once.
    """

    def __init__(self) -> None:
        self._members: dict[str, Member] = {}
        self._count: int | None = None
        self._licences: dict[tuple[str, ...], frozenset[str]] = {}
        self._attributes: dict[tuple[str | None, ...], Mapping[str, str]] = {}

    def take(self, page: Page[WireUser]) -> None:
        """Raises `Incomplete` for a user who was there before: then a page came twice, and another may be missing."""
        if page.count is not None:
            self._count = page.count
        for user in page.value:
            member = self._member(user)
            if member.id in self._members:
                raise Incomplete("Graph listed a user twice; its pages do not fit together.", CHANGED)
            self._members[member.id] = member

    def whole(self) -> tuple[Member, ...]:
        """All of them; raises `Incomplete` where Graph counted another number than it listed."""
        listed = len(self._members)
        if self._count is not None and self._count != listed:
            raise Incomplete(f"Graph counts {self._count} licensed users but listed {listed}.", CHANGED)
        return tuple(self._members.values())

    def _member(self, user: WireUser) -> Member:
        login = user.userPrincipalName or ""
        return Member(
            id=user.id.lower(),
            login=login,
            name=user.displayName or login,
            # Null where the account was made by another service; nobody has disabled it.
            enabled=user.accountEnabled is not False,
            guest=user.userType == "Guest",
            licences=self._held(user.assignedLicenses),
            attributes=self._described(user),
            assigned=_assigned(user.licenseAssignmentStates or ()),
        )

    def _held(self, licences: list[WireLicence]) -> frozenset[str]:
        key = tuple([licence.skuId for licence in licences])
        held = self._licences.get(key)
        if held is None:
            held = self._licences[key] = frozenset(intern(sku.lower()) for sku in key)
        return held

    def _described(self, user: WireUser) -> Mapping[str, str]:
        more = user.onPremisesExtensionAttributes
        values = _values(user) + (_NO_EXTENSIONS if more is None else _extension_values(more))
        described = self._attributes.get(values)
        if described is None:
            described = {name: value for name, value in zip(_NAMES, values, strict=True) if value}
            self._attributes[values] = described
        return described


def observations(
    skus: Iterable[WireSku], subscriptions: Iterable[WireSubscription], names: SkuTable
) -> Mapping[str, Observation]:
    """One observation per licence, with its purchases.

    A purchase of a licence that is not listed makes one with no units of its own: if it is live, the two contradict
    each other, and nothing is billed on it.
    """
    held = {sku.skuId.lower(): sku for sku in skus}
    home = {one.lower(): sku for sku, listed in held.items() for one in listed.subscriptionIds or ()}
    purchases: dict[str, list[Subscription]] = {sku: [] for sku in held}
    for purchase in subscriptions:
        owner = home.get(purchase.id.lower(), purchase.skuId.lower())
        purchases.setdefault(owner, []).append(_subscription(purchase))
    return {
        intern(sku): _observation(sku, held.get(sku), tuple(sorted(bought, key=lambda one: one.id)), names)
        for sku, bought in sorted(purchases.items())
    }


def _observation(sku: str, listed: WireSku | None, bought: tuple[Subscription, ...], names: SkuTable) -> Observation:
    part_number = (listed and listed.skuPartNumber) or names.part_number(sku) or ""
    return Observation(
        sku=intern(sku),
        part_number=part_number,
        name=names.name(sku, part_number),
        # Warning is the month of grace after expiry: people keep working, so it is billed like Enabled.
        prepaid=listed.prepaidUnits.enabled + listed.prepaidUnits.warning if listed else 0,
        assigned=listed.consumedUnits if listed else 0,
        per_user=not (listed and listed.appliesTo == "Company"),
        subscriptions=bought,
    )


def _subscription(wire: WireSubscription) -> Subscription:
    return Subscription(
        id=wire.id.lower(),
        quantity=wire.totalLicenses,
        status=_STATUS.get(wire.status.lower(), Status.UNKNOWN),
        created=instant_of(wire.createdDateTime),
        renews=instant_of(wire.nextLifecycleDateTime),
        trial=bool(wire.isTrial),
        owner=(wire.ownerTenantId or "").lower(),
        commerce=(wire.commerceSubscriptionId or "").lower(),
    )


def _assigned(states: Iterable[WireAssignment]) -> Mapping[str, datetime]:
    """By licence, since when it is held in one of its ways.

    The date is that of the last change to the assignment. The list has been incomplete in the past, and is only
    evidence: what cannot be read in it is not known, and fails nothing.
    """
    found: dict[str, datetime] = {}
    for one in states:
        if one.state not in _HELD or not one.skuId:
            continue
        since, sku = _told(one.lastUpdatedDateTime), _sku(one.skuId)
        if since is not None and (sku not in found or since < found[sku]):
            found[sku] = since
    return found


@lru_cache(4096)
def _sku(id_: str) -> str:
    """There are a few hundred, and one for every licence of everybody."""
    return intern(id_.lower())


def _told(text: str | None) -> datetime | None:
    """None for what is no time, and for the year 1, by which Microsoft's services say that there is none."""
    try:
        moment = instant_of(text)
    except Incomplete:
        return None
    if moment is None or moment.year <= 1:
        return None
    return moment.replace(microsecond=0) if moment.microsecond else moment


def instant_of(text: str | None) -> datetime | None:
    """An instant in UTC, which is meant where no zone is named. Fractions of a second come with up to seven digits."""
    try:
        moment = datetime.fromisoformat(text) if text else None
    except ValueError:
        raise Incomplete(f"Microsoft sent {text[:30] if text else ''!r} where a time belongs.") from None
    if moment is None or moment.tzinfo is UTC:
        return moment
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def check_unique(ids: Iterable[str], what: str) -> None:
    seen: set[str] = set()
    for id in ids:
        if id.lower() in seen:
            raise Incomplete(f"Graph listed {what} {id} twice; its pages do not fit together.", CHANGED)
        seen.add(id.lower())
