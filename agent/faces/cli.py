"""The command line: which commands there are, and how every failure ends.

A command's module is imported when the command is used, so that `trueup --help` need not wait for any of them.
"""

from __future__ import annotations

import atexit
import gc
import resource
import sys
from collections.abc import Mapping
from importlib import import_module
from types import TracebackType
from typing import IO, Any

import click

from agent import __version__
from agent.errors import TrueupError
from agent.faces.desk import Desk, say
from agent.faces.options import common

COMMANDS: Mapping[str, Mapping[str, str]] = {
    "Set up": {
        "init": "Write a first configuration, question by question.",
        "check": "Look at all that Trueup needs, and say what to mend.",
        "tenants": "List the tenants that can be seen, mapped or not.",
        "notices": "Try mail, chat and heartbeat, and say which get through.",
        "map": "Check the mapping files, or suggest rows for them.",
        "cutover": "Take over, end or leave what was billed before Trueup.",
    },
    "Look": {
        "status": "How it stands, on one screen.",
        "plan": "What would be written, and why; writes nothing.",
        "findings": "List the open mismatches.",
        "holds": "List the changes that wait for a person.",
        "explain": "Why a line bills what it bills.",
        "backtest": "What these mapping files, or others, would have billed.",
        "ledger": "What the past still owes: bill it back, correct or waive it.",
        "journal": "What was written and decided, when and by whom.",
        "report": "The month-end report: what leaks, what waits, what was corrected.",
        "evidence": "What proves a company's month: users, changes, hashes.",
        "letter": "A letter to a company about what was corrected on its bill.",
        "audit": "Reconcile exported files: no account, no network.",
    },
    "Act": {
        "approve": "Let held changes be written.",
        "reject": "Keep held changes from being written.",
        "hold": "Keep a line as it is, take it back, or release it.",
        "undo": "Take back what a run wrote.",
        "sync": "Run one cycle now.",
    },
    "Run": {
        "store": "Copy the store, put a copy back, or find what it forgot.",
        "run": "The daemon: cycles on schedule, and the local HTTP interface.",
        "demo": "See it at work against simulated services.",
        "simulate": "Serve the simulated services.",
        "completion": "Print the script that completes commands in a shell.",
    },
}


class Failure(click.ClickException):
    """An error of ours as a person sees it: what happened, and what to do about it, on stderr."""

    exit_code = 1

    def __init__(self, error: TrueupError) -> None:
        super().__init__(str(error))
        self.remedy = error.remedy

    def show(self, file: IO[Any] | None = None) -> None:
        for line in self.message.splitlines():
            say(f"{click.style('Error:', fg='red')} {_sentence(line)}", to_stderr=True)
        if self.remedy:
            say(f"       {_sentence(self.remedy)}", to_stderr=True)


class BadSettings(Failure):
    exit_code = 2


class Trueup(click.Group):
    """Finds commands by name, and lists them without loading one."""

    def list_commands(self, context: click.Context) -> list[str]:
        return [name for commands in COMMANDS.values() for name in commands]

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        if name not in self.list_commands(context):
            return None
        found: click.Command = import_module(f"agent.faces.commands.{name}").command
        return found

    def format_commands(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        for heading, commands in COMMANDS.items():
            with formatter.section(heading):
                formatter.write_dl(list(commands.items()))

    def invoke(self, context: click.Context) -> Any:
        desk = context.ensure_object(Desk)
        try:
            return super().invoke(context)
        except TrueupError as error:
            if desk.debug:
                raise
            raise (BadSettings if _is_settings(error) else Failure)(error) from error


@click.group(cls=Trueup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="trueup", message="%(prog)s %(version)s")
@common
def cli() -> None:
    """Keeps PSA agreements true to the Microsoft 365 licences that tenants really hold.

    COMPANY is the PSA's id of a company, its name, or a part of the name that no other has.
    """


def main() -> None:
    """The `trueup` command."""
    # A core dump would hold the keys. The unit says the same, but not everybody starts the daemon by the unit.
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for stream in (sys.stdout, sys.stderr):
        # A terminal that knows no arrows shows their escapes, rather than nothing at all.
        getattr(stream, "reconfigure", lambda **_: None)(errors="backslashreplace")
    look_for_garbage_seldom()
    atexit.register(gc.freeze)
    if "--debug" not in sys.argv:
        sys.excepthook = _unknown
    cli(prog_name="trueup")


def look_for_garbage_seldom() -> None:
    """What imports make stays to the end: looking through it again and again is a third of a short command's time,
    and a seventh of a cycle's, whose own garbage goes by its reference counts."""
    gc.set_threshold(50_000)


def _unknown(kind: type[BaseException], error: BaseException, _: TracebackType | None) -> None:
    """Last words about an error that nobody thought of."""
    words = str(error).strip().splitlines() or ["no more is known"]
    say(f"{click.style('Error:', fg='red')} A fault of Trueup's own: {kind.__name__}: {words[0]}", to_stderr=True)
    say("       Please report it, with what `trueup --debug …` prints about it.", to_stderr=True)


def _is_settings(error: TrueupError) -> bool:
    from agent.settings import SettingsInvalid

    return isinstance(error, SettingsInvalid)


def _sentence(text: str) -> str:
    """With a capital, unless a path or a key stands first, and with an end."""
    from agent.reports.text import ended

    first, _, rest = text.strip().partition(" ")
    capital = first.capitalize() if first.isalpha() and first.islower() else first
    return ended(f"{capital} {rest}".strip())
