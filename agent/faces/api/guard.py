"""Who may talk to the interface: decided before anything else looks at a request.

Three callers are kept out: a browser (any page the administrator opens can make it send requests to loopback, under
a name of its own choosing if it owns a DNS zone), another user of this machine, and whoever holds a connection open
to keep others out. The last is door.py's.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from collections import deque
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from agent.faces.api.problems import Refused

log = structlog.get_logger()

BODY_LIMIT = 64 * 1024
OPEN_PATHS = {"/livez", "/readyz"}  # for service managers, which have no token; they tell nothing else
JSON_TYPES = {"application/json", "application/json; charset=utf-8"}

_CLOSE = {"connection": "close"}


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds, but for `connections` and `failures`, which is what may fail a minute before failing takes longer."""

    connections: int = 16
    grace: float = 0.1
    exchange: float = 15.0
    body: float = 5.0
    failures: int = 10
    slow: float = 1.0


class Head:
    """A request's head. `one` refuses a field that comes twice: two readers could each believe another one."""

    def __init__(self, scope: Scope) -> None:
        self.method: str = scope["method"]
        self.path: str = scope["path"]
        self.target = scope["raw_path"].decode("latin-1")
        self.asked = [name for name, _ in parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)]
        self._fields: list[tuple[bytes, bytes]] = list(scope["headers"])

    def has(self, name: str) -> bool:
        return any(known == name.encode() for known, _ in self._fields)

    def one(self, name: str) -> str | None:
        found = [value.decode("latin-1") for known, value in self._fields if known == name.encode()]
        if len(found) > 1:
            raise Refused(400, "header-twice", f"The header {name} came {len(found)} times.", "Send it once.")
        return found[0] if found else None


@dataclass(slots=True)
class Brake:
    """Slows down those who fail, and only them: the owner of the token never waits, let alone is locked out."""

    limits: Limits
    _failures: deque[float] = field(init=False)

    def __post_init__(self) -> None:
        self._failures = deque(maxlen=self.limits.failures)

    def failed(self, now: float) -> float:
        """The seconds by which this failure is to be answered later."""
        full = len(self._failures) == self.limits.failures and now - self._failures[0] < 60
        self._failures.append(now)
        return self.limits.slow if full else 0


class Guard:
    """An ASGI application in front of `app`. `token` is the SHA-256 of the bearer token."""

    def __init__(self, app: ASGIApp, hosts: Iterable[str], token: bytes, limits: Limits) -> None:
        self._app, self._hosts, self._token, self._limits = app, frozenset(hosts), token, limits
        self._brake = Brake(limits)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            head = Head(scope)
            self._judge(head)
            await self._recognise(head, scope, receive)
            _judge_body(head)
            body = await self._body(receive) if head.method == "POST" else b""
        except Refused as refused:
            if refused.status in (401, 403, 421):
                log.warning("api.refused", code=refused.code, status=refused.status)
            await refused.answer()(scope, receive, send)
            return
        await self._app(scope, _replay(body, receive), send)

    def _judge(self, head: Head) -> None:
        # First, so that everything refused later leaves at most a small body behind on the connection.
        _judge_length(head)
        if not head.target.startswith("/"):
            raise Refused(400, "absolute-target", "The request names another server.", "Ask for a path on this one.")
        if (head.one("host") or "").lower() not in self._hosts:
            what = "The Host header names none of the hosts that this interface answers to."
            raise Refused(421, "wrong-host", what, "Use the address in api.listen, or add the name to api.hosts.")
        # "none": a person typed the address. Not even our own origin passes, because no page of ours exists.
        if head.has("origin") or head.has("referer") or head.one("sec-fetch-site") not in (None, "none"):
            raise Refused(403, "browser", "Requests that a web page makes are refused.", "Ask from a program.")
        if head.method not in ("GET", "POST"):
            what = f"The method {head.method[:20]} is not used here."
            raise Refused(405, "method-not-allowed", what, "Use GET or POST.", {"allow": "GET, POST"})
        if len(set(head.asked)) < len(head.asked):
            raise Refused(400, "parameter-twice", "A parameter came twice in the address.", "Send each once.")

    async def _recognise(self, head: Head, scope: Scope, receive: Receive) -> None:
        if head.path in OPEN_PATHS:
            return
        scheme, _, given = (head.one("authorization") or "").partition(" ")
        # Compared as digests: neither the length nor the first differing character of the token shows in the time.
        same = hmac.compare_digest(hashlib.sha256(given.strip().encode("latin-1")).digest(), self._token)
        if scheme.lower() == "bearer" and same:
            scope["state"]["trusted"] = True  # from now on the door keeps the connection's place
            return
        await _hold_back(self._brake.failed(asyncio.get_running_loop().time()), receive)
        what = "The bearer token is wrong." if given else "There is no bearer token."
        remedy = "Send the header Authorization: Bearer TOKEN, with the token from the file in api.token-file."
        raise Refused(401, "token", what, remedy, {"www-authenticate": "Bearer"})

    async def _body(self, receive: Receive) -> bytes:
        # h11 hands on as many bytes as Content-Length said, so that the limit holds for what arrives, too.
        body = bytearray()
        try:
            async with asyncio.timeout(self._limits.body):
                while (message := await receive())["type"] == "http.request":
                    body += message["body"]
                    if not message["more_body"]:
                        return bytes(body)
        except TimeoutError:
            what = f"The body did not arrive within {self._limits.body:g} seconds."
            raise Refused(408, "slow-body", what, "Send it at once.", _CLOSE) from None
        raise Refused(400, "cut-body", "The body ended early.", "Send as many bytes as Content-Length says.", _CLOSE)


async def _hold_back(seconds: float, receive: Receive) -> None:
    """Wait, unless the caller hangs up: those who do must not pile up here."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            while (await receive())["type"] != "http.disconnect":
                pass


def _judge_length(head: Head) -> None:
    if head.one("transfer-encoding") is not None:
        what = "The body has no length declared."
        raise Refused(411, "length-required", what, "Send Content-Length, and no Transfer-Encoding.", _CLOSE)
    length = head.one("content-length")
    if length is not None and int(length) > BODY_LIMIT:
        remedy = "Ask for less, or leave `companies` out to mean all."
        raise Refused(413, "too-large", f"The body is larger than {BODY_LIMIT} bytes.", remedy, _CLOSE)


def _judge_body(head: Head) -> None:
    if head.method == "GET":
        if head.one("content-length") not in (None, "0"):
            raise Refused(400, "unexpected-body", "A GET request has no body.", "Put what you ask for into the path.")
        return
    if head.one("content-length") is None:
        raise Refused(411, "length-required", "The body has no length declared.", "Send Content-Length.")
    # HTML forms can send three types; this is none of them.
    if (head.one("content-type") or "").lower() not in JSON_TYPES:
        raise Refused(415, "not-json", "The body is not declared as JSON.", "Send Content-Type: application/json.")


def _replay(body: bytes, receive: Receive) -> Receive:
    """The body, which is whole by now, and then whatever the connection tells."""
    messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replayed() -> Message:
        return messages.pop() if messages else await receive()

    return replayed
