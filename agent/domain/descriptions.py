"""Invoice text: the same people and numbers always give the same text, whatever characters their names bring."""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Sequence
from functools import partial

from agent.domain.counts import Member
from agent.domain.mappings import Usernames

_BREAKS = re.compile(r"\s*[\r\n\u2028\u2029\v\f\x85]+\s*")
_SPACES = re.compile(r"\s+")


def cleaned(text: str) -> str:
    """NFC, line breaks as ", ", without control, zero-width, bidirectional and unassigned characters."""
    # Each cycle cleans thousands of texts, and nearly all are clean already. Four looks at the whole tell:
    # printable leaves the space as the only blank, and nothing to remove.
    clean = text.isprintable() and "  " not in text and text == text.strip()
    if clean and unicodedata.is_normalized("NFC", text):
        return text
    flat = _BREAKS.sub(", ", text.strip())
    kept = "".join(c for c in flat if c == "\t" or unicodedata.category(c)[0] != "C")
    return _SPACES.sub(" ", unicodedata.normalize("NFC", kept)).strip()


def shown(member: Member, how: Usernames) -> str:
    """How a person appears on the invoice; a missing name falls back to the login, initials never show a login."""
    login, name = cleaned(member.login), cleaned(member.name)
    if how is Usernames.UPN:
        return login
    if how is Usernames.NAME:
        return name or login
    words = (name or login.split("@")[0].replace(".", " ")).split()
    return "".join(f"{word[0].upper()}." for word in words)


def invoice_text(text: str, names: Sequence[str], unassigned: int | None, limit: int) -> str:
    """`Text: a, b, + 37 more; Unassigned: 2`, cut at a whole name so that it fits the PSA's limit."""
    head, tail = cleaned(text), "" if unassigned is None else f"Unassigned: {unassigned}"
    ordered = sorted((n for n in names if n), key=lambda n: (n.casefold(), n))
    whole = _joined(head, ordered, 0, tail)
    if len(whole) <= limit:
        return whole
    lengths = partial(_length, head, ordered, tail)
    kept = bisect_right(range(len(ordered)), limit, key=lengths) - 1
    if kept < 0:
        return head[:limit].rstrip()
    return _joined(head, ordered[:kept], len(ordered) - kept, tail)


def _length(head: str, names: Sequence[str], tail: str, kept: int) -> int:
    return len(_joined(head, names[:kept], len(names) - kept, tail))


def _joined(head: str, names: Sequence[str], more: int, tail: str) -> str:
    listed = [*names, *([f"+ {more} more"] if more else [])]
    front = f"{head}: {', '.join(listed)}" if head and listed else head or ", ".join(listed)
    return "; ".join(part for part in (front, tail) if part)
