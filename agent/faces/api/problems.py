"""What is refused, and how that is told: always as {"error": {"code", "what", "remedy"}}."""

from __future__ import annotations

import json
from collections.abc import Mapping

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from agent.errors import StoreFailed, TrueupError
from agent.reports.pages import style_source

log = structlog.get_logger()

# No cookies, no CORS, nothing to embed: an answer that ends up in a browser after all can do nothing there.
SECURITY_HEADERS = {
    "cache-control": "no-store",
    # A report's page may have the style that it is shipped with, by its hash, and nothing else.
    "content-security-policy": f"default-src 'none'; style-src {style_source()}; frame-ancestors 'none'",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}

_UNROUTED = {
    400: ("bad-request", "The body cannot be read as JSON."),
    404: ("not-found", "There is nothing under this path."),
    405: ("method-not-allowed", "This path is not asked with this method."),
}
_SHOWN = 5  # problems of one request


class Told(JSONResponse):
    """Plain values as JSON, in ASCII: a hostile name may hold half a surrogate pair, which UTF-8 cannot."""

    def render(self, content: object) -> bytes:
        return json.dumps(content, separators=(",", ":"), allow_nan=False).encode("ascii")


class Refused(TrueupError):
    """A request that is not carried out: the caller's to mend, never ours."""

    def __init__(
        self, status: int, code: str, what: str, remedy: str, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(what, remedy)
        self.status, self.code, self.headers = status, code, dict(headers or {})

    def answer(self) -> Told:
        return _answer(self.status, self.code, str(self), self.remedy, self.headers)


def tell_problems(app: FastAPI) -> None:
    """Have every failure of the application answered in our words, without a traceback."""
    app.exception_handler(Refused)(_refused)
    app.exception_handler(HTTPException)(_not_routed)
    app.exception_handler(RequestValidationError)(_invalid)
    app.exception_handler(TrueupError)(_failed)
    app.exception_handler(Exception)(_crashed)


def _answer(status: int, code: str, what: str, remedy: str, headers: Mapping[str, str] | None = None) -> Told:
    told = {"code": code, "what": _sentence(what), "remedy": _sentence(remedy or "see the log for more")}
    return Told({"error": told}, status, headers)


def _sentence(text: str) -> str:
    """Errors are worded to go into a line of a terminal or of the log; an answer holds whole sentences."""
    return f"{text[:1].upper()}{text[1:]}{'' if text.endswith(('.', '?', '!')) else '.'}"


async def _refused(request: Request, error: Refused) -> Told:
    return error.answer()


async def _not_routed(request: Request, error: HTTPException) -> Told:
    """Unknown paths, wrong methods and bodies that are no JSON come from the framework."""
    code, what = _UNROUTED.get(error.status_code, ("refused", error.detail))
    return _answer(error.status_code, code, what, "GET /openapi.json lists what can be asked, and how.", error.headers)


async def _invalid(request: Request, error: RequestValidationError) -> Told:
    """Says where and what, and never repeats what was sent: it may be hostile, or somebody's secret."""
    problems = [f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()[:_SHOWN]]
    return _answer(422, "invalid", "; ".join(problems), "GET /openapi.json shows what fits here.")


async def _failed(request: Request, error: TrueupError) -> Told:
    code = "store-failed" if isinstance(error, StoreFailed) else "unable"
    log.error("api.failed", path=request.url.path, code=code, error=str(error))
    return _answer(503, code, str(error), error.remedy)


async def _crashed(request: Request, error: Exception) -> Told:
    # Starlette raises it again, and uvicorn logs it with its traceback.
    log.error("api.crashed", path=request.url.path, kind=type(error).__name__)
    return _answer(500, "crashed", "Trueup made a mistake while it answered.", "Report it with the log of this moment.")
