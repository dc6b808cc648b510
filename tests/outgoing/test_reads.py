"""What a read does about trouble: it is patient, it says why it gave up, and it tells no secrets."""

import socket
from collections.abc import Iterator
from decimal import Decimal

import pytest
import responses
import structlog

from agent.errors import Incomplete, Unreachable
from agent.outgoing import Outgoing, Timeouts
from tests.outgoing.broken_server import RESET, SILENT, broken_server, unused_port

BASE = "https://psa.example/v1"
OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"


@pytest.fixture
def vendor() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock() as mock:
        yield mock


@pytest.fixture
def slept() -> list[float]:
    return []


@pytest.fixture
def outgoing(slept: list[float]) -> Iterator[Outgoing]:
    outgoing = Outgoing(base_url=BASE, sleep=slept.append)
    yield outgoing
    outgoing.close()


def test_numbers_come_back_as_the_decimals_they_were(vendor: responses.RequestsMock, outgoing: Outgoing) -> None:
    """22.10 in the body is Decimal("22.10"), trailing zero included."""
    vendor.get(f"{BASE}/lines", body=b'{"price": 22.10, "quantity": 3}', content_type="application/json")
    assert str(outgoing.read("GET", "/lines").json()["price"]) == "22.10"
    assert outgoing.read("GET", "/lines").json() == {"price": Decimal("22.10"), "quantity": 3}


@pytest.mark.parametrize("status", [408, 500, 502, 503, 504, 509, 522])
def test_passing_trouble_is_waited_out(
    vendor: responses.RequestsMock, outgoing: Outgoing, slept: list[float], status: int
) -> None:
    """Two failures cost two waits, the second about twice the first, and then the answer is there."""
    vendor.get(f"{BASE}/x", status=status)
    vendor.get(f"{BASE}/x", status=status)
    vendor.get(f"{BASE}/x", json={})
    assert outgoing.read("GET", "/x").ok
    assert 0.3 <= slept[0] <= 0.6 <= slept[1] <= 0.9


@pytest.mark.parametrize("status", [301, 400, 401, 403, 404, 409, 410, 501])
def test_other_answers_are_for_the_caller_to_judge(
    vendor: responses.RequestsMock, outgoing: Outgoing, slept: list[float], status: int
) -> None:
    """No retry, no exception, and no redirect is followed."""
    vendor.get(f"{BASE}/x", status=status, headers={"Location": "https://elsewhere.example/"})
    assert outgoing.read("GET", "/x").status == status
    assert (len(vendor.calls), slept) == (1, [])


def test_named_pause_is_kept_to_the_second(
    vendor: responses.RequestsMock, outgoing: Outgoing, slept: list[float]
) -> None:
    """Retry-After beats the backoff; the date form counts from the answer's own Date."""
    vendor.get(f"{BASE}/x", status=429, headers={"Retry-After": "17"})
    date = {"Date": "Tue, 17 Mar 2026 10:00:00 GMT", "Retry-After": "Tue, 17 Mar 2026 10:00:12 GMT"}
    vendor.get(f"{BASE}/x", status=503, headers=date)
    vendor.get(f"{BASE}/x", json={})
    outgoing.read("GET", "/x")
    assert slept == [17, 12]


def test_pause_longer_than_the_patience_is_not_waited_for(
    vendor: responses.RequestsMock, outgoing: Outgoing, slept: list[float]
) -> None:
    """Ten minutes are for the next cycle to wait: the error carries them, and nobody asks again before."""
    vendor.get(f"{BASE}/x", status=429, headers={"Retry-After": "600"})
    with pytest.raises(Unreachable, match="fewer requests") as caught:
        outgoing.read("GET", "/x")
    assert (caught.value.retry_after, slept, len(vendor.calls)) == (600, [], 1)


def test_patience_is_counted_over_all_waits(
    vendor: responses.RequestsMock, outgoing: Outgoing, slept: list[float]
) -> None:
    """40 + 40 seconds fit into 90, a third 40 does not."""
    vendor.get(f"{BASE}/x", status=429, headers={"Retry-After": "40"})
    with pytest.raises(Unreachable):
        outgoing.read("GET", "/x", attempts=10)
    assert slept == [40, 40]


def test_four_attempts_and_then_a_sentence(vendor: responses.RequestsMock, outgoing: Outgoing) -> None:
    """The error names method, path and host and says what came last."""
    vendor.get(f"{BASE}/x", status=502)
    with pytest.raises(Unreachable) as caught:
        outgoing.read("GET", "/x", params={"token": "canary"})
    assert str(caught.value) == "GET /v1/x on psa.example had no answer: it answered 502."
    assert caught.value.remedy
    assert len(vendor.calls) == 4


def test_broken_connections_are_asked_again() -> None:
    """A reset and a body cut short are both passing trouble for a read."""
    cut = OK.replace(b"Length: 2", b"Length: 200")
    with broken_server(RESET, cut, OK) as server:
        outgoing = Outgoing(base_url=server.url, sleep=lambda _: None)
        assert outgoing.read("GET", "/x").json() == {}
        outgoing.close()
    assert len(server.received) == 3


def test_unresolved_name_and_refused_port_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    """They have different remedies, so they have different sentences; neither quotes the query."""
    monkeypatch.setattr("socket.getaddrinfo", _only_numbers)
    nobody, nowhere = f"http://127.0.0.1:{unused_port()}", "https://trueup.invalid"
    for base, detail in ((nobody, "nobody accepts connections"), (nowhere, "its name cannot be resolved")):
        with pytest.raises(Unreachable, match=detail) as caught:
            Outgoing(base_url=base, sleep=lambda _: None).read("GET", "/x?secret=canary", attempts=1)
        assert "canary" not in str(caught.value)


def test_silence_ends_at_the_timeout() -> None:
    """A server that accepts and says nothing is given up after the read timeout."""
    with broken_server(SILENT) as server, pytest.raises(Unreachable, match="silent until the timeout"):
        Outgoing(base_url=server.url, timeouts=Timeouts(read=0.1)).read("GET", "/x", attempts=1)


@pytest.mark.parametrize(
    ("kind", "body"), [("text/html", b"<html>"), ("application/json", b'{"cut": '), ("application/json", b"")]
)
def test_what_is_not_json_is_not_an_answer(
    vendor: responses.RequestsMock, outgoing: Outgoing, kind: str, body: bytes
) -> None:
    """A maintenance page with status 200 and half a document are Incomplete, never an empty result."""
    vendor.get(f"{BASE}/x", body=body, content_type=kind)
    with pytest.raises(Incomplete, match=r"psa\.example/v1/x answered 200"):
        outgoing.read("GET", "/x").json()


def test_endless_body_is_cut_off(
    vendor: responses.RequestsMock, outgoing: Outgoing, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A body above the limit is dropped at once and not asked for again."""
    monkeypatch.setattr("agent.outgoing.wire.BODY_LIMIT", 100_000)
    vendor.get(f"{BASE}/x", body=b"x" * 200_000)
    with pytest.raises(Unreachable, match="longer than"):
        outgoing.read("GET", "/x")
    assert len(vendor.calls) == 1


def test_neither_log_nor_answer_shows_what_may_be_secret(vendor: responses.RequestsMock) -> None:
    """Query, headers and body stay out of http.retry and out of the answer's repr."""
    with structlog.testing.capture_logs() as log:
        outgoing = Outgoing(base_url=BASE, sleep=lambda _: None, headers={"Authorization": "canary"})
        vendor.post(f"{BASE}/token", status=503, body="canary")
        vendor.post(f"{BASE}/token", body="canary", headers={"Set-Cookie": "canary=1"})
        answer = outgoing.read("POST", "/token", params={"q": "canary"}, data={"secret": "canary"})
    assert [event["event"] for event in log] == ["http.retry"]
    assert (log[0]["host"], log[0]["path"], log[0]["status"]) == ("psa.example", "/v1/token", 503)
    assert "canary" not in f"{log} {answer!r}"


def test_cookies_are_not_kept(vendor: responses.RequestsMock, outgoing: Outgoing) -> None:
    """No session state of the vendor's crosses from one tenant's request to the next."""
    vendor.get(f"{BASE}/x", json={}, headers={"Set-Cookie": "affinity=7; Path=/"})
    outgoing.read("GET", "/x")
    outgoing.read("GET", "/x")
    assert "Cookie" not in vendor.calls[1].request.headers


def test_environment_is_asked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The proxy that HTTPS_PROXY named at construction is used, another one named later is not."""
    with broken_server(b"HTTP/1.1 503 Busy\r\n\r\n") as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        outgoing = Outgoing(base_url="https://psa.example")
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{unused_port()}")
        with pytest.raises(Unreachable):
            outgoing.read("GET", "/x", attempts=1)
        outgoing.close()
    assert proxy.received[0].startswith(b"CONNECT psa.example:443")


def test_unreachable_proxy_is_named_as_the_cause() -> None:
    """The vendor is not blamed for the proxy."""
    outgoing = Outgoing(base_url="https://psa.example", proxy=f"http://127.0.0.1:{unused_port()}")
    with pytest.raises(Unreachable, match="proxy cannot be reached"):
        outgoing.read("GET", "/x", attempts=1)


def _only_numbers(host: str, port: int, *_: object, **__: object) -> list[tuple[object, ...]]:
    if host != "127.0.0.1":
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
    return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (host, port))]
