"""Names of Microsoft's licences: from GUID to name, and from what an admin writes to GUIDs.

The shipped table is a copy of Microsoft's own list (agent/data/README.md says of when) and never complete: a licence
without a row keeps its part number, or its GUID, as its name, and is never dropped for that.
"""

from __future__ import annotations

import csv
import functools
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from importlib import resources

_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class SkuTable:
    """`rows`: (GUID, part number, name). `overrides`: the operator's own names by GUID, which win."""

    def __init__(self, rows: Iterable[tuple[str, str, str]], overrides: Mapping[str, str] | None = None) -> None:
        self._rows = {sku.lower(): (part_number, name) for sku, part_number, name in rows}
        self._overrides = {sku.lower(): name for sku, name in (overrides or {}).items()}
        self._spelled: dict[str, set[str]] = defaultdict(set)
        for sku, spellings in self._rows.items():
            for spelling in spellings:
                self._spelled[_folded(spelling)].add(sku)
        for sku, name in self._overrides.items():
            self._spelled[_folded(name)].add(sku)

    def __contains__(self, sku: str) -> bool:
        return sku.lower() in self._rows

    def __iter__(self) -> Iterator[tuple[str, str, str]]:
        """(GUID, part number, name) of every licence of the table, names overridden."""
        return ((sku, part, self._overrides.get(sku, name)) for sku, (part, name) in self._rows.items())

    def name(self, sku: str, part_number: str = "") -> str:
        """The operator's name, else the table's, else the part number, else the GUID."""
        key = sku.lower()
        if key in self._overrides:
            return self._overrides[key]
        return self._rows[key][1] if key in self._rows else part_number or key

    def part_number(self, sku: str) -> str | None:
        row = self._rows.get(sku.lower())
        return row[0] if row else None

    def find(self, text: str) -> tuple[str, ...]:
        """The GUIDs that `text` may mean: itself a GUID, a part number or a name, in any case.

        Several where the word is ambiguous (MCOPSTN5 belongs to two licences), none where nobody knows it.
        """
        word = _folded(text)
        return (word,) if _GUID.fullmatch(word) else tuple(sorted(self._spelled.get(word, ())))


def _folded(text: str) -> str:
    return " ".join(text.split()).casefold()


@functools.cache
def shipped() -> SkuTable:
    return SkuTable(_shipped_rows())


def with_names(overrides: Mapping[str, str]) -> SkuTable:
    """The shipped table with the operator's names laid over it."""
    return SkuTable(_shipped_rows(), overrides) if overrides else shipped()


@functools.cache
def free_skus() -> Mapping[str, str]:
    """GUID to reason: licences that nobody pays for per seat (free, trial, viral), to be proposed as exclusions."""
    return {sku: row["why"] for row in _read("m365-free-skus.csv") for sku in shipped().find(row["sku_part_number"])}


def _shipped_rows() -> Iterator[tuple[str, str, str]]:
    return ((row["sku_id"], row["sku_part_number"], row["display_name"]) for row in _read("m365-skus.csv"))


def _read(name: str) -> Iterator[dict[str, str]]:
    text = resources.files("agent").joinpath("data", name).read_text(encoding="utf-8")
    return csv.DictReader(text.splitlines())
