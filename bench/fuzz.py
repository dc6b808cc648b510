"""Damaged files without end, each read as a mapping file and as agent.toml: python -m bench.fuzz [INPUTS] [FIRST].

On every processor, with a bar and a rate. Ends with 1 and the inputs' numbers where one brought up anything but a typed
error with its line, took more than a second, or made a process grow by more than 100 MiB.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
import time
from collections.abc import Iterator

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from tests.mapping_files.hostile import MEBIBYTES, Peak, Reader, faults, hostile

INPUTS, FIRST, CHUNK = 1_000_000, 0, 2_000


def judged(numbers: range) -> tuple[int, float, float, list[str]]:
    """How many were read; the slowest in seconds; by how many MiB the process grew; and what was wrong."""
    reader, peak, slowest, wrong = Reader(), Peak(), 0.0, []
    for number in numbers:
        content = hostile(number)
        try:
            for told in reader.read(content):
                slowest = max(slowest, told.seconds)
                wrong += [f"input {number} {fault}" for fault in faults(content, told)]
        except Exception as error:  # noqa: BLE001 - whatever else comes up is what is looked for
            wrong.append(f"input {number} brought up {type(error).__name__}: {error}")
    if peak.grown() > MEBIBYTES:
        wrong.append(f"inputs {numbers} made the process grow by {peak.grown():.0f} MiB")
    return len(numbers), slowest, peak.grown(), wrong


def chunks(first: int, inputs: int) -> Iterator[range]:
    for start in range(first, first + inputs, CHUNK):
        yield range(start, min(start + CHUNK, first + inputs))


def main() -> None:
    given = [int(word) for word in sys.argv[1:]]
    inputs, first = [*given, *(INPUTS, FIRST)[len(given) :]]
    began, slowest, grown, wrong = time.perf_counter(), 0.0, 0.0, []
    columns = (BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[rate]} a second"), TimeRemainingColumn())
    with (
        multiprocessing.get_context("spawn").Pool(os.cpu_count()) as pool,
        Progress(*columns, console=Console(stderr=True)) as bar,
    ):
        task = bar.add_task("", total=inputs, rate="")
        done = 0
        for read, slow, grew, faulty in pool.imap_unordered(judged, chunks(first, inputs)):
            done, slowest, grown = done + read, max(slowest, slow), max(grown, grew)
            wrong += faulty
            bar.update(task, completed=done, rate=f"{done / (time.perf_counter() - began):,.0f}")
    if wrong:
        raise SystemExit("\n".join(wrong[:50]))
    took = time.perf_counter() - began
    print(
        f"{inputs:,} damaged files (from {first}), each read as four kinds: only typed errors with their lines; "
        f"slowest {slowest:.3f} s, at most {grown:.0f} MiB more; {took:.0f} s, {inputs / took:,.0f} a second"
    )


if __name__ == "__main__":
    main()
