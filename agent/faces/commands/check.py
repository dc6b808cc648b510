"""Look at everything that Trueup needs."""

from __future__ import annotations

import click

from agent.faces import options
from agent.faces.desk import Desk, desk, say, say_json, width


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
    from agent.reports.checks import Grade, check_lines, checks_sum, checks_values

    found = []
    for check in checks(desk):
        found.append(check)
        if not as_json:
            say("\n".join(check_lines(check, width())))
    if as_json:
        say_json(checks_values(found))
    else:
        say(f"\n{checks_sum(found)}")
    context.exit(1 if any(check.grade is Grade.FAIL for check in found) else 0)
