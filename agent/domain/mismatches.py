"""Findings of one company's cycle: what its snapshots, lines and plan say that a person should know."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal

from agent.domain.agreements import Agreement, Line
from agent.domain.changes import Planned, Restore, Write
from agent.domain.counts import MICROSOFT, Account, Coverage, Observation, Snapshot
from agent.domain.desired import Desired
from agent.domain.findings import Apart, Code, Finding, Severity, Stop
from agent.domain.holdings import Ground, Owned
from agent.domain.keys import LineKey, Mark, Role
from agent.domain.mappings import Mappings
from agent.domain.money import Money
from agent.domain.ownership import plain
from agent.domain.partition import Leftover, leftovers
from agent.domain.periods import Period
from agent.domain.proration import Convention, Interval

_SHOWN = 5  # names in a sentence; all of them are in the explanation


def of_snapshot(snapshot: Snapshot, mappings: Mappings, company: int) -> Iterator[Finding]:
    """Mismatches inside an account: licences nobody mapped, seats nobody uses, people who should hold none."""
    account = snapshot.account.ref
    rows = mappings.rows_by_account.get(account, ())
    mapped = {sku for row in rows for sku in row.skus}
    excluded = mappings.excluded(account)
    # What a seller lists is billed where the company's own tenant, or another source, counts it. Two tenants, or two
    # accounts at one source, have seats of their own each.
    others = [row for row in mappings.companies[company].rows if not _same_source(row.account, snapshot.account)]
    elsewhere = {sku for row in others for sku in row.skus} - mapped
    for seen in snapshot.observations.values():
        if seen.sku in mapped:
            spare = max(row.spare for row in rows if seen.sku in row.skus)
            yield from _of_mapped(seen, snapshot, spare, company)
        elif seen.some and seen.sku not in excluded and seen.sku not in elsewhere:
            yield _unmapped(seen, snapshot.account, company)
    for leftover in leftovers(rows, snapshot):
        yield from _of_leftover(leftover, snapshot, company)


def _same_source(ref: str, account: Account) -> bool:
    return Account.parse(ref).source == account.source


def _of_leftover(leftover: Leftover, snapshot: Snapshot, company: int) -> Iterator[Finding]:
    subject, name = f"{snapshot.account.ref}/{leftover.sku}", _name(snapshot, leftover.sku)
    if leftover.people:
        people = _names(m.login for m in leftover.people)
        sentence = f"{_counted(len(leftover.people), 'user')} of {name} in no row: {people}"
        remedy = "widen a filter, or add a row for them"
        apart = Apart(name, len(leftover.people))
        yield Finding(Code.LEFTOVER_SEATS, Severity.WARNING, company, subject, sentence, remedy, apart=apart)
    for one in leftover.purchases:
        sentence = f"{name}: {_counted(one.quantity, 'seat')} of subscription {one.id} in no row"
        remedy = f'add a row with subscription = "{one.id}"'
        where, apart = f"{subject}/{one.id}", Apart(name, one.quantity)
        yield Finding(Code.LEFTOVER_SEATS, Severity.WARNING, company, where, sentence, remedy, apart=apart)


def of_stops(stopped: Mapping[LineKey, Stop], labels: Mapping[LineKey, str], company: int) -> Iterator[Finding]:
    for key, stop in stopped.items():
        sentence = f"{labels.get(key, key.count)} on agreement {key.agreement}: {stop.reason}"
        # What a person has decided is told, and is no error.
        severity = Severity.INFO if stop.code is Code.RELEASED_LINE else Severity.ERROR
        yield Finding(stop.code, severity, company, str(key), sentence, stop.remedy)


def of_plan(planned: Iterable[Planned], company: int) -> Iterator[Finding]:
    """A mismatch of quantities is under- or over-billing; anything else that waits for a person is a held change."""
    for plan in planned:
        change = plan.change
        if change.queued:
            continue  # it is as it should be until its day
        subject = f"{change.key}"
        # A line that gives way to a row's own is not billed too much: its end is the other's beginning.
        moved = change.before is None or change.after.quantity != change.before.quantity
        if moved and change.key.role not in (Role.REPLACED, Role.PAST):
            was = change.before.quantity if change.before else 0
            under = change.after.quantity > was
            yield Finding(
                Code.UNDER_BILLED if under else Code.OVER_BILLED,
                Severity.WARNING,
                company,
                subject,
                f"{change.label}: {was} billed, {change.after.quantity} to bill ({change.reason})",
                _remedy(plan),
                change.monthly,
                _apart(plan),
            )
        elif plan.holds:
            sentence = f"{change.sentence}: {'; '.join(plan.holds)}"
            yield Finding(Code.HELD, Severity.INFO, company, f"{subject}#{change.verb}", sentence, _remedy(plan))
        if plan.realisation.refused:
            note = plan.realisation.note
            remedy = "choose another increase or decrease policy in the profile"
            yield Finding(Code.DATE_REFUSED, Severity.ERROR, company, subject, f"{change.label}: {note}", remedy)


def _apart(plan: Planned) -> Apart | None:
    """None where the profile itself puts the change off: days that it does not bill are not owed."""
    change, realisation = plan.change, plan.realisation
    by_policy = realisation.note and not realisation.refused and not realisation.writes and not change.waits
    if by_policy or not change.gained:
        return None
    return Apart(change.label, abs(change.gained), change.unit, change.key.agreement, change.key.product, change.whole)


def of_edits(owned: Iterable[Owned], company: int) -> Iterator[Finding]:
    """Lines that a person changed since we last confirmed them; their changes are held."""
    for mine in owned:
        if mine.edited and mine.base:
            sentence = f"line {mine.base.id} on agreement {mine.base.agreement} was {mine.edited}"
            number = mine.base.id
            remedy = (
                "approve the held change to put Trueup's number back; leave theirs as it is: "
                f"trueup hold keep {number}; take theirs as the base and go on: trueup hold take {number}; "
                f"or leave the line to people: trueup hold release {number}"
            )
            yield Finding(Code.EDITED_BY_PERSON, Severity.WARNING, company, str(mine.key), sentence, remedy)


def of_undone(ground: Ground, planned: Sequence[Planned], company: int) -> Iterator[Finding]:
    """Invoices that were deleted: what is to be done before they are made again, and what waits until then."""
    for number in sorted(ground.agreements):
        days = ground.reopened(number)
        if days is None:
            continue
        its = [p for p in planned if p.change.key.agreement == number]
        first = [p for p in its if isinstance(p.change, Restore)]
        waits = sum(bool(p.change.queued) for p in its)
        sentence = f"agreement {number}: the invoice of {days} was deleted, its next invoice date is {days.start} again"
        sentence += f"; {_counted(waits, 'change')} wait{'s' if waits == 1 else ''} until it is made" if waits else ""
        remedy = "make it again: it will bill the seats that it billed, and Trueup goes on by itself"
        if first:
            lines = _counted(len(first), "line")
            remedy = f"do not make it again yet: {lines} would be billed otherwise than before; {_first(first)}"
        yield Finding(Code.INVOICE_UNDONE, Severity.ERROR, company, f"agreement/{number}", sentence, remedy)


def _first(planned: Sequence[Planned]) -> str:
    held = [p.digest for p in planned if p.holds]
    return f"trueup approve {' '.join(held)}" if held else "the next cycles set them right"


def of_proration(
    owned: Iterable[Owned],
    agreements: Mapping[int, Agreement],
    convention: Convention,
    today: date,
    company: int,
    currency: str,
) -> Iterator[Finding]:
    """Lines of ours that begin in the present period and whose prorated price is not what the convention makes it."""
    for mine in owned:
        agreement = agreements.get(mine.key.agreement)
        if agreement is None or not agreement.prorates or agreement.months is None:
            continue
        for line in (*([mine.base] if mine.base else []), *(delta.line for delta in mine.deltas)):
            expected = _prorated(line, agreement, convention, today, currency)
            if expected is None or line.prorated is None or abs(expected - line.prorated) < Decimal("0.01"):
                continue
            sentence = (
                f"line {line.id} on agreement {agreement.id}: the PSA prorates {line.price} to {line.prorated}, "
                f"the days from {line.start} make it {expected}"
            )
            remedy = "compare the agreement's proration settings before the next invoice"
            yield Finding(Code.PRORATE_MISMATCH, Severity.WARNING, company, f"line/{line.id}", sentence, remedy)


def _prorated(line: Line, agreement: Agreement, convention: Convention, today: date, currency: str) -> Decimal | None:
    """The price of one unit for the part of the present period from the line's first day on."""
    if line.start is None or line.price is None:
        return None
    period = agreement.period(line.start)
    if today not in period or line.start == period.start:
        return None
    part = Period(line.start, min(line.end or period.end, period.end))
    return convention.amount(Money(line.price, currency), 1, Interval(part.start, part.last_day), period).amount


def of_open_writes(writes: Iterable[Write], company: int) -> Iterator[Finding]:
    for write in writes:
        sentence = f"{write.sentence} on agreement {write.agreement} may or may not have happened"
        remedy = "nothing: it is settled by reading, and never sent again before"
        yield Finding(Code.OUTCOME_UNKNOWN, Severity.WARNING, company, str(write.key), sentence, remedy)


def of_refusals(refusals: Mapping[LineKey, str], company: int) -> Iterator[Finding]:
    """Writes that the PSA refused, for as long as their change is wanted."""
    for key, said in refusals.items():
        sentence = f"{key.product} on agreement {key.agreement}: {said}"
        remedy = "mend what the PSA complains of; the change is planned anew in each cycle"
        yield Finding(Code.REFUSED_BY_PSA, Severity.ERROR, company, str(key), sentence, remedy)


def of_ownership(
    orphans: Sequence[Owned], foreign: Sequence[Line], excluded: Mapping[str, object], company: int
) -> Iterator[Finding]:
    for mine in orphans:
        if not mine.bills:
            continue
        free, base = mine.key.count in excluded, mine.bills[0]
        yield Finding(
            Code.FREE_SKU_BILLED if free else Code.ORPHAN_LINE,
            Severity.WARNING,
            company,
            str(mine.key),
            f"line {base.id} bills {plain(base.quantity)} x {base.identifier} on agreement {base.agreement}, "
            + ("but its licence is excluded" if free else "but no row asks for it any more"),
            "approve its end, or map it again",
        )
    for line in foreign:
        mark = Mark.read(line.mark)
        tag = mark.installation if mark else ""
        sentence = f"line {line.id} ({line.identifier}) carries the mark of another Trueup installation, {tag}"
        remedy = f'leave it to that one; if it was this one, whose store was lost: agent.installation = "{tag}"'
        yield Finding(Code.FOREIGN_MARK, Severity.INFO, company, f"line/{line.id}", sentence, remedy)


def of_duplicates(twice: Mapping[int, str], stopped: Mapping[LineKey, Stop], company: int) -> Iterator[Finding]:
    """Two lines with one mark, where no row is left whose stop would tell of them."""
    told = {key.agreement for key, stop in stopped.items() if stop.code is Code.DUPLICATE_LINES}
    for agreement in twice.keys() - told:
        sentence = f"two lines of agreement {agreement} carry the mark {twice[agreement]}"
        remedy = "end one of the two lines in the PSA; Trueup does not choose"
        yield Finding(Code.DUPLICATE_LINES, Severity.ERROR, company, f"agreement/{agreement}", sentence, remedy)


def of_strays(strays: Iterable[Line], company: int) -> Iterator[Finding]:
    for line in strays:
        sentence = (
            f"line {line.id} bills {plain(line.quantity)} x {line.identifier} on agreement {line.agreement} and "
            "carries Trueup's mark, but neither a row nor the store knows of it"
        )
        remedy = "map it again as it was, or end it in the PSA"
        yield Finding(Code.ORPHAN_LINE, Severity.WARNING, company, f"line/{line.id}", sentence, remedy)


def labels(wanted: Desired) -> dict[LineKey, str]:
    return {line.key: line.label for line in wanted.lines}


def _of_mapped(seen: Observation, snapshot: Snapshot, spare: int, company: int) -> Iterator[Finding]:
    subject = f"{snapshot.account.ref}/{seen.sku}"
    if seen.purchased is None or seen.assigned is None:
        return
    if seen.unassigned > spare:
        sentence = f"{seen.name}: {seen.unassigned} of {_counted(seen.purchased, 'seat')} assigned to nobody"
        remedy = "assign them, or order fewer at renewal"
        yield Finding(Code.UNASSIGNED_SEATS, Severity.INFO, company, subject, sentence, remedy)
    if seen.per_user and seen.assigned > seen.purchased:
        sentence = f"{seen.name}: {_counted(seen.assigned, 'seat')} assigned, {seen.purchased} purchased"
        remedy = "buy the missing seats or take licences from users"
        yield Finding(Code.ASSIGNED_OVER_PURCHASED, Severity.WARNING, company, subject, sentence, remedy)
    if Coverage.MEMBERS in snapshot.coverage:
        disabled = [m.login for m in snapshot.holders(seen.sku) if not m.enabled]
        if disabled:
            sentence = f"{seen.name}: {_counted(len(disabled), 'disabled user')} with a seat: {_names(disabled)}"
            remedy = "take the licence away, or confirm that the account is a shared mailbox"
            yield Finding(Code.LICENSED_DISABLED_USER, Severity.INFO, company, subject, sentence, remedy)


def _unmapped(seen: Observation, account: Account, company: int) -> Finding:
    subject = f"{account.ref}/{seen.sku}"
    units = seen.assigned if seen.purchased is None else seen.purchased
    apart = Apart(seen.name, units) if units else None
    if account.source != MICROSOFT:
        sentence = f"{account.source}: {seen.name}, {seen.told}, billed by no row"
        remedy = f'add a row with source = "{account.source}" and product = "{seen.sku}", or exclude it'
        return Finding(Code.UNMAPPED_LICENCE, Severity.WARNING, company, subject, sentence, remedy, apart=apart)
    if seen.name == seen.sku:
        sentence = f"licence {seen.sku} ({seen.told}) has no known name, and no row bills it"
        remedy = "add a row or an exclusion for it"
        return Finding(Code.UNKNOWN_SKU, Severity.WARNING, company, subject, sentence, remedy, apart=apart)
    sentence = f"{seen.name}: {seen.told}, billed by no row"
    remedy = f'add a row with licence = "{seen.part_number}", or exclude it'
    return Finding(Code.UNMAPPED_LICENCE, Severity.WARNING, company, subject, sentence, remedy, apart=apart)


def _remedy(plan: Planned) -> str:
    if plan.change.waits or not plan.realisation.writes:
        return plan.change.waits or plan.realisation.note
    if plan.holds:
        return f"trueup approve {plan.digest} ({'; '.join(plan.holds)})"
    return "will be written in this cycle"


def _name(snapshot: Snapshot, sku: str) -> str:
    seen = snapshot.observations.get(sku)
    return seen.name if seen else sku


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _names(logins: Iterable[str]) -> str:
    ordered = sorted(logins)
    more = f" and {len(ordered) - _SHOWN} more" if len(ordered) > _SHOWN else ""
    return ", ".join(ordered[:_SHOWN]) + more
