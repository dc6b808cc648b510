"""What the audience sees: headings, tables, commands with what they print, and facts that were checked."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

WIDTH = 110  # where nobody looks, and the most where somebody does


class Stage:
    """Colours on a terminal, plain text elsewhere. `failed` holds the facts that did not hold."""

    def __init__(self) -> None:
        plain = Console()
        width = min(plain.width, WIDTH) if plain.is_terminal else WIDTH
        self._console = Console(width=width, highlight=False, soft_wrap=False)
        self.width = width
        self.failed: list[str] = []
        self.facts = 0
        self._steps = 0

    def title(self, text: str, beneath: str) -> None:
        self._print(Text(text, "bold"))
        self.says(beneath)

    def step(self, heading: str, beneath: str = "") -> None:
        self._steps += 1
        self.gap()
        self._print(Text.assemble((f"{self._steps}  ", "bold cyan"), (heading, "bold")))
        if beneath:
            self.says(beneath)
        self.gap()

    def says(self, text: str) -> None:
        self._print(Padding(Text(text, "dim"), (0, 0, 0, 3), expand=False))

    def command(self, line: str) -> None:
        """A command as one would type it."""
        self._as_it_is(Text.assemble(("   $ ", "cyan"), line))

    def more(self, line: str) -> None:
        """The next line of a command."""
        self._as_it_is(Text(f"       {line}"))

    def output(self, text: str) -> None:
        """What a command printed."""
        for line in text.rstrip().splitlines():
            self._as_it_is(Text(f"     {line}"))
        self.gap()

    def gap(self) -> None:
        self._print("")

    def table(self, header: Sequence[str], rows: Sequence[Sequence[str]], right: Collection[int] = ()) -> None:
        """Columns that line up, those in `right` flush right; only the last one wraps."""
        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim", show_header=any(header))
        for place, name in enumerate(header):
            table.add_column(
                name, justify="right" if place in right else "left", no_wrap=place < len(header) - 1, overflow="fold"
            )
        for row in rows:
            table.add_row(*map(Text, row))
        self._print(Padding(table, (0, 0, 0, 3), expand=False))
        self.gap()

    def fact(self, holds: bool, sentence: str) -> None:
        """What the demonstration claims. One that does not hold is said so, and fails it."""
        self.facts += 1
        mark = ("✓", "green") if holds else ("✗ NOT SO:", "bold red")
        self._print(Text.assemble("   ", mark, f" {sentence}"))
        if not holds:
            self.failed.append(sentence)

    @contextmanager
    def waiting(self, words: str) -> Iterator[None]:
        """While something takes a moment; only a terminal shows it."""
        if not self._console.is_terminal:
            yield
            return
        with self._console.status(words):
            yield

    def _as_it_is(self, line: Text) -> None:
        """Neither wrapped nor cut: somebody may want to copy it."""
        self._console.print(line, soft_wrap=True)

    def _print(self, shown: RenderableType) -> None:
        if self._console.is_terminal:
            self._console.print(shown)
            return
        # Rich fills lines up to the width, which a file should not keep.
        with self._console.capture() as captured:
            self._console.print(shown)
        for line in captured.get().splitlines():
            self._console.print(line.rstrip(), soft_wrap=True, markup=False)
