"""Write here: one request at a time, journaled before it leaves and settled by reading after it did.

    intend (committed) -> compare the present with `before` -> execute once -> read back -> close the entry

Nothing here ever sends a request a second time. What stays unknown is left to recovery, which only reads.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import structlog

from agent.domain.changes import Outcome, Picture, Planned, Receipt, Seen, Write
from agent.domain.keys import Role
from agent.domain.ownership import Binding, BindingState, picture
from agent.errors import EntryOpen, ReadFailed
from agent.ports import Clock, Entry, EntryState, Psa, Store

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Tried:
    """How far a change came: the last write that was tried, and what became of it."""

    write: Write
    state: EntryState
    detail: str

    def completes(self, planned: Planned) -> bool:
        """Whether the change is carried out; a stop may have come between its writes."""
        return self.state is EntryState.CONFIRMED and self.write == planned.realisation.writes[-1]


@dataclass(frozen=True, slots=True)
class Applying:
    """Carries out what is ready. `stopping` is asked before each write: a stop lets the write in flight end; and
    `stands`, whether the write's agreement is still as the plan knew it."""

    psa: Psa
    store: Store
    clock: Clock
    stopping: Callable[[], bool]
    stands: Callable[[int], bool] = lambda agreement: True

    def apply(self, run: str, planned: Planned) -> Tried | None:
        """Carry out one change, write by write; the first that is not confirmed ends it. None: nothing was tried."""
        tried = None
        for write in planned.realisation.writes:
            if self.stopping() or not self.stands(write.agreement):
                return tried
            tried = self._write(run, planned, write)
            if tried is None or tried.state is not EntryState.CONFIRMED:
                return tried
        return tried

    def _write(self, run: str, planned: Planned, write: Write) -> Tried | None:
        try:
            entry = self.store.intend(run, planned, write, self.clock.now())
        except EntryOpen:
            log.info("write.blocked", key=str(write.key), run=run)
            return None
        state, detail, seen = self._attempt(write)
        binding = bound(write, seen) if state is EntryState.CONFIRMED and seen else None
        self.store.close(entry, state, detail, self.clock.now(), binding)
        _report(entry, state, detail, run)
        return Tried(write, state, detail)

    def _attempt(self, write: Write) -> tuple[EntryState, str, Seen | None]:
        try:
            seen = self.psa.look_for(write)
        except ReadFailed as error:
            # Nothing was sent, so nothing is unknown: the change is planned anew in the next cycle.
            return EntryState.REFUSED, f"not sent: the line could not be read first ({error})", None
        if seen.picture is Picture.AFTER:
            return EntryState.CONFIRMED, "was already so", seen
        if seen.picture is not Picture.BEFORE:
            return EntryState.CONFLICT, f"not sent: the line is not as planned ({_values(seen)})", seen
        receipt = self.psa.execute(write)
        if receipt.outcome is Outcome.DONE:
            return self._read_back(write, receipt)
        return _STATES[receipt.outcome], _told(receipt), None

    def _read_back(self, write: Write, receipt: Receipt) -> tuple[EntryState, str, Seen | None]:
        """Success is believed when the PSA shows every field we set: it has been seen to answer 200 and do nothing."""
        try:
            seen = self.psa.look_for(write)
        except ReadFailed as error:
            return EntryState.UNKNOWN, f"{_told(receipt)}, but could not be read back ({error})", None
        if seen.picture is Picture.AFTER:
            return EntryState.CONFIRMED, _told(receipt), seen
        return EntryState.UNKNOWN, f"{_told(receipt)}, but the line shows {_values(seen)}", seen


def bound(write: Write, seen: Seen) -> Binding | None:
    """The binding that a confirmed write proves; None where the PSA shows no line for it."""
    line = seen.line
    if line is None:
        return None
    ended = write.key.role in (Role.BASE, Role.REPLACED) and line.end is not None
    state = BindingState.ENDED if ended else BindingState.LIVE
    return Binding(write.key, line.id, line.mark, state, False, picture(line), write.boundary, write.locked)


_STATES = {
    Outcome.REFUSED: EntryState.REFUSED,
    Outcome.CONFLICT: EntryState.CONFLICT,
    Outcome.UNKNOWN: EntryState.UNKNOWN,
}


def _told(receipt: Receipt) -> str:
    status = f"{receipt.status} " if receipt.status else ""
    request = f" (request {receipt.request_id})" if receipt.request_id else ""
    return f"{status}{receipt.detail}{request}".strip()


def _values(seen: Seen) -> str:
    return f"{seen.picture}: " + ", ".join(f"{name} {value}" for name, value in sorted(seen.fields.items()))


def _report(entry: Entry, state: EntryState, detail: str, run: str) -> None:
    level = log.info if state is EntryState.CONFIRMED else log.warning
    level("write.closed", run=run, entry=entry.id, key=str(entry.write.key), state=state.value, detail=detail)
