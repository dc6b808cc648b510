"""What comes back never holds what we sent as a secret."""

from __future__ import annotations

import base64

import pytest

from agent.outgoing.redaction import without_secrets

KEY = 'canary-with"quotes/and+signs~'
BASIC = base64.b64encode(f"msp+public:{KEY}".encode()).decode()


@pytest.mark.parametrize(
    "quoted",
    [
        f"Authorization: Basic {BASIC}",
        f"login failed for msp+public with {KEY}",
        'canary-with\\"quotes/and+signs~ is no key',
        "/token?key=canary-with%22quotes%2Fand%2Bsigns~",
        f"{KEY}{KEY} {BASIC}",
    ],
)
def test_credentials_are_taken_out(quoted: str) -> None:
    """In each spelling: as it was sent, decoded, within JSON, within an address, and more than once."""
    left = without_secrets(f"no: {quoted}!".encode(), {"Authorization": f"Basic {BASIC}"}, {}).decode()

    assert left.startswith("no: ")
    assert left.endswith("!")
    assert "[secret]" in left
    assert not [part for part in ("canary", BASIC) if part in left]


def test_the_form_of_a_token_request_is_taken_out() -> None:
    """Secret and assertion; who asks and for what may be told."""
    form = {"client_id": "11111111-1111", "client_secret": "canary-of-the-app", "client_assertion": "head.claims.sign"}
    body = without_secrets("&".join(f"{k}={v}" for k, v in form.items()).encode(), {}, form)

    assert body == b"client_id=11111111-1111&client_secret=[secret]&client_assertion=[secret]"


def test_other_words_stay() -> None:
    """A token of three letters would tear holes into a sentence; and most answers hold no secret at all."""
    said = b"the thesis of an author"

    assert without_secrets(said, {"Authorization": "Bearer the", "clientId": "author"}, {}) == said
