"""What a command works with, opened when it is first asked for: every command starts as fast as it can."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import tzinfo
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import click

from agent.config_path import config_path
from agent.engine.clock import SystemClock

if TYPE_CHECKING:
    from agent.domain.mappings import Mappings
    from agent.engine.assembly import Engine
    from agent.mapping_files import MappingFiles
    from agent.ports import Store
    from agent.reports.text import View
    from agent.settings import Settings

# Beyond this, lines are hard to read; the exact requests are what fills them.
_WIDEST = 120


@dataclass
class Desk:
    """`given` is what --config said. With `debug`, errors keep their tracebacks."""

    given: Path | None = None
    debug: bool = False

    @property
    def config(self) -> Path:
        return config_path(self.given)

    @cached_property
    def clock(self) -> SystemClock:
        return SystemClock()

    @cached_property
    def settings(self) -> Settings:
        from agent.settings import load

        settings = load(self.config)
        self._lend_credentials()
        return settings

    @property
    def mapping_files(self) -> MappingFiles:
        return self._files_in(self.settings.agent.mappings)

    def mappings_in(self, folder: Path) -> Mappings:
        """Of another folder than the one in force."""
        return self._files_in(folder).load()

    def _files_in(self, folder: Path) -> MappingFiles:
        from agent.engine.assembly import mapping_files_of

        return mapping_files_of(self.settings, folder)

    @cached_property
    def mappings(self) -> Mappings:
        return self.mapping_files.load()

    @contextmanager
    def store(self) -> Iterator[Store]:
        """The store alone: nothing is asked of Microsoft or the PSA."""
        from agent.engine.assembly import open_store_of

        self.log()
        store = open_store_of(self.settings, self.clock)
        try:
            yield store
        finally:
            store.dispose()

    @contextmanager
    def engine(self) -> Iterator[Engine]:
        from agent.engine.assembly import assemble

        self.log()
        engine = assemble(self.settings, patient=False)
        try:
            yield engine
        finally:
            engine.close()

    def log(self) -> None:
        """Commands print what they found; of the log only what went wrong is worth a person's time."""
        from agent import logs

        logs.configure("debug" if self.debug else "error", "console", logs.STDERR)

    def view(self) -> View:
        """For reports that name companies. Without valid mapping files they go by number."""
        from agent.mapping_files import MappingsInvalid

        try:
            names = {company.company: company.name for company in self.mappings.companies.values()}
        except MappingsInvalid:
            names = {}
        return self.view_in(self.settings.agent.timezone, names)

    def view_in(self, zone: tzinfo, names: dict[int, str]) -> View:
        from agent.reports.text import View

        return View(width(), zone, self.clock.now(), names)

    def _lend_credentials(self) -> None:
        # What systemd hands to the service as "credential:NAME" lies beside agent.toml, for root alone to read. A
        # command that root types finds it there.
        folder = self.config.absolute().parent / "credentials"
        if "CREDENTIALS_DIRECTORY" not in os.environ and os.access(folder, os.R_OK | os.X_OK):
            os.environ["CREDENTIALS_DIRECTORY"] = str(folder)


desk = click.make_pass_decorator(Desk, ensure=True)


def width() -> int:
    return max(60, min(_WIDEST, shutil.get_terminal_size((100, 24)).columns))


# Our own colours, or else what steers a terminal, hides, or turns the direction of writing.
_STEERING = re.compile(
    r"(\x1b\[[0-9;]*m)|[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]"
)


def harmless(text: str) -> str:
    """The text with such characters as escapes. Reports clean the names that they print; this is for what they miss."""
    return _STEERING.sub(lambda found: found[1] or ascii(found[0])[1:-1], text)


def say(text: str, to_stderr: bool = False) -> None:
    """Print; colours only where a terminal shows them and NO_COLOR does not forbid it."""
    click.echo(harmless(text), err=to_stderr, color=False if os.environ.get("NO_COLOR") else None)


def say_json(values: object) -> None:
    say(json.dumps(values, indent=2))
