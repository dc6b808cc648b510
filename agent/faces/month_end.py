"""What the store remembers, gathered into the report of the month: nothing is asked of Microsoft or the PSA."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import cached_property
from itertools import chain
from typing import TYPE_CHECKING, Any, cast
from zoneinfo import ZoneInfo

from agent.domain.counts import MICROSOFT, Account
from agent.domain.findings import Code, Finding
from agent.domain.keys import LineKey
from agent.domain.ledger import balances
from agent.domain.mappings import Mappings
from agent.domain.money import Money
from agent.domain.periods import Grid
from agent.domain.proration import CONNECTWISE, Convention
from agent.domain.reconciliation import (
    Confidence,
    Difference,
    Effect,
    Leg,
    Part,
    Position,
    ranked,
    told,
    usual_prices,
)
from agent.engine.settling import Past as Ledger
from agent.faces.positions import Shelf
from agent.ports import Entry, EntryState, OpenFinding, Store
from agent.reports.month_end import Deed, Legs, MonthEnd, Origin, Past, State, TrendMonth, Unmapped, code_words
from agent.reports.text import View, counted

if TYPE_CHECKING:
    from agent.settings import Settings

# Mismatches that are differences of quantities; everything else is told as what it is, or counted in a note.
_EFFECTS = {
    Code.UNDER_BILLED: Effect.LEAK,
    Code.UNMAPPED_LICENCE: Effect.LEAK,
    Code.UNKNOWN_SKU: Effect.LEAK,
    Code.LEFTOVER_SEATS: Effect.LEAK,
    Code.OVER_BILLED: Effect.REFUND,
    Code.FREE_SKU_BILLED: Effect.REFUND,
    Code.ORPHAN_LINE: Effect.REFUND,
    Code.UNASSIGNED_SEATS: Effect.WASTE,
    Code.ASSIGNED_OVER_PURCHASED: Effect.RISK,
    Code.LICENSED_DISABLED_USER: Effect.NONE,
    Code.DUPLICATE_LINES: Effect.NONE,
    Code.AMBIGUOUS_LINES: Effect.NONE,
    Code.SELLER_DISAGREES: Effect.NONE,
}
_NOBODYS = (Code.UNMAPPED_TENANT, Code.UNMAPPED_ACCOUNT)
_MONTHS = 12  # of the trend
_ENTRIES = 100_000  # newest first: more writes than any month has


@dataclass(frozen=True)
class Books:
    """One look at the store. `psa` is the PSA's name in line keys, `first` the first day of what was corrected."""

    store: Store
    mappings: Mappings
    psa: str
    currency: str
    zone: ZoneInfo
    stale_after: timedelta
    view: View
    companies: Sequence[int]
    first: date
    convention: Convention = CONNECTWISE

    @property
    def today(self) -> date:
        return self.view.now.astimezone(self.zone).date()

    def report(self) -> MonthEnd:
        open_ = [one for one in self.store.findings() if self._concerns(one.finding.company)]
        found = ranked(filter(None, map(self._difference, open_)))
        legs = tuple(
            Legs(one.company, one.licence, *(one.quantity(leg, self.today) for leg in _LEGS)) for one in self.positions
        )
        scope = (
            f"{counted(len(self.companies), 'company')}, {counted(len(legs), 'licence')} of theirs; "
            f"amounts a month in {self.currency}, as it stood on {self.view.at(self.view.now)}"
        )
        return MonthEnd(
            f"Licences and billing, {self.today:%B %Y}",
            scope,
            self.today,
            found,
            legs,
            tuple(self._connectors(open_)),
            tuple(self._unmapped(open_)),
            tuple(self._corrected()),
            tuple(self._held()),
            tuple(self._past()),
            tuple(self._trend(open_)),
            tuple(self._notes(open_)),
            next(iter(self.store.journal(1)), None),
        )

    def _concerns(self, company: int | None) -> bool:
        return company is None or company in self.companies

    @cached_property
    def _shelf(self) -> Shelf:
        names = {company: self.view.company(company) for company in self.companies}
        return Shelf(self.store, self.mappings, self.psa, self.currency, self.view.now, self.today, names)

    @cached_property
    def positions(self) -> tuple[Position, ...]:
        """Of every mapped company each licence that it has or is billed for, as both sides were last read."""
        return tuple(chain.from_iterable(map(self._shelf.positions, self.companies)))

    @cached_property
    def _usual(self) -> Mapping[str, Money]:
        return usual_prices(self.positions, self.today)

    def _difference(self, known: OpenFinding) -> Difference | None:
        finding = known.finding
        if finding.code not in _EFFECTS or finding.company is None:
            return None
        about = self._about(finding)
        licence, units = about.label, about.units
        price = next((part.unit for part in about.lines if part.unit), None) or self._usual.get(licence)
        cost = next((part.unit for part in about.bought if part.unit), None)
        effect = _EFFECTS[finding.code]
        monthly, estimated = abs(finding.money) if finding.money is not None else None, False
        # What nobody bills has no price of its own; what others pay is better than nothing, and said to be borrowed.
        if monthly is None:
            unit = {Effect.LEAK: price or cost, Effect.REFUND: price, Effect.NONE: None}.get(effect, cost)
            monthly = unit * units if unit is not None and units is not None else None
            estimated = monthly is not None and effect is Effect.LEAK
        return Difference(
            finding.code,
            effect,
            self.view.company(finding.company),
            licence,
            units,
            finding.sentence.removeprefix(f"{licence}: "),
            finding.remedy,
            monthly,
            price,
            cost,
            known.first_seen.astimezone(self.zone).date(),
            Confidence.ESTIMATED if estimated else Confidence.CALCULATED,
            ("priced as most other lines of this licence, or at cost",) if estimated else (),
            tuple(map(told, (*about.bought, *about.lines))),
        )

    def _about(self, finding: Finding) -> _About:
        company = self.view.company(finding.company)
        # A planned change says exactly how many units; a reading of both sides only what they are now.
        change = self._changes.get((finding.company or 0, finding.subject))
        if change is not None:
            label = str(change["label"])
            sku = LineKey.parse(finding.subject).count
            units = abs(_quantity(change["after"]) - _quantity(change["before"]))
            return _About(label, units, self._parts(company, self._names.get(sku, label)))
        # A subject is made of ids: account/licence, account/licence/purchase, or a line's key.
        for word in reversed(finding.subject.split("/")):
            name = self._names.get(word)
            if name is not None:
                parts = self._parts(company, name)
                return _About(name, _units(finding.code, parts, self.today), parts)
        return _About("", None, None)

    @cached_property
    def _changes(self) -> Mapping[tuple[int, str], Mapping[str, Any]]:
        """Planned changes by company and line: they say how many units a difference has."""
        found = {}
        for plan in self.store.plan():
            for change in cast(Sequence[Mapping[str, Any]], plan["changes"]):
                if change["before"] is None or change["before"]["quantity"] != change["after"]["quantity"]:
                    found[cast(int, plan["company"]), str(LineKey.parse(str(change["key"])))] = change
        return found

    @cached_property
    def _names(self) -> Mapping[str, str]:
        """Names of licences and products by their keys, as snapshots have them."""
        snapshots = chain.from_iterable(map(self._shelf.snapshots, self.companies))
        return {seen.sku: seen.name for snapshot in snapshots for seen in snapshot.observations.values()}

    def _parts(self, company: str, licence: str) -> Position | None:
        return self._by_name.get((company, licence))

    @cached_property
    def _by_name(self) -> Mapping[tuple[str, str], Position]:
        return {(position.company, position.licence): position for position in self.positions}

    def _connectors(self, open_: Iterable[OpenFinding]) -> Iterator[Origin]:
        ages = {account.ref: at for account, at in self.store.snapshot_age().items()}
        mapped = {ref for company in self.companies for ref in self.mappings.companies[company].accounts}
        by_source: dict[str, dict[str, datetime | None]] = {}
        for ref in sorted(mapped):
            by_source.setdefault(Account.parse(ref).source, {})[ref] = ages.get(ref)
        for source, of_source in by_source.items():
            yield self._source(source, of_source)
        yield self._psa(sum(one.finding.code is Code.PSA_UNREADABLE for one in open_))

    def _psa(self, unread: int) -> Origin:
        # A dry run read the PSA as well, but only those companies that somebody was curious about.
        last = next((run for run in self.store.runs(20) if not run.dry and run.ended), None)
        if last is None or last.ended is None:
            return Origin(self.psa, "no cycle has run yet", State.RED)
        trouble = f"; {counted(unread, 'company')} could not be read whole" if unread else ""
        state = State.RED if last.state != "done" else State.YELLOW if unread else self._age(last.ended)
        return Origin(self.psa, f"last cycle {last.state} {self.view.ago(last.ended)}{trouble}", state)

    def _source(self, source: str, ages: Mapping[str, datetime | None]) -> Origin:
        """Green: all were read lately. Red: none was. What was never read is the worst kind of old."""
        late = {ref: at for ref, at in ages.items() if at is None or self.view.now - at > self.stale_after}
        state = State.GREEN if not late else State.RED if len(late) == len(ages) else State.YELLOW
        detail = counted(len(ages), "tenant" if source == MICROSOFT else "account")
        read = [at for at in ages.values() if at is not None]
        if read:
            detail += f", last read {self.view.ago(max(read))}"
        if late:
            told = (
                f"{self._owner(ref)} {f'read {self.view.ago(at)}' if at else 'never read'}" for ref, at in late.items()
            )
            detail += f"; not current: {', '.join(list(told)[:5])}" + (
                f" and {len(late) - 5} more" if len(late) > 5 else ""
            )
        return Origin(source, detail, state)

    def _owner(self, ref: str) -> str:
        """The company by which a person knows the account."""
        return ", ".join(self.view.company(one.company) for one in self.mappings.companies_by_account.get(ref, ()))

    def _age(self, at: datetime) -> State:
        return State.GREEN if self.view.now - at <= self.stale_after else State.YELLOW

    def _unmapped(self, open_: Iterable[OpenFinding]) -> Iterator[Unmapped]:
        for one in open_:
            if one.finding.code in _NOBODYS:
                kind = "tenant" if one.finding.code is Code.UNMAPPED_TENANT else "account"
                yield Unmapped(kind, one.finding.sentence, f"since {self.view.at(one.first_seen)}", one.finding.remedy)

    def _corrected(self) -> Iterator[Deed]:
        """Changes whose writes were confirmed since the first day, each told once, with who let it go."""
        since = datetime.combine(self.first, time(), self.zone)
        entries = [e for e in self.store.entries(limit=_ENTRIES) if e.at >= since and e.state is EntryState.CONFIRMED]
        decisions = self.store.decisions(entry.change for entry in entries)
        by_change: dict[str, list[Entry]] = {}
        for entry in reversed(entries):
            if self._concerns(entry.write.company):
                by_change.setdefault(entry.change or str(entry.id), []).append(entry)
        for change, writes in by_change.items():
            decision = decisions.get(change)
            by = f"approved by {decision.who}" if decision and decision.verdict == "approved" else "automatically"
            # One change may be several requests: a difference line and its base are one purchase to a person.
            first = writes[0]
            yield Deed(
                self.view.company(first.write.company),
                "; ".join(_plainly(entry.write.sentence) for entry in writes),
                first.at.astimezone(self.zone).date(),
                f"{by}: {first.reason}" if first.reason else by,
            )

    def _held(self) -> Iterator[Deed]:
        for hold in self.store.holds():
            if hold.state == "open" and hold.company in self.companies:
                day = hold.since.astimezone(self.zone).date()
                why = "; ".join(hold.reasons)
                yield Deed(self.view.company(hold.company), hold.sentence, day, why, hold.monthly)

    def _past(self) -> Iterator[Past]:
        """The balances of the present month, as it stands."""
        ledger = Ledger(self.store, self.convention, self.zone, self.mappings, self.view.now)
        begin, end, _ = ledger.month(None)
        for balance in balances(ledger.gaps(), begin, end):
            if balance.company in self.companies:
                yield Past(self.view.company(balance.company), balance)

    def _trend(self, open_: Iterable[OpenFinding]) -> Iterator[TrendMonth]:
        """What was open at the end of each month, as it last stood; the present month shows what is open now."""
        # From the first of the month: going back from a 31st would skip the short months.
        *months, present = (Grid(self.today.replace(day=1), 1).nth(-back) for back in reversed(range(_MONTHS)))
        began = datetime.combine(months[0].start, time(), self.zone)
        past = [one for one in self.store.past_findings(began) if self._concerns(one.value.company)]
        first = min((one.since for one in past if one.value.money), default=self.view.now)
        for month in months:
            end = datetime.combine(month.end, time(), self.zone)
            if end > first:
                yield self._month(month.start, [one.value for one in past if one.since < end <= one.last])
        yield self._month(present.start, [one.finding for one in open_])

    def _month(self, start: date, findings: Iterable[Finding]) -> TrendMonth:
        money = [one.money for one in findings if one.money is not None and one.money.currency == self.currency]
        leak = Money.total((one for one in money if one.amount > 0), self.currency)
        refund = Money.total((-one for one in money if one.amount < 0), self.currency)
        return TrendMonth(f"{start:%b %Y}", leak, refund)

    def _notes(self, open_: Iterable[OpenFinding]) -> Iterator[str]:
        other = Counter(f.finding.code for f in open_ if f.finding.code not in {*_EFFECTS, *_NOBODYS, Code.HELD})
        if other:
            said = ", ".join(f"{code_words(code)} ({number})" for code, number in other.most_common())
            yield f"Other open mismatches, see trueup findings: {said}"


@dataclass(frozen=True, slots=True)
class _About:
    """What a finding is about: the licence, how many units differ, and the records of both sides."""

    label: str
    units: Decimal | None
    position: Position | None

    @property
    def lines(self) -> tuple[Part, ...]:
        return self._of(Leg.BILLED)

    @property
    def bought(self) -> tuple[Part, ...]:
        return (*self._of(Leg.PURCHASED), *self._of(Leg.ASSIGNED))

    def _of(self, leg: Leg) -> tuple[Part, ...]:
        return tuple(part for part in self.position.parts if part.leg is leg) if self.position else ()


def books(
    store: Store, mappings: Mappings, settings: Settings, view: View, companies: Sequence[int], first: date | None
) -> Books:
    """For these companies; `first` is the first day of what was corrected, else the present month's."""
    agent = settings.agent
    today = view.now.astimezone(agent.timezone).date()
    stale = settings.microsoft.stale_after
    kept = store, mappings, settings.psa.kind, agent.currency, agent.timezone, stale, view, companies
    from agent.engine.assembly import traits_of

    return Books(*kept, first or today.replace(day=1), traits_of(settings).convention)


_LEGS = (Leg.PURCHASED, Leg.ASSIGNED, Leg.BILLED, Leg.INVOICED)


def _plainly(sentence: str) -> str:
    """Of a request, without the word that HTTP has for it."""
    method, _, rest = sentence.partition(" ")
    return f"new {rest}" if method == "POST" else rest


def _quantity(terms: Mapping[str, Any] | None) -> Decimal:
    """Of a planned change; a line that is not there yet bills nothing."""
    return Decimal(terms["quantity"]) if terms else Decimal(0)


def _units(code: Code, position: Position | None, today: date) -> Decimal | None:
    """How many units a mismatch of a licence has, where the readings of both sides say so."""
    if position is None:
        return None
    purchased, assigned, billed = (position.quantity(leg, today) for leg in _LEGS[:3])
    match code:
        case Code.UNMAPPED_LICENCE | Code.UNKNOWN_SKU:
            return purchased if purchased is not None else assigned
        case Code.UNASSIGNED_SEATS | Code.ASSIGNED_OVER_PURCHASED:
            return None if purchased is None or assigned is None else abs(purchased - assigned)
        case Code.FREE_SKU_BILLED | Code.ORPHAN_LINE:
            return billed
    return None
