"""What every simulated vendor has: a clock, faults, a log of the wire, one lock, and a world to act upon."""

from __future__ import annotations

import json
import threading
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from agent.simulators.faults import Effect, Fault, Faults, Kind, Show
from agent.simulators.messages import NoAnswer, Request, Response, Silence, encode, html_response

_SILENCES = {
    Show.REFUSED: Silence.REFUSED,
    Show.UNREACHABLE: Silence.UNREACHABLE,
    Show.TIMEOUT: Silence.TIMEOUT,
    Show.DROPPED: Silence.DROPPED,
}


class SimClock:
    """The vendor's time. It stands still until told otherwise, or runs on with `monotonic` (seconds)."""

    def __init__(self, start: datetime, monotonic: Callable[[], float] | None = None) -> None:
        self._monotonic = monotonic or (lambda: 0.0)
        self.set(start)

    def now(self) -> datetime:
        return self._instant + timedelta(seconds=self._monotonic() - self._read_at)

    def today(self, zone: str = "UTC") -> date:
        return self.now().astimezone(ZoneInfo(zone)).date()

    def set(self, instant: datetime) -> None:
        """Jump to `instant`, backwards too; ValueError where it has no zone."""
        if instant.tzinfo is None:
            raise ValueError(f"{instant} names no time zone")
        self._instant = instant
        self._read_at = self._monotonic()

    def advance(self, *, days: float = 0, seconds: float = 0) -> None:
        self.set(self.now() + timedelta(days=days, seconds=seconds))


@dataclass(slots=True)
class Exchange:
    """One request on the wire. `response` is what the caller saw: None where it saw no whole answer."""

    at: datetime
    request: Request
    fault: Kind | None = None
    response: Response | None = None
    effects: int = 0  # how often the server has executed it and agreed; a late effect counts when it lands

    @property
    def committed(self) -> bool:
        return self.effects > 0


class Simulator(ABC):
    """A vendor's server. `handle` is the wire; subclasses say in `answer` what the vendor answers."""

    def __init__(self, clock: SimClock, *, faults: Faults | None = None, log_size: int = 2_000) -> None:
        self.clock = clock
        self.faults = faults or Faults()
        self.latency = 0.0  # seconds that the server or transport adds to each exchange, outside the lock
        self.log: deque[Exchange] = deque(maxlen=log_size)
        self.logging = True
        self.lock = threading.RLock()
        self._late: list[tuple[datetime, Exchange]] = []

    @abstractmethod
    def answer(self, request: Request, twist: Fault | None = None) -> Response:
        """The vendor's answer, with its effect. `twist` is a fault of the server's own making (one with
        Show.ANSWER, such as a read lag); a twist that does not concern the request is ignored."""

    @abstractmethod
    def error(self, fault: Fault) -> Response:
        """The vendor's own body for TOO_MANY(_BARE), SERVER_TIMEOUT(_AFTER) and ERROR_BEFORE/AFTER."""

    def actions(self) -> Mapping[str, Callable[..., object]]:
        """What a person can do in the world over POST /__sim/world, by name; arguments come from JSON."""
        return {}

    def state(self) -> object:
        """The world as JSON, for GET /__sim/state."""
        return None

    def handle(self, request: Request) -> Response:
        """Answer `request`, or raise NoAnswer where a fault keeps the answer from the caller."""
        with self.lock:
            self.land_late_effects()
            fault = self.faults.pick(request)
            # Logged before it is executed: an exchange that ends in silence belongs to the history too.
            exchange = Exchange(self.clock.now(), request, fault.kind if fault else None)
            if self.logging:
                self.log.append(exchange)
            exchange.response = self._execute(exchange) if fault is None else self._misbehave(exchange, fault)
            return exchange.response

    def land_late_effects(self) -> None:
        """Execute the late requests whose time has come; `handle` does so before each request."""
        with self.lock:
            now = self.clock.now()
            due = [late for late in self._late if late[0] <= now]
            self._late = [late for late in self._late if late[0] > now]
            for _, exchange in sorted(due, key=lambda late: late[0]):
                self._execute(exchange)

    def _execute(self, exchange: Exchange, twist: Fault | None = None) -> Response:
        response = self.answer(exchange.request, twist)
        exchange.effects += response.status < 300
        return response

    def _misbehave(self, exchange: Exchange, fault: Fault) -> Response:
        """Have the effect that the fault leaves, then show what it lets through."""
        response = None
        # The first of two executions is the one that nobody hears of.
        if fault.effect is Effect.TWICE:
            self._execute(exchange)
        if fault.effect is Effect.LATER:
            self._late.append((exchange.at + timedelta(seconds=fault.seconds), exchange))
        elif fault.effect is not Effect.NONE:
            response = self._execute(exchange, fault if fault.show is Show.ANSWER else None)
        if fault.show in _SILENCES:
            raise NoAnswer(_SILENCES[fault.show])
        if fault.show is Show.CUT:
            raise NoAnswer(Silence.CUT, response)
        if fault.show is Show.ERROR or response is None:
            return self._error(exchange.request, fault)
        return response if fault.show is Show.ANSWER else _spoil(response, fault)

    def _error(self, request: Request, fault: Fault) -> Response:
        if fault.kind is Kind.BAD_GATEWAY:
            return html_response(502, "502 Bad Gateway")
        if fault.kind is Kind.REDIRECT:
            return Response(307, {"location": request.origin + request.target})
        return self.error(fault)


def _spoil(response: Response, fault: Fault) -> Response:
    if fault.kind is Kind.TRUNCATED_JSON:
        return Response(response.status, response.headers, response.body[: len(response.body) // 2])
    if fault.kind is Kind.NOT_JSON:
        return html_response(response.status, "Please wait")
    return Response(response.status, response.headers, _with_other_id(response.body))


def _with_other_id(body: bytes) -> bytes:
    try:
        record = Response(200, body=body).json()
    except json.JSONDecodeError:
        return body
    # The next id may exist: a caller that believes it will find a line, of somebody else.
    if isinstance(record, dict) and isinstance(record.get("id"), int):
        return encode({**record, "id": record["id"] + 1})
    return body
