"""Which changes are held, and why."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from agent.domain.changes import AddLine, Change, EndLine, Planned, Realisation, Write
from agent.domain.guards import Case, CompanyPlan, Limits, fleet_reason, guarded, hold_ready
from agent.domain.holdings import ownership
from agent.domain.mappings import Mode, PricePolicy
from agent.domain.money import Money
from tests.domain.given import (
    E3,
    MARCH_17,
    PREMIUM,
    PROFILE,
    agreement,
    binding,
    drafted,
    ground,
    line,
    observation,
    row,
    seen_before,
    snapshot,
)

KEY = row().key("connectwise")


def planned(change: Change) -> Planned:
    write = Write(KEY, 1021, 250, "PATCH", "/line", "[]", "PATCH", {"quantity": "10"}, {"quantity": "12"}, 4711)
    return Planned(change, Realisation((write,)))


def usd(amount: int) -> Money:
    return Money(Decimal(amount), "USD")


def case(**changes: object) -> Case:
    owned = ownership(ground(), [KEY]).owned
    plain = Case(Mode.AUTO, Limits(), MARCH_17, {1021: agreement()}, owned, (), usd(1000), 100)
    return replace(plain, **changes)


def change(billed: int, seats: int) -> Change:
    ours = line(quantity=billed)
    on = ground([ours], [binding(KEY, ours)])
    [found] = drafted([row()], snapshot(observation(purchased=seats)), on, seen_before(KEY, seats)).changes
    return found


def reasons(one: Change, **changes: object) -> tuple[str, ...]:
    return guarded([planned(one)], case(**changes))[0].holds


@pytest.mark.parametrize(
    ("billed", "seats", "held"),
    [
        (10, 12, False),  # +2
        (10, 20, False),  # +10 is not more than max(10, 50 % of 10 = 5)
        (10, 21, True),  # +11 is
        (100, 150, False),  # +50 is not more than 50 % of 100
        (100, 151, True),
        (10, 7, False),  # -3 is not more than max(3, 20 % of 10 = 2)
        (10, 6, True),  # -4 is
        (50, 40, False),  # -10 is not more than 20 % of 50
        (50, 39, True),
    ],
)
def test_large_moves_are_held(billed: int, seats: int, held: bool) -> None:
    """Lower by more than max(3, 20 %) or raise by more than max(10, 50 %), and a person looks first."""
    found = reasons(change(billed, seats), monthly=usd(1_000_000))
    assert bool(found) is held


def test_everything_that_ends_is_held() -> None:
    """Going to zero is always a question."""
    assert reasons(change(2, 0)) == ("the line would stop billing",)


def test_price_changes_are_held() -> None:
    """A new price waits, whatever its size."""
    ours = line(quantity=12)
    dearer = row(profile=replace(PROFILE, price=PricePolicy(Decimal("22.01"))))
    [found] = drafted([dearer], snapshot(observation()), ground([ours], [binding(KEY, ours)])).changes
    assert reasons(found) == ("the price changes",)


def test_the_first_write_to_an_adopted_line_is_held() -> None:
    """A line that Trueup did not create is first written with a person's consent, or where the row says adopt."""
    on = ground([line(quantity=10)])
    [found] = drafted([row()], snapshot(observation()), on).changes
    owned = ownership(on, [KEY]).owned
    assert reasons(found, owned=owned) == ("first write to a line that Trueup did not create",)
    assert reasons(found, owned=owned, may_adopt={KEY}) == ()


def test_a_person_s_edit_is_never_overwritten_silently() -> None:
    """We confirmed 10, somebody made it 11, 12 are wanted: held, with who and what."""
    theirs = line(quantity=11, changed_by="jdoe", version="2026-03-16T10:00:00Z")
    on = ground([theirs], [binding(KEY, line(quantity=10))])
    [found] = drafted([row()], snapshot(observation()), on).changes
    owned = ownership(on, [KEY]).owned
    assert reasons(found, owned=owned) == ("edited by jdoe at 2026-03-16T10:00:00Z: quantity 10 -> 11",)


def test_a_quarter_of_the_company_s_money_is_held() -> None:
    """+10 x 22.00 = 220 of 800 a month is 27.5 %; of 1,000 it is 22 %."""
    found = change(20, 30)
    assert reasons(found, monthly=usd(1000)) == ()
    assert reasons(found, monthly=usd(800)) == ("the company's 800.00 USD a month move by 220.00 USD, more than 25 %",)


def test_small_companies_have_no_percentage() -> None:
    """One seat more for a company of three seats is 33 %, and no incident."""
    assert reasons(change(3, 4), monthly=usd(66), seats=3) == ()


def test_review_holds_everything_and_report_never_writes() -> None:
    """In review an approval clears the hold; in report nothing does."""
    one = change(10, 12)
    digest = planned(one).digest
    assert reasons(one, mode=Mode.REVIEW) == ("mode is review: every change waits for a person",)
    assert reasons(one, mode=Mode.REVIEW, approved={digest}) == ()
    assert reasons(one, mode=Mode.REPORT, approved={digest}) == ("mode is report: nothing is written",)


def test_an_approval_is_void_when_its_ground_moved() -> None:
    """Approved for 10 -> 12; now 13 are wanted: another digest, held again."""
    approved = {planned(change(10, 12)).digest}
    assert reasons(change(10, 13), mode=Mode.REVIEW, approved=approved)


def test_a_rejected_change_stays_held() -> None:
    """What a person refused does not come back by itself."""
    one = change(10, 12)
    assert reasons(one, rejected={planned(one).digest}) == ("rejected by a person",)


def test_late_changes_are_held_in_the_freeze_window() -> None:
    """Three days before the invoice of 1 April begins on 29 March."""
    limits = Limits(freeze_days=3)
    assert reasons(change(10, 12), limits=limits, today=date(2026, 3, 28)) == ()
    assert reasons(change(10, 12), limits=limits, today=date(2026, 3, 29)) == (
        "freeze window: the next invoice is on 2026-04-01",
    )


def test_a_new_line_waits_for_the_end_of_the_one_it_replaces() -> None:
    """Same licence, other agreement: the addition alone would bill the seats twice."""
    ours = line(quantity=12)
    other = agreement(1388)
    on = ground([ours], [binding(KEY, ours)], agreements=[agreement(), other])
    moved = row(agreement=1388)
    changes = drafted([moved], snapshot(observation()), on).changes
    about = case(monthly=usd(1_000_000), limits=Limits(raise_absolute=50), agreements={1021: agreement(), 1388: other})
    held = guarded([planned(c) for c in changes], about)
    by_kind = {type(p.change): p.holds for p in held}
    assert by_kind[EndLine] == ("the line would stop billing",)
    assert by_kind[AddLine] == (
        "it takes over seats of another line: that one's change must be approved first, or with it",
    )


def test_many_new_lines_at_once_are_held() -> None:
    """Six new lines on one agreement in one plan are more than five."""
    skus = [E3.replace("05e9a617", f"{n:08x}") for n in range(6)]
    rows = [row(n, sku, name=str(n)) for n, sku in enumerate(skus)]
    changes = drafted(rows, snapshot(*(observation(s, 2) for s in skus)), ground()).changes
    held = guarded([planned(c) for c in changes], case(monthly=usd(1_000_000)))
    assert {p.holds for p in held} == {("6 new lines on agreement 1021 at once, more than 5",)}


@pytest.mark.parametrize(("new", "held"), [(1, False), (2, True)])
def test_new_lines_of_a_day_are_counted_together(new: int, held: bool) -> None:
    """Four were made since yesterday at this time: a fifth may follow by itself, a fifth and a sixth may not."""
    skus = [E3.replace("05e9a617", f"{n:08x}") for n in range(new)]
    rows = [row(n, sku, name=str(n)) for n, sku in enumerate(skus)]
    changes = drafted(rows, snapshot(*(observation(s, 2) for s in skus)), ground()).changes
    told = guarded([planned(c) for c in changes], case(monthly=usd(1_000_000), made={1021: 4, 1388: 9}))
    reason = "6 new lines on agreement 1021 within a day, more than 5: 4 were made already"
    assert {p.holds for p in told} == {(reason,) if held else ()}


def plans(moving: int, of: int, monthly: int = 1000) -> Sequence[CompanyPlan]:
    one = planned(change(10, 12))
    return [CompanyPlan(n, (one,) if n < moving else (), usd(monthly)) for n in range(of)]


def test_the_fleet_breaker_counts_companies() -> None:
    """11 of 100 companies are more than 10 %, 10 are not; and fewer than five never trip it."""
    assert fleet_reason(plans(10, 100, 10_000), Limits(), "USD") == ""
    assert "11 of 100 companies" in fleet_reason(plans(11, 100, 10_000), Limits(), "USD")
    assert fleet_reason(plans(4, 5), Limits(), "USD") == ""


def test_the_fleet_breaker_counts_money() -> None:
    """6 x 44.00 = 264 of 60 x 80 = 4,800 a month is 5.5 %."""
    assert "264.00 USD of 4,800.00 USD" in fleet_reason(plans(6, 60, 80), Limits(), "USD")


def test_the_breaker_holds_what_nobody_approved() -> None:
    """An approved change passes a breaker that holds all others."""
    one = planned(change(10, 12))
    plan = CompanyPlan(1, (one, replace(one, approved=True)), usd(1000))
    held = hold_ready(plan, "too much at once").planned
    assert [p.holds for p in held] == [("too much at once",), ()]


@pytest.mark.parametrize(
    ("text", "agreement_of_the_line", "held"),
    [
        (f"LICENCE {PREMIUM[:4]}, per month", 1021, True),
        (f"Licence {PREMIUM[:4]}", 1022, False),
        ("Managed workstation", 1021, False),
    ],
)
def test_first_line_beside_one_kept_by_hand_is_held(text: str, agreement_of_the_line: int, held: bool) -> None:
    """A line of another product that says the same licence on the same agreement would bill its seats twice."""
    [add] = drafted([row()], snapshot(observation(purchased=5)), ground([]), {}).changes
    by_hand = line(9, 8, identifier="OFFICE", text=text, agreement=agreement_of_the_line)
    found = reasons(add, monthly=usd(1_000_000), by_hand=[by_hand])
    asked = ("line 9 (8 x OFFICE) may bill this already: name it in replaces, or take it over with its own product",)
    assert found == (asked if held else ())
