"""The OData query options of a collection: $select, $filter, $top, $count and $skiptoken."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import parse_qsl, quote

from agent.simulators.microsoft.problems import Refusal, malformed, unsupported

Values = Mapping[str, object]
Test = Callable[[Values], bool]

_WORD = r"\w+(?:/\w+)?"
_LITERAL = r"'(?:[^']|'')*'|true|false|null|[\w-]+"
_COUNT = re.compile(r"(\w+)/\$count (eq|ne) (\d+)")
_ANY = re.compile(rf"(\w+)/any\((\w+):\s?\2/(\w+) eq ({_LITERAL})\)")
_COMPARE = re.compile(rf"({_WORD}) (eq|ne) ({_LITERAL})")
_OUTSIDE_QUOTES = r"(?=(?:[^']*'[^']*')*[^']*$)"
_AND = re.compile(rf" and {_OUTSIDE_QUOTES}")


@dataclass(frozen=True)
class Clause:
    """`advanced`: Graph evaluates it on the eventual index only."""

    property: str
    advanced: bool
    holds: Test


@dataclass(frozen=True)
class Query:
    """`after` is the id of the last row of the page before; None on the first page."""

    select: tuple[str, ...] = ()
    clauses: tuple[Clause, ...] = ()
    top: int | None = None
    count: bool = False
    after: str | None = None
    options: frozenset[str] = frozenset()
    carried: str = ""  # the raw query without $skiptoken, which every next link repeats

    @property
    def advanced(self) -> Clause | None:
        return next((clause for clause in self.clauses if clause.advanced), None)


@lru_cache(maxsize=4096)
def parse(raw: str) -> Query:
    """The part of a target behind "?"; Refusal where Graph would not understand it."""
    options = dict(parse_qsl(raw, keep_blank_values=True))
    top, count = options.get("$top"), options.get("$count", "false").lower()
    if top is not None and not (top.isdigit() and int(top) > 0):
        raise malformed(f"Invalid page size: {top!r}.")
    if count not in ("true", "false"):
        raise malformed(f"Invalid value for $count: {count!r}.")
    return Query(
        select=_names(options.get("$select", "")),
        clauses=_clauses(options["$filter"]) if "$filter" in options else (),
        top=int(top) if top else None,
        count=count == "true",
        after=_read(options["$skiptoken"]) if "$skiptoken" in options else None,
        options=frozenset(options),
        carried=_carried(raw),
    )


def skiptoken(after: str) -> str:
    """Opaque to callers: the start of the next page. It survives that rows come and go in between."""
    return base64.urlsafe_b64encode(f"after:{after}".encode()).decode().rstrip("=")


def _read(token: str) -> str:
    try:
        mark, _, after = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        mark, after = "", ""
    if mark != "after":
        raise Refusal(400, "Directory_ExpiredPageToken", "The page token has expired; start again without it.")
    return after


def _carried(raw: str) -> str:
    """Percent-encoded where it was not: the url of a batch item comes with its spaces, a link has none."""
    kept = (part for part in raw.split("&") if part and not _is_skiptoken(part))
    return quote("&".join(kept), safe="%/:?#[]@!$&'()*+,;=")


def _is_skiptoken(part: str) -> bool:
    return part.partition("=")[0].lower() in ("$skiptoken", "%24skiptoken")


def _names(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))


def _clauses(text: str) -> tuple[Clause, ...]:
    return tuple(_clause(part.strip()) for part in _AND.split(text.strip()))


def _clause(text: str) -> Clause:
    if match := _COUNT.fullmatch(text):
        return _counting(match[1], match[2], int(match[3]))
    if match := _ANY.fullmatch(text):
        return _any(match[1], match[3], _literal(match[4]))
    if match := _COMPARE.fullmatch(text):
        return _comparing(match[1], match[2], _literal(match[3]))
    raise malformed(f"Invalid filter clause: {text}")


def _counting(name: str, operator: str, number: int) -> Clause:
    def holds(values: Values) -> bool:
        held = values[name]
        return (isinstance(held, list) and len(held) == number) == (operator == "eq")

    return Clause(name, True, holds)


def _any(name: str, inner: str, wanted: object) -> Clause:
    def holds(values: Values) -> bool:
        held = values[name]
        return isinstance(held, list) and any(_same(item.get(inner), wanted) for item in held)

    return Clause(name, False, holds)


def _comparing(path: str, operator: str, wanted: object) -> Clause:
    name, _, inner = path.partition("/")

    def holds(values: Values) -> bool:
        held = values[name]
        value = held.get(inner) if inner and isinstance(held, dict) else held
        return _same(value, wanted) == (operator == "eq")

    return Clause(name, operator == "ne", holds)


def _same(held: object, wanted: object) -> bool:
    """Directory strings compare without regard to case."""
    if isinstance(held, str) and isinstance(wanted, str):
        return held.lower() == wanted.lower()
    return held == wanted


def _literal(text: str) -> object:
    words: dict[str, object] = {"true": True, "false": False, "null": None}
    if text.startswith("'"):
        return text[1:-1].replace("''", "'")
    return words.get(text, int(text) if text.isdigit() else text)


def check_advanced(query: Query, eventual: bool) -> None:
    """An advanced clause needs the ConsistencyLevel header and $count=true, on each page anew."""
    clause = query.advanced
    if clause and not (eventual and query.count):
        raise unsupported(f"Unsupported or invalid query filter clause for property '{clause.property}'.")
