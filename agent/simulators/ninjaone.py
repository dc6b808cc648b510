"""NinjaOne's public API as a loopback server: organisations and their devices, as bare lists without totals."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import parse_qs

from agent.simulators.faults import Fault, Faults
from agent.simulators.listing import Issued, ListingSimulator, Refused, Row, paged
from agent.simulators.messages import Request, Response, json_response
from agent.simulators.simulator import SimClock

ID, SECRET = "ninja-simulated", "canary-ninja-secret"
_ONE = re.compile(r"/v2/organization/(\d+)")
_FILTER = re.compile(r"org = (\d+)")


class NinjaOne(ListingSimulator):
    """`enrol`, `change` and `remove` are what people do there."""

    def __init__(self, clock: SimClock, *, faults: Faults | None = None) -> None:
        super().__init__(clock, faults=faults)
        self.organizations: dict[int, Row] = {}
        self.devices: dict[int, Row] = {}
        self.issued = Issued(3600)

    def add_organization(self, name: str, id: int = 0) -> int:
        id = id or 1 + len(self.organizations)
        self.organizations[id] = {"id": id, "name": name, "nodeApprovalMode": "AUTOMATIC"}
        return id

    def enrol(self, organization: int, name: str, node_class: str = "WINDOWS_WORKSTATION", **fields: Any) -> int:
        id = 1 + max(self.devices, default=0)
        self.devices[id] = {
            "id": id,
            "organizationId": organization,
            "nodeClass": node_class,
            "approvalStatus": "APPROVED",
            "displayName": name,
            "systemName": name.upper(),
            "offline": False,
            **fields,
        }
        return id

    def change(self, device: int, **fields: Any) -> None:
        self.devices[device] |= fields

    def remove(self, device: int) -> None:
        del self.devices[device]

    def actions(self) -> Mapping[str, Callable[..., object]]:
        return {"enrol": self.enrol, "change": self.change, "remove": self.remove}

    def state(self) -> object:
        return [*self.organizations.values(), *self.devices.values()]

    def refusal(self, status: int, message: str) -> object:
        return {"resultCode": "FAILURE", "errorMessage": message, "incidentId": "0000"}

    def reply(self, request: Request, twist: Fault | None) -> Response:
        if request.path == "/ws/oauth/token":
            return self._token(request)
        if not self.issued.takes(request.headers.get("authorization", ""), self.clock.now().timestamp()):
            raise Refused(401, "invalid_token")
        if request.path == "/v2/organizations":
            return _page(list(self.organizations.values()), request, twist)
        if request.path == "/v2/devices":
            return _page(self._filtered(request.query.get("df", "")), request, twist)
        found = _ONE.fullmatch(request.path)
        if found is None or int(found[1]) not in self.organizations:
            raise Refused(404, "Organization not found")
        return json_response(200, self.organizations[int(found[1])])

    def _filtered(self, text: str) -> list[Row]:
        found = _FILTER.fullmatch(text)
        if text and found is None:
            raise Refused(400, "device filter is not understood")
        return [one for one in self.devices.values() if found is None or one["organizationId"] == int(found[1])]

    def _token(self, request: Request) -> Response:
        form = {name: values[0] for name, values in parse_qs(request.body.decode()).items()}
        asked = (form.get("grant_type"), form.get("client_id"), form.get("client_secret"), form.get("scope"))
        if asked != ("client_credentials", ID, SECRET, "monitoring"):
            raise Refused(400, "invalid_client")
        token = self.issued.issue(self.clock.now().timestamp())
        return json_response(200, {"access_token": token, "expires_in": 3600, "token_type": "Bearer"})


def _page(rows: Sequence[Row], request: Request, twist: Fault | None) -> Response:
    after, size = int(request.query.get("after", 0)), int(request.query.get("pageSize", 100))
    later = sorted((one for one in rows if one["id"] > after), key=lambda one: int(one["id"]))
    return json_response(200, paged(later, 0, size, twist).rows)
