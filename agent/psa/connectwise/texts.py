"""JSON whose numbers stay the decimals they were: no float on the way to an invoice."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any


def json_text(value: object) -> str:
    """JSON in which a Decimal is a bare number with its digits as they are; ASCII, so no charset can spoil it."""
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{json.dumps(name)}: {json_text(part)}" for name, part in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(json_text, value)) + "]"
    return json.dumps(value)


def json_of(text: str) -> Any:
    return json.loads(text, parse_float=Decimal)


def midnight(day: date) -> str:
    """A billing date as ConnectWise keeps it. Never a local midnight: its UTC form is another day."""
    return f"{day.isoformat()}T00:00:00Z"
