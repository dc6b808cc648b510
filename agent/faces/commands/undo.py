"""Taking a run back."""

from __future__ import annotations

import click

from agent.faces import options
from agent.faces.desk import Desk, desk, say, say_json


@click.command(
    epilog=options.examples(
        "trueup undo 20261120-101640-2a91d3", "trueup undo 20261120-101640-2a91d3 --company corvane --yes"
    )
)
@options.common
@options.as_json
@click.argument("run", shell_complete=options.runs)
@options.of_company
@options.yes
@click.option("--reason", default="", help="Why; it stands in the journal.")
@desk
@click.pass_context
def command(
    context: click.Context, desk: Desk, run: str, of_company: str | None, yes: bool, reason: str, as_json: bool
) -> None:
    """Take back what RUN wrote, of all its companies or of one: shown first, and asked about.

    What no invoice has reached is as if it had never been. An invoice that was made meanwhile is not edited: where the
    profile takes credits its days are credited, elsewhere it is told what to credit by hand. Each line is then kept at
    what it was, until `trueup hold take` gives it back to its row. Who agrees approves what guards would hold.

    Exit status: 0 taken back, 1 an error or a write that was not confirmed, 3 not agreed to.
    """
    from agent.engine.undoing import carry_out, undoing
    from agent.faces.choosing import company
    from agent.faces.deciding import by
    from agent.faces.pressing import sync
    from agent.reports.undoing import undoing_text, undoing_values

    with desk.engine() as engine:
        mappings = engine.mappings.current()
        chosen = [company(mappings, of_company)] if of_company else None
        found = undoing(engine.cycle, mappings, run, chosen, by(reason))
        if not as_json:
            say(undoing_text(found, desk.view()))
        agreed = bool(found.companies) and (yes or options.agreed("Take it back?"))
        if agreed:
            carry_out(engine.cycle, found, desk.settings.guards.approval_expires)
    synced = sync(desk, [str(number) for number in found.companies], dry=False, quiet=as_json) if agreed else None
    if as_json:
        say_json({**undoing_values(found), "run": synced.values() if synced else None})
    elif synced is not None:
        say(synced.text(desk.view()))
    context.exit(options.NOT_AGREED if synced is None else 0 if synced.well else 1)
