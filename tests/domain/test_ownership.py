"""What we remember of a line: its values as texts, by which an edit is seen."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from agent.domain.agreements import Billable
from agent.domain.ownership import picture, pictured, plain
from tests.domain.given import line

OURS = line(quantity=12, included=Decimal("2.00"), end=date(2026, 4, 1), text="Office")


def test_a_picture_names_every_value_that_we_set() -> None:
    """Its names are kept in the store, so they are what they are; 2.00 and 22.00 are written as 2 and 22."""
    assert picture(OURS) == {
        "quantity": "12",
        "included": "2",
        "price": "22",
        "billable": OURS.billable.value,
        "start": "2025-01-01",
        "end": "2026-04-01",
        "text": "Office",
        "product": OURS.identifier,
    }
    bare = picture(replace(OURS, price=None, start=None, end=None))
    assert [bare[name] for name in ("price", "start", "end")] == ["", "", ""]


def test_a_line_can_be_drawn_from_its_picture() -> None:
    """Every value comes back, also where there was none; what a picture says beyond them changes nothing."""
    other = replace(OURS, quantity=Decimal(1), included=Decimal(0), price=None, start=None, end=None, text="")
    other = replace(other, billable=Billable.NO_CHARGE)
    assert pictured(other, picture(OURS)) == OURS
    assert pictured(OURS, picture(other)) == other
    assert pictured(OURS, {"product": "another", "colour": "blue"}) == OURS


@pytest.mark.parametrize(
    ("number", "text"),
    [("12.00", "12"), ("0.50", "0.5"), ("100", "100"), ("1E+3", "1000"), ("-0.10", "-0.1"), ("0.00", "0")],
)
def test_a_number_has_one_text(number: str, text: str) -> None:
    """12.00 and 12 are one quantity, and the zeros of 100 are not behind its point."""
    assert plain(Decimal(number)) == text
