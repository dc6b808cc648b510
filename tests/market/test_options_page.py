"""docs/options.md: every option names keys that exist and a test that is there, and no test is left unnamed."""

import ast
import re

from agent.mapping_files.schema import CompanyFile, ProfileTable, RowTable
from tests.house.source import REPOSITORY

PAGE = (REPOSITORY / "docs" / "options.md").read_text("utf-8")
ROWS = re.findall(r"^\| ([^|]+) \| `([^|]+)` \| ([^|]+) \| `(\w+\.py)::(\w+)` \|$", PAGE, re.M)
FOLDER = REPOSITORY / "tests" / "market"


def facts_of(name: str) -> set[str]:
    tree = ast.parse((FOLDER / name).read_text("utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")}


def test_every_named_test_exists() -> None:
    """Nobody is sent to a test that was renamed; each row of the first table names one."""
    first = PAGE.split("## Where")[0]
    assert len(ROWS) == first.count("::test_") == len(re.findall(r"^\| ", first, re.M)) - 1 > 30
    assert [test for *_, name, test in ROWS if test not in facts_of(name)] == []


def test_every_key_exists() -> None:
    """The key is one of a mapping file, a setting's section, or the name of a command."""
    known = {str(f.alias) for t in (CompanyFile, RowTable, ProfileTable) for f in t.model_fields.values()}
    sections = set(re.findall(r"^### \[(.+)\]$", (REPOSITORY / "docs" / "configuration.md").read_text("utf-8"), re.M))
    unknown = [key for _, key, *_ in ROWS if key not in known | sections and not key.startswith("trueup ")]
    assert unknown == []


def test_every_option_says_its_semantics() -> None:
    """In a sentence's worth of words."""
    assert [option for option, _, says, *_ in ROWS if len(says.split()) < 4] == []
