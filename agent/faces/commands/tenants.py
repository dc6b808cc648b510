"""The tenants that can be seen."""

from __future__ import annotations

import click

from agent.faces import options
from agent.faces.desk import Desk, desk, say, say_json


@click.command()
@options.common
@options.as_json
@click.option("--unmapped", is_flag=True, help="Only those that no mapping file names.")
@desk
def command(desk: Desk, unmapped: bool, as_json: bool) -> None:
    """List the tenants that your own tenant looks after, and those of the mapping files, with their companies.

    Needs microsoft.tenant in agent.toml.
    """
    from agent.domain.counts import MICROSOFT
    from agent.reports.tenants import tenant_rows, tenants_text

    with desk.engine() as engine:
        rows = tenant_rows(engine.sources[MICROSOFT].accounts(), engine.mappings.current())
    chosen = [row for row in rows if not (unmapped and row.companies)]
    if as_json:
        say_json([row.values() for row in chosen])
    else:
        say(tenants_text(chosen))
