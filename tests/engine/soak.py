"""Tell schedules by the thousand, spread over the cores: `make soak`, and the short run at the end of `make test`.

    python -m tests.engine.soak --schedules 1000000 --start 0      seeds 0 to 999,999
    python -m tests.engine.soak --seed 1234                        one of them again, step by step
    python -m tests.engine.soak --mutant SendsAgain                how soon a weakened protocol is caught

A run can be stopped at any time; it says with which command it goes on.
"""

from __future__ import annotations

import gc
import logging
import multiprocessing
import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass, field
from itertools import islice

import click
import structlog
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from tests.engine.fault_model import STEPS, deaths, struck
from tests.engine.mutants import MUTANTS, Weakness
from tests.engine.schedules import WHOLE_EVERY, Schedule
from tests.engine.watch import JUDGED, Broken

CHUNK = 50
WHOLE_MODEL = 10_000  # schedules that must meet every fault and die at every step
LINE = 5_000  # schedules from one line to the next where no progress bar can be shown
MANY = 20  # failures after which going on teaches nothing
WEAKNESSES = {mutant.__name__: mutant for mutant in MUTANTS}
# What the laws are called in the targets of reliability 6.
KINDS = {
    "duplicates": ("I1", "I4"),
    "lost": ("I2", "I7", "I9", "what is confirmed"),
    "wrong": ("I3", "I6", "I10", "T11", "T12"),
    "edits of invoiced periods": ("I5",),
    "neither converged nor held with a reason": ("I8", "differences are folded"),
    "others": ("",),
}


@dataclass(slots=True)
class Tale:
    """What a stretch of seeds came to. `broken` has a sentence for each seed that broke a law."""

    seeds: int = 0
    told: Counter[str] = field(default_factory=Counter)
    judged: Counter[str] = field(default_factory=Counter)
    broken: dict[int, str] = field(default_factory=dict)

    def add(self, other: Tale) -> None:
        self.seeds += other.seeds
        self.told.update(other.told)
        self.judged.update(other.judged)
        self.broken.update(other.broken)


def tell(seeds: range, weakness: type[Weakness] = Weakness) -> Tale:
    tale, before = Tale(len(seeds)), JUDGED.copy()
    for seed in seeds:
        try:
            tale.told.update(Schedule(seed, weakness).run())
        except Broken as broken:
            tale.broken[seed] = str(broken)
        except Exception as error:
            error.add_note(f"seed {seed}: {_again(seed, weakness)}")
            raise
    tale.judged = JUDGED - before
    return tale


def quieten() -> None:
    """A thousand cycles a second are not worth the paper, nor the search for garbage among all imports."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    gc.freeze()
    gc.set_threshold(100_000, 50, 50)


def chunks(seeds: range) -> Iterator[range]:
    return (seeds[at : at + CHUNK] for at in range(0, len(seeds), CHUNK))


def spread(seeds: range, weakness: type[Weakness], jobs: int) -> Iterator[tuple[int, Tale]]:
    """Stretches as they are done, each with the seed up to which all are done."""
    context = multiprocessing.get_context("fork")
    with ProcessPoolExecutor(jobs, mp_context=context, initializer=quieten) as pool:
        waiting, ahead = chunks(seeds), 4 * jobs
        under_way: dict[Future[Tale], range] = {}
        try:
            while True:
                for chunk in islice(waiting, ahead - len(under_way)):
                    under_way[pool.submit(tell, chunk, weakness)] = chunk
                if not under_way:
                    return
                for done in wait(under_way, return_when=FIRST_COMPLETED).done:
                    del under_way[done]
                    yield min((c.start for c in under_way.values()), default=seeds.stop), done.result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


@click.command()
@click.option("--schedules", default=1_000_000, show_default=True, help="How many seeds.")
@click.option("--start", default=0, show_default=True, help="The first seed.")
@click.option("--jobs", default=os.cpu_count() or 1, show_default=True, help="Processes.")
@click.option("--seed", type=int, help="Tell one schedule again, step by step.")
@click.option("--mutant", type=click.Choice(sorted(WEAKNESSES)), help="Weaken the protocol and stop when it is caught.")
def main(schedules: int, start: int, jobs: int, seed: int | None, mutant: str | None) -> None:
    """Tell fault schedules over the engine, and hold the laws I1 to I10 against each step."""
    weakness = WEAKNESSES[mutant] if mutant else Weakness
    quieten()
    signal.signal(signal.SIGINT, signal.default_int_handler)  # also where a shell started it in the background
    sys.exit(replay(seed, weakness) if seed is not None else run(range(start, start + schedules), weakness, jobs))


def replay(seed: int, weakness: type[Weakness]) -> int:
    schedule = Schedule(seed, weakness, click.echo)
    try:
        told = schedule.run()
    except Broken as broken:
        click.echo(f"BROKEN {broken}")
        return 1
    click.echo(f"kept all laws: {told['writes']} writes in {told['cycles']} cycles, digest {schedule.digest}")
    return 0


def run(seeds: range, weakness: type[Weakness], jobs: int) -> int:
    console, tale, reached, began = Console(), Tale(), seeds.start, time.monotonic()
    bar = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*bar, TextColumn("{task.fields[rate]:.0f}/s"), console=console) as progress:
        shown = progress.add_task("Telling fault schedules", total=len(seeds), rate=0.0)
        try:
            for reached, part in spread(seeds, weakness, jobs):
                tale.add(part)
                rate = tale.seeds / (time.monotonic() - began)
                progress.update(shown, completed=tale.seeds, rate=rate)
                if not console.is_terminal and tale.seeds % LINE == 0:
                    console.print(f"{tale.seeds:,} told, all up to seed {reached - 1:,}, {rate:.0f}/s", soft_wrap=True)
                if len(tale.broken) >= (1 if weakness is not Weakness else MANY):
                    break
        except KeyboardInterrupt:
            pass
    seconds = time.monotonic() - began
    report(console, tale, seconds)
    if not tale.broken and reached < seeds.stop:
        rest = f"--start {reached} --schedules {seeds.stop - reached}"
        console.print(f'Stopped. It goes on with: make soak ARGS="{rest}"', soft_wrap=True)
    for seed, said in sorted(tale.broken.items())[:MANY]:
        console.print(f"seed {seed} broke {said[:300]}\n    {_again(seed, weakness)}", soft_wrap=True, markup=False)
    missed = unmet(tale) if tale.seeds >= WHOLE_MODEL else []
    if missed:
        console.print(f"never met: {', '.join(missed)}", soft_wrap=True)
    return 1 if tale.broken or missed or reached < seeds.stop else 0


def unmet(tale: Tale) -> list[str]:
    met = {**struck(tale.told), **deaths(tale.told)}
    return [what for what, n in met.items() if not n]


def report(console: Console, tale: Tale, seconds: float) -> None:
    told = tale.told
    console.print(_table(("fault", "struck"), sorted(struck(told).items(), key=lambda it: -it[1])))
    died = deaths(told)
    console.print(f"died at {sum(n > 0 for n in died.values())} of {len(STEPS)} steps, {sum(died.values()):,} times")
    broken = Counter(said.partition(":")[0] for said in tale.broken.values())
    console.print(_table(("law", "held", "broken"), [(law, n, broken[law]) for law, n in sorted(tale.judged.items())]))
    rows = [(kind, _of_kind(kind, broken)) for kind in KINDS]
    console.print(_table(("in the end", "schedules"), rows))
    console.print(f"{told['met told as refused']:,} lines that the PSA had distorted were told as refused in the end")
    writes, cycles = f"{told['writes']:,} writes", f"{told['cycles']:,} cycles"
    console.print(
        f"{tale.seeds:,} schedules, {cycles}, {writes} in {seconds:.0f} s ({tale.seeds / seconds:.0f}/s);"
        f" one in {WHOLE_EVERY} through SQLite and the adapter's wire",
        soft_wrap=True,
    )


def _of_kind(kind: str, broken: Counter[str]) -> int:
    def name(law: str) -> str:
        return next(kind for kind, laws in KINDS.items() if law.startswith(laws))

    return sum(n for law, n in broken.items() if name(law) == kind)


def _table(head: tuple[str, ...], rows: list[tuple[object, ...]] | list[tuple[str, int]]) -> Table:
    table = Table(box=None, pad_edge=False)
    for n, name in enumerate(head):
        table.add_column(name, justify="right" if n else "left")
    for row in rows:
        table.add_row(*(f"{cell:,}" if isinstance(cell, int) else str(cell) for cell in row))
    return table


def _again(seed: int, weakness: type[Weakness]) -> str:
    weakened = f" --mutant {weakness.__name__}" if weakness is not Weakness else ""
    return f".venv/bin/python -m tests.engine.soak --seed {seed}{weakened}"


if __name__ == "__main__":
    main()
