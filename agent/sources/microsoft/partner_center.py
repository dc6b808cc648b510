"""What a direct partner has sold to a tenant, as Partner Center tells it: terms, ends, windows (Microsoft: 2.3).

It counts nothing: the seats are the tenant's own, and a sale only adds what the tenant does not tell about them. The
two are one subscription where the sale's id is the subscription's id in commerce.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct, field

from agent.domain.counts import Coverage, Deal, Observation, Subscription, Term
from agent.domain.findings import Code, Stop
from agent.errors import AccessDenied, Incomplete, ReadFailed, Unreachable
from agent.loopback import is_loopback
from agent.outgoing import PASSING, Answer, Outgoing
from agent.ports import Clock
from agent.sources.microsoft.records import check_unique, instant_of
from agent.sources.microsoft.tokens import Token, Tokens

GLOBAL = "https://api.partnercenter.microsoft.com"
PER_MINUTE = 450  # of the 500 that Microsoft allows

_SECOND = 1_000_000_000
_RETRY = 3_600 * _SECOND  # what could not be read is not asked for in every cycle
_MONTHS = {"P1M": 1, "P1Y": 12, "P3Y": 36}
_PAID = {"monthly": 1, "annual": 12, "triennial": 36}
_LATER = "Nothing to do unless it lasts: what was known of the terms stays known."
_DIRECT = (
    "Only direct partners can read it: let microsoft.tenant be their own, or remove microsoft.partner-center.every."
)


class Next(Struct):
    quantity: int | None = None


class WireSale(Struct):
    id: str
    status: str
    quantity: int
    termDuration: str | None = None
    billingCycle: str | None = None
    commitmentEndDate: str | None = None
    commitmentEndDateTime: str | None = None
    cancellationAllowedUntilDate: str | None = None
    autoRenewEnabled: bool | None = None
    scheduledNextTermInstructions: Next | None = None


class Sales(Struct):
    """The list comes whole; its count proves it."""

    items: list[WireSale]
    count: int = field(name="totalCount")


_SALES = msgspec.json.Decoder(Sales)


@dataclass(frozen=True, slots=True)
class _Kept:
    """An answer, or why there was none, with what the tenant listed when it was asked for."""

    at: int
    listed: frozenset[object]
    found: Mapping[str, Deal] | ReadFailed


def scope(url: str) -> str:
    return f"{GLOBAL if is_loopback(urlsplit(url).hostname) else url}/.default"


class PartnerCenter:
    """Asked once in `every` seconds for each tenant, and at once when the tenant's own list has changed.

    `partner` is the tenant that sells, whose token it takes: application only, for one with a person would need that
    person's second factor.
    """

    def __init__(self, outgoing: Outgoing, tokens: Tokens, partner: str, clock: Clock, every: int) -> None:
        self._outgoing = outgoing
        self._tokens = tokens
        self._partner = partner
        self._clock = clock
        self._every = every * _SECOND
        self._kept: dict[str, _Kept] = {}

    def deals(self, tenant: str, bought: Iterable[Subscription]) -> Mapping[str, Deal]:
        """Id in commerce -> what was sold. Raises `ReadFailed`: then it is not known what was."""
        listed = frozenset((one.commerce, one.quantity, one.status, one.renews) for one in bought)
        kept = self._kept.get(tenant)
        if kept is None or kept.listed != listed or self._clock.monotonic() - kept.at >= self._lasts(kept):
            kept = self._kept[tenant] = _Kept(self._clock.monotonic(), listed, self._asked(tenant))
        if isinstance(kept.found, ReadFailed):
            raise kept.found
        return kept.found

    def tell(
        self, tenant: str, seen: Mapping[str, Observation]
    ) -> tuple[Mapping[str, Observation], frozenset[Coverage], Mapping[str, Stop]]:
        """The observations with what the seller says of their subscriptions, what that covers, or the gap it left."""
        try:
            sold = self.deals(tenant, [one for found in seen.values() for one in found.subscriptions])
        except ReadFailed as error:
            return seen, frozenset(), {Coverage.TERMS: Stop(Code.SOURCE_INCOMPLETE, str(error), error.remedy)}
        return {sku: _told(found, sold) for sku, found in seen.items()}, frozenset({Coverage.TERMS}), {}

    def trouble(self, tenant: str) -> ReadFailed | None:
        """Why nothing can be read, asked now."""
        found = self._asked(tenant)
        return found if isinstance(found, ReadFailed) else None

    def _lasts(self, kept: _Kept) -> int:
        return min(_RETRY, self._every) if isinstance(kept.found, ReadFailed) else self._every

    def _asked(self, tenant: str) -> Mapping[str, Deal] | ReadFailed:
        try:
            return self._sold(tenant)
        except ReadFailed as error:
            return error

    def _sold(self, tenant: str) -> Mapping[str, Deal]:
        token = self._tokens.token(self._partner)
        answer = self._read(tenant, token)
        if answer.status == 401:
            answer = self._read(tenant, self._tokens.token(self._partner, instead_of=token))
        if not answer.ok:
            raise _refusal(answer.status)
        try:
            sales = _SALES.decode(answer.body)
        except msgspec.MsgspecError as error:
            raise Incomplete(f"Partner Center's list of sales is not understood: {error}", _LATER) from None
        if sales.count != len(sales.items):
            raise Incomplete(f"Partner Center counts {sales.count} sales but listed {len(sales.items)}.", _LATER)
        check_unique((sale.id for sale in sales.items), "sale")
        found = {sale.id.lower(): deal_of(sale, self._clock.now()) for sale in sales.items}
        return {id: deal for id, deal in found.items() if deal is not None}

    def _read(self, tenant: str, token: Token) -> Answer:
        headers = {"Authorization": f"Bearer {token.text}"}
        # Twice at most: a cycle waits for this, and can do without.
        return self._outgoing.read("GET", f"/v1/customers/{tenant}/subscriptions", headers=headers, attempts=2)


def _told(found: Observation, sold: Mapping[str, Deal]) -> Observation:
    subscriptions = tuple(replace(one, deal=sold.get(one.commerce)) for one in found.subscriptions)
    return replace(found, subscriptions=subscriptions)


def deal_of(sale: WireSale, now: datetime) -> Deal | None:
    """None for sales without a term, which are older than the new commerce."""
    months = _MONTHS.get(sale.termDuration or "")
    if months is None:
        return None
    then = sale.scheduledNextTermInstructions
    return Deal(
        term=Term(months, _PAID.get((sale.billingCycle or "").lower())),
        quantity=sale.quantity,
        ends=_end(instant_of(sale.commitmentEndDateTime or sale.commitmentEndDate), months, now),
        cancel_until=instant_of(sale.cancellationAllowedUntilDate),
        renews=sale.autoRenewEnabled is not False,
        next_quantity=then.quantity if then else None,
        by="Partner Center",
    )


def _end(last: datetime | None, months: int, now: datetime) -> datetime | None:
    """The first instant after the last one that is told: a day, where it has no time, or a second.

    What does not renew by itself is given a last day in another age.
    """
    if last is None or last > now + timedelta(days=31 * (months + 1)):
        return None
    return last + timedelta(days=1) if last.time() == time() else last.replace(microsecond=0) + timedelta(seconds=1)


def _refusal(status: int) -> ReadFailed:
    if status in (401, 403):
        return AccessDenied(f"Partner Center refuses the application ({status}).", _DIRECT)
    if status in PASSING:
        return Unreachable(f"Partner Center answered {status}.", _LATER)
    return Incomplete(f"Partner Center answered {status}.", _LATER)
