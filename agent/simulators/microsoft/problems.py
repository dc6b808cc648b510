"""Refusals in the shape of Graph's error body (Microsoft: reference 5.1)."""

from __future__ import annotations

from collections.abc import Mapping


class Refusal(Exception):
    """Ends the handling of one Graph request; `code` is what callers may branch on, the sentence is not."""

    def __init__(self, status: int, code: str, sentence: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(sentence)
        self.status = status
        self.code = code
        self.headers = dict(headers or {})

    def body(self, date: str, request_id: str, client_request_id: str) -> object:
        inner = {"date": date, "request-id": request_id, "client-request-id": client_request_id}
        return {"error": {"code": self.code, "message": str(self), "innerError": inner}}


def too_many(seconds: int | None, **headers: str) -> Refusal:
    """Throttled; without `seconds` the answer lacks Retry-After, as some services leave it out."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    wait = {} if seconds is None else {"retry-after": str(seconds)}
    return Refusal(429, "TooManyRequests", "Please retry again later.", {**wait, **named})


def failed(status: int) -> Refusal:
    codes = {500: "InternalServerError", 502: "BadGateway", 503: "ServiceUnavailable", 504: "GatewayTimeout"}
    code = codes.get(status, "UnknownError")
    return Refusal(status, code, "The request could not be completed; try again later.")


def unsupported(sentence: str) -> Refusal:
    return Refusal(400, "Request_UnsupportedQuery", sentence)


def malformed(sentence: str) -> Refusal:
    return Refusal(400, "Request_BadRequest", sentence)
