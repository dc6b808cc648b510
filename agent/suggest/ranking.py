"""What may be meant, how surely, and why."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

SURE = 90  # out of 100: from here on nobody needs to choose
LIKENESS_LIMIT = 85  # what similar names alone can reach: WRatio puts one name in ten at the wrong place
AHEAD = 5  # so much better than the next one must the best be
SHOWN = 3

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Choice(Generic[T]):
    """One thing that may be meant: confidence from 0 to 100, and the evidence in words."""

    thing: T
    confidence: int
    reason: str

    @property
    def evidence(self) -> str:
        return f"{self.reason} ({self.confidence} %)"


@dataclass(frozen=True, slots=True)
class Ranking(Generic[T]):
    """The best few choices, best first."""

    choices: tuple[Choice[T], ...]

    @classmethod
    def of(cls, choices: Iterable[Choice[T]]) -> Ranking[T]:
        # Sorting keeps the order of equals, so the same PSA gives the same ranking each time.
        return cls(tuple(sorted(choices, key=lambda choice: -choice.confidence)[:SHOWN]))

    @property
    def sure(self) -> Choice[T] | None:
        """The one choice that needs no person; None says: choose."""
        if not self.choices or self.choices[0].confidence < SURE:
            return None
        best, *rivals = self.choices
        return None if rivals and rivals[0].confidence > best.confidence - AHEAD else best

    def at_most(self, limit: int, reason: str) -> Ranking[T]:
        """The same choices, less sure for a reason that all of them share."""
        return Ranking(
            tuple(replace(c, confidence=min(limit, c.confidence), reason=f"{c.reason}, {reason}") for c in self.choices)
        )
