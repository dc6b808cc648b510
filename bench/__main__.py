"""Fleets of tenants beside the physical bound and a bare stand-in: python -m bench [--quick].

The simulated services run on one core, the agent on the other. Every figure of a row comes from the same run.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench import site

USERS, THREADS, CYCLES = 200, 32, 3
FLEETS = ((50, 0), (500, 0), (1000, 0), (50, 80), (500, 80), (1000, 80))
QUICK = ((50, 0), (50, 80))


@contextmanager
def served(tenants: int, users: int, latency: int, prorates: bool = True) -> Iterator[dict[str, Any]]:
    command = [sys.executable, "-m", "bench.fleet", str(tenants), str(users), str(latency), str(int(prorates))]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        if server.stdout is None or server.stdin is None:
            raise AssertionError("both were asked for as pipes")
        try:
            yield json.loads(server.stdout.readline())
        finally:
            server.stdin.close()


def told(module: str, *arguments: object) -> Any:
    command = [sys.executable, "-m", f"bench.{module}", *map(str, arguments)]
    environment = {**os.environ, "MALLOC_ARENA_MAX": "2"}  # as in systemd/trueup.service
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=environment)
    return json.loads(done.stdout.splitlines()[-1])


def fleet_row(tenants: int, users: int, latency: int) -> dict[str, Any]:
    with served(tenants, users, latency) as fleet, tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        (home / "urls.json").write_text(json.dumps({name: fleet[name] for name in ("graph", "psa")}))
        (home / "fleet.json").write_text(json.dumps(fleet))
        site.write(home, fleet, THREADS)
        first, *steady = told("cycles", home, CYCLES)
        if any(cycle["state"] != "done" for cycle in (first, *steady)):
            raise SystemExit(f"a cycle failed: {first['detail'] or steady[-1]['detail']}")
        last = min(steady, key=lambda cycle: cycle["wall"])
        # The best of as many, as of the cycles: one run on a busy machine would flatter us.
        standins = [told("standin", home, THREADS) for _ in steady]
        return {"first": first, "steady": last, "standin": min(standins, key=lambda run: run["cpu"])}


def press_row(latency: int, prorates: bool) -> list[str]:
    """One company with 100 users; the round trips are counted as if each waited for the one before."""
    with served(1, 100, latency, prorates) as fleet, tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        (home / "fleet.json").write_text(json.dumps(fleet))
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            listen = f"127.0.0.1:{free.getsockname()[1]}"
        config = site.write(home, fleet, THREADS, listen)
        found = told("press", config, home / "fleet.json", f"http://{listen}")
    median = sorted(found["presses"])[len(found["presses"]) // 2]
    three = 3 * latency / 1000
    ratio = f"{median / three:.2f}" if three else "-"
    what = "difference line and base" if prorates else "one quantity"
    return [what, f"{latency} ms", f"{found['idle']:.3f}", f"{median:.3f}", f"{three:.2f}", ratio]


PRESS_HEAD = ("*sync now* writes", "latency", "nothing to write s", "seconds", "three round trips s", "ratio")


def bound(cycle: dict[str, Any], latency: int) -> float:
    """Requests x latency / threads, or the process's own CPU time, whichever is longer."""
    sent = sum(sum(counts.values()) for counts in cycle["requests"].values())
    return max(sent * latency / 1000 / THREADS, cycle["cpu"])


def per(cycle: dict[str, Any], where: str, unit: int) -> str:
    return f"{sum(cycle['requests'][where].values()) / unit:.2f}"


def line(tenants: int, users: int, latency: int, row: dict[str, Any]) -> list[str]:
    steady, first, standin = row["steady"], row["first"], row["standin"]
    limit = bound(steady, latency)
    return [
        f"{tenants} x {users}",
        f"{latency} ms",
        f"{first['wall']:.2f}",
        f"{steady['wall']:.2f}",
        f"{limit:.2f}",
        f"{steady['wall'] / limit:.2f}",
        per(steady, "graph", tenants),
        per(steady, "psa", tenants),
        str(steady["written"]),
        f"{1000 * steady['cpu'] / (tenants * users / 1000):.1f}",
        f"{steady['cpu'] / standin['cpu']:.2f}",
        f"{steady['peak']:.0f}",
    ]


HEAD = (
    "tenants x users",
    "latency",
    "first cycle s",
    "steady cycle s",
    "bound s",
    "ratio",
    "Graph calls a tenant",
    "PSA calls a tenant",
    "writes",
    "CPU ms per 1,000 users",
    "CPU / stand-in",
    "peak MiB",
)


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


def main() -> None:
    quick = "--quick" in sys.argv[1:]
    rows = []
    for tenants, latency in QUICK if quick else FLEETS:
        print(f"Measuring {tenants} tenants at {latency} ms ...", file=sys.stderr, flush=True)
        rows.append(line(tenants, USERS, latency, fleet_row(tenants, USERS, latency)))
    if not quick:
        print("Measuring 200 tenants of 1,000 users ...", file=sys.stderr, flush=True)
        rows.append(line(200, 1000, 0, fleet_row(200, 1000, 0)))
    print(table(HEAD, rows))
    print()
    print(table(PRESS_HEAD, [press_row(latency, prorates) for prorates in (False, True) for latency in (0, 80)]))


if __name__ == "__main__":
    main()
