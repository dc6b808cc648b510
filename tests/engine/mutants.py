"""Engines that have been weakened: each breaks one promise of the protocol, and the story must notice.

A weakness stands between the engine and a port, above the onlooker, so the laws are judged as for the real engine.
"""

from __future__ import annotations

from collections.abc import Container
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from agent.domain.changes import Outcome, Picture, Planned, Receipt, Seen, Write
from agent.domain.counts import NO_NEEDS, Account, Needs, Snapshot
from agent.domain.keys import LineKey
from agent.domain.ownership import BindingState
from agent.engine.planning import Policy
from agent.errors import Incomplete, ReadFailed
from agent.ports import Binding, Entry, EntryState, Learnt, Memory
from tests.engine.here import Seats
from tests.engine.memory_psa import Fault, ReadFault


class Weakness:
    """None. Subclasses put something else in place of one port or of the policy.

    `meets` are the only troubles to tell of, where few histories would meet those that matter.
    """

    meets: tuple[str, ...] = ()
    alone = True  # a second agent on the same store is refused

    def source(self, source: Any) -> Any:
        return source

    def psa(self, psa: Any) -> Any:
        return psa

    def store(self, store: Any) -> Any:
        return store

    def policy(self, policy: Policy) -> Policy:
        return policy


class Passing:
    """A port that passes on all that a subclass does not name."""

    def __init__(self, inner: Any) -> None:
        self.inner = inner

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)


class SendsAgain(Weakness):
    """What got no answer is sent once more, as an HTTP library's retries would."""

    class psa(Passing):
        def execute(self, write: Write) -> Receipt:
            receipt = self.inner.execute(write)
            return self.inner.execute(write) if receipt.outcome is Outcome.UNKNOWN else receipt


class NeverWaits(Weakness):
    """A write that cannot be seen at once is taken for one that never happened."""

    class psa(Passing):
        @property
        def traits(self) -> Any:
            return replace(self.inner.traits, settle=0)

    def policy(self, policy: Policy) -> Policy:
        return replace(policy, recheck=timedelta(0))


class LowersAtOnce(Weakness):
    """One read is enough to lower a quantity."""

    def policy(self, policy: Policy) -> Policy:
        return replace(policy, recheck=timedelta(0))


class BelievesAnyRead(Weakness):
    """A tenant that could not be read in full has what was read of it."""

    class source(Passing):
        def observe(self, account: Account, needs: Needs = NO_NEEDS) -> Snapshot:
            try:
                return self.inner.observe(account)
            except Incomplete:
                return Seats(self.inner.clock, {sku: n // 2 for sku, n in self.inner.seats.items()}).observe(account)


class BelievesAnyList(Weakness):
    """An agreement whose lines could not all be read has none."""

    meets = tuple(ReadFault)

    class psa(Passing):
        def lines(self, agreement: int) -> Any:
            try:
                return self.inner.lines(agreement)
            except ReadFailed:
                return ()


class NeverCompares(Weakness):
    """A line is overwritten without a look at what it shows by now."""

    class psa(Passing):
        sent: Write | None = None

        def look_for(self, write: Write) -> Seen:
            return self.inner.look_for(write) if self.sent is write else Seen(Picture.BEFORE)

        def execute(self, write: Write) -> Receipt:
            self.sent = write
            return self.inner.execute(write)


class WritesItDownLater(Weakness):
    """The intention is stored together with what became of it."""

    class store(Passing):
        def intend(self, run: str, planned: Planned, write: Write, at: datetime) -> Entry:
            self.intended = (run, planned, write, at)
            return Entry(0, run, write, EntryState.INTENT, at)

        def close(
            self, entry: Entry, state: EntryState, detail: str, at: datetime, binding: Binding | None = None
        ) -> None:
            self.inner.close(self.inner.intend(*self.intended), state, detail, at, binding)


class ForgetsBindings(Weakness):
    """That a line is ours is known from its mark alone."""

    class store(Passing):
        def close(
            self, entry: Entry, state: EntryState, detail: str, at: datetime, binding: Binding | None = None
        ) -> None:
            self.inner.close(entry, state, detail, at)

        def learn(self, run: str, learnt: Learnt, at: datetime) -> None:
            self.inner.learn(run, replace(learnt, bindings=()), at)


class RemembersInTheChange(Weakness):
    """That a line exists is a part of the change that made it or moved it last, and goes with a change that failed."""

    def __init__(self) -> None:
        self.failed: set[LineKey] = set()

    def store(self, store: Any) -> Any:
        def close(entry: Entry, state: EntryState, *others: Any) -> None:
            store.close(entry, state, *others)
            (self.failed.discard if state is EntryState.CONFIRMED else self.failed.add)(entry.write.key)

        def memory(*args: Any) -> Memory:
            known: Memory = store.memory(*args)
            return replace(known, bindings={k: b for k, b in known.bindings.items() if k not in self.failed})

        passing = Passing(store)
        passing.close, passing.memory = close, memory  # type: ignore[attr-defined]
        return passing


class IgnoresMarks(Weakness):
    """That a line is ours is known from the store alone."""

    class psa(Passing):
        def lines(self, agreement: int) -> Any:
            return [replace(line, mark="") for line in self.inner.lines(agreement)]


class MakesLinesAgain(Weakness):
    """A bound line that has gone is made anew."""

    def __init__(self) -> None:
        self.seen: set[int] = set()

    def psa(self, psa: Any) -> Any:
        def lines(agreement: int) -> Any:
            found = psa.lines(agreement)
            self.seen = {line.id for line in found}
            return found

        passing = Passing(psa)
        passing.lines = lines  # type: ignore[attr-defined]
        return passing

    def store(self, store: Any) -> Any:
        def memory(*args: Any) -> Memory:
            known: Memory = store.memory(*args)
            return replace(known, bindings={k: b for k, b in known.bindings.items() if b.line in self.seen})

        passing = Passing(store)
        passing.memory = memory  # type: ignore[attr-defined]
        return passing


class NobodyIsFenced(Weakness):
    """A second agent may work with the store while the first sleeps in mid-cycle, and neither knows of the other."""

    alone = False
    meets = ("second agent meanwhile",)


class _All(Container[str]):
    def __contains__(self, digest: object) -> bool:
        return True


class NeverAsks(Weakness):
    """Whatever a guard holds is taken for approved."""

    class store(Passing):
        def memory(self, *args: Any) -> Memory:
            return replace(self.inner.memory(*args), approved=_All(), rejected=frozenset())


class ForgetsKeptLines(Weakness):
    """That a person keeps a line as it is holds until the next cycle."""

    class store(Passing):
        def memory(self, *args: Any) -> Memory:
            return replace(self.inner.memory(*args), kept={})


class WritesReleasedLines(Weakness):
    """A line that a person took over for good goes on as one of ours."""

    class store(Passing):
        def memory(self, *args: Any) -> Memory:
            known: Memory = self.inner.memory(*args)
            ours = {key: _live(binding) for key, binding in known.bindings.items()}
            return replace(known, bindings=ours)


def _live(binding: Binding) -> Binding:
    released = binding.state is BindingState.RELEASED
    return replace(binding, state=BindingState.LIVE) if released else binding


class BelievesShortPages(Weakness):
    """A list of lines that lost its last page is taken for whole: what was on it is not there."""

    meets = (Fault.ANSWER_LOST, ReadFault.SHORT)

    class psa(Passing):
        def lines(self, agreement: int) -> Any:
            try:
                return self.inner.lines(agreement)
            except Incomplete:
                return list(self.inner.lines(agreement))[:-1]

        def look_for(self, write: Write) -> Seen:
            try:
                return self.inner.look_for(write)
            except Incomplete:
                return Seen(Picture.BEFORE)


MUTANTS = (
    SendsAgain,
    NeverWaits,
    LowersAtOnce,
    BelievesAnyRead,
    BelievesAnyList,
    NeverCompares,
    WritesItDownLater,
    ForgetsBindings,
    RemembersInTheChange,
    IgnoresMarks,
    MakesLinesAgain,
    NeverAsks,
    NobodyIsFenced,
    BelievesShortPages,
    ForgetsKeptLines,
    WritesReleasedLines,
)
