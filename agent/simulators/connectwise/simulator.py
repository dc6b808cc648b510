"""The HTTP face of the simulated ConnectWise PSA (reference 1 to 5)."""

from __future__ import annotations

import json
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from agent.simulators.connectwise import additions, reading
from agent.simulators.connectwise import fields as shapes
from agent.simulators.connectwise.books import addition_table
from agent.simulators.connectwise.fields import Fields
from agent.simulators.connectwise.office import Office
from agent.simulators.connectwise.refusals import (
    Refusal,
    no_method,
    no_permission,
    no_record,
    no_route,
    server_timeout,
    too_many_requests,
)
from agent.simulators.connectwise.site import Site
from agent.simulators.connectwise.tables import Record, Rows
from agent.simulators.faults import Fault, Faults, Kind
from agent.simulators.messages import Request, Response, html_response, json_response
from agent.simulators.simulator import SimClock

LONGEST_URL = 2_000
MINUTE = 60.0


@dataclass(frozen=True, slots=True)
class Resource:
    """A kind of row that can be listed, counted and asked for by id."""

    title: str
    table: str
    fields: Fields


RESOURCES = {
    "company/companies": Resource("Company", "companies", shapes.COMPANY),
    "finance/agreements": Resource("Agreement", "agreements", shapes.AGREEMENT),
    "finance/agreements/types": Resource("AgreementType", "types", shapes.AGREEMENT_TYPE),
    "finance/billingCycles": Resource("BillingCycle", "cycles", shapes.BILLING_CYCLE),
    "finance/invoices": Resource("Invoice", "invoices", shapes.INVOICE),
    "procurement/catalog": Resource("CatalogItem", "catalog", shapes.CATALOG_ITEM),
    "system/userDefinedFields": Resource("UserDefinedField", "customFields", shapes.USER_DEFINED_FIELD),
}
LISTS_ONLY = ("finance/billingCycles", "system/userDefinedFields")


class ConnectWise(Office):
    """`monotonic` (seconds) paces the request limit of the site; all other time is the clock's."""

    def __init__(
        self,
        clock: SimClock,
        site: Site | None = None,
        *,
        faults: Faults | None = None,
        log_size: int = 2_000,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(clock, site, faults=faults, log_size=log_size)
        self._monotonic = monotonic
        self._recent: deque[float] = deque()
        self._served = 0

    def upgrade(self, version: str) -> None:
        """A hosted upgrade: another codebase, and the paths of the old one are gone (reference 2.2)."""
        with self.lock:
            self.site.version = version
            self.site.codebase = f"v{version.replace('.', '_')}/"

    def answer(self, request: Request, twist: Fault | None = None) -> Response:
        self._served += 1
        try:
            response = self._answered(request, twist)
        except Refusal as refusal:
            response = refusal.response()
        marks = {"x-cw-request-id": str(UUID(int=self._served)), "api-current-version": self.site.version}
        return Response(response.status, {**response.headers, **marks}, response.body)

    def error(self, fault: Fault) -> Response:
        if fault.kind in (Kind.TOO_MANY, Kind.TOO_MANY_BARE):
            response = too_many_requests(int(fault.seconds))
            kept = {"content-type": response.headers["content-type"]}
            return Response(429, kept, response.body) if fault.kind is Kind.TOO_MANY_BARE else response
        if fault.kind in (Kind.SERVER_TIMEOUT, Kind.SERVER_TIMEOUT_AFTER):
            return server_timeout()
        return Refusal(fault.status, "ConnectWiseApi", "An error has occurred.").response()

    def actions(self) -> Mapping[str, Callable[..., object]]:
        """The methods of Books and Office, by their names."""
        return {
            **{name: getattr(self, name) for name in _ACTIONS},
            "invoice": lambda **asked: [invoice.told() for invoice in self.invoice(**asked)],
            "uninvoice": lambda **asked: self.uninvoice(**asked).told(),
        }

    def state(self) -> object:
        """Every table, by name."""
        return {name: [record.fields for record in self.tables.listed(name)] for name in self.tables.names()}

    def _answered(self, request: Request, twist: Fault | None) -> Response:
        if len(request.origin) + len(request.target) > LONGEST_URL:
            return html_response(414, "414 Request-URI Too Large")
        if request.path.startswith("/login/companyinfo/"):
            return self._company_info(request.path.rpartition("/")[2])
        # The limit stands in front of everything: wrong keys use it up as well.
        if wait := self._too_soon():
            return too_many_requests(wait)
        path = self._within_codebase(request.path)
        self._authorize(request, path)
        if self.site.forbids(request.method, request.path):
            raise no_permission()
        parts = path.split("/")
        if len(parts) > 3 and parts[3] == "additions" and parts[:2] == ["finance", "agreements"]:
            return self._addition(request, parts, twist)
        if request.method != "GET":
            raise no_method(request.method)
        return self._read(request, path, twist)

    def _company_info(self, company: str) -> Response:
        """Asked without keys. A company that is not known gets `null`, with 200."""
        if company.lower() != self.site.company.lower():
            return json_response(200, None)
        info = {
            "CompanyName": self.site.company,
            "Codebase": self.site.codebase,
            "VersionCode": f"v{self.site.version}",
            "VersionNumber": f"v{self.site.version}.100000",
            "CompanyID": self.site.company,
            "IsCloud": "True",
        }
        return json_response(200, info)

    def _too_soon(self) -> int:
        """Seconds until the minute's requests leave room for one more; 0 where there is room."""
        limit = self.site.requests_per_minute
        if limit is None:
            return 0
        now = self._monotonic()
        while self._recent and self._recent[0] <= now - MINUTE:
            self._recent.popleft()
        if len(self._recent) >= limit:
            return max(1, round(self._recent[0] + MINUTE - now))
        self._recent.append(now)
        return 0

    def _within_codebase(self, path: str) -> str:
        for codebase in self.site.codebases:
            prefix = f"/{codebase}apis/3.0/"
            if path.startswith(prefix):
                return path.removeprefix(prefix)
        raise no_route()

    def _authorize(self, request: Request, path: str) -> None:
        # Why this resource is no check of the keys (reference 2.1).
        if path == "system/info" and self.site.info_is_open:
            return
        known = request.headers.get("authorization") == self.site.authorization
        client_id = request.headers.get("clientid")
        if known and client_id and client_id == (self.site.client_id or client_id):
            return
        if self.site.hides_behind_404:
            raise no_route()
        raise Refusal(401, "Unauthorized", "The clientId or the keys are missing or not valid.")

    def _read(self, request: Request, path: str, twist: Fault | None) -> Response:
        if path == "system/info":
            return json_response(200, self._system_info())
        if path == "system/myMembers/info":
            return json_response(200, self._member())
        rows = self._rows(twist)
        if path in RESOURCES:
            resource = RESOURCES[path]
            return reading.page(rows.listed(resource.table), request, resource.fields, twist)
        collection, _, last = path.rpartition("/")
        if collection not in RESOURCES or collection in LISTS_ONLY:
            raise no_route()
        resource = RESOURCES[collection]
        if last == "count":
            return reading.count(rows.listed(resource.table), request, resource.fields, twist)
        return reading.one(_found(rows, resource.title, resource.table, last), request, resource.fields)

    def _rows(self, twist: Fault | None) -> Rows:
        if twist and twist.kind is Kind.READ_LAG:
            return self.tables.as_of(self.clock.now() - timedelta(seconds=twist.seconds))
        return self.tables

    def _addition(self, request: Request, parts: list[str], twist: Fault | None) -> Response:
        # A write is judged by what is, however old the picture that reads are shown.
        rows = self._rows(twist if request.method == "GET" else None)
        agreement: int = _found(rows, "Agreement", "agreements", parts[2]).fields["id"]
        table, last = addition_table(agreement), parts[4:]
        if request.method == "GET" and not last:
            return reading.page(rows.listed(table), request, shapes.ADDITION, twist)
        if request.method == "GET" and last == ["count"]:
            return reading.count(rows.listed(table), request, shapes.ADDITION, twist)
        if request.method == "POST" and not last:
            return self._post(request, agreement, twist)
        if len(last) != 1:
            raise no_method(request.method) if not last else no_route()
        record = _found(rows, "Addition", table, last[0])
        if request.method == "GET":
            return reading.one(record, request, shapes.ADDITION)
        return self._change(request, agreement, record, twist)

    def _post(self, request: Request, agreement: int, twist: Fault | None) -> Response:
        values = self._judged(request, agreement, twist)
        return self._stored(request, agreement, values, twist, 201)

    def _change(self, request: Request, agreement: int, record: Record, twist: Fault | None) -> Response:
        if request.method == "DELETE":
            self.tables.drop(self.clock.now(), addition_table(agreement), record.fields["id"])
            return Response(204)
        if request.method == "PUT":
            # All else is forgotten or defaulted anew, the marker included: why nobody should PUT.
            kept = {name: record.fields[name] for name in ("id", "sequenceNumber", "_info")}
            return self._stored(request, agreement, {**self._judged(request, agreement, twist), **kept}, twist)
        if request.method != "PATCH":
            raise no_method(request.method)
        operations = _json(request)
        if self.site.wants_custom_fields and self.custom_fields() and not _names_custom_fields(operations):
            raise Refusal(400, "InvalidObject", "addition object is invalid: customFields is required")
        values = additions.patched(record.fields, operations, self.terms(agreement), self, twist)
        return self._stored(request, agreement, values, twist)

    def _judged(self, request: Request, agreement: int, twist: Fault | None) -> additions.Values:
        today = self.clock.today(self.site.zone)
        return additions.created(_json(request), self.terms(agreement), self, today, twist)

    def _stored(
        self, request: Request, agreement: int, values: additions.Values, twist: Fault | None, status: int = 200
    ) -> Response:
        """FALSE_OK shows the record as it was asked for and keeps nothing of it."""
        # A row is always put first, so that a false answer cannot differ from a true one.
        id = values.get("id")
        before = self.tables.get(addition_table(agreement), id) if id else None
        record = self.store_addition(self.terms(agreement), values, self.site.member)
        if twist and twist.kind is Kind.FALSE_OK:
            self._take_back(agreement, record, before)
        return reading.one(record, request, shapes.ADDITION, status)

    def _take_back(self, agreement: int, record: Record, before: Record | None) -> None:
        table, now = addition_table(agreement), self.clock.now()
        if before is None:
            self.tables.drop(now, table, record.fields["id"])
        else:
            self.tables.put(now, table, before)

    def _system_info(self) -> Mapping[str, Any]:
        return {
            "version": f"v{self.site.version}",
            "isCloud": True,
            "serverTimeZone": self.site.zone,
            "cloudRegion": "NA",
        }

    def _member(self) -> Mapping[str, Any]:
        return {
            "id": 1,
            "identifier": self.site.member,
            "fullName": self.site.member,
            "licenseClass": "A",
            "inactiveFlag": False,
            "timeZone": {"id": 1, "name": self.site.zone},
        }


def _found(rows: Rows, title: str, table: str, id: str) -> Record:
    if not id.isdigit():
        raise no_route()
    record = rows.get(table, int(id))
    if record is None:
        raise no_record(title, int(id))
    return record


def _json(request: Request) -> Any:
    try:
        return request.json()
    except json.JSONDecodeError:
        raise Refusal(400, "InvalidObject", "The body is not valid JSON.") from None


def _names_custom_fields(operations: object) -> bool:
    return isinstance(operations, list) and any(
        isinstance(operation, dict) and str(operation.get("path", "")).lstrip("/") == "customFields"
        for operation in operations
    )


_ACTIONS = (
    "add_company",
    "add_agreement",
    "add_product",
    "add_addition",
    "add_custom_field",
    "person_adds",
    "person_edits",
    "person_cancels",
    "person_copies",
    "person_deletes",
    "person_edits_agreement",
    "person_edits_product",
    "person_edits_company",
    "upgrade",
)
