"""The sign of life: one request to the address, and no word of it where it fails."""

from __future__ import annotations

import pytest
import responses
from responses.matchers import query_param_matcher

from agent.errors import NotDelivered
from agent.notices import Heartbeat
from agent.outgoing import Outgoing, Timeouts

CANARY = "https://hc.example/ping/canary-7f3a"


def beat(address: str) -> None:
    Heartbeat(
        lambda: address, lambda base: Outgoing(base_url=base, timeouts=Timeouts(1, 1), sleep=lambda _: None, budget=5)
    )()


@responses.activate
def test_address_is_asked_for() -> None:
    """Path and query as they were given."""
    asked = responses.get(CANARY, match=[query_param_matcher({"rid": "1"})])
    beat(f"{CANARY}?rid=1")

    assert asked.call_count == 1


@responses.activate
@pytest.mark.parametrize("status", [404, 500, 302])
def test_refusal_names_the_host_alone(status: int) -> None:
    """The path is what the service knows us by."""
    responses.get(CANARY, status=status, headers={"Location": "https://evil.example/"})
    with pytest.raises(NotDelivered, match=r"hc\.example") as caught:
        beat(CANARY)
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize(
    "address", ["http://hc.example/canary", "canary", "file:///etc/canary", "https://u:canary@h/x"]
)
def test_other_addresses_are_refused(address: str) -> None:
    """In the clear, of another kind, or with a password."""
    with pytest.raises(NotDelivered) as caught:
        beat(address)
    assert "canary" not in str(caught.value)
