"""What goes out and what comes back, as values."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from decimal import Decimal
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

from agent.errors import Incomplete


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds. `read` and `write` limit each silence of the other side and, between its pieces, the whole answer.

    Twice `write` must stay below the settle window of the PSA: after that nothing may still be under way.
    """

    connect: float = 10.0
    read: float = 60.0
    write: float = 90.0


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer. Its text form shows neither address nor content, which may be secret."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    url: str = field(repr=False)

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300

    @property
    def is_json(self) -> bool:
        kind = self.headers.get("content-type", "").partition(";")[0].strip().lower()
        return kind == "application/json" or (kind.startswith("application/") and kind.endswith("+json"))

    def json(self) -> Any:
        """The body with its numbers as int and Decimal; raises `Incomplete` where it is no JSON."""
        where = f"{urlsplit(self.url).hostname}{urlsplit(self.url).path}"
        if not self.is_json:
            kind = self.headers.get("content-type", "no content type")
            raise Incomplete(f"{where} answered {self.status} with {kind}, not with JSON.", _NOT_JSON)
        try:
            return json.loads(self.body, parse_float=Decimal)
        except ValueError:
            raise Incomplete(f"{where} answered {self.status} with JSON that does not parse.", _NOT_JSON) from None


@dataclass(frozen=True, slots=True)
class Lost:
    """A write without an answer. `sent` is False only where surely nothing reached the other side."""

    sent: bool
    detail: str


_NOT_JSON = "A proxy or a page for maintenance may stand in between; if it stays, open the address in a browser."


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds, from either form of the field; a date counts from the answer's own Date, so no clocks are compared."""
    text = headers.get("retry-after", "").strip()
    if re.fullmatch(r"\d{1,9}(\.\d+)?", text):
        return float(text)
    with suppress(ValueError, TypeError):
        return max(0.0, (parsedate_to_datetime(text) - parsedate_to_datetime(headers["date"])).total_seconds())
    return None
