"""Options and arguments that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from agent.errors import TrueupError
from agent.faces.desk import Desk

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


companies = click.argument("companies", metavar="[COMPANY]...", nargs=-1, shell_complete=_companies)
company = click.argument("company", metavar="COMPANY", shell_complete=_companies)
of_company = click.option(
    "--company", "of_company", metavar="COMPANY", shell_complete=_companies, help="Only of this company."
)
digests = click.argument("digests", metavar="DIGEST...", nargs=-1, required=True, shell_complete=_digests)
