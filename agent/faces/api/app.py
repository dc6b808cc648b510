"""The endpoints: each asks the service or its store, and tells the plain values that come back.

Whatever may wait for a disk or a lock runs in a thread, so that the event loop always turns.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, FastAPI, Path, Query, Request, Response, Security
from fastapi.concurrency import run_in_threadpool
from fastapi.security import HTTPBearer
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from agent import __version__
from agent.engine.service import Service
from agent.faces.api import ledger_shapes, papers, report_shapes, shapes, verbs, views
from agent.faces.api.metrics import Metrics
from agent.faces.api.problems import Refused, Told, tell_problems
from agent.faces.explaining import NothingThen
from agent.ports import Store
from agent.reports import values
from agent.reports.values import Values
from agent.settings import Settings

_LOOK = 0.005  # seconds between two looks at whether a run has ended
_MOST_ENTRIES = 10_000  # of one run; a fleet's first cycle writes a few thousand


@dataclass(frozen=True, slots=True)
class Backing:
    """What the endpoints stand on."""

    service: Service
    metrics: Metrics
    settings: Settings

    @property
    def approval_expires(self) -> timedelta:
        return self.settings.guards.approval_expires

    @property
    def store(self) -> Store:
        return self.service.cycle.store


async def _backing(request: Request) -> Backing:
    backing: Backing = request.app.state.backing
    return backing


At = Annotated[Backing, Depends(_backing)]
RunId = Annotated[str, Path(pattern=r"^[0-9a-f-]{1,64}$")]
Digest = Annotated[str, Path(pattern=r"^[0-9a-f-]{6,64}$", description="Of a hold (six or more characters), or a run")]
Verdict = Annotated[Literal["approve", "reject"], Path()]
LineId = Annotated[int, Path(ge=1, le=2**31 - 1, description="Of the line in the PSA"), shapes.WHOLE]
GapId = Annotated[int, Path(ge=1, le=2**31 - 1, description="As GET /ledger tells it"), shapes.WHOLE]
LineVerb = Annotated[Literal["keep", "take", "release"], Path()]

_REFUSED: dict[int | str, dict[str, Any]] = {"4XX": {"model": shapes.Problem, "description": "Refused"}}
_UNABLE: dict[int | str, dict[str, Any]] = {503: {"model": shapes.Problem, "description": "The store is out of reach"}}

# The guard has checked the token long before; this tells the OpenAPI of it.
guarded = APIRouter(dependencies=[Security(HTTPBearer(auto_error=False))], responses=_REFUSED | _UNABLE)
free = APIRouter(responses=_REFUSED)


@guarded.post("/sync", status_code=202, response_model=shapes.Pressed)
async def sync(request: shapes.SyncRequest, at: At) -> Told:
    """Sync now. Answers at once with the run that will do it; equal requests that wait are one run."""
    return Told({"run": await run_in_threadpool(_press, at.service, request)}, 202)


def _press(service: Service, request: shapes.SyncRequest) -> str:
    unmapped = sorted(set(request.chosen or ()) - service.in_force().companies.keys())
    if unmapped:
        what = f"Company {unmapped[0]} is in no mapping file."
        raise Refused(404, "company-unmapped", what, "Correct the number, or map the company; see: trueup map check.")
    return service.press(request.chosen, "sync now", request.dry)


@guarded.get("/runs", response_model=list[shapes.Run])
async def runs(asked: Annotated[shapes.RunsQuery, Query()], at: At) -> Told:
    """The newest runs."""
    return Told([values.of_run(run) for run in await run_in_threadpool(at.store.runs, asked.limit)])


@guarded.get("/runs/{run}", response_model=shapes.RunWithEntries)
async def one_run(run: RunId, asked: Annotated[shapes.RunQuery, Query()], at: At) -> Told:
    """One run with its writes, now or when it has ended."""
    await _ended(at.service, run, asked.wait)
    known = await run_in_threadpool(at.store.run, run)
    if known is None:
        raise Refused(404, "run-unknown", "There is no such run.", "GET /runs lists the newest.")
    entries = await run_in_threadpool(at.store.entries, run, _MOST_ENTRIES)
    return Told(values.of_run(known) | {"entries": [values.of_entry(entry) for entry in entries]})


async def _ended(service: Service, run: str, seconds: int) -> None:
    """Until the run has ended, or the time is over. No thread waits: forty that did would block everybody else."""
    for _ in range(int(seconds / _LOOK)):
        if service.ended(run):
            return
        await asyncio.sleep(_LOOK)


@guarded.get("/plan", response_model=list[shapes.Plan])
async def plan(asked: Annotated[shapes.CompanyQuery, Query()], at: At) -> Told:
    """The latest plan of each company: its changes and the exact requests that they need."""
    return Told(await run_in_threadpool(at.store.plan, asked.company))


@guarded.get("/findings", response_model=list[shapes.Finding])
async def findings(asked: Annotated[shapes.FindingsQuery, Query()], at: At) -> Told:
    """The open mismatches."""
    known = await run_in_threadpool(at.store.findings, asked.company)
    return Told([values.of_finding(one) for one in known if asked.code in (None, one.finding.code)])


@guarded.get("/findings/closed", response_model=list[shapes.ClosedFinding])
async def closed_findings(asked: Annotated[shapes.ClosedQuery, Query()], at: At) -> Told:
    """Those that were closed in the last days, the newest first, each with the reason."""
    since = at.service.cycle.clock.now() - timedelta(days=asked.days)
    known = await run_in_threadpool(at.store.closed_findings, since, asked.company)
    return Told([values.of_closed(one) for one in known if asked.code in (None, one.finding.code)])


@guarded.get("/holds", response_model=list[shapes.Hold])
async def holds(asked: Annotated[shapes.CompanyQuery, Query()], at: At) -> Told:
    """The changes that wait for a person, and those decided that wait for the next cycle."""
    return Told([values.of_hold(hold) for hold in await run_in_threadpool(at.store.holds, asked.company)])


@guarded.post("/holds/{digest}/{verdict}", response_model=list[shapes.Hold])
async def decide(digest: Digest, verdict: Verdict, decision: shapes.Decision, at: At) -> Told:
    """Approve or reject a hold by its digest, or by a run's id all that were undecided when the run ended.

    The next run of the company acts on it. An approval expires; it is void once the plan has another digest.
    """
    decided = await run_in_threadpool(_decide, at, digest, verdict, decision)
    if not decided:
        remedy = "GET /holds lists what waits; a plan that has changed since has another digest."
        raise Refused(404, "hold-unknown", "No hold, or more than one, goes by this digest.", remedy)
    return Told(decided)


def _decide(at: Backing, digest: str, verdict: str, decision: shapes.Decision) -> list[Values]:
    now = at.service.cycle.clock.now()
    said, until = ("approved", now + at.approval_expires) if verdict == "approve" else ("rejected", None)
    return [values.of_hold(hold) for hold in at.store.decide(digest, said, verbs.by(decision), now, until)]


@guarded.get("/kept", response_model=list[shapes.KeptLine])
async def kept(asked: Annotated[shapes.CompanyQuery, Query()], at: At) -> Told:
    """The lines that people keep as they are, and those that they have released."""
    return Told(await run_in_threadpool(verbs.kept_lines, at.service, asked.company))


@guarded.post("/lines/{line}/{verb}", response_model=shapes.LineTold)
async def hold_line(line: LineId, verb: LineVerb, decision: shapes.Decision, at: At) -> Told:
    """Keep a line of ours as it is, take it back for its row, or release it to people, by its number in the PSA."""
    return Told(await run_in_threadpool(verbs.hold_line, at.service, line, verb, decision))


@guarded.post("/undo", response_model=shapes.Undoing)
async def undo(asked: shapes.UndoRequest, at: At) -> Told:
    """What would take a run back; with the digest of what was shown, the run that writes it."""
    return Told(await run_in_threadpool(verbs.undo, at.service, asked, at.approval_expires))


@guarded.get("/ledger", response_model=list[ledger_shapes.Gap])
async def ledger(asked: Annotated[ledger_shapes.LedgerQuery, Query()], at: At) -> Told:
    """What was billed otherwise than it should have been, and what became of that money."""
    return Told(await run_in_threadpool(verbs.gaps, at.service, asked.company, asked.open))


@guarded.get("/ledger/{gap}", response_model=ledger_shapes.GapWithEvidence)
async def one_gap(gap: GapId, at: At) -> Told:
    """One gap with its arithmetic, its decisions and what proves it."""
    return Told(await run_in_threadpool(verbs.gap, at.service, gap))


@guarded.post("/ledger/{gap}/decision", response_model=ledger_shapes.GapWithEvidence)
async def settle(gap: GapId, asked: ledger_shapes.SettleRequest, at: At) -> Told:
    """Bill back (or credit), waive or correct what is open of a gap, or take the last such decision back."""
    return Told(await run_in_threadpool(verbs.settle, at.service, gap, asked))


@guarded.get("/explain", response_model=list[shapes.Explanation])
async def explain(asked: Annotated[shapes.ExplainQuery, Query()], at: At) -> Told:
    """How the numbers of a company's lines came about, from the read of the tenant to the invoice, on any day."""
    day = date.fromisoformat(asked.on) if asked.on else None
    try:
        return Told(await run_in_threadpool(views.explained, at.service, asked.company, asked.licence, day, asked.run))
    except NothingThen as error:
        raise Refused(404, "time-unknown", f"{error}.", f"{error.remedy}.") from error


_PAGE: dict[int | str, dict[str, Any]] = {200: {"content": {"text/html": {"schema": {"type": "string"}}}}}


@guarded.get("/report", response_model=report_shapes.Report, responses=_PAGE)
async def report(asked: Annotated[report_shapes.ReportQuery, Query()], request: Request, at: At) -> Response:
    """The month-end report of a company or of all: leaks and refunds, what was corrected, what waits, the trend."""
    accept = request.headers.get("accept", "")
    return await run_in_threadpool(papers.report, at.service, at.settings, asked, accept)


@guarded.get("/evidence", response_model=report_shapes.EvidencePack, responses=_PAGE)
async def evidence(asked: Annotated[report_shapes.EvidenceQuery, Query()], request: Request, at: At) -> Response:
    """What proves a company's month: users, derivations, changes, invoices, and the hashes of what was read."""
    accept = request.headers.get("accept", "")
    return await run_in_threadpool(papers.proof, at.service, at.settings, asked, accept)


@guarded.get("/journal", response_model=list[shapes.Record])
async def journal(asked: Annotated[shapes.JournalQuery, Query()], at: At) -> Told:
    """The newest records of the journal."""
    return Told([values.of_record(record) for record in await run_in_threadpool(at.store.journal, asked.limit)])


@guarded.get("/status", response_model=shapes.Status)
async def status(at: At) -> Told:
    """How it stands, in one look."""
    return Told(await run_in_threadpool(views.status_of, at.service))


@guarded.get("/metrics", response_class=Response, responses={200: {"content": {CONTENT_TYPE_LATEST: {}}}})
async def metrics(at: At) -> Response:
    """For Prometheus; ids and codes only."""
    return Response(await run_in_threadpool(at.metrics.text), media_type=CONTENT_TYPE_LATEST)


@free.get("/livez", response_model=shapes.Alive)
async def livez() -> Told:
    """The event loop turns."""
    return Told({"alive": True})


@free.get("/readyz", response_model=shapes.Ready, responses={503: {"model": shapes.Ready}})
async def readyz(at: At) -> Told:
    """Whether runs can be carried out: the store answers, there are mappings, nothing has crashed or is stopping."""
    lacking = await run_in_threadpool(lambda: list(views.missing(at.service)))
    return Told({"ready": not lacking, "missing": lacking}, 503 if lacking else 200)


def application(service: Service, settings: Settings) -> FastAPI:
    app = FastAPI(
        title="Trueup",
        version=__version__,
        description="The local HTTP interface of the Trueup daemon.",
        docs_url=None,  # its page would load scripts from other machines
        redoc_url=None,
        redirect_slashes=False,
        generate_unique_id_function=lambda route: route.name,
    )
    app.state.backing = Backing(service, Metrics(service), settings)
    app.include_router(guarded)
    app.include_router(free)
    tell_problems(app)
    return app
