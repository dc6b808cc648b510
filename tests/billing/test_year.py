"""A calendar year of billing events, for many seeds: what is invoiced is what the policy says, to the cent.

TRUEUP_YEARS walks more of them, from TRUEUP_YEAR on.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator

import pytest
import structlog

from tests.billing.walk import walk

YEARS = int(os.environ.get("TRUEUP_YEARS", "150"))
FIRST = int(os.environ.get("TRUEUP_YEAR", "0"))


@pytest.fixture(autouse=True, scope="module")
def _quiet() -> Iterator[None]:
    """Nobody reads the hundred thousand lines that the agent has to say about its years."""
    before = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    yield
    structlog.configure(**before)


@pytest.mark.parametrize("seed", range(FIRST, FIRST + YEARS))
def test_a_year(seed: int) -> None:
    """After every invoice the sum equals an independent count: day by day, or whole periods where nothing prorates."""
    walk(seed)
