"""A server on a socket that receives one request after the other and answers with bytes, or not at all."""

import contextlib
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

RESET = b"reset"
SILENT = b"silent"


@dataclass
class BrokenServer:
    port: int
    received: list[bytes] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


def whole_request(connection: socket.socket) -> bytes:
    received = b""
    while b"\r\n\r\n" not in received:
        received += connection.recv(65536)
    head, _, body = received.partition(b"\r\n\r\n")
    lengths = [int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")]
    while len(body) < sum(lengths):
        body += connection.recv(65536)
    return head + b"\r\n\r\n" + body


@contextlib.contextmanager
def broken_server(*answers: bytes) -> Iterator[BrokenServer]:
    """One connection for each of `answers`: the bytes are sent and the connection closed, RESET or SILENT."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = BrokenServer(listener.getsockname()[1])
    done = threading.Event()

    def serve() -> None:
        for answer in answers:
            with listener.accept()[0] as connection:
                server.received.append(whole_request(connection))
                if answer == SILENT:
                    done.wait(5)
                elif answer == RESET:
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                else:
                    connection.sendall(answer)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        done.set()
        listener.close()
        thread.join(5)


def unused_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])
