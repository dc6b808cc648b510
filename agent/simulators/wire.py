"""The wire to the simulators: over loopback sockets, or in process under a `requests` session."""

from __future__ import annotations

import errno
import io
import time
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import BaseAdapter
from requests.structures import CaseInsensitiveDict
from urllib3.exceptions import ConnectTimeoutError, MaxRetryError, NewConnectionError, ProtocolError
from urllib3.response import HTTPResponse

from agent.simulators.messages import (
    Headers,
    NoAnswer,
    Request,
    Response,
    Silence,
    encode,
    html_response,
    json_response,
)
from agent.simulators.serving import Server, serve
from agent.simulators.simulator import Exchange, SimClock, Simulator

__all__ = [
    "Exchange",
    "Headers",
    "NoAnswer",
    "Request",
    "Response",
    "Server",
    "Silence",
    "SimClock",
    "Simulator",
    "Transport",
    "encode",
    "html_response",
    "json_response",
    "serve",
]


class Transport(BaseAdapter):
    """Carries a session to simulators without sockets: `session.mount("https://", Transport({...}))`.

    `simulators` maps URL prefixes to simulators; the longest prefix that fits counts. Where no answer comes,
    the exception is the one that requests raises for it over a socket. A timeout takes no real time; with
    `waiting` it moves the simulator's clock on by the read timeout.
    """

    def __init__(self, simulators: Mapping[str, Simulator], *, waiting: bool = False) -> None:
        super().__init__()
        self._simulators = sorted(simulators.items(), key=lambda item: -len(item[0]))
        self._waiting = waiting

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        timeout: float | tuple[float | None, float | None] | None = None,
        verify: bool | str = True,
        cert: Any = None,
        proxies: Mapping[str, str] | None = None,
    ) -> requests.Response:
        url = request.url or ""
        simulator = next((held for prefix, held in self._simulators if url.startswith(prefix)), None)
        if simulator is None:
            raise requests.ConnectionError(f"no simulator answers for {url}", request=request)
        if simulator.latency:
            time.sleep(simulator.latency)
        try:
            answer = simulator.handle(_received(request))
        except NoAnswer as silence:
            return self._silent(silence, request, simulator, timeout)
        return _as_requests(request, answer, answer.body)

    def close(self) -> None:
        pass

    def _silent(
        self, silence: NoAnswer, request: requests.PreparedRequest, simulator: Simulator, timeout: Any
    ) -> requests.Response:
        reason = _cause(silence.silence, request.url or "")
        if silence.silence is Silence.CUT and silence.response is not None:
            return _as_requests(request, silence.response, silence.response.body[:-1])
        if silence.silence is Silence.REFUSED:
            raise requests.ConnectionError(reason, request=request)
        if silence.silence is Silence.UNREACHABLE:
            raise requests.ConnectTimeout(reason, request=request)
        if silence.silence is Silence.TIMEOUT:
            self._wait(simulator, timeout)
            raise requests.ReadTimeout(reason, request=request)
        raise requests.ConnectionError(reason, request=request)

    def _wait(self, simulator: Simulator, timeout: Any) -> None:
        seconds = timeout[1] if isinstance(timeout, tuple) else timeout
        if self._waiting and seconds:
            simulator.clock.advance(seconds=seconds)


def _received(request: requests.PreparedRequest) -> Request:
    parts = urlsplit(request.url or "")
    target = f"{parts.path}?{parts.query}" if parts.query else parts.path
    body = request.body or b""
    if isinstance(body, str):
        body = body.encode()
    # requests leaves the Host header to http.client, which is not on this way.
    fields = [("host", parts.netloc), *request.headers.items()]
    return Request.parse(request.method or "GET", target, Headers(fields), body, parts.scheme)


def _as_requests(request: requests.PreparedRequest, answer: Response, body: bytes) -> requests.Response:
    """`body` shorter than the answer's own makes reading it fail as a broken connection does."""
    fields = {**answer.headers, "content-length": str(len(answer.body))}
    response = requests.Response()
    response.status_code = answer.status
    response.headers = CaseInsensitiveDict(fields)
    response.reason = HTTPStatus(answer.status).phrase
    response.encoding = requests.utils.get_encoding_from_headers(response.headers)
    response.url = request.url or ""
    response.request = request
    # A real urllib3 response, so that streaming, limits on size and broken reads work as over a socket.
    response.raw = HTTPResponse(
        io.BytesIO(body),
        fields,
        answer.status,
        reason=response.reason,
        preload_content=False,
        request_method=request.method,
    )
    return response


def _cause(silence: Silence, url: str) -> Exception:
    """The urllib3 exception that requests wraps, by which callers may tell refusals from breaks."""
    if silence is Silence.REFUSED:
        refused = NewConnectionError(None, f"[Errno {errno.ECONNREFUSED}] Connection refused")  # type: ignore[arg-type]
        return MaxRetryError(None, url, refused)  # type: ignore[arg-type]
    if silence is Silence.UNREACHABLE:
        return MaxRetryError(None, url, ConnectTimeoutError(None, "connection timed out"))  # type: ignore[arg-type]
    if silence is Silence.TIMEOUT:
        return TimeoutError("Read timed out.")
    return ProtocolError("Connection aborted.", ConnectionResetError(errno.ECONNRESET, "Connection reset by peer"))
