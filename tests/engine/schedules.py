"""The story as a seed alone tells it: a schedule is short, so that a hundred thousand of them can be told.

Seeds share out the stacks: one in fifty goes through the real store and the real adapter on its wire, the others
through the same engine with both in memory.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.engine.mutants import Weakness
from tests.engine.stacks import FullStack, MemoryStack
from tests.engine.story import BEGIN, DEEDS, Choices, Story, troubles

WHOLE_EVERY = 50
LENGTHS = (1, 2, 2, 3, 3, 4, 4, 5, 6, 8, 12)  # steps after the first cycle
COMES_RIGHT_EVERY = 9  # that people tidy up and all is billed in the end takes a dozen cycles more


@dataclass(slots=True)
class Schedule:
    """`heard` gets each deed before it is done, for whoever replays a seed."""

    seed: int
    weakness: type[Weakness] = Weakness
    heard: Callable[[str], None] = lambda said: None
    story: Story = field(init=False)
    rng: random.Random = field(init=False)
    digest: str = ""

    def __post_init__(self) -> None:
        stack = MemoryStack if self.seed % WHOLE_EVERY else FullStack
        self.rng = random.Random(self.seed)
        self.story = Story(stack, self.weakness(), troubles(stack, self.weakness.meets))

    def run(self) -> Counter[str]:
        """What the schedule came to; raises `Broken`."""
        begun = {**self._drawn(BEGIN), **self._in_turn()}
        self.heard(f"begin {_words(begun)}")
        self.story.begin(**begun)
        try:
            self._happens()
            self._ends()
            self.digest = self.story.world.digest()
            return self.story.world.told()
        finally:
            self.story.world.close()

    def _happens(self) -> None:
        for _ in range(self.rng.choice(LENGTHS)):
            deed = self.rng.choice(DEEDS)
            with_ = self._drawn(deed.choices)
            self.heard(f"{deed.name} {_words(with_)}")
            deed.does(self.story, **with_)
            self.story.world.watch.after_each_step()

    def _ends(self) -> None:
        self.heard("faults cease")
        self.story.world.converges()
        if self.seed % COMES_RIGHT_EVERY == 0:
            self.heard("people tidy up")
            self.story.world.comes_right()

    def _in_turn(self) -> dict[str, Any]:
        """Few schedules go over the wire, and its faults are many: their first cycles meet them one after another."""
        turn, again = divmod(self.seed, WHOLE_EVERY)
        if again or self.weakness.meets:
            return {}
        faults = [*self.story.stack.write_faults, *self.story.stack.read_faults]
        names = [trouble[0] for trouble in self.story.troubles]
        return {"trouble": names.index(faults[turn % len(faults)])}

    def _drawn(self, choices: Choices) -> dict[str, Any]:
        return {name: self.rng.choice(options) for name, options in choices.items()}


def _words(with_: dict[str, Any]) -> str:
    return " ".join(f"{name}={value}" for name, value in with_.items())
