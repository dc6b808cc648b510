"""Standings: what the PSA showed of each company, the latest whole and what it showed before."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy import bindparam
from sqlalchemy.engine import Connection

from agent.domain.agreements import Agreement, Billable, Line, Product, Standing
from agent.ports import Version
from agent.store import past
from agent.store.canonical import canonical, parsed, sha256
from agent.store.database import put
from agent.store.past import packed, unpacked
from agent.store.tables import STANDING

_KIND = "standing"
_THIS = STANDING.c.company == bindparam("of")
_SAVED = sa.select(STANDING.c.digest).where(_THIS)
_WHOLE = sa.select(STANDING).where(_THIS)
_SEEN_AGAIN = sa.update(STANDING).where(_THIS).values(last=bindparam("when"))


def remember(connection: Connection, company: int, standing: Standing, at: datetime) -> None:
    text = _text(standing)
    digest = sha256(text)
    if connection.scalar(_SAVED, {"of": company}) == digest:
        connection.execute(_SEEN_AGAIN, {"of": company, "when": at})
        return
    before = connection.execute(_WHOLE, {"of": company}).first()
    if before is not None:
        past.keep(connection, _KIND, str(company), before.since, before.last, unpacked(before.body), text)
    put(connection, STANDING, [{"company": company, "since": at, "last": at, "digest": digest, "body": packed(text)}])


def versions(connection: Connection, company: int, since: datetime) -> Sequence[Version[Standing]]:
    row = connection.execute(_WHOLE, {"of": company}).first()
    if row is None:
        return []
    text = unpacked(row.body)
    found = [Version(row.since, row.last, _standing(past.records(text)))]
    for version in past.earlier(connection, _KIND, str(company), text):
        if found[-1].since <= since:
            break
        found.append(Version(version.since, version.until, _standing(version.records)))
    return found[::-1]


def _text(standing: Standing) -> str:
    """Without what only the adapter that read a line understands, or what says nothing of its price and days."""
    agreements = [["agreement", *_agreement_fields(standing.agreements[id])] for id in sorted(standing.agreements)]
    lines = [line for id in sorted(standing.lines) for line in sorted(standing.lines[id], key=lambda line: line.id)]
    products = [["product", name, *_product_fields(one)] for name, one in sorted(standing.products.items())]
    return canonical([*agreements, *(["line", *_line_fields(line)] for line in lines), *products])


def _standing(texts: Iterable[str]) -> Standing:
    read = [parsed(text) for text in texts]
    agreements = [_agreement(*fields) for tag, *fields in read if tag == "agreement"]
    lines: dict[int, list[Line]] = {agreement.id: [] for agreement in agreements}
    for tag, *fields in read:
        if tag == "line":
            line = _line(*fields)
            lines.setdefault(line.agreement, []).append(line)
    products = {name: _product(*fields) for tag, name, *fields in read if tag == "product"}
    return Standing({agreement.id: agreement for agreement in agreements}, lines, products)


def _agreement_fields(of: Agreement) -> list[object]:
    days = [_text_of(day) for day in (of.bill_start, of.next_invoice, of.ends)]
    rest = [of.currency, of.parent, of.refusal]
    return [of.id, of.company, of.name, of.months, of.cycle, of.prorates, *days, *rest]


def _agreement(id_: int, company: int, name: str, months: int | None, cycle: str, *rest: Any) -> Agreement:
    prorates, bill_start, next_invoice, ends, *told = rest
    days = _day(bill_start), _day(next_invoice), _day(ends)
    return Agreement(id_, company, name, months, cycle, prorates, *days, *told)


def _line_fields(of: Line) -> list[object]:
    amounts = [_text_of(amount) for amount in (of.quantity, of.included, of.price)]
    days = [_text_of(day) for day in (of.start, of.end)]
    told = [of.text, of.mark, of.version, of.changed_by]
    return [of.id, of.agreement, of.product, of.identifier, *amounts, of.billable.value, *days, *told]


def _line(
    id_: int, agreement: int, product: int, identifier: str, quantity: str, included: str, price: str | None, *rest: Any
) -> Line:
    billable, start, end, *told = rest
    amounts = Decimal(quantity), Decimal(included), _amount(price)
    return Line(id_, agreement, product, identifier, *amounts, Billable(billable), _day(start), _day(end), *told)


def _product_fields(of: Product) -> list[object]:
    return [of.id, of.identifier, of.description, _text_of(of.price), _text_of(of.cost), of.refusal]


def _product(id_: int, identifier: str, description: str, price: str | None, cost: str | None, refusal: str) -> Product:
    return Product(id_, identifier, description, _amount(price), _amount(cost), refusal)


def _text_of(value: object) -> str | None:
    return None if value is None else str(value)


def _amount(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


def _day(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)
