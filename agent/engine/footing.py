"""What a plan stands on: its agreements as they were read, above all how far they had been invoiced.

A cycle of a large fleet reads for minutes before it writes, and an invoice that is made meanwhile gives every day of
the plan another meaning: what was a difference up to the next invoice would then leave a month unbilled.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog

from agent.domain.agreements import Agreement
from agent.errors import ReadFailed
from agent.ports import Clock, Psa

log = structlog.get_logger()

# Younger than that, a second look would cost *sync now* a round trip and find nothing: nobody invoices that fast.
FRESH = timedelta(seconds=10)


@dataclass(frozen=True, slots=True)
class Footing:
    psa: Psa
    clock: Clock
    agreements: Mapping[int, Agreement]
    read_at: datetime
    _looked: dict[int, datetime] = field(default_factory=dict)

    def stands(self, agreement: int) -> bool:
        """Whether the agreement is as it was planned on; looks again once that is older than FRESH."""
        now = self.clock.now()
        if now - self._looked.get(agreement, self.read_at) <= FRESH:
            return True
        try:
            found = self.psa.agreements([agreement]).get(agreement)
        except ReadFailed as error:
            log.warning("plan.outdated", agreement=agreement, reason=str(error))
            return False
        if found != self.agreements[agreement]:
            log.warning("plan.outdated", agreement=agreement, reason="the agreement has changed since it was read")
            return False
        self._looked[agreement] = now
        return True
