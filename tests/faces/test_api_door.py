"""Who holds connections open keeps nobody out."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest

from agent.faces.api import Limits
from tests.faces.daemon import Daemon, received, wait_for

HURRY = Limits(connections=4, grace=0.05, exchange=0.6, body=0.3)
HEAD = "POST /sync HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAuthorization: Bearer {token}\r\n"
BODY = "Content-Type: application/json\r\nContent-Length: 15\r\n\r\n"


def head(daemon: Daemon, rest: str = BODY) -> bytes:
    return (HEAD.format(port=daemon.port, token=daemon.token) + rest).encode()


def ended(daemon: Daemon, sent: bytes, drip: bytes) -> float:
    """Seconds until a connection is closed that sends `sent` at once and then one byte of `drip` every 50 ms."""
    began = time.monotonic()
    with daemon.connect() as connection:
        connection.sendall(sent)
        try:
            for byte in drip:
                time.sleep(0.05)
                connection.sendall(bytes([byte]))
            while connection.recv(4096):
                pass
        except ConnectionError:
            pass
        return time.monotonic() - began


@pytest.mark.parametrize(
    ("sent", "drip"),
    [(b"", b""), (b"", b"GET /livez HTTP/1.1\r\n" * 5), (b"GET /livez HTTP/1.1\r\n", b"X: y\r\n" * 20)],
    ids=["silent", "slow from the start", "slow fields"],
)
def test_slow_head_is_not_waited_for(daemon: Daemon, sent: bytes, drip: bytes) -> None:
    """However slowly it comes, a head has a fixed time from the first moment on."""
    with daemon.again(HURRY) as hurried:
        assert ended(hurried, sent, drip) < 5


def test_slow_body_is_refused(daemon: Daemon) -> None:
    """A body that trickles in is answered in time, and nothing is done."""
    with daemon.again(HURRY) as hurried, hurried.connect() as connection:
        connection.sendall(head(hurried) + b'{"comp')
        answer = received(connection)

    assert answer is not None
    assert (answer.status, answer.code) == (408, "slow-body")


def test_endless_body_behind_a_refusal_is_not_read(daemon: Daemon) -> None:
    """Whoever has no token can send at most the time of one exchange."""
    with daemon.again(HURRY) as hurried:
        sent = b"POST /sync HTTP/1.1\r\nHost: evil\r\nContent-Length: 60000\r\n\r\n"

        assert ended(hurried, sent, b" " * 100) < 5


def test_silent_connections_keep_nobody_out(daemon: Daemon) -> None:
    """A hundred connections that say nothing wait in vain; the owner is answered."""
    with daemon.again(Limits(grace=0.05)) as guarded, ExitStack() as stack:
        silent = [stack.enter_context(guarded.connect()) for _ in range(100)]
        for connection in silent[::2]:
            connection.sendall(b"GET /status HTTP/1.1\r\nHost: ")
        answers = [guarded.ask("GET", "/status").status for _ in range(3)]

    assert answers == [200, 200, 200]


def test_slowed_guesses_keep_nobody_out(daemon: Daemon) -> None:
    """Guessers who are made to wait hold no place while they do."""
    with daemon.again(Limits(grace=0.05, failures=1, slow=30)) as guarded, ExitStack() as stack:
        guarded.ask("GET", "/status", token="wrong")
        for _ in range(40):
            guess = b"GET /status HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nAuthorization: Bearer x\r\n\r\n"
            stack.enter_context(guarded.connect()).sendall(guess % guarded.port)

        assert guarded.ask("GET", "/status").status == 200


def test_who_has_shown_the_token_keeps_the_place(daemon: Daemon) -> None:
    """However many push in meanwhile."""
    with daemon.again(Limits(connections=2, grace=0.05)) as guarded, ExitStack() as stack:
        owner = stack.enter_context(guarded.connect())
        owner.sendall(head(guarded) + b'{"comp')
        time.sleep(0.2)
        for _ in range(10):
            stack.enter_context(guarded.connect())
        time.sleep(0.5)
        owner.sendall(b'any":202}')
        answer = received(owner)

    assert answer is not None
    assert answer.status == 202


def test_crowd_is_answered_in_turn(daemon: Daemon) -> None:
    """Far more callers at once than there are places: all are answered, none is cut off."""
    with daemon.again(Limits(grace=10)) as guarded, ThreadPoolExecutor(150) as callers:
        answers = list(callers.map(lambda _: guarded.ask("GET", "/livez").status, range(600)))

    assert answers == [200] * 600


def test_connection_serves_one_request_after_another(daemon: Daemon) -> None:
    """Kept alive, also where two requests come in one piece."""
    body = b'{"company":202}'
    with daemon.connect() as connection:
        connection.sendall(head(daemon) + body + head(daemon, "Connection: close\r\n" + BODY) + body)
        answers = b"".join(iter(lambda: connection.recv(4096), b""))

    assert answers.count(b"HTTP/1.1 202 Accepted") == 2


def test_stop_ends_what_is_open(daemon: Daemon) -> None:
    """Stopping waits for answers, not for people who say nothing."""
    with ExitStack() as stack:
        with daemon.again(Limits()) as stopped:
            connection = stack.enter_context(stopped.connect())
            wait_for(lambda: stopped.ask("GET", "/livez").status == 200)
        assert connection.recv(1) == b""
        assert not stopped.server.alive
