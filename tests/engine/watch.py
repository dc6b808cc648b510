"""An onlooker who sees both sides, the store and the PSA as it truly is, and states what must never happen.

The laws are those of reliability 2.2. They are written from the wishes of the admin and the deeds of people alone, so
that no judgement of the engine's own planning is believed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import takewhile
from typing import Any

from agent.domain.agreements import Line
from agent.domain.changes import AddLine, EndLine, Planned, Receipt, SetPrice, SetQuantity, Write
from agent.domain.keys import LineKey, Mark, Role, installation_tag, key_tag
from agent.domain.mappings import Mode
from agent.domain.ownership import Binding, BindingState, picture
from agent.domain.periods import DAY
from agent.ports import Entry, EntryState, Learnt
from agent.psa.connectwise.pen import seen
from tests.engine.here import AGREEMENT, BEGIN, COMPANY, RECHECK
from tests.engine.stacks import INSTALLATION, Stack

Picture = Mapping[str, str]
Readings = dict[LineKey, list[tuple[datetime, int]]]

_OURS = f"TU{installation_tag(INSTALLATION)}"

# What a person may have meant; price and text are ours to set where a profile names them.
_MEANT = ("quantity", "included", "start", "end")


JUDGED: Counter[str] = Counter()  # how often this process has held each law against something


class Broken(AssertionError):
    """A law was broken. Says which, by its name in reliability 2.2."""

    @property
    def law(self) -> str:
        return str(self).partition(":")[0]


def require(holds: bool, law: str, *evidence: object) -> None:
    JUDGED[law] += 1
    if not holds:
        raise Broken(f"{law}: {'; '.join(map(str, evidence))}")


@dataclass(slots=True)
class Watch:
    """`rows` are the keys that the mapping files ask for now, and whether each may adopt a line; `readings` what each
    asked for at every whole read that the agent lived to remember; `approvals` digests until when."""

    stack: Stack
    mode: Mode
    store: Any = None
    began: datetime = BEGIN  # when the present cycle did
    planned: dict[int, Planned] = field(default_factory=dict)
    sends: dict[int, int] = field(default_factory=dict)
    sent: int = 0
    readings: Readings = field(default_factory=dict)
    rows: dict[LineKey, bool] = field(default_factory=dict)
    unlearnt: dict[LineKey, tuple[datetime, int]] = field(default_factory=dict)
    approvals: dict[str, datetime] = field(default_factory=dict)
    edited: dict[int, Picture] = field(default_factory=dict)  # as the agent knew them before a person edited them
    meanwhile: dict[int, Picture] = field(default_factory=dict)  # the same within the cycle that runs
    ours: set[int] = field(default_factory=set)
    bases: dict[int, LineKey] = field(default_factory=dict)
    deleted: dict[int, Line] = field(default_factory=dict)
    handled: set[int | str | None] = field(default_factory=set)  # lines and marks that a person has had a hand on
    excused: Counter[str] = field(default_factory=Counter)
    invoiced_to: dict[int, date] = field(default_factory=dict)
    strangers: dict[int, Line] = field(default_factory=dict)
    restored: set[int] = field(default_factory=set)
    states: Counter[EntryState] = field(default_factory=Counter)
    kept: dict[LineKey, int] = field(default_factory=dict)  # at how many, by a person's word that the store remembers
    released: frozenset[LineKey] = frozenset()

    # What the agent does, seen on its way through.

    def intends(self, entry: Entry, planned: Planned) -> None:
        self.planned[entry.id] = planned

    def sends_write(self, write: Write, execute: Callable[[Write], Receipt]) -> Receipt:
        entries = [e for e in self.store.entry_open() if e.write == write and e.id not in self.sends]
        require(bool(entries), "I4 every request has its own committed intent", write.sentence)
        entry = entries[-1]
        require(entry.state is EntryState.INTENT, "I4 what is unknown is not sent again", write.sentence)
        self._judge(write, self.planned[entry.id])
        self.sends[entry.id] = self.sent
        self.sent += 1
        receipt = execute(write)
        if write.mark:
            self.excused[write.mark] += max(0, self.stack.executed(self.sends[entry.id]) - 1)
        return receipt

    def closes(self, entry: Entry, state: EntryState, binding: Binding | None) -> None:
        self.states[state] += 1
        number = self.sends.get(entry.id)
        if state is EntryState.CONFIRMED:
            self._confirmed(entry, binding)
        elif state in (EntryState.NOT_APPLIED, EntryState.REFUSED) and entry.id not in self.restored:
            happened = number is not None and (self.stack.executed(number) or self.stack.pending(number))
            undone = bool({entry.write.line, entry.write.mark} & self.handled)
            require(not happened or undone, "I9 what happened is not forgotten", entry)

    def learns(self, learnt: Learnt) -> None:
        for key, reading in self.unlearnt.items():
            self.readings.setdefault(key, []).append(reading)
        self.unlearnt.clear()
        for b in learnt.bindings:
            if b.key.role is Role.BASE and b.state is BindingState.LIVE:
                self.bases[b.line] = b.key.base
                # Read as just what the row asks for: theirs is the base from here on, whatever they do a moment later.
                if self.readings.get(b.key.base, [(None, -1)])[-1][1] == int(b.confirmed.get("quantity", -1)):
                    self.edited.pop(b.line, None)

    def forget(self, readings: Readings) -> None:
        """The store has been lost or set back: what only it could know, nobody knows."""
        self.readings = {key: [*known] for key, known in readings.items()}
        self.planned.clear()
        self.sends.clear()
        self.edited.clear()
        self.meanwhile.clear()
        self.deleted.clear()
        self.hears()
        self.restored = {entry.id for entry in self.store.entry_open()}
        marked = {id for id, line in self.stack.now.items() if line.mark}
        self.bases = {id: key for id, key in self.bases.items() if id in marked}
        self.bases |= {b.line: b.key.base for b in self.bindings() if b.key.role is Role.BASE and b.state == "live"}

    # What a person does.

    def edits(self, line: Line) -> None:
        """What the store has never seen, it cannot see being changed."""
        self.handled |= {line.id, line.mark}
        known = next((b.confirmed for b in self.bindings() if b.line == line.id), None)
        if known:
            self.meanwhile.setdefault(line.id, known)

    def deletes(self, line: Line) -> None:
        self.handled |= {line.id, line.mark}
        if line.id in {b.line for b in self.bindings() if b.state is not BindingState.ENDED}:
            self.deleted[line.id] = line

    def settles(self) -> None:
        self.unlearnt.clear()
        self.edited = self.meanwhile | self.edited
        self.meanwhile.clear()

    def approves(self, digest: str, until: datetime) -> None:
        self.approvals[digest] = until

    def reads(self, key: LineKey, wanted: int) -> None:
        self.unlearnt[key] = (self.stack.clock.now(), wanted)

    def invoices(self, boundary: date) -> None:
        """Every line is billed up to the new boundary, or to its end."""
        for id, line in self.stack.now.items():
            if line.quantity and line.start and line.start < boundary:
                self.invoiced_to[id] = max(self.invoiced_to.get(id, date.min), min(boundary, line.end or boundary))

    def says(self, verb: str, key: LineKey) -> None:
        """A person's word about a key: what they made of its lines is what is known of them once they give it back."""
        if verb == "take":
            for line in self.lines_of(key):
                self.edited.pop(line.id, None)
                self.meanwhile.pop(line.id, None)
                self.ours.add(line.id)
        self.hears()

    def hears(self) -> None:
        self.kept = {one.key: one.terms.quantity for _, one in self.store.kept(COMPANY)}
        self.released = frozenset(binding.key.base for _, binding in self.store.released(COMPANY))

    # What stands.

    def lines_of(self, key: LineKey) -> list[Line]:
        """Open lines that carry a mark of the key, or that a binding names."""
        tag = f"{_OURS}{key_tag(key)}"
        now = [line for line in self.stack.now.values() if line.open]
        return [line for line in now if line.mark.startswith(tag) or self.bases.get(line.id) == key]

    def belongs(self, line: Line, key: LineKey) -> bool:
        return self.bases.get(line.id) == key or line.mark.startswith(f"{_OURS}{key_tag(key)}")

    def bases_of(self, key: LineKey) -> list[Line]:
        found = [(line, Mark.read(line.mark)) for line in self.lines_of(key)]
        return [line for line, mark in found if mark is None or mark.role is Role.BASE]

    def bindings(self) -> Collection[Binding]:
        memory = self.store.memory("connectwise", COMPANY, [AGREEMENT], self.stack.clock.now())
        return list(memory.bindings.values())

    def standing(self, key: LineKey) -> int:
        return sum(int(line.quantity) for line in self.lines_of(key))

    def after_each_step(self) -> None:
        now = self.stack.now
        gone = [id for id in self.bases if id not in now and id not in self.handled]
        require(not gone, "I2 a line that we bound does not vanish", gone)
        marks = Counter(line.mark for line in now.values() if line.mark and line.live(self.stack.clock.today()))
        twice = {mark: n for mark, n in marks.items() if n > 1 + self.excused[mark]}
        require(not twice, "I1 no two lines bear one mark", twice)
        for id, line in self.strangers.items():
            require(now.get(id) == line, "nobody else's line is touched", line, now.get(id))
        known = {entry.id for entry in self.store.entries(limit=10_000)}
        require(self.sends.keys() <= known, "I9 no entry is dropped", self.sends.keys() - known)
        for key in self.rows:
            found = [line for line in self.bases_of(key) if line.id not in self.handled]
            bases = [line for line in found if not self.excused[line.mark]]
            require(len(bases) <= 1, "I1 a key has one standing line", bases)

    def _judge(self, write: Write, planned: Planned) -> None:
        change, now = planned.change, self.stack.clock.now()
        require((write.company, write.agreement) == (COMPANY, AGREEMENT), "the company's own agreement", write)
        require(self.mode is not Mode.REPORT, "report never writes", write.sentence)
        require(change.key.base not in self.released, "T12 a released line is left alone", write.sentence)
        needs = [why for why in self._needs_approval(write, planned) if why]
        approved = self.approvals.get(planned.digest, now) > now
        empties = [why for why in needs if why == "to zero"]
        require(approved or not empties, "I2 nothing ends or empties unless a person said so", change.sentence)
        require(approved or not needs, "a person decides first", needs, change.sentence, write.sentence)
        self._quantity(planned)
        if write.line is None:
            self._creates(write)
        else:
            self._moves(write)

    def _needs_approval(self, write: Write, planned: Planned) -> list[str]:
        change, holding = planned.change, planned.change.holding
        lines = [holding.base, *(d.line for d in holding.deltas)] if holding else []
        base = holding.base if holding else None
        strange = base and not base.mark and base.id not in self.ours and not self.rows.get(change.key)
        return [
            "mode is review" if self.mode is Mode.REVIEW else "",
            "to zero" if isinstance(change, EndLine) or change.after.quantity == 0 else "",
            "price" if isinstance(change, SetPrice) else "",
            "edited by a person" if any(map(self._meant_otherwise, lines)) else "",
            "first write to somebody's line" if strange else "",
        ]

    def _meant_otherwise(self, line: Line) -> bool:
        before = self.edited.get(line.id)
        return before is not None and any(before[name] != picture(line)[name] for name in _MEANT)

    def _quantity(self, planned: Planned) -> None:
        """I3: only what was read just now, and lower only what two reads agree on."""
        change = planned.change
        readings = self.readings.get(change.key.base, [])
        if change.key.base not in self.rows:
            require(isinstance(change, EndLine), "a line without a row is only ended", change)
            return
        if not isinstance(change, (AddLine, SetQuantity, EndLine)):
            same = change.before is not None and change.before.quantity == change.after.quantity
            require(same, "I3 only a change of quantity moves one", change)
            return
        now = self.stack.clock.now()
        fresh = bool(readings) and readings[-1][0] >= self.began and readings[-1][1] == change.after.quantity
        require(fresh, "I3, I6 only what a whole read said is written", change.sentence, readings[-3:])
        # What a person keeps a line at is their word, which no second reading has to confirm.
        lowered = change.before is not None and change.after.quantity < change.before.quantity
        if lowered and change.key.base not in self.kept:
            agreed = list(takewhile(lambda reading: reading[1] == change.after.quantity, reversed(readings)))
            oldest = agreed[-1][0]
            require(now - oldest >= timedelta(seconds=RECHECK), "T11 lower only by two reads", change.sentence)

    def _creates(self, write: Write) -> None:
        agreement, start = self.stack.agreement, date.fromisoformat(write.after["start"])
        require(agreement.prorates or not agreement.invoiced(start), "I5 whole periods stay billed", write.sentence)
        if write.key.role is not Role.BASE:
            return
        theirs = [line for line in self.stack.now.values() if self._adoptable(line, write)]
        require(not theirs, "I1 a line that is there is taken over, not made again", write.sentence, theirs)
        for id in [id for id, key in self.bases.items() if key == write.key.base]:
            line = self.stack.now.get(id)
            require(line is None or not line.open, "I1 a key has one standing line", write.sentence, line)
            gone = line is None and id in self.deleted and self.deleted[id].open
            require(not gone, "I2 a line that has gone is not made again", write.sentence, self.deleted.get(id))

    def _adoptable(self, line: Line, write: Write) -> bool:
        known = self.handled | self.strangers.keys() | self.bases.keys()
        return line.open and not line.mark and line.identifier == write.after["product"] and line.id not in known

    def _moves(self, write: Write) -> None:
        line = self.stack.now.get(write.line or 0)
        require("start" not in write.after, "I5 a first day never moves", write.sentence)
        if self.stack.lag or line is None:
            return
        present: Mapping[str, str] = seen(line)
        same = all(present[name] == value for name, value in write.before.items())
        require(same, "T12 only what was compared is overwritten", write.sentence, dict(write.before), present)
        if "end" in write.after:
            end, billed = date.fromisoformat(write.after["end"]), self.invoiced_to.get(line.id)
            empty = line.start is not None and end == line.start + DAY and write.after.get("quantity") == "0"
            frozen = billed is not None and end < min(billed, line.end or billed)
            require(empty or not frozen, "I5 what was invoiced stays as it was", write.sentence, billed)

    def _confirmed(self, entry: Entry, binding: Binding | None) -> None:
        write = entry.write
        then = entry.at - timedelta(seconds=1 + self.stack.lag)
        shown = any(_shows(write, lines) for lines in self.stack.was(then))
        require(shown, "what is confirmed was there", write.sentence)
        if binding is not None:
            self.ours.add(binding.line)
            self.edited.pop(binding.line, None)
            if binding.key.role is Role.BASE and binding.state is BindingState.LIVE:
                self.bases[binding.line] = binding.key.base


def _shows(write: Write, lines: Mapping[int, Line]) -> bool:
    if write.line is not None:
        candidates = [lines[write.line]] if write.line in lines else []
    else:
        candidates = [line for line in lines.values() if line.mark == write.mark]
    return any(all(seen(line).get(name) == value for name, value in write.after.items()) for line in candidates)


class Watched:
    """A port with the onlooker beside it: what is not named here passes as it is."""

    def __init__(self, inner: Any, watch: Watch) -> None:
        self._inner, self._watch = inner, watch

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._inner, name)
        if callable(found):
            self.__dict__[name] = found
        return found


class WatchedStore(Watched):
    def intend(self, run: str, planned: Planned, write: Write, at: datetime) -> Entry:
        entry: Entry = self._inner.intend(run, planned, write, at)
        self._watch.intends(entry, planned)
        return entry

    def close(self, entry: Entry, state: EntryState, detail: str, at: datetime, binding: Binding | None = None) -> None:
        self._inner.close(entry, state, detail, at, binding)
        self._watch.closes(entry, state, binding)

    def learn(self, run: str, learnt: Learnt, at: datetime) -> None:
        self._inner.learn(run, learnt, at)
        self._watch.learns(learnt)


class WatchedPsa(Watched):
    def execute(self, write: Write) -> Receipt:
        return self._watch.sends_write(write, self._inner.execute)
