"""What people decide about a gap: what is against it, and the record that it becomes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime

from agent.domain.keys import LineKey
from agent.domain.ledger import KEYED, MONTHS, Cut, Direction, Gap, Instalment, Order, Settlement, State, Verb
from agent.domain.money import Money, minor_units
from agent.domain.periods import DAY, add_months
from agent.domain.proration import split

MOST_PHASES = 36
_YEARS = 10


@dataclass(frozen=True, slots=True)
class Asked:
    """What a person wants done with a gap. `first` is the day of the first instalment, `phases` how many there are.

    With `write`, Trueup writes them into the PSA itself.
    """

    verb: Verb
    who: str
    reason: str = ""
    approver: str = ""
    price: Money | None = None
    first: date | None = None
    phases: int = 1
    write: bool = False


def objection(gap: Gap, asked: Asked, today: date) -> str:
    """Why it cannot be done, as a sentence with what to do; empty where nothing is against it."""
    told = _against_reopening if asked.verb is Verb.REOPEN else _against_settling
    return next((reason for applies, reason in told(gap, asked, today) if applies), "")


_Reasons = Iterator[tuple[bool, str]]


def _against_reopening(gap: Gap, asked: Asked, today: date) -> _Reasons:
    yield not gap.standing(today + DAY), "there is no decision to take back"
    yield not asked.reason, "it needs a reason: say why"


def _against_settling(gap: Gap, asked: Asked, today: date) -> _Reasons:
    cut = Cut.now(today)
    # Judged with the price that is being said, or a gap without one could never be billed.
    sums, known = _with(gap, asked).sums(cut), gap.sums(cut) is not None
    yield asked.verb is not Verb.BILL and not asked.reason, "it needs a reason: say why"
    yield asked.verb is Verb.WAIVE and not asked.approver, "a waiver needs an approver: say who allowed it"
    yield asked.price is not None and known, "its price is known, and another cannot be said"
    yield (sums.open.amount <= 0 if sums else gap.state(cut) is not State.UNPRICED), "nothing of it is open"
    if asked.verb is Verb.BILL:
        yield sums is None, "no price is known: say what one costs a month"
        keyed = gap.code in KEYED
        yield asked.write and not keyed, "no line of Trueup's bills it: export the schedule, and enter it by hand"
        yield not 1 <= asked.phases <= MOST_PHASES, f"it can be billed in 1 to {MOST_PHASES} phases"
        yield asked.first is not None and asked.first < today, f"{asked.first} is over: begin with a later day"
        far = asked.first is not None and asked.first.year > today.year + _YEARS
        yield far, f"{asked.first} is more than {_YEARS} years away"
        yield sums is not None and _coins(sums.open) < asked.phases, f"it is too little for {asked.phases} phases"


def settled(gap: Gap, asked: Asked, today: date, at: datetime) -> Settlement:
    """The record of it, without its number yet. Only for what `objection` has nothing against."""
    sums = _with(gap, asked).sums(Cut.now(today))
    amount = sums.open if sums and asked.verb is not Verb.REOPEN else None
    plan: tuple[Instalment, ...] = ()
    if asked.verb is Verb.BILL and amount is not None:
        # Not today: who decides on the 28th would otherwise miss the invoice that is being made.
        first = asked.first or MONTHS.containing(today).end
        parts = split(amount, [1] * asked.phases)
        # Always from the first day on: 31 January, 28 February, 31 March, and not the 28th for ever after.
        plan = tuple(Instalment(add_months(first, number), part) for number, part in enumerate(parts))
    reverses = gap.standing(today + DAY)[-1].id if asked.verb is Verb.REOPEN else None
    words = asked.approver, asked.reason, asked.price
    order = _order(gap, today) if asked.write and plan else None
    return Settlement(0, gap.id, gap.company, asked.verb, today, at, asked.who, amount, *words, plan, reverses, order)


def _order(gap: Gap, today: date) -> Order:
    credit = gap.direction is Direction.OVER
    days = f"{gap.since} to {min(gap.closed or today, today) - DAY}"
    text = f"{gap.licence}: {'credit for' if credit else 'back-billing of'} {days}"
    return Order(LineKey.parse(gap.subject).base, text, credit)


def _with(gap: Gap, asked: Asked) -> Gap:
    """The gap with the price that was just said."""
    if asked.price is None:
        return gap
    return replace(gap, course=tuple(replace(one, price=one.price or asked.price) for one in gap.course))


def _coins(money: Money) -> int:
    return int(money.amount.scaleb(minor_units(money.currency)))
