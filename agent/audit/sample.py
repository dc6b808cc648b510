"""The shipped example: an invented MSP's exports for November 2026, with differences planted in them."""

from __future__ import annotations

from datetime import date
from importlib import resources
from pathlib import Path

from agent.audit.files import Given
from agent.domain.reconciliation import Leg

SAMPLE_DAY = date(2026, 11, 15)


def sample() -> tuple[Given, ...]:
    """One file of every kind: additions, subscriptions, counts, one tenant's users, a distributor's invoice."""
    # Real files beside the code: flit unpacks its wheels, so that a path to them exists wherever this is installed.
    folder = Path(str(resources.files("agent").joinpath("data", "audit-sample")))
    return (
        Given(Leg.BILLED, folder / "connectwise-additions.csv"),
        Given(Leg.PURCHASED, folder / "subscriptions.csv"),
        Given(Leg.ASSIGNED, folder / "in-use.csv"),
        Given(Leg.ASSIGNED, folder / "active-users.csv", "Fennimore & Osei"),
        Given(Leg.INVOICED, folder / "distributor-invoice.csv"),
    )
