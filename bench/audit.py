"""The offline audit on a large book: python -m bench.audit [ROWS].

Half of the rows are lines, half are purchases, over ROWS / 20 companies whose names the two files spell differently in
one of ten cases. The whole command is timed, interpreter and all, for each format.
"""

from __future__ import annotations

import csv
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROWS, SEED = 10_000, 2026
LICENCES = (
    *("Microsoft 365 Business Premium", "Microsoft 365 Business Standard", "Microsoft 365 E3", "Visio Plan 2"),
    *("Exchange Online (Plan 1)", "Power BI Pro", "Microsoft 365 Copilot", "Planner and Project Plan 3"),
    *("Huntress Managed EDR", "Backup of a mailbox"),
)


def write(folder: Path, rows: int) -> None:
    rng = random.Random(SEED)
    names = [f"{rng.choice('ABCDEFGHKLMNPRSTVW')}{rng.randrange(10**6)} Trading Ltd" for _ in range(rows // 20)]
    with (folder / "billed.csv").open("w") as lines, (folder / "purchased.csv").open("w") as bought:
        billed, purchased = csv.writer(lines), csv.writer(bought)
        billed.writerow("Company Name,Agreement Name,Product ID,Description,Quantity,Price,Effective".split(","))
        purchased.writerow("Company,Product Name,Quantity,Cost,Purchase Date".split(","))
        for number in range(rows // 2):
            name, licence = names[number % len(names)], LICENCES[number // len(names) % len(LICENCES)]
            quantity, off = rng.randint(1, 90), rng.choice((0, 0, 0, 0, 1, -1))
            billed.writerow([name, "Managed", f"P{number % 40}", licence, quantity, "22.50", "2026-01-01"])
            other = name.replace(" Ltd", " Limited") if rng.random() < 0.1 else name
            purchased.writerow([other, licence, max(1, quantity + off), "17.60", "2026-01-01"])


def seconds(folder: Path, *options: str) -> float:
    files = "--billed", str(folder / "billed.csv"), "--purchased", str(folder / "purchased.csv")
    command = [sys.executable, "-m", "agent", "audit", *files, "--as-of", "2026-11-15", *options]
    began = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.perf_counter() - began


def main() -> None:
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else ROWS
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write(folder, rows)
        print(f"| {rows:,} rows | seconds |\n| --- | --- |")
        for kind in ("", "html", "xlsx", "csv", "json"):
            options = ["--json"] if kind == "json" else [f"--{kind}", str(folder / f"out.{kind}")] if kind else []
            print(f"| {kind or 'terminal'} | {seconds(folder, *options):.2f} |")


if __name__ == "__main__":
    main()
