"""What goes in and out, as types: the served OpenAPI is made of them.

The values themselves come from `agent.reports.values` and from the store's plans, as the command's `--json` prints
them; these models promise their shape, and tests hold the answers to it.
"""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema, model_validator

from agent.domain.findings import Code, Over, Severity
from agent.ports import EntryState


def _whole(value: object) -> object:
    # JSON has one kind of number, and some languages write 250.0 for 250.
    if isinstance(value, float) and value.is_integer():
        return int(value)
    # In a query pydantic would also take "1_000" and " 7".
    if isinstance(value, str) and not re.fullmatch(r"-?[0-9]{1,20}", value):
        raise ValueError("must be written in digits")
    return value


def is_day(text: str | None) -> str | None:
    if text is not None:
        date.fromisoformat(text)
    return text


WHOLE = BeforeValidator(_whole)
# The range of ids in mapping files; a number beyond it would not even fit into the store.
CompanyId = Annotated[int, Field(ge=1, le=2**31 - 1, description="Company id in the PSA"), WHOLE]
Instant = Annotated[str, WithJsonSchema({"type": "string", "format": "date-time"})]
_DATE = WithJsonSchema({"type": "string", "format": "date"})
Day = Annotated[str, _DATE]
AskedDay = Annotated[str | None, AfterValidator(is_day), _DATE]
Amount = Annotated[str, Field(description="A decimal number as text", examples=["22.00"])]
# Without line breaks and characters that nobody sees: it stands in the journal as somebody's word.
_UNSEEN = r"\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff"
Words = Annotated[str, Field(min_length=1, max_length=200, pattern=rf"^[^{_UNSEEN}]+$")]


class Asked(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class SyncRequest(Asked):
    """Which companies to sync: one, several, or (with neither) all that are mapped."""

    model_config = ConfigDict(json_schema_extra={"not": {"required": ["company", "companies"]}})

    company: CompanyId | None = None
    companies: Annotated[list[CompanyId], Field(min_length=1, max_length=5000)] | None = None
    dry: bool = Field(False, description="Only plan: read and think, but write nothing")

    @model_validator(mode="after")
    def _one_of_both(self) -> SyncRequest:
        if {"company", "companies"} <= self.model_fields_set:
            raise ValueError("name company or companies, not both")
        return self

    @property
    def chosen(self) -> list[int] | None:
        return [self.company] if self.company is not None else self.companies


class Decision(Asked):
    """Who decides, and why; both are kept in the journal."""

    who: Words
    reason: Words | None = None


class UndoRequest(Decision):
    """Which run, of which company (all of them without one); `digest` is the one of what was shown."""

    run: Annotated[str, Field(pattern=r"^[0-9a-f-]{1,64}$")]
    company: CompanyId | None = None
    digest: Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")] | None = None


class Query(BaseModel):
    """Unknown parameters are refused: a misspelt `company` would silently show all of them."""

    model_config = ConfigDict(extra="forbid")


class CompanyQuery(Query):
    company: CompanyId | None = None


class FindingsQuery(CompanyQuery):
    code: Code | None = None


class ClosedQuery(FindingsQuery):
    days: Annotated[int, Field(ge=1, le=3660)] = 7


class ExplainQuery(Query):
    company: CompanyId
    licence: Annotated[str, Field(max_length=500)] = Field("", description="Licence id, product or name of a row")
    on: AskedDay = Field(None, description="What was billed for this day; today without it")
    run: Annotated[str, Field(pattern=r"^[0-9a-f-]{1,64}$")] | None = Field(
        None, description="As it stood at the end of this run"
    )


class RunsQuery(Query):
    limit: Annotated[int, Field(ge=1, le=1000), WHOLE] = 50


class RunQuery(Query):
    wait: Annotated[int, Field(ge=0, le=60, description="Seconds to wait for the run to end, if it has not"), WHOLE] = 0


class JournalQuery(Query):
    limit: Annotated[int, Field(ge=1, le=10_000), WHOLE] = 200


class Answered(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Pressed(Answered):
    run: Annotated[str, Field(description="Ask GET /runs/{id} what became of it")]


class Money(Answered):
    amount: Amount
    currency: str


class Run(Answered):
    id: str
    reason: str
    companies: list[int]
    dry: bool
    started: Instant
    ended: Instant | None
    state: Literal["running", "done", "failed"]
    changes: int
    held: int
    confirmed: int
    refused: int
    unknown: int
    detail: str


class Entry(Answered):
    """One write to the PSA and what became of it."""

    id: int
    run: str
    state: EntryState
    at: Instant
    detail: str
    company: int
    agreement: int
    line: int | None
    key: str
    sentence: str
    method: str
    path: str
    body: str
    before: dict[str, str]
    after: dict[str, str]


class RunWithEntries(Run):
    entries: list[Entry]


class Terms(Answered):
    quantity: int
    included: int
    price: Amount | None
    billable: str
    text: str


class Line(Answered):
    id: int
    identifier: str


class PlannedWrite(Answered):
    """One request to the PSA, exactly as it will be sent."""

    digest: str
    key: str
    agreement: int
    company: int
    method: str
    path: str
    body: str
    sentence: str
    before: dict[str, str]
    after: dict[str, str]
    line: int | None
    mark: str
    boundary: Day | None
    next_invoice: Day | None = Field(description="Of the agreement, when it was planned")
    locked: Day | None = Field(description="Up to which renewal the line's seats keep their price")


class PlannedChange(Answered):
    digest: str
    verb: str
    key: str
    agreement: int
    label: str
    product: int
    sentence: str
    reason: str
    waits: str
    queued: str
    effective: Day
    line: Line | None
    before: Terms | None
    after: Terms
    monthly: Money | None
    next_invoice: Money | None = Field(description="What its requests add to the agreement's next invoice")
    holds: list[str]
    approved: bool
    note: str
    refused: bool
    writes: list[PlannedWrite]


class Plan(Answered):
    """The latest plan of one company."""

    run: str
    at: Instant
    company: int
    complete: bool
    monthly: Money | None
    changes: list[PlannedChange]


class Finding(Answered):
    code: Code
    severity: Severity
    company: int | None
    subject: str
    sentence: str
    remedy: str
    monthly: Money | None
    first_seen: Instant
    last_seen: Instant


class ClosedFinding(Answered):
    code: Code
    severity: Severity
    company: int | None
    subject: str
    sentence: str
    remedy: str
    monthly: Money | None
    first_seen: Instant
    closed: Instant
    because: Over


class Hold(Answered):
    digest: str
    company: int
    sentence: str
    reasons: list[str]
    writes: list[str]
    monthly: Money | None
    next_invoice: Money | None
    since: Instant
    state: Literal["open", "approved", "rejected"]


class LineTold(Answered):
    company: int
    agreement: int
    product: str
    line: int
    verb: Literal["keep", "take", "release"]
    quantity: int


class KeptLine(Answered):
    """What is kept are all lines of the key together, at `quantity`; `line` names one of them."""

    state: Literal["kept", "released"]
    company: int
    agreement: int
    product: str
    key: str
    line: int
    quantity: int | None
    price: Amount | None
    who: str | None
    at: Instant | None
    undoes: str | None
    note: str | None


class UndoneChange(Answered):
    digest: str
    sentence: str
    effective: Day
    monthly: Money | None
    next_invoice: Money | None
    holds: list[str]
    writes: list[str]
    waits: str


class UndonePart(Answered):
    company: int
    lines: list[KeptLine]
    changes: list[UndoneChange]
    notes: Annotated[list[str], Field(description="What cannot be taken back, or is to be done by hand")]


class Undoing(Answered):
    undoes: str
    digest: str
    companies: list[UndonePart]
    run: str | None


class Step(Answered):
    rule: str
    says: str
    value: str


class Reading(Answered):
    """The reads that said the same."""

    since: Instant
    last: Instant


class Holder(Answered):
    """Null: since before the oldest read that is kept; still there; no day of the assignment is known."""

    login: str
    name: str
    first_seen: Instant | None
    last_seen: Instant | None
    assigned: Instant | None


class LineThen(Answered):
    id: int
    product: str
    quantity: Amount
    included: Amount
    price: Amount | None
    billable: str
    first_day: Day | None
    last_day: Day | None
    text: str


class Decided(Answered):
    verdict: Literal["approved", "rejected"]
    who: str
    at: Instant


class WriteThen(Entry):
    """A write with the reason of its change, the read that was in force, and who let it pass."""

    reason: str
    read_since: Instant | None
    decision: Decided | None


class InvoiceItem(Answered):
    """`units` times `price` times `share` (numerator and denominator), rounded."""

    line: int
    units: Amount
    price: Amount | None
    first_day: Day
    last_day: Day
    share: list[int]
    amount: Money | None


class Invoice(Answered):
    """The line's part of an invoice, as the lines that were read make it; each of its lines is rounded once."""

    first_day: Day
    last_day: Day
    made: Literal["seen", "assumed", "next"]
    by: Instant | None
    items: list[InvoiceItem]
    total: Money | None


class Explanation(Answered):
    """How the number of one line came about, and what its day was billed."""

    company: int
    agreement: int
    label: str
    key: str
    row: str | None
    profile: str | None
    day: Day
    at: Instant
    billed: Amount | None
    read: Reading | None
    people: list[Holder]
    steps: list[Step]
    since: Instant | None
    run: str | None
    earlier: list[Step]
    lines: list[LineThen]
    planned: list[PlannedChange]
    writes: list[WriteThen]
    invoices: list[Invoice]


class Record(Answered):
    """One link of the journal's chain; `payload` is the text that was hashed."""

    seq: int
    at: Instant
    kind: str
    entry: int | None
    payload: str
    previous: str
    hash: str


class Status(Answered):
    version: str
    installation: str
    companies: int
    mapping_problems: list[str]
    busy: bool
    next_cycle: Instant | None
    last_run: Run | None
    holds: int
    held_since: Instant | None
    unknown: int
    unknown_since: Instant | None
    settled_from: Instant | None
    findings: dict[Severity, int]
    tenants: int
    oldest_snapshot: Instant | None
    stale: list[str]


class Alive(Answered):
    alive: Literal[True] = True


class Ready(Answered):
    ready: bool
    missing: list[Literal["service", "store", "mappings"]]


class What(Answered):
    code: str
    what: str
    remedy: str


class Problem(Answered):
    error: What
