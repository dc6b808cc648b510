"""Gathers what the store remembers about the lines of some rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, cast

from agent.domain.desired import label
from agent.domain.keys import LineKey
from agent.domain.mappings import Row
from agent.ports import Entry, Store
from agent.reports.explanation import Explanation

_ENTRIES = 100_000  # of all lines, the newest


def explanations(store: Store, rows: Sequence[Row], psa: str, now: datetime) -> list[Explanation]:
    """One for each row; the rows are of one company."""
    company = rows[0].company
    steps, entries = store.explain(company=company), store.entries(limit=_ENTRIES)
    bindings = store.memory(psa, company, {row.agreement for row in rows}, now).bindings
    changes = [change for plan in store.plan(company) for change in _changes(plan)]
    accounts = {account.id: account for account in store.snapshot_age()}
    found = []
    for row in rows:
        key = row.key(psa)
        account = accounts.get(row.tenant)
        snapshot = store.last_snapshot(account) if account else None
        lives = [binding for known, binding in bindings.items() if _is_base_of(known, key)]
        found.append(
            Explanation(
                row=row,
                key=key,
                label=label(row, snapshot),
                snapshot=snapshot,
                steps=steps.get(key, ()),
                binding=max(lives, key=lambda binding: binding.line, default=None),
                planned=tuple(c for c in changes if LineKey.parse(str(c["key"])).base == key.base),
                entries=_of_line(entries, key),
            )
        )
    return found


def _changes(plan: Mapping[str, object]) -> Sequence[Mapping[str, Any]]:
    return cast(Sequence[Mapping[str, Any]], plan["changes"])


def _is_base_of(known: LineKey, key: LineKey) -> bool:
    """Also of an earlier or later life: a line that was ended and is wanted again has another part."""
    return known.role is key.role and known.base == key.base


def _of_line(entries: Sequence[Entry], key: LineKey) -> tuple[Entry, ...]:
    return tuple(entry for entry in entries if entry.write.key.base == key.base)
