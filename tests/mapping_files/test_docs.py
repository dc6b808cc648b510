"""docs/mapping-files.md: every key as the program has it, every example valid, every sum right."""

import re
import tomllib
from decimal import Decimal
from pathlib import Path

import pytest
from pydantic import TypeAdapter

from agent.domain.desired import billed
from agent.mapping_files.schema import (
    USER_FIELDS,
    CompanyExcludeTable,
    CompanyTable,
    CountTable,
    GuardsTable,
    Price,
    ProfileTable,
    RowTable,
    Table,
    TenantTable,
)
from tests.house.source import REPOSITORY
from tests.mapping_files.folders import HEAD, mapping_folder

TEXT = (REPOSITORY / "docs" / "mapping-files.md").read_text("utf-8")
BLOCKS = re.findall(r"^```toml\n(.*?)^```", TEXT, re.M | re.S)
PROFILES = "\n".join(block for block in BLOCKS if "product" in block and "[[row]]" not in block)
COMPANIES = [block for block in BLOCKS if "product" not in block or "[[row]]" in block]
TABLES = [CountTable, CompanyTable, TenantTable, GuardsTable, RowTable, ProfileTable, CompanyExcludeTable]

Row = tuple[str, str, str]


def documented() -> list[list[Row]]:
    """(key, default, meaning) of each table of keys, in the page's order."""
    tables = re.findall(r"^\| key[^|]*\| value .*\n\| ---.*\n((?:\| .*\n)+)", TEXT, re.M)
    cells = [[[cell.strip() for cell in line.split(" | ")] for line in table.splitlines()] for table in tables]
    return [[(row[0].strip("| `"), row[2], row[3].removesuffix(" |")) for row in table] for table in cells]


def known(table: type[Table]) -> list[Row]:
    return [
        (str(field.alias), "required" if field.is_required() else word(field.default), field.description or "")
        for field in table.model_fields.values()
    ]


def word(default: object) -> str:
    return {"None": "none", "True": "true", "False": "false"}.get(str(default), str(default))


@pytest.mark.parametrize(
    ("position", "table"),
    list(enumerate(TABLES)),
)
def test_every_key_is_explained_as_it_is(position: int, table: type[Table]) -> None:
    """Key, default and meaning of each table are the model's own, in its order."""
    shown = [(key, default, meaning.split(" (Not in")[0]) for key, default, meaning in documented()[position]]

    assert shown == known(table)


def test_every_user_field_is_named() -> None:
    """The last fifteen as a range."""
    assert [name for name in USER_FIELDS if not name.startswith("extension") and f"`{name}`" not in TEXT] == []
    assert "`extension-1` to\n`extension-15`" in TEXT


@pytest.mark.parametrize("block", COMPANIES)
def test_example_works(block: str, tmp_path: Path) -> None:
    """Each block can be copied: as a company's file, or below the head of one."""
    text = block if "company =" in block else HEAD + block
    files = mapping_folder(tmp_path, {"profiles.toml": PROFILES, "companies/contoso.toml": text})

    assert files.load().companies.keys() == {250}


@pytest.mark.parametrize("table", TABLES)
def test_every_key_stands_in_an_example(table: type[Table]) -> None:
    """Nobody has to guess how a key is written: each one is used in a block that the tests around this one load."""
    used = {key for block in BLOCKS for key in keys_of(tomllib.loads(block))}
    assert [str(f.alias) for f in table.model_fields.values() if str(f.alias) not in used] == []


def keys_of(value: object) -> set[str]:
    if isinstance(value, list):
        return {key for part in value for key in keys_of(part)}
    if not isinstance(value, dict):
        return set()
    return {*value, *(key for part in value.values() for key in keys_of(part))}


def test_examples_are_there() -> None:
    """The tests around this one see what they are meant to see."""
    assert len(COMPANIES) == 15
    assert len(re.findall("^product +=", PROFILES, re.M)) == 15


def test_sums_are_right() -> None:
    """The table of counted, included, minimum and billed, computed by the program."""
    rows = re.findall(r"^\| (\d+) \| (\d+) \| (\d+) \| (\d+) \|", TEXT, re.M)

    assert len(rows) == 6
    assert [int(row[3]) for row in rows] == [billed(int(row[0]), int(row[1]), int(row[2])) for row in rows]


def test_prices_are_right() -> None:
    """The table of price forms for a product of 20.00 and later 24.00."""
    rows = re.findall(r'^\| `"(.+)"` \| ([\d.]+) \| ([\d.]+) \|', TEXT, re.M)
    policies = [TypeAdapter(Price).validate_python(row[0]) for row in rows]

    assert len(rows) == 4
    for column, price in ((1, Decimal("20.00")), (2, Decimal("24.00"))):
        shown = [Decimal(row[column]) for row in rows]
        assert shown == [asked if (asked := policy.price(price, "USD")) is not None else price for policy in policies]
