"""One company of the simulated ConnectWise PSA, and the check of all that was said."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from agent.simulators.connectwise import ConnectWise
from agent.simulators.wire import SimClock
from tests.published.checker import assert_log_published
from tests.simulators.caller import CONTOSO, MONTHLY, Caller


@pytest.fixture
def psa() -> Iterator[ConnectWise]:
    """One company with a monthly agreement that prorates, March invoiced. All that is said is published."""
    psa = ConnectWise(SimClock(datetime(2026, 3, 17, 9, tzinfo=UTC)))
    psa.add_company("Contoso Ltd", id=CONTOSO, identifier="Contoso")
    psa.add_agreement(CONTOSO, "Microsoft 365", id=MONTHLY, bills_from="2026-01-01", next_invoice="2026-04-01")
    psa.add_product("M365-BP", id=4021, price="22.00", cost="17.60", description="Business Premium")
    psa.add_product("BUNDLE", price="99.00", cost="1.00", product_class="Bundle")
    yield psa
    assert_log_published(psa, paths="/apis/3.0/(?!nowhere)")


@pytest.fixture
def api(psa: ConnectWise) -> Caller:
    return Caller(psa)


@pytest.fixture
def line(psa: ConnectWise) -> int:
    return psa.add_addition(MONTHLY, "M365-BP", 10, effective="2026-01-01", marker="lx1-base")


@pytest.fixture
def sixty(psa: ConnectWise) -> list[int]:
    return [
        psa.add_addition(MONTHLY, "M365-BP", number, effective="2026-01-01", marker=f"line {number:02}")
        for number in range(1, 61)
    ]
