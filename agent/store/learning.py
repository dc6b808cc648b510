"""What a company's planning learnt, kept with as few statements as its news needs."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy import bindparam
from sqlalchemy.engine import Connection, Row

from agent.domain.changes import Planned
from agent.domain.closing import PER_SOURCE, nobody_asks
from agent.domain.findings import Code, Finding, Over
from agent.domain.ownership import Binding, BindingState, as_released
from agent.ports import Learnt
from agent.store import adopting, journal, snapshots, standings
from agent.store.canonical import sha256
from agent.store.database import put
from agent.store.journal import Note
from agent.store.rows import (
    Values,
    binding_of,
    binding_plain,
    binding_values,
    charge_values,
    finding_values,
    hold_values,
    key_text,
    keyed,
    money_values,
    plan_text,
    sighting_values,
    steps_text,
)
from agent.store.snapshots import Packed
from agent.store.tables import (
    BINDING,
    BOUNDARY,
    CHARGE,
    DERIVATION,
    FINDING,
    HOLD,
    IN_FORCE,
    PLAN,
    SIGHTING,
    instant_text,
)

# An annual period and some: what older invoices billed decides nothing any more.
_CHARGES_KEPT = timedelta(days=400)

_MENDABLE = {Code.UNDER_BILLED.value, Code.OVER_BILLED.value, Code.PSA_UNREADABLE.value}

_KNOWN_BINDINGS = sa.select(BINDING).where(BINDING.c.key.in_(bindparam("keys", expanding=True)))
_FORGET_CHARGES = sa.delete(CHARGE).where(
    CHARGE.c.key.in_(bindparam("keys", expanding=True)), CHARGE.c.ends < bindparam("limit")
)
_DERIVATIONS = sa.select(DERIVATION.c.key, DERIVATION.c.digest).where(DERIVATION.c.company == bindparam("of"), IN_FORCE)
_END_DERIVATIONS = (
    sa.update(DERIVATION)
    .where(DERIVATION.c.key.in_(bindparam("keys", expanding=True)), IN_FORCE)
    .values(until=bindparam("when"))
)
_HOLDS = sa.select(HOLD).where(
    HOLD.c.company == bindparam("of"),
    sa.or_(HOLD.c.closed_at.is_(None), HOLD.c.digest.in_(bindparam("digests", expanding=True))),
)
_CLOSE_HOLDS = (
    sa.update(HOLD)
    .where(HOLD.c.digest.in_(bindparam("digests", expanding=True)), HOLD.c.closed_at.is_(None))
    .values(closed_at=bindparam("when"))
)
_NEW_FINDINGS = sa.insert(FINDING)
_OPEN_FINDINGS = sa.select(FINDING).where(FINDING.c.scope == bindparam("of"), FINDING.c.closed_at.is_(None))
_THESE_FINDINGS = sa.update(FINDING).where(FINDING.c.id.in_(bindparam("ids", expanding=True)))
_SEEN_AGAIN = _THESE_FINDINGS.values(last_seen=bindparam("when"))
_CLOSE_FINDINGS = _THESE_FINDINGS.values(closed_at=bindparam("when"), closed_because=bindparam("why"))
_PLAN = sa.select(PLAN.c.digest).where(PLAN.c.company == bindparam("of"))
_SAME_PLAN = sa.update(PLAN).where(PLAN.c.company == bindparam("of")).values(run=bindparam("by"), at=bindparam("when"))


def learn(connection: Connection, run: str, learnt: Learnt, packed: Sequence[Packed], at: datetime) -> None:
    """`packed` are the snapshots that were learnt from."""
    snapshots.remember(connection, packed)
    if learnt.standing is not None:
        standings.remember(connection, learnt.company, learnt.standing, at)
    digests = [planned.digest for planned in learnt.planned]
    _bindings(connection, run, learnt, at)
    if learnt.adopted:
        adopting.done(connection, learnt.company, at)
    put(connection, SIGHTING, [sighting_values(seen, learnt.company) for seen in learnt.sightings])
    _charges(connection, learnt, at)
    _boundaries(connection, learnt)
    _derivations(connection, run, learnt, at)
    _holds(connection, learnt, digests, at)
    report(connection, company_scope(learnt.company), learnt.findings, learnt.complete, at)
    _plan(connection, run, learnt, digests, at)


def _bindings(connection: Connection, run: str, learnt: Learnt, at: datetime) -> None:
    if not learnt.bindings:
        return
    rows = connection.execute(_KNOWN_BINDINGS, {"keys": [key_text(b.key) for b in learnt.bindings]})
    known = {binding.key: binding for binding in map(binding_of, rows)}
    # Planning may have begun before a person took the line over.
    told = [as_released(binding, known.get(binding.key)) for binding in learnt.bindings]
    news = [binding for binding in told if known.get(binding.key) != binding]
    put(connection, BINDING, [binding_values(binding, learnt.company) for binding in news])
    said = [(_kind(known.get(b.key), b), {"run": run, "binding": binding_plain(b)}) for b in news]
    journal.append(connection, at, [Note(kind, payload) for kind, payload in said])


def _kind(before: Binding | None, now: Binding) -> str:
    if before is None:
        return "adopted" if now.adopted else "bound"
    if before.state is not now.state:
        return "found" if now.state is BindingState.LIVE else now.state.value
    return "rebound" if before.line != now.line else "restated"


def _charges(connection: Connection, learnt: Learnt, at: datetime) -> None:
    if not learnt.charges:
        return
    limit = (at - _CHARGES_KEPT).date()
    kept = [charge for charge in learnt.charges if charge.period.end >= limit]
    put(connection, CHARGE, [charge_values(charge, learnt.company) for charge in kept])
    keys = sorted({key_text(charge.key) for charge in learnt.charges})
    connection.execute(_FORGET_CHARGES, {"keys": keys, "limit": limit})


def _boundaries(connection: Connection, learnt: Learnt) -> None:
    rows = [
        {"agreement": agreement, "company": learnt.company, "next_invoice": day}
        for agreement, day in learnt.boundaries.items()
    ]
    put(connection, BOUNDARY, rows)


def _derivations(connection: Connection, run: str, learnt: Learnt, at: datetime) -> None:
    """Only what is new is written: a quiet year adds nothing."""
    known = {row.key: row.digest for row in connection.execute(_DERIVATIONS, {"of": learnt.company})}
    news = []
    for key, steps in learnt.derivations.items():
        body = steps_text(steps)
        digest = sha256(body)
        if known.pop(key_text(key), None) != digest:
            values = {"since": at, "until": None, "run": run, "digest": digest, "body": body}
            news.append(keyed(key, learnt.company) | values)
    over = [row["key"] for row in news] + (list(known) if learnt.complete else [])
    if over:
        connection.execute(_END_DERIVATIONS, {"keys": over, "when": at})
    put(connection, DERIVATION, news)


def _holds(connection: Connection, learnt: Learnt, digests: Sequence[str], at: datetime) -> None:
    """One row per digest. While its change stays planned a decision stays; a change that comes back starts anew."""
    rows = connection.execute(_HOLDS, {"of": learnt.company, "digests": digests})
    known = {row.digest: row for row in rows}
    held = [(planned, digest) for planned, digest in zip(learnt.planned, digests, strict=True) if planned.holds]
    put(connection, HOLD, [_hold(planned, digest, known.get(digest), at) for planned, digest in held])
    gone = [row.digest for row in known.values() if row.closed_at is None and row.digest not in digests]
    if gone and learnt.complete:
        connection.execute(_CLOSE_HOLDS, {"digests": gone, "when": at})


def _hold(planned: Planned, digest: str, before: Row[Any] | None, at: datetime) -> Values:
    fresh = {"since": at, "closed_at": None, "state": "open", "who": "", "decided_at": None, "until": None}
    stands = before is not None and before.closed_at is None
    decided = {name: getattr(before, name) for name in fresh} if stands else fresh
    return hold_values(planned, digest) | decided


def forget(
    connection: Connection, mapped: Mapping[int, Collection[str]], sources: Collection[str], at: datetime
) -> None:
    planned = {row.company: row.at for row in connection.execute(sa.select(PLAN.c.company, PLAN.c.at))}
    _close_orphaned(connection, mapped, planned, sources, at)
    for company in sorted(planned.keys() - mapped.keys()):
        known = connection.execute(_OPEN_FINDINGS, {"of": company_scope(company)})
        _close(connection, [row.id for row in known], Over.FILE_GONE, at)
        held = sa.update(HOLD).where(HOLD.c.company == company, HOLD.c.closed_at.is_(None))
        connection.execute(held.values(closed_at=at))
        connection.execute(sa.delete(PLAN).where(PLAN.c.company == company))


def _close_orphaned(
    connection: Connection,
    mapped: Mapping[int, Collection[str]],
    planned: Mapping[int, datetime],
    sources: Collection[str],
    at: datetime,
) -> None:
    """What a company's last planning saw is true, whatever it speaks of: only older findings are closed."""
    closing: dict[Over, list[int]] = {}
    for row in connection.execute(sa.select(FINDING).where(FINDING.c.closed_at.is_(None))):
        kind, _, name = row.scope.partition("/")
        if kind in PER_SOURCE and name and name not in sources:
            closing.setdefault(Over.SOURCE_GONE, []).append(row.id)
        elif row.company in mapped and row.company in planned and row.last_seen < planned[row.company]:
            why = nobody_asks(row.subject, mapped[row.company], sources)
            if why:
                closing.setdefault(why, []).append(row.id)
    for over, ids in closing.items():
        _close(connection, ids, over, at)


def company_scope(company: int) -> str:
    return f"company/{company}"


def report(connection: Connection, scope: str, findings: Iterable[Finding], complete: bool, at: datetime) -> None:
    """Open what is new, touch what is seen again, and, if the reporter saw everything, close the rest."""
    found = {(finding.code.value, finding.subject): finding for finding in findings}
    known = {(row.code, row.subject): row for row in connection.execute(_OPEN_FINDINGS, {"of": scope})}
    fresh = [_new_finding(finding, scope, at) for key, finding in found.items() if key not in known]
    if fresh:
        connection.execute(_NEW_FINDINGS, fresh)
    moved = [_moved_finding(known[key], found[key], at) for key in found.keys() & known.keys()]
    put(connection, FINDING, [values for values in moved if values])
    seen = [known[key].id for key in found.keys() & known.keys()]
    if seen:
        connection.execute(_SEEN_AGAIN, {"ids": seen, "when": at})
    if complete:
        _close(connection, [known[key].id for key in known.keys() - found.keys()], Over.NOT_SEEN, at)


def mended(connection: Connection, company: int, subjects: Iterable[str], at: datetime) -> None:
    """Close what is over once it succeeds; anything else that was found about these subjects stays."""
    wanted = set(subjects)
    rows = connection.execute(_OPEN_FINDINGS, {"of": company_scope(company)})
    _close(connection, [row.id for row in rows if row.code in _MENDABLE and row.subject in wanted], Over.WRITTEN, at)


def _close(connection: Connection, ids: Sequence[int], why: Over, at: datetime) -> None:
    if ids:
        connection.execute(_CLOSE_FINDINGS, {"ids": ids, "when": at, "why": why.value})


def carried_out(connection: Connection, digests: Iterable[str], at: datetime) -> None:
    """The changes are over, and so are their holds; who approved them stays known."""
    done = sorted(digests)
    if done:
        connection.execute(_CLOSE_HOLDS, {"digests": done, "when": at})


def _new_finding(finding: Finding, scope: str, at: datetime) -> Values:
    values = finding_values(finding)
    course = [[instant_text(at), values["apart"]]] if values["apart"] else []
    return values | {"scope": scope, "first_seen": at, "last_seen": at, "course": course}


def _moved_finding(row: Row[Any], finding: Finding, at: datetime) -> Values:
    """The row with the finding's present words and money; empty if they are what it says already."""
    before = dict(row._mapping)
    now = before | finding_values(finding)
    if now == before:
        return {}
    if now["apart"] != before["apart"]:
        now["course"] = [*row.course, [instant_text(at), now["apart"]]]
    return now


def _plan(connection: Connection, run: str, learnt: Learnt, digests: Sequence[str], at: datetime) -> None:
    body = plan_text(learnt, digests)
    digest = sha256(body)
    if connection.scalar(_PLAN, {"of": learnt.company}) == digest:
        connection.execute(_SAME_PLAN, {"of": learnt.company, "by": run, "when": at})
        return
    due = [planned for planned in learnt.planned if not planned.change.queued]
    counts = {"changes": len(due), "held": sum(bool(planned.holds) for planned in due)}
    values = {"company": learnt.company, "run": run, "at": at, "digest": digest, "body": body}
    put(connection, PLAN, [values | counts | money_values(learnt.monthly)])


def forget_derivations(connection: Connection, before: datetime) -> None:
    connection.execute(sa.delete(DERIVATION).where(DERIVATION.c.until < before))
