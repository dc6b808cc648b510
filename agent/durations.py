"""Durations as people write them into agent.toml."""

from __future__ import annotations

import re
from datetime import timedelta

_UNITS = {"d": 86_400, "h": 3_600, "m": 60, "s": 1}


def parse_duration(text: str) -> timedelta:
    """ "90s", "15m", "1h" or "2d"; ValueError for anything else."""
    found = re.fullmatch(r"(\d{1,6})([smhd])", text, re.ASCII)
    if found is None:
        raise ValueError("not a duration")
    return timedelta(seconds=int(found[1]) * _UNITS[found[2]])


def format_duration(duration: timedelta) -> str:
    """The shortest text that `parse_duration` reads back, of whole seconds."""
    seconds = duration // timedelta(seconds=1)
    unit = next(unit for unit, size in _UNITS.items() if seconds % size == 0 and (seconds or unit == "s"))
    return f"{seconds // _UNITS[unit]}{unit}"
