"""The mapping files: are they right, and what is missing from them."""

from __future__ import annotations

import click

from agent.faces import options
from agent.faces.desk import Desk, desk, say, say_json


@click.group()
@options.common
def command() -> None:
    """Check the mapping files, or suggest what to add to them."""


@command.command()
@options.common
@options.as_json
@desk
@click.pass_context
def check(context: click.Context, desk: Desk, as_json: bool) -> None:
    """Every problem of every mapping file, with line and remedy. Exit status 1 if there is one."""
    from agent.faces.checked import checked_text, checked_values
    from agent.mapping_files import check as check_files

    found = check_files(desk.mapping_files)
    summary = found.summary
    if as_json:
        say_json(checked_values(found.problems, summary))
    else:
        say(checked_text(found.problems, summary, str(desk.settings.agent.mappings)))
    context.exit(1 if found.problems else 0)


@command.command()
@options.common
@options.as_json
@options.companies
@click.option("--write", is_flag=True, help='Write what is sure into the files, with mode = "review".')
@desk
def suggest(desk: Desk, companies: tuple[str, ...], write: bool, as_json: bool) -> None:
    """Propose rows for licences that nobody bills, and companies for tenants and accounts that nobody mapped.

    What is sure can be written with --write; the rest is listed with the choices. Nothing is billed before somebody
    approves it, because files that are written to get mode = "review".
    """
    from agent.faces.choosing import companies as chosen
    from agent.faces.suggesting import suggestions
    from agent.mapping_files.suggestions import write_suggestions
    from agent.reports.suggestions import suggestions_text, suggestions_values

    with desk.engine() as engine:
        mappings = engine.mappings.current()
        found, unread = suggestions(engine, mappings, chosen(mappings, companies) if companies else None)
    written = write_suggestions(desk.mapping_files, found) if write else []
    if as_json:
        say_json(suggestions_values(found, unread, [f"{one.path}: {one.sentence}" for one in written]))
        return
    say(suggestions_text(found, unread, desk.view(), written=write))
    for one in written:
        say(f"{one.path}: {one.sentence}")
