"""What Prometheus is told."""

from __future__ import annotations

from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from agent.domain.findings import Code
from agent.faces.api.metrics import Metrics
from agent.simulators.companies import STORIES
from tests.faces.daemon import Daemon, assembled
from tests.faces.test_api import synced

Samples = dict[tuple[str, ...], float]


def scraped(daemon: Daemon) -> dict[str, Samples]:
    """Name -> values of the labels -> value."""
    found: dict[str, Samples] = {}
    text = daemon.ask("GET", "/metrics").body.decode()
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            found.setdefault(sample.name, {})[tuple(sample.labels.values())] = sample.value
    return found


def test_no_name_is_told(daemon: Daemon) -> None:
    """Metrics end up in systems with other readers: ids and codes say enough."""
    text = daemon.ask("GET", "/metrics").body.decode().casefold()
    names = [story.name for story in STORIES] + [story.domain for story in STORIES]

    assert "trueup_companies 12.0" in text
    assert [name for name in names if name.casefold() in text] == []


def test_every_series_is_there_before_anything_happened(daemon: Daemon) -> None:
    """An alert on a series that is missing never fires: what never happened is 0."""
    metrics = scraped(daemon)

    assert set(metrics["trueup_findings"]) == {(code.value,) for code in Code}
    assert set(metrics["trueup_company_success_timestamp_seconds"]) == {(str(company),) for company in range(201, 213)}
    assert set(metrics["trueup_open_writes"]) == {("intent",), ("unknown",)}
    assert set(metrics["trueup_writes_total"]) == {("confirmed",), ("refused",), ("unknown",)}


def test_tenant_that_was_never_read_is_infinitely_old(daemon: Daemon) -> None:
    """One tenant of the simulated MSP has given no consent."""
    read = scraped(daemon)["trueup_tenant_read_timestamp_seconds"]

    assert len(read) == len({story.tenant for story in STORIES})
    assert sorted(read.values())[:2] == [0, pytest.approx(max(read.values()), abs=600)]


def test_good_run_is_a_success(daemon: Daemon) -> None:
    """It moves the time of the company's last success."""
    before = scraped(daemon)["trueup_company_success_timestamp_seconds"]
    run = synced(daemon, 207)
    after = scraped(daemon)["trueup_company_success_timestamp_seconds"]

    assert run["state"] == "done"
    assert after["207",] > before["207",]


def test_runs_are_counted_once(tmp_path: Path) -> None:
    """As they end, from the start of the process on: a scrape more or less changes nothing."""
    with assembled(tmp_path) as (engine, service):
        store, now = engine.store, engine.clock.now()
        store.seal_run(store.open_run("of before", [202], False, now), "done", now)
        metrics = Metrics(service)
        counts = [_ended(metrics)]
        run = store.open_run("test", [202], False, now)
        counts.append(_ended(metrics))
        store.seal_run(run, "failed", now, "the PSA is away")
        counts += [_ended(metrics), _ended(metrics)]

    assert counts == [{"done": 0, "failed": 0}, {"done": 0, "failed": 0}] + [{"done": 0, "failed": 1}] * 2


def _ended(metrics: Metrics) -> dict[str, float]:
    families = {family.name: family for family in text_string_to_metric_families(metrics.text().decode())}
    return {sample.labels["state"]: sample.value for sample in families["trueup_runs"].samples}


def test_holds_and_findings_are_those_of_the_store(daemon: Daemon) -> None:
    """The sums agree with the lists."""
    daemon.settled()
    metrics, store = scraped(daemon), daemon.engine.store
    waiting = [hold for hold in store.holds() if hold.state == "open"]
    losses = [f.finding.money for f in store.findings() if f.finding.code is Code.UNDER_BILLED and f.finding.money]

    assert metrics["trueup_holds"][()] == len(waiting) > 0
    assert metrics["trueup_hold_oldest_seconds"][()] > 0
    assert sum(metrics["trueup_findings"].values()) == len(store.findings())
    assert metrics["trueup_findings_monthly_amount"]["under-billed", "USD"] == pytest.approx(
        sum(money.amount.__float__() for money in losses)
    )


def test_clock_is_compared_with_both_sides(daemon: Daemon) -> None:
    """Before anything was read there is no difference; then each service's Date says that it is the same machine."""
    assert scraped(daemon)["trueup_clock_offset_seconds"].keys() == {("microsoft",), ("connectwise",)}
    synced(daemon, 207)
    assert all(abs(seconds) < 60 for seconds in scraped(daemon)["trueup_clock_offset_seconds"].values())


def test_store_has_a_size(daemon: Daemon) -> None:
    """At least one page of each of its tables."""
    assert scraped(daemon)["trueup_store_bytes"][()] > 100_000
