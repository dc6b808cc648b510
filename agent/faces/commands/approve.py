"""Let held changes be written."""

from __future__ import annotations

from collections.abc import Sequence

import click

from agent.faces import options
from agent.faces.desk import Desk, desk


@click.command()
@options.common
@options.as_json
@options.digests
@click.option("--now", is_flag=True, help="Write them at once, in a cycle over their companies.")
@desk
@click.pass_context
def command(context: click.Context, desk: Desk, digests: Sequence[str], now: bool, as_json: bool) -> None:
    """Approve held changes: each DIGEST names one, or the id of a run names all that it held.

    An approval counts for exactly what was shown. It ends after guards.approval-expires, or as soon as a number that
    it rests on changes.
    """
    from agent.faces.deciding import decide, say_decided
    from agent.faces.pressing import sync

    decided = decide(desk, digests, "approved", "")
    say_decided(desk, decided, "approved", as_json, now)
    if now:
        companies = sorted({str(hold.company) for hold in decided})
        context.exit(0 if sync(desk, companies, dry=False, as_json=as_json) else 1)
