"""Who is not let in: pages in a browser, other users of this machine, and requests that are not quite HTTP."""

from __future__ import annotations

import pytest

from agent.faces.api import Limits
from agent.faces.api.guard import BODY_LIMIT
from tests.faces.daemon import Daemon, received

Fields = dict[str, str | None]
SYNC: bytes = b'{"company":202}'


def request(daemon: Daemon, changes: Fields, start: str = "POST /sync HTTP/1.1", body: bytes = SYNC) -> bytes:
    """A good request with some of its fields changed; None leaves one out, PORT stands for the port."""
    good: Fields = {
        "Host": "127.0.0.1:PORT",
        "Authorization": f"Bearer {daemon.token}",
        "Content-Type": "application/json",
        "Content-Length": str(len(body)),
    }
    fields = [f"{name}: {value}" for name, value in {**good, **changes}.items() if value is not None]
    return "\r\n".join([start, *fields, "", ""]).replace("PORT", str(daemon.port)).encode("latin-1") + body


def refused(daemon: Daemon, sent: bytes, status: int) -> None:
    """The request is answered with this status in our words, safely for a browser, and no run comes of it."""
    before = daemon.presses()
    answer = daemon.raw(sent)

    assert answer is not None
    assert (answer.status, bool(answer.code)) == (status, True)
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert not [name for name in answer.headers if name.startswith("access-control-")]
    assert daemon.presses() == before


def test_good_request_is_let_in(daemon: Daemon) -> None:
    """What the refusals below differ from."""
    answer = daemon.raw(request(daemon, {}))

    assert answer is not None
    assert answer.status == 202


@pytest.mark.parametrize("host", ["127.0.0.1:PORT", "localhost:PORT", "LocalHost:PORT", "[::1]:PORT"])
def test_own_names_are_answered(daemon: Daemon, host: str) -> None:
    """This machine goes by three names, each with our port."""
    answer = daemon.raw(request(daemon, {"Host": host, "Content-Length": None}, "GET /status HTTP/1.1", b""))

    assert answer is not None
    assert answer.status == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:PORT",
        "127.0.0.1",
        "localhost",
        "[::1]",
        "127.0.0.1:1",
        "127.0.0.1:0PORT",
        "127.0.0.1:PORT.",
        "127.0.0.1:",
        ":PORT",
        "localhost.:PORT",
        "127.0.0.1.:PORT",
        "localhost.evil.example:PORT",
        "127.0.0.1.nip.io:PORT",
        "127.1:PORT",
        "2130706433:PORT",
        "0x7f000001:PORT",
        "0177.0.0.1:PORT",
        "127.0.0.2:PORT",
        "0.0.0.0:PORT",
        "[::]:PORT",
        "[::ffff:127.0.0.1]:PORT",
        "[0:0:0:0:0:0:0:1]:PORT",
        "::1:PORT",
        "user@127.0.0.1:PORT",
        "127.0.0.1:PORT@evil.example",
        "127.0.0.1:PORT, evil.example",
        "127.0.0.1:PORT/evil",
        "127.0.0.1:PORT#",
        "127.0.0.1 :PORT",
        "\xb9\xb2\xb7.0.0.1:PORT",
        "",
    ],
)
def test_other_host_is_refused(daemon: Daemon, host: str) -> None:
    """A page whose name was made to lead to 127.0.0.1 (DNS rebinding) still sends its own name."""
    refused(daemon, request(daemon, {"Host": host}), 421)


def test_no_host_is_refused(daemon: Daemon) -> None:
    """HTTP/1.0 may leave it out."""
    refused(daemon, request(daemon, {"Host": None}, "POST /sync HTTP/1.0"), 421)


@pytest.mark.parametrize("other", ["evil.example", "127.0.0.1:PORT"])
def test_two_hosts_are_refused(daemon: Daemon, other: str) -> None:
    """A proxy may believe the one and we the other."""
    refused(daemon, request(daemon, {"host": other}), 400)


def test_forwarded_host_counts_for_nothing(daemon: Daemon) -> None:
    """Only Host is believed, whatever a proxy adds."""
    sent = request(
        daemon, {"Host": "evil.example", "X-Forwarded-Host": "127.0.0.1:PORT", "Forwarded": "host=localhost"}
    )
    refused(daemon, sent, 421)


@pytest.mark.parametrize("target", ["http://127.0.0.1:PORT/sync", "http://evil.example/sync", "*", "127.0.0.1:PORT"])
def test_other_target_than_a_path_is_refused(daemon: Daemon, target: str) -> None:
    """An absolute target would overrule the Host header."""
    refused(daemon, request(daemon, {}, f"POST {target} HTTP/1.1"), 400)


@pytest.mark.parametrize("target", ["//evil.example/sync", "/sync/", "/sync/../sync", "/SYNC", "/sync%00", "/%2e/sync"])
def test_only_the_exact_path_leads_there(daemon: Daemon, target: str) -> None:
    """No second spelling of a path, and no redirect to the first."""
    refused(daemon, request(daemon, {}, f"POST {target} HTTP/1.1"), 404)


@pytest.mark.parametrize(
    "field",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "http://127.0.0.1:PORT"},
        {"Origin": "null"},
        {"Origin": ""},
        {"Referer": "http://evil.example/page"},
        {"Referer": "http://localhost:PORT/"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "same-origin"},
    ],
    ids=str,
)
def test_page_in_a_browser_is_refused(daemon: Daemon, field: Fields) -> None:
    """Only browsers send these; even one that had the token would be refused."""
    refused(daemon, request(daemon, field), 403)


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "PROPFIND", "post"])
def test_other_method_is_refused(daemon: Daemon, method: str) -> None:
    """No preflight is answered, which come without a token; X-HTTP-Method-Override overrules nothing."""
    for token in ({}, {"Authorization": None}):
        fields: Fields = {"X-HTTP-Method-Override": "POST", **token}
        refused(daemon, request(daemon, fields, f"{method} /sync HTTP/1.1"), 405)


def test_state_never_changes_by_get(daemon: Daemon) -> None:
    """An image tag can send a GET with any path."""
    refused(daemon, request(daemon, {"Content-Length": None}, "GET /sync HTTP/1.1", b""), 405)


@pytest.mark.parametrize(
    "kind",
    [
        None,
        "",
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/jsonp",
        "application/json-patch+json",
        "text/plain; application/json",
        "application/json, text/plain",
        "application/json; charset=utf-16",
        "application/json;",
    ],
)
def test_other_type_than_json_is_refused(daemon: Daemon, kind: str | None) -> None:
    """The three types that an HTML form can send among them."""
    refused(daemon, request(daemon, {"Content-Type": kind}), 415)


@pytest.mark.parametrize(
    "field",
    [
        {"Authorization": None},
        {"Authorization": ""},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer "},
        {"Authorization": "Bearer wrong"},
        {"Authorization": "Bearer TOKENx"},
        {"Authorization": "Bearer \xe9\xff"},
        {"Authorization": "TOKEN"},
        {"Authorization": "Basic TOKEN"},
        {"Authorization": "Bearer TOKEN, Bearer TOKEN"},
        {"Authorization": None, "Cookie": "token=TOKEN"},
        {"Authorization": None, "Proxy-Authorization": "Bearer TOKEN"},
    ],
    ids=str,
)
def test_no_or_wrong_token_is_refused(daemon: Daemon, field: Fields) -> None:
    """The token is taken from one place, whole."""
    given = {name: value and value.replace("TOKEN", daemon.token) for name, value in field.items()}
    refused(daemon, request(daemon, given), 401)


def test_token_is_not_taken_from_the_address(daemon: Daemon) -> None:
    """Addresses end up in logs and histories."""
    start = f"POST /sync?access_token={daemon.token} HTTP/1.1"
    refused(daemon, request(daemon, {"Authorization": None}, start), 401)


@pytest.mark.parametrize("path", ["/status", "/metrics", "/openapi.json", "/plan", "/livez/", "/readyz/../status"])
def test_only_two_paths_need_no_token(daemon: Daemon, path: str) -> None:
    """Not even what can be asked is told to strangers, nor which paths exist."""
    fields: Fields = {"Authorization": None, "Content-Length": None}
    refused(daemon, request(daemon, fields, f"GET {path} HTTP/1.1", b""), 401)


@pytest.mark.parametrize("name", ["Authorization", "Content-Type", "Sec-Fetch-Site"])
def test_field_that_decides_comes_once(daemon: Daemon, name: str) -> None:
    """Of two values, two readers may believe different ones."""
    values = {"Authorization": f"Bearer {daemon.token}", "Content-Type": "application/json", "Sec-Fetch-Site": "none"}
    refused(daemon, request(daemon, {name: values[name], name.lower(): values[name]}), 400)


@pytest.mark.parametrize(
    ("fields", "body", "status"),
    [
        ({"Content-Length": str(BODY_LIMIT + 1)}, b"", 413),
        ({"Content-Length": "99999999999999999999"}, b"", 413),
        ({"Content-Length": "9" * 5000}, b"", 400),
        ({"Content-Length": "-1"}, b"", 400),
        ({"Content-Length": "+15"}, SYNC, 400),
        ({"Content-Length": "0x0f"}, SYNC, 400),
        ({"Content-Length": "15", "content-length": "16"}, SYNC, 400),
        ({"Content-Length": None}, b"", 411),
        ({"Content-Length": None, "Transfer-Encoding": "chunked"}, b"f\r\n" + SYNC + b"\r\n0\r\n\r\n", 411),
        ({"Transfer-Encoding": "chunked"}, b"f\r\n" + SYNC + b"\r\n0\r\n\r\n", 411),
        ({"Content-Length": None, "Transfer-Encoding": "chunked"}, b"zz\r\n" + SYNC, 400),
        ({"Transfer-Encoding": "gzip"}, SYNC, 400),
        ({"Transfer-Encoding": "chunked", "transfer-encoding": "identity"}, SYNC, 400),
        ({"Transfer-Encoding\t": "chunked"}, SYNC, 400),
    ],
    ids=str,
)
def test_length_of_the_body_is_plain_and_small(
    daemon: Daemon, caplog: pytest.LogCaptureFixture, fields: Fields, body: bytes, status: int
) -> None:
    """One declared length below 64 KiB; where two ways of saying it disagree, requests can be smuggled in."""
    sent = request(daemon, {"Content-Length": str(len(body)), **fields}, body=body)
    answer = daemon.raw(sent)
    daemon.get("/livez")  # by now the event loop is done with the request

    assert answer is not None
    assert (answer.status, bool(answer.code)) == (status, True)
    assert [record.getMessage() for record in caplog.records if record.levelname == "ERROR"] == []


def test_largest_body_is_read(daemon: Daemon) -> None:
    """64 KiB are allowed; JSON may be padded with spaces."""
    answer = daemon.raw(request(daemon, {}, body=SYNC.ljust(BODY_LIMIT)))

    assert answer is not None
    assert answer.status == 202


def test_larger_body_is_refused_while_it_is_sent(daemon: Daemon) -> None:
    """The answer does not wait for the megabytes, and nobody reads them."""
    body = SYNC.ljust(BODY_LIMIT + 1)
    with daemon.connect() as connection:
        connection.sendall(request(daemon, {}, body=body)[: -len(body) // 2])
        answer = received(connection)

    assert answer is not None
    assert (answer.status, answer.headers["connection"]) == (413, "close")


def test_get_has_no_body(daemon: Daemon) -> None:
    """A body that nobody expects is how requests hide behind each other."""
    refused(daemon, request(daemon, {}, "GET /status HTTP/1.1"), 400)


@pytest.mark.parametrize(
    "sent",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(100),
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET /livez\r\n\r\n",
        b"GET  /livez  HTTP/1.1\r\n\r\n",
        b"GET /livez HTTP/1.1\r\nHost : 127.0.0.1\r\n\r\n",
        b"GET /livez HTTP/1.1\r\n Host: 127.0.0.1\r\n\r\n",
        b"GET /livez HTTP/1.1\r\nHost: 127.0.0.1\x00\r\n\r\n",
        b"GET /livez HTTP/1.1\r\nAccept: \xff\r\n\r\n",
        b"GET /\x00 HTTP/1.1\r\n\r\n",
        b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\n\r\n",
        b"GET /livez HTTP/1.1\r\n" + b"X: y\r\n" * 5_000 + b"\r\n",
        b"GET /livez HTTP/1.1\r\nX: " + b"y" * 20_000 + b"\r\n\r\n",
    ],
    ids=lambda sent: repr(sent[:40]),
)
def test_what_is_no_request_is_refused(daemon: Daemon, sent: bytes) -> None:
    """TLS, HTTP/2, folded and broken fields, heads without end."""
    refused(daemon, sent, 400)


def test_body_that_breaks_off_does_nothing(daemon: Daemon) -> None:
    """Half a body is not half a wish."""
    before = daemon.presses()
    with daemon.connect() as connection:
        connection.sendall(request(daemon, {"Content-Length": "100"}))

    assert daemon.ask("GET", "/livez").status == 200
    assert daemon.presses() == before


def test_failures_are_slowed_but_the_owner_is_not(daemon: Daemon) -> None:
    """After so many failures in a minute each further one takes longer; who has the token never waits."""
    with daemon.again(Limits(failures=3, slow=30)) as slowed:
        statuses = [slowed.ask("GET", "/status", token="wrong").status for _ in range(3)]
        with slowed.connect(timeout=0.5) as guess:
            guess.sendall(request(slowed, {"Authorization": "Bearer guess"}))
            with pytest.raises(TimeoutError):
                guess.recv(1)
            owner = slowed.ask("GET", "/status")

    assert statuses == [401, 401, 401]
    assert owner.status == 200
