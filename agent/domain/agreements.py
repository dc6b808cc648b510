"""What a PSA holds: companies, products, agreements, lines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum

from agent.domain.periods import DAY, Grid, Period


class Billable(StrEnum):
    BILLABLE = "billable"
    DO_NOT_BILL = "do-not-bill"
    NO_CHARGE = "no-charge"


@dataclass(frozen=True, slots=True)
class Company:
    id: int
    name: str
    identifier: str = ""


@dataclass(frozen=True, slots=True)
class Product:
    """A PSA product. `refusal` says why it cannot stand on a line (a bundle, inactive); empty when it can."""

    id: int
    identifier: str
    description: str
    price: Decimal | None
    cost: Decimal | None = None
    refusal: str = ""


@dataclass(frozen=True, slots=True)
class Agreement:
    """An agreement as read. `months` is None where the cycle is not a whole number of months we support.

    `refusal` says why nothing may be written (cancelled, expired, one-time, no cycle); empty when writing is allowed.
    `next_invoice` is the boundary of what has been invoiced: days before it are frozen.
    """

    id: int
    company: int
    name: str
    months: int | None
    cycle: str
    prorates: bool
    bill_start: date | None
    next_invoice: date | None
    ends: date | None = None
    currency: str | None = None
    parent: int | None = None
    refusal: str = ""

    @property
    def grid(self) -> Grid:
        """Billing periods, anchored where the PSA's own boundaries are.

        The billing start keeps a 31st through short months, but only counts if the next invoice lies on its grid:
        sites that invoice on the first of the month start mid-month and still change periods on the first.
        """
        if self.months is None:
            raise ValueError(f"agreement {self.id} has no supported billing cycle")
        anchors = [d for d in (self.bill_start, self.next_invoice) if d is not None]
        if not anchors:
            raise ValueError(f"agreement {self.id} has neither a billing start nor a next invoice date")
        grid = Grid(anchors[0], self.months)
        if self.next_invoice is not None and not grid.starts_on(self.next_invoice):
            return Grid(self.next_invoice, self.months)
        return grid

    def period(self, day: date) -> Period:
        return self.grid.containing(day)

    def invoiced(self, day: date) -> bool:
        """Whether the period that contains the day has been invoiced."""
        return self.next_invoice is not None and self.next_invoice > self.period(day).start


@dataclass(frozen=True, slots=True)
class Line:
    """One line of an agreement as the PSA shows it: `[start, end)`, `end` None while it is open.

    `mark` is the raw text of the field that carries our marks (other people's text included).
    `prorated` is the PSA's own price of one unit for the rest of the period in which the line begins, if it shows one.
    `version` and `changed_by` tell who touched it last; `extra` is opaque to everyone but the adapter that filled it.
    """

    id: int
    agreement: int
    product: int
    identifier: str
    quantity: Decimal
    included: Decimal
    price: Decimal | None
    billable: Billable
    start: date | None
    end: date | None
    text: str
    mark: str = ""
    version: str = ""
    changed_by: str = ""
    prorated: Decimal | None = field(default=None, compare=False)
    extra: str = field(default="", compare=False, repr=False)

    def live(self, day: date) -> bool:
        """Billing on that day or later: not ended on or before it. A line that starts in the future is live."""
        return self.end is None or self.end > day

    @property
    def open(self) -> bool:
        return self.end is None

    @property
    def last_day(self) -> date | None:
        """The last one that is billed; None while the line is open."""
        return self.end - DAY if self.end else None


@dataclass(frozen=True, slots=True)
class Standing:
    """What one read of the PSA showed of a company: agreements, all their lines, and the products its rows name."""

    agreements: Mapping[int, Agreement]
    lines: Mapping[int, Sequence[Line]]
    products: Mapping[str, Product]
