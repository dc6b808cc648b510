"""Settle what is open by reading, never by repeating.

An entry that is still INTENT after its process died may or may not have been sent: it is UNKNOWN. After the settle
window (the PSA can no longer execute it late) two looks that agree, far enough apart, decide.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from agent.domain.changes import Picture, Seen
from agent.engine.applying import bound
from agent.errors import ReadFailed
from agent.ports import Clock, Entry, EntryState, Psa, Store

log = structlog.get_logger()

_SETTLED = {
    Picture.AFTER: (EntryState.CONFIRMED, "settled by reading: it had happened"),
    Picture.BEFORE: (EntryState.NOT_APPLIED, "settled by reading: it never happened"),
    Picture.OTHER: (EntryState.CONFLICT, "settled by reading: the line shows neither the old nor the new values"),
    Picture.TWICE: (EntryState.CONFLICT, "settled by reading: more than one line carries its mark"),
}


@dataclass(frozen=True, slots=True)
class Recovery:
    psa: Psa
    store: Store
    clock: Clock
    recheck: timedelta

    def settle(self, companies: Collection[int]) -> datetime | None:
        """Look at every open entry that is due; returns when the next one is, if any stay open."""
        due = [self._settle(entry) for entry in self.store.entry_open() if entry.write.company in companies]
        return min((at for at in due if at is not None), default=None)

    def _settle(self, entry: Entry) -> datetime | None:
        now = self.clock.now()
        # Another agent may have slept between its intention and its request, until the next one took over.
        ready = max(entry.at, entry.taken_over or entry.at) + timedelta(seconds=self.psa.traits.settle)
        if now < ready:
            return ready
        try:
            seen = self.psa.look_for(entry.write)
        except ReadFailed as error:
            log.warning("entry.unsettled", entry=entry.id, key=str(entry.write.key), error=str(error))
            return now + self.recheck
        return self._judge(entry, seen, now)

    def _judge(self, entry: Entry, seen: Seen, now: datetime) -> datetime | None:
        earlier = entry.looked
        if earlier is None or earlier[0] is not seen.picture:
            self.store.looked(entry, seen.picture, now)
            return now + self.recheck
        if now - earlier[1] < self.recheck:
            return earlier[1] + self.recheck
        state, detail = _SETTLED[seen.picture]
        binding = bound(entry.write, seen) if state is EntryState.CONFIRMED else None
        self.store.close(entry, state, detail, now, binding)
        log.info("entry.settled", entry=entry.id, key=str(entry.write.key), state=state.value)
        return None
