"""Which changes a person must see first, and why.

Every rule is a small function from a planned change and its case to a reason, or nothing. Approvals clear the reasons
of the digest they name, except in report mode, which never writes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from decimal import Decimal

from agent.domain.agreements import Agreement, Line
from agent.domain.changes import AddLine, Change, EndLine, Planned, Realisation, Restore, SetPrice, SetQuantity
from agent.domain.holdings import Owned
from agent.domain.keys import LineKey
from agent.domain.mappings import Mode
from agent.domain.money import Money


@dataclass(frozen=True, slots=True)
class Limits:
    """Defaults of the guards; each company may override them."""

    lower_absolute: int = 3
    lower_percent: int = 20
    raise_absolute: int = 10
    raise_percent: int = 50
    company_percent: int = 25
    new_lines: int = 5
    freeze_days: int = 0
    fleet_companies_percent: int = 10
    fleet_companies_minimum: int = 5
    fleet_money_percent: int = 5
    raise_times: int = 10


@dataclass(frozen=True, slots=True)
class Case:
    """What the guards of one company look at beside the changes. `monthly` is what its managed lines bill a month."""

    mode: Mode
    limits: Limits
    today: date
    agreements: Mapping[int, Agreement]
    owned: Mapping[LineKey, Owned]
    may_adopt: Collection[LineKey]
    monthly: Money
    seats: int
    approved: Collection[str] = ()
    rejected: Collection[str] = ()
    strays: Sequence[Line] = ()  # live lines with our mark that nothing explains
    by_hand: Sequence[Line] = ()  # open lines that people or other tools look after
    made: Mapping[int, int] = field(default_factory=dict)  # by agreement: lines of ours of the last 24 hours


@dataclass(frozen=True, slots=True)
class CompanyPlan:
    """One company's planned changes, guarded, with what its managed lines billed a month before them."""

    company: int
    planned: tuple[Planned, ...]
    monthly: Money

    @property
    def due(self) -> tuple[Planned, ...]:
        """Without what is put off to a renewal."""
        return tuple(p for p in self.planned if not p.change.queued)

    @property
    def ready(self) -> tuple[Planned, ...]:
        return tuple(p for p in self.planned if p.ready)

    @property
    def first(self) -> tuple[Planned, ...]:
        """Of what is ready the first change of each line: what comes after it rests on what the PSA shows then.

        Written together, a new difference line would get the price that its base had before.
        """
        found: dict[LineKey, Planned] = {}
        for planned in self.ready:
            found.setdefault(planned.change.key.base, planned)
        return tuple(found.values())

    @property
    def unasked(self) -> tuple[Planned, ...]:
        """What would be written without anybody having looked at it."""
        return tuple(p for p in self.ready if not p.approved)


def guarded(planned: Sequence[Planned], case: Case) -> tuple[Planned, ...]:
    """The same changes with every reason to hold them."""
    everywhere = _company_reasons(planned, case)
    crowded = _crowded_agreements(planned, case)
    strange = _of_another_tenant(planned)
    return _in_order([_one(p, case, everywhere, crowded, strange) for p in planned], case.agreements)


def _in_order(planned: Sequence[Planned], agreements: Mapping[int, Agreement]) -> tuple[Planned, ...]:
    """A line that takes over seats waits for whoever decides on the line that gives them, whatever was said of it.

    Where it waits for an invoice, those that give wait with it: by the time it is written it may begin later.
    """
    now = tuple(planned)
    while True:
        givers = {p.change.key: p for p in now if isinstance(p.change, (EndLine, SetQuantity))}
        behind = [_behind(p, [givers.get(key) for key in p.change.follows]) for p in now]
        late = {key: p.realisation.note for p in behind if _waiting(p) for key in p.change.follows}
        asking = {key for p in behind if p.realisation.writes and p.holds for key in _whole(p, agreements)}
        then = tuple(_before(p, late.get(p.change.key, ""), p.change.key in asking) for p in behind)
        if then == now:
            return then
        now = then


def _behind(planned: Planned, givers: Sequence[Planned | None]) -> Planned:
    late = [giver for giver in givers if giver is None or not giver.ready]
    if not planned.realisation.writes or not late:
        return planned
    waits = next((giver.realisation for giver in late if giver and _waiting(giver)), None)
    if waits is not None:
        return _put_off(planned, waits.note)
    return _held(planned, "it takes over seats of another line: that one's change must be approved first, or with it")


def _before(giver: Planned, late: str, asking: bool) -> Planned:
    if not giver.realisation.writes:
        return giver
    if late:
        return _put_off(giver, late)
    if asking and not giver.approved:
        return _held(giver, "another line takes over its seats: approve both, or nobody bills them")
    return giver


def _whole(taker: Planned, agreements: Mapping[int, Agreement]) -> Iterator[LineKey]:
    """The givers of a line that could not catch up on their days: of whole periods none can be billed later."""
    here = taker.change.key.agreement
    return (
        key for key in taker.change.follows if not (agreements[here].prorates and agreements[key.agreement].prorates)
    )


def _waiting(planned: Planned) -> bool:
    return not planned.realisation.writes and not planned.realisation.refused


def _put_off(planned: Planned, note: str) -> Planned:
    """What waits for an invoice needs nobody's word."""
    return replace(planned, realisation=Realisation(note=note), holds=())


def _held(planned: Planned, reason: str) -> Planned:
    return planned if reason in planned.holds else replace(planned, holds=(*planned.holds, reason))


FLEET = "in one cycle (more than"  # what tells the breaker's reason from a guard's


def fleet_reason(plans: Sequence[CompanyPlan], limits: Limits, currency: str) -> str:
    """Why this cycle as a whole must wait: too many companies or too much money move at once. Empty if it may go on."""
    moving = [plan for plan in plans if plan.unasked]
    if not moving or len(moving) < limits.fleet_companies_minimum:
        return ""
    allowed = limits.fleet_companies_percent
    if len(moving) * 100 > len(plans) * allowed:
        return f"{len(moving)} of {len(plans)} companies change {FLEET} {allowed} %)"
    total = Money.total((plan.monthly for plan in plans), currency)
    moved = Money.total((_moved(plan, currency) for plan in moving), currency)
    if total and moved.amount * 100 > total.amount * limits.fleet_money_percent:
        return f"{moved} of {total} a month move {FLEET} {limits.fleet_money_percent} %)"
    return ""


def hold_ready(plan: CompanyPlan, reason: str) -> CompanyPlan:
    """Everything that was about to be written unasked waits for the one decision that the fleet breaker asks for."""
    held = [replace(p, holds=(reason,)) if p.ready and not p.approved else p for p in plan.planned]
    return replace(plan, planned=tuple(held))


def _moved(plan: CompanyPlan, currency: str) -> Money:
    return Money.total((abs(p.change.monthly) for p in plan.unasked if p.change.monthly), currency)


Rule = Callable[[Change, Case], str]


def _one(
    planned: Planned,
    case: Case,
    everywhere: Sequence[str],
    crowded: Mapping[int, str],
    strange: Set[LineKey],
) -> Planned:
    if not planned.realisation.writes:
        return planned
    change = planned.change
    if case.mode is Mode.REPORT:
        return replace(planned, holds=("mode is report: nothing is written",))
    if case.approved and planned.digest in case.approved:
        return replace(planned, approved=True)
    reasons = [*everywhere, *(rule(change, case) for rule in _RULES)]
    if isinstance(change, AddLine):
        reasons.append(crowded.get(change.key.agreement, ""))
        if change.key in strange:
            reasons.append("it takes the place of a line that counts another tenant: see that the tenant is right")
        reasons.append(_unexplained(case.strays))
    if case.rejected and planned.digest in case.rejected:
        reasons.append("rejected by a person")
    return replace(planned, holds=tuple(dict.fromkeys(reason for reason in reasons if reason)))


def _unexplained(strays: Sequence[Line]) -> str:
    """A store that was lost may have billed the same seats with a line whose row is not there any more."""
    if not strays:
        return ""
    where = ", ".join(f"{line.id} of agreement {line.agreement}" for line in strays)
    return f"line {where} carries our mark and nothing explains it: see that it does not bill the same seats"


def _to_zero(change: Change, case: Case) -> str:
    stops = isinstance(change, EndLine) or (change.after.quantity == 0 and not isinstance(change, Restore))
    return "the line would stop billing" if stops else ""


def _price_moves(change: Change, case: Case) -> str:
    return "the price changes" if isinstance(change, SetPrice) else ""


def _first_write(change: Change, case: Case) -> str:
    mine = case.owned.get(change.key.base)
    if mine is None or mine.binding is None or not mine.binding.adopted or mine.binding.confirmed:
        return ""
    return "" if change.key.base in case.may_adopt else "first write to a line that Trueup did not create"


def _billed_by_hand(change: Change, case: Case) -> str:
    """A row's first line beside one of another product whose text says the same licence: both would be billed."""
    mine = case.owned.get(change.key.base)
    if not isinstance(change, AddLine) or (mine is not None and mine.lives):
        return ""
    # A row's own name stands behind the licence, in brackets.
    licence = change.label.partition(" (")[0].casefold()
    here = (line for line in case.by_hand if line.agreement == change.key.agreement)
    line = next((line for line in here if licence in line.text.casefold()), None)
    if line is None:
        return ""
    bills = f"{line.quantity.normalize():f} x {line.identifier}"
    return f"line {line.id} ({bills}) may bill this already: name it in replaces, or take it over with its own product"


def _edited(change: Change, case: Case) -> str:
    mine = case.owned.get(change.key.base)
    return mine.edited if mine else ""


def _lowered(change: Change, case: Case) -> str:
    if not isinstance(change, SetQuantity):
        return ""
    by = change.was - change.after.quantity
    allowed = max(Decimal(case.limits.lower_absolute), Decimal(change.was * case.limits.lower_percent) / 100)
    return f"lowered by {by}, more than {allowed.normalize():f}" if by > allowed else ""


def _raised(change: Change, case: Case) -> str:
    if not isinstance(change, (SetQuantity, AddLine)):
        return ""
    was = change.before.quantity if change.before else 0
    by = change.after.quantity - was
    # One seat that becomes ten is within ten more, and is what a mistaken unit looks like.
    if was and change.after.quantity >= was * case.limits.raise_times:
        return f"raised to {change.after.quantity // was} times what it was"
    allowed = max(Decimal(case.limits.raise_absolute), Decimal(was * case.limits.raise_percent) / 100)
    return f"raised by {by}, more than {allowed.normalize():f}" if by > allowed else ""


def _asks(change: Change, case: Case) -> str:
    return change.asks


def _frozen(change: Change, case: Case) -> str:
    agreement = case.agreements.get(change.key.agreement)
    if not case.limits.freeze_days or agreement is None or agreement.next_invoice is None:
        return ""
    opens = agreement.next_invoice - timedelta(days=case.limits.freeze_days)
    within = opens <= case.today < agreement.next_invoice
    return f"freeze window: the next invoice is on {agreement.next_invoice}" if within else ""


_RULES: tuple[Rule, ...] = (
    _to_zero,
    _price_moves,
    _first_write,
    _billed_by_hand,
    _edited,
    _lowered,
    _raised,
    _asks,
    _frozen,
)


def _company_reasons(planned: Iterable[Planned], case: Case) -> list[str]:
    reasons = ["mode is review: every change waits for a person"] if case.mode is Mode.REVIEW else []
    amounts = [p.change.monthly for p in planned if p.change.monthly and p.realisation.writes]
    # A percentage of next to nothing holds everything: small companies are guarded by the absolute limits.
    if amounts and case.monthly and case.seats >= 10:
        net = abs(Money.total(amounts, case.monthly.currency))
        if net.amount * 100 > case.monthly.amount * case.limits.company_percent:
            reasons.append(
                f"the company's {case.monthly} a month move by {net}, more than {case.limits.company_percent} %"
            )
    return reasons


def _crowded_agreements(planned: Iterable[Planned], case: Case) -> Mapping[int, str]:
    """What trickles in cycle by cycle is as many lines as what comes at once."""
    new = Counter(p.change.key.agreement for p in planned if isinstance(p.change, AddLine) and p.realisation.writes)
    limit = case.limits.new_lines
    return {a: _crowd(a, n, case.made.get(a, 0), limit) for a, n in new.items() if n + case.made.get(a, 0) > limit}


def _crowd(agreement: int, new: int, made: int, limit: int) -> str:
    if not made:
        return f"{new} new lines on agreement {agreement} at once, more than {limit}"
    return f"{new + made} new lines on agreement {agreement} within a day, more than {limit}: {made} were made already"


def _of_another_tenant(planned: Iterable[Planned]) -> set[LineKey]:
    """New lines of a product whose line on the same agreement ends because another tenant is mapped now."""
    changes = [p.change for p in planned]
    ends = {(c.key.agreement, c.key.product, c.key.account) for c in changes if isinstance(c, EndLine)}
    new = [c.key for c in changes if isinstance(c, AddLine)]
    return {k for k in new if any((k.agreement, k.product) == e[:2] and k.account != e[2] for e in ends)}
