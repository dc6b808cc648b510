"""What Prometheus is told: ids and codes only, never a name. Read from the store at each scrape.

A series that an alert rests on never vanishes: what has not happened yet happened at 0, which is very long ago, and
what does not wait has waited for 0 seconds.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from threading import Lock
from typing import TypeVar

from prometheus_client import CollectorRegistry, PlatformCollector, ProcessCollector, generate_latest
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from agent import __version__
from agent.domain.counts import MICROSOFT, Account
from agent.domain.findings import Code, Severity
from agent.domain.mappings import Mappings
from agent.engine.service import Service
from agent.faces.api.views import in_force
from agent.ports import Entry, EntryState, Hold, OpenFinding, RunSummary

_RUNS = 200  # the newest, in which the last good run of each company is looked for
_ENDS = ("done", "failed")
_OUTCOMES = ("confirmed", "refused", "unknown")

Labels = TypeVar("Labels", bound=tuple[str, ...])


class Metrics:
    """The text of GET /metrics, from a registry of our own: no other library's metrics get in."""

    def __init__(self, service: Service) -> None:
        self._registry = CollectorRegistry()
        self._registry.register(_Agent(service))
        ProcessCollector(registry=self._registry)
        PlatformCollector(registry=self._registry)

    def text(self) -> bytes:
        return generate_latest(self._registry)


class _Agent(Collector):
    def __init__(self, service: Service) -> None:
        self._service = service
        self._ended = _Ended(service.cycle.store.runs(_RUNS))

    def describe(self) -> Iterable[Metric]:
        """Nothing: without this the registry would collect to learn the names."""
        return []

    def collect(self) -> Iterator[Metric]:
        service, store, now = self._service, self._service.cycle.store, self._service.cycle.clock.now()
        runs, mappings = store.runs(_RUNS), in_force(service)
        problems = len(service.mapping_problems())
        yield _gauge("build_info", "Always 1; the version is in the label.", {(__version__,): 1}, "version")
        yield _gauge("companies", "Companies in the mapping files in force.", {(): len(mappings.companies)})
        yield _gauge("mapping_problems", "What keeps changed mapping files from coming into force.", {(): problems})
        yield from _of_runs(runs, mappings, now)
        yield from self._ended.told(runs)
        yield from _of_reads(store.snapshot_age(), mappings)
        yield from _of_open_writes(store.entry_open(), now)
        yield from _of_holds(store.holds(), now)
        yield from _of_findings(store.findings())
        yield _of_clocks((MICROSOFT, service.cycle.psa.traits.name), service.offsets())
        yield _gauge("store_bytes", "What the store takes on its disk.", {(): store.size()})
        newest = store.journal(1)
        yield _gauge(
            "journal_records", "Records of the journal; their number only grows.", {(): newest[0].seq if newest else 0}
        )


class _Ended:
    """Runs and writes counted as their runs end, from the start of this process on."""

    def __init__(self, before: Sequence[RunSummary]) -> None:
        self._known = {run.id for run in before if run.ended}
        self._runs, self._writes = Counter(dict.fromkeys(_ENDS, 0)), Counter(dict.fromkeys(_OUTCOMES, 0))
        self._lock = Lock()

    def told(self, runs: Sequence[RunSummary]) -> Iterator[Metric]:
        with self._lock:
            ended = {run.id: run for run in runs if run.ended}
            for run in (run for id_, run in ended.items() if id_ not in self._known):
                self._runs[run.state] += 1
                self._writes.update({outcome: getattr(run, outcome) for outcome in _OUTCOMES})
            self._known = set(ended)  # and not all of them for ever: older runs are not listed again
            runs_of, writes_of = dict(self._runs), dict(self._writes)
        yield _counter("runs", "Runs that ended, by state.", runs_of, "state")
        yield _counter("writes", "Writes to the PSA when their run ended, by outcome.", writes_of, "outcome")


def _of_runs(runs: Sequence[RunSummary], mappings: Mappings, now: datetime) -> Iterator[Metric]:
    good = [run for run in runs if run.state == "done" and not run.dry and run.ended]
    # The store lists the newest first: it is put in last, and stays.
    last = {company: run for run in reversed(good) for company in run.companies}
    begun = [run.started for run in runs if run.state == "running"]
    yield _gauge("running_runs", "Runs that are running or waiting.", {(): len(begun)})
    yield _gauge(
        "running_run_oldest_seconds", "How long ago the oldest of them was asked for.", {(): _oldest(begun, now)}
    )
    newest = max((_ended_at(run) for run in good), default=0)
    yield _gauge("success_timestamp_seconds", "When the last good run ended, dry runs aside.", {(): newest})
    says = "When the last good run over the company ended, dry runs aside."
    ends = {(str(company),): _ended_at(last.get(company)) for company in mappings.companies}
    yield _gauge("company_success_timestamp_seconds", says, ends, "company")


def _ended_at(run: RunSummary | None) -> float:
    return run.ended.timestamp() if run and run.ended else 0


def _of_reads(read: Mapping[Account, datetime], mappings: Mappings) -> Iterator[Metric]:
    """Of what is mapped: an account that is mapped no more would age for ever."""
    mapped = [Account.parse(ref) for ref in mappings.companies_by_account]
    ages = {account: read[account].timestamp() if account in read else 0 for account in mapped}
    tenants = {(account.id,): at for account, at in ages.items() if account.source == MICROSOFT}
    yield _gauge("tenant_read_timestamp_seconds", "When the tenant was last read whole.", tenants, "tenant")
    others = {(account.source, account.id): at for account, at in ages.items() if account.source != MICROSOFT}
    says = "When the account of another source was last read whole."
    yield _gauge("account_read_timestamp_seconds", says, others, "source", "account")


def _of_open_writes(entries: Sequence[Entry], now: datetime) -> Iterator[Metric]:
    states = Counter(entry.state for entry in entries)
    counts = {(state.value,): states[state] for state in (EntryState.INTENT, EntryState.UNKNOWN)}
    yield _gauge("open_writes", "Writes whose outcome is not known yet.", counts, "state")
    age = _oldest((entry.at for entry in entries), now)
    yield _gauge("open_write_oldest_seconds", "How long the oldest of them has been open.", {(): age})


def _of_clocks(services: Iterable[str], offsets: Mapping[str, float]) -> Metric:
    """Of a service that has not answered yet nothing is known, and no alert is to come of that."""
    seconds = {(service,): offsets.get(service, 0.0) for service in services}
    return _gauge("clock_offset_seconds", "How far the service's clock is ahead of ours.", seconds, "service")


def _of_holds(holds: Sequence[Hold], now: datetime) -> Iterator[Metric]:
    waiting = [hold.since for hold in holds if hold.state == "open"]
    yield _gauge("holds", "Changes that wait for a person.", {(): len(waiting)})
    amounts: dict[tuple[str], float] = {}
    for money in (hold.monthly for hold in holds if hold.state == "open" and hold.monthly is not None):
        amounts[money.currency,] = amounts.get((money.currency,), 0) + float(abs(money.amount))
    yield _gauge("holds_monthly_amount", "What they move a month, up or down.", amounts, "currency")
    yield _gauge("hold_oldest_seconds", "How long the oldest of them has waited.", {(): _oldest(waiting, now)})


def _of_findings(known: Sequence[OpenFinding]) -> Iterator[Metric]:
    codes = Counter(open_.finding.code for open_ in known)
    yield _gauge("findings", "Open findings.", {(code.value,): codes[code] for code in Code}, "code")
    grave = Counter(open_.finding.severity for open_ in known)
    says = "The same by severity."
    yield _gauge("findings_by_severity", says, {(one.value,): grave[one] for one in Severity}, "severity")
    amounts: dict[tuple[str, ...], float] = {}
    for finding in (open_.finding for open_ in known):
        if finding.money is not None:
            # Prometheus knows floats only, and nobody bills from it.
            labels = (finding.code.value, finding.money.currency)
            amounts[labels] = amounts.get(labels, 0) + float(finding.money.amount)
    says = "Money a month in open findings: positive is not billed, negative is billed too much."
    yield _gauge("findings_monthly_amount", says, amounts, "code", "currency")


def _oldest(instants: Iterable[datetime], now: datetime) -> float:
    return max(((now - at).total_seconds() for at in instants), default=0)


def _gauge(name: str, says: str, samples: Mapping[Labels, float], *labels: str) -> Metric:
    family = GaugeMetricFamily(f"trueup_{name}", says, labels=labels)
    for values, value in samples.items():
        family.add_metric(values, value)
    return family


def _counter(name: str, says: str, counts: Mapping[str, int], label: str) -> Metric:
    family = CounterMetricFamily(f"trueup_{name}", says, labels=[label])
    for value, count in counts.items():
        family.add_metric([value], count)
    return family
