"""Changes to mapping files that leave every other byte alone, or are not made.

A `Draft` holds a file as it was read and takes changes; `save` writes it in one step, unless somebody else changed
the file meanwhile. tomlkit is shown only the one table that changes: over a whole file it would gather the [[row]]
tables that stand between other tables, and move their comments.
"""

from __future__ import annotations

import contextlib
import copy
import os
import re
import tempfile
import tomllib
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import tomlkit
from pydantic import ValidationError
from tomlkit.exceptions import TOMLKitError
from tomlkit.items import InlineTable, Item

from agent.errors import TrueupError
from agent.mapping_files.files import COMPANIES, EXCLUSIONS, PROFILES
from agent.mapping_files.schema import FILES
from agent.toml_places import Document, FileRefused, decode, dotted, read_regular_file
from agent.toml_problems import problems_of
from agent.toml_scanner import BARE_KEY, Steps

Value = str | int | bool | date | Sequence[str] | Sequence[int] | Mapping[str, "Value"]

_KINDS = {PROFILES: "profiles", EXCLUSIONS: "exclusions"}
_LINE = re.compile(r"[^\n]*\n|[^\n]+")  # str.splitlines would also split at U+2028 within a text


class EditRefused(TrueupError):
    """The file was left as it is."""


class Draft:
    """One file on its way to a new text; `original` is None for a file that is to be made."""

    def __init__(self, path: Path, original: bytes | None, start: str = "") -> None:
        self.path, self.original = path, original
        text = start if original is None else original.decode("utf-8")
        self.mark = "\ufeff" if text.startswith("\ufeff") else ""
        self.text = text.removeprefix(self.mark)
        self.newline = "\r\n" if "\r\n" in self.text[: self.text.find("\n") + 1] else "\n"

    @staticmethod
    def start(schema: str, fields: Mapping[str, Value], comments: Sequence[str]) -> str:
        """The top of a new company file, with the line by which editors find its schema."""
        return "\n".join([f"#:schema ../schema/{schema}.json", *map(comment, comments), *_pairs(fields), ""])

    @property
    def content(self) -> bytes:
        return (self.mark + self.text).encode("utf-8")

    @classmethod
    def of(cls, path: Path) -> Draft:
        """A file that is there; FileRefused where it cannot be read or is no TOML."""
        content = read_regular_file(path)
        decode(content, str(path))
        return cls(path, content)

    def append(self, name: str, fields: Mapping[str, Value], comments: Sequence[str] = ()) -> None:
        """A further [[name]] at the end of the file."""
        self._append(f"[[{name}]]", fields, comments, lambda data: data.setdefault(name, []).append(_plain(fields)))

    def add_table(self, name: str, fields: Mapping[str, Value], comments: Sequence[str] = ()) -> None:
        """A new [name] at the end of the file: a profile, say."""
        if name in self._document().data:
            raise EditRefused(f"{self.path} has [{name}] already", "Choose another name")
        self._append(f"[{_key(name)}]", fields, comments, lambda data: data.update({name: _plain(fields)}))

    def set(self, steps: Steps, value: Value) -> None:
        """Give the key at these steps a value: `("mode",)`, `("row", 2, "included")`, `("guards", "new-lines")`."""
        document = self._document()
        *parents, key = steps
        if len(parents) == 1 and parents[0] not in document.data:
            self.add_table(str(parents[0]), {str(key): value})
            return
        try:
            text = _with_key(self.text, document, tuple(parents), str(key), value, self.newline)
        except (LookupError, TypeError, TOMLKitError):
            raise EditRefused(f"{self.path} has nothing at {dotted(tuple(parents))}", "Add it by hand") from None
        self._take(text, lambda data: _at(data, parents).update({key: _plain(value)}))

    def save(self) -> None:
        """Write the new text; EditRefused where the result would not be valid or the file is not as it was read."""
        if self.content == self.original:
            return
        self._check()
        if self._present() != self.original:
            raise EditRefused(f"{self.path} was changed by somebody else meanwhile", "Look at it and try again")
        _replace(self.path, self.content, new=self.original is None)

    def _append(
        self, header: str, fields: Mapping[str, Value], comments: Sequence[str], change: Callable[[dict[str, Any]], Any]
    ) -> None:
        lines = [*map(comment, comments), header, *_pairs(fields)]
        # A file that ends in the middle of a line would swallow the header.
        gap = "" if not self.text else self.newline if self.text.endswith("\n") else self.newline * 2
        self._take(self.text + gap + self.newline.join(lines) + self.newline, change)

    def _take(self, text: str, change: Callable[[dict[str, Any]], Any]) -> None:
        """Keep the new text only if it means exactly the old one and the change."""
        expected = copy.deepcopy(self._document().data)
        change(expected)
        try:
            same = tomllib.loads(text.replace("\r\n", "\n")) == expected
        except tomllib.TOMLDecodeError:
            same = False
        if not same:
            raise EditRefused(f"{self.path} is written in a way that Trueup cannot change", "Change it by hand")
        self.text = text

    def _check(self) -> None:
        model, document = FILES[kind(self.path)], self._document()
        try:
            model.model_validate(document.data)
        except ValidationError as error:
            problem = problems_of(error, document, model)[0]
            raise EditRefused(f"{self.path} would not be valid: {problem.key} {problem.what}", problem.remedy) from None

    def _document(self) -> Document:
        return decode(self.text.encode("utf-8"), str(self.path))

    def _present(self) -> bytes | None:
        if not os.path.lexists(self.path):
            return None
        try:
            return read_regular_file(self.path)
        except FileRefused as error:
            raise EditRefused(str(error), error.remedy) from None


def kind(path: Path) -> str:
    """Which schema of `FILES` a file follows."""
    return "company" if path.parent.name == COMPANIES else _KINDS[path.name]


def comment(text: str) -> str:
    """One comment line. Names come from other people's tenants: a line break in one must not begin a key."""
    shown = "".join(" " if unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp") else c for c in text)
    return f"# {shown}".rstrip()


def slug(name: str) -> str:
    """A name as file names and bare keys take it: `contoso-ltd`; empty where nothing of it is left."""
    letters = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub("[^a-z0-9]+", "-", letters)[:60].strip("-")


def _pairs(fields: Mapping[str, Value]) -> list[str]:
    width = max(map(len, fields), default=0)
    return [f"{_key(key):<{width}} = {_written(value)}" for key, value in fields.items()]


def _with_key(text: str, document: Document, table: Steps, key: str, value: Value, newline: str) -> str:
    lines = _LINE.findall(text)
    header, start, end = _segment(document, table, len(lines))
    while end > start and _is_blank(lines[end - 1]):
        end -= 1  # blank and comment lines at the end belong to what follows
    if table == header and key not in _at(document.data, table):
        if end and not lines[end - 1].endswith("\n"):
            lines[end - 1] += newline
        lines.insert(end, f"{_key(key)} = {_written(value)}{newline}")
    else:
        parsed = tomlkit.parse("".join(lines[start:end]))
        alone = [0 if isinstance(step, int) else step for step in header]
        _at(parsed, [*alone, *table[len(header) :]])[key] = _item(value)
        lines[start:end] = [tomlkit.dumps(parsed)]
    return "".join(lines)


def _segment(document: Document, table: Steps, length: int) -> tuple[Steps, int, int]:
    """The innermost [header] that holds the table, with its lines: from the header (or the top) to before the next."""
    places = document.places
    headers = {
        places.at(offset).line - 1: steps
        for steps, offset in places.keys.items()
        # Only a header stands where its own value stands; so do the elements of a [list], which has a value itself.
        if places.values.get(steps) == offset and (isinstance(steps[-1], str) or steps[:-1] not in places.values)
    }
    header = max((steps for steps in headers.values() if steps == table[: len(steps)]), key=len, default=())
    starts = sorted(headers)
    start = next((line for line in starts if headers[line] == header), 0)
    end = next((line for line in starts if line > start or not header), length)
    return header, start, end


def _is_blank(line: str) -> bool:
    return not line.strip() or line.lstrip().startswith("#")


def _at(data: Any, steps: Sequence[str | int]) -> Any:
    for step in steps:
        data = data[step]
    return data


def _key(name: str) -> str:
    return name if BARE_KEY.fullmatch(name) else tomlkit.item(name).as_string()


def _item(value: Value) -> Item:
    if not isinstance(value, Mapping):
        return tomlkit.item(list(value) if isinstance(value, (list, tuple)) else value)
    table: InlineTable = tomlkit.inline_table()
    for key, inner in value.items():
        table.append(key, _item(inner))
    return table


def _written(value: Value) -> str:
    if isinstance(value, Mapping):
        return f"{{ {', '.join(f'{_key(key)} = {_written(inner)}' for key, inner in value.items())} }}"
    return _item(value).as_string()


def _plain(value: Any) -> Any:
    """As tomllib would read it."""
    if isinstance(value, Mapping):
        return {key: _plain(inner) for key, inner in value.items()}
    return [_plain(inner) for inner in value] if isinstance(value, (list, tuple)) else value


def _replace(path: Path, content: bytes, new: bool) -> None:
    """All of the new file or all of the old one, also after a crash; mode and owner stay."""
    try:
        like = path.parent.stat() if new else path.stat()
        descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        try:
            with open(descriptor, "wb") as stream:
                stream.write(content)
                with contextlib.suppress(PermissionError):  # only root may give files away
                    os.fchown(descriptor, like.st_uid, like.st_gid)
                os.fchmod(descriptor, 0o644 if new else like.st_mode & 0o777)
                stream.flush()
                os.fsync(descriptor)
            # A link, unlike a rename, refuses where a file has appeared.
            (os.link if new else os.replace)(temporary, path)
        finally:
            Path(temporary).unlink(missing_ok=True)
        _sync_folder(path.parent)
    except FileExistsError:
        raise EditRefused(f"{path} has appeared meanwhile", "Look at it and try again") from None
    except OSError as error:
        raise EditRefused(
            f"{path} could not be written ({error.strerror})", "Run as a user who may write there"
        ) from None


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
