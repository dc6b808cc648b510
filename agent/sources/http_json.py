"""Counts from an API that nobody wrote an adapter for, by declaration: dotted paths and constants, no expressions.

What the settings cannot say, this source cannot do. It follows no link to another host, believes no list whose total
disagrees, and takes a field that is not there for a failed read and never for nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from enum import StrEnum
from typing import Any
from urllib.parse import quote

from msgspec.json import Decoder

from agent.domain.counts import NO_NEEDS, Account, Coverage, Hint, Member, Needs, Observation, Snapshot, Unit
from agent.domain.findings import Finding
from agent.domain.mappings import Basis, folded
from agent.errors import Absent, Incomplete
from agent.outgoing.vendor import LATER, Vendor
from agent.ports import Clock

PAGES = 1000
ACCOUNT = "{account}"
_MISSING: Any = object()
_ANY: Decoder[Any] = Decoder(Any, float_hook=Decimal)


class Turn(StrEnum):
    """How a list goes on behind its first page."""

    NONE = "none"
    PAGE = "page"
    AFTER = "after"
    CURSOR = "cursor"
    NEXT_URL = "next-url"


@dataclass(frozen=True, slots=True)
class Paging:
    """`param` carries the page's number, the last item's `key`, or the cursor; `next` is where the answer has the
    cursor or the next address. A numbered list ends with the page that `pages` names, else, like one by keys, with an
    empty one: a short page proves nothing."""

    turn: Turn = Turn.NONE
    param: str = ""
    start: int = 1
    size_param: str = ""
    size: int = 100
    next: str = ""
    pages: str = ""
    key: str = "id"


@dataclass(frozen=True, slots=True)
class Condition:
    """Items count only where the value at `path` is one of the words, or with `unless` none of them."""

    path: str
    words: frozenset[str]
    unless: bool = False

    def holds(self, item: object) -> bool:
        return (_word(_at(item, self.path)) in self.words) is not self.unless


@dataclass(frozen=True, slots=True)
class Listing:
    """`items` is where the answer has its list, "" where it is the list, or the only item. `total` is of all pages."""

    path: str
    params: Mapping[str, str] = field(default_factory=dict)
    items: str = ""
    total: str = ""
    where: tuple[Condition, ...] = ()


@dataclass(frozen=True, slots=True)
class Accounts:
    listing: Listing
    id: str
    name: str = ""
    tenant: str = ""


@dataclass(frozen=True, slots=True)
class Counts:
    """Without `quantity` each item is one. `account`: where an item says whose it is, if the request cannot ask for
    one account. `product` is a path, `fixed` a constant in its place."""

    listing: Listing
    basis: Basis
    unit: Unit
    product: str = ""
    fixed: str = ""
    quantity: str = ""
    member: str = ""
    account: str = ""


@dataclass(slots=True)
class _Counted:
    name: str
    number: int = 0
    members: dict[str, Member] = field(default_factory=dict)


class JsonSource:
    """`agent.ports.Source` over an API that answers in JSON."""

    def __init__(
        self, name: str, vendor: Vendor, accounts: Accounts, counts: Counts, paging: Paging, clock: Clock
    ) -> None:
        self._name, self._vendor, self._clock = name, vendor, clock
        self._accounts, self._counts, self._paging = accounts, counts, paging
        self._spelled: Mapping[str, str] = {}

    def accounts(self) -> Sequence[Account]:
        told = self._accounts
        items = list(self._items(told.listing, ""))
        spelled = {folded(id_): id_ for id_ in (_text(one, told.id, self._name) for one in items)}
        if len(spelled) < len(items):
            raise Incomplete(f"{self._name} lists an account twice.", LATER)
        self._spelled = spelled
        return [self._account(one, told) for one in items]

    def observe(self, account: Account, needs: Needs = NO_NEEDS) -> Snapshot:
        at, counts, id_ = self._clock.now(), self._counts, folded(account.id)
        items = list(self._items(counts.listing, self._spelling(id_)))
        if counts.account:
            items = [one for one in items if folded(_text(one, counts.account, self._name)) == id_]
        products = self._counted(items)
        seen = {key: self._observation(key, one) for key, one in products.items()}
        members = tuple(member for one in products.values() for member in one.members.values())
        told = {Coverage.MEMBERS if counts.member else Coverage.IN_USE} if counts.basis is Basis.ASSIGNED else set()
        return Snapshot(replace(account, id=id_), at, seen, members, frozenset({Coverage.LICENCES, *told}))

    def _spelling(self, id_: str) -> str:
        """As the service writes it: ids are compared without regard to case, and asked for with it."""
        if id_ not in self._spelled:
            self.accounts()
        if id_ not in self._spelled:
            raise Absent(f"{self._name} does not list the account {id_}.", "Correct the id in the mapping file.")
        return self._spelled[id_]

    def check(self, account: Account, needs: Needs = NO_NEEDS, elsewhere: Needs = NO_NEEDS) -> Sequence[Finding]:
        self.observe(account)
        return ()

    def _account(self, one: object, told: Accounts) -> Account:
        tenant = _at(one, told.tenant) if told.tenant else None
        hints = ((Hint.TENANT, tenant.lower()),) if isinstance(tenant, str) and tenant else ()
        name = _text(one, told.name, self._name) if told.name else ""
        return Account(self._name, folded(_text(one, told.id, self._name)), name, hints)

    def _counted(self, items: Sequence[object]) -> Mapping[str, _Counted]:
        found: dict[str, _Counted] = {}
        for item in items:
            name = self._counts.fixed or _text(item, self._counts.product, self._name)
            one = found.setdefault(folded(name), _Counted(name))
            one.number += self._quantity(item)
            if self._counts.member:
                self._add(one, item, folded(name))
        # What there is none of is not listed, here as at every source.
        return {key: one for key, one in found.items() if one.number}

    def _add(self, one: _Counted, item: object, key: str) -> None:
        label = _text(item, self._counts.member, self._name)
        id_ = f"{key}/{folded(label)}"
        if id_ in one.members:
            raise Incomplete(f"{self._name} lists {label} twice.", LATER)
        one.members[id_] = Member(id_, label, label, True, False, frozenset({key}), {})

    def _quantity(self, item: object) -> int:
        if not self._counts.quantity:
            return 1
        value = _at(item, self._counts.quantity)
        number = Decimal(value) if isinstance(value, str) and value.isdecimal() else value
        if isinstance(number, bool) or not isinstance(number, int | Decimal) or number != int(number) or number < 0:
            raise Incomplete(
                f"{self._name} tells {_shown(value)} where {self._counts.quantity} should be a number.", LATER
            )
        return int(number)

    def _observation(self, key: str, one: _Counted) -> Observation:
        bought = one.number if self._counts.basis is Basis.PURCHASED else None
        used = one.number if bought is None else None
        return Observation(key, "", one.name, bought, used, bool(one.members), unit=self._counts.unit)

    def _items(self, listing: Listing, account: str) -> Iterator[object]:
        """Every item of every page that its conditions let pass; raises unless as many came as there are said to be."""
        number, totals = 0, set[int]()
        for body in self._bodies(listing, account):
            items = _list(body, listing.items, self._name)
            if listing.total:
                totals.add(_whole(_at(body, listing.total), self._name))
            number += len(items)
            yield from (one for one in items if all(condition.holds(one) for condition in listing.where))
        if totals and totals != {number}:
            counted = " or ".join(map(str, sorted(totals)))
            raise Incomplete(f"{self._name} counts {counted} items but listed {number}.", LATER)

    def _bodies(self, listing: Listing, account: str) -> Iterator[object]:
        # Quoted to the last character: an id with a slash or a question mark must not ask for something else.
        path = listing.path.replace(ACCOUNT, quote(account, safe=""))
        constants = {name: value.replace(ACCOUNT, account) for name, value in listing.params.items()}
        paging, seen = self._paging, set[str]()
        sized = {**constants, **({paging.size_param: str(paging.size)} if paging.size_param else {})}
        address, params = path, self._first(sized)
        for number in range(PAGES):
            body = self._vendor.read(address, _ANY, params)
            yield body
            turned = self._next(body, listing, number)
            if turned is None:
                return
            # A cursor that comes back would be read for ever, and every item counted each time.
            if turned in seen:
                break
            seen.add(turned)
            # The next address carries all that the first request asked for.
            address, params = (turned, {}) if paging.turn is Turn.NEXT_URL else (path, {**sized, paging.param: turned})
        raise Incomplete(f"{self._name}'s list does not end.", LATER)

    def _first(self, sized: Mapping[str, str]) -> Mapping[str, str]:
        return {**sized, self._paging.param: str(self._paging.start)} if self._paging.turn is Turn.PAGE else sized

    def _next(self, body: object, listing: Listing, number: int) -> str | None:
        """What the next request asks for; None at the end."""
        paging = self._paging
        match paging.turn:
            case Turn.NONE:
                return None
            case Turn.PAGE:
                last = _whole(_at(body, paging.pages), self._name) if paging.pages else None
                over = not _list(body, listing.items, self._name) if last is None else number + 1 >= last
                return None if over else str(paging.start + number + 1)
            case Turn.AFTER:
                items = _list(body, listing.items, self._name)
                return _text(items[-1], paging.key, self._name) if items else None
        told = _at(body, paging.next)
        return None if told is _MISSING or told in (None, "", False) else str(told)


def _at(value: Any, path: str) -> Any:
    """What a dotted path leads to, `_MISSING` where it leads nowhere; "" is the value itself."""
    for step in path.split(".") if path else ():
        if not isinstance(value, dict) or step not in value:
            return _MISSING
        value = value[step]
    return value


def _list(body: object, path: str, name: str) -> list[object]:
    found = _at(body, path)
    if isinstance(found, dict):
        return [found]
    if not isinstance(found, list):
        raise Incomplete(f"{name} has no list at {path or 'the top of its answer'}.", _CORRECT)
    return found


def _text(item: object, path: str, name: str) -> str:
    found = _at(item, path)
    if isinstance(found, bool) or not isinstance(found, str | int) or not str(found).strip():
        raise Incomplete(f"{name} tells {_shown(found)} at {path or 'an item'}, where a text should be.", _CORRECT)
    return str(found).strip()


def _whole(found: object, name: str) -> int:
    if isinstance(found, bool) or not isinstance(found, int):
        raise Incomplete(f"{name} tells {_shown(found)} where a total should be.", _CORRECT)
    return found


def _word(found: object) -> str:
    return "" if found is _MISSING or found is None else folded(str(found))


def _shown(found: object) -> str:
    return "nothing" if found is _MISSING else f"{str(found)[:40]!a}"


_CORRECT = "Compare the paths in agent.toml with what the service answers."
