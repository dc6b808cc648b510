"""Access tokens per tenant, by Microsoft's own library and our own bookkeeping (Microsoft: reference 6.2).

What the library leaves to us: it has no timeouts and no single flight; it raises though a valid token is cached, once
its early refresh fails; and its application object asks the network when it is built.
"""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msal

from agent.errors import AccessDenied, CredentialsRejected, Incomplete, ReadFailed, TrueupError, Unreachable
from agent.outgoing import Answer, Outgoing
from agent.ports import Clock
from agent.sources.microsoft.clouds import authority
from agent.sources.microsoft.credentials import ClientSecret, Credential, Signer
from agent.sources.microsoft.refusals import refusal

_SECOND = 1_000_000_000
RENEW = 600 * _SECOND  # what a token must still be good for, or it is renewed
LAST_USE = 60 * _SECOND  # what it must be good for while it cannot be renewed


@dataclass(frozen=True, slots=True)
class Token:
    """`expires` on the clock's monotonic scale. `roles`: the permissions that the tenant's consent gives."""

    text: str = field(repr=False)
    expires: int
    roles: frozenset[str]


@dataclass(slots=True)
class _Slot:
    """One tenant's place: its lock makes sure that many readers cost one request. `app` was made with `proof`."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    app: Any = None
    proof: str | Signer | None = field(default=None, repr=False)
    token: Token | None = None


class Tokens:
    """`login` goes to `login_url`; tokens are for `scope`. All methods are for all threads."""

    def __init__(self, client_id: str, credential: Credential, login: Outgoing, scope: str, clock: Clock) -> None:
        self._client_id = client_id
        self._credential = credential
        self._login = login
        self._authority = authority(login.base_url)
        self._scope = scope
        self._clock = clock
        self._slots: dict[str, _Slot] = {}
        self._loading = threading.Lock()
        self._proof: str | Signer | None = None

    def token(self, tenant: str, *, instead_of: Token | None = None, claims: str | None = None) -> Token:
        """A token of `tenant`, renewed in time; never `instead_of`, which Graph has refused, asking for `claims`.

        Raises `AccessDenied` (this tenant), `CredentialsRejected` (all of them) or `Unreachable`.
        """
        slot = self._slots.setdefault(tenant, _Slot())
        with slot.lock:
            held = slot.token if slot.token is not instead_of else None
            left = held.expires - self._clock.monotonic() if held else 0
            if held and left > RENEW:
                return held
            try:
                slot.token = self._acquire(slot, tenant, claims)
            except (Unreachable, Incomplete):
                if held and left > LAST_USE:
                    return held
                raise
            return slot.token

    def consent_link(self, tenant: str) -> str:
        return f"{self._authority}/{tenant}/adminconsent?client_id={self._client_id}"

    def proof(self) -> str | Signer:
        """The secret, or the loaded certificate; read when first needed, and anew once it has been refused."""
        with self._loading:
            if self._proof is None:
                self._proof = self._load()
            return self._proof

    def _load(self) -> str | Signer:
        try:
            if isinstance(self._credential, ClientSecret):
                return self._credential.text()
            return Signer(self._client_id, self._credential)
        except ReadFailed:
            raise
        except TrueupError as error:
            raise CredentialsRejected(str(error), error.remedy) from None

    def _acquire(self, slot: _Slot, tenant: str, claims: str | None) -> Token:
        asked, proof = self._clock.monotonic(), self.proof()
        try:
            if slot.proof is not proof:
                slot.app, slot.proof = self._application(tenant, proof), proof
            result = slot.app.acquire_token_for_client([self._scope], claims_challenge=claims)
        except (msal.exceptions.MsalServiceError, ValueError) as error:
            # ValueError is the library's word for whatever it does not like; its text may quote the whole answer.
            what = f"{self._login.host} gave an answer that is no token ({type(error).__name__})."
            raise Incomplete(what, "Check microsoft.login-url and the proxy, if there is one.") from None
        if "access_token" not in result:
            raise self._refused(slot, refusal(result, self.consent_link(tenant)))
        owner, token = _read(result, asked)
        if owner != tenant:
            raise AccessDenied(
                f"Microsoft gave a token for another tenant ({owner}), which is not used.",
                "Check the tenant's id in the mapping file, then what stands behind the login address.",
            )
        return token

    def _refused(self, slot: _Slot, error: ReadFailed) -> ReadFailed:
        """The error, after forgetting what a person may put right by the next time."""
        with self._loading:
            if isinstance(error, CredentialsRejected) and self._proof is slot.proof:
                self._proof = None
        # For a minute the library would repeat a refusal from memory, also once somebody has consented.
        slot.proof = None
        return error

    def _application(self, tenant: str, proof: str | Signer) -> Any:
        audience = f"{self._authority}/{tenant}/oauth2/v2.0/token"
        return msal.ConfidentialClientApplication(
            self._client_id,
            authority=f"{self._authority}/{tenant}",
            client_credential=proof
            if isinstance(proof, str)
            else {"client_assertion": lambda: proof.assertion(audience, self._clock.now())},
            instance_discovery=False,
            token_cache=_NoCache(),
            http_client=_LoginClient(self._login, self._authority, self.consent_link(tenant)),
        )


def _read(result: Mapping[str, Any], asked: int) -> tuple[str, Token]:
    """Whose token it is, and the token. It comes straight from the login, so its signature is not checked."""
    try:
        text = str(result["access_token"])
        payload = text.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        expires = asked + int(result["expires_in"]) * _SECOND
        return str(claims["tid"]).lower(), Token(text, expires, frozenset(map(str, claims.get("roles", ()))))
    except (LookupError, ValueError, TypeError, AttributeError):
        raise Incomplete("Microsoft gave a token that cannot be read, so whose it is remains unknown.") from None


class _NoCache(msal.TokenCache):  # type: ignore[misc]
    """Keeps nothing: the library would give its cached token back instead of renewing it when we ask."""

    def add(self, event: Mapping[str, Any], now: float | None = None) -> None:
        pass


@dataclass(frozen=True, slots=True)
class _Reply:
    """The shape in which the library wants an answer."""

    status_code: int
    text: str
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class _LoginClient:
    """The library's requests, sent our way. It speaks of `authority`; they go to the login's own base address."""

    login: Outgoing
    authority: str
    consent: str

    def get(self, url: str, headers: Mapping[str, str] | None = None, **_: object) -> _Reply:
        answer = self.login.read("GET", self._path(url), headers=headers)
        body = answer.json()
        # The library would hide what discovery said in a ValueError without a code.
        if not answer.ok:
            raise refusal(body, self.consent)
        return _reply(answer)

    def post(
        self, url: str, data: Mapping[str, str] | None = None, headers: Mapping[str, str] | None = None, **_: object
    ) -> _Reply:
        answer = self.login.read("POST", self._path(url), headers=headers, data=data)
        answer.json()
        return _reply(answer)

    def close(self) -> None:
        pass

    def _path(self, url: str) -> str:
        return url.removeprefix(self.authority)


def _reply(answer: Answer) -> _Reply:
    return _Reply(answer.status, answer.body.decode(), answer.headers)
