"""One simulated site whose every exchange with the adapter is held to the published description."""

from collections.abc import Iterator

import pytest

from agent.psa.connectwise import ConnectWise
from agent.simulators import connectwise as simulated
from tests.psa.connectwise.desk import Desk, adapter, office
from tests.published.checker import assert_log_published


@pytest.fixture
def site() -> Iterator[simulated.ConnectWise]:
    made = office()
    yield made
    assert_log_published(made, paths="/apis/3.0/")


@pytest.fixture
def psa(site: simulated.ConnectWise) -> ConnectWise:
    return adapter(site)


@pytest.fixture
def desk(site: simulated.ConnectWise, psa: ConnectWise) -> Desk:
    return Desk(site, psa)
