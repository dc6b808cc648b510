"""Checks as they are told one after the other, while the next is still being made."""

from __future__ import annotations

from collections.abc import Iterable

from agent.faces.desk import say, say_json, width
from agent.reports.checks import Check, Grade, check_lines, checks_sum, checks_values


def tell(checks: Iterable[Check], as_json: bool) -> int:
    """The exit status: 1 if anything failed."""
    found = []
    for check in checks:
        found.append(check)
        if not as_json:
            say("\n".join(check_lines(check, width())))
    if as_json:
        say_json(checks_values(found))
    else:
        say(f"\n{checks_sum(found)}")
    return 1 if any(check.grade is Grade.FAIL for check in found) else 0
