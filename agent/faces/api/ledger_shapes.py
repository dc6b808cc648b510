"""What goes in and out about the ledger of the past, as types."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from agent.domain.findings import Code
from agent.domain.ledger import Direction, State, Verb
from agent.domain.settling import MOST_PHASES
from agent.faces.api.shapes import WHOLE, Answered, AskedDay, CompanyQuery, Day, Decision, Instant, Money, Words


class SettleRequest(Decision):
    """What becomes of a gap. `waive` needs an approver, all but `bill` a reason; phases and a day go with `bill`."""

    verb: Literal["bill", "waive", "correct", "reopen"]
    approver: Words | None = None
    price: Annotated[str, Field(pattern=r"^[0-9]{1,9}(\.[0-9]{1,6})?$")] | None = Field(
        None, description="What one costs a month, where that is not known", examples=["22.00"]
    )
    phases: Annotated[int, Field(ge=1, le=MOST_PHASES), WHOLE] = 1
    first_day: AskedDay = Field(None, description="Of the first phase; the first of next month without it")

    write: bool = Field(False, description="Have Trueup write each part into the PSA, once it is approved")


class LedgerQuery(CompanyQuery):
    open: bool = Field(False, description="Only what nobody has decided about")


class LedgerSums(Answered):
    """added - corrected - billed - waived - scheduled = open."""

    added: Money
    corrected: Money
    billed: Money
    waived: Money
    scheduled: Money
    open: Money


class LedgerStretch(Answered):
    """From that day on, so many units at that price a month."""

    first_day: Day
    units: int
    price: Money | None


class LedgerPart(Answered):
    """`units` times `price` times `share` (numerator and denominator) of the month."""

    first_day: Day
    last_day: Day
    units: int
    price: Money
    share: list[int]


class LedgerMonth(Answered):
    parts: list[LedgerPart]
    amount: Money


class LedgerInstalment(Answered):
    day: Day
    amount: Money
    written: bool


class LedgerDecision(Answered):
    """`stands` until a later one takes it back."""

    id: int
    verb: Verb
    at: Instant
    who: str
    approver: str | None
    reason: str | None
    amount: Money | None
    price: Money | None
    instalments: list[LedgerInstalment]
    reverses: int | None
    write: Annotated[bool, Field(description="Whether Trueup writes the instalments itself")]
    stands: bool


class LedgerWrite(Answered):
    """What a confirmed write billed of which days; negative where it took seats away."""

    entry: int
    on: Day
    first_day: Day
    last_day: Day | None
    seats: int


class Gap(Answered):
    """What was billed otherwise than it should have been; `sums` and `months` are null where no price is known."""

    id: int
    company: int
    licence: str
    agreement: int | None
    product: str | None
    code: Code
    direction: Direction
    state: State
    since: Day
    closed: Day | None
    age: int
    sentence: str
    excluded: str | None
    sums: LedgerSums | None
    course: list[LedgerStretch]
    months: list[LedgerMonth] | None
    decisions: list[LedgerDecision]
    writes: list[LedgerWrite]


class LedgerReading(Answered):
    account: str
    since: Instant
    sha256: str


class GapWithEvidence(Gap):
    readings: list[LedgerReading]
