"""The ledger of the past, gathered from what the store remembers, and a person's decisions about it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from zoneinfo import ZoneInfo

from agent.domain.counts import Account
from agent.domain.findings import Code, Finding
from agent.domain.keys import LineKey, Role
from agent.domain.ledger import KEYED, MONTHS, Cut, Gap, Made, Settlement, by_periods, course, made_by, part_written
from agent.domain.mappings import Mappings
from agent.domain.periods import DAY
from agent.domain.proration import Convention
from agent.domain.settling import Asked, objection, settled
from agent.errors import TrueupError
from agent.ports import Entry, SeenGap, Store, Version


class NoSuchGap(TrueupError):
    """The number names no gap of the ledger."""


class CannotSettle(TrueupError):
    """What a person asks for does not fit how the gap stands."""


@dataclass(frozen=True)
class Past:
    """One look at the ledger. Reads the store and nothing else."""

    store: Store
    convention: Convention
    zone: ZoneInfo
    mappings: Mappings
    now: datetime
    company: int | None = None

    @property
    def today(self) -> date:
        return self._day(self.now)

    @property
    def cut(self) -> Cut:
        return Cut.now(self.today)

    def month(self, first: date | None) -> tuple[Cut, Cut, date]:
        """Where a month (None: the present one) begins and ends, and its last day as far as it has gone."""
        whole = MONTHS.containing(first or self.today)
        if whole.start > self.today:
            raise TrueupError(f"{whole.start:%B %Y} has not begun", "Ask for the present month, or an earlier one")
        if self.today in whole:
            return Cut.before(whole.start), self.cut, self.today
        return Cut.before(whole.start), Cut.before(whole.end), whole.last_day

    def gaps(self) -> tuple[Gap, ...]:
        """All of them, the oldest first."""
        decided: dict[int, list[Settlement]] = {}
        for one in self.store.settlements(self.company):
            decided.setdefault(one.gap, []).append(one)
        written = self._written() if self._seen else {}
        return tuple(self._gap(gap, decided.get(gap.id, ()), written) for gap in self._seen)

    @cached_property
    def _seen(self) -> Sequence[SeenGap]:
        return self.store.gaps(self.company)

    @cached_property
    def _first(self) -> datetime:
        return min((gap.since for gap in self._seen), default=self.now)

    def gap(self, number: int) -> Gap:
        """Raises `NoSuchGap`."""
        found = next((gap for gap in self.gaps() if gap.id == number), None)
        if found is None:
            raise NoSuchGap(f"There is no gap {number}", "List them with: trueup ledger, or GET /ledger")
        return found

    def readings(self, gap: Gap) -> tuple[Version[str], ...]:
        """What was read when the gap was first seen: the account, with the hash of what is stored of that reading."""
        seen = next(one for one in self._seen if one.id == gap.id)
        keyed = gap.code in KEYED
        account = LineKey.parse(gap.subject).account if keyed else _counted(seen.finding)[0]
        # The oldest of them is the one that was in force: asked for by the instant, not by the day.
        versions = self.store.snapshots(Account.parse(account), seen.since)
        return tuple(Version(one.since, one.last, account, one.digest) for one in versions[:1])

    def settle(self, number: int, asked: Asked) -> Gap:
        """Record what a person decided, and tell how the gap stands then. Raises `NoSuchGap` and `CannotSettle`."""
        gap = self.gap(number)
        why = objection(gap, asked, self.today) or (self._against_writing(gap) if asked.write else "")
        if why:
            raise CannotSettle(f"Gap {number} cannot be settled like this: {why}", f"See: trueup ledger show {number}")
        # The store compares this number in the transaction that records: what was looked at here may be past by then.
        record = settled(gap, asked, self.today, self.now)
        newest = max((one.id for one in gap.settlements), default=0)
        if self.store.settle(record, newest, gap.licence) is None:
            what = f"Somebody else has just decided about gap {number}"
            raise CannotSettle(what, f"Look again: trueup ledger show {number}")
        return self.gap(number)

    def _against_writing(self, gap: Gap) -> str:
        known = self.store.standings(gap.company, self.now)
        now = known[-1].value.agreements.get(gap.agreement) if known and gap.agreement is not None else None
        if now is not None and now.months == 1:
            return ""
        return f"agreement {gap.agreement} is not billed by the month: export the schedule, and enter it by hand"

    def _gap(self, seen: SeenGap, decided: Sequence[Settlement], written: Mapping[object, Sequence[Entry]]) -> Gap:
        finding = seen.finding
        apart = next(apart for _, apart in reversed(seen.course) if apart is not None)
        closed = self._day(seen.closed) if seen.closed else None
        found = course([(self._day(at), apart) for at, apart in seen.course], closed)
        entries = written.get(_place(seen), ())
        return Gap(
            seen.id,
            seen.company,
            finding.code,
            finding.subject,
            finding.sentence,
            apart.licence,
            apart.agreement,
            apart.product,
            apart.units,
            self._day(seen.since),
            closed,
            by_periods(found, apart.whole, self.today + DAY) if apart.whole else found,
            self.convention,
            tuple(self._made(entries, seen.since)),
            tuple(decided),
            self._excluded(seen),
            apart.whole is not None,
            frozenset(part_written(entry.write.key) for entry in entries if entry.write.key.role is Role.PAST),
        )

    def _written(self) -> Mapping[object, Sequence[Entry]]:
        """Confirmed writes by the line's key, and by the account and licence that they count."""
        found: dict[object, list[Entry]] = {}
        for entry in self.store.confirmed(self._first, self.company):
            base, write = entry.write.key.base, entry.write
            # A licence that nobody had mapped has no line to be found by, but the row that came later counts it.
            for place in (base, (write.company, base.account, base.count)):
                found.setdefault(place, []).append(entry)
        return found

    def _made(self, entries: Iterable[Entry], since: datetime) -> Iterator[Made]:
        for entry in entries:
            # An earlier write to the same line is what the mismatch was found against.
            if entry.at >= since:
                yield from made_by(entry.write, self._day(entry.at), entry.id)

    def _excluded(self, seen: SeenGap) -> str:
        if seen.finding.code in KEYED:
            return ""
        account, licence = _counted(seen.finding)
        found = self.mappings.excluded(account).get(licence)
        return found.reason if found else ""

    def _day(self, at: datetime) -> date:
        return at.astimezone(self.zone).date()


def _place(seen: SeenGap) -> object:
    """Where the writes to a finding's lines are found."""
    finding = seen.finding
    return LineKey.parse(finding.subject).base if finding.code in KEYED else (seen.company, *_counted(finding))


def _counted(finding: Finding) -> tuple[str, str]:
    """The account and the licence of a finding that no line has; seats left over have their purchase behind these."""
    account, _, licence = finding.subject.partition("/")
    return account, licence.partition("/")[0] if finding.code is Code.LEFTOVER_SEATS else licence
