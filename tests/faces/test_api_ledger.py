"""The ledger of the past over the local HTTP interface."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from agent.domain.findings import Apart, Code, Finding, Severity
from agent.domain.money import Money
from tests.contract.store_values import learnt
from tests.faces.daemon import Daemon

COMPANY = 9001  # in no mapping file: no cycle of the daemon closes what these tests wrote


@pytest.fixture(scope="module")
def gap(daemon: Daemon) -> str:
    """3 x 36.00 a month, from 60 days ago to 30 days ago."""
    now, store = datetime.now(UTC), daemon.engine.store
    apart = Apart("Microsoft 365 E3", 3, Money(Decimal("36.00"), "USD"), 3103, "M365-E3")
    told = Finding(Code.UNMAPPED_LICENCE, Severity.WARNING, COMPANY, "t/a", "a sentence", "a remedy", None, apart)
    run = store.open_run("test", [COMPANY], True, now)
    store.learn(run, learnt(company=COMPANY, findings=(told,)), now - timedelta(days=60))
    store.learn(run, learnt(company=COMPANY), now - timedelta(days=30))
    store.seal_run(run, "done", now)
    [found] = daemon.get(f"/ledger?company={COMPANY}")
    return f"/ledger/{found['id']}"


def test_gap_is_told_with_its_arithmetic(daemon: Daemon, gap: str) -> None:
    """The months add up to what was added, all of which is open."""
    found = daemon.get(gap)
    months = sum(Decimal(month["amount"]["amount"]) for month in found["months"])
    assert (found["state"], Decimal(found["sums"]["open"]["amount"])) == ("open", months)
    assert found["id"] in [one["id"] for one in daemon.get("/ledger?open=true")]


def test_decisions_are_recorded_and_taken_back(daemon: Daemon, gap: str) -> None:
    """In two phases; not twice; opened again; waived by somebody who may."""

    def decide(**asked: object) -> tuple[int, str]:
        answer = daemon.ask("POST", f"{gap}/decision", {"who": "ana", **asked})
        return answer.status, answer.json()["state"] if answer.status == 200 else answer.code

    assert decide(verb="bill", phases=2) == (200, "phased")
    assert decide(verb="bill") == (409, "gap-not-settled")
    assert decide(verb="reopen", reason="asked to") == (200, "open")
    assert decide(verb="waive", reason="goodwill") == (409, "gap-not-settled")
    assert decide(verb="waive", reason="goodwill", approver="R. Okafor") == (200, "waived")
    assert [one["verb"] for one in daemon.get(gap)["decisions"]] == ["bill", "reopen", "waive"]
    assert [one["stands"] for one in daemon.get(gap)["decisions"]] == [False, True, True]


def test_gap_that_is_not_there_is_told(daemon: Daemon) -> None:
    """Whatever is asked about it."""
    assert daemon.ask("GET", "/ledger/99999").code == "gap-unknown"
    asked = {"who": "ana", "verb": "bill"}
    assert daemon.ask("POST", "/ledger/99999/decision", asked).code == "gap-unknown"


def test_two_people_do_not_settle_one_gap_twice(daemon: Daemon) -> None:
    """The store refuses a decision by whoever has not seen the latest one."""
    store = daemon.engine.store
    last = store.settlements(COMPANY)[-1]
    assert store.settle(replace(last, id=0), last.id - 1, "x") is None
