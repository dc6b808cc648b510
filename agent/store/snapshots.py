"""The latest snapshot of each account, compressed, and rewritten only when it says something new."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import bindparam
from sqlalchemy.engine import Connection, Row

from agent.domain.counts import (
    Account,
    Coverage,
    Group,
    MailboxKind,
    Member,
    Observation,
    Snapshot,
    Status,
    Subscription,
)
from agent.domain.findings import Code, Stop
from agent.store import histories
from agent.store.canonical import canonical, parsed, sha256
from agent.store.database import put
from agent.store.rows import deal_of, deal_plain, instant_of, instant_plain
from agent.store.tables import SNAPSHOT

_THIS = sa.and_(SNAPSHOT.c.source == bindparam("of_source"), SNAPSHOT.c.account == bindparam("of_account"))
_SAVED = sa.select(SNAPSHOT.c.taken_at, SNAPSHOT.c.digest, SNAPSHOT.c.name).where(_THIS)
_WHOLE = sa.select(SNAPSHOT).where(_THIS)
_SEEN_AGAIN = sa.update(SNAPSHOT).where(_THIS).values(taken_at=bindparam("when"))


class Packed:
    """A snapshot made ready before the transaction begins: encoding takes longer than storing."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot, self.account, self.taken_at = snapshot, snapshot.account, snapshot.taken_at
        self.text = _text(snapshot)
        self.digest = sha256(self.text)

    @property
    def body(self) -> bytes:
        # Level 1 is three times as fast as the default and nearly as small.
        return zlib.compress(self.text.encode("ascii"), 1)


def remember(connection: Connection, packed: Packed) -> None:
    """Keep the snapshot unless a newer one of the account is there: threads may finish in any order."""
    saved = connection.execute(_SAVED, _of(packed.account)).first()
    if saved is not None and saved.taken_at > packed.taken_at:
        return
    if saved is not None and (saved.digest, saved.name) == (packed.digest, packed.account.name):
        connection.execute(_SEEN_AGAIN, {**_of(packed.account), "when": packed.taken_at})
        return
    account = {"source": packed.account.source, "account": packed.account.id, "name": packed.account.name}
    read = {"taken_at": packed.taken_at, "digest": packed.digest, "body": packed.body}
    put(connection, SNAPSHOT, [account | read])
    histories.remember(connection, packed.snapshot, saved.taken_at if saved else None)


def last(connection: Connection, account: Account) -> Snapshot | None:
    row = connection.execute(_WHOLE, _of(account)).first()
    return None if row is None else _snapshot(row)


def ages(connection: Connection) -> Mapping[Account, datetime]:
    columns = SNAPSHOT.c.source, SNAPSHOT.c.account, SNAPSHOT.c.name, SNAPSHOT.c.taken_at
    rows = connection.execute(sa.select(*columns).order_by(SNAPSHOT.c.source, SNAPSHOT.c.account))
    return {Account(row.source, row.account, row.name): row.taken_at for row in rows}


def _of(account: Account) -> dict[str, str]:
    return {"of_source": account.source, "of_account": account.id}


def _text(snapshot: Snapshot) -> str:
    """Everything but the account and the time, so that two reads that saw the same have the same text."""
    return canonical(
        [
            sorted(coverage.value for coverage in snapshot.coverage),
            {key: _observation_fields(seen) for key, seen in snapshot.observations.items()},
            _people_fields(snapshot.members),
            {
                id: [_people_fields(group.people), _people_fields(group.devices)]
                for id, group in snapshot.groups.items()
            },
            {kind.value: _people_fields(boxes) for kind, boxes in snapshot.mailboxes.items()},
            {what: [stop.code.value, stop.reason, stop.remedy] for what, stop in snapshot.gaps.items()},
        ]
    )


def _snapshot(row: Row[Any]) -> Snapshot:
    coverage, observations, members, groups, mailboxes, gaps = parsed(zlib.decompress(row.body).decode("ascii"))
    return Snapshot(
        Account(row.source, row.account, row.name),
        row.taken_at,
        {key: _observation(*fields) for key, fields in observations.items()},
        _people(members),
        frozenset(map(Coverage, coverage)),
        {id: Group(_people(people), _people(devices)) for id, (people, devices) in groups.items()},
        {MailboxKind(kind): _people(boxes) for kind, boxes in mailboxes.items()},
        {what: Stop(Code(code), reason, remedy) for what, (code, reason, remedy) in gaps.items()},
    )


def _observation_fields(seen: Observation) -> list[object]:
    counts = [seen.prepaid, seen.assigned, seen.per_user]
    return [seen.sku, seen.part_number, seen.name, *counts, [_subscription_fields(s) for s in seen.subscriptions]]


def _observation(
    sku: str, part_number: str, name: str, prepaid: int, assigned: int, per_user: bool, subscriptions: list[Any]
) -> Observation:
    bought = tuple(_subscription(*fields) for fields in subscriptions)
    return Observation(sku, part_number, name, prepaid, assigned, per_user, bought)


def _subscription_fields(bought: Subscription) -> list[object]:
    instants = [instant_plain(moment) for moment in (bought.created, bought.renews)]
    ids = [bought.owner, bought.commerce]
    return [bought.status.value, *instants, bought.id, bought.quantity, bought.trial, *ids, deal_plain(bought.deal)]


def _subscription(
    status: str,
    created: str | None,
    renews: str | None,
    id_: str,
    quantity: int,
    trial: bool,
    owner: str,
    commerce: str,
    deal: list[Any] | None,
) -> Subscription:
    instants = instant_of(created), instant_of(renews)
    return Subscription(id_, quantity, Status(status), *instants, trial, owner, commerce, deal_of(deal))


def _people_fields(members: Iterable[Member]) -> list[list[object]]:
    return [_member_fields(member) for member in members]


def _people(members: Iterable[list[Any]]) -> tuple[Member, ...]:
    return tuple(_member(*fields) for fields in members)


def _member_fields(member: Member) -> list[object]:
    person = [member.id, member.login, member.name, member.enabled, member.guest]
    return [*person, sorted(member.licences), dict(member.attributes)]


def _member(
    id_: str, login: str, name: str, enabled: bool, guest: bool, licences: list[str], attributes: dict[str, str]
) -> Member:
    return Member(id_, login, name, enabled, guest, frozenset(licences), attributes)
