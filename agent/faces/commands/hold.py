"""A person's word about single lines."""

from __future__ import annotations

from collections.abc import Callable

import click

from agent.faces import options
from agent.faces.desk import Desk, desk, say, say_json

_LINE = click.argument("line", type=click.IntRange(1))
_REASON = click.option("--reason", default="", help="Why; it stands in the journal.")


@click.group()
@options.common
def command() -> None:
    """Say about a line of ours that it stays as it is, goes on from what it is, or is no longer Trueup's.

    LINE is its number in the PSA, which `trueup findings` tells. `trueup holds` lists what people have said.
    """


def _verb(name: str, help: str, said: str) -> Callable[..., None]:
    @command.command(name, help=help, epilog=options.examples(f'trueup hold {name} 4711 --reason "asked the office"'))
    @options.common
    @options.as_json
    @_LINE
    @_REASON
    @desk
    def verb(desk: Desk, line: int, reason: str, as_json: bool) -> None:
        from agent.engine.keeping import told
        from agent.faces.deciding import by
        from agent.reports.text import wrapped
        from agent.reports.undoing import told_values

        with desk.engine() as engine:
            done = told(engine.store, engine.psa, engine.clock, engine.cycle.zone, line, name, by(reason))
        if as_json:
            say_json(told_values(done.company, done.agreement, done.product, line, name, done.quantity))
        else:
            where = f"Line {line} ({done.product}, agreement {done.agreement}, {desk.view().company(done.company)})"
            view = desk.view()
            say("\n".join(wrapped(f"{where} {said.format(quantity=done.quantity)}", view.width)))

    found: Callable[..., None] = verb
    return found


_verb(
    "keep",
    "Leave LINE as it is, whatever its row asks for: nothing is written to it, and nothing waits, until `take`.",
    "is kept at {quantity}. What its row asks for beside it stays a finding (kept-line).",
)
_verb(
    "take",
    "Let LINE's row decide again, from what the line is now: ends `keep` and `release`, and accepts a person's edit.",
    "is its row's again, from {quantity} on. The next cycle plans what differs, within the guards.",
)
_verb(
    "release",
    "Leave LINE to people for good: Trueup neither writes to it nor makes another for its row.",
    "is released. Its row bills nothing until the line is taken back, or the row removed.",
)
