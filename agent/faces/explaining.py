"""Gathers what the store remembers about lines, as it stood at any time: for the command and for GET /explain."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from typing import Any, cast
from zoneinfo import ZoneInfo

from agent.domain.agreements import Line, Standing
from agent.domain.counts import Account, Member, Observation, Snapshot
from agent.domain.desired import label, tally
from agent.domain.invoices import Invoice, Ledger
from agent.domain.keys import LineKey, Role
from agent.domain.mappings import Mappings, Row
from agent.domain.ownership import Binding
from agent.errors import TrueupError
from agent.ports import Derivation, EntryState, Store, Traits, Version
from agent.reports import holders
from agent.reports.explanation import Explanation, Written
from agent.sku_table import shipped

_EVER = datetime.min.replace(tzinfo=UTC) + timedelta(days=1)


class NothingThen(TrueupError):
    """The time that was asked for is not one of which anything is known."""


@dataclass(frozen=True, slots=True)
class Moment:
    """When: `at` the end of `day`, or of a run; `past` unless it is the present."""

    at: datetime
    day: date
    past: bool


def moment(store: Store, zone: ZoneInfo, now: datetime, on: date | None, run: str | None) -> Moment:
    """The end of a day in the PSA's zone, the end of a run (of its own day, or of the one that is named), or now.

    Raises `NothingThen`.
    """
    today = now.astimezone(zone).date()
    if on is not None and on > today:
        raise NothingThen(f"{on} lies ahead", "Name a day up to today; trueup plan tells what is to come")
    if run is not None:
        known = store.run(run)
        if known is None:
            remedy = "Runs that wrote nothing are kept for 30 days; name a day instead: --on DATE"
            raise NothingThen(f"There is no run {run}", remedy)
        at = known.ended or now
        return Moment(at, on or at.astimezone(zone).date(), True)
    if on is None or on == today:
        return Moment(now, today, False)
    end = datetime.combine(on + timedelta(days=1), time(), zone) - timedelta(microseconds=1)
    return Moment(end.astimezone(UTC), on, True)


@dataclass(slots=True)
class Memoirs:
    """What is remembered of one company's lines, read once for all of them.

    `people_since`: who left on that day or later is told too, beside those who left within the billing period.
    """

    store: Store
    mappings: Mappings
    traits: Traits
    zone: ZoneInfo
    currency: str
    company: int
    when: Moment
    people_since: date | None = None

    def explanations(self, word: str = "") -> list[Explanation]:
        """Of the lines that count the licence (id, part number, name), or whose row, profile or product it is."""
        told = self.store.derivations(self.company, self.when.at if self.when.past else None)
        derived = {derivation.key: derivation for derivation in told}
        rows = {row.key(self.traits.name): row for row in self._rows()}
        bound = self.store.memory(self.traits.name, self.company, (), self.when.at).bindings
        bases = {key.base for key in bound if key.role is Role.BASE}
        keys = [key for key in sorted({*derived, *rows, *bases}) if not word or _means(key, rows.get(key.row), word)]
        standings = self.store.standings(self.company, _EVER)
        seen = {account: self._versions(account) for account in {key.account for key in keys}}
        changes = [] if self.when.past else [*self._changes()]
        return [
            self._one(key, rows.get(key.row), derived.get(key), _of(bound, key), standings, seen[key.account], changes)
            for key in keys
        ]

    def _rows(self) -> Sequence[Row]:
        mapping = self.mappings.companies.get(self.company)
        return mapping.rows if mapping else ()

    def _changes(self) -> Iterator[Mapping[str, Any]]:
        """What is planned still: a plan is stored before its run writes."""
        for plan in self.store.plan(self.company):
            for change in cast(Sequence[Mapping[str, Any]], plan["changes"]):
                entries = self.store.entries_of(LineKey.parse(str(change["key"])).base)
                done = [e for e in entries if (e.run, e.change) == (plan["run"], change["digest"])]
                written = sum(entry.state is EntryState.CONFIRMED for entry in done)
                if not written or written < len(change["writes"]):
                    yield change

    def _versions(self, account: str) -> Sequence[Version[Snapshot]]:
        return self.store.snapshots(Account.parse(account), _EVER)

    def _one(
        self,
        key: LineKey,
        row: Row | None,
        derivation: Derivation | None,
        bound: Mapping[LineKey, Binding],
        standings: Sequence[Version[Standing]],
        versions: Sequence[Version[Snapshot]],
        changes: Sequence[Mapping[str, Any]],
    ) -> Explanation:
        ids = {binding.line for binding in bound.values()}
        read = holders.at(versions, self.when.at)
        invoices = tuple(self._invoices(key, ids, bound, standings))
        period = [invoice.period.start for invoice in invoices if self.when.day in invoice.period]
        people = holders.holders(versions, lambda snapshot: _people(row, key, snapshot), _skus(key))
        # Those who left long ago explain nothing; those who left within the period may be asked for.
        asked = [self.people_since] if self.people_since else []
        since = datetime.combine(min([*period, *asked], default=self.when.day), time(), self.zone)
        near = tuple(h for h in people if h.there(self.when.at) or (h.last and since <= h.last <= self.when.at))
        history = self.store.derivations_of(key)
        return Explanation(
            company=self.company,
            key=key,
            label=_label(row, key, read.value if read else None),
            currency=self.currency,
            line_word=self.traits.line_word,
            at=self.when.at,
            day=self.when.day,
            past=self.when.past,
            row=row,
            read=read,
            seen=_seen(key, read.value if read else None),
            holders=near,
            derivation=derivation,
            earlier=next((a for a, b in pairwise(history) if b == derivation), None),
            lines=self._lines(key, ids, standings),
            planned=tuple(c for c in changes if LineKey.parse(str(c["key"])).base == key.base),
            writes=tuple(self._writes(key, invoices, versions)),
            invoices=invoices,
        )

    def _lines(self, key: LineKey, ids: set[int], standings: Sequence[Version[Standing]]) -> tuple[Line, ...]:
        """Those that billed the day or go on after it, as the PSA showed them then."""
        known = [version.value for version in standings if version.since <= self.when.at]
        lines = known[-1].lines.get(key.agreement, ()) if known else ()
        return tuple(line for line in lines if line.id in ids and line.live(self.when.day))

    def _invoices(
        self, key: LineKey, ids: set[int], bound: Mapping[LineKey, Binding], standings: Sequence[Version[Standing]]
    ) -> Iterator[Invoice]:
        """The line's part of every invoice that bills the day, or is the one of its period."""
        readings = [version for version in standings if key.agreement in version.value.agreements]
        if not readings:
            return
        boundary = readings[0].value.agreements[key.agreement].next_invoice
        unbilled = {b.line for b in bound.values() if b.boundary and b.boundary == boundary}
        ledger = Ledger(self.traits.convention, unbilled)
        for version in readings:
            lines = version.value.lines.get(key.agreement, ())
            ledger.read(version.value.agreements[key.agreement], lines, version.since.astimezone(self.zone))
        coming = ledger.next()
        for invoice in (*ledger.invoices, *([coming] if coming else [])):
            mine = invoice.of(ids)
            if self.when.day in mine.period or any(self.when.day in item.days for item in mine.items):
                yield mine

    def _writes(
        self, key: LineKey, invoices: Sequence[Invoice], versions: Sequence[Version[Snapshot]]
    ) -> Iterator[Written]:
        """Those until then, and later ones to a line that bills the day: a change may have waited for approval."""
        billing = {item.line.mark for invoice in invoices for item in invoice.items if self.when.day in item.days}
        entries = self.store.entries_of(key)
        wanted = [e for e in entries if e.at <= self.when.at or (e.write.mark and e.write.mark in billing)]
        decisions = self.store.decisions(entry.change for entry in wanted)
        for entry in wanted:
            read = holders.at(versions, entry.at)
            yield Written(entry, decisions.get(entry.change), read.since if read else None)


def _of(bound: Mapping[LineKey, Binding], key: LineKey) -> dict[LineKey, Binding]:
    """Every life and every difference of the key."""
    return {known: binding for known, binding in bound.items() if known.base == key.base}


def _means(key: LineKey, row: Row | None, word: str) -> bool:
    """Whether the word is one of the names of what the line counts; a sum counts each of its licences."""
    wanted = {word.strip().casefold(), *shipped().find(word)}
    names = {key.count.casefold(), key.name.casefold(), key.product.casefold(), *_skus(key)}
    if row is not None:
        names |= {row.text.casefold(), row.profile.name.casefold()}
    return bool(wanted & (names - {""}))


def _skus(key: LineKey) -> Sequence[str]:
    return key.count.removeprefix("licences:").split("+")


def _label(row: Row | None, key: LineKey, snapshot: Snapshot | None) -> str:
    if row is not None:
        return label(row, snapshot)
    name = shipped().name(key.count)
    return f"{name} ({key.name})" if key.name else name


def _seen(key: LineKey, snapshot: Snapshot | None) -> tuple[Observation, ...]:
    known = snapshot.observations if snapshot else {}
    return tuple(known[sku] for sku in _skus(key) if sku in known)


def _people(row: Row | None, key: LineKey, snapshot: Snapshot) -> Sequence[Member]:
    if row is not None:
        return tally(row, snapshot).people
    return [member for member in snapshot.members if member.licences.intersection(_skus(key))]
