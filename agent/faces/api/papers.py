"""What people print: the report of the month and the evidence of one, as JSON or as the pages of the commands."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Literal

from fastapi.responses import HTMLResponse, Response

from agent.engine.service import Service
from agent.faces.api import report_shapes
from agent.faces.api.problems import Refused, Told
from agent.faces.api.views import in_force
from agent.faces.explaining import NothingThen
from agent.faces.month_end import books
from agent.faces.proving import evidence
from agent.reports.evidence import evidence_html, evidence_values
from agent.reports.month_end.page import month_end_html
from agent.reports.month_end.values import month_end_values
from agent.reports.text import View
from agent.reports.values import Values
from agent.settings import Settings

# Answers are not stored anyway (cache-control), but a proxy that overrides that must not mix them up.
_VARIES = {"vary": "accept"}


def report(service: Service, settings: Settings, asked: report_shapes.ReportQuery, accept: str) -> Response:
    companies = _known(service, asked.company)
    since = date.fromisoformat(asked.since) if asked.since else None
    view = _view(service)
    made = books(service.cycle.store, in_force(service), settings, view, companies, since).report()
    return _answer(asked.format, accept, lambda: month_end_html(made), lambda: month_end_values(made))


def proof(service: Service, settings: Settings, asked: report_shapes.EvidenceQuery, accept: str) -> Response:
    _known(service, asked.company)
    cycle, view = service.cycle, _view(service)
    today = view.now.astimezone(cycle.zone).date()
    first = date.fromisoformat(f"{asked.month}-01") if asked.month else today.replace(day=1)
    try:
        pack = evidence(cycle.store, in_force(service), cycle.psa.traits, settings, view, asked.company, first)
    except NothingThen as error:
        raise Refused(404, "time-unknown", f"{error}.", f"{error.remedy}.") from error
    return _answer(asked.format, accept, lambda: evidence_html(pack), lambda: evidence_values(pack))


def _known(service: Service, company: int | None) -> list[int]:
    """The company, or all of them; one that no mapping file names has no report."""
    mapped = list(in_force(service).companies)
    if company is None:
        return mapped
    if company not in mapped:
        what = f"Company {company} is in no mapping file."
        raise Refused(404, "company-unmapped", what, "Correct the number, or map the company; see: trueup map check.")
    return [company]


def _view(service: Service) -> View:
    """The width is a terminal's, and no page asks for it."""
    names = {one.company: one.name for one in in_force(service).companies.values()}
    return View(100, service.cycle.zone, service.cycle.clock.now(), names)


def _answer(
    format: Literal["json", "html"] | None, accept: str, html: Callable[[], str], values: Callable[[], Values]
) -> Response:
    if (format or _preferred(accept)) == "html":
        # Names are cleaned, and what UTF-8 cannot hold all the same must not turn a report into a failure.
        return HTMLResponse(html().encode("utf-8", "xmlcharrefreplace"), headers=_VARIES)
    return Told(values(), headers=_VARIES)


def _preferred(accept: str) -> Literal["json", "html"]:
    """What the header wants more; JSON where it has no preference. (RFC 9110, 12.5.1)"""
    weights = {"text/html": 0.0, "application/json": 0.0}
    # A wildcard wants neither more than the other, and JSON is what callers have always been told.
    for part in accept.lower().split(","):
        kind, *parameters = (word.strip() for word in part.split(";"))
        quality = next((word[2:] for word in parameters if word.startswith("q=")), "1")
        for known in weights:
            if kind == known:
                weights[known] = _weight(quality)
    return "html" if weights["text/html"] > weights["application/json"] else "json"


def _weight(quality: str) -> float:
    try:
        return float(quality)
    except ValueError:
        return 0.0
