"""What we remember of our lines: bindings, sightings of a wanted quantity, charges of invoiced periods."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any

from agent.domain.agreements import Billable, Line
from agent.domain.changes import Terms
from agent.domain.history import Asked
from agent.domain.keys import LineKey
from agent.domain.periods import Period


class BindingState(StrEnum):
    LIVE = "live"
    MISSING = "missing"  # bound, but gone from the PSA: held, never created again
    ENDED = "ended"
    RELEASED = "released"  # a person took the line over


@dataclass(frozen=True, slots=True)
class Binding:
    """ "This key is PSA line 4711", for ever.

    `confirmed` is the `picture` of the line when we last saw it as ours (empty: adopted, never written by us);
    `boundary` is the agreement's next invoice date when we made the line or found it again: until it has moved past
    that, no invoice has reached the line. None for an adopted line. `locked` is the renewal up to which its seats
    keep their price, where the profile locks prices.
    """

    key: LineKey
    line: int
    mark: str
    state: BindingState
    adopted: bool
    confirmed: Mapping[str, str]
    boundary: date | None = None
    locked: date | None = None

    @property
    def untouched(self) -> bool:
        """Found as the only line of a product, and nobody has let us write to it yet: a row may still replace it."""
        return self.adopted and not self.confirmed

    def confirming(self, line: Line) -> Mapping[str, str]:
        """What is kept of the line as it is now: nothing while nobody has let us write to it."""
        return {} if self.untouched else picture(line)


def as_released(binding: Binding, before: Binding | None) -> Binding:
    """What is learnt of a line that people have taken over leaves it theirs; only `trueup hold take` gives it back."""
    theirs = before is not None and before.state is BindingState.RELEASED
    return replace(binding, state=BindingState.RELEASED) if theirs else binding


@dataclass(frozen=True, slots=True)
class Sighting:
    """Since when the rows ask for this quantity: `since` is the billing date, `first_at` and `last_at` the reads.

    `first_at` is None where no read said so: no row wants the line any more, or a person keeps it at that number.
    `asked` are the billed seats of each day since the lines last showed what was asked for.
    """

    key: LineKey
    quantity: int
    since: date
    first_at: datetime | None
    last_at: datetime
    asked: Asked = ()


@dataclass(frozen=True, slots=True)
class Kept:
    """Terms at which a person keeps all lines of a key together, whatever its row asks for.

    An empty text is the row's own, a quantity of 0 means no line. `asked` is the history by which a change to these
    terms is dated, from the day `since`; `undoes` the run that it takes back, `note` what of that is left to be done
    by hand; `line` is a number in the PSA by which people name it.
    """

    key: LineKey
    line: int
    terms: Terms
    since: date
    asked: Asked
    who: str
    at: datetime
    undoes: str = ""
    note: str = ""

    @property
    def says(self) -> str:
        why = f", to undo run {self.undoes}" if self.undoes else ""
        return f"kept at {self.terms.quantity} since {self.at:%Y-%m-%d}{why} ({self.who})"


@dataclass(frozen=True, slots=True)
class Timing:
    """When the counts were read, and how far apart two reads must lie of what is not believed at once."""

    now: datetime
    today: date
    recheck: timedelta

    def second_read(self, sighting: Sighting, what: str) -> str:
        """Why to wait for one; empty where an earlier read, far enough back, already said the same."""
        if sighting.first_at is None:
            return ""
        after = sighting.first_at + self.recheck
        return f"{what} needs a second read that agrees, not before {after:%H:%M:%S} UTC" if self.now < after else ""


@dataclass(frozen=True, slots=True)
class Charge:
    """How many seats of a base, or of a difference line that was open, the invoice of a period billed, and at which
    price of a unit."""

    key: LineKey
    period: Period
    quantity: int
    price: Decimal | None = None


def picture(line: Line) -> Mapping[str, str]:
    """A line's values as texts that are equal exactly when the values are: 12 and 12.00 are one quantity."""
    return {
        "quantity": plain(line.quantity),
        "included": plain(line.included),
        "price": plain(line.price) if line.price is not None else "",
        "billable": line.billable.value,
        "start": line.start.isoformat() if line.start else "",
        "end": line.end.isoformat() if line.end else "",
        "text": line.text,
        "product": line.identifier,
    }


def pictured(line: Line, texts: Mapping[str, str]) -> Line:
    """The line with the values that a picture has, or some of one; what it says beyond them has no place in a line."""
    return replace(line, **{name: _READ[name](text) for name, text in texts.items() if name in _READ})


def _day(text: str) -> date | None:
    return date.fromisoformat(text) if text else None


# The other way round from `picture`; the product is told by its key.
_READ: Mapping[str, Callable[[str], Any]] = {
    "quantity": Decimal,
    "included": Decimal,
    "price": lambda text: Decimal(text) if text else None,
    "billable": Billable,
    "start": _day,
    "end": _day,
    "text": str,
}


def plain(number: object) -> str:
    """A Decimal or int without trailing zeros or exponent: 12.00 -> "12", 0.50 -> "0.5"."""
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
