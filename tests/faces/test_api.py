"""What the local HTTP interface tells and does, asked over the wire of a whole daemon."""

from __future__ import annotations

import asyncio
import json
import os
import sqlite3
from collections.abc import Callable, Iterator, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from pydantic import BaseModel

from agent import __version__
from agent.domain.findings import Code, Finding, Over, Severity
from agent.faces.api import shapes
from agent.faces.api.problems import tell_problems
from agent.ports import Store
from agent.reports import values
from tests.faces.daemon import QUICK, Answer, Daemon, assembled, serving, wait_for

SPB = "cbdc14ab-d96c-4c30-b9f4-6ada7cdc1d46"
PRESSES = int(os.environ.get("TRUEUP_PRESSES", "1000"))  # `make soak` presses ten thousand times


def synced(daemon: Daemon, company: int, dry: bool = False) -> Any:
    """Press *sync now* and wait: the run with its writes."""
    pressed = daemon.ask("POST", "/sync", {"company": company, "dry": dry})
    assert pressed.status == 202
    return daemon.get(f"/runs/{pressed.json()['run']}?wait=30")


@contextmanager
def occupied(daemon: Daemon, company: int) -> Iterator[None]:
    """Somebody works on the company: a run that wants it waits for its turn."""
    daemon.settled()
    daemon.engine.cycle.turns.take(company, "another run")
    try:
        yield
    finally:
        daemon.engine.cycle.turns.end(company, "another run")
        daemon.settled()


@pytest.mark.parametrize(
    ("path", "shape", "known"),
    [
        ("/runs", shapes.Run, lambda store: list(map(values.of_run, store.runs()))),
        ("/runs?limit=1", shapes.Run, lambda store: list(map(values.of_run, store.runs(1)))),
        ("/plan", shapes.Plan, lambda store: store.plan()),
        ("/plan?company=206", shapes.Plan, lambda store: store.plan(206)),
        ("/findings", shapes.Finding, lambda store: list(map(values.of_finding, store.findings()))),
        (
            "/findings?company=212",
            shapes.Finding,
            lambda store: list(map(values.of_finding, store.findings(212))),
        ),
        ("/holds", shapes.Hold, lambda store: list(map(values.of_hold, store.holds()))),
        ("/journal", shapes.Record, lambda store: list(map(values.of_record, store.journal()))),
    ],
)
def test_everything_known_is_told(
    daemon: Daemon, path: str, shape: type[BaseModel], known: Callable[[Store], object]
) -> None:
    """The same values that `--json` prints, in the shape that the description promises."""
    wait_for(lambda: daemon.get(path) == json.loads(json.dumps(known(daemon.engine.store))))
    told = daemon.get(path)

    assert told
    assert [shape.model_validate(one) for one in told]


def test_findings_by_code(daemon: Daemon) -> None:
    """The worst first is the caller's choice: a code picks its own."""
    codes = {finding["code"] for finding in daemon.get("/findings?code=under-billed")}

    assert codes == {"under-billed"}


def test_closed_findings_say_why(daemon: Daemon) -> None:
    """The same values as `trueup findings --closed --json`, in the shape that the description promises."""
    store, now = daemon.engine.store, daemon.engine.clock.now()
    store.note("test", [Finding(Code.DISK_FULL, Severity.ERROR, None, "test", "no room", "make some")], now)
    store.note("test", [], now)

    told = [one for one in daemon.get("/findings/closed?days=1&code=disk-full") if one["subject"] == "test"]

    assert [shapes.ClosedFinding.model_validate(one).because for one in told] == [Over.NOT_SEEN]
    assert daemon.get("/findings/closed?company=212&code=disk-full") == []


@pytest.mark.parametrize("word", [SPB, SPB.upper(), "SPB", "microsoft 365 business premium", "M365-BP"])
def test_explanation_of_a_licence_by_any_of_its_names(daemon: Daemon, word: str) -> None:
    """Id, part number, name or product: people have any of them at hand."""
    [line] = daemon.get(f"/explain?company=202&licence={word.replace(' ', '%20')}")

    assert SPB in line["key"]
    assert {step["rule"]: step["value"] for step in line["steps"]}["billed"] == "13"


def test_explanation_has_the_shape_that_is_promised(daemon: Daemon) -> None:
    """Of every line of a company, with or without a day; each item's amount is units x price x share."""
    wait_for(lambda: daemon.get("/explain?company=203"))
    today = daemon.get("/explain?company=203")[0]["day"]
    for path in ("/explain?company=203", f"/explain?company=203&on={today}"):
        lines = [shapes.Explanation.model_validate(line) for line in daemon.get(path)]
        assert lines
        assert all(invoice.total is not None for line in lines for invoice in line.invoices)


@pytest.mark.parametrize(
    ("asked", "status", "code"),
    [
        ("on=2999-01-01", 404, "time-unknown"),
        ("run=20200101-000000-abcdef", 404, "time-unknown"),
        ("on=2026-02-30", 422, "invalid"),
    ],
)
def test_explanation_of_a_time_that_is_not_known(daemon: Daemon, asked: str, status: int, code: str) -> None:
    """The future, a run that never was, a day that no calendar has."""
    answer = daemon.ask("GET", f"/explain?company=203&{asked}")

    assert (answer.status, answer.code) == (status, code)


def test_explanation_of_what_is_not_billed_is_empty(daemon: Daemon) -> None:
    """No line counts it, so there is nothing to derive."""
    assert daemon.get("/explain?company=202&licence=SPE_E5") == []


def test_sync_of_one_company(daemon: Daemon) -> None:
    """The answer names a run, and the run tells how it ended."""
    run = synced(daemon, 202)

    assert (run["state"], run["companies"], run["reason"], run["dry"]) == ("done", [202], "sync now", False)


def test_question_about_a_run_waits_for_its_end(daemon: Daemon) -> None:
    """Asked with patience, the interface answers when the run has ended; asked without, at once."""
    with occupied(daemon, 202):
        run = daemon.ask("POST", "/sync", {"company": 202}).json()["run"]
        assert daemon.get(f"/runs/{run}")["state"] == "running"
        with ThreadPoolExecutor(1) as another:
            answer = another.submit(daemon.get, f"/runs/{run}?wait=30")
            assert daemon.get("/livez") == {"alive": True}
            assert not answer.done()
            daemon.engine.cycle.turns.end(202, "another run")
            assert answer.result()["state"] == "done"


def test_question_about_a_run_waits_no_longer_than_asked(daemon: Daemon) -> None:
    """A run that goes on is told as it is when the time is over."""
    with occupied(daemon, 202):
        run = daemon.ask("POST", "/sync", {"company": 202}).json()["run"]
        assert daemon.get(f"/runs/{run}?wait=1")["state"] == "running"


def test_sync_of_several_and_of_all(daemon: Daemon) -> None:
    """`companies` names several, nothing names all."""
    several = daemon.ask("POST", "/sync", {"companies": [203, 202, 203], "dry": True}).json()["run"]
    everyone = daemon.ask("POST", "/sync", {"company": None, "dry": True}).json()["run"]
    daemon.settled()

    assert daemon.get(f"/runs/{several}")["companies"] == [202, 203]
    assert daemon.get(f"/runs/{everyone}")["companies"] == list(range(201, 213))


def test_approved_hold_is_written_by_the_next_run(daemon: Daemon) -> None:
    """From the hold over the approval to a confirmed write; a dry run in between writes nothing."""
    [hold] = daemon.get("/holds?company=203")
    approved = daemon.ask("POST", f"/holds/{hold['digest']}/approve", {"who": "anna", "reason": "asked the tenant"})
    dry = synced(daemon, 203, dry=True)
    run = synced(daemon, 203)

    assert [one["state"] for one in approved.json()] == ["approved"]
    assert dry["entries"] == []
    assert {entry["state"] for entry in run["entries"]} == {"confirmed"}
    assert run["confirmed"] == len(run["entries"]) > 0
    assert run["entries"] == [values.of_entry(entry) for entry in daemon.engine.store.entries(run["id"])]
    assert shapes.RunWithEntries.model_validate(run)
    assert "anna: asked the tenant" in json.dumps(daemon.get("/journal"))


def test_rejected_hold_stays_rejected(daemon: Daemon) -> None:
    """A no needs no repeating: the same change is not asked about again."""
    [hold] = daemon.get("/holds?company=205")
    daemon.ask("POST", f"/holds/{hold['digest']}/reject", {"who": "anna"})
    synced(daemon, 205)

    assert [one["state"] for one in daemon.get("/holds?company=205")] == ["rejected"]


@pytest.mark.parametrize(
    ("path", "body", "status", "code"),
    [
        ("/sync", {"company": 999}, 404, "company-unmapped"),
        ("/sync", {"companies": [202, 999]}, 404, "company-unmapped"),
        ("/sync", {"company": 202, "companies": [203]}, 422, "invalid"),
        ("/sync", {"companies": []}, 422, "invalid"),
        ("/sync", {"company": "202"}, 422, "invalid"),
        ("/sync", {"company": True}, 422, "invalid"),
        ("/sync", {"company": 202.5}, 422, "invalid"),
        ("/sync", {"company": 2**63}, 422, "invalid"),
        ("/sync", {"company": -1}, 422, "invalid"),
        ("/sync", {"company": 202, "force": True}, 422, "invalid"),
        ("/sync", {"dry": "yes"}, 422, "invalid"),
        ("/sync", [202], 422, "invalid"),
        ("/sync", "all", 422, "invalid"),
        ("/holds/abcdef0123456789/approve", {"who": "anna"}, 404, "hold-unknown"),
        ("/holds/abc/approve", {"who": "anna"}, 422, "invalid"),
        ("/holds/..%2f..%2fsync/approve", {"who": "anna"}, 404, "not-found"),
        ("/holds/abcdef/delete", {"who": "anna"}, 422, "invalid"),
        ("/holds/abcdef/approve", {}, 422, "invalid"),
        ("/holds/abcdef/approve", {"who": ""}, 422, "invalid"),
        ("/holds/abcdef/approve", {"who": "anna\nbert"}, 422, "invalid"),
        ("/holds/abcdef/approve", {"who": "anna\u202ebert"}, 422, "invalid"),
        ("/holds/abcdef/approve", {"who": "\ud800"}, 422, "invalid"),
        ("/holds/abcdef/approve", {"who": "a" * 201}, 422, "invalid"),
        ("/holds/abcdef/approve", {"who": "anna", "reason": "\x00"}, 422, "invalid"),
        ("/plan", {}, 405, "method-not-allowed"),
    ],
)
def test_wish_that_makes_no_sense_is_refused(daemon: Daemon, path: str, body: object, status: int, code: str) -> None:
    """Nothing is guessed: not a number from a text, not one meaning of two, not a key nobody knows."""
    before = daemon.presses()
    answer = daemon.ask("POST", path, body)

    assert (answer.status, answer.code) == (status, code)
    assert daemon.presses() == before


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/runs/20260101-000000-abcdef", 404),
        ("/runs/%00", 422),
        ("/runs/20260101-000000-abcdef?wait=61", 422),
        ("/runs?limit=0", 422),
        ("/runs?limit=1e3", 422),
        ("/plan?compny=202", 422),
        ("/plan?company=202&company=203", 400),
        ("/plan?company=2_02", 422),
        ("/plan?company=%20202", 422),
        ("/plan?company=99999999999999999999", 422),
        ("/findings?code=nonsense", 422),
        ("/explain", 422),
        ("/journal?limit=-1", 422),
        ("/nothing", 404),
    ],
)
def test_question_that_makes_no_sense_is_refused(daemon: Daemon, path: str, status: int) -> None:
    """A misspelt filter would otherwise show everything and look like an answer."""
    answer = daemon.ask("GET", path)

    assert (answer.status, bool(answer.code)) == (status, True)


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"\xff\xfe", b"[" * 60_000, b'{"company":' + b"9" * 6000 + b"}", b'{"company":NaN}', b'{"dry":tru'],
    ids=lambda body: repr(body[:12]),
)
def test_body_that_is_no_json_is_refused(daemon: Daemon, body: bytes) -> None:
    """Broken, endlessly nested or absurdly long: told in our words, without a traceback."""
    head = f"POST /sync HTTP/1.1\r\nHost: localhost:{daemon.port}\r\nAuthorization: Bearer {daemon.token}\r\n"
    head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    answer = daemon.raw(head.encode() + body)

    assert answer is not None
    assert answer.status in (400, 422)
    assert answer.code
    assert b"Traceback" not in answer.body


def test_refusal_does_not_repeat_what_was_sent(daemon: Daemon) -> None:
    """It may be hostile text, or a secret in the wrong place."""
    answer = daemon.ask("POST", "/sync", {"company": "hunter2-hunter2"})

    assert b"hunter2" not in answer.body


def test_thousands_of_presses_are_two_runs(daemon: Daemon) -> None:
    """One runs, one waits, and the waiting one serves all who pressed meanwhile: what it reads is newer than they."""
    with occupied(daemon, 204), ThreadPoolExecutor(QUICK.connections) as callers:
        answers = list(callers.map(lambda _: daemon.ask("POST", "/sync", {"company": 204}), range(PRESSES)))
    pressed = {answer.json()["run"] for answer in answers}

    assert {answer.status for answer in answers} == {202}
    assert len(pressed) <= 2
    assert {daemon.get(f"/runs/{run}")["state"] for run in pressed} == {"done"}


def test_dry_press_does_not_ride_on_a_real_one(daemon: Daemon) -> None:
    """Who asked for a plan only must not get a run that writes, nor the other way round."""
    with occupied(daemon, 204):
        daemon.ask("POST", "/sync", {"company": 204})
        wet = daemon.ask("POST", "/sync", {"company": 204}).json()["run"]
        dry = daemon.ask("POST", "/sync", {"company": 204, "dry": True}).json()["run"]

    assert daemon.get(f"/runs/{wet}")["dry"] is False
    assert daemon.get(f"/runs/{dry}")["dry"] is True


def test_status_in_one_look(daemon: Daemon) -> None:
    """What runs, what waits, and how old what is known is."""

    def told_as_known() -> bool:
        store, status = daemon.engine.store, daemon.get("/status")
        return (status["busy"], status["holds"], sum(status["findings"].values()), status["last_run"]) == (
            False,
            sum(hold.state == "open" for hold in store.holds()),
            len(store.findings()),
            values.of_run(store.runs(1)[0]),
        )

    wait_for(told_as_known)
    status = daemon.get("/status")

    assert (status["version"], status["companies"], status["mapping_problems"]) == (__version__, 12, [])
    assert (status["unknown"], status["unknown_since"]) == (0, None)
    assert status["next_cycle"] > status["last_run"]["started"]


def test_hostile_name_is_told_as_it_is(daemon: Daemon) -> None:
    """Half a surrogate pair, a NUL, markup: the caller gets exactly what the tenant was called."""
    name = "\ud800 \x00 \u202e <script>alert(1)</script>"
    finding = Finding(Code.UNMAPPED_TENANT, Severity.WARNING, None, "tenant/x", name, "map it")
    daemon.engine.store.note("test", [finding], daemon.engine.clock.now())
    told = daemon.get("/findings?code=unmapped-tenant")
    daemon.engine.store.note("test", [], daemon.engine.clock.now())

    assert name in [one["sentence"] for one in told]


def test_probes_need_no_token(daemon: Daemon) -> None:
    """A service manager has none, and learns nothing but yes or no."""
    answers = [
        daemon.raw(b"GET %b HTTP/1.1\r\nHost: localhost:%d\r\n\r\n" % (path, daemon.port))
        for path in (b"/livez", b"/readyz")
    ]

    assert [answer and answer.json() for answer in answers] == [{"alive": True}, {"ready": True, "missing": []}]


def test_readiness_tells_what_is_missing(tmp_path: Path) -> None:
    """Broken mapping files, a store without its tables and a stopping service; alive all the same."""
    with assembled(tmp_path) as (engine, service), serving(engine, service, QUICK) as server:
        daemon = Daemon(engine, service, server, engine.settings.api_token.read().reveal())
        (engine.settings.agent.mappings / "profiles.toml").write_text("[[")
        forget_runs(engine.settings.agent.state / "trueup.db")
        service.stopped.set()
        ready, alive = daemon.ask("GET", "/readyz"), daemon.ask("GET", "/livez")
        failed = daemon.ask("GET", "/runs")

    assert (ready.status, ready.json()) == (503, {"ready": False, "missing": ["service", "store", "mappings"]})
    assert alive.status == 200
    assert (failed.status, failed.code) == (503, "store-failed")


def forget_runs(store: Path) -> None:
    with closing(sqlite3.connect(store, isolation_level=None)) as connection:
        connection.execute("PRAGMA foreign_keys = OFF")
        connection.execute("DROP TABLE run")


def test_mistake_of_ours_is_told_without_details() -> None:
    """No traceback and no message reaches the caller: both may hold names and numbers."""
    app, sent = FastAPI(), []
    tell_problems(app)

    @app.get("/")
    async def fails() -> None:
        raise ZeroDivisionError("the secret is 42")

    async def receive() -> MutableMapping[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "GET", "path": "/", "headers": [], "query_string": b"", "raw_path": b"/"}
    with pytest.raises(ZeroDivisionError):  # raised again for the server to log
        asyncio.run(app(scope, receive, send))
    answer = Answer(sent[0]["status"], {}, sent[1]["body"])

    assert (answer.status, answer.code) == (500, "crashed")
    assert b"42" not in answer.body
