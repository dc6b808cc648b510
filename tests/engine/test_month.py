"""A week of a small fleet on a clock that is moved; `make soak` lives through a month of five hundred tenants."""

from __future__ import annotations

from datetime import timedelta

import pytest

from agent.domain.findings import Code
from tests.engine.month import Month


def test_every_stuck_state_is_seen_in_time() -> None:
    """With one request in a hundred going wrong: seen within two periods, gone when it is over; and nothing leaks."""
    month = Month(tenants=4, days=5, period=timedelta(hours=3))
    try:
        month.run()
    finally:
        month.close()

    assert {incident.code for incident in month.incidents} >= {
        Code.CYCLE_OVERDUE,
        Code.SOURCE_STALE,
        Code.WRITE_UNSETTLED,
        Code.DISK_FULL,
    }


def test_the_month_sees_who_does_not_look(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the look at what is stuck, the same week fails."""
    month = Month(tenants=2, days=5, period=timedelta(hours=6))
    monkeypatch.setattr(month, "stuck", lambda: None)
    try:
        with pytest.raises(AssertionError, match=r"cycle-overdue began .* was seen None"):
            month.run()
    finally:
        month.close()
