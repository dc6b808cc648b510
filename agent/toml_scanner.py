"""Where each key and value of a TOML text stands. tomllib knows what a text means, but forgets its places.

The scanner runs before tomllib and is its guard as well: tomllib takes hours over one very long dotted key
and overflows the stack on deep brackets, so both are refused here. Why a text is not TOML, tomllib may say.
"""

from __future__ import annotations

import re
import tomllib
from array import array
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from typing import NamedTuple, NoReturn

DEPTH_LIMIT = 16  # steps from the top of a text to a value
ENTRY_LIMIT = 20_000  # values of one text, tables and list elements included
KEY_LIMIT = 1_000  # characters; bringing a megabyte of combining accents into one form takes a minute
NUMBER_LIMIT = 1_000  # characters of a number or date
TEXT_LIMIT = 1024 * 1024  # characters

Steps = tuple[str | int, ...]
"""The way to a value: `("row", 1, "product")` is `product` of the second `[[row]]`; `()` is the whole."""

BARE_KEY = re.compile(r"[A-Za-z0-9_-]++")
_SPACE = re.compile(r"[ \t]*+")
_BLANK = re.compile(r"(?:[ \t\n]++|#[^\n]*+)*+")
_SCALAR = re.compile(r"[^,\]}#\n]++")
# All possessive, so that a megabyte of an unclosed string fails at once. Two quotes may touch
# the closing three: four or five in a row end a text.
_QUOTED = re.compile(r'"(?:[^"\\\n]++|\\[^\n])*+"' r"|'[^'\n]*+'")
_STRING = re.compile(
    r'"""(?:[^"\\]++|\\.|"(?!""))*+"{3,5}+' r"|'''(?:[^']++|'(?!''))*+'{3,5}+|" + _QUOTED.pattern, re.DOTALL
)


class Place(NamedTuple):
    """Both count from 1; the column counts characters."""

    line: int
    column: int


class TooMuch(Exception):
    """The text is beyond a limit of this module."""

    def __init__(self, line: int, what: str, remedy: str) -> None:
        super().__init__(what)
        self.line, self.what, self.remedy = line, what, remedy


@dataclass(slots=True)
class Places:
    """`keys` and `values` hold offsets into the text; `twice`, the first key given again: both places."""

    lines: array[int]
    keys: dict[Steps, int] = field(default_factory=dict)
    values: dict[Steps, int] = field(default_factory=dict)
    twice: tuple[Steps, int, int] | None = None

    def at(self, offset: int) -> Place:
        line = bisect_right(self.lines, offset)
        return Place(line, offset - self.lines[line - 1] + 1)


def scan(text: str) -> Places:
    """The places in a text with "\\n" line ends: all of them, or those up to where it stops being TOML."""
    if len(text) > TEXT_LIMIT:
        raise TooMuch(1, f"is longer than {TEXT_LIMIT} characters", "Split the file")
    scanner = _Scanner(text)
    scanner.scan()
    return scanner.places


class _Nonsense(Exception):
    """The text is not TOML from here on."""


class _Scanner:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        # Only "\n" ends a TOML line: str.splitlines would also split at U+2028 within a string. An array, because a
        # megabyte of line ends would be a hundred of Python's integers.
        self.places = Places(array("I", (0, *(end.end() for end in re.finditer("\n", text)))))
        self.lengths: dict[Steps, int] = {}

    def scan(self) -> None:
        table: Steps = ()
        try:
            while self.skip(_BLANK) < len(self.text):
                if self.take("[["):
                    table = self.header("]]")
                elif self.take("["):
                    table = self.header("]")
                else:
                    self.pair(table)
        except _Nonsense:
            return

    def header(self, closing: str) -> Steps:
        *parents, (name, offset) = self.key()
        steps: Steps = ()
        for parent, start in parents:
            steps = (*steps, parent)
            self.places.keys.setdefault(steps, start)
            if steps in self.lengths:  # below [[row]], [row.users] belongs to the last row
                steps = (*steps, self.lengths[steps] - 1)
        steps = (*steps, name)
        if closing == "]]":
            self.places.keys.setdefault(steps, offset)
            steps = (*steps, self.next_index(steps))
        self.note(steps, offset, offset)
        self.places.keys[steps] = offset  # its own header, even where an earlier [a.b] implied the table
        self.expect(closing)
        return steps

    def next_index(self, steps: Steps) -> int:
        index = self.lengths.get(steps, 0)
        self.lengths[steps] = index + 1
        return index

    def pair(self, table: Steps) -> None:
        steps, parts = table, self.key()
        for name, offset in parts:
            steps = (*steps, name)
            self.places.keys.setdefault(steps, offset)
        self.expect("=")
        self.skip(_SPACE)
        self.value(steps, parts[-1][1])

    def key(self) -> list[tuple[str, int]]:
        parts: list[tuple[str, int]] = []
        while not parts or self.take("."):
            start = self.skip(_SPACE)
            parts.append((self.key_part(), start))
            self.check_depth(len(parts))
            self.skip(_SPACE)
        return parts

    def key_part(self) -> str:
        quoted = self.text.startswith(('"', "'"), self.at)
        name = self.match(_QUOTED if quoted else BARE_KEY)
        if len(name) > KEY_LIMIT:
            self.refuse(f"has a key of more than {KEY_LIMIT} characters", "Write a shorter one")
        if not quoted:
            return name
        try:
            meant: str = tomllib.loads(f"key = {name}")["key"]
        except tomllib.TOMLDecodeError:
            raise _Nonsense from None
        return meant

    def value(self, steps: Steps, key: int) -> None:
        self.note(steps, self.at, key)
        if self.take("["):
            self.members("]", lambda index: self.element((*steps, index)))
        elif self.take("{"):
            self.members("}", lambda _: self.pair(steps))
        elif self.text.startswith(('"', "'"), self.at):
            self.match(_STRING)
        elif len(self.match(_SCALAR).rstrip()) > NUMBER_LIMIT:
            self.refuse(f"has a number of more than {NUMBER_LIMIT} characters", "Put text in quotes")

    def members(self, closing: str, read: Callable[[int], None]) -> None:
        for index in count():
            self.skip(_BLANK)
            if self.take(closing):
                return
            read(index)
            self.skip(_BLANK)
            if not self.take(","):
                self.expect(closing)
                return

    def element(self, steps: Steps) -> None:
        self.places.keys[steps] = self.at
        self.value(steps, self.at)

    def note(self, steps: Steps, offset: int, key: int) -> None:
        places = self.places
        self.check_depth(len(steps))
        if len(places.values) >= ENTRY_LIMIT:
            self.refuse(f"has more than {ENTRY_LIMIT} values", "Split the file")
        if steps in places.values and places.twice is None:
            places.twice = (steps, places.values[steps], key)
        places.values[steps] = offset

    def check_depth(self, depth: int) -> None:
        if depth > DEPTH_LIMIT:
            self.refuse(f"is nested more than {DEPTH_LIMIT} levels deep", "Write it flatter")

    def refuse(self, what: str, remedy: str) -> NoReturn:
        raise TooMuch(self.places.at(self.at).line, what, remedy)

    def skip(self, pattern: re.Pattern[str]) -> int:
        found = pattern.match(self.text, self.at)
        self.at = found.end() if found else self.at
        return self.at

    def match(self, pattern: re.Pattern[str]) -> str:
        found = pattern.match(self.text, self.at)
        if found is None:
            raise _Nonsense
        self.at = found.end()
        return found[0]

    def take(self, mark: str) -> bool:
        taken = self.text.startswith(mark, self.at)
        self.at += len(mark) if taken else 0
        return taken

    def expect(self, mark: str) -> None:
        if not self.take(mark):
            raise _Nonsense
