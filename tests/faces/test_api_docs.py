"""docs/http-api.md knows what the interface knows."""

from __future__ import annotations

import re

import pytest
import yaml

from agent.domain.findings import Code
from agent.domain.news import PAGES
from tests.faces.daemon import Daemon
from tests.faces.test_api_described import OPERATIONS
from tests.house.source import REPOSITORY, modules

ALERTS = REPOSITORY / "docs" / "trueup-alerts.yml"
PAGE = (REPOSITORY / "docs" / "http-api.md").read_text()
# A refusal is made with its status and its code; the framework's and the store's stand in tables of two.
CODE = re.compile(r'(?:Refused|_answer)\(\s*\d{3}, "([a-z-]+)"|\d{3}: \("([a-z-]+)"|"(store-failed|unable)"')


@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_operation_is_explained(method: str, path: str) -> None:
    """Each has its row in the table of requests."""
    assert re.search(rf"^\| `{method} {re.escape(path)}[?`]", PAGE, re.M)


def test_every_code_is_explained() -> None:
    """Callers decide by codes; a row of the table of refusals says what each means."""
    source = "".join(module.text for module in modules("agent/faces/api"))
    known = {next(filter(None, found)) for found in CODE.findall(source)}
    told = set(re.findall(r"`([a-z-]+)`", "".join(re.findall(r"^\| \d{3} \|(.*?\|)", PAGE, re.M))))

    assert known == told


def test_every_metric_is_explained(daemon: Daemon) -> None:
    """People write their alerts by this table."""
    told = set(re.findall(r"^\| `(trueup_\w+)", PAGE, re.M))

    assert told == exported(daemon)


def exported(daemon: Daemon) -> set[str]:
    """The names of all families, also of those of which nothing is to be told just now."""
    return set(re.findall(r"^# HELP (trueup_\w+)", daemon.ask("GET", "/metrics").body.decode(), re.M))


def test_alerts_rest_on_what_is_exported(daemon: Daemon) -> None:
    """A misspelt metric or code alerts never, and nobody notices."""
    rules = [rule for group in yaml.safe_load(ALERTS.read_text())["groups"] for rule in group["rules"]]
    asked = " ".join(rule["expr"] for rule in rules)

    assert set(re.findall(r"trueup_\w+", asked)) <= exported(daemon)
    assert {code for found in re.findall(r'code=~?"([^"]+)"', asked) for code in found.split("|")} <= set(Code)
    assert len({rule["alert"] for rule in rules}) == len(rules) >= 20


def test_every_alert_says_how_loud_it_is_and_why() -> None:
    """Whoever is woken reads one sentence."""
    for group in yaml.safe_load(ALERTS.read_text())["groups"]:
        for rule in group["rules"]:
            assert rule["labels"]["severity"] in ("page", "ticket")
            assert rule["annotations"]["summary"]


def test_what_pages_by_itself_pages_by_prometheus_too() -> None:
    """The two ways agree on what cannot wait."""
    paged = " ".join(
        rule["expr"]
        for group in yaml.safe_load(ALERTS.read_text())["groups"]
        for rule in group["rules"]
        if rule["labels"]["severity"] == "page"
    )
    by_metric = {
        Code.CYCLE_OVERDUE: "trueup_success_timestamp_seconds",
        Code.WRITE_UNSETTLED: "trueup_open_write_oldest_seconds",
    }

    assert [code for code in PAGES if by_metric.get(code, f'code="{code}"') not in paged] == []
