"""What a gap comes to, month by month, what writes billed of it, and that nothing of it is ever lost."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from agent.domain.changes import Write
from agent.domain.findings import Apart, Code
from agent.domain.keys import LineKey, Role
from agent.domain.ledger import Cut, Gap, Made, Settlement, State, Verb, balances, by_periods, course, made_by
from agent.domain.money import Money
from agent.domain.periods import Grid, Period
from agent.domain.proration import CONNECTWISE
from agent.domain.settling import Asked, objection, settled

FIRST, TODAY = date(2026, 9, 21), date(2026, 11, 20)
AT = datetime(2026, 11, 20, 12, tzinfo=UTC)
DAY = timedelta(days=1)
KEY = LineKey("connectwise", 1021, "tenant", "sku-1", "", "", "M365-BP")


def usd(amount: str) -> Money:
    return Money(Decimal(amount), "USD")


def apart(units: int = 4, price: str | None = "22.00") -> Apart:
    return Apart("Business Premium", units, None if price is None else usd(price), 1021, "M365-BP")


def gap(
    *seen: tuple[date, Apart | None], closed: date | None = None, code: Code = Code.UNDER_BILLED, **more: object
) -> Gap:
    days = seen or ((FIRST, apart()),)
    about = (code, str(KEY), "a sentence", "Business Premium", 1021, "M365-BP", 4, days[0][0], closed)
    return Gap(1, 250, *about, course(days, closed), CONNECTWISE, **more)  # type: ignore[arg-type]


def decided(of: Gap, asked: Asked, today: date = TODAY) -> Gap:
    """The gap with one decision more."""
    assert objection(of, asked, today) == ""
    record = replace(settled(of, asked, today, AT), id=len(of.settlements) + 1)
    return replace(of, settlements=(*of.settlements, record))


def amounts(of: Gap, until: date = TODAY, made: tuple[Made, ...] = ()) -> list[str]:
    return [str(month.amount) for month in of.months(until, made) or ()]


def open_(of: Gap, today: date = TODAY) -> str:
    sums = of.sums(Cut.now(today))
    assert sums is not None
    return str(sums.open)


BILL = Asked(Verb.BILL, "ana")
WAIVE = Asked(Verb.WAIVE, "ana", "our mistake", "R. Okafor")


def test_partial_months_cost_the_share_of_their_days() -> None:
    """4 x 22.00 = 88.00 a month: 10/30 of September 29.33, October whole, 19/30 of November 55.73."""
    assert amounts(gap()) == ["29.33 USD", "88.00 USD", "55.73 USD"]
    assert open_(gap()) == "173.06 USD"


def test_today_owes_nothing_yet() -> None:
    """First seen today: a gap without money; tomorrow one day of it, 88.00 / 30 = 2.93."""
    assert open_(gap((TODAY, apart()))) == "0.00 USD"
    assert open_(gap((TODAY, apart())), TODAY + DAY) == "2.93 USD"


def test_units_that_changed_meanwhile_count_from_their_day() -> None:
    """October: 4 for 14 days and 5 for 17, 22.00 x (4 x 14 + 5 x 17) / 31 = 100.06, rounded once."""
    found = gap((date(2026, 10, 1), apart(4)), (date(2026, 10, 15), apart(5)), closed=date(2026, 11, 1))
    assert amounts(found) == ["100.06 USD"]


def test_whole_periods_are_owed_from_their_first_day_or_not_at_all() -> None:
    """21 September to 15 November: September was running, so October and November, 88.00 each, on 2 November too."""
    found = course([(FIRST, apart())], date(2026, 11, 15))
    periods = by_periods(found, Grid(date(2026, 1, 1), 1), TODAY)
    whole = replace(gap(closed=date(2026, 11, 15)), course=periods, whole=True)
    assert amounts(whole, date(2026, 11, 2)) == amounts(whole) == ["88.00 USD", "88.00 USD"]
    assert amounts(whole, date(2026, 11, 1)) == ["88.00 USD"]


def test_of_several_numbers_in_a_day_the_last_one_counts() -> None:
    """9 for an hour, then 4: the day bills 4."""
    found = gap((date(2026, 10, 1), apart(9)), (date(2026, 10, 1), apart(4)), closed=date(2026, 11, 1))
    assert amounts(found) == ["88.00 USD"]


def test_gap_that_is_put_right_keeps_its_past() -> None:
    """Closed on 1 November, and nobody billed the days before: they stay open, and grow no more."""
    found = gap((date(2026, 10, 1), apart()), closed=date(2026, 11, 1))
    assert open_(found) == open_(found, date(2027, 6, 1)) == "88.00 USD"


def test_what_a_later_write_billed_is_corrected_by_itself() -> None:
    """An addition of 4 from 11 October on: of October 10 days remain, 88.00 x 10/31 = 28.39."""
    later = Made(date(2026, 11, 1), Period(date(2026, 10, 11), date.max), 4)
    found = gap((date(2026, 10, 1), apart()), closed=date(2026, 11, 1), made=(later,))
    sums = found.sums(Cut.now(TODAY))
    assert sums is not None
    assert (str(sums.added), str(sums.corrected), str(sums.open)) == ("88.00 USD", "59.61 USD", "28.39 USD")
    before = found.sums(Cut.before(date(2026, 11, 1)))
    assert before is not None
    assert str(before.open) == "88.00 USD"


def test_write_to_other_seats_leaves_the_gap_alone() -> None:
    """Two seats left meanwhile: a line lowered by 2 makes no gap of 4 one of 6."""
    less = Made(date(2026, 10, 5), Period(date(2026, 10, 1), date.max), -2)
    assert amounts(gap((date(2026, 10, 1), apart())), date(2026, 11, 1), (less,)) == ["88.00 USD"]


def test_credit_is_what_was_billed_too_much() -> None:
    """Over-billed by 3 x 5.00 for October; a credit of 3 from the 17th on takes 15 of 31 days off."""
    credit = Made(date(2026, 11, 1), Period(date(2026, 10, 17), date(2026, 11, 1)), -3)
    found = gap((date(2026, 10, 1), apart(3, "5.00")), closed=date(2026, 11, 1), code=Code.OVER_BILLED, made=(credit,))
    assert open_(found) == "7.74 USD"


def test_no_price_makes_no_sum_until_somebody_says_one() -> None:
    """Nothing is made up; at 30.00 October is 120.00, in two phases of 60.00."""
    found = gap((date(2026, 10, 1), apart(4, None)), closed=date(2026, 11, 1))
    assert (found.sums(Cut.now(TODAY)), found.state(Cut.now(TODAY))) == (None, State.UNPRICED)
    assert objection(found, BILL, TODAY) == "no price is known: say what one costs a month"
    billed = decided(found, replace(BILL, price=usd("30.00"), phases=2))
    assert [str(part.amount) for part in billed.settlements[0].instalments] == ["60.00 USD", "60.00 USD"]


def test_word_without_a_price_holds_up_to_its_day() -> None:
    """Waived on 1 November and mended that day: waived. It went on until the 2nd: that day is without a price again."""
    began = date(2026, 10, 1), apart(4, None)
    for closed, state in ((date(2026, 11, 1), State.WAIVED), (date(2026, 11, 2), State.UNPRICED)):
        waived = replace(decided(gap(began), WAIVE, date(2026, 11, 1)), closed=closed)
        assert waived.state(Cut.now(TODAY)) is state
    twice = decided(decided(gap(began), WAIVE, date(2026, 10, 11)), WAIVE, date(2026, 11, 1))
    assert replace(twice, closed=date(2026, 11, 1)).state(Cut.now(TODAY)) is State.WAIVED


def test_gap_without_a_price_begins_with_its_second_day() -> None:
    """Seen today, it has no day yet; tomorrow it has one that nobody can price."""
    found = gap((TODAY, apart(4, None)))
    assert [found.state(Cut.now(day)) for day in (TODAY, TODAY + DAY)] == [State.NOTHING, State.UNPRICED]


def test_waiver_without_a_price_settles_its_days_for_good() -> None:
    """October waived at no known price; billed at 30.00 later, only November's 19 days are owed: 76.00."""
    waived = decided(gap((date(2026, 10, 1), apart(4, None))), WAIVE, date(2026, 11, 1))
    billed = decided(waived, replace(BILL, price=usd("30.00")))
    assert str(billed.settlements[1].amount) == "76.00 USD"


def test_cents_of_phases_add_up() -> None:
    """173.06 in three: 57.69, 57.69 and 57.68, on the first of three months."""
    [record] = decided(gap(), replace(BILL, phases=3, first=date(2026, 12, 1))).settlements
    assert [(str(part.amount), part.day.isoformat()) for part in record.instalments] == [
        ("57.69 USD", "2026-12-01"),
        ("57.69 USD", "2027-01-01"),
        ("57.68 USD", "2027-02-01"),
    ]


def test_phases_that_begin_on_a_31st_keep_to_the_ends_of_months() -> None:
    """31 December, 31 January, 28 February."""
    [record] = decided(gap(), replace(BILL, phases=3, first=date(2026, 12, 31))).settlements
    assert [part.day.isoformat() for part in record.instalments] == ["2026-12-31", "2027-01-31", "2027-02-28"]


def test_part_is_scheduled_until_its_day_and_billed_from_then_on() -> None:
    """Two parts of 86.53: in mid-December one is billed and one remains, scheduled."""
    found = decided(gap(closed=TODAY), replace(BILL, phases=2))
    sums = found.sums(Cut.now(date(2026, 12, 15)))
    assert sums is not None
    assert (str(sums.billed), str(sums.scheduled), str(sums.open)) == ("86.53 USD", "86.53 USD", "0.00 USD")
    assert found.state(Cut.now(TODAY)) is State.PHASED


def test_reopened_gap_is_as_open_as_before() -> None:
    """The decision and its taking back both stay on record."""
    waived = decided(gap(closed=TODAY), WAIVE)
    assert (waived.state(Cut.now(TODAY)), open_(waived)) == (State.WAIVED, "0.00 USD")
    again = decided(waived, Asked(Verb.REOPEN, "ben", "not agreed"))
    assert (open_(again), len(again.settlements)) == ("173.06 USD", 2)


def test_waived_gap_that_goes_on_is_open_again() -> None:
    """What was waived is what it was then: eleven days later 4 x 22.00 x 11/30 = 32.27 are open."""
    assert open_(decided(gap(), WAIVE), date(2026, 12, 1)) == "32.27 USD"


def test_what_was_decided_and_then_billed_by_a_write_is_seen() -> None:
    """Waived, and afterwards a line was dated back over all its days: settled twice."""
    back = Made(TODAY + DAY, Period(FIRST, date.max), 4)
    twice = replace(decided(gap(closed=TODAY), WAIVE), made=(back,))
    assert twice.state(Cut.now(TODAY + DAY)) is State.TWICE


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        (replace(WAIVE, reason=""), "it needs a reason: say why"),
        (replace(WAIVE, approver=""), "a waiver needs an approver: say who allowed it"),
        (Asked(Verb.CORRECT, "ana"), "it needs a reason: say why"),
        (Asked(Verb.REOPEN, "ana", "why"), "there is no decision to take back"),
        (replace(BILL, phases=0), "it can be billed in 1 to 36 phases"),
        (replace(BILL, phases=37), "it can be billed in 1 to 36 phases"),
        (replace(BILL, first=date(2026, 11, 1)), "2026-11-01 is over: begin with a later day"),
        (replace(BILL, first=date(9999, 12, 31)), "9999-12-31 is more than 10 years away"),
        (replace(BILL, price=usd("30.00")), "its price is known, and another cannot be said"),
    ],
)
def test_what_cannot_be_done_is_told(asked: Asked, why: str) -> None:
    """Each as one sentence."""
    assert objection(gap(), asked, TODAY) == why


def test_nothing_is_decided_twice() -> None:
    """Waived: there is nothing left to bill."""
    assert objection(decided(gap(closed=TODAY), WAIVE), BILL, TODAY) == "nothing of it is open"


def test_two_cents_do_not_make_three_phases() -> None:
    """A part of nothing is no line."""
    tiny = gap((date(2026, 11, 1), apart(1, "0.02")), closed=date(2026, 12, 1))
    found = objection(tiny, replace(BILL, phases=3), date(2026, 12, 2))
    assert found == "it is too little for 3 phases"


def write(line: int | None = None, role: Role = Role.DELTA, before: object = (), **after: str) -> Write:
    key = KEY.delta("x", role)
    december = date(2026, 12, 1)
    return Write(key, 1021, 250, "POST", "/", "", "", dict(before), after, line, next_invoice=december)  # type: ignore[call-overload]


def test_new_line_bills_from_its_first_day() -> None:
    """A bounded addition of 2; a credit takes seats away however the site writes it."""
    days = {"start": "2026-10-05", "end": "2026-11-01"}
    period = Period(date(2026, 10, 5), date(2026, 11, 1))
    assert list(made_by(write(quantity="2", **days), TODAY)) == [Made(TODAY, period, 2)]
    for quantity in ("2", "-2"):
        credit = write(role=Role.CREDIT, quantity=quantity, **days)
        assert list(made_by(credit, TODAY)) == [Made(TODAY, period, -2)]
    assert list(made_by(write(quantity="2", billable="do-not-bill", **days), TODAY)) == []


def test_changed_quantity_counts_from_the_next_invoice_on() -> None:
    """10 -> 12 with November invoiced: nothing before 1 December. Ended on the 15th: all 12 are gone from then on."""
    base = {"quantity": "10", "included": "0", "start": "2026-01-01", "end": ""}
    raised = write(4711, Role.BASE, base, quantity="12")
    december = date(2026, 12, 1)
    assert list(made_by(raised, TODAY)) == [Made(TODAY, Period(december, date.max), 2)]
    ended = write(4711, Role.BASE, base, end="2026-12-15")
    assert list(made_by(ended, TODAY)) == [Made(TODAY, Period(date(2026, 12, 15), date.max), -10)]


def test_included_seats_are_billed_by_no_write() -> None:
    """5 with 2 included bill 3; 12 with 2 included that become 12 with 1 bill one more."""
    new = write(quantity="5", included="2", start="2026-10-05", end="2026-11-01")
    assert [made.seats for made in made_by(new, TODAY)] == [3]
    before = {"quantity": "12", "included": "2", "start": "2026-01-01", "end": ""}
    assert [made.seats for made in made_by(write(4711, Role.BASE, before, included="1"), TODAY)] == [1]


def test_a_line_that_ends_before_the_next_invoice_bills_nothing_more() -> None:
    """Raised by two and ended on 1 December, the day of the next invoice: its ten are gone from then on."""
    base = {"quantity": "10", "included": "0", "start": "2026-01-01", "end": ""}
    found = list(made_by(write(4711, Role.BASE, base, quantity="12", end="2026-12-01"), TODAY))
    assert found == [Made(TODAY, Period(date(2026, 12, 1), date.max), -10)]


def test_what_was_made_names_its_entry_of_the_journal() -> None:
    """By it the ledger finds the request, whether it made, raised or ended a line."""
    base = {"quantity": "10", "included": "0", "start": "2026-01-01", "end": ""}
    raised_and_ended = write(4711, Role.BASE, base, quantity="12", end="2026-12-15")
    new = write(quantity="2", start="2026-10-05", end="2026-11-01")
    found = [*made_by(new, TODAY, 7), *made_by(raised_and_ended, TODAY, 7)]
    assert [made.entry for made in found] == [7, 7, 7]


days = st.dates(date(2026, 1, 1), date(2026, 12, 31))
aparts = st.builds(apart, st.integers(1, 500), st.sampled_from(["22.00", "0.0825", "36.50", "1000000"]))
mades = st.builds(
    lambda on, start, length, seats: Made(on, Period(start, start + length * DAY), seats),
    days, days, st.integers(1, 200), st.integers(-500, 500),
)  # fmt: skip
deeds = st.lists(st.tuples(days, st.sampled_from(Verb), st.integers(1, 12)), max_size=6)


@st.composite
def histories(draw: st.DrawFn) -> Gap:
    """A gap with changing units, writes that bill some of it, and whatever people may decide on the way."""
    seen = sorted(draw(st.dictionaries(days, aparts, min_size=1, max_size=4)).items())
    closed = draw(st.none() | days.map(lambda day: max(day, seen[-1][0])))
    code = draw(st.sampled_from([Code.UNDER_BILLED, Code.OVER_BILLED]))
    found = gap(*seen, closed=closed, code=code, made=tuple(draw(st.lists(mades, max_size=4))))
    for day, verb, phases in sorted(draw(deeds)):
        asked = Asked(verb, "ana", "a reason", "ben", phases=phases)
        if not objection(found, asked, day):
            found = decided(found, asked, day)
    return found


@settings(max_examples=60)
@given(found=histories(), first=days, last=days)
def test_balances_always_add_up(found: Gap, first: date, last: date) -> None:
    """opening + added - corrected - billed - waived = remaining, and a period's end is the next one's opening."""
    first, last = min(first, last), max(first, last)
    begin, end, later = Cut.before(first), Cut.before(last), Cut.before(date(2028, 1, 1))
    for one in balances([found], begin, end):
        assert one.opening + one.added - one.corrected - one.billed - one.waived == one.remaining
        assert one.added.amount >= 0
        [after] = balances([found], end, later)
        assert after.opening == one.remaining


@settings(max_examples=60)
@given(found=histories(), day=days)
def test_no_cent_comes_or_goes(found: Gap, day: date) -> None:
    """Phases make up what was decided; whoever decides settles exactly what was open."""
    sums = found.sums(Cut.now(day))
    assume(sums is not None)
    assert sums is not None
    parts = sums.added, sums.corrected, sums.billed, sums.waived, sums.scheduled
    assert min(money.amount for money in parts) >= 0
    for one in found.settlements:
        assert not one.instalments or Money.total((part.amount for part in one.instalments), "USD") == one.amount
    latest = max([day, *(one.on for one in found.settlements)])
    if not objection(found, WAIVE, latest):
        assert not decided(found, WAIVE, latest).sums(Cut.now(latest)).open  # type: ignore[union-attr]


@settings(max_examples=60)
@given(found=histories(), day=days)
def test_sum_does_not_depend_on_when_it_is_reckoned(found: Gap, day: date) -> None:
    """What is owed up to a day is the same whether the gap went on after it or not."""
    cut = Cut.before(day)
    clipped = [replace(one, days=Period(one.days.start, min(one.days.end, day))) for one in found.course
               if one.days.start < day]  # fmt: skip
    early = replace(found, course=tuple(clipped), settlements=(), made=())
    before, after = early.sums(cut), replace(found, settlements=(), made=()).sums(cut)
    assert before is None or after is None or before == after


def test_balance_is_the_sum_of_its_gaps() -> None:
    """Three gaps of 88.00: one waived, one billed in two parts of which one is to come, of one a write billed 44.00.

    A fourth has no price, and hides none of the others.
    """
    october = date(2026, 10, 1), apart(4)
    plain = gap(october, closed=date(2026, 11, 1))
    unpriced = gap((date(2026, 10, 1), apart(4, None)), closed=date(2026, 11, 1))
    waived = decided(plain, WAIVE, date(2026, 11, 5))
    billed = decided(plain, replace(BILL, phases=2, first=date(2026, 11, 10)), date(2026, 11, 5))
    corrected = replace(plain, made=(Made(date(2026, 11, 5), Period(date(2026, 10, 1), date(2026, 11, 1)), 2),))
    gaps = [unpriced, waived, billed, corrected]
    [one] = balances(gaps, Cut.before(date(2026, 10, 1)), Cut.now(TODAY))
    assert (str(one.opening), str(one.added)) == ("0.00 USD", "264.00 USD")
    settled_by = one.corrected, one.billed, one.waived, one.scheduled
    assert [str(money) for money in settled_by] == ["44.00 USD", "44.00 USD", "88.00 USD", "44.00 USD"]
    assert str(one.remaining) == "88.00 USD"
    [later] = balances(gaps, Cut.now(TODAY), Cut.now(TODAY + DAY))
    assert (str(later.opening), str(later.added), str(later.waived)) == ("88.00 USD", "0.00 USD", "0.00 USD")


def test_empty_ledger_has_no_balance() -> None:
    """And no gap without money is told of."""
    assert balances([], Cut.before(FIRST), Cut.now(TODAY)) == ()
    assert balances([gap((TODAY, apart()))], Cut.before(FIRST), Cut.now(TODAY)) == ()
    assert isinstance(decided(gap(), BILL).settlements[0], Settlement)
