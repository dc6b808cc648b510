"""Plain values as JSON in exactly one spelling, so that equal values have equal texts and equal hashes."""

from __future__ import annotations

import hashlib
import json
from typing import Any

# ASCII: half a surrogate pair in a name stays an escape, and no database or hash ever has to encode it.
_ENCODER = json.JSONEncoder(sort_keys=True, ensure_ascii=True, allow_nan=False, separators=(",", ":"))


def canonical(value: object) -> str:
    return _ENCODER.encode(value)


def parsed(text: str) -> Any:
    return json.loads(text)


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode("ascii")).hexdigest()
