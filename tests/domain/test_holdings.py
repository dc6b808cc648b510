"""Whose lines are whose: difference lines that are gone, that lost their base, or that an invoice has reached."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from agent.domain.findings import Code
from agent.domain.holdings import Owned, Ownership, ownership
from agent.domain.ownership import Binding, BindingState
from tests.domain.given import MARCH_17, binding, ground, line, row

KEY = row().key("connectwise")
BASE, TWO = line(quantity=10), line(4712, 2, start=date(2026, 3, 5))
DELTA = KEY.delta("1")


def beside(*bindings: Binding, lines: tuple[int, ...] = (4711,), **known: object) -> tuple[Owned, Ownership]:
    """The row's lines on 17 March, with the base of ten and what is bound beside it."""
    there = [one for one in (BASE, TWO) if one.id in lines]
    found = ownership(ground(there, [binding(KEY, BASE), *bindings], **known), [KEY])  # type: ignore[arg-type]
    return found.owned[KEY], found


@pytest.mark.parametrize(
    ("end", "state", "missed"),
    [
        (None, BindingState.LIVE, True),
        (date(2026, 3, 18), BindingState.LIVE, True),
        (MARCH_17, BindingState.LIVE, False),  # its last day was the 16th
        (date(2026, 3, 1), BindingState.LIVE, False),
        (None, BindingState.ENDED, False),
    ],
)
def test_difference_line_that_is_gone_is_missed_while_it_bills(
    end: date | None, state: BindingState, missed: bool
) -> None:
    """Somebody deleted it: no more is made in its place, unless its days are over anyway."""
    gone = replace(binding(DELTA, replace(TWO, end=end)), state=state)
    mine, _ = beside(gone)
    assert (mine.stopped is not None) is missed
    if mine.stopped is not None:
        assert (mine.stopped.code, mine.stopped.remedy) == (
            Code.MISSING_LINE,
            "restore the line, or remove the row so that the binding can be released",
        )


@pytest.mark.parametrize(
    ("remembered", "learnt"),
    [({1021: date(2026, 3, 1)}, [date(2026, 3, 1)]), ({1021: date(2026, 4, 1)}, []), ({}, [])],
)
def test_invoice_since_it_was_bound_reached_a_line_of_unknown_age(
    remembered: dict[int, date], learnt: list[date]
) -> None:
    """The next invoice was 1 March when last read and is 1 April now: one was made, and the line was there."""
    unknown = binding(DELTA, TWO, boundary=None)
    _, found = beside(unknown, lines=(4711, 4712), boundaries=remembered)
    assert [one.boundary for one in found.learnt if one.key == DELTA] == learnt


def test_differences_that_lost_their_base_are_a_person_s() -> None:
    """The base ended and two seats go on by themselves: nobody knows whether they should."""
    ended = replace(BASE, end=date(2026, 3, 1))
    known = [replace(binding(KEY, ended), state=BindingState.ENDED), binding(DELTA, TWO)]
    stopped = ownership(ground([ended, TWO], known), [KEY]).owned[KEY].stopped
    assert stopped is not None
    assert (stopped.code, stopped.reason, stopped.remedy) == (
        Code.ORPHAN_LINE,
        "lines 4712 bill differences, but the line beside them has ended",
        "end them in the PSA, or let the line that they belong to go on",
    )
