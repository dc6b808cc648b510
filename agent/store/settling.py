"""Gaps, which are findings with money that grows, and what people decided about them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import bindparam
from sqlalchemy.engine import Connection, Row

from agent.domain.ledger import Instalment, Order, Settlement, Verb
from agent.ports import SeenGap
from agent.store import journal
from agent.store.journal import Note
from agent.store.rows import Values, apart_of, finding_of, key_of, key_text, money_of_plain, money_plain
from agent.store.tables import FINDING, SETTLEMENT

# The text of an empty list is what a finding has that was never a gap.
_GAPS = sa.select(FINDING).where(FINDING.c.course != [], FINDING.c.company.is_not(None)).order_by(FINDING.c.id)
_SETTLEMENTS = sa.select(SETTLEMENT).order_by(SETTLEMENT.c.id)
_NEWEST = sa.select(sa.func.max(SETTLEMENT.c.id)).where(SETTLEMENT.c.gap == bindparam("of"))
_RECORD = sa.insert(SETTLEMENT)


def gaps(connection: Connection, company: int | None) -> Sequence[SeenGap]:
    query = _GAPS if company is None else _GAPS.where(FINDING.c.company == company)
    return [_gap(row) for row in connection.execute(query)]


def settlements(connection: Connection, company: int | None) -> Sequence[Settlement]:
    query = _SETTLEMENTS if company is None else _SETTLEMENTS.where(SETTLEMENT.c.company == company)
    return [_settlement(row) for row in connection.execute(query)]


def settle(connection: Connection, asked: Settlement, after: int, licence: str) -> Settlement | None:
    # Writers take turns, so nobody can decide between this look and the record.
    newest = connection.scalar(_NEWEST, {"of": asked.gap})
    if newest is not None and newest > after:
        return None
    body = _body(asked)
    values = {"gap": asked.gap, "company": asked.company, "verb": asked.verb.value, "at": asked.at, "body": body}
    made = connection.execute(_RECORD, values).inserted_primary_key
    if made is None:
        raise AssertionError("a row that was inserted has a number")
    number = int(made[0])
    said = {"company": asked.company, "gap": asked.gap, "settlement": number, "licence": licence}
    note = Note(f"ledger-{asked.verb.value}", said | body | {"sentence": _sentence(asked, licence)})
    journal.append(connection, asked.at, [note])
    return replace(asked, id=number)


def _gap(row: Row[Any]) -> SeenGap:
    course = tuple((datetime.fromisoformat(at), apart_of(apart)) for at, apart in row.course)
    return SeenGap(row.id, row.company, finding_of(row).finding, course, row.first_seen, row.closed_at)


def _body(one: Settlement) -> Values:
    plan = [[part.day.isoformat(), money_plain(part.amount)] for part in one.instalments]
    words = {"who": one.who, "approver": one.approver, "reason": one.reason, "reverses": one.reverses}
    money = {"amount": money_plain(one.amount), "price": money_plain(one.price)}
    order = one.order and {"key": key_text(one.order.key), "text": one.order.text, "credit": one.order.credit}
    return {"on": one.on.isoformat(), "instalments": plan, "order": order, **words, **money}


def _settlement(row: Row[Any]) -> Settlement:
    body: Mapping[str, Any] = row.body
    paid = ((date.fromisoformat(day), money_of_plain(amount)) for day, amount in body["instalments"])
    return Settlement(
        row.id,
        row.gap,
        row.company,
        Verb(row.verb),
        date.fromisoformat(body["on"]),
        row.at,
        body["who"],
        money_of_plain(body["amount"]),
        body["approver"],
        body["reason"],
        money_of_plain(body["price"]),
        tuple(Instalment(day, amount) for day, amount in paid if amount is not None),
        body["reverses"],
        _order(body["order"]),
    )


def _order(plain: Mapping[str, Any] | None) -> Order | None:
    return None if plain is None else Order(key_of(plain["key"]), plain["text"], plain["credit"])


def ordered(connection: Connection, company: int) -> tuple[Settlement, ...]:
    """Decisions in force of which Trueup is to write the instalments."""
    known = settlements(connection, company)
    gone = {one.reverses for one in known}
    return tuple(one for one in known if one.order is not None and one.id not in gone)


def _sentence(one: Settlement, licence: str) -> str:
    """What the journal says in one line."""
    parts = [f"gap {one.gap} ({licence}): {one.verb.value}"]
    parts += [f"{one.amount}"] if one.amount and not one.instalments else []
    parts += [f"{part.amount} on {part.day}" for part in one.instalments]
    parts += [f"takes back decision {one.reverses}"] if one.reverses else []
    parts += [f"allowed by {one.approver}"] if one.approver else []
    return ", ".join([*parts, *([one.reason] if one.reason else [])])
