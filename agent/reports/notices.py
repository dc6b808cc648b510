"""What a person is told unasked: the mismatches that are news, worst first, in a text for mail and chat."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from agent.domain.findings import Severity
from agent.ports import Notice, OpenFinding
from agent.reports.findings import findings_text, sums
from agent.reports.text import View, bare, cut, shown

_SHOWN = 100  # findings in one notice; a fleet whose key was refused has as many as companies
_WIDTH = 100
_SUBJECT = 120
_GRAVITY = {Severity.ERROR: 0, Severity.WARNING: 1, Severity.INFO: 2}


def notice(known: Sequence[OpenFinding], view: View, urgent: bool) -> Notice:
    """One notice of all of them; `known` is not empty."""
    worst = sorted(known, key=lambda one: _GRAVITY[one.finding.severity])
    told = worst[:_SHOWN]
    text = bare(findings_text(told, replace(view, width=_WIDTH)))
    more = len(known) - len(told)
    rest = f"\n\nAnd {more:,} more, with: trueup findings" if more else ""
    return Notice(cut(_subject(worst, view, urgent), _SUBJECT), f"{text}{rest}\n", urgent)


def _subject(worst: Sequence[OpenFinding], view: View, urgent: bool) -> str:
    if not urgent:
        return sums(worst)
    first = worst[0].finding
    others = f" (and {len(worst) - 1} more)" if len(worst) > 1 else ""
    of_whom = "" if first.company is None else f"{view.company(first.company)}: "
    return f"{of_whom}{shown(first.sentence)}{others}"
