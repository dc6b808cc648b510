"""One cycle now."""

from __future__ import annotations

from collections.abc import Sequence

import click

from agent.faces import options
from agent.faces.desk import Desk, desk, say, say_json


@click.command()
@options.common
@options.as_json
@options.companies
@click.option("--dry-run", is_flag=True, help="Read and plan as a cycle does, and write nothing to the PSA.")
@desk
@click.pass_context
def command(context: click.Context, desk: Desk, companies: Sequence[str], dry_run: bool, as_json: bool) -> None:
    """Run one cycle now, over these companies or over all: read, plan, write what is not held.

    Where the daemon runs, it does the work and this command follows it; otherwise it is done here.

    Exit status: 0 all went well (held changes included), 1 something failed, was not confirmed or could not be read.
    """
    from agent.faces.pressing import sync

    synced = sync(desk, companies, dry_run, quiet=as_json)
    if as_json:
        say_json(synced.values())
    else:
        say(synced.text(desk.view()))
    context.exit(0 if synced.well else 1)
