"""What can go wrong between a caller and a vendor, on demand or by a seeded chance.

Every kind says two things: what the server does with the request, and what the caller gets to see.
The list is the fault model of reliability 2.1; what persons and the clock do are methods of the simulators.
"""

from __future__ import annotations

import random
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, StrEnum

from agent.simulators.messages import Request


class Effect(Enum):
    NONE = "none"
    ONCE = "once"
    TWICE = "twice"
    LATER = "later"  # after `Fault.seconds` of the simulator's clock


class Show(Enum):
    ANSWER = "answer"  # what the server has to say, perhaps twisted by it
    ERROR = "error"  # an error in the vendor's own shape
    SPOILED = "spoiled"  # the true answer, damaged on its way
    REFUSED = "refused"
    UNREACHABLE = "unreachable"
    TIMEOUT = "timeout"
    DROPPED = "dropped"
    CUT = "cut"


class Kind(StrEnum):
    # The request never left, and the caller can know it.
    REFUSED = "refused"
    CONNECT_TIMEOUT = "connect-timeout"
    # From here on to WRONG_ID the caller cannot know from what it sees whether the server has acted.
    TIMEOUT = "timeout"
    TIMEOUT_AFTER = "timeout-after"
    LATE_EFFECT = "late-effect"
    DROPPED_BEFORE = "dropped-before"
    LOST_ANSWER = "lost-answer"
    CUT_ANSWER = "cut-answer"
    # A limit refuses before anything is done; with and without the Retry-After header.
    TOO_MANY = "too-many"
    TOO_MANY_BARE = "too-many-bare"
    # 500 with a body that asks to try again, which is how lines get doubled.
    SERVER_TIMEOUT = "server-timeout"
    SERVER_TIMEOUT_AFTER = "server-timeout-after"
    ERROR_BEFORE = "error-before"
    ERROR_AFTER = "error-after"
    # A proxy gives up with HTML while the server behind it goes on to the end.
    BAD_GATEWAY = "bad-gateway"
    REDIRECT = "redirect"
    TRUNCATED_JSON = "truncated-json"
    NOT_JSON = "not-json"
    WRONG_ID = "wrong-id"
    # Everything below looks well to the caller.
    DUPLICATE = "duplicate"
    FALSE_OK = "false-ok"
    FIELD_TRUNCATED = "field-truncated"
    FIELD_ROUNDED = "field-rounded"
    READ_LAG = "read-lag"
    PAGE_SKIPPED = "page-skipped"
    PAGE_REPEATED = "page-repeated"
    PAGE_SHORT = "page-short"
    COUNT_WRONG = "count-wrong"
    EMPTY_LIST = "empty-list"


ANATOMY: Mapping[Kind, tuple[Effect, Show]] = {
    Kind.REFUSED: (Effect.NONE, Show.REFUSED),
    Kind.CONNECT_TIMEOUT: (Effect.NONE, Show.UNREACHABLE),
    Kind.TIMEOUT: (Effect.NONE, Show.TIMEOUT),
    Kind.TIMEOUT_AFTER: (Effect.ONCE, Show.TIMEOUT),
    Kind.LATE_EFFECT: (Effect.LATER, Show.TIMEOUT),
    Kind.DROPPED_BEFORE: (Effect.NONE, Show.DROPPED),
    Kind.LOST_ANSWER: (Effect.ONCE, Show.DROPPED),
    Kind.CUT_ANSWER: (Effect.ONCE, Show.CUT),
    Kind.TOO_MANY: (Effect.NONE, Show.ERROR),
    Kind.TOO_MANY_BARE: (Effect.NONE, Show.ERROR),
    Kind.SERVER_TIMEOUT: (Effect.NONE, Show.ERROR),
    Kind.SERVER_TIMEOUT_AFTER: (Effect.ONCE, Show.ERROR),
    Kind.ERROR_BEFORE: (Effect.NONE, Show.ERROR),
    Kind.ERROR_AFTER: (Effect.ONCE, Show.ERROR),
    Kind.BAD_GATEWAY: (Effect.ONCE, Show.ERROR),
    Kind.REDIRECT: (Effect.NONE, Show.ERROR),
    Kind.TRUNCATED_JSON: (Effect.ONCE, Show.SPOILED),
    Kind.NOT_JSON: (Effect.ONCE, Show.SPOILED),
    Kind.WRONG_ID: (Effect.ONCE, Show.SPOILED),
    Kind.DUPLICATE: (Effect.TWICE, Show.ANSWER),
    Kind.FALSE_OK: (Effect.ONCE, Show.ANSWER),
    Kind.FIELD_TRUNCATED: (Effect.ONCE, Show.ANSWER),
    Kind.FIELD_ROUNDED: (Effect.ONCE, Show.ANSWER),
    Kind.READ_LAG: (Effect.ONCE, Show.ANSWER),
    Kind.PAGE_SKIPPED: (Effect.ONCE, Show.ANSWER),
    Kind.PAGE_REPEATED: (Effect.ONCE, Show.ANSWER),
    Kind.PAGE_SHORT: (Effect.ONCE, Show.ANSWER),
    Kind.COUNT_WRONG: (Effect.ONCE, Show.ANSWER),
    Kind.EMPTY_LIST: (Effect.ONCE, Show.ANSWER),
}

# These make no difference on the other sort of request, so chance does not waste itself on it.
READS_ONLY = frozenset(
    {
        Kind.READ_LAG,
        Kind.PAGE_SKIPPED,
        Kind.PAGE_REPEATED,
        Kind.PAGE_SHORT,
        Kind.COUNT_WRONG,
        Kind.EMPTY_LIST,
    }
)
WRITES_ONLY = frozenset({Kind.LATE_EFFECT, Kind.DUPLICATE, Kind.FALSE_OK, Kind.FIELD_TRUNCATED, Kind.FIELD_ROUNDED})


@dataclass(frozen=True, slots=True)
class Fault:
    """`seconds`: Retry-After, the delay of a late effect or the lag of a read. `status`: of an error.
    `size`: characters that a truncated field keeps, decimals that a rounded one keeps."""

    kind: Kind
    seconds: float = 30
    status: int = 500
    size: int = 0

    @property
    def effect(self) -> Effect:
        return ANATOMY[self.kind][0]

    @property
    def show(self) -> Show:
        return ANATOMY[self.kind][1]


@dataclass(slots=True)
class _Planned:
    fault: Fault
    method: re.Pattern[str]
    path: re.Pattern[str]
    wait: int  # matching requests that still go free
    times: int

    def due(self, request: Request) -> bool:
        if not (self.method.fullmatch(request.method) and self.path.search(request.path)):
            return False
        self.wait -= 1
        return self.wait < 0


@dataclass(slots=True)
class _Chance:
    rng: random.Random
    chances: Mapping[Kind, float]
    method: re.Pattern[str]
    path: re.Pattern[str]
    seconds: tuple[float, float]

    def strikes(self, request: Request) -> Fault | None:
        if not (self.method.fullmatch(request.method) and self.path.search(request.path)):
            return None
        draw = self.rng.random()
        for kind, chance in self.chances.items():
            draw -= chance
            if draw < 0:
                return Fault(kind, self.rng.uniform(*self.seconds)) if _matters(kind, request) else None
        return None


@dataclass(slots=True)
class Faults:
    """The faults to come: those planned strike first, in the order of their planning, then chance.

    Not locked by itself: whoever plans while the simulator is serving holds `Simulator.lock`.
    """

    _planned: list[_Planned] = field(default_factory=list)
    _chance: _Chance | None = None

    def add(
        self,
        kind: str,
        *,
        method: str = ".*",
        path: str = "",
        nth: int = 1,
        times: int = 1,
        seconds: float = 30,
        status: int = 500,
        size: int = 0,
    ) -> Fault:
        """Let `kind` strike the `nth` request from now whose method and path match, and `times` in all.

        `method` must match as a whole, `path` anywhere in the path; both are regular expressions.
        """
        fault = Fault(Kind(kind), seconds, status, size)
        self._planned.append(_Planned(fault, re.compile(method), re.compile(path), nth - 1, times))
        return fault

    def at_random(
        self,
        rng: random.Random,
        chances: Mapping[str, float],
        *,
        method: str = ".*",
        path: str = "",
        seconds: tuple[float, float] = (0, 120),
    ) -> None:
        """Let each kind strike with its own probability (their sum at most 1) until `clear`."""
        kinds = {Kind(kind): chance for kind, chance in chances.items()}
        if sum(kinds.values()) > 1:
            raise ValueError(f"the chances of faults add up to {sum(kinds.values())}, more than 1")
        self._chance = _Chance(rng, kinds, re.compile(method), re.compile(path), seconds)

    def clear(self) -> None:
        self._planned.clear()
        self._chance = None

    @property
    def pending(self) -> tuple[Fault, ...]:
        """Planned faults that have not struck as often as they shall."""
        return tuple(planned.fault for planned in self._planned)

    def pick(self, request: Request) -> Fault | None:
        """The fault that strikes `request`; asking uses it up."""
        due = [planned for planned in self._planned if planned.due(request)]
        if not due:
            return self._chance.strikes(request) if self._chance else None
        # Two plans for one request: the later one waits for the next, for it has counted this one.
        first = due[0]
        first.times -= 1
        if first.times <= 0:
            self._planned.remove(first)
        return first.fault


def _matters(kind: Kind, request: Request) -> bool:
    reads = request.method in ("GET", "HEAD")
    return kind not in (WRITES_ONLY if reads else READS_ONLY)
