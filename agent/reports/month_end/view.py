"""The one view model: every format shows these values and works nothing out by itself."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from agent.domain.findings import Code
from agent.domain.ledger import Balance
from agent.domain.money import Money
from agent.domain.reconciliation import Confidence, Difference, Effect, totals
from agent.ports import JournalRecord


class State(StrEnum):
    """How well a source of numbers is: current, ageing, or not to be relied on; none for a file."""

    GREEN = "green"
    YELLOW = "yellow"
    RED = "red"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Origin:
    """Where numbers come from: a file, or a connector with the age of what it last read."""

    name: str
    detail: str
    state: State = State.NONE


@dataclass(frozen=True, slots=True)
class Legs:
    """One company's licence with its quantities; None is unknown."""

    company: str
    licence: str
    purchased: Decimal | None
    assigned: Decimal | None
    billed: Decimal | None
    invoiced: Decimal | None = None

    @property
    def differ(self) -> bool:
        """Whether any two of those that are known are not the same."""
        known = {self.purchased, self.assigned, self.billed, self.invoiced} - {None}
        return len(known) > 1


@dataclass(frozen=True, slots=True)
class Deed:
    """A change that was written, or one that waits for a person."""

    company: str
    sentence: str
    when: date
    why: str
    monthly: Money | None = None


@dataclass(frozen=True, slots=True)
class Unmapped:
    """A name that nobody mapped, and what it may mean."""

    kind: str
    name: str
    where: str
    perhaps: str = ""


@dataclass(frozen=True, slots=True)
class TrendMonth:
    """What was open at the end of a month, a month."""

    label: str
    leak: Money
    refund: Money


@dataclass(frozen=True, slots=True)
class Sums:
    """A heading of the breakdowns, with what is lost and what is billed too much there."""

    label: str
    count: int
    leak: tuple[Money, ...]
    refund: tuple[Money, ...]

    @property
    def weight(self) -> Decimal:
        return sum((money.amount for money in (*self.leak, *self.refund)), Decimal(0))


EFFECTS = {
    Effect.LEAK: "Owed and not billed",
    Effect.REFUND: "Billed and not owed",
    Effect.WASTE: "Paid for and not used",
    Effect.RISK: "In use and not bought",
}
CODES = {
    Code.UNDER_BILLED: "Under-billed",
    Code.OVER_BILLED: "Over-billed",
    Code.UNMAPPED_LICENCE: "Licence not billed",
    Code.UNMAPPED_COMPANY: "Company not matched",
    Code.DUPLICATE_LINES: "Duplicate lines",
    Code.STALE_LINE: "Stale line",
    Code.UNASSIGNED_SEATS: "Unused seats",
    Code.ASSIGNED_OVER_PURCHASED: "More in use than bought",
    Code.INVOICE_DIFFERS: "Distributor's invoice differs",
    Code.SELLER_DISAGREES: "Seller and tenant disagree",
    Code.SET_UP: "To clean up",
    Code.LICENSED_DISABLED_USER: "Blocked users with licences",
    Code.FREE_SKU_BILLED: "Excluded licence billed",
}


def code_words(code: Code) -> str:
    return CODES.get(code) or code.value.replace("-", " ").capitalize()


@dataclass(frozen=True, slots=True)
class Past:
    """What a company's past owes, and became of it this month, by its name."""

    company: str
    balance: Balance


@dataclass(frozen=True, slots=True)
class MonthEnd:
    """`differences` are ranked. What a report has no word about (an audit corrects nothing) stays empty, or None.

    `head` is the newest record of the journal: kept elsewhere, it proves later that nothing before it was changed.
    """

    title: str
    scope: str
    day: date
    differences: tuple[Difference, ...]
    legs: tuple[Legs, ...]
    origins: tuple[Origin, ...]
    unmapped: tuple[Unmapped, ...] = ()
    corrected: tuple[Deed, ...] | None = None
    held: tuple[Deed, ...] | None = None
    past: tuple[Past, ...] = ()
    trend: tuple[TrendMonth, ...] = ()
    notes: tuple[str, ...] = ()
    head: JournalRecord | None = None

    def sums(self, effect: Effect, only: Confidence | None = None) -> tuple[Money, ...]:
        """The money a month of an effect, one amount a currency."""
        # What has no price is in no sum; the number of differences beside it says that there is more.
        chosen = (one for one in self.differences if only in (None, one.confidence))
        return tuple(totals(chosen).get(effect, {}).values())

    def count(self, effect: Effect) -> int:
        return sum(one.effect is effect for one in self.differences)

    def so_far(self) -> tuple[Money, ...]:
        """What has leaked since each difference was first seen, as far as that is known."""
        sums: dict[str, Money] = {}
        for one in self.differences:
            money = one.so_far(self.day) if one.effect is Effect.LEAK else None
            if money:
                sums[money.currency] = sums.get(money.currency, Money.zero(money.currency)) + money
        return tuple(sums.values())

    @property
    def currencies(self) -> frozenset[str]:
        return frozenset(one.monthly.currency for one in self.differences if one.monthly)

    @property
    def by_company(self) -> tuple[Sums, ...]:
        return _grouped(self.differences, lambda one: one.company)

    @property
    def by_licence(self) -> tuple[Sums, ...]:
        return _grouped(self.differences, lambda one: one.licence)

    @property
    def by_kind(self) -> tuple[Sums, ...]:
        return _grouped(self.differences, lambda one: code_words(one.code))


def _grouped(found: Iterable[Difference], label: Callable[[Difference], str]) -> tuple[Sums, ...]:
    groups: dict[str, list[Difference]] = {}
    for one in found:
        groups.setdefault(label(one), []).append(one)
    made = []
    for name, members in groups.items():
        of = totals(members)
        leak, refund = (tuple(of.get(effect, {}).values()) for effect in (Effect.LEAK, Effect.REFUND))
        made.append(Sums(name, len(members), leak, refund))
    # By leak and refund together: a company with 50 of each needs a look before one with 90 of one.
    return tuple(sorted(made, key=lambda sums: (-sums.weight, sums.label.casefold())))
