"""The ledger of the past: gaps, what people decide about them, the schedule of what is billed back, balances."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import contextmanager
from datetime import date
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING

import click

from agent.faces import options
from agent.faces.desk import Desk, desk, say, say_json

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agent.domain.ledger import Gap
    from agent.engine.settling import Past


def _month_or_day(_: click.Context, __: click.Parameter, value: str | None) -> date | None:
    if value is None:
        return None
    try:
        return date.fromisoformat(f"{value}-01" if re.fullmatch(r"\d{4}-\d\d", value) else value)
    except ValueError:
        raise click.BadParameter(f"{value!r} is no month and no day; write it as 2026-12 or 2026-12-15.") from None


def _price(_: click.Context, __: click.Parameter, value: str | None) -> Decimal | None:
    if value is None:
        return None
    try:
        price = Decimal(value)
    except InvalidOperation:
        price = Decimal(-1)
    # Decimal takes "nan", "1e9" and more places than the store keeps.
    exponent = price.as_tuple().exponent
    if not price.is_finite() or price <= 0 or not isinstance(exponent, int) or exponent < -6:
        raise click.BadParameter(f"{value!r} is not a price; write it as 22.00.")
    return price


_NUMBER = click.argument("number", metavar="ID", type=click.IntRange(1))
_REASON = click.option("--reason", default="", help="Why; it stands in the journal.")
_PRICE = click.option(
    "--price", callback=_price, metavar="AMOUNT", help="What one costs a month, where nobody knows it."
)


@click.group(
    invoke_without_command=True,
    epilog=options.examples(
        "trueup ledger --open", "trueup ledger show 12", "trueup ledger bill 12 --phases 3 --from 2026-12"
    ),
)
@options.common
@options.as_json
@options.of_company
@click.option("--open", "only_open", is_flag=True, help="Only what nobody has decided about.")
@desk
@click.pass_context
def command(context: click.Context, desk: Desk, of_company: str | None, only_open: bool, as_json: bool) -> None:
    """List what was billed otherwise than it should have been, since when, and what became of that money.

    A gap begins with a mismatch of quantities and ends when that is put right; its past stays here until it is
    corrected, billed back or waived.
    """
    # The group is the list; its options mean nothing to its verbs, which name a gap.
    if context.invoked_subcommand is not None:
        return
    from agent.reports.ledger import gap_values, ledger_text, told

    with _past(desk, of_company) as past:
        gaps = told(past.gaps(), past.cut, only_open)
        if as_json:
            say_json([gap_values(gap, past.cut) for gap in gaps])
        else:
            say(ledger_text(gaps, past.cut, desk.view()))


@command.command(epilog=options.examples("trueup ledger show 12"))
@options.common
@options.as_json
@_NUMBER
@desk
def show(desk: Desk, number: int, as_json: bool) -> None:
    """How the sum of gap ID comes about, month by month, what was decided about it, and what proves it."""
    with _past(desk) as past:
        _say_gap(desk, past, past.gap(number), as_json)


@command.command(epilog=options.examples("trueup ledger bill 12", "trueup ledger bill 12 --phases 3 --from 2026-12"))
@options.common
@options.as_json
@_NUMBER
@click.option("--phases", default=1, type=click.IntRange(1), help="In how many monthly parts; one without it.")
@click.option(
    "--from", "first", callback=_month_or_day, metavar="MONTH|DAY",
    help="When the first part is billed; otherwise on the first of next month.",
)  # fmt: skip
@click.option("--write", is_flag=True, help="Have Trueup write each part into the PSA, once approved.")
@_PRICE
@_REASON
@desk
def bill(
    desk: Desk,
    number: int,
    phases: int,
    first: date | None,
    write: bool,
    price: Decimal | None,
    reason: str,
    as_json: bool,
) -> None:
    """Bill back (or credit) what is open of gap ID, at once or in equal monthly phases, exact to the cent.

    It becomes a schedule of dated one-off lines, which `trueup ledger export` writes into a file. With --write each
    part becomes a held change when its invoice is the next one; approved, it is written like any other.
    """
    _settle(desk, number, "bill", as_json, reason=reason, price=price, first=first, phases=phases, write=write)


@command.command(epilog=options.examples('trueup ledger waive 12 --approver "R. Okafor" --reason "our mistake"'))
@options.common
@options.as_json
@_NUMBER
@click.option("--approver", required=True, help="Who allowed it.")
@click.option("--reason", required=True, help="Why; it stands in the journal.")
@desk
def waive(desk: Desk, number: int, approver: str, reason: str, as_json: bool) -> None:
    """Let go of what is open of gap ID, with who allowed it and why; the date is today's."""
    _settle(desk, number, "waive", as_json, reason=reason, approver=approver)


@command.command(epilog=options.examples('trueup ledger correct 12 --reason "on invoice 20194, by hand"'))
@options.common
@options.as_json
@_NUMBER
@click.option("--reason", required=True, help="How it was put right; it stands in the journal.")
@_PRICE
@desk
def correct(desk: Desk, number: int, reason: str, price: Decimal | None, as_json: bool) -> None:
    """Record that what is open of gap ID has been put right by other means than Trueup's own writes."""
    _settle(desk, number, "correct", as_json, reason=reason, price=price)


@command.command(epilog=options.examples('trueup ledger reopen 12 --reason "the company asked for phases"'))
@options.common
@options.as_json
@_NUMBER
@click.option("--reason", required=True, help="Why; it stands in the journal.")
@desk
def reopen(desk: Desk, number: int, reason: str, as_json: bool) -> None:
    """Take back the last decision about gap ID by a further one; both stay on record."""
    _settle(desk, number, "reopen", as_json, reason=reason)


@command.command(
    epilog=options.examples(
        "trueup ledger export --format csv > december.csv", "trueup ledger export --format xlsx --out plan.xlsx"
    )
)
@options.common
@options.of_company
@click.option("--month", callback=_month_or_day, metavar="YYYY-MM", help="Only what is billed in that month.")
@click.option(
    "--format", "kind", type=click.Choice(("csv", "xlsx", "json")), default="csv", help="csv where none is named."
)
@click.option("--out", type=click.Path(dir_okay=False, writable=True, path_type=Path), help="A file; xlsx needs one.")
@desk
def export(desk: Desk, of_company: str | None, month: date | None, kind: str, out: Path | None) -> None:
    """Write the schedule of what is billed back: each part as one dated one-off line with its invoice text.

    Credits have a negative amount.
    """
    import json

    from agent.faces.writing import write_formats
    from agent.reports.schedule import one_offs, schedule_csv, schedule_values, schedule_xlsx

    if kind == "xlsx" and out is None:
        raise click.UsageError("A workbook does not go to a terminal: name a file with --out.")
    with _past(desk, of_company) as past:
        found = [one for one in one_offs(past.gaps(), past.cut) if month in (None, one.day.replace(day=1))]
    view = desk.view()
    makers: dict[str, Callable[[], bytes | str]] = {
        "csv": lambda: schedule_csv(found, view),
        "xlsx": lambda: schedule_xlsx(found, view),
        "json": lambda: f"{json.dumps(schedule_values(found), indent=2)}\n",
    }
    if out is None:
        click.echo(makers[kind](), nl=False)
    else:
        write_formats({kind: out}, makers)


@command.command(epilog=options.examples("trueup ledger balances", "trueup ledger balances --month 2026-10"))
@options.common
@options.as_json
@options.of_company
@click.option("--month", callback=_month_or_day, metavar="YYYY-MM", help="Another month than the present one.")
@desk
def balances(desk: Desk, of_company: str | None, month: date | None, as_json: bool) -> None:
    """What a month began with, what it added, corrected, billed and waived, and what remains, for each company."""
    from agent.domain.ledger import balances as of
    from agent.reports.ledger import balance_values, balances_text

    with _past(desk, of_company) as past:
        begin, end, last = past.month(month)
        found = of(past.gaps(), begin, end)
        if as_json:
            told = {"first_day": begin.days.isoformat(), "last_day": last.isoformat()}
            say_json({**told, "balances": [balance_values(one) for one in found]})
        else:
            say(balances_text(found, begin.days, last, desk.view()))


@contextmanager
def _past(desk: Desk, of_company: str | None = None) -> Iterator[Past]:
    from agent.engine.assembly import traits_of
    from agent.engine.settling import Past
    from agent.faces.choosing import company

    number = company(desk.mappings, of_company) if of_company else None
    with desk.store() as store:
        settings = desk.settings
        now = desk.clock.now()
        yield Past(store, traits_of(settings).convention, settings.agent.timezone, desk.mappings, now, number)


def _settle(desk: Desk, number: int, verb: str, as_json: bool, *, price: Decimal | None = None, **said: object) -> None:
    from agent.domain.ledger import Verb
    from agent.domain.money import Money
    from agent.domain.settling import Asked
    from agent.faces.deciding import user

    money = None if price is None else Money(price, desk.settings.agent.currency)
    asked = Asked(Verb(verb), user(), price=money, **said)  # type: ignore[arg-type]  # each verb names its own
    with _past(desk) as past:
        _say_gap(desk, past, past.settle(number, asked), as_json)


def _say_gap(desk: Desk, past: Past, gap: Gap, as_json: bool) -> None:
    from agent.reports.ledger import gap_text, gap_values, reading_values

    readings = past.readings(gap)
    if as_json:
        say_json({**gap_values(gap, past.cut), "readings": [reading_values(one) for one in readings]})
    else:
        say(gap_text(gap, past.cut, readings, desk.view()))
