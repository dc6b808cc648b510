"""Datto RMM: the devices of each site, by class (Datto RMM: reference 3.2).

A site's own number of devices counts network devices and deleted ones as well, so they are counted one by one.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from msgspec import Struct
from msgspec.json import Decoder

from agent.domain.counts import NO_NEEDS, Account, Coverage, Member, Needs, Snapshot
from agent.domain.devices import by_class, device
from agent.domain.findings import Finding
from agent.errors import Incomplete
from agent.outgoing import Answer, Outgoing
from agent.outgoing.vendor import LATER, Bearer, Vendor
from agent.ports import Clock

PAGES = 400  # of up to 250 devices; a longer chain has no end
SIZE = 250
# The same for everybody: it says which kind of program asks, and the key says who.
_PUBLIC = base64.b64encode(b"public-client:public").decode()
_COVERED = frozenset({Coverage.LICENCES, Coverage.MEMBERS})
_CLASSES = {"printer": "printer", "esxihost": "vm-host", "rmmnetworkdevice": "network"}
_CATEGORIES = {
    "server": "server",
    **dict.fromkeys(("desktop", "laptop", "workstation", "tablet", "all-in-one"), "workstation"),
    "smartphone": "mobile",
}


class _Details(Struct):
    totalCount: int | None = None
    nextPageUrl: str | None = None


class WireSite(Struct):
    uid: str
    name: str = ""
    onDemand: bool = False


class WireType(Struct):
    category: str | None = None


class WireDevice(Struct):
    uid: str
    siteUid: str
    hostname: str = ""
    deviceType: WireType | None = None
    deviceClass: str | None = None
    operatingSystem: str | None = None
    suspended: bool = False
    deleted: bool = False


class _Sites(Struct):
    pageDetails: _Details
    sites: list[WireSite]


class _Devices(Struct):
    pageDetails: _Details
    devices: list[WireDevice]


Page = TypeVar("Page", _Sites, _Devices)
Row = TypeVar("Row", WireSite, WireDevice)
_SITES, _SITE, _DEVICES = Decoder(_Sites), Decoder(WireSite), Decoder(_Devices)


@dataclass(frozen=True, slots=True)
class ApiKey:
    key: str
    secret: Callable[[], str]


class DattoRmmSource:
    """`agent.ports.Source` over Datto RMM's API. `wire` goes to the platform's address, `/api` not included."""

    def __init__(self, name: str, wire: Outgoing, key: ApiKey, clock: Clock, size: int = SIZE) -> None:
        self._name, self._clock, self._size = name, clock, size
        self._vendor = Vendor("Datto RMM", wire, Bearer(lambda: _token(wire, key), clock, "Datto RMM"))

    def accounts(self) -> Sequence[Account]:
        """On-demand sites hold devices of people who called once; nobody manages them."""
        sites = self._rows("/api/v2/account/sites", _SITES, lambda page: page.sites)
        return [Account(self._name, one.uid.lower(), one.name) for one in sites if not one.onDemand]

    def observe(self, account: Account, needs: Needs = NO_NEEDS) -> Snapshot:
        at, site = self._clock.now(), self._site(account.id)
        devices = self._rows(f"/api/v2/site/{account.id.lower()}/devices", _DEVICES, lambda page: page.devices)
        if any(one.siteUid.lower() != account.id.lower() for one in devices):
            raise Incomplete("Datto RMM listed devices of another site than was asked for.", LATER)
        # Deleted devices stay in the list for a while; suspended ones are still there, and billed.
        members = tuple(_member(one) for one in devices if not one.deleted)
        told = replace(account, id=site.uid.lower(), name=account.name or site.name)
        return Snapshot(told, at, by_class(members), members, _COVERED)

    def check(self, account: Account, needs: Needs = NO_NEEDS, elsewhere: Needs = NO_NEEDS) -> Sequence[Finding]:
        self._site(account.id)
        return ()

    def _site(self, id_: str) -> WireSite:
        """A site that is not there has no devices either, and that would read as none left."""
        return self._vendor.read(f"/api/v2/site/{id_.lower()}", _SITE)

    def _rows(self, path: str, decoder: Decoder[Page], rows_of: Callable[[Page], list[Row]]) -> list[Row]:
        rows: list[Row] = []
        link: str | None = f"{path}?page=0&max={self._size}"
        followed: set[str] = set()
        while link is not None:
            if link in followed or len(followed) == PAGES:
                raise Incomplete("Datto RMM's list does not end.", LATER)
            followed.add(link)
            # An address outside the platform is refused behind this call, before the token goes there.
            page = self._vendor.read(link, decoder)
            rows += rows_of(page)
            link, total = page.pageDetails.nextPageUrl, page.pageDetails.totalCount
        if (total is not None and total != len(rows)) or len({one.uid for one in rows}) < len(rows):
            raise Incomplete(f"Datto RMM counts {total} rows but listed {len(rows)}, or some of them twice.", LATER)
        return rows


def _token(wire: Outgoing, key: ApiKey) -> Answer:
    form = {"grant_type": "password", "username": key.key, "password": key.secret()}
    return wire.read("POST", "/auth/oauth/token", headers={"Authorization": f"Basic {_PUBLIC}"}, data=form)


def _member(one: WireDevice) -> Member:
    return device(one.uid.lower(), one.hostname or one.uid, _kind(one), not one.suspended, one.operatingSystem or "")


def _kind(one: WireDevice) -> str:
    """By class, and what Datto calls a plain device by its category; "other" for words that are not known."""
    named = (one.deviceClass or "").casefold()
    category = (one.deviceType.category if one.deviceType else None) or ""
    return _CLASSES.get(named) or _CATEGORIES.get(category.casefold(), "other")
