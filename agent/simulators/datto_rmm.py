"""Datto RMM's API as a loopback server: sites and their devices."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qs

from agent.simulators.faults import Fault, Faults
from agent.simulators.listing import Issued, ListingSimulator, Refused, Row, paged
from agent.simulators.messages import Request, Response, json_response
from agent.simulators.simulator import SimClock

KEY, SECRET = "datto-simulated", "canary-datto-secret"
LARGEST = 250
_SITE = re.compile(r"/api/v2/site/([^/]+)(/devices)?")


class DattoRmm(ListingSimulator):
    """`enrol`, `change` and `remove` are what people do; a removed device stays in the list as deleted."""

    def __init__(self, clock: SimClock, *, faults: Faults | None = None) -> None:
        super().__init__(clock, faults=faults)
        self.sites: dict[str, Row] = {}
        self.devices: dict[str, Row] = {}
        self.issued = Issued(360_000)

    def add_site(self, name: str, uid: str = "", **fields: Any) -> str:
        uid = uid or str(uuid.uuid5(uuid.NAMESPACE_URL, f"datto/site/{name}"))
        self.sites[uid] = {"id": 100 + len(self.sites), "uid": uid, "name": name, "onDemand": False, **fields}
        return uid

    def enrol(self, site: str, hostname: str, category: str = "Desktop", device_class: str = "device") -> str:
        uid = str(uuid.uuid5(uuid.NAMESPACE_URL, f"datto/device/{site}/{hostname}"))
        self.devices[uid] = {
            "uid": uid,
            "siteUid": site,
            "siteName": self.sites[site]["name"],
            "hostname": hostname,
            "deviceType": {"category": category, "type": category},
            "deviceClass": device_class,
            "operatingSystem": "Microsoft Windows 11 Pro",
            "online": True,
            "suspended": False,
            "deleted": False,
        }
        return uid

    def change(self, device: str, **fields: Any) -> None:
        self.devices[device] |= fields

    def remove(self, device: str) -> None:
        self.change(device, deleted=True)

    def actions(self) -> Mapping[str, Callable[..., object]]:
        return {"enrol": self.enrol, "change": self.change, "remove": self.remove}

    def state(self) -> object:
        return [self.sites, self.devices]

    def refusal(self, status: int, message: str) -> object:
        return {"status": status, "error": message}

    def reply(self, request: Request, twist: Fault | None) -> Response:
        if request.path == "/auth/oauth/token":
            return self._token(request)
        if not self.issued.takes(request.headers.get("authorization", ""), self.clock.now().timestamp()):
            raise Refused(401, "invalid_token")
        if request.path == "/api/v2/account/sites":
            return _page("sites", list(self.sites.values()), request, twist)
        found = _SITE.fullmatch(request.path)
        if found is None or found[1] not in self.sites:
            raise Refused(404, "Site was not found")
        if found[2] is None:
            return json_response(200, self.sites[found[1]])
        mine = [one for one in self.devices.values() if one["siteUid"] == found[1]]
        return _page("devices", mine, request, twist)

    def _token(self, request: Request) -> Response:
        form = {name: values[0] for name, values in parse_qs(request.body.decode()).items()}
        asked = (form.get("grant_type"), form.get("username"), form.get("password"))
        # cHVibGljLWNsaWVudDpwdWJsaWM= is public-client:public, which every caller sends alike.
        public = request.headers.get("authorization") == "Basic cHVibGljLWNsaWVudDpwdWJsaWM="
        if asked != ("password", KEY, SECRET) or not public:
            raise Refused(400, "invalid_grant")
        token = self.issued.issue(self.clock.now().timestamp())
        return json_response(200, {"access_token": token, "token_type": "bearer", "expires_in": 359_999})


def _page(name: str, rows: list[Row], request: Request, twist: Fault | None) -> Response:
    number, size = int(request.query.get("page", 0)), min(LARGEST, int(request.query.get("max", 250)))
    sheet = paged(rows, number * size, size, twist)
    more = (number + 1) * size < len(rows)
    link = f"{request.origin}{request.path}?page={number + 1}&max={size}" if more else None
    details = {"count": len(sheet.rows), "totalCount": sheet.total, "prevPageUrl": None, "nextPageUrl": link}
    return json_response(200, {"pageDetails": details, name: sheet.rows})
