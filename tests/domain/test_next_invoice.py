"""What requests add to the next invoice: April's, on 17 March, of an agreement that prorates, at 22.00 a unit."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from agent.domain.agreements import Agreement, Billable, Line
from agent.domain.changes import Change, Delta, Holding, Write
from agent.domain.next_invoice import effect
from agent.domain.ownership import picture
from agent.domain.proration import CONNECTWISE
from tests.domain.given import agreement, binding, drafted, ground, line, observation, only, row, seen_before, snapshot

KEY = row().key("connectwise")
MARCH_1, MARCH_17, APRIL_1 = date(2026, 3, 1), date(2026, 3, 17), date(2026, 4, 1)
OURS = line(quantity=10)


def change(holding: Holding | None = None, listed: Decimal | None = None) -> Change:
    on = ground([OURS], [binding(KEY, OURS)])
    plain = only(drafted([row()], snapshot(observation()), on, seen_before(KEY, 12)).changes)
    return replace(plain, holding=holding, listed=listed)


def write(it: Line | None, **after: str) -> Write:
    before = picture(it) if it else {}
    return Write(KEY, 1021, 250, "PATCH", "/", "", "", before, after, it.id if it else None)


def new(**fields: str) -> Write:
    """Two seats from 17 March on."""
    return write(None, **{"quantity": "2", "billable": Billable.BILLABLE.value, "start": "2026-03-17", **fields})


def adds(*writes: Write, to: Change | None = None, at: Agreement | None = None) -> str | None:
    about = to or change(Holding(OURS, opened_before=MARCH_1))
    told = effect(writes, about, at or agreement(), CONNECTWISE, "USD")
    return str(told) if told is not None else None


def test_two_more_seats_are_two_more_in_april() -> None:
    """March is invoiced, and the line was there: 2 x 22.00."""
    assert adds(write(OURS, quantity="12")) == "44.00 USD"


def test_a_new_line_is_caught_up_on() -> None:
    """2 x 22.00 for April and 2 x 22.00 x 15/31 = 21.29 for March; up to 1 April the latter alone."""
    assert adds(new(price="22.00")) == "65.29 USD"
    assert adds(new(price="22.00", end="2026-04-01")) == "21.29 USD"


def test_requests_add_up() -> None:
    """44.00 more on the line, and 21.29 for the days of March."""
    assert adds(write(OURS, quantity="12"), new(price="22.00", end="2026-04-01")) == "65.29 USD"


def test_a_line_made_without_a_price_gets_the_product_s() -> None:
    """10.00 as listed: 20.00 and 20.00 x 15/31 = 9.68. Where none is listed, nobody can tell."""
    assert adds(new(), to=change(listed=Decimal(10))) == "29.68 USD"
    assert adds(new(), to=change()) is None


def test_a_line_without_a_price_cannot_be_weighed() -> None:
    """It has none before or none after; what is not billed costs nothing whatever its price."""
    unpriced = replace(OURS, price=None)
    assert adds(write(unpriced, quantity="12")) is None
    assert adds(write(unpriced, price="22.00")) is None
    assert adds(write(replace(unpriced, billable=Billable.NO_CHARGE), quantity="12")) == "0.00 USD"


def test_a_line_that_is_billed_no_more_takes_its_amount_along() -> None:
    """10 x 22.00 go."""
    assert adds(write(OURS, billable=Billable.NO_CHARGE.value)) == "-220.00 USD"


def test_included_seats_are_free() -> None:
    """12 with 2 included are the 10 of before."""
    assert adds(write(OURS, quantity="12", included="2")) == "0.00 USD"


def test_each_line_is_rounded_once_before_and_once_after() -> None:
    """0.005 is printed as 0.01, and so is 0.010: the invoice does not change."""
    cheap = replace(OURS, quantity=Decimal(1), price=Decimal("0.005"))
    assert adds(write(cheap, quantity="2")) == "0.00 USD"


@pytest.mark.parametrize(
    "differs",
    [
        {"next_invoice": None, "bill_start": None},
        {"months": None},
        {"ends": APRIL_1},
    ],
)
def test_without_an_invoice_to_come_nothing_is_told(differs: dict[str, object]) -> None:
    """No date, no cycle, or an agreement that is over by then."""
    assert adds(write(OURS, quantity="12"), at=agreement(**differs)) is None


def test_an_agreement_that_ends_later_has_its_invoice() -> None:
    """It ends with April, which is still billed; and without a request nothing is told of it."""
    assert adds(write(OURS, quantity="12"), at=agreement(ends=date(2026, 5, 1))) == "44.00 USD"
    assert adds() is None


def test_before_the_first_invoice_nothing_is_paid() -> None:
    """Billing starts on 1 April: a line from then on is billed for April once, and two seats more are 44.00."""
    starts = agreement(next_invoice=None, bill_start=APRIL_1)
    assert adds(write(OURS, quantity="12"), at=starts) == "44.00 USD"


@pytest.mark.parametrize(
    ("start", "told"),
    [(MARCH_17, None), (MARCH_1, "44.00 USD"), (None, "44.00 USD")],
)
def test_a_line_of_others_may_have_missed_an_invoice(start: date | None, told: str | None) -> None:
    """Where it began within the last invoiced period nobody can say; before that it was there."""
    theirs = replace(OURS, start=start)
    assert adds(write(theirs, quantity="12"), to=change(Holding(theirs))) == told
    assert adds(write(theirs, quantity="12"), to=change()) == told
    assert adds(write(replace(theirs, id=9), quantity="12")) == told


@pytest.mark.parametrize(
    ("opened_before", "told"),
    [(APRIL_1, "-65.29 USD"), (MARCH_1, "-44.00 USD"), (None, None)],
)
@pytest.mark.parametrize("open_one", [True, False])
def test_a_difference_line_is_unpaid_until_an_invoice_came(
    opened_before: date | None, told: str | None, open_one: bool
) -> None:
    """Two seats from 17 March go: their days of March too where no invoice was made since they were written."""
    two = line(5, 2, start=MARCH_17)
    beside = (Delta(KEY.delta("1"), two, opened_before),)
    holding = Holding(OURS, beside if open_one else (), closed=() if open_one else beside, opened_before=MARCH_1)
    assert adds(write(two, quantity="0"), to=change(holding)) == told


def test_a_line_that_we_made_since_the_last_invoice_is_unpaid() -> None:
    """Made on 17 March, with March invoiced: without seats it takes 10 x 22.00 x (1 + 15/31) = 326.45 along."""
    ours = replace(OURS, start=MARCH_17)
    assert adds(write(ours, quantity="0"), to=change(Holding(ours, opened_before=APRIL_1))) == "-326.45 USD"
