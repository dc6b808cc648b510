"""What is known as plain values for JSON: the shapes of `--json` and of the local HTTP interface.

Amounts and prices are decimal texts with their currency, instants ISO 8601 in UTC, dates ISO 8601. What is not known is
null. Names of keys stay; new ones may come.
"""

from __future__ import annotations

from datetime import datetime

from agent.domain.money import Money
from agent.ports import ClosedFinding, Entry, Hold, JournalRecord, OpenFinding, RunSummary

Values = dict[str, object]


def of_money(money: Money | None) -> Values | None:
    """At the currency's coins, unless the amount is finer than they are."""
    if money is None:
        return None
    coins = money.at_coins()
    return {"amount": f"{coins.amount if coins == money else money.amount:f}", "currency": money.currency}


def of_finding(known: OpenFinding) -> Values:
    finding = known.finding
    return {
        "code": finding.code.value,
        "severity": finding.severity.value,
        "company": finding.company,
        "subject": finding.subject,
        "sentence": finding.sentence,
        "remedy": finding.remedy,
        "monthly": of_money(finding.money),
        "first_seen": known.first_seen.isoformat(),
        "last_seen": known.last_seen.isoformat(),
    }


def of_closed(closed: ClosedFinding) -> Values:
    known = of_finding(OpenFinding(closed.finding, closed.first_seen, closed.closed))
    del known["last_seen"]
    return {**known, "closed": closed.closed.isoformat(), "because": closed.because.value}


def of_hold(hold: Hold) -> Values:
    return {
        "digest": hold.digest,
        "company": hold.company,
        "sentence": hold.sentence,
        "reasons": list(hold.reasons),
        "writes": list(hold.writes),
        "monthly": of_money(hold.monthly),
        "next_invoice": of_money(hold.next_invoice),
        "since": hold.since.isoformat(),
        "state": hold.state,
    }


def of_run(run: RunSummary) -> Values:
    return {
        "id": run.id,
        "reason": run.reason,
        "companies": list(run.companies),
        "dry": run.dry,
        "started": run.started.isoformat(),
        "ended": _instant(run.ended),
        "state": run.state,
        "changes": run.changes,
        "held": run.held,
        "confirmed": run.confirmed,
        "refused": run.refused,
        "unknown": run.unknown,
        "detail": run.detail,
    }


def of_entry(entry: Entry) -> Values:
    """One write and what became of it."""
    write = entry.write
    return {
        "id": entry.id,
        "run": entry.run,
        "state": entry.state.value,
        "at": entry.at.isoformat(),
        "detail": entry.detail,
        "company": write.company,
        "agreement": write.agreement,
        "line": write.line,
        "key": str(write.key),
        "sentence": write.sentence,
        "method": write.method,
        "path": write.path,
        "body": write.body,
        "before": dict(write.before),
        "after": dict(write.after),
    }


def of_record(record: JournalRecord) -> Values:
    """One link of the journal; `payload` is the text that was hashed."""
    return {
        "seq": record.seq,
        "at": record.at.isoformat(timespec="microseconds"),  # the very text that was hashed
        "kind": record.kind,
        "entry": record.entry,
        "payload": record.payload,
        "previous": record.previous,
        "hash": record.hash,
    }


def of_head(head: JournalRecord | None) -> Values | None:
    """The newest record, by which `trueup journal verify --head` finds what was changed before it."""
    return {"seq": head.seq, "hash": head.hash, "at": head.at.isoformat()} if head else None


def _instant(at: datetime | None) -> str | None:
    return at.isoformat() if at else None
