"""A server on raw sockets that counts the writes which reach it, whichever connection they come by.

It accepts for as long as it lives, so that a second attempt would be seen. Reads get a plain 404; a write gets what
the script does to its connection.
"""

from __future__ import annotations

import socket
import ssl
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from threading import Event, Lock, Thread

Script = Callable[[socket.socket], None]
WRITES = (b"POST", b"PATC")
NOT_FOUND = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n%s\r\n"


@dataclass
class RawServer:
    """`attempts` are the writes of which anything arrived, in full or in part; `whole` are their bytes where a script
    read them to the end. `keep` leaves the connection of a read open; `idle` is done to it right after the answer."""

    script: Script
    listener: socket.socket
    tls: ssl.SSLContext | None = None
    keep: bool = False
    idle: Script | None = None
    attempts: int = 0
    whole: list[bytes] = field(default_factory=list)
    over: Event = field(default_factory=Event)
    _lock: Lock = field(default_factory=Lock)

    @property
    def url(self) -> str:
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.listener.getsockname()[1]}"

    def serve(self) -> None:
        while True:
            try:
                connection = self.listener.accept()[0]
            except OSError:
                return
            Thread(target=self._converse, args=(connection,), daemon=True).start()

    def _converse(self, connection: socket.socket) -> None:
        with suppress(OSError):
            spoken = self.tls.wrap_socket(connection, server_side=True) if self.tls else connection
            with spoken:
                while self._answer(spoken):
                    pass

    def _answer(self, connection: socket.socket) -> bool:
        start = _exactly(connection, 4)
        if start in WRITES:
            with self._lock:
                self.attempts += 1
            self.script(_Recorded(connection, start, self.whole))  # type: ignore[arg-type]
            return False
        if not start:
            return False
        _head(connection)
        connection.sendall(NOT_FOUND % (b"" if self.keep else b"Connection: close\r\n"))
        if self.idle:
            self.idle(connection)
        return self.keep and not self.idle


@dataclass
class _Recorded:
    """The connection of a write whose first bytes have been read."""

    connection: socket.socket
    start: bytes
    whole: list[bytes]

    def read_request(self) -> None:
        head = self.start + _head(self.connection)
        lengths = [int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
        self.whole.append(head + _exactly(self.connection, sum(lengths)))

    def __getattr__(self, name: str) -> object:
        return getattr(self.connection, name)


@contextmanager
def raw_server(script: Script, tls: ssl.SSLContext | None = None, **more: object) -> Iterator[RawServer]:
    server = RawServer(script, socket.create_server(("127.0.0.1", 0)), tls, **more)  # type: ignore[arg-type]
    thread = Thread(target=server.serve, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.over.set()
        with suppress(OSError):
            server.listener.shutdown(socket.SHUT_RDWR)  # closing alone would not wake the thread that accepts
        server.listener.close()
        thread.join(5)


def reset(connection: socket.socket) -> None:
    """RST, and what was not read is thrown away."""
    plain = getattr(connection, "connection", connection)
    plain.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    # Not by TLS's close_notify: the cable is cut.
    socket.socket(fileno=plain.detach()).close()


def answering(answer: bytes) -> Script:
    """The request is read whole; these bytes are sent, and the connection is closed."""

    def script(connection: socket.socket) -> None:
        connection.read_request()  # type: ignore[attr-defined]
        connection.sendall(answer)

    return script


def _head(connection: socket.socket) -> bytes:
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        head += _exactly(connection, 1)
    return head


def _exactly(connection: socket.socket, size: int) -> bytes:
    found = b""
    while len(found) < size:
        more = connection.recv(size - len(found))
        if not more:
            break
        found += more
    if found or not size:
        return found
    raise ConnectionResetError
