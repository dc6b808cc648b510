"""The yardstick: the least that any program would do, in a process of its own: python -m bench.standin FOLDER THREADS.

requests in threads, one $batch a tenant and one list of additions an agreement, counted and upserted with sqlite3 by
one writer; no tokens but a fixed one, no plan, no journal, no checks. It is a floor, not a forecast.
"""

from __future__ import annotations

import json
import os
import queue
import resource
import sqlite3
import sys
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import requests

from agent.sources.microsoft.reads import DATED_USERS, SKUS, SUBSCRIPTIONS
from bench.fleet import APP, CLIENT, SECRET

_READS = (SKUS, SUBSCRIPTIONS, DATED_USERS)  # what the agent asks for
BATCH = {"requests": [{"id": r.id, "method": "GET", "url": r.path, "headers": dict(r.headers)} for r in _READS]}
_own = threading.local()


def session() -> requests.Session:
    if not hasattr(_own, "session"):
        _own.session = requests.Session()
        _own.session.trust_env = False
    return _own.session  # type: ignore[no-any-return]


def token(fleet: dict[str, Any], tenant: str) -> str:
    form = {"grant_type": "client_credentials", "client_id": APP, "client_secret": SECRET}
    form["scope"] = f"{fleet['graph']}/.default"
    answer = session().post(f"{fleet['graph']}/{tenant}/oauth2/v2.0/token", data=form, timeout=60)
    return str(answer.json()["access_token"])


def read(fleet: dict[str, Any], company: dict[str, Any], bearer: str, done: queue.Queue[Any]) -> None:
    headers = {"Authorization": f"Bearer {bearer}"}
    answer = session().post(f"{fleet['graph']}/v1.0/$batch", json=BATCH, headers=headers, timeout=60).json()
    bodies = {item["id"]: item["body"] for item in answer["responses"]}
    people = max(bodies.values(), key=lambda body: len(body["value"]))["value"]
    counts = Counter(held["skuId"] for user in people for held in user.get("assignedLicenses", ()))
    keys = fleet["keys"]
    for agreement in sorted({row["agreement"] for row in company["rows"]}):
        address = f"{fleet['psa']}/v4_6_release/apis/3.0/finance/agreements/{agreement}/additions?pageSize=1000"
        auth = (f"{keys['company']}+{keys['public']}", keys["private"])
        session().get(address, auth=auth, headers={"clientId": CLIENT}, timeout=60).json()
    done.put([(company["tenant"], sku, seats) for sku, seats in counts.items()])


def store(path: Path, done: queue.Queue[Any]) -> None:
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("DROP TABLE IF EXISTS seats")
    connection.execute("CREATE TABLE seats (tenant, sku, seats, PRIMARY KEY (tenant, sku))")
    while (rows := done.get()) is not None:
        with connection:
            connection.executemany("INSERT INTO seats VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET seats = ?3", rows)


def main() -> None:
    folder, threads = Path(sys.argv[1]), int(sys.argv[2])
    os.sched_setaffinity(0, {1})
    fleet = json.loads((folder / "fleet.json").read_text())
    done: queue.Queue[Any] = queue.Queue()
    with ThreadPoolExecutor(threads) as pool:
        bearers = list(pool.map(lambda company: token(fleet, company["tenant"]), fleet["companies"]))
        wall, cpu = time.perf_counter(), time.process_time()
        writer = threading.Thread(target=store, args=(folder / "standin.db", done))
        writer.start()
        list(pool.map(lambda pair: read(fleet, *pair, done), zip(fleet["companies"], bearers, strict=True)))
        done.put(None)
        writer.join()
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"wall": wall, "cpu": cpu, "peak": peak}))


if __name__ == "__main__":
    main()
