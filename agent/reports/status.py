"""How it stands, on one screen. Kept light: `trueup status` answers at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from agent.ports import RunSummary
from agent.reports.text import View, columns, counted, duration, paint, shown
from agent.reports.values import Values, of_run


@dataclass(frozen=True, slots=True)
class Status:
    """`daemon` names the process that holds the writer's lock: empty if none does, None if that cannot be told.
    `tenants` tells by name or id when each was last read; `store` is empty before the first run."""

    version: str
    config: str
    store: str
    daemon: str | None
    last_run: RunSummary | None
    findings: Mapping[str, int]
    holds: int
    unknown: int
    tenants: Mapping[str, datetime]


def status_text(status: Status, view: View) -> str:
    rows = [
        ("Trueup", f"{status.version}, {status.config}"),
        ("Daemon", _daemon(status.daemon)),
        ("Last run", _last_run(status.last_run, view)),
        ("Waiting", _waiting(status)),
        ("Mismatches", _findings(status.findings)),
        ("Tenants", _tenants(status.tenants, view)),
    ]
    return "\n".join(columns([(paint(name, "bold"), says) for name, says in rows]))


def status_values(status: Status) -> Values:
    return {
        "version": status.version,
        "config": status.config,
        "store": status.store,
        "daemon": status.daemon,
        "last_run": of_run(status.last_run) if status.last_run else None,
        "findings": dict(status.findings),
        "holds": status.holds,
        "unknown": status.unknown,
        "tenants": {tenant: at.isoformat() for tenant, at in status.tenants.items()},
    }


def _daemon(daemon: str | None) -> str:
    if daemon is None:
        return "cannot be told here; ask: systemctl status trueup"
    return f"{paint('running', 'green')}, {daemon}" if daemon else paint("not running", "yellow")


def _last_run(run: RunSummary | None, view: View) -> str:
    if run is None:
        return "none yet; start one with: trueup sync, or the daemon with: trueup run"
    if run.ended is None:
        return f"{run.id} began {view.ago(run.started)}, not ended yet"
    took = duration(int((run.ended - run.started).total_seconds()))
    state = paint(run.state, "green" if run.state == "done" else "red")
    what = f"{counted(run.changes, 'change')} planned, {run.confirmed:,} writes confirmed" + _trouble(run)
    detail = f" ({shown(run.detail)})" if run.detail else ""
    return f"{state} {view.ago(run.ended)} in {took}: {what}{detail}"


def _trouble(run: RunSummary) -> str:
    said = {"refused": run.refused, "of unknown outcome": run.unknown}
    return "".join(f", {number:,} {words}" for words, number in said.items() if number)


def _waiting(status: Status) -> str:
    said = []
    if status.holds:
        said.append(f"{paint(counted(status.holds, 'held change'), 'yellow')} (trueup holds)")
    if status.unknown:
        said.append(f"{paint(counted(status.unknown, 'write'), 'yellow')} whose outcome is settled by reading")
    return ", ".join(said) or "nothing"


_WORDS = {"error": ("error", "red"), "warning": ("warning", "yellow"), "info": ("note", "cyan")}


def _findings(findings: Mapping[str, int]) -> str:
    said = [
        paint(counted(findings[severity], word), colour)
        for severity, (word, colour) in _WORDS.items()
        if findings.get(severity)
    ]
    return f"{', '.join(said)} (trueup findings)" if said else "none"


def _tenants(tenants: Mapping[str, datetime], view: View) -> str:
    return f"{len(tenants):,} read, {'; '.join(_oldest(tenants, view))}" if tenants else "none read yet"


def _oldest(tenants: Mapping[str, datetime], view: View) -> Iterator[str]:
    name, at = min(tenants.items(), key=lambda known: known[1])
    yield f"the oldest {view.ago(at)} ({shown(name)})"
