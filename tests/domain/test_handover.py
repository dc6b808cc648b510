"""Seats that change lines: what one line is billed for, another does not bill again."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

from agent.domain.agreements import Agreement
from agent.domain.changes import AddLine, Change, EndLine, SetQuantity
from agent.domain.counts import Snapshot
from agent.domain.mappings import BillingProfile, Decrease, PricePolicy, Row, UserFilter
from agent.domain.ownership import Binding, BindingState, Sighting
from agent.domain.periods import Period
from agent.domain.plan import Draft
from tests.domain.given import (
    MARCH_17,
    NOW,
    PREMIUM,
    PRODUCT,
    PROFILE,
    agreement,
    binding,
    drafted,
    ground,
    line,
    member,
    observation,
    only,
    row,
    seen_before,
    snapshot,
)

REST_OF_MARCH = Period(MARCH_17, date(2026, 4, 1))
SALES, SUPPORT = (UserFilter.of({"department": [name]}) for name in ("Sales", "Support"))
OTHER = agreement(1388)


def staff(sales: int, support: int) -> Snapshot:
    people = [member(f"s{n}@x", PREMIUM, department="Sales") for n in range(sales)]
    people += [member(f"u{n}@x", PREMIUM, department="Support") for n in range(support)]
    return snapshot(observation(purchased=sales + support, assigned=sales + support), members=people)


def planned(
    rows: Sequence[Row], seen: Snapshot, before: int = 10, on: Sequence[Agreement] = (agreement(), OTHER)
) -> Draft:
    """The plan where so far one unfiltered row was billed on agreement 1021, for March too where that is invoiced."""
    ours = line(quantity=before)
    return drafted(rows, seen, ground([ours], [binding(row().key("connectwise"), ours)], on))


def of(kind: type[Change], draft: Draft) -> list[Change]:
    return [change for change in draft.changes if isinstance(change, kind)]


def test_a_split_line_is_followed_by_the_new_ones() -> None:
    """Ten of March are paid: six and four are covered for the rest of it, and begin in April, after the end."""
    rows = [row(1, agreement=1388, users=SALES, name="sales"), row(2, agreement=1388, users=SUPPORT, name="support")]
    draft = planned(rows, staff(6, 4))
    [end] = of(EndLine, draft)
    added = of(AddLine, draft)
    assert draft.changes[0] is end
    assert [change.covered for change in added] == [((REST_OF_MARCH, 6),), ((REST_OF_MARCH, 4),)]
    assert {change.begins for change in added} == {date(2026, 4, 1)}
    assert {change.follows for change in added} == {(end.key,)}


def test_what_nobody_is_billed_for_is_not_covered() -> None:
    """Seven and five take over from ten: the first by key is covered whole, the other for three."""
    rows = [row(1, agreement=1388, users=SALES, name="a"), row(2, agreement=1388, users=SUPPORT, name="b")]
    assert [c.covered for c in of(AddLine, planned(rows, staff(7, 5)))] == [
        ((REST_OF_MARCH, 7),),
        ((REST_OF_MARCH, 3),),
    ]


def test_days_that_are_not_invoiced_are_not_covered() -> None:
    """In arrears the old line ends with the 16th, so the new one begins on the 17th and follows it."""
    arrears = [agreement(next_invoice=date(2026, 3, 1)), agreement(1388, next_invoice=date(2026, 3, 1))]
    draft = planned([row(agreement=1388)], staff(10, 0), on=arrears)
    [end], [added] = of(EndLine, draft), of(AddLine, draft)
    assert (end.effective, added.begins, added.covered) == (MARCH_17, MARCH_17, ())
    assert added.follows == (end.key,)


def test_whole_periods_stay_with_the_old_line() -> None:
    """Nothing is prorated and March is not invoiced: the old line keeps it."""
    whole = [agreement(next_invoice=date(2026, 3, 1), prorates=False), OTHER]
    [end] = of(EndLine, planned([row(agreement=1388)], staff(10, 0), on=whole))
    assert end.effective == date(2026, 4, 1)


def test_an_old_line_goes_on_until_the_new_one_is_to_begin() -> None:
    """The new row says 1 May: in arrears the old line ends with April, and nothing is lost between."""
    arrears = [agreement(next_invoice=date(2026, 3, 1)), OTHER]
    [end] = of(EndLine, planned([row(agreement=1388, start_on=date(2026, 5, 1))], staff(10, 0), on=arrears))
    assert end.effective == date(2026, 5, 1)


def test_a_line_that_is_to_end_in_the_year_9999_is_handed_over() -> None:
    """Somebody typed that end, and the line's agreement cannot be written: the new row draws on it for three years."""
    theirs = line(quantity=10, end=date(9999, 12, 31))
    on = [replace(agreement(), refusal="it has been cancelled"), OTHER]
    key = row().key("connectwise")
    draft = drafted([row(agreement=1388)], staff(10, 0), ground([theirs], [binding(key, theirs)], on))
    [added] = of(AddLine, draft)
    assert added.covered == ((Period(MARCH_17, date(2029, 3, 19)), 10),)


def test_since_when_a_line_is_unwanted_is_remembered() -> None:
    """Seen first on the 12th, held until the 17th: the end keeps the day, so the approval keeps its ground."""
    key = row().key("connectwise")
    ours = line(quantity=10)
    seen = {key: Sighting(key, 0, date(2026, 3, 12), NOW, NOW)}
    end = only(drafted([], staff(10, 0), ground([ours], [binding(key, ours)]), seen).changes)
    assert end.effective == date(2026, 3, 12)


def test_seats_that_move_between_rows_that_stand_are_covered() -> None:
    """Two of ten change from the old row to a new one: the old is lowered, once that is believed, and both go on."""
    rows = [row(1, users=SALES), row(2, agreement=1388, users=SUPPORT)]
    draft = planned(rows, staff(8, 2))
    [lowered], [added] = of(SetQuantity, draft), of(AddLine, draft)
    assert (added.covered, added.follows) == (((REST_OF_MARCH, 2),), (lowered.key,))
    assert added.waits == lowered.waits != ""


def test_seats_that_move_are_used_until_they_move() -> None:
    """In arrears the two are billed on the old line up to the 16th, whatever the profile says of decreases."""
    arrears = [agreement(next_invoice=date(2026, 3, 1)), agreement(1388, next_invoice=date(2026, 3, 1))]
    rows = [row(1, users=SALES), row(2, agreement=1388, users=SUPPORT)]
    lowered = of(SetQuantity, planned(rows, staff(8, 2), on=arrears))[0]
    assert isinstance(lowered, SetQuantity)
    assert (lowered.decrease, lowered.until) == (Decrease.NOW, MARCH_17)


def test_a_credit_spares_nothing() -> None:
    """Where what leaves is credited, nobody has paid for it any more: the new row's two are billed from the 17th."""
    credited = replace(PROFILE, decrease=Decrease.CREDIT)
    rows = [row(1, users=SALES, profile=credited), row(2, agreement=1388, users=SUPPORT)]
    [added] = of(AddLine, planned(rows, staff(8, 2)))
    assert (added.covered, added.begins) == ((), MARCH_17)


def test_an_unrelated_licence_or_service_spares_nothing() -> None:
    """The old line billed another product of another count: a new licence row is billed from the 17th."""
    care = BillingProfile("care", "CARE", PricePolicy())
    ours = line(identifier="CARE", quantity=10)
    key = row(profile=care).key("connectwise")
    service = replace(key, count="users:licensed")
    on = ground([ours], [binding(service, ours)], [agreement(), OTHER])
    [added] = of(AddLine, drafted([row(agreement=1388)], staff(10, 0), on))
    assert (added.covered, added.follows) == ((), ())


def test_a_line_of_another_company_is_waited_for() -> None:
    """While it is live and unwanted, the new line waits; once it has ended with March, the new one begins in April."""
    key = replace(row().key("connectwise"), agreement=2001)
    theirs = Binding(key, 9, "", BindingState.LIVE, False, {"quantity": "10", "included": "0", "start": "", "end": ""})
    on = replace(ground(agreements=[agreement(), OTHER]), elsewhere=(theirs,))
    waiting = only(drafted([row(agreement=1388)], staff(10, 0), on).changes)
    assert "line 9 on agreement 2001" in waiting.waits
    ended = replace(theirs, state=BindingState.ENDED, confirmed={**theirs.confirmed, "end": "2026-04-01"})
    added = only(drafted([row(agreement=1388)], staff(10, 0), replace(on, elsewhere=(ended,))).changes)
    assert (added.waits, added.covered, added.begins) == ("", ((REST_OF_MARCH, 10),), date(2026, 4, 1))


def test_a_raise_without_other_lines_is_left_alone() -> None:
    """One row, two more seats: the line's own charges say all, as ever."""
    ours = line(quantity=10)
    key = row().key("connectwise")
    raised = only(drafted([row()], staff(12, 0), ground([ours], [binding(key, ours)]), seen_before(key, 10)).changes)
    assert (raised.covered, raised.follows, raised.product) == ((), (), PRODUCT.id)
