"""Cycles of the real agent over a fleet, in a process of their own: python -m bench.cycles FOLDER CYCLES.

Prints one JSON line: for each cycle its wall time, CPU time, requests and writes, and the peak memory of the process.
"""

from __future__ import annotations

import json
import logging
import os
import resource
import sys
import time
from pathlib import Path

import requests
import structlog

from agent.engine.assembly import Engine, assemble
from agent.faces.cli import look_for_garbage_seldom
from agent.settings import load


def measured(engine: Engine, urls: dict[str, str]) -> dict[str, object]:
    for url in urls.values():
        requests.post(f"{url}/__sim/world", json={"action": "forget"}, timeout=10)
    mappings = engine.mappings.current()
    wall, cpu = time.perf_counter(), time.process_time()
    result = engine.cycle.run(mappings, sorted(mappings.companies), "bench")
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    counted = {name: requests.get(f"{url}/__sim/state", timeout=10).json() for name, url in urls.items()}
    return {
        "wall": wall,
        "cpu": cpu,
        "requests": counted,
        "written": sum(result.written.values()),
        "changes": sum(len(plan.planned) for plan in result.plans),
        "state": result.state,
        "detail": result.detail,
        "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def main() -> None:
    folder, cycles = Path(sys.argv[1]), int(sys.argv[2])
    os.sched_setaffinity(0, {1})
    look_for_garbage_seldom()  # as the command does
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    urls = json.loads((folder / "urls.json").read_text())
    engine = assemble(load(folder / "agent.toml"), patient=False)
    found = [measured(engine, urls) for _ in range(cycles)]
    engine.close()
    print(json.dumps(found))


if __name__ == "__main__":
    main()
