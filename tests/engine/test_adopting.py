"""A store that was lost, or set back to any earlier day, finds every line of ours by its mark, and makes none again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from agent.domain.changes import AddLine, EndLine
from agent.domain.findings import Code
from agent.domain.keys import Mark, installation_tag
from agent.domain.mappings import CompanyMapping, Mappings
from agent.domain.ownership import BindingState
from agent.engine.cycle import Result
from agent.store import backups
from tests.engine.here import AGREEMENT, COMPANY, SKUS
from tests.engine.rig import Rig

INSTALLATION = "brasswren-billing-1"
OTHER = 1022


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    made = Rig(tmp_path / "state", begin=datetime(2026, 3, 5, 9, tzinfo=UTC), installation=INSTALLATION)
    made.psa.add_agreement(COMPANY, "Other", id=OTHER, bills_from=date(2025, 1, 1), next_invoice=date(2026, 4, 1))
    return made


def told(rig: Rig) -> Iterator[Path]:
    """Seats come and go, months are invoiced; a copy of the store after each."""
    days = {date(2026, 3, 5): 10, date(2026, 3, 17): 12, date(2026, 4, 1): 12, date(2026, 4, 20): 9}
    days |= {date(2026, 5, 1): 9, date(2026, 5, 6): 14, date(2026, 6, 1): 14}
    for day, seats in days.items():
        rig.pass_time((day - rig.clock.now().date()).days * 86_400)
        if day.day == 1:
            rig.psa.invoice(AGREEMENT)
        rig.source.seats[SKUS[0]] = seats
        for _ in range(2):
            rig.run()
            rig.pass_time(120)
        copy = rig.folder.parent / f"{day}.db"
        backups.back_up("", rig.folder, copy, rig.clock)
        yield copy


def lost(rig: Rig, name: str) -> None:
    """Another state folder, with nothing in it."""
    rig.cycle.store.dispose()
    rig.start_agent(rig.folder.parent / name)
    rig.cycle.store.ask_to_adopt("lost", rig.clock.now())


def sent(rig: Rig) -> list[Any]:
    return [exchange for exchange in rig.psa.log if exchange.request.method in ("POST", "PATCH")]


def twice(rig: Rig, mappings: Mappings | None = None) -> Result:
    for _ in range(2):
        rig.pass_time(120)
        result = rig.cycle.run(mappings or rig.mappings(), [COMPANY], "test")
    return result


def moved(rig: Rig, **fields: Any) -> Mappings:
    """The files with the first row changed."""
    company = rig.mappings().companies[COMPANY]
    first, *others = company.rows
    rows = (replace(first, **fields), *others)
    return Mappings({COMPANY: replace(company, rows=rows)}, (), "edited")


def only(rig: Rig, number: int) -> Mappings:
    company: CompanyMapping = rig.mappings().companies[COMPANY]
    return Mappings({COMPANY: replace(company, rows=(company.rows[number],))}, (), "edited")


def unbound(rig: Rig) -> set[int]:
    """Lines with our mark that bill, and that the store does not know."""
    memory = rig.cycle.store.memory("connectwise", COMPANY, [AGREEMENT, OTHER], rig.clock.now())
    live = {b.line for b in memory.bindings.values() if b.state is BindingState.LIVE}
    lines = [line for a in (AGREEMENT, OTHER) for line in rig.cycle.psa.lines(a)]
    return {line.id for line in lines if line.open and Mark.read(line.mark)} - live


def test_from_any_earlier_copy_or_none_nothing_is_written_again(rig: Rig) -> None:
    """Seven copies, from the first cycle to the last, and none at all: each time every line is found, none is made."""
    copies = [*told(rig)]
    stands, before = rig.psa.additions(AGREEMENT), len(sent(rig))
    for number, copy in enumerate([*copies, None]):
        lost(rig, f"again-{number}")
        if copy:
            rig.cycle.store.dispose()
            backups.restore("", rig.folder, copy, rig.clock, lambda restoring: True)
            rig.start_agent()
        result = twice(rig)

        assert (result.state, [p.change.sentence for plan in result.plans for p in plan.due]) == ("done", [])
        assert unbound(rig) == set()
        assert rig.cycle.store.to_adopt([COMPANY]) == frozenset()
    assert len(sent(rig)) == before
    assert rig.psa.additions(AGREEMENT) == stands


def test_row_that_moved_to_another_agreement_while_the_store_was_lost(rig: Rig) -> None:
    """Its line on the old agreement, which no file names any more, is found: its end and the new line wait together."""
    [*told(rig)]
    before = len(sent(rig))
    lost(rig, "again")
    result = twice(rig, moved(rig, agreement=OTHER))

    held = {type(p.change): p.holds for plan in result.plans for p in plan.due}
    assert held[EndLine] == ("the line would stop billing",)
    assert "it takes over seats of another line" in " ".join(held[AddLine])
    assert len(sent(rig)) == before


def test_line_that_nothing_explains_holds_what_would_be_added(rig: Rig) -> None:
    """The first row is gone, the second is new: its 14 seats may be the ones that the marked line bills."""
    rig.cycle.run(only(rig, 0), [COMPANY], "test")
    before = len(sent(rig))
    lost(rig, "again")
    result = twice(rig, only(rig, 1))

    [added] = [p for plan in result.plans for p in plan.due]
    assert isinstance(added.change, AddLine)
    assert "carries our mark and nothing explains it" in " ".join(added.holds)
    assert len(sent(rig)) == before


def test_lost_store_without_its_id_makes_no_line_again_and_is_told_the_id(rig: Rig) -> None:
    """The marks are those of an installation that this one does not know to be itself; six characters say which."""
    [*told(rig)]
    before, tag = len(sent(rig)), installation_tag(INSTALLATION)
    rig.installation = ""
    lost(rig, "nameless")
    twice(rig)
    found = {f.finding.code: f.finding for f in rig.cycle.store.findings(COMPANY) if f.finding.subject.count("/") > 3}
    assert f'whose store was lost: agent.installation = "{tag}"' in found[Code.FOREIGN_MARK].remedy

    rig.installation = tag
    lost(rig, "named")
    result = twice(rig)

    assert [p.change.sentence for plan in result.plans for p in plan.due] == []
    assert unbound(rig) == set()
    assert len(sent(rig)) == before
