"""Snapshots: the latest of each account whole, rewritten only when it says something new, and what it said before."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Any

import sqlalchemy as sa
from sqlalchemy import bindparam
from sqlalchemy.engine import Connection, Row

from agent.domain.counts import (
    Account,
    Coverage,
    Group,
    Invoiced,
    MailboxKind,
    Member,
    Observation,
    Snapshot,
    Status,
    Subscription,
    System,
    Unit,
)
from agent.domain.findings import Code, Stop
from agent.domain.money import Money
from agent.ports import Version
from agent.store import histories, past
from agent.store.canonical import canonical, parsed, sha256
from agent.store.database import put
from agent.store.past import packed, unpacked
from agent.store.rows import deal_of, deal_plain, instant_of, instant_plain
from agent.store.tables import SNAPSHOT

KIND = "snapshot"
_THIS = sa.and_(SNAPSHOT.c.source == bindparam("of_source"), SNAPSHOT.c.account == bindparam("of_account"))
_SAVED = sa.select(SNAPSHOT.c.since, SNAPSHOT.c.taken_at, SNAPSHOT.c.digest, SNAPSHOT.c.name).where(_THIS)
_BODY = sa.select(SNAPSHOT.c.body).where(_THIS)
_WHOLE = sa.select(SNAPSHOT).where(_THIS)
_SEEN_AGAIN = sa.update(SNAPSHOT).where(_THIS).values(taken_at=bindparam("when"))


class Packed:
    """A snapshot made ready before the transaction begins: encoding takes longer than storing."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot, self.account, self.taken_at = snapshot, snapshot.account, snapshot.taken_at
        self.text = _text(snapshot)
        self.digest = sha256(self.text)


def remember(connection: Connection, snapshots: Iterable[Packed]) -> None:
    for snapshot in snapshots:
        _remember(connection, snapshot)


def _remember(connection: Connection, new: Packed) -> None:
    """Keep the snapshot unless a newer one of the account is there: threads may finish in any order."""
    of = _of(new.account)
    saved = connection.execute(_SAVED, of).first()
    if saved is not None and saved.taken_at > new.taken_at:
        return
    same = saved is not None and saved.digest == new.digest
    if saved is not None and same and saved.name == new.account.name:
        if saved.taken_at < new.taken_at:  # several companies may hand in one read of the tenant that they share
            connection.execute(_SEEN_AGAIN, {**of, "when": new.taken_at})
        return
    if saved is not None and not same:
        before = unpacked(connection.execute(_BODY, of).scalar_one())
        past.keep(connection, KIND, name_of(new.account), saved.since, saved.taken_at, before, new.text)
    account = {"source": new.account.source, "account": new.account.id, "name": new.account.name}
    since = saved.since if saved is not None and same else new.taken_at
    read = {"since": since, "taken_at": new.taken_at, "digest": new.digest, "body": packed(new.text)}
    put(connection, SNAPSHOT, [account | read])
    histories.remember(connection, new.snapshot, saved.taken_at if saved else None)


def last(connection: Connection, account: Account) -> Snapshot | None:
    row = connection.execute(_WHOLE, _of(account)).first()
    return None if row is None else _Reader(row).snapshot(row.taken_at, past.records(unpacked(row.body)))


def versions(connection: Connection, account: Account, since: datetime) -> Sequence[Version[Snapshot]]:
    row = connection.execute(_WHOLE, _of(account)).first()
    if row is None:
        return []
    reader, text = _Reader(row), unpacked(row.body)
    found = [Version(row.since, row.taken_at, reader.snapshot(row.taken_at, past.records(text)), row.digest)]
    for version in past.earlier(connection, KIND, name_of(account), text):
        if found[-1].since <= since:
            break
        snapshot, digest = reader.snapshot(version.until, version.records), sha256(past.text(version.records))
        found.append(Version(version.since, version.until, snapshot, digest))
    return found[::-1]


def ages(connection: Connection) -> Mapping[Account, datetime]:
    columns = SNAPSHOT.c.source, SNAPSHOT.c.account, SNAPSHOT.c.name, SNAPSHOT.c.taken_at
    rows = connection.execute(sa.select(*columns).order_by(SNAPSHOT.c.source, SNAPSHOT.c.account))
    return {Account(row.source, row.account, row.name): row.taken_at for row in rows}


def _of(account: Account) -> dict[str, str]:
    return {"of_source": account.source, "of_account": account.id}


def name_of(account: Account) -> str:
    return f"{account.source}/{account.id}"


def _text(snapshot: Snapshot) -> str:
    """Everything but the account and the time, so that two reads that saw the same have the same text."""
    coverage = ["coverage", sorted(coverage.value for coverage in snapshot.coverage), snapshot.from_file]
    seen = [["seen", key, *_observation_fields(one)] for key, one in sorted(snapshot.observations.items())]
    gaps = [["gap", what, stop.code.value, stop.reason, stop.remedy] for what, stop in sorted(snapshot.gaps.items())]
    groups = [["group", id, *_group_fields(group)] for id, group in sorted(snapshot.groups.items())]
    boxes = [["mailboxes", kind.value, _people_fields(held)] for kind, held in sorted(snapshot.mailboxes.items())]
    devices = [["devices", kind.value, _people_fields(held)] for kind, held in sorted(snapshot.devices.items())]
    members = [["member", *_member_fields(member)] for member in snapshot.members]
    return canonical([coverage, *seen, *gaps, *groups, *boxes, *devices, *members])


def _group_fields(group: Group) -> list[object]:
    return [_people_fields(group.people), _people_fields(group.devices)]


def _group(id_: str, people: list[list[Any]], devices: list[list[Any]]) -> tuple[str, Group]:
    return id_, Group(_people(people), _people(devices))


def _mailboxes(kind: str, held: list[list[Any]]) -> tuple[MailboxKind, tuple[Member, ...]]:
    return MailboxKind(kind), _people(held)


def _devices(system: str, held: list[list[Any]]) -> tuple[System, tuple[Member, ...]]:
    return System(system), _people(held)


_BY_KEY = ("seen", "gap", "group", "mailboxes", "devices")


class _Reader:
    """Reads versions of one account; a person who stays the same through a hundred of them is made once."""

    def __init__(self, row: Row[Any]) -> None:
        self._account = Account(row.source, row.account, row.name)
        self._known: dict[str, tuple[str, Any]] = {}

    def snapshot(self, taken_at: datetime, texts: Iterable[str]) -> Snapshot:
        read = [self._record(text) for text in texts]
        [(coverage, from_file)] = (value for tag, value in read if tag == "coverage")
        seen, gaps, groups, boxes, devices = (dict(value for tag, value in read if tag == named) for named in _BY_KEY)
        members = tuple(value for tag, value in read if tag == "member")
        return Snapshot(self._account, taken_at, seen, members, coverage, groups, boxes, gaps, devices, from_file)

    def _record(self, text: str) -> tuple[str, Any]:
        known = self._known.get(text)
        if known is None:
            tag, *fields = parsed(text)
            known = self._known[text] = tag, _PARTS[tag](*fields)
        return known


def _observation_fields(seen: Observation) -> list[object]:
    counts = [seen.prepaid, seen.assigned, seen.per_user]
    bought = [_subscription_fields(s) for s in seen.subscriptions]
    billing = [seen.invoiced.quantity, _money_plain(seen.invoiced.cost)] if seen.invoiced else None
    return [seen.sku, seen.part_number, seen.name, *counts, bought, seen.unit.value, billing]


def _observation(
    sku: str,
    part_number: str,
    name: str,
    prepaid: int | None,
    assigned: int | None,
    per_user: bool,
    subscriptions: list[Any],
    unit: str,
    billing: list[Any] | None,
) -> Observation:
    bought = tuple(_subscription(*fields) for fields in subscriptions)
    counts = prepaid, assigned, per_user
    cost = _money(billing[1]) if billing else None
    invoiced = Invoiced(billing[0], cost) if billing and cost is not None else None
    return Observation(sku, part_number, name, *counts, bought, Unit(unit), invoiced)


def _money_plain(money: Money | None) -> list[str] | None:
    return None if money is None else [str(money.amount), money.currency]  # an invoice of 0.00 is one


def _money(plain: list[str] | None) -> Money | None:
    return Money(Decimal(plain[0]), plain[1]) if plain else None


def _subscription_fields(bought: Subscription) -> list[object]:
    instants = [instant_plain(moment) for moment in (bought.created, bought.renews)]
    ids = [bought.owner, bought.commerce]
    amounts = [_money_plain(bought.cost), _money_plain(bought.price)]
    facts = [bought.quantity, bought.trial, *ids, deal_plain(bought.deal)]
    # What tells it from its neighbours comes first, as in every list of records: thinning goes by it.
    return [bought.id, bought.status.value, *instants, *facts, *amounts, bought.paid, instant_plain(bought.ends)]


def _subscription(
    id_: str,
    status: str,
    created: str | None,
    renews: str | None,
    quantity: int,
    trial: bool,
    owner: str,
    commerce: str,
    deal: list[Any] | None,
    cost: list[str] | None,
    price: list[str] | None,
    paid: int | None,
    ends: str | None,
) -> Subscription:
    instants, amounts = (instant_of(created), instant_of(renews)), (_money(cost), _money(price))
    state, last = Status(status), instant_of(ends)
    return Subscription(id_, quantity, state, *instants, trial, owner, commerce, deal_of(deal), *amounts, paid, last)


def _people_fields(members: Iterable[Member]) -> list[list[object]]:
    return [_member_fields(member) for member in members]


def _people(members: Iterable[list[Any]]) -> tuple[Member, ...]:
    return tuple(_member(*fields) for fields in members)


def _member_fields(member: Member) -> list[object]:
    person = [member.id, member.login, member.name, member.enabled, member.guest]
    # In seconds since 1970, the shortest: there is one for every licence of everybody.
    dates = [{sku: int(at.timestamp()) for sku, at in member.assigned.items()}] if member.assigned else []
    return [*person, sorted(member.licences), dict(member.attributes), *dates]


def _member(
    id_: str,
    login: str,
    name: str,
    enabled: bool,
    guest: bool,
    licences: list[str],
    attributes: dict[str, str],
    dates: Mapping[str, int] = MappingProxyType({}),
) -> Member:
    assigned = {sku: datetime.fromtimestamp(at, UTC) for sku, at in dates.items()}
    return Member(id_, login, name, enabled, guest, frozenset(licences), attributes, assigned)


_PARTS: Mapping[str, Callable[..., Any]] = {
    "coverage": lambda words, from_file: (frozenset(map(Coverage, words)), from_file),
    "seen": lambda key, *fields: (key, _observation(*fields)),
    "gap": lambda what, code, reason, remedy: (what, Stop(Code(code), reason, remedy)),
    "group": _group,
    "mailboxes": _mailboxes,
    "devices": _devices,
    "member": _member,
}
