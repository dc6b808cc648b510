"""What several reads are put together for: the status, readiness, an explanation."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta

from agent import __version__
from agent.domain.counts import MICROSOFT
from agent.domain.findings import Severity
from agent.domain.mappings import Mappings
from agent.engine.service import Service
from agent.errors import StoreFailed
from agent.faces.explaining import Memoirs, moment
from agent.mapping_files import MappingsInvalid
from agent.reports import values
from agent.reports.explanation import explanation_values
from agent.reports.values import Values


def in_force(service: Service) -> Mappings:
    """The mappings in force; none while the files have never been good, which `mapping_problems` tells."""
    try:
        return service.mappings()
    except MappingsInvalid:
        return Mappings({}, (), "")


def status_of(service: Service) -> Values:
    store = service.cycle.store
    entries, snapshots = store.entry_open(), store.snapshot_age()
    severities = Counter(known.finding.severity for known in store.findings())
    last, following = next(iter(store.runs(1)), None), service.next_cycle()
    unknown_since, oldest = min((e.at for e in entries), default=None), min(snapshots.values(), default=None)
    settle = timedelta(seconds=service.cycle.psa.traits.settle)
    settled_from = max((e.at + settle for e in entries), default=None)
    waiting = [hold.since for hold in store.holds() if hold.state == "open"]
    held_since, stale_from = min(waiting, default=None), service.cycle.clock.now() - service.cycle.policy.stale_after
    return {
        "version": __version__,
        "installation": store.installation,
        "companies": len(in_force(service).companies),
        "mapping_problems": [str(problem) for problem in service.mapping_problems()],
        "busy": service.busy,
        "next_cycle": following.isoformat() if following else None,
        "last_run": values.of_run(last) if last else None,
        "holds": len(waiting),
        "held_since": held_since.isoformat() if held_since else None,
        "unknown": len(entries),
        "unknown_since": unknown_since.isoformat() if unknown_since else None,
        "settled_from": settled_from.isoformat() if settled_from else None,
        "findings": {severity.value: severities[severity] for severity in Severity},
        "tenants": sum(account.source == MICROSOFT for account in snapshots),
        "oldest_snapshot": oldest.isoformat() if oldest else None,
        "stale": sorted(account.ref for account, at in snapshots.items() if at < stale_from),
    }


def missing(service: Service) -> Iterator[str]:
    """What keeps the service from working. Not Microsoft, nor the PSA: their failures are no reason to restart us."""
    if service.stopped.is_set() or service.crashed.is_set():
        yield "service"
    try:
        service.cycle.store.newest()
    except StoreFailed:
        yield "store"
    try:
        service.mappings()
    except MappingsInvalid:
        yield "mappings"


def explained(service: Service, company: int, licence: str, on: date | None, run: str | None) -> list[Values]:
    """Of a company's lines, or of those that count the licence: now, on a day or at the end of a run."""
    cycle = service.cycle
    when = moment(cycle.store, cycle.zone, cycle.clock.now(), on, run)
    memoirs = Memoirs(
        cycle.store, in_force(service), cycle.psa.traits, cycle.zone, cycle.policy.currency, company, when
    )
    return [explanation_values(one) for one in memoirs.explanations(licence)]
