"""One company with two licences on one agreement, its admin, its people, and an agent that may die at any time."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from functools import cache
from hashlib import sha256
from typing import Any

from agent.domain.agreements import Line
from agent.domain.changes import Planned
from agent.domain.counts import NO_NEEDS, Account, Needs, Snapshot
from agent.domain.findings import Code, Finding
from agent.domain.guards import Limits
from agent.domain.keys import LineKey, Mark, Role
from agent.domain.mappings import (
    AtZero,
    BillingProfile,
    CompanyMapping,
    Decrease,
    Increase,
    LicenceCount,
    Mappings,
    Mode,
    Place,
    PricePolicy,
    Row,
)
from agent.domain.ownership import BindingState
from agent.engine.cycle import Cycle, Result
from agent.engine.keeping import told
from agent.engine.planning import Policy
from agent.engine.reading import Catalogue
from agent.engine.turns import Turns
from agent.errors import AnotherWriter, TrueupError
from agent.ports import Store
from agent.psa.connectwise.texts import midnight
from agent.simulators.faults import Kind
from tests.engine.here import (
    AGREEMENT,
    COMPANY,
    PRODUCTS,
    RECHECK,
    SETTLE,
    SKUS,
    TENANT,
    UTC_ZONE,
    Health,
    Here,
    Seats,
    StillClock,
)
from tests.engine.memory_psa import Fault
from tests.engine.mutants import Weakness
from tests.engine.stacks import INSTALLATION, OTHERS, Stack
from tests.engine.trap import Crash, Mortal, Trap, commit_fails, dies
from tests.engine.watch import Readings, Watch, WatchedPsa, WatchedStore, require

HOUR = 3600
LOOSE = Limits(1000, 100, 1000, 1000, 1000, 99, raise_times=1000)
NO_TROUBLE = ("none", 1, 0)
Trouble = tuple[str, int, int]  # what happens, at which call or request, how many seconds it takes

# What the PSA keeps otherwise than it was given, it would again: a person has to see to it.
DISTORTIONS = (Fault.DISTORTED, Kind.FIELD_TRUNCATED, Kind.FIELD_ROUNDED)


# Where in a cycle it may happen. The time between a comparison and its request cannot be closed, so what was compared
# is not changed in it; only a second agent, which is to be kept out altogether, may come at any time.
_MEANWHILE = {
    "edit": ("psa",),
    "mapping": ("psa",),
    "invoice": ("products", "lines", "observe", "learn"),
    "second": ("psa", "wire"),
}


@dataclass(frozen=True, slots=True)
class Wish:
    """A row of the mapping file and its billing profile, as the admin wants them now."""

    sku: str
    product: str
    present: bool = True
    included: int = 0
    minimum: int = 0
    show_included: bool = False
    increase: Increase = Increase.PRORATE
    decrease: Decrease = Decrease.NOW
    at_zero: AtZero = AtZero.END
    price: Decimal | None = None
    adopt: bool = False

    def row(self, line: int) -> Row:
        profile = BillingProfile(
            name=self.product,
            product=self.product,
            price=PricePolicy(fixed=self.price),
            increase=self.increase,
            decrease=self.decrease,
            at_zero=self.at_zero,
            show_included=self.show_included,
        )
        place = Place("contoso.toml", line)
        return Row(
            COMPANY,
            TENANT,
            LicenceCount(self.sku),
            profile,
            AGREEMENT,
            place,
            included=self.included,
            minimum=self.minimum,
            adopt=self.adopt,
        )

    @property
    def key(self) -> LineKey:
        return _key(self.sku, self.product)

    def wants(self, seats: int) -> int:
        """billed = max(minimum, max(0, counted - included)), and on top what the invoice shows as included."""
        shown = min(self.included, seats) if self.show_included else 0
        return max(self.minimum, max(0, seats - self.included)) + shown


@cache
def _key(sku: str, product: str) -> LineKey:
    return LineKey("connectwise", AGREEMENT, TENANT, sku, "", "", product)


@dataclass(slots=True)
class AgentClock(StillClock):
    """The agent's own wall clock, which may be set wrong beside the world's; monotonic time goes on as it does."""

    wrong: int = 0

    def now(self) -> datetime:
        return StillClock.now(self) + timedelta(seconds=self.wrong)

    def monotonic(self) -> int:
        return StillClock.monotonic(self) - self.wrong * 10**9


class Witnessed(Seats):
    """The source, with a note of what every row asks for at each read that says something."""

    def __init__(self, world: World, seats: dict[str, int]) -> None:
        super().__init__(world.stack.clock, seats)
        self.world = world

    def observe(self, account: Account, needs: Needs = NO_NEEDS) -> Snapshot:
        snapshot = super().observe(account)
        for wish in self.world.asked:
            if wish.present and self.speaks_of(wish.sku):
                self.world.watch.reads(wish.key, self.world.wanted(wish))
        return snapshot

    def speaks_of(self, sku: str) -> bool:
        """Whether a read now says a number of the licence to believe. A tenant that lists nothing never does."""
        if not self.seats:
            return False
        whole = self.health is Health.CONTRADICTS_ITSELF and not self.seats.get(sku)
        return whole or self.health is Health.WELL


@dataclass(slots=True)
class World:
    stack: Stack
    mode: Mode = Mode.AUTO
    limits: Limits = LOOSE
    weakness: Weakness = field(default_factory=Weakness)
    wishes: list[Wish] = field(default_factory=lambda: [Wish(s, p) for s, p in zip(SKUS, PRODUCTS, strict=True)])
    met: Counter[str] = field(default_factory=Counter)
    trap: Trap = field(default_factory=Trap)
    cycles: int = 0
    lost: bool = False  # whether the store has ever been set back
    backups: list[tuple[object, Readings]] = field(default_factory=list)
    binned: list[Line] = field(default_factory=list)  # each with the mark that it has or is yet to get
    ended: list[int] = field(default_factory=list)
    copies: list[int] = field(default_factory=list)
    asked: list[Wish] = field(default_factory=list)  # the wishes as the mapping files said when the cycle began
    lock: ExitStack = field(default_factory=ExitStack)
    clock: AgentClock = field(init=False)
    source: Witnessed = field(init=False)
    watch: Watch = field(init=False)
    agent: Cycle = field(init=False)

    def __post_init__(self) -> None:
        self.clock = AgentClock(self.stack.clock.shared)
        self.watch = Watch(self.stack, self.mode)
        self.source = Witnessed(self, dict.fromkeys(SKUS, 10))
        self._people_begin()
        self.start_agent()

    def _people_begin(self) -> None:
        """A line to adopt, one of the same product that has long ended, and one that is nobody's business."""
        add, start = self.stack.person_adds, date(2025, 6, 1)
        add(PRODUCTS[0], 10, start)
        strangers = [
            add(PRODUCTS[0], 4, start, cancelledDate=midnight(date(2025, 11, 30))),
            add(OTHERS, 3, start),
        ]
        self.watch.strangers = {id: self.stack.now[id] for id in strangers}
        self.watch.invoices(self.stack.agreement.next_invoice or start)

    def start_agent(self) -> None:
        """Start the agent anew, as after a crash: everything but the store and the PSA is forgotten."""
        self.lock.close()  # as the kernel does for whom it buries
        store = self.stack.open_store()
        self.lock.enter_context(store.writer())
        self.watch.store = store
        mortal = lambda port, name: Mortal(port, name, self.trap)  # noqa: E731
        self.agent = self._agent(store, mortal)

    def _agent(self, store: Store, mortal: Callable[[Any, str], Any]) -> Cycle:
        weak = self.weakness
        policy = Policy("USD", self.limits, timedelta(seconds=RECHECK), timedelta(hours=24), INSTALLATION)
        psa = mortal(weak.psa(WatchedPsa(self.stack.open_psa(), self.watch)), "psa")
        return Cycle(
            source=mortal(weak.source(self.source), "source"),
            psa=psa,
            store=mortal(weak.store(WatchedStore(store, self.watch)), "store"),
            clock=self.clock,
            zone=UTC_ZONE,
            policy=weak.policy(policy),
            pool=Here(),
            wire=Here(),
            catalogue=Catalogue(psa, self.clock, timedelta(days=1)),
            turns=Turns(),
        )

    def close(self) -> None:
        self.lock.close()
        self.stack.close()

    def mappings(self) -> Mappings:
        self.asked = [*self.wishes]
        self.watch.rows = {wish.key: wish.adopt for wish in self.wishes if wish.present}
        rows = tuple(wish.row(n) for n, wish in enumerate(self.wishes, 2) if wish.present)
        place = Place("contoso.toml", 1)
        company = CompanyMapping(COMPANY, "Contoso", (TENANT,), self.mode, rows, (), place)
        return Mappings({COMPANY: company}, (), "digest")

    def wanted(self, wish: Wish) -> int:
        if wish.present and wish.key in self.watch.kept:
            return self.watch.kept[wish.key]
        return wish.wants(self.source.seats.get(wish.sku, 0)) if wish.present else 0

    # What happens.

    def passes(self, row: int, seats: int | None, wait: int) -> None:
        """Seats change (None: the licence is not listed), and time passes."""
        self.source.seats.pop(SKUS[row], None)
        if seats is not None:
            self.source.seats[SKUS[row]] = seats
        self.wait(wait)

    def agent_works(self, trouble: Trouble, attentive: bool) -> None:
        """A person who is attentive approves what is held; then a cycle, and another where the agent asks for it."""
        self._decided(attentive)
        result = self.cycle(trouble)
        if result is not None and result.again is not None:
            self.wait(math.ceil((result.again - self.stack.clock.now()).total_seconds()))
            self._decided(attentive)
            self.cycle()

    def _decided(self, attentive: bool) -> None:
        if attentive:
            self.decide("approved")

    def cycle(self, trouble: Trouble = NO_TROUBLE) -> Result | None:
        """One cycle of the agent, through some trouble. None if it died or could not even fail in order."""
        self.cycles += 1
        self.met["tenant is ill"] += self.source.health is not Health.WELL
        self.watch.settles()
        before = {wish.key: self.watch.standing(wish.key) for wish in self.wishes}
        self._brew(trouble)
        self.watch.began = self.stack.clock.now()
        try:
            result: Result | None = self.agent.run(self.mappings(), [COMPANY], "test")
        except Crash:
            self.start_agent()
            result = None
        except TrueupError:
            result = None
        finally:
            self.stack.lag = 0
            self._met(trouble[0])
            self.trap.disarm()
        self.watch.settles()
        self._look_after(before, trouble)
        return result

    def _met(self, what: str) -> None:
        self.met[what] += self.trap.sprung
        if self.trap.sprung and what.startswith("death"):
            self.met[f"death at {self.trap.struck}"] += 1

    def _brew(self, trouble: Trouble) -> None:
        what, nth, seconds = trouble
        self.trap.sprung = False
        if what in self.stack.write_faults:
            self.stack.a_write_goes_wrong(what, seconds)
        elif what in self.stack.read_faults:
            self.stack.a_read_goes_wrong(what, nth)
        elif what == "lag":
            self.stack.lag = seconds
        elif what.startswith("death"):
            self.trap.set(nth, dies, after=what == "death after", ports=("store", "psa", "wire", "source"))
        elif what.startswith("commit"):
            self.trap.set(nth, commit_fails, after=what == "commit unheard", ports=("store",))
        elif what.endswith("meanwhile"):
            self.trap.set(nth, lambda: self._meanwhile(what, nth, seconds), ports=_MEANWHILE[what.split()[0]])

    def _meanwhile(self, what: str, nth: int, seats: int) -> None:
        match what.split()[0]:
            case "edit":
                self.person_edits(nth + seats, seats % 30 + 1)
            case "invoice":
                self.wait(30)
                self.invoice()
            case "mapping":
                self.change_row(nth % len(self.wishes), included=seats)
            case "second":
                self.second_agent()

    def second_agent(self) -> None:
        """The first one is stopped in mid-cycle for longer than anything waits, and the program is started once more
        beside it, as by a careless copy of its unit."""
        self.wait(SETTLE)
        store = self.stack.another_store()
        with ExitStack() as stack:
            stack.callback(store.dispose)
            if self.weakness.alone:
                try:
                    stack.enter_context(store.writer())
                except AnotherWriter:
                    return
                require(False, "two agents never write at once")
            second = self._agent(store, lambda port, name: port)
            for _ in range(3):
                second.run(self.mappings(), [COMPANY], "second")
                self.wait(RECHECK)

    def clock_jumps(self, seconds: int) -> None:
        """The agent's clock is set wrong, and right again a cycle later: neither cycle may write."""
        sent = self.watch.sent
        for self.clock.wrong in (seconds, 0):
            self.cycle()
        require(self.watch.sent == sent, "a clock that jumped writes nothing", seconds)
        self.met["clock jump"] += 1

    def _look_after(self, before: dict[LineKey, int], trouble: Trouble) -> None:
        for wish in self.wishes:
            silent = wish.present and not self.source.speaks_of(wish.sku) and trouble[0] != "edit meanwhile"
            stands = self.watch.standing(wish.key)
            lowered = silent and stands < before[wish.key]
            require(not lowered, "I6 silence lowers nothing", self.source.health, before, stands)
        for wish in self.wishes:
            # A person who already made a line what we would make it has not meant anything else.
            if self.watch.standing(wish.key) == self.wanted(wish):
                for line in self.watch.lines_of(wish.key):
                    self.watch.edited.pop(line.id, None)

    def wait(self, seconds: int) -> None:
        self.stack.clock.advance(seconds)

    def change_row(self, which: int, **fields: Any) -> None:
        self.wishes[which] = replace(self.wishes[which], **fields)

    def invoice(self) -> None:
        agreement = self.stack.agreement
        if agreement.next_invoice:
            self.met["invoice"] += 1
            boundary = agreement.period(agreement.next_invoice).end
            self.stack.moves_invoice(boundary)
            self.watch.invoices(boundary)

    def decide(self, verdict: str) -> None:
        """A person answers everything that is held; an answer counts for a day."""
        now = self.stack.clock.now()
        until = now + timedelta(hours=24)
        for hold in self.watch.store.holds():
            self.watch.store.decide(hold.digest, verdict, "ana", now, until)
            if verdict == "approved":
                self.watch.approves(hold.digest, until)
            else:
                self.watch.approvals.pop(hold.digest, None)

    def managed(self) -> list[Line]:
        keys = [wish.key for wish in self.wishes]
        return [line for key in keys for line in self.watch.lines_of(key)]

    def person_edits(self, which: int, quantity: int) -> None:
        for line in self._some(which):
            if int(line.quantity) != quantity:
                self.met["person edits"] += 1
                self.watch.edits(line)
                self.stack.person_edits(line.id, quantity=quantity)

    def person_ends(self, which: int) -> None:
        for line in self._some(which):
            self.met["person ends"] += 1
            self._ends(line)
            self.ended.append(line.id)

    def _ends(self, line: Line) -> None:
        today = self.stack.clock.today()
        self.watch.edits(line)
        self.stack.person_edits(line.id, cancelledDate=midnight(max(today, line.start or today)))

    def person_copies(self, which: int) -> None:
        for line in self._some(which):
            self.met["person copies"] += 1
            copy = self.stack.person_copies(line.id)
            self.copies.append(copy)
            self.watch.handled.add(copy)
            self.watch.excused[line.mark] += 1

    def person_deletes(self, which: int) -> None:
        for line in self._some(which):
            self.met["person deletes"] += 1
            self.stack.person_deletes(line.id)
            self.watch.deletes(line)
            key = self.watch.bases.get(line.id)
            self.binned.append(replace(line, mark=str(Mark.of(INSTALLATION, key))) if key and not line.mark else line)

    def person_says(self, which: int, verb: str) -> None:
        """That one of our lines stays as it is, is given back to its row, or is no business of ours any more."""
        for line in self._some(which):
            key = next(wish.key for wish in self.wishes if self.watch.belongs(line, wish.key))
            try:
                told(self.watch.store, self.stack.open_psa(), self.clock, UTC_ZONE, line.id, verb, "ana")
            except TrueupError:  # the store does not know the line, or the PSA cannot be read just now
                continue
            self.met[f"person says {verb}"] += 1
            self.watch.says(verb, key)

    def _some(self, which: int) -> list[Line]:
        lines = self.managed()
        return [lines[which % len(lines)]] if lines else []

    def person_tidies(self) -> None:
        """What was copied goes, what was deleted or ended comes back unless its base is over, of two lines with one
        mark the one that the agent does not know goes, and of two that bill one row the earlier ends."""
        while self.binned:
            line = self.binned.pop()
            self.stack.person_restores(line.id)
            self.watch.excused[line.mark] += 1  # a lost store may have made another one meanwhile
        self.watch.deleted.clear()
        now = self.stack.now
        # A base was made before its differences, so it comes back before them.
        for id in sorted(id for id in self.ended if id in now and self._comes_back(now[id])):
            # What no row wants now may be wanted later, when they tidy up again.
            self.ended.remove(id)
            if self._has_base(now[id]):
                self.stack.person_edits(id, cancelledDate=None)
        known = {binding.line for binding in self.watch.bindings()}
        kept = {line.mark: id for id, line in sorted(now.items(), key=lambda it: (it[0] in known, -it[0])) if line.mark}
        doubled = [id for id, line in now.items() if line.mark and kept[line.mark] != id]
        for id in {*doubled, *(id for id in self.copies if id in now)}:
            self.watch.handled.add(id)
            self.stack.person_deletes(id)
        for wish in self.wishes:
            *earlier, _ = [None, *sorted(self.watch.bases_of(wish.key), key=lambda line: line.id)]
            for line in filter(None, earlier):
                self._ends(line)
        self.copies.clear()
        for which, line in enumerate(self.managed()):
            if any(self.watch.belongs(line, key) for key in (*self.watch.kept, *self.watch.released)):
                self.person_says(which, "take")

    def _comes_back(self, line: Line) -> bool:
        theirs = any(not line.mark and line.identifier == wish.product for wish in self.wishes if wish.present)
        return theirs or any(self.watch.belongs(line, wish.key) for wish in self.wishes if wish.present)

    def _has_base(self, line: Line) -> bool:
        mark = Mark.read(line.mark)
        bases = (self.watch.bases_of(wish.key) for wish in self.wishes if self.watch.belongs(line, wish.key))
        return mark is None or mark.role is Role.BASE or any(bases)

    def back_up(self) -> None:
        self.backups = [(self.stack.backup(), {key: [*known] for key, known in self.watch.readings.items()})]
        self.start_agent()

    def loses_store(self, restored: bool) -> None:
        """Nobody puts a store back within the settle window: what is late has landed by then."""
        self.lost = True
        self.met["store restored" if restored and self.backups else "store lost"] += 1
        self.wait(SETTLE * 2)
        backup, readings = self.backups[-1] if restored and self.backups else (None, {})
        self.stack.restore(backup)
        self.start_agent()
        self.watch.forget(readings)

    # How it ends.

    def quiet(self) -> None:
        self.stack.calm()
        self.trap.disarm()
        self.source.health = Health.WELL

    def hours(self, cycles: int) -> Result | None:
        result = None
        for _ in range(cycles):
            self.wait(HOUR)
            result = self.cycle()
        return result

    def converges(self) -> None:
        """Faults cease: two cycles later all is billed as it is, or a person is asked, with a reason."""
        self.quiet()
        result = self.hours(2)
        require(result is not None and result.state == "done", "I8 a quiet cycle ends", result)
        require(not self.watch.store.entry_open(), "I8 nothing stays open", self.watch.store.entry_open())
        for wish in self.wishes:
            self._explained(wish, result)
        self._accounted()

    def _accounted(self) -> None:
        store = self.watch.store
        require(store.verify_journal()[2] == "", "I7 the journal verifies")
        require(self.stack.requests == self.watch.sent, "I4, I7 no request but those that were intended")
        told = {record.entry for record in store.journal(limit=100_000) if record.kind == "intent"}
        silent = self.watch.sends.keys() - told
        require(not silent, "I7 the journal explains every request", silent)

    def comes_right(self) -> None:
        """Then people tidy up, ask for nothing special and approve what is held: all is billed as it is."""
        self.person_tidies()
        self.source.seats.setdefault(SKUS[0], 0)  # a tenant that lists nothing at all is never believed
        for row in range(len(self.wishes)):
            self.change_row(row, increase=Increase.PRORATE, decrease=Decrease.NOW)
        for _ in range(3):
            self.hours(1)
            self.decide("approved")
            self.hours(1)
            self._next_invoice_comes()
        result = self.hours(2)
        if self.watch.store.holds():
            # An invoice moves the ground of what was approved before it.
            self.decide("approved")
            result = self.hours(2)
        for wish in self.wishes:
            self._right(wish, result)
        self._reckoned(result)

    def _reckoned(self, result: Result | None) -> None:
        """The money that the agent says it bills is what its lines bill, added up from the PSA alone."""
        rows = [wish for wish in self.wishes if wish.present]
        if result is None or not rows or any(self.watch.standing(wish.key) != self.wanted(wish) for wish in rows):
            return
        lines = [(wish, line) for wish in rows for line in self.watch.lines_of(wish.key)]
        months = self.stack.agreement.months or 1
        total = sum(Fraction(line.quantity - line.included) * Fraction(line.price or 0) for _, line in lines) / months
        told = sum(Fraction(plan.monthly.amount) for plan in result.plans)
        require(round(100 * told) == round(100 * total), "I10 the money told is the money billed", told, total, lines)
        odd = [line for wish, line in lines if wish.price is not None and line.price != wish.price]
        require(not odd, "I10 a price that the profile names is billed", odd)

    def _next_invoice_comes(self) -> None:
        """And before it all that nobody made while time went by."""
        self.wait(max(0, self._days_to_invoice()) * 24 * HOUR)
        self.invoice()
        while self._days_to_invoice() <= 0:
            self.hours(2)
            self.invoice()

    def _days_to_invoice(self) -> int:
        return ((self.stack.agreement.next_invoice or date.max) - self.stack.clock.today()).days

    def _right(self, wish: Wish, result: Result | None) -> None:
        found = [f.finding for f in self.watch.store.findings(COMPANY)]
        late = any(f.code is Code.DATE_REFUSED and _of(f, wish.key) for f in found)
        stray = not wish.present and all(b.key.base != wish.key for b in self.watch.bindings())
        if self.lost or late or stray or self._distorted:
            # What people did while nobody remembered, and when nobody decided until a month was billed, takes a person;
            # so does a line with our mark whose row went before the store knew of it.
            self._explained(wish, result)
            return
        stands, wanted = self.watch.standing(wish.key), self.wanted(wish)
        if not any(wish.present for wish in self.wishes):
            self._explained(wish, result)
            return
        require(stands == wanted, "I8 in the end all is as wanted", wish, f"{stands} stand, {wanted} wanted", found)
        lines = self.watch.lines_of(wish.key)
        require(len(lines) <= 1, "differences are folded into their base", lines)

    @property
    def _distorted(self) -> bool:
        return any(self.stack.met[what] for what in DISTORTIONS)

    def digest(self) -> str:
        """Of what became of it all, so that a replay can be seen to be one."""
        lines = sorted((id, str(line)) for id, line in self.stack.now.items())
        entries = [(e.id, e.state, e.at, e.write.digest) for e in self.watch.store.entries(limit=10_000)]
        return sha256(repr((lines, entries, self.told())).encode()).hexdigest()[:16]

    def told(self) -> Counter[str]:
        """What this history came to."""
        met = Counter({f"met {what}": n for what, n in (*self.stack.met.items(), *self.met.items()) if n})
        states = Counter({f"entry {state}": n for state, n in self.watch.states.items()})
        return met + states + Counter(histories=1, writes=self.watch.sent, cycles=self.cycles)

    def _explained(self, wish: Wish, result: Result | None) -> None:
        stands, wanted = self.watch.standing(wish.key), self.wanted(wish)
        live = any(binding.state is BindingState.LIVE for binding in self.watch.bindings())
        unread = not live and not any(wish.present for wish in self.wishes)
        if stands == wanted or unread:  # nothing names the agreement any more, so nobody reads it
            return
        if wish.key in self.watch.released and not wish.present:  # both say that it is people's from now on
            return
        plans = [p for plan in result.plans for p in plan.planned] if result else []
        held = [p for p in plans if p.change.key.base == wish.key and _asks(p)]
        found = [f.finding for f in self.watch.store.findings(COMPANY)]
        subjects = {str(wish.key), *(f"line/{line.id}" for line in self.watch.lines_of(wish.key))}
        stopped = [f for f in found if f.subject in subjects and f.code not in _PLAIN]
        stopped += [f for f in found if f.code is Code.DUPLICATE_LINES]
        # A write that stays refused has a reason only where the PSA kept something else than it was sent. A line that
        # stands in its way otherwise is one that the agent put there.
        refused = [f for f in found if f.code is Code.REFUSED_BY_PSA and _of(f, wish.key) and self._distorted]
        self.met["told as refused"] += bool(refused)
        stopped += refused
        detail = [(p.change.sentence, p.holds, p.realisation.note) for p in plans]
        told = "I8 what is not as wanted is held with a reason"
        require(bool(held or stopped), told, wish.product, f"{stands} stand, {wanted} wanted", detail, found)


# These findings only tell that a number differs, or that something was tried, not why nothing more can be done.
_PLAIN = (Code.UNDER_BILLED, Code.OVER_BILLED, Code.FOREIGN_MARK, Code.REFUSED_BY_PSA, Code.OUTCOME_UNKNOWN)


def _of(finding: Finding, key: LineKey) -> bool:
    return LineKey.parse(finding.subject).base == key


def _asks(planned: Planned) -> bool:
    return bool(planned.holds or planned.realisation.refused or planned.realisation.note.startswith("waits until"))
