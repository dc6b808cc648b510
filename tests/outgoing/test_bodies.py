"""Bodies come whole and in time, however they are packed, and the connection is kept for the next request."""

import gzip
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from agent.errors import Unreachable
from agent.outgoing import Lost, Outgoing, Timeouts

BODY = b"%d," * 40_000 % tuple(range(40_000))


class _Packing(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.server.callers.add(self.client_address)  # type: ignore[attr-defined]
        packed = gzip.compress(BODY) if "gzip" in self.path else BODY
        self.send_response(200)
        if "gzip" in self.path:
            self.send_header("Content-Encoding", "gzip")
        if "chunks" in self.path:
            self.send_header("Transfer-Encoding", "chunked")
            packed = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in _pieces(packed)) + b"0\r\n\r\n"
        else:
            self.send_header("Content-Length", str(len(packed)))
        self.end_headers()
        self.wfile.write(packed)

    def do_POST(self) -> None:
        """An answer of a thousand bytes, twenty of them a second."""
        self.send_response(200)
        self.send_header("Content-Length", "1000")
        self.end_headers()
        try:
            for _ in range(1000):
                self.wfile.write(b"x")
                time.sleep(0.05)
        except OSError:
            self.close_connection = True

    def log_message(self, *_: object) -> None:
        pass


def _pieces(body: bytes) -> Iterator[bytes]:
    return (body[start : start + 7001] for start in range(0, len(body), 7001))


class _Packer(ThreadingHTTPServer):
    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Packing)
        self.callers: set[object] = set()


@pytest.fixture
def server() -> Iterator[_Packer]:
    server = _Packer()
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def outgoing(server: _Packer, **more: object) -> Outgoing:
    return Outgoing(base_url=f"http://127.0.0.1:{server.server_port}", **more)  # type: ignore[arg-type]


@pytest.mark.parametrize("packing", ["plain", "gzip", "chunks", "gzip-chunks"])
def test_body_is_whole_and_the_connection_kept(server: _Packer, packing: str) -> None:
    """Three reads, one connection: a new one for each would cost three times the CPU under TLS."""
    wire = outgoing(server)
    assert [wire.read("GET", f"/{packing}").body for _ in range(3)] == [BODY] * 3
    wire.close()
    assert len(server.callers) == 1


def test_each_thread_has_a_connection_of_its_own(server: _Packer) -> None:
    """Sessions are not for several threads; four threads make four connections."""
    wire = outgoing(server)
    gate = threading.Barrier(4)

    def read() -> None:
        gate.wait()
        wire.read("GET", "/plain")

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    wire.close()
    assert len(server.callers) == 4


def test_trickling_answer_ends_at_the_timeout(server: _Packer) -> None:
    """Fifty seconds of drops, none of them late, are cut off after half a second; of a write it is unknown then."""
    wire = outgoing(server, timeouts=Timeouts(read=0.5, write=0.5))
    started = time.monotonic()
    with pytest.raises(Unreachable, match="too slowly"):
        wire.read("POST", "/drops", attempts=1)
    lost = wire.write_once("POST", "/drops", json_text="{}")
    wire.close()
    assert isinstance(lost, Lost)
    assert lost.sent
    assert time.monotonic() - started < 5
