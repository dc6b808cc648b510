"""The journal of writes and decisions."""

from __future__ import annotations

import click

from agent.faces import options
from agent.faces.desk import Desk, desk, say, say_json


@click.group(invoke_without_command=True)
@options.common
@options.as_json
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True, help="How many records, the newest.")
@desk
@click.pass_context
def command(context: click.Context, desk: Desk, limit: int, as_json: bool) -> None:
    """What was written and decided, when and by whom; the newest records, in their order."""
    if context.invoked_subcommand:
        return
    from agent.reports.journal import journal_text
    from agent.reports.values import of_record

    with desk.store() as store:
        records = store.journal(limit)
    if as_json:
        say_json([of_record(record) for record in records])
    else:
        say(journal_text(records, desk.view()))


@command.command()
@options.common
@options.as_json
@desk
@click.pass_context
def verify(context: click.Context, desk: Desk, as_json: bool) -> None:
    """Recompute the whole chain: was any record changed, removed or cut off? Exit status 1 if so."""
    from agent.reports.journal import verdict

    with desk.store() as store:
        records, head, fault = store.verify_journal()
    if as_json:
        say_json({"records": records, "head": head, "fault": fault or None})
    else:
        say(verdict(records, head, fault))
    context.exit(1 if fault else 0)
