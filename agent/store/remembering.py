"""What the store knows, read back: for one company's cycle, and for the faces."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import bindparam
from sqlalchemy.engine import Connection

from agent.domain.findings import Finding
from agent.domain.keys import LineKey, quoted
from agent.domain.ownership import BindingState, Charge
from agent.ports import ClosedFinding, Derivation, Memory, OpenFinding, Version
from agent.store import deciding, entries, settling
from agent.store.canonical import parsed
from agent.store.keeping import kept_of
from agent.store.rows import (
    Values,
    binding_of,
    charge_of,
    closed_finding_of,
    derivation_of,
    finding_of,
    key_text,
    sighting_of,
)
from agent.store.tables import (
    BINDING,
    BOUNDARY,
    CHARGE,
    DERIVATION,
    ENTRY,
    FINDING,
    KEPT,
    PLAN,
    RUN,
    SIGHTING,
    SNAPSHOT,
)


def _of_company(table: sa.Table) -> sa.ColumnElement[bool]:
    """Rows of the company, and of its agreements: a mapping may have given an agreement to another company."""
    agreements = table.c.agreement.in_(bindparam("agreements", expanding=True))
    return sa.or_(table.c.company == bindparam("of"), agreements)


def _known(table: sa.Table) -> sa.Select[Any]:
    return sa.select(table).where(table.c.psa == bindparam("psa"), _of_company(table))


_BINDINGS, _SIGHTINGS = _known(BINDING), _known(SIGHTING)
_KEPT = _known(KEPT)
_CHARGES = _known(CHARGE).order_by(CHARGE.c.starts)
_BOUNDARIES = sa.select(BOUNDARY.c.agreement, BOUNDARY.c.next_invoice).where(_of_company(BOUNDARY))

_ELSEWHERE = sa.select(BINDING).where(
    BINDING.c.psa == bindparam("psa"),
    BINDING.c.account.in_(bindparam("accounts", expanding=True)),
    BINDING.c.company != bindparam("of"),
    BINDING.c.agreement.not_in(bindparam("agreements", expanding=True)),
)

_LIVE = (
    sa.select(BINDING.c.company, BINDING.c.agreement)
    .where(BINDING.c.psa == bindparam("psa"), BINDING.c.state == BindingState.LIVE.value)
    .distinct()
)

# Only what a cycle stores after it has looked at its clock. The run that failed because the clock had jumped a month
# ahead is stored too; were it counted, no cycle would run for a month after the clock was set right.
_NEWEST = sa.union_all(
    sa.select(sa.func.max(RUN.c.ended)).where(RUN.c.state == "done"),
    sa.select(sa.func.max(SNAPSHOT.c.taken_at)),
    sa.select(sa.func.max(PLAN.c.at)),
    sa.select(sa.func.max(ENTRY.c.at)),
)


def memory(
    connection: Connection, psa: str, company: int, agreements: Sequence[int], at: datetime, accounts: Sequence[str]
) -> Memory:
    named = {"psa": psa, "of": company, "agreements": agreements}
    elsewhere = (
        map(binding_of, connection.execute(_ELSEWHERE, named | {"accounts": [*map(quoted, accounts)]}))
        if accounts
        else ()
    )
    approved, rejected = deciding.decided(connection, company, at)
    bindings = map(binding_of, connection.execute(_BINDINGS, named))
    sightings = map(sighting_of, connection.execute(_SIGHTINGS, named))
    boundaries = connection.execute(_BOUNDARIES, {"of": company, "agreements": agreements})
    open_entries = entries.open_of_company(connection, psa, company, agreements)
    return Memory(
        bindings={binding.key: binding for binding in bindings},
        open_entries={entry.write.key: entry for entry in open_entries},
        sightings={sighting.key: sighting for sighting in sightings},
        charges=_charges(connection, named),
        boundaries={row.agreement: row.next_invoice for row in boundaries},
        approved=approved,
        rejected=rejected,
        elsewhere=tuple(elsewhere),
        past=settling.ordered(connection, company),
        kept={one.key: one for one in map(kept_of, connection.execute(_KEPT, named))},
        made=entries.made(connection, psa, agreements, at),
    )


def bound_agreements(connection: Connection, psa: str) -> Mapping[int, frozenset[int]]:
    found: dict[int, set[int]] = {}
    for row in connection.execute(_LIVE, {"psa": psa}):
        found.setdefault(row.company, set()).add(row.agreement)
    return {company: frozenset(agreements) for company, agreements in found.items()}


def findings(connection: Connection, company: int | None) -> Sequence[OpenFinding]:
    query = sa.select(FINDING).where(FINDING.c.closed_at.is_(None))
    if company is not None:
        query = query.where(FINDING.c.company == company)
    rows = connection.execute(query.order_by(FINDING.c.first_seen, FINDING.c.id))
    return [finding_of(row) for row in rows]


def closed_findings(connection: Connection, since: datetime, company: int | None) -> Sequence[ClosedFinding]:
    query = sa.select(FINDING).where(FINDING.c.closed_at >= since)
    if company is not None:
        query = query.where(FINDING.c.company == company)
    rows = connection.execute(query.order_by(FINDING.c.closed_at.desc(), FINDING.c.id.desc()))
    return [closed_finding_of(row) for row in rows]


def past_findings(connection: Connection, since: datetime) -> Sequence[Version[Finding]]:
    over = FINDING.c.closed_at
    query = sa.select(FINDING).where(sa.or_(over.is_(None), over > since))
    rows = connection.execute(query.order_by(FINDING.c.first_seen, FINDING.c.id))
    # One that is open is so up to its last sight; what closed one was a look that saw it no more.
    return [Version(row.first_seen, row.closed_at or row.last_seen, finding_of(row).finding) for row in rows]


def plans(connection: Connection, company: int | None) -> Sequence[Mapping[str, object]]:
    query = sa.select(PLAN.c.body, PLAN.c.run, PLAN.c.at).order_by(PLAN.c.company)
    if company is not None:
        query = query.where(PLAN.c.company == company)
    return [{"run": row.run, "at": row.at.isoformat(), **parsed(row.body)} for row in connection.execute(query)]


def derivations(connection: Connection, company: int, at: datetime | None) -> Sequence[Derivation]:
    query = sa.select(DERIVATION).where(DERIVATION.c.company == company).order_by(DERIVATION.c.key)
    over = DERIVATION.c.until
    if at is None:
        query = query.where(over.is_(None))
    else:
        query = query.where(DERIVATION.c.since <= at, sa.or_(over.is_(None), over > at))
    return [derivation_of(row) for row in connection.execute(query)]


def derivations_of(connection: Connection, key: LineKey) -> Sequence[Derivation]:
    query = sa.select(DERIVATION).where(DERIVATION.c.key == key_text(key)).order_by(DERIVATION.c.since)
    return [derivation_of(row) for row in connection.execute(query)]


def newest(connection: Connection) -> datetime | None:
    """Of what was stored by a clock that had been found right."""
    return max((moment for moment in connection.scalars(_NEWEST) if moment is not None), default=None)


def _charges(connection: Connection, named: Values) -> Mapping[LineKey, tuple[Charge, ...]]:
    found: dict[LineKey, list[Charge]] = {}
    for charge in map(charge_of, connection.execute(_CHARGES, named)):
        found.setdefault(charge.key, []).append(charge)
    return {key: tuple(charges) for key, charges in found.items()}
