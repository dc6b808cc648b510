"""A fleet of which some companies have a source with few requests a minute: python -m bench.metered [COMPANIES ...].

Says how long a cycle takes beside the least that the source allows, and when the companies without that source had
been read. Huntress is served by this process, the agent runs in one of its own.
"""

from __future__ import annotations

import json
import logging
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import structlog

from agent.engine.assembly import assemble
from agent.engine.cycle import Progress
from agent.settings import load
from agent.simulators.huntress import Huntress
from agent.simulators.wire import SimClock, serve
from bench import site
from bench.__main__ import served, table, told

USERS, THREADS, RATE = 20, 32, 60
HEAD = ("companies", "with the source", "requests a minute", "cycle s", "bound s", "ratio", "the others read after s")


def cycle(folder: Path) -> dict[str, Any]:
    """The first cycle of the real agent."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    engine = assemble(load(folder / "agent.toml"), patient=False)
    mappings, read = engine.mappings.current(), {}
    began = time.perf_counter()

    def watch(progress: Progress) -> None:
        if progress.phase == "reading":
            read[progress.done] = time.perf_counter() - began

    result = engine.cycle.run(mappings, sorted(mappings.companies), "bench", watcher=watch)
    wall, without = time.perf_counter() - began, json.loads((folder / "fleet.json").read_text())["without"]
    engine.close()
    return {"state": result.state, "detail": result.detail, "wall": wall, "others": read.get(without, 0)}


def row(companies: int) -> list[str]:
    """The source's companies are the later half: whoever is read first does not wait behind them in line."""
    hunt = Huntress(SimClock(datetime.now(UTC)))
    with served(companies, USERS, 0) as fleet, tempfile.TemporaryDirectory() as folder, serve(hunt) as server:
        home, without = Path(folder), companies // 2
        for company in fleet["companies"][without:]:
            company["organization"] = hunt.add_organization(company["name"], company["company"])
            hunt.protect(company["company"], agents=9)
        fleet |= {"huntress": server.url, "rate": RATE, "without": without}
        (home / "fleet.json").write_text(json.dumps({"without": without}))
        site.write(home, fleet, THREADS)
        found = told("metered", home)
    if found["state"] != "done":
        raise SystemExit(f"a cycle failed: {found['detail']}")
    asked = companies - without
    bound, wall = asked * 60 / RATE, found["wall"]
    seconds = f"{wall:.0f}", f"{bound:.0f}", f"{wall / bound:.2f}", f"{found['others']:.1f}"
    return [str(companies), str(asked), str(RATE), *seconds]


def main() -> None:
    words = sys.argv[1:] or ["100", "500"]
    if not words[0].isdigit():
        print(json.dumps(cycle(Path(words[0]))))
        return
    print(table(HEAD, [row(int(word)) for word in words]))


if __name__ == "__main__":
    main()
