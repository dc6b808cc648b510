"""Holds what crosses the wire in a test against the vendor's published API description.

Requests are held strictly: a property that is not published is refused, since a vendor drops it in silence.
Answers may say more than is published, as the vendors' own do.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from functools import cache
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import parse_qs, unquote

import requests
from openapi_core import Config, OpenAPI
from openapi_core.datatypes import RequestParameters
from openapi_core.exceptions import OpenAPIError
from werkzeug.datastructures import Headers, ImmutableMultiDict

from agent.simulators.simulator import Simulator

SPECS = Path(__file__).parent / "specs"
HOST = "https://published.example"


class Answer(Protocol):
    """What the simulators give; an answer of `requests` will do too."""

    @property
    def status(self) -> int: ...

    @property
    def headers(self) -> Mapping[str, str]: ...

    @property
    def body(self) -> bytes: ...


class Asked(Protocol):
    """What the simulators take; a prepared request of `requests` will do too."""

    @property
    def headers(self) -> Mapping[str, str]: ...

    @property
    def body(self) -> bytes | str | None: ...


@dataclass(frozen=True)
class _Request:
    method: str
    path: str
    body: bytes | None
    content_type: str
    parameters: RequestParameters
    host_url: str = HOST


@dataclass(frozen=True)
class _Response:
    status_code: int
    data: bytes
    content_type: str
    headers: Headers = field(default_factory=Headers)


def assert_published(
    method: str,
    url_path: str,
    request: Asked | requests.PreparedRequest,
    response: Answer | requests.Response | None,
    spec: str = "connectwise",
) -> None:
    """Fail with what deviates. `url_path` is path and query, with or without the API's base before it.

    `response` is None where no answer came. An error answer is held against the published error shape.
    """
    asked = _request(method, _without_base(url_path, spec), request)
    _hold(f"{method} {url_path}", _description(spec, Reading.STRICT).validate_request, asked)
    if response is not None:
        answer = _response(response)
        chosen = any(name in asked.parameters.query for name in ("fields", "$select"))
        reading = Reading.PARTIAL if chosen else Reading.TOLERANT
        what = f"{answer.status_code} to {method} {url_path}"
        _hold(what, _description(spec, reading).validate_response, asked, answer)


def assert_log_published(simulator: Simulator, spec: str = "connectwise", paths: str = "") -> None:
    """Hold all that a simulator has been asked, where the path contains `paths`, and what it said to it.

    An answer that a fault has damaged is left out, its request is not.
    """
    for exchange in simulator.log:
        request = exchange.request
        if re.search(paths, request.path):
            answer = None if exchange.fault else exchange.response
            assert_published(request.method, request.target, request, answer, spec)


def _hold(what: str, check: Callable[..., None], *held: object) -> None:
    try:
        check(*held)
    except OpenAPIError as error:
        raise AssertionError(f"{what}: {_why(error)}") from None


def _why(error: BaseException) -> str:
    """The library keeps the reason in the causes of its errors; the last of them knows where."""
    if error.__cause__:
        return _why(error.__cause__)
    problems = getattr(error, "schema_errors", ())
    places = [f"{'/'.join(map(str, problem.absolute_path))}: {problem.message}" for problem in problems]
    return "; ".join(places) or str(error)


def _request(method: str, target: str, sent: Asked | requests.PreparedRequest) -> _Request:
    path, _, query = target.partition("?")
    body = sent.body.encode() if isinstance(sent.body, str) else sent.body
    fields = Headers(dict(sent.headers))
    parameters = RequestParameters(query=ImmutableMultiDict(parse_qs(query, keep_blank_values=True)), header=fields)
    content_type = _media_type(fields.get("content-type", ""))
    return _Request(method.lower(), unquote(path), body or None, content_type, parameters)


def _response(answer: Answer | requests.Response) -> _Response:
    if isinstance(answer, requests.Response):
        status, body = answer.status_code, answer.content
    else:
        status, body = answer.status, answer.body
    headers = Headers(dict(answer.headers))
    return _Response(status, body, _media_type(headers.get("content-type", "")), headers)


def _media_type(text: str) -> str:
    """Vendors put versions and character sets behind it, or `vnd` before it; JSON is what is described."""
    bare = text.partition(";")[0].strip().lower()
    return "application/json" if bare.endswith("json") else bare


@dataclass(frozen=True)
class _Published:
    file: str
    base: str  # what may stand before the described paths
    errors: Mapping[str, str] = field(default_factory=dict)  # status -> component, where operations name none


_PUBLISHED = {
    "connectwise": _Published(
        "connectwise-psa.openapi.json",
        r"/[^/]+/apis/3\.0(?=/)",
        {"default": "ObservedError", "429": "ObservedTooManyRequests"},
    ),
    "msgraph": _Published("msgraph.openapi.json", r"/v1\.0(?=/)"),
    "msgraph-beta": _Published("msgraph-beta.openapi.json", r"/beta(?=/)"),
    "partnercenter": _Published("partnercenter.openapi.json", r""),
    "pax8": _Published("pax8.openapi.json", r"/v1(?=/)"),
}


def _without_base(url_path: str, spec: str) -> str:
    return re.sub(f"^{_PUBLISHED[spec].base}", "", url_path)


class Reading(Enum):
    STRICT = "nothing that is not published"
    TOLERANT = "all that is required, and more"
    PARTIAL = "only the fields that were asked for"


@cache
def _description(spec: str, reading: Reading) -> OpenAPI:
    published = _PUBLISHED[spec]
    text = (SPECS / published.file).read_text(encoding="utf-8")
    description = json.loads(text)
    description["servers"] = [{"url": HOST}]
    description.pop("security", None)  # who may ask is the simulators' business
    for item in description["paths"].values():
        item.pop("servers", None)  # Microsoft's login paths live on hosts of their own
    for operation in _operations(description):
        responses = operation["responses"]
        for status, name in published.errors.items():
            responses.setdefault(status, {"$ref": f"#/components/responses/{name}"})
        for response in responses.values():
            if "content" in response:
                response["content"] = {_media_type(type): body for type, body in response["content"].items()}
    if reading is Reading.PARTIAL:
        for schema in description["components"]["schemas"].values():
            schema.pop("required", None)
    policy = Config(additional_properties_default_policy="forbid" if reading is Reading.STRICT else "allow")
    return OpenAPI.from_dict(description, config=policy)


def _operations(description: Mapping[str, Any]) -> list[dict[str, Any]]:
    verbs = ("get", "post", "put", "patch", "delete")
    return [item[verb] for item in description["paths"].values() for verb in verbs if verb in item]
