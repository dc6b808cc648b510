"""One running daemon for all tests of the local HTTP interface."""

from collections.abc import Iterator

import pytest

from tests.faces.daemon import Daemon, running


@pytest.fixture(scope="package")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    with running(tmp_path_factory.mktemp("daemon")) as made:
        yield made
