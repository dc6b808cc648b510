"""The open mismatches."""

from __future__ import annotations

import click

from agent.faces import options
from agent.faces.desk import Desk, desk, say, say_json


@click.command()
@options.common
@options.as_json
@options.of_company
@click.option("--code", metavar="CODE", help="Only of this kind: under-billed, unmapped-licence, ...")
@desk
def command(desk: Desk, of_company: str | None, code: str | None, as_json: bool) -> None:
    """List the open mismatches: what is wrong, since when, what it costs a month and what to do about it."""
    from agent.faces.choosing import company, finding_code
    from agent.reports.findings import findings_text
    from agent.reports.values import of_finding

    wanted = finding_code(code) if code else None
    number = company(desk.mappings, of_company) if of_company else None
    with desk.store() as store:
        known = [k for k in store.findings(number) if wanted in (None, k.finding.code)]
    if as_json:
        say_json([of_finding(one) for one in known])
    else:
        say(findings_text(known, desk.view()))
