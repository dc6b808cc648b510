"""Exported files against each other: the audit that needs no account anywhere."""

from __future__ import annotations

from datetime import UTC, date
from pathlib import Path

import click

from agent.faces import options
from agent.faces.desk import Desk, desk, say, say_json


@click.command(
    epilog=options.examples(
        "trueup audit --sample --html sample.html",
        "trueup audit --billed additions.csv --purchased distributor.csv --xlsx audit.xlsx",
        'trueup audit --billed additions.csv --purchased "Contoso Ltd=licences.csv" --assigned "Contoso Ltd=users.csv"',
    )
)
@options.common
@options.as_json
@click.option("--billed", metavar="FILE", help="What the PSA bills: ConnectWise additions, an Autotask LiveReport.")
@click.option("--purchased", metavar="FILE", multiple=True, help="What is bought; may be repeated.")
@click.option("--assigned", metavar="FILE", multiple=True, help="What is in use: users, or counts; may be repeated.")
@click.option("--invoice", metavar="FILE", multiple=True, help="What the distributor invoices; may be repeated.")
@click.option("--sample", is_flag=True, help="On the shipped example files instead.")
@click.option("--as-of", "day", metavar="DATE", type=options.DAY, help="The day on which lines count; today if absent.")
@click.option("--currency", metavar="CODE", help="Of amounts without one; USD if neither this nor the profile says.")
@click.option(
    "--profile",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("trueup-audit.toml"),
    show_default=True,
    help="Where your answers about these files are kept.",
)
@options.formats
@desk
def command(
    desk: Desk,
    /,
    billed: str | None,
    purchased: tuple[str, ...],
    assigned: tuple[str, ...],
    invoice: tuple[str, ...],
    sample: bool,
    day: date | None,
    currency: str | None,
    profile: Path,
    as_json: bool,
    **formats: Path | None,
) -> None:
    """Reconcile exported CSV or XLSX files: what is purchased, assigned, billed and invoiced.

    Columns are recognised by their headers. On a terminal you are asked what cannot be told for sure, and the answers
    are kept for next month. COMPANY=FILE says whose an export is that does not say it itself. Nothing leaves this
    machine, and nothing but your answers is kept.
    """
    from dataclasses import replace

    from agent.audit import SAMPLE_DAY, Profile, load_profile
    from agent.audit import sample as sample_files
    from agent.domain.reconciliation import Leg
    from agent.faces.auditing import given_file, is_asking, remember, run, view_of
    from agent.faces.writing import write_month_end
    from agent.reports.month_end.text import month_end_text
    from agent.reports.month_end.values import month_end_values

    words = {Leg.BILLED: (billed,) if billed else (), Leg.PURCHASED: purchased, Leg.ASSIGNED: assigned}
    given = [given_file(leg, word) for leg, of_leg in {**words, Leg.INVOICED: invoice}.items() for word in of_leg]
    if sample == bool(given):
        raise click.UsageError("Name the files with --billed and --purchased, or take --sample.")
    if not sample and (not billed or len(given) < 2):
        raise click.UsageError("--billed needs at least one of --purchased, --assigned and --invoice beside it.")
    before = Profile() if sample else load_profile(profile)
    kept = replace(before, currency=currency.upper()) if currency else before
    today = SAMPLE_DAY if sample else day or desk.clock.now().astimezone().date()
    outcome = run(sample_files() if sample else given, kept, kept.currency or "USD", today, not as_json and is_asking())
    report = view_of(outcome.audit, f"Licence audit, {today:%B %Y}" + (" (sample)" if sample else ""))
    if as_json:
        say_json(month_end_values(report))
    else:
        say(month_end_text(report, desk.view_in(UTC, {})))
    write_month_end(report, formats)
    if not sample:
        remember(profile, before, outcome.profile)
