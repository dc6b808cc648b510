"""The sessions, and the two ways to use them: reads that are repeated, writes that are not."""

from __future__ import annotations

import math
import os
import threading
import time
import weakref
from collections.abc import Callable, Mapping
from http.cookiejar import DefaultCookiePolicy
from typing import Any, NoReturn
from urllib.parse import urlsplit

import requests
import structlog
import urllib3.exceptions
from requests.adapters import BaseAdapter, HTTPAdapter
from tenacity import RetryCallState, Retrying, retry_if_exception_type
from tenacity.wait import wait_exponential, wait_random

from agent import __version__
from agent.errors import Incomplete, Unreachable
from agent.outgoing.messages import Answer, Lost, Timeouts, retry_after
from agent.outgoing.offsets import Heard
from agent.outgoing.origins import checked_base, origin, proxies, split, trusted
from agent.outgoing.rate import Rate
from agent.outgoing.redaction import without_secrets
from agent.outgoing.troubles import LATER, Failed, Trouble, throttled, trouble

# 509 and 52x are how Graph's and ConnectWise's front doors say "later"; 408 is a proxy's word for it.
PASSING = frozenset({408, 429, 500, 502, 503, 504, 509, *range(520, 528), 530})
BODY_LIMIT = 64 * 1024 * 1024
STANDARD = Timeouts()
_CHUNK = 1 << 16
_BACKOFF = wait_exponential(multiplier=0.3, max=30) + wait_random(0, 0.3)


class Outgoing:
    """HTTP to one origin, for all threads: each has its own session, all share the rate.

    `base_url` is https (http only to a loopback address) and may end in a path, to which relative paths are added.
    Proxy and CA come from the arguments or, once, from the environment. `budget` is how many seconds a read may spend
    on waiting in all; `throttled_pause` how long a 429 without Retry-After pauses. `sleep` may raise to end a wait.
    `may_write` is asked right before a write leaves, after every wait. `heard` is told the headers of every answer.
    """

    def __init__(
        self,
        *,
        base_url: str,
        timeouts: Timeouts = STANDARD,
        ca_file: str | os.PathLike[str] | None = None,
        proxy: str | None = None,
        rate: Rate | None = None,
        headers: Mapping[str, str] | None = None,
        transport: Callable[[], BaseAdapter] | None = None,
        sleep: Callable[[float], None] = time.sleep,
        may_write: Callable[[], bool] = lambda: True,
        heard: Heard = lambda headers: None,
        log: Any = None,
        budget: float = 90.0,
        throttled_pause: float = 5.0,
    ) -> None:
        self.base_url = base_url.rstrip("/")
        self._base = checked_base(self.base_url)
        self.host = self._base.hostname or ""
        self._timeouts = timeouts
        self._proxies = proxies(self.base_url, self._base, proxy)
        self._verify = trusted(ca_file)
        self._rate = rate
        self._headers = {"User-Agent": f"trueup/{__version__}", "Accept": "application/json", **(headers or {})}
        self._transport = transport or _adapter
        self._sleep = sleep
        self._may_write = may_write
        self._heard = heard
        self._log = log if log is not None else structlog.get_logger("agent.outgoing")
        self._budget = budget
        self._throttled_pause = throttled_pause
        self._own = threading.local()
        # Weakly: a pool of threads that ends takes its sessions with it.
        self._sessions: weakref.WeakSet[requests.Session] = weakref.WeakSet()
        self._opening = threading.Lock()

    def read(
        self,
        method: str,
        path_or_url: str,
        *,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, str] | None = None,
        json: Any = None,
        data: Mapping[str, str] | None = None,
        attempts: int = 4,
    ) -> Answer:
        """Any answer but a passing trouble, which is waited out and in the end raised as `Unreachable`.

        Only for requests without effect. Raises `Incomplete` for an address outside this origin.
        """
        url = self.same_origin(path_or_url)
        content = {"headers": headers, "params": params, "json": json, "data": data}
        again = Retrying(
            retry=retry_if_exception_type(Failed),
            stop=lambda state: state.attempt_number >= attempts or self._spent(state),
            wait=self._wait,
            sleep=self._sleep,
            before_sleep=lambda state: self._note(state, method, url),
            reraise=True,
        )
        try:
            return again(self._attempt, method, url, content)
        except Failed as failed:
            self._give_up(failed.trouble, method, url)

    def write_once(
        self, method: str, path: str, *, headers: Mapping[str, str] | None = None, json_text: str
    ) -> Answer | Lost:
        """Exactly one request on the wire, whatever comes back; none while a pause of the rate outlasts the budget, or
        where we may not write any more."""
        url = self.same_origin(path)
        if paused := self._rate.take(self._budget) if self._rate else 0.0:
            return Lost(False, f"not sent: {self.host} asked for a pause of {math.ceil(paused)} s")
        if not self._may_write():
            return Lost(False, "not sent: this agent's time as the one that writes is over")
        typed = {"Content-Type": "application/json", **(headers or {})}
        try:
            answer = self._exchange(method, url, self._timeouts.write, {"headers": typed, "data": json_text.encode()})
        except Failed as failed:
            return Lost(failed.trouble.sent, failed.trouble.detail)
        if answer.status == 429:
            self._pause(method, url, answer)
        return answer

    def same_origin(self, path_or_url: str) -> str:
        """The whole address; raises `Incomplete` where it leaves this origin, before any token is sent there."""
        url = self.base_url + path_or_url if path_or_url.startswith("/") else path_or_url
        try:
            same = origin(split(url)) == origin(self._base)
        except ValueError:
            same = False
        if not same:
            raise Incomplete(
                f"{self.host} refers to an address outside itself, which is not followed.",
                "If a proxy rewrites its links, let it leave them alone; otherwise report this to the vendor.",
            )
        return url

    def close(self) -> None:
        with self._opening:
            for session in self._sessions:
                session.close()
            self._sessions.clear()
            self._own = threading.local()

    def _attempt(self, method: str, url: str, content: Mapping[str, Any]) -> Answer:
        if paused := self._rate.take(self._budget) if self._rate else 0.0:
            raise Failed(throttled(paused))
        answer = self._exchange(method, url, self._timeouts.read, content)
        if answer.status == 429:
            raise Failed(throttled(self._pause(method, url, answer)))
        if answer.status in PASSING:
            named = retry_after(answer.headers)
            raise Failed(Trouble(f"it answered {answer.status}", LATER, retry_after=named, status=answer.status))
        return answer

    def _exchange(self, method: str, url: str, silence: float, content: Mapping[str, Any]) -> Answer:
        """One request and its whole body, or `Failed`. Redirects come back as the answers they are."""
        deadline = time.monotonic() + silence
        try:
            response = self._session().request(
                method,
                url,
                timeout=(self._timeouts.connect, silence),
                allow_redirects=False,
                stream=True,
                **content,
            )
        except requests.RequestException as error:
            raise Failed(trouble(error)) from error
        with response:
            body = _body(response, deadline)
        if not response.ok:
            form = content.get("data")
            body = without_secrets(body, content.get("headers") or {}, form if isinstance(form, Mapping) else {})
        self._heard(response.headers)
        return Answer(response.status_code, response.headers, body, response.url)

    def _session(self) -> requests.Session:
        session: requests.Session | None = getattr(self._own, "session", None)
        if session is None:
            session = self._own.session = self._new_session()
            with self._opening:
                self._sessions.add(session)
        return session

    def _new_session(self) -> requests.Session:
        session = requests.Session()
        # Asking the environment at each call costs up to a quarter of it, and REQUESTS_CA_BUNDLE would beat `verify`.
        session.trust_env = False
        session.verify = self._verify
        session.proxies = dict(self._proxies)
        session.headers.update(self._headers)
        session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        for scheme in ("https://", "http://"):
            session.mount(scheme, self._transport())
        return session

    def _pause(self, method: str, url: str, answer: Answer) -> float:
        named = retry_after(answer.headers)
        wait = self._throttled_pause if named is None else named
        if self._rate:
            self._rate.pause(wait)
            self._log.warning("http.paused", method=method, **self._place(url), status=429, wait=round(wait, 3))
        return wait

    def _wait(self, state: RetryCallState) -> float:
        trouble = _of(state)
        return trouble.retry_after if trouble.retry_after is not None else _BACKOFF(state)

    def _spent(self, state: RetryCallState) -> bool:
        return _of(state).lasting or state.idle_for + state.upcoming_sleep > self._budget

    def _note(self, state: RetryCallState, method: str, url: str) -> None:
        self._log.info(
            "http.retry",
            method=method,
            **self._place(url),
            status=_of(state).status,
            reason=_of(state).detail,
            attempt=state.attempt_number,
            wait=round(state.upcoming_sleep, 3),
        )

    def _place(self, url: str) -> dict[str, str]:
        return {"host": self.host, "path": urlsplit(url).path}

    def _give_up(self, trouble: Trouble, method: str, url: str) -> NoReturn:
        seconds = None if trouble.retry_after is None else math.ceil(trouble.retry_after)
        what = f"{method} {urlsplit(url).path} on {self.host} had no answer: {trouble.detail}."
        raise Unreachable(what, trouble.remedy, seconds) from None


def _of(state: RetryCallState) -> Trouble:
    error = state.outcome.exception() if state.outcome else None
    if not isinstance(error, Failed):
        raise TypeError("only a failed attempt is waited for")
    return error.trouble


def _body(response: requests.Response, deadline: float) -> bytes:
    """Read to the end. From here on the other side has seen the request, whatever the trouble looks like."""
    parts, size = [], 0
    try:
        # Not iter_content: it waits until a piece is full, however slowly its bytes come.
        while part := response.raw.read1(_CHUNK, decode_content=True):
            parts.append(part)
            size += len(part)
            if size > BODY_LIMIT:
                raise Failed(Trouble(f"its answer is longer than {BODY_LIMIT >> 20} MiB", LATER, lasting=True))
            if time.monotonic() > deadline:
                raise Failed(Trouble("its answer trickled in too slowly", LATER))
    except (urllib3.exceptions.HTTPError, OSError):
        raise Failed(Trouble("the connection broke within the answer", LATER)) from None
    return b"".join(parts)


def _adapter() -> BaseAdapter:
    # One connection is enough for one thread. Retries stay off in the library: who may repeat what is decided above.
    return HTTPAdapter(pool_connections=1, pool_maxsize=1, max_retries=0)
