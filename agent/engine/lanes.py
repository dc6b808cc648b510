"""Runs wait in lanes: one thread each, one run at a time, equal requests made one.

A single company goes in its own lane, so that *sync now* does not wait behind a cycle of the whole fleet; the turns
keep the two from working on one company at once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from threading import Condition, Thread

import structlog

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Press:
    """A run that was asked for: over which companies, why, and whether it may write."""

    run: str
    companies: tuple[int, ...]
    reason: str
    dry: bool

    def covers(self, companies: Sequence[int], dry: bool) -> bool:
        return self.dry == dry and set(companies) <= set(self.companies)


class Lane:
    """A queue and the thread that works it off. A request that a waiting one covers gets that one's run."""

    def __init__(self, name: str, work: Callable[[Press], None], crashed: Callable[[], None]) -> None:
        self._work, self._crashed = work, crashed
        self._waiting: list[Press] = []
        self._running: Press | None = None
        self._closed = False
        self._changed = Condition()
        self._thread = Thread(target=self._loop, name=name, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def submit(self, companies: Sequence[int], reason: str, dry: bool, opened: Callable[[], str]) -> str:
        """The run that will do this: a waiting one that covers it, or a new one. A running one has read already."""
        with self._changed:
            for press in self._waiting:
                if press.covers(companies, dry):
                    return press.run
            press = Press(opened(), tuple(companies), reason, dry)
            self._waiting.append(press)
            self._changed.notify_all()
            return press.run

    def close(self, timeout: float) -> bool:
        """Take nothing new, let the running run end; whether it ended in time."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        if self._thread.is_alive():
            self._thread.join(timeout)
        return not self._thread.is_alive()

    @property
    def busy(self) -> bool:
        return self._running is not None or bool(self._waiting)

    def _loop(self) -> None:
        press = self._next()
        while press is not None:
            ended = False
            try:
                self._work(press)
                ended = True
            finally:
                # A fault that nobody foresaw ends this thread; without it the agent would look alive and do nothing.
                if not ended:
                    self._crashed()
            self._running = None
            press = self._next()

    def _next(self) -> Press | None:
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closed)
            if self._closed:
                return None
            self._running = self._waiting.pop(0)
            return self._running
