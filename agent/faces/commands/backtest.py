"""What mapping files would have billed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path

import click

from agent.faces import options
from agent.faces.desk import Desk, desk, say, say_json


@click.command(
    epilog=options.examples(
        "trueup backtest --from 2026-01-01 --to 2026-03-31",
        "trueup backtest --from 2026-01-01 --to 2026-03-31 --mappings ~/new-mappings --company contoso --json",
    )
)
@options.common
@options.as_json
@click.option("--from", "first", metavar="DATE", type=options.DAY, required=True, help="The first day of the replay.")
@click.option("--to", "last", metavar="DATE", type=options.DAY, required=True, help="Its last day.")
@options.mappings
@options.of_companies
@desk
def command(desk: Desk, first: date, last: date, folder: Path | None, words: Sequence[str], as_json: bool) -> None:
    """Replay what was read between two days, under the mapping files in force or under others.

    Shows what would have been written, when, and what would have been invoiced, beside what was: month by month and
    by company, the largest difference first. Tenants are not asked; the PSA only for a product that no stored read
    knows. Nothing is written.
    """
    from agent.engine.assembly import paper_of, policy_of, psa_of
    from agent.faces.backtesting import Archive, NothingStored
    from agent.faces.choosing import companies as chosen
    from agent.faces.progress import watching
    from agent.reports.backtest import Backtest, backtest_text, backtest_values

    if last < first:
        raise click.UsageError(f"{last} lies before {first}: name the first day with --from, the last with --to.")
    mappings = desk.mappings if folder is None else desk.mappings_in(folder)
    ids = chosen(mappings, words)
    settings = desk.settings
    with desk.store() as store:
        paper = paper_of(settings, store, desk.clock)
        catalogue = psa_of(settings, store, desk.clock).products
        archive = Archive(store, paper, policy_of(settings, store), settings.agent.timezone, catalogue)
        with watching(quiet=as_json) as watcher:
            done, uncovered = archive.replays(mappings, ids, first, last, watcher)
    if not done:
        why = "; ".join(dict.fromkeys(uncovered.values())) or "no company is mapped"
        raise NothingStored(
            f"Nothing stored covers {first} to {last}: {why}",
            "Reads are kept from the first cycle on, for as long as store.history says; name a later range",
        )
    named = str(folder or settings.agent.mappings)
    report = Backtest(first, last, named, settings.agent.currency, tuple(done), uncovered)
    if as_json:
        say_json(backtest_values(report, {company.company: company.name for company in mappings.companies.values()}))
    else:
        say(backtest_text(report, desk.view()))
