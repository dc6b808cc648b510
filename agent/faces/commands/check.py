"""Look at everything that Trueup needs."""

from __future__ import annotations

import click

from agent.faces import options
from agent.faces.desk import Desk, desk


@click.command()
@options.common
@options.as_json
@desk
@click.pass_context
def command(context: click.Context, desk: Desk, as_json: bool) -> None:
    """Look at settings, credentials, store, clock, mapping files, the PSA's rights and every mapped tenant.

    Each line says ok, warn or fail, with a remedy for what is not ok. Only reads. Exit status 1 if anything fails.
    """
    from agent.faces.checking import checks
    from agent.faces.grading import tell

    context.exit(tell(checks(desk), as_json))
