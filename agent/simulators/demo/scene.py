"""What every step of the story has at hand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from agent.simulators.companies import PRODUCTS, STORIES
from agent.simulators.demo import psa
from agent.simulators.demo.psa import Picture
from agent.simulators.demo.stage import Stage
from agent.simulators.demo.trueup import Printed, Trueup
from agent.simulators.world import World

ALDER, FENNIMORE, HALCYON, LARKSPUR = (STORIES[place] for place in (0, 5, 7, 11))
NAMES = {story.company: story.name for story in STORIES}
# What a seat of a product costs a month; two of them are sold by the year.
MONTHLY = {p.identifier: Decimal(p.price) / (12 if p.identifier.endswith("-Y") else 1) for p in PRODUCTS}


@dataclass(frozen=True, slots=True)
class Scene:
    stage: Stage
    world: World
    trueup: Trueup

    @property
    def folder(self) -> Path:
        return self.trueup.config.parent

    @property
    def today(self) -> date:
        return self.world.connectwise.clock.today(self.world.connectwise.site.zone)

    def picture(self) -> Picture:
        return Picture.of(self.world.connectwise)

    def writes(self) -> int:
        return psa.writes(self.world.connectwise)

    def holds(self) -> list[Mapping[str, Any]]:
        """What waits for a person, as the daemon tells it."""
        return [hold for hold in self.trueup.get("/holds") if hold["state"] == "open"]

    def run(self, *words: str) -> Printed:
        """Show a command and what it prints."""
        self.stage.command(f"trueup {' '.join(words)}")
        printed = self.trueup.command(*words)
        self.stage.output(printed.text or printed.aside)
        return printed
