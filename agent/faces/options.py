"""Options and arguments that several commands share."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any, TypeVar

import click

from agent.errors import TrueupError
from agent.faces.desk import Desk

NOT_AGREED = 3  # the exit status of a command that a person was asked about and declined
NOTHING = 4  # of one that found nothing to make, and made nothing

Command = TypeVar("Command", bound=Callable[..., Any])


def _take_config(context: click.Context, _: click.Parameter, value: Path | None) -> None:
    if value is not None:
        context.ensure_object(Desk).given = value


def _take_debug(context: click.Context, _: click.Parameter, value: bool) -> None:
    if value:
        context.ensure_object(Desk).debug = True


def common(command: Command) -> Command:
    """--config and --debug, which may stand before the command's name or behind it."""
    config = click.option(
        "--config",
        type=click.Path(dir_okay=False, path_type=Path),
        metavar="PATH",
        expose_value=False,
        callback=_take_config,
        help="agent.toml; otherwise $TRUEUP_CONFIG, ./agent.toml or /etc/trueup/agent.toml.",
    )
    debug = click.option(
        "--debug", is_flag=True, expose_value=False, callback=_take_debug, help="Log everything, show tracebacks."
    )
    return config(debug(command))


yes = click.option("--yes", is_flag=True, help="Do it without asking.")
as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON; amounts are decimal texts.")


def _companies(context: click.Context, _: click.Parameter, begun: str) -> list[str]:
    """For completion: ids and names that go on from what was typed."""
    try:
        known = context.ensure_object(Desk).mappings.companies.values()
    except TrueupError:
        return []
    words = [word for company in known for word in (str(company.company), company.name)]
    return [word for word in words if word.casefold().startswith(begun.casefold())]


def _digests(context: click.Context, _: click.Parameter, begun: str) -> list[str]:
    try:
        with context.ensure_object(Desk).store() as store:
            return [hold.digest for hold in store.holds() if hold.digest.startswith(begun)]
    except TrueupError:
        return []


def licences(context: click.Context, _: click.Parameter, begun: str) -> list[str]:
    """For completion: part numbers and names of what any company's rows count."""
    from agent.sku_table import shipped

    try:
        rows = list(context.ensure_object(Desk).mappings.rows())
    except TrueupError:
        return []
    skus = {sku for row in rows for sku in row.skus}
    words = {word for sku in skus for word in (shipped().part_number(sku) or sku, shipped().name(sku))}
    words |= {row.name for row in rows if row.name}
    return sorted(word for word in words if word.casefold().startswith(begun.casefold()))


def runs(context: click.Context, _: click.Parameter, begun: str) -> list[str]:
    try:
        with context.ensure_object(Desk).store() as store:
            return [run.id for run in store.runs(200) if run.id.startswith(begun)]
    except TrueupError:
        return []


def examples(*lines: str) -> str:
    """For a command's epilog; the mark keeps click from filling the lines into one paragraph."""
    return "\n".join(("\b", "Examples:", *(f"  {line}" for line in lines)))


def agreed(question: str) -> bool:
    """What a person answers; no where nobody is there."""
    try:
        return click.confirm(question, err=True)
    except click.Abort:
        click.echo("\nNothing was done. Add --yes where nobody can answer.", err=True)
        return False


class _Day(click.ParamType[date]):
    name = "date"

    def convert(self, value: object, param: click.Parameter | None, context: click.Context | None) -> date:
        if isinstance(value, date):
            return value
        try:
            return date.fromisoformat(str(value))
        except ValueError:
            self.fail(f"{value!r} is not a day; write it as 2026-10-31.", param, context)


DAY = _Day()


def _month(_: click.Context, __: click.Parameter, value: str | None) -> date | None:
    if value is None:
        return None
    if not re.fullmatch(r"\d{4}-(0[1-9]|1[0-2])", value):
        raise click.BadParameter(f"{value!r} is not a month; write it as 2026-11.")
    return date.fromisoformat(f"{value}-01")


month = click.option("--month", "first", metavar="YYYY-MM", callback=_month, help="Another month than the present one.")
companies = click.argument("companies", metavar="[COMPANY]...", nargs=-1, shell_complete=_companies)
company = click.argument("company", metavar="COMPANY", shell_complete=_companies)
of_company = click.option(
    "--company", "of_company", metavar="COMPANY", shell_complete=_companies, help="Only of this company."
)
of_companies = click.option(
    "--company", "words", metavar="COMPANY", multiple=True, shell_complete=_companies,
    help="Only this company; may be repeated.",
)  # fmt: skip
mappings = click.option(
    "--mappings",
    "folder",
    metavar="FOLDER",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Mapping files other than those in force: a folder like agent.mappings.",
)
digests = click.argument("digests", metavar="DIGEST...", nargs=-1, required=True, shell_complete=_digests)


_FORMATS = {
    "html": "Write it as one HTML page that prints well.",
    "pdf": "Write the page as PDF (needs the extra pdf).",
    "xlsx": "Write it as a workbook.",
    "csv": "Write it as CSV.",
    "docx": "Write it for Word (needs the extra docx).",
    "text": "Write it as plain text.",
}


def _files(*names: str) -> Callable[[Command], Command]:
    def added(command: Command) -> Command:
        for name in reversed(names):
            path = click.Path(dir_okay=False, writable=True, path_type=Path)
            command = click.option(f"--{name}", type=path, metavar="PATH", help=_FORMATS[name])(command)
        return command

    return added


formats = _files("html", "pdf", "xlsx", "csv")
evidence_formats = _files("html", "pdf", "csv")
letter_formats = _files("html", "pdf", "docx", "text")
