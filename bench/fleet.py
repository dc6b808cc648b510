"""The simulated services of a fleet, in a process of their own.

    python -m bench.fleet TENANTS USERS LATENCY_MS PRORATES

Prints one JSON line with the addresses, then serves until its input closes.
"""

from __future__ import annotations

import json
import os
import sys
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from agent.simulators.connectwise import ConnectWise, Site
from agent.simulators.microsoft import MicrosoftSimulator, generate
from agent.simulators.wire import Request, Response, SimClock, serve

APP = "11111111-1111-1111-1111-111111111111"
CLIENT = "22222222-2222-2222-2222-222222222222"
SECRET = "a-secret-of-the-simulation"
LICENCES = 6
STRANGERS = 5  # lines on each agreement that are none of ours


class Counting:
    """Counts what comes over the wire, by method and kind of path."""

    counted: Counter[str]

    def handle(self, request: Request) -> Response:
        kind = "/".join("n" if part.isdigit() else part for part in request.path.strip("/").split("/"))
        self.counted[f"{request.method} {kind.split('apis/3.0/')[-1].split('v1.0/')[-1]}"] += 1
        return super().handle(request)  # type: ignore[misc, no-any-return]

    def state(self) -> object:
        return dict(self.counted)

    def actions(self) -> dict[str, Any]:
        return {**super().actions(), "forget": self.counted.clear}  # type: ignore[misc]


class Graph(Counting, MicrosoftSimulator):
    pass


class Psa(Counting, ConnectWise):
    pass


def agreements(company: int) -> list[int]:
    """One agreement a company, and a second one for each fifth: 1.2 on average."""
    return [company * 10, company * 10 + 1] if company % 5 == 0 else [company * 10]


def build(tenants: int, users: int, prorates: bool) -> tuple[Graph, Psa, list[dict[str, Any]]]:
    now = datetime.now(UTC)
    graph, psa = Graph(SimClock(now)), Psa(SimClock(now), Site(client_id=CLIENT))
    graph.logging = psa.logging = False
    graph.counted, psa.counted = Counter(), Counter()
    graph.login.register(APP, secret=SECRET)
    fleet = generate(graph, tenants, users, LICENCES, 7, app=APP)
    return graph, psa, [_company(psa, number, tenant, prorates) for number, tenant in enumerate(fleet, 1)]


def _company(psa: Psa, number: int, tenant: Any, prorates: bool) -> dict[str, Any]:
    """A company whose agreements bill what its tenant has: a steady state."""
    company = psa.add_company(f"Company {number:04}", id=number)
    upcoming = (datetime.now(UTC).date().replace(day=1) + timedelta(days=32)).replace(day=1)
    ids = agreements(number)
    for agreement in ids:
        begun = date(2025, 1, 1)
        psa.add_agreement(company, "Managed", id=agreement, bills_from=begun, next_invoice=upcoming, prorates=prorates)
    rows = []
    for position, held in enumerate(tenant.holdings.subscriptions.values()):
        agreement, product = ids[position % len(ids)], f"P-{held.sku[:8]}"
        if number == 1:
            psa.add_product(product, price=Decimal("22.00"), cost=Decimal("17.60"))
        psa.add_addition(agreement, product, held.quantity, effective=date(2025, 1, 1))
        rows.append({"licence": held.sku, "agreement": agreement, "product": product})
    if number == 1:
        psa.add_product("OTHER", price=Decimal("5.00"), cost=Decimal("1.00"))
    for agreement in ids:
        for _ in range(STRANGERS):
            psa.add_addition(agreement, "OTHER", 1, effective=date(2025, 1, 1))
    return {"company": number, "name": f"Company {number:04}", "tenant": tenant.id, "rows": rows}


def main() -> None:
    tenants, users, latency, prorates = (int(word) for word in sys.argv[1:5])
    os.sched_setaffinity(0, {0})
    graph, psa, companies = build(tenants, users, bool(prorates))
    graph.latency = psa.latency = latency / 1000
    with serve(graph) as graph_server, serve(psa) as psa_server:
        site = psa.site
        keys = {"company": site.company, "public": site.public_key, "private": site.private_key}
        print(json.dumps({"graph": graph_server.url, "psa": psa_server.url, "keys": keys, "companies": companies}))
        sys.stdout.flush()
        sys.stdin.read()


if __name__ == "__main__":
    main()
