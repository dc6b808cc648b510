"""Workbooks whose XML is an attack on its reader: entities that grow, and entities that fetch."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest

from agent.sheets import SheetInvalid, read_sheets
from tests.mapping_files.hostile import MEBIBYTES, Peak
from tests.sheets.test_reading import SOUND

LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 12))
GROWS = f'<!DOCTYPE x [<!ENTITY l0 "ha">{LAUGHS}]>'
FETCHES = '<!DOCTYPE x [<!ENTITY l11 SYSTEM "file:///etc/passwd">]>'


def with_entities(doctype: str, part: str) -> bytes:
    """The sound workbook with a document type in one of its parts, and its last entity where a text was."""
    packed = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(SOUND)) as sound, zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as made:
        for name in sound.namelist():
            text = sound.read(name).decode()
            if name.endswith(part):
                head, _, rest = text.partition("?>") if text.startswith("<?xml") else ("", "", text)
                start = f"{head}?>" if head else ""
                text = f"{start}{doctype}{rest.replace('Company Name', '&l11;')}"
            made.writestr(name, text)
    return packed.getvalue()


@pytest.mark.parametrize("part", ["sheet1.xml", "sharedStrings.xml", "workbook.xml", "styles.xml"])
@pytest.mark.parametrize("doctype", [GROWS, FETCHES], ids=["grows", "fetches"])
def test_entities_neither_grow_nor_fetch(tmp_path: Path, doctype: str, part: str) -> None:
    """A few hundred bytes that mean a hundred gigabytes, or another file of the machine: nothing of it is told."""
    path, peak = tmp_path / "bill.xlsx", Peak()
    path.write_bytes(with_entities(doctype, part))
    try:
        told = repr(read_sheets(path))
    except SheetInvalid as error:
        told = str(error)

    assert "root:" not in told
    assert "haha" not in told
    assert peak.grown() < MEBIBYTES
