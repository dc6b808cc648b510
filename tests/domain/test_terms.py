"""The term of a purchase: who says it, and what proves it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.domain.counts import Account, Coverage, Deal, Snapshot, Status, Subscription, Term
from agent.domain.terms import TERMS, UNREAD, Chapter, History, known_term, later, next_chapter, proven

MARCH = datetime(2026, 3, 15, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
FACTS = Deal(Term(12, 1), 10)


def chapter(since: datetime, renews: datetime | None, before: datetime | None = None, **changes: object) -> Chapter:
    return replace(Chapter(since, before, 10, Status.ENABLED, None, renews), **changes)


def renewed(months: int, seen: timedelta = HOUR, gap: timedelta = HOUR, **changes: object) -> list[Chapter]:
    """A date of 15 March that moved on by so many months, as seen so long after it, `gap` after another reading."""
    return [
        chapter(MARCH - 30 * DAY, MARCH),
        chapter(MARCH + seen, later(MARCH, months), MARCH + seen - gap, **changes),
    ]


@pytest.mark.parametrize("months", [1, 12, 36])
def test_a_renewal_that_was_seen_proves_the_term(months: int) -> None:
    """The date of 15 March moved by a month, a year or three years, with 10 seats before and after."""
    seen = proven(renewed(months))
    assert seen is not None
    assert (seen.term, seen.seats, seen.at) == (Term(months), 10, MARCH)


@pytest.mark.parametrize("months", [2, 3, 6, 11, 13, 24])
def test_any_other_jump_proves_nothing(months: int) -> None:
    """Half a year is no term: perhaps somebody made it end with another purchase."""
    assert proven(renewed(months)) is None


def test_a_first_reading_proves_nothing() -> None:
    """Created a year before its date: a monthly purchase after eleven renewals looks just like that."""
    assert proven([chapter(MARCH, MARCH + 365 * DAY, created=MARCH)]) is None


def test_months_without_the_daemon_prove_nothing() -> None:
    """Twelve monthly renewals unseen would look like an annual one: the readings must lie within 28 days."""
    assert proven(renewed(12, seen=300 * DAY, gap=320 * DAY)) is None
    assert proven(renewed(12, seen=20 * DAY, gap=27 * DAY)) is not None


def test_a_date_that_moves_before_it_has_come_is_no_renewal() -> None:
    """Two weeks before the end the date is a year later: converted, not renewed."""
    assert proven(renewed(12, seen=-14 * DAY)) is None


@pytest.mark.parametrize("status", [Status.WARNING, Status.SUSPENDED])
def test_the_month_of_grace_is_no_renewal(status: Status) -> None:
    """Expired on 15 March, the date moves to the end of the grace: a month later, and no monthly term."""
    expired = renewed(1, status=status)
    assert proven(expired) is None
    back = chapter(MARCH + 5 * DAY, later(MARCH, 12), MARCH + 5 * DAY - HOUR)
    assert proven([*expired, back]) is None


def test_a_renewal_without_seats_proves_nothing() -> None:
    """Nothing was renewed where nothing is left."""
    assert proven(renewed(12, quantity=0)) is None


def test_the_last_move_counts() -> None:
    """Monthly until March, then renewed for a year: annual."""
    month, year = renewed(1)
    later_on = later(MARCH, 1)
    annual = chapter(later_on + HOUR, later(later_on, 12), later_on)
    seen = proven([month, year, annual])
    assert seen is not None
    assert seen.term == Term(12)


@given(st.integers(-3, 3), st.sampled_from([1, 12, 36]))
def test_about_a_term_is_within_three_days(days: int, months: int) -> None:
    """Months without the day and other times of day move the date by days, not by more."""
    moved = renewed(months)
    moved[1] = replace(moved[1], renews=later(MARCH, months) + days * DAY)
    assert proven(moved) is not None


def test_the_row_speaks_before_the_seller_and_the_seller_before_the_renewal() -> None:
    """Row, seller, renewal, nobody: the first that says something is believed, and named."""
    told = renewed(36, deal=FACTS)
    row = known_term(TERMS["monthly/monthly"], told)
    seller = known_term(None, told)
    renewal = known_term(None, renewed(36))
    assert row is not None
    assert seller is not None
    assert renewal is not None
    assert [str(k.term) for k in (row, seller, renewal)] == ["monthly", "annual, paid monthly", "three years"]
    assert renewal.says == "proven by its renewal with 10 seats: its date moved from 2026-03-15 to 2029-03-15"
    assert known_term(None, [chapter(MARCH, MARCH + 31 * DAY)]) is None


def reading(seen: Subscription, at: datetime, *left_out: Coverage) -> Snapshot:
    return Snapshot(Account("microsoft", "t"), at, {}, (), frozenset(Coverage).difference(left_out))


def test_a_new_chapter_begins_only_with_news() -> None:
    """The same again is no chapter; another quantity is one, and knows the last reading without it."""
    seen = Subscription("s", 10, Status.ENABLED)
    first = next_chapter(None, seen, reading(seen, MARCH), None)
    assert first is not None
    assert next_chapter(first, seen, reading(seen, MARCH + DAY), MARCH) is None
    more = replace(seen, quantity=13)
    second = next_chapter(first, more, reading(more, MARCH + 2 * DAY), MARCH + DAY)
    assert second is not None
    assert (second.quantity, second.since, second.before) == (13, MARCH + 2 * DAY, MARCH + DAY)


def test_a_seller_who_does_not_answer_takes_nothing_back() -> None:
    """Partner Center told the term yesterday and cannot be read today: the term stays known."""
    told = Subscription("s", 10, Status.ENABLED, deal=FACTS)
    first = next_chapter(None, told, reading(told, MARCH), None)
    silent = replace(told, deal=None)
    assert next_chapter(first, silent, reading(silent, MARCH + DAY, Coverage.TERMS), MARCH) is None
    gone = next_chapter(first, silent, reading(silent, MARCH + DAY), MARCH)
    assert gone is not None
    assert gone.deal is None


def test_the_present_reading_is_the_last_chapter() -> None:
    """Whether the store knows it yet or not; what it adds was not there when the tenant was last read."""
    seen = Subscription("s", 10, Status.ENABLED)
    [only] = UNREAD.told(seen, reading(seen, MARCH))
    assert (only.quantity, only.before) == (10, None)
    history = History({"s": (only,)}, read=MARCH + HOUR)
    assert history.told(seen, reading(seen, MARCH + DAY)) == (only,)
    more = replace(seen, quantity=13)
    assert history.told(more, reading(more, MARCH + DAY))[-1].before == MARCH + HOUR


def test_a_history_can_be_told_as_it_stood() -> None:
    """Ten seats on 1 March, twelve on 1 April: in March only the first chapter is known, in February nothing."""
    days = [datetime(2026, month, 1, tzinfo=UTC) for month in (3, 4)]
    ten, twelve = (
        Chapter(day, None, seats, Status.ENABLED, None, None) for day, seats in zip(days, (10, 12), strict=True)
    )
    history = History({"sub-1": (ten, twelve)}, days[1])

    assert history.as_of(days[0] + timedelta(days=5)).chapters == {"sub-1": (ten,)}
    assert history.as_of(days[1]).chapters == {"sub-1": (ten, twelve)}
    assert history.as_of(days[0] - timedelta(days=1)).chapters == {}
