"""What `trueup check` found: each thing looked at, whether it will do, and what to do where it will not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from agent.domain.findings import Finding, Severity
from agent.reports.text import cells, counted, padded, paint, shown, wrapped
from agent.reports.values import Values


class Grade(StrEnum):
    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Check:
    what: str
    grade: Grade
    says: str
    remedy: str = ""


_GRADES = {Severity.ERROR: Grade.FAIL, Severity.WARNING: Grade.WARN, Severity.INFO: Grade.OK}


def of_findings(what: str, findings: Iterable[Finding], well: str) -> Iterator[Check]:
    """One check for each finding; where there is none, that all is well."""
    found = [Check(what, _GRADES[f.severity], f.sentence, f.remedy) for f in findings]
    yield from found or [Check(what, Grade.OK, well)]


def checks_sum(checks: Sequence[Check]) -> str:
    bad = {grade: sum(check.grade is grade for check in checks) for grade in (Grade.FAIL, Grade.WARN)}
    faults = counted(bad[Grade.FAIL], "fault") if bad[Grade.FAIL] else "no fault"
    warnings = f", {counted(bad[Grade.WARN], 'warning')}" if bad[Grade.WARN] else ""
    return f"{counted(len(checks), 'check')}: {faults}{warnings}"


_COLOURS = {Grade.OK: "green", Grade.WARN: "yellow", Grade.FAIL: "red"}


def check_lines(check: Check, width: int) -> list[str]:
    label = f"{padded(paint(check.grade.value, _COLOURS[check.grade]), 4)}  {padded(check.what, 11)}  "
    lines = wrapped(shown(check.says), width, label)
    if check.remedy and check.grade is not Grade.OK:
        lines += wrapped(shown(check.remedy), width, f"{' ' * (cells(label) - 2)}→ ", " " * cells(label))
    return lines


def checks_values(checks: Sequence[Check]) -> list[Values]:
    return [{"what": c.what, "grade": c.grade.value, "says": c.says, "remedy": c.remedy} for c in checks]
