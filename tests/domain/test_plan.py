"""Current + desired -> changes."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from agent.domain.agreements import Billable, Line
from agent.domain.changes import AddLine, EndLine, Fold, SetDescription, SetPrice, SetQuantity
from agent.domain.counts import Observation, Status, Subscription
from agent.domain.findings import Code
from agent.domain.keys import Mark
from agent.domain.mappings import PricePolicy, Usernames
from agent.domain.ownership import Binding, BindingState, Charge
from agent.domain.periods import Period
from tests.domain.given import (
    E3,
    INSTALLATION,
    MARCH_17,
    NOW,
    PRODUCT,
    PROFILE,
    agreement,
    binding,
    drafted,
    ground,
    line,
    observation,
    only,
    row,
    seen_before,
    snapshot,
)

KEY = row().key("connectwise")
MARK = str(Mark.of(INSTALLATION, KEY))


def managed(quantity: int = 10, **changes: object) -> tuple[Line, Binding]:
    ours = line(quantity=quantity, mark=MARK, **changes)
    return ours, binding(KEY, ours)


def test_a_row_without_a_line_gets_one() -> None:
    """12 seats and no line: one AddLine of 12, effective today, 12 x 22.00 = 264.00 a month."""
    change = only(drafted([row()], snapshot(observation()), ground()).changes)
    assert isinstance(change, AddLine)
    assert (change.after.quantity, change.effective) == (12, MARCH_17)
    assert str(change.monthly) == "264.00 USD"


def test_a_line_that_is_right_needs_nothing() -> None:
    """12 desired, 12 billed: the plan is empty."""
    ours, bound = managed(12)
    assert drafted([row()], snapshot(observation()), ground([ours], [bound])).changes == ()


@given(st.integers(1, 400), st.integers(1, 400))
def test_a_difference_is_one_change_from_before_to_after(billed: int, seats: int) -> None:
    """Whatever the two numbers, applying the one change gives the desired one, and 22.00 a seat is its money."""
    ours, bound = managed(billed)
    sightings = seen_before(KEY, seats)
    changes = drafted([row()], snapshot(observation(purchased=seats)), ground([ours], [bound]), sightings).changes
    if billed == seats:
        assert changes == ()
        return
    change = only(changes)
    assert isinstance(change, SetQuantity)
    assert (change.was, change.after.quantity) == (billed, seats)
    assert change.monthly is not None
    assert change.monthly.amount == 22 * (seats - billed)


def test_a_lower_count_waits_for_a_second_read() -> None:
    """First seen now: the decrease waits. Seen an hour ago as well: it goes."""
    ours, bound = managed(15)
    snap, on = snapshot(observation()), ground([ours], [bound])
    assert "second read" in only(drafted([row()], snap, on).changes).waits
    assert only(drafted([row()], snap, on, seen_before(KEY, 12, hours=1)).changes).waits == ""


def test_a_line_without_a_row_is_no_read_of_zero() -> None:
    """For a day no row wanted the line. The row comes back, and its first read says 0: that waits for a second one."""
    ours, bound = managed(10)
    on, empty = ground([ours], [bound]), snapshot(observation(purchased=0))
    (unwanted,) = drafted([], empty, on).sightings
    assert (unwanted.quantity, unwanted.first_at) == (0, None)
    back = {unwanted.key: replace(unwanted, last_at=NOW - timedelta(days=1))}
    assert "second read" in only(drafted([row()], empty, on, back).changes).waits


def test_a_higher_count_waits_for_nothing() -> None:
    """An increase is believed at once."""
    ours, bound = managed(10)
    assert only(drafted([row()], snapshot(observation()), ground([ours], [bound])).changes).waits == ""


def test_a_change_keeps_the_day_on_which_it_was_seen() -> None:
    """Held since 12 March, written on the 17th: it is effective from the 12th."""
    ours, bound = managed(10)
    sightings = seen_before(KEY, 12, since=date(2026, 3, 12))
    change = only(drafted([row()], snapshot(observation()), ground([ours], [bound]), sightings).changes)
    assert change.effective == date(2026, 3, 12)


def test_zero_seats_end_the_line() -> None:
    """Nothing left to bill: EndLine, not a quantity of nothing."""
    ours, bound = managed(10)
    gone = observation(purchased=0)
    change = only(drafted([row()], snapshot(gone), ground([ours], [bound]), seen_before(KEY, 0)).changes)
    assert isinstance(change, EndLine)
    assert change.after.quantity == 0


def test_an_open_write_blocks_its_line() -> None:
    """Nothing is written to a line whose last write may still happen."""
    ours, bound = managed(10)
    made = drafted([row()], snapshot(observation()), ground([ours], [bound]), open_keys=frozenset({KEY}))
    assert "not settled" in only(made.changes).waits


def test_a_vanished_line_is_never_created_again() -> None:
    """The binding says line 4711, the PSA has none: a finding, no change."""
    _, bound = managed(10)
    made = drafted([row()], snapshot(observation()), ground([], [bound]))
    assert made.changes == ()
    assert made.stopped[KEY].code is Code.MISSING_LINE


def test_a_lost_store_finds_its_line_by_the_mark() -> None:
    """No binding, but a line that carries our mark: it is ours, and nothing is added."""
    ours, _ = managed(12)
    assert drafted([row()], snapshot(observation()), ground([ours])).changes == ()


def test_two_lines_with_one_mark_stop_the_agreement() -> None:
    """Trueup never chooses between them."""
    first, bound = managed(12)
    twin = replace(first, id=4712)
    made = drafted([row()], snapshot(observation(purchased=14)), ground([first, twin], [bound]))
    assert made.changes == ()
    assert made.stopped[KEY].code is Code.DUPLICATE_LINES


def test_the_only_line_of_the_product_is_adopted() -> None:
    """A line of 10 that somebody made before: SetQuantity on it, not a second line."""
    change = only(drafted([row()], snapshot(observation()), ground([line(quantity=10)])).changes)
    assert isinstance(change, SetQuantity)
    assert change.was == 10


def test_two_lines_of_the_product_are_ambiguous() -> None:
    """Which of them is the row's cannot be told, so nothing is written."""
    made = drafted([row()], snapshot(observation()), ground([line(1), line(2)]))
    assert made.changes == ()
    assert made.stopped[KEY].code is Code.AMBIGUOUS_LINES


def test_a_line_whose_row_is_gone_is_proposed_to_end() -> None:
    """The row was removed; the line still bills: EndLine."""
    ours, bound = managed(10)
    change = only(drafted([], snapshot(observation()), ground([ours], [bound])).changes)
    assert isinstance(change, EndLine)


def test_another_licence_is_an_end_and_a_new_line() -> None:
    """The row moved from one licence to another: the old line ends and the new one begins, in one plan."""
    ours, bound = managed(12)
    other = line(4712, product=9, identifier="M365-E3")
    moved = row(sku=E3, profile=replace(PROFILE, product=PRODUCT.identifier))
    changes = drafted([moved], snapshot(observation(E3)), ground([ours, other], [bound])).changes
    assert [type(c) for c in changes] == [AddLine, EndLine]


def test_an_agreement_of_another_company_is_not_touched() -> None:
    """The agreement's company must be the mapped one at every plan."""
    made = drafted([row()], snapshot(observation()), ground(agreements=[agreement(company=999)]))
    assert made.changes == ()
    assert made.stopped[KEY].code is Code.WRONG_COMPANY


def test_a_cancelled_agreement_is_not_touched() -> None:
    """Its refusal becomes the finding."""
    made = drafted([row()], snapshot(observation()), ground(agreements=[agreement(refusal="it is cancelled")]))
    assert made.stopped[KEY].code is Code.AGREEMENT_NOT_BILLABLE


def test_a_quarterly_agreement_is_not_supported() -> None:
    """Only monthly and annual cycles are written."""
    made = drafted([row()], snapshot(observation()), ground(agreements=[agreement(months=None, cycle="Quarterly")]))
    assert made.stopped[KEY].code is Code.CYCLE_UNSUPPORTED


def test_while_an_invoice_is_deleted_nothing_moves() -> None:
    """The next invoice date was 1 May and is 1 April again: two more seats wait until April's is made again."""
    ours, bound = managed(10)
    on = ground([ours], [bound], boundaries={1021: date(2026, 5, 1)})
    change = only(drafted([row()], snapshot(observation()), on).changes)
    assert change.queued == "waits until the deleted invoice of 2026-04-01 to 2026-04-30 is made again"


def test_price_and_quantity_are_two_changes() -> None:
    """A new fixed price and two more seats are shown, and approved, apart."""
    ours, bound = managed(10)
    dearer = row(profile=replace(PROFILE, price=PricePolicy(Decimal(24))))
    changes = drafted([dearer], snapshot(observation()), ground([ours], [bound])).changes
    assert {type(c) for c in changes} == {SetPrice, SetQuantity}


@given(
    st.integers(1, 30), st.integers(0, 30), st.decimals(1, 99, places=2), st.sampled_from(Billable), st.text(max_size=9)
)
def test_no_change_moves_a_quantity_and_a_price(
    billed: int, seats: int, price: Decimal, billable: Billable, text: str
) -> None:
    """Whatever differs at once, each change moves either quantity and text or price and billable flag."""
    ours, bound = managed(billed)
    asks = row(profile=replace(PROFILE, price=PricePolicy(price), billable=billable), text=text)
    on = ground([ours], [bound])
    for change in drafted([asks], snapshot(observation(purchased=seats)), on, seen_before(KEY, seats)).changes:
        before, after = change.before, change.after
        assert before is not None
        counted = (before.quantity, before.included, before.text) != (after.quantity, after.included, after.text)
        paid = (before.price, before.billable) != (after.price, after.billable)
        assert counted != paid


def test_a_price_change_is_worth_the_seats_that_are_paid_for() -> None:
    """12 on the line of which 2 are included: 2.00 more on 10 seats is 20.00; to bill nothing is 10 x 22.00 less."""
    ours, bound = managed(12, included=Decimal(2))
    asks = row(included=2, profile=replace(PROFILE, show_included=True, price=PricePolicy(Decimal(24))))
    free = replace(asks, profile=replace(asks.profile, price=PricePolicy(), billable=Billable.NO_CHARGE))
    on = ground([ours], [bound])
    money = [only(drafted([r], snapshot(observation(purchased=12)), on).changes).monthly for r in (asks, free)]
    assert [str(m) for m in money] == ["20.00 USD", "-220.00 USD"]


def test_an_open_difference_that_missed_its_new_price_gets_it() -> None:
    """The base shows 24.00, its open difference of 2 still 22.00: a change of price, worth 2 x 2.00 a month."""
    ours, bound = managed(10, price=Decimal(24))
    key = KEY.delta("2026-03-10/10-12")
    beside = line(4712, 2, mark=str(Mark.of(INSTALLATION, key)), start=date(2026, 3, 10))
    on = ground([ours, beside], [bound, binding(key, beside, boundary=date(2026, 4, 1))])
    change = only(drafted([row()], snapshot(observation()), on).changes)
    assert isinstance(change, SetPrice)
    assert (change.before and change.before.price, change.after.price) == (Decimal(22), Decimal(24))
    assert str(change.monthly) == "4.00 USD"


def test_a_person_who_joined_changes_only_the_text() -> None:
    """Same seats, another name: SetDescription and no money."""
    ours, bound = managed(12, text="Business Premium: anna@x")
    named = row(text="Business Premium", profile=replace(PROFILE, usernames=Usernames.UPN))
    change = only(drafted([named], snapshot(observation()), ground([ours], [bound])).changes)
    assert isinstance(change, SetDescription)
    assert not change.monthly


def test_the_same_text_in_another_spelling_is_no_change() -> None:
    """The PSA shows a line break as a space; that is not a difference."""
    ours, bound = managed(12, text="  Business   Premium ")
    assert drafted([row(text="Business Premium")], snapshot(observation()), ground([ours], [bound])).changes == ()


def test_seats_billed_by_the_invoice_are_remembered() -> None:
    """10 were invoiced for March, 8 stand now: what March was billed for is still 10."""
    ours, bound = managed(8)
    march = Period(date(2026, 3, 1), date(2026, 4, 1))
    on = ground([ours], [bound], charges=[Charge(KEY, march, 10)])
    change = only(drafted([row()], snapshot(observation()), on).changes)
    assert change.holding is not None
    assert change.holding.charged == ((march, 10),)


def test_a_difference_line_adds_to_what_its_days_were_billed() -> None:
    """March invoiced at 10, a delta of 2 from the 17th: 10 until the 16th, 12 from the 17th."""
    ours, bound = managed(12)
    key = KEY.delta("2026-03-17/10-12")
    extra = line(4800, 2, start=MARCH_17, end=date(2026, 4, 1), mark=str(Mark.of(INSTALLATION, key)))
    march = Period(date(2026, 3, 1), date(2026, 4, 1))
    on = ground([ours, extra], [bound, binding(key, extra)], charges=[Charge(KEY, march, 10)])
    change = only(drafted([row()], snapshot(observation(purchased=13)), on).changes)
    assert change.holding is not None
    assert change.holding.charged == (
        (Period(date(2026, 3, 1), MARCH_17), 10),
        (Period(MARCH_17, date(2026, 4, 1)), 12),
    )


def test_the_first_reading_of_an_invoiced_period_is_what_it_was_billed() -> None:
    """Nothing is remembered yet: the quantity on the line now is kept as what March was billed."""
    ours, bound = managed(10)
    made = drafted([row()], snapshot(observation()), ground([ours], [bound]))
    assert [(c.period.start, c.quantity) for c in made.charges] == [(date(2026, 3, 1), 10)]


def test_open_differences_fold_once_their_invoice_is_made() -> None:
    """A delta opened when March was not invoiced folds when the next invoice date has moved to 1 April."""
    ours, bound = managed(10)
    key = KEY.delta("2026-03-17/10-12")
    extra = line(4800, 2, start=MARCH_17, mark=str(Mark.of(INSTALLATION, key)))
    before = binding(key, extra, boundary=date(2026, 3, 1))
    change = only(drafted([row()], snapshot(observation()), ground([ours, extra], [bound, before])).changes)
    assert isinstance(change, Fold)
    after = binding(key, extra, boundary=date(2026, 4, 1))
    assert drafted([row()], snapshot(observation()), ground([ours, extra], [bound, after])).changes == ()


def test_a_licence_that_returns_begins_a_new_line() -> None:
    """The old line was ended; the count is back: a second life with a mark of its own."""
    ended = line(quantity=10, mark=MARK, end=date(2026, 3, 1))
    bound = replace(binding(KEY, ended), state=BindingState.ENDED)
    change = only(drafted([row()], snapshot(observation()), ground([ended], [bound])).changes)
    assert isinstance(change, AddLine)
    assert change.key == replace(KEY, part="2")


def test_an_ended_line_that_nobody_let_us_write_to_stays_untouched() -> None:
    """Taken over and ended by its people while nothing is left to bill: opened again, its first write asks first."""
    theirs = line(quantity=10, end=date(2026, 3, 10))
    found = binding(KEY, theirs, adopted=True, boundary=None)
    made = drafted([row()], snapshot(observation(purchased=0)), ground([theirs], [found]))
    assert [(b.state, b.untouched) for b in made.bindings] == [(BindingState.ENDED, True)]


def test_start_on_moves_a_new_line_into_the_future() -> None:
    """Cut-over on 1 April: the line begins there."""
    change = only(drafted([row(start_on=date(2026, 4, 1))], snapshot(observation()), ground()).changes)
    assert change.effective == date(2026, 4, 1)


def bought(seats: int, day: date, earlier: int = 10) -> Observation:
    """An older purchase of `earlier` seats and one of `seats` on that day."""
    old = Subscription("old", earlier, Status.ENABLED, datetime(2024, 1, 1, tzinfo=UTC))
    new = Subscription("new", seats, Status.ENABLED, datetime.combine(day, time(12), UTC))
    return observation(purchased=0, prepaid=earlier + seats, subscriptions=(old, new))


def test_the_source_may_prove_the_day_of_a_purchase() -> None:
    """Last read on the 14th at 10 seats; a purchase of 2 on the 15th explains the 12 of today: effective the 15th."""
    ours, bound = managed(10)
    exact = row(profile=replace(PROFILE, date_from_source=True))
    snap, before = snapshot(bought(2, date(2026, 3, 15))), seen_before(KEY, 10, hours=72)
    change = only(drafted([exact], snap, ground([ours], [bound]), before).changes)
    assert change.effective == date(2026, 3, 15)
    assert only(drafted([row()], snap, ground([ours], [bound]), before).changes).effective == MARCH_17


def test_purchases_that_do_not_explain_the_rise_prove_nothing() -> None:
    """3 seats bought, 2 more billed: the day of detection stands; and so it does for a purchase of years ago."""
    ours, bound = managed(10)
    exact = row(profile=replace(PROFILE, date_from_source=True), included=1)
    snap, before = snapshot(bought(3, date(2026, 3, 15))), seen_before(KEY, 10, hours=72)
    assert only(drafted([exact], snap, ground([ours], [bound]), before).changes).effective == MARCH_17
    assert only(drafted([exact], snap, ground(), None).changes).effective == MARCH_17


def test_a_line_that_no_invoice_has_reached_was_billed_for_nothing() -> None:
    """We made it when March was invoiced already: its first days wait for April's invoice, so 0 are billed so far."""
    ours = line(mark=MARK, start=date(2026, 3, 1))
    bound = binding(KEY, ours, boundary=date(2026, 4, 1))
    change = only(drafted([row()], snapshot(observation()), ground([ours], [bound])).changes)
    assert change.holding is not None
    assert change.holding.charged == ((Period(date(2026, 3, 1), date(2026, 4, 1)), 0),)


def test_a_returning_licence_is_not_billed_for_days_that_were_paid() -> None:
    """The old line was ended with March, which is invoiced for ten; twelve are back on the 17th: billed from 1 April,
    and two of them for the rest of March."""
    ended = line(mark=MARK, end=date(2026, 4, 1))
    bound = replace(binding(KEY, ended), state=BindingState.ENDED)
    change = only(drafted([row()], snapshot(observation(purchased=12)), ground([ended], [bound])).changes)
    assert isinstance(change, AddLine)
    assert (change.effective, change.begins) == (MARCH_17, date(2026, 4, 1))
    assert change.covered == ((Period(MARCH_17, date(2026, 4, 1)), 10),)


def test_a_line_in_its_second_life_is_changed_under_the_key_of_that_life() -> None:
    """Its writes must never pass for those of the line that was ended."""
    second = replace(KEY, part="2")
    ended, ours = line(1, end=date(2026, 2, 1)), line(2, quantity=10)
    first = replace(binding(KEY, ended), state=BindingState.ENDED)
    on = ground([ended, ours], [first, binding(second, ours)])
    assert only(drafted([row()], snapshot(observation()), on).changes).key == second
