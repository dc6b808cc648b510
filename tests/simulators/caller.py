"""A plain caller of the simulated ConnectWise PSA, and what it sends."""

from typing import Any

from agent.simulators.connectwise import ConnectWise
from agent.simulators.wire import Headers, Request, Response, encode

BASE = "/v4_6_release/apis/3.0"
CONTOSO, MONTHLY = 250, 1021
LINES = f"/finance/agreements/{MONTHLY}/additions"
VERSIONED = "application/vnd.connectwise.com+json; version=2026.4"


def seats(**changes: object) -> dict[str, object]:
    """The body that the public scripts send for a new addition."""
    return {
        "product": {"id": 4021},
        "quantity": 2,
        "billCustomer": "Billable",
        "effectiveDate": "2026-03-17T00:00:00Z",
        **changes,
    }


class Caller:
    """Asks as the agent's key, and remembers nothing."""

    def __init__(self, psa: ConnectWise) -> None:
        self.psa = psa

    def send(self, method: str, path: str, body: object = None, base: str = BASE, **headers: str) -> Response:
        named = {
            "authorization": self.psa.site.authorization,
            "clientid": "0a4d2f9e-8e1c-4bb0-9d0f-1f7a0f3c5d11",
            "accept": VERSIONED,
            "content-type": "application/json",
            **{name.replace("_", "-"): value for name, value in headers.items()},
        }
        sent = b"" if body is None else encode(body)
        return self.psa.handle(Request.parse(method, base + path, Headers(named.items()), sent))

    def get(self, path: str, **headers: str) -> Any:
        response = self.send("GET", path, **headers)
        assert response.status == 200, response.body
        return response.json()

    def post(self, path: str = LINES, **body: object) -> Any:
        response = self.send("POST", path, body)
        assert response.status == 201, response.body
        return response.json()

    def patch(self, line: int, **changes: object) -> Any:
        operations = [{"op": "replace", "path": path, "value": value} for path, value in changes.items()]
        response = self.send("PATCH", f"{LINES}/{line}", operations)
        assert response.status == 200, response.body
        return response.json()

    def refused(self, method: str, path: str, body: object = None, **headers: str) -> tuple[int, str]:
        """Status, and the innermost code of the error."""
        response = self.send(method, path, body, **headers)
        error = response.json()
        return response.status, error["errors"][0]["code"] if error.get("errors") else error["code"]

    def forget(self) -> None:
        """Keep what a test does wrong on purpose from the check against the published description."""
        self.psa.log.clear()
