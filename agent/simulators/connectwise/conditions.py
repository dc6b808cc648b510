"""The `conditions` language of ConnectWise PSA, compiled to a function of a row.

As on a SQL Server, strings compare without regard to case, and a comparison with a null is never true.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import lru_cache
from typing import Any

from agent.simulators.connectwise.fields import CUSTOM_FIELD_VALUE, FieldKind, Fields, kind_of

Row = Mapping[str, Any]
Test = Callable[[Row], bool]

_TOKEN = re.compile(
    r"""\s*(?: (?P<string>"[^"]*"|'[^']*') | \[(?P<date>[^\]]*)\] | (?P<number>-?\d+(?:\.\d+)?)
    | (?P<sign><=|>=|!=|<>|[=<>(),]) | (?P<word>[A-Za-z_][A-Za-z0-9_]*(?:/[A-Za-z0-9_]+)*) )""",
    re.VERBOSE,
)
_COMPARE: Mapping[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<>": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_LITERALS: Mapping[FieldKind, str] = {
    "int": "numeric",
    "number": "numeric",
    "flag": "boolean",
    "text": "string",
    "date": "datetime",
}
_KEYWORDS = {"true": ("boolean", True), "false": ("boolean", False), "null": ("null", None)}


class BadCondition(Exception):
    """The sentence that the server answers with 400 and code ApiFindCondition."""


@lru_cache(maxsize=4_096)
def compiled(text: str, fields: Fields) -> Test:
    """BadCondition where `text` is not understood, or names a field that is not in `fields`."""
    parser = _Parser(text, fields)
    test = parser.either()
    parser.end()
    return test


def compiled_for_custom_fields(text: str) -> Test:
    """`caption="X" and value="Y"`: true of a row one of whose custom fields satisfies it."""
    test = compiled(text, CUSTOM_FIELD_VALUE)
    return lambda row: any(test(entry) for entry in row.get("customFields", ()))


def value_at(row: Row, path: str) -> Any:
    """None where the row, or a reference on the way, has no such value."""
    value: Any = row["_info"] if path == "lastUpdated" else row
    for part in path.split("/"):
        value = value.get(part)
        if value is None:
            return None
    return value


class _Parser:
    def __init__(self, text: str, fields: Fields) -> None:
        self._tokens = _tokens(text)
        self._at = 0
        self._fields = fields

    def either(self) -> Test:
        tests = [self._both()]
        while self._skip("or"):
            tests.append(self._both())
        return tests[0] if len(tests) == 1 else lambda row: any(test(row) for test in tests)

    def end(self) -> None:
        if self._at < len(self._tokens):
            raise BadCondition(f"{self._tokens[self._at][1]} was not expected.")

    def _both(self) -> Test:
        tests = [self._single()]
        while self._skip("and"):
            tests.append(self._single())
        return tests[0] if len(tests) == 1 else lambda row: all(test(row) for test in tests)

    def _single(self) -> Test:
        if self._skip("("):
            test = self.either()
            self._expect(")")
            return test
        path = self._next("word")
        try:
            kind = kind_of(self._fields, path)
        except KeyError:
            raise BadCondition(f"{path} is not a recognized name.") from None
        # `not in` is all that is documented of `not`.
        if self._skip("not"):
            self._expect("in")
            return _negated(self._listed(path, kind), path)
        if self._skip("in"):
            return self._listed(path, kind)
        if self._skip("like"):
            return _matching(path, rf"\A{_wildcards(self._next('string')[1:-1])}\Z")
        if self._skip("contains"):
            return _matching(path, re.escape(self._next("string")[1:-1]))
        return self._compared(path, kind)

    def _compared(self, path: str, kind: FieldKind) -> Test:
        sign = self._next("sign")
        if sign not in _COMPARE:
            raise BadCondition(f"{sign} was not expected.")
        compare, literal = _COMPARE[sign], self._literal(kind)
        # `= null` and `!= null` are the only comparisons that a missing value can satisfy.
        if literal is None:
            return lambda row: compare(value_at(row, path), None)

        def test(row: Row) -> bool:
            value = value_at(row, path)
            return value is not None and compare(_comparable(value), literal)

        return test

    def _listed(self, path: str, kind: FieldKind) -> Test:
        self._expect("(")
        wanted = {self._literal(kind)}
        while self._skip(","):
            wanted.add(self._literal(kind))
        self._expect(")")
        return lambda row: _comparable(value_at(row, path)) in wanted

    def _literal(self, kind: FieldKind) -> Any:
        if self._at == len(self._tokens):
            raise BadCondition("The condition ends where a value is expected.")
        group, text = self._tokens[self._at]
        self._at += 1
        said, value = _read_literal(group, text)
        expected = _LITERALS.get(kind, said)  # custom field values are of any type
        if said not in (expected, "null"):
            raise BadCondition(
                f"Expected a {expected} value, not a {said}. String values should be enclosed with double or "
                "single quotes; DateTime values should be enclosed in square brackets; null values should be "
                "indicated by the keyword null."
            )
        return value

    def _skip(self, text: str) -> bool:
        if self._at < len(self._tokens) and self._tokens[self._at][1].lower() == text:
            self._at += 1
            return True
        return False

    def _expect(self, text: str) -> None:
        if not self._skip(text):
            raise BadCondition(f"Expected {text}.")

    def _next(self, group: str) -> str:
        if self._at == len(self._tokens) or self._tokens[self._at][0] != group:
            raise BadCondition(f"Expected a {group}.")
        self._at += 1
        return self._tokens[self._at - 1][1]


def _tokens(text: str) -> list[tuple[str, str]]:
    tokens, at, text = [], 0, text.rstrip()
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None or match.lastgroup is None:
            raise BadCondition(f"{text[at:].strip()} is not understood.")
        tokens.append((match.lastgroup, match[match.lastgroup]))
        at = match.end()
    return tokens


def _read_literal(group: str, text: str) -> tuple[str, Any]:
    if group == "string":
        return "string", text[1:-1].casefold()
    if group == "number":
        return "numeric", Decimal(text)
    if group == "date":
        return "datetime", _instant(text)
    if group == "word" and text.lower() in _KEYWORDS:
        return _KEYWORDS[text.lower()]
    raise BadCondition(f"{text} is not a value.")


def _instant(text: str) -> str:
    """Rows keep instants as text of one form, which sorts as time does."""
    if not re.fullmatch(r"\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\dZ?)?", text):
        raise BadCondition(f"{text} is not a date.")
    return (text if "T" in text else f"{text}T00:00:00").rstrip("Z").casefold() + "z"


def _comparable(value: Any) -> Any:
    return value.casefold() if isinstance(value, str) else value


def _negated(test: Test, path: str) -> Test:
    return lambda row: value_at(row, path) is not None and not test(row)


def _wildcards(pattern: str) -> str:
    """`%` and `*` stand for any text; `[[]` is how the guide has a literal bracket written."""
    parts = re.split(r"([%*])", pattern.replace("[[]", "["))
    return "".join(".*" if part in ("%", "*") else re.escape(part) for part in parts)


def _matching(path: str, pattern: str) -> Test:
    find = re.compile(pattern, re.IGNORECASE | re.DOTALL).search

    def test(row: Row) -> bool:
        value = value_at(row, path)
        return isinstance(value, str) and find(value) is not None

    return test
