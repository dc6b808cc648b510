"""Which requests realise a change: the billing rules' table "change -> writes" for ConnectWise PSA. Pure.

`P` is the billing period that contains the change's effective date; it is invoiced when the next invoice date lies
after its start. Days before the next invoice date are frozen: what is owed for them is billed by a *delta*, an
addition of its own with its own dates, which a prorating agreement charges by the day on its next invoice. A changed
quantity of a line is never prorated by ConnectWise; it counts from the next invoice on, for whole periods.

Decided here, where the table leaves it open:

- A delta bills what exceeds both the quantity before and what `Holding.charged` says was billed, stretch by stretch,
  and what is included is never billed beside the base. It copies its base's price, billing option, tax flag and cost.
- The base is raised only where an invoice has surely billed it (or nothing ever has, and it has not begun). Where it
  is still to be caught up on, or that cannot be told, an open delta bills the right days in any case.
- A line ends with its last billed day: the day before the next invoice where that is invoiced for this line, else the
  day before the change. One that would end before it began gets quantity 0 and its own first day as the last.
- A credit takes back what was charged, never more than the change lowers, and nothing of which the charge is unknown.
  Seats that nobody was billed for leave first; the days on which they were used get an addition of their own.
- A line that takes over from others (`Change.covered`) begins where the last of them ends; what it bills beyond them
  before that day is a bounded delta of its own. Agreements that bill whole periods begin with their next one.
- A line whose first day lies in a period that is over and invoiced needs a person's word (`start-on`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from functools import partial
from itertools import groupby, pairwise
from typing import NamedTuple

from agent.domain.agreements import Agreement, Line
from agent.domain.changes import (
    AddLine,
    Change,
    Delta,
    EndLine,
    Fold,
    Holding,
    Realisation,
    SetDescription,
    SetPrice,
    SetQuantity,
    Terms,
    Write,
)
from agent.domain.keys import LineKey, Role
from agent.domain.mappings import AtZero, Decrease, Increase
from agent.domain.periods import DAY, Period
from agent.psa.connectwise.pen import Manner, Pen


def writes(change: Change, agreement: Agreement, today: date, manner: Manner) -> Realisation:
    """The requests in the order in which they must be sent: deltas before the base, each safe to stop after."""
    why = _refusal(change, agreement, manner)
    if why:
        return _refused(why)
    pen = Pen(change, agreement, manner)
    if isinstance(change, AddLine):
        return _add(pen, today)
    if change.holding is None or change.before is None:
        return _refused("nothing is known of the addition to change")
    task = Task(pen, change.holding, change.before, change.after, today)
    if isinstance(change, SetQuantity):
        return _set_quantity(task, change)
    if isinstance(change, EndLine):
        return _end(task, change.at_zero)
    return Realisation(_PLAIN[type(change)](task))


@dataclass(frozen=True, slots=True)
class Task:
    """A change of lines that exist."""

    pen: Pen
    holding: Holding
    before: Terms
    after: Terms
    today: date

    @property
    def key(self) -> LineKey:
        return self.pen.change.key

    @property
    def agreement(self) -> Agreement:
        return self.pen.agreement

    @property
    def base(self) -> Line:
        return self.holding.base

    @property
    def effective(self) -> date:
        return self.pen.change.effective

    @property
    def first_day(self) -> date:
        """From when a difference counts: not before its base, nor before the agreement bills."""
        # With a start-on date in the row, the seats were counted before the base began to bill.
        return max(day for day in (self.pen.change.begins, self.base.start, self.agreement.bill_start) if day)

    @property
    def price(self) -> Decimal | None:
        # A price change may be waiting for approval: until it is made, a delta bills what its base bills.
        return self.after.price if self.base.price is None else self.base.price

    def prices(self, days: Period) -> Iterator[tuple[Period, Decimal | None]]:
        """The days, cut where invoices billed them at another price; where that was not seen, at the present one."""
        known = [(period, price) for period, price in self.holding.prices if period.overlap(days)]
        cuts = sorted({days.start, *(period.start for period, _ in known if period.start in days)})
        pieces = [Period(first, end) for first, end in pairwise([*cuts, days.end])]
        for price, same in groupby(
            pieces, lambda p: next((at for period, at in known if p.start in period), self.price)
        ):
            together = [*same]
            yield Period(together[0].start, together[-1].end), price

    @property
    def gained(self) -> int:
        """Seats that the change adds to the bill: one that comes with one more included adds nothing."""
        before, after = self.before, self.after
        return after.quantity - after.included - (before.quantity - before.included)

    def charged_from(self, day: date) -> int | None:
        """Seats billed on that day; None where that is not known."""
        # What is known may start with today, and a change that waited for approval before it: then the next
        # stretch that is known speaks for the days in between.
        later = sorted((period.start, seats) for period, seats in self.holding.charged if period.end > day)
        return later[0][1] if later else None

    @property
    def waiting(self) -> frozenset[int]:
        """Ids of the open deltas that no invoice has reached since they were written."""
        boundary = self.agreement.next_invoice
        return frozenset(delta.line.id for delta in self.holding.deltas if delta.opened_before == boundary)

    def each_line(self) -> Iterator[tuple[LineKey, Line]]:
        yield self.key, self.base
        for delta in self.holding.deltas:
            yield delta.key, delta.line

    def delta(self, seats: int, part: str, **days: date) -> Write:
        return self.pen.beside(self.key.delta(part), self.base, seats, self.price, **days)


def _refusal(change: Change, agreement: Agreement, manner: Manner) -> str:
    reasons = (
        (agreement.company != change.company, f"agreement {agreement.id} belongs to company {agreement.company}"),
        (agreement.refusal, agreement.refusal),
        (agreement.months is None, f"billing cycle {agreement.cycle!r} is neither monthly nor annual"),
        (
            agreement.bill_start is None and agreement.next_invoice is None,
            f"agreement {agreement.id} has neither a billing start nor a next invoice date",
        ),
        (
            manner.marker.custom and manner.marker.field is None,
            f"the custom field {manner.marker.caption!r} for marks is not known yet",
        ),
    )
    return next((reason for applies, reason in reasons if applies), "")


def _uncovered(pen: Pen, seats: int, beside: Callable[..., Write]) -> Iterator[Write]:
    """Deltas for the added seats that no line bills on days on which others are still billed by the old lines."""
    if pen.agreement.prorates:
        for days, covered in pen.change.covered:
            if seats > covered:
                part = f"{days.start}/{covered}-{seats}"
                yield beside(seats - covered, part, start=days.start, end=days.end)


def _add(pen: Pen, today: date) -> Realisation:
    start = _start(pen.change, pen.agreement)
    # Of a period that is over and invoiced nobody expects another invoice, so it takes a person's word.
    if pen.agreement.invoiced(start) and pen.agreement.period(start).end <= pen.agreement.period(today).start:
        return _refused(
            f"{start} lies in {pen.agreement.period(start)}, which is over and invoiced: "
            "give the row a start-on date in the present period, and bill the days before it by hand"
        )
    if pen.agreement.ends and start >= pen.agreement.ends:
        return _refused(f"the agreement ends with {pen.agreement.ends - DAY}, before the line would start on {start}")
    after = pen.change.after
    write = pen.post(
        pen.change.key,
        quantity=Decimal(after.quantity),
        included=Decimal(after.included) if after.included else None,
        price=after.price,
        billable=after.billable,
        start=start,
        text=after.text or None,
    )
    early = _uncovered(pen, after.quantity - after.included, partial(_first_delta, pen))
    return Realisation((*early, write))


def _first_delta(pen: Pen, seats: int, part: str, **days: date) -> Write:
    """A difference line that comes before its base, from which others copy price and billing option."""
    after = pen.change.after
    given = {"price": after.price, "billable": after.billable, "text": after.heading or None, **days}
    return pen.post(pen.change.key.delta(part), quantity=Decimal(seats), **given)


def _start(change: Change, agreement: Agreement) -> date:
    """ConnectWise refuses days before the billing start and, without prorating, days that are invoiced."""
    first = change.begins
    if agreement.prorates:
        earliest = first
    else:
        earliest = _boundary(agreement, first) or agreement.period(first).start
        if change.covered and earliest < first:
            earliest = agreement.period(first).end
    return max(earliest, agreement.bill_start or earliest)


def _boundary(agreement: Agreement, day: date) -> date | None:
    """The next invoice date, where the period of that day is invoiced."""
    return agreement.next_invoice if agreement.invoiced(day) else None


def _set_quantity(task: Task, change: SetQuantity) -> Realisation:
    if task.after.quantity > task.before.quantity:
        raised = _raise(task, change.increase)
        if change.increase is not Increase.PRORATE or not raised.writes:
            return raised
        return replace(raised, writes=(*_uncovered(task.pen, task.gained, task.delta), *raised.writes))
    if task.after.quantity < task.before.quantity:
        return _lower(task, change.decrease)
    return Realisation(_total(task))


def _raise(task: Task, increase: Increase) -> Realisation:
    if not task.agreement.prorates or increase is Increase.FULL:
        # The whole of a period that the old lines are still billed in would be billed a second time.
        return _once_invoiced(task) if task.pen.change.covered else Realisation(_total(task))
    if increase is Increase.NEXT_PERIOD:
        return _once_invoiced(task)
    start = task.first_day
    if task.pen.change.covered and start == task.agreement.next_invoice and not _unbilled(task, start - DAY):
        return Realisation(_total(task))
    began_within = task.base.start is not None and task.base.start > task.agreement.period(start).start
    if _covered(task, start):
        # The seats are billed up to the next invoice already: a fold was interrupted, or they left and came back.
        return Realisation(_total(task))
    unbilled = _unbilled(task, start) or began_within
    begins = task.base.start is not None and task.base.start >= task.today
    if not unbilled and not begins:
        return Realisation((*_bounded(task, start), *_total(task)))
    if unbilled and begins and start == task.base.start:
        return Realisation(_total(task))
    # ConnectWise catches up on a base with the quantity that it has at the invoice: raised now, the base would be
    # charged with the new seats from its own first day on. An open delta bills the right days whatever was invoiced,
    # so it also serves where that cannot be told.
    more = task.after.quantity - task.before.quantity
    seats = min(more, task.gained)
    if seats <= 0:
        return Realisation(_total(task))
    opened = task.delta(seats, f"{start}/{task.before.quantity}-{task.before.quantity + seats}", start=start)
    return Realisation((opened, *_patch_base(task, task.base.quantity + more - seats)))


def _covered(task: Task, start: date) -> bool:
    """Whether the new quantity is known to be billed for every invoiced day from `start` on."""
    charged = [seats for days, seats in task.holding.charged if days.end > start]
    return task.agreement.invoiced(start) and bool(charged) and min(charged) >= task.after.quantity


def _unbilled(task: Task, day: date) -> bool:
    """Whether no invoice has billed the base for that day, be it that none was made or that the base came after it."""
    if not task.agreement.invoiced(day):
        return True
    charged = task.charged_from(day)
    if charged is not None:
        return charged == 0
    return task.base.start is not None and task.base.start > task.agreement.period(day).start


def _bounded(task: Task, start: date) -> Iterator[Write]:
    """One delta for each stretch of invoiced days on which the change adds seats that nobody was billed for."""

    def billed(day: date) -> tuple[int, int]:
        charged = task.charged_from(day)
        # Never more than the change itself adds: seats that a person put on the line are that person's affair.
        level = task.before.quantity if charged is None else max(charged, task.before.quantity)
        return level, max(level, min(task.after.quantity, level + task.gained))

    for days, (level, target) in _stretches(task, start, billed):
        if target > level:
            yield task.delta(target - level, f"{days.start}/{level}-{target}", start=days.start, end=days.end)


def _stretches(
    task: Task, start: date, value: Callable[[date], tuple[int, int]]
) -> Iterator[tuple[Period, tuple[int, int]]]:
    """The days from `start` to the next invoice, cut where the value changes."""
    end = task.agreement.next_invoice
    if end is None or end <= start:
        return
    edges = {day for period, _ in task.holding.charged for day in (period.start, period.end) if start < day < end}
    days = sorted({start, *edges})
    cuts = [start, *(day for before, day in pairwise(days) if value(day) != value(before))]
    for first, last in pairwise([*cuts, end]):
        yield Period(first, last), value(first)


def _lower(task: Task, decrease: Decrease) -> Realisation:
    if decrease is Decrease.NEXT_PERIOD:
        return _once_invoiced(task)
    if decrease is Decrease.CREDIT:
        return _credited(task)
    return Realisation(_total(task))


def _credited(task: Task) -> Realisation:
    if not task.agreement.prorates:
        return _refused("a credit needs an agreement that prorates; this one bills whole periods")
    start = task.first_day
    whole = _unbilled(task, start)
    fresh = {line.id for _, line in task.each_line()} if whole else task.waiting
    # Seats that nobody was billed for yet leave first: for them no money has to be given back.
    shares = _shares(task, fresh)
    unbilled = [share for share in shares if share.line.id in fresh]
    found = [*_used_until(task, start, unbilled)]
    lost = sum(share.lost for share in shares if share not in unbilled)
    if lost:
        why = _no_credit(task, start)
        if why:
            return _refused(why)
        kept = task.after.quantity - sum(int(share.quantity) for share in unbilled)
        found += _credits(task, start, kept, lost)
    return Realisation((*found, *_written(task, shares)))


def _no_credit(task: Task, start: date) -> str:
    way = task.pen.manner.credits
    reasons = (
        (
            way == "off",
            "credits are switched off: set psa.connectwise.credits to the way this site takes them, "
            'or give the profile decrease = "now"',
        ),
        (
            task.charged_from(start) is None,
            f"how many seats were billed from {start} on is not known, so none can be credited",
        ),
        (
            way == "negative-price" and task.price is None,
            f"addition {task.base.id} shows no unit price, which a credit by negative price needs",
        ),
    )
    return next((reason for applies, reason in reasons if applies), "")


def _credits(task: Task, start: date, kept: int, lost: int) -> Iterator[Write]:
    """Negative deltas for the rest of what is invoiced: `lost` seats, but never more than were billed beyond `kept`."""

    def billed(day: date) -> tuple[int, int]:
        charged = task.charged_from(day)
        # What is not known to have been billed is not taken back.
        level = kept if charged is None else charged
        return level, max(kept, level - lost)

    for days, (level, target) in _stretches(task, start, billed):
        if target < level:
            for part, price in task.prices(days):
                yield _credit(task, level - target, f"{part.start}/{level}-{target}", part, price)


def _credit(task: Task, seats: int, part: str, days: Period, charged: Decimal | None) -> Write:
    """Given back is what was charged, whatever the price has become since."""
    negative = task.pen.manner.credits == "negative-quantity"
    price = charged if negative or charged is None else -charged
    key = task.key.delta(part, Role.CREDIT)
    quantity = -seats if negative else seats
    return task.pen.beside(key, task.base, quantity, price, start=days.start, end=days.end)


def _used_until(task: Task, left: date, shares: Sequence[Share]) -> Iterator[Write]:
    """The days before the change for which nothing has been billed, and so shall be for the seats that left."""
    # Not from the change's own period: one before it may be open as well, and is lowered with it.
    boundary = task.agreement.next_invoice or task.agreement.period(left).start
    level = task.before.quantity
    for share in shares:
        caught_up = not task.agreement.invoiced(left) and share.line.id not in task.waiting
        begins = (share.line.start, task.agreement.bill_start, boundary if caught_up else None)
        start = max((day for day in begins if day), default=boundary)
        if share.lost and start < left:
            yield task.delta(share.lost, f"{start}/{level}-{level - share.lost}", start=start, end=left)
        level -= share.lost


def _once_invoiced(task: Task) -> Realisation:
    if task.agreement.invoiced(task.effective):
        return Realisation(_total(task))
    return Realisation(note=f"waits until {task.agreement.period(task.effective)} is invoiced")


def _total(task: Task) -> tuple[Write, ...]:
    """Base and open deltas together show the new quantity."""
    return _written(task, _shares(task))


def _written(task: Task, shares: Sequence[Share]) -> tuple[Write, ...]:
    base = next(share for share in shares if share.line is task.base)
    beside = [share for share in shares if share is not base]
    parts = [w for share in beside for w in task.pen.patch(share.key, share.line, quantity=share.quantity)]
    return (*_patch_base(task, base.quantity), *parts)


class Share(NamedTuple):
    """What a line will carry of the new quantity, less what of it is included."""

    key: LineKey
    line: Line
    quantity: Decimal
    included: int

    @property
    def lost(self) -> int:
        """Seats that the line bills no more."""
        return max(0, int(self.line.quantity - self.line.included - (self.quantity - self.included)))


def _shares(task: Task, first: Collection[int] = ()) -> list[Share]:
    """The base gains or gives; what it cannot give, the newest deltas do. Lines of `first` give before all others."""
    # What is included is taken off the base alone: below it, seats of the deltas would be billed that are free.
    base = Share(task.key, task.base, task.base.quantity, task.after.included)
    newest = [Share(d.key, d.line, d.line.quantity, 0) for d in sorted(task.holding.deltas, key=_age)]
    rest = task.holding.quantity - task.after.quantity
    if rest <= 0:
        return [base._replace(quantity=base.quantity - rest), *newest]
    shares = []
    for share in sorted([base, *newest], key=lambda s: (not _begins_later(task, s.line), s.line.id not in first)):
        cut = min(rest, max(share.quantity - share.included, Decimal(0)))
        shares.append(share._replace(quantity=share.quantity - cut))
        rest -= cut
    return [s._replace(quantity=s.quantity - rest) if s.line is task.base else s for s in shares]


def _begins_later(task: Task, line: Line) -> bool:
    """A delta that is to take over from another line one day: nobody has used its seats yet."""
    return line is not task.base and line.start is not None and line.start > task.effective


def _age(delta: Delta) -> tuple[int, int]:
    """Sorts the newest first."""
    start = delta.line.start or date.min
    return -start.toordinal(), -delta.line.id


def _patch_base(task: Task, quantity: Decimal) -> tuple[Write, ...]:
    included, text = Decimal(task.after.included), task.after.text or task.base.text
    return task.pen.patch(task.key, task.base, quantity=quantity, included=included, text=text)


def _end(task: Task, at_zero: AtZero) -> Realisation:
    if at_zero is AtZero.ZERO:
        zero = [w for key, line in task.each_line() for w in task.pen.patch(key, line, quantity=Decimal(0))]
        return Realisation(tuple(zero))
    # What is invoiced stays billed to its end; what is not ends with the last day on which it was used.
    boundary = _boundary(task.agreement, task.effective)
    # With nothing on it a line costs nothing until its last billed day, whatever is known of what was billed.
    unbilled = boundary is None or (task.base.quantity > 0 and task.charged_from(task.effective) == 0)
    found: list[Write] = []
    for delta in task.holding.deltas:
        late = boundary is None or delta.line.id in task.waiting
        found += _ended(task, delta.key, delta.line, task.effective if late else boundary)
    # The base last: without it nobody would remember the deltas, and they would bill for ever.
    found += _ended(task, task.key, task.base, task.effective if unbilled else boundary)
    return Realisation(tuple(found))


def _ended(task: Task, key: LineKey, line: Line, end: date | None) -> tuple[Write, ...]:
    """`end` is the first day that is not billed any more."""
    if end is None or (line.end is not None and line.end <= end):
        return ()
    if line.start is not None and end <= line.start:
        # ConnectWise takes no last day before the first: one day with nothing on it bills nothing.
        return task.pen.patch(key, line, end=line.start + DAY, quantity=Decimal(0))
    return task.pen.patch(key, line, end=end)


def _describe(task: Task) -> tuple[Write, ...]:
    # Differences carry the heading only: whom the seats belong to stands on the base.
    return task.pen.patch(task.key, task.base, text=task.after.text)


def _price(task: Task) -> tuple[Write, ...]:
    values: dict[str, object] = {"billable": task.after.billable}
    # No price asked for: the PSA's own stands.
    if task.after.price is not None:
        values["price"] = task.after.price
    return tuple(w for key, line in task.each_line() for w in task.pen.patch(key, line, **values))


def _fold(task: Task) -> tuple[Write, ...]:
    """The deltas end with what is invoiced, and the base counts for all from there on."""
    end = task.agreement.next_invoice
    ripe = [d for d in task.holding.deltas if end and (d.line.start is None or d.line.start < end)]
    staying = sum((d.line.quantity for d in task.holding.deltas if d not in ripe), Decimal(0))
    ended = [w for d in ripe for w in task.pen.patch(d.key, d.line, end=end)]
    return (*ended, *task.pen.patch(task.key, task.base, quantity=task.after.quantity - staying))


_PLAIN: dict[type[Change], Callable[[Task], tuple[Write, ...]]] = {
    SetDescription: _describe,
    SetPrice: _price,
    Fold: _fold,
}


def _refused(why: str) -> Realisation:
    return Realisation(note=why, refused=True)
