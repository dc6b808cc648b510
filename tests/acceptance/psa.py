"""The simulated PSA with gates: a request waits where a test wants it, so that a kill strikes a chosen instant."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from threading import Event
from typing import NamedTuple

from agent.simulators.connectwise import ConnectWise
from agent.simulators.wire import Exchange, Request, Response

PATIENCE = 30  # seconds for what should take one; the machine may be busy


class Line(NamedTuple):
    """An addition as an invoice clerk sees it; `last` is its last billed day, None while it is open."""

    product: str
    quantity: int
    first: date
    last: date | None


@dataclass(slots=True)
class Gate:
    """Holds the first request that matches: before the PSA has acted on it, or (`acted`) before it answers."""

    method: str
    path: str
    acted: bool
    caught: Event = field(default_factory=Event)
    opened: Event = field(default_factory=Event)

    def wait(self) -> None:
        assert self.caught.wait(PATIENCE), f"no {self.method} {self.path} came"

    def catches(self, request: Request) -> bool:
        return not self.caught.is_set() and request.method == self.method and bool(re.search(self.path, request.target))

    def hold(self) -> None:
        self.caught.set()
        self.opened.wait(PATIENCE)


class GatedPsa(ConnectWise):
    """Served by several threads; gates are set up before the request that they shall catch."""

    gates: tuple[Gate, ...] = ()
    _nth = (0, Event())

    def nth(self, number: int) -> Event:
        """Set when so many more requests have come."""
        self._nth = (number, Event())
        return self._nth[1]

    def handle(self, request: Request) -> Response:
        self._count()
        gate = next((gate for gate in self.gates if gate.catches(request)), None)
        if gate is None:
            return super().handle(request)
        if not gate.acted:
            gate.hold()
        answer = super().handle(request)
        if gate.acted:
            gate.hold()
        return answer

    @contextmanager
    def gate(self, method: str, path: str = "", acted: bool = False) -> Iterator[Gate]:
        """The request that it caught goes on when the context ends, whoever may have hung up meanwhile."""
        gate = Gate(method, path, acted)
        self.gates = (*self.gates, gate)
        try:
            yield gate
        finally:
            self.gates = tuple(other for other in self.gates if other is not gate)
            gate.opened.set()

    def _count(self) -> None:
        with self.lock:
            left, reached = self._nth
            self._nth = (left - 1, reached)
        if left == 1:
            reached.set()

    def sent(self, *methods: str) -> list[Exchange]:
        """What came over the wire, by method; all writes without any."""
        with self.lock:
            return [e for e in self.log if e.request.method in (methods or ("POST", "PATCH", "PUT", "DELETE"))]

    def lines(self, agreement: int) -> list[Line]:
        return sorted((_line(addition) for addition in self.additions(agreement)), key=str)

    def marks(self, agreement: int) -> Counter[str]:
        """How many additions carry each mark; one too many is what somebody would be billed twice."""
        return Counter(a["serialNumber"] for a in self.additions(agreement) if a.get("serialNumber"))


def _line(addition: object) -> Line:
    assert isinstance(addition, dict)
    last = addition.get("cancelledDate")
    return Line(
        addition["product"]["identifier"],
        int(addition["quantity"]),
        date.fromisoformat(addition["effectiveDate"][:10]),
        date.fromisoformat(last[:10]) if last else None,
    )
