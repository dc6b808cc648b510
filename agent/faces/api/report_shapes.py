"""The month-end report and the evidence of a month as types, beside those of `shapes`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, WithJsonSchema

from agent.domain.findings import Code
from agent.domain.ledger import Direction
from agent.faces.api.shapes import (
    Amount,
    Answered,
    CompanyId,
    CompanyQuery,
    Day,
    Explanation,
    Instant,
    Money,
    Query,
    is_day,
)

_Since = Annotated[str, AfterValidator(is_day), WithJsonSchema({"type": "string", "format": "date"})]
Format = Annotated[
    Literal["json", "html"] | None, Field(description="Without it the header Accept decides, and else it is JSON")
]


class ReportQuery(CompanyQuery):
    since: _Since | None = Field(None, description="First day of what was corrected; without it this month's")
    format: Format = None


class EvidenceQuery(Query):
    company: CompanyId
    # From 1900 on, so that every month has a first and a last instant in every time zone.
    month: Annotated[str | None, Field(pattern=r"^(19|20)[0-9]{2}-(0[1-9]|1[0-2])$", examples=["2026-10"])] = None
    format: Format = None


class JournalHead(Answered):
    """The newest record of the journal; kept elsewhere, it proves that nothing before it was changed."""

    seq: int
    hash: str
    at: Instant


class ReportedDifference(Answered):
    """`company` is its name with its number, as people read it; `seat_months` an exact fraction as text, `320/31`."""

    code: Code
    effect: Literal["leak", "refund", "waste", "risk", "none"]
    company: str
    licence: str
    units: Amount | None
    price: Money | None
    cost: Money | None
    margin: Money | None
    monthly: Money | None
    since: Day | None
    age_days: int | None
    seat_months: str | None
    so_far: Money | None
    confidence: Literal["calculated", "estimated"]
    sentence: str
    causes: list[str]
    remedy: str
    evidence: list[str]


class ReportedPosition(Answered):
    """A company's licence on each side; null is not known, and is not zero."""

    company: str
    licence: str
    purchased: Amount | None
    assigned: Amount | None
    billed: Amount | None
    invoiced: Amount | None


class ReportedUnmapped(Answered):
    kind: str
    name: str
    where: str
    perhaps: str


class ReportedDeed(Answered):
    company: str
    sentence: str
    when: Day
    why: str
    monthly: Money | None


class ReportedOrigin(Answered):
    name: str
    detail: str
    state: Literal["green", "yellow", "red", "none"]


class ReportedMonth(Answered):
    month: str
    leak: Money | None
    refund: Money | None


class ReportedPast(Answered):
    """This month's balance of a company's past: opening + added - corrected - billed - waived = remaining."""

    company: str
    direction: Direction
    opening: Money
    added: Money
    corrected: Money
    billed: Money
    waived: Money
    remaining: Money
    scheduled: Money


class Report(Answered):
    """What has drifted apart, in money, the largest first; `monthly` by effect, one amount a currency."""

    title: str
    scope: str
    day: Day
    monthly: dict[Literal["leak", "refund", "waste", "risk"], list[Money]]
    leaked_so_far: list[Money]
    differences: list[ReportedDifference]
    positions: list[ReportedPosition]
    unmapped: list[ReportedUnmapped]
    corrected: list[ReportedDeed] | None
    held: list[ReportedDeed] | None
    origins: list[ReportedOrigin]
    past: list[ReportedPast]
    trend: list[ReportedMonth]
    notes: list[str]
    journal_head: JournalHead | None


class HashedReading(Answered):
    """What an account showed alike between the two readings, and the SHA-256 of what is stored of it."""

    account: str
    since: Instant
    last: Instant
    sha256: str


class EvidencePack(Answered):
    """Of the days from `first_day` up to, not including, `after`."""

    company: int
    name: str | None
    first_day: Day
    after: Day
    lines: list[Explanation]
    readings: list[HashedReading]
    journal_head: JournalHead | None
