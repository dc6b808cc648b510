"""docs/http-api.md knows what the interface knows."""

from __future__ import annotations

import re

import pytest

from tests.faces.daemon import Daemon
from tests.faces.test_api_described import OPERATIONS
from tests.faces.test_api_metrics import scraped
from tests.house.source import REPOSITORY, modules

PAGE = (REPOSITORY / "docs" / "http-api.md").read_text()
# A refusal is made with its status and its code; the framework's and the store's stand in tables of two.
CODE = re.compile(r'(?:Refused|_answer)\(\s*\d{3}, "([a-z-]+)"|\d{3}: \("([a-z-]+)"|"(store-failed|unable)"')


@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_operation_is_explained(method: str, path: str) -> None:
    """Each has its row in the table of requests."""
    assert re.search(rf"^\| `{method} {re.escape(path)}[?`]", PAGE, re.M)


def test_every_code_is_explained() -> None:
    """Callers decide by codes; a row of the table of refusals says what each means."""
    source = "".join(module.text for module in modules("agent/faces/api"))
    known = {next(filter(None, found)) for found in CODE.findall(source)}
    told = set(re.findall(r"`([a-z-]+)`", "".join(re.findall(r"^\| \d{3} \|(.*?\|)", PAGE, re.M))))

    assert known == told


def test_every_metric_is_explained(daemon: Daemon) -> None:
    """People write their alerts by this table."""
    told = set(re.findall(r"^\| `(trueup_\w+)", PAGE, re.M))

    assert told == {name for name in scraped(daemon) if name.startswith("trueup_")}
