"""Single writes: the POST that makes an addition and the PATCH that moves one, with their pictures and their words."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import count
from typing import Any, NamedTuple

from agent.domain.agreements import Agreement, Line
from agent.domain.changes import Change, Write
from agent.domain.descriptions import cleaned
from agent.domain.history import Move
from agent.domain.keys import LineKey, Mark, Role
from agent.domain.ownership import picture, plain
from agent.domain.periods import DAY, Period
from agent.psa.connectwise.records import BILL_CUSTOMER, Marker, extra
from agent.psa.connectwise.texts import json_text, midnight


@dataclass(frozen=True, slots=True)
class Manner:
    """How this installation writes to this site. `credits` is off, negative-quantity or negative-price.

    `custom_fields`: a PATCH must carry the line's customFields, changed or not; some versions refuse it otherwise.
    """

    installation: str
    marker: Marker
    credits: str = "off"
    custom_fields: bool = False


class _Field(NamedTuple):
    """A value under its name in a picture: ConnectWise's field, its JSON, its canonical text, its word."""

    name: str
    json: Callable[[Any], object]
    text: Callable[[Any], str]
    word: str


def _same(value: Any) -> Any:
    return value


_FIELDS: Mapping[str, _Field] = {
    "quantity": _Field("quantity", _same, plain, "quantity"),
    "included": _Field("lessIncluded", _same, plain, "included quantity"),
    "price": _Field("unitPrice", _same, plain, "unit price"),
    "billable": _Field("billCustomer", BILL_CUSTOMER.__getitem__, str, "billing option"),
    "start": _Field("effectiveDate", midnight, date.isoformat, "first day"),
    # Ours is the first day that is not billed, ConnectWise's the last one that is (reference 8.4).
    "end": _Field("cancelledDate", lambda end: midnight(end - DAY), date.isoformat, "end"),
    "text": _Field("invoiceDescription", cleaned, cleaned, "invoice text"),
    "taxable": _Field("taxableFlag", _same, str, "taxable"),
    "cost": _Field("unitCost", _same, plain, "unit cost"),
}


def seen(line: Line) -> dict[str, str]:
    """The line's picture, and what else a POST may have set or ConnectWise worked out.

    `prorated` is ConnectWise's own price of one unit for the part of its first period, where it tells.
    """
    fields, kept = dict(picture(line)), extra(line)
    if "taxableFlag" in kept:
        fields["taxable"] = _FIELDS["taxable"].text(kept["taxableFlag"])
    if "unitCost" in kept:
        fields["cost"] = plain(kept["unitCost"])
    if "proratePrice" in kept:
        fields["prorated"] = plain(kept["proratePrice"])
    return fields


@dataclass(frozen=True, slots=True)
class Pen:
    """Puts the writes of one change on one agreement."""

    change: Change
    agreement: Agreement
    manner: Manner

    def post(self, key: LineKey, **values: object) -> Write:
        """A new addition. A value that is None is left to ConnectWise, which then takes the catalogue's."""
        given = {name: value for name, value in values.items() if value is not None}
        mark = str(Mark.of(self.manner.installation, key))
        body = {
            # By id, which no renaming in the catalogue moves.
            "product": {"id": self.change.product},
            **{_FIELDS[name].name: _FIELDS[name].json(value) for name, value in given.items()},
            **self.manner.marker.written(mark),
        }
        after = {name: _FIELDS[name].text(value) for name, value in given.items()}
        first, end = given["start"], given.get("end")
        days = f"{first} to {end - DAY}" if isinstance(end, date) else f"from {first}"
        return Write(
            key=key,
            agreement=self.agreement.id,
            company=self.change.company,
            method="POST",
            path=f"/finance/agreements/{self.agreement.id}/additions",
            body=json_text(body),
            sentence=f"POST addition {after['quantity']} x {key.product}, {days}",
            before={},
            after={**after, "product": key.product},
            mark=mark,
            boundary=self.agreement.next_invoice,
        )

    def beside(self, key: LineKey, base: Line, quantity: Decimal | int, price: Decimal | None, **days: date) -> Write:
        """A difference line: billed as its base is, so also taxed as it is and at its cost.

        Its text is the row's own or the product's, without the people: they are named on the base.
        """
        like = extra(base)
        return self.post(
            self.unused(key),
            quantity=Decimal(quantity),
            price=price,
            billable=base.billable,
            text=self.change.after.heading or None,
            taxable=like.get("taxableFlag"),
            cost=like.get("unitCost"),
            **days,
        )

    def uncovered(self, move: Move) -> Iterator[tuple[Period, int]]:
        """`Change.uncovered`, as far as the agreement bills."""
        for days, low in self.change.uncovered(move):
            start = max(days.start, self.agreement.bill_start or days.start)
            if start < days.end:
                yield Period(start, days.end), low

    def unused(self, key: LineKey) -> LineKey:
        """Up, down and up again on one day asks for the same difference twice, but one mark must not name two lines.

        Also where the base has ended between: it took the seats of that day off the difference line, which stays.
        """
        holding = self.change.holding
        deltas = (*holding.deltas, *holding.closed) if holding else self.change.earlier
        keys, marks = {delta.key for delta in deltas}, {delta.line.mark.strip() for delta in deltas}
        asked = (key.delta(key.part if n == 1 else f"{key.part}/{n}", key.role) for n in count(1))
        return next(k for k in asked if k not in keys and str(Mark.of(self.manner.installation, k)) not in marks)

    def patch(self, key: LineKey, line: Line, **values: object) -> tuple[Write, ...]:
        """One PATCH of what differs from the line; none where nothing does."""
        before = picture(line)
        after = {name: _FIELDS[name].text(value) for name, value in values.items()}
        moved = [name for name in after if after[name] != before[name]]
        if not moved:
            return ()
        # Absolute values, one request: repeated by hand or by a proxy it does no harm. Paths without a slash in front,
        # as documented; their case counts.
        operations = [
            {"op": "replace", "path": _FIELDS[name].name, "value": _FIELDS[name].json(values[name])} for name in moved
        ]
        operations += self._beside(key, line)
        words = ", ".join(_moved(name, before[name], after[name]) for name in moved)
        return (
            Write(
                key=key,
                agreement=self.agreement.id,
                company=self.change.company,
                method="PATCH",
                path=f"/finance/agreements/{self.agreement.id}/additions/{line.id}",
                body=json_text(operations),
                sentence=f"PATCH addition {line.id}: {words}",
                before=before,
                after={name: after[name] for name in moved},
                line=line.id,
                boundary=self.agreement.next_invoice,
            ),
        )

    def _beside(self, key: LineKey, line: Line) -> Iterator[dict[str, object]]:
        """What a PATCH carries along: our mark where an adopted line has none, the custom fields where a site asks."""
        whole = extra(line).get("customFields", ())
        signs = key.role is Role.BASE and not line.mark
        if signs:
            yield dict(self.manner.marker.signing(str(Mark.of(self.manner.installation, key)), whole))
        if self.manner.custom_fields and not (signs and self.manner.marker.custom):
            # All of them as they were read: by some accounts what is left out is cleared, by others it is kept.
            yield {"op": "replace", "path": "customFields", "value": whole}


def _moved(name: str, before: str, after: str) -> str:
    if name == "text":
        return "invoice text"
    if name == "end":
        return f"last day {date.fromisoformat(after) - DAY}"
    return f"{_FIELDS[name].word} {before or 'none'} -> {after}"
