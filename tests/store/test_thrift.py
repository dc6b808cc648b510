"""What costs nothing must stay so: a cycle without news takes few statements and rewrites nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import sqlalchemy as sa

from agent.domain.changes import Step
from agent.domain.counts import Account, Member, Snapshot
from agent.domain.ownership import Sighting
from agent.ports import Learnt
from agent.store import open_store
from tests.contract.store_values import (
    AGREEMENT,
    COMPANY,
    HOUR,
    NOW,
    PSA,
    StillClock,
    finding,
    key,
    learnt,
    standing,
)


@contextmanager
def statements() -> Iterator[list[str]]:
    """Every statement that any engine executes meanwhile."""
    seen: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        seen.append(statement.split(maxsplit=1)[0])

    sa.event.listen(sa.Engine, "before_cursor_execute", note)
    yield seen
    sa.event.remove(sa.Engine, "before_cursor_execute", note)


def steady(at: object) -> Learnt:
    """Ten keys, four findings, and nothing new but the time."""
    keys = [key(f"sku-{number}") for number in range(10)]
    return learnt(
        sightings=tuple(Sighting(of, 12, date(2026, 3, 17), NOW, at) for of in keys),
        boundaries={AGREEMENT: date(2026, 4, 1)},
        derivations={of: (Step("purchased", "12 purchased", "12"),) for of in keys},
        findings=tuple(finding(f"t/{number}") for number in range(4)),
        snapshots=(Snapshot(Account("microsoft", "t"), at, {}, (), frozenset()),),
        standing=standing(),
    )


def test_learning_nothing_new_takes_fourteen_statements(tmp_path: Path) -> None:
    """BEGIN, 7 reads, and what must move: two times of reading, sightings, the boundary, last_seen, the plan's run."""
    with open_store("", tmp_path, StillClock()) as store:
        run = store.open_run("test", [COMPANY], False, NOW)
        store.learn(run, steady(NOW), NOW)
        with statements() as seen:
            store.learn(run, steady(NOW + HOUR), NOW + HOUR)

    assert len(seen) <= 14
    assert store.journal() == []


def test_memory_takes_ten_statements(tmp_path: Path) -> None:
    """One for each kind of thing that is known of a company, in one transaction."""
    with open_store("", tmp_path, StillClock()) as store, statements() as seen:
        store.memory(PSA, COMPANY, [AGREEMENT], NOW)

    assert seen == ["BEGIN", *["SELECT"] * 9]


def test_snapshot_that_says_the_same_is_not_packed_again(tmp_path: Path) -> None:
    """Only its time moves: BEGIN, SELECT, UPDATE."""
    people = tuple(Member(str(n), f"u{n}@x", f"User {n}", True, False, frozenset(), {}) for n in range(200))
    account = Account("microsoft", "t")
    with open_store("", tmp_path, StillClock()) as store:
        store.remember([Snapshot(account, NOW, {}, people, frozenset())])
        with statements() as seen:
            store.remember([Snapshot(account, NOW + HOUR, {}, people, frozenset())])

        assert seen == ["BEGIN", "SELECT", "UPDATE"]
        assert store.snapshot_age() == {account: NOW + HOUR}
