"""How far this host's clock is from those of the services that it talks to, by the Date of their answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime
from functools import partial

from agent.ports import Clock

Heard = Callable[[Mapping[str, str]], None]
_SELDOM = 60 * 10**9  # nanoseconds; a fleet's cycle brings a thousand answers


class Offsets:
    """For any number of threads: the newest word of each service stands."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._told: dict[str, tuple[int, float]] = {}

    def of(self, service: str) -> Heard:
        """To be called with the headers of each answer of the service."""
        return partial(self._hear, service)

    def seconds(self) -> Mapping[str, float]:
        """By service, positive where ours is behind; no better than half a second and the answer's way."""
        return {service: seconds for service, (_, seconds) in self._told.items()}

    def _hear(self, service: str, headers: Mapping[str, str]) -> None:
        now = self._clock.monotonic()
        if service in self._told and now - self._told[service][0] < _SELDOM:
            return
        try:
            theirs = parsedate_to_datetime(headers["date"])
        except (KeyError, ValueError):
            return
        # RFC 5322's "-0000" is read as a time without a zone; HTTP knows no other than GMT.
        theirs = theirs.replace(tzinfo=UTC) if theirs.tzinfo is None else theirs
        # The field has whole seconds, cut off: half a second later is the likeliest.
        self._told[service] = now, (theirs - self._clock.now()).total_seconds() + 0.5
