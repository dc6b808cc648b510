"""Microsoft Graph: who asks, what it costs, single reads and $batch."""

from __future__ import annotations

import base64
import itertools
import json
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from agent.simulators.faults import Fault, Kind
from agent.simulators.microsoft import operations, pages, query, tokens
from agent.simulators.microsoft.oddities import Odd, Oddities, Oddity, from_twist
from agent.simulators.microsoft.operations import Operation
from agent.simulators.microsoft.problems import Refusal, failed, malformed, too_many
from agent.simulators.microsoft.records import Holdings
from agent.simulators.microsoft.tenant import Tenant
from agent.simulators.microsoft.throttle import Throttle
from agent.simulators.wire import Headers, Request, Response, SimClock, encode

BATCH_LIMIT = 20
_JSON = "application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;charset=utf-8"
_AT_ONCE = timedelta(0)


@dataclass(frozen=True, slots=True)
class Caller:
    app: str
    tenant: Tenant
    roles: frozenset[str]


class Graph:
    """`throttle` None leaves out the quota; the units are told in either case."""

    def __init__(self, tenants: Mapping[str, Tenant], clock: SimClock) -> None:
        self.oddities = Oddities()
        self.throttle: Throttle | None = None
        self._tenants = tenants
        self._clock = clock
        self._numbers = itertools.count(1)

    def answer(self, request: Request, twist: Fault | None) -> Response:
        number = next(self._numbers)
        try:
            caller = self._caller(request)
            if request.path == "/v1.0/$batch":
                answer = self._batch(request, caller, twist, number)
            else:
                oddity = self._oddity(request, caller, twist)
                answer = self._operate(request, caller, oddity)
        except Refusal as refusal:
            answer = self._refuse(refusal, request, number)
        return Response(answer.status, {**answer.headers, **_ids(request, number)}, answer.body)

    def error(self, request: Request, fault: Fault) -> Response:
        """The body of a fault of the wire, as Graph would word it."""
        number = next(self._numbers)
        answer = self._refuse(_wire_refusal(fault), request, number)
        return Response(answer.status, {**answer.headers, **_ids(request, number)}, answer.body)

    def _caller(self, request: Request) -> Caller:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise self._unauthorized("Access token is empty.")
        claims = tokens.read(token)
        if claims is None or claims["aud"] not in {*tokens.GRAPHS, request.origin}:
            raise self._unauthorized("Access token validation failure. Invalid audience.")
        if claims["exp"] <= self._clock.now().timestamp():
            raise self._unauthorized("Lifetime validation failed, the token is expired.")
        tenant = self._tenants.get(claims["tid"])
        if tenant is None:
            raise self._unauthorized("The identity of the calling application could not be established.")
        self._check_revoked(tenant, claims)
        return Caller(claims["appid"], tenant, frozenset(claims["roles"]))

    def _check_revoked(self, tenant: Tenant, claims: Mapping[str, Any]) -> None:
        """Continuous access evaluation: the challenge names the moment from which tokens are good again."""
        if tenant.revoked is None or claims["iat"] > tenant.revoked.timestamp():
            return
        since = {"access_token": {"nbf": {"essential": True, "value": str(int(tenant.revoked.timestamp()))}}}
        challenge = base64.b64encode(json.dumps(since).encode()).decode()
        raise self._unauthorized(
            "Continuous access evaluation resulted in challenge.",
            f', error="insufficient_claims", claims="{challenge}"',
        )

    def _unauthorized(self, sentence: str, challenge: str = "") -> Refusal:
        realm = f'Bearer realm="", client_id="{tokens.GRAPH_ID}"{challenge}'
        return Refusal(401, "InvalidAuthenticationToken", sentence, {"www-authenticate": realm})

    def _oddity(self, request: Request, caller: Caller, twist: Fault | None) -> Oddity | None:
        return self.oddities.pick(request.path, caller.tenant.id) or from_twist(twist)

    def _operate(self, request: Request, caller: Caller, oddity: Oddity | None) -> Response:
        """One read, alone or out of a batch."""
        operation, key = operations.find(request.path)
        if request.method != "GET":
            raise Refusal(405, "Request_BadRequest", "Specified HTTP method is not allowed here.")
        if not operation.roles & caller.roles:
            raise Refusal(403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.")
        _check_errors(oddity)
        asked = query.parse(request.target.partition("?")[2])
        query.check_advanced(asked, request.headers.get("consistencylevel", "").lower() == "eventual")
        headers = self._charge(operation, asked, caller)
        holdings = _holdings(caller.tenant, operation, oddity)
        body = pages.render(operation, key, request, asked, holdings, oddity)
        return Response(200, {"content-type": _JSON, **headers}, body)

    def _charge(self, operation: Operation, asked: query.Query, caller: Caller) -> dict[str, str]:
        cost = operation.price(asked.select, asked.top)
        headers = {"x-ms-resource-unit": str(cost)}
        if self.throttle is None:
            return headers
        users = len(caller.tenant.holdings.users)
        return headers | self.throttle.spend(caller.app, caller.tenant.id, users, cost, self._clock.now())

    def _refuse(self, refusal: Refusal, request: Request, number: int) -> Response:
        ids = _ids(request, number)
        date = f"{self._clock.now():%Y-%m-%dT%H:%M:%S}"
        body = refusal.body(date, ids["request-id"], ids["client-request-id"])
        return Response(refusal.status, {"content-type": "application/json", **refusal.headers}, encode(body))

    def _batch(self, request: Request, caller: Caller, twist: Fault | None, number: int) -> Response:
        """Each item with its own status. The order of the answers is not that of the items, and differs from
        batch to batch, but not from run to run."""
        if request.method != "POST":
            raise Refusal(405, "Request_BadRequest", "Specified HTTP method is not allowed here.")
        answers = dict(self._items(_batched(request), request, caller, twist, number))
        order = random.Random(number).sample(list(answers), len(answers))
        return Response(200, {"content-type": _JSON}, _joined([(id, answers[id]) for id in order]))

    def _items(
        self,
        items: list[Mapping[str, Any]],
        request: Request,
        caller: Caller,
        twist: Fault | None,
        number: int,
    ) -> Iterator[tuple[str, Response]]:
        succeeded: set[str] = set()
        for item in items:
            inner = _inner(item, request)
            oddity = self._oddity(inner, caller, twist)
            if oddity and oddity.kind is Odd.ITEM_MISSING:
                continue
            try:
                if not succeeded.issuperset(item.get("dependsOn", ())):
                    raise Refusal(424, "FailedDependency", "A request that this one depends on has failed.")
                answer = self._operate(inner, caller, oddity)
                succeeded.add(item["id"])
            except Refusal as refusal:
                answer = self._refuse(refusal, inner, number)
            yield item["id"], answer


def _wire_refusal(fault: Fault) -> Refusal:
    if fault.kind is Kind.TOO_MANY:
        return too_many(int(fault.seconds))
    if fault.kind is Kind.TOO_MANY_BARE:
        return too_many(None)
    timed_out = fault.kind in (Kind.SERVER_TIMEOUT, Kind.SERVER_TIMEOUT_AFTER)
    return failed(504 if timed_out else fault.status)


def _check_errors(oddity: Oddity | None) -> None:
    if oddity is None:
        return
    if oddity.kind is Odd.ERROR:
        raise failed(oddity.status)
    if oddity.kind in (Odd.TOO_MANY, Odd.TOO_MANY_BARE):
        raise too_many(oddity.seconds if oddity.kind is Odd.TOO_MANY else None)


def _holdings(tenant: Tenant, operation: Operation, oddity: Oddity | None) -> Holdings:
    """What this read can see: the users live in another index than the counts, and it may trail behind."""
    lag = tenant.users_lag if operation is operations.USERS else _AT_ONCE
    if oddity and oddity.kind is Odd.READ_LAG:
        lag = max(lag, timedelta(seconds=oddity.seconds))
    holdings = tenant.seen(lag)
    if oddity and oddity.kind is Odd.SKU_VANISHED:
        return _without(holdings, oddity.sku)
    return holdings


def _without(holdings: Holdings, gone: str) -> Holdings:
    skus = {key: sku for key, sku in holdings.skus.items() if key != gone}
    subscriptions = {key: held for key, held in holdings.subscriptions.items() if held.sku != gone}
    return replace(holdings, skus=skus, subscriptions=subscriptions)


def _ids(request: Request, number: int) -> dict[str, str]:
    own = f"5eed0000-0000-4000-8000-{number:012x}"
    return {"request-id": own, "client-request-id": request.headers.get("client-request-id", own)}


def _batched(request: Request) -> list[Mapping[str, Any]]:
    """The items of a batch; Refusal 400 for all of them where the envelope is wrong."""
    try:
        items = request.json()["requests"]
        ids = [item["id"] for item in items if item["method"] and item["url"]]
    except (ValueError, LookupError, TypeError) as error:
        raise malformed("Invalid batch payload format.") from error
    if not 0 < len(items) <= BATCH_LIMIT:
        raise malformed(f"A batch holds 1 to {BATCH_LIMIT} requests, not {len(items)}.")
    if len(ids) != len(items) or len(set(ids)) != len(ids):
        raise malformed("Every request of a batch needs a method, a url and an id of its own.")
    return list(items)


def _inner(item: Mapping[str, Any], outer: Request) -> Request:
    """An item as a request of its own. Only its own headers count: ConsistencyLevel is not passed on."""
    fields = [("host", outer.headers.get("host", "localhost")), *(item.get("headers") or {}).items()]
    target = f"/v1.0/{item['url'].lstrip('/')}"
    return Request.parse(item["method"], target, Headers(fields), scheme=outer.scheme)


def _joined(answers: list[tuple[str, Response]]) -> bytes:
    """The batch's body, its parts put together in one go: the bodies are long."""
    parts = [b'{"responses":[']
    for place, (id, answer) in enumerate(answers):
        headers = {**answer.headers, "content-type": "application/json"}
        head = encode({"id": id, "status": answer.status, "headers": headers})
        parts += [b"," if place else b"", head[:-1], b',"body":', answer.body, b"}"]
    return b"".join([*parts, b"]}"])
