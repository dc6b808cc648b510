"""The walk through a year: agent and ledger see the same days, and after each invoice must have come to one sum."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from fractions import Fraction

from tests.billing.deal import DAY
from tests.billing.ledger import Ledger
from tests.billing.readings import Readings
from tests.billing.site import Site
from tests.billing.whole import WholePeriods
from tests.billing.year import Event, Year, year

HALF_A_CENT = Fraction(1, 200)


@dataclass(slots=True)
class Walk:
    year: Year
    site: Site = field(init=False)
    readings: Readings = field(init=False)
    ledger: Ledger | WholePeriods = field(init=False)
    before: Fraction = field(init=False)
    told: list[str] = field(default_factory=list)
    read: date | None = None  # the day of the last reading
    stirred: bool = True
    expired: bool = False
    missed: int = 0  # invoices that an expired agreement does not get
    made: int = 0  # invoices that can be deleted
    deleted: int = 0  # and those that were, and are to be made again

    def __post_init__(self) -> None:
        told, deal = self.year, self.year.deal
        self.site = Site(deal, told.begin, told.next_invoice, told.paid)
        self.readings = Readings(deal)
        if told.paid:
            self.readings.asked[told.begin - DAY] = deal.billed(told.paid)
        kind = Ledger if deal.prorates else WholePeriods
        self.ledger = kind.opened(deal, self.readings, told.begin, told.next_invoice, told.paid)
        self.before = self.ledger.sum

    def through(self) -> None:
        for event in self.year.events:
            getattr(self, f"_{event.what}")(event)
        self._ends(self.year.events[-1].at + DAY)

    def _ends(self, at: datetime) -> None:
        """What was written last is invoiced with the next periods."""
        for n in range(3):
            self.stirred = True
            self._cycle(Event(at + n * DAY, 0, "cycle"))
            self._invoice(Event(at + n * DAY + timedelta(hours=1), 0, "invoice"))

    def _count(self, event: Event) -> None:
        self.site.tenant.sets(event.seats, event.at.date())
        self._tell(event)

    def _invoice(self, event: Event) -> None:
        if self.expired:
            self.missed += 1
            return
        self._again(event)
        self._makes(event)

    def _makes(self, event: Event) -> None:
        self.site.goes_to(event.at)
        self.site.invoice()
        self.ledger.invoice()
        self.made += 1
        self._tell(event)
        self._compare()

    def _undo(self, event: Event) -> None:
        """Somebody deletes the last invoice, and lets the agent look before anything else happens."""
        if self.expired or not self.made:
            return
        # What the invoice billed is known where a reading came between it and the next change.
        self._cycle(event)
        self.site.undo()
        self.ledger.undo()
        self.made, self.deleted = self.made - 1, self.deleted + 1
        self._tell(event)
        self._cycle(event)

    def _again(self, event: Event) -> None:
        while self.deleted and not self.expired:
            self.deleted -= 1
            self._makes(event)

    def _expire(self, event: Event) -> None:
        self.expired = True
        self.site.status("Expired")
        self._tell(event)

    def _renew(self, event: Event) -> None:
        self.expired = False
        self.site.status("Active")
        self._tell(event)
        for _ in range(self.missed):
            self._invoice(event)
        self.missed = 0

    def _cycle(self, event: Event) -> None:
        if not self.stirred:
            return
        at = event.at
        self.told.append(str(event))
        again = True
        while again:
            self.site.goes_to(at)
            again = self._runs()
            at += timedelta(seconds=61)
        self.stirred = False

    def _answer(self, event: Event) -> None:
        if not self.site.agent.store.holds():
            return
        self.site.goes_to(event.at)
        self._runs()
        self.site.answers()
        self.told.append(str(event))
        self._runs(answered=True)
        self.stirred = True

    def _runs(self, answered: bool = False) -> bool:
        """One cycle of both; whether the agent wrote something, or wants to come back within the minute."""
        before, now = self.site.standing, self.site.clock.now()
        result = self.site.cycle()
        self._reads(now)
        if self._acts(now, answered):
            self.ledger.acts(now.date())
        writes = [write.sentence for plan in result.plans for p in plan.ready for write in p.realisation.writes]
        waits = [p.realisation.note or p.holds for plan in result.plans for p in plan.planned if not p.ready]
        self.told.append(f"    {before} -> {self.site.standing} of {self.site.tenant.seats}: {writes} {waits}")
        assert self.site.standing == self.ledger.standing, self._story("the agent and the ledger stand apart")
        return bool(result.again or writes)

    def _reads(self, now: datetime) -> None:
        fresh = [(day, seats) for day, seats in self.site.tenant.bought if self.read and day >= self.read]
        self.readings.add(now, self.site.tenant.seats, fresh)
        self.read = now.date()

    def _acts(self, now: datetime, answered: bool) -> bool:
        """Whether what was read is to be written now, or waits for a renewal, another reading or a person."""
        deal, standing, counted = self.year.deal, self.ledger.standing, self.readings.counted
        vanishes = deal.shown(counted) == 0 and self.ledger.line
        asks = abs(deal.billed(counted) - standing) > deal.free or vanishes
        rests = self.expired or self.deleted > 0
        return not rests and self.readings.believed(now, standing) and (answered or not asks)

    def _tell(self, event: Event) -> None:
        self.told.append(str(event))
        self.stirred = True

    def _compare(self) -> None:
        exact, owed = self.site.invoiced, self.ledger.sum - self.before
        assert exact == owed, self._story(f"invoiced {float(exact):.4f}, owed {float(owed):.4f}")
        # Each line of an invoice is rounded once, so each may be half a cent off, and no more.
        printed = self.site.printed
        assert abs(sum(map(Fraction, printed)) - exact) <= HALF_A_CENT * len(printed)

    def _story(self, what: str) -> str:
        return "\n".join([what, str(self.year), *self.told[-60:], *self._apart(), *self.site.lines])

    def _apart(self) -> Iterator[str]:
        """On which days agent and ledger charged something else."""
        if not isinstance(self.ledger, Ledger):
            return
        charged, paid = self.site.charged, self.year.deal.billed(self.year.paid) if self.year.paid else 0
        for day in sorted({*charged, *self.ledger.charged}):
            theirs = charged[day] + (paid if day < self.year.next_invoice else 0)
            if theirs != self.ledger.charged[day]:
                yield f"    {day}: agent {theirs}, ledger {self.ledger.charged[day]}"


def walk(seed: int) -> Walk:
    walked = Walk(year(seed))
    walked.through()
    return walked
