"""The wire under every simulator: values, clock, faults, sockets and the in-process transport."""

import random
import socket
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
import requests

from agent.simulators.faults import Fault, Faults, Kind
from agent.simulators.wire import (
    Headers,
    NoAnswer,
    Request,
    Response,
    Server,
    SimClock,
    Simulator,
    Transport,
    encode,
    json_response,
    serve,
)

MARCH = datetime(2026, 3, 17, 9, tzinfo=UTC)


class Counter(Simulator):
    """POST adds one to a number, GET tells it, and the clock of the answer shows when it was added."""

    def __init__(self) -> None:
        super().__init__(SimClock(MARCH))
        self.number = 0

    def answer(self, request: Request, twist: Fault | None = None) -> Response:
        if request.method == "POST":
            self.number += 1
        return json_response(200, {"id": self.number, "twist": twist.kind if twist else None})

    def error(self, fault: Fault) -> Response:
        return json_response(fault.status, {"kind": fault.kind})

    def actions(self) -> dict[str, Callable[..., object]]:
        return {"put": self.put}

    def state(self) -> object:
        return {"number": self.number}

    def put(self, number: int) -> int:
        self.number = number
        return number


@pytest.fixture
def counter() -> Counter:
    return Counter()


@pytest.fixture
def server(counter: Counter) -> Iterator[Server]:
    with serve(counter) as running:
        yield running


class Caller:
    """The same requests over sockets and in process."""

    def __init__(self, base: str, session: requests.Session) -> None:
        self.base, self.session = base, session

    def send(self, method: str = "POST", path: str = "/n") -> requests.Response:
        return self.session.request(method, self.base + path, timeout=(0.2, 0.2), allow_redirects=False)


@pytest.fixture(params=["sockets", "in process"])
def caller(request: pytest.FixtureRequest, counter: Counter) -> Iterator[Caller]:
    with requests.Session() as session:
        if request.param == "sockets":
            with serve(counter) as running:
                yield Caller(running.url, session)
        else:
            session.mount("http://counter", Transport({"http://counter": counter}))
            yield Caller("http://counter", session)


def test_decimals_travel_as_bare_numbers_with_their_zeros() -> None:
    """12 is sent as 12.00, a tenth of a cent is not lost, and text that looks alike stays text."""
    sent = encode({"a": Decimal(12), "b": Decimal("0.125"), "c": Decimal("-3.5"), "d": "12.00", "e": 7})
    assert sent == b'{"a":12.00,"b":0.125,"c":-3.50,"d":"12.00","e":7}'


def test_floats_and_infinite_decimals_are_mistakes() -> None:
    """JSON has no NaN, and a date must be made text by whoever knows the vendor's form."""
    with pytest.raises(ValueError, match="NaN is no number"):
        encode(Decimal("NaN"))
    with pytest.raises(TypeError, match="datetime is not sent"):
        encode(MARCH)


def test_a_request_is_split_as_servers_split_it() -> None:
    """Path and query are decoded, the last of two values counts, header names ignore case."""
    headers = Headers([("Host", "psa.test"), ("clientId", "x")])
    request = Request.parse("GET", "/a%20b/c?d=1&d=%5B2%5D&e=", headers, scheme="https")
    assert (request.path, dict(request.query)) == ("/a b/c", {"d": "[2]", "e": ""})
    assert (request.origin, request.headers["CLIENTID"]) == ("https://psa.test", "x")


def test_the_clock_stands_still_until_told() -> None:
    """In Sydney it is already tomorrow; a jump backwards is allowed, an instant without zone is not."""
    clock = SimClock(MARCH)
    clock.advance(days=1, seconds=6 * 3600)
    assert clock.now() == datetime(2026, 3, 18, 15, tzinfo=UTC)
    assert (clock.today().day, clock.today("Australia/Sydney").day) == (18, 19)
    clock.set(MARCH)
    assert clock.now() == MARCH
    with pytest.raises(ValueError, match="names no time zone"):
        clock.set(MARCH.replace(tzinfo=None))


def test_the_clock_can_run_with_another() -> None:
    """Four seconds of the monotonic clock are four seconds of the vendor's."""
    seconds = iter([100.0, 104.0])
    assert (SimClock(MARCH, lambda: next(seconds)).now() - MARCH).seconds == 4


def test_every_kind_of_fault_is_described() -> None:
    """A kind without an effect and a show would strike as something else."""
    assert all(Fault(kind).effect and Fault(kind).show for kind in Kind)


EXPECTED: dict[Kind, tuple[int, Any]] = {
    # kind: (effects on the server, what the caller sees: an exception or a status)
    Kind.TIMEOUT: (0, requests.ReadTimeout),
    Kind.TIMEOUT_AFTER: (1, requests.ReadTimeout),
    Kind.LATE_EFFECT: (0, requests.ReadTimeout),
    Kind.DROPPED_BEFORE: (0, requests.ConnectionError),
    Kind.LOST_ANSWER: (1, requests.ConnectionError),
    Kind.CUT_ANSWER: (1, requests.exceptions.ChunkedEncodingError),
    Kind.TOO_MANY: (0, 500),
    Kind.TOO_MANY_BARE: (0, 500),
    Kind.SERVER_TIMEOUT: (0, 500),
    Kind.SERVER_TIMEOUT_AFTER: (1, 500),
    Kind.ERROR_BEFORE: (0, 500),
    Kind.ERROR_AFTER: (1, 500),
    Kind.BAD_GATEWAY: (1, 502),
    Kind.REDIRECT: (0, 307),
    Kind.TRUNCATED_JSON: (1, 200),
    Kind.NOT_JSON: (1, 200),
    Kind.WRONG_ID: (1, 200),
    Kind.DUPLICATE: (2, 200),
    Kind.FALSE_OK: (1, 200),
    Kind.FIELD_TRUNCATED: (1, 200),
    Kind.FIELD_ROUNDED: (1, 200),
    Kind.READ_LAG: (1, 200),
    Kind.PAGE_SKIPPED: (1, 200),
    Kind.PAGE_REPEATED: (1, 200),
    Kind.PAGE_SHORT: (1, 200),
    Kind.COUNT_WRONG: (1, 200),
    Kind.EMPTY_LIST: (1, 200),
}


@pytest.mark.parametrize("kind", EXPECTED)
def test_a_fault_has_its_effect_and_shows_its_face(kind: Kind, counter: Counter, caller: Caller) -> None:
    """Over sockets and in process alike; the next request finds the server well again."""
    effects, seen = EXPECTED[kind]
    counter.faults.add(kind)
    if isinstance(seen, int):
        assert caller.send().status_code == seen
    else:
        with pytest.raises(seen):
            caller.send()
    assert counter.number == effects
    assert counter.log[0].effects == effects
    assert caller.send("GET").json() == {"id": effects, "twist": None}


def test_the_body_of_a_spoiled_answer(counter: Counter, caller: Caller) -> None:
    """Half of the JSON, a page for people, and the id of somebody else."""
    for kind in (Kind.TRUNCATED_JSON, Kind.NOT_JSON, Kind.WRONG_ID):
        counter.faults.add(kind)
    assert caller.send().text == '{"id":1,"t'
    assert caller.send().headers["Content-Type"] == "text/html; charset=UTF-8"
    assert caller.send().json()["id"] == 4  # the third, shown as the fourth


def test_a_refused_connection_is_known_as_such(counter: Counter) -> None:
    """In process the two that never reach the server raise what requests raises when connecting fails."""
    with requests.Session() as session:
        session.mount("http://counter", Transport({"http://counter": counter}))
        counter.faults.add("refused")
        with pytest.raises(requests.ConnectionError, match="Connection refused"):
            session.post("http://counter/n")
        counter.faults.add("connect-timeout")
        with pytest.raises(requests.ConnectTimeout):
            session.post("http://counter/n")
    assert counter.number == 0


def test_a_late_effect_lands_when_the_clock_says_so(counter: Counter) -> None:
    """Nothing after 59 s; after 60 s the next to ask finds it done, and the log has one request for it."""
    counter.faults.add("late-effect", seconds=60)
    with pytest.raises(NoAnswer):
        counter.handle(Request("POST", "/n"))
    counter.clock.advance(seconds=59)
    assert counter.handle(Request("GET", "/n")).json()["id"] == 0
    counter.clock.advance(seconds=1)
    assert counter.handle(Request("GET", "/n")).json()["id"] == 1
    assert [exchange.effects for exchange in counter.log if exchange.request.method == "POST"] == [1]


def test_a_timeout_costs_the_clock_only_what_was_asked(counter: Counter) -> None:
    """In process no real time passes; a waiting transport moves the simulated clock by the read timeout."""
    with requests.Session() as session:
        session.mount("http://counter", Transport({"http://counter": counter}, waiting=True))
        counter.faults.add("timeout")
        with pytest.raises(requests.ReadTimeout):
            session.post("http://counter/n", timeout=(5, 90))
    assert (counter.clock.now() - MARCH).seconds == 90


def test_faults_strike_what_they_were_planned_for() -> None:
    """The second and third POST under /a; a GET and another path do not count."""
    faults = Faults()
    faults.add("lost-answer", method="POST", path="^/a", nth=2, times=2)
    struck = [
        faults.pick(Request(method, path)) for method, path in [("GET", "/a"), ("POST", "/b"), *[("POST", "/a/1")] * 4]
    ]
    assert [fault is not None for fault in struck] == [False, False, False, True, True, False]
    assert faults.pending == ()


def test_two_faults_for_one_request_strike_one_after_the_other() -> None:
    """The one planned later waits for the next request."""
    faults = Faults()
    faults.add("timeout")
    faults.add("duplicate")
    kinds = [fault and fault.kind for fault in (faults.pick(Request("POST", "/")) for _ in range(3))]
    assert kinds == [Kind.TIMEOUT, Kind.DUPLICATE, None]


def test_chance_repeats_itself_from_its_seed() -> None:
    """Two runs of one seed agree; a fault of reads never strikes a write; chances above 1 are refused."""

    def run() -> list[str | None]:
        faults = Faults()
        faults.at_random(random.Random(7), {"lost-answer": 0.3, "empty-list": 0.3})
        picked = [faults.pick(Request(method, "/")) for method in ("GET", "POST") * 50]
        return [fault.kind if fault else None for fault in picked]

    kinds = run()
    assert kinds == run()
    assert set(kinds[1::2]) == {None, Kind.LOST_ANSWER}
    assert set(kinds[::2]) == {None, Kind.LOST_ANSWER, Kind.EMPTY_LIST}
    with pytest.raises(ValueError, match="add up to"):
        Faults().at_random(random.Random(7), {"timeout": 0.6, "refused": 0.6})


def test_one_connection_carries_many_requests(counter: Counter, server: Server) -> None:
    """Two requests in one segment are answered in order on the same connection."""
    request = b"POST /n HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}"
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        connection.sendall(request * 2)
        answers = b""
        while answers.count(b"}") < 2:
            answers += connection.recv(4096)
    assert answers.count(b"HTTP/1.1 200 OK\r\n") == 2
    assert counter.number == 2


def test_half_a_request_asks_for_nothing(counter: Counter, server: Server) -> None:
    """Its caller died between head and body: the server hangs up, and has done nothing."""
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        connection.sendall(b"POST /n HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{")
        connection.shutdown(socket.SHUT_WR)
        assert connection.recv(1) == b""
    assert (counter.number, len(counter.log)) == (0, 0)


def test_a_server_that_closes_hangs_up(counter: Counter) -> None:
    """A caller that waits for an answer which never comes is released, and the port is free at once."""
    running = serve(counter)
    counter.faults.add("timeout")
    with socket.create_connection(("127.0.0.1", running.port)) as connection:
        connection.sendall(b"GET /n HTTP/1.1\r\n\r\n")
        while not counter.log:
            time.sleep(0.01)
        running.close()
        assert connection.recv(1) == b""
    serve(counter, port=running.port).close()


def test_simulators_are_served_on_loopback_only(counter: Counter) -> None:
    """The control surface has no key, so nobody else may reach it."""
    with pytest.raises(ValueError, match="on loopback only"):
        serve(counter, "192.0.2.1")


def test_another_process_steers_the_simulator(counter: Counter, server: Server) -> None:
    """Clock, latency, faults, world, log and state, all of them past the faults themselves."""

    def post(name: str, **arguments: object) -> Any:
        return requests.post(f"{server.url}/__sim/{name}", json=arguments, timeout=5).json()

    assert post("clock", set="2026-04-01T00:00:00Z") == {"now": "2026-04-01T00:00:00+00:00"}
    assert post("clock", advance=90)["now"] == "2026-04-01T00:01:30+00:00"
    assert post("faults", add={"kind": "error-before", "status": 503}) == {"pending": ["error-before"]}
    assert post("world", action="put", number=41) == {"result": 41}
    assert requests.post(f"{server.url}/n", timeout=5).status_code == 503
    post("latency", seconds=0.01)
    assert requests.post(f"{server.url}/n", timeout=5).elapsed.total_seconds() >= 0.01
    assert requests.get(f"{server.url}/__sim/state", timeout=5).json() == {"number": 42}
    log = requests.get(f"{server.url}/__sim/log", timeout=5).json()
    assert [(entry["status"], entry["effects"]) for entry in log] == [(503, 0), (200, 1)]


def test_the_control_surface_explains_mistakes(server: Server) -> None:
    """And a page in a browser on this machine may not use it."""

    def post(name: str, body: object, **headers: str) -> requests.Response:
        return requests.post(f"{server.url}/__sim/{name}", json=body, headers=headers, timeout=5)

    assert post("faults", {"add": {"kind": "earthquake"}}).status_code == 400
    assert "earthquake" in post("faults", {"add": {"kind": "earthquake"}}).json()["message"]
    assert post("world", {"action": "explode"}).status_code == 400
    assert post("weather", {}).status_code == 404
    assert post("latency", {"seconds": 1}, Origin="https://evil.example").status_code == 403
