"""Changes (what the business means), writes (the requests that realise them) and what became of a write."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import ClassVar

from agent.domain.agreements import Billable, Line
from agent.domain.history import Asked, Move, fallen, risen
from agent.domain.keys import LineKey, Role
from agent.domain.mappings import AtZero, Decrease, Increase
from agent.domain.money import Money
from agent.domain.periods import DAY, Grid, Period


@dataclass(frozen=True, slots=True)
class Terms:
    """What a line bills: the quantity over all its parts, what is included in it, the unit price (None: the PSA's).

    `text` is the whole invoice text, `heading` the row's own words without the people, for a line that bills only a
    difference; empty where the PSA's product text stands.
    """

    quantity: int
    included: int
    price: Decimal | None
    billable: Billable
    text: str
    heading: str = ""

    @property
    def billed(self) -> int:
        return self.quantity - self.included


@dataclass(frozen=True, slots=True)
class Delta:
    """A difference line beside a base, with the invoice boundary that stood when it was written."""

    key: LineKey
    line: Line
    opened_before: date | None

    @property
    def seats(self) -> int:
        # A credit is a negative quantity at some sites and a negative price at others; either way its seats come off.
        quantity = int(self.line.quantity)
        return -abs(quantity) if self.key.role is Role.CREDIT else quantity

    @property
    def opened(self) -> bool:
        """Whether it is or was an open one; the others were born with the boundary that stood as their end."""
        ends = self.line.end or date.max
        return self.line.open or (self.opened_before is not None and self.opened_before < ends)

    def billed_to(self, boundary: date | None) -> date | None:
        """The first day for which no invoice has charged it; None where that is not known."""
        if self.invoiced(boundary):
            return boundary
        return self.line.start if self.opened_before else None

    def invoiced(self, boundary: date | None) -> bool:
        """Whether the invoices have surely reached it since it was written."""
        if boundary is None or self.opened_before is None:
            return False
        return self.opened_before < boundary and (self.line.start is None or self.line.start < boundary)


@dataclass(frozen=True, slots=True)
class Holding:
    """The lines with which the PSA bills one key today: a base, and the open deltas that count on top of it.

    `closed` are the difference lines with a last day. `charged` tells for each invoiced stretch of days how many seats
    have been billed for it. `opened_before` is the invoice boundary that stood when we made the base; None where others
    made it. `prices` are those of a unit at which invoices billed the base, as far as we saw them.
    """

    base: Line
    deltas: tuple[Delta, ...] = ()
    charged: tuple[tuple[Period, int], ...] = ()
    closed: tuple[Delta, ...] = ()
    opened_before: date | None = None
    prices: tuple[tuple[Period, Decimal], ...] = ()

    @property
    def quantity(self) -> Decimal:
        return self.base.quantity + sum((d.line.quantity for d in self.deltas), Decimal(0))

    @property
    def billed(self) -> int:
        return int(self.quantity - self.base.included)

    @property
    def ended(self) -> bool:
        """Whether nothing of it bills on for ever."""
        return not self.base.open and not self.deltas


def terms_of(holding: Holding) -> Terms:
    base = holding.base
    return Terms(int(holding.quantity), int(base.included), base.price, base.billable, base.text)


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a derivation: the rule that was applied, said with its numbers, and the value it gave."""

    rule: str
    says: str
    value: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What the business means, with its before and its after.

    `effective` is the day on which the count changed, not the day of the write; `asked` are the billed seats of each
    day since the lines showed `before`. `monthly` is what the change adds to the agreement per month; None where a
    price is not known.

    Seats may change lines. The line that loses them bills them `until` a day at least. The line that gains them is told
    in `covered`, stretch by stretch, for how many of the added seats others are billed; it begins where that ends.
    `follows` are the keys of lines that must have ended, or been lowered, before this is written. `earlier` are the
    difference lines that lines of this key had beside them which have ended: their names are taken.
    """

    verb: ClassVar[str] = ""

    key: LineKey
    company: int
    label: str
    product: int
    after: Terms
    effective: date
    reason: str
    before: Terms | None = None
    holding: Holding | None = None
    monthly: Money | None = None
    unit: Money | None = None  # what one seat of it brings a month, to six decimals
    whole: Grid | None = None  # the agreement's periods, where it bills only whole ones
    listed: Decimal | None = None  # the product's own price, which a new line gets where none is asked for
    asks: str = ""  # why a person must agree, however small it is
    asked: Asked = ()
    waits: str = ""  # why it is not yet time, where no person is needed: a second read, an open write
    theirs: bool = False  # it waits for another company's part of the plan, so looking again soon is of no use
    queued: str = ""  # until when, and for what, it is put off where nothing is wrong until then: a renewal, an invoice
    until: date | None = None
    covered: tuple[tuple[Period, int], ...] = ()
    follows: tuple[LineKey, ...] = ()
    earlier: tuple[Delta, ...] = ()

    @property
    def had(self) -> int:
        return self.before.billed if self.before else 0

    @property
    def gained(self) -> int:
        """Billed seats that the change adds; negative where it takes some away."""
        return self.after.billed - self.had

    @property
    def begins(self) -> date:
        """From when on the line itself bills what the change adds: once nothing that it takes over from does."""
        return self.covered[-1][0].end if self.covered else self.effective

    @property
    def history(self) -> Asked:
        return self.asked or ((self.effective - DAY, self.had), (self.effective, self.after.billed))

    @property
    def rises(self) -> Sequence[Move]:
        return [*risen(self.history, self.had, self.after.billed)]

    @property
    def falls(self) -> Sequence[Move]:
        return [*fallen(self.history, self.had, self.after.billed)]

    def uncovered(self, move: Move) -> Iterator[tuple[Period, int]]:
        """Days before the line begins on which others are not billed for all seats of the move.

        The lowest of the added seats are the covered ones: (days, n) owes those above the n-th of the line.
        """
        for days, seats in self.covered:
            low, start = max(move.low, self.had + seats), max(move.day, days.start)
            if low < move.high and start < days.end:
                yield Period(start, days.end), low

    @property
    def sentence(self) -> str:
        return f"{self.verb} {self.label} from {self.effective}"

    def ground(self) -> Mapping[str, object]:
        """What an approval of this change rests on. If any of it moves, the digest does."""
        base = self.holding.base if self.holding else None
        return {
            "verb": self.verb,
            "key": str(self.key),
            "before": _plain(self.before),
            "after": _plain(self.after),
            "effective": self.effective.isoformat(),
            "line": [base.id, str(base.quantity), str(base.price), str(base.end)] if base else None,
            "deltas": [[d.line.id, str(d.line.quantity)] for d in self.holding.deltas] if self.holding else [],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class AddLine(Change):
    verb: ClassVar[str] = "add"

    @property
    def sentence(self) -> str:
        return f"add {self.label}: {self.after.quantity} from {self.begins}"

    @property
    def rises(self) -> Sequence[Move]:
        """The first seats begin with the line, which a person may have dated back."""
        moves = [*risen(self.history, 0, self.after.billed)]
        return [move._replace(day=self.effective) for move in moves[:1]] + moves[1:]


@dataclass(frozen=True, slots=True, kw_only=True)
class SetQuantity(Change):
    """Quantity (or included quantity) moves; the line's text moves with it, because it names the same people."""

    verb: ClassVar[str] = "set"

    increase: Increase
    decrease: Decrease

    @property
    def sentence(self) -> str:
        return f"{self.label}: {self.was} -> {self.after.quantity} from {self.effective}"

    @property
    def was(self) -> int:
        if self.before is None:
            raise ValueError("a quantity that is set was something before")
        return self.before.quantity


@dataclass(frozen=True, slots=True, kw_only=True)
class SetDescription(Change):
    verb: ClassVar[str] = "describe"

    @property
    def sentence(self) -> str:
        return f"{self.label}: new invoice text"


@dataclass(frozen=True, slots=True, kw_only=True)
class SetPrice(Change):
    """Unit price or billable flag. Never together with a quantity, so that each is approved by itself."""

    verb: ClassVar[str] = "price"

    @property
    def sentence(self) -> str:
        was = self.before.price if self.before else None
        return f"{self.label}: unit price {was} -> {self.after.price}, {self.after.billable} from {self.effective}"


@dataclass(frozen=True, slots=True, kw_only=True)
class EndLine(Change):
    """The line stops billing: its last billed day is the one before `effective`, or its quantity becomes 0."""

    verb: ClassVar[str] = "end"

    at_zero: AtZero = AtZero.END

    @property
    def sentence(self) -> str:
        how = "end" if self.at_zero is AtZero.END else "set to zero"
        return f"{how} {self.label}: {self.before.quantity if self.before else 0} -> 0 from {self.effective}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fold(Change):
    """Open deltas whose first invoice has been made become part of the base. No seat and no money moves."""

    verb: ClassVar[str] = "fold"

    @property
    def sentence(self) -> str:
        return f"fold {self.label}: the base takes over its invoiced additions, {self.after.quantity} in all"


@dataclass(frozen=True, slots=True, kw_only=True)
class Restore(Change):
    """A line is set so that a deleted invoice, made again, bills what it billed. Not a seat moves.

    Until `beyond`, up to where invoices had been made, the line is to bill `surplus` seats less, and for the days of
    `lacking` the seats between two numbers more.
    """

    verb: ClassVar[str] = "restore"

    lacking: tuple[tuple[Period, int, int], ...]
    surplus: int
    beyond: date

    @property
    def sentence(self) -> str:
        return f"set {self.label} for the invoice from {self.effective} that is to be made again"


@dataclass(frozen=True, slots=True, kw_only=True)
class BillPast(Change):
    """A one-off line for what was not billed before, or a credit of what was billed too much, as a person decided.

    It stands for exactly one period that is not invoiced yet, so that nobody prorates it. `after` holds one unit at the
    whole amount, which is never negative; `like` is a line of the same key, for its tax.
    """

    verb: ClassVar[str] = "bill-past"

    days: Period
    amount: Money
    credit: bool
    like: Line

    @property
    def sentence(self) -> str:
        word = "credited" if self.credit else "billed"
        return f"{self.label}: {self.amount} {word} once, on the invoice of {self.days}"


@dataclass(frozen=True, slots=True)
class Write:
    """One request to a PSA, and the pictures of the line before and after it.

    `before` is empty for a line that does not exist yet; `after` holds every field that the request sets. Both are the
    adapter's canonical texts, so that another spelling of the same value is never taken for a difference.
    `line` is None for a line to be created, which is found by `mark`.
    """

    key: LineKey
    agreement: int
    company: int
    method: str
    path: str
    body: str
    sentence: str
    before: Mapping[str, str]
    after: Mapping[str, str]
    line: int | None = None
    mark: str = ""
    boundary: date | None = None  # the agreement's next invoice date when the write was planned
    next_invoice: date | None = None  # of the agreement, when it was planned: a changed quantity counts from there on
    locked: date | None = None  # up to which renewal the line's seats keep their price

    @property
    def digest(self) -> str:
        return _sha256([self.method, self.path, self.body, str(self.key), dict(self.before)])


@dataclass(frozen=True, slots=True)
class Realisation:
    """Which requests realise a change now. None, with a note, while the PSA's calendar says to wait or refuses.

    `next_invoice` is what they add to the agreement's next invoice; None where that cannot be told.
    """

    writes: tuple[Write, ...] = ()
    note: str = ""
    refused: bool = False
    next_invoice: Money | None = None


class Outcome(StrEnum):
    """What an answer proves."""

    DONE = "done"  # answered with success; confirmed only by the read-back
    REFUSED = "refused"  # surely not executed
    CONFLICT = "conflict"  # not executed, because something else is there: read before anything else
    UNKNOWN = "unknown"  # may have happened: settled by reading, never by sending again


@dataclass(frozen=True, slots=True)
class Receipt:
    outcome: Outcome
    detail: str
    line: int | None = None
    status: int | None = None
    request_id: str = ""
    retry_after: int | None = None


class Picture(StrEnum):
    """What the PSA shows of a write."""

    BEFORE = "before"  # as if it had not happened
    AFTER = "after"  # it happened
    OTHER = "other"  # neither: somebody else was here
    TWICE = "twice"  # more than one line carries the mark


@dataclass(frozen=True, slots=True)
class Seen:
    """Answer to "did it happen?". `line` is the line that proves it; `fields` are its canonical values."""

    picture: Picture
    line: Line | None = None
    fields: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Planned:
    """A change with its exact requests and, where a person must look first, the reasons."""

    change: Change
    realisation: Realisation
    holds: tuple[str, ...] = ()
    approved: bool = False

    @property
    def digest(self) -> str:
        """Names the change, the ground it stands on and the exact requests. An approval quotes it."""
        return _sha256([dict(self.change.ground()), [w.digest for w in self.realisation.writes]])[:16]

    @property
    def ready(self) -> bool:
        return bool(self.realisation.writes) and not self.holds


def _plain(terms: Terms | None) -> object:
    if terms is None:
        return None
    return [terms.quantity, terms.included, str(terms.price), terms.billable.value, terms.text]


def _sha256(value: object) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True, ensure_ascii=True).encode()).hexdigest()
