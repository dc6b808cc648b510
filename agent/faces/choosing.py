"""From what people type to what is meant: a company by id or name, a licence by any of its names."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence

from agent.domain.findings import Code
from agent.domain.mappings import CompanyMapping, Mappings
from agent.errors import TrueupError
from agent.sku_table import shipped


class NotOne(TrueupError):
    """A word names nothing, or several things."""


def companies(mappings: Mappings, words: Sequence[str]) -> list[int]:
    """The ids that the words name, each once; all of them where there are no words."""
    chosen = [company(mappings, word) for word in words] if words else mappings.companies
    return list(dict.fromkeys(chosen))


def company(mappings: Mappings, word: str) -> int:
    """By id, by whole name, or by a part of the name that no other company has. Raises `NotOne`."""
    known = mappings.companies
    if word.isascii() and word.isdigit() and int(word) in known:
        return int(word)
    folded = word.casefold().strip()
    same = [c for c in known.values() if c.name.casefold() == folded]
    found = same or [c for c in known.values() if folded and folded in c.name.casefold()]
    if len(found) == 1:
        return found[0].company
    if found:
        raise NotOne(f'"{word}" may be {_listed(found)}', "Write more of the name, or the id")
    raise NotOne(f'No mapping file is about a company "{word}"', _remedy(word, known.values()))


def _listed(found: Sequence[CompanyMapping], limit: int = 5) -> str:
    names = [f"{c.name} ({c.company})" for c in found[:limit]]
    return " or ".join(names) + (f" or {len(found) - limit} others" if len(found) > limit else "")


def _remedy(word: str, known: Iterable[CompanyMapping]) -> str:
    close = difflib.get_close_matches(word, [c.name for c in known], 1, 0.5)
    return f'Did you mean "{close[0]}"?' if close else "See which there are: trueup map check, trueup tenants"


def finding_code(word: str) -> Code:
    """Raises `NotOne` for a kind of mismatch that does not exist."""
    codes = [code.value for code in Code]
    if word not in codes:
        close = difflib.get_close_matches(word, codes, 1)
        remedy = f'Did you mean "{close[0]}"?' if close else f"Use one of {', '.join(codes)}"
        raise NotOne(f'There is no mismatch of the kind "{word}"', remedy)
    return Code(word)


def nothing(mapping: CompanyMapping, word: str) -> NotOne:
    """That the word names none of the company's licences, and which there are."""
    licences = sorted({shipped().name(sku) for row in mapping.rows for sku in row.skus})
    known = f"It has rows for {', '.join(licences)}" if licences else "It has no rows for licences"
    return NotOne(f'No row of {mapping.name} counts "{word}"', known)
