"""Why a request had no answer, whether it can have had an effect, and what to tell a person."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from dataclasses import dataclass

import requests
import urllib3.exceptions

# TLS faults that only a handshake has, so that no request can have left; any other may have struck the answer.
_HANDSHAKE = frozenset(
    {
        "CA_MD_TOO_WEAK",
        "CERTIFICATE_VERIFY_FAILED",
        "DH_KEY_TOO_SMALL",
        "NO_SHARED_CIPHER",
        "SSLV3_ALERT_HANDSHAKE_FAILURE",
        "TLSV1_ALERT_PROTOCOL_VERSION",
        "UNSUPPORTED_PROTOCOL",
        "WRONG_VERSION_NUMBER",
    }
)
LATER = "Nothing to do unless it lasts: the next cycle tries again."


@dataclass(frozen=True, slots=True)
class Trouble:
    """`sent` is False only where surely no byte of the request arrived; `detail` continues "it had no answer: "."""

    detail: str
    remedy: str
    sent: bool = True
    lasting: bool = False  # the same request would meet it again
    retry_after: float | None = None
    status: int | None = None


class Failed(Exception):
    def __init__(self, trouble: Trouble) -> None:
        super().__init__(trouble.detail)
        self.trouble = trouble


def throttled(seconds: float) -> Trouble:
    remedy = "Nothing to do unless it lasts; then see what else uses the same credential."
    return Trouble("it asks for fewer requests (429)", remedy, sent=False, retry_after=seconds, status=429)


# In this order: each of the later kinds is a base class of one before it. In none of them a connection stood.
_UNSENT: tuple[tuple[tuple[type[Exception], ...], str, str], ...] = (
    ((urllib3.exceptions.ProxyError,), "the proxy cannot be reached", "Check the proxy's address."),
    (
        (urllib3.exceptions.NameResolutionError,),
        "its name cannot be resolved",
        "Check the address and this machine's DNS.",
    ),
    (
        (urllib3.exceptions.NewConnectionError,),
        "nobody accepts connections there",
        "Check address, port and firewall.",
    ),
    (
        (urllib3.exceptions.ConnectTimeoutError, requests.ConnectTimeout),
        "the connection timed out",
        "Check address, port and firewall.",
    ),
)


def trouble(error: requests.RequestException) -> Trouble:
    """What the exception means. Its own text is left out: it quotes the whole address."""
    causes = list(_causes(error))
    if any(isinstance(cause, ssl.SSLError) and cause.reason in _HANDSHAKE for cause in causes):
        remedy = "Check the address and the certificate; a private CA is named by its file in agent.toml."
        return Trouble("no trusted TLS connection could be made", remedy, sent=False, lasting=True)
    for kinds, detail, remedy in _UNSENT:
        if any(isinstance(cause, kinds) for cause in causes):
            return Trouble(detail, remedy, sent=False)
    silent = isinstance(error, requests.Timeout)
    return Trouble("it kept silent until the timeout" if silent else "the connection broke before the answer", LATER)


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error and what it was raised for: requests and urllib3 keep that in args, reason or __cause__ by turns.

    Never __context__: it also holds what a caller happened to be handling, and somebody else's refused connection
    must not make this request count as unsent.
    """
    yield error
    for inner in {id(e): e for e in (*error.args, getattr(error, "reason", None), error.__cause__)}.values():
        if isinstance(inner, BaseException):
            yield from _causes(inner)
