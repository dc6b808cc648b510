"""Lines that give way to a row's own: both sides of the boundary are one day, whenever it is planned."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from agent.domain.changes import AddLine, EndLine
from agent.domain.findings import Code
from agent.domain.holdings import Ground
from agent.domain.keys import Role
from agent.domain.replacing import Replacing, boundary, replacing
from tests.domain.given import agreement, binding, drafted, ground, line, observation, row, snapshot

APRIL, MAY = date(2026, 4, 1), date(2026, 5, 1)
ROW = row(start_on=APRIL, replaces=(1, 2))


def over(*lines: object, **changes: object) -> Ground:
    """An agreement that is invoiced up to 31 March, with these lines."""
    return ground(lines=lines, agreements=[agreement(**changes)])


def test_open_lines_end_where_the_new_one_begins() -> None:
    """Both on 1 April, the first day that is not invoiced."""
    lines = line(1), line(2)

    assert replacing(ROW, over(*lines)) == Replacing(APRIL, lines)


def test_invoiced_days_move_the_boundary_behind_them() -> None:
    """April is invoiced with the old lines meanwhile: 1 May."""
    lines = line(1), line(2)

    assert replacing(ROW, over(*lines, next_invoice=MAY)) == Replacing(MAY, lines)


def test_line_that_has_ended_is_not_ended_again() -> None:
    """One ended on 31 March as planned, the other on 30 April behind an invoice: ours begins on 1 May, and no later."""
    ended = line(1, end=APRIL), line(2, end=MAY)

    assert replacing(ROW, over(*ended, next_invoice=date(2026, 7, 1))) == Replacing(MAY)


def test_line_with_a_later_last_day_is_ended_earlier() -> None:
    """Somebody gave it an end in June; the cut-over is in April."""
    bounded = line(1, end=date(2026, 6, 1)), line(2)

    assert replacing(ROW, over(*bounded)) == Replacing(APRIL, bounded)


@pytest.mark.parametrize(
    ("day", "prorates", "first"), [(10, True, date(2026, 4, 10)), (10, False, MAY), (1, False, APRIL)]
)
def test_whole_periods_change_over_where_one_begins(day: int, prorates: bool, first: date) -> None:
    """10 April is a boundary only where days are billed."""
    assert boundary(agreement(prorates=prorates), date(2026, 4, day)) == first


def test_what_is_not_there_or_ours_is_not_replaced() -> None:
    """A mistyped id stops the row, and so does one of a line that Trueup manages."""
    lost = replacing(ROW, over(line(1)))
    other = row(2, name="other").key("connectwise")
    known = ground(lines=[line(1), line(2)], bindings=[binding(other, line(2))])
    ours = replacing(ROW, known)

    assert lost is not None
    assert ours is not None
    assert (lost.stop.code, lost.ends) == (Code.MISSING_LINE, ())
    assert (ours.stop.code, ours.ends) == (Code.AMBIGUOUS_LINES, ())


def test_line_that_was_only_found_may_still_be_replaced() -> None:
    """Bound as the only line of its product, and never written to."""
    found = binding(ROW.key("connectwise"), line(1), adopted=True)
    known = ground(lines=[line(1), line(2)], bindings=[found])

    assert replacing(ROW, known) == Replacing(APRIL, (line(1), line(2)))


def test_rows_that_replace_nothing_are_as_before() -> None:
    """With and without a first day."""
    assert replacing(row(), over(line(1))) is None
    assert replacing(row(start_on=APRIL), over(line(1))) is None


def test_plan_has_both_sides() -> None:
    """Two ends and a beginning on one day; the ends belong to the row's key, and to no line of ours."""
    there = replace(over(line(1), line(2)), replaced=frozenset({1, 2}))
    made = drafted([ROW], snapshot(observation(purchased=12)), there)
    ends = [change for change in made.changes if isinstance(change, EndLine)]
    [begins] = [change for change in made.changes if isinstance(change, AddLine)]

    assert {change.effective for change in (*ends, begins)} == {APRIL}
    assert {(change.key.role, change.key.base) for change in ends} == {(Role.REPLACED, ROW.key("connectwise"))}
