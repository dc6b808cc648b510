"""Access tokens: parseable like Microsoft's, but unsigned, for nobody outside the simulator trusts them."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from typing import Any

GRAPH_ID = "00000003-0000-0000-c000-000000000000"

# One per cloud (Microsoft: reference 5.3); a token is good for the cloud it was asked for.
GRAPHS = frozenset(
    {
        "https://graph.microsoft.com",
        "https://graph.microsoft.us",
        "https://dod-graph.microsoft.us",
        "https://microsoftgraph.chinacloudapi.cn",
    }
)

PARTNER_CENTER = "https://api.partnercenter.microsoft.com"

_CLAIMS = {"aud", "appid", "exp", "iat", "roles", "tid"}
_SIGNATURE = base64.urlsafe_b64encode(b"simulated").decode()


def write(claims: Mapping[str, object]) -> str:
    return f"{_encode({'typ': 'JWT', 'alg': 'none'})}.{_encode(claims)}.{_SIGNATURE}"


def segments(token: str) -> tuple[dict[str, Any], dict[str, Any], bytes]:
    """Header, claims and signature of any JWT; ValueError where it is none."""
    header, claims, signature = token.split(".")
    return _object(header), _object(claims), decode(signature)


def read(token: str) -> dict[str, Any] | None:
    """The claims of a token that `write` made; None for anything else."""
    try:
        header, claims, _ = segments(token)
    except ValueError:
        return None
    ours = header.get("alg") == "none" and claims.keys() >= _CLAIMS
    return claims if ours else None


def decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _object(segment: str) -> dict[str, Any]:
    try:
        value = json.loads(decode(segment))
    except (binascii.Error, UnicodeDecodeError) as error:
        raise ValueError(f"no base64url: {segment}") from error
    if not isinstance(value, dict):
        raise ValueError("a segment of a JWT is an object")
    return value


def _encode(value: Mapping[str, object]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value, separators=(",", ":")).encode()).decode().rstrip("=")
