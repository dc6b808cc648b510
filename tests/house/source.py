"""The project's own source, as the house tests look at it."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]


@dataclass(frozen=True)
class Module:
    """One file: `name` is dotted (`agent.psa.connectwise`), `path` relative to the repository."""

    path: str
    text: str

    @property
    def name(self) -> str:
        return self.path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text, self.path)

    def nodes(self) -> Iterator[ast.AST]:
        return ast.walk(self.tree)


def modules(*folders: str) -> list[Module]:
    """Every Python file below the folders, in a stable order."""
    found = sorted(path for folder in folders for path in (REPOSITORY / folder).rglob("*.py"))
    return [Module(path.relative_to(REPOSITORY).as_posix(), path.read_text()) for path in found]
