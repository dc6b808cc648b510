"""The letter that tells a company what was corrected on its bill. It is written for a person to send."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import click

from agent.faces import options
from agent.faces.desk import Desk, desk, say, say_json


def _copy(context: click.Context, _: click.Parameter, folder: Path | None) -> None:
    # Eager, because copying templates needs no company.
    if folder is None or context.resilient_parsing:
        return
    from agent.faces.letters import copy_templates

    for path in copy_templates(folder):
        say(f"Written: {path}", to_stderr=True)
    say(f"Edit them, and name the folder: letter.templates in agent.toml, or --templates {folder}", to_stderr=True)
    context.exit()


_FOLDER = click.Path(file_okay=False, path_type=Path)


@click.command(
    epilog=options.examples(
        "trueup letter contoso",
        "trueup letter contoso --month 2026-10 --tone warm --pdf october.pdf",
        "trueup letter contoso --docx october.docx --text october.txt",
        "trueup letter --copy-templates letters",
    )
)
@options.common
@options.as_json
@options.company
@options.month
@click.option("--tone", metavar="TONE", help="plain, warm, formal or a template of your own; else letter.tone.")
@click.option("--templates", "folder", type=_FOLDER, metavar="FOLDER", help="Your own; else letter.templates.")
@click.option(
    "--copy-templates", type=_FOLDER, metavar="FOLDER", is_eager=True, expose_value=False, callback=_copy,
    help="Write the shipped templates there, to be edited, and do nothing else.",
)  # fmt: skip
@options.letter_formats
@desk
@click.pass_context
def command(
    context: click.Context,
    desk: Desk,
    /,
    company: str,
    first: date | None,
    tone: str | None,
    folder: Path | None,
    as_json: bool,
    **formats: Path | None,
) -> None:
    """Write the letter that tells a company what was corrected on its bill in a month.

    What was billed, what is correct, from which day, and the arithmetic of each amount; quantities apart from prices,
    charges apart from credits; what goes on from here; and who was counted, where the billing profile allows names.

    It is printed and written into files, and never sent: read it, and send it yourself. Exit status 4 if nothing was
    corrected.
    """
    from agent.engine.assembly import traits_of
    from agent.faces import choosing, letters
    from agent.faces.writing import write_formats
    from agent.reports.letters.values import letter_values
    from agent.reports.letters.word import letter_docx
    from agent.reports.pages import pdf

    number, view, settings = choosing.company(desk.mappings, company), desk.view(), desk.settings
    today = view.now.astimezone(settings.agent.timezone).date()
    with desk.store() as store:
        month = first or today.replace(day=1)
        made = letters.letter(store, desk.mappings, traits_of(settings), settings, view, number, month)
    # Beside the letter and not in it: whoever sends it may want to wait until they are.
    if made.unsettled:
        say(f"{made.unsettled} of the month's writes are not settled yet, and not in the letter.", to_stderr=True)
    if not made:
        say(f"Nothing was corrected for {made.company} in {made.month}: there is no letter to write.", to_stderr=True)
        context.exit(options.NOTHING)
    templates, tone = letters.templates(settings, folder), tone or settings.letter.tone
    if as_json:
        say_json(letter_values(made))
    else:
        say(templates.text(made, tone).rstrip())
    makers: dict[str, Callable[[], bytes | str]] = {
        "text": lambda: templates.text(made, tone),
        "html": lambda: templates.html(made, tone),
        "docx": lambda: letter_docx(made, tone, templates),
        "pdf": lambda: pdf(templates.html(made, tone)),
    }
    write_formats(formats, makers)
