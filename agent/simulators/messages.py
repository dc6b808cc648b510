"""One HTTP request and its answer, as plain values, and the ways in which no answer arrives."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import Enum
from typing import Any
from urllib.parse import parse_qsl, unquote

JSON = "application/json; charset=utf-8"

# A decimal leaves json.dumps as a string that starts with NUL, which no vendor's text contains, and loses
# quotes and mark here: the C encoder knows no other way to write a number with its trailing zeros.
_MARKED_DECIMAL = re.compile(r'"\\u0000([-0-9.]+)"')


class Headers(Mapping[str, str]):
    """Header fields whose names ignore case; of a repeated name the last one counts."""

    __slots__ = ("_fields",)

    def __init__(self, fields: Iterable[tuple[str, str]] = ()) -> None:
        self._fields = {name.lower(): value for name, value in fields}

    def __getitem__(self, name: str) -> str:
        return self._fields[name.lower()]

    def __iter__(self) -> Iterator[str]:
        return iter(self._fields)

    def __len__(self) -> int:
        return len(self._fields)


@dataclass(frozen=True, slots=True)
class Request:
    """A request as the server sees it. `path` is decoded; `target` is path and query as they were sent."""

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=Headers)
    body: bytes = b""
    target: str = ""
    scheme: str = "http"

    @classmethod
    def parse(
        cls, method: str, target: str, headers: Mapping[str, str], body: bytes = b"", scheme: str = "http"
    ) -> Request:
        """Split `target` (path?query). Of a repeated query parameter the last one counts."""
        path, _, query = target.partition("?")
        # Without blank values `?conditions=` would look as if nothing had been asked for.
        pairs = dict(parse_qsl(query, keep_blank_values=True)) if query else {}
        return cls(method, unquote(path) if "%" in path else path, pairs, headers, body, target, scheme)

    @property
    def origin(self) -> str:
        """Scheme and host under which the caller reached the server, for links back to it."""
        return f"{self.scheme}://{self.headers.get('host', 'localhost')}"

    def json(self) -> Any:
        """The body with its numbers as int and Decimal; ValueError where it is no JSON."""
        return json.loads(self.body, parse_float=Decimal)


@dataclass(frozen=True, slots=True)
class Response:
    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    def json(self) -> Any:
        return json.loads(self.body, parse_float=Decimal)


class Silence(Enum):
    """How an exchange ends without an answer."""

    REFUSED = "refused"  # nobody listens: the request never left
    UNREACHABLE = "unreachable"  # the connection is never established
    TIMEOUT = "timeout"  # the connection stands, the answer never comes
    DROPPED = "dropped"  # the connection breaks before the first byte of the answer
    CUT = "cut"  # the connection breaks in the middle of the answer


class NoAnswer(Exception):
    """Raised by `Simulator.handle` in place of an answer; the server and the transport act it out."""

    def __init__(self, silence: Silence, response: Response | None = None) -> None:
        super().__init__(silence.value)
        self.silence = silence
        self.response = response


def encode(value: object) -> bytes:
    """JSON in UTF-8; a Decimal becomes a bare number with at least two decimals (12 -> 12.00)."""
    text = json.dumps(value, default=_mark, ensure_ascii=False, separators=(",", ":"))
    return _MARKED_DECIMAL.sub(r"\1", text).encode() if r'"\u0000' in text else text.encode()


def json_response(status: int, value: object, **headers: str) -> Response:
    """Header names are given with underscores: `retry_after="30"` is sent as `retry-after`."""
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    return Response(status, {"content-type": JSON, **named}, encode(value))


def html_response(status: int, title: str) -> Response:
    page = f"<!DOCTYPE html><html><head><title>{title}</title></head><body><h1>{title}</h1></body></html>\r\n"
    return Response(status, {"content-type": "text/html; charset=UTF-8"}, page.encode())


def _mark(value: object) -> str:
    if not isinstance(value, Decimal):
        raise TypeError(f"{type(value).__name__} is not sent over the wire")
    exponent = value.as_tuple().exponent
    if isinstance(exponent, str):
        raise ValueError(f"{value} is no number that JSON can carry")
    return f"\0{value:f}" if exponent <= -2 else f"\0{value:.2f}"
