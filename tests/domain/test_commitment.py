"""Which seats can be lowered when: batches, their seven days, and renewals."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from agent.domain.commitment import WINDOW, Batch, batches, closing, committed
from agent.domain.counts import Deal, Status, Term
from agent.domain.terms import Chapter, later

ANNUAL, MONTHLY = Term(12), Term(1)
HOUR = timedelta(hours=1)


def at(text: str) -> datetime:
    """ "2026-03-01" is its midnight, "2026-03-01 15:30" a time of that day; both UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def chapter(since: str, quantity: int, renews: str, before: str = "", **changes: object) -> Chapter:
    created = at("2026-03-01 15:30")
    known = {"status": Status.ENABLED, "created": created, **changes}
    return Chapter(at(since), at(before) if before else None, quantity, renews=at(renews), **known)


def held(told: Sequence[Chapter], now: str, term: Term = ANNUAL) -> tuple[Batch, ...]:
    found = batches(told, term, at(now))
    assert found is not None
    return found


def seats(told: Sequence[Chapter], now: str, term: Term = ANNUAL) -> int:
    return committed(held(told, now, term), at(now))


YEAR_END = "2027-03-01 15:30"
BOUGHT = [chapter("2026-03-01 16:00", 10, YEAR_END)]
ADDED = [*BOUGHT, chapter("2026-03-11 12:00", 13, YEAR_END, before="2026-03-11 11:00")]


def test_a_purchase_can_be_lowered_for_seven_days_to_the_second() -> None:
    """Bought on 1 March at 15:30: open until 8 March 15:29:59.999999, committed from 15:30 on."""
    assert seats(BOUGHT, "2026-03-08 15:29:59.999999") == 0
    assert seats(BOUGHT, "2026-03-08 15:30") == 10


def test_added_seats_have_seven_days_of_their_own() -> None:
    """10 from 1 March and 3 between 11:00 and 12:00 on the 11th: the 3 close on the 18th at 11:00, the earliest."""
    assert [(b.seats, b.closes) for b in held(ADDED, "2026-03-12")] == [
        (10, at("2026-03-08 15:30")),
        (3, at("2026-03-18 11:00")),
    ]
    assert (seats(ADDED, "2026-03-18 10:59"), seats(ADDED, "2026-03-18 11:00")) == (10, 13)


def test_all_batches_end_with_their_subscription() -> None:
    """Seats added in the course of a term renew with the others, on 1 March of the next year."""
    assert {batch.renews for batch in held(ADDED, "2026-06-01")} == {at(YEAR_END)}


def test_a_renewal_opens_all_seats_again_for_seven_days() -> None:
    """13 seats, renewed on 1 March 2027 at 15:30: committed before, open for a week, committed after."""
    assert seats(ADDED, "2027-03-01 15:29") == 13
    assert [(b.seats, b.bought) for b in held(ADDED, "2027-03-01 15:30")] == [(13, at(YEAR_END))]
    assert seats(ADDED, "2027-03-08 15:29") == 0
    assert seats(ADDED, "2027-03-08 15:30") == 13


def test_the_tenants_date_may_lag_behind_the_renewal() -> None:
    """Whether the date has moved on or not yet: the renewal was on 1 March 2027, and was one."""
    moved = [*ADDED, chapter("2027-03-04 12:00", 13, "2028-03-01 15:30", before="2027-03-04 11:00")]
    for day in ("2027-03-04 12:00", "2027-06-01"):
        assert held(moved, day) == held(ADDED, day)


def test_seats_lowered_at_the_renewal_leave_the_one_batch() -> None:
    """13 before, 8 after the renewal: one batch of 8, open until 8 March."""
    lowered = [*ADDED, chapter("2027-03-01 16:00", 8, "2028-03-01 15:30", before="2027-03-01 15:00")]
    assert [(b.seats, b.closes) for b in held(lowered, "2027-03-02")] == [(8, at("2027-03-08 15:30"))]


def test_seats_lowered_in_their_window_are_the_newest() -> None:
    """3 of 13 added on the 11th, 2 of them given back on the 13th: 10 committed and 1 still open."""
    back = [*ADDED, chapter("2026-03-13 12:00", 11, YEAR_END, before="2026-03-13 11:00")]
    assert [b.seats for b in held(back, "2026-03-14")] == [10, 1]
    assert seats(back, "2026-03-14") == 10


def test_several_batches_close_one_after_the_other() -> None:
    """10, then 3 on the 11th, then 2 on the 14th: 10 committed, 13 from the 18th, 15 from the 21st."""
    more = [*ADDED, chapter("2026-03-14 12:00", 15, YEAR_END, before="2026-03-14 11:00")]
    assert [seats(more, day) for day in ("2026-03-15", "2026-03-18 11:00", "2026-03-21 11:00")] == [10, 13, 15]
    first = closing(held(more, "2026-03-17"), at("2026-03-17"), timedelta(hours=48))
    assert first is not None
    assert (first.seats, first.closes) == (3, at("2026-03-18 11:00"))


def test_a_window_is_near_up_to_its_last_instant() -> None:
    """Two windows, to the 8th and to the 11th: two days before the first it is near, and at its end the second is."""
    bought, renews = at("2026-03-01"), at("2027-03-01")
    both = [Batch(3, bought, at("2026-03-11"), renews), Batch(10, bought, at("2026-03-08"), renews)]
    days = timedelta(days=2)
    assert closing(both, at("2026-03-06"), days) is both[1]
    assert closing(both, at("2026-03-06") - timedelta(seconds=1), days) is None
    assert closing(both, at("2026-03-08"), days) is None
    assert closing(both, at("2026-03-09"), days) is both[0]


def test_a_renewal_frees_seats_at_its_first_instant() -> None:
    """Committed a second before midnight, and to be lowered from then on."""
    batch = Batch(10, at("2026-03-01"), at("2026-03-08"), at("2027-03-01"))
    assert [batch.committed(at("2027-03-01") - timedelta(seconds=n)) for n in (1, 0)] == [10, 0]


def test_a_monthly_purchase_renews_every_month() -> None:
    """Bought on 31 January: renewals on 28 February, 31 March and 30 April, each with seven days."""
    told = [chapter("2026-01-31 12:00", 5, "2026-03-31 12:00", created=at("2026-01-31 12:00"))]
    starts = {day: held(told, day, MONTHLY)[0].bought for day in ("2026-03-01", "2026-04-01", "2026-05-02")}
    assert list(starts.values()) == [at("2026-02-28 12:00"), at("2026-03-31 12:00"), at("2026-04-30 12:00")]
    assert seats(told, "2026-03-01", MONTHLY) == 0
    assert seats(told, "2026-03-07 12:00", MONTHLY) == 5


def test_a_year_from_29_february() -> None:
    """Ends on 29 February 2028: the term began on 28 February 2027, and the next ends on 28 February 2029."""
    told = [chapter("2027-06-01", 4, "2028-02-29", created=at("2024-02-29"))]
    assert held(told, "2027-06-01")[0].bought == at("2027-02-28")
    assert held(told, "2028-02-29")[0] == Batch(4, at("2028-02-29"), at("2028-03-07"), at("2029-02-28"))


def test_a_term_that_was_cut_to_end_with_another_renews_there() -> None:
    """Bought on 5 June for the rest of a year that ends on the 15th: a new term, and window, on the 15th."""
    told = [chapter("2026-06-05 12:00", 6, "2026-06-15", created=at("2026-06-05"))]
    assert seats(told, "2026-06-12") == 6
    assert held(told, "2026-06-15") == (Batch(6, at("2026-06-15"), at("2026-06-22"), at("2027-06-15")),)


def test_what_was_there_before_trueup_looked_counts_as_old() -> None:
    """First read in June with 10 seats from March: nobody knows of a later batch, so all are committed."""
    assert seats([chapter("2026-06-01", 10, YEAR_END)], "2026-06-01") == 10


def test_the_sellers_word_on_the_window_and_the_end_comes_first() -> None:
    """Partner Center: cancellable until the 6th at 12:00, over on 1 March at 00:00; the tenant says 15:30."""
    deal = Deal(ANNUAL, 10, ends=at("2027-03-01"), cancel_until=at("2026-03-06 12:00"))
    [batch] = held([chapter("2026-03-02", 10, YEAR_END, deal=deal)], "2026-03-05")
    assert (batch.closes, batch.renews) == (at("2026-03-06 12:00"), at("2027-03-01"))


def test_in_grace_or_suspended_nothing_is_committed() -> None:
    """The term ended and was not renewed: whatever is still used is billed, and nothing is owed beyond it."""
    for status in (Status.WARNING, Status.SUSPENDED, Status.DELETED, Status.LOCKED_OUT):
        ended = [*ADDED, chapter("2027-03-02", 13, "2027-04-01", before="2027-03-01", status=status)]
        assert held(ended, "2027-03-03") == ()


def test_without_an_end_there_is_no_answer() -> None:
    """A purchase whose end nobody tells: not known, which is not the same as nothing committed."""
    endless = Chapter(at("2026-03-01"), None, 10, Status.ENABLED, at("2026-03-01"), None)
    assert batches([endless], ANNUAL, at("2026-03-09")) is None


@st.composite
def histories(draw: st.DrawFn) -> tuple[list[Chapter], Term]:
    """Readings of one subscription, hours to months apart, with any quantities; its date moves with each renewal."""
    term = Term(draw(st.sampled_from([1, 12, 36])))
    begin = at("2024-01-31") + draw(st.integers(0, 30_000)) * HOUR
    moment, before, told = begin, None, []
    for hours in draw(st.lists(st.integers(1, 2_000), min_size=1, max_size=8)):
        moment += hours * HOUR
        renewals = next(n for n in range(1, 10_000) if later(begin, n * term.months) > moment)
        lag = draw(st.booleans()) and renewals > 1
        end = later(begin, (renewals - lag) * term.months)
        told.append(Chapter(moment, before, draw(st.integers(0, 60)), Status.ENABLED, begin, end))
        before = moment
    return told, term


@given(histories(), st.integers(0, 9_000))
def test_batches_add_up_to_the_quantity(history: tuple[list[Chapter], Term], hours: int) -> None:
    """At every instant after the last reading the seats of all batches are the seats of the subscription."""
    told, term = history
    found = batches(told, term, told[-1].since + hours * HOUR)
    assert found is not None
    assert sum(batch.seats for batch in found) == told[-1].quantity
    assert all(batch.seats > 0 for batch in found)


@given(histories(), st.integers(0, 9_000), st.integers(0, 9_000))
def test_committed_seats_never_get_fewer_before_the_renewal(
    history: tuple[list[Chapter], Term], hours: int, more: int
) -> None:
    """Time alone only closes windows: until the renewal what is committed stays committed."""
    told, term = history
    now = told[-1].since + hours * HOUR
    found = batches(told, term, now) or ()
    end = min((batch.renews for batch in found), default=now)
    then = min(now + more * HOUR, end - HOUR)
    if then >= now:
        assert committed(batches(told, term, then) or (), then) >= committed(found, now)


@given(histories(), st.integers(0, 9_000))
def test_windows_last_a_week_within_the_running_term(history: tuple[list[Chapter], Term], hours: int) -> None:
    """No window is longer than seven days, none begins in the future, and all batches renew on one later instant."""
    told, term = history
    now = told[-1].since + hours * HOUR
    found = batches(told, term, now) or ()
    assert all(batch.bought <= now and batch.closes == batch.bought + WINDOW for batch in found)
    assert len({batch.renews for batch in found}) <= 1
    assert all(now < batch.renews for batch in found)


@given(histories(), st.integers(0, 100))
def test_what_is_owed_lies_between_used_and_purchased(history: tuple[list[Chapter], Term], used: int) -> None:
    """max(used, committed) is never below what is used, and above it only up to what was purchased."""
    told, term = history
    now = told[-1].since
    owed = max(used, committed(batches(told, term, now) or (), now))
    assert used <= owed <= max(used, told[-1].quantity)
