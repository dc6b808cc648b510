"""A ConnectWise site in memory: the `Psa` port with everything that can go wrong between it and its caller.

It plans with the adapter's own pure functions and executes the JSON of the writes; lines are kept as the site's
records, each with the past that a lagging read still shows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import Enum, StrEnum
from typing import Any

from agent.domain.agreements import Agreement, Company, Line, Product
from agent.domain.changes import Change, Outcome, Picture, Realisation, Receipt, Seen, Write
from agent.domain.findings import Finding
from agent.domain.periods import DAY
from agent.domain.proration import CONNECTWISE
from agent.errors import Incomplete, Unreachable
from agent.ports import Traits
from agent.psa.connectwise.pen import Manner, seen
from agent.psa.connectwise.psa import TEXT_LIMIT
from agent.psa.connectwise.records import Marker, line
from agent.psa.connectwise.texts import json_of, midnight
from agent.psa.connectwise.writes import writes
from tests.engine.here import SETTLE, StillClock


class Effect(Enum):
    NONE = "none"
    ONCE = "once"
    TWICE = "twice"
    LATER = "later"
    OTHER = "other"


class Fault(StrEnum):
    """What a write can meet."""

    NONE = "none"
    REFUSED = "refused"
    CONFLICT = "conflict"
    LOST = "lost"
    ANSWER_LOST = "answer-lost"
    LATE = "late"
    FALSE_OK = "false-ok"
    DISTORTED = "distorted"
    TWICE = "twice"


ANATOMY = {
    Fault.NONE: (Outcome.DONE, Effect.ONCE),
    Fault.REFUSED: (Outcome.REFUSED, Effect.NONE),
    Fault.CONFLICT: (Outcome.CONFLICT, Effect.NONE),
    Fault.LOST: (Outcome.UNKNOWN, Effect.NONE),
    Fault.ANSWER_LOST: (Outcome.UNKNOWN, Effect.ONCE),
    Fault.LATE: (Outcome.UNKNOWN, Effect.LATER),
    Fault.FALSE_OK: (Outcome.DONE, Effect.NONE),
    Fault.DISTORTED: (Outcome.DONE, Effect.OTHER),
    Fault.TWICE: (Outcome.DONE, Effect.TWICE),
}


class ReadFault(StrEnum):
    FAILED = "failed"
    SHORT = "short"


Record = dict[str, Any]
US = "trueup"


TRAITS = Traits("connectwise", "addition", TEXT_LIMIT, SETTLE, CONNECTWISE)


@dataclass(slots=True)
class MemoryPsa:
    """`sent` are the writes that came in; `touched` are the lines that each of them made or moved, by its number."""

    clock: StillClock
    installation: str
    agreement: Agreement
    products_by_name: Mapping[str, Product]
    traits: Traits = TRAITS
    sent: list[Write] = field(default_factory=list)
    touched: dict[int, list[int]] = field(default_factory=dict)
    credits: str = "off"
    lag: int = 0  # seconds by which reads of lines are behind
    met: Counter[str] = field(default_factory=Counter)
    _records: dict[int, Record] = field(default_factory=dict)
    _bin: dict[int, Record] = field(default_factory=dict)
    _past: list[tuple[datetime, Mapping[int, Line]]] = field(default_factory=list)
    _late: list[tuple[datetime, int]] = field(default_factory=list)
    _mishaps: list[tuple[Fault, int]] = field(default_factory=list)
    _blind: list[ReadFault | None] = field(default_factory=list)
    _next: int = 4711

    def __post_init__(self) -> None:
        self._past.append((self.clock.now(), {}))

    # What the agent sees.

    def check(self) -> Sequence[Finding]:
        return []

    def companies(self) -> Sequence[Company]:
        return [Company(self.agreement.company, "Contoso")]

    def products(self, identifiers: Iterable[str]) -> Mapping[str, Product]:
        self._read()
        return {name: self.products_by_name[name] for name in identifiers if name in self.products_by_name}

    def agreements(self, ids: Iterable[int]) -> Mapping[int, Agreement]:
        self._read()
        return {id: self.agreement for id in ids if id == self.agreement.id}

    def batches(self, ids: Iterable[int]) -> Sequence[Sequence[int]]:
        return [sorted(ids)]

    def agreements_of(self, companies: Iterable[int]) -> Sequence[Agreement]:
        self._read()
        return [self.agreement] if self.agreement.company in companies else []

    def lines(self, agreement: int) -> Sequence[Line]:
        return [line for line in self._read().values() if line.agreement == agreement]

    def writes(self, change: Change, agreement: Agreement, today: date) -> Realisation:
        return writes(change, agreement, today, Manner(self.installation, Marker(), self.credits))

    def execute(self, write: Write) -> Receipt:
        number, refusal = len(self.sent), self._refusal(write)
        self.sent.append(write)
        fault, seconds = self._mishaps.pop(0) if self._mishaps else (Fault.NONE, 0)
        outcome, effect = ANATOMY[fault]
        if refusal and effect is not Effect.NONE:
            return Receipt(Outcome.REFUSED, refusal, status=400)
        self.met[fault] += 1
        if effect is Effect.LATER:
            self._late.append((self.clock.now() + timedelta(seconds=seconds), number))
        elif effect is not Effect.NONE:
            self._carry_out(number, effect)
        return Receipt(outcome, fault, next(iter(self.touched.get(number, ())), None))

    def look_for(self, write: Write) -> Seen:
        shown = self._read()
        if write.line is not None:
            found = shown.get(write.line)
            return _compared(write, found) if found else Seen(Picture.OTHER)
        start = date.fromisoformat(write.after["start"])
        marked = [x for x in shown.values() if x.mark == write.mark and (x.end is None or x.end > start)]
        if len(marked) > 1:
            return Seen(Picture.TWICE, marked[0])
        return _compared(write, marked[0]) if marked else Seen(Picture.BEFORE)

    # What is, and what people, invoices and faults do to it.

    @property
    def now(self) -> Mapping[int, Line]:
        """Every line as it truly is."""
        self._land()
        return self._past[-1][1]

    def was(self, since: datetime) -> Sequence[Mapping[int, Line]]:
        """What has been true at some time from `since` on."""
        self._land()
        until = [*(at for at, _ in self._past[1:]), self.clock.now() + DAY]
        return [lines for (_, lines), end in zip(self._past, until, strict=True) if end > since]

    def executed(self, number: int) -> int:
        """How often the write has taken effect until now."""
        self._land()
        return len(self.touched.get(number, ()))

    def pending(self, number: int) -> bool:
        """Whether the write may still take effect."""
        return any(waiting == number for _, waiting in self._late)

    def a_write_goes_wrong(self, fault: Fault, seconds: int) -> None:
        """The next write that comes; a late one takes effect after so many seconds."""
        self._mishaps.append((fault, seconds))

    def a_read_goes_wrong(self, fault: ReadFault, nth: int) -> None:
        self._blind += [*[None] * (nth - 1), fault]

    def calm(self) -> None:
        """Faults cease; what was sent before may still take effect."""
        self._mishaps.clear()
        self._blind.clear()
        self.lag = 0

    def moves_invoice(self, day: date) -> None:
        """An invoice has been made or undone: days before this one are billed."""
        self.agreement = replace(self.agreement, next_invoice=day)

    def person_adds(self, product: str, quantity: int, start: date, **fields: Any) -> int:
        body = {"product": {"id": self.products_by_name[product].id}, "quantity": Decimal(quantity)}
        return self._put({**self._fresh(body), "effectiveDate": midnight(start), **fields}, "ana")

    def person_edits(self, id: int, **fields: Any) -> None:
        self._put({**self._records[id], **fields}, "ana")

    def person_copies(self, id: int) -> int:
        return self._put({**self._records[id], "id": None}, "ana")

    def person_deletes(self, id: int) -> None:
        self._bin[id] = self._records.pop(id)
        self._keep({key: line for key, line in self.now.items() if key != id})

    def person_restores(self, id: int) -> None:
        self._put(self._bin.pop(id), "ana")

    def _read(self) -> Mapping[int, Line]:
        """The lines as a read shows them now; a fault that waits for this read strikes first."""
        fault = self._blind.pop(0) if self._blind else None
        if fault is ReadFault.FAILED:
            self.met[fault] += 1
            raise Unreachable("ConnectWise did not answer")
        if fault is ReadFault.SHORT:
            self.met[fault] += 1
            raise Incomplete("a page is missing")
        if not self.lag:
            return self.now
        self.met["lag"] += 1
        self._land()
        then = self.clock.now() - timedelta(seconds=self.lag)
        return next((lines for at, lines in reversed(self._past) if at <= then), self._past[0][1])

    def _land(self) -> None:
        """What was late takes effect, each at its own time."""
        due = sorted(late for late in self._late if late[0] <= self.clock.now())
        self._late = [late for late in self._late if late not in due]
        for at, number in due:
            if not self._refusal(self.sent[number]):
                self._carry_out(number, Effect.ONCE, at)

    def _refusal(self, write: Write) -> str:
        body, lines = json_of(write.body), self._past[-1][1]
        if write.method == "POST":
            start, end = body["effectiveDate"], body.get("cancelledDate")
            if self.agreement.bill_start and start < midnight(self.agreement.bill_start):
                return "the effective date lies before the billing start"
            return "the cancelled date lies before the effective date" if end and end < start else ""
        return "" if write.line in lines else "404: no such addition"

    def _carry_out(self, number: int, effect: Effect, at: datetime | None = None) -> None:
        write = self.sent[number]
        body = json_of(write.body)
        if write.method == "POST":
            record = self._fresh(body)
        else:
            record = {**self._records[write.line or 0], **{change["path"]: change["value"] for change in body}}
        if effect is Effect.OTHER:
            record["quantity"] = max(Decimal(0), record["quantity"] - 1)
        touched = [self._put(record, US, at)]
        if effect is Effect.TWICE and write.method == "POST":
            touched.append(self._put({**record, "id": None}, US, at))
        if effect is not Effect.OTHER:
            self.touched[number] = touched

    def _fresh(self, body: Record) -> Record:
        """A new addition: what the body leaves open is the catalogue's."""
        product = next(p for p in self.products_by_name.values() if p.id == body["product"]["id"])
        given = {"unitPrice": product.price, "billCustomer": "Billable", "invoiceDescription": product.description}
        return {**given, **body, "product": {"id": product.id, "identifier": product.identifier}, "id": None}

    def _put(self, record: Record, by: str, at: datetime | None = None) -> int:
        id = record["id"]
        if id is None:
            id, self._next = self._next, self._next + 1
        moment = at or self.clock.now()
        kept = {**record, "id": id, "_info": {"lastUpdated": moment.isoformat(), "updatedBy": by}}
        before = self.now if at is None else self._past[-1][1]
        self._records[id] = kept
        self._keep({**before, id: line(kept, self.agreement.id, Marker())}, moment)
        return id

    def _keep(self, lines: Mapping[int, Line], at: datetime | None = None) -> None:
        self._past.append((at or self.clock.now(), lines))


def shows(line: Line, wanted: Mapping[str, str]) -> bool:
    fields = seen(line)
    return all(fields.get(name) == value for name, value in wanted.items())


def _compared(write: Write, line: Line) -> Seen:
    fields = seen(line)
    if shows(line, write.after):
        return Seen(Picture.AFTER, line, fields)
    before = bool(write.before) and shows(line, write.before)
    return Seen(Picture.BEFORE if before else Picture.OTHER, line, fields)
