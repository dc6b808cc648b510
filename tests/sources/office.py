"""Contoso's tenant at the simulated Microsoft, and a source that reads it without sockets or waiting."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from agent.domain.counts import NO_NEEDS, Account, Needs, Snapshot
from agent.outgoing import Timeouts
from agent.simulators.microsoft import READ_LICENCES, MicrosoftSimulator, Tenant
from agent.simulators.wire import Headers, Request, Response, SimClock, Transport, encode
from agent.sources.microsoft import ClientSecret, MicrosoftSource
from tests.published.checker import assert_published

APP = "11111111-2222-4333-8444-555555555555"
SECRET = "canary-hush"
CONTOSO = "4f1c0000-0000-4000-8000-00000000abcd"
STRANGER = "4f1c0000-0000-4000-8000-000000000002"
PARTNER = "4f1c0000-0000-4000-8000-000000000003"
LOGIN = "https://login.microsoftonline.com"
GRAPH = "https://graph.microsoft.com"
CENTER = "https://api.partnercenter.microsoft.com"
SPB = "cbdc14ab-d96c-4c30-b9f4-6ada7cdc1d46"
SPE_E3 = "05e9a617-0261-4cee-bb44-138d3ef5d965"
MARCH = datetime(2026, 3, 17, 9, tzinfo=UTC)


class Office:
    """The simulators' clock is everybody's clock: a wait takes no time, it moves the clock on."""

    def __init__(self) -> None:
        self.microsoft = MicrosoftSimulator(SimClock(MARCH))
        self.microsoft.login.register(APP, secret=SECRET)
        self.tenant = self.add_tenant(CONTOSO, "Contoso")
        self.waits: list[float] = []

    def add_tenant(self, id: str, name: str) -> Tenant:
        word = name.split()[0].lower()
        tenant = self.microsoft.add_tenant(id, name, [f"{word}.onmicrosoft.com", f"{word}.com"])
        tenant.consent(APP, READ_LICENCES)
        return tenant

    def source(self, **changes: Any) -> MicrosoftSource:
        given = {
            "client_id": APP,
            "credential": ClientSecret(lambda: SECRET),
            "clock": self,
            "timeouts": Timeouts(),
            "transport": lambda: Transport(dict.fromkeys((LOGIN, GRAPH, CENTER), self.microsoft)),
            "sleep": self.sleep,
        }
        return MicrosoftSource(**{**given, **changes})

    def observe(self, needs: Needs = NO_NEEDS, **changes: Any) -> Snapshot:
        return self.source(**changes).observe(CONTOSO_ACCOUNT, needs)

    def open_partner_center(self) -> None:
        """The partner's own tenant, which sells to Contoso directly."""
        self.add_tenant(PARTNER, "Brasswren")
        self.microsoft.partner_center.partners.add(PARTNER)

    def source_with_sales(self) -> MicrosoftSource:
        return self.source(partner=PARTNER, partner_center=CENTER)

    def sold(self) -> Snapshot:
        return self.source_with_sales().observe(CONTOSO_ACCOUNT, TERMS)

    def change(self, **changes: Any) -> None:
        """What is known of the subscription of Business Premium."""
        [premium] = self.tenant.holdings.subscriptions_of(SPB)
        self.tenant.change_subscription(premium.id, **changes)

    def now(self) -> datetime:
        return self.microsoft.clock.now()

    def today(self, zone: ZoneInfo) -> date:
        return self.now().astimezone(zone).date()

    def monotonic(self) -> int:
        return int(self.now().timestamp() * 1e9)

    def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.microsoft.clock.advance(seconds=seconds)

    @property
    def requests(self) -> list[str]:
        """Method and path of everything that was asked, in order."""
        return [f"{one.request.method} {one.request.path}" for one in self.microsoft.log]

    @property
    def graph_requests(self) -> list[Request]:
        return [one.request for one in self.microsoft.log if one.request.path.startswith(("/v1.0/", "/beta/"))]

    def assert_published(self) -> None:
        """Hold all that was said without a fault to Microsoft's description, the items of batches one by one."""
        for one in self.microsoft.log:
            if one.fault or one.response is None:
                continue
            spec = {"beta": "msgraph-beta", "v1": "partnercenter"}.get(one.request.path.split("/")[1], "msgraph")
            assert_published(one.request.method, one.request.target, one.request, one.response, spec)
            if one.request.path == "/v1.0/$batch" and one.response.status == 200:
                _assert_items_published(one.request, one.response)


CONTOSO_ACCOUNT = Account("microsoft", CONTOSO, "Contoso")
TERMS = Needs(terms=True)


def _assert_items_published(request: Request, response: Response) -> None:
    asked = {item["id"]: item for item in json.loads(request.body)["requests"]}
    for item in response.json()["responses"]:
        target = asked[item["id"]]["url"]
        fields = {**request.headers, **asked[item["id"]].get("headers", {})}
        body = Response(item["status"], item["headers"], encode(item["body"]))
        inner = Request("GET", target, headers=Headers(fields.items()))
        assert_published("GET", target, inner, body, "msgraph")
