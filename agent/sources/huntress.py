"""Huntress: what it bills for each organisation, by product, as its own usage says (Huntress: reference 3.1).

Billable is not installed: an agent that has not called for weeks is installed and not billed. The list of
organisations has the installed ones only, so each organisation is asked for by itself.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from msgspec import Struct
from msgspec.json import Decoder

from agent.domain.counts import NO_NEEDS, Account, Coverage, Hint, Needs, Observation, Snapshot, Unit
from agent.domain.findings import Finding
from agent.errors import Incomplete
from agent.outgoing import Outgoing
from agent.outgoing.vendor import LATER, Vendor, fixed
from agent.ports import Clock

PAGES = 200  # of up to 500 organisations; a longer chain has no end
SIZE = 500
_COVERED = frozenset({Coverage.LICENCES, Coverage.IN_USE})


class WireEdr(Struct):
    billable_agents_count: int


class WireIdentities(Struct):
    billable_identities_count: int


class WireSat(Struct):
    learners_count: int


class WireSiem(Struct):
    billable_log_sources_count: int


class WireUsage(Struct):
    """A product that is not subscribed to is null, or not there."""

    edr: WireEdr | None = None
    itdr: list[WireIdentities] | None = None  # one entry a tenant
    ispm: list[WireIdentities] | None = None
    sat: WireSat | None = None
    siem: WireSiem | None = None


class WireOrganization(Struct):
    id: int
    name: str = ""
    identity_provider_tenant_id: str | None = None
    actual_usages: WireUsage | None = None


class _Single(Struct):
    organization: WireOrganization


class _Pagination(Struct):
    next_page_token: str | None = None


class _Page(Struct):
    organizations: list[WireOrganization]
    pagination: _Pagination


_PAGE, _ONE = Decoder(_Page), Decoder(_Single)


@dataclass(frozen=True, slots=True)
class ApiKey:
    key: str
    secret: Callable[[], str]

    def header(self) -> str:
        return f"Basic {base64.b64encode(f'{self.key}:{self.secret()}'.encode()).decode()}"


class HuntressSource:
    """`agent.ports.Source` over Huntress's API. `wire` goes to its address, `/v1` not included; `products` by key."""

    def __init__(
        self, name: str, wire: Outgoing, key: ApiKey, clock: Clock, products: Mapping[str, str], size: int = SIZE
    ) -> None:
        self._name, self._clock, self._products, self._size = name, clock, products, size
        self._vendor = Vendor("Huntress", wire, fixed(key.header))

    def accounts(self) -> Sequence[Account]:
        rows: list[WireOrganization] = []
        token: str | None = ""
        for _ in range(PAGES):
            params = {"limit": str(self._size), **({"page_token": token} if token else {})}
            page = self._vendor.read("/v1/organizations", _PAGE, params)
            rows, token = [*rows, *page.organizations], page.pagination.next_page_token
            if not token:
                break
        if token or len({one.id for one in rows}) < len(rows):
            raise Incomplete("Huntress's list of organisations does not fit together.", LATER)
        return [Account(self._name, str(one.id), one.name, _hints(one)) for one in rows]

    def observe(self, account: Account, needs: Needs = NO_NEEDS) -> Snapshot:
        at, one = self._clock.now(), self._organization(account.id)
        # Without it the list's own numbers would be at hand, which are those installed.
        if one.actual_usages is None:
            raise Incomplete("Huntress does not tell what it bills for the organisation.", LATER)
        used = [(key, unit, number) for key, unit, number in _used(one.actual_usages) if number]
        seen = {
            key: Observation(key, "", self._products[key], None, number, False, unit=unit) for key, unit, number in used
        }
        told = replace(account, id=str(one.id), name=account.name or one.name)
        return Snapshot(told, at, seen, (), _COVERED)

    def check(self, account: Account, needs: Needs = NO_NEEDS, elsewhere: Needs = NO_NEEDS) -> Sequence[Finding]:
        self._organization(account.id)
        return ()

    def _organization(self, id_: str) -> WireOrganization:
        one = self._vendor.read(f"/v1/organizations/{id_}", _ONE).organization
        if str(one.id) != id_:
            raise Incomplete("Huntress answered for another organisation than was asked for.", LATER)
        return one


def _hints(one: WireOrganization) -> tuple[tuple[Hint, str], ...]:
    tenant = one.identity_provider_tenant_id
    return ((Hint.TENANT, tenant.lower()),) if tenant else ()


def _used(usage: WireUsage) -> list[tuple[str, Unit, int]]:
    """Product, what one of it is, and how many are billed; identities are people in one or several tenants."""
    return [
        ("edr", Unit.DEVICE, usage.edr.billable_agents_count if usage.edr else 0),
        ("itdr", Unit.SEAT, _identities(usage.itdr)),
        ("ispm", Unit.SEAT, _identities(usage.ispm)),
        ("sat", Unit.SEAT, usage.sat.learners_count if usage.sat else 0),
        ("siem", Unit.UNIT, usage.siem.billable_log_sources_count if usage.siem else 0),
    ]


def _identities(tenants: Sequence[WireIdentities] | None) -> int:
    return sum(one.billable_identities_count for one in tenants) if tenants else 0
