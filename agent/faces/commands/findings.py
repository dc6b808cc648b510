"""The open mismatches, and those that were closed lately."""

from __future__ import annotations

from datetime import timedelta

import click

from agent.faces import options
from agent.faces.desk import Desk, desk, say, say_json


@click.command(
    epilog=options.examples("trueup findings --company contoso --code under-billed", "trueup findings --closed 7")
)
@options.common
@options.as_json
@options.of_company
@click.option("--code", metavar="CODE", help="Only of this kind: under-billed, unmapped-licence, ...")
@click.option(
    "--closed", metavar="DAYS", type=click.IntRange(1, 3660), help="Instead those closed in the last days, and why."
)
@desk
def command(desk: Desk, of_company: str | None, code: str | None, closed: int | None, as_json: bool) -> None:
    """List the open mismatches: what is wrong, since when, what it costs a month and what to do about it."""
    from agent.faces.choosing import company, finding_code
    from agent.reports.findings import closed_text, findings_text
    from agent.reports.values import of_closed, of_finding

    wanted = finding_code(code) if code else None
    number = company(desk.mappings, of_company) if of_company else None
    if closed:
        since = desk.view().now - timedelta(days=closed)
        with desk.store() as store:
            over = [one for one in store.closed_findings(since, number) if wanted in (None, one.finding.code)]
        say_json([of_closed(one) for one in over]) if as_json else say(closed_text(over, desk.view()))
        return
    with desk.store() as store:
        known = [k for k in store.findings(number) if wanted in (None, k.finding.code)]
    if as_json:
        say_json([of_finding(one) for one in known])
    else:
        say(findings_text(known, desk.view()))
