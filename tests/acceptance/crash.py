"""A cycle of the real command that is struck at one chosen system call of its store, and what must hold after it."""

from __future__ import annotations

import shutil
import signal
import sqlite3
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from agent.engine.clock import SystemClock
from agent.ports import Entry, EntryState, Store
from agent.simulators.simulator import Exchange
from agent.store import open_store
from tests.acceptance.process import Forking
from tests.acceptance.site import AGREEMENT, PRODUCTS, SEATS, Msp
from tests.optional import missing

# All by which SQLite changes what is on the disk; `write` and `rename` are for other stores than ours, and never come.
CALLS = ("pwrite64", "fdatasync", "ftruncate", "unlink", "write", "fsync", "rename")
KILL, EIO, ENOSPC = "signal=KILL", "error=EIO", "error=ENOSPC"
BLOWS = (KILL, EIO, ENOSPC)
OPEN = (EntryState.INTENT, EntryState.UNKNOWN)


class Point(NamedTuple):
    """The `nth` call of that name to a file of the store, and what strikes it."""

    call: str
    nth: int
    blow: str = KILL

    @property
    def injection(self) -> tuple[str, ...]:
        return "-e", f"trace={self.call}", "-e", f"inject={self.call}:{self.blow}:when={self.nth}"


@dataclass(slots=True)
class Crashing:
    """One company that buys a seat before each cycle, so that each cycle has a POST and a PATCH to write."""

    site: Msp
    forking: Forking
    seats: int = SEATS
    closed: dict[int, EntryState] = field(default_factory=dict)  # what the store has acknowledged so far

    @property
    def state(self) -> Path:
        return self.site.folder / "state"

    @property
    def words(self) -> list[str]:
        return ["sync", "--config", str(self.site.config)]

    def strike(self, point: Point) -> bool:
        """Run a cycle under the blow; whether it fell. Then the store is opened, as the next start would."""
        self.buys()
        log = self.site.folder / "strace.txt"
        files = (("-P", f"{self.state}/trueup.db{suffix}") for suffix in ("", "-wal", "-shm", "-journal"))
        arguments = ["-o", str(log), *point.injection, *(word for file in files for word in file)]
        sent = len(self.site.psa.sent())
        status = self.forking.trace(self.words, arguments)
        self.holds(sent)
        return status == signal.SIGKILL or "(INJECTED)" in log.read_text()

    def full_disk(self, largest: int) -> None:
        """Run a cycle none of whose files may grow beyond so many bytes."""
        self.buys()
        sent = len(self.site.psa.sent())
        self.forking.run(self.words, largest)
        self.holds(sent)

    def buys(self) -> None:
        self.seats = self.site.tenant().buy("SPB", 1)

    def holds(self, before: int) -> None:
        """Nothing was sent without an intention in the store, nothing is lost that it acknowledged, all is readable."""
        with closing(sqlite3.connect(self.state / "trueup.db")) as database:
            assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        with self._store() as store:
            entries = {entry.id: entry for entry in store.entries(limit=100_000)}
            assert store.verify_journal()[2] == ""
        sent = self.site.psa.sent()
        assert Counter(map(_sent, sent)) <= Counter(map(_meant, entries.values()))
        # The cycle goes on to its next request only after the one before is confirmed in the store.
        states = {_meant(entry): entry.state for entry in entries.values()}
        assert {states[_sent(exchange)] for exchange in sent[before:-1]} <= {EntryState.CONFIRMED}
        assert self.closed.items() <= {id: entry.state for id, entry in entries.items()}.items()
        self.closed = {id: entry.state for id, entry in entries.items() if entry.state not in OPEN}

    def converges(self) -> None:
        """The next starts settle what is open and bill every seat once; four cycles are enough for that."""
        for _ in range(4):
            self.forking.run(self.words)
            if self._billed() and not self._open():
                break
        assert self._billed(), self.site.said()[-2000:]
        assert not self._open()
        assert all(exchange.effects == 1 for exchange in self.site.psa.sent("POST"))
        assert set(self.site.psa.marks(AGREEMENT).values()) == {1}

    def _billed(self) -> bool:
        lines = [line for line in self.site.psa.lines(AGREEMENT) if line.product == PRODUCTS["SPB"]]
        for_ever, until_invoice = ([x.quantity for x in lines if (x.last is None) is open_] for open_ in (True, False))
        return sum(for_ever) == self.seats and sum(until_invoice) == self.seats - SEATS

    def _open(self) -> Sequence[Entry]:
        with self._store() as store:
            return store.entry_open()

    @contextmanager
    def _store(self) -> Iterator[Store]:
        with open_store("", self.state, SystemClock()) as store:
            yield store


@contextmanager
def crashing(site: Msp) -> Iterator[Crashing]:
    """An installation after its first cycles: the lines are adopted, and one seat more is billed."""
    if shutil.which("strace") is None:
        missing("strace", "apt install strace", "TRUEUP_REQUIRE_STRACE")
    site.set("settle", "0s")
    site.set("recheck", "0s")
    with site.forking() as forking:
        made = Crashing(site, forking)
        made.buys()
        made.converges()
        made.holds(len(site.psa.sent()))
        yield made


def _sent(exchange: Exchange) -> tuple[str, str]:
    return exchange.request.method, exchange.request.body.decode()


def _meant(entry: Entry) -> tuple[str, str]:
    return entry.write.method, entry.write.body
