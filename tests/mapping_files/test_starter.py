"""What is shipped in mappings/: generated, current, valid, and without effect until somebody edits it."""

import csv
import json
import tomllib
from datetime import date
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from agent.domain.mappings import Mode
from agent.mapping_files import MappingFiles, check
from agent.mapping_files.schema import FILES, json_schema
from agent.mapping_files.starter import starter_files, write_starter
from agent.sku_table import free_skus, shipped
from tests.house.source import REPOSITORY

MAPPINGS = REPOSITORY / "mappings"
SAMPLE = "companies/example.toml.sample"


def as_json(path: Path) -> Any:
    """A TOML file as an editor's schema check sees it: dates are text."""
    data = tomllib.loads(path.read_text("utf-8"))
    return json.loads(json.dumps(data, default=date.isoformat))


def schema_of(path: Path) -> Any:
    """The schema that the file's first line names."""
    directive, _, target = path.read_text("utf-8").partition("\n")[0].partition(" ")
    assert directive == "#:schema"
    return json.loads((path.parent / target).read_text("utf-8"))


def test_repository_ships_what_this_version_makes() -> None:
    """After a change of the model run: python -m agent.mapping_files.starter mappings (examples lie in agent/data)."""
    shipped_files = {
        path.relative_to(MAPPINGS).as_posix(): path.read_text("utf-8") for path in MAPPINGS.rglob("*") if path.is_file()
    }

    assert shipped_files == starter_files()


@pytest.mark.parametrize("kind", FILES)
def test_schema_is_a_schema(kind: str) -> None:
    """Draft 2020-12, with a description for each key that an editor shows."""
    schema = json.loads(json_schema(kind))
    jsonschema.Draft202012Validator.check_schema(schema)
    tables = [schema, *schema["$defs"].values()]
    keys = [(name, key) for table in tables for name, key in table.get("properties", {}).items()]

    assert [name for name, key in keys if "description" not in key] == []


@pytest.mark.parametrize("name", ["profiles.toml", "exclusions.toml", SAMPLE])
def test_examples_fit_their_schema(name: str) -> None:
    """What an editor marks red is wrong, and what we ship is not."""
    jsonschema.Draft202012Validator(schema_of(MAPPINGS / name)).validate(as_json(MAPPINGS / name))


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("profiles.toml", 'price         = "psa"', "price = 22.00"),
        ("profiles.toml", "unassigned    = false", 'unassigned = "no"'),
        ("exclusions.toml", "reason  =", "raison  ="),
        (SAMPLE, 'licence     = "SPB"', ""),
        (SAMPLE, "minimum     = 5", "minimum = -5"),
        (SAMPLE, "{ office =", "{ floor ="),
        (SAMPLE, '{ users = "licensed" }', '{ users = "all" }'),
        (SAMPLE, 'mode    = "report"', 'mode = "off"'),
    ],
)
def test_editor_sees_a_slip(name: str, old: str, new: str, tmp_path: Path) -> None:
    """The schema refuses what the agent refuses, while the file is being typed."""
    text = (MAPPINGS / name).read_text("utf-8")
    assert old in text
    path = tmp_path / "slip.toml"
    path.write_text(text.replace(old, new, 1))

    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft202012Validator(schema_of(MAPPINGS / name)).validate(as_json(path))


def test_shipped_folder_is_valid_and_bills_nothing() -> None:
    """A new installation starts without a company and with 43 licences that cost nothing."""
    checked = check(MappingFiles(MAPPINGS, Mode.REPORT, shipped()))

    assert checked.problems == ()
    assert checked.summary is not None
    assert (checked.summary.companies, checked.summary.rows, checked.summary.exclusions) == (0, 0, 43)


def test_shipped_exclusions_are_the_free_licences() -> None:
    """Each row of the table, with its reason."""
    mappings = MappingFiles(MAPPINGS, Mode.REPORT, shipped()).load()
    reasons = {exclusion.sku: exclusion.reason for exclusion in mappings.exclusions}

    assert reasons.keys() == free_skus().keys()
    assert all(free_skus()[sku].startswith(reason) for sku, reason in reasons.items())


def test_sample_is_valid_once_it_is_used(tmp_path: Path) -> None:
    """Copied to a .toml it is a company with five rows."""
    write_starter(tmp_path)
    (tmp_path / "companies" / "contoso.toml").write_text((tmp_path / SAMPLE).read_text())

    checked = check(MappingFiles(tmp_path, Mode.AUTO, shipped()))

    assert checked.problems == ()
    assert checked.summary is not None
    assert (checked.summary.companies, checked.summary.rows) == (1, 5)
    assert checked.summary.modes == {Mode.REPORT: 1}


def test_starter_keeps_what_is_there(tmp_path: Path) -> None:
    """A second start writes nothing, and an update only the schemas."""
    everything = write_starter(tmp_path)
    (tmp_path / "profiles.toml").write_text("# mine\n")
    (tmp_path / "schema" / "company.json").write_text("{}")

    assert len(everything) == 6
    assert write_starter(tmp_path) == [tmp_path / "schema" / "company.json"]
    assert (tmp_path / "profiles.toml").read_text() == "# mine\n"


def test_free_table_names_one_licence_each() -> None:
    """An exclusion by part number is only possible where the part number is one licence's."""
    table = (REPOSITORY / "agent/data/m365-free-skus.csv").read_text("utf-8").splitlines()
    part_numbers = [row["sku_part_number"] for row in csv.DictReader(table)]

    assert [number for number in part_numbers if len(shipped().find(number)) != 1] == []
