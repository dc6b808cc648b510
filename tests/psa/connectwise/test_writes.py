"""The table "change -> writes" of the billing rules, cell by cell, and its exact requests. Nothing is sent here."""

import json
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from agent.domain.agreements import Agreement, Billable, Line
from agent.domain.changes import (
    AddLine,
    Change,
    Delta,
    EndLine,
    Fold,
    Holding,
    Realisation,
    SetDescription,
    SetPrice,
    SetQuantity,
)
from agent.domain.keys import Mark, Role
from agent.domain.mappings import AtZero, Decrease, Increase
from agent.domain.periods import Period
from agent.psa.connectwise.pen import Manner
from agent.psa.connectwise.records import Marker
from agent.psa.connectwise.writes import writes
from tests.psa.connectwise.desk import AGREEMENT, CONTOSO, INSTALLATION, KEY, PRODUCT, TEXT, TODAY, day, mark, terms

MANNER = Manner(INSTALLATION, Marker())
# 17 March; monthly from 1 January; INVOICED to 31 March, LATE to 28 February, AHEAD to 30 April.
INVOICED = Agreement(AGREEMENT, CONTOSO, "Microsoft 365", 1, "Monthly", True, date(2026, 1, 1), day("04-01"))
LATE = replace(INVOICED, next_invoice=day("03-01"))
AHEAD = replace(INVOICED, next_invoice=day("05-01"))
WHOLE = replace(INVOICED, prorates=False)
WHOLE_LATE = replace(LATE, prorates=False)


def line(quantity: int, start: str = "01-01", id: int = 1, **fields: Any) -> Line:
    price = fields.pop("price", Decimal("22.00"))
    common = (id, AGREEMENT, 4021, PRODUCT, Decimal(quantity), fields.pop("included", Decimal(0)), price)
    return Line(*common, Billable.BILLABLE, day(start), fields.pop("end", None), fields.pop("text", TEXT), **fields)


def delta(quantity: int, start: str, id: int = 2, opened: str | None = "03-01") -> Delta:
    key = KEY.delta(f"2026-{start}/10-{10 + quantity}")
    return Delta(key, line(quantity, start, id), day(opened) if opened else None)


def charged(*stretches: tuple[str, str, int]) -> tuple[tuple[Period, int], ...]:
    return tuple((Period(day(first), day(end)), seats) for first, end, seats in stretches)


def held(
    base: Line, *deltas: Delta, charged: tuple[tuple[Period, int], ...] = (), opened: str | None = None
) -> dict[str, Any]:
    holding = Holding(base, deltas, charged, opened_before=day(opened) if opened else None)
    return {"before": terms(int(holding.quantity), int(base.included), base.text), "holding": holding}


def common(effective: date, after: int, **changes: Any) -> dict[str, Any]:
    named = {"key": KEY, "company": CONTOSO, "label": "Business Premium", "product": 4021, "reason": "counted"}
    return {**named, "after": terms(after), "effective": effective, **changes}


def to(quantity: int, holding: dict[str, Any], *, on: str = "03-17", **changes: Any) -> SetQuantity:
    policy = {"increase": Increase.PRORATE, "decrease": Decrease.NOW}
    return SetQuantity(**{**common(day(on), quantity), **policy, **holding, **changes})


def plan(change: Change, agreement: Agreement = INVOICED, manner: Manner = MANNER, today: date = TODAY) -> Realisation:
    return writes(change, agreement, today, manner)


def sentences(change: Change, agreement: Agreement = INVOICED, **manner: Any) -> list[str]:
    found = plan(change, agreement, replace(MANNER, **manner))
    assert not found.refused, found.note
    return [write.sentence for write in found.writes]


@dataclass
class Case:
    name: str
    agreement: Agreement
    change: Change
    expected: list[str]


TEN = held(line(10))
ADD_TEN = AddLine(**common(TODAY, 10))
FROM_MARCH_10 = held(line(10, "03-10"), charged=charged(("03-17", "04-01", 0)), opened="04-01")
DELTA = "POST addition 2 x M365-BP-M, 2026-03-17 to 2026-03-31"
OPEN_DELTA = "POST addition 2 x M365-BP-M, from 2026-03-17"
BASE = "PATCH addition 1: quantity 10 -> "

CASES = [
    Case("no line, prorates", INVOICED, ADD_TEN, ["POST addition 10 x M365-BP-M, from 2026-03-17"]),
    Case("no line, whole periods, invoiced", WHOLE, ADD_TEN, ["POST addition 10 x M365-BP-M, from 2026-04-01"]),
    Case(
        "no line, whole periods, not invoiced", WHOLE_LATE, ADD_TEN, ["POST addition 10 x M365-BP-M, from 2026-03-01"]
    ),
    Case(
        "no line before the agreement bills",
        replace(LATE, bill_start=day("03-20")),
        ADD_TEN,
        ["POST addition 10 x M365-BP-M, from 2026-03-20"],
    ),
    Case(
        "no line before the agreement bills, whole periods",
        replace(WHOLE_LATE, bill_start=day("03-10")),
        ADD_TEN,
        ["POST addition 10 x M365-BP-M, from 2026-03-10"],
    ),
    Case("up, invoiced", INVOICED, to(12, TEN), [DELTA, BASE + "12"]),
    Case(
        "up, invoiced a month further",
        AHEAD,
        to(12, TEN),
        ["POST addition 2 x M365-BP-M, 2026-03-17 to 2026-04-30", BASE + "12"],
    ),
    Case("up, not invoiced", LATE, to(12, TEN), [OPEN_DELTA]),
    Case("up, nothing ever invoiced", replace(INVOICED, next_invoice=None), to(12, TEN), [OPEN_DELTA]),
    Case("up, whole periods", WHOLE, to(12, TEN), [BASE + "12"]),
    Case("up, whole periods, not invoiced", WHOLE_LATE, to(12, TEN), [BASE + "12"]),
    Case("up, next-period, invoiced", INVOICED, to(12, TEN, increase=Increase.NEXT_PERIOD), [BASE + "12"]),
    Case("up, next-period, not invoiced", LATE, to(12, TEN, increase=Increase.NEXT_PERIOD), []),
    Case("up, next-period, whole periods", WHOLE_LATE, to(12, TEN, increase=Increase.NEXT_PERIOD), [BASE + "12"]),
    Case("up, full, not invoiced", LATE, to(12, TEN, increase=Increase.FULL), [BASE + "12"]),
    # The base began on 10 March and is caught up on in April: 12 would be charged from 10 March on.
    Case("up, base not charged yet", INVOICED, to(12, FROM_MARCH_10), [OPEN_DELTA]),
    Case("up, base began within the invoiced month", INVOICED, to(12, held(line(10, "03-10"))), [OPEN_DELTA]),
    Case(
        "up, base of the first of the month, written when that was invoiced",
        INVOICED,
        to(12, held(line(10, "03-01"), charged=charged(("03-01", "04-01", 0)), opened="04-01")),
        [OPEN_DELTA],
    ),
    Case("up, base of the first of the month", INVOICED, to(12, held(line(10, "03-01"))), [DELTA, BASE + "12"]),
    Case("up, base begins later", INVOICED, to(12, held(line(10, "04-01"))), [BASE + "12"]),
    # Whether March's invoice has it cannot be told: an open delta is right in either case.
    Case(
        "up, base begins later in the invoiced month",
        INVOICED,
        to(12, held(line(10, "03-25"))),
        ["POST addition 2 x M365-BP-M, from 2026-03-25"],
    ),
    Case(
        "up, base begins with a month that may be invoiced already",
        AHEAD,
        to(12, held(line(10, "04-01"))),
        ["POST addition 2 x M365-BP-M, from 2026-04-01"],
    ),
    Case(
        "up, seen before the base began",
        LATE,
        to(12, held(line(10, "03-15")), on="03-12"),
        [BASE + "12"],
    ),
    Case(
        "up beside an open delta",
        INVOICED,
        to(14, held(line(10), delta(2, "02-17"))),
        ["POST addition 2 x M365-BP-M, 2026-03-17 to 2026-03-31", BASE + "12"],
    ),
    Case("down, now", INVOICED, to(8, TEN), [BASE + "8"]),
    Case("down, now, not invoiced", LATE, to(8, TEN), [BASE + "8"]),
    Case(
        "down, now: those who came last leave first",
        LATE,
        to(2, held(line(1), delta(2, "03-05", 2), delta(3, "03-10", 3))),
        ["PATCH addition 3: quantity 3 -> 0", "PATCH addition 2: quantity 2 -> 1"],
    ),
    Case(
        "down, now, further than the deltas reach",
        LATE,
        to(8, held(line(10), delta(2, "03-10"))),
        [BASE + "8", "PATCH addition 2: quantity 2 -> 0"],
    ),
    Case("down, now, whole periods", WHOLE, to(8, TEN), [BASE + "8"]),
    Case("down, next-period, invoiced", INVOICED, to(8, TEN, decrease=Decrease.NEXT_PERIOD), [BASE + "8"]),
    Case("down, next-period, not invoiced", LATE, to(8, TEN, decrease=Decrease.NEXT_PERIOD), []),
    Case("to zero, invoiced", INVOICED, EndLine(**common(TODAY, 0), **TEN), ["PATCH addition 1: last day 2026-03-31"]),
    Case("to zero, not invoiced", LATE, EndLine(**common(TODAY, 0), **TEN), ["PATCH addition 1: last day 2026-03-16"]),
    Case("to zero by quantity", INVOICED, EndLine(**common(TODAY, 0), **TEN, at_zero=AtZero.ZERO), [BASE + "0"]),
    Case(
        "to zero, never charged",
        INVOICED,
        EndLine(**common(TODAY, 0), **FROM_MARCH_10),
        ["PATCH addition 1: last day 2026-03-16"],
    ),
    Case(
        "to zero before it began",
        INVOICED,
        EndLine(**common(TODAY, 0), **held(line(10, "04-05"))),
        ["PATCH addition 1: last day 2026-04-05, quantity 10 -> 0"],
    ),
    Case(
        "to zero, a person ended it earlier",
        INVOICED,
        EndLine(**common(TODAY, 0), **held(line(10, end=day("03-20")))),
        [],
    ),
    Case(
        "to zero with open deltas",
        INVOICED,
        EndLine(**common(TODAY, 0), **held(line(10), delta(2, "02-17", 2), delta(3, "03-10", 3, opened="04-01"))),
        [f"PATCH addition {n}: last day 2026-03-{last}" for n, last in ((3, 16), (2, 31), (1, 31))],
    ),
    Case(
        "fold",
        INVOICED,
        Fold(**common(TODAY, 12), **held(line(10), delta(2, "02-17"))),
        ["PATCH addition 2: last day 2026-03-31", BASE + "12"],
    ),
    Case(
        "fold, one delta begins later",
        INVOICED,
        Fold(**common(TODAY, 15), **held(line(10), delta(2, "02-17"), delta(3, "04-01", 3))),
        ["PATCH addition 2: last day 2026-03-31", BASE + "12"],
    ),
]


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_the_table(case: Case) -> None:
    """Each cell of the table writes exactly these requests, in this order."""
    assert sentences(case.change, case.agreement) == case.expected


CHARGED_TEN = charged(("03-01", "04-01", 10))


@pytest.mark.parametrize(
    ("was", "now", "billed", "expected"),
    [
        (8, 10, CHARGED_TEN, ["PATCH addition 1: quantity 8 -> 10"]),  # 10 were billed: 10 - 10 = 0
        (8, 12, CHARGED_TEN, [DELTA, "PATCH addition 1: quantity 8 -> 12"]),  # 12 - 10 = 2, not 12 - 8 = 4
        (10, 12, charged(("03-17", "04-01", 12)), [BASE + "12"]),  # the delta was written, then we crashed
        (12, 14, CHARGED_TEN, [DELTA, "PATCH addition 1: quantity 12 -> 14"]),  # a person made it 12; ours is 2
    ],
)
def test_high_water(was: int, now: int, billed: tuple[tuple[Period, int], ...], expected: list[str]) -> None:
    """What an invoiced period has been billed for is not billed again, and never more than the change adds."""
    assert sentences(to(now, held(line(was), charged=billed))) == expected


def test_high_water_stretch_by_stretch() -> None:
    """March was billed at 10 and April at 11: of two more, two are owed to 31 March and one to 30 April."""
    billed = charged(("03-17", "04-01", 10), ("04-01", "05-01", 11))
    assert sentences(to(12, held(line(10), charged=billed)), AHEAD) == [
        "POST addition 2 x M365-BP-M, 2026-03-17 to 2026-03-31",
        "POST addition 1 x M365-BP-M, 2026-04-01 to 2026-04-30",
        BASE + "12",
    ]


def test_equal_stretches_are_one_delta() -> None:
    """What is known day by day or month by month gives one delta all the same."""
    billed = charged(("03-19", "03-25", 10), ("03-25", "04-01", 10), ("04-01", "05-01", 10))
    assert sentences(to(12, held(line(10), charged=billed)), AHEAD)[0].endswith("2026-03-17 to 2026-04-30")


def test_included_is_not_billed_beside_the_base() -> None:
    """12 less 2 included -> 15 less 4 bills one more (11 - 10), so the delta is 1."""
    change = to(15, held(line(12, included=Decimal(2))), after=terms(15, included=4))
    assert sentences(change) == [
        "POST addition 1 x M365-BP-M, 2026-03-17 to 2026-03-31",
        "PATCH addition 1: quantity 12 -> 15, included quantity 2 -> 4",
    ]


def test_a_seat_that_is_included_is_not_billed() -> None:
    """1 less 1 included -> 6 less 4: two are billed, by an open delta; the free ones go to the base, 4 less 4."""
    change = to(6, held(line(1, included=Decimal(1))), after=terms(6, included=4))
    assert sentences(change, LATE) == [
        "POST addition 2 x M365-BP-M, from 2026-03-17",
        "PATCH addition 1: quantity 1 -> 4, included quantity 1 -> 4",
    ]


def test_the_base_keeps_what_is_included() -> None:
    """5 less 2, and 3 beside it, six in all; down to 4 less 2: the delta's three go, then one of the base's."""
    change = to(4, held(line(5, included=Decimal(2)), delta(3, "03-10")), after=terms(4, included=2))
    assert sentences(change, LATE) == ["PATCH addition 1: quantity 5 -> 4", "PATCH addition 2: quantity 3 -> 0"]
    assert sentences(replace(change, after=terms(1, included=1)), LATE) == [
        "PATCH addition 1: quantity 5 -> 1, included quantity 2 -> 1",
        "PATCH addition 2: quantity 3 -> 0",
    ]


def test_a_seat_that_was_included_is_not_credited() -> None:
    """2 less 2 -> 1 less 1: nobody was billed for the one that leaves."""
    holding = held(line(2, included=Decimal(2)), charged=charged(("03-17", "04-01", 2)))
    change = to(1, holding, after=terms(1, included=1), decrease=Decrease.CREDIT)
    expected = ["PATCH addition 1: quantity 2 -> 1, included quantity 2 -> 1"]
    assert sentences(change, credits="negative-quantity") == expected


def test_up_down_and_up_again_on_one_day() -> None:
    """10 -> 12 -> 10 -> 12 on 17 March: the second open delta is another line than the first, with another mark."""
    first = plan(to(12, TEN), LATE).writes[0]
    between = held(line(8), Delta(first.key, line(2, "03-17", 2), day("03-01")))
    second = plan(to(12, between), LATE).writes[0]
    assert (first.key.part, second.key.part) == ("2026-03-17/10-12", "2026-03-17/10-12/2")
    assert first.mark != second.mark


def test_text_travels_with_the_quantity() -> None:
    """New people, new text: one PATCH for both; where the base keeps its quantity, one for the text."""
    change = to(12, TEN, after=terms(12, text="Ada, Bob"))
    assert sentences(change)[1] == BASE + "12, invoice text"
    assert sentences(change, LATE) == [OPEN_DELTA, "PATCH addition 1: invoice text"]


CREDIT = to(8, held(line(10), charged=CHARGED_TEN), decrease=Decrease.CREDIT)
USED = "POST addition 2 x M365-BP-M, 2026-03-01 to 2026-03-16"


def test_credit_by_negative_quantity() -> None:
    """Two of ten leave on 17 March, March is paid for: -2 to 31 March, then the base."""
    expected = ["POST addition -2 x M365-BP-M, 2026-03-17 to 2026-03-31", BASE + "8"]
    assert sentences(CREDIT, credits="negative-quantity") == expected


def test_credit_by_negative_price() -> None:
    """The same two at -22.00."""
    write = plan(CREDIT, manner=replace(MANNER, credits="negative-price")).writes[0]
    body = json.loads(write.body, parse_float=str)
    assert (body["quantity"], body["unitPrice"], write.key.role) == (2, "-22.00", Role.CREDIT)


def test_a_credit_is_capped_by_what_was_billed() -> None:
    """The line stood at 10 but 9 were billed (one was added without charge): one seat comes back, not two."""
    change = replace(CREDIT, holding=Holding(line(10), (), charged(("03-17", "04-01", 9))))
    assert sentences(change, credits="negative-quantity")[0].startswith("POST addition -1 x")


def test_credit_where_nothing_is_invoiced_yet() -> None:
    """The two that left are owed for 1 to 16 March: an addition of their own, then the base at 8 bills March."""
    change = to(8, TEN, decrease=Decrease.CREDIT)
    assert sentences(change, LATE) == [USED, BASE + "8"]


def test_credit_where_a_month_before_is_not_invoiced_either() -> None:
    """With February open too, the base at 8 lowers February: the addition starts with 1 February."""
    change = to(8, TEN, decrease=Decrease.CREDIT)
    assert sentences(change, replace(LATE, next_invoice=day("02-01")))[0].endswith("2026-02-01 to 2026-03-16")


def test_credit_from_the_first_day_of_the_base() -> None:
    """A base that began on 10 March owes nothing for the days before, and nothing on the day it began."""
    change = to(8, held(line(10, "03-10")), decrease=Decrease.CREDIT)
    assert sentences(change, LATE)[0].endswith("2026-03-10 to 2026-03-16")
    late = replace(
        change, holding=replace(change.holding, opened_before=day("04-01"), charged=charged(("03-10", "04-01", 0)))
    )
    assert sentences(late, INVOICED, credits="negative-quantity")[0].endswith("2026-03-10 to 2026-03-16")
    assert sentences(replace(change, effective=day("03-10")), LATE) == [BASE + "8"]


def test_credit_for_the_seats_that_were_billed_alone() -> None:
    """Ten are billed, two more wait for their first invoice: of four that leave, those two go first."""
    fresh = Delta(KEY.delta("2026-03-12/10-12"), line(2, "03-12", 2), INVOICED.next_invoice)
    change = to(8, held(line(10), fresh, charged=CHARGED_TEN), decrease=Decrease.CREDIT)
    assert sentences(change, credits="negative-quantity") == [
        "POST addition 2 x M365-BP-M, 2026-03-12 to 2026-03-16",
        "POST addition -2 x M365-BP-M, 2026-03-17 to 2026-03-31",
        "PATCH addition 1: quantity 10 -> 8",
        "PATCH addition 2: quantity 2 -> 0",
    ]


def test_credit_taken_from_two_lines() -> None:
    """Of 5 + 1 seats four leave: the delta's one is owed from 10 March, the base's three from 1 March."""
    change = to(2, held(line(5), delta(1, "03-10")), decrease=Decrease.CREDIT)
    assert sentences(change, LATE) == [
        "POST addition 1 x M365-BP-M, 2026-03-10 to 2026-03-16",
        "POST addition 3 x M365-BP-M, 2026-03-01 to 2026-03-16",
        "PATCH addition 1: quantity 5 -> 2",
        "PATCH addition 2: quantity 1 -> 0",
    ]


@pytest.mark.parametrize(
    ("change", "agreement", "credits", "reason"),
    [
        (CREDIT, INVOICED, "off", "credits are switched off"),
        (CREDIT, WHOLE, "negative-quantity", "needs an agreement that prorates"),
        (to(8, TEN, decrease=Decrease.CREDIT), INVOICED, "negative-quantity", "is not known"),
        (
            to(8, held(line(10, price=None), charged=CHARGED_TEN), decrease=Decrease.CREDIT),
            INVOICED,
            "negative-price",
            "shows no unit price",
        ),
        (AddLine(**common(day("02-10"), 10)), INVOICED, "off", "2026-02-01 to 2026-02-28, which is over and invoiced"),
        (ADD_TEN, replace(INVOICED, ends=day("03-15")), "off", "the agreement ends with 2026-03-14"),
        (ADD_TEN, replace(INVOICED, company=251), "off", "belongs to company 251"),
        (ADD_TEN, replace(INVOICED, refusal="agreement 1021 is cancelled"), "off", "is cancelled"),
        (ADD_TEN, replace(INVOICED, months=None, cycle="Quarterly"), "off", "'Quarterly' is neither monthly nor"),
        (ADD_TEN, replace(INVOICED, bill_start=None, next_invoice=None), "off", "neither a billing start nor"),
    ],
)
def test_refusals_say_why(change: Change, agreement: Agreement, credits: str, reason: str) -> None:
    """What cannot be written right is not written, and the note says what a person can do."""
    found = plan(change, agreement, replace(MANNER, credits=credits))
    assert found.refused
    assert found.writes == ()
    assert reason in found.note


def test_waiting_is_no_refusal() -> None:
    """Next-period waits for the invoice of the change's own period and says for which."""
    found = plan(to(12, TEN, increase=Increase.NEXT_PERIOD), LATE)
    assert (found.refused, found.note) == (False, "waits until 2026-03-01 to 2026-03-31 is invoiced")


def test_a_late_line_of_an_open_month_is_written() -> None:
    """February is over but not invoiced: a line from 10 February is billed with it."""
    change = AddLine(**common(day("02-10"), 10))
    assert sentences(change, replace(INVOICED, next_invoice=day("02-01"))) == [
        "POST addition 10 x M365-BP-M, from 2026-02-10"
    ]


def test_annual_agreements_are_billed_alike() -> None:
    """A year from 1 January, invoiced: two more from 17 March run to 31 December."""
    yearly = replace(INVOICED, months=12, cycle="Annual", next_invoice=date(2027, 1, 1))
    assert sentences(to(12, TEN), yearly)[0] == "POST addition 2 x M365-BP-M, 2026-03-17 to 2026-12-31"


def test_prices_go_to_every_open_part_and_texts_to_the_base() -> None:
    """A delta bills what its base bills, so both get price and option; the people are named on the base alone."""
    before = held(line(10), delta(2, "03-10"))
    price = SetPrice(**{**common(TODAY, 12), **before, "after": replace(terms(12), price=Decimal("23.10"))})
    assert sentences(price) == [f"PATCH addition {n}: unit price 22 -> 23.1" for n in (1, 2)]
    free = SetPrice(**{**common(TODAY, 12), **before, "after": replace(terms(12), billable=Billable.NO_CHARGE)})
    assert sentences(free)[0] == "PATCH addition 1: billing option billable -> no-charge"
    text = SetDescription(**{**common(TODAY, 12), **before, "after": terms(12, text="Ada")})
    assert sentences(text) == ["PATCH addition 1: invoice text"]


def test_the_post_of_a_delta() -> None:
    """The worked example to the last byte: bare decimals, dates at midnight UTC, the base's price, tax and cost."""
    base = line(10, extra='{"unitCost": 17.60, "taxableFlag": false, "proratePrice": 0.00}')
    write = plan(to(12, held(base))).writes[0]
    key = KEY.delta("2026-03-17/10-12")
    assert write.path == "/finance/agreements/1021/additions"
    assert write.body == (
        '{"product": {"id": 4021}, "quantity": 2, "unitPrice": 22.00, "billCustomer": "Billable", '
        '"taxableFlag": false, "unitCost": 17.60, '
        '"effectiveDate": "2026-03-17T00:00:00Z", "cancelledDate": "2026-03-31T00:00:00Z", '
        f'"serialNumber": "{Mark.of(INSTALLATION, key)}"}}'
    )
    assert (write.method, write.key, write.mark, write.line) == ("POST", key, mark(key), None)
    assert (write.before, write.boundary) == ({}, day("04-01"))
    shown = {"quantity": "2", "price": "22", "start": "2026-03-17", "end": "2026-04-01", "product": PRODUCT}
    assert shown.items() <= write.after.items()


def test_the_first_patch_of_an_adopted_line_signs_it() -> None:
    """A lost store must find the line again; a text that somebody typed into the field stays."""
    signed = plan(to(12, held(line(10, mark="")))).writes[1]
    assert f'{{"op": "replace", "path": "serialNumber", "value": "{mark(KEY)}"}}' in signed.body
    assert "serialNumber" not in plan(to(12, held(line(10, mark="SN-1")))).writes[1].body


def test_the_patch_of_a_base() -> None:
    """Absolute values of what differs, and a picture of the whole line before."""
    write = plan(to(12, held(line(10, mark=mark(KEY))))).writes[1]
    assert (write.method, write.path) == ("PATCH", "/finance/agreements/1021/additions/1")
    assert write.body == '[{"op": "replace", "path": "quantity", "value": 12}]'
    assert (write.line, write.after) == (1, {"quantity": "12"})
    assert write.before == {
        "quantity": "10",
        "included": "0",
        "price": "22",
        "billable": "billable",
        "start": "2026-01-01",
        "end": "",
        "text": TEXT,
        "product": PRODUCT,
    }


def test_a_mark_in_a_custom_field() -> None:
    """The field is named by its id; until the id is known nothing is written."""
    manner = replace(MANNER, marker=Marker("Trueup line", 7))
    (write,) = plan(ADD_TEN, manner=manner).writes
    body = json.loads(write.body)
    assert body["customFields"] == [{"id": 7, "value": mark()}]
    assert "serialNumber" not in body
    assert plan(ADD_TEN, manner=replace(MANNER, marker=Marker("Trueup line"))).refused


def test_custom_fields_ride_along_where_the_site_wants_them() -> None:
    """The whole array as it was read, so that nothing in it is cleared."""
    base = line(10, extra='{"customFields": [{"id": 7, "value": "x"}, {"id": 8, "value": 1.50}]}')
    (write,) = plan(to(8, held(base)), manner=replace(MANNER, custom_fields=True)).writes
    assert write.body.endswith('"value": [{"id": 7, "value": "x"}, {"id": 8, "value": 1.50}]}]')


def test_planning_again_gives_the_same_bytes() -> None:
    """The mark, the text and so the digest stay the same until the ground moves: an approval stays good."""
    assert [w.digest for w in plan(to(12, TEN)).writes] == [w.digest for w in plan(to(12, TEN)).writes]
