"""Connections: how many are listened to at once, and for how long.

uvicorn answers 503 once too many are open and waits for ever for a request to arrive, so that a handful of silent
connections would keep everybody else out. Here those who come wait in the kernel's queue, and whoever keeps them
waiting without having shown the token is sent away.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import cast

import h11
from uvicorn.config import Config
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle
from uvicorn.server import ServerState

from agent.faces.api.guard import Limits
from agent.faces.api.problems import SECURITY_HEADERS, Refused


class Connection(H11Protocol):
    """One connection. From one answer to the next request's answer it has `limits.exchange` seconds."""

    cycle: RequestResponseCycle | None  # type: ignore[assignment]  # None to begin with, which uvicorn does not tell

    def __init__(self, door: Door, limits: Limits, config: Config, state: ServerState) -> None:
        super().__init__(config=config, server_state=state, app_state={}, _loop=asyncio.get_running_loop())
        self._door, self._limits = door, limits
        self._timer: asyncio.TimerHandle | None = None
        self.idle_since = self.loop.time()

    @property
    def trusted(self) -> bool:
        """Whether a request that carried the token is being answered."""
        return self.cycle is not None and not self.cycle.response_complete and "trusted" in self.cycle.scope["state"]

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._wind()

    def data_received(self, data: bytes) -> None:
        # uvicorn's keep-alive timer runs between two requests: these are the first bytes of a further one.
        if self.timeout_keep_alive_task is not None:
            self._wind()
        super().data_received(data)

    def on_response_complete(self) -> None:
        self._wind()
        super().on_response_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._door.left(self)
        super().connection_lost(exc)

    def send_away(self) -> None:
        # Not close(), which waits until the other side has read what is left.
        if self.transport is not None:
            self.transport.abort()

    def send_400_response(self, msg: str) -> None:
        """uvicorn's answer to what is no HTTP, in our words."""
        if self.cycle is not None:
            self.cycle.disconnected = True  # a request whose body breaks off is not answered twice
        what = "This is not a request that HTTP allows, or its head is too long."
        answer = Refused(400, "not-http", what, "Send plain HTTP/1.1.", {"connection": "close"}).answer()
        headers = [*answer.raw_headers, *((k.encode(), v.encode()) for k, v in SECURITY_HEADERS.items())]
        for event in (
            h11.Response(status_code=400, headers=headers, reason=b"Bad Request"),
            h11.Data(data=bytes(answer.body)),
            h11.EndOfMessage(),
        ):
            self.transport.write(self.conn.send(event) or b"")
        self.transport.close()

    def _wind(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self.idle_since = self.loop.time()
        self._timer = self.loop.call_later(self._limits.exchange, self.send_away)


class Door:
    """Accepts connections on `listener`, a socket that listens and does not block."""

    def __init__(self, listener: socket.socket, limits: Limits, connection: Callable[[Door], Connection]) -> None:
        self._listener, self._limits, self._connection = listener, limits, connection
        self._inside: set[Connection] = set()
        self._arriving: set[asyncio.Task[object]] = set()
        self._loop = asyncio.get_running_loop()
        self._closed = False

    def open(self) -> None:
        if not self._closed:
            self._loop.add_reader(self._listener, self._accept)

    def close(self) -> None:
        self._closed = True
        self._loop.remove_reader(self._listener)
        self._listener.close()
        for connection in [c for c in self._inside if not c.trusted]:
            connection.send_away()

    def left(self, connection: Connection) -> None:
        if connection in self._inside:
            self._inside.remove(connection)
            self.open()

    def _accept(self) -> None:
        if len(self._inside) >= self._limits.connections and not self._make_room():
            self._pause()
            return
        try:
            accepted, _ = self._listener.accept()
        except OSError:  # nobody there any more, or no descriptor left for this process
            self._pause()
            return
        accepted.setblocking(False)
        connection = self._connection(self)
        self._inside.add(connection)
        coming = self._loop.connect_accepted_socket(lambda: cast(asyncio.Protocol, connection), accepted)
        task = self._loop.create_task(coming)
        self._arriving.add(task)  # the loop itself holds its tasks weakly
        task.add_done_callback(self._arriving.discard)

    def _make_room(self) -> bool:
        """Send away whoever has held a place longest without a trusted request; everybody has a moment for it."""
        before = self._loop.time() - self._limits.grace
        idle = [c for c in self._inside if c.idle_since <= before and not c.trusted]
        if not idle:
            return False
        longest = min(idle, key=lambda c: c.idle_since)
        self._inside.remove(longest)
        longest.send_away()
        return True

    def _pause(self) -> None:
        # A listener stays readable as long as somebody waits: the loop would turn for nothing else.
        self._loop.remove_reader(self._listener)
        self._loop.call_later(self._limits.grace, self.open)
