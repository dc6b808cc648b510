"""Let held changes be written."""

from __future__ import annotations

from collections.abc import Sequence

import click

from agent.faces import options
from agent.faces.desk import Desk, desk, say, say_json


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
    from agent.faces.deciding import decide, when_written
    from agent.faces.pressing import sync
    from agent.reports.holds import decided_text
    from agent.reports.values import of_hold

    decided = decide(desk, digests, "approved", "")
    view = desk.view()
    if not as_json:
        say("\n".join([decided_text(decided, "approved", view), *([] if now else when_written(desk, decided))]))
    synced = sync(desk, sorted({str(hold.company) for hold in decided}), dry=False, quiet=as_json) if now else None
    if as_json:
        say_json({"decided": [of_hold(hold) for hold in decided], "run": synced.values() if synced else None})
    elif synced is not None:
        say(synced.text(view))
    context.exit(0 if synced is None or synced.well else 1)
