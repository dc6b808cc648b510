"""An invented service that lists devices of accounts as JSON, and pages in any of the usual ways."""

from __future__ import annotations

import re
from typing import Any

from agent.simulators.faults import Fault, Faults
from agent.simulators.listing import Issued, ListingSimulator, Refused, Row, paged
from agent.simulators.messages import Request, Response, json_response
from agent.simulators.simulator import SimClock

TOKEN = "canary-json-token"
_DEVICES = re.compile(r"/api/accounts/([^/]+)/devices")


class JsonLists(ListingSimulator):
    """`turn` is how lists go on: none, page, after, cursor or next-url."""

    def __init__(self, clock: SimClock, turn: str = "none", *, faults: Faults | None = None) -> None:
        super().__init__(clock, faults=faults)
        self.turn, self.size = turn, 3
        self.accounts: dict[str, Row] = {}
        self.devices: list[Row] = []
        self.issued = Issued(3600)

    def add_account(self, id: str, name: str, tenant: str = "") -> None:
        self.accounts[id] = {"id": id, "label": {"name": name}, "azure": {"tenant": tenant or None}}

    def enrol(self, account: str, host: str, kind: str = "Server", **fields: Any) -> None:
        one = {"id": len(self.devices) + 1, "account": account, "host": host, "kind": kind, "state": "active"}
        self.devices.append({**one, **fields})

    def refusal(self, status: int, message: str) -> object:
        return {"error": message, "status": status}

    def reply(self, request: Request, twist: Fault | None) -> Response:
        bearer, now = request.headers.get("authorization", ""), self.clock.now().timestamp()
        if request.headers.get("x-api-key") != TOKEN and not self.issued.takes(bearer, now):
            raise Refused(401, "who are you?")
        if request.path == "/api/accounts":
            return self._page(list(self.accounts.values()), request, twist)
        if request.path == "/api/devices":
            return self._page(self.devices, request, twist)
        found = _DEVICES.fullmatch(request.path)
        if found is None or found[1] not in self.accounts:
            raise Refused(404, "no such account")
        return self._page([one for one in self.devices if one["account"] == found[1]], request, twist)

    def _page(self, rows: list[Row], request: Request, twist: Fault | None) -> Response:
        size = len(rows) if self.turn == "none" else self.size
        start = self._start(rows, request, size)
        sheet = paged(rows, start, size, twist)
        more = start + size < len(rows)
        told: Row = {"total": sheet.total, "pages": -(-len(rows) // size) if size else 1}
        if self.turn == "cursor":
            told["next"] = f"c{start + size}" if more else None
        if self.turn == "next-url" and more:
            told["next"] = f"{request.origin}{request.path}?offset={start + size}"
        return json_response(200, {"data": {"items": sheet.rows}, "meta": told})

    def _start(self, rows: list[Row], request: Request, size: int) -> int:
        asked = request.query
        match self.turn:
            case "page":
                return (int(asked.get("page", 1)) - 1) * size
            case "after":
                ids = [str(one["id"]) for one in rows]
                return ids.index(asked["after"]) + 1 if "after" in asked else 0
            case "cursor":
                return int(asked["cursor"].removeprefix("c")) if "cursor" in asked else 0
        return int(asked.get("offset", 0))
