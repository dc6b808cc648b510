"""What would be written, and why."""

from __future__ import annotations

from collections.abc import Sequence
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


@click.command()
@options.common
@options.as_json
@options.companies
@desk
@click.pass_context
def command(context: click.Context, desk: Desk, companies: Sequence[str], as_json: bool) -> None:
    """Read both sides and say what would change, of these companies or of all. Nothing is written to the PSA.

    For each agreement: units and money before and after, each change with the exact requests that realise it, and
    why a change is held, with the digest that approves it.

    Exit status: 0 nothing to do, 2 changes, 1 an error.
    """
    from agent.faces.choosing import companies as chosen
    from agent.faces.progress import watching
    from agent.reports.plan import plan_text, plan_values

    with desk.engine() as engine:
        mappings = engine.mappings.current()
        ids = chosen(mappings, companies)
        with watching(quiet=as_json) as watcher:
            result = engine.cycle.run(mappings, ids, "plan", dry=True, watcher=watcher)
        report = report_of(engine, result, ids)
        if as_json:
            stored = [plan for plan in engine.store.plan() if plan["company"] in ids]
            names = {company.company: company.name for company in mappings.companies.values()}
            say_json(plan_values(report, stored, names, result.run, result.state, result.detail))
        else:
            say(plan_text(report, desk.view()))
    if result.detail:
        raise TrueupError(f"Not every company could be planned: {result.detail}", "See: trueup findings")
    context.exit(CHANGES if any(plan.due for plan in report.plans) else NOTHING_TO_DO)


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
