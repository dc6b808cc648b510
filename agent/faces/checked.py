"""What the mapping files hold, or what is wrong with them."""

from __future__ import annotations

from collections.abc import Sequence

from agent.mapping_files import Summary
from agent.reports.text import counted, paint, shown
from agent.reports.values import Values
from agent.toml_places import Problem


def checked_text(problems: Sequence[Problem], summary: Summary | None, folder: str) -> str:
    lines = [f"{paint('error', 'red')}  {shown(str(problem))}" for problem in problems]
    if summary is None:
        return "\n".join([*lines, "", f"{counted(len(problems), 'problem')} in {folder}"])
    modes = ", ".join(f"{count} in mode {mode}" for mode, count in sorted(summary.modes.items()))
    lines = [f"{paint('note', 'yellow')}  {shown(note)}" for note in summary.notes]
    lines.append(
        f"{paint('ok', 'green')}  {folder}: {counted(summary.companies, 'company')}"
        f"{f' ({modes})' if modes else ''}, {counted(summary.tenants, 'tenant')}, {counted(summary.rows, 'row')}, "
        f"{counted(summary.profiles, 'profile')}, {counted(summary.exclusions, 'exclusion')}"
    )
    return "\n".join(lines)


def checked_values(problems: Sequence[Problem], summary: Summary | None) -> Values:
    said = [{"file": p.file, "line": p.line, "key": p.key, "what": p.what, "remedy": p.remedy} for p in problems]
    if summary is None:
        return {"valid": False, "problems": said}
    return {
        "valid": True,
        "problems": said,
        "companies": summary.companies,
        "tenants": summary.tenants,
        "rows": summary.rows,
        "profiles": summary.profiles,
        "exclusions": summary.exclusions,
        "modes": {mode.value: count for mode, count in summary.modes.items()},
        "notes": list(summary.notes),
    }
