"""One tenant in the Microsoft simulator and a caller of it, whose every exchange is held to the description."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import requests

from agent.simulators.microsoft import READ_LICENCES, MicrosoftSimulator, Tenant
from agent.simulators.wire import Request, Response, SimClock, Transport, encode
from tests.published.checker import assert_published

APP = "11111111-2222-4333-8444-555555555555"
CONTOSO = "4f1c0000-0000-4000-8000-000000000001"
LOGIN = "https://login.microsoftonline.com"
GRAPH = "https://graph.microsoft.com"
SPB = "cbdc14ab-d96c-4c30-b9f4-6ada7cdc1d46"
SPE_E3 = "05e9a617-0261-4cee-bb44-138d3ef5d965"
SCOPE = f"{GRAPH}/.default"
EVENTUAL = {"ConsistencyLevel": "eventual"}
LICENSED = "/users?$select=id,userPrincipalName,assignedLicenses&$filter=assignedLicenses/$count ne 0&$count=true"
MARCH = datetime(2026, 3, 17, 9, tzinfo=UTC)


def simulator() -> MicrosoftSimulator:
    """Contoso has consented and holds 12 Business Premium and 3 E3; nobody works there yet."""
    made = MicrosoftSimulator(SimClock(MARCH))
    made.login.register(APP, secret="hush")
    tenant = made.add_tenant(CONTOSO, "Contoso", ["contoso.onmicrosoft.com", "contoso.com"])
    tenant.add_subscription("SPB", 12)
    tenant.add_subscription("SPE_E3", 3)
    tenant.consent(APP, READ_LICENCES)
    return made


class Caller:
    """Asks as the app does, in process, with one token. `strict` holds every answer to the description."""

    def __init__(self, simulator: MicrosoftSimulator, tenant: str = CONTOSO, *, strict: bool = True) -> None:
        self.simulator, self.tenant, self.strict = simulator, tenant, strict
        self.session = requests.Session()
        self.session.mount("https://", Transport({LOGIN: simulator, GRAPH: simulator}))
        self._token: str | None = None

    @property
    def contoso(self) -> Tenant:
        return self.simulator.tenants[self.tenant]

    def sign_in(self, **form: str) -> requests.Response:
        """A token request; `form` overrides its fields, and an empty text removes one."""
        usual = {"client_id": APP, "client_secret": "hush", "grant_type": "client_credentials", "scope": SCOPE}
        fields = {name: text for name, text in {**usual, **form}.items() if text}
        return self._held(self.session.post(f"{LOGIN}/{self.tenant}/oauth2/v2.0/token", data=fields))

    @property
    def token(self) -> str:
        self._token = self._token or self.sign_in().json()["access_token"]
        return self._token

    def get(self, target: str, headers: Mapping[str, str] | None = None) -> requests.Response:
        """`target` is a whole URL or what follows /v1.0."""
        url = target if target.startswith("https://") else f"{GRAPH}/v1.0{target}"
        fields = {"Authorization": f"Bearer {self.token}", **(headers or {})}
        return self._held(self.session.get(url, headers=fields))

    def pages(self, target: str, headers: Mapping[str, str] | None = None) -> list[Any]:
        """The bodies of all pages, at most 20 of them."""
        bodies = [self.get(target, headers).json()]
        while (link := bodies[-1].get("@odata.nextLink")) and len(bodies) < 20:
            bodies.append(self.get(link, headers).json())
        return bodies

    def batch(self, *items: Mapping[str, object]) -> requests.Response:
        fields = {"Authorization": f"Bearer {self.token}"}
        answer = self._held(self.session.post(f"{GRAPH}/v1.0/$batch", json={"requests": items}, headers=fields))
        if self.strict and answer.ok:
            self._hold_items({str(item["id"]): item for item in items}, answer)
        return answer

    def batched(self, *items: Mapping[str, object]) -> dict[str, Any]:
        """The items' answers by id."""
        return {item["id"]: item for item in self.batch(*items).json()["responses"]}

    def _held(self, answer: requests.Response) -> requests.Response:
        exchange = self.simulator.log[-1]
        if self.strict and exchange.fault is None:
            request = exchange.request
            assert_published(request.method, request.target, request, answer, "msgraph")
        return answer

    def _hold_items(self, asked: Mapping[str, Mapping[str, object]], answer: requests.Response) -> None:
        """The description leaves the body of an item open: it is that of the single read."""
        for item in answer.json()["responses"]:
            target = str(asked[item["id"]]["url"])
            body = Response(item["status"], item["headers"], encode(item["body"]))
            request = Request("GET", target, headers=self.simulator.log[-1].request.headers)
            assert_published("GET", target, request, body, "msgraph")


def get(id: str, url: str, **headers: str) -> dict[str, object]:
    """An item of a batch; `ConsistencyLevel="eventual"` goes into its headers."""
    return {"id": id, "method": "GET", "url": url, **({"headers": headers} if headers else {})}


def skus(caller: Caller) -> dict[str, Any]:
    """The rows of subscribedSkus by part number."""
    return {row["skuPartNumber"]: row for row in caller.get("/subscribedSkus").json()["value"]}


def ids(pages: list[Any]) -> list[str]:
    return [row["id"] for page in pages for row in page["value"]]
