"""What is kept, and for how long."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from agent.domain.counts import Account
from agent.engine.housekeeping import Housekeeping
from tests.engine.here import AGREEMENT, COMPANY, PRODUCTS, SKUS, TENANT
from tests.engine.rig import Rig

EVER = datetime(2000, 1, 1, tzinfo=UTC)


def test_earlier_versions_are_kept_as_long_as_history_says(tmp_path: Path) -> None:
    """Read with 10 and then with 12 seats: after 30 days both are known, after 400 the present alone."""
    rig = Rig(tmp_path)
    rig.psa.add_addition(AGREEMENT, PRODUCTS[0], 10, effective=date(2025, 6, 1))
    store, cycle = rig.cycle.store, rig.cycle
    keep_house = Housekeeping(rig.source, cycle.psa, store, rig.clock, rig.mappings, timedelta(days=365))
    rig.run()
    rig.pass_time(3600)
    rig.source.seats[SKUS[0]] = 12
    rig.run()

    def known() -> list[int]:
        return [len(store.snapshots(Account("microsoft", TENANT), EVER)), len(store.standings(COMPANY, EVER))]

    rig.pass_time(30 * 86_400)
    keep_house()
    assert min(known()) >= 2
    rig.pass_time(370 * 86_400)
    keep_house()
    assert known() == [1, 1]
