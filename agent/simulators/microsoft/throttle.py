"""Graph's identity quota: resource units in 10 seconds per app and tenant (Microsoft: reference 4)."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import datetime

from agent.simulators.microsoft.problems import too_many

WINDOW = 10


def allowance(users: int) -> int:
    """Units that one app may spend in a tenant of so many users within a window."""
    if users < 50:
        return 3_500
    return 5_000 if users <= 500 else 8_000


@dataclass(slots=True)
class Throttle:
    """`allowed` overrides the documented quota. Windows are fixed, aligned to the epoch."""

    allowed: int | None = None
    _spent: dict[tuple[str, str], tuple[int, int]] = field(default_factory=dict)

    def spend(self, app: str, tenant: str, users: int, cost: int, now: datetime) -> dict[str, str]:
        """Charge an operation. Returns the header of a quota used above 80 %; Refusal 429 when it is spent."""
        window, into = divmod(now.timestamp(), WINDOW)
        held, spent = self._spent.get((app, tenant), (int(window), 0))
        total = cost + (spent if held == int(window) else 0)
        limit = allowance(users) if self.allowed is None else self.allowed
        if total > limit:
            raise too_many(
                math.ceil(WINDOW - into),
                x_ms_throttle_scope=f"Tenant_Application/ReadWrite/{app}/{tenant}",
                x_ms_throttle_information="ResourceUnitLimitExceeded",
            )
        self._spent[app, tenant] = (int(window), total)
        share = total / limit
        return {"x-ms-throttle-limit-percentage": f"{share:.2f}"} if share > 0.8 else {}
