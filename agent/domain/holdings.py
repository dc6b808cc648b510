"""Which lines of the PSA are ours, and how they bill each key today.

A line is ours because a binding says so, because it carries our mark, or because it is the only open line of the
row's product on the row's agreement (it is then adopted). Anything doubtful stops the key; nothing is repaired here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from itertools import count, islice, pairwise

from agent.domain.agreements import Agreement, Line
from agent.domain.changes import Delta, Holding
from agent.domain.findings import Code, Stop
from agent.domain.keys import LineKey, Mark, Role, installation_tag, key_tag
from agent.domain.ownership import Binding, BindingState, Charge, picture
from agent.domain.periods import Period


@dataclass(frozen=True, slots=True)
class Ground:
    """What the PSA and our memory say about one company's agreements."""

    psa: str
    installation: str
    company: int
    today: date
    agreements: Mapping[int, Agreement]
    lines: Mapping[int, Sequence[Line]]
    bindings: Mapping[LineKey, Binding]
    charges: Mapping[LineKey, tuple[Charge, ...]]
    boundaries: Mapping[int, date]
    open_keys: frozenset[LineKey] = frozenset()  # keys with a write whose outcome is open
    adopting: frozenset[LineKey] = frozenset()  # keys whose rows take over the line that is there, as it is
    replaced: frozenset[int] = frozenset()  # lines that are to end because a row takes their place
    elsewhere: tuple[Binding, ...] = ()  # of other companies with the same accounts, for lines that no row wants

    def reopened(self, agreement: int) -> Period | None:
        """The days whose invoices were deleted: the next invoice date has moved back, and what we remember has not."""
        known, before = self.agreements.get(agreement), self.boundaries.get(agreement)
        if known is None or known.next_invoice is None or before is None or before <= known.next_invoice:
            return None
        return Period(known.next_invoice, before)


@dataclass(slots=True)
class Owned:
    """The lines of one key, gathered: its base binding and line, its deltas, and why the key is stopped, if it is."""

    key: LineKey
    binding: Binding | None = None
    base: Line | None = None
    deltas: list[Delta] = field(default_factory=list)
    stopped: Stop | None = None
    edited: str = ""
    theirs: list[Binding] = field(default_factory=list)  # what a person changed, as bindings that accept it
    lives: int = 0  # how many base lines this key has had
    past: list[Line] = field(default_factory=list)  # bases that have ended: what they bill, none bills again
    news: list[Binding] = field(default_factory=list)  # other bindings of the key of which more is known now

    @property
    def holding(self) -> Holding | None:
        if self.base is None:
            return None
        opened = self.binding.boundary if self.binding else None
        standing, closed = (tuple(d for d in self.deltas if d.line.open is is_open) for is_open in (True, False))
        return Holding(self.base, standing, closed=closed, opened_before=opened)

    @property
    def bills(self) -> tuple[Line, ...]:
        """The lines that bill on for ever."""
        lines = (*([self.base] if self.base else []), *(d.line for d in self.deltas))
        return tuple(line for line in lines if line.open)

    @property
    def this_life(self) -> LineKey:
        """The key under which the present base is bound; another would bind the line a second time."""
        return self.binding.key if self.binding else self.key

    def next_life(self, ground: Ground) -> LineKey:
        """The key of a line to be made. A lost store miscounts the lives, so marks that stand on a line are skipped."""
        taken = {line.mark.strip() for line in ground.lines.get(self.key.agreement, ())}
        keys = (replace(self.key, part=str(life) if life > 1 else "") for life in count(self.lives + 1))
        return next(key for key in keys if str(Mark.of(ground.installation, key)) not in taken)


@dataclass(frozen=True, slots=True)
class Ownership:
    owned: Mapping[LineKey, Owned]
    learnt: tuple[Binding, ...]  # bindings that are new or whose state changed
    orphans: tuple[Owned, ...]  # ours, live, and wanted by no row
    foreign: tuple[Line, ...]  # marked by another installation
    twice: Mapping[int, str]  # agreement -> the mark that two lines carry, or one that is not the bound one
    strays: tuple[Line, ...]  # marked by us, live, and explained by no row and no memory


def ownership(ground: Ground, wanted: Iterable[LineKey]) -> Ownership:
    """Match the wanted keys, our bindings and the PSA's lines. Pure; the new bindings are in `learnt`."""
    keys = tuple(wanted)
    marked, foreign = _marked_lines(ground)
    twice = _twice(marked, ground.today)
    learnt = {b.key: b for b in _found_by_mark(ground, marked, keys)}
    bindings = {**ground.bindings, **learnt}
    learnt |= {b.key: b for b in _adopted(ground, keys, bindings)}
    bindings |= learnt
    owned = _gather(ground, bindings, keys)
    bases = [binding for o in owned.values() for binding in (o.binding, *o.news) if binding]
    learnt |= {b.key: b for b in bases if b != ground.bindings.get(b.key)}
    asked = set(keys)
    orphans = tuple(o for key, o in owned.items() if key.row not in asked and (o.base is not None or o.bills))
    copies, strays = _unbound(ground, marked, bindings, keys)
    twice |= {line.agreement: line.mark for line in copies}
    return Ownership(owned, tuple(learnt.values()), orphans, tuple(foreign), twice, tuple(strays))


def charged(
    key: LineKey, mine: Owned, ground: Ground, since: date
) -> tuple[tuple[tuple[Period, int], ...], list[Charge]]:
    """Seats billed for each invoiced stretch from `since` on, and the charges to remember.

    The invoice of a period billed what base and open deltas showed when the period became invoiced: the first reading
    after that is kept, because later quantities (seats that left without a credit) no longer say it. Bounded deltas
    come on top for their own days.
    """
    agreement = ground.agreements[key.agreement]
    base, boundary = mine.base, agreement.next_invoice
    if base is None or base.start is None or boundary is None or agreement.months is None:
        return (), []
    since = min(since, ground.boundaries.get(key.agreement, since))  # an invoice may be made after its period
    start = max(agreement.period(since).start, base.start)
    pieces = [*agreement.grid.between(start, boundary)]
    kept: list[Charge] = []
    parts: list[tuple[Period, int]] = []
    if not never_invoiced(mine.binding, boundary):
        kept += _invoiced(key.base, base, pieces, ground)
    for delta in mine.deltas:
        if delta.key.role is Role.AGAIN:
            continue  # the line that it makes up for is remembered with these seats
        if not delta.opened:
            parts += _on_its_days(delta.line, delta.seats)
        elif delta.invoiced(boundary):
            ended = [p for p in (_within(piece, delta.line) for piece in pieces) if p]
            kept += _invoiced(delta.key, delta.line, ended, ground)
    parts += [(charge.period, charge.quantity) for charge in kept]
    new = [charge for charge in kept if charge not in ground.charges.get(charge.key, ())]
    return tuple(_summed(pieces, parts)), new


def never_invoiced(binding: Binding | None, boundary: date) -> bool:
    """A line that we made and that no invoice has reached since: its first days are still to be caught up on.

    Raising it together with a difference line would bill the new seats for those days twice.
    """
    return binding is not None and binding.boundary is not None and boundary <= binding.boundary


def _invoiced(key: LineKey, line: Line, pieces: Iterable[Period], ground: Ground) -> Iterator[Charge]:
    """What the invoices billed a line: as remembered, else what it shows now."""
    remembered = {c.period.start: c for c in ground.charges.get(key, ())}
    before = ground.boundaries.get(key.agreement)
    for piece in pieces:
        newly = before is not None and piece.start >= before
        known = remembered.get(piece.start)
        shown = Charge(key, piece, int(line.quantity - line.included), line.price)
        yield shown if known is None or newly else known


def _on_its_days(line: Line, seats: int) -> list[tuple[Period, int]]:
    return [(Period(line.start, line.end), seats)] if line.start and line.end and line.start < line.end else []


def _within(piece: Period, line: Line) -> Period | None:
    start, end = max(piece.start, line.start or piece.start), min(piece.end, line.end or piece.end)
    return Period(start, end) if start < end else None


def _summed(pieces: Sequence[Period], parts: Sequence[tuple[Period, int]]) -> Iterator[tuple[Period, int]]:
    """Each piece, cut where a part begins or ends, with the seats of all parts that cover it."""
    for piece in pieces:
        days = sorted({piece.start, piece.end} | {day for p, _ in parts for day in (p.start, p.end) if day in piece})
        for cut in (Period(a, b) for a, b in pairwise(days)):
            yield cut, sum(seats for p, seats in parts if p.overlap(cut))


def _marked_lines(ground: Ground) -> tuple[dict[str, list[Line]], list[Line]]:
    ours, foreign = installation_tag(ground.installation), []
    marked: dict[str, list[Line]] = {}
    for line in (line for lines in ground.lines.values() for line in lines):
        mark = Mark.read(line.mark)
        if mark is None:
            continue
        if mark.installation != ours:
            foreign.append(line)
        else:
            marked.setdefault(str(mark), []).append(line)
    return marked, foreign


def _twice(marked: Mapping[str, Sequence[Line]], today: date) -> dict[int, str]:
    found = {}
    for mark, lines in marked.items():
        live = [line for line in lines if line.live(today)]
        if len(live) > 1:
            found[live[0].agreement] = mark
    return found


# Of how many prices a lost store finds the lines again; each lasts a year or so.
_LOTS = 20


def _found_by_mark(ground: Ground, marked: Mapping[str, Sequence[Line]], keys: Sequence[LineKey]) -> Iterable[Binding]:
    """Bindings for marked lines that the store does not know: a lost or restored store finds its lines again."""
    bound = {b.line for b in ground.bindings.values()}
    lost = {text: lines[0] for text, lines in marked.items() if lines[0].id not in bound}
    if not lost:
        return
    lots = (lot for key in keys for lot in islice(key.lots(), 1, _LOTS))
    # A row that was mapped elsewhere, or to another product, while its store forgot.
    moved = {replace(key, agreement=line.agreement, product=line.identifier) for key in keys for line in lost.values()}
    candidates = (*ground.bindings, *moved, *keys, *lots, *ground.open_keys)
    known = {str(Mark.of(ground.installation, key)): key for key in candidates}
    by_tag = {key_tag(key): key for key in candidates}
    for text, line in lost.items():
        mark = Mark.read(text)
        base = by_tag.get(mark.key) if mark else None
        key = known.get(text) or (base and mark and _guessed_key(base, mark, line))
        # The line of an open write is bound when that is settled, and a second binding would count it twice. A copy of
        # a bound line that is gone proves nothing: why the line went, only a person knows.
        if key and key not in ground.open_keys and key not in ground.bindings:
            yield _bind(key, line, ground, adopted=False)


def _unbound(
    ground: Ground, marked: Mapping[str, Sequence[Line]], bindings: Mapping[LineKey, Binding], keys: Sequence[LineKey]
) -> tuple[list[Line], list[Line]]:
    """Live lines with our mark that no binding names: copies of lines that we know, and lines that nothing explains.

    The latter are what a lost store leaves behind where the row is gone as well: a mark cannot be turned into a key.
    """
    bound = {b.line for b in bindings.values()}
    found = [x for lines in marked.values() for x in lines if x.id not in bound and x.live(ground.today)]
    if not found:
        return [], []
    tags = {key_tag(key) for key in (*keys, *bindings)}
    awaited = {str(Mark.of(ground.installation, key)) for key in ground.open_keys}
    read = [(x, mark) for x in found if (mark := Mark.read(x.mark)) and str(mark) not in awaited]
    return [x for x, mark in read if mark.key in tags], [x for x, mark in read if mark.key not in tags]


def _guessed_key(base: LineKey, mark: Mark, line: Line) -> LineKey:
    """A delta's or later life's key cannot be recomputed from its mark, so the mark's own tail stands for the part."""
    return replace(base.base, role=mark.role, part=f"{line.start}/{mark.part}")


def _bind(key: LineKey, line: Line, ground: Ground, adopted: bool) -> Binding:
    # A base with a last day has been ended, even if that day is yet to come; a difference line is born with one.
    stands = line.open if key.role is Role.BASE else line.live(ground.today)
    state = BindingState.LIVE if stands else BindingState.ENDED
    # No boundary: it was there before we knew of it, and invoices may have reached it since it was made.
    return Binding(key, line.id, line.mark, state, adopted, {} if adopted else picture(line))


def _adopted(ground: Ground, keys: Sequence[LineKey], bindings: Mapping[LineKey, Binding]) -> Iterable[Binding]:
    """The only open unmarked line of a product, where only one unbound row asks for that product."""
    has_base = {b.key.base for b in bindings.values() if b.key.role is Role.BASE}
    has_base |= {key.base for key in ground.open_keys}  # one may just have been made
    unbound = [key for key in keys if key.base not in has_base]
    asking = Counter((key.agreement, key.product) for key in unbound)
    for key in unbound:
        candidates = adoptable(ground, key, bindings)
        if len(candidates) == 1 and asking[key.agreement, key.product] == 1:
            yield _bind(key, candidates[0], ground, adopted=True)


def adoptable(ground: Ground, key: LineKey, bindings: Mapping[LineKey, Binding]) -> list[Line]:
    """Open lines of the key's product that nobody looks after for us."""
    return [line for line in unclaimed(ground, key.agreement, bindings) if line.identifier == key.product]


def unclaimed(ground: Ground, agreement: int, bindings: Mapping[LineKey, Binding]) -> list[Line]:
    """Open lines of an agreement that nobody's mark, no binding and no `replaces` claims."""
    taken = {b.line for b in bindings.values()} | ground.replaced
    return [
        line
        for line in ground.lines.get(agreement, ())
        if line.open and line.id not in taken and Mark.read(line.mark) is None
    ]


def claimed(foreign: Iterable[Line], key: LineKey) -> Line | None:
    """The open line with which another installation, or this one before it lost its store, bills the very same row."""
    tag = key_tag(key)
    return next((x for x in foreign if x.open and (mark := Mark.read(x.mark)) and mark.key == tag), None)


def _gather(ground: Ground, bindings: Mapping[LineKey, Binding], keys: Sequence[LineKey]) -> dict[LineKey, Owned]:
    lines = {line.id: line for of_agreement in ground.lines.values() for line in of_agreement}
    owned = {key: Owned(key) for key in keys}
    for binding in bindings.values():
        if binding.state is BindingState.RELEASED and binding.key.base in owned:
            owned[binding.key.base].stopped = _released(binding)
        if binding.state is BindingState.RELEASED or binding.key.agreement not in ground.lines:
            continue
        if binding.key.role in (Role.REPLACED, Role.PAST) or (binding.untouched and binding.line in ground.replaced):
            continue
        mine = owned.setdefault(binding.key.base, Owned(binding.key.base))
        if binding.key.role is Role.BASE:
            _take_base(mine, binding, lines.get(binding.line), ground)
        else:
            _take_delta(mine, binding, lines.get(binding.line), ground)
    for mine in owned.values():
        if mine.base is None and mine.bills and mine.stopped is None:
            mine.stopped = _baseless(mine.bills)
    return owned


def _baseless(lines: Sequence[Line]) -> Stop:
    reason = f"lines {', '.join(str(line.id) for line in lines)} bill differences, but the line beside them has ended"
    return Stop(Code.ORPHAN_LINE, reason, "end them in the PSA, or let the line that they belong to go on")


def _take_base(mine: Owned, binding: Binding, line: Line | None, ground: Ground) -> None:
    mine.lives += 1
    if line is None:
        if binding.state is not BindingState.ENDED:
            mine.news.append(replace(binding, state=BindingState.MISSING))
            mine.stopped = _gone(binding)
        return
    # One that a person has opened again bills again, so it is ours to look after again.
    if binding.state is BindingState.ENDED and not line.open:
        mine.past.append(line)
        return
    if _follows(mine, binding, line):
        return
    binding = _unreached(binding, ground)
    if binding.key in ground.adopting and not binding.confirmed:
        binding = replace(binding, confirmed=picture(line))
    mine.binding, mine.base = replace(binding, state=BindingState.LIVE), line
    if line.quantity != int(line.quantity):
        reason = f"line {line.id} has the quantity {line.quantity}, which is not a whole number of seats"
        mine.stopped = Stop(Code.EDITED_BY_PERSON, reason, "give the line a whole quantity in the PSA")
    _take_edits(mine, binding, line)


def _follows(mine: Owned, binding: Binding, line: Line) -> bool:
    """Whether another life of the key stands already; only a store that was set back knows two of them as live."""
    if mine.base is None or mine.binding is None:
        return False
    if line.open and mine.base.open:
        reason = f"lines {mine.base.id} and {line.id} both bill this row"
        mine.stopped = Stop(Code.DUPLICATE_LINES, reason, "end one of the two lines in the PSA; Trueup does not choose")
        return True
    past, ended = (binding, line) if mine.base.open else (mine.binding, mine.base)
    mine.news.append(replace(past, state=BindingState.ENDED))
    mine.past.append(ended)
    if not mine.base.open:
        mine.edited, mine.theirs = "", []
    return mine.base.open


def _take_edits(mine: Owned, binding: Binding, line: Line) -> None:
    found = edited(binding, line)
    if found:
        mine.edited = mine.edited or found
        mine.theirs.append(replace(binding, confirmed=picture(line)))


def _released(binding: Binding) -> Stop:
    """Neither written to nor made again: what bills this row is a person's affair."""
    reason = f"line {binding.line} was released to people: Trueup neither writes to it nor makes another"
    return Stop(Code.RELEASED_LINE, reason, f"trueup hold take {binding.line} takes it back; or remove the row")


def _gone(binding: Binding) -> Stop:
    """A bound line that has gone missing is never created again: only a person knows why it was deleted."""
    reason = f"line {binding.line} is bound to this row ({binding.key.role}) but is gone from the PSA"
    return Stop(Code.MISSING_LINE, reason, "restore the line, or remove the row so that the binding can be released")


def _take_delta(mine: Owned, binding: Binding, line: Line | None, ground: Ground) -> None:
    if line is None:
        # Once its days are over, whether a difference line is kept or deleted changes no number of ours.
        over = "" < binding.confirmed.get("end", "") <= ground.today.isoformat()
        if binding.state is BindingState.LIVE and not over:
            mine.stopped = _gone(binding)
        return
    opened = _unreached(binding, ground).boundary or _invoiced_since(binding, ground)
    if opened != binding.boundary:
        mine.news.append(replace(binding, boundary=opened))
    mine.deltas.append(Delta(binding.key, line, opened))
    _take_edits(mine, binding, line)


def _unreached(binding: Binding, ground: Ground) -> Binding:
    """A line made after an invoice that was deleted: made again, that invoice reaches it."""
    days = ground.reopened(binding.key.agreement)
    if days is None or binding.boundary is None or binding.key.role not in (Role.BASE, Role.DELTA):
        return binding
    return replace(binding, boundary=min(binding.boundary, days.start))


def _invoiced_since(binding: Binding, ground: Ground) -> date | None:
    """The boundary that stood when a line was already bound, once an invoice has been made after that."""
    before, agreement = ground.boundaries.get(binding.key.agreement), ground.agreements[binding.key.agreement]
    moved = before and agreement.next_invoice and before < agreement.next_invoice
    return before if moved and binding.key in ground.bindings else None


# Price and billable flag are not watched: where a profile asks for one, a difference is a price change of its own.
_WATCHED = ("quantity", "included", "start", "end")


def edited(binding: Binding, line: Line) -> str:
    """What a person changed since we last confirmed the line, in words; empty if nothing."""
    now = picture(line)
    moved = [name for name in _WATCHED if name in binding.confirmed and binding.confirmed[name] != now[name]]
    if not moved:
        return ""
    what = ", ".join(f"{name} {binding.confirmed[name] or 'none'} -> {now[name] or 'none'}" for name in moved)
    return f"edited by {line.changed_by or 'somebody'} at {line.version or 'an unknown time'}: {what}"
