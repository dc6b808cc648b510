"""How many requests a minute a vendor allows, shared by all threads."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from pyrate_limiter import Duration, TokenBucket
from pyrate_limiter import Rate as Refill

LONGEST_PAUSE = 3600.0

_BUCKET = TokenBucket()


class Rate:
    """A budget of requests for all who share it: in no 60 seconds more than `per_minute`.

    A token bucket of `burst`, refilled by the rest of the budget; it starts one short of full, because a vendor counts
    with a clock of its own. A pause (Retry-After) holds everybody.
    """

    def __init__(
        self,
        per_minute: int,
        *,
        burst: int | None = None,
        monotonic: Callable[[], int] = time.monotonic_ns,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        burst = max(1, per_minute // 60) if burst is None else burst
        if not 1 <= burst <= max(1, per_minute // 4):
            raise ValueError(f"a burst of {burst} does not fit a rate of {per_minute} a minute")
        self._refill = [Refill(max(1, per_minute - burst), Duration.MINUTE, burst)]
        self._tokens = _BUCKET.initial(self._refill)
        self._monotonic = monotonic
        self._sleep = sleep
        self._paused_until = 0.0
        self._turn = threading.Lock()
        self._pausing = threading.Lock()
        if burst > 1:
            self._wait()

    def take(self, patience: float) -> float:
        """Wait for a permit and return 0; or return, at once, the seconds of a pause longer than `patience`."""
        # The first in the queue sleeps with the lock held: it gets the next permit, the others cannot overtake it.
        with self._turn:
            while True:
                paused = self._paused_until - self._now()
                if paused > patience:
                    return paused
                wait = paused if paused > 0 else self._wait()
                if wait <= 0:
                    return 0.0
                self._sleep(wait)

    def pause(self, seconds: float) -> None:
        """Let nobody through for `seconds`, at most an hour."""
        with self._pausing:
            self._paused_until = max(self._paused_until, self._now() + min(seconds, LONGEST_PAUSE))

    def _now(self) -> float:
        return self._monotonic() / 1e9

    def _wait(self) -> float:
        """Spend a token and return 0, or return the seconds until there is one."""
        now = self._monotonic() // 1_000_000
        self._tokens, decision = _BUCKET.step(self._refill, self._tokens, now, 1)
        return 0.0 if decision.retry_after_ms is None else decision.retry_after_ms / 1000
