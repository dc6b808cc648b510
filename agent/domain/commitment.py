"""Commitment: seats that were bought can be lowered for seven days, and then not before the renewal.

Microsoft's new commerce: each batch of added seats has its own seven days, a renewal opens them for all seats again,
and everything in one subscription renews on one day. Instants are UTC; both ends follow "from, up to but not at".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from agent.domain.counts import Status, Term
from agent.domain.terms import Chapter, later

WINDOW = timedelta(days=7)

# A date that moves by less has been corrected, by a clamped month or another time of day: that is no renewal.
_SHIFT = timedelta(days=15)


@dataclass(frozen=True, slots=True)
class Batch:
    """Seats that were bought, or renewed, together: they can be lowered from `bought` up to `closes`.

    From then on they are committed until `renews`. A purchase is known to lie between two readings; `bought` is the
    earlier one, so that nobody counts on a window that may be over.
    """

    seats: int
    bought: datetime
    closes: datetime
    renews: datetime

    def lowerable(self, at: datetime) -> bool:
        return at < self.closes or at >= self.renews

    def committed(self, at: datetime) -> int:
        return 0 if self.lowerable(at) else self.seats


def batches(told: Sequence[Chapter], term: Term, at: datetime) -> tuple[Batch, ...] | None:
    """The seats of one subscription at an instant, the oldest batch first; together they are its quantity.

    None where no reading told when its term ends. Empty where nothing is committed: in grace, suspended, deleted.
    """
    if not told or told[-1].ends is None:
        return None
    if told[-1].status is not Status.ENABLED:
        return ()
    lots: tuple[_Lot, ...] = ()
    until = at
    for chapter in told:
        if chapter.status is Status.ENABLED and chapter.ends is not None:
            running = _running(chapter, term, chapter.since)
            lots = _moved(_renewed(lots, until, running.start), chapter, running.start)
            until = running.end
    running = _running(told[-1], term, at)
    return tuple(_batch(lot, told[-1], running) for lot in _renewed(lots, until, running.start))


def committed(held: Sequence[Batch], at: datetime) -> int:
    """Seats that are owed whether anybody uses them or not."""
    return sum(batch.committed(at) for batch in held)


def closing(held: Sequence[Batch], at: datetime, within: timedelta) -> Batch | None:
    """The seats whose window is the next to close, if it does so `within` that time."""
    near = (batch for batch in held if at < batch.closes <= at + within)
    return min(near, key=lambda batch: batch.closes, default=None)


@dataclass(frozen=True, slots=True)
class _Lot:
    seats: int
    bought: datetime


@dataclass(frozen=True, slots=True)
class _Running:
    """A term from its beginning, or the purchase if that came later, to its end."""

    start: datetime
    end: datetime


def _batch(lot: _Lot, chapter: Chapter, running: _Running) -> Batch:
    told = chapter.deal.cancel_until if chapter.deal and lot.bought == running.start else None
    return Batch(lot.seats, lot.bought, told or lot.bought + WINDOW, running.end)


def _running(chapter: Chapter, term: Term, at: datetime) -> _Running:
    """The term that runs at an instant, counted in whole terms from the end that is known.

    An end that has passed while the purchase goes on is a renewal that the tenant does not show yet.
    """
    anchor = chapter.ends
    if anchor is None:
        raise ValueError("a term without an end has no beginning")
    near = ((at.year - anchor.year) * 12 + at.month - anchor.month) // term.months
    # Within the month of the anchor's day the guess may lie ahead.
    n = near if later(anchor, near * term.months) <= at else near - 1
    start, end = later(anchor, n * term.months), later(anchor, (n + 1) * term.months)
    created = chapter.created
    return _Running(max(start, created) if created and created <= at else start, end)


def _renewed(lots: tuple[_Lot, ...], until: datetime, start: datetime) -> tuple[_Lot, ...]:
    """Where a new term began at `start`, what was there before is one batch again, with a window of its own."""
    old = [lot for lot in lots if lot.bought < start]
    if not old or start <= until - _SHIFT:
        return lots
    return (_Lot(sum(lot.seats for lot in old), start), *lots[len(old) :])


def _moved(lots: tuple[_Lot, ...], chapter: Chapter, start: datetime) -> tuple[_Lot, ...]:
    """The batches after a reading: added seats are a new one, removed seats go from the newest."""
    more = chapter.quantity - sum(lot.seats for lot in lots)
    if more > 0:
        return (*lots, _Lot(more, max(start, chapter.before or start)))
    return _lowered(lots, -more)


def _lowered(lots: tuple[_Lot, ...], seats: int) -> tuple[_Lot, ...]:
    # Windows close in the order of purchase: whichever seats can still be lowered are among the newest.
    if not seats:
        return lots
    *older, newest = lots
    left = newest.seats - seats
    return (*older, replace(newest, seats=left)) if left > 0 else _lowered(tuple(older), -left)
