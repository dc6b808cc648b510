"""The journal of writes and decisions."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import click

from agent.errors import TrueupError
from agent.faces import options
from agent.faces.desk import Desk, desk, say, say_json


@click.group(invoke_without_command=True)
@options.common
@options.as_json
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True, help="How many records, the newest.")
@desk
@click.pass_context
def command(context: click.Context, desk: Desk, limit: int, as_json: bool) -> None:
    """What was written and decided, when and by whom; the newest records, in their order."""
    if context.invoked_subcommand:
        return
    from agent.reports.journal import journal_text
    from agent.reports.values import of_record

    with desk.store() as store:
        records = store.journal(limit)
    if as_json:
        say_json([of_record(record) for record in records])
    else:
        say(journal_text(records, desk.view()))


@command.command(
    epilog=options.examples(
        "trueup journal verify", "trueup journal verify --head 35:df8d16a7…", "trueup journal verify --log trueup.log"
    )
)
@options.common
@options.as_json
@click.option("--head", "told", metavar="NUMBER:HASH", multiple=True, help="A head that was told; may be repeated.")
@click.option(
    "--log",
    "logs",
    metavar="FILE",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A log of the daemon, with the head of each cycle.",
)
@desk
@click.pass_context
def verify(context: click.Context, desk: Desk, told: tuple[str, ...], logs: tuple[Path, ...], as_json: bool) -> None:
    """Recompute the whole chain: was any record changed, removed or cut off? Exit status 1 if so.

    Whoever can write to the store could change a record and hash all that follow anew. Heads that are kept elsewhere
    (--head, --log) find that as well, and between which two of them it was.
    """
    from agent.reports.journal import verdict

    heads = {number: hashed for one in told for number, hashed in [_head(one)]}
    for path in logs:
        heads |= dict(_logged(path))
    with desk.store() as store:
        records, head, fault = store.verify_journal(heads)
    if as_json:
        say_json({"records": records, "head": head, "fault": fault or None})
    else:
        say(verdict(records, head, fault))
    context.exit(1 if fault else 0)


@command.command(epilog=options.examples("trueup journal export > journal.jsonl", "trueup journal export --after 5000"))
@options.common
@click.option("--after", type=click.IntRange(0), default=0, help="Only the records after this number.")
@desk
def export(desk: Desk, after: int) -> None:
    """Print all records as JSON, one a line, the oldest first: with the hashes by which anybody can check them.

    How to check them without Trueup is told in docs/operations.md.
    """
    from agent.reports.values import of_record

    with desk.store() as store:
        while records := store.journal_after(after):
            for record in records:
                say(json.dumps(of_record(record)))
            after = records[-1].seq


def _head(text: str) -> tuple[int, str]:
    number, colon, hashed = text.partition(":")
    if not (colon and number.isascii() and number.isdigit() and len(hashed) == 64):
        raise TrueupError(f"{text!r} is no head of a journal", "Write NUMBER:HASH, as the log and the reports tell it")
    return int(number), hashed


def _logged(path: Path) -> Iterator[tuple[int, str]]:
    with path.open(encoding="utf-8", errors="replace") as lines:
        for line in lines:
            match _parsed(line):
                case {"event": "journal.head", "records": int(number), "head": str(hashed)} if number:
                    yield number, hashed


def _parsed(line: str) -> Mapping[str, object] | None:
    # What journalctl or a supervisor put before the event is not ours to read.
    try:
        values = json.loads(line[line.find("{") :])
    except ValueError:
        return None
    return values if isinstance(values, dict) else None
