"""However a write to ConnectWise goes wrong on the wire, exactly one request was on it, and the outcome is judged true.

Counted by a server on raw sockets, through the whole way out: adapter, `outgoing`, requests, urllib3, and TLS.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from pathlib import Path
from threading import Event
from typing import Any

import pytest
import trustme

from agent.domain.changes import Outcome, Receipt, Write
from agent.domain.keys import LineKey
from agent.outgoing import Answer, Outgoing, Timeouts
from agent.psa.connectwise import ConnectWise
from tests.outgoing.raw_server import RawServer, Script, answering, raw_server, reset

BODY = '{"quantity": 12}'
RECORD = b'{"id": 4711, "quantity": 12}'
JSON = b"Content-Type: application/json\r\n"
CREATED = b"HTTP/1.1 201 Created\r\n" + JSON + b"Content-Length: %d\r\n\r\n" % len(RECORD) + RECORD
CHUNKED = b"HTTP/1.1 201 Created\r\n" + JSON + b"Transfer-Encoding: chunked\r\n\r\n"
HERE = b"/v4_6_release/apis/3.0/finance/agreements/1021/additions"


def said(status: bytes, *fields: bytes, body: bytes = b"<html>a proxy</html>") -> Script:
    head = b"".join(b"%s\r\n" % field for field in fields)
    return answering(b"HTTP/1.1 %s\r\n%sContent-Length: %d\r\n\r\n%s" % (status, head, len(body), body))


def after_the_request(connection: Any) -> None:
    connection.read_request()
    reset(connection)


def after_go_on(connection: Any) -> None:
    connection.read_request()
    connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
    reset(connection)


def within_the_answer(connection: Any) -> None:
    connection.read_request()
    connection.sendall(CREATED[:-5])
    reset(connection)


def silent(connection: Any) -> None:
    connection.read_request()
    connection.recv(1)  # until the other side gives up


def trickling(connection: Any) -> None:
    connection.read_request()
    head, _, body = CREATED.partition(b"\r\n\r\n")
    connection.sendall(head + b"\r\n\r\n")
    for byte in body:
        connection.sendall(bytes([byte]))
        connection.settimeout(0.05)
        try:
            connection.recv(1)
        except TimeoutError:
            continue
        return


# Nothing can be known of these: the server may have done its work, whoever speaks for it.
UNKNOWN = {
    "reset before the request is read": reset,
    "reset after it": after_the_request,
    "reset after 100": after_go_on,
    "reset within the answer": within_the_answer,
    "closed without a word": answering(b""),
    "silent": silent,
    "an answer that trickles": trickling,
    "half a status line": answering(b"HTTP/1.1 20"),
    "half a head": answering(CREATED[:40]),
    "half an answer": answering(CREATED[:-5]),
    "no HTTP at all": answering(b"\x00\x01\x02\x03 garbage\r\n\r\n"),
    "length too long": answering(CREATED.replace(b"Length: 28", b"Length: 280")),
    "length too short": answering(CREATED.replace(b"Length: 28", b"Length: 20")),
    "length that is no number": answering(CREATED.replace(b"Length: 28", b"Length: x").replace(RECORD, b"")),
    "chunks cut within one": answering(CHUNKED + b"1c\r\n" + RECORD[:9]),
    "chunks without the last": answering(CHUNKED + b"1c\r\n" + RECORD + b"\r\n"),
    "chunk of a size that is none": answering(CHUNKED + b"zz\r\n" + RECORD),
    "gzip that is none": said(b"201 Created", b"Content-Encoding: gzip", JSON.strip(), body=RECORD),
    "201 with HTML": said(b"201 Created", b"Content-Type: text/html"),
    "200 without a body": said(b"200 OK", JSON.strip(), body=b""),
    "204": said(b"204 No Content", body=b""),
    "408": said(b"408 Request Timeout", b"Connection: close"),
    "500": said(b"500 Internal Server Error"),
    "500 that asks to try again": said(
        b"500 Internal Server Error", JSON.strip(), body=b'{"code": "Timeout", "message": "timeout, please try again"}'
    ),
    "502": said(b"502 Bad Gateway"),
    "503 with Retry-After": said(b"503 Service Unavailable", b"Retry-After: 0"),
    "504": said(b"504 Gateway Timeout"),
    **{
        f"{status} to itself": said(b"%d Elsewhere" % status, b"Location: " + HERE)
        for status in (301, 302, 303, 307, 308)
    },
}
# These surely did nothing: a limit and a refused key come before the work.
REFUSED = {
    "429": said(b"429 Too Many Requests", b"Retry-After: 0"),
    "429 without a time": said(b"429 Too Many Requests"),
    "401 that asks for a login": said(b"401 Unauthorized", b'WWW-Authenticate: Basic realm="x"'),
    "407": said(b"407 Proxy Authentication Required", b'Proxy-Authenticate: Basic realm="x"'),
}
REFUSED_OUTCOME = {"407": Outcome.UNKNOWN}


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(params=["http", "https"])
def secured(request: pytest.FixtureRequest, authority: trustme.CA, tmp_path: Path) -> Iterator[Any]:
    """The server's TLS and the file that the adapter trusts, or neither."""
    if request.param == "http":
        yield None, None
        return
    context, file = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), tmp_path / "ca.pem"
    authority.issue_cert("127.0.0.1").configure_cert(context)
    authority.cert_pem.write_to_path(str(file))
    yield context, file


def write(method: str) -> Write:
    line, path = (4711, "/4711") if method == "PATCH" else (None, "")
    return Write(
        key=LineKey("connectwise", 1021, "tenant", "sku", "", "", "M365-BP-M"),
        agreement=1021,
        company=250,
        method=method,
        path=f"/finance/agreements/1021/additions{path}",
        body=BODY,
        sentence=f"{method} 12",
        before={},
        after={},
        line=line,
        mark="",
    )


def execute(server: RawServer, ca: Path | None, method: str = "POST") -> Receipt:
    made: list[Outgoing] = []

    def connect(base_url: str) -> Outgoing:
        made.append(
            Outgoing(base_url=base_url, ca_file=ca, timeouts=Timeouts(2, 2, 0.4), sleep=_never, throttled_pause=0.0)
        )
        return made[-1]

    keys = {"public_key": lambda: "pub", "private_key": lambda: "priv", "client_id": "client"}
    psa = ConnectWise(
        connect=connect, url=server.url, company="acme", installation="i" * 32, settle=300, credits="off", **keys
    )
    try:
        return psa.execute(write(method))
    finally:
        for outgoing in made:
            outgoing.close()


def _never(_: float) -> None:
    raise AssertionError("nothing waits to be sent again")


@pytest.mark.parametrize("method", ["POST", "PATCH"])
@pytest.mark.parametrize("case", [*UNKNOWN, *REFUSED])
def test_one_request_whatever_the_wire_does(secured: Any, case: str, method: str) -> None:
    """No retry, no redirect, no second connection; what cannot be known is unknown."""
    tls, ca = secured
    with raw_server({**UNKNOWN, **REFUSED}[case], tls) as server:
        receipt = execute(server, ca, method)
    expected = Outcome.UNKNOWN if case in UNKNOWN else REFUSED_OUTCOME.get(case, Outcome.REFUSED)
    assert (server.attempts, receipt.outcome) == (1, expected)
    assert all(request.endswith(BODY.encode()) for request in server.whole)


@pytest.mark.parametrize("farewell", [socket.socket.close, reset], ids=["closed", "reset"])
def test_kept_connection_that_ended_while_idle(secured: Any, farewell: Script) -> None:
    """The connection of the read before is gone by the time of the write: that goes by a new one, once."""
    tls, ca = secured
    read, gone = Event(), Event()

    def idle(connection: socket.socket) -> None:
        read.wait(5)
        farewell(connection)
        gone.set()

    with raw_server(answering(CREATED), tls, keep=True, idle=idle) as server:
        outgoing = Outgoing(base_url=server.url, ca_file=ca, sleep=_never)
        assert outgoing.read("GET", "/login").status == 404
        read.set()
        assert gone.wait(5)
        answer = outgoing.write_once("POST", "/lines", json_text=BODY)
        outgoing.close()
    assert (server.attempts, len(server.whole)) == (1, 1)
    assert isinstance(answer, Answer)
    assert answer.status == 201


@pytest.mark.parametrize("script", [reset, after_the_request, answering(b"")], ids=["unread", "read", "closed"])
def test_kept_connection_that_ends_as_the_write_arrives(secured: Any, script: Script) -> None:
    """Where libraries like to send again: the server hung up on an old connection just as the request came."""
    tls, ca = secured
    with raw_server(script, tls, keep=True) as server:
        receipt = execute(server, ca)
    assert (server.attempts, receipt.outcome) == (1, Outcome.UNKNOWN)


def test_write_that_goes_well_is_one_request_too(secured: Any) -> None:
    """201 with the record's id, by the connection that the read before had opened."""
    tls, ca = secured
    with raw_server(answering(CREATED), tls, keep=True) as server:
        receipt = execute(server, ca, "POST")
    assert (server.attempts, receipt.outcome, receipt.line) == (1, Outcome.DONE, 4711)
