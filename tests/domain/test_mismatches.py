"""The findings of one company."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

from agent.domain.changes import Planned, Realisation
from agent.domain.counts import Snapshot
from agent.domain.findings import Code, Finding
from agent.domain.holdings import ownership
from agent.domain.keys import LineKey, Mark
from agent.domain.mappings import Exclusion, Mappings, Place, Row, UserFilter
from agent.domain.mismatches import of_edits, of_ownership, of_plan, of_proration, of_refusals, of_snapshot
from agent.domain.proration import CONNECTWISE
from tests.domain.given import (
    E3,
    MARCH_17,
    PREMIUM,
    agreement,
    binding,
    drafted,
    ground,
    line,
    mapping,
    mappings,
    member,
    observation,
    row,
    seen_before,
    snapshot,
)

KEY = row().key("connectwise")


def codes(snap: Snapshot, *rows: Row, known: Mappings | None = None) -> list[Code]:
    return [f.code for f in of_snapshot(snap, known or mappings(mapping(*rows)), 250)]


def test_a_licence_that_no_row_bills_is_told() -> None:
    """12 seats purchased, no row: unmapped, with the words for a row in the remedy."""
    [found] = of_snapshot(snapshot(observation()), mappings(mapping()), 250)
    assert found.code is Code.UNMAPPED_LICENCE
    assert 'licence = "CBDC"' in found.remedy


def test_an_excluded_licence_is_not_told() -> None:
    """It is known not to be billed, and why."""
    excluded = Mappings({250: mapping()}, (Exclusion(PREMIUM, "free", Place("exclusions.toml", 1)),), "digest")
    assert codes(snapshot(observation()), known=excluded) == []


def test_a_licence_without_a_name_is_told_as_unknown() -> None:
    """Its GUID stands for the name; it is not dropped."""
    assert codes(snapshot(observation(name=PREMIUM))) == [Code.UNKNOWN_SKU]


def test_seats_of_nobody_and_too_many_seats_are_told() -> None:
    """12 purchased: 10 assigned leave 2 unassigned, 14 assigned are 2 too many."""
    assert codes(snapshot(observation(assigned=10)), row()) == [Code.UNASSIGNED_SEATS]
    assert codes(snapshot(observation(assigned=14)), row()) == [Code.ASSIGNED_OVER_PURCHASED]


def test_spare_seats_are_told_only_beyond_what_is_allowed() -> None:
    """12 purchased, 10 assigned: 2 spare are allowed by one of the licence's rows, so they are no finding; 1 is not
    enough, and another licence's row allows nothing here."""
    two_of_nobody = snapshot(observation(assigned=10))
    assert codes(two_of_nobody, replace(row(), spare=2), replace(row(), name="other")) == []
    assert codes(two_of_nobody, replace(row(), spare=1)) == [Code.UNASSIGNED_SEATS]


def test_disabled_holders_are_told_by_name() -> None:
    """A disabled user with a licence is a question for the account manager."""
    snap = snapshot(observation(assigned=12), members=[member("gone@x", PREMIUM, enabled=False)])
    [found] = of_snapshot(snap, mappings(mapping(row())), 250)
    assert found.code is Code.LICENSED_DISABLED_USER
    assert "gone@x" in found.sentence


def test_people_whom_no_filter_takes_are_told_by_name() -> None:
    """Six of them: five names and how many more."""
    people = [member(f"{n}@x", PREMIUM, department="IT") for n in "abcdef"]
    only_sales = row(users=UserFilter.of({"department": ["Sales"]}))
    snap = snapshot(observation(assigned=12), members=people)
    found = list(of_snapshot(snap, mappings(mapping(only_sales)), 250))
    assert [f.code for f in found] == [Code.LEFTOVER_SEATS]
    assert found[0].sentence.endswith("a@x, b@x, c@x, d@x, e@x and 1 more")


def plan_findings(billed: int, seats: int, holds: tuple[str, ...] = ()) -> list[Finding]:
    ours = line(quantity=billed)
    on = ground([ours], [binding(KEY, ours)])
    made = drafted([row()], snapshot(observation(purchased=seats)), on, seen_before(KEY, seats))
    return list(of_plan([Planned(change, Realisation(), holds) for change in made.changes], 250))


def test_a_wrong_quantity_has_its_money() -> None:
    """10 billed, 12 to bill: 44.00 a month are lost; 15 billed: 66.00 too much, so negative."""
    [under], [over] = plan_findings(10, 12), plan_findings(15, 12)
    assert (under.code, str(under.money)) == (Code.UNDER_BILLED, "44.00 USD")
    assert (over.code, str(over.money)) == (Code.OVER_BILLED, "-66.00 USD")


def owned(*lines: object, bindings: tuple[object, ...] = (), keys: tuple[LineKey, ...] = (KEY,)):  # type: ignore[no-untyped-def]
    return ownership(ground(lines, bindings), keys)  # type: ignore[arg-type]


def test_a_line_of_no_row_is_an_orphan_and_of_an_excluded_licence_free() -> None:
    """Both go on billing until somebody ends them."""
    ours = line()
    found = owned(ours, bindings=(binding(KEY, ours),), keys=())
    assert [f.code for f in of_ownership(found.orphans, (), {}, 250)] == [Code.ORPHAN_LINE]
    assert [f.code for f in of_ownership(found.orphans, (), {PREMIUM: "free"}, 250)] == [Code.FREE_SKU_BILLED]


def test_another_installation_s_line_is_shown_and_left_alone() -> None:
    """Its mark is not ours: no binding, no change, a note."""
    theirs = line(mark=str(Mark.of("another", KEY)))
    found = owned(theirs)
    assert [f.code for f in of_ownership((), found.foreign, {}, 250)] == [Code.FOREIGN_MARK]
    assert found.learnt == ()


def test_an_edit_is_told_with_who_and_when() -> None:
    """We confirmed 10; jdoe made it 11."""
    theirs = line(quantity=11, changed_by="jdoe", version="2026-03-16T10:00:00Z")
    [found] = of_edits(owned(theirs, bindings=(binding(KEY, line(quantity=10)),)).owned.values(), 250)
    assert found.code is Code.EDITED_BY_PERSON
    assert "edited by jdoe at 2026-03-16T10:00:00Z: quantity 10 -> 11" in found.sentence


def test_the_psa_s_proration_is_checked_against_the_days() -> None:
    """22.00 from 15 March: 17/31 are 12.06. 11.35 (16/31, first day not counted) is told."""
    key = KEY.delta("2026-03-15/10-12")
    for shown, expected in ((Decimal("12.06"), []), (Decimal("11.35"), [Code.PRORATE_MISMATCH])):
        extra = line(4800, 2, start=date(2026, 3, 15), end=date(2026, 4, 1), prorated=shown)
        found = owned(line(), extra, bindings=(binding(KEY, line()), binding(key, extra)))
        agreements = {1021: agreement()}
        assert [
            f.code for f in of_proration(found.owned.values(), agreements, CONNECTWISE, MARCH_17, 250, "USD")
        ] == expected


def test_a_refusal_says_what_the_psa_said() -> None:
    """The product, the agreement and the PSA's own words."""
    [found] = of_refusals({KEY: "400 the effective date is in an invoiced period"}, 250)
    assert found.code is Code.REFUSED_BY_PSA
    assert found.sentence == "M365-BP-M on agreement 1021: 400 the effective date is in an invoiced period"


def test_a_mapped_part_of_a_tenant_does_not_hide_the_rest() -> None:
    """One of two licences is mapped; the other is told."""
    snap = snapshot(observation(assigned=12), replace(observation(E3, 3), assigned=3))
    assert codes(snap, row()) == [Code.UNMAPPED_LICENCE]
