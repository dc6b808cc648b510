"""The ledger of the past on a terminal and as plain values: each gap with its arithmetic, decisions and evidence."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta
from decimal import Decimal

from agent.domain.ledger import (
    Balance,
    Cut,
    Direction,
    Gap,
    Instalment,
    Made,
    Month,
    Part,
    Settlement,
    State,
    Stretch,
    Sums,
    Verb,
)
from agent.domain.money import Money
from agent.domain.ownership import plain
from agent.ports import Version
from agent.reports.text import View, cells, columns, counted, cut, paint, shown, wrapped
from agent.reports.values import Values, of_money

_COLOURS = {State.OPEN: "red", State.UNPRICED: "yellow", State.TWICE: "yellow", State.PHASED: "cyan"}
_UNSETTLED = (State.OPEN, State.UNPRICED, State.TWICE)
_DAY = timedelta(days=1)


def told(gaps: Iterable[Gap], cut: Cut, only_open: bool) -> list[Gap]:
    """Those worth a line: what lasted no day owes nothing, unless somebody decided about it all the same."""
    found = [gap for gap in gaps if gap.settlements or gap.state(cut) is not State.NOTHING]
    return [gap for gap in found if gap.state(cut) in _UNSETTLED] if only_open else found


def ledger_text(gaps: Sequence[Gap], cut: Cut, view: View) -> str:
    """The open ones first, of these what is most money; then by age."""
    if not gaps:
        return "No gap in the ledger: nothing was billed otherwise than it should have been."
    ordered = sorted(gaps, key=lambda gap: (gap.state(cut) not in _UNSETTLED, -_open(gap, cut), gap.since, gap.id))
    lines = [line for gap in ordered for line in _gap(gap, cut, view)]
    return "\n".join([*lines, "", *wrapped(_totals(gaps, cut), view.width)])


def _open(gap: Gap, cut: Cut) -> Decimal:
    sums = gap.sums(cut)
    return sums.open.amount if sums else Decimal(0)


def _gap(gap: Gap, cut: Cut, view: View) -> Iterator[str]:
    state, sums = gap.state(cut), gap.sums(cut)
    # What waits for somebody before what is only waiting for its day.
    amount = f"  {sums.open if sums.open else sums.remaining}" if sums and sums.remaining else ""
    label = paint(f"{gap.id:>4}", "bold")
    head = f"{label}  {view.company(gap.company)}  {gap.direction.value}  "
    yield f"{head}{paint(_state(gap, state), _COLOURS.get(state, 'green'))}{amount}"
    yield from wrapped(_about(gap, cut.days), view.width, "      ")
    if sums is not None and sums.open != sums.added:
        said = ", ".join(f"{name} {money}" for name, money in _named(sums) if money)
        yield from wrapped(said, view.width, "      ")
    for one in gap.settlements[-1:]:
        yield from wrapped(f"{one.on}: {_decision(one, gap)}", view.width, f"      {paint('→', 'dim')} ")


def _state(gap: Gap, state: State) -> str:
    return "credited" if state is State.BILLED and gap.direction is Direction.OVER else state.value


def _about(gap: Gap, today: date) -> str:
    last = gap.course[-1] if gap.course else None
    price = last.price or gap.said if last else gap.said
    units = f"{gap.units} x {coins(price)} a month" if price else f"{gap.units}, at a price that is not known"
    where = f" on agreement {gap.agreement}" if gap.agreement is not None else ""
    until = f" to {gap.closed - _DAY}" if gap.closed and gap.closed > gap.since else ""
    days = counted(((gap.closed or today) - gap.since).days, "day")
    return f"{shown(gap.licence)}{where}: {units}, {gap.since}{until or ' to this day'} ({days})"


def _named(sums: Sums) -> Iterator[tuple[str, Money]]:
    for name in ("added", "corrected", "billed", "waived", "scheduled", "open"):
        yield name, getattr(sums, name)


def _decision(one: Settlement, gap: Gap) -> str:
    credit = one.verb is Verb.BILL and gap.direction is Direction.OVER
    word = "to be credited" if credit else _WORDS[one.verb]
    said = [f"{word} {one.amount}" if one.amount is not None else word]
    if len(one.instalments) > 1:
        said.append(f"in {len(one.instalments)} phases from {one.instalments[0].day}")
    elif one.instalments:
        said.append(f"on {one.instalments[0].day}")
    said += ["to be written by Trueup"] if one.order else []
    said += [f"at {coins(one.price)} a month"] if one.price else []
    said += [f"by {shown(one.who)}"]
    said += [f"allowed by {shown(one.approver)}"] if one.approver else []
    said += [f"takes back decision {one.reverses}"] if one.reverses else []
    return ", ".join([*said, *([shown(one.reason)] if one.reason else [])])


_WORDS = {
    Verb.CORRECT: "corrected",
    Verb.BILL: "to be billed",
    Verb.WAIVE: "waived",
    Verb.REOPEN: "opened again",
}


def _totals(gaps: Sequence[Gap], cut: Cut) -> str:
    parts = [counted(len(gaps), "gap")]
    for way, words in ((Direction.UNDER, "may be billed back"), (Direction.OVER, "to be credited")):
        sums = [found for gap in gaps if gap.direction is way and (found := gap.sums(cut)) and found.open]
        for currency in sorted({one.open.currency for one in sums}):
            money = Money.total((one.open for one in sums if one.open.currency == currency), currency)
            parts.append(f"{money} open that {words}" if way is Direction.UNDER else f"{money} open {words}")
    unpriced = sum(gap.state(cut) is State.UNPRICED for gap in gaps)
    return "; ".join([*parts, *([f"{unpriced} without a price, in no sum"] if unpriced else [])])


def coins(price: Money) -> str:
    """As finely as it is: `22.00 USD`, `0.0825 USD`."""
    shown_at = price.at_coins()
    return str(shown_at) if shown_at == price else f"{plain(price.amount)} {price.currency}"


def gap_text(gap: Gap, cut: Cut, readings: Sequence[Version[str]], view: View) -> str:
    """One gap: how its sum comes about, who decided what, and what proves it."""
    lines = [*_gap(gap, cut, view), "", paint("How it comes about", "bold"), *_arithmetic(gap, cut, view)]
    lines += ["", paint("Decisions", "bold"), *_decisions(gap, cut, view)]
    lines += ["", paint("Evidence", "bold")]
    lines += wrapped(f"mismatch {gap.code.value}: {shown(gap.sentence)}", view.width, "  ", "    ")
    for one in readings:
        said = f"reading of {shown(one.value)} from {view.at(one.since)}, SHA-256 {one.digest[:16]}…"
        lines += wrapped(said, view.width, "  ", "    ")
    for made in gap.made:
        lines += wrapped(_made(made), view.width, "  ", "    ")
    lines += wrapped(f"not to be billed: {shown(gap.excluded)}", view.width, "  ") if gap.excluded else []
    return "\n".join(lines)


def _arithmetic(gap: Gap, cut: Cut, view: View) -> Iterator[str]:
    months = gap.months(cut.days)
    if months is None:
        for one in gap.course:
            yield f"  {one.units} from {one.days.start}, at a price that is not known: no sum"
        return
    for month in months:
        yield from wrapped(_month(month), view.width, "  ", "           ")
    corrected = gap.sums(cut)
    if corrected and corrected.corrected:
        yield f"  of which {corrected.corrected} were corrected since"


def _month(month: Month) -> str:
    return f"{month.parts[0].days.start:%Y-%m}  {' + '.join(map(_part, month.parts))} = {month.amount}"


def _part(part: Part) -> str:
    share = "" if part.share == 1 else f" x {part.share.numerator}/{part.share.denominator}"
    return f"{part.units} x {coins(part.price).split()[0]}{share}"


def _decisions(gap: Gap, cut: Cut, view: View) -> Iterator[str]:
    standing = {one.id for one in gap.standing(cut.records)}
    for one in gap.settlements:
        gone = " (taken back)" if one.verb is not Verb.REOPEN and one.id not in standing else ""
        yield from wrapped(f"{one.id}  {view.at(one.at)}  {_decision(one, gap)}{gone}", view.width, "  ", "    ")
        for number, part in enumerate(one.instalments, 1):
            there = "  written" if (one.id, number) in gap.written else ""
            yield f"    {number} of {len(one.instalments)}  {part.day}  {part.amount}{there}"
    if not gap.settlements:
        yield "  None yet: trueup ledger bill, correct or waive"


def _made(made: Made) -> str:
    end = "" if made.days.end == date.max else f" to {made.days.last_day}"
    what = "billed" if made.seats > 0 else "took away"
    return f"write {made.entry} of {made.on} {what} {abs(made.seats)} from {made.days.start}{end}"


def balances_text(found: Sequence[Balance], begin: date, end: date, view: View) -> str:
    """`begin` is the first day, `end` the last."""
    if not found:
        return f"No money in the ledger from {begin} to {end}."
    lines = balance_lines([(view.company(one.company), one) for one in found], view.width)
    currencies = " and ".join(sorted({one.currency for one in found}))
    note = f"{begin} to {end}, {currencies}. What is scheduled is a part of what remains."
    return "\n".join([*lines, "", *wrapped(note, view.width)])


def balance_lines(found: Sequence[tuple[str, Balance]], width: int, indent: str = "") -> list[str]:
    """Of companies by their names, which are cut where the numbers leave no room."""
    head = ("Company", "", "Opening", "+ added", "- corr.", "- billed", "- waived", "= left", "scheduled")
    rows = [head, *(_balance(name, one) for name, one in found)]
    numbers = sum(max(cells(row[place]) for row in rows) + 2 for place in range(1, 9))
    room = max(16, width - len(indent) - numbers)
    first, *rest = columns([(cut(row[0], room), *row[1:]) for row in rows], right=set(range(2, 9)), indent=indent)
    return [paint(first, "bold"), *rest]


def _balance(name: str, one: Balance) -> tuple[str, ...]:
    way = one.direction.value.partition("-")[0]
    return name, way, *(f"{money.at_coins().amount:,}" for money in balance_sums(one))


def balance_sums(one: Balance) -> tuple[Money, ...]:
    return one.opening, one.added, one.corrected, one.billed, one.waived, one.remaining, one.scheduled


def balance_values(one: Balance) -> Values:
    names = "opening", "added", "corrected", "billed", "waived", "remaining", "scheduled"
    sums = {name: of_money(getattr(one, name)) for name in names}
    return {"company": one.company, "direction": one.direction.value, **sums}


def gap_values(gap: Gap, cut: Cut) -> Values:
    sums, months = gap.sums(cut), gap.months(cut.days)
    return {
        "id": gap.id,
        "company": gap.company,
        "licence": gap.licence,
        "agreement": gap.agreement,
        "product": gap.product or None,
        "code": gap.code.value,
        "direction": gap.direction.value,
        "state": gap.state(cut).value,
        "since": gap.since.isoformat(),
        "closed": gap.closed.isoformat() if gap.closed else None,
        "age": gap.age(cut.days),
        "sentence": gap.sentence,
        "excluded": gap.excluded or None,
        "sums": {name: of_money(money) for name, money in _named(sums)} if sums else None,
        "course": [_stretch_values(one) for one in gap.course],
        "months": None if months is None else [_month_values(month) for month in months],
        "decisions": [decision_values(one, gap, cut) for one in gap.settlements],
        "writes": [_made_values(made) for made in gap.made],
    }


def _stretch_values(one: Stretch) -> Values:
    return {"first_day": one.days.start.isoformat(), "units": one.units, "price": of_money(one.price)}


def _month_values(month: Month) -> Values:
    return {"parts": [_part_values(part) for part in month.parts], "amount": of_money(month.amount)}


def _part_values(part: Part) -> Values:
    days = {"first_day": part.days.start.isoformat(), "last_day": part.days.last_day.isoformat()}
    share = [part.share.numerator, part.share.denominator]
    return {**days, "units": part.units, "price": of_money(part.price), "share": share}


def decision_values(one: Settlement, gap: Gap, cut: Cut) -> Values:
    return {
        "id": one.id,
        "verb": one.verb.value,
        "at": one.at.isoformat(),
        "who": one.who,
        "approver": one.approver or None,
        "reason": one.reason or None,
        "amount": of_money(one.amount),
        "price": of_money(one.price),
        "instalments": [
            _instalment_values(part) | {"written": (one.id, number) in gap.written}
            for number, part in enumerate(one.instalments, 1)
        ],
        "reverses": one.reverses,
        "write": one.order is not None,
        "stands": one.verb is Verb.REOPEN or one in gap.standing(cut.records),
    }


def _instalment_values(part: Instalment) -> Values:
    return {"day": part.day.isoformat(), "amount": of_money(part.amount)}


def _made_values(made: Made) -> Values:
    # The end of time is how an open line is told here, and no day that anybody should read.
    last = None if made.days.end == date.max else made.days.last_day.isoformat()
    days = {"first_day": made.days.start.isoformat(), "last_day": last}
    return {"entry": made.entry, "on": made.on.isoformat(), **days, "seats": made.seats}


def reading_values(one: Version[str]) -> Values:
    return {"account": one.value, "since": one.since.isoformat(), "sha256": one.digest}
