"""Partner Center: what a partner has sold to a tenant (Microsoft: reference 2.3).

The sale and the tenant's own subscription are one thing here, as they are at Microsoft: the seller's id is the
subscription's commerce id, and each side tells what the other keeps to itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from agent.simulators.faults import Fault
from agent.simulators.microsoft import tokens
from agent.simulators.microsoft.oddities import Odd, Oddities, Oddity, from_twist
from agent.simulators.microsoft.problems import Refusal, failed, too_many
from agent.simulators.microsoft.records import Subscription
from agent.simulators.microsoft.tenant import Tenant
from agent.simulators.wire import Request, Response, SimClock, encode

_PATH = re.compile(r"/v1/customers/([^/]+)/subscriptions")
_CYCLES = {"P1M": "monthly", "P1Y": "annual", "P3Y": "triennial"}
_STATUSES = {"Enabled": "active", "Warning": "active", "Suspended": "suspended", "LockedOut": "disabled"}
_WEEK = timedelta(days=7)
_FOR_EVER = "9999-12-30T23:59:59.9999999Z"


class PartnerCenter:
    """`partners` are the tenants that sell directly; indirect resellers are refused, and so is everybody else."""

    def __init__(self, tenants: Mapping[str, Tenant], clock: SimClock) -> None:
        self.partners: set[str] = set()
        self.oddities = Oddities()
        self._tenants = tenants
        self._clock = clock

    def concerns(self, path: str) -> bool:
        return path.startswith("/v1/")

    def answer(self, request: Request, twist: Fault | None) -> Response:
        try:
            return self._answer(request, twist)
        except Refusal as refusal:
            body = {"code": refusal.code, "description": str(refusal)}
            headers = {"content-type": "application/json", **refusal.headers}
            return Response(refusal.status, headers, encode(body))

    def _answer(self, request: Request, twist: Fault | None) -> Response:
        partner = self._caller(request)
        asked = _PATH.fullmatch(request.path)
        tenant = self._tenants.get(asked[1].lower()) if asked else None
        if request.method != "GET" or tenant is None:
            raise Refusal(403, "900151", "The access to this customer is denied.")
        oddity = self.oddities.pick(request.path, tenant.id) or from_twist(twist)
        body = _spoilt(_listed(list(self._sold(tenant, partner))), oddity)
        return Response(200, {"content-type": "application/json"}, encode(body))

    def _caller(self, request: Request) -> str:
        """The partner's own tenant: a token of the customer's opens nothing here."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        claims = tokens.read(token) if scheme.lower() == "bearer" else None
        if claims is None or claims["aud"] not in (tokens.PARTNER_CENTER, request.origin):
            raise Refusal(401, "900401", "The token is not for this service.")
        if claims["exp"] <= self._clock.now().timestamp():
            raise Refusal(401, "900401", "The token has expired.")
        if claims["tid"] not in self.partners:
            raise Refusal(403, "900153", "The partner is not authorized for this operation.")
        return str(claims["tid"])

    def _sold(self, tenant: Tenant, partner: str) -> Iterator[dict[str, Any]]:
        for held in tenant.holdings.subscriptions.values():
            if held.owner_tenant and held.owner_tenant.lower() == partner:
                part_number = tenant.holdings.skus[held.sku].part_number
                yield _sale(held, part_number, self._clock.now())


def _sale(held: Subscription, name: str, now: datetime) -> dict[str, Any]:
    """A sale of the new commerce, or, without a term, of an earlier one: those tell neither term nor window."""
    sale = {
        "id": held.commerce_id.upper(),
        "offerName": name,
        "friendlyName": name,
        "productType": {"id": "OnlineServicesNCE", "displayName": "OnlineServicesNCE"},
        "quantity": held.quantity,
        "unitType": "Licenses",
        "creationDate": _instant(held.created),
        "effectiveStartDate": _instant(held.created),
        "status": _STATUSES.get(held.status, "deleted"),
        "autoRenewEnabled": held.renews,
        "isTrial": held.trial,
        "billingType": "license",
    }
    if not held.term:
        return {**sale, "productType": {"id": "OnlineServices"}, "billingCycle": "monthly"}
    ends = _instant(held.next_lifecycle - timedelta(seconds=1)) if held.next_lifecycle else _FOR_EVER
    window = {"cancellationAllowedUntilDate": _instant(held.created + _WEEK)} if now < held.created + _WEEK else {}
    then = {} if held.next_quantity is None else {"scheduledNextTermInstructions": {"quantity": held.next_quantity}}
    told = {"termDuration": held.term, "renewalTermDuration": held.term if held.renews else ""}
    cycle = {"billingCycle": held.cycle or _CYCLES[held.term], "commitmentEndDate": ends if held.renews else _FOR_EVER}
    return {**sale, **told, **cycle, **window, **then}


def _listed(items: list[dict[str, Any]]) -> dict[str, Any]:
    return {"totalCount": len(items), "items": items, "attributes": {"objectType": "Collection"}}


def _spoilt(body: dict[str, Any], oddity: Oddity | None) -> dict[str, Any]:
    if oddity is None:
        return body
    if oddity.kind is Odd.ERROR:
        raise failed(oddity.status)
    if oddity.kind in (Odd.TOO_MANY, Odd.TOO_MANY_BARE):
        raise too_many(oddity.seconds if oddity.kind is Odd.TOO_MANY else None)
    items = body["items"]
    if oddity.kind is Odd.VALUE_MISSING:
        return {name: value for name, value in body.items() if name != "items"}
    changed = {
        Odd.COUNT_WRONG: {"totalCount": len(items) + 1},
        Odd.PAGE_SHORT: {"items": items[:-1]},
        Odd.PAGE_REPEATED: {"items": [*items[:1], *items], "totalCount": len(items) + bool(items)},
        Odd.EMPTY_LIST: {"items": [], "totalCount": 0},
    }
    return {**body, **changed.get(oddity.kind, {})}


def _instant(moment: datetime) -> str:
    """With the seven digits of a second that Microsoft's services like."""
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond:06d}0Z"
