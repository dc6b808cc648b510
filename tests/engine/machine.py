"""The story of an agent under faults, crashes and people, as Hypothesis tells it: what may come next, and with what.

Each rule changes something and then lets the agent work, so that troubles meet writes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from agent.domain.guards import Limits
from agent.domain.mappings import AtZero, Decrease, Increase, Mode
from tests.engine.here import SKUS, Health
from tests.engine.stacks import Deal, FullStack, MemoryStack, Stack
from tests.engine.world import HOUR, LOOSE, NO_TROUBLE, Trouble, World

DAY = 24 * HOUR


def troubles(stack: type[MemoryStack] | type[FullStack]) -> list[Trouble]:
    """Half of all cycles meet none; a late effect takes less than the settle window, as that promises."""
    found: list[Trouble] = [(fault, 1, seconds) for fault in stack.write_faults for seconds in (1, 30, 100, 200)]
    found += [(fault, nth, 0) for fault in stack.read_faults for nth in range(1, 9)]
    found += [("lag", 1, seconds) for seconds in (5, 30, 60)] * 4
    for what in ("death before", "death after", "commit fails", "commit unheard"):
        found += [(what, nth, 0) for nth in range(1, 25)]
    found += [("edit meanwhile", nth, seats) for nth in range(1, 8) for seats in (3, 12, 20)]
    return [NO_TROUBLE] * len(found) + found


WAITS = st.sampled_from([0, 20, 61, 61, 301, HOUR, HOUR, DAY, 9 * DAY])
SEATS = st.integers(0, 30)
WHICH = st.integers(0, 9)
ROWS = st.integers(0, len(SKUS) - 1)
DEALS = st.builds(
    Deal,
    prorates=st.sampled_from([True, True, True, False]),
    months=st.sampled_from([1, 1, 1, 12]),
    ahead=st.sampled_from([1, 1, 0, 2]),
    credits=st.sampled_from(["off", "negative-quantity"]),
)
ROW_CHANGES = st.one_of(
    st.fixed_dictionaries({"included": st.integers(0, 5)}),
    st.fixed_dictionaries({"minimum": st.integers(0, 12)}),
    st.fixed_dictionaries({"show_included": st.booleans()}),
    st.fixed_dictionaries({"present": st.booleans()}),
    st.fixed_dictionaries({"increase": st.sampled_from(Increase)}),
    st.fixed_dictionaries({"decrease": st.sampled_from(Decrease)}),
    st.fixed_dictionaries({"at_zero": st.sampled_from(AtZero)}),
    st.fixed_dictionaries({"price": st.sampled_from([None, Decimal("22.00"), Decimal("24.50")])}),
)


class Story(RuleBasedStateMachine):
    """Subclasses name the stack; `world` makes one, so that a weakened agent can be put in."""

    stack: type[MemoryStack] | type[FullStack] = MemoryStack
    TROUBLES: Any = st.sampled_from(troubles(MemoryStack))
    tally: Counter[str] = Counter()

    def __init__(self) -> None:
        super().__init__()
        self.world: World | None = None

    def make_world(self, stack: Stack, **settings: Any) -> World:
        return World(stack, **settings)


def told(stack: type[MemoryStack] | type[FullStack], name: str) -> type[Story]:
    """A machine of its own on that stack; Hypothesis reads the rules off the class."""
    trouble = st.sampled_from(troubles(stack))

    class Told(Story):
        @initialize(deal=DEALS, loose=st.booleans(), review=st.sampled_from([False] * 7 + [True]), adopt=st.booleans())
        def begin(self, deal: Deal, loose: bool, review: bool, adopt: bool) -> None:
            mode = Mode.REVIEW if review else Mode.AUTO
            self.world = self.make_world(stack(deal), mode=mode, limits=LOOSE if loose else Limits())
            for row in range(len(SKUS)):
                self.world.change_row(row, adopt=adopt)
            self.world.cycle()

        @rule(row=ROWS, seats=SEATS, wait=WAITS, trouble=trouble)
        def seats_change(self, row: int, seats: int, wait: int, trouble: Trouble) -> None:
            self.world.source.seats[SKUS[row]] = seats
            self.then(wait, trouble)

        @rule(row=ROWS, seats=SEATS, first=trouble, wait=WAITS, second=trouble)
        def seats_change_and_are_read_twice(
            self, row: int, seats: int, first: Trouble, wait: int, second: Trouble
        ) -> None:
            self.world.source.seats[SKUS[row]] = seats
            self.then(0, first)
            self.then(wait, second)

        @rule(wait=WAITS, trouble=trouble)
        def a_cycle_runs(self, wait: int, trouble: Trouble) -> None:
            self.then(wait, trouble)

        @rule(first=trouble, second=trouble, third=trouble)
        def troubles_come_together(self, first: Trouble, second: Trouble, third: Trouble) -> None:
            for trouble in (first, second, third):
                self.then(20, trouble)

        @rule(row=ROWS)
        def a_licence_vanishes(self, row: int) -> None:
            self.world.source.seats.pop(SKUS[row], None)
            self.then(HOUR, NO_TROUBLE)

        @rule(health=st.sampled_from(Health), wait=WAITS, trouble=trouble)
        def the_tenant_changes_its_health(self, health: Health, wait: int, trouble: Trouble) -> None:
            self.world.source.health = health
            self.then(wait, trouble)

        @rule(row=ROWS, fields=ROW_CHANGES, trouble=trouble)
        def the_admin_edits_a_row(self, row: int, fields: dict[str, Any], trouble: Trouble) -> None:
            self.world.change_row(row, **fields)
            self.then(61, trouble)

        @rule(verdict=st.sampled_from(["approved", "approved", "approved", "rejected"]), wait=WAITS, trouble=trouble)
        def a_person_decides(self, verdict: str, wait: int, trouble: Trouble) -> None:
            self.world.decide(verdict)
            self.then(wait, trouble)

        @rule(wait=WAITS, trouble=trouble)
        def an_invoice_is_made(self, wait: int, trouble: Trouble) -> None:
            self.world.invoice()
            self.then(wait, trouble)

        @rule(which=WHICH, seats=st.integers(1, 30), wait=WAITS, trouble=trouble)
        def a_person_edits_a_line(self, which: int, seats: int, wait: int, trouble: Trouble) -> None:
            self.world.person_edits(which, seats)
            self.then(wait, trouble)

        @rule(which=WHICH, deed=st.sampled_from(["ends", "copies", "deletes", "tidies", "tidies"]), trouble=trouble)
        def a_person_meddles(self, which: int, deed: str, trouble: Trouble) -> None:
            meddle: dict[str, Callable[[], None]] = {
                "ends": lambda: self.world.person_ends(which),
                "copies": lambda: self.world.person_copies(which),
                "deletes": lambda: self.world.person_deletes(which),
                "tidies": self.world.person_tidies,
            }
            meddle[deed]()
            self.then(61, trouble)

        @rule(deed=st.sampled_from(["backup", "restore", "lose"]), trouble=trouble)
        def the_store_is_set_back(self, deed: str, trouble: Trouble) -> None:
            if deed == "backup":
                self.world.back_up()
            else:
                self.world.loses_store(restored=deed == "restore")
            self.then(0, trouble)

        @precondition(lambda self: self.world is not None)
        @invariant()
        def nothing_is_wrong(self) -> None:
            self.world.watch.after_each_step()

        def then(self, wait: int, trouble: Trouble) -> None:
            self.world.wait(wait)
            self.world.cycle(trouble)

        def teardown(self) -> None:
            if self.world is None:
                return
            try:
                self.world.converges()
            finally:
                self.world.stack.close()

    Told.__name__ = Told.__qualname__ = name
    return Told
