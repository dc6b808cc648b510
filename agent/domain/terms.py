"""Terms of a purchase: for how long its seats are committed to, how often it is paid, and how that is known.

The tenant itself does not tell its terms. They come from the row, from the seller, or from a renewal that was seen; a
difference of dates alone says nothing (a monthly purchase that has renewed for a year looks like an annual one).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import pairwise

from agent.domain.counts import Coverage, Deal, Snapshot, Status, Subscription, Term
from agent.domain.periods import add_months

TERMS: Mapping[str, Term] = {
    "monthly/monthly": Term(1, 1),
    "annual/monthly": Term(12, 1),
    "annual/annual": Term(12, 12),
    "three-years/monthly": Term(36, 1),
    "three-years/annual": Term(36, 12),
    "three-years/three-years": Term(36, 36),
}
"""As rows write them: commitment, and how often it is paid."""

# How far a date may lie from the same day some months on: months without the day, and days that begin elsewhere.
_ABOUT = timedelta(days=3)
# No more than one monthly renewal fits between readings this far apart, so that twelve never look like an annual one.
_GAP = timedelta(days=28)


@dataclass(frozen=True, slots=True)
class Chapter:
    """What the readings from `since` on showed of one subscription, until the next chapter.

    `before` is the last reading that did not show it yet; None where the first reading of the tenant did.
    """

    since: datetime
    before: datetime | None
    quantity: int
    status: Status
    created: datetime | None
    renews: datetime | None
    deal: Deal | None = None

    @property
    def ends(self) -> datetime | None:
        """When its term is over: what the seller says, else the tenant's own date, which lags after a renewal."""
        return (self.deal and self.deal.ends) or self.renews


@dataclass(frozen=True, slots=True)
class History:
    """Of one tenant: its subscriptions' chapters by id, the oldest first, and when it was last read."""

    chapters: Mapping[str, tuple[Chapter, ...]] = field(default_factory=dict)
    read: datetime | None = None

    def told(self, seen: Subscription, snapshot: Snapshot) -> tuple[Chapter, ...]:
        """The chapters of a subscription up to a snapshot, whether that is in the history already or not."""
        known = self.chapters.get(seen.id, ())
        before = self.read if self.read and self.read < snapshot.taken_at else None
        news = next_chapter(known[-1] if known else None, seen, snapshot, before)
        return known if news is None else (*known, news)


UNREAD = History()


@dataclass(frozen=True, slots=True)
class Renewal:
    """A renewal that was seen: the date moved on from `at` to `until`, and the seats were there before and after."""

    at: datetime
    until: datetime
    seats: int
    term: Term


@dataclass(frozen=True, slots=True)
class Known:
    """A term, and who says so."""

    term: Term
    says: str


def next_chapter(
    last: Chapter | None, seen: Subscription, snapshot: Snapshot, before: datetime | None
) -> Chapter | None:
    """The chapter that a snapshot opens; None where it shows what the last one says. `before` is the reading before.

    What a seller said stays known while the seller is not asked or does not answer.
    """
    remembered = last.deal if last else None
    told = seen.deal if Coverage.TERMS in snapshot.coverage else remembered
    now = Chapter(snapshot.taken_at, before, seen.quantity, seen.status, seen.created, seen.renews, told)
    return None if last is not None and _same(last, now) else now


def known_term(stated: Term | None, told: Sequence[Chapter]) -> Known | None:
    """The row's word, else the seller's, else what a renewal proves; None where nobody knows."""
    if stated is not None:
        return Known(stated, "the row says so")
    return learnt_term(told)


def learnt_term(told: Sequence[Chapter]) -> Known | None:
    """The term without the row's word."""
    deal = told[-1].deal if told else None
    if deal is not None:
        return Known(deal.term, f"{deal.by} says so")
    seen = proven(told)
    if seen is None:
        return None
    moved = f"its date moved from {seen.at:%Y-%m-%d} to {seen.until:%Y-%m-%d}"
    return Known(seen.term, f"proven by its renewal with {seen.seats} seats: {moved}")


def proven(told: Sequence[Chapter]) -> Renewal | None:
    """The last move of the date, if it was a renewal beyond doubt.

    It was one if the purchase was in force before and after, if the old date had come when the new one was seen, if the
    two readings lie less than a month apart, and if the date moved by about one of the terms there are. Entering or
    leaving the month of grace moves the date as well.
    """
    moves = [(old, new) for old, new in pairwise(told) if old.renews != new.renews or old.status is not new.status]
    if not moves:
        return None
    old, new = moves[-1]
    if old.renews is None or new.renews is None or new.before is None:
        return None
    in_force = old.status is new.status is Status.ENABLED and old.quantity > 0 and new.quantity > 0
    if not in_force or old.renews > new.since or new.since - new.before >= _GAP:
        return None
    lengths = (months for months in (1, 12, 36) if abs(later(old.renews, months) - new.renews) <= _ABOUT)
    length = next(lengths, None)
    return Renewal(old.renews, new.renews, new.quantity, Term(length)) if length else None


def later(moment: datetime, months: int) -> datetime:
    """The same time of day so many months on; a month that lacks the day takes its last."""
    return datetime.combine(add_months(moment.date(), months), moment.timetz())


def _same(last: Chapter, now: Chapter) -> bool:
    return last == replace(now, since=last.since, before=last.before)
