"""Reports into files that a person names."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from agent.errors import TrueupError
from agent.faces.desk import say

if TYPE_CHECKING:
    from agent.reports.month_end import MonthEnd


def write_formats(paths: Mapping[str, Path | None], makers: Mapping[str, Callable[[], bytes | str]]) -> None:
    """Each format that was asked for, in the order of `makers`. Raises `TrueupError` for a file that cannot be."""
    for name, make in makers.items():
        path = paths.get(name)
        if path is not None:
            _write(path, make())


def _write(path: Path, content: bytes | str) -> None:
    # Whole or not at all as far as it matters: each format is made in memory before its file is touched.
    try:
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    except OSError as error:
        raise TrueupError(f"{path} cannot be written: {(error.strerror or str(error)).lower()}") from error
    say(f"Written: {path}", to_stderr=True)


def write_month_end(report: MonthEnd, paths: Mapping[str, Path | None]) -> None:
    """PDF comes last, which alone may be impossible here."""
    from agent.reports.month_end.page import month_end_html
    from agent.reports.month_end.values import month_end_csv
    from agent.reports.month_end.workbook import month_end_xlsx
    from agent.reports.pages import pdf

    makers: dict[str, Callable[[], bytes | str]] = {
        "html": lambda: month_end_html(report),
        "xlsx": lambda: month_end_xlsx(report),
        "csv": lambda: month_end_csv(report),
        "pdf": lambda: pdf(month_end_html(report)),
    }
    write_formats(paths, makers)
