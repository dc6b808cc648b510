"""Reads of one vendor's API: the credential on each request, and what a refusal means in a sentence.

For the APIs whose whole protocol is "GET a list, page by page"; Graph and ConnectWise have manners of their own.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

import msgspec
from msgspec.json import Decoder

from agent.errors import Absent, AccessDenied, CredentialsRejected, Incomplete, ReadFailed, Unreachable
from agent.outgoing.messages import Answer
from agent.outgoing.wire import PASSING, Outgoing
from agent.ports import Clock

T = TypeVar("T")

_SECOND = 1_000_000_000
_RENEW = 300 * _SECOND  # what a token must still be good for
LATER = "Nothing to do unless it lasts: the next cycle tries again."


class Grant(msgspec.Struct):
    """What a token endpoint answers; a lifetime that is not told is taken for an hour."""

    access_token: str
    expires_in: int = 3600


_GRANT = Decoder(Grant)


class Bearer:
    """An access token for all threads: asked for when first needed, anew before it ends or once it was refused."""

    def __init__(self, ask: Callable[[], Answer], clock: Clock, name: str) -> None:
        self._ask, self._clock, self._name = ask, clock, name
        self._lock = threading.Lock()
        self._text, self._until = "", 0

    def __call__(self, refused: str = "") -> str:
        """The header's value. `refused` is the value that the vendor did not take; never that one again."""
        with self._lock:
            if not self._text or self._text == refused or self._clock.monotonic() > self._until - _RENEW:
                self._renew()
            return self._text

    def _renew(self) -> None:
        asked, answer = self._clock.monotonic(), self._ask()
        if answer.status in (400, 401, 403):
            remedy = "Check id and secret in agent.toml, and that the credential was not revoked there."
            raise CredentialsRejected(f"{self._name} refuses the credential ({answer.status}).", remedy)
        if not answer.ok:
            raise Incomplete(f"{self._name} gave no token: it answered {answer.status}.", LATER)
        grant = decoded(_GRANT, answer.body, f"{self._name}'s token")
        self._text, self._until = f"Bearer {grant.access_token}", asked + grant.expires_in * _SECOND


def fixed(value: Callable[[], str]) -> Callable[[str], str]:
    """A credential that does not change; read anew for each request, since its file may."""
    return lambda refused: value()


@dataclass(frozen=True, slots=True)
class Vendor:
    """`name` is what people call it. `credential` gives the value of `header` (none where it is empty), or another than
    the refused one."""

    name: str
    wire: Outgoing
    credential: Callable[[str], str]
    header: str = "Authorization"

    def read(self, path: str, decoder: Decoder[T], params: Mapping[str, str] | None = None) -> T:
        """One answer, whole and in its shape, or `ReadFailed`. `path` may be an address on the same origin."""
        shown = self.credential("")
        answer = self._get(path, shown, params)
        if answer.status == 401 and (other := self.credential(shown)) != shown:
            answer = self._get(path, other, params)
        if not answer.ok:
            raise self._refusal(answer.status, path)
        return decoded(decoder, answer.body, f"{self.name}'s answer")

    def _get(self, path: str, shown: str, params: Mapping[str, str] | None) -> Answer:
        return self.wire.read("GET", path, headers={self.header: shown} if shown else {}, params=params)

    def _refusal(self, status: int, path: str) -> ReadFailed:
        if status == 401:
            remedy = "Check id and secret in agent.toml, and that the credential was not revoked there."
            return CredentialsRejected(f"{self.name} refuses the credential (401).", remedy)
        if status == 403:
            return AccessDenied(f"{self.name} refuses the read (403).", "Give the credential the right to read.")
        if status == 404:
            return Absent(f"{self.name} does not know what was asked for (404).", "Correct its id.")
        if status in PASSING:
            return Unreachable(f"{self.name} answered {status}.", LATER)
        return Incomplete(f"{self.name} answered {status}.", "If it stays, report it.")


def decoded(decoder: Decoder[T], body: bytes, what: str) -> T:
    """Raises `Incomplete` where the body is not of the shape that it should have."""
    try:
        return decoder.decode(body)
    except msgspec.MsgspecError as error:
        raise Incomplete(f"{what} is not understood: {error}", LATER) from None
