"""Names of licences: part number <-> GUID, from the table that the agent ships."""

from __future__ import annotations

import csv
import re
from collections import defaultdict
from functools import cache
from pathlib import Path

_TABLE = Path(__file__).parents[2] / "data" / "m365-skus.csv"
_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def is_guid(text: str) -> bool:
    return _GUID.fullmatch(text.lower()) is not None


def sku_id(licence: str) -> str:
    """The GUID (lower case) of a part number or GUID; LookupError where the table knows none or several."""
    if is_guid(licence):
        return licence.lower()
    # MCOPSTN5 stands in the table under two GUIDs (Microsoft: reference 1), so a part number may not decide.
    known = _by_part_number().get(licence, ())
    if len(known) != 1:
        raise LookupError(f"the table holds {len(known)} licences {licence!r}: name it by its GUID")
    return known[0]


def part_number(sku: str) -> str | None:
    """None for a licence newer than the table."""
    return _by_sku().get(sku)


@cache
def _by_sku() -> dict[str, str]:
    with _TABLE.open(encoding="utf-8", newline="") as lines:
        return {row["sku_id"]: row["sku_part_number"] for row in csv.DictReader(lines)}


@cache
def _by_part_number() -> dict[str, tuple[str, ...]]:
    found: defaultdict[str, tuple[str, ...]] = defaultdict(tuple)
    for sku, part in _by_sku().items():
        found[part] += (sku,)
    return dict(found)
