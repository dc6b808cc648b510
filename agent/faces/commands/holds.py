"""Changes that wait for a person."""

from __future__ import annotations

import click

from agent.faces import options
from agent.faces.desk import Desk, desk, say, say_json


@click.command()
@options.common
@options.as_json
@options.of_company
@desk
def command(desk: Desk, of_company: str | None, as_json: bool) -> None:
    """List the changes that wait for a person, with the reasons and with the digest that approves each."""
    from agent.faces.choosing import company
    from agent.reports.holds import holds_text
    from agent.reports.undoing import kept_text
    from agent.reports.values import of_hold

    number = company(desk.mappings, of_company) if of_company else None
    with desk.store() as store:
        holds, plans = store.holds(number), store.plan(number)
        kept = kept_text(store.kept(number), store.released(number), desk.view())
    if as_json:
        say_json([of_hold(hold) for hold in holds])
    else:
        say("\n\n".join(filter(None, (kept, holds_text(holds, plans, desk.view())))))
