"""A simulated site in a process of its own: what it remembers is none of the agent's memory."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from functools import partial
from multiprocessing.connection import Connection
from operator import attrgetter
from typing import Any, cast

from agent.simulators.messages import NoAnswer, Request, Response, Silence
from agent.simulators.simulator import Simulator


class Elsewhere:
    """`simulator`, forked off as it stands. `handle` is its wire; everything else goes by `call`.

    Only the clock on this side is ever moved: each call takes its time along.
    """

    latency = 0.0  # as the transport asks of any simulator

    def __init__(self, simulator: Simulator) -> None:
        self.clock = simulator.clock
        self._pipe, there = multiprocessing.Pipe()
        fork = multiprocessing.get_context("fork")
        self._process = fork.Process(target=_serve, args=(simulator, there, self._pipe), daemon=True)
        self._process.start()
        there.close()

    def handle(self, request: Request) -> Response:
        answer = self.call("handle", request)
        assert answer is not None
        return answer

    def call(self, what: str, *args: Any, **fields: Any) -> Response | None:
        """Call a method over there by its dotted name; only what goes over the wire comes back."""
        self._pipe.send((self.clock.now(), what, args, fields))
        answer, silence = self._pipe.recv()
        if silence is not None:
            raise NoAnswer(silence, answer)
        return cast("Response | None", answer)

    def close(self) -> None:
        """It ends with its pipe."""
        self._pipe.close()
        self._process.join()
        self._process.close()


def _serve(simulator: Simulator, pipe: Connection, other_end: Connection) -> None:
    other_end.close()  # or the fork would keep its own pipe open
    while True:
        try:
            now, what, args, fields = pipe.recv()
        except EOFError:
            return
        simulator.clock.set(now)
        pipe.send(_answered(partial(attrgetter(what)(simulator), *args, **fields)))


def _answered(call: Callable[[], Any]) -> tuple[Response | None, Silence | None]:
    try:
        answer = call()
        # Nothing but the wire comes back: an invoice with all its lines would stay in the memory that is measured.
        return (answer if isinstance(answer, Response) else None), None
    except NoAnswer as silence:
        return silence.response, silence.silence
