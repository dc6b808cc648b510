"""One simulated tenant and what people do to it: buy, assign, hire, leave, consent.

Licences are named by part number or GUID, users by UPN or id. Every method takes and gives plain values, so that
all of them also work from another process (POST /__sim/world).
"""

from __future__ import annotations

import uuid
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, TypeVar

from agent.simulators.microsoft import catalogue
from agent.simulators.microsoft.records import (
    Contract,
    Device,
    Group,
    Holdings,
    Mailbox,
    Relationship,
    Sku,
    Subscription,
    Units,
    User,
)
from agent.simulators.wire import SimClock

_Record = TypeVar("_Record")

READ_LICENCES = ("Organization.Read.All", "User.Read.All")

# Graph's names for what a person calls otherwise.
_ATTRIBUTES = {
    "department": "department",
    "office": "officeLocation",
    "city": "city",
    "state": "state",
    "country": "country",
    "company": "companyName",
    "title": "jobTitle",
    "mail": "mail",
}


class Tenant:
    """`holdings` is the present; `seen(lag)` is what an index that lags behind still shows."""

    def __init__(self, holdings: Holdings, clock: SimClock) -> None:
        self.holdings = holdings
        self.users_lag = timedelta(0)  # how far /users trails behind the counts of /subscribedSkus
        self.consents: dict[str, frozenset[str]] = {}
        self.revoked: datetime | None = None
        self._clock = clock
        self._past: deque[tuple[datetime, Holdings]] = deque(maxlen=64)
        self._watched = False  # what nobody has read yet cannot be stale: setting up leaves no past

    @property
    def id(self) -> str:
        return self.holdings.tenant

    def seen(self, lag: timedelta) -> Holdings:
        """The holdings `lag` ago, as far back as the first reading and the last 64 changes."""
        self._watched = True
        moment = self._clock.now() - lag
        return next((held for until, held in self._past if until > moment), self.holdings)

    # A SKU without a subscription is what free and viral licences look like; the usual way to a SKU is
    # `add_subscription`, from which its units follow.
    def add_sku(
        self,
        licence: str,
        *,
        part_number: str | None = None,
        enabled: int | None = None,
        warning: int = 0,
        suspended: int = 0,
        locked_out: int = 0,
        applies_to: str = "User",
        capability: str | None = None,
        consumed: int | None = None,
    ) -> str:
        """Returns its GUID. With `enabled` the units are as given here, whatever the subscriptions say; with
        `consumed` that number stands, whatever the users have. A GUID that no table knows needs `part_number`."""
        sku = catalogue.sku_id(licence)
        named = part_number or catalogue.part_number(sku)
        if named is None:
            raise LookupError(f"the table does not know {licence}: give it a part number")
        units = None if enabled is None else Units(enabled, warning, suspended, locked_out)
        held = Sku(sku, named, applies_to, units, consumed, capability)
        self._change(skus={**self.holdings.skus, sku: held})
        return sku

    def change_sku(self, licence: str, **changes: Any) -> None:
        """Fields of `Sku`; `units` as a mapping of `Units`, None to derive them from the subscriptions."""
        sku = self._sku(licence)
        if changes.get("units") is not None:
            changes["units"] = Units(**changes["units"])
        self._change(skus={**self.holdings.skus, sku: replace(self.holdings.skus[sku], **changes)})

    def remove_sku(self, licence: str) -> None:
        """The SKU and its subscriptions are gone; users keep listing it, as Graph sometimes lets them."""
        sku = self._sku(licence)
        left = {key: held for key, held in self.holdings.subscriptions.items() if held.sku != sku}
        self._change(skus=_without(self.holdings.skus, sku), subscriptions=left)

    def add_subscription(
        self,
        licence: str,
        quantity: int,
        *,
        id: str | None = None,
        status: str = "Enabled",
        created: datetime | str | None = None,
        next_lifecycle: datetime | str | None = None,
        trial: bool = False,
        commerce_id: str | None = None,
        owner_tenant: str | None = None,
        part_number: str | None = None,
        applies_to: str = "User",
        **sale: Any,
    ) -> str:
        """One purchase; its SKU appears with the first. Returns its id, which subscribedSkus refers to.

        `sale`: term, cycle, renews and next_quantity, as its seller (`owner_tenant`) sees them.
        """
        sku = catalogue.sku_id(licence)
        if sku not in self.holdings.skus:
            self.add_sku(licence, part_number=part_number, applies_to=applies_to)
        number = len(self.holdings.subscriptions)
        held = Subscription(
            id=id or self._make_id("subscription", sku, number),
            sku=sku,
            quantity=quantity,
            status=status,
            created=_instant(created) or self._clock.now(),
            next_lifecycle=_instant(next_lifecycle),
            trial=trial,
            commerce_id=commerce_id or self._make_id("commerce", sku, number),
            owner_tenant=owner_tenant,
            **sale,
        )
        self._change(subscriptions={**self.holdings.subscriptions, held.id: held})
        return held.id

    def change_subscription(self, id: str, **changes: Any) -> None:
        """Fields of `Subscription`, such as quantity or status (Enabled, Warning, Suspended, LockedOut, Deleted)."""
        changes = {name: _instant(value) if name in _INSTANTS else value for name, value in changes.items()}
        changed = replace(self.holdings.subscriptions[id], **changes)
        self._change(subscriptions={**self.holdings.subscriptions, id: changed})

    def remove_subscription(self, id: str) -> None:
        self._change(subscriptions=_without(self.holdings.subscriptions, id))

    def buy(self, licence: str, seats: int, *, subscription: str | None = None) -> int:
        """More seats on the first enabled subscription of the licence, or on the one named; the new total."""
        held = self._subscription(licence, subscription)
        if held.quantity + seats < 0:
            raise ValueError(f"subscription {held.id} has {held.quantity} seats, not {-seats} to give back")
        self.change_subscription(held.id, quantity=held.quantity + seats)
        return held.quantity + seats

    def reduce(self, licence: str, seats: int, *, subscription: str | None = None) -> int:
        """Fewer seats. Assignments stay, so that more may be consumed than bought (Microsoft: reference 2.1)."""
        return self.buy(licence, -seats, subscription=subscription)

    def add_user(
        self,
        upn: str,
        name: str,
        licences: Sequence[str] = (),
        *,
        id: str | None = None,
        enabled: bool = True,
        user_type: str = "Member",
        created: datetime | str | None = None,
        extension: Mapping[str, str] | None = None,
        **attributes: str,
    ) -> str:
        """`attributes`: department, office, city, state, country, company, title, mail. `extension`: number of
        the extension attribute ("1" to "15") to its value. Returns the user's id."""
        user = User(
            id=id or self._make_id("user", upn),
            upn=upn,
            name=name,
            created=_instant(created) or self._clock.now(),
            skus=tuple(self._sku(licence) for licence in licences),
            enabled=enabled,
            user_type=user_type,
            attributes={"mail": upn, **_graph_names(attributes)},
            extension=dict(extension or {}),
        )
        self._change(users={**self.holdings.users, user.id: user})
        return user.id

    def change_user(self, user: str, **changes: Any) -> None:
        """enabled, name, upn, user_type, or any attribute that `add_user` takes."""
        held = self._user(user)
        attributes = {key: changes.pop(key) for key in list(changes) if key in _ATTRIBUTES}
        merged = {**held.attributes, **_graph_names(attributes)}
        self._put_user(replace(held, attributes=merged, **changes))

    def assign(self, user: str, licence: str) -> None:
        held, sku = self._user(user), self._sku(licence)
        if sku not in held.skus:
            assigned = {**held.assigned, sku: self._clock.now()}
            self._put_user(replace(held, skus=(*held.skus, sku), assigned=assigned))

    def unassign(self, user: str, licence: str) -> None:
        held, sku = self._user(user), self._sku(licence)
        if sku not in held.skus:
            raise LookupError(f"{held.upn} does not have {licence} of their own")
        self._put_user(replace(held, skus=tuple(other for other in held.skus if other != sku)))

    def disable_user(self, user: str) -> None:
        """A disabled user keeps the licences, and they stay consumed."""
        self.change_user(user, enabled=False)

    def enable_user(self, user: str) -> None:
        self.change_user(user, enabled=True)

    def delete_user(self, user: str) -> None:
        """Gone from /users and from the groups at once; the licences return to the pool."""
        gone = self._user(user).id
        groups = {
            key: replace(group, members=tuple(member for member in group.members if member != gone))
            for key, group in self.holdings.groups.items()
        }
        self._change(users=_without(self.holdings.users, gone), groups=groups)

    def add_group(
        self, name: str, members: Sequence[str] = (), licences: Sequence[str] = (), *, id: str | None = None
    ) -> str:
        """`members`: users by UPN or id, groups and devices by id. They inherit `licences`. Returns the group's id."""
        group = Group(
            id=id or self._make_id("group", name),
            name=name,
            members=tuple(self._member(member) for member in members),
            skus=tuple(self._sku(licence) for licence in licences),
        )
        self._change(groups={**self.holdings.groups, group.id: group})
        return group.id

    def remove_group(self, group: str) -> None:
        self._change(groups=_without(self.holdings.groups, group))

    def set_members(self, group: str, members: Sequence[str]) -> None:
        held = replace(self.holdings.groups[group], members=tuple(map(self._member, members)))
        self._change(groups={**self.holdings.groups, group: held})

    def add_device(
        self, name: str, *, user: str | None = None, system: str = "Windows", compliance: str = "compliant"
    ) -> str:
        """The first device shows that the tenant has Intune; without it managedDevices is not applicable."""
        owner = self._user(user).id if user else None
        device = Device(self._make_id("device", name), name, self._clock.now(), owner, system, compliance)
        self._change(devices={**self.holdings.devices, device.id: device}, intune=True)
        return device.id

    def add_mailbox(self, upn: str, name: str, kind: str = "Shared") -> None:
        """`kind`: User, Shared, Room or Equipment. It shows in the mailbox report, beside no user or beside one."""
        box = Mailbox(upn, name, kind, self._clock.now())
        self._change(mailboxes={**self.holdings.mailboxes, upn.lower(): box})

    def delete_mailbox(self, upn: str) -> None:
        """The report goes on listing it for a while, as deleted."""
        gone = replace(self.holdings.mailboxes[upn.lower()], deleted=self._clock.now())
        self._change(mailboxes={**self.holdings.mailboxes, upn.lower(): gone})

    def spell_reports(self, *, conceals_names: bool = False, long_kinds: bool = False) -> None:
        """How this tenant's reports write names and kinds of mailboxes."""
        self._change(conceals_names=conceals_names, long_kinds=long_kinds)

    def add_relationship(
        self,
        tenant: str,
        tenant_name: str,
        *,
        name: str | None = None,
        status: str = "active",
        activated: datetime | str | None = None,
        days: int = 730,
        auto_extend: str = "P180D",
    ) -> str:
        """GDAP from this partner to `tenant`. `auto_extend` "PT0S" lets it expire after `days`. Returns its id."""
        relation = Relationship(
            id=self._make_id("relationship", tenant, len(self.holdings.relationships)),
            tenant=tenant,
            tenant_name=tenant_name,
            name=name or f"{self.holdings.name} - {tenant_name}",
            status=status,
            activated=_instant(activated) or self._clock.now(),
            lasts=timedelta(days=days),
            auto_extend=auto_extend,
        )
        self._change(relationships={**self.holdings.relationships, relation.id: relation})
        return relation.id

    def add_contract(self, tenant: str, tenant_name: str, domain: str, *, kind: str = "ResellerPartner") -> str:
        """A reseller's contract with `tenant`; the names are never refreshed. Returns its id."""
        contract = Contract(self._make_id("contract", tenant), tenant, tenant_name, domain, kind)
        self._change(contracts={**self.holdings.contracts, contract.id: contract})
        return contract.id

    def consent(self, app: str, roles: Sequence[str] = READ_LICENCES) -> None:
        """The tenant's administrator grants exactly `roles` to the app; it shows in the next token."""
        self.consents[app] = frozenset(roles)

    def withdraw_consent(self, app: str) -> None:
        """No more tokens. Those already out live on until they expire; `revoke_tokens` ends them, too."""
        self.consents.pop(app, None)

    def revoke_tokens(self) -> None:
        """Every token issued until now is refused with a claims challenge."""
        self.revoked = self._clock.now()

    def lag_users(self, seconds: int) -> None:
        """From now on /users shows what was so many seconds ago, while the counts show the present."""
        self.users_lag = timedelta(seconds=seconds)
        self._watched = True

    def replace_holdings(self, **collections: Any) -> None:
        """Many records at once, as one change: fields of `Holdings`."""
        self._change(**collections)

    def _change(self, **collections: Any) -> None:
        if self._watched:
            self._past.append((self._clock.now(), self.holdings))
        self.holdings = replace(self.holdings, **collections)

    def _put_user(self, user: User) -> None:
        self._change(users={**self.holdings.users, user.id: user})

    def _sku(self, licence: str) -> str:
        """Also by a part number that only this tenant knows; LookupError where the tenant does not have it."""
        held = self.holdings.skus
        own = [sku.id for sku in held.values() if licence in (sku.part_number, sku.id)]
        sku = own[0] if len(own) == 1 else catalogue.sku_id(licence)
        if sku not in held:
            raise LookupError(f"{self.holdings.name} has no licence {licence}")
        return sku

    def _subscription(self, licence: str, id: str | None) -> Subscription:
        if id is not None:
            return self.holdings.subscriptions[id]
        found = self.holdings.subscriptions_of(self._sku(licence))
        enabled = next((held for held in found if held.status == "Enabled"), None)
        if enabled is None:
            raise LookupError(f"{self.holdings.name} has no enabled subscription of {licence}")
        return enabled

    def _user(self, name: str) -> User:
        users = self.holdings.users
        if name in users:
            return users[name]
        found = next((user for user in users.values() if user.upn.lower() == name.lower()), None)
        if found is None:
            raise LookupError(f"{self.holdings.name} has no user {name}")
        return found

    def _member(self, name: str) -> str:
        known = name in self.holdings.groups or name in self.holdings.devices
        return name if known else self._user(name).id

    def _make_id(self, *what: object) -> str:
        return str(uuid.uuid5(uuid.UUID(self.id), "/".join(map(str, what))))


_INSTANTS = ("created", "next_lifecycle")


def _instant(given: datetime | str | None) -> datetime | None:
    return datetime.fromisoformat(given) if isinstance(given, str) else given


def _graph_names(attributes: Mapping[str, str]) -> dict[str, str]:
    unknown = attributes.keys() - _ATTRIBUTES
    if unknown:
        raise TypeError(f"a user has no {', '.join(sorted(unknown))}; there are {', '.join(_ATTRIBUTES)}")
    return {_ATTRIBUTES[name]: value for name, value in attributes.items()}


def _without(records: Mapping[str, _Record], gone: str) -> dict[str, _Record]:
    if gone not in records:
        raise LookupError(f"there is no {gone}")
    return {key: record for key, record in records.items() if key != gone}
