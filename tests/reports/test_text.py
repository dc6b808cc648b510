"""How reports lay out text: nothing is cut off, nothing steers a terminal, columns stand straight."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.domain.money import Money
from agent.reports.text import View, bare, cells, columns, counted, cut, duration, paint, shown, signed, wrapped

TEXT = st.text(st.characters(exclude_categories=["C", "Z", "M"]), max_size=12)
NOW = datetime(2026, 3, 17, 9, 0, tzinfo=UTC)
VIEW = View(80, UTC, NOW, {250: "Contoso Ltd"})


@given(st.lists(TEXT, max_size=40), st.integers(30, 100), st.integers(0, 9))
def test_wrapped_lines_fit(words: list[str], width: int, indent: int) -> None:
    """No line is wider than the page, however long the words are."""
    lines = wrapped(" ".join(words), width, " " * indent)
    assert all(cells(line) <= width for line in lines)


@given(st.lists(TEXT, max_size=40), st.integers(30, 100))
def test_wrapping_loses_nothing(words: list[str], width: int) -> None:
    """Every character is still there, in its order."""
    text = " ".join(words)
    assert "".join("".join(wrapped(text, width)).split()) == "".join(text.split())


def test_address_is_not_broken() -> None:
    """A consent link that is cut into two lines cannot be clicked."""
    link = "https://login.microsoftonline.com/4f1c0000-0000-0000-0000-000000000001/adminconsent?client_id=1"
    assert f"  {link}" in wrapped(f"let an administrator open {link} and accept", 60, "  ")


@given(st.lists(st.tuples(TEXT, TEXT), min_size=1, max_size=8))
def test_columns_start_below_each_other(rows: list[tuple[str, str]]) -> None:
    """The second column begins two cells behind the widest text of the first."""
    start = max(cells(first) for first, _ in rows) + 2
    for line, (_, second) in zip(columns(rows), rows, strict=True):
        if second:
            assert cells(line) == start + cells(second)


def test_ideographs_take_two_cells() -> None:
    """A Japanese name beside a Latin one keeps the column straight; colours take no room."""
    assert cells("大阪") == 4
    assert cells(paint("Perth", "red")) == 5
    assert columns([("大阪", "1"), ("Perth", "2")]) == ["大阪   1", "Perth  2"]


def test_cut_shows_that_something_is_missing() -> None:
    """A label that does not fit ends in an ellipsis, also where its characters are wide."""
    assert cut("Microsoft 365", 13) == "Microsoft 365"
    assert cut("Microsoft 365", 10) == "Microsoft…"
    assert cells(cut("大阪大阪", 6)) <= 6


def test_hostile_names_are_harmless() -> None:
    """Escape sequences, line breaks and text that runs backwards come out as plain text on one line."""
    assert shown("Evil\x1b[2J\u202etxt.exe\nLtd") == "Evil[2Jtxt.exe, Ltd"


@pytest.mark.parametrize(
    ("number", "noun", "said"),
    [
        (1, "change", "1 change"),
        (0, "company", "0 companies"),
        (2, "mismatch", "2 mismatches"),
        (1200, "write", "1,200 writes"),
    ],
)
def test_counted(number: int, noun: str, said: str) -> None:
    """Numbers agree with their nouns."""
    assert counted(number, noun) == said


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(8, "8 s"), (119, "119 s"), (120, "2 min"), (7_199, "119 min"), (7_200, "2 h"), (172_800, "2 days")],
)
def test_duration_takes_the_largest_unit_of_which_there_are_two(seconds: int, said: str) -> None:
    """Two hours and a bit are hours, one hour and a half are minutes."""
    assert duration(seconds) == said


def test_difference_has_a_sign() -> None:
    """More and less are told apart, and an unknown price is not taken for nothing."""
    assert signed(Money(Decimal("44"), "USD")) == "+44.00 USD"
    assert signed(Money(Decimal("-4.5"), "USD")) == "-4.50 USD"
    assert signed(Money(Decimal(0), "USD")) == "±0"
    assert signed(None) == "?"


def test_view_names_companies_and_moments() -> None:
    """By name and number where a mapping file knows the name, in the zone of the PSA."""
    assert VIEW.company(250) == "Contoso Ltd (250)"
    assert VIEW.company(251) == "Company 251"
    assert VIEW.company(None) == "All companies"
    assert VIEW.at(NOW) == "2026-03-17 09:00"
    assert VIEW.ago(NOW - timedelta(minutes=12)) == "12 min ago"
    assert bare(paint("x", "bold")) == "x"
