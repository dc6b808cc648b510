"""Which header means which column: headers differ by program, version and language, and people rename them."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

_LIKE = 85  # out of 100: from here on a header is worth proposing to a person, never more


class Kind(StrEnum):
    TEXT = "text"
    NUMBER = "number"
    DAY = "day"


@dataclass(frozen=True, slots=True)
class Column:
    """What is looked for. `aliases` are the headers that mean it for sure, the best first.

    A `required` column must be there; a `filled` one must have a value in every row. `example` is for sentences.
    """

    name: str
    aliases: tuple[str, ...]
    kind: Kind = Kind.TEXT
    required: bool = False
    filled: bool = False
    example: str = ""


@dataclass(frozen=True, slots=True)
class Found:
    """`places` has the position of each column that is surely there, `twice` the headers of which there are two."""

    places: Mapping[str, int]
    twice: tuple[str, ...]


def folded(header: str) -> str:
    """Letters and digits alone: `Term_And_Billing Cycle` and `TermAndBillingcycle` are one header."""
    plain = unicodedata.normalize("NFKD", header.casefold())
    return "".join(c for c in plain if c.isalnum())


def recognised(headers: Sequence[str], columns: Sequence[Column], chosen: Mapping[str, str]) -> Found:
    """`chosen` names headers that a person chose, by column; they win."""
    spelled: dict[str, list[int]] = {}
    for place, header in enumerate(headers):
        spelled.setdefault(folded(header), []).append(place)
    # By column and then by alias, not by the file's order: Partner Center's Quantity stands before its better twin.
    places: dict[str, int] = {}
    twice: list[str] = []
    for column in columns:
        wanted = (chosen[column.name],) if column.name in chosen else column.aliases
        match = next((spelled[folded(alias)] for alias in wanted if folded(alias) in spelled), None)
        if match is not None:
            places[column.name] = match[0]
            twice += [headers[match[0]]] if len(match) > 1 else []
    return Found(places, tuple(twice))


def likely(column: Column, headers: Sequence[str]) -> tuple[str, ...]:
    """Headers that may mean the column, the likeliest first: `Billed Quantity` contains a quantity."""
    from rapidfuzz import fuzz, process  # only where somebody has to be asked anyway

    long = [header for header in headers if len(folded(header)) > 2]  # any two letters are a part of some word
    scores: dict[str, int] = {}
    for alias in column.aliases:
        found = process.extract(alias, long, scorer=fuzz.partial_ratio, processor=folded, score_cutoff=_LIKE)
        for header, score, _ in found:
            # Several aliases may lie in one header; the best of them says how likely it is.
            scores[header] = max(scores.get(header, 0), int(score))
    return tuple(sorted(scores, key=lambda header: (-scores[header], header))[:5])
