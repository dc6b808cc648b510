"""Invoice text."""

import unicodedata
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.domain.descriptions import cleaned, invoice_text, named, shown, units
from agent.domain.keys import Mark
from agent.domain.mappings import Usernames
from tests.domain.given import (
    INSTALLATION,
    PREMIUM,
    PROFILE,
    binding,
    drafted,
    ground,
    line,
    member,
    observation,
    row,
    snapshot,
)

LIMIT = 6000  # ConnectWise; Autotask has 1,000

# What directories have been seen to hold, and what somebody might put there on purpose.
HOSTILE = [
    "Anna\u200b Sm\u200dith",  # zero-width
    "\u202eevil.exe\u202c",  # right-to-left override
    "\u2066Ben\u2069 \u061cArabi",  # isolates
    "Carl\x1b[31m\x07\x9b2J",  # terminal sequences
    "Dora\r\nUnassigned: 99",  # a line of its own
    "Eve; Unassigned: 99",
    "Smith, Fred",
    "+ 37 more",
    '=HYPERLINK("http://x")',
    "@SUM(A1)",
    "-2+3",
    "<script>alert(1)</script>",
    "Z" + "\u0351\u0352\u0353" * 40,  # stacked marks
    "Ame\u0301lie",  # decomposed
    "\u3164\u3164",  # letters that nobody sees
    "👩\u200d👩\u200d👧\u200d👦 Family",
    "𝕲𝖗𝖊𝖙𝖆",
    "مريم",
    "\ud800",  # half of a pair
    "\ufeff",
    "",
    "TUABCDEFGHIJKLMNOPQRSTUBABCDEF",
]
people = st.lists(st.one_of(st.sampled_from(HOSTILE), st.text(max_size=40)), max_size=40)
kinds = st.sampled_from([Usernames.UPN, Usernames.NAME, Usernames.INITIALS])
rests = st.none() | st.integers(0, 99)


def listed(names: list[str], how: Usernames) -> list[str]:
    return [shown(replace(member("a@x"), login=name, name=name), how) for name in names]


def test_text_names_and_unassigned_stand_in_order() -> None:
    """Own text, then the people by name, then how many seats nobody has."""
    text = invoice_text("Business Premium", ["zoe@x.com", "Anna@x.com"], 2, 200)
    assert text == "Business Premium: Anna@x.com, zoe@x.com; Unassigned: 2"


def test_too_many_names_end_at_a_whole_name() -> None:
    """Four names of which two fit become two names and "+ 2 more"."""
    assert invoice_text("E3", ["anna", "ben", "carl", "dora"], None, 24) == "E3: anna, ben, + 2 more"


def test_a_long_text_of_its_own_ends_at_a_whole_letter() -> None:
    """Where not even "+ 2 more" fits the text is cut, and not between a letter and its accent (x + U+0302)."""
    assert invoice_text("abx\u0302", ["anna", "ben"], None, 3) == "ab"


def test_line_breaks_become_commas_and_invisible_characters_go() -> None:
    """A zero-width space, a right-to-left override and a line break leave clean text."""
    assert cleaned("Ann\u200ba \u202eSmith\r\nSales\x07") == "Anna Smith, Sales"


@pytest.mark.parametrize(
    ("name", "stands"),
    [
        ("Smith, John", "Smith John"),
        ("Eve; Unassigned: 99", "Eve Unassigned 99"),
        ("Dora\r\nUnassigned: 99", "Dora Unassigned 99"),
        ("+ 37 more", "37 more"),
        ('=HYPERLINK("http://x")', 'HYPERLINK("http //x")'),
        ("<b>Bob</b>", "b Bob /b"),
        ("Ame\u0301lie", "Am\u00e9lie"),
        ("\u3164", ""),
    ],
)
def test_a_name_stays_a_name(name: str, stands: str) -> None:
    """What separates names, marks up a text or begins a formula is no part of one."""
    assert named(name) == stands


def test_a_missing_name_falls_back_to_the_login() -> None:
    """Where a user has no display name the invoice shows the login; where that is unreadable too, a question mark."""
    assert shown(member("anna@x.com"), Usernames.NAME) == "Anna"
    assert shown(replace(member("anna@x.com"), name=""), Usernames.NAME) == "anna@x.com"
    assert shown(replace(member("\u200b"), name="\u3164"), Usernames.NAME) == "?"


def test_initials_never_show_a_whole_name() -> None:
    """For those who may not print names: Anna Maria (Sales) Smith is A.M.S.S., and a login never shows."""
    person = replace(member("anna@x.com"), name="Anna Maria (Sales) Smith")
    assert shown(person, Usernames.INITIALS) == "A.M.S.S."
    assert shown(replace(person, name=""), Usernames.INITIALS) == "A."


def test_an_emoji_counts_twice() -> None:
    """.NET and SQL Server count UTF-16 units, and ConnectWise's limit is one of theirs."""
    assert units("👍") == 2
    assert invoice_text("E3", ["👍" * 4, "👎" * 4], None, 14) == "E3: + 2 more"


def test_ten_thousand_people_fit_in_a_thousand_characters() -> None:
    """The most whole names that fit, and the rest as a number: nobody is lost."""
    names = [f"user-{n:05}@contoso.com" for n in range(10_000)]
    text = invoice_text("Microsoft 365 E3", names, 3, 1000)
    assert 1000 - len(names[0]) - 2 < len(text) <= 1000
    kept = text.count("@contoso.com")
    assert text.endswith(f", + {10_000 - kept} more; Unassigned: 3")


@given(st.text(max_size=60), people, kinds, rests, st.integers(1, 300))
def test_no_text_is_longer_than_the_limit(
    text: str, names: list[str], how: Usernames, unassigned: int | None, limit: int
) -> None:
    """Whatever the names, the PSA's limit holds, and the order in which a directory lists them does not show."""
    made = invoice_text(text, listed(names, how), unassigned, limit)
    assert units(made) <= limit
    assert made == invoice_text(text, listed(names[::-1], how), unassigned, limit)


@given(people, kinds, rests)
def test_everybody_is_counted(names: list[str], how: Usernames, unassigned: int | None) -> None:
    """The list has as many parts as people; no name makes itself two, or passes for the number of unassigned."""
    text = invoice_text("E3", listed(names, how), unassigned, 10**6)
    front, _, tail = text.partition("; ")
    assert tail == ("" if unassigned is None else f"Unassigned: {unassigned}")
    assert len(front.removeprefix("E3").removeprefix(": ").split(", ")) == max(1, len(names))
    assert not any(part.startswith(("=", "+", "-", "@")) for part in front.removeprefix("E3: ").split(", "))


@given(st.one_of(st.text(max_size=80), people.map(" ".join)))
def test_cleaning_is_final(text: str) -> None:
    """Clean text is NFC, stays as it is, and holds nothing that steers a terminal or hides from the eye."""
    clean = cleaned(text)
    assert cleaned(clean) == clean
    assert unicodedata.is_normalized("NFC", clean)
    assert not any(unicodedata.category(c)[0] == "C" for c in clean)
    assert not set(clean) & set("\u034f\u3164\ufe0f\u2800")
    assert clean.encode("utf-16")


@given(people, kinds, st.booleans())
def test_nothing_is_rewritten_when_nothing_changed(names: list[str], how: Usernames, unassigned: bool) -> None:
    """The text that the line was given is the text that the next cycle wants, in whatever order people are listed."""
    holders = [replace(member(f"p{n}@x", PREMIUM), name=name) for n, name in enumerate(names)]
    asks = row(text="Premium", profile=replace(PROFILE, usernames=how, unassigned=unassigned))
    seen = observation(purchased=50, assigned=len(names))
    [made] = drafted([asks], snapshot(seen, members=holders), ground()).changes
    ours = line(quantity=50, text=made.after.text, mark=str(Mark.of(INSTALLATION, made.key)))
    on = ground([ours], [binding(made.key, ours)])
    assert drafted([asks], snapshot(seen, members=holders[::-1]), on).changes == ()
    assert made.after.quantity == Decimal(50)
