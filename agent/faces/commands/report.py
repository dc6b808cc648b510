"""The month-end report from what the store remembers."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path

import click

from agent.faces import options
from agent.faces.desk import Desk, desk, say, say_json


@click.command(
    epilog=options.examples(
        "trueup report",
        "trueup report --html month-end.html --xlsx month-end.xlsx",
        "trueup report --mail",
        "trueup report contoso --since 2026-11-01 --pdf contoso.pdf",
    )
)
@options.common
@options.as_json
@options.companies
@click.option("--since", metavar="DATE", type=options.DAY, help="First day of what was corrected; else this month's.")
@click.option("--mail", is_flag=True, help="Mail it, with page and workbook, to notify.mail.to.")
@options.formats
@desk
def command(
    desk: Desk, /, companies: Sequence[str], since: date | None, mail: bool, as_json: bool, **formats: Path | None
) -> None:
    """What has drifted apart, in money: leaks and refunds, the largest first, before invoices go out.

    By company, licence and kind; what was corrected and what waits for a person; what nobody mapped; how fresh each
    side is; and how it went over the past months. All of it comes from the store: nothing is read now, or written.
    """
    from agent.faces.choosing import companies as chosen
    from agent.faces.month_end import books
    from agent.faces.writing import mail_month_end, write_month_end
    from agent.reports.month_end.text import month_end_text
    from agent.reports.month_end.values import month_end_values

    settings, mappings, view = desk.settings, desk.mappings, desk.view()
    with desk.store() as store:
        report = books(store, mappings, settings, view, chosen(mappings, companies), since).report()
    if as_json:
        say_json(month_end_values(report))
    else:
        say(month_end_text(report, view))
    write_month_end(report, formats)
    if mail:
        mail_month_end(report, desk)
