"""Folders of mapping files for tests: a good base, and files laid over it."""

import shutil
from collections.abc import Mapping
from pathlib import Path

from agent.domain.mappings import Mode
from agent.mapping_files import MappingFiles
from agent.sku_table import shipped
from agent.sources.kinds import TRAITS

TENANT = "11111111-2222-3333-4444-555555555555"
SPB = "cbdc14ab-d96c-4c30-b9f4-6ada7cdc1d46"
E3 = "05e9a617-0261-4cee-bb44-138d3ef5d965"

PROFILES = """\
[business-premium]
product = "M365-BP-M"

[e3]
product = "M365-E3"
"""
EXCLUSIONS = """\
[[exclude]]
licence = "FLOW_FREE"
reason  = "free"
"""
HEAD = f"""\
company = 250
tenant  = "{TENANT}"
"""
ROW = """
[[row]]
licence   = "SPB"
profile   = "business-premium"
agreement = 1021
"""


def mapping_folder(folder: Path, files: Mapping[str, str], default: Mode = Mode.REPORT) -> MappingFiles:
    """The base with `files` (by name inside the folder) in place of or beside its own."""
    for name, text in {"profiles.toml": PROFILES, "exclusions.toml": EXCLUSIONS, **files}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8", newline="")
    (folder / "companies").mkdir(exist_ok=True)
    return MappingFiles(folder, default, shipped(), TRAITS)


def company_folder(folder: Path, text: str, default: Mode = Mode.REPORT) -> MappingFiles:
    return mapping_folder(folder, {"companies/contoso.toml": text}, default)


def overlaid(folder: Path, fixture: Path) -> MappingFiles:
    """The base and a fixture: one company's file, or a folder of files."""
    files = mapping_folder(folder, {})
    if fixture.is_dir():
        shutil.copytree(fixture, folder, dirs_exist_ok=True)
    else:
        shutil.copy(fixture, folder / "companies" / fixture.name)
    return files
