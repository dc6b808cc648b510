"""What `trueup map check` tells: every problem, or what the files hold when they have none."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from agent.domain.counts import MICROSOFT, Account
from agent.domain.mappings import Mappings, Mode
from agent.mapping_files.files import MappingFiles
from agent.mapping_files.problems import MappingsInvalid
from agent.toml_places import Problem


@dataclass(frozen=True, slots=True)
class Summary:
    """Numbers of valid files. `notes` are sentences about what is allowed, and perhaps not meant."""

    companies: int
    tenants: int
    rows: int
    profiles: int
    exclusions: int
    modes: Mapping[Mode, int]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Checked:
    """Either problems or a summary."""

    problems: tuple[Problem, ...]
    summary: Summary | None


def check(files: MappingFiles) -> Checked:
    try:
        mappings = files.load()
    except MappingsInvalid as error:
        return Checked(error.problems, None)
    return Checked((), _summary(mappings))


def _summary(mappings: Mappings) -> Summary:
    companies = mappings.companies.values()
    return Summary(
        companies=len(companies),
        tenants=len([ref for ref in mappings.companies_by_account if Account.parse(ref).source == MICROSOFT]),
        rows=sum(len(company.rows) for company in companies),
        profiles=len(mappings.profiles),
        exclusions=len(mappings.exclusions) + sum(len(company.exclusions) for company in companies),
        modes=Counter(company.mode for company in companies),
        notes=tuple(_notes(mappings)),
    )


def _notes(mappings: Mappings) -> Iterator[str]:
    used = {row.profile.name for row in mappings.rows()}
    unused = sorted(mappings.profiles.keys() - used)
    if unused:
        yield f"No row uses the profile{'s' if unused[1:] else ''} {', '.join(unused)}."
    for company in mappings.companies.values():
        if not company.rows:
            yield f"{company.place.file} has no row: nothing of {company.name} is billed."
    for ref, sharing in mappings.companies_by_account.items():
        if len(sharing) > 1:
            names, account = ", ".join(company.name for company in sharing), Account.parse(ref)
            what = f"Tenant {ref}" if account.source == MICROSOFT else f"{account}"
            yield f"{what} is shared by {names}: rows that would bill the same seat are held."
