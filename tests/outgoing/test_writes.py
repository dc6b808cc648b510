"""A write is one request on the wire, and what became of it is told truthfully: refused, answered, or unknown."""

import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
import requests
import responses
import trustme

from agent.errors import Incomplete, Unreachable
from agent.outgoing import Answer, Lost, Outgoing, Rate, Timeouts
from tests.outgoing.broken_server import RESET, SILENT, broken_server, unused_port

CREATED = b'HTTP/1.1 201 Created\r\nContent-Type: application/json\r\nContent-Length: 8\r\n\r\n{"id":1}'


def write(base: str, **more: object) -> Answer | Lost:
    outgoing = Outgoing(base_url=base, sleep=_never, **more)  # type: ignore[arg-type]
    try:
        return outgoing.write_once("POST", "/lines", json_text='{"price":22.10}')
    finally:
        outgoing.close()


def _never(_: float) -> None:
    raise AssertionError("a write does not wait for a second try")


def test_body_goes_out_as_it_was_journalled() -> None:
    """The exact bytes that the plan showed, as JSON."""
    with broken_server(CREATED) as server:
        answer = write(server.url)
    assert isinstance(answer, Answer)
    assert (answer.status, answer.json()) == (201, {"id": 1})
    assert server.received[0].endswith(b'{"price":22.10}')
    assert b"Content-Type: application/json" in server.received[0]


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(RESET, id="reset"),
        pytest.param(b"", id="closed without a word"),
        pytest.param(CREATED[:-1], id="cut within the body"),
        pytest.param(SILENT, id="silent"),
    ],
)
def test_request_that_left_may_have_been_done(answer: bytes) -> None:
    """Whatever breaks after the request was sent, the outcome is unknown, and nothing is sent again."""
    with broken_server(answer) as server:
        lost = write(server.url, timeouts=Timeouts(write=0.2))
    assert isinstance(lost, Lost)
    assert lost.sent
    assert len(server.received) == 1


def test_answer_cut_within_its_head_cannot_be_read() -> None:
    """Python's HTTP takes `HTTP/1.1 201 Cre` for a whole head: the status stands, but there is no body to believe."""
    with broken_server(b"HTTP/1.1 201 Cre") as server:
        answer = write(server.url)
    assert isinstance(answer, Answer)
    with pytest.raises(Incomplete):
        answer.json()


def test_refused_connection_is_surely_unsent() -> None:
    """Nobody listens: nothing can have happened."""
    lost = write(f"http://127.0.0.1:{unused_port()}")
    assert isinstance(lost, Lost)
    assert not lost.sent


def test_somebody_elses_refusal_proves_nothing_about_this_write() -> None:
    """A write sent while a refused read is being handled is still unknown when its own connection breaks."""
    with broken_server(RESET) as server:
        try:
            requests.get(f"http://127.0.0.1:{unused_port()}", timeout=1)
        except requests.ConnectionError:
            lost = write(server.url)
    assert isinstance(lost, Lost)
    assert lost.sent


@pytest.mark.parametrize("status", [302, 400, 409, 429, 500, 503])
def test_every_status_is_an_answer(status: int) -> None:
    """One request, no redirect followed, no retry: the adapter judges the status."""
    with responses.RequestsMock() as vendor:
        headers = {"Location": "https://psa.example/other", "Retry-After": "1"}
        vendor.post("https://psa.example/lines", status=status, headers=headers)
        answer = write("https://psa.example")
        assert isinstance(answer, Answer)
        assert (answer.status, len(vendor.calls)) == (status, 1)


def test_pause_of_the_vendor_keeps_the_write_back() -> None:
    """While the rate is paused for longer than anyone waits, the write is not sent and is known not to be."""
    rate = Rate(60)
    rate.pause(3000)
    lost = write("https://psa.example", rate=rate)
    assert isinstance(lost, Lost)
    assert not lost.sent


class _Answering(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.server.posts += 1  # type: ignore[attr-defined]
        self.send_response(201)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


class _Quiet(HTTPServer):
    posts = 0

    def handle_error(self, *_: object) -> None:
        pass


@pytest.fixture
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def tls(authority: trustme.CA) -> Iterator[_Quiet]:
    """A server whose certificate is for 127.0.0.1, by a CA that nobody knows."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    server = _Quiet(("127.0.0.1", 0), _Answering)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def test_private_ca_is_trusted_by_its_file(tls: _Quiet, authority: trustme.CA) -> None:
    """With the CA's file the same server answers."""
    with authority.cert_pem.tempfile() as ca:
        answer = write(f"https://127.0.0.1:{tls.server_port}", ca_file=ca)
    assert isinstance(answer, Answer)
    assert tls.posts == 1


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_untrusted_certificate_stops_the_write(tls: _Quiet, host: str, authority: trustme.CA) -> None:
    """An unknown CA, or a certificate for another name: unsent, and the server saw no request."""
    with authority.cert_pem.tempfile() as ca:
        lost = write(f"https://{host}:{tls.server_port}", ca_file=ca if host == "localhost" else None)
    assert isinstance(lost, Lost)
    assert not lost.sent
    assert tls.posts == 0


def test_ca_of_the_environment_cannot_unseat_ours(
    tls: _Quiet, authority: trustme.CA, monkeypatch: pytest.MonkeyPatch
) -> None:
    """REQUESTS_CA_BUNDLE, set after construction, changes nothing."""
    outgoing = Outgoing(base_url=f"https://127.0.0.1:{tls.server_port}")
    with authority.cert_pem.tempfile() as ca:
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", ca)
        lost = outgoing.write_once("POST", "/", json_text="{}")
    outgoing.close()
    assert isinstance(lost, Lost)


def test_missing_ca_file_is_said_at_the_start() -> None:
    """Not at the first request of the night."""
    with pytest.raises(Unreachable, match="does not exist"):
        Outgoing(base_url="https://psa.example", ca_file="/nowhere/ca.pem")
