"""*Sync now*, pressed over HTTP on a running daemon: python -m bench.press CONFIG.

Buys seats in the first tenant, presses, and waits until the run has read its writes back. Prints one JSON line with the
seconds of each press.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests

PRESSES = 5


@contextmanager
def daemon(config: Path) -> Iterator[None]:
    command = [sys.executable, "-m", "agent", "run", "--config", str(config)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        os.sched_setaffinity(process.pid, {1})
        try:
            yield
        finally:
            process.terminate()


def waited(address: str, seconds: float = 60) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            if requests.get(f"{address}/readyz", timeout=5).status_code == 200:
                return
        except requests.ConnectionError:
            time.sleep(0.1)
    raise SystemExit("the daemon did not become ready")


def pressed(address: str, session: requests.Session, company: int) -> float:
    began = time.perf_counter()
    run = session.post(f"{address}/sync", json={"company": company}, timeout=30).json()["run"]
    ended = session.get(f"{address}/runs/{run}?wait=30", timeout=60).json()
    seconds = time.perf_counter() - began
    if ended["state"] != "done":
        raise SystemExit(f"run {run} is {ended['state']}: {ended['detail']}")
    return seconds


def main() -> None:
    config, fleet = Path(sys.argv[1]), json.loads(Path(sys.argv[2]).read_text())
    address, company = sys.argv[3], fleet["companies"][0]
    session = requests.Session()
    with daemon(config):
        waited(address)
        token = (config.parent / "state" / "api-token").read_text().strip()
        session.headers["Authorization"] = f"Bearer {token}"
        idle = [pressed(address, session, company["company"]) for _ in range(2)][-1]
        found: list[float] = []
        for _ in range(PRESSES):
            buy(fleet, company)
            found.append(pressed(address, session, company["company"]))
    print(json.dumps({"idle": idle, "presses": found}))


def buy(fleet: dict[str, Any], company: dict[str, Any]) -> None:
    bought = {"action": "buy", "tenant": company["tenant"], "licence": company["rows"][0]["licence"], "seats": 1}
    requests.post(f"{fleet['graph']}/__sim/world", json=bought, timeout=10).raise_for_status()


if __name__ == "__main__":
    main()
