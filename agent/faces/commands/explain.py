"""Why a line bills what it bills."""

from __future__ import annotations

import click

from agent.faces import options
from agent.faces.desk import Desk, desk, say, say_json


@click.command()
@options.common
@options.as_json
@options.company
@click.argument("licence", metavar="LICENCE")
@desk
def command(desk: Desk, company: str, licence: str, as_json: bool) -> None:
    """Tell how the number of a line came about: read, counted, included, priced, planned and written.

    LICENCE is a licence's part number, name or id, or the name, profile or product of a row.
    """
    from agent.faces import choosing
    from agent.faces.explaining import explanations
    from agent.reports.explanation import explanation_text, explanation_values

    number = choosing.company(desk.mappings, company)
    rows = choosing.rows(desk.mappings.companies[number], licence)
    with desk.store() as store:
        found = explanations(store, rows, desk.settings.psa.kind, desk.clock.now())
    if as_json:
        say_json([explanation_values(one) for one in found])
    else:
        view = desk.view()
        say("\n\n".join(explanation_text(one, view) for one in found))
