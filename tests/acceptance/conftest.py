"""Installations for the tests, and what must hold for each of them whatever the test does to it."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.acceptance.site import Msp, msp

Install = Callable[..., Msp]


@pytest.fixture
def install(tmp_path: Path) -> Iterator[Install]:
    """Makes an installation (`companies`, `mode`). Afterwards nobody saw a secret of it, nor a traceback."""
    made: list[Msp] = []
    with ExitStack() as stack:

        def installed(companies: int = 1, mode: str = "auto") -> Msp:
            made.append(stack.enter_context(msp(tmp_path / str(len(made)), companies, mode)))
            return made[-1]

        yield installed
    for one in made:
        assert one.leaks() == []
        assert "Traceback" not in one.said()
