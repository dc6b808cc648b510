"""Invoice text: the same people and numbers always give the same text, whatever characters their names bring."""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Sequence
from functools import partial
from typing import Protocol

from agent.domain.mappings import Usernames

_BREAKS = re.compile(r"\s*[\r\n\u2028\u2029\v\f\x85]+\s*")
_SPACES = re.compile(r"\s+")
# Unicode calls them letters or marks, and nobody sees them: fillers, joiners and variation selectors.
_UNSEEN = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)
# What means something in our text (a name between names, "Unassigned: 2") or in HTML must not come from a name.
_MEANT = re.compile(r"[,;:<>|]+")
_STARTS = "=+-@"  # what a spreadsheet takes for the beginning of a formula
_STACKED = 4  # combining marks on one letter that a script may need; more only cover the neighbouring lines


def cleaned(text: str) -> str:
    """NFC, line breaks as ", ", without control, zero-width, bidirectional and unassigned characters."""
    # Each cycle cleans thousands of texts, and nearly all are clean already. A few looks at the whole tell:
    # printable leaves the space as the only blank, and nothing to remove but what Unicode takes for a letter or mark.
    clean = text.isprintable() and "  " not in text and text == text.strip()
    if clean and (text.isascii() or _plain(text)):
        return text
    flat = _UNSEEN.sub("", _BREAKS.sub(", ", text.strip()))
    kept = "".join(c for c in flat if c == "\t" or unicodedata.category(c)[0] != "C")
    return _SPACES.sub(" ", unicodedata.normalize("NFC", _unstacked(unicodedata.normalize("NFC", kept)))).strip()


def _plain(text: str) -> bool:
    unseen = _UNSEEN.search(text) is not None or any(map(unicodedata.combining, text))
    return not unseen and unicodedata.is_normalized("NFC", text)


def _unstacked(text: str) -> str:
    """With at most so many combining marks on a letter."""
    found: list[str] = []
    stacked = 0
    for character in text:
        stacked = stacked + 1 if unicodedata.category(character) in ("Mn", "Me") else 0
        if stacked <= _STACKED:
            found.append(character)
    return "".join(found)


def named(text: str) -> str:
    """A name or login that can stand in a list: without what separates names, marks up text or begins a formula."""
    return _SPACES.sub(" ", _MEANT.sub(" ", cleaned(text))).strip().lstrip(f"{_STARTS} ")


class Named(Protocol):
    """Anybody with a login and a name, either of which may be empty."""

    @property
    def login(self) -> str: ...
    @property
    def name(self) -> str: ...


def shown(member: Named, how: Usernames) -> str:
    """How a person appears on the invoice; a missing name falls back to the login, initials never show a login."""
    login, name = named(member.login), named(member.name)
    if how is Usernames.UPN:
        return login or "?"
    if how is Usernames.NAME:
        return name or login or "?"
    words = (name or login.split("@")[0].replace(".", " ")).split()
    letters = (next((c for c in word if c.isalnum()), "") for word in words)
    return "".join(f"{letter.upper()}." for letter in letters if letter) or "?"


def invoice_text(text: str, names: Sequence[str], unassigned: int | None, limit: int) -> str:
    """`Text: a, b, + 37 more; Unassigned: 2`, cut at a whole name so that it fits the PSA's limit.

    `names` as `shown` gives them, in any order. `limit` counts UTF-16 units, as .NET and SQL Server do: there an emoji
    is two.
    """
    head, tail = cleaned(text), "" if unassigned is None else f"Unassigned: {unassigned}"
    ordered = sorted((n for n in names if n), key=lambda n: (n.casefold(), n))
    whole = _joined(head, ordered, 0, tail)
    if units(whole) <= limit:
        return whole
    lengths = partial(_length, head, ordered, tail)
    kept = bisect_right(range(len(ordered)), limit, key=lengths) - 1
    if kept < 0:
        return _cut(head, limit)
    return _joined(head, ordered[:kept], len(ordered) - kept, tail)


def units(text: str) -> int:
    """Length in UTF-16 units, never less than that in characters."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le")) // 2


def _cut(text: str, limit: int) -> str:
    """As much of the text as fits, ending at a whole letter with its accents."""
    while units(text) > limit:
        over = max(1, (units(text) - limit) // 2)
        while over < len(text) and unicodedata.combining(text[-over]):
            over += 1
        text = text[:-over]
    return text.rstrip()


def _length(head: str, names: Sequence[str], tail: str, kept: int) -> int:
    return units(_joined(head, names[:kept], len(names) - kept, tail))


def _joined(head: str, names: Sequence[str], more: int, tail: str) -> str:
    listed = [*names, *([f"+ {more} more"] if more else [])]
    front = f"{head}: {', '.join(listed)}" if head and listed else head or ", ".join(listed)
    return "; ".join(part for part in (front, tail) if part)
