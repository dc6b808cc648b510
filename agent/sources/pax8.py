"""Pax8: what the MSP buys there for each company, its terms, prices and costs, and what Pax8 is about to bill.

A Microsoft licence is known by its GUID, which only the call for a single subscription tells; it never changes, so it
is asked for once. Several subscriptions of one licence are one product, as they are one pool in the tenant.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from datetime import time as time_of_day
from decimal import Decimal
from typing import Generic, TypeVar

from msgspec import Struct, field
from msgspec.json import Decoder

from agent.domain.counts import (
    NO_NEEDS,
    Account,
    Coverage,
    Deal,
    Hint,
    Invoiced,
    Needs,
    Observation,
    Snapshot,
    Status,
    Subscription,
    Term,
)
from agent.domain.findings import Finding
from agent.domain.money import Money
from agent.errors import Incomplete
from agent.outgoing import Answer, Outgoing
from agent.outgoing.vendor import LATER, Bearer, Vendor
from agent.ports import Clock
from agent.sku_table import SkuTable

T = TypeVar("T")

AUDIENCE = "https://api.pax8.com"
SIZE = 200  # rows a page, the most there are
_GUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")
_COVERED = frozenset({Coverage.LICENCES, Coverage.SUBSCRIPTIONS, Coverage.TERMS})


class _Paging(Struct):
    total: int = field(name="totalElements")
    pages: int = field(name="totalPages")


class Page(Struct, Generic[T]):
    page: _Paging
    content: list[T]


# A field without a default must be there and must have its type: a quantity that is missing is not zero.
class WireCompany(Struct):
    id: str
    name: str
    externalId: str | None = None
    website: str | None = None
    status: str | None = None


class WireCommitment(Struct):
    term: str | None = None
    endDate: str | None = None


class WireSubscription(Struct):
    id: str
    companyId: str
    productId: str
    quantity: Decimal
    status: str
    vendorSubscriptionId: str | None = None
    vendorSkuId: str | None = None
    startDate: str | None = None
    endDate: str | None = None
    createdDate: str | None = None
    price: Decimal | None = None
    partnerCost: Decimal | None = None
    currencyCode: str | None = None
    productName: str | None = None
    billingTerm: str | None = None
    # The documentation has one name and the wire has had the other.
    commitmentTerm: WireCommitment | None = None
    commitment: WireCommitment | None = None


class WireProduct(Struct):
    id: str
    name: str = ""
    vendorName: str = ""


class WireItem(Struct):
    type: str
    quantity: Decimal
    id: str | None = None
    companyId: str | None = None
    productId: str | None = None
    subscriptionId: str | None = None
    costTotal: Decimal | None = None
    currencyCode: str | None = None


_COMPANIES, _COMPANY = Decoder(Page[WireCompany]), Decoder(WireCompany)
_SUBSCRIPTIONS, _SUBSCRIPTION = Decoder(Page[WireSubscription]), Decoder(WireSubscription)
_PRODUCT, _ITEMS = Decoder(WireProduct), Decoder(Page[WireItem])

# Trials and orders under way are told, and are not billed. A status that is not known makes the number a doubt.
_STATUS = {
    "active": Status.ENABLED,
    "pendingcancel": Status.ENABLED,
    "trial": Status.TRIAL,
    "cancelled": Status.DELETED,
    "converted": Status.DELETED,
    **dict.fromkeys(
        ("pendingmanual", "pendingautomated", "pendingactivation", "activated", "waitingfordetails"), Status.PENDING
    ),
}
_MONTHS = {"monthly": 1, "1-month": 1, "annual": 12, "1-year": 12, "2-year": 24, "3-year": 36}


@dataclass(frozen=True, slots=True)
class Credential:
    """The key of an API credential of the MSP's own; Pax8 forbids to hand it to a service of somebody else's."""

    id: str
    secret: Callable[[], str]


class Pax8Source:
    """`agent.ports.Source` over Pax8's partner API. `wire` goes to its address, `/v1` not included."""

    def __init__(
        self,
        name: str,
        wire: Outgoing,
        credential: Credential,
        clock: Clock,
        names: SkuTable,
        invoice: bool = True,
        size: int = SIZE,
    ) -> None:
        self._name, self._clock, self._names, self._invoice, self._size = name, clock, names, invoice, size
        self._vendor = Vendor("Pax8", wire, Bearer(lambda: _token(wire, credential), clock, "Pax8"))
        self._products: dict[str, WireProduct] = {}
        self._details: dict[str, tuple[str, str]] = {}  # subscription -> its product's key, its id with the vendor

    def accounts(self) -> Sequence[Account]:
        found = self._rows("/companies", _COMPANIES, {"status": "Active", "sort": "name,asc"}, lambda one: one.id)
        return [Account(self._name, one.id.lower(), one.name, _hints(one)) for one in found]

    def observe(self, account: Account, needs: Needs = NO_NEEDS) -> Snapshot:
        """All subscriptions of the company, ended ones included; whole, or `ReadFailed`."""
        at, company = self._clock.now(), account.id.lower()
        # A company that is not there has no subscriptions either, and that would read as zero.
        known = self._vendor.read(f"/v1/companies/{company}", _COMPANY)
        # Sorted by what never changes, so that an edit meanwhile moves no row to another page.
        filters = {"companyId": company, "sort": "createdDate,asc"}
        bought = self._rows("/subscriptions", _SUBSCRIPTIONS, filters, lambda one: one.id)
        _check_company((one.companyId for one in bought), company)
        keys = {one.id: self._key(one) for one in bought}
        items = self._items(company) if self._invoice else None
        by_key: dict[str, list[WireSubscription]] = {}
        for one in bought:
            by_key.setdefault(keys[one.id], []).append(one)
        seen = {key: self._observation(key, mine, at) for key, mine in by_key.items()}
        if items is not None:
            seen = {key: replace(one, invoiced=_invoiced(key, keys, items)) for key, one in seen.items()}
        covered = _COVERED if items is None else _COVERED | {Coverage.INVOICE}
        return Snapshot(replace(account, id=company, name=account.name or known.name), at, seen, (), covered)

    def check(self, account: Account, needs: Needs = NO_NEEDS, elsewhere: Needs = NO_NEEDS) -> Sequence[Finding]:
        self._vendor.read(f"/v1/companies/{account.id.lower()}", _COMPANY)
        return ()

    def _items(self, company: str) -> Sequence[WireItem]:
        """Next month's; Pax8 tells them before the invoice exists, without usage that is billed in arrears."""
        items = self._rows("/invoices/draftItems", _ITEMS, {"companyId": company, "monthOffset": "1"})
        _check_company((one.companyId for one in items if one.companyId), company)
        return items

    def _rows(
        self, path: str, decoder: Decoder[Page[T]], params: Mapping[str, str], id_of: Callable[[T], str] | None = None
    ) -> list[T]:
        """Every page, or `Incomplete`: as many rows as are said to be there, and none of them twice."""
        rows: list[T] = []
        number, pages, total = 0, 1, 0
        while number < pages:
            page = self._vendor.read(f"/v1{path}", decoder, {**params, "page": str(number), "size": str(self._size)})
            # A row that came or went meanwhile has moved the others across the pages' edges.
            if number and page.page.total != total:
                raise Incomplete("Pax8's list changed while it was read.", LATER)
            rows += page.content
            number, pages, total = number + 1, page.page.pages, page.page.total
        if len(rows) != total or (id_of and len(set(map(id_of, rows))) != total):
            raise Incomplete(f"Pax8 counts {total} rows but listed {len(rows)}, or some of them twice.", LATER)
        return rows

    def _key(self, one: WireSubscription) -> str:
        """The GUID of a Microsoft licence, else Pax8's id of the product."""
        if "microsoft" not in self._product(one.productId).vendorName.casefold():
            return one.productId.lower()
        if one.id not in self._details:
            detail = self._vendor.read(f"/v1/subscriptions/{one.id}", _SUBSCRIPTION)
            sku = (detail.vendorSkuId or "").lower()
            # Perpetual software and Azure plans are Microsoft's as well, and no licences.
            key = sku if _GUID.fullmatch(sku) else one.productId.lower()
            self._details[one.id] = key, (detail.vendorSubscriptionId or "").lower()
        return self._details[one.id][0]

    def _product(self, id_: str) -> WireProduct:
        if id_ not in self._products:
            self._products[id_] = self._vendor.read(f"/v1/products/{id_}", _PRODUCT)
        return self._products[id_]

    def _observation(self, key: str, bought: Sequence[WireSubscription], now: datetime) -> Observation:
        product = self._product(bought[0].productId)
        subscriptions = tuple(_subscription(one, self._details.get(one.id, ("", ""))[1], now) for one in bought)
        number, total = self._names.part_number(key), sum(one.quantity for one in subscriptions if one.status.billed)
        name = self._names.name(key) if number else bought[0].productName or product.name
        return Observation(key, number or "", name or key, total, None, False, subscriptions)


def _token(wire: Outgoing, credential: Credential) -> Answer:
    body = {"client_id": credential.id, "client_secret": credential.secret(), "audience": AUDIENCE}
    return wire.read("POST", "/v1/token", json={**body, "grant_type": "client_credentials"})


def _hints(one: WireCompany) -> tuple[tuple[Hint, str], ...]:
    """What the MSP may have written as external id is a tenant's id or the PSA's; the website's host is a domain."""
    found, own = [], (one.externalId or "").strip().lower()
    if _GUID.fullmatch(own):
        found.append((Hint.TENANT, own))
    elif own.isascii() and own.isdigit():
        found.append((Hint.COMPANY, own))
    site = re.search(r"(?:https?://)?(?:www\.)?([a-z0-9.-]+\.[a-z]{2,})", (one.website or "").lower())
    return (*found, (Hint.DOMAIN, site[1])) if site else tuple(found)


def _check_company(ids: Iterable[str], company: str) -> None:
    if any(id_.lower() != company for id_ in ids):
        raise Incomplete("Pax8 listed rows of another company than was asked for.", "If it stays, report it.")


def _subscription(one: WireSubscription, commerce: str, now: datetime) -> Subscription:
    quantity, ends = int(one.quantity), _instant(one.endDate)
    if quantity != one.quantity or quantity < 0:
        raise Incomplete(f"Pax8 tells a quantity of {one.quantity}, which are no seats.", "If it stays, report it.")
    status = _STATUS.get(one.status.casefold(), Status.UNKNOWN)
    # An order to cancel only sets the end: the row goes on to be called active.
    over = status is Status.ENABLED and ends is not None and ends <= now
    commitment = one.commitmentTerm or one.commitment
    return Subscription(
        id=one.id.lower(),
        quantity=quantity,
        status=Status.DELETED if over else status,
        created=_instant(one.createdDate),
        renews=_instant(commitment.endDate) if commitment else None,
        trial=status is Status.TRIAL,
        commerce=commerce,
        deal=_deal(one, commitment, quantity),
        cost=_money(one.partnerCost, one.currencyCode),
        price=_money(one.price, one.currencyCode),
        paid=_MONTHS.get((one.billingTerm or "").casefold()),
        ends=_after(one.endDate),
    )


def _deal(one: WireSubscription, commitment: WireCommitment | None, quantity: int) -> Deal | None:
    """The billing term says how often it is paid; only a commitment says for how long the seats are bound."""
    paid = _MONTHS.get((one.billingTerm or "").casefold())
    months = _MONTHS.get((commitment.term or "").casefold()) if commitment else None
    if commitment is None or months is None:
        return None
    # A purchase with an end has been cancelled for that day, so it does not renew.
    return Deal(Term(months, paid), quantity, _after(commitment.endDate), renews=not one.endDate, by="Pax8")


def _money(amount: Decimal | None, currency: str | None) -> Money | None:
    return Money(amount, currency) if amount is not None and currency else None


def _instant(text: str | None) -> datetime | None:
    """Pax8 writes times in three ways (with Z, with an offset without colon, a bare day); None where it writes none."""
    if not text:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise Incomplete(f"Pax8 tells a time that is none: {text[:40]!a}.", "If it stays, report it.") from None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _after(text: str | None) -> datetime | None:
    """The first instant after an end: a bare day is the last one of the term."""
    at = _instant(text)
    return at + timedelta(days=1) if at and at.timetz().replace(tzinfo=None) == time_of_day() else at


def _invoiced(key: str, keys: Mapping[str, str], items: Iterable[WireItem]) -> Invoiced | None:
    """Units are those of the subscriptions in force: a proration is money for a part of a month, and no more seats."""
    by_id = {id_.lower(): known for id_, known in keys.items()}
    mine = [one for one in items if one.subscriptionId and by_id.get(one.subscriptionId.lower()) == key]
    if not mine:
        return None
    amounts = [(one.costTotal, one.currencyCode) for one in mine]
    currencies = {currency for _, currency in amounts}
    if None in currencies or len(currencies) > 1 or any(amount is None for amount, _ in amounts):
        return None  # what a sum of two currencies would say, nobody knows
    quantity = sum(int(one.quantity) for one in mine if one.type.casefold() == "subscription")
    [currency] = currencies
    return Invoiced(quantity, Money(sum((amount for amount, _ in amounts if amount), Decimal(0)), currency or ""))
