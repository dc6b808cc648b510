"""Why a line bills what it bills."""

from __future__ import annotations

from datetime import date

import click

from agent.faces import options
from agent.faces.desk import Desk, desk, say, say_json


@click.command(
    epilog=options.examples(
        "trueup explain corvane SPE_E3",
        'trueup explain corvane "Microsoft 365 E3" --on 2026-10-31',
        "trueup explain 203 SPE_E3 --run 20261120-101640-2a91d3 --json",
    )
)
@options.common
@options.as_json
@click.option("--on", metavar="DATE", type=options.DAY, help="What was billed for this day, and why.")
@click.option("--run", metavar="ID", shell_complete=options.runs, help="As it stood at the end of this run.")
@options.company
@click.argument("licence", metavar="[LICENCE]", default="", shell_complete=options.licences)
@desk
def command(desk: Desk, company: str, licence: str, on: date | None, run: str | None, as_json: bool) -> None:
    """Tell how the number of a line came about: read, counted, included, priced, planned, written and billed.

    LICENCE is a licence's part number, name or id, or the name, profile or product of a row; without it all lines of
    the company are told. The amounts are worked out from the lines as they were read, by the PSA's own rule.
    """
    from agent.engine.assembly import traits_of
    from agent.faces import choosing
    from agent.faces.explaining import Memoirs, moment
    from agent.reports.explanation import explanation_text, explanation_values

    number = choosing.company(desk.mappings, company)
    settings = desk.settings.agent
    with desk.store() as store:
        when = moment(store, settings.timezone, desk.clock.now(), on, run)
        traits = traits_of(desk.settings)
        found = Memoirs(store, desk.mappings, traits, settings.timezone, settings.currency, number, when).explanations(
            licence
        )
    if not found:
        raise choosing.nothing(desk.mappings.companies[number], licence)
    if as_json:
        say_json([explanation_values(one) for one in found])
    else:
        view = desk.view()
        say("\n\n".join(explanation_text(one, view) for one in found))
