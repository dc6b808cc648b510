"""Pax8's partner API as a loopback server: companies, products, subscriptions, and the items of the next invoice.

As the real one: pages of 200 at most, the vendor's id of a licence only on the call for a single subscription, and an
order to cancel shown as nothing but an end.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any

from agent.simulators.faults import Fault, Faults
from agent.simulators.listing import Issued, ListingSimulator, Refused, Row, paged
from agent.simulators.messages import Request, Response, json_response
from agent.simulators.simulator import SimClock

CLIENT_ID = "pax8-simulated"
SECRET = "canary-pax8-secret"
LARGEST = 200
_ONE = re.compile(r"/v1/(companies|products|subscriptions)/([^/]+)")
_FILTERS = {"companies": {"status"}, "subscriptions": {"status", "companyId", "productId", "billingTerm"}}
_ONLY_SINGLE = {"vendorSkuId", "vendorSubscriptionId"}


class Pax8(ListingSimulator):
    """`sell`, `change` and `cancel` are what people do at Pax8; amounts are in USD."""

    def __init__(self, clock: SimClock, *, faults: Faults | None = None) -> None:
        super().__init__(clock, faults=faults)
        self.companies: dict[str, Row] = {}
        self.products: dict[str, Row] = {}
        self.subscriptions: dict[str, Row] = {}
        self.issued = Issued(86_400)

    def add_company(self, name: str, id: str = "", external_id: str = "", website: str = "") -> str:
        one = {"id": id or _new("company", name), "name": name, "status": "Active"}
        own = {"externalId": external_id, "website": website}
        self.companies[one["id"]] = {**one, **{key: value for key, value in own.items() if value}}
        return str(one["id"])

    def add_product(self, name: str, vendor: str = "Microsoft", id: str = "") -> str:
        id = id or _new("product", name)
        self.products[id] = {"id": id, "name": name, "vendorName": vendor}
        return id

    def sell(self, company: str, product: str, quantity: int, **fields: Any) -> str:
        """A subscription, active since now, monthly at 20.00 for 16.00; `fields` are Pax8's own and stand before these.
        Returns its id."""
        id = _new("subscription", f"{company}{product}{len(self.subscriptions)}")
        now = f"{self.clock.now():%Y-%m-%dT%H:%M:%S}.000-0000"
        self.subscriptions[id] = {
            "id": id,
            "companyId": company,
            "productId": product,
            "productName": self.products[product]["name"],
            "quantity": quantity,
            "status": "Active",
            "createdDate": now,
            "startDate": now,
            "billingTerm": "Monthly",
            "price": Decimal("20.00"),
            "partnerCost": Decimal("16.00"),
            "currencyCode": "USD",
            **fields,
        }
        return id

    def change(self, subscription: str, **fields: Any) -> None:
        self.subscriptions[subscription] |= fields

    def cancel(self, subscription: str, days: float = 0) -> None:
        """It ends in so many days, and goes on to be called active."""
        self.change(subscription, endDate=f"{self.clock.now() + timedelta(days=days):%Y-%m-%dT%H:%M:%SZ}")

    def actions(self) -> Mapping[str, Callable[..., object]]:
        return {"sell": self.sell, "change": self.change, "cancel": self.cancel}

    def state(self) -> object:
        return [self.companies, self.products, self.subscriptions]

    def refusal(self, status: int, message: str) -> object:
        return {"type": "ERROR", "message": message, "instance": "/v1", "status": status, "details": []}

    def reply(self, request: Request, twist: Fault | None) -> Response:
        if request.path == "/v1/token":
            return self._token(request)
        if not self.issued.takes(request.headers.get("authorization", ""), self.clock.now().timestamp()):
            return json_response(401, {"error": "access_denied", "error_description": "Unauthorized"})
        if request.path == "/v1/invoices/draftItems":
            return _page([*self._draft(request.query["companyId"])], request, twist)
        listed = request.path.removeprefix("/v1/")
        if listed in _FILTERS:
            return self._list(listed, request, twist)
        found = _ONE.fullmatch(request.path)
        one = getattr(self, found[1]).get(found[2].lower()) if found else None
        if one is None:
            raise Refused(404, "Not found")
        return json_response(200, one)

    def _list(self, name: str, request: Request, twist: Fault | None) -> Response:
        asked = {key: value for key, value in request.query.items() if key in _FILTERS[name]}
        rows = getattr(self, name).values()
        held = [row for row in rows if all(row.get(key) == value for key, value in asked.items())]
        return _page([{k: v for k, v in row.items() if k not in _ONLY_SINGLE} for row in held], request, twist)

    def _draft(self, company: str) -> Iterator[Row]:
        for one in self.subscriptions.values():
            if one["companyId"] == company and one["status"] == "Active" and "endDate" not in one:
                yield {
                    "id": _new("item", one["id"]),
                    "type": "subscription",
                    "companyId": company,
                    "productId": one["productId"],
                    "productName": one["productName"],
                    "subscriptionId": one["id"],
                    "quantity": one["quantity"],
                    "cost": one["partnerCost"],
                    "costTotal": one["partnerCost"] * one["quantity"],
                    "currencyCode": one["currencyCode"],
                    "term": one["billingTerm"],
                }

    def _token(self, request: Request) -> Response:
        asked = request.json() if request.method == "POST" else {}
        if (asked.get("client_id"), asked.get("client_secret")) != (CLIENT_ID, SECRET):
            return json_response(401, {"error": "access_denied", "error_description": "Unauthorized"})
        token = self.issued.issue(self.clock.now().timestamp())
        return json_response(200, {"access_token": token, "expires_in": 86_400, "token_type": "Bearer"})


def _page(rows: list[Row], request: Request, twist: Fault | None) -> Response:
    number, size = int(request.query.get("page", 0)), int(request.query.get("size", 10))
    if size > LARGEST:
        raise Refused(400, f"size must not be larger than {LARGEST}")
    sheet = paged(rows, number * size, size, twist)
    pages = -(-len(rows) // size)
    page = {"size": size, "totalElements": sheet.total, "totalPages": pages, "number": number}
    return json_response(200, {"content": sheet.rows, "page": page})


def _new(kind: str, seed: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"pax8/{kind}/{seed}"))
