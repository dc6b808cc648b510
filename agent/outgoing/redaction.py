"""What we sent as a secret, taken out of what comes back: proxies and debug pages quote requests in their refusals.

A refusal's words go into findings, the journal and the log, where they would stay for years.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping
from urllib.parse import quote, quote_plus

_HEADERS = {"authorization", "proxy-authorization"}
_FIELDS = {"client_secret", "client_assertion"}  # of a request for a token
_SHORTEST = 8  # characters; what is shorter is no secret, and would tear holes into ordinary words
_INSTEAD = b"[secret]"


def without_secrets(body: bytes, headers: Mapping[str, str], form: Mapping[str, str]) -> bytes:
    """The body of an answer without the credentials of the request, in each spelling that a server may choose."""
    given = [value for name, value in headers.items() if name.lower() in _HEADERS]
    found = {secret for value in given for secret in _credentials(value)}
    found |= {value for name, value in form.items() if name in _FIELDS}
    # The longest first: a shorter one may be part of it.
    for spelling in sorted({s for secret in found for s in _spellings(secret)}, key=len, reverse=True):
        body = body.replace(spelling.encode(), _INSTEAD)
    return body


def _credentials(authorization: str) -> Iterator[str]:
    scheme, _, given = authorization.partition(" ")
    yield given
    if scheme.lower() == "basic":
        # The scheme hides nothing: some servers log and quote it decoded.
        yield base64.b64decode(given).decode("utf-8", "replace").partition(":")[2]


def _spellings(secret: str) -> Iterator[str]:
    if len(secret) >= _SHORTEST:
        yield from (secret, quote(secret, safe=""), quote_plus(secret), json.dumps(secret)[1:-1])
