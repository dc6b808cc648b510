"""Where things stand in a TOML file, and what is said about a file that cannot be used."""

import os
import time
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, ValidationError

from agent.toml_places import Document, FileRefused, Problem, dotted, parse, read_regular_file, read_toml
from agent.toml_problems import problems_of
from agent.toml_scanner import DEPTH_LIMIT, ENTRY_LIMIT, TEXT_LIMIT, Place, Steps
from tests.settings.toml_writer import Written, written_documents

FRAGMENTS = [*"[]{}.,=#\"'\\\n \t1a", "[[", "]]", '"""', "'''", "ab", "true", "1979-05-27", "\r\n", "\ufeff", "\0", "é"]
FRAGMENTS += ["[a]\n", "[[a]]\n", "a = 1\n", "a.b = ", 'x = """', "b = [1, {c = 2}]\n"]


def leaves(value: Any, steps: Steps = ()) -> Iterator[Steps]:
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else None
    if pairs is None:
        yield steps
        return
    for step, inner in pairs:
        yield from leaves(inner, (*steps, step))


def refusal(text: str) -> Problem:
    with pytest.raises(FileRefused) as refused:
        parse(text, "some.toml")
    return refused.value.problem


@settings(max_examples=400)
@given(written_documents())
def test_every_leaf_is_found_where_it_was_written(page: Written) -> None:
    """However a document is spelt, the index knows line and column of each key and value."""
    document = parse(page.text, "some.toml")

    found = set(leaves(document.data))

    assert found == set(page.keys)
    assert {steps: document.key_place(steps) for steps in found} == page.keys
    assert {steps: document.value_place(steps) for steps in found} == page.values
    assert document.places.twice is None


@settings(max_examples=1_000)
@given(st.lists(st.sampled_from(FRAGMENTS), max_size=30).map("".join))
def test_what_tomllib_accepts_has_places_and_the_rest_is_refused(text: str) -> None:
    """No text is half understood, and none brings the parser down in another way."""
    try:
        document = parse(text, "some.toml")
    except FileRefused:
        return
    assert document.data == tomllib.loads(text.removeprefix("\ufeff"))
    assert set(leaves(document.data)) - {()} <= set(document.places.values)


def test_a_row_of_an_array_of_tables_starts_at_its_own_header() -> None:
    """`("row", 1)` is the second `[[row]]`, and `[row.users]` below it belongs to it."""
    document = parse("[[row]]\nproduct = 1\n\n[[row]]\n[row.users]\noffice = 2\n", "some.toml")

    assert document.key_place(("row", 1)) == Place(4, 3)
    assert document.key_place(("row", 1, "users", "office")) == Place(6, 1)
    assert document.value_place(("row", 0, "product")) == Place(2, 11)


def test_what_is_absent_is_placed_at_the_nearest_table() -> None:
    """A missing key has no line of its own, so its section's header stands in."""
    document = parse("[agent]\nmode = 1\n[psa.connectwise]\n", "some.toml")

    assert document.key_place(("psa", "connectwise", "url")) == Place(3, 6)
    assert document.key_place(("psa", "kind")) == Place(3, 2)
    assert document.key_place(("log", "level")) == Place(1, 1)


def test_windows_files_are_read_like_any_other() -> None:
    """A byte order mark and CRLF line ends change neither meaning nor places."""
    document = parse("\ufeffa = 1\r\nb = 2\r\n", "some.toml")

    assert document.data == {"a": 1, "b": 2}
    assert document.key_place(("b",)) == Place(2, 1)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a = 1\nb = x\n", "some.toml:2:5: this is not TOML: Invalid value. Put text in double quotes"),
        ('a = "x\n', "some.toml:1:7: this is not TOML: Illegal character '\\n'. Close the quotes on the same line"),
        ("a = 1\n[b\n", "some.toml:2:3: this is not TOML: Expected ']' at the end of a table declaration."),
        ("a = [1,\n\n", "some.toml:1: this is not TOML: Invalid value. Close the quote or bracket that is still open."),
        ("a = 1\nb = 2\na = 3\n", "some.toml:3: a: is given twice, first on line 1. Keep one of the two."),
        ("[x]\nb.c = 2\n[y]\n[x]\n", "some.toml:4: x: is given twice, first on line 1. Keep one of the two."),
        ("[[row]]\na = {b = 1, b = 2}", "some.toml:2: row[1].a.b: is given twice, first on line 2."),
        ("a = 1\0", "some.toml:1: this is not plain text: it holds a NUL. Save it as UTF-8"),
        ("a = " + "[" * 999, f"some.toml:1: is nested more than {DEPTH_LIMIT} levels deep. Write it flatter."),
        ("\na" + ".a" * 99_999 + " = 1", f"some.toml:2: is nested more than {DEPTH_LIMIT} levels deep."),
        ("a = " + "1" * 5_000, "some.toml:1: has a number of more than 1000 characters."),
        ("a = [" + "1," * ENTRY_LIMIT + "]", f"some.toml:1: has more than {ENTRY_LIMIT} values. Split the file."),
        ("#" * (TEXT_LIMIT + 1), f"some.toml:1: is longer than {TEXT_LIMIT} characters. Split the file."),
    ],
)
def test_a_refused_text_is_told_with_place_and_remedy(text: str, said: str) -> None:
    """Whatever stops a file is one sentence with its line, and one with what to do."""
    assert str(refusal(text)).startswith(said)


@pytest.mark.parametrize(
    "bomb",
    ["a = " + "[" * TEXT_LIMIT, "a." * 500_000 + "a = 1", 'a = """' + '"x' * 500_000, '"a".' * 250_000 + "a = 1"],
    ids=["brackets", "dotted key", "open text", "quoted keys"],
)
def test_a_megabyte_of_malice_is_refused_within_a_second(bomb: str) -> None:
    """tomllib alone would overflow its stack on the first of these and take hours over the second."""
    start = time.monotonic()

    refusal(bomb[:TEXT_LIMIT])

    assert time.monotonic() - start < 1


def test_a_key_is_shown_as_people_count() -> None:
    """The second row is row[2], and a name with a point in it keeps its quotes."""
    assert dotted(("row", 1, "users", "a.b")) == 'row[2].users."a.b"'


def refused_file(path: Path, **how: Any) -> str:
    with pytest.raises(FileRefused) as refused:
        read_regular_file(path, **how)
    return str(refused.value)


def test_only_regular_files_are_read(tmp_path: Path) -> None:
    """A pipe without a writer, a device without an end, a link or a folder is refused at once."""
    (tmp_path / "link").symlink_to("/etc/hostname")
    os.mkfifo(tmp_path / "pipe")

    assert refused_file(tmp_path / "pipe").endswith("pipe: is not a regular file. Put a plain file there.")
    assert "is not a regular file" in refused_file(Path("/dev/zero"))
    assert "is not a regular file" in refused_file(tmp_path)
    assert "is a symbolic link. Name the file itself." in refused_file(tmp_path / "link")
    assert "does not exist. Check the name." in refused_file(tmp_path / "nothing")
    assert "cannot be opened" in refused_file(Path("nul\0"))


def test_a_huge_file_is_refused_unread(tmp_path: Path) -> None:
    """Five sparse gigabytes cost a stat, and a file of /proc that claims no size is cut off at the limit."""
    huge = tmp_path / "huge"
    with huge.open("wb") as stream:
        stream.truncate(5 * 1024**3)

    assert "is larger than 1048576 bytes." in refused_file(huge)
    assert "is larger than 10 bytes." in refused_file(Path("/proc/self/maps"), limit=10)


def test_a_file_that_everybody_may_change_is_refused(tmp_path: Path) -> None:
    """Whoever can write the mappings decides what is billed."""
    path = tmp_path / "open.toml"
    path.write_text("")
    path.chmod(0o666)

    assert f"can be changed by every user of this machine. Run: chmod o-w {path}." in refused_file(path)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"a = 1\nb = '\xe9'\n", ":2: this is not UTF-8 text. Save it as UTF-8"),
        ("a = 1".encode("utf-16"), ":1: this is not UTF-8 text. Save it as UTF-8"),
        ("a = 1".encode("utf-16-le"), ":1: this is not plain text: it holds a NUL. Save it as UTF-8"),
    ],
    ids=["latin-1", "UTF-16", "UTF-16 without a mark"],
)
def test_other_encodings_are_named(tmp_path: Path, content: bytes, said: str) -> None:
    """What an editor saved in another encoding is told as that, not as a riddle about syntax."""
    path = tmp_path / "foreign.toml"
    path.write_bytes(content)

    with pytest.raises(FileRefused, match=said):
        read_toml(path)


class Row(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    product: str
    price: str | int = "psa"
    kind: Literal["base", "delta"] = "base"


class Page(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    row: list[Row]


def problems(text: str) -> list[str]:
    document: Document = parse(text, "map.toml")
    with pytest.raises(ValidationError) as error:
        Page.model_validate(document.data)
    return [str(problem) for problem in problems_of(error.value, document, Page)]


def test_problems_of_any_model_are_told_by_line() -> None:
    """pydantic's findings come in the order of the file, with the key as the file spells it."""
    text = '[[row]]\nproduct = 7\n[[row]]\nkind = "bass"\nproduct = "x"\ncolour = 1\n'

    assert problems(text) == [
        "map.toml:2: row[1].product: must be text. Write it in quotes.",
        'map.toml:4: row[2].kind: has a value that is not known. Write "base" or "delta".',
        "map.toml:6: row[2].colour: is not known here. Known here: kind, price, product.",
    ]


def test_a_misspelt_key_is_told_once() -> None:
    """A required key that is there but misspelt is not reported as missing as well."""
    assert problems("[[row]]\nprodukt = 'x'\n") == [
        'map.toml:2: row[1].produkt: is not known here. Did you mean "product"?'
    ]
