"""The evidence for a company's month: who was counted, what changed, and hashes that nobody can make up later."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import click

from agent.faces import options
from agent.faces.desk import Desk, desk, say, say_json


@click.command(
    epilog=options.examples(
        "trueup evidence contoso --pdf contoso-november.pdf",
        "trueup evidence contoso --month 2026-10 --html october.html --csv october.csv",
    )
)
@options.common
@options.as_json
@options.company
@options.month
@options.evidence_formats
@desk
def command(desk: Desk, /, company: str, first: date | None, as_json: bool, **formats: Path | None) -> None:
    """Put together what proves the quantities of a company's month.

    For each line: the users with when they were first and last seen, how the number came about, the changes with their
    reasons and approvals, and the arithmetic of the invoices; then the readings with their hashes and the head of the
    journal.
    """
    from agent.engine.assembly import traits_of
    from agent.faces import choosing
    from agent.faces.proving import evidence
    from agent.faces.writing import write_formats
    from agent.reports.evidence import evidence_csv, evidence_html, evidence_text, evidence_values
    from agent.reports.pages import pdf

    number, view, settings = choosing.company(desk.mappings, company), desk.view(), desk.settings
    today = view.now.astimezone(settings.agent.timezone).date()
    with desk.store() as store:
        month = first or today.replace(day=1)
        pack = evidence(store, desk.mappings, traits_of(settings), settings, view, number, month)
    if as_json:
        say_json(evidence_values(pack))
    else:
        say(evidence_text(pack))
    makers: dict[str, Callable[[], bytes | str]] = {
        "html": lambda: evidence_html(pack),
        "csv": lambda: evidence_csv(pack),
        "pdf": lambda: pdf(evidence_html(pack)),
    }
    write_formats(formats, makers)
