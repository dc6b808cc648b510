"""NinjaOne: the devices of each organisation, by class (NinjaOne: reference 3.3).

Its lists tell no total. They are read from the last id on until nothing more comes, so that a page that came back
too short only means one more; a page that came back empty cannot be told from the end.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
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

SIZE = 1000
PAGES = 500
_COVERED = frozenset({Coverage.LICENCES, Coverage.MEMBERS})
_CLASSES = {
    **dict.fromkeys(("WINDOWS_SERVER", "LINUX_SERVER", "MAC_SERVER"), "server"),
    **dict.fromkeys(("WINDOWS_WORKSTATION", "LINUX_WORKSTATION", "MAC"), "workstation"),
    **dict.fromkeys(("ANDROID", "APPLE_IOS", "APPLE_IPADOS"), "mobile"),
    "CLOUD_MONITOR_TARGET": "cloud-monitor",
    "UNMANAGED_DEVICE": "unmanaged",
}
# HYPERV_VMM_HOST, VMWARE_VM_GUEST, NMS_SWITCH: families whose members differ by maker or model.
_FAMILIES = (("_HOST", "vm-host"), ("_GUEST", "vm-guest"))


class WireOrganization(Struct):
    id: int
    name: str = ""


class WireDevice(Struct):
    id: int
    organizationId: int
    nodeClass: str = ""
    approvalStatus: str = ""
    displayName: str | None = None
    systemName: str | None = None


Row = TypeVar("Row", WireOrganization, WireDevice)
_ORGANIZATIONS, _ORGANIZATION = Decoder(list[WireOrganization]), Decoder(WireOrganization)
_DEVICES = Decoder(list[WireDevice])


@dataclass(frozen=True, slots=True)
class ClientKey:
    id: str
    secret: Callable[[], str]


class NinjaOneSource:
    """`agent.ports.Source` over NinjaOne's public API. `wire` goes to the region's address."""

    def __init__(self, name: str, wire: Outgoing, key: ClientKey, clock: Clock, size: int = SIZE) -> None:
        self._name, self._clock, self._size = name, clock, size
        self._vendor = Vendor("NinjaOne", wire, Bearer(lambda: _token(wire, key), clock, "NinjaOne"))

    def accounts(self) -> Sequence[Account]:
        rows = self._rows("/v2/organizations", _ORGANIZATIONS, {})
        return [Account(self._name, str(one.id), one.name) for one in rows]

    def observe(self, account: Account, needs: Needs = NO_NEEDS) -> Snapshot:
        at, organization = self._clock.now(), self._organization(account.id)
        devices = self._rows("/v2/devices", _DEVICES, {"df": f"org = {organization.id}"})
        # A filter that is not understood is a filter that is not there.
        if any(one.organizationId != organization.id for one in devices):
            raise Incomplete("NinjaOne listed devices of another organisation than was asked for.", LATER)
        members = tuple(map(_member, devices))
        told = replace(account, id=str(organization.id), name=account.name or organization.name)
        return Snapshot(told, at, by_class(members), members, _COVERED)

    def check(self, account: Account, needs: Needs = NO_NEEDS, elsewhere: Needs = NO_NEEDS) -> Sequence[Finding]:
        self._organization(account.id)
        return ()

    def _organization(self, id_: str) -> WireOrganization:
        """An organisation that is not there has no devices either, and that would read as none left."""
        return self._vendor.read(f"/v2/organization/{id_}", _ORGANIZATION)

    def _rows(self, path: str, decoder: Decoder[list[Row]], params: dict[str, str]) -> list[Row]:
        rows: list[Row] = []
        for _ in range(PAGES):
            after = {"after": str(rows[-1].id)} if rows else {}
            page: list[Row] = self._vendor.read(path, decoder, {**params, "pageSize": str(self._size), **after})
            if not page:
                return rows
            rows += page
            if any(later.id <= earlier.id for earlier, later in pairwise(rows)):
                raise Incomplete("NinjaOne's pages do not follow each other.", LATER)
        raise Incomplete("NinjaOne's list does not end.", LATER)


def _token(wire: Outgoing, key: ClientKey) -> Answer:
    form = {"grant_type": "client_credentials", "scope": "monitoring"}
    return wire.read("POST", "/ws/oauth/token", data={**form, "client_id": key.id, "client_secret": key.secret()})


def _member(one: WireDevice) -> Member:
    host = one.displayName or one.systemName or str(one.id)
    return device(str(one.id), host, _kind(one), system=one.nodeClass.lower().replace("_", " "))


def _kind(one: WireDevice) -> str:
    if one.approvalStatus != "APPROVED":
        return "pending"
    if one.nodeClass.startswith("NMS_"):
        return "network"
    family = next((kind for ending, kind in _FAMILIES if one.nodeClass.endswith(ending)), "other")
    return _CLASSES.get(one.nodeClass, family)
