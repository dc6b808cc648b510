"""How it stands, on one screen. Kept light: `trueup status` answers at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from agent.ports import RunSummary
from agent.reports.text import View, columns, counted, duration, paint, shown
from agent.reports.values import Values, of_run


@dataclass(frozen=True, slots=True)
class Status:
    """`daemon` names the process that holds the writer's lock: empty if none does, None if that cannot be told.
    `tenants` tells by name or id when each was last read, which is `stale` after so long; open writes can be settled
    from `settle` after `open_since` on. `store` is empty before the first run."""

    version: str
    config: str
    store: str
    daemon: str | None
    last_run: RunSummary | None
    findings: Mapping[str, int]
    holds: int
    unknown: int
    tenants: Mapping[str, datetime]
    held_since: datetime | None
    open_since: datetime | None
    settle: timedelta
    stale_after: timedelta

    @property
    def settled_from(self) -> datetime | None:
        return self.open_since + self.settle if self.open_since else None

    def stale(self, now: datetime) -> Sequence[str]:
        """Tenants not read for too long, the oldest first."""
        late = [(at, name) for name, at in self.tenants.items() if now - at > self.stale_after]
        return [name for _, name in sorted(late)]


def status_text(status: Status, view: View) -> str:
    rows = [
        ("Trueup", f"{status.version}, {status.config}"),
        ("Daemon", _daemon(status.daemon)),
        ("Last run", _last_run(status.last_run, view)),
        ("Held", _held(status, view)),
        ("Unknown", _unknown(status, view)),
        ("Mismatches", _findings(status.findings)),
        ("Tenants", _tenants(status.tenants, view)),
        ("Stale", _stale(status, view)),
    ]
    return "\n".join(columns([(paint(name, "bold"), says) for name, says in rows]))


def status_values(status: Status, now: datetime) -> Values:
    return {
        "version": status.version,
        "config": status.config,
        "store": status.store,
        "daemon": status.daemon,
        "last_run": of_run(status.last_run) if status.last_run else None,
        "findings": dict(status.findings),
        "holds": status.holds,
        "held_since": status.held_since.isoformat() if status.held_since else None,
        "unknown": status.unknown,
        "settled_from": status.settled_from.isoformat() if status.settled_from else None,
        "tenants": {tenant: at.isoformat() for tenant, at in status.tenants.items()},
        "stale": list(status.stale(now)),
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


def _held(status: Status, view: View) -> str:
    if not status.holds:
        return "nothing"
    since = f", the oldest since {view.at(status.held_since)}" if status.held_since else ""
    return f"{paint(counted(status.holds, 'change'), 'yellow')}{since}, until somebody decides (trueup holds)"


def _unknown(status: Status, view: View) -> str:
    """Settling takes a look after the settle window, and a second one that agrees."""
    if not status.unknown:
        return "nothing"
    said = f"{paint(counted(status.unknown, 'write'), 'yellow')} whose outcome is settled by reading"
    until = status.settled_from
    if until is None:
        return said
    if until < view.now - _PATIENCE:
        return f"{said}, {paint('overdue', 'red')} since {view.at(until)} (trueup findings)"
    return f"{said}, from {view.at(until)} on"


def _stale(status: Status, view: View) -> str:
    names = status.stale(view.now)
    if not names:
        return "nothing"
    told = ", ".join(f"{shown(name)} ({view.ago(status.tenants[name])})" for name in names[:_NAMED])
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    keep = "keeps" if len(names) == 1 else "keep"
    return f"{paint(counted(len(names), 'tenant'), 'yellow')} {keep} what was read last: {told}{more}"


_NAMED = 5  # tenants in one line
_PATIENCE = timedelta(minutes=30)  # as in engine/stuck.py, which makes a finding of it

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
