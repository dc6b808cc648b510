"""One cycle now: here, or by the daemon where one runs, because only one agent may write."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from threading import Event
from typing import TYPE_CHECKING

from agent.domain.findings import Finding
from agent.errors import AnotherWriter, TrueupError
from agent.faces.choosing import companies as chosen
from agent.faces.desk import Desk, say
from agent.faces.progress import waiting, watching
from agent.faces.unread import unread
from agent.ports import Entry, RunSummary
from agent.reports.run import all_confirmed, run_text
from agent.reports.text import View
from agent.reports.values import Values, of_entry, of_run

if TYPE_CHECKING:
    from types import FrameType

    from agent.engine.assembly import Engine

_ENTRIES = 100_000  # of one run; more than a fleet's first cycle writes
_PAUSE = 0.1  # seconds, where the daemon answers at once though the run is still on its way: it is stopping, say


@dataclass(frozen=True, slots=True)
class Synced:
    """What became of a run. `again`: when something is to be looked at once more; None where a daemon sees to it.
    `stopped`: a person ended it before all was written. `lacking`: what could not be read."""

    run: RunSummary
    entries: Sequence[Entry]
    again: datetime | None
    stopped: bool
    head: tuple[int, str]  # of the journal: its number and its hash
    lacking: Sequence[Finding] = ()

    @property
    def well(self) -> bool:
        done = self.run.state == "done" and not self.run.detail and not self.stopped
        return done and not self.lacking and all_confirmed(self.entries)

    def text(self, view: View) -> str:
        rest = "\nStopped on request; what was not written is planned anew." if self.stopped else ""
        return run_text(self.run, self.entries, self.again, self.head, view, self.lacking) + rest

    def values(self) -> Values:
        again = self.again.isoformat() if self.again else None
        records, head = self.head
        journal = {"records": records, "head": head}
        lacking = [{"company": f.company, "sentence": f.sentence, "remedy": f.remedy} for f in self.lacking]
        writes = [of_entry(entry) for entry in self.entries]
        return {**of_run(self.run), "again": again, "journal": journal, "unread": lacking, "writes": writes}


def sync(desk: Desk, words: Sequence[str], dry: bool, quiet: bool) -> Synced:
    """Run a cycle over the companies that the words name, over all without words. Quiet: show no progress."""
    with desk.engine() as engine:
        ids = chosen(engine.mappings.current(), words)
        try:
            with engine.store.writer():
                run, again = _here(engine, ids, dry, quiet)
        except AnotherWriter:
            run, again = _by_the_daemon(desk, ids if words else None, dry), None
        summary = engine.store.run(run)
        if summary is None:
            raise TrueupError(f"Run {run} is not in the store", "See whether store.url is the one that the daemon uses")
        store = engine.store
        lacking, head = unread(store, summary.companies), store.journal_head()
        return Synced(summary, store.entries(run, limit=_ENTRIES), again, engine.stop.is_set(), head, lacking)


def _here(engine: Engine, companies: Sequence[int], dry: bool, quiet: bool) -> tuple[str, datetime | None]:
    with finishing(engine.stop), watching(quiet) as watcher:
        result = engine.cycle.run(engine.mappings.current(), companies, "by hand", dry, watcher=watcher)
    return result.run, result.again


def _by_the_daemon(desk: Desk, companies: Sequence[int] | None, dry: bool) -> str:
    from agent.faces.local import Local

    daemon = Local(desk.settings)
    run = daemon.sync(companies, dry)
    with waiting(f"The daemon does it as run {run}"):
        while daemon.run(run)["state"] not in ("done", "failed"):
            Event().wait(_PAUSE)
    return run


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
