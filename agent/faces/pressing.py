"""One cycle now: here, or by the daemon where one runs, because only one agent may write."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from threading import Event
from typing import TYPE_CHECKING

from agent.errors import AnotherWriter, TrueupError
from agent.faces.choosing import companies as chosen
from agent.faces.desk import Desk, say, say_json
from agent.faces.progress import waiting, watching

if TYPE_CHECKING:
    from types import FrameType

    from agent.engine.assembly import Engine

_FIRST_POLL, _LAST_POLL = 0.1, 1.0  # seconds between two questions to the daemon, growing


def sync(desk: Desk, words: Sequence[str], dry: bool, as_json: bool) -> bool:
    """Run a cycle over the companies (all without words), print what came of it; whether all of it went well."""
    with desk.engine() as engine:
        ids = chosen(engine.mappings.current(), words)
        try:
            with engine.store.writer():
                run, again = _here(engine, ids, dry, as_json)
        except AnotherWriter:
            run, again = _by_the_daemon(desk, engine, ids if words else None, dry), None
        return _report(desk, engine, run, again, as_json)


def _here(engine: Engine, companies: Sequence[int], dry: bool, quiet: bool) -> tuple[str, datetime | None]:
    with finishing(engine.stop), watching(quiet) as watcher:
        result = engine.cycle.run(engine.mappings.current(), companies, "by hand", dry, watcher=watcher)
    return result.run, result.again


def _by_the_daemon(desk: Desk, engine: Engine, companies: Sequence[int] | None, dry: bool) -> str:
    from agent.faces.local import Local

    daemon = Local(desk.settings)
    run = daemon.sync(companies, dry)
    pause = _FIRST_POLL
    with waiting(f"The daemon does it as run {run}"):
        while daemon.run(run)["state"] not in ("done", "failed"):
            Event().wait(pause)
            pause = min(_LAST_POLL, pause * 1.3)
    return run


def _report(desk: Desk, engine: Engine, run: str, again: datetime | None, as_json: bool) -> bool:
    from agent.reports.run import all_confirmed, run_text
    from agent.reports.values import of_entry, of_run

    summary = engine.store.run(run)
    if summary is None:
        raise TrueupError(f"Run {run} is not in the store", "See whether store.url is the one that the daemon uses")
    entries = engine.store.entries(run, limit=100_000)
    if as_json:
        say_json(
            {**of_run(summary), "again": again.isoformat() if again else None, "writes": list(map(of_entry, entries))}
        )
    else:
        say(run_text(summary, entries, again, desk.view()))
    return summary.state == "done" and not summary.detail and all_confirmed(entries)


@contextmanager
def finishing(stop: Event) -> Iterator[None]:
    """While a cycle runs: the first Ctrl-C lets the write in flight end, the second ends the process at once.

    What was on its way then is settled by reading, at the next cycle.
    """

    def asked(number: int, _: FrameType | None) -> None:
        if stop.is_set():
            os._exit(128 + number)
        stop.set()
        say("\nThe write in flight is finished first; once more to end at once.", to_stderr=True)

    before = {number: signal.signal(number, asked) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
