"""Why a line bills what it bills: from the reads of the tenant to the requests that were sent and the invoices."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from agent.domain.agreements import Line
from agent.domain.changes import Step
from agent.domain.counts import MICROSOFT, Account, Observation, Snapshot
from agent.domain.invoices import Invoice, Item, Made, amount, by_line
from agent.domain.keys import LineKey
from agent.domain.mappings import Row
from agent.domain.money import Money
from agent.domain.ownership import plain
from agent.ports import Decision, Derivation, Entry, Version
from agent.reports.holders import Holder
from agent.reports.plan import unsaid
from agent.reports.text import View, cells, columns, counted, paint, shown, wrapped
from agent.reports.values import Values, of_entry, of_money

_STEADY = 40


@dataclass(frozen=True, slots=True)
class Written:
    """A write with what it rests on: who let it pass, and the read that was in force."""

    entry: Entry
    decision: Decision | None
    read: datetime | None


@dataclass(frozen=True, slots=True)
class Explanation:
    """All that is remembered of one line as it stood at `at`, and what its day was billed.

    `row` is None where no mapping file asks for the line any more. `lines` are those with which the PSA billed it
    then, `invoices` the parts of invoices that bill `day` or its period, `planned` its changes in the latest plan as
    plain values, empty for a past day. `earlier` is the derivation before the one in force.
    """

    company: int
    key: LineKey
    label: str
    currency: str
    line_word: str
    at: datetime
    day: date
    past: bool
    row: Row | None = None
    read: Version[Snapshot] | None = None
    seen: tuple[Observation, ...] = ()
    holders: tuple[Holder, ...] = ()
    derivation: Derivation | None = None
    earlier: Derivation | None = None
    lines: tuple[Line, ...] = ()
    planned: tuple[Mapping[str, object], ...] = ()
    writes: tuple[Written, ...] = ()
    invoices: tuple[Invoice, ...] = ()

    @property
    def billed(self) -> Decimal | None:
        """Units that are billed for the day; None where no invoice is known that has it."""
        items = [item for invoice in self.invoices for item in invoice.items if self.day in item.days]
        return sum((item.units for item in items), Decimal(0)) if self.invoices else None


def explanation_text(explained: Explanation, view: View) -> str:
    title = f"{view.company(explained.company)}: {shown(explained.label)} on agreement {explained.key.agreement}"
    row = explained.row
    parts = [
        ("Read", _read(explained, view)),
        ("Counted", _counted(explained, view)),
        ("In the PSA", _lines(explained, view)),
        ("Written", _written(explained, view)),
        (f"Billed, in {explained.currency}", _billed(explained, view)),
    ]
    if not explained.past:
        parts.insert(3, ("Planned", _planned(explained, view)))
    today = "asked for today by " if explained.past else ""
    head = f"{today}{row.place}, profile {row.profile.name}" if row else "No mapping file asks for this line any more."
    lines = [paint(title, "bold"), head, *wrapped(_answer(explained), view.width)]
    for name, said in parts:
        lines += ["", paint(name, "bold"), *said]
    return "\n".join(lines)


def _answer(explained: Explanation) -> str:
    """The sentence for whoever reads no further."""
    units = explained.billed
    if units is None:
        return f"Billed for {explained.day}: not known here, because no reading of the agreement goes back to it."
    items = [(i, item) for i in explained.invoices for item in i.items if explained.day in item.days]
    parts = [
        f"{plain(item.units)} on {explained.line_word} {item.line.id} ({_invoice_words(invoice)})"
        for invoice, item in items
    ]
    return f"Billed for {explained.day}: {plain(units)}" + (f", namely {'; '.join(parts)}." if parts else ".")


def _invoice_words(invoice: Invoice) -> str:
    return f"{'next invoice' if invoice.made is Made.NEXT else 'invoice'} of {invoice.period}"


def _account_words(account: Account) -> str:
    name = shown(account.name) or account.id
    return f"Tenant {name}" if account.source == MICROSOFT else f"{account.source} account {name}"


def _numbers(seen: Observation) -> str:
    if seen.purchased is None or seen.assigned is None:
        return seen.told
    unassigned = f", {seen.unassigned} unassigned" if seen.per_user else ""
    return f"{seen.purchased} purchased, {seen.assigned} assigned{unassigned}"


def _read(explained: Explanation, view: View) -> Iterator[str]:
    read = explained.read
    if read is None:
        yield f"  {_account_words(Account.parse(explained.key.account))} had not been read yet."
        return
    account = read.value.account
    yield from wrapped(
        f"{_account_words(account)}, read alike from {view.at(read.since)} to {view.at(read.last)}",
        view.width,
        "  ",
        "    ",
    )
    for seen in explained.seen:
        yield from wrapped(f"{shown(seen.name)}: {_numbers(seen)}", view.width, "  ")
    there = [holder for holder in explained.holders if holder.there(explained.at)]
    gone = [holder for holder in explained.holders if holder not in there]
    for name, some in (("holder", there), ("former holder", gone)):
        if some:
            yield f"  {counted(len(some), name)}"
            yield from _people(some, view)


def _people(some: Sequence[Holder], view: View) -> Iterator[str]:
    """All who came or went, and of those who were always there as many as a page bears."""
    steady = [holder for holder in some if holder.since is None and holder.last is None][_STEADY:]
    told = [_holder(holder, view) for holder in some if holder not in steady]
    yield from columns(told, indent="    ")
    if steady:
        yield f"    and {counted(len(steady), 'other')} since before the oldest read; --json lists all"


def _holder(holder: Holder, view: View) -> tuple[str, str]:
    since = f"first seen {view.at(holder.since)}" if holder.since else "since before the oldest read"
    return shown(holder.login), since + (f", last seen {view.at(holder.last)}" if holder.last else "")


def _counted(explained: Explanation, view: View) -> Iterator[str]:
    derivation, earlier = explained.derivation, explained.earlier
    if derivation is None:
        yield "  No number could be had; see: trueup findings"
        return
    yield from _steps(derivation.steps, view.width)
    yield f"  So since {view.at(derivation.since)} (run {derivation.run})."
    if earlier is not None:
        was = [step for step in earlier.steps if step not in derivation.steps]
        yield from wrapped(f"Until then, from {view.at(earlier.since)} on:", view.width, "  ")
        yield from _steps(was, view.width)


def _steps(steps: Sequence[Step], width: int) -> Iterator[str]:
    """Rule, what it says, and its value flush right on the first line."""
    if not steps:
        return
    rules, values = max(cells(step.rule) for step in steps), max(cells(step.value) for step in steps)
    room = width - values - 2
    for step in steps:
        first, *rest = wrapped(shown(step.says), room, f"  {step.rule:<{rules}}  ")
        yield f"{first}{' ' * (room - cells(first) + 2)}{step.value:>{values}}"
        yield from rest


def _lines(explained: Explanation, view: View) -> Iterator[str]:
    if not explained.lines:
        yield f"  No {explained.line_word} is known to bill this {'then' if explained.past else 'row'}."
    for line in explained.lines:
        days = f"from {line.start}" + (f" to {line.last_day}" if line.end else "")
        price = "no price" if line.price is None else f"at {_price(line.price)}"
        included = f" (-{plain(line.included)})" if line.included else ""
        yield f"  {explained.line_word} {line.id}: {plain(line.quantity)}{included} {price} {days}, {line.billable}"
        yield from wrapped(shown(line.text), view.width, "    ") if line.text else ()


def _price(price: Decimal) -> str:
    return f"{price:,f}"


def _planned(explained: Explanation, view: View) -> Iterator[str]:
    if not explained.planned:
        yield "  Nothing."
    for change in explained.planned:
        yield from wrapped(shown(str(change["sentence"])), view.width, "  ")
        waits = change["note"] or change["waits"]
        if waits:
            yield from wrapped(shown(unsaid(str(waits))), view.width, f"    {paint('waits', 'cyan')}: ")
        if change["holds"]:
            yield f"    {paint('held', 'yellow')}: trueup approve {change['digest']}"


def _written(explained: Explanation, view: View) -> Iterator[str]:
    if not explained.writes:
        yield "  Nothing yet." if not explained.past else "  Nothing until then."
    for written in explained.writes:
        entry, decision = written.entry, written.decision
        first = f"  {view.at(entry.at)}  {entry.state.value}  "
        yield from wrapped(shown(entry.write.sentence), view.width, first)
        because = [f"because {shown(entry.reason)}"] if entry.reason else []
        because += [f"read so since {view.at(written.read)}"] if written.read else []
        because += [f"{decision.verdict} by {shown(decision.who)} {view.at(decision.at)}"] if decision else []
        yield from wrapped("; ".join([*because, f"run {entry.run}"]), view.width, "    ")


def _billed(explained: Explanation, view: View) -> Iterator[str]:
    if not explained.invoices:
        yield "  No invoice is known that bills this day."
    for invoice in explained.invoices:
        yield from wrapped(made_words(invoice, view), view.width, "  ", "    ")
        rows = [item_row(item, explained) for items in by_line(invoice.items).values() for item in items]
        rows += _sum(invoice, explained.currency)
        yield from columns(rows, right={3}, indent="    ") if rows else ["    Nothing of this line."]


def made_words(invoice: Invoice, view: View) -> str:
    """Which invoice it is, and how we know of it."""
    match invoice.made:
        case Made.NEXT:
            return f"The next invoice, of {invoice.period}, if nothing changes"
        case Made.ASSUMED:
            return f"Invoice of {invoice.period}, made before the first read: taken to bill what that read showed"
    return f"Invoice of {invoice.period}" + (f", made by {view.at(invoice.by)}" if invoice.by else "")


def item_row(item: Item, explained: Explanation) -> tuple[str, str, str, str]:
    """The arithmetic of one amount: units, price, and days where not all of them are billed."""
    price = "?" if item.line.price is None else _price(item.line.price)
    share = f" x {item.days.days}/{item.period.days}" if item.share != 1 else ""
    money = amount([item], explained.currency)
    name = f"{explained.line_word} {item.line.id}"
    return name, f"{plain(item.units)} x {price}{share}", str(item.days), coins(money)


def _sum(invoice: Invoice, currency: str) -> list[tuple[str, str, str, str]]:
    """Each line's items are rounded together, as they are printed."""
    return [("together", "", "", coins(invoice.total(currency)))] if len(invoice.items) > 1 else []


def coins(money: Money | None) -> str:
    return "?" if money is None else f"{money.at_coins().amount:,}"


def explanation_values(explained: Explanation) -> Values:
    """The same for JSON."""
    read, derivation, row = explained.read, explained.derivation, explained.row
    return {
        "company": explained.company,
        "agreement": explained.key.agreement,
        "label": explained.label,
        "key": str(explained.key),
        "row": str(row.place) if row else None,
        "profile": row.profile.name if row else None,
        "day": explained.day.isoformat(),
        "at": explained.at.isoformat(),
        "billed": None if explained.billed is None else plain(explained.billed),
        "read": {"since": read.since.isoformat(), "last": read.last.isoformat()} if read else None,
        "people": [_holder_values(holder) for holder in explained.holders],
        "steps": _steps_values(derivation),
        "since": derivation.since.isoformat() if derivation else None,
        "run": derivation.run if derivation else None,
        "earlier": _steps_values(explained.earlier),
        "lines": [_line_values(line) for line in explained.lines],
        "planned": [dict(change) for change in explained.planned],
        "writes": [_written_values(written) for written in explained.writes],
        "invoices": [_invoice_values(invoice, explained.currency) for invoice in explained.invoices],
    }


def _holder_values(holder: Holder) -> Values:
    since, last = (None if at is None else at.isoformat() for at in (holder.since, holder.last))
    assigned = None if holder.assigned is None else holder.assigned.isoformat()
    return {
        "login": holder.login,
        "name": holder.name,
        "first_seen": since,
        "last_seen": last,
        "assigned": assigned,
    }


def _steps_values(derivation: Derivation | None) -> list[Values]:
    steps = derivation.steps if derivation else ()
    return [{"rule": step.rule, "says": step.says, "value": step.value} for step in steps]


def _line_values(line: Line) -> Values:
    return {
        "id": line.id,
        "product": line.identifier,
        "quantity": plain(line.quantity),
        "included": plain(line.included),
        "price": None if line.price is None else f"{line.price:f}",
        "billable": line.billable.value,
        "first_day": line.start.isoformat() if line.start else None,
        "last_day": line.last_day.isoformat() if line.last_day else None,
        "text": line.text,
    }


def _written_values(written: Written) -> Values:
    entry, decision = written.entry, written.decision
    return of_entry(entry) | {
        "reason": entry.reason,
        "read_since": written.read.isoformat() if written.read else None,
        "decision": {"verdict": decision.verdict, "who": decision.who, "at": decision.at.isoformat()}
        if decision
        else None,
    }


def _invoice_values(invoice: Invoice, currency: str) -> Values:
    return {
        "first_day": invoice.period.start.isoformat(),
        "last_day": invoice.period.last_day.isoformat(),
        "made": invoice.made.value,
        "by": invoice.by.isoformat() if invoice.by else None,
        "items": [_item_values(item, currency) for item in invoice.items],
        "total": of_money(invoice.total(currency)),
    }


def _item_values(item: Item, currency: str) -> Values:
    return {
        "line": item.line.id,
        "units": plain(item.units),
        "price": None if item.line.price is None else f"{item.line.price:f}",
        "first_day": item.days.start.isoformat(),
        "last_day": item.days.last_day.isoformat(),
        "share": [item.share.numerator, item.share.denominator],
        "amount": of_money(amount([item], currency)),
    }
