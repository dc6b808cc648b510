"""From lines that were there before to lines that Trueup looks after."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date

import click

from agent.faces import options
from agent.faces.desk import Desk, desk, say, say_json

FAULTY = 1


def _ids(answer: str, says: str) -> Callable[[options.Command], options.Command]:
    return click.option(f"--{answer}", f"to_{answer}", metavar="ID", type=int, multiple=True, help=says)


@click.command(
    epilog=options.examples(
        "trueup cutover contoso --on 2026-12-01",
        "trueup cutover contoso --on 2026-12-01 --serial Cloudconsole",
        "trueup cutover contoso --on 2026-12-01 --leave 4713 --write",
    )
)
@options.common
@options.as_json
@click.option("--on", metavar="DATE", type=options.DAY, required=True, help="The first day of the new order.")
@click.option(
    "--serial", "serials", metavar="TEXT", multiple=True, help="A serial number that another tool leaves; repeatable."
)
@_ids("adopt", "Go on with this addition, whatever is proposed; repeatable.")
@_ids("end", "End this addition on the day before; repeatable.")
@_ids("leave", "Leave this addition as it is; repeatable.")
@click.option("--write", is_flag=True, help="Say so in the mapping file: start-on, replaces and adopt.")
@options.company
@desk
@click.pass_context
def command(
    context: click.Context,
    desk: Desk,
    company: str,
    on: date,
    serials: Sequence[str],
    to_adopt: Sequence[int],
    to_end: Sequence[int],
    to_leave: Sequence[int],
    write: bool,
    as_json: bool,
) -> None:
    """Find the additions of mapped licences that are not Trueup's, and propose to adopt, to end or to leave each.

    They are found by product, serial number or text. What is to end ends on the day before DATE, and the row's own
    addition begins on DATE; the command carries that out on paper and proves, day by day and with the invoices, that
    nothing is billed twice and nothing is lost. Nothing is sent to the PSA: with --write the mapping file says what is
    to be, and the plan then holds each change for a person as usual.

    Exit status: 0, or 1 where the day or a choice leaves a fault.
    """
    from agent.domain.cutover import Answer
    from agent.engine.assembly import paper_of
    from agent.faces import choosing
    from agent.faces.cutting_over import cut_over, written
    from agent.reports.cutover import cutover_text, cutover_values

    chosen = {id: Answer.ADOPT for id in to_adopt} | {id: Answer.END for id in to_end}
    chosen |= {id: Answer.LEAVE for id in to_leave}
    if len(chosen) < len([*to_adopt, *to_end, *to_leave]):
        raise click.UsageError("An addition can have one answer only.")
    with desk.engine() as engine:
        mappings = engine.mappings.current()
        number = choosing.company(mappings, company)
        paper = paper_of(desk.settings, engine.store, engine.clock)
        report, rows = cut_over(engine.single, paper, mappings, number, on, serials, chosen)
        if write and report.changes and not report.faults:
            report = report.after(written(mappings.companies[number], rows))
    if as_json:
        say_json(cutover_values(report))
    else:
        say(cutover_text(report, desk.view()))
    context.exit(FAULTY if report.faults else 0)
