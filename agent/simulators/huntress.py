"""Huntress's API as a loopback server: organisations, and what it bills for each."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Mapping
from typing import Any

from agent.simulators.faults import Fault, Faults
from agent.simulators.listing import ListingSimulator, Refused, Row, paged
from agent.simulators.messages import Request, Response, json_response
from agent.simulators.simulator import SimClock

KEY, SECRET = "huntress-simulated", "canary-huntress-secret"
LARGEST = 500
_ONE = re.compile(r"/v1/organizations/(\d+)")


class Huntress(ListingSimulator):
    """`protect` is what people do there: agents are installed, and billed as far as they answer."""

    def __init__(self, clock: SimClock, *, faults: Faults | None = None) -> None:
        super().__init__(clock, faults=faults)
        self.organizations: dict[int, Row] = {}

    def add_organization(self, name: str, id: int = 0, tenant: str = "") -> int:
        id = id or 1000 + len(self.organizations)
        shown = {"identity_provider_tenant_id": tenant} if tenant else {}
        self.organizations[id] = {"id": id, "name": name, "agents_count": 0, "actual_usages": {}, **shown}
        return id

    def protect(self, organization: int, agents: int, silent: int = 0) -> None:
        """So many agents are installed, of which some no longer answer and are not billed."""
        one = self.organizations[organization]
        one["agents_count"] = agents
        edr = {"billable_agents_count": agents - silent, "unresponsive_agents_count": silent}
        one["actual_usages"] = {**one["actual_usages"], "edr": edr}

    def use(self, organization: int, product: str, usage: object) -> None:
        one = self.organizations[organization]
        one["actual_usages"] = {**one["actual_usages"], product: usage}

    def actions(self) -> Mapping[str, Callable[..., object]]:
        return {"protect": self.protect, "use": self.use}

    def state(self) -> object:
        return list(self.organizations.values())

    def refusal(self, status: int, message: str) -> object:
        return {"errors": [{"code": status, "message": message}]}

    def reply(self, request: Request, twist: Fault | None) -> Response:
        expected = base64.b64encode(f"{KEY}:{SECRET}".encode()).decode()
        if request.headers.get("authorization") != f"Basic {expected}":
            raise Refused(401, "Unauthorized")
        found = _ONE.fullmatch(request.path)
        if found and int(found[1]) in self.organizations:
            return json_response(200, {"organization": self.organizations[int(found[1])]})
        if request.path != "/v1/organizations":
            raise Refused(404, "Not found")
        return self._list(request, twist)

    def _list(self, request: Request, twist: Fault | None) -> Response:
        size, start = int(request.query.get("limit", 10)), int(request.query.get("page_token", 0))
        if size > LARGEST:
            raise Refused(400, f"limit must not be larger than {LARGEST}")
        # The list tells what is installed, and not what is billed.
        rows: list[dict[str, Any]] = [
            {key: value for key, value in one.items() if key != "actual_usages"} for one in self.organizations.values()
        ]
        more = {"next_page_token": str(start + size)} if start + size < len(rows) else {}
        return json_response(200, {"organizations": paged(rows, start, size, twist).rows, "pagination": more})
