"""Text for terminals: columns that line up, lines that fit, numbers and times as people write them.

Colours are ANSI sequences; whoever prints takes them out where nobody would see them. Names come from other people's
directories, so every text that is not our own goes through `shown` first.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, tzinfo

from agent.domain.descriptions import cleaned
from agent.domain.money import Money


@dataclass(frozen=True, slots=True)
class View:
    """For whom a report is: how many columns, which time zone, what time it is, how companies are called."""

    width: int
    zone: tzinfo
    now: datetime
    companies: Mapping[int, str] = field(default_factory=dict)

    def company(self, company: int | None) -> str:
        """`Contoso Ltd (250)`; the number alone where no mapping file names the company (any more)."""
        if company is None:
            return "All companies"
        name = self.companies.get(company)
        return f"{shown(name)} ({company})" if name else f"Company {company}"

    def at(self, moment: datetime) -> str:
        return f"{moment.astimezone(self.zone):%Y-%m-%d %H:%M}"

    def ago(self, moment: datetime) -> str:
        seconds = int((self.now - moment).total_seconds())
        return "just now" if seconds < 5 else f"{duration(seconds)} ago"


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

    `rest` is blank of the same length where it is not given. A word longer than a line is broken, as a request may be.
    """
    following = " " * cells(first) if rest is None else rest
    lines, line, before = [], "", first
    for word in _words(text, max(20, width - max(cells(first), cells(following)))):
        if line and cells(before) + cells(line) + 1 + cells(word) > width:
            lines.append(before + line)
            line, before = word, following
        else:
            line = f"{line} {word}" if line else word
    return [*lines, before + line]


def _words(text: str, room: int) -> Iterator[str]:
    for word in text.split():
        # An address is there to be copied.
        yield from [word] if "://" in word else _pieces(word, room)


def _pieces(word: str, room: int) -> Iterator[str]:
    """The word in pieces that fit; character by character, because a hostile name has forty thousand of them."""
    start = width = 0
    for place, character in enumerate(word):
        wide = cells(character)
        if width + wide > room and place > start:
            yield word[start:place]
            start, width = place, 0
        width += wide
    yield word[start:]


def ended(text: str) -> str:
    """With the point that a sentence ends in, unless it ends already."""
    return text if text.endswith((".", "?", "!", "…")) else f"{text}."


def counted(number: int, noun: str) -> str:
    """`1 change`, `2 changes`, `1,200 companies`."""
    if number == 1:
        return f"1 {noun}"
    consonant_y = noun.endswith("y") and noun[-2:-1] not in "aeou"
    stem, ending = (noun[:-1], "ies") if consonant_y else (noun, "es" if noun.endswith("ch") else "s")
    return f"{number:,} {stem}{ending}"


def signed(money: Money | None) -> str:
    """A monthly difference: `+44.00 USD`, `-45.00 USD`, `±0`; `?` where a price is not known."""
    if money is None:
        return "?"
    if not money:
        return "±0"
    return f"+{money}" if money.amount > 0 else str(money)


_UNITS = ((86_400, "days"), (3_600, "h"), (60, "min"))


def duration(seconds: int) -> str:
    """In the largest unit of which there are two: `8 s`, `12 min`, `36 h`, `3 days`."""
    for size, unit in _UNITS:
        if seconds >= 2 * size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"
