"""TOML files that people edit: read safely, parsed with places, every problem told with line and remedy.

`read_toml` gives the document, or FileRefused with the one problem that stops it. What is wrong with its values is
toml_problems.py's: this part does without pydantic, for which `trueup status` has no time.
"""

from __future__ import annotations

import json
import os
import re
import stat
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from agent.errors import TrueupError
from agent.toml_scanner import BARE_KEY, Place, Places, Steps, TooMuch, scan

SIZE_LIMIT = 1024 * 1024  # bytes of one file

_SAVE_AS_UTF_8 = "Save it as UTF-8 (not as UTF-16, which some editors call Unicode)"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing to correct in a file. `what` goes on from the key ("is missing"); `remedy` is a sentence.

    Lines and columns count from 1; `line` is None where the file as a whole is at fault. Neither sentence may
    repeat a value of the file: it may be a secret in the wrong place.
    """

    file: str
    line: int | None
    key: str
    what: str
    remedy: str
    column: int | None = None

    def __str__(self) -> str:
        place = ":".join(str(part) for part in (self.file, self.line, self.column) if part is not None)
        sentences = " ".join(_ended(text) for text in (self.what, self.remedy) if text)
        return ": ".join(part for part in (place, self.key, sentences) if part)


class FileRefused(TrueupError):
    """A file that cannot be used at all: unreadable, not TOML, or too big."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(str(problem))  # whose last sentence is the remedy
        self.problem = problem


@dataclass(frozen=True, slots=True)
class Document:
    """A parsed file. `data` is what tomllib made of it; `places` is where each part of it stands."""

    file: str
    data: dict[str, Any]
    places: Places

    def key_place(self, steps: Steps) -> Place:
        """Of a list element, which has no key, the value's place; of what is absent, the nearest table's."""
        return self._nearest(steps, self.places.keys)

    def value_place(self, steps: Steps) -> Place:
        return self._nearest(steps, self.places.values)

    def problem(self, steps: Steps, what: str, remedy: str) -> Problem:
        return Problem(self.file, self.key_place(steps).line, dotted(steps), what, remedy)

    def reached(self, steps: Steps) -> Steps:
        """Those steps that lead to something in this file: pydantic adds the names of union members, say."""
        found: Steps = ()
        node: Any = self.data
        for step in steps:
            inside = isinstance(node, dict) and step in node
            if inside or (isinstance(node, list) and isinstance(step, int) and step < len(node)):
                node = node[step]
                found = (*found, step)
        return found

    def _nearest(self, steps: Steps, offsets: Mapping[Steps, int]) -> Place:
        while steps and steps not in offsets:
            steps = steps[:-1]
        return self.places.at(offsets[steps] if steps else 0)


def dotted(steps: Steps) -> str:
    """`psa.connectwise.url`, `row[2].profile`: positions in a list count from 1, as people do."""
    text = ""
    for step in steps:
        if isinstance(step, int):
            text += f"[{step + 1}]"
        else:
            name = step if BARE_KEY.fullmatch(step) else json.dumps(step, ensure_ascii=False)
            text += f".{name}" if text else name
    return text


def read_regular_file(path: Path, limit: int = SIZE_LIMIT, private: bool = False) -> bytes:
    """A regular file of at most `limit` bytes; anything else is FileRefused at once, and never waited for.

    `private`: nobody but its owner may read it, and the owner is this user or root.
    """
    # O_NONBLOCK: opening a FIFO would otherwise wait for its writer, perhaps for ever.
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY
    try:
        descriptor = os.open(path, flags)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        _refuse(path, *_unopened(path, error))
    try:
        status = os.fstat(descriptor)
        _check_status(path, status, private)
        with open(descriptor, "rb", closefd=False) as stream:
            content = stream.read(limit + 1) if status.st_size <= limit else None
    finally:
        os.close(descriptor)
    # Files under /proc claim a size of zero and any file may grow: what was read is measured again.
    if content is None or len(content) > limit:
        _refuse(path, f"is larger than {limit} bytes", "Split it, or check that it is the right file")
    return content


def _unopened(path: Path, error: OSError | ValueError) -> tuple[str, str]:
    if isinstance(error, FileNotFoundError):
        return "does not exist", "Check the name"
    if isinstance(error, PermissionError):
        return "may not be read by this user", f"Let the user that runs Trueup read it; see: ls -l {path}"
    if isinstance(error, OSError) and path.is_symlink():
        return "is a symbolic link", "Name the file itself"
    return f"cannot be opened ({error})", "Check the name"


def _check_status(path: Path, status: os.stat_result, private: bool) -> None:
    if not stat.S_ISREG(status.st_mode):
        _refuse(path, "is not a regular file", "Put a plain file there")
    if private and status.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        _refuse(path, f"is open to others (mode {stat.S_IMODE(status.st_mode):04o})", f"Run: chmod 600 {path}")
    if private and status.st_uid not in (0, os.geteuid()):
        _refuse(path, "belongs to another user", f"Run: chown {os.geteuid()} {path}")
    # Whoever can change a mapping file decides what is billed.
    if status.st_mode & stat.S_IWOTH:
        _refuse(path, "can be changed by every user of this machine", f"Run: chmod o-w {path}")


def _refuse(path: Path, what: str, remedy: str) -> NoReturn:
    raise FileRefused(Problem(str(path), None, "", what, remedy))


def read_toml(path: Path) -> Document:
    """The document in a file; FileRefused also for what is not UTF-8."""
    return decode(read_regular_file(path), str(path))


def decode(content: bytes, file: str) -> Document:
    """The document in the bytes of a file."""
    try:
        return parse(content.decode("utf-8"), file)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise FileRefused(Problem(file, line, "", "this is not UTF-8 text", _SAVE_AS_UTF_8)) from None


def parse(text: str, file: str) -> Document:
    """Meaning and places of a TOML text; FileRefused where it is not TOML, or beyond the scanner's limits."""
    # Windows editors put a byte order mark in front of UTF-8; it means nothing here.
    text = text.removeprefix("\ufeff").replace("\r\n", "\n")
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise FileRefused(Problem(file, line, "", "this is not plain text: it holds a NUL", _SAVE_AS_UTF_8))
    try:
        places = scan(text)
    except TooMuch as error:
        raise FileRefused(Problem(file, error.line, "", error.what, error.remedy)) from None
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise FileRefused(_syntax_problem(str(error), text, file, places)) from None
    return Document(file, data, places)


_SYNTAX_REMEDIES = {
    "Expected '='": 'Write a setting as: name = "value"',
    "Expected newline": "Keep each setting on its own line, and all of a text inside its quotes",
    "Illegal character '\\n'": "Close the quotes on the same line",
    "Illegal character": "Remove the invisible character",
    "Found invalid character": "Remove the invisible character",
    "Invalid statement": 'Write a setting as: name = "value", and a section as: [name]',
    "Invalid value": "Put text in double quotes; numbers, dates, true and false go without",
    "Unclosed array": "Put commas between the elements and ] behind the last",
    "Unclosed inline table": "Put commas between the pairs and } behind the last, on one line",
    "Unescaped": "Use single quotes for a text with backslashes",
}


def _syntax_problem(message: str, text: str, file: str, places: Places) -> Problem:
    """From tomllib's message, which ends in `(at line 3, column 8)` or `(at end of document)`."""
    if places.twice is not None and message.startswith(("Cannot", "Duplicate")):
        steps, first, second = places.twice
        what = f"is given twice, first on line {places.at(first).line}"
        return Problem(file, places.at(second).line, dotted(steps), what, "Keep one of the two")
    reason, _, where = message.partition(" (at ")
    numbers = [int(number) for number in re.findall(r"\d+", where)]
    line, column = numbers if len(numbers) == 2 else (text.rstrip().count("\n") + 1, None)
    remedies = (remedy for start, remedy in _SYNTAX_REMEDIES.items() if message.startswith(start))
    remedy = next(remedies, "Correct it; https://toml.io explains the format")
    if column is None:
        remedy = "Close the quote or bracket that is still open"
    return Problem(file, line, "", f"this is not TOML: {reason}", remedy, column)


def _ended(text: str) -> str:
    return text if text.endswith((".", "?", "!")) else f"{text}."
