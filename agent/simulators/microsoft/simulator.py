"""The Microsoft simulator: login, Graph and Partner Center behind one address, and the tenants they tell of."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from agent.simulators.faults import Fault, Faults, Kind
from agent.simulators.microsoft import entities
from agent.simulators.microsoft.graph import Graph
from agent.simulators.microsoft.login import Login
from agent.simulators.microsoft.partner_center import PartnerCenter
from agent.simulators.microsoft.records import Holdings
from agent.simulators.microsoft.tenant import Tenant
from agent.simulators.wire import Request, Response, SimClock, Simulator

LOGIN_URL = "https://login.microsoftonline.com"

_TENANT_ACTIONS = (
    "add_sku",
    "change_sku",
    "remove_sku",
    "add_subscription",
    "change_subscription",
    "remove_subscription",
    "buy",
    "reduce",
    "add_user",
    "change_user",
    "assign",
    "unassign",
    "disable_user",
    "enable_user",
    "delete_user",
    "add_group",
    "set_members",
    "remove_group",
    "add_device",
    "add_mailbox",
    "delete_mailbox",
    "spell_reports",
    "add_relationship",
    "add_contract",
    "consent",
    "withdraw_consent",
    "revoke_tokens",
    "lag_users",
)


class MicrosoftSimulator(Simulator):
    """All hosts in one: mount it under https://login.microsoftonline.com, https://graph.microsoft.com and
    https://api.partnercenter.microsoft.com, or serve it and use its address for all of them. Links in Graph's answers
    lead back to the address that was asked."""

    def __init__(self, clock: SimClock, *, faults: Faults | None = None, login_url: str = LOGIN_URL) -> None:
        super().__init__(clock, faults=faults)
        self.tenants: dict[str, Tenant] = {}
        self.login = Login(self.tenants, clock, login_url)
        self.graph = Graph(self.tenants, clock)
        self.partner_center = PartnerCenter(self.tenants, clock)

    def add_tenant(self, id: str, name: str, domains: Sequence[str], *, created: datetime | None = None) -> Tenant:
        """`domains`: the initial one (*.onmicrosoft.com) first; the last is the default domain."""
        if not domains:
            raise ValueError(f"tenant {name} needs a domain")
        lowered = tuple(domain.lower() for domain in domains)
        holdings = Holdings(id.lower(), name, lowered, created or self.clock.now())
        self.tenants[holdings.tenant] = Tenant(holdings, self.clock)
        return self.tenants[holdings.tenant]

    def remove_tenant(self, id: str) -> None:
        """Its tokens are worth nothing from now on, and login no longer knows it."""
        del self.tenants[id]

    def answer(self, request: Request, twist: Fault | None = None) -> Response:
        if self.login.concerns(request.path):
            return self.login.answer(request)
        if self.partner_center.concerns(request.path):
            return self.partner_center.answer(request, twist)
        return self.graph.answer(request, twist)

    def error(self, fault: Fault) -> Response:
        return self.graph.error(Request("GET", "/"), fault)

    def _error(self, request: Request, fault: Fault) -> Response:
        """Login words its errors otherwise than Graph; a Graph body there would mislead a token library."""
        if fault.kind in (Kind.BAD_GATEWAY, Kind.REDIRECT):
            return super()._error(request, fault)
        side = self.login if self.login.concerns(request.path) else self.graph
        return side.error(request, fault)

    def actions(self) -> Mapping[str, Callable[..., object]]:
        """Every action upon a tenant takes the tenant's id as `tenant`, then what the method takes."""
        on_tenants = {name: self._upon_tenant(name) for name in _TENANT_ACTIONS}
        return on_tenants | {
            "add_tenant": lambda **given: self.add_tenant(**given).id,
            "remove_tenant": self.remove_tenant,
            "odd": self.graph.oddities.add,
            "even": self.graph.oddities.clear,
            "refuse_tokens": self.login.refuse,
            "grant_tokens": self.login.relent,
            "sells_directly": self.partner_center.partners.add,
            "odd_sales": self.partner_center.oddities.add,
            "even_sales": self.partner_center.oddities.clear,
        }

    def state(self) -> object:
        return [_told(tenant.holdings) for tenant in self.tenants.values()]

    def _upon_tenant(self, name: str) -> Callable[..., object]:
        def act(*, tenant: str, **given: object) -> object:
            return getattr(self.tenants[tenant], name)(**given)

        return act


def _told(holdings: Holdings) -> object:
    skus = holdings.skus.values()
    return {
        "tenant": holdings.tenant,
        "name": holdings.name,
        "users": len(holdings.users),
        "skus": {sku.part_number: entities.SKU.show(holdings, sku, ("consumedUnits", "prepaidUnits")) for sku in skus},
        "subscriptions": {held.id: held.quantity for held in holdings.subscriptions.values()},
    }
