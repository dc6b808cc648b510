"""Faults inside Graph: those of one operation, whether it comes alone or as an item of a $batch.

Faults of the wire (agent/simulators/faults.py) strike whole HTTP requests, so they cannot fail one item only.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum

from agent.simulators.faults import Fault


class Odd(StrEnum):
    ERROR = "error"  # `status`, in Graph's error body
    TOO_MANY = "too-many"  # with Retry-After
    TOO_MANY_BARE = "too-many-bare"
    ITEM_MISSING = "item-missing"  # the batch answers as if it had not been asked for
    VALUE_MISSING = "value-missing"
    EMPTY_LIST = "empty-list"
    EMPTY_PAGE = "empty-page"  # legal: no rows yet, but a link to them
    PAGE_SKIPPED = "page-skipped"
    PAGE_REPEATED = "page-repeated"
    PAGE_SHORT = "page-short"  # the last row is left out, the link goes on behind it
    COUNT_WRONG = "count-wrong"
    FOREIGN_LINK = "foreign-link"
    SKU_VANISHED = "sku-vanished"  # `sku` is left out of subscribedSkus
    READ_LAG = "read-lag"  # the tenant as it was `seconds` ago


@dataclass(frozen=True, slots=True)
class Oddity:
    kind: Odd
    seconds: int = 30
    status: int = 503
    sku: str = ""


@dataclass(slots=True)
class _Planned:
    oddity: Oddity
    path: re.Pattern[str]
    tenant: str | None
    wait: int
    times: int | None

    def due(self, path: str, tenant: str) -> bool:
        if not self.path.search(path) or self.tenant not in (None, tenant):
            return False
        self.wait -= 1
        return self.wait < 0


@dataclass(slots=True)
class Oddities:
    _planned: list[_Planned] = field(default_factory=list)

    def add(
        self,
        kind: str,
        *,
        path: str = "",
        tenant: str | None = None,
        nth: int = 1,
        times: int | None = 1,
        seconds: int = 30,
        status: int = 503,
        sku: str = "",
    ) -> None:
        """Let `kind` strike the `nth` operation from now whose path matches (a regular expression, anywhere in
        it), in all tenants or one, `times` in all; None for ever. `sku` is a GUID."""
        oddity = Oddity(Odd(kind), seconds, status, sku)
        self._planned.append(_Planned(oddity, re.compile(path), tenant, nth - 1, times))

    def clear(self) -> None:
        self._planned.clear()

    def pick(self, path: str, tenant: str) -> Oddity | None:
        """The oddity that strikes this operation; asking uses it up."""
        due = [planned for planned in self._planned if planned.due(path, tenant)]
        if not due:
            return None
        first = due[0]
        if first.times is not None:
            first.times -= 1
            if first.times <= 0:
                self._planned.remove(first)
        return first.oddity


def from_twist(twist: Fault | None) -> Oddity | None:
    """A fault of the wire that the server itself must play; None where it does not concern Graph's reads."""
    known = twist is not None and twist.kind.value in {odd.value for odd in Odd}
    return Oddity(Odd(twist.kind.value), int(twist.seconds)) if twist and known else None
