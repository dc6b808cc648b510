"""The served description of the interface holds, whatever is sent."""

from __future__ import annotations

import os

import pytest
import schemathesis
from hypothesis import HealthCheck, assume, given, settings
from schemathesis import GenerationMode

from tests.faces.daemon import Daemon

# In all; `TRUEUP_API_CASES=10000` is the long version.
CASES = int(os.environ.get("TRUEUP_API_CASES", "300"))
OPERATIONS = [
    ("POST", "/sync"),
    ("GET", "/runs"),
    ("GET", "/runs/{run}"),
    ("GET", "/plan"),
    ("GET", "/findings"),
    ("GET", "/findings/closed"),
    ("GET", "/holds"),
    ("POST", "/holds/{digest}/{verdict}"),
    ("GET", "/kept"),
    ("POST", "/lines/{line}/{verb}"),
    ("POST", "/undo"),
    ("GET", "/ledger"),
    ("GET", "/ledger/{gap}"),
    ("POST", "/ledger/{gap}/decision"),
    ("GET", "/explain"),
    ("GET", "/report"),
    ("GET", "/evidence"),
    ("GET", "/journal"),
    ("GET", "/status"),
    ("GET", "/metrics"),
    ("GET", "/livez"),
    ("GET", "/readyz"),
]


@pytest.fixture(scope="module")
def description(daemon: Daemon) -> schemathesis.BaseSchema:
    headers = {"Authorization": f"Bearer {daemon.token}"}
    # Otherwise too large a body (413) would not count as refused.
    config = schemathesis.Config.from_dict({"checks": {"negative_data_rejection": {"expected-statuses": ["4XX"]}}})
    return schemathesis.openapi.from_url(f"{daemon.server.url}/openapi.json", config=config, headers=headers)


def arrives(value: object) -> bool:
    """Whether a parameter leaves a trace in an address: an empty list does not, and cannot be refused."""
    parts = value.values() if isinstance(value, dict) else value
    return any(map(arrives, parts)) if isinstance(value, (dict, list)) else True


def test_every_operation_is_described(daemon: Daemon) -> None:
    """The description names these and no other."""
    paths = daemon.get("/openapi.json")["paths"]
    named = {(method.upper(), path) for path, methods in paths.items() for method in methods}

    assert named == set(OPERATIONS)


@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_answers_are_as_described(daemon: Daemon, description: schemathesis.BaseSchema, method: str, path: str) -> None:
    """No 5xx; every status, type and body is one that the description names; nothing works without the token.

    What fits the description is taken, and what does not is refused.
    """
    operation = description[path][method]
    fitting, unfitting = map(operation.as_strategy, (GenerationMode.POSITIVE, GenerationMode.NEGATIVE))

    @given(case=fitting | unfitting)
    @settings(max_examples=-(-CASES // len(OPERATIONS)), suppress_health_check=list(HealthCheck))
    def answered_as_described(case: schemathesis.Case) -> None:
        assume(all(map(arrives, case.query.values())))
        case.call_and_validate(headers={"Authorization": f"Bearer {daemon.token}"})

    answered_as_described()
