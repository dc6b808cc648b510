"""Since when each quantity is asked for: what the last readings said, and what this one adds."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace

from agent.domain.changes import Holding
from agent.domain.desired import DesiredLine
from agent.domain.history import BEFORE_ALL, Asked, asked, proven
from agent.domain.holdings import Ownership
from agent.domain.keys import LineKey, Role
from agent.domain.ownership import Sighting, Timing
from agent.domain.periods import DAY


@dataclass(frozen=True, slots=True)
class Sightings:
    """Those `known` before, and those `told` by this reading."""

    known: Mapping[LineKey, Sighting]
    timing: Timing
    told: list[Sighting] = field(default_factory=list)

    def of(self, line: DesiredLine, holding: Holding | None) -> Sighting:
        """Since when this quantity is wanted. A number in doubt is not a sighting: the earlier one stands."""
        before, now = self.known.get(line.key), self.timing.now
        if line.kept is not None:
            # A person's word needs no second read, and is remembered by itself.
            return Sighting(line.key, line.terms.quantity, line.kept.since, None, now, line.kept.asked)
        history = self._history(before, holding)
        # What was bought while no row asked for it and no line billed it says nothing of this row.
        looked = before if before and (before.first_at or holding) else None
        bought = proven(line.bought, looked.last_at.date(), history, line.terms.billed) if looked else ()
        # What was wanted of a line without a row is no read: the first that says the same once there is one again
        # must not pass for the second.
        read = before is not None and before.first_at is not None and before.quantity == line.terms.quantity
        if before is not None and (line.doubt or read):
            sighting = before if line.doubt else replace(before, last_at=now)
        else:
            since = min((day for day, _ in bought), default=self.timing.today)
            sighting = Sighting(line.key, line.terms.quantity, since, now, now)
        if not line.doubt:
            for day, seats in bought or ((self.timing.today, line.terms.billed),):
                history = asked(history, day, seats)
            sighting = replace(sighting, asked=history)
            self.told.append(sighting)
        return sighting

    def _history(self, before: Sighting | None, holding: Holding | None) -> Asked:
        """What was asked for up to now. What the lines show is the ground of a row that is new or was in accord."""
        shown, yesterday = holding.billed if holding else 0, self.timing.today - DAY
        if before is None or not before.asked:
            return ((yesterday if holding else BEFORE_ALL, shown),)
        day, seats = before.asked[-1]
        return ((yesterday, seats),) if seats == shown and day < self.timing.today else before.asked

    def unwanted(self, key: LineKey, holding: Holding) -> Sighting:
        """Since when no row wants the line: the end keeps that day, however long it waits for a person."""
        before, now = self.known.get(key), self.timing.now
        history = asked(self._history(before, holding), self.timing.today, 0)
        if before is None or before.quantity:
            before = Sighting(key, 0, self.timing.today, None, now)
        self.told.append(replace(before, last_at=now, asked=history))
        return self.told[-1]

    def forgotten(self, asked_for: Collection[LineKey], owned: Ownership) -> None:
        """Rows that went before they had a line: should one come back, its seats are billed from that day on."""
        for key, seen in self.known.items():
            mine = owned.owned.get(key)
            gone = key.role is Role.BASE and key not in asked_for and (mine is None or mine.holding is None)
            if gone and seen.quantity:
                today, now = self.timing.today, self.timing.now
                self.told.append(Sighting(key, 0, today, None, now, asked(self._history(seen, None), today, 0)))
