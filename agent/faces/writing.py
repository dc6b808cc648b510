"""Reports into files that a person names."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from agent.errors import TrueupError
from agent.faces.desk import say

_WORKBOOK = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

if TYPE_CHECKING:
    from agent.faces.desk import Desk
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


def mail_month_end(report: MonthEnd, desk: Desk) -> None:
    """To everybody whom notices reach. Raises `NotDelivered`, and `TrueupError` where no mail is configured."""
    from agent.engine.assembly import mail_of
    from agent.ports import Attachment, Notice
    from agent.reports.month_end.page import month_end_html
    from agent.reports.month_end.text import month_end_text
    from agent.reports.month_end.workbook import month_end_xlsx
    from agent.reports.text import bare

    channel = mail_of(desk.settings, desk.clock)
    if channel is None:
        raise TrueupError("No mail server is configured", "Add [notify.mail] to agent.toml")
    # As attachments: what a mail program shows of HTML in a body is its own mixture, and many show none.
    files = (
        Attachment(f"trueup-{report.day:%Y-%m}.html", "text/html", month_end_html(report).encode()),
        Attachment(f"trueup-{report.day:%Y-%m}.xlsx", _WORKBOOK, month_end_xlsx(report)),
    )
    channel.send(Notice(report.title, f"{bare(month_end_text(report, desk.view()))}\n", False, files))
    say("Mailed.", to_stderr=True)
