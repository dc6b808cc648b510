"""Which requests realise a change: the billing rules' table "change -> writes" for ConnectWise PSA. Pure.

`P` is the billing period that contains the change's effective date; it is invoiced when the next invoice date lies
after its start. Days before the next invoice date are frozen: what is owed for them is billed by a *delta*, an
addition of its own with its own dates, which a prorating agreement charges by the day on its next invoice. A changed
quantity of a line is never prorated by ConnectWise; it counts from the next invoice on, for whole periods.

Decided here, where the table leaves it open:

- Each seat has its own day: a change that waited is written in as many parts as it has days.
- A delta bills the seats that `Holding.charged` does not say were billed, stretch by stretch, and what is included is
  never billed beside the base. It copies its base's price, billing option, tax flag and cost.
- The base is raised only where its coming invoices begin with the new seats' first day, or with a later one up to
  which a delta bills them. Elsewhere, or where that cannot be told, an open delta bills the right days in any case.
- Seats that came last leave first. What they owe for days that no invoice has reached gets an addition of its own.
- A line ends with its last billed day: the day before the next invoice where that is invoiced for this line, else the
  day before the change. One that would end before it began gets quantity 0 and its own first day as the last.
- A credit takes back what was charged, never more than the change lowers, and nothing of which the charge is unknown.
- A line that takes over from others (`Change.covered`) begins where the last of them ends; what it bills beyond them
  before that day is a bounded delta of its own. Agreements that bill whole periods begin with their next one.
- A line whose first day lies in a period that is over and invoiced needs a person's word (`start-on`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal

from agent.domain.agreements import Agreement, Line
from agent.domain.changes import (
    AddLine,
    BillPast,
    Change,
    EndLine,
    Fold,
    Realisation,
    Restore,
    SetDescription,
    SetPrice,
    SetQuantity,
    Write,
)
from agent.domain.history import Move
from agent.domain.keys import LineKey
from agent.domain.mappings import AtZero, Decrease, Increase
from agent.domain.periods import DAY, Period
from agent.psa.connectwise.one_off import one_off
from agent.psa.connectwise.pen import Manner, Pen
from agent.psa.connectwise.task import Batch, Task, beyond, part_of


def writes(change: Change, agreement: Agreement, today: date, manner: Manner) -> Realisation:
    """The requests in the order in which they must be sent: deltas before the base, each safe to stop after."""
    why = _refusal(change, agreement, manner)
    if why:
        return _refused(why)
    pen = Pen(change, agreement, manner)
    if isinstance(change, BillPast):
        return one_off(pen, change)
    if isinstance(change, AddLine):
        return _add(pen, today)
    if change.holding is None or change.before is None:
        return _refused("nothing is known of the addition to change")
    task = Task(pen, change.holding, change.before, change.after, today)
    if isinstance(change, SetQuantity):
        return _set_quantity(task, change)
    if isinstance(change, EndLine):
        return _end(task, change.at_zero)
    if isinstance(change, Restore):
        return Realisation((*_restore(task, change),))
    return Realisation(_PLAIN[type(change)](task))


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
    return Realisation((*_new_lines(pen, start),))


def _new_lines(pen: Pen, start: date) -> Iterator[Write]:
    """The base with the seats of its first day; those that came while it waited are opened beside it.

    What it owes for days before it begins comes first: once the base stands, nobody would ask for these days again.
    """
    after = pen.change.after
    moves = pen.change.rises if pen.agreement.prorates else ()
    for move in moves:
        for days, low in pen.uncovered(move):
            yield _alone(pen, move._replace(low=low), start=days.start, end=days.end)
    later = [move for move in moves if move.day > start]
    beside = sum(move.seats for move in later)
    yield pen.post(
        pen.change.key,
        quantity=Decimal(after.quantity - beside),
        included=Decimal(after.included) if after.included else None,
        price=after.price,
        billable=after.billable,
        start=start,
        text=after.text or None,
    )
    for move in later:
        yield _alone(pen, move, start=move.day)


def _alone(pen: Pen, move: Move, **days: date) -> Write:
    """A difference line that has no base yet of which it could take price and billing option."""
    after, key = pen.change.after, pen.change.key.delta(part_of(move.day, move.low, move.high, days["start"]))
    given = {"price": after.price, "billable": after.billable, "text": after.heading or None}
    return pen.post(pen.unused(key), quantity=Decimal(move.seats), **given, **days)


def _start(change: Change, agreement: Agreement) -> date:
    """ConnectWise refuses days before the billing start and, without prorating, days that are invoiced."""
    first = change.begins
    if agreement.prorates:
        earliest = first
    else:
        earliest = _boundary(agreement, first) or agreement.period(first).start
        # Half a period cannot be taken over.
        earliest = agreement.period(first).end if change.covered and earliest < first else earliest
    return max(earliest, agreement.bill_start or earliest)


def _boundary(agreement: Agreement, day: date) -> date | None:
    """The next invoice date, where the period of that day is invoiced."""
    return agreement.next_invoice if agreement.invoiced(day) else None


def _set_quantity(task: Task, change: SetQuantity) -> Realisation:
    if task.after.billed > task.before.billed:
        return _raise(task, change.increase)
    if task.after.billed < task.before.billed:
        return _lower(task, change.decrease)
    return Realisation(_total(task, task.after.billed))


def _raise(task: Task, increase: Increase) -> Realisation:
    if not task.agreement.prorates:
        return _waits_for_others(task) or Realisation(_total(task, task.after.billed))
    invoiced = task.agreement.invoiced
    moves = [move for move in task.rises if increase is not Increase.NEXT_PERIOD or invoiced(move.day)]
    if not moves:
        return _waits(task, task.rises[0])
    found: list[Write] = []
    opened = 0
    for move in moves:
        came = _first_day(task, move, increase)
        owed = task.pen.uncovered(move._replace(day=came))
        found += [task.delta(came, low, move.high, start=days.start, end=days.end) for days, low in owed]
        start = max(task.first_day(came), task.begins)
        if _joins_base(task, move, start):
            found += _bounded(task, move, start)
        else:
            # ConnectWise catches up on a base with the quantity that it has at the invoice: raised now, the base would
            # be charged with the new seats from another day on. An open delta bills the right days in any case.
            found.append(task.delta(start, move.low, move.high, start=start))
            opened += move.seats
    return Realisation((*found, *_total(task, moves[-1].high, opened)))


def _waits_for_others(task: Task) -> Realisation | None:
    """Of whole periods the first that is raised must be one in which no other line bills the seats any more."""
    if task.begins <= (task.boundary or date.min):
        return None
    return Realisation(note=f"waits until {task.agreement.period(task.begins - DAY)} is invoiced")


def _waits(task: Task, move: Move) -> Realisation:
    return Realisation(note=f"waits until {task.agreement.period(move.day)} is invoiced")


def _first_day(task: Task, move: Move, increase: Increase) -> date:
    """From when new seats count, at the earliest."""
    if increase is Increase.PRORATE:
        return move.day
    period = task.agreement.period(move.day)
    return max(period.start, task.boundary or period.start)


def _joins_base(task: Task, move: Move, start: date) -> bool:
    if task.paid is None:
        # Not known whether its first days are charged; where they are known to be, for as many, nothing is owed.
        charged = [seats for days, seats in task.holding.charged if days.end > start]
        return task.agreement.invoiced(start) and bool(charged) and min(charged) >= move.high
    # A fold that was interrupted has ended the deltas and not raised the base, and the count has not moved since.
    interrupted = move.undone and task.effective < move.day and task.folded >= move.seats
    return start <= task.paid or interrupted


def _bounded(task: Task, move: Move, start: date) -> Iterator[Write]:
    """One delta for each stretch of days up to the base's next invoice for which somebody has not been billed."""

    def level(charged: int | None) -> int:
        # Never more than the change itself adds: seats that a person put on the line are that person's affair.
        return move.low if charged is None else min(move.high, max(charged, move.low))

    for days, billed in task.stretches(start, task.paid, level):
        if billed < move.high:
            yield task.delta(start, billed, move.high, start=days.start, end=days.end)


def _lower(task: Task, decrease: Decrease) -> Realisation:
    if decrease is Decrease.CREDIT and not task.agreement.prorates:
        return _refused("a credit needs an agreement that prorates; this one bills whole periods")
    # Seats that go to another line leave when that takes them over; of whole periods the one that has begun is kept.
    at_once = task.agreement.prorates if task.until else decrease is not Decrease.NEXT_PERIOD
    moves = [move for move in task.falls if at_once or _due(task, move)]
    if not moves:
        return _waits(task, task.falls[0])
    kept, cuts = task.cut()
    found = [*_left(kept, moves, decrease)]
    if decrease is Decrease.CREDIT:
        credits = [*_credits(kept, moves)]
        why = _no_credit(kept, moves, credits)
        if why:
            return _refused(why)
        found += credits
    return Realisation((*found, *_total(task, moves[-1].low), *cuts))


def _due(task: Task, move: Move) -> bool:
    """Whether seats have been billed for the period in which they left, or no day ended with them on a line."""
    unbegun = task.base.start is not None and move.day <= task.base.start
    return move.undone or unbegun or task.agreement.invoiced(move.day)


def _left(task: Task, moves: Sequence[Move], decrease: Decrease) -> Iterator[Write]:
    """What seats that leave owe for days that no invoice has reached, and of which the lines will not tell."""
    for move, batch, low, high in _leaving(task, moves):
        end = _last(task, move, decrease)
        start = max((day for day in (batch.paid, task.agreement.bill_start) if day), default=end)
        # Of whole periods nothing is owed beside them, but for those in which nobody else bills the seats yet.
        owes = batch.paid is not None and (task.agreement.prorates or task.until) and not move.undone
        began = batch.line.start is None or batch.line.start < move.day
        if owes and began and start < end:
            yield from task.owed(low, high, start, end)


def _last(task: Task, move: Move, decrease: Decrease) -> date:
    """The first day that is not owed any more."""
    if task.until:
        return max(move.day, task.until)
    period = task.agreement.period(move.day)
    return {Decrease.NOW: period.start, Decrease.NEXT_PERIOD: period.end, Decrease.CREDIT: move.day}[decrease]


def _leaving(task: Task, moves: Sequence[Move]) -> Iterator[tuple[Move, Batch, int, int]]:
    """Which seats (`low` + 1 to `high`) each move takes from which line."""
    left = {batch.line.id: max(0, batch.seats) for batch in task.batches}
    for move in moves:
        high = move.high
        for batch in task.batches:
            low = max(move.low, high - left[batch.line.id])
            if low < high:
                yield move, batch, low, high
            left[batch.line.id] -= high - low
            high = low


def _credits(task: Task, moves: Sequence[Move]) -> Iterator[Write]:
    """Negative deltas for the rest of what is invoiced: the seats that left, as far as they were billed."""
    for low, high, days in _refundable(task, moves):

        def lost(charged: int | None, low: int = low, high: int = high) -> int:
            return 0 if charged is None else max(0, min(charged, high) - low)

        for stretch, seats in task.stretches(days.start, days.end, lost):
            for part, price in task.prices(stretch) if seats else ():
                yield task.credit(low, low + seats, part, price)


def _refundable(task: Task, moves: Sequence[Move]) -> Iterator[tuple[int, int, Period]]:
    """Which seats an invoice may have charged for days after they left, and for which."""
    for move, batch, low, high in _leaving(task, moves):
        start = move.day if beyond(batch.key) else max(move.day, batch.line.start or move.day)
        end = task.boundary if batch.paid is None else batch.paid
        if not move.undone and end and start < end:
            yield low, high, Period(start, end)


def _no_credit(task: Task, moves: Sequence[Move], credits: Sequence[Write]) -> str:
    way = task.pen.manner.credits
    unknown = next((days.start for _, _, days in _refundable(task, moves) if task.charged_on(days.start) is None), None)
    reasons = (
        (unknown, f"how many seats were billed from {unknown} on is not known, so none can be credited"),
        (
            credits and way == "off",
            "credits are switched off: set psa.connectwise.credits to the way this site takes them, "
            'or give the profile decrease = "now"',
        ),
        (
            credits and way == "negative-price" and task.price is None,
            f"addition {task.base.id} shows no unit price, which a credit by negative price needs",
        ),
    )
    return next((reason for applies, reason in reasons if applies), "")


def _total(task: Task, seats: int, opened: int = 0) -> tuple[Write, ...]:
    """Base and open deltas together bill so many seats, `opened` of them by new deltas; the newest give first."""
    rest = max(0, task.before.billed - seats)
    found: list[Write] = []
    beside = 0
    for batch in task.batches[:-1]:
        cut = min(rest, max(0, batch.seats))
        found += task.pen.patch(batch.key, batch.line, quantity=batch.line.quantity - cut)
        rest, beside = rest - cut, beside + batch.seats - cut
    return (*_patch_base(task, Decimal(seats - opened - beside + task.after.included)), *found)


def _patch_base(task: Task, quantity: Decimal) -> tuple[Write, ...]:
    included, text = Decimal(task.after.included), task.after.text or task.base.text
    return task.pen.patch(task.key, task.base, quantity=quantity, included=included, text=text)


def _end(task: Task, at_zero: AtZero) -> Realisation:
    kept, cuts = task.cut()
    if at_zero is AtZero.ZERO:
        left = _left(kept, kept.falls, Decrease.NOW)
        zero = [w for key, line in _each_line(task) for w in task.pen.patch(key, line, **_NOTHING)]
        return Realisation((*left, *zero, *cuts))
    # The base last: without it nobody would remember the deltas, and they would bill for ever.
    undone = [move for move in task.falls if move.undone and not task.until]
    never = {batch.line.id: high - low for _, batch, low, high in _leaving(task, undone)}
    ended = [w for batch in task.batches for w in _ended(task, batch, never.get(batch.line.id, 0))]
    return Realisation((*cuts, *ended))


_NOTHING = {"quantity": Decimal(0), "included": Decimal(0)}


def _last_of(task: Task, batch: Batch) -> date:
    """What is invoiced stays billed to its end; what is not ends with the last day on which it was used."""
    falls = task.falls
    left = max(falls[-1].day if falls else task.effective, task.until or date.min)
    used_to = left if task.agreement.prorates else task.agreement.period(left).start
    paid = task.boundary if batch.paid is None and task.agreement.invoiced(left) else batch.paid
    return max(used_to, paid or used_to)


def _ended(task: Task, batch: Batch, never: int) -> tuple[Write, ...]:
    """The line ends with its last billed day, without the seats that no day ended with."""
    key, line, end = batch.key, batch.line, _last_of(task, batch)
    if line.end is not None and line.end <= end:
        return ()
    if line.start is not None and end <= line.start:
        # ConnectWise takes no last day before the first: one day with nothing on it bills nothing.
        return task.pen.patch(key, line, end=line.start + DAY, quantity=Decimal(0))
    owed = never and (batch.paid is None or batch.paid < end)
    return task.pen.patch(key, line, end=end, quantity=line.quantity - never if owed else line.quantity)


def _each_line(task: Task) -> Iterator[tuple[LineKey, Line]]:
    yield task.key, task.base
    for delta in task.holding.deltas:
        yield delta.key, delta.line


def _describe(task: Task) -> tuple[Write, ...]:
    # Differences carry the heading only: whom the seats belong to stands on the base.
    return task.pen.patch(task.key, task.base, text=task.after.text)


def _price(task: Task) -> tuple[Write, ...]:
    values: dict[str, object] = {"billable": task.after.billable}
    # No price asked for: the PSA's own stands.
    if task.after.price is not None:
        values["price"] = task.after.price
    return tuple(w for key, line in _each_line(task) for w in task.pen.patch(key, line, **values))


def _fold(task: Task) -> tuple[Write, ...]:
    """The deltas that are invoiced end there, and the base counts for all from there on."""
    end = task.boundary
    ripe = [delta for delta in task.holding.deltas if delta.invoiced(end)]
    staying = sum((d.line.quantity for d in task.holding.deltas if d not in ripe), Decimal(0))
    ended = [w for d in ripe for w in task.pen.patch(d.key, d.line, end=end)]
    return (*ended, *task.pen.patch(task.key, task.base, quantity=task.after.quantity - staying))


def _restore(task: Task, change: Restore) -> Iterator[Write]:
    """The line as the deleted invoice found it, and beside it what it bills more from where invoices had been made.

    The line first: stopped after it, the line is right for the invoice, and the seats are missed as any new ones are.
    """
    yield from task.pen.patch(task.key, task.base, quantity=task.base.quantity - change.surplus)
    yield from (task.again(days, low, high) for days, low, high in change.lacking)
    if change.surplus and (task.base.end is None or change.beyond < task.base.end):
        yield task.beyond(change.surplus, change.beyond)


_PLAIN: Mapping[type[Change], Callable[[Task], tuple[Write, ...]]] = {
    SetDescription: _describe,
    SetPrice: _price,
    Fold: _fold,
}


def _refused(why: str) -> Realisation:
    return Realisation(note=why, refused=True)
