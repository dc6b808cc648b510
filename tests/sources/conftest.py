"""Contoso with its licences; whatever a test makes the source say must be what Microsoft publishes."""

from collections.abc import Iterator

import pytest

from agent.simulators.microsoft import Tenant
from tests.sources.office import Office


@pytest.fixture
def office() -> Iterator[Office]:
    """12 Business Premium and 3 E3, and nobody who holds them yet."""
    office = Office()
    office.tenant.add_subscription("SPB", 12)
    office.tenant.add_subscription("SPE_E3", 3)
    yield office
    office.assert_published()


@pytest.fixture
def contoso(office: Office) -> Tenant:
    return office.tenant
