"""Reads of Graph in the name of a tenant: one batch, further pages, and what a refusal means (Microsoft: 3-5)."""

from __future__ import annotations

import base64
import binascii
import re
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import msgspec
from msgspec import Raw, Struct

from agent.errors import Absent, AccessDenied, CredentialsRejected, Incomplete, ReadFailed, Unreachable
from agent.outgoing import PASSING, Answer, Outgoing
from agent.sources.microsoft.reads import Read
from agent.sources.microsoft.records import Page
from agent.sources.microsoft.tokens import Token, Tokens

T = TypeVar("T")

PAGES = 500  # of up to 999 rows; a longer chain of links has no end
PATIENCE = 90.0  # seconds that a throttled batch item may ask us to wait
BATCH = 20  # requests
_CLAIMS = re.compile(r'claims="([^"]+)"')
_LATER = "Nothing to do unless it lasts: the next cycle tries again."


class _Item(Struct):
    """One answer within a batch; the body stays bytes until it is known what it should be."""

    id: str
    status: int
    headers: dict[str, str] | None = None
    body: Raw = Raw(b"null")


class _Batch(Struct):
    responses: list[_Item]


class _Error(Struct):
    code: str = ""


class _Refused(Struct):
    error: _Error


_BATCH = msgspec.json.Decoder(_Batch)
_REFUSED = msgspec.json.Decoder(_Refused)


class Graph:
    """`outgoing` goes to Graph's versioned root. A tenant is its lower-cased id."""

    def __init__(self, outgoing: Outgoing, tokens: Tokens, sleep: Callable[[float], None] = time.sleep) -> None:
        self._outgoing = outgoing
        self._tokens = tokens
        self._sleep = sleep

    def first_pages(
        self, tenant: str, reads: Sequence[Read[Any]], extras: Sequence[Read[Any]] = ()
    ) -> dict[str, bytes | ReadFailed]:
        """The first page of each read, by its id, in one request; in more where there are more than 20 of them.

        What the batch refuses for the moment is asked for again by itself, once the longest wait that it names is
        over. Of `reads` there is no partial result: what stays refused is raised. An extra that stays refused has its
        error in place of a page.
        """
        riding = BATCH - len(reads)
        answered = self._batch(tenant, [*reads, *extras[:riding]])
        pages: dict[str, bytes | ReadFailed] = dict(self._settled(tenant, reads, answered))
        pages |= self._tried(tenant, extras[:riding], answered)
        for first in range(riding, len(extras), BATCH):
            asked = extras[first : first + BATCH]
            try:
                pages |= self._tried(tenant, asked, self._batch(tenant, asked))
            except CredentialsRejected:
                raise
            except ReadFailed as error:
                pages |= dict.fromkeys((extra.id for extra in asked), error)
        return pages

    def _batch(self, tenant: str, reads: Sequence[Read[Any]]) -> dict[str, _Item]:
        requests = [{"id": r.id, "method": "GET", "url": r.path, "headers": dict(r.headers)} for r in reads]
        return self._matched(self._read(tenant, "POST", "/$batch", json={"requests": requests}), reads)

    def _settled(self, tenant: str, reads: Sequence[Read[Any]], answered: Mapping[str, _Item]) -> dict[str, bytes]:
        later = [read for read in reads if (item := answered.get(read.id)) is None or item.status in _AGAIN]
        for read in reads:
            if read not in later and answered[read.id].status != 200:
                raise self._refusal(tenant, read, answered[read.id].status, answered[read.id].body)
        if later:
            self._wait(max(_pause(answered.get(read.id)) for read in later))
        again = {read.id: self._get(tenant, read, read.path) for read in later}
        return {read.id: again.get(read.id) or answered[read.id].body for read in reads}

    def _tried(
        self, tenant: str, extras: Sequence[Read[Any]], answered: Mapping[str, _Item]
    ) -> dict[str, bytes | ReadFailed]:
        found: dict[str, bytes | ReadFailed] = {}
        for extra in extras:
            try:
                found |= self._settled(tenant, [extra], answered)
            except CredentialsRejected:
                raise
            except ReadFailed as error:
                found[extra.id] = error
        return found

    def each_page(
        self, tenant: str, read: Read[T], take: Callable[[Page[T]], None], first: bytes | None = None
    ) -> None:
        """Give every page of a collection to `take`. Pages are large: while one is awaited, none is held."""
        link = self._taken(read, first or self._get(tenant, read, read.path), take)
        del first
        followed: set[str] = set()
        while link is not None:
            if link in followed or len(followed) == PAGES:
                raise Incomplete(f"Graph's list of {read.id} does not end.", _LATER)
            followed.add(link)
            link = self._taken(read, self._get(tenant, read, link), take)

    def _matched(self, answer: Answer, reads: Sequence[Read[Any]]) -> dict[str, _Item]:
        try:
            items = _BATCH.decode(answer.body).responses
        except msgspec.MsgspecError as error:
            raise Incomplete(f"Graph's answer to a batch is not understood: {error}", _LATER) from None
        answered = {item.id: item for item in items}
        if len(answered) != len(items) or not answered.keys() <= {read.id for read in reads}:
            raise Incomplete("Graph's answer to a batch does not fit the questions.", _LATER)
        return answered

    def _taken(self, read: Read[T], body: bytes, take: Callable[[Page[T]], None]) -> str | None:
        try:
            page = read.decoder.decode(body)
        except msgspec.MsgspecError as error:
            raise Incomplete(f"Graph's list of {read.id} is not understood: {error}", _LATER) from None
        take(page)
        return page.next_link

    def _get(self, tenant: str, read: Read[Any], path_or_url: str) -> bytes:
        return self._read(tenant, "GET", path_or_url, read=read, headers=read.headers).body

    def _read(
        self,
        tenant: str,
        method: str,
        path_or_url: str,
        *,
        read: Read[Any] | None = None,
        headers: Mapping[str, str] | None = None,
        json: object = None,
    ) -> Answer:
        def send(token: Token) -> Answer:
            shown = {"Authorization": f"Bearer {token.text}", **(headers or {})}
            return self._outgoing.read(method, path_or_url, headers=shown, json=json)

        token = self._tokens.token(tenant)
        answer = send(token)
        if answer.status == 401:
            # Revoked before its time. The challenge may name what the next token must carry.
            answer = send(self._tokens.token(tenant, instead_of=token, claims=_claims(answer)))
        if not answer.ok:
            raise self._refusal(tenant, read, answer.status, answer.body)
        return answer

    def _wait(self, seconds: float) -> None:
        if seconds > PATIENCE:
            raise Unreachable("Graph asks for fewer requests (429).", _LATER, round(seconds))
        self._sleep(seconds)

    def _refusal(self, tenant: str, read: Read[Any] | None, status: int, body: bytes) -> ReadFailed:
        code, what = _code(body), f"the list of {read.id}" if read else "the application"
        link = self._tokens.consent_link(tenant)
        if status == 401:
            return AccessDenied(f"Graph does not accept the tenant's token ({code}).", f"Renew the consent: {link}")
        if status == 403 and read:
            return AccessDenied(
                f"Graph refuses {what}: the permission {read.permission} is missing in this tenant ({code}).",
                f"Add {read.permission} to the app registration, then let an administrator of the tenant open {link}",
            )
        if status == 403:
            return AccessDenied(f"Graph refuses {what} in this tenant ({code}).", f"Renew the consent: {link}")
        if status == 404 and read:
            return Absent(f"{what[0].upper()}{what[1:]} does not exist in this tenant ({code}).", "Correct its id.")
        if status in PASSING:
            return Unreachable(f"Graph did not give {what}: it answered {status} ({code}).", _LATER)
        return Incomplete(
            f"Graph did not give {what}: it answered {status} ({code}).", "If it stays, report it with the code."
        )


# A batch has limits of size and time that the same read alone does not meet.
_AGAIN = PASSING | {413, 424}


def _pause(item: _Item | None) -> float:
    """Seconds before an item may be asked for again; one second where nobody says."""
    fields = {name.lower(): value for name, value in ((item and item.headers) or {}).items()}
    named = fields.get("retry-after", "")
    return float(named) if named.isdigit() else 1.0


def _claims(answer: Answer) -> str | None:
    found = _CLAIMS.search(answer.headers.get("www-authenticate", ""))
    try:
        return base64.b64decode(found[1] + "=" * (-len(found[1]) % 4)).decode() if found else None
    except (binascii.Error, UnicodeDecodeError):
        return None


def _code(body: bytes) -> str:
    """Graph's short name of the trouble; its sentences may quote what was asked and are left out."""
    try:
        code = _REFUSED.decode(body).error.code
    except msgspec.MsgspecError:
        code = ""
    return code if re.fullmatch(r"[\w.]{1,80}", code) else "no code"
