"""What would be written, and why."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from agent.errors import TrueupError
from agent.faces import options
from agent.faces.desk import Desk, desk, say, say_json

if TYPE_CHECKING:
    from agent.engine.assembly import Engine
    from agent.engine.cycle import Result
    from agent.reports.plan import PlanReport

NOTHING_TO_DO, FAILED, CHANGES = 0, 1, 2


@click.command(
    epilog=options.examples(
        "trueup plan",
        "trueup plan contoso --json",
        "trueup plan --mappings ~/new-mappings contoso",
        "trueup plan --mappings ~/new-mappings --stored",
    )
)
@options.common
@options.as_json
@options.mappings
@click.option("--stored", is_flag=True, help="With --mappings: think on what was read last, and read nothing now.")
@options.companies
@desk
@click.pass_context
def command(
    context: click.Context, desk: Desk, companies: Sequence[str], folder: Path | None, stored: bool, as_json: bool
) -> None:
    """Read both sides and say what would change, of these companies or of all. Nothing is written to the PSA.

    For each agreement: units and money before and after, each change with the exact requests that realise it, and
    why a change is held, with the digest that approves it.

    With --mappings: how the plan of edited files differs from that of the files in force, before they go live.

    Exit status: 0 nothing to do (or no difference), 2 changes (differences), 1 an error.
    """
    if stored and folder is None:
        raise click.UsageError("--stored goes with --mappings; GET /plan tells the last plan.")
    if folder is not None:
        context.exit(_compare(desk, companies, folder, stored, as_json))
    from agent.faces.choosing import companies as chosen
    from agent.faces.progress import watching
    from agent.faces.unread import unread
    from agent.reports.plan import plan_text, plan_values

    with desk.engine() as engine:
        mappings = engine.mappings.current()
        ids = chosen(mappings, companies)
        with watching(quiet=as_json) as watcher:
            result = engine.cycle.run(mappings, ids, "plan", dry=True, watcher=watcher)
        report = report_of(engine, result, ids)
        if as_json:
            kept = [plan for plan in engine.store.plan() if plan["company"] in ids]
            names = {company.company: company.name for company in mappings.companies.values()}
            say_json(plan_values(report, kept, names, result.run, result.state, result.detail))
        else:
            say(plan_text(report, desk.view()))
        lacking = unread(engine.store, ids)
    if result.detail:
        raise TrueupError(f"Not every company could be planned: {result.detail}", "See: trueup findings")
    if any(plan.due for plan in report.plans):
        context.exit(CHANGES)
    if lacking:
        raise TrueupError("Nothing to do where all was read, but not every tenant could be", "See: trueup findings")
    context.exit(NOTHING_TO_DO)


def _compare(desk: Desk, words: Sequence[str], folder: Path, stored: bool, as_json: bool) -> int:
    """Both plans, and the exit status."""
    from agent.domain.compared import Compared
    from agent.domain.mappings import Mappings
    from agent.engine.whatif import WhatIf, companies_of
    from agent.faces.choosing import companies as chosen
    from agent.faces.progress import watching
    from agent.reports.compared import Comparison, comparison_text, comparison_values

    edited = desk.mappings_in(folder)
    with desk.engine() as engine:
        now = engine.mappings.current()
        known = Mappings(companies_of(now, edited), (), "")
        with watching(quiet=as_json) as watcher:
            found = list(WhatIf(engine.cycle, now, edited).compared(chosen(known, words), stored, watcher))
        compared = tuple(one for one in found if isinstance(one, Compared))
        unread = {one[0]: str(one[1]) for one in found if not isinstance(one, Compared)}
        comparison = Comparison(str(folder), compared, unread, engine.psa.traits.line_word)
        names = {company.company: company.name for company in known.companies.values()}
        if as_json:
            say_json(comparison_values(comparison, names))
        else:
            say(comparison_text(comparison, desk.view_in(desk.settings.agent.timezone, names)))
    if unread and not compared:
        return FAILED
    return CHANGES if comparison.differing else NOTHING_TO_DO


def report_of(engine: Engine, result: Result, companies: Sequence[int]) -> PlanReport:
    """The plans of a run with what a reader wants beside them: names of agreements, and what kept lines out."""
    from agent.domain.findings import Code, Severity
    from agent.errors import ReadFailed
    from agent.reports.plan import PlanReport

    numbers = sorted({p.change.key.agreement for plan in result.plans for p in plan.planned})
    try:
        agreements = engine.psa.agreements(numbers) if numbers else {}
    except ReadFailed:
        agreements = {}  # the plan itself was read whole; only headings are poorer for it
    known = [k.finding for k in engine.store.findings() if k.finding.company in companies]
    # A refused date stands with its change already.
    errors = (f for f in known if f.severity is Severity.ERROR and f.code is not Code.DATE_REFUSED)
    return PlanReport(result.plans, agreements, tuple(errors), engine.psa.traits.line_word)
