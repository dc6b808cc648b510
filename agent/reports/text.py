"""Text for terminals: columns that line up, lines that fit, numbers and times as people write them.

Colours are ANSI sequences; whoever prints takes them out where nobody would see them. Names come from other people's
directories, so every text that is not our own goes through `shown` first.
"""

from __future__ import annotations

import re
import textwrap
import unicodedata
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime

from agent.domain.descriptions import cleaned
from agent.domain.money import Money

_STYLES = {"bold": 1, "dim": 2, "red": 31, "green": 32, "yellow": 33, "cyan": 36}
_ANSI = re.compile(r"\x1b\[[0-9;]*m")


def shown(text: str) -> str:
    """Somebody else's text on one line, without what would steer a terminal."""
    return cleaned(text)


def paint(text: str, style: str) -> str:
    return f"\x1b[{_STYLES[style]}m{text}\x1b[0m" if text else text


def bare(text: str) -> str:
    """Without colours."""
    return _ANSI.sub("", text)


def cells(text: str) -> int:
    """Columns of a terminal that the text takes: two for an ideograph, none for a combining accent."""
    wide = (unicodedata.east_asian_width(c) in "WF" for c in bare(text) if not unicodedata.combining(c))
    return sum(2 if w else 1 for w in wide)


def padded(text: str, width: int, right: bool = False) -> str:
    gap = " " * max(0, width - cells(text))
    return gap + text if right else text + gap


def cut(text: str, width: int) -> str:
    """At most so many columns, with an ellipsis where something is missing. For text without colours."""
    if cells(text) <= width:
        return text
    while text and cells(text) > width - 1:
        text = text[:-1]
    return f"{text}…"


def columns(rows: Sequence[Sequence[str]], right: Collection[int] = (), indent: str = "") -> list[str]:
    """Rows as lines with aligned columns, two spaces apart; those in `right` are flush right."""
    widths = [max(map(cells, column)) for column in zip(*rows, strict=True)]
    last = len(widths) - 1
    lines = []
    for row in rows:
        parts = [
            text if place == last and place not in right else padded(text, widths[place], place in right)
            for place, text in enumerate(row)
        ]
        lines.append(f"{indent}{'  '.join(parts)}".rstrip())
    return lines


def wrapped(text: str, width: int, first: str = "", rest: str | None = None) -> list[str]:
    """Lines of at most `width` columns; `first` and `rest` stand before the first line and before the others.

    `rest` is blank of the same length where it is not given. A word longer than a line is cut, as a request may be.
    """
    following = " " * cells(first) if rest is None else rest
    room = max(20, width - cells(following))
    lines = textwrap.wrap(text, room, break_on_hyphens=False) or [""]
    return [f"{following if number else first}{line}" for number, line in enumerate(lines)]


def counted(number: int, noun: str) -> str:
    """`1 change`, `2 changes`, `1,200 companies`."""
    if number == 1:
        return f"1 {noun}"
    many = f"{noun[:-1]}ies" if noun.endswith("y") and noun[-2] not in "aeiou" else f"{noun}s"
    return f"{number:,} {many}"


def signed(money: Money | None) -> str:
    """A monthly difference: `+44.00 USD`, `-45.00 USD`, `±0`; `?` where a price is not known."""
    if money is None:
        return "?"
    if not money:
        return "±0"
    return f"+{money}" if money.amount > 0 else str(money)


def moment(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M}"


def duration(seconds: int) -> str:
    """The largest unit that says it: `8 s`, `12 min`, `3 h`, `2 days`."""
    for size, unit in ((172_800, "days"), (7_200, "h"), (120, "min")):
        if seconds >= size:
            return f"{seconds // {'days': 86_400, 'h': 3_600, 'min': 60}[unit]} {unit}"
    return f"{seconds} s"


def ago(at: datetime, now: datetime) -> str:
    seconds = int((now - at).total_seconds())
    return "just now" if seconds < 5 else f"{duration(seconds)} ago"


def sentence(*parts: Iterable[str] | str) -> str:
    """The parts that say something, with commas between them."""
    return ", ".join(part for part in _flat(parts) if part)


def _flat(parts: Iterable[Iterable[str] | str]) -> Iterator[str]:
    for part in parts:
        if isinstance(part, str):
            yield part
        else:
            yield from part
