"""Why Microsoft gives no token: whose problem it is, and what a person can do (Microsoft: reference 6.4).

Microsoft asks callers to act on `error`, for the AADSTS numbers may change: the class of an unknown number follows
from `error`, a known number makes the sentence better and decides where `error` says too little.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from agent.errors import AccessDenied, CredentialsRejected, ReadFailed, Unreachable


@dataclass(frozen=True, slots=True)
class _Reason:
    kind: type[ReadFailed]
    sentence: str
    remedy: str


_NO_CONSENT = _Reason(
    AccessDenied,
    "the application has no consent in this tenant",
    "Let an administrator of the tenant open {consent} and accept; the next cycle reads it again.",
)
_NO_TENANT = _Reason(
    AccessDenied,
    "Microsoft knows no such tenant",
    "Check the tenant's id in the mapping file, and the cloud in agent.toml; unmap the tenant if it is gone.",
)
_NO_GRAPH = _Reason(
    AccessDenied,
    "Microsoft Graph is not available to the application in this tenant",
    "Check that agent.toml names the tenant's own cloud, then renew the consent: {consent}",
)
_BLOCKED = _Reason(
    AccessDenied,
    "a Conditional Access policy of the tenant blocks the application",
    "Let an administrator of the tenant exclude the application from that policy for workload identities.",
)
_SECRET = _Reason(
    CredentialsRejected,
    "the client secret is wrong or has expired",
    "Create a new secret in the app registration and store its value where agent.toml says.",
)
_CERTIFICATE = _Reason(
    CredentialsRejected,
    "the certificate or its signature is not accepted",
    "Upload the certificate to the app registration; a new one may take some minutes to be known.",
)
_CLOCK = _Reason(
    CredentialsRejected,
    "the signed proof is not within its time",
    "Correct this machine's clock: it differs from Microsoft's by minutes.",
)
_LOOP = _Reason(
    CredentialsRejected,
    "the application asks for tokens too often",
    "Wait an hour; then see whether another program uses the same app registration.",
)
_REQUEST = _Reason(
    CredentialsRejected,
    "the request for a token is not understood",
    "Check microsoft.client-id and the cloud in agent.toml.",
)
_CREDENTIAL = _Reason(
    CredentialsRejected,
    "the application's own credential is refused",
    "Check microsoft.client-id and the certificate or secret in agent.toml against the app registration.",
)
_PASSING = _Reason(
    Unreachable,
    "the token service is busy",
    "Nothing to do unless it lasts: the next cycle tries again.",
)
_REFUSED = _Reason(
    AccessDenied,
    "Microsoft refuses the application in this tenant",
    "See what the code means, then renew the consent: {consent}",
)

_BY_CODE: Mapping[int, _Reason] = {
    **dict.fromkeys((700016, 700011, 7000112, 65001, 90099, 90094, 650056, 65005), _NO_CONSENT),
    **dict.fromkeys((90002, 900023, 5000224), _NO_TENANT),
    **dict.fromkeys((500011, 650052, 650057), _NO_GRAPH),
    **dict.fromkeys((53000, 53001, 53002, 53003, 530032, 50131), _BLOCKED),
    **dict.fromkeys((7000215, 7000222, 7000218, 7000216), _SECRET),
    **dict.fromkeys((700027, 700021, 700023), _CERTIFICATE),
    700024: _CLOCK,
    50196: _LOOP,
    **dict.fromkeys((70011, 700022, 9002313, 900144, 90014, 1002012), _REQUEST),
    **dict.fromkeys((70002, 530034), _CREDENTIAL),
    **dict.fromkeys((90055, 50033, 50087, 90006, 90012, 90024, 90033, 90090), _PASSING),
}
_BY_ERROR: Mapping[str, _Reason] = {
    "invalid_client": _CREDENTIAL,
    "invalid_scope": _REQUEST,
    "unsupported_grant_type": _REQUEST,
    "temporarily_unavailable": _PASSING,
    "server_error": _PASSING,
}


def refusal(body: Mapping[str, Any], consent: str) -> ReadFailed:
    """The error for an OAuth error body. An `error` that nobody knows counts against this tenant alone."""
    error, codes = str(body.get("error", "")), list(_numbers(body.get("error_codes")))
    reason = next((_BY_CODE[code] for code in codes if code in _BY_CODE), None)
    reason = reason or _BY_ERROR.get(error, _REFUSED)
    named = ", ".join(f"AADSTS{code}" for code in codes) or error or "no reason given"
    return reason.kind(f"No token from Microsoft: {reason.sentence} ({named}).", reason.remedy.format(consent=consent))


def _numbers(codes: object) -> Iterable[int]:
    return (code for code in codes if isinstance(code, int)) if isinstance(codes, list) else ()
