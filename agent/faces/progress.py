"""How far a cycle is, on stderr: a bar on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from agent.faces.desk import say

if TYPE_CHECKING:
    from agent.engine.cycle import Progress, Watcher

_WORDS = {
    "reading": "Reading companies",
    "writing": "Writing to companies",
    "replaying": "Replaying companies",
}


@contextmanager
def watching(quiet: bool = False) -> Iterator[Watcher]:
    """A watcher for `Cycle.run`. Quiet where a program reads our output and nobody looks at stderr."""
    if quiet and not sys.stderr.isatty():
        yield lambda progress: None
    elif sys.stderr.isatty():
        with _bars() as watcher:
            yield watcher
    else:
        yield _line


def _line(progress: Progress) -> None:
    """Four lines a phase at most: a log should not grow with the fleet."""
    quarter = max(10, progress.of // 4)
    if progress.done == progress.of or progress.done % quarter == 0:
        say(f"{_WORDS[progress.phase]}: {progress.done} of {progress.of}", to_stderr=True)


@contextmanager
def _bars() -> Iterator[Watcher]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bars

    parts = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Bars(*parts, console=Console(stderr=True), transient=True) as bars:
        tasks: dict[str, TaskID] = {}

        def watch(progress: Progress) -> None:
            if progress.phase not in tasks:
                tasks[progress.phase] = bars.add_task(_WORDS[progress.phase], total=progress.of)
            bars.update(tasks[progress.phase], completed=progress.done)

        yield watch


@contextmanager
def waiting(words: str) -> Iterator[None]:
    """While another process works."""
    if not sys.stderr.isatty():
        say(f"{words} ...", to_stderr=True)
        yield
        return
    from rich.console import Console

    with Console(stderr=True).status(words):
        yield
