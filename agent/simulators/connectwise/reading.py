"""Lists, counts and single rows: conditions, the choice of fields, and the two ways of paging."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from urllib.parse import urlencode

from agent.simulators.connectwise import conditions
from agent.simulators.connectwise.fields import Fields, kind_of
from agent.simulators.connectwise.refusals import Refusal, bad_condition
from agent.simulators.connectwise.tables import Record, Selection
from agent.simulators.faults import Fault, Kind
from agent.simulators.messages import Request, Response, encode

DEFAULT_PAGE = 25
LARGEST_PAGE = 1_000
FORWARD_ONLY = "forward-only"

Links = Mapping[str, Mapping[str, int]]  # relation -> the parameter that leads there


def one(record: Record, request: Request, fields: Fields, status: int = 200) -> Response:
    return _answer(request, record.render(_selection(request, fields)), status)


def count(rows: list[Record], request: Request, fields: Fields, twist: Fault | None = None) -> Response:
    number = len(_chosen(rows, request, fields))
    if twist and twist.kind is Kind.COUNT_WRONG:
        number += twist.size or 1
    return _answer(request, encode({"count": number}))


def page(rows: list[Record], request: Request, fields: Fields, twist: Fault | None = None) -> Response:
    """One page of `rows`, which are ordered by id, with the Link header that leads on."""
    chosen = _chosen(rows, request, fields)
    size = _page_size(request)
    if request.headers.get("pagination-type") == FORWARD_ONLY:
        if "orderBy" in request.query:
            raise Refusal(400, "InvalidParameter", "orderBy cannot be used with forward-only pagination.")
        # `page` is not an error here, it just has no meaning: a caller that counts pages reads the first for ever.
        after = _number(request, "pageId", 0)
        start = sum(record.fields["id"] <= after for record in chosen)
        window = chosen[start : start + size]
        # The last page has a link too (reference 3.1): whoever only follows links must also mind the empty page.
        links: Links = {"next": {"pageId": window[-1].fields["id"]}} if window else {}
    else:
        chosen = _ordered(chosen, request.query.get("orderBy", ""), fields)
        number = max(1, _number(request, "page", 1))
        start = (number - 1) * size
        window = chosen[start : start + size]
        links = _neighbours(number, -(-len(chosen) // size))
    if twist:
        window = _twisted(window, chosen, start, size, twist)
    selection = _selection(request, fields)
    body = b"[" + b",".join([record.render(selection) for record in window]) + b"]"
    return _answer(request, body, link=_link(request, links))


def media_type(request: Request) -> str:
    """The version that Accept asks for comes back; without one it is plain JSON of the newest."""
    accepted = re.search(r"application/vnd\.connectwise\.com\+json; ?version=[\d.]+", request.headers.get("accept", ""))
    return accepted[0] if accepted else "application/json; charset=utf-8"


def _answer(request: Request, body: bytes, status: int = 200, link: str = "") -> Response:
    headers = {"content-type": media_type(request)}
    if link:
        headers["link"] = link
    return Response(status, headers, body)


def _chosen(rows: list[Record], request: Request, fields: Fields) -> list[Record]:
    tests = []
    try:
        if text := request.query.get("conditions"):
            tests.append(conditions.compiled(text, fields))
        if text := request.query.get("customFieldConditions"):
            tests.append(conditions.compiled_for_custom_fields(text))
    except conditions.BadCondition as bad:
        raise bad_condition(str(bad)) from None
    return [record for record in rows if all(test(record.fields) for test in tests)] if tests else rows


def _page_size(request: Request) -> int:
    """More than the largest page is cut down in silence (reference 3.1)."""
    return min(LARGEST_PAGE, max(1, _number(request, "pageSize", DEFAULT_PAGE)))


def _number(request: Request, name: str, default: int) -> int:
    text = request.query.get(name)
    if text is None:
        return default
    try:
        return int(text)
    except ValueError:
        raise Refusal(400, "InvalidParameter", f"The value '{text}' is not valid for {name}.") from None


def _ordered(rows: list[Record], order: str, fields: Fields) -> list[Record]:
    # The sort is stable: sorting by the least key first makes the first key count most.
    for key in reversed([key.split() for key in order.split(",") if key.strip()]):
        path, falls = key[0], [word.lower() for word in key[1:]] == ["desc"]
        _known(fields, path)
        rows = sorted(rows, key=lambda record: _sortable(record, path), reverse=falls)
    return rows


def _sortable(record: Record, path: str) -> tuple[bool, object]:
    value = conditions.value_at(record.fields, path)
    return value is not None, value  # nulls come first, as in SQL Server


def _known(fields: Fields, path: str) -> None:
    try:
        kind_of(fields, path)
    except KeyError:
        raise bad_condition(f"{path} is not a recognized name.") from None


def _selection(request: Request, fields: Fields) -> Selection | None:
    text = request.query.get("fields")
    return _parsed_selection(text, fields) if text else None


@lru_cache(maxsize=1_024)
def _parsed_selection(text: str, fields: Fields) -> Selection:
    # `product` beside `product/id` is the whole product, whichever comes first.
    tree: dict[str, dict[str, None] | None] = {}
    for path in (path.strip() for path in text.split(",")):
        _known(fields, path)
        name, _, part = path.partition("/")
        if not part:
            tree[name] = None
        elif (inner := tree.setdefault(name, {})) is not None:
            inner[part] = None
    return Selection(text, tree)


def _neighbours(number: int, last: int) -> Links:
    pages = {"first": 1, "prev": number - 1, "next": number + 1, "last": last}
    return {name: {"page": page} for name, page in pages.items() if 1 <= page <= last and last > 1}


def _link(request: Request, links: Links) -> str:
    address = request.origin + request.target.partition("?")[0]
    return ", ".join(
        f'<{address}?{urlencode({**request.query, **change})}>; rel="{name}"' for name, change in links.items()
    )


def _twisted(window: list[Record], rows: list[Record], start: int, size: int, twist: Fault) -> list[Record]:
    """Offsets that shift while the list is read lose or repeat rows at the seam of two pages."""
    shift = twist.size or 1
    if twist.kind is Kind.EMPTY_LIST:
        return []
    if twist.kind is Kind.PAGE_SHORT:
        return window[:-shift]
    if twist.kind is Kind.PAGE_SKIPPED:
        return rows[start + shift : start + shift + size]
    if twist.kind is Kind.PAGE_REPEATED:
        seam: Iterable[Record] = rows[max(0, start - shift) : start] or window[:shift]
        return [*seam, *window][:size]
    return window
