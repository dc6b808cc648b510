"""The story as Hypothesis tells it: it chooses the deeds and their arguments, and shrinks what goes wrong."""

from __future__ import annotations

from collections import Counter
from typing import Any, ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.engine.mutants import Weakness
from tests.engine.stacks import FullStack, MemoryStack
from tests.engine.story import BEGIN, DEEDS, Choices, Deed, Story, troubles

# The agent looks after every fourth deed, where a schedule lets it look more often: most of a history's time is its
# cycles, and 2,000 histories are to be told in a minute.
WORKS = {"works": [True, False, False, False]}


def chosen(choices: Choices) -> dict[str, st.SearchStrategy[Any]]:
    return {name: st.sampled_from(WORKS.get(name, options)) for name, options in choices.items()}


class Machine(RuleBasedStateMachine):
    """Subclasses say on which stack. `tally` counts over all histories of a class what they came to, so that a story
    without troubles is noticed."""

    stack: ClassVar[type[MemoryStack] | type[FullStack]]
    tally: ClassVar[Counter[str]]
    weakness: ClassVar[type[Weakness]] = Weakness

    def __init_subclass__(cls) -> None:
        cls.tally = Counter()

    def __init__(self) -> None:
        super().__init__()
        self.story = Story(self.stack, self.weakness(), troubles(self.stack, self.weakness.meets))

    @initialize(**chosen(BEGIN))
    def begin(self, **with_: Any) -> None:
        self.story.begin(**with_)

    @precondition(lambda self: hasattr(self.story, "world"))
    @invariant()
    def nothing_is_wrong(self) -> None:
        self.story.world.watch.after_each_step()

    def teardown(self) -> None:
        if not hasattr(self.story, "world"):
            return
        world = self.story.world
        try:
            world.converges()
            world.comes_right()
            self.tally.update(world.told())
        finally:
            world.close()


def _rule(deed: Deed) -> Any:
    def does(self: Machine, **with_: Any) -> None:
        deed.does(self.story, **with_)

    does.__name__ = deed.name
    return rule(**chosen(deed.choices))(does)


for _deed in DEEDS:
    setattr(Machine, _deed.name, _rule(_deed))


class InMemory(Machine):
    stack = MemoryStack


class Whole(Machine):
    stack = FullStack
