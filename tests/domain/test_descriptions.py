"""Invoice text."""

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from agent.domain.descriptions import cleaned, invoice_text, shown
from agent.domain.mappings import Usernames
from tests.domain.given import member

names = st.lists(st.text(max_size=40).map(cleaned), max_size=40)


def test_text_names_and_unassigned_stand_in_order() -> None:
    """Own text, then the people by name, then how many seats nobody has."""
    text = invoice_text("Business Premium", ["zoe@x.com", "Anna@x.com"], 2, 200)
    assert text == "Business Premium: Anna@x.com, zoe@x.com; Unassigned: 2"


def test_too_many_names_end_at_a_whole_name() -> None:
    """Four names of which two fit become two names and "+ 2 more"."""
    assert invoice_text("E3", ["anna", "ben", "carl", "dora"], None, 24) == "E3: anna, ben, + 2 more"


def test_line_breaks_become_commas_and_invisible_characters_go() -> None:
    """A zero-width space, a right-to-left override and a line break leave clean text."""
    assert cleaned("Ann\u200ba \u202eSmith\r\nSales\x07") == "Anna Smith, Sales"


def test_a_missing_name_falls_back_to_the_login() -> None:
    """Where a user has no display name the invoice shows the login."""
    nameless = member("anna@x.com")
    assert shown(nameless, Usernames.NAME) == "Anna"
    assert shown(member("@x.com"), Usernames.NAME) == "@x.com"


def test_initials_never_show_a_whole_name() -> None:
    """For those who may not print names: Anna Maria Smith is A.M.S."""
    person = member("anna@x.com")
    assert shown(person, Usernames.INITIALS) == "A."


@given(st.text(max_size=60), names, st.none() | st.integers(0, 99), st.integers(1, 300))
def test_no_text_is_longer_than_the_limit(text: str, people: list[str], unassigned: int | None, limit: int) -> None:
    """Whatever the names, the PSA's limit holds, and the same input gives the same text."""
    made = invoice_text(text, people, unassigned, limit)
    assert len(made) <= limit
    assert made == invoice_text(text, list(reversed(people)), unassigned, limit)


@given(st.text(max_size=80))
def test_cleaning_is_final(text: str) -> None:
    """Clean text stays as it is, and holds no control or formatting character."""
    clean = cleaned(text)
    assert cleaned(clean) == clean
    assert not any(unicodedata.category(c) in ("Cc", "Cf") for c in clean)
