"""The store: copied, put back, and made to find what it may have forgotten."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from agent.faces import options
from agent.faces.desk import Desk, desk, say, say_json

if TYPE_CHECKING:
    from agent.ports import Restoring

_FILE = click.Path(dir_okay=False, path_type=Path)


@click.group()
@options.common
def command() -> None:
    """Copy the store, put a copy back, or find the lines that it may have forgotten."""


@command.command(epilog=options.examples("trueup store backup /backup/trueup-2026-11-20.db"))
@options.common
@options.as_json
@click.argument("file", type=_FILE)
@desk
def backup(desk: Desk, file: Path, as_json: bool) -> None:
    """Copy the store into FILE, whole as of one moment, also while the daemon writes to it.

    The journal is verified in the copy. For a store in PostgreSQL, use pg_dump.
    """
    from agent.engine.assembly import back_up_store
    from agent.reports.contents import contents_text, contents_values

    desk.log()
    contents = back_up_store(desk.settings, file)
    if as_json:
        say_json({"file": str(file), **contents_values(contents)})
    else:
        say(f"Copied to {file}: {contents_text(contents, desk.view())}")


@command.command(epilog=options.examples("systemctl stop trueup && trueup store restore /backup/trueup-2026-11-20.db"))
@options.common
@options.as_json
@click.argument("file", type=_FILE)
@options.yes
@desk
@click.pass_context
def restore(context: click.Context, desk: Desk, file: Path, yes: bool, as_json: bool) -> None:
    """Put the copy in FILE in the store's place, once its journal is verified and you have seen what is older in it.

    Refused while an agent runs. The replaced store is kept beside it. The next cycle looks through all agreements of
    every company for lines that the copy does not know, before it adds any.

    Exit status: 0 restored, 1 an error, 3 not agreed to.
    """
    from agent.engine.assembly import restore_store
    from agent.reports.contents import restored_values, restoring_text

    seen: list[Restoring] = []

    def agree(restoring: Restoring) -> bool:
        seen.append(restoring)
        if not as_json:
            say(restoring_text(restoring, desk.view()))
        return yes or options.agreed("Put it in the store's place?")

    desk.log()
    restored = restore_store(desk.settings, file, agree)
    if as_json:
        say_json(restored_values(seen[0], restored))
    elif restored:
        aside = f" What it replaced is {restored.kept}." if restored.kept else ""
        say(f"Restored.{aside} Look first, with: trueup plan; then start the daemon.")
    context.exit(0 if restored else options.NOT_AGREED)


@command.command(epilog=options.examples("trueup store adopt", "trueup store adopt --json"))
@options.common
@options.as_json
@desk
@click.pass_context
def adopt(context: click.Context, desk: Desk, as_json: bool) -> None:
    """Look through all agreements of every mapped company for lines of ours that the store does not know.

    They are found by the mark that each carries, and bound; nothing is written to the PSA. For a store that was lost,
    or put back by other means than `trueup store restore`. Exit status as `trueup sync`.
    """
    from agent.faces.pressing import sync
    from agent.reports.contents import found_text, found_values

    with desk.store() as store:
        before, _ = store.journal_head()
        store.ask_to_adopt("by hand", desk.clock.now())
    synced = sync(desk, (), dry=True, quiet=as_json)
    with desk.store() as store:
        records = store.journal_after(before)
        unexplained = [known.finding for known in store.findings()]
    if as_json:
        say_json({**synced.values(), **found_values(records, unexplained)})
    else:
        say(found_text(records, unexplained, desk.view()))
    context.exit(0 if synced.well else 1)
