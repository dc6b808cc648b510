"""What an approval rests on, and what a difference line says of the invoices that reached it."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from agent.domain.agreements import Billable
from agent.domain.changes import Change, Delta, Holding, Planned, Realisation, Write
from agent.domain.history import Move
from agent.domain.periods import Period
from tests.domain.given import MARCH_17, binding, drafted, ground, line, observation, only, row, seen_before, snapshot

KEY = row().key("connectwise")
BASE = line(quantity=8, text="Büro")
TWO = Delta(KEY.delta("1"), line(4712, 2, start=date(2026, 3, 5)), date(2026, 3, 1))
HOLDING = Holding(BASE, (TWO,))


def change() -> Change:
    """Ten seats, of which two stand on an open difference line, become twelve."""
    lines, bindings = [BASE, TWO.line], [binding(KEY, BASE), binding(TWO.key, TWO.line)]
    on = ground(lines, bindings)
    return only(drafted([row()], snapshot(observation()), on, seen_before(KEY, 12)).changes)


def planned(of: Change, before: dict[str, str] | None = None) -> Planned:
    shown = before or {"quantity": "8", "text": "Büro"}
    return Planned(
        of, Realisation((Write(KEY, 1021, 250, "PATCH", "/4711", "[]", "", shown, {"quantity": "10"}, 4711),))
    )


def test_the_ground_of_an_approval_is_all_that_it_was_given_for() -> None:
    """The names are part of what is digested, and digests are kept: to change one voids every approval."""
    assert change().ground() == {
        "verb": "set",
        "key": str(KEY),
        "before": [10, 0, "22.00", "billable", "Büro"],
        "after": [12, 0, "22.00", "billable", "Büro"],
        "effective": "2026-03-17",
        "line": [4711, "8", "22.00", "None"],
        "deltas": [[4712, "2"]],
    }


def test_a_new_line_has_no_ground_but_itself() -> None:
    """Nothing stands yet, so nothing can have moved."""
    told = replace(change(), before=None, holding=None).ground()
    assert (told["before"], told["line"], told["deltas"]) == (None, None, [])


MOVED: list[dict[str, object]] = [
    {"holding": replace(HOLDING, base=replace(BASE, quantity=Decimal(9)))},
    {"holding": replace(HOLDING, base=replace(BASE, price=Decimal(23)))},
    {"holding": replace(HOLDING, base=replace(BASE, end=date(2026, 4, 1)))},
    {"holding": replace(HOLDING, base=replace(BASE, id=4713))},
    {"holding": replace(HOLDING, deltas=(replace(TWO, line=replace(TWO.line, quantity=Decimal(3))),))},
    {"holding": replace(HOLDING, deltas=())},
    {"key": KEY.delta("2")},
    {"effective": date(2026, 3, 18)},
]


@pytest.mark.parametrize("moved", MOVED)
def test_an_approval_is_void_once_anything_of_its_ground_moved(moved: dict[str, object]) -> None:
    """Somebody edits the line, its price or a difference beside it between the approval and the write."""
    plain = change()
    standing = replace(plain, holding=HOLDING)
    assert planned(standing).digest == planned(plain).digest
    assert planned(replace(standing, **moved)).digest != planned(plain).digest


@pytest.mark.parametrize("field", ["quantity", "included", "price", "text"])
@pytest.mark.parametrize("side", ["before", "after"])
def test_an_approval_names_the_terms_on_both_sides(side: str, field: str) -> None:
    """12 at 22.00 was approved, and not 13, nor 12 at 23.00."""
    plain = change()
    other = {"quantity": 99, "included": 9, "price": Decimal(99), "text": "other"}[field]
    moved = replace(plain, **{side: replace(getattr(plain, side), **{field: other})})
    assert planned(moved).digest != planned(plain).digest


def test_a_digest_is_the_same_on_every_machine() -> None:
    """In whatever order the fields of the line came; a person approved it by this text, accents and all."""
    plain = change()
    assert planned(plain).digest == planned(plain, {"text": "Büro", "quantity": "8"}).digest
    assert planned(plain).digest == "7514e02274042371"


@pytest.mark.parametrize(
    ("opened_before", "start", "boundary", "reached"),
    [
        (date(2026, 4, 1), date(2026, 3, 17), None, False),
        (None, date(2026, 3, 17), date(2026, 5, 1), False),
        (date(2026, 4, 1), date(2026, 3, 17), date(2026, 4, 1), False),  # written after that invoice
        (date(2026, 4, 1), date(2026, 3, 17), date(2026, 5, 1), True),
        (date(2026, 4, 1), date(2026, 5, 1), date(2026, 5, 1), False),  # it begins where that invoice ended
        (date(2026, 4, 1), date(2026, 4, 30), date(2026, 5, 1), True),
        (date(2026, 4, 1), None, date(2026, 5, 1), True),
    ],
)
def test_an_invoice_reached_what_stood_before_it(
    opened_before: date | None, start: date | None, boundary: date | None, reached: bool
) -> None:
    """Where it is not known when the line was written, or how far was invoiced, nothing is surely reached."""
    delta = replace(TWO, line=replace(TWO.line, start=start), opened_before=opened_before)
    assert delta.invoiced(boundary) is reached


def test_terms_that_are_not_billed_are_other_terms() -> None:
    """The flag is part of what was approved."""
    plain = change()
    free = replace(plain, after=replace(plain.after, billable=Billable.NO_CHARGE))
    assert planned(free).digest != planned(plain).digest


@pytest.mark.parametrize(
    ("opened_before", "boundary", "billed"),
    [
        (date(2026, 4, 1), date(2026, 5, 1), date(2026, 5, 1)),
        (date(2026, 4, 1), date(2026, 4, 1), date(2026, 3, 5)),  # no invoice since: unpaid from its first day on
        (None, date(2026, 5, 1), None),
    ],
)
def test_a_difference_line_is_paid_up_to_the_last_invoice(
    opened_before: date | None, boundary: date, billed: date | None
) -> None:
    """From where on its days can still be taken back without a credit."""
    assert replace(TWO, opened_before=opened_before).billed_to(boundary) == billed


def test_days_that_others_do_not_cover_are_owed() -> None:
    """11 and 12 come on the 17th. Others are billed for one of them up to the 20th, and for none up to the 27th."""
    first, second = Period(MARCH_17, date(2026, 3, 20)), Period(date(2026, 3, 20), date(2026, 3, 27))
    taker = replace(change(), covered=((first, 1), (second, 0)))
    assert [*taker.uncovered(Move(MARCH_17, 10, 12, False))] == [(first, 11), (second, 10)]
    assert [*taker.uncovered(Move(MARCH_17, 10, 11, False))] == [(second, 10)]
    assert [*taker.uncovered(Move(date(2026, 3, 20), 10, 12, False))] == [(second, 10)]
    assert [*taker.uncovered(Move(date(2026, 3, 25), 11, 12, False))] == [(Period(date(2026, 3, 25), second.end), 11)]
    assert [*taker.uncovered(Move(second.end, 10, 12, False))] == []
