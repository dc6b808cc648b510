"""Licence names that the admin center joined by a plus, one of which has a plus of its own."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.sheets import licence_names

KNOWN = {"Microsoft 365 E3", "Visio Plan 2", "Enterprise Mobility + Security E3", "Enterprise Mobility"}


def names(cell: str) -> list[str]:
    return list(licence_names(cell, KNOWN.__contains__))


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("Microsoft 365 E3", ["Microsoft 365 E3"]),
        ("Microsoft 365 E3+Visio Plan 2", ["Microsoft 365 E3", "Visio Plan 2"]),
        ("Microsoft 365 E3 + Visio Plan 2", ["Microsoft 365 E3", "Visio Plan 2"]),
        ("Visio Plan 2+Enterprise Mobility + Security E3", ["Visio Plan 2", "Enterprise Mobility + Security E3"]),
        ("Enterprise Mobility+Security E3+Visio Plan 2", ["Enterprise Mobility + Security E3", "Visio Plan 2"]),
        ("Mystery + More+Visio Plan 2", ["Mystery + More", "Visio Plan 2"]),
        ("Unlicensed", []),
        ("", []),
        ("+Visio Plan 2+", ["Visio Plan 2"]),
    ],
)
def test_names_are_told_apart(cell: str, expected: list[str]) -> None:
    """The longest known name wins; of unknown ones a plus between spaces is a part."""
    assert names(cell) == expected


@given(st.lists(st.sampled_from(sorted(KNOWN - {"Enterprise Mobility"})), max_size=5))
def test_what_was_joined_comes_apart_again(held: list[str]) -> None:
    """Whatever known licences a user holds."""
    assert names("+".join(held)) == held
