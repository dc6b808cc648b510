"""Whatever stands in a file: mappings, or problems with a line, and nothing else."""

from typing import Any

import pytest
import tomlkit
from hypothesis import given
from hypothesis import strategies as st

from agent.mapping_files import MappingFiles, MappingsInvalid
from agent.mapping_files.files import Contents
from agent.toml_places import Problem
from tests.house.source import REPOSITORY
from tests.mapping_files.folders import EXCLUSIONS, PROFILES, mapping_folder
from tests.mapping_files.hostile import BOMBS, MEBIBYTES, Peak, Reader, Told, faults, hostile

SAMPLE = (REPOSITORY / "mappings" / "companies" / "example.toml.sample").read_text("utf-8")

KEYS = """
company name tenant mode row exclude guards id licence licences count users domain subscription profile agreement basis
included minimum start-on reason new-lines office
"""
WORDS = ["SPB", "business-premium", "auto", "licensed", "11111111-2222-3333-4444-555555555555"]

words = st.sampled_from([*KEYS.split(), *WORDS])
numbers = st.integers(-5, 10**12) | st.booleans() | st.floats()
scalars = words | numbers | st.dates() | st.datetimes() | st.text(max_size=300)
values: st.SearchStrategy[Any] = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=4), max_leaves=12
)
tables = st.dictionaries(words, values, max_size=6)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> MappingFiles:
    return mapping_folder(tmp_path_factory.mktemp("mappings"), {})


def problems(
    files: MappingFiles, company: str, profiles: str = PROFILES, exclusions: str = EXCLUSIONS
) -> list[Problem]:
    texts = {"profiles.toml": profiles, "exclusions.toml": exclusions, "companies/contoso.toml": company}
    try:
        files.understand(Contents({name: text.encode("utf-8", "surrogatepass") for name, text in texts.items()}, ()))
    except MappingsInvalid as error:
        return list(error.problems)
    return []


def is_told(problem: Problem) -> bool:
    """Where, what, and what to do."""
    return bool(problem.file and problem.line and problem.what and problem.remedy)


@given(data=tables)
def test_any_values_under_our_keys(files: MappingFiles, data: dict[str, Any]) -> None:
    """Tables where texts should be, lists of lists, dates, infinities."""
    text = tomlkit.dumps(data)

    assert all(map(is_told, problems(files, text, profiles=text)))
    assert all(map(is_told, problems(files, text, exclusions=text)))


@given(start=st.integers(0, len(SAMPLE)), length=st.integers(0, 40), instead=st.text(max_size=5))
def test_any_damage_to_a_file(files: MappingFiles, start: int, length: int, instead: str) -> None:
    """A hole of any size anywhere in the sample, filled with anything."""
    assert all(map(is_told, problems(files, SAMPLE[:start] + instead + SAMPLE[start + length :])))


@pytest.mark.parametrize("first", range(0, 2_000, 500))
def test_damaged_files_are_read_or_refused(first: int) -> None:
    """As mapping files and as agent.toml: only typed errors, each with its line; `make soak` reads a million."""
    reader = Reader()
    wrong = [
        f"input {number} {fault}"
        for number in range(first, first + 500)
        for content in [hostile(number)]
        for told in reader.read(content)
        for fault in faults(content, told)
    ]

    assert wrong == []


@pytest.mark.parametrize("name", BOMBS)
def test_bomb_goes_off_in_a_moment(name: str) -> None:
    """Whatever it wanted to cost: a second and 100 MiB at most, and nothing but problems with their lines."""
    reader, peak = Reader(), Peak()
    wrong = [fault for told in reader.read(BOMBS[name]) for fault in faults(BOMBS[name], told)]

    assert wrong == []
    assert peak.grown() < MEBIBYTES


def test_typed_errors_are_the_only_ones() -> None:
    """The harness sees what it looks for: a problem without its line, and one whose line is not there."""
    nowhere, beyond = (Problem("some.toml", line, "", "is wrong", "Mend it") for line in (None, 99))

    assert [len(list(faults(b"a = 1", Told([problem], 0)))) for problem in (nowhere, beyond)] == [1, 1]
    assert list(faults(b"", Told([], 1.5))) == ["took 1.5 s"]
