"""GET /report and GET /evidence of a whole daemon: the commands' values and pages, and who gets which."""

from __future__ import annotations

import base64
import hashlib
import re
from datetime import UTC, datetime, timedelta

import pytest

from agent.faces.api import report_shapes
from tests.faces.daemon import Answer, Daemon

KESTREL = 211


def page(answer: Answer) -> str:
    assert (answer.status, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    return answer.body.decode()


def test_report_is_about_all_companies_or_one(daemon: Daemon) -> None:
    """Kestrel's report has Kestrel's differences, and all of the fleet's report has them too."""
    fleet, one = daemon.get("/report"), daemon.get(f"/report?company={KESTREL}&since=2026-01-01")
    report_shapes.Report.model_validate(fleet)
    assert {d["company"] for d in one["differences"]} == {"Kestrel Ridge Farms (211)"}
    sentences = {d["sentence"] for d in fleet["differences"]}
    assert {d["sentence"] for d in one["differences"]} < sentences


def test_report_bears_the_head_of_the_journal(daemon: Daemon) -> None:
    """In JSON and on the page: what is printed proves later that nothing before it was changed."""
    daemon.settled()
    head = daemon.get("/report")["journal_head"]
    assert head["hash"] == daemon.get("/journal?limit=1")[0]["hash"]
    assert head["hash"] in page(daemon.ask("GET", "/report?format=html"))


def test_evidence_of_a_month_names_people_and_hashes(daemon: Daemon) -> None:
    """The present month's, with the readings' SHA-256."""
    pack = daemon.get(f"/evidence?company={KESTREL}&month={datetime.now(UTC):%Y-%m}")
    report_shapes.EvidencePack.model_validate(pack)
    assert (pack["company"], pack["name"]) == (KESTREL, "Kestrel Ridge Farms")
    assert all(re.fullmatch("[0-9a-f]{64}", reading["sha256"]) for reading in pack["readings"])
    assert pack["lines"][0]["people"]


@pytest.mark.parametrize("path", ["/report", f"/evidence?company={KESTREL}"])
@pytest.mark.parametrize(
    ("accept", "html"),
    [
        ("text/html,application/xhtml+xml;q=0.9,*/*;q=0.8", True),
        ("application/json", False),
        ("*/*", False),
        ("text/html;q=0.5, application/json", False),
        ("application/json;q=0.1, Text/HTML", True),
        ("text/html;q=x", False),
        ("", False),
    ],
)
def test_accept_decides_where_the_address_does_not(daemon: Daemon, path: str, accept: str, html: bool) -> None:
    """JSON, unless a page is wanted more; and caches are told that it depends."""
    answer = daemon.ask("GET", path, Accept=accept)
    assert answer.headers["content-type"].startswith("text/html" if html else "application/json")
    assert answer.headers["vary"] == "accept"


def test_address_stands_before_accept(daemon: Daemon) -> None:
    """`format=json` is JSON whatever a browser would like."""
    assert daemon.ask("GET", "/report?format=json", Accept="text/html").json()["title"]


def test_page_may_have_its_own_style_and_no_other(daemon: Daemon) -> None:
    """The policy names the style sheet by its hash: nothing that a name brings along could be one."""
    answer = daemon.ask("GET", "/report?format=html")
    [style] = re.findall("<style>(.*?)</style>", page(answer), re.S)
    hashed = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"style-src 'sha256-{hashed}'" in answer.headers["content-security-policy"]
    assert "unsafe-inline" not in answer.headers["content-security-policy"] + page(answer)


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/report?company=999", 404, "company-unmapped"),
        ("/evidence?company=999", 404, "company-unmapped"),
        (f"/evidence?company={KESTREL}&month=2099-01", 404, "time-unknown"),
    ],
)
def test_what_nothing_is_known_of_is_refused(daemon: Daemon, path: str, status: int, code: str) -> None:
    """With what to do about it."""
    answer = daemon.ask("GET", path)
    assert (answer.status, answer.code) == (status, code)


@pytest.mark.parametrize(
    "path", ["/evidence", "/evidence?company=211&month=2026-13", "/report?since=yesterday", "/report?format=pdf"]
)
def test_question_that_makes_no_sense_is_refused(daemon: Daemon, path: str) -> None:
    """A company is needed, a month has a number, and there are two formats."""
    assert daemon.ask("GET", path).status == 422


def test_a_month_before_everything_has_an_empty_pack(daemon: Daemon) -> None:
    """Nothing was read then, and that is what is told."""
    year = (datetime.now(UTC) - timedelta(days=4000)).year
    pack = daemon.get(f"/evidence?company={KESTREL}&month={year}-02")
    assert pack["readings"] == []
