"""The story of an agent under faults, crashes and people, as Hypothesis tells it: what may come next, and with what.

Each rule does something to the world and then lets the agent work, with new seats and some trouble on the way, so that
troubles meet writes.
"""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from typing import Any, ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from agent.domain.guards import Limits
from agent.domain.mappings import AtZero, Decrease, Increase, Mode
from tests.engine.here import SKUS, Health
from tests.engine.mutants import Weakness
from tests.engine.stacks import Deal, FullStack, MemoryStack
from tests.engine.world import HOUR, LOOSE, NO_TROUBLE, Trouble, World

DAY = 24 * HOUR


def troubles(stack: type[MemoryStack] | type[FullStack]) -> list[Trouble]:
    """A third of all cycles meet none, a third one at a write; late effects land within the settle window."""
    writes: list[Trouble] = [(fault, 1, seconds) for fault in stack.write_faults for seconds in (1, 30, 100, 200)]
    others: list[Trouble] = [(fault, nth, 0) for fault in stack.read_faults for nth in range(1, 9)]
    others += [("lag", 1, seconds) for seconds in (5, 30, 60)] * 3
    for what in ("death before", "death after", "commit fails", "commit unheard"):
        others += [(what, nth, 0) for nth in range(1, 25)]
    others += [("edit meanwhile", nth, seats) for nth in range(1, 8) for seats in (3, 12, 20)]
    writes *= round(len(others) / len(writes))
    return [NO_TROUBLE] * len(others) + others + writes


DEALS = st.builds(
    Deal,
    prorates=st.sampled_from([True, True, True, False]),
    months=st.sampled_from([1, 1, 1, 12]),
    ahead=st.sampled_from([1, 1, 0, 2]),
    credits=st.sampled_from(["off", "negative-quantity"]),
)
ROW_CHANGES = st.sampled_from(
    [
        *({"included": n} for n in (0, 2, 5)),
        *({"minimum": n} for n in (0, 4, 12)),
        *({"show_included": shown} for shown in (False, True)),
        *({"increase": policy} for policy in Increase),
        *({"decrease": policy} for policy in Decrease),
        *({"at_zero": policy} for policy in AtZero),
        *({"price": price} for price in (None, Decimal("22.00"), Decimal("24.50"))),
    ]
)
A_TROUBLE = st.integers(0, 9999)  # one of those that the stack knows
TURN: dict[str, Any] = {
    "row": st.integers(0, len(SKUS) - 1),
    "seats": st.integers(0, 30),
    "wait": st.sampled_from([0, 20, 61, 61, 301, HOUR, HOUR, DAY, 9 * DAY]),
    "trouble": A_TROUBLE,
    "works": st.sampled_from([True, True, False, False, False]),  # or more happens before the agent looks
}
WHICH = st.integers(0, 9)


class Story(RuleBasedStateMachine):
    """Subclasses say on which stack. `tally` counts over all histories of a class what they came to, so that a story
    without troubles is noticed."""

    stack: ClassVar[type[MemoryStack] | type[FullStack]]
    tally: ClassVar[Counter[str]]
    troubles: ClassVar[list[Trouble]]
    weakness: ClassVar[type[Weakness]] = Weakness
    world: World

    def __init_subclass__(cls) -> None:
        cls.tally = Counter()
        cls.troubles = [t for t in troubles(cls.stack) if t[0] in (cls.weakness.meets or t)]

    def turn(self, row: int, seats: int | None, wait: int, trouble: int, works: bool, attentive: bool = True) -> None:
        self.world.passes(row, seats, wait)
        if works:
            self.world.agent_works(self._trouble(trouble), attentive)

    def _trouble(self, number: int) -> Trouble:
        return self.troubles[number % len(self.troubles)]

    @initialize(
        deal=DEALS,
        loose=st.booleans(),
        review=st.sampled_from([False] * 7 + [True]),
        adopt=st.booleans(),
        trouble=A_TROUBLE,
    )
    def begin(self, deal: Deal, loose: bool, review: bool, adopt: bool, trouble: int) -> None:
        mode = Mode.REVIEW if review else Mode.AUTO
        self.world = World(self.stack(deal), mode, LOOSE if loose else Limits(), self.weakness())
        for row in range(len(SKUS)):
            self.world.change_row(row, adopt=adopt)
        self.world.wait(HOUR)  # no read is so far behind that it misses what stood before the agent came
        self.world.agent_works(self._trouble(trouble), attentive=True)

    @rule(**TURN)
    def seats_change(self, **turn: Any) -> None:
        self.turn(**turn)

    @rule(**TURN)
    def seats_change_and_nobody_decides(self, **turn: Any) -> None:
        self.turn(**turn, attentive=False)

    @rule(**TURN, second=A_TROUBLE)
    def troubles_come_together(self, second: int, **turn: Any) -> None:
        self.turn(**turn)
        self.turn(**{**turn, "wait": 15, "trouble": second, "seats": turn["seats"] + 1})

    @rule(**TURN)
    def a_licence_vanishes(self, **turn: Any) -> None:
        self.turn(**{**turn, "seats": None})

    @rule(**TURN, health=st.sampled_from(Health), turns=st.integers(1, 2))
    def the_tenant_is_ill(self, health: Health, turns: int, **turn: Any) -> None:
        self.world.source.health = health
        for _ in range(turns):
            self.turn(**turn)
        self.world.source.health = Health.WELL

    @rule(**TURN, fields=ROW_CHANGES)
    def the_admin_edits_a_row(self, fields: dict[str, Any], **turn: Any) -> None:
        self.world.change_row(turn["row"], **fields)
        self.turn(**turn)

    @rule(**TURN, present=st.sampled_from([True, True, False]))
    def a_row_goes_or_returns(self, present: bool, **turn: Any) -> None:
        self.world.change_row(turn["row"], present=present)
        self.turn(**turn)

    @rule(**TURN)
    def a_person_rejects(self, **turn: Any) -> None:
        self.world.decide("rejected")
        self.turn(**turn, attentive=False)

    @rule(**TURN)
    def an_invoice_is_made(self, **turn: Any) -> None:
        self.world.invoice()
        self.turn(**turn)

    @rule(**TURN, which=WHICH, quantity=st.integers(1, 30), attentive=st.booleans())
    def a_person_edits_a_line(self, which: int, quantity: int, attentive: bool, **turn: Any) -> None:
        self.world.person_edits(which, quantity)
        self.turn(**turn, attentive=attentive)

    @rule(**TURN, which=WHICH, deed=st.sampled_from(["ends", "copies", "deletes"]))
    def a_person_meddles(self, which: int, deed: str, **turn: Any) -> None:
        getattr(self.world, f"person_{deed}")(which)
        self.turn(**turn)

    @rule(**TURN)
    def people_tidy_up(self, **turn: Any) -> None:
        self.world.person_tidies()
        self.turn(**turn)

    @rule(**TURN, deed=st.sampled_from(["backup", "backup", "restore", "lose"]))
    def the_store_is_set_back(self, deed: str, **turn: Any) -> None:
        if deed == "backup":
            self.world.back_up()
        else:
            self.world.loses_store(restored=deed == "restore")
        self.turn(**turn)

    @precondition(lambda self: hasattr(self, "world"))
    @invariant()
    def nothing_is_wrong(self) -> None:
        self.world.watch.after_each_step()

    def teardown(self) -> None:
        if not hasattr(self, "world"):
            return
        try:
            self.world.converges()
            self.world.comes_right()
            self.tally.update(self.world.told())
        finally:
            self.world.stack.close()


class InMemory(Story):
    stack = MemoryStack


class Whole(Story):
    stack = FullStack
