"""Strike every system call by which the store of one full cycle reaches its disk: part of `make soak`.

python -m tests.acceptance.every_call                                     all of them
python -m tests.acceptance.every_call --call pwrite64 --blow error=EIO    some
python -m tests.acceptance.every_call --call pwrite64 --first 50          from the 50th on
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import click
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from tests.acceptance.crash import BLOWS, CALLS, Point, crashing
from tests.acceptance.site import msp

TOGETHER = 25  # points for one installation: each leaves lines behind that the next cycles read


@click.command()
@click.option("--call", "calls", type=click.Choice(CALLS), multiple=True, help="Only these system calls.")
@click.option("--blow", "blows", type=click.Choice(BLOWS), multiple=True, help="Only these blows.")
@click.option("--first", default=1, show_default=True, help="The first call of a cycle to strike.")
def main(calls: tuple[str, ...], blows: tuple[str, ...], first: int) -> None:
    """Kill the real command, or fail its disk, at each call in turn; after each the next starts must converge."""
    console, struck = Console(), {}
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        TimeElapsedColumn(),
        TextColumn("{task.fields[done]}"),
    )
    with Progress(*columns, console=console) as progress:
        shown = progress.add_task("Striking system calls", total=None, done="")
        for blow in blows or BLOWS:
            for call in calls or CALLS:
                struck[blow, call] = 0
                for point in strike_all(call, blow, first):
                    struck[blow, call] += 1
                    total = sum(struck.values())
                    progress.update(shown, done=f"{total} struck, now {call} {point.nth} ({blow})")
    for (blow, call), times in struck.items():
        console.print(f"{blow} at {call}: {times}")
    console.print(f"{sum(struck.values()):,} calls struck: nothing lost, nothing sent unwritten, each converged")


def strike_all(call: str, blow: str, first: int) -> Iterator[Point]:
    """The points at which a blow fell: the first call of a cycle, the second, until a cycle has no such call."""
    nth = first
    while True:
        with tempfile.TemporaryDirectory() as folder, msp(Path(folder), 1, "auto") as site, crashing(site) as trial:
            for _ in range(TOGETHER):
                point = Point(call, nth, blow)
                try:
                    fell = trial.strike(point)
                    trial.converges()
                except AssertionError as error:
                    again = f"python -m tests.acceptance.every_call --call {call} --blow {blow} --first {nth}"
                    error.add_note(f"{point}: {again}")
                    raise
                if not fell:
                    return
                yield point
                nth += 1


if __name__ == "__main__":
    main()
