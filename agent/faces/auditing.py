"""`trueup audit`: asks what only a person can tell, remembers the answers, and shows what was found."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import click

from agent.audit import Audit, Given, Profile, Unmatched, audited, save_profile
from agent.domain.reconciliation import Leg
from agent.faces.desk import say
from agent.reports.month_end import Legs, MonthEnd, Origin, Unmapped
from agent.reports.text import counted, shown
from agent.sheets import Doubtful
from agent.sheets.table import Doubt
from agent.sku_table import shipped


@dataclass(frozen=True, slots=True)
class Outcome:
    audit: Audit
    profile: Profile


def given_file(leg: Leg, word: str) -> Given:
    """`licences.csv`, or `Contoso Ltd=licences.csv` for one company's own export."""
    path = Path(word)
    company, equals, rest = word.partition("=")
    # A file whose own name has an equals sign stays what it is.
    if equals and not path.exists():
        return Given(leg, Path(rest), company.strip())
    return Given(leg, path)


def run(given: Sequence[Given], profile: Profile, currency: str, today: date, ask: bool) -> Outcome:
    """Raises `SheetInvalid`; where `ask` is false, also for what a person could have answered."""
    while True:
        try:
            audit = audited(given, profile, currency, today, shipped())
        except Doubtful as doubtful:
            if not ask:
                doubtful.remedy = "Run it on a terminal to be asked, or write the answer into the profile"
                raise
            profile = _answered(doubtful, given, profile)
            continue
        # Names are asked for once, after every file could be read: an answer about a column changes all of them.
        decided = _named(audit, profile) if ask else profile
        if decided == profile:
            return Outcome(audit, profile)
        profile, ask = decided, False


def _answered(doubtful: Doubtful, given: Sequence[Given], profile: Profile) -> Profile:
    for doubt in doubtful.doubts:
        leg = next(one.leg for one in given if one.path.name == doubt.file)
        profile = profile.deciding(leg.value, doubt.about, _choice(doubt))
    return profile


def _choice(doubt: Doubt) -> str:
    say(f"\n{click.style(shown(doubt.file), bold=True)}: {shown(doubt.question)}")
    for number, choice in enumerate(doubt.choices, 1):
        say(f"  {number}  {shown(choice)}")
    return doubt.choices[click.prompt("Which one", type=click.IntRange(1, len(doubt.choices))) - 1]


_STOP = "q"
_NEVER = "-"


def _named(audit: Audit, profile: Profile) -> Profile:
    """With the names that a person gave a meaning; those that have no likely one are not asked for."""
    asked = [one for one in audit.unmatched if one.choices]
    if not asked:
        return profile
    say(f"\n{counted(len(asked), 'name')} to decide. Enter leaves a name open, {_NEVER} leaves it out, {_STOP} stops.")
    for one in asked:
        answer = _meaning(one)
        if answer == _STOP:
            break
        if answer is not None:
            names = {"company": profile.companies, "licence": profile.licences}[one.kind]
            meant = {**names, one.name: answer}
            profile = replace(profile, companies=meant) if one.kind == "company" else replace(profile, licences=meant)
    return profile


def _meaning(one: Unmatched) -> str | None:
    """What the name means: a choice, nothing at all (""), None for an answer next time, or the wish to stop."""
    say(f"\n{one.kind} {click.style(shown(one.name), bold=True)} in {shown(one.file)}")
    for number, choice in enumerate(one.choices, 1):
        say(f"  {number}  {shown(choice.thing)}: {shown(choice.evidence)}")
    numbers = {str(number): choice.thing for number, choice in enumerate(one.choices, 1)}
    words = [*numbers, _NEVER, _STOP, ""]
    answer = str(
        click.prompt("Which one", default="", show_default=False, type=click.Choice(words), show_choices=False)
    )
    if answer in ("", _STOP):
        return answer or None
    return "" if answer == _NEVER else numbers[answer]


def view_of(audit: Audit, title: str) -> MonthEnd:
    legs = tuple(
        Legs(
            one.company,
            one.licence,
            *(one.quantity(leg, audit.today) for leg in (Leg.PURCHASED, Leg.ASSIGNED, Leg.BILLED, Leg.INVOICED)),
        )
        for one in audit.positions
    )
    companies = len({one.company for one in audit.positions})
    numbers = {"company": companies, "licence": len(legs), "file": len(audit.readings)}
    scope = f"{', '.join(counted(number, noun) for noun, number in numbers.items())}; as of {audit.today}"
    matched = [f"{one.name} is taken for {one.company}: {one.evidence}" for one in audit.matched]
    return MonthEnd(
        title,
        scope,
        audit.today,
        audit.differences,
        legs,
        tuple(_origins(audit)),
        tuple(_unmapped(one) for one in audit.unmatched),
        notes=(*audit.notes, *matched),
    )


def _origins(audit: Audit) -> list[Origin]:
    found = []
    for reading in audit.readings:
        table, of = reading.table, f" of {reading.given.company}" if reading.given.company else ""
        columns = ", ".join(f"{name} from {header}" for name, header in table.columns.items())
        detail = f"{reading.given.leg.value}{of}, {counted(len(table.records), 'row')}, {table.form}; {columns}"
        found.append(Origin(table.file, detail))
    return found


def _unmapped(one: Unmatched) -> Unmapped:
    rows = counted(one.rows, "row")
    perhaps = " or ".join(f"{choice.thing}: {choice.evidence}" for choice in one.choices)
    return Unmapped(one.kind, one.name, f"{one.file}, {rows}", perhaps)


def remember(path: Path, before: Profile, after: Profile) -> None:
    """Keeps what was decided, and only that."""
    if after != before:
        save_profile(path, after)
        say(f"\nYour answers are kept in {path}, and used again next month.", to_stderr=True)


def is_asking() -> bool:
    # With the output in a pipe nobody would see the question, and the command would seem to hang.
    return sys.stdin.isatty() and sys.stdout.isatty()
