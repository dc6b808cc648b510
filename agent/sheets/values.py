"""Numbers and days as people and programs write them, read exactly or not at all.

`1,234` is a thousand and more in one country and a bit more than one in the next; `03/04/2026` is two days. A single
text does not say which: the column around it may, and else a person must.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import date
from decimal import Decimal
from enum import StrEnum


class Decimals(StrEnum):
    """The mark between units and fractions."""

    POINT = "point"
    COMMA = "comma"

    @property
    def mark(self) -> str:
        return "." if self is Decimals.POINT else ","

    @property
    def other(self) -> str:
        return "," if self is Decimals.POINT else "."


class DayOrder(StrEnum):
    """Which comes first in 03/04/2026."""

    DAY = "day-first"
    MONTH = "month-first"


class Ambiguous(ValueError):
    """The text has two readings."""


# Before or behind a number, never inside: 1E5 is refused as a number and not read as 15 of a currency.
_CODE = re.compile(r"^[A-Z]{3}(?=[\s\d(.,-])|(?<=[\s\d).,])[A-Z]{3}$")
_GROUP_SPACE = re.compile(r"(?<=\d)[\s'\u2019](?=\d{3}(?!\d))")
_BODY = re.compile(r"[\d.,]*\d[\d.,]*")


def decimals_of(text: str) -> Decimals | None:
    """Which mark the text proves; None where it has no mark, or one that may be either."""
    body = _parts(text)[1]
    marks = [c for c in body if c in ".,"]
    if not marks:
        return None
    if len(set(marks)) == 2:
        return Decimals.POINT if marks[-1] == "." else Decimals.COMMA
    before, _, behind = body.partition(marks[0])
    if len(marks) > 1:  # 1.234.567: the mark groups, so it is not the decimal one
        return Decimals.COMMA if marks[0] == "." else Decimals.POINT
    # 0.125 has one reading in every country, as nobody groups a zero; 1.234 has two.
    if len(behind) == 3 and before and len(before) <= 3 and before != "0":
        return None
    return Decimals.POINT if marks[0] == "." else Decimals.COMMA


def number(text: str, decimals: Decimals | None) -> Decimal:
    """Exactly what is written, without currency and grouping. Raises ValueError, or `Ambiguous` without a mark.

    `(12.00)` and `12-` are negative, as accounting programs write it; `'12.30` is a text that Excel was told to keep.
    """
    negative, body = _parts(text)
    if not _BODY.fullmatch(body):
        raise ValueError(f"not readable: {text}")
    known = decimals or decimals_of(text)
    if known is None and ("." in body or "," in body):
        raise Ambiguous(text)
    point, group = (known.mark, known.other) if known else (".", ",")
    # Groups of three or none: 12,34 with a decimal point is a slip of somebody's, and no twelve hundred.
    shape = rf"(?:\d+|\d{{1,3}}(?:{re.escape(group)}\d{{3}})+)?(?:{re.escape(point)}\d*)?"
    if not re.fullmatch(shape, body):
        raise ValueError(f"not readable: {text}")
    value = Decimal(body.replace(group, "").replace(point, "."))
    return -value if negative and value else value  # Decimal knows a -0, which would print as one


def _parts(text: str) -> tuple[bool, str]:
    """Whether it is negative, and the digits with their marks."""
    body = text.strip().lstrip("'\u2019").strip()
    body = "".join(c for c in _CODE.sub("", body) if unicodedata.category(c) != "Sc").strip()
    negative = False
    if body.startswith("(") and body.endswith(")"):
        negative, body = True, body[1:-1].strip()
    elif body[:1] in ("-", "\u2212"):
        negative, body = True, body[1:].strip()
    elif body.endswith("-"):
        negative, body = True, body[:-1].strip()
    return negative, _GROUP_SPACE.sub("", body.removeprefix("+"))


_TIME = re.compile(
    r"(?:T|\s+|,\s*)\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?\s*(?:[AaPp]\.?[Mm]\.?)?\s*(?:Z|UTC|[+-]\d\d:?\d\d)?$"
)
_ISO = re.compile(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})")
_SLASHED = re.compile(r"(\d{1,2})([/.-])(\d{1,2})\2(\d{4}|\d{2})")
_NAMED = re.compile(r"(?:[a-z]+,?\s+)?(\d{1,2})[\s-]+([a-z]{3,9})\.?,?[\s-]+(\d{4}|\d{2})", re.IGNORECASE)
_NAMED_FIRST = re.compile(r"(?:[a-z]+,\s+)?([a-z]{3,9})\.?\s+(\d{1,2}),?\s+(\d{4})", re.IGNORECASE)
_MONTHS = {name: i for i, name in enumerate("jan feb mar apr may jun jul aug sep oct nov dec".split(), 1)}


def order_of(text: str) -> DayOrder | None:
    """Which order the text proves; None where either would do, or the text has no such day."""
    found = _SLASHED.fullmatch(_TIME.sub("", text.strip()))
    if found is None or found[2] == ".":  # dots stand between day and month alone: nobody writes 3.17.2026
        return None
    first, second = int(found[1]), int(found[3])
    if first > 12 >= second:
        return DayOrder.DAY
    return DayOrder.MONTH if second > 12 >= first else None


def day(text: str, order: DayOrder | None) -> date:
    """The date of a day or an instant as it is written, in whatever zone. Raises ValueError, or `Ambiguous`."""
    # The time is cut off and not converted: a billing day is the one that the program wrote.
    plain = _TIME.sub("", text.strip())
    if found := _ISO.fullmatch(plain):
        return date(int(found[1]), int(found[2]), int(found[3]))
    if found := _NAMED.fullmatch(plain):
        return date(_year(found[3]), _month(found[2]), int(found[1]))
    if found := _NAMED_FIRST.fullmatch(plain):
        return date(int(found[3]), _month(found[1]), int(found[2]))
    if (found := _SLASHED.fullmatch(plain)) is None:
        raise ValueError(f"not readable: {text}")
    first, second, year = int(found[1]), int(found[3]), _year(found[4])
    known = DayOrder.DAY if found[2] == "." else order or order_of(text)
    if known is None and first != second:
        raise Ambiguous(text)
    return date(year, second, first) if known is DayOrder.DAY else date(year, first, second)


def _year(text: str) -> int:
    # No line of an agreement and no subscription in use is of another century.
    return int(text) + (2000 if len(text) == 2 else 0)


def _month(name: str) -> int:
    try:
        return _MONTHS[name[:3].lower()]
    except KeyError:
        raise ValueError(f"no month: {name}") from None
