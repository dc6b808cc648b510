"""What the agent has read of a tenant, and whether it may act upon it; seats are numbered from 1."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

from tests.billing.deal import LONG_AGO, Deal

RECHECK = timedelta(seconds=60)


@dataclass(slots=True)
class Readings:
    """`asked` is the last count of each day on which something was read, in seats to be billed."""

    deal: Deal
    asked: dict[date, int] = field(default_factory=dict)
    counted: int = -1
    since: datetime = datetime(1990, 1, 1, tzinfo=UTC)
    first: tuple[date, int] | None = None  # the first day that was read, and the last count of its readings

    def add(self, at: datetime, counted: int, bought: Iterable[tuple[date, int]] = ()) -> None:
        """`bought`: purchases since the day of the last reading, which count where they explain the rise."""
        if self.first is None or self.first[0] == at.date():
            self.first = at.date(), self.deal.billed(counted)
        deal, had = self.deal, self.deal.billed(max(self.counted, 0))
        gained, steps = deal.billed(counted) - had, sorted(bought)
        if deal.dated and self.asked and steps and sum(seats for _, seats in steps) == gained:
            for day, seats in steps:
                had += seats
                self.asked[day] = had
        else:
            self.asked[at.date()] = deal.billed(counted)
        if self.counted < 0 or deal.shown(counted) != deal.shown(self.counted):
            self.since = at
        self.counted = counted

    def believed(self, at: datetime, standing: int) -> bool:
        """A higher count at once, a lower one when an earlier reading said the same."""
        return self.deal.billed(self.counted) >= standing or at - self.since >= RECHECK

    def asked_since(self, seat: int) -> date:
        """From when the seat has been asked for without a break."""
        return self._unbroken([(day, asked >= seat) for day, asked in self.asked.items()])

    def asked_until(self, seat: int) -> date:
        """From when it has not been asked for any more; long ago, if it never was."""
        until = self._unbroken([(day, asked < seat) for day, asked in self.asked.items()])
        return until if any(asked >= seat for asked in self.asked.values()) else LONG_AGO

    def always(self, seat: int) -> bool:
        """Whether the seat has been there since the first reading, and is no purchase that was proven later."""
        there = self.first is not None and self.first[1] >= seat
        return there and all(asked >= seat for asked in self.asked.values())

    def _unbroken(self, true: list[tuple[date, bool]]) -> date:
        since = true[-1][0]
        for day, holds in reversed(true):
            if not holds:
                break
            since = day
        return since
