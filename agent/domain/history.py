"""Which seats were asked for since which day: a change may wait, and each of its seats has a day of its own.

Seats are numbered from 1, and those that came last leave first. Of each day the last reading counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date
from itertools import accumulate
from typing import NamedTuple

from agent.domain.periods import DAY

# What was asked for at the end of which days, oldest first. The first entry is the ground: what the lines showed.
Asked = tuple[tuple[date, int], ...]

# Before the first reading of a row that has no line, nothing is known.
BEFORE_ALL = date.min


class Move(NamedTuple):
    """The seats `low` + 1 to `high` are asked for, or no longer, from `day` on.

    `undone`: the last day that is over ended like that already, so the lines were moved since and not the count.
    """

    day: date
    low: int
    high: int
    undone: bool

    @property
    def seats(self) -> int:
        return self.high - self.low


def asked(history: Asked, day: date, seats: int) -> Asked:
    """The history with another reading. What was read for the same day, or a later one, no longer counts."""
    known = tuple(step for step in history if step[0] < day) or ((day - DAY, history[0][1]),)
    same = known[-1][1] == seats and known[-1][0] != BEFORE_ALL
    return known if same else (*known, (day, seats))


def proven(bought: Iterable[tuple[date, int]], last: date, history: Asked, seats: int) -> tuple[tuple[date, int], ...]:
    """The days on which new seats were bought, and how many there were from then on, where the source proves it.

    Only purchases made since the `last` reading that make up exactly the new seats prove anything: a tenant that is
    mapped today has had its licences for years.
    """
    new, had = sorted((day, number) for day, number in bought if day >= last), history[-1][1]
    if not new or sum(number for _, number in new) != seats - had:
        return ()
    return tuple((day, had + sum(number for earlier, number in new if earlier <= day)) for day, _ in new)


def level(history: Asked, day: date) -> int:
    """Seats asked for at the end of that day. Before the ground is known, it counts as the ground."""
    return next((seats for since, seats in reversed(history) if since <= day), history[0][1])


def risen(history: Asked, before: int, after: int) -> Iterator[Move]:
    """The seats that are to come, those asked for longest first; each since it was last not asked for."""
    lowest = accumulate((seats for _, seats in reversed(history)), min)
    return _moves(history, before, (min(seats, after) for seats in reversed([*lowest])))


def fallen(history: Asked, before: int, after: int) -> Iterator[Move]:
    """The seats that are to go, the highest first; each since it was last asked for."""
    highest = accumulate((seats for _, seats in reversed(history)), max)
    return _moves(history, before, (max(seats, after) for seats in reversed([*highest])), falling=True)


def _moves(history: Asked, level: int, levels: Iterable[int], falling: bool = False) -> Iterator[Move]:
    # The ground is the end of a day, and what differs from it was moved after it.
    ground, _ = history[0]
    since = (history[1][0] if ground == BEFORE_ALL else ground + DAY, *(day for day, _ in history[1:]))
    for day, (known, _), next_level in zip(since, history, levels, strict=True):
        if (next_level < level) if falling else (next_level > level):
            yield Move(day, min(level, next_level), max(level, next_level), known == ground)
            level = next_level
