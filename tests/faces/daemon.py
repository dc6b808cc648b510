"""A whole daemon in this process: the real engine over the simulated MSP, answering on a free port of loopback."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from typing import Any

from agent.engine.assembly import Engine, assemble
from agent.engine.service import Service
from agent.engine.watchdog import Systemd
from agent.faces.api import Limits, Server, serve
from agent.settings import load
from agent.simulators.world import World

# Refused tokens are not slowed down, so that one test does not wait for another's failures; and on a busy machine a
# caller may get no turn for seconds between its connection and its first byte, which is not what these tests are about.
QUICK = Limits(slow=0, grace=10, exchange=60, body=30)


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def code(self) -> str:
        """The code of a refusal; every refusal says what and what to do about it."""
        error = self.json()["error"]
        assert error["what"].endswith(".")
        assert error["remedy"]
        return str(error["code"])


@dataclass
class Daemon:
    engine: Engine
    service: Service
    server: Server
    token: str

    @property
    def port(self) -> int:
        return int(self.server.url.rpartition(":")[2])

    def ask(self, method: str, path: str, body: object = None, token: str | None = None, **headers: str) -> Answer:
        """A well-behaved caller; `headers` are added, underscores becoming dashes."""
        sent = {"Authorization": f"Bearer {token or self.token}"}
        sent |= {} if body is None else {"Content-Type": "application/json"}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        connection = HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, path, None if body is None else json.dumps(body), sent)
            answer = connection.getresponse()
            return Answer(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())
        finally:
            connection.close()

    def get(self, path: str) -> Any:
        answer = self.ask("GET", path)
        assert answer.status == 200, answer.body
        return answer.json()

    def connect(self, timeout: float = 20) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=timeout)

    def raw(self, request: bytes, timeout: float = 20) -> Answer | None:
        """Exactly these bytes; None where the connection ended without an answer."""
        with self.connect(timeout) as connection:
            connection.sendall(request)
            return received(connection)

    def presses(self) -> set[str]:
        """The runs that somebody asked for; the daemon opens others by itself, whenever it likes."""
        return {run.id for run in self.engine.store.runs(10_000) if run.reason == "sync now"}

    def settled(self) -> None:
        """Wait until no run is running or waiting."""
        wait_for(lambda: not self.service.busy)

    @contextmanager
    def again(self, limits: Limits) -> Iterator[Daemon]:
        """The same service behind a second interface, with other limits."""
        with serving(self.engine, self.service, limits) as server:
            yield Daemon(self.engine, self.service, server, self.token)


def wait_for(happened: Callable[[], bool], seconds: float = 30) -> None:
    until = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < until, "it did not happen in time"
        time.sleep(0.01)


def received(connection: socket.socket) -> Answer | None:
    """The next answer on a connection, whatever was asked."""
    answer = HTTPResponse(connection)
    try:
        answer.begin()
        body = answer.read()
    except ConnectionError:  # RemoteDisconnected is one
        return None
    return Answer(answer.status, {k.lower(): v for k, v in answer.getheaders()}, body)


@contextmanager
def serving(engine: Engine, service: Service, limits: Limits | None = None) -> Iterator[Server]:
    server = serve(engine, service, limits)
    server.start()
    try:
        yield server
    finally:
        server.stop()


@contextmanager
def assembled(folder: Path, listen: str = "127.0.0.1:0") -> Iterator[tuple[Engine, Service]]:
    """Engine and service, not started, over the simulated MSP."""
    world = World.build(datetime.now(UTC))
    with world.serve() as served:
        settings = load(world.write_configuration(folder, served, listen))
        engine = assemble(settings, patient=False)
        try:
            yield engine, engine.service(Systemd({}))
        finally:
            engine.close()


@contextmanager
def running(folder: Path) -> Iterator[Daemon]:
    """A daemon after its first cycle: there are plans, holds and findings."""
    with assembled(folder) as (engine, service), engine.store.writer():
        service.start()
        with serving(engine, service, QUICK) as server:
            token = engine.settings.api_token.read().reveal()
            made = Daemon(engine, service, server, token)
            made.settled()
            yield made
        service.stop(timeout=30)
