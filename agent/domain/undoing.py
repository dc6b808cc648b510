"""What a run did to a line, taken back: to which terms the line returns, and from which day on that counts."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal

from agent.domain.agreements import Billable
from agent.domain.changes import Planned, Terms, Write
from agent.domain.keys import LineKey, Role
from agent.domain.ownership import Kept
from agent.domain.periods import DAY

# What a write may move of a base beside its quantity and its days.
_OTHERS = {"included", "price", "billable"}


@dataclass(frozen=True, slots=True)
class Deed:
    """The confirmed writes of one run to the lines of a key, in their order; `day` is the calendar day of the first.

    `line` is a number of one of them; `invoiced` tells whether an invoice has been made since.
    """

    run: str
    key: LineKey
    line: int
    writes: tuple[Write, ...]
    day: date
    invoiced: bool


@dataclass(frozen=True, slots=True)
class Undo:
    """One company's part: what is to be kept, the changes that bring it there, and in `notes` what they leave out."""

    company: int
    kept: tuple[Kept, ...]
    planned: tuple[Planned, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Undoing:
    """`digest` names all of it: an undoing that was looked at is carried out only while it is still this one."""

    run: str
    parts: tuple[Undo, ...]

    @property
    def digest(self) -> str:
        told = [f"{one.key} {one.terms}" for part in self.parts for one in part.kept]
        told += [planned.digest for part in self.parts for planned in part.planned]
        return hashlib.sha256("\n".join([self.run, *told]).encode()).hexdigest()[:16]

    @property
    def companies(self) -> list[int]:
        return [part.company for part in self.parts if part.kept]


def taken_back(deed: Deed, now: Terms, who: str, at: datetime) -> Kept | None:
    """The line as it was before the run: at the difference that the run made from what it bills `now`.

    None where the run left its terms as they were. What no invoice has reached is as if it had never been; where one
    was made meanwhile, its days are not touched, and the change counts from the same day with the profile's policies.
    """
    before = replace(
        now,
        quantity=now.quantity - sum(map(_added, deed.writes)),
        included=int(_first(deed, "included", str(now.included))),
        price=_price(_first(deed, "price", "" if now.price is None else str(now.price))),
        billable=Billable(_first(deed, "billable", now.billable.value)),
        text=_first(deed, "text", now.text),
    )
    if before == now:
        return None
    since = _since(deed)
    undone = ((since - DAY, before.billed),)
    asked = ((since - DAY, now.billed), (since, before.billed)) if deed.invoiced else undone
    return Kept(deed.key, deed.line, before, since, asked, who, at, deed.run)


def _added(write: Write) -> int:
    """By how much a write moved what the key's lines bill on for ever."""
    stood = _open(write.before) if write.before else 0
    return int(_open({**write.before, **write.after}) - stood)


def _open(line: Mapping[str, str]) -> Decimal:
    """The quantity of a line without a last day; one that has one bills its own days and no more."""
    return Decimal(0) if line.get("end") else Decimal(line["quantity"])


def _first(deed: Deed, name: str, present: str) -> str:
    """What the run's first write of a field to the base found there."""
    found = (w.before[name] for w in deed.writes if w.before and name in w.after and w.key.role is Role.BASE)
    return next(found, present)


def _price(text: str) -> Decimal | None:
    return Decimal(text) if text else None


def _since(deed: Deed) -> date:
    """The day from which the run's change counted: that of the lines which it made, or of the run itself."""
    return min((date.fromisoformat(w.after["start"]) for w in deed.writes if "start" in w.after), default=deed.day)


def moves(writes: Sequence[Write]) -> bool:
    """Whether writes to the lines of a key left it otherwise than they found it; a fold does not."""
    others = {name for w in writes if w.before and w.key.role is Role.BASE for name in w.after} & _OTHERS
    return bool(others) or sum(map(_added, writes)) != 0


def terms_shown(line: Mapping[str, str]) -> Terms:
    """The terms of a line by the texts of its picture; what a new line left to the PSA is not known."""
    quantity, included = int(Decimal(line["quantity"])), int(Decimal(line.get("included", "0")))
    return Terms(quantity, included, _price(line.get("price", "")), Billable(line["billable"]), line.get("text", ""))


def by_hand(deed: Deed, kept: Kept, now: Terms, credits: Sequence[Write]) -> str:
    """What of it no write takes back: seats on an invoice that was made meanwhile, where none of them is credited."""
    if not deed.invoiced or credits or kept.terms.billed >= now.billed:
        return ""
    seats = now.billed - kept.terms.billed
    told = f"the invoice made since bills {seats} seats from {kept.since} on, and the profile takes no credit"
    return f"{told}: credit them by hand"
