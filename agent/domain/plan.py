"""Current + desired -> changes, each with its reason and its money, and the mismatches that they mend."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from fractions import Fraction

from agent.domain.agreements import Agreement, Billable, Line
from agent.domain.changes import (
    AddLine,
    Change,
    EndLine,
    Fold,
    Holding,
    Restore,
    SetDescription,
    SetPrice,
    SetQuantity,
    Terms,
    terms_of,
)
from agent.domain.descriptions import cleaned
from agent.domain.desired import Desired, DesiredLine, Release
from agent.domain.findings import Code, Stop
from agent.domain.handover import handed_over, ordered
from agent.domain.history import BEFORE_ALL, Asked, Move, risen
from agent.domain.holdings import Ground, Owned, Ownership, adoptable, charged, claimed
from agent.domain.keys import LineKey, Mark
from agent.domain.money import Money, rounded
from agent.domain.ownership import Binding, BindingState, Charge, Sighting, Timing
from agent.domain.periods import Grid
from agent.domain.replacing import Replacing, key_of, replacing
from agent.domain.sightings import Sightings
from agent.domain.undone import otherwise, past, restore


@dataclass(frozen=True, slots=True)
class Draft:
    """Changes of one company before anybody looked at their holds, and what planning learnt on the way.

    `stopped` tells for each key why nothing is planned for it although something may differ.
    """

    changes: tuple[Change, ...]
    sightings: tuple[Sighting, ...]
    charges: tuple[Charge, ...]
    bindings: tuple[Binding, ...]
    stopped: Mapping[LineKey, Stop]


def draft(
    wanted: Desired,
    owned: Ownership,
    ground: Ground,
    sightings: Mapping[LineKey, Sighting],
    open_keys: frozenset[LineKey],
    timing: Timing,
    currency: str,
) -> Draft:
    """All changes that make the PSA show what is desired, ordered by agreement and key, lines to be added first.

    Only those that others follow come before all of them.
    """
    book = _Book(ground, sightings, open_keys, timing, currency)
    for line in wanted.lines:
        book.row(line, owned)
    for key, reason in wanted.unknown.items():
        book.stopped[key] = reason
    for orphan in owned.orphans:
        book.orphan(orphan)
    book.sightings.forgotten({*(line.key for line in wanted.lines), *wanted.unknown}, owned)
    book.invoices(owned, {line.key: line for line in wanted.lines})
    known = {**sightings, **{seen.key: seen for seen in book.sightings.told}}
    changes = ordered([*map(book.put_off, handed_over(book.changes, wanted, ground, owned, known))])
    return Draft(tuple(changes), tuple(book.sightings.told), tuple(book.charges), tuple(book.rebased), book.stopped)


class _Book:
    """Collects one company's changes row by row."""

    def __init__(
        self,
        ground: Ground,
        sightings: Mapping[LineKey, Sighting],
        open_keys: frozenset[LineKey],
        timing: Timing,
        currency: str,
    ) -> None:
        self.ground, self.open_keys = ground, open_keys
        self.timing, self.currency = timing, currency
        self.sightings = Sightings(sightings, timing)
        self.changes: list[Change] = []
        self.charges: list[Charge] = []
        self.rebased: list[Binding] = []
        self.stopped: dict[LineKey, Stop] = {}

    def row(self, line: DesiredLine, owned: Ownership) -> None:
        mine = owned.owned.get(line.key) or Owned(line.key)
        agreement = self.ground.agreements.get(line.key.agreement)
        # Only the first of a row's lots takes the place of anything: the others are seats that came later.
        place = None if line.key.lot else replacing(line.row, self.ground)
        sighting = self.sightings.of(line, mine.holding)
        stop = line.doubt or mine.stopped or self._closed(agreement, owned) or self._ambiguous(line, mine, owned)
        stop = stop or (place.stop if place else None)
        if stop or agreement is None:
            self.stopped[line.key] = stop or _no_agreement()
            return
        if place is not None:
            self._give_way(line, place, agreement)
        if mine.holding is None:
            self._add(line, mine, agreement, sighting, place)
        else:
            self._keep(line, mine, mine.holding, agreement, sighting)

    def _give_way(self, line: DesiredLine, place: Replacing, agreement: Agreement) -> None:
        for old in place.ends:
            key, label = key_of(line.key, old), f"{old.identifier} (line {old.id})"
            reason = f"{line.label} takes its place on {place.day}"
            self.changes.append(self._end(key, label, Holding(old), agreement, place.day, reason))

    def orphan(self, mine: Owned) -> None:
        agreement = self.ground.agreements.get(mine.key.agreement)
        holding = mine.holding
        if holding is None or agreement is None or self._unwritable(agreement) or mine.stopped:
            return
        if holding.ended:
            self._accept_end(mine)
            return
        key, label, today = mine.this_life, holding.base.identifier, self.timing.today
        if mine.binding is None:
            reason = "it bills a licence that is excluded"
            self.changes.append(self._end(key, label, holding, agreement, today, reason))
            return
        reason = "no row of the mapping files asks for this line any more"
        seen = self.sightings.unwanted(mine.key, holding)
        end = self._end(key, label, holding, agreement, seen.since, reason)
        self.changes.append(replace(end, asked=seen.asked))

    def invoices(self, owned: Ownership, rows: Mapping[LineKey, DesiredLine]) -> None:
        """Invoices that were deleted are to bill the same when they are made again."""
        for found in otherwise(self.ground, owned.owned):
            if self._unwritable(self.ground.agreements[found.key.agreement]) is None:
                sighting = found.sighting(self.sightings.known, self.timing.now)
                self.sightings.told.append(sighting)
                change = restore(found, rows.get(found.key.base), self.ground.company, self.currency)
                waits = self._waits(found.key) or self.timing.second_read(sighting, "a deleted invoice")
                self.changes.append(replace(change, waits=waits))
        self.sightings.told.extend(past(self.sightings.known, self.ground))

    def put_off(self, change: Change) -> Change:
        """What is written before a deleted invoice is made again would stand on it, and it is to be what it was.

        Prices and texts may be what it was deleted for.
        """
        days = self.ground.reopened(change.key.agreement)
        if days is None or isinstance(change, Restore | SetPrice | SetDescription):
            return change
        return replace(change, waits="", queued=f"waits until the deleted invoice of {days} is made again")

    def _closed(self, agreement: Agreement | None, owned: Ownership) -> Stop | None:
        if agreement is None:
            return _no_agreement()
        if agreement.id in owned.twice:
            reason = f"two lines of the agreement carry the mark {owned.twice[agreement.id]}"
            return Stop(Code.DUPLICATE_LINES, reason, "end one of the two lines in the PSA; Trueup does not choose")
        return self._unwritable(agreement)

    def _unwritable(self, agreement: Agreement) -> Stop | None:
        if agreement.company != self.ground.company:
            reason = f"agreement {agreement.id} belongs to company {agreement.company}, not to {self.ground.company}"
            return Stop(Code.WRONG_COMPANY, reason, "correct the agreement or the company in the mapping file")
        if agreement.refusal:
            return Stop(
                Code.AGREEMENT_NOT_BILLABLE, agreement.refusal, "renew the agreement, or map the row to another"
            )
        if agreement.months is None:
            reason = f"its billing cycle {agreement.cycle!r} is not supported: only monthly and annual ones are"
            return Stop(Code.CYCLE_UNSUPPORTED, reason, "bill these licences on a monthly or annual agreement")
        if agreement.bill_start is None and agreement.next_invoice is None:
            reason = "the agreement has neither a billing start nor a next invoice date"
            return Stop(Code.AGREEMENT_NOT_BILLABLE, reason, "set the billing start date of the agreement")
        if agreement.currency not in (None, self.currency):
            reason = f"the agreement bills in {agreement.currency}, Trueup is set to {self.currency}"
            return Stop(Code.AGREEMENT_NOT_BILLABLE, reason, "map the row to an agreement of that currency")
        return None

    def _ambiguous(self, line: DesiredLine, mine: Owned, owned: Ownership) -> Stop | None:
        if mine.holding is not None or mine.lives:
            return None
        theirs = claimed(owned.foreign, line.key)
        if theirs is not None and (mark := Mark.read(theirs.mark)):
            reason = f"line {theirs.id} bills this row already, with the mark of installation {mark.installation}"
            remedy = f'if that was this one, whose store was lost: agent.installation = "{mark.installation}"'
            return Stop(Code.FOREIGN_MARK, reason, f"{remedy}; otherwise let one of the two installations bill it")
        bindings = {**self.ground.bindings, **{b.key: b for b in owned.learnt}}
        candidates = adoptable(self.ground, line.key, bindings)
        if not candidates:
            return None
        ids = ", ".join(str(c.id) for c in candidates)
        reason = f"lines {ids} already bill {line.key.product} here, and which one is this row's cannot be told"
        return Stop(Code.AMBIGUOUS_LINES, reason, "end the lines that are too many, or give each row its own product")

    def _waits(self, key: LineKey) -> str:
        # Of all lines of the row: a seat that one of them may have got must not be given to another.
        if any(open_key.row == key.row for open_key in self.open_keys):
            return "an earlier write to this line is not settled yet"
        return ""

    def _add(
        self, line: DesiredLine, mine: Owned, agreement: Agreement, sighting: Sighting, place: Replacing | None
    ) -> None:
        if line.terms.quantity == 0:
            return
        first = next(risen(sighting.asked, 0, line.terms.billed), None)
        since = self._first_day(line, mine, sighting, first) if first else sighting.since
        begins = (place.day,) if place else (line.row.start_on, since)
        self.changes.append(
            AddLine(
                key=mine.next_life(self.ground),
                company=self.ground.company,
                label=line.label,
                product=line.product.id,
                after=line.terms,
                effective=max(day for day in begins if day),
                reason="no line of this row has today's price yet" if line.key.lot else "no line bills this row yet",
                listed=line.product.price,
                monthly=self._monthly(_price_of(line), line.terms, None, agreement),
                unit=self._unit(_price_of(line), line.terms, agreement),
                whole=_whole(agreement),
                asked=sighting.asked,
                waits=self._waits(line.key),
                follows=tuple(key_of(line.key, old) for old in place.ends) if place else (),
                earlier=tuple(mine.deltas),
            )
        )

    def _first_day(self, line: DesiredLine, mine: Owned, sighting: Sighting, first: Move) -> date:
        """The day on which the first seats of a new line were seen, or `start-on` where they were always there."""
        always = sighting.asked[0][0] == BEFORE_ALL and first.day == sighting.asked[1][0] and not mine.lives
        return line.row.start_on if always and line.row.start_on else first.day

    def _keep(self, line: DesiredLine, mine: Owned, holding: Holding, agreement: Agreement, sighting: Sighting) -> None:
        since = min(day for day in (sighting.since, self.timing.today, *_days(sighting.asked)) if day > BEFORE_ALL)
        stretches, learnt = charged(line.key, mine, self.ground, since)
        self.charges += learnt
        known = (*self.ground.charges.get(line.key.base, ()), *learnt)
        seen = {c.period.start: c for c in known if c.key == line.key.base}
        prices = tuple((c.period, c.price) for c in seen.values() if c.price is not None)
        holding = replace(holding, charged=stretches, prices=prices)
        self._lock(line, mine)
        before = terms_of(holding)
        if not holding.base.open and self._ended_by_person(line, mine, holding):
            return
        line = replace(line, key=mine.this_life)
        unsure = self._unsure(line, before)
        change = None if unsure else self._difference(line, holding, before, agreement, sighting)
        if change is None and not self._waits(line.key):
            # A person already made the lines what we would make them: theirs is the new base. While a write is open,
            # not all lines are known.
            self.rebased += mine.theirs
        if change is not None:
            self.changes.append(change)
        price = self._price(line, holding, before, agreement)
        if price is not None:
            self.changes.append(price)
        if change is None and self._foldable(holding, agreement):
            self.changes.append(self._fold(line, holding, before))
        elif change is None and not unsure and line.release is not None:
            self.changes.append(self._queued(line, line.release, holding, before, agreement, sighting))

    def _lock(self, line: DesiredLine, mine: Owned) -> None:
        """Keep up to which renewal the price stands."""
        if line.locked and mine.binding and mine.binding.locked != line.locked:
            mine.binding = replace(mine.binding, locked=line.locked)
            self.rebased.append(mine.binding)

    def _ended_by_person(self, line: DesiredLine, mine: Owned, holding: Holding) -> bool:
        """Whether a base that a person has ended leaves nothing to plan. A line that we ended is no base any more."""
        if line.terms.quantity:
            how = mine.edited or f"ended on {holding.base.end} while nobody looked"
            remedy = "clear the line's end in the PSA if it is to go on, or remove the row"
            self.stopped[line.key] = Stop(Code.EDITED_BY_PERSON, f"line {holding.base.id} was {how}", remedy)
        elif holding.ended:
            self._accept_end(mine)
        return bool(line.terms.quantity or holding.ended)

    def _accept_end(self, mine: Owned) -> None:
        if mine.binding and mine.base:
            accepted = replace(mine.binding, state=BindingState.ENDED, confirmed=mine.binding.confirming(mine.base))
            self.rebased.append(accepted)

    def _difference(
        self, line: DesiredLine, holding: Holding, before: Terms, agreement: Agreement, sighting: Sighting
    ) -> Change | None:
        after = replace(line.terms, price=before.price, billable=before.billable, text=line.terms.text or before.text)
        if after.quantity == 0 and (before.quantity or line.row.profile.at_zero.value == "end"):
            reason = f"{line.counted} counted, nothing is left to bill"
            ending = self._end(line.key, line.label, holding, agreement, sighting.since, reason)
            waits = ending.waits or self.timing.second_read(sighting, "a lower count")
            return replace(ending, at_zero=line.row.profile.at_zero, asked=sighting.asked, waits=waits)
        if after.quantity != before.quantity or after.included != before.included:
            return self._quantity(line, holding, before, after, agreement, sighting)
        if cleaned(before.text) != cleaned(after.text):
            return self._change(SetDescription, line, holding, before, after, "the people or the text changed")
        return None

    def _unsure(self, line: DesiredLine, before: Terms) -> bool:
        """Whether the line would be lowered although nobody knows which of its seats are committed."""
        stop = line.owes.unsure if line.owes else None
        if stop is None or line.terms.quantity >= before.quantity:
            return False
        self.stopped[line.key.base] = stop
        return True

    def _queued(
        self,
        line: DesiredLine,
        release: Release,
        holding: Holding,
        before: Terms,
        agreement: Agreement,
        sighting: Sighting,
    ) -> Change:
        """The decrease that a commitment puts off: shown from today on, planned anew when its day has come."""
        after = replace(before, quantity=release.quantity)
        change = self._quantity(line, holding, before, after, agreement, sighting)
        reason = f"{line.counted} counted, {before.quantity} billed because of committed seats"
        queued = f"waits until {release.on}, the renewal of seats that nobody uses"
        return replace(change, effective=release.on, reason=reason, waits="", queued=queued)

    def _quantity(
        self,
        line: DesiredLine,
        holding: Holding,
        before: Terms,
        after: Terms,
        agreement: Agreement,
        sighting: Sighting,
    ) -> Change:
        waits = self._waits(line.key)
        if after.quantity < before.quantity:
            waits = waits or self.timing.second_read(sighting, "a lower count")
        return SetQuantity(
            key=line.key,
            company=self.ground.company,
            label=line.label,
            product=line.product.id,
            before=before,
            after=after,
            effective=sighting.since,
            reason=_counted(line, after.quantity) + f", {before.quantity} on the agreement",
            holding=holding,
            increase=line.row.profile.increase,
            decrease=line.row.profile.decrease,
            monthly=self._monthly(before.price, after, before, agreement),
            unit=self._unit(before.price, after, agreement),
            whole=_whole(agreement),
            asks=line.asks if after.quantity < before.quantity else "",
            asked=sighting.asked,
            waits=waits,
        )

    def _price(self, line: DesiredLine, holding: Holding, before: Terms, agreement: Agreement) -> Change | None:
        """A change of its own. Open differences are paid like their base, so they get its price with it or after it."""
        price, billable = before.price if line.terms.price is None else line.terms.price, line.terms.billable
        lines = (holding.base, *(delta.line for delta in holding.deltas))
        odd = [one for one in lines if one.billable is not billable or price not in (None, one.price)]
        if not odd:
            return None
        before = replace(before, price=odd[0].price, billable=odd[0].billable)
        after = replace(before, price=price, billable=billable)
        reason = f"profile {line.row.profile.name} asks for it"
        if line.row.profile.price_lock:
            reason += ", and the price of these seats is locked no longer"
        if odd[0] is not holding.base:
            reason = "its difference lines are to bill what the line itself does"
        change = self._change(SetPrice, line, holding, before, after, reason)
        return replace(change, monthly=self._dearer(odd, _paid(price, billable), agreement))

    def _dearer(self, lines: Sequence[Line], paid: Decimal | None, agreement: Agreement) -> Money | None:
        found = [(_paid(line.price, line.billable), line.quantity - line.included) for line in lines]
        known = [(paid - was) * seats for was, seats in found if was is not None and paid is not None]
        if len(known) < len(found):
            return None
        return _per_month(Money(sum(known, Decimal(0)), self.currency), agreement)

    def _foldable(self, holding: Holding, agreement: Agreement) -> bool:
        """Open deltas fold once the invoice boundary has moved past where it stood when they were written."""
        boundary = agreement.next_invoice
        if boundary is None or self.open_keys & {d.key for d in holding.deltas}:
            return False
        begun = holding.base.start is None or holding.base.start < boundary
        return begun and any(delta.invoiced(boundary) for delta in holding.deltas)

    def _fold(self, line: DesiredLine, holding: Holding, before: Terms) -> Change:
        reason = "the invoice that bills these additions from their first day has been made"
        return self._change(Fold, line, holding, before, before, reason)

    def _change(
        self, kind: type[Change], line: DesiredLine, holding: Holding, before: Terms, after: Terms, reason: str
    ) -> Change:
        return kind(
            key=line.key,
            company=self.ground.company,
            label=line.label,
            product=line.product.id,
            before=before,
            after=after,
            effective=self.timing.today,
            reason=reason,
            holding=holding,
            monthly=Money.zero(self.currency),
            waits=self._waits(line.key),
        )

    def _end(
        self, key: LineKey, label: str, holding: Holding, agreement: Agreement, since: date, reason: str
    ) -> EndLine:
        before = terms_of(holding)
        after = replace(before, quantity=0, included=0)
        return EndLine(
            key=key,
            company=self.ground.company,
            label=label,
            product=holding.base.product,
            before=before,
            after=after,
            effective=since,
            reason=reason,
            holding=holding,
            monthly=self._monthly(before.price, after, before, agreement),
            unit=self._unit(before.price, after, agreement),
            whole=_whole(agreement),
            waits=self._waits(key),
        )

    def _monthly(self, price: Decimal | None, after: Terms, before: Terms | None, agreement: Agreement) -> Money | None:
        paid = _paid(price, after.billable)
        if paid is None:
            return None
        was = before.quantity - before.included if before else 0
        return _per_month(Money(paid, self.currency) * (after.quantity - after.included - was), agreement)

    def _unit(self, price: Decimal | None, after: Terms, agreement: Agreement) -> Money | None:
        paid = _paid(price, after.billable)
        # Not at coins: what a hundred seats of 0.0825 owe for a year is reckoned from it.
        return None if paid is None else Money(rounded(Fraction(paid) / (agreement.months or 1), 6), self.currency)


def _days(history: Asked) -> tuple[date, ...]:
    return tuple(day for day, _ in history)


def _counted(line: DesiredLine, to_bill: int) -> str:
    """Included seats and minimums are told where they make a difference."""
    counted = f"{line.counted} counted"
    return counted if line.counted == to_bill else f"{counted}, {to_bill} to bill"


def _no_agreement() -> Stop:
    return Stop(Code.MISSING_AGREEMENT, "the PSA has no such agreement", "correct the agreement in the mapping file")


def _whole(agreement: Agreement) -> Grid | None:
    return None if agreement.prorates else agreement.grid


def _per_month(amount: Money, agreement: Agreement) -> Money:
    """An amount per billing period as an amount per month, at the currency's coins: an estimate, never written."""
    return Money(amount.amount / (agreement.months or 1), amount.currency).at_coins()


def _price_of(line: DesiredLine) -> Decimal | None:
    return line.product.price if line.terms.price is None else line.terms.price


def _paid(price: Decimal | None, billable: Billable) -> Decimal | None:
    """What a unit brings: a line may show its price and bill nothing."""
    return price if billable is Billable.BILLABLE else Decimal(0)
