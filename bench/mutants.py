"""Breaks the domain and the engine in one small way after another and counts what the tests notice: make mutants.

python -m bench.mutants [--children N] [--again] [MODULE...], where a module is guards, or engine/recovery; without any,
all of them (hours). A mutant that mypy refuses is noticed, as `make test` begins with mypy. What survived stands with
its difference in mutants/survivors.diff; `mutmut show NAME` shows one. With --again the same modules as the last time
are taken, and only what survived then, or was changed since, is tried.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from mutmut.__main__ import _run, create_mutants
from mutmut.configuration import config
from mutmut.mutation.data import MutantLineSpans, SourceFileMutationData
from mutmut.mutation.diff_apply import get_diff_for_mutant
from mutmut.mutation.trampoline import set_mutant_under_test
from mutmut.stats import status_by_exit_code
from mutmut.utils.file_utils import copy_also_copy_files, copy_src_dir

HERE = Path("mutants")
# As in pyproject.toml, without what mypy would say of the frame that mutmut puts around each function.
STRICT = "--config-file= --strict --warn-unreachable --enable-error-code=redundant-expr --enable-error-code=truthy-bool"
FRAME = "--no-warn-unused-ignores --disable-error-code=has-type --ignore-missing-imports"
MYPY = [sys.executable, "-m", "mypy", "--output=json", "--no-error-summary", *STRICT.split(), *FRAME.split()]
# Of the engine the files that take seconds: the state machine and the schedules would kill more, in hours.
ENGINE = "applying clockwatch cycle footing lanes planning recovery service stuck telling turns watchdog"
TESTS = {
    "domain": ["tests/domain"],
    "engine": [f"tests/engine/test_{name}.py" for name in ENGINE.split()],
}
REFUSED = 37  # mutmut's own number for what a type checker notices
NOTICED = ("killed", "timeout", "caught by type check", "segfault")


def sources(names: Sequence[str]) -> dict[str, list[Path]]:
    """The files of each room; a bare name is of the domain."""
    wanted = [name if "/" in name else f"domain/{name}" for name in names] or ["domain/*", "engine/*"]
    found = sorted({path for name in wanted for path in Path("agent").glob(f"{name}.py")})
    rooms = {room: [path for path in found if path.parent.name == room] for room in TESTS}
    return {room: files for room, files in rooms.items() if files}


def run(room: str, files: Sequence[Path], children: int, again: bool) -> None:
    if not again:
        # mutmut takes a file that was only copied for one whose mutants still stand in it: none would be noticed.
        shutil.rmtree(HERE, ignore_errors=True)
        HERE.mkdir()
    setting = config()
    setting.only_mutate = [str(path) for path in files]
    setting.pytest_add_cli_args_test_selection = TESTS[room]
    set_mutant_under_test("mutant_generation")
    copy_src_dir()
    copy_also_copy_files()
    create_mutants(children)
    typed = {path: [*refused(path)] for path in files}
    for path in files:
        data = SourceFileMutationData(path=path)
        data.load()
        # What survived the last time is tried as if it were new.
        codes = {name: code for name, code in data.exit_code_by_key.items() if status_by_exit_code[code] in NOTICED}
        data.exit_code_by_key = {name: codes.get(name) for name in data.exit_code_by_key}
        data.exit_code_by_key |= dict.fromkeys(typed[path], REFUSED)
        data.save()
    _run([], children)


def refused(path: Path) -> Iterator[str]:
    """The mutants that mypy does not let through. mutmut can ask it too, and takes minutes to read the answer."""
    told = subprocess.run([*MYPY, str(path)], cwd=HERE, capture_output=True, text=True, check=False)
    spans = MutantLineSpans.load(path)
    if spans is None or told.stderr:
        raise SystemExit(f"mypy did not look at {path}: {told.stderr or 'mutmut left no index of its lines'}")
    places = spans.span_by_function_name.items()
    functions = {line: name for name, span in places for line in range(span.start, span.end + 1)}
    for complaint in map(json.loads, told.stdout.splitlines()):
        if complaint["severity"] == "error" and complaint["file"] == str(path):
            yield ".".join((*path.with_suffix("").parts, functions[complaint["line"]]))


def ends(path: Path) -> dict[str, str]:
    """What became of each mutant of a file, as far as it was tried."""
    data = SourceFileMutationData(path=path)
    data.load()
    return {name: status_by_exit_code[code] for name, code in data.exit_code_by_key.items()}


def told(path: Path) -> tuple[str, list[str]]:
    """A module's row of the table, and the differences that nothing noticed."""
    found = ends(path)
    count = Counter(found.values())
    noticed = sum(count[status] for status in NOTICED)
    share = f"{100 * noticed / len(found):.0f} %" if found else "-"
    row = f"| {path.parent.name}/{path.stem} | {len(found)} | {noticed} | {count['caught by type check']} | {share} |"
    left = [name for name, end in found.items() if end not in NOTICED]
    return row, [f"# {found[name]}: {name}\n{get_diff_for_mutant(name, path=path)}" for name in left]


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("modules", nargs="*", metavar="MODULE")
    options.add_argument("--children", type=int, default=2, help="mutants tried at a time (2)")
    options.add_argument("--again", action="store_true", help="try only what survived the last time")
    given = options.parse_args()
    last = [str(path.relative_to(HERE / "agent"))[: -len(".py.meta")] for path in HERE.rglob("*.meta")]
    rows: list[str] = []
    survivors: list[str] = []
    for room, files in sources(last if given.again else given.modules).items():
        run(room, files, given.children, given.again)
        for path in files:
            row, left = told(path)
            rows.append(row)
            survivors += left
    (HERE / "survivors.diff").write_text("\n".join(survivors))
    print("", "| module | mutants | noticed | of them by mypy | share |", "|---|---|---|---|---|", *rows, sep="\n")


if __name__ == "__main__":
    main()
