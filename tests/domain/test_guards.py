"""Which changes are held, and why."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from agent.domain.agreements import Agreement
from agent.domain.changes import AddLine, Change, EndLine, Planned, Realisation, Restore, Write
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


def test_only_zero_seats_stop_a_line() -> None:
    """2 -> 1 still bills; 0 stops the line by whatever change, but not while a deleted invoice is made again."""
    one = change(2, 1)
    none = replace(one.after, quantity=0)
    fields = {name: getattr(one, name) for name in ("key", "company", "label", "product", "effective", "reason")}
    again = Restore(**fields, after=none, before=one.before, lacking=(), surplus=2, beyond=date(2026, 4, 1))
    assert reasons(one) == ()
    assert reasons(replace(one, after=none)) == ("the line would stop billing",)
    assert reasons(again) == ()


def test_ten_times_the_seats_is_held_however_few() -> None:
    """1 -> 10 is nine more, which is allowed, and ten times as many, which is not; 1 -> 9 is neither."""
    assert reasons(change(1, 10)) == ("raised to 10 times what it was",)
    assert reasons(change(1, 9)) == ()


def test_the_first_write_to_an_adopted_line_is_held() -> None:
    """A line that Trueup did not create is first written with a person's consent, or where the row says adopt."""
    on = ground([line(quantity=10)])
    [found] = drafted([row()], snapshot(observation()), on).changes
    owned = ownership(on, [KEY]).owned
    assert reasons(found, owned=owned) == ("first write to a line that Trueup did not create",)
    assert reasons(found, owned=owned, may_adopt={KEY}) == ()


def test_the_second_write_to_an_adopted_line_is_not() -> None:
    """Once a write of ours was confirmed, the line is as good as one that we made."""
    adopted = line(quantity=10)
    bound = replace(binding(KEY, adopted), adopted=True)
    assert reasons(change(10, 12), owned=ownership(ground([adopted], [bound]), [KEY]).owned) == ()


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


def test_exactly_a_quarter_is_not_more_than_a_quarter() -> None:
    """220.00 are 25 % of 880 a month, and more than that of 879."""
    assert reasons(change(20, 30), monthly=usd(880)) == ()
    assert reasons(change(20, 30), monthly=usd(879))


def test_small_companies_have_no_percentage() -> None:
    """One seat more for a company of three seats is 33 %, and no incident; from ten seats on there is a percentage."""
    assert reasons(change(3, 4), monthly=usd(66), seats=3) == ()
    assert reasons(change(3, 4), monthly=usd(66), seats=9) == ()
    assert reasons(change(3, 4), monthly=usd(66), seats=10)


def test_what_waits_anyway_is_no_part_of_the_share() -> None:
    """2 x 22.00 = 44.00 of 800 a month are asked for now; another 220.00 wait for an invoice."""
    now, later = change(10, 12), change(20, 30)
    given = [planned(now), Planned(later, Realisation(note="on 1 April"))]
    assert [p.holds for p in guarded(given, case(monthly=usd(800)))] == [(), ()]


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
    assert reasons(one, rejected={planned(change(10, 11)).digest}) == ()


def test_what_was_approved_says_so() -> None:
    """Whatever counts what nobody looked at must be able to leave it out."""
    one = planned(change(10, 40))
    [told] = guarded([one], case(approved={one.digest}))
    assert (told.approved, told.holds) == (True, ())


def test_late_changes_are_held_in_the_freeze_window() -> None:
    """Three days before the invoice of 1 April begins on 29 March."""
    limits = Limits(freeze_days=3)
    assert reasons(change(10, 12), limits=limits, today=date(2026, 3, 28)) == ()
    assert reasons(change(10, 12), limits=limits, today=date(2026, 3, 29)) == (
        "freeze window: the next invoice is on 2026-04-01",
    )
    assert reasons(change(10, 12), limits=limits, today=date(2026, 4, 1)) == ()


@pytest.mark.parametrize("agreements", [{}, {1021: agreement(next_invoice=None)}])
def test_without_a_known_invoice_nothing_is_frozen(agreements: dict[int, Agreement]) -> None:
    """Of an agreement that was not read, or has no next invoice, no window is known."""
    assert reasons(change(10, 12), limits=Limits(freeze_days=30), agreements=agreements) == ()


def moved() -> tuple[Change, Change]:
    """Twelve seats leave agreement 1021 for 1388: the end of one line, and the line that takes them over."""
    ours = line(quantity=12)
    on = ground([ours], [binding(KEY, ours)], agreements=[agreement(), agreement(1388)])
    changes = drafted([row(agreement=1388)], snapshot(observation()), on).changes
    [end], [add] = ([c for c in changes if isinstance(c, kind)] for kind in (EndLine, AddLine))
    return end, add


def ordered(*given: Planned, whole_periods: int = 0, **changes: object) -> dict[type[Change], Planned]:
    """What the guards make of the move, by kind; `whole_periods` is the agreement that does not prorate."""
    known = {n: agreement(n, prorates=n != whole_periods) for n in (1021, 1388)}
    about = {"monthly": usd(1_000_000), "limits": Limits(raise_absolute=50), "agreements": known, **changes}
    return {type(p.change): p for p in guarded(given, case(**about))}


TAKES_OVER = "it takes over seats of another line: that one's change must be approved first, or with it"
GIVES = "another line takes over its seats: approve both, or nobody bills them"


def test_a_new_line_waits_for_the_end_of_the_one_it_replaces() -> None:
    """Same licence, other agreement: the addition alone would bill the seats twice."""
    end, add = moved()
    told = ordered(planned(end), planned(add))
    assert told[EndLine].holds == ("the line would stop billing",)
    assert told[AddLine].holds == (TAKES_OVER,)


def test_a_new_line_waits_where_the_end_is_not_even_planned() -> None:
    """What gives its seats is no part of this plan, so nobody can have decided on it."""
    assert ordered(planned(moved()[1]))[AddLine].holds == (TAKES_OVER,)


def test_a_new_line_goes_with_the_end_that_was_approved() -> None:
    """The end has its word, and the addition needs none of its own."""
    end, add = map(planned, moved())
    told = ordered(end, add, approved={end.digest})
    assert (told[EndLine].ready, told[AddLine].ready) == (True, True)


def test_what_takes_over_waits_with_what_gives() -> None:
    """The end waits for an invoice, and so does the addition: for the same reason, and for nobody's word."""
    end, add = moved()
    told = ordered(Planned(end, Realisation(note="until 1 April")), planned(add), limits=Limits(raise_absolute=1))
    assert told[AddLine].realisation == Realisation(note="until 1 April")
    assert told[AddLine].holds == ()


def test_what_gives_waits_with_what_takes_over() -> None:
    """The addition waits for an invoice: ended now, the old line would leave its seats to nobody."""
    end, add = moved()
    told = ordered(planned(end), Planned(add, Realisation(note="until 1 April")))
    assert told[EndLine].realisation == Realisation(note="until 1 April")
    assert told[EndLine].holds == ()


def test_nothing_takes_over_from_a_line_that_cannot_be_ended() -> None:
    """The PSA refuses the end: a person must look, as it will not come by itself."""
    end, add = moved()
    told = ordered(Planned(end, Realisation(note="the agreement is closed", refused=True)), planned(add))
    assert told[AddLine].holds == (TAKES_OVER,)
    assert told[EndLine].realisation.note == "the agreement is closed"


def test_a_refused_addition_puts_nothing_off() -> None:
    """It would not be written later either, so the end is asked about as ever."""
    end, add = moved()
    told = ordered(planned(end), Planned(add, Realisation(note="the agreement is closed", refused=True)))
    assert told[EndLine].realisation.writes
    assert told[EndLine].holds == ("the line would stop billing",)


@pytest.mark.parametrize(("whole_periods", "held"), [(0, False), (1021, True), (1388, True)])
def test_of_whole_periods_both_are_approved_or_none(whole_periods: int, held: bool) -> None:
    """Twelve seats are more than one, so the addition asks. Days that a prorated line missed it bills later."""
    end, add = moved()
    told = ordered(planned(end), planned(add), whole_periods=whole_periods, limits=Limits(raise_absolute=1))
    assert told[AddLine].holds == ("raised by 12, more than 1", TAKES_OVER)
    assert told[EndLine].holds == ("the line would stop billing", *((GIVES,) if held else ()))


def test_an_approved_end_goes_before_an_addition_that_asks() -> None:
    """Who approved the end saw that nobody bills the seats until the addition is approved too."""
    end, add = map(planned, moved())
    told = ordered(end, add, whole_periods=1021, limits=Limits(raise_absolute=1), approved={end.digest})
    assert told[EndLine].ready
    assert told[AddLine].holds == ("raised by 12, more than 1",)


@pytest.mark.parametrize(
    ("differs", "held"),
    [({}, False), ({"account": "another"}, True), ({"account": "another", "product": "other"}, False)],
)
def test_a_line_in_another_tenant_s_place_is_held(differs: dict[str, str], held: bool) -> None:
    """A mistyped tenant ends one line and begins another of the same product on the same agreement."""
    end, add = moved()
    here = replace(add, key=replace(add.key, agreement=1021, **differs), follows=())
    told = ordered(planned(end), planned(here))[AddLine].holds
    assert told == (
        ("it takes the place of a line that counts another tenant: see that the tenant is right",) if held else ()
    )


def test_a_line_of_another_tenant_on_another_agreement_is_not() -> None:
    """Two tenants of one company on two agreements have nothing to do with each other."""
    end, add = moved()
    there = replace(add, key=replace(add.key, account="another"), follows=())
    assert ordered(planned(end), planned(there))[AddLine].holds == ()


def test_a_new_line_waits_for_marked_lines_that_nothing_explains() -> None:
    """Their row is gone with a lost store, and they may bill the very seats."""
    [add] = drafted([row()], snapshot(observation(purchased=5)), ground([]), {}).changes
    strays = [line(8), line(9, agreement=1388)]
    assert reasons(add, monthly=usd(1_000_000), strays=strays) == (
        "line 8 of agreement 1021, 9 of agreement 1388 carries our mark and nothing explains it: "
        "see that it does not bill the same seats",
    )


def test_five_new_lines_and_one_that_moves_are_no_crowd() -> None:
    """Five are not more than five; a sixth that waits, and a line that was there, are not among them."""
    skus = [E3.replace("05e9a617", f"{n:08x}") for n in range(6)]
    rows = [row(n, sku, name=str(n)) for n, sku in enumerate(skus)]
    *five, sixth = drafted(rows, snapshot(*(observation(s, 2) for s in skus)), ground()).changes
    given = [*map(planned, five), Planned(sixth, Realisation(note="later")), planned(change(10, 12))]
    assert {p.holds for p in guarded(given, case(monthly=usd(1_000_000)))} == {()}


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
    assert fleet_reason(plans(5, 5, 10_000), Limits(), "USD") == "5 of 5 companies change in one cycle (more than 10 %)"


def test_the_fleet_breaker_counts_money() -> None:
    """6 x 44.00 = 264 of 60 x 80 = 4,800 a month is 5.5 %."""
    assert "264.00 USD of 4,800.00 USD" in fleet_reason(plans(6, 60, 80), Limits(), "USD")


def test_exactly_the_fleet_s_share_of_money_may_move() -> None:
    """5 x 44.00 = 220 is 5 % of 50 x 88 = 4,400 a month, and more than that of 50 x 87 = 4,350."""
    assert fleet_reason(plans(5, 50, 88), Limits(), "USD") == ""
    assert fleet_reason(plans(5, 50, 87), Limits(), "USD")


def test_an_empty_fleet_moves_nothing() -> None:
    """Without any company there is no share to speak of, also where a single one would be too many."""
    assert fleet_reason([], Limits(fleet_companies_minimum=0), "USD") == ""


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


def test_a_line_by_hand_beside_one_of_ours_is_known() -> None:
    """It was asked about with the row's first line: neither another line of the row nor a new number asks again."""
    [add] = drafted([row()], snapshot(observation(purchased=5)), ground([]), {}).changes
    about = {"monthly": usd(1_000_000), "by_hand": [line(9, 8, identifier="OFFICE", text=f"Licence {PREMIUM[:4]}")]}
    ours = line(quantity=10)
    assert reasons(add, **about, owned=ownership(ground([ours], [binding(KEY, ours)]), [KEY]).owned) == ()
    assert reasons(change(10, 12), **about, owned={}) == ()


def test_a_row_s_own_name_does_not_hide_a_line_by_hand() -> None:
    """The row is called Sales, and the line kept by hand says the licence alone."""
    [add] = drafted([row(name="Sales")], snapshot(observation(purchased=5)), ground([]), {}).changes
    by_hand = [line(9, 8, identifier="OFFICE", text=f"Licence {PREMIUM[:4]}")]
    assert add.label.endswith("(Sales)")
    assert reasons(add, monthly=usd(1_000_000), by_hand=by_hand)
