"""Edits change what they are about, and not one byte else."""

import os
import stat
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.mapping_files.writing import Draft, EditRefused, Value, slug
from agent.toml_places import FileRefused
from tests.mapping_files.folders import HEAD, ROW, TENANT

FIELDS: dict[str, Value] = {"licence": "SPE_E3", "profile": "e3", "agreement": 1022}

# Files as people write them: tables in any order, comments anywhere, spaces as they fell.
comments = st.sampled_from(["", "  # why", "#", ' # "quoted" = [odd]', "\t# tab"])
spaces = st.sampled_from(["", " ", "  ", "\t"])
loose = st.lists(st.sampled_from(["", "# a comment", "  # [[row]]", "#:schema x", "# mode = 1"]), max_size=3)


@st.composite
def lines_of(draw: st.DrawFn, header: str, pairs: dict[str, str]) -> list[str]:
    written = [f"{key}{draw(spaces)}={draw(spaces)}{value}{draw(comments)}" for key, value in pairs.items()]
    body = [line for pair in draw(st.permutations(written)) for line in [*draw(loose), pair]]
    return [*([f"{draw(spaces)}{header}{draw(comments)}"] if header else []), *body]


heads = lines_of("", {"company": "250", "tenant": f'"{TENANT}"', "mode": '"auto"'})
rows = lines_of(
    "[[row]]",
    {"licence": "'SPB'", "profile": '"p"', "agreement": "1", "users": '{ office = ["x",\n  "y"] }', "included": "2"},
)
excludes = lines_of("[[exclude]]", {"licence": '"""\nSPB"""', "reason": '"# no comment"'})
guards = lines_of("[guards]", {"new-lines": "4", "freeze-days": "1"})


@st.composite
def texts(draw: st.DrawFn) -> str:
    tables = [*draw(st.lists(rows | excludes, max_size=4)), *draw(st.lists(guards, max_size=1))]
    ordered = [draw(rows), *draw(st.permutations(tables))]
    lines = [line for table in [draw(heads), *ordered] for line in [*draw(loose), *table]]
    text = "\n".join([*lines, *draw(loose)]) + draw(st.sampled_from(["", "\n", "\n\n"]))
    return draw(st.sampled_from(["", "\ufeff"])) + text.replace("\n", draw(st.sampled_from(["\n", "\r\n"])))


def draft(text: str) -> Draft:
    return Draft(Path("companies/contoso.toml"), text.encode())


def meaning(content: bytes) -> dict[str, object]:
    return tomllib.loads(content.decode("utf-8-sig").replace("\r\n", "\n"))


@given(texts())
def test_untouched_file_stays(text: str) -> None:
    """Opening and not editing writes nothing else than was read."""
    assert draft(text).content == text.encode()


@given(texts())
def test_append_only_appends(text: str) -> None:
    """Every byte of the old file comes first, then the new row with the file's own line ends."""
    edited = draft(text)
    edited.append("row", FIELDS, ["Suggested"])
    added = edited.content.removeprefix(text.encode())

    assert edited.content.startswith(text.encode())
    assert (b"\r\n" in added) == ("\r\n" in text)
    assert meaning(edited.content)["row"] == [*meaning(text.encode())["row"], FIELDS]  # type: ignore[misc]


@given(texts(), st.sampled_from([("mode",), ("row", 0, "included"), ("row", 0, "licence")]))
def test_setting_a_key_changes_its_value_alone(text: str, steps: tuple[str | int, ...]) -> None:
    """One line differs, and in it only what stands between the equals sign and the comment."""
    edited = draft(text)
    edited.set(steps, "changed")
    before, after = text.split("\n"), edited.content.decode().split("\n")
    ((old, new),) = [(old, new) for old, new in zip(before, after, strict=True) if old != new]

    start, _, rest = old.partition("=")
    value = next(value for value in ('"auto"', "'SPB'", "2") if rest.strip().startswith(value))
    changed = rest.replace(value, '"changed"', 1)
    assert new == f"{start}={changed}"


@given(texts(), st.sampled_from([("name",), ("row", 0, "name")]))
def test_new_key_is_one_new_line(text: str, steps: tuple[str | int, ...]) -> None:
    """Taken out again, it leaves the file as it was."""
    edited = draft(text)
    edited.set(steps, "new")
    after = edited.content.decode().split("\n")
    added = after.index('name = "new"\r' if "\r\n" in text else 'name = "new"')

    assert "\n".join([*after[:added], *after[added + 1 :]]) in (text, text + "\n", text + "\r\n")


@given(texts(), st.sampled_from(["new-lines", "freeze-days", "raise-percent"]))
def test_setting_a_guard(text: str, key: str) -> None:
    """In the [guards] that are there, or in new ones at the end."""
    edited = draft(text)
    edited.set(("guards", key), 7)
    before, after = meaning(text.encode()), meaning(edited.content)

    assert after["guards"] == {**before.get("guards", {}), key: 7}  # type: ignore[dict-item]
    assert {**after, "guards": None} == {**before, "guards": None}


def test_file_that_cannot_be_extended_is_left_alone() -> None:
    """Rows in one list take no further [[row]]: better no edit than a broken file."""
    edited = draft(HEAD + 'row = [{ licence = "SPB", profile = "p", agreement = 1 }]\n')

    with pytest.raises(EditRefused, match="in a way that Trueup cannot change"):
        edited.append("row", FIELDS)


def test_unknown_place_is_refused() -> None:
    """There is no third row to set something in."""
    with pytest.raises(EditRefused, match=r"has nothing at row\[3\]"):
        draft(HEAD + ROW).set(("row", 2, "included"), 1)


def test_comment_cannot_become_a_key() -> None:
    """A tenant may call itself what it likes, a line break included."""
    edited = draft(HEAD)
    edited.append("row", FIELDS, ["Contoso\nmode = 'auto'\u2028\u202e"])

    assert b"# Contoso mode = 'auto'\n" in edited.content


def saved(folder: Path, text: str) -> Path:
    path = folder / "companies" / "contoso.toml"
    path.parent.mkdir()
    path.write_text(text)
    return path


def test_save_keeps_the_mode(tmp_path: Path) -> None:
    """A file that only a group may read stays so."""
    path = saved(tmp_path, HEAD)
    path.chmod(0o640)
    edited = Draft.of(path)
    edited.append("row", FIELDS)

    edited.save()

    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert os.listdir(path.parent) == ["contoso.toml"]


def test_save_after_somebody_else_saved(tmp_path: Path) -> None:
    """Their edit stays, ours is refused."""
    path = saved(tmp_path, HEAD)
    edited = Draft.of(path)
    edited.append("row", FIELDS)
    path.write_text(HEAD + "# theirs\n")

    with pytest.raises(EditRefused, match="was changed by somebody else meanwhile"):
        edited.save()

    assert path.read_text() == HEAD + "# theirs\n"


def test_new_file_does_not_overwrite(tmp_path: Path) -> None:
    """Two people may add the same company at once."""
    path = saved(tmp_path, HEAD)

    with pytest.raises(EditRefused, match="was changed by somebody else"):
        Draft(path, None, HEAD + "# ours\n").save()

    assert path.read_text() == HEAD


def test_nothing_invalid_is_saved(tmp_path: Path) -> None:
    """What the next cycle would refuse is refused here, with the same words."""
    path = saved(tmp_path, HEAD)
    edited = Draft.of(path)
    edited.set(("mode",), "off")

    with pytest.raises(EditRefused, match="mode has a value that is not known") as caught:
        edited.save()

    assert caught.value.remedy == 'Write "report", "review" or "auto"'
    assert path.read_text() == HEAD


def test_folder_without_permission(tmp_path: Path) -> None:
    """A mapping folder that the daemon may only read is a sentence, not a traceback."""
    with pytest.raises(EditRefused, match=r"could not be written \(No such file or directory\)"):
        Draft(tmp_path / "companies" / "contoso.toml", None, HEAD).save()


def test_broken_file_is_not_opened(tmp_path: Path) -> None:
    """First a person mends it."""
    with pytest.raises(FileRefused, match="this is not TOML"):
        Draft.of(saved(tmp_path, "company = "))


@pytest.mark.parametrize(
    ("name", "expected"),
    [("Contoso Ltd", "contoso-ltd"), ("Müller & Söhne", "muller-sohne"), ("../../etc", "etc"), ("株式会社", "")],
)
def test_slug(name: str, expected: str) -> None:
    """A company's name never leads out of the folder."""
    assert slug(name) == expected
