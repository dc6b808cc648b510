"""The daemon."""

from __future__ import annotations

import click

from agent.faces import options
from agent.faces.desk import Desk, desk


@click.command()
@options.common
@desk
@click.pass_context
def command(context: click.Context, desk: Desk) -> None:
    """Run until stopped: cycles on schedule, *sync now* over the local HTTP interface, JSON log on stdout.

    SIGTERM and Ctrl-C finish the write in flight and stop; the second one ends at once. SIGHUP reads agent.toml and
    the mapping files again. Exit status 2 if agent.toml is wrong.
    """
    from agent.faces.daemon import run

    context.exit(run(desk))
