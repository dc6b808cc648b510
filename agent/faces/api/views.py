"""What several reads are put together for: the status, readiness, an explanation."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from agent import __version__
from agent.domain.findings import Severity
from agent.domain.keys import LineKey
from agent.domain.mappings import Mappings
from agent.engine.service import Service
from agent.errors import StoreFailed
from agent.mapping_files import MappingsInvalid
from agent.reports import values
from agent.reports.values import Values
from agent.sku_table import shipped


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
    return {
        "version": __version__,
        "installation": store.installation,
        "companies": len(in_force(service).companies),
        "mapping_problems": [str(problem) for problem in service.mapping_problems()],
        "busy": service.busy,
        "next_cycle": following.isoformat() if following else None,
        "last_run": values.of_run(last) if last else None,
        "holds": sum(hold.state == "open" for hold in store.holds()),
        "unknown": len(entries),
        "unknown_since": unknown_since.isoformat() if unknown_since else None,
        "findings": {severity.value: severities[severity] for severity in Severity},
        "tenants": len(snapshots),
        "oldest_snapshot": oldest.isoformat() if oldest else None,
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


def explained(service: Service, company: int, licence: str) -> list[Values]:
    """The derivations of a company's lines, or of those that count the licence (GUID, part number or name)."""
    known = service.cycle.store.explain(company=company)
    if not licence:
        return values.of_steps(known)
    wanted = {licence.strip().casefold(), *shipped().find(licence)}
    return values.of_steps({key: steps for key, steps in known.items() if _counts(key) & wanted})


def _counts(key: LineKey) -> set[str]:
    """Every word for what the line counts; a sum counts each of its licences."""
    names = {key.count.casefold(), key.name.casefold(), key.product.casefold()}
    return names | set(key.count.removeprefix("licences:").split("+"))
