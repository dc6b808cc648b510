"""A small HTTP/1.1 server on loopback for one simulator, and the control surface under /__sim/.

http.server parses headers with the e-mail package, which is what costs it its time; a simulated fleet asks
thousands of times a second, and no caller here sends anything but plain requests with a Content-Length.
"""

from __future__ import annotations

import ipaddress
import select
import socket
import socketserver
import struct
import threading
import time
from http import HTTPStatus
from types import TracebackType
from typing import BinaryIO, cast

from agent.simulators.control import control
from agent.simulators.messages import Headers, NoAnswer, Request, Response, Silence
from agent.simulators.simulator import Simulator

MAX_LINE = 65_536


class Server:
    """A simulator behind a loopback port; `url` is its origin. Use as a context manager or `close` it."""

    def __init__(self, simulator: Simulator, host: str, port: int) -> None:
        if not ipaddress.ip_address(host).is_loopback:
            raise ValueError(f"a simulator is served on loopback only, not on {host}")
        self._tcp = _Listener((host, port), simulator)
        self._thread = threading.Thread(target=self._tcp.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()
        self.port = self._tcp.server_address[1]
        self.url = f"http://{f'[{host}]' if ':' in host else host}:{self.port}"

    def close(self) -> None:
        """Stop listening and hang up on everybody."""
        self._tcp.shutdown()
        self._tcp.server_close()
        self._tcp.hang_up()
        self._thread.join()

    def __enter__(self) -> Server:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def serve(simulator: Simulator, host: str = "127.0.0.1", port: int = 0) -> Server:
    """Serve at once, in a daemon thread; port 0 takes a free one. ValueError for a host not on loopback."""
    return Server(simulator, host, port)


class _Listener(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False  # the threads are daemons; those acting out a timeout would hold the test up
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], simulator: Simulator) -> None:
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        self.simulator = simulator
        self._open: set[socket.socket] = set()
        self._guard = threading.Lock()
        super().__init__(address, _Connection)

    def hold(self, connection: socket.socket) -> None:
        with self._guard:
            self._open.add(connection)

    def let_go(self, connection: socket.socket) -> None:
        with self._guard:
            self._open.discard(connection)

    def hang_up(self) -> None:
        """Wake the threads that wait for a next request or act out a timeout."""
        with self._guard:
            for connection in self._open:
                _reset(connection)

    def handle_error(self, request: object, client_address: object) -> None:
        pass  # a caller that hangs up is everyday business here


class _Connection(socketserver.StreamRequestHandler):
    disable_nagle_algorithm = True  # an answer must not wait for an acknowledgement
    server: _Listener

    def handle(self) -> None:
        self.server.hold(self.connection)
        try:
            while self._exchange():
                pass
        finally:
            self.server.let_go(self.connection)

    def _exchange(self) -> bool:
        """Read one request and answer it; whether the connection stays open."""
        request = _read(cast(BinaryIO, self.rfile))
        if request is None:
            return False
        if request.path.startswith("/__sim/"):
            return self._send(control(self.server.simulator, request), request)
        try:
            response = self.server.simulator.handle(request)
        except NoAnswer as silence:
            self._act_out(silence)
            return False
        if self.server.simulator.latency:
            time.sleep(self.server.simulator.latency)
        return self._send(response, request)

    def _send(self, response: Response, request: Request) -> bool:
        stays = request.headers.get("connection", "").lower() != "close"
        self.connection.sendall(_head(response, stays) + (b"" if request.method == "HEAD" else response.body))
        return stays

    def _act_out(self, silence: NoAnswer) -> None:
        """A refusal and a lost connection attempt cannot be shown once the request is here: they become a
        reset and a wait, before any effect. `Transport` shows them as they are."""
        if silence.silence in (Silence.TIMEOUT, Silence.UNREACHABLE):
            select.select([self.connection], [], [])  # until the caller gives up or the server closes
        elif silence.response is not None:
            self.connection.sendall(_head(silence.response, stays=False) + silence.response.body[:-1])
            return
        _reset(self.connection)


def _reset(connection: socket.socket) -> None:
    try:
        # Linger 0 makes the close a reset, which callers tell from an orderly end of the connection.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass  # the other side was faster


def _read(stream: BinaryIO) -> Request | None:
    """The next request, or None where the caller has hung up or speaks no HTTP that is understood here."""
    words = stream.readline(MAX_LINE).split()
    if len(words) != 3:
        return None
    fields: list[tuple[str, str]] = []
    while line := stream.readline(MAX_LINE).decode("latin-1").rstrip("\r\n"):
        name, _, value = line.partition(":")
        fields.append((name, value.strip()))
    headers = Headers(fields)
    # A chunked body would have to be read to its end to find the next request: nobody here sends one.
    length = headers.get("content-length", "0")
    if "transfer-encoding" in headers or not length.isdigit():
        return None
    body = stream.read(int(length)) if length != "0" else b""
    if len(body) < int(length):
        return None  # whoever died while sending has asked for nothing
    return Request.parse(words[0].decode("latin-1"), words[1].decode("latin-1"), headers, body)


def _head(response: Response, stays: bool) -> bytes:
    lines = [f"HTTP/1.1 {response.status} {HTTPStatus(response.status).phrase}"]
    lines += [f"{name}: {value}" for name, value in response.headers.items()]
    if response.status != HTTPStatus.NO_CONTENT:
        lines.append(f"content-length: {len(response.body)}")
    lines.append(f"connection: {'keep-alive' if stays else 'close'}\r\n\r\n")
    return "\r\n".join(lines).encode("latin-1")
