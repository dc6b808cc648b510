"""Keys and marks."""

from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.domain.counts import MICROSOFT, Account
from agent.domain.keys import MARK_LENGTH, LineKey, Mark, Role
from tests.domain.given import INSTALLATION, row

texts = st.text(max_size=30)
roles = st.sampled_from(list(Role))
keys = st.builds(LineKey, texts, st.integers(1), texts, texts, texts, texts, texts, roles, texts, texts)


@given(keys)
def test_a_key_reads_back_from_its_text(key: LineKey) -> None:
    """Slashes, percent signs and any other character in names survive."""
    assert LineKey.parse(str(key)) == key


names = st.from_regex(r"[a-z][a-z0-9-]{0,31}", fullmatch=True)


@given(st.builds(Account, names, texts) | st.builds(Account, st.just(MICROSOFT), st.uuids().map(str)))
def test_an_account_reads_back_from_its_ref(account: Account) -> None:
    """Whatever a source calls its accounts, colons included; a tenant is its id alone."""
    assert Account.parse(account.ref) == account
    assert (account.ref == account.id) is (account.source == MICROSOFT)


@given(keys)
def test_a_mark_has_thirty_characters_and_reads_back(key: LineKey) -> None:
    """It fits every field that carries marks, and its text holds all of it."""
    mark = Mark.of(INSTALLATION, key)
    assert len(str(mark)) == MARK_LENGTH == 30
    assert Mark.read(str(mark)) == mark


def test_a_delta_s_mark_shows_its_base_and_its_role() -> None:
    """The base of a difference line is known from its mark alone."""
    key = row().key("connectwise")
    base, delta = Mark.of(INSTALLATION, key), Mark.of(INSTALLATION, key.delta("2026-03-17/10-12"))
    assert (delta.key, delta.role) == (base.key, Role.DELTA)
    assert str(delta) != str(base)


def test_lots_are_lines_of_one_row() -> None:
    """Each has a mark of its own, and all lead back to the row; the first is the row's own line."""
    row_key = row().key("connectwise")
    first, second, third = islice(row_key.lots(), 3)
    assert first == row_key
    assert {lot.delta("2026-03-17/0-2").row for lot in (first, second, third)} == {row_key}
    assert len({str(Mark.of(INSTALLATION, lot)) for lot in (first, second, third)}) == 3


def test_another_installation_makes_another_mark() -> None:
    """Two installations on one PSA never take each other's lines."""
    key = row().key("connectwise")
    assert Mark.of("one", key).installation != Mark.of("two", key).installation


@given(st.text(max_size=50))
def test_somebody_s_own_text_is_no_mark(text: str) -> None:
    """Serial numbers that people typed are left alone."""
    mark = Mark.read(text)
    assert mark is None or str(mark) == text.strip()


@pytest.mark.parametrize(
    "text",
    [
        "TUABCDEF",  # begins as one, and is too short
        "XX" + "A" * 21 + "B" + "A" * 6,  # as long as one, and somebody else's
        "TU" + "A" * 21 + "X" + "A" * 6,  # a role that there is not
    ],
)
def test_what_only_looks_like_a_mark_is_none(text: str) -> None:
    """A line that bears it is not ours to write to."""
    assert Mark.read(text) is None
