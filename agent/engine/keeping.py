"""A person's word about a single line of ours: keep it as it is, take it back, or leave it to people for good.

The lines are read when it is said: what the last cycle read may be what it has changed since.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from agent.domain.agreements import Line
from agent.domain.changes import Terms
from agent.domain.keys import LineKey, Role
from agent.domain.ownership import Binding, BindingState, Kept
from agent.domain.periods import DAY
from agent.errors import TrueupError
from agent.ports import Clock, Psa, Store

VERBS = ("keep", "take", "release")
_COUNTED = (Role.BASE, Role.DELTA)


class NotOurs(TrueupError):
    """The number names no line that Trueup manages, or the word does not fit how the line stands."""


@dataclass(frozen=True, slots=True)
class Managed:
    """All lines of one key as they are, with what we remember of them."""

    company: int
    key: LineKey
    bindings: tuple[Binding, ...]
    lines: Mapping[int, Line]

    @property
    def base(self) -> Line | None:
        """The one that bills now; of lines that have ended the latest."""
        mine = [self.lines[b.line] for b in self.bindings if b.key.role is Role.BASE and b.line in self.lines]
        return max(mine, key=lambda line: (line.open, line.start or date.min, line.id), default=None)

    @property
    def terms(self) -> Terms:
        """Of the base and its open differences together. Raises `NotOurs` where there is no line of it."""
        base = self.base
        if base is None:
            raise NotOurs(
                f"No line of {self.key.product} is in the PSA any more", "Remove its row, or restore the line"
            )
        beside = {b.line for b in self.bindings if b.key.role in _COUNTED} - {base.id}
        standing = [base, *(self.lines[id] for id in sorted(beside) if id in self.lines)]
        quantity = sum((line.quantity for line in standing if line.open), Decimal(0))
        return Terms(int(quantity), int(base.included), base.price, base.billable, base.text)


@dataclass(frozen=True, slots=True)
class Told:
    """What became of it, for whoever said it."""

    company: int
    line: int
    agreement: int
    product: str
    verb: str
    quantity: int


def managed(store: Store, psa: Psa, line: int, now: datetime) -> Managed:
    """Raises `NotOurs`, or `ReadFailed` where the agreement's lines cannot be read."""
    found = store.managed(line)
    if found is None:
        remedy = "Take the number from trueup findings or from the PSA; only lines that Trueup manages can be held"
        raise NotOurs(f"Trueup manages no line {line}", remedy)
    company, binding = found
    memory = store.memory(binding.key.psa, company, [binding.key.agreement], now)
    bindings = tuple(b for b in memory.bindings.values() if b.key.base == binding.key.base)
    lines = {one.id: one for one in psa.lines(binding.key.agreement)}
    return Managed(company, binding.key.base, bindings, lines)


def told(store: Store, psa: Psa, clock: Clock, zone: ZoneInfo, line: int, verb: str, who: str) -> Told:
    """Do as a person says about a line: keep, take or release. `who` goes into the journal, with the reason."""
    now = clock.now()
    mine = managed(store, psa, line, now)
    _DEEDS[verb](store, mine, who, now, clock.today(zone))
    quantity = mine.terms.quantity if mine.base else 0
    return Told(mine.company, line, mine.key.agreement, mine.key.product, verb, quantity)


def _keep(store: Store, mine: Managed, who: str, now: datetime, today: date) -> None:
    if any(b.state is BindingState.RELEASED for b in mine.bindings):
        raise NotOurs(f"{mine.key.product} was released to people already", "Take it back first: trueup hold take")
    terms = mine.terms
    base = mine.base.id if mine.base else mine.bindings[0].line
    kept = Kept(mine.key, base, terms, today, ((today - DAY, terms.billed),), who, now)
    # Nothing is to be written for it, so there is nothing to approve.
    store.keep(mine.company, [kept], [], now, now)


def _take(store: Store, mine: Managed, who: str, now: datetime, today: date) -> None:
    """What the lines show is what we know of them from now on: no edit, but the base for what the row asks."""
    back = [b for b in (_taken(b, mine.lines) for b in mine.bindings) if b not in mine.bindings]
    store.take(mine.company, mine.key, back, who, now)


def _taken(binding: Binding, lines: Mapping[int, Line]) -> Binding:
    line = lines.get(binding.line)
    if line is None:
        return binding
    state = BindingState.LIVE if binding.state is BindingState.RELEASED else binding.state
    return replace(binding, state=state, confirmed=binding.confirming(line))


def _release(store: Store, mine: Managed, who: str, now: datetime, today: date) -> None:
    standing = [b for b in mine.bindings if b.state is not BindingState.ENDED]
    if not standing:
        raise NotOurs(f"No line of {mine.key.product} bills any more", "There is nothing to release")
    store.release(mine.company, [replace(b, state=BindingState.RELEASED) for b in standing], who, now)


_DEEDS: Mapping[str, Callable[[Store, Managed, str, datetime, date], None]] = {
    "keep": _keep,
    "take": _take,
    "release": _release,
}
