"""The story of an agent under faults, crashes and people: what may come next, and with what.

Each deed does something to the world and then lets the agent work, with new seats and some trouble on the way, so that
troubles meet writes. Hypothesis tells it (`machine`), and so does a seed alone (`schedules`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from agent.domain.guards import Limits
from agent.domain.mappings import AtZero, Decrease, Increase, Mode
from tests.engine.here import SKUS, Health
from tests.engine.mutants import Weakness
from tests.engine.stacks import Deal, FullStack, MemoryStack
from tests.engine.world import HOUR, LOOSE, NO_TROUBLE, Trouble, World

DAY = 24 * HOUR
Choices = Mapping[str, Sequence[Any]]


def troubles(stack: type[MemoryStack] | type[FullStack], meets: Sequence[str] = ()) -> list[Trouble]:
    """A third of all cycles meet none, a third one at a write; late effects land within the settle window.

    `meets` names the only ones to tell of, if any.
    """
    writes: list[Trouble] = [(fault, 1, seconds) for fault in stack.write_faults for seconds in (1, 30, 100, 200)]
    others: list[Trouble] = [(fault, nth, 0) for fault in stack.read_faults for nth in range(1, 9)]
    others += [("lag", 1, seconds) for seconds in (5, 30, 60)] * 3
    for what in ("death before", "death after", "commit fails", "commit unheard"):
        others += [(what, nth, 0) for nth in range(1, 25)]
    others += [("edit meanwhile", nth, seats) for nth in range(1, 8) for seats in (3, 12, 20)]
    for what in ("invoice meanwhile", "mapping meanwhile", "second agent meanwhile"):
        others += [(what, nth, 4) for nth in range(1, 10)]
    writes *= round(len(others) / len(writes))
    known = [NO_TROUBLE] * len(others) + others + writes
    return [trouble for trouble in known if trouble[0] in meets] or known


A_TROUBLE = range(10_000)  # one of those that the stack knows
BEGIN: Choices = {
    "prorates": [True, True, True, False],
    "months": [1, 1, 1, 12],
    "ahead": [1, 1, 0, 2],
    "credits": ["off", "negative-quantity"],
    "loose": [False, True],
    "review": [False] * 7 + [True],
    "adopt": [False, True],
    "trouble": A_TROUBLE,
}
TURN: Choices = {
    "row": range(len(SKUS)),
    "seats": range(31),
    "wait": [0, 20, 61, 61, 301, HOUR, HOUR, DAY, 9 * DAY],
    "trouble": A_TROUBLE,
    "works": [True, True, False, False, False],  # or more happens before the agent looks
}
WHICH = range(10)
ROW_CHANGES: Sequence[Mapping[str, Any]] = [
    *({"included": n} for n in (0, 2, 5)),
    *({"minimum": n} for n in (0, 4, 12)),
    *({"show_included": shown} for shown in (False, True)),
    *({"increase": policy} for policy in Increase),
    *({"decrease": policy} for policy in Decrease),
    *({"at_zero": policy} for policy in AtZero),
    *({"price": price} for price in (None, Decimal("22.00"), Decimal("24.50"))),
]


@dataclass(frozen=True, slots=True)
class Deed:
    """One thing that may happen next, and what it can happen with: each argument is one of its choices."""

    name: str
    does: Callable[..., None]
    choices: Choices


DEEDS: list[Deed] = []


def deed(**choices: Sequence[Any]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    def kept(does: Callable[..., None]) -> Callable[..., None]:
        DEEDS.append(Deed(does.__name__, does, {**TURN, **choices}))
        return does

    return kept


class Story:
    """One history on a stack. After `begin` its deeds may come in any order, and `ends` must hold after any of them."""

    world: World

    def __init__(self, stack: type[MemoryStack] | type[FullStack], weakness: Weakness, some: list[Trouble]) -> None:
        self.stack, self.weakness, self.troubles = stack, weakness, some

    def begin(self, loose: bool, review: bool, adopt: bool, trouble: int, **deal: Any) -> None:
        mode = Mode.REVIEW if review else Mode.AUTO
        self.world = World(self.stack(Deal(**deal)), mode, LOOSE if loose else Limits(), self.weakness)
        for row in range(len(SKUS)):
            self.world.change_row(row, adopt=adopt)
        self.world.wait(HOUR)  # no read is so far behind that it misses what stood before the agent came
        self.world.agent_works(self._trouble(trouble), attentive=True)

    def turn(self, row: int, seats: int | None, wait: int, trouble: int, works: bool, attentive: bool = True) -> None:
        self.world.passes(row, seats, wait)
        if works:
            self.world.agent_works(self._trouble(trouble), attentive)

    def _trouble(self, number: int) -> Trouble:
        return self.troubles[number % len(self.troubles)]

    @deed()
    def seats_change(self, **turn: Any) -> None:
        self.turn(**turn)

    @deed()
    def seats_change_and_nobody_decides(self, **turn: Any) -> None:
        self.turn(**turn, attentive=False)

    @deed(second=A_TROUBLE)
    def troubles_come_together(self, second: int, **turn: Any) -> None:
        self.turn(**turn)
        self.turn(**{**turn, "wait": 15, "trouble": second, "seats": turn["seats"] + 1})

    @deed()
    def a_licence_vanishes(self, **turn: Any) -> None:
        self.turn(**{**turn, "seats": None})

    @deed(health=list(Health), turns=[1, 2])
    def the_tenant_is_ill(self, health: Health, turns: int, **turn: Any) -> None:
        self.world.source.health = health
        for _ in range(turns):
            self.turn(**turn)
        self.world.source.health = Health.WELL

    @deed(fields=ROW_CHANGES)
    def the_admin_edits_a_row(self, fields: dict[str, Any], **turn: Any) -> None:
        self.world.change_row(turn["row"], **fields)
        self.turn(**turn)

    @deed(present=[True, True, False])
    def a_row_goes_or_returns(self, present: bool, **turn: Any) -> None:
        self.world.change_row(turn["row"], present=present)
        self.turn(**turn)

    @deed()
    def a_person_rejects(self, **turn: Any) -> None:
        self.world.decide("rejected")
        self.turn(**turn, attentive=False)

    @deed()
    def an_invoice_is_made(self, **turn: Any) -> None:
        self.world.invoice()
        self.turn(**turn)

    @deed(which=WHICH, quantity=range(1, 31), attentive=[False, True])
    def a_person_edits_a_line(self, which: int, quantity: int, attentive: bool, **turn: Any) -> None:
        self.world.person_edits(which, quantity)
        self.turn(**turn, attentive=attentive)

    @deed(which=WHICH, meddles=["ends", "copies", "deletes"])
    def a_person_meddles(self, which: int, meddles: str, **turn: Any) -> None:
        getattr(self.world, f"person_{meddles}")(which)
        self.turn(**turn)

    @deed(which=WHICH, verb=["keep", "keep", "take", "take", "release"], quantity=[None, None, 3, 12])
    def a_person_says_what_a_line_is(self, which: int, verb: str, quantity: int | None, **turn: Any) -> None:
        if quantity is not None:
            self.world.person_edits(which, quantity)
        self.world.person_says(which, verb)
        self.turn(**turn)

    @deed(seconds=[-2 * DAY, -HOUR, HOUR, 40 * DAY])
    def the_clock_jumps(self, seconds: int, **turn: Any) -> None:
        self.world.clock_jumps(seconds)
        self.turn(**turn)

    @deed()
    def people_tidy_up(self, **turn: Any) -> None:
        self.world.person_tidies()
        self.turn(**turn)

    @deed(fate=["backup", "backup", "restore", "lose"])
    def the_store_is_set_back(self, fate: str, **turn: Any) -> None:
        if fate == "backup":
            self.world.back_up()
        else:
            self.world.loses_store(restored=fate == "restore")
        self.turn(**turn)
