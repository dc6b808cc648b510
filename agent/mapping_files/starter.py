"""The folder that a new installation starts with: examples, the licences that cost nothing, schemas for editors.

    python -m agent.mapping_files.starter mappings

writes it; the repository's mappings/ is what this makes.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterator, Mapping
from importlib import resources
from pathlib import Path

from agent.mapping_files.schema import FILES, json_schema
from agent.mapping_files.writing import Draft
from agent.sku_table import shipped

_EXAMPLES = ("profiles.toml", "companies/example.toml.sample")
_EXCLUSIONS = """\
#:schema ./schema/exclusions.json
#
# Licences that no company is billed for: free, trial and self-service ones. Remove an entry, or add your own.
# A company's own exclusions go into its file. A licence that is excluded here and billed by a row is an error.
"""


def write_starter(folder: Path) -> list[Path]:
    """Write what is missing there, and the schemas of this version; returns what was written. Edits are kept."""
    written = []
    for name, text in starter_files().items():
        path = folder / name
        stale = path.suffix == ".json" and path.exists() and path.read_text("utf-8") != text
        if stale or not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")
            written.append(path)
    return written


def starter_files() -> Mapping[str, str]:
    """Text by name inside the folder."""
    data = resources.files("agent").joinpath("data")
    return {
        **{name: data.joinpath("mappings", name).read_text("utf-8") for name in _EXAMPLES},
        "exclusions.toml": default_exclusions(),
        **{f"schema/{kind}.json": json_schema(kind) for kind in FILES},
    }


def default_exclusions() -> str:
    """exclusions.toml with the licences of agent/data/m365-free-skus.csv, each with its reason and source."""
    draft = Draft(Path("exclusions.toml"), None, _EXCLUSIONS)
    for part_number, reason, source in _free():
        (sku,) = shipped().find(part_number)
        about = f"{shipped().name(sku)}. Source: {source}."
        draft.append("exclude", {"licence": part_number, "reason": reason}, [about])
    return draft.text


def _free() -> Iterator[tuple[str, str, str]]:
    """Part number, reason, source: the table writes `reason; source; source`."""
    table = resources.files("agent").joinpath("data", "m365-free-skus.csv").read_text("utf-8")
    for row in csv.DictReader(table.splitlines()):
        reason, _, source = row["why"].partition("; ")
        yield row["sku_part_number"], reason, source


if __name__ == "__main__":
    write_starter(Path(sys.argv[1]))
