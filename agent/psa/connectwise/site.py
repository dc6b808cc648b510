"""One ConnectWise PSA site on the wire: where its API is, who we are there, whole lists, single records, writes."""

from __future__ import annotations

import re
import threading
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, quote_plus, urlencode, urlsplit

from agent.errors import AccessDenied, CredentialsRejected, Incomplete, ReadFailed
from agent.outgoing import Answer, Lost, Outgoing
from agent.psa.connectwise.records import Record
from agent.psa.connectwise.rights import remedy

PAGE = 1000  # above it some versions answer fewer rows without a word, others 400
LONGEST_URL = 1950  # 2,000 is advised; beyond the server's own limit it answers 414
_PAGING_ROOM = len(urlencode({"pageSize": PAGE, "pageId": 2**31})) + 1

# Cloud sites answer the API on a host of their own; the login page, which knows the codebase, stays on the other.
_REGIONS = ("na", "eu", "au", "aus", "za")
_API_HOSTS = {f"{region}.myconnectwise.net": f"api-{region}.myconnectwise.net" for region in _REGIONS}
_API_HOSTS["staging.connectwisedev.com"] = "api-staging.connectwisedev.com"
_LOGIN_HOSTS = {api: login for login, api in _API_HOSTS.items()}
_CODEBASE = re.compile(r"\w+/")
_OLD_CODEBASE = "v4_6_release/"


class BadRequest(Incomplete):
    """ConnectWise did not take the request as it was put: a condition or field that this version does not know."""


@dataclass(frozen=True, slots=True)
class Login:
    """Keys are asked for at each request, so that a replaced secret takes effect without a restart."""

    company: str
    public_key: Callable[[], str]
    private_key: Callable[[], str]
    client_id: str

    def headers(self) -> dict[str, str]:
        keys = f"{self.company}+{self.public_key()}:{self.private_key()}"
        return {"Authorization": f"Basic {b64encode(keys.encode()).decode()}", "clientId": self.client_id}


class Site:
    """`connect` makes an `Outgoing` to an origin; the login page and the API may be two."""

    def __init__(self, connect: Callable[[str], Outgoing], url: str, login: Login, version: str) -> None:
        parts = urlsplit(url)
        self.host = _api_host(parts.netloc)
        self._origin = f"{parts.scheme}://{self.host}"
        login_host = _LOGIN_HOSTS.get(self.host, self.host)
        self._api = connect(self._origin)
        # The login page is asked under the host where people log in, as the vendor's guide does.
        self._login_page = self._api if login_host == self.host else connect(f"{parts.scheme}://{login_host}")
        self._login = login
        self._accept = f"application/vnd.connectwise.com+json; version={version}"
        self._root = ""
        self._finding = threading.Lock()
        self._looks = 0
        self._missed: ReadFailed | None = None

    def rows(self, path: str, **query: str) -> list[Record]:
        """Every row of a collection, by id. Raises `Incomplete` for a page that is no page or an id that comes twice.

        We page by the ids that we have seen, not by the server's links: those may name other hosts, and numbered pages
        lose rows when the list changes while it is read.
        """
        found: dict[int, Record] = {}
        last = 0
        while True:
            paging = {"pageSize": str(PAGE), **({"pageId": str(last)} if last else {})}
            page = _page(self._get(path, {**query, **paging}, forward_only=True).json(), path)
            ids = [row["id"] for row in page]
            if len(found.keys() | ids) < len(found) + len(ids):
                raise Incomplete(f"{path} on {self.host} gave the same record twice.", _AGAIN)
            found.update(zip(ids, page, strict=True))
            # A Link header may or may not come with the last page; a page that is not full is the last one.
            if len(page) < PAGE:
                return [found[id] for id in sorted(found)]
            if max(ids) <= last:
                raise Incomplete(f"The pages of {path} on {self.host} do not move on.", _AGAIN)
            last = max(ids)

    def count(self, path: str, **query: str) -> int:
        answer = self._get(f"{path}/count", query).json()
        number = answer.get("count") if isinstance(answer, dict) else None
        if not isinstance(number, int):
            raise Incomplete(f"{path}/count on {self.host} gave no count.", _AGAIN)
        return number

    def whole(self, path: str, doubtful: Callable[[list[Record]], bool], **query: str) -> list[Record]:
        """`rows`, compared with the count where they are doubtful; read once more before it is `Incomplete`."""
        conditions = {name: value for name, value in query.items() if name != "fields"}
        rows = self.rows(path, **query)
        if not doubtful(rows) or self.count(path, **conditions) == len(rows):
            return rows
        rows = self.rows(path, **query)
        number = self.count(path, **conditions)
        if number != len(rows):
            raise Incomplete(f"{path} on {self.host} listed {len(rows)} records but counts {number}.", _AGAIN)
        return rows

    def one(self, path: str, **query: str) -> Record | None:
        """A single record, or None where ConnectWise says that there is none of that id."""
        answer = self._get(path, query, may_miss=True)
        if answer.status == 404:
            return None
        record = answer.json()
        if not isinstance(record, dict):
            raise Incomplete(f"{path} on {self.host} is no record.", _AGAIN)
        return record

    def head(self, path: str) -> Mapping[str, str]:
        """The header fields of the answer to a GET."""
        return self._get(path, {}).headers

    def batches(self, path: str, field: str, literals: Sequence[str], **query: str) -> Iterator[list[str]]:
        """The literals in parts of which each, as a condition `field in (...)`, keeps the URL short enough."""
        if not literals:
            return
        shortest = urlencode({**query, "conditions": f"{field} in ()"})
        room = LONGEST_URL - len(f"{self._origin}{self._path(path)}?{shortest}") - _PAGING_ROOM
        batch: list[str] = []
        used = 0
        for literal in literals:
            size = len(quote_plus(f"{literal},"))
            if batch and used + size > room:
                yield batch
                batch, used = [], 0
            batch.append(literal)
            used += size
        if batch:
            yield batch

    def write(self, method: str, path: str, body: str) -> Answer | Lost:
        """One request, whatever comes of it. Raises `ReadFailed` only before it, while the codebase is looked up."""
        where = self._path(path)
        headers = {
            **self._login.headers(),
            "Accept": self._accept,
            # Without the charset accented letters have come out wrong; our bodies are ASCII besides.
            "Content-Type": "application/json; charset=utf-8",
        }
        return self._api.write_once(method, where, headers=headers, json_text=body)

    def _get(
        self, path: str, query: Mapping[str, str], *, forward_only: bool = False, may_miss: bool = False
    ) -> Answer:
        root = self._found_root()
        answer = self._ask(root, path, query, forward_only)
        if answer.status == 404 and not _record_missing(answer):
            # A hosted upgrade moves the API to another codebase, and the old one is gone from that minute on.
            moved = self._found_root(stale=root)
            if moved != root:
                answer = self._ask(moved, path, query, forward_only)
        if not answer.ok and not (may_miss and _record_missing(answer)):
            raise self._failure(answer, path)
        return answer

    def _ask(self, root: str, path: str, query: Mapping[str, str], forward_only: bool) -> Answer:
        paging = {"pagination-type": "forward-only"} if forward_only else {}
        headers = {**self._login.headers(), "Accept": self._accept, **paging}
        return self._api.read("GET", root + path, headers=headers, params=query)

    def _path(self, path: str) -> str:
        return self._found_root() + path

    def _found_root(self, stale: str = "") -> str:
        """Path of the API. Threads that need it at the same time ask once: who comes second finds what was found.

        That holds for a failure, too: one after the other they would each wait for the same silence.
        """
        looks = self._looks
        with self._finding:
            if self._root == stale:
                if self._looks != looks and self._missed:
                    raise self._missed
                self._look_for_root()
            return self._root

    def _look_for_root(self) -> None:
        try:
            self._root, self._missed = f"/{self._codebase()}apis/3.0", None
        except ReadFailed as error:
            self._missed = error
            raise
        finally:
            self._looks += 1

    def _codebase(self) -> str:
        page = f"/login/companyinfo/{quote(self._login.company, safe='')}"
        answer = self._login_page.read("GET", page)
        if answer.status == 404:
            return _OLD_CODEBASE  # self-hosted and without the page; on the cloud this path leads to the present one
        info = answer.json()
        if info is None:
            raise CredentialsRejected(
                f"{self._login_page.host} knows no company {self._login.company!r}.",
                "Set psa.connectwise.company to the company name typed at the ConnectWise login.",
            )
        # It becomes part of every address, so nothing but a plain name with its slash is taken.
        codebase = info.get("Codebase") if isinstance(info, dict) else None
        if not isinstance(codebase, str) or not _CODEBASE.fullmatch(codebase):
            raise Incomplete(f"{self._login_page.host} does not say where its API is.", _ADDRESS)
        return codebase

    def _failure(self, answer: Answer, path: str) -> ReadFailed:
        said = f"GET {path} on {self.host} answered {answer.status}: {message(answer)}"
        if answer.status == 401:
            return CredentialsRejected(said, _KEYS)
        if answer.status == 403:
            return AccessDenied(said, remedy("GET", path))
        if answer.status == 404 and not _record_missing(answer):
            # On the cloud, wrong keys too are answered as if the path did not exist.
            return CredentialsRejected(said, f"{_ADDRESS} {_KEYS}")
        if answer.status in (400, 414):
            return BadRequest(said, "Report this, with the version that System > About shows.")
        return Incomplete(said, _AGAIN)


_AGAIN = "Nothing to do unless it lasts: the next cycle reads it again."
_KEYS = "Check psa.connectwise.company, the keys of the API member and the clientId."
_ADDRESS = "Check psa.connectwise.url."


def message(answer: Answer) -> str:
    """What ConnectWise says in an error, on one line; of a proxy's page only that it is one."""
    body = error_body(answer)
    if body is None:
        return "a page that is not from ConnectWise's API"
    errors = body.get("errors")  # null where there is only the one message
    details = [error for error in errors if isinstance(error, dict)] if isinstance(errors, list) else []
    said = "; ".join(str(part["message"]) for part in (body, *details) if part.get("message"))
    return " ".join(said.split())[:500]


def error_body(answer: Answer) -> Mapping[str, Any] | None:
    """The body of an error in either of ConnectWise's shapes, or None where somebody else has answered."""
    # Throttling says {"error", "message"}, everything else {"code", "message", "errors"}.
    try:
        body = answer.json()
    except Incomplete:
        return None
    return body if isinstance(body, dict) and ("code" in body or "error" in body) and "message" in body else None


def quoted(text: str) -> str | None:
    """A string literal of a condition; None for a text with both kinds of quotes, which no literal can hold."""
    mark = next((mark for mark in ('"', "'") if mark not in text), None)
    return f"{mark}{text}{mark}" if mark else None


def _api_host(host: str) -> str:
    return _API_HOSTS.get(host.lower(), host)


def _record_missing(answer: Answer) -> bool:
    body = error_body(answer) if answer.status == 404 else None
    return body is not None and body.get("code") == "NotFound"


def _page(content: object, path: str) -> list[Record]:
    if not isinstance(content, list) or not all(isinstance(row, dict) and _has_id(row) for row in content):
        raise Incomplete(f"{path} is no list of records.", _AGAIN)
    return content


def _has_id(row: Record) -> bool:
    # bool is an int to Python
    return isinstance(row.get("id"), int) and not isinstance(row["id"], bool)
