"""Keep held changes from being written."""

from __future__ import annotations

from collections.abc import Sequence

import click

from agent.faces import options
from agent.faces.desk import Desk, desk, say, say_json


@click.command()
@options.common
@options.as_json
@options.digests
@click.option("--reason", default="", help="Why, for those who read the journal later.")
@desk
def command(desk: Desk, digests: Sequence[str], reason: str, as_json: bool) -> None:
    """Reject held changes: each DIGEST names one, or the id of a run names all that it held.

    The mismatch stays open, and so does the hold, until what it rests on changes or it is approved after all.
    """
    from agent.faces.deciding import decide
    from agent.reports.holds import decided_text
    from agent.reports.values import of_hold

    decided = decide(desk, digests, "rejected", reason)
    if as_json:
        say_json({"decided": [of_hold(hold) for hold in decided]})
    else:
        say(decided_text(decided, "rejected", desk.view()))
