"""Licence names joined by `+` in one cell, as Microsoft's admin center exports them for each user."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

_NOBODY = frozenset({"", "unlicensed"})


def licence_names(cell: str, known: Callable[[str], bool]) -> tuple[str, ...]:
    """The names in a cell such as `Microsoft 365 E3+Visio Plan 2`; none for `Unlicensed`.

    A plus may belong to a name (Enterprise Mobility + Security E3): the longest run of pieces that `known` accepts is
    one name. Where nothing is known, a plus between spaces is taken for a part of a name, as joining ones have none.
    """
    if cell.strip().casefold() in _NOBODY:
        return ()
    pieces = re.split(r"(\s*\+\s*)", cell.strip())
    return tuple(name for name in _names(pieces[::2], pieces[1::2], known) if name)


def _names(pieces: list[str], pluses: list[str], known: Callable[[str], bool]) -> Iterator[str]:
    start = 0
    while start < len(pieces):
        # From the longest on: "Enterprise Mobility" alone is a name too, and would leave "Security E3" behind.
        end = next((end for end in range(len(pieces), start, -1) if known(" + ".join(pieces[start:end]))), None)
        if end is None:
            end = start + 1
            while end < len(pieces) and pluses[end - 1] != "+":
                end += 1
        yield " + ".join(pieces[start:end])
        start = end
