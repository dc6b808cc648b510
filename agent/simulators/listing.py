"""What the thinner vendors' simulators share: a credential, lists in pages, and how their lists go wrong."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from agent.simulators.faults import Fault, Kind
from agent.simulators.messages import Request, Response, json_response
from agent.simulators.simulator import Simulator

Row = dict[str, Any]


class Refused(Exception):
    """The vendor says no, with this status."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status, self.message = status, message


@dataclass(slots=True)
class Sheet:
    """One page of a list before it is put into the vendor's envelope; `total` of all pages."""

    rows: list[Row]
    total: int


@dataclass
class Issued:
    """Access tokens and until when they are good (seconds since 1970)."""

    lifetime: int
    known: dict[str, float] = field(default_factory=dict)
    made: int = 0

    def issue(self, now: float) -> str:
        self.made += 1
        text = f"token-{self.made}"
        self.known[text] = now + self.lifetime
        return text

    def takes(self, header: str, now: float) -> bool:
        return self.known.get(header.removeprefix("Bearer "), 0) > now


class ListingSimulator(Simulator):
    """Subclasses answer reads in `reply` and word their refusals in `refusal`."""

    @abstractmethod
    def reply(self, request: Request, twist: Fault | None) -> Response:
        """Raises `Refused`."""

    @abstractmethod
    def refusal(self, status: int, message: str) -> object:
        """The vendor's own body of an error."""

    def answer(self, request: Request, twist: Fault | None = None) -> Response:
        try:
            return self.reply(request, twist)
        except Refused as refused:
            return json_response(refused.status, self.refusal(refused.status, refused.message))

    def error(self, fault: Fault) -> Response:
        if fault.kind in (Kind.TOO_MANY, Kind.TOO_MANY_BARE):
            named = {"retry_after": str(int(fault.seconds))} if fault.kind is Kind.TOO_MANY else {}
            return json_response(429, self.refusal(429, "Too many requests"), **named)
        return json_response(fault.status, self.refusal(fault.status, "Please try again"))


def paged(rows: Sequence[Row], start: int, size: int, twist: Fault | None = None) -> Sheet:
    """Rows from `start` on, or what a fault makes of them; the total stays the truth unless the fault is about it."""
    sheet = Sheet(list(rows[start : start + size]), len(rows))
    if twist is not None and twist.kind in _TWISTS:
        _TWISTS[twist.kind](sheet)
    return sheet


def _repeat(sheet: Sheet) -> None:
    sheet.rows = [*sheet.rows[:1], *sheet.rows]
    sheet.total += bool(sheet.rows)


def _shorten(sheet: Sheet) -> None:
    del sheet.rows[-1:]


def _skip(sheet: Sheet) -> None:
    sheet.rows.clear()


def _miscount(sheet: Sheet) -> None:
    sheet.total += 1


def _empty(sheet: Sheet) -> None:
    sheet.rows, sheet.total = [], 0


_TWISTS: Mapping[Kind, Callable[[Sheet], None]] = {
    Kind.PAGE_REPEATED: _repeat,
    Kind.PAGE_SHORT: _shorten,
    Kind.PAGE_SKIPPED: _skip,
    Kind.COUNT_WRONG: _miscount,
    Kind.EMPTY_LIST: _empty,
}
