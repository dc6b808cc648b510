"""From holdings to the JSON of one page; the rows are kept with the holdings they show."""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import cast

from agent.simulators.microsoft.oddities import Odd, Oddity
from agent.simulators.microsoft.operations import Operation
from agent.simulators.microsoft.problems import Refusal, malformed, unsupported
from agent.simulators.microsoft.query import Query, skiptoken
from agent.simulators.microsoft.records import Holdings
from agent.simulators.wire import Request, encode

_ELSEWHERE = "https://graph.example.net"
_dumps = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode  # json.dumps makes one per call


@dataclass(frozen=True, slots=True)
class Rows:
    """A whole collection as one text, sorted by id. `starts` has one entry per row and one for the end: any run
    of rows is a slice, for a large page is mostly the time it takes to copy it."""

    ids: list[str]
    text: bytes
    starts: list[int]

    def between(self, first: int, end: int) -> bytes:
        return self.text[self.starts[first] : max(self.starts[first], self.starts[end] - 1)]


@dataclass(frozen=True, slots=True)
class Page:
    """Rows `first` to before `end`. `here`, `after` and `beyond` are where this page, the next and the one after
    that begin: behind which id; None where there is no such page. `rows` None leaves `value` out."""

    origin: str
    path: str
    carried: str
    context: str
    count: int | None
    here: str
    after: str | None
    beyond: str | None
    rows: Rows | None
    first: int
    end: int

    def render(self) -> bytes:
        head: dict[str, object] = {"@odata.context": f"{self.origin}/v1.0/$metadata#{self.context}"}
        if self.count is not None:
            head["@odata.count"] = self.count
        if self.after is not None:
            link = f"{self.origin}{self.path}?{self.carried}&$skiptoken={skiptoken(self.after)}"
            head["@odata.nextLink"] = link.replace("?&", "?")
        if self.rows is None:
            return encode(head)
        return b"".join((encode(head)[:-1], b',"value":[', self.rows.between(self.first, self.end), b"]}"))


def render(
    operation: Operation,
    key: str,
    request: Request,
    query: Query,
    holdings: Holdings,
    oddity: Oddity | None = None,
) -> bytes:
    """The body of a page. `key` is the id in the path; Refusal for options that this collection does not know."""
    page = _page(operation, key, request, query, holdings)
    twist = _TWISTS.get(oddity.kind) if oddity else None
    return (twist(page) if twist else page).render()


def warm(operation: Operation, key: str, query: Query, holdings: Holdings) -> None:
    """Render the collection before anybody asks for it."""
    _check(operation, query)
    _rows(operation, key, query, holdings)


def _page(operation: Operation, key: str, request: Request, query: Query, holdings: Holdings) -> Page:
    _check(operation, query)
    rows = _rows(operation, key, query, holdings)
    total = len(rows.ids)
    size = min(query.top or operation.page, operation.most) if operation.page else max(1, total)
    first = bisect_right(rows.ids, query.after) if query.after else 0
    end, far = first + size, first + 2 * size
    selected = f"({','.join(query.select)})" if query.select else ""
    return Page(
        origin=request.origin,
        path=request.path,
        carried=query.carried,
        context=operation.entity.name + selected,
        count=total if query.count and query.after is None and _counts(request) else None,
        here=query.after or "",
        after=rows.ids[end - 1] if end < total else None,
        beyond=rows.ids[far - 1] if far < total else None,
        rows=rows,
        first=first,
        end=min(end, total),
    )


def _counts(request: Request) -> bool:
    """Without the header the service ignores $count rather than to refuse it."""
    return request.headers.get("consistencylevel", "").lower() == "eventual"


def _check(operation: Operation, query: Query) -> None:
    foreign = query.options - operation.options
    if foreign:
        raise unsupported(f"The query option '{min(foreign)}' is not supported here.")
    entity = operation.entity
    # The property exists, but reading it needs a premium licence that no simulated tenant has.
    if "signInActivity" in query.select:
        raise Refusal(
            403, "Authentication_RequestFromNonPremiumTenantOrB2CTenant", "The tenant has no premium licence."
        )
    asked = (*query.select, *(clause.property for clause in query.clauses))
    for name in asked:
        if name not in entity.properties:
            raise Refusal(400, "BadRequest", f"Could not find a property named '{name}' on '{entity.name}'.")
    if query.top is not None and query.top > operation.most:
        raise malformed(f"Invalid page size: {query.top}. It must be between 1 and {operation.most}.")


def _rows(operation: Operation, key: str, query: Query, holdings: Holdings) -> Rows:
    place = (operation.entity.name, key, query.select, query.clauses)
    if place not in holdings.rendered:
        holdings.rendered[place] = _rendered(operation, key, query, holdings)
    return cast(Rows, holdings.rendered[place])


def _rendered(operation: Operation, key: str, query: Query, holdings: Holdings) -> Rows:
    entity = operation.entity
    filtered = tuple({clause.property for clause in query.clauses})
    ids: list[str] = []
    texts: list[bytes] = []
    for id, record in sorted(operation.rows(holdings, key).items()):
        values = entity.show(holdings, record, filtered) if filtered else {}
        if all(clause.holds(values) for clause in query.clauses):
            ids.append(id)
            texts.append(_dumps(entity.show(holdings, record, query.select)).encode())
    return Rows(ids, b",".join(texts), [0, *accumulate(len(text) + 1 for text in texts)])


_TWISTS: Mapping[Odd, Callable[[Page], Page]] = {
    Odd.VALUE_MISSING: lambda page: replace(page, rows=None),
    Odd.EMPTY_LIST: lambda page: replace(page, end=page.first, after=None, count=page.count and 0),
    Odd.EMPTY_PAGE: lambda page: replace(page, end=page.first, after=page.here),
    Odd.PAGE_SKIPPED: lambda page: replace(page, after=page.beyond),
    Odd.PAGE_REPEATED: lambda page: replace(page, after=page.here),
    Odd.PAGE_SHORT: lambda page: replace(page, end=max(page.first, page.end - 1)),
    Odd.COUNT_WRONG: lambda page: replace(page, count=None if page.count is None else page.count + 1),
    Odd.FOREIGN_LINK: lambda page: replace(page, origin=_ELSEWHERE, after=page.after or page.here),
}
