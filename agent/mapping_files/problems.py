"""One mapping file as it is read: its tables, validated one by one, and what is wrong with them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import ValidationError

from agent.domain.mappings import Place
from agent.errors import TrueupError
from agent.mapping_files.schema import Table
from agent.sku_table import SkuTable
from agent.toml_places import Document, Problem
from agent.toml_problems import TOLD, problems_of
from agent.toml_scanner import Steps

T = TypeVar("T", bound=Table)


class MappingsInvalid(TrueupError):
    """The mapping files cannot be used. `problems` holds all that is wrong with any of them, by file and line."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(problems, key=lambda p: (p.file, p.line or 0, p.key)))
        super().__init__("\n".join(map(str, self.problems)), "Correct the files; `trueup map check` shows what is left")


@dataclass(frozen=True, slots=True)
class _Part(Document):
    """A table inside a document. What pydantic says of the table is told with its place in the whole."""

    at: Steps = ()

    def reached(self, steps: Steps) -> Steps:
        return Document.reached(self, (*self.at, *steps))


class Page:
    """A document and the problems found in it so far. Each table is validated alone: no mistake hides another."""

    def __init__(self, document: Document, skus: SkuTable) -> None:
        self.document, self.skus = document, skus
        self.problems: list[Problem] = []
        self._gave_up = False

    def refuse(self, steps: Steps, what: str, remedy: str) -> None:
        self.problems.append(self.document.problem(steps, what, remedy))

    def place(self, steps: Steps) -> Place:
        return Place(self.document.file, self.document.key_place(steps).line)

    def table(self, steps: Steps, data: object, model: type[T]) -> T | None:
        """The table in `data`, which stands at these steps; None where it has problems, or too many stand before it."""
        if len(self.problems) >= TOLD:
            if not self._gave_up:
                self._gave_up = True
                what = f"is not looked at, nor what follows, because {TOLD} problems stand before it"
                self.refuse(steps, what, "Correct them, and look again")
            return None
        try:
            return model.model_validate(data)
        except ValidationError as error:
            document = self.document
            self.problems += problems_of(error, _Part(document.file, document.data, document.places, steps), model)
            return None

    def tables(self, name: str) -> Iterator[tuple[Steps, Any]]:
        """Every [[name]] of the file."""
        found = self.document.data.get(name, [])
        if isinstance(found, dict):
            self.refuse((name,), "is one table, but there may be several", f"Write [[{name}]], in two brackets")
        elif not isinstance(found, list):
            self.refuse((name,), "must be tables", f"Write each as [[{name}]]")
        else:
            yield from (((name, index), data) for index, data in enumerate(found))

    def sku(self, text: str, steps: Steps) -> str | None:
        """The GUID of a licence; an unknown GUID passes, because Microsoft invents licences daily."""
        found = self.skus.find(text)
        if len(found) == 1:
            return found[0]
        if found:
            choices = " or ".join(f"{sku} ({self.skus.part_number(sku)}, {self.skus.name(sku)})" for sku in found)
            self.refuse(steps, f'is the word for {len(found)} licences: "{text}"', f"Write the GUID of one: {choices}")
        else:
            known = [word for _, part_number, name in self.skus for word in (part_number, name)]
            remedy = closest(text, known, "Write the part number, the display name or the GUID of a licence")
            self.refuse(steps, f'is no licence that Trueup knows: "{text}"', remedy)
        return None


def closest(name: str, known: Sequence[str], otherwise: str) -> str:
    """A remedy for an unknown name. (difflib would take a minute over a thousand of them.)"""
    from rapidfuzz import fuzz, process  # 7 MiB that a daemon with sound files never needs

    found = process.extractOne(name, known, scorer=fuzz.ratio, processor=str.casefold, score_cutoff=75)
    return f'Did you mean "{found[0]}"?' if found else otherwise
