"""Sure suggestions as text in mapping files, always in a company whose changes a person sees first."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from agent.domain.agreements import Company
from agent.domain.counts import Account
from agent.domain.mappings import Mode
from agent.mapping_files.files import COMPANIES, PROFILES, Contents, MappingFiles
from agent.mapping_files.problems import MappingsInvalid
from agent.mapping_files.writing import Draft, EditRefused, Value, slug
from agent.suggest import AccountSuggestion, Billing, Choice, RowSuggestion, Suggestions


@dataclass(frozen=True, slots=True)
class Written:
    """What was added to which file, as a sentence."""

    path: Path
    sentence: str


def write_suggestions(files: MappingFiles, suggestions: Suggestions) -> list[Written]:
    """Write what is sure, and leave out what needs a choice. All files are checked together before one is saved.

    A new company file has `mode = "review"`. So has from now on an existing one whose mode was auto: a mode is the
    whole company's, and a row that nobody has looked at must not write. Report stays, as it writes less still.
    Raises MappingsInvalid where the files are not valid now, EditRefused where one of them cannot be changed.
    """
    book = _Book(files)
    for tenant in suggestions.tenants:
        book.tenant(tenant)
    for account in suggestions.accounts:
        book.account(account)
    for row in suggestions.rows:
        book.row(row)
    return book.save()


class _Book:
    """Collects changes to several files."""

    def __init__(self, files: MappingFiles) -> None:
        self.files, self.contents = files, files.contents()
        self.mappings = files.understand(self.contents)
        self.drafts: dict[Path, Draft] = {}
        self.created: dict[int, Draft] = {}
        self.profiles: dict[str, str] = {}  # product -> the profile made for it
        self.written: list[Written] = []

    def tenant(self, suggestion: AccountSuggestion) -> None:
        sure = suggestion.company.sure
        if sure is None:
            return
        company, account = sure.thing, suggestion.account
        why = f"tenant {account.name} is company {company.name}. Evidence: {sure.evidence}."
        self._start(company, {"tenant": account.id}, why, f", tenant {account.name}")

    def _start(self, company: Company, ids: Mapping[str, Value], why: str, told: str = "") -> None:
        """A file of a company that had none, whose changes a person sees first."""
        fields: dict[str, Value] = {"company": company.id, **ids, "mode": Mode.REVIEW.value}
        if company.name.isprintable() and 0 < len(company.name.strip()) <= 100:
            fields["name"] = company.name.strip()
        path = self._free_path(company)
        lines = [f"Suggested: {why}", 'Check it and its rows, then set mode = "auto".']
        self.drafts[path] = self.created[company.id] = Draft(path, None, Draft.start("company", fields, lines))
        self._note(path, f"new: company {company.id} {company.name}{told}")

    def account(self, suggestion: AccountSuggestion) -> None:
        """The id alone: nothing is counted there before somebody writes a row for it."""
        sure = suggestion.company.sure
        if sure is None:
            return
        company, account = sure.thing, suggestion.account
        if company.id not in self.mappings.companies and company.id not in self.created:
            self._start(company, {"sources": {account.source: account.id}}, f"{_called(account)}: {sure.evidence}.")
        else:
            draft = self.created.get(company.id) or self._draft(Path(self.mappings.companies[company.id].place.file))
            taken = tomllib.loads(draft.text).get("sources")
            draft.set(
                ("sources",) if taken is None else ("sources", account.source),
                {account.source: account.id} if taken is None else account.id,
            )
            self._note(draft.path, f"sources: {_called(account)} is company {company.name}, {sure.evidence}")

    def row(self, row: RowSuggestion) -> None:
        billing, agreement = row.billing.sure, row.agreement.sure
        if not row.sure or billing is None or agreement is None:
            return
        draft = self._company_draft(row.company.id)
        fields: dict[str, Value] = {
            "licence": self._word(row),
            "profile": self._profile(billing),
            "agreement": agreement.thing.id,
        }
        if row.adopts:
            fields["adopt"] = True
        mapping = self.mappings.companies.get(row.company.id)
        if mapping and len(mapping.accounts) > 1:
            fields["tenant"] = row.account.id
        why = f"Suggested: profile {billing.evidence}; agreement {agreement.evidence}."
        draft.append("row", fields, [f"{row.licence.name}, {row.licence.purchased} purchased.", why])
        takes = f", takes over line {row.adopts.id}" if row.adopts else ""
        self._note(draft.path, f"row: {row.licence.name} on agreement {agreement.thing.id}{takes}")

    def save(self) -> list[Written]:
        """Profiles first, so that the files are valid together after each save."""
        merged = {path.relative_to(self.files.folder).as_posix(): draft.content for path, draft in self.drafts.items()}
        try:
            self.files.understand(Contents({**self.contents.files, **merged}, ()))
        except MappingsInvalid as error:
            problem = error.problems[0]
            raise EditRefused(f"the suggestions contradict what is there: {problem}", "Write rows by hand") from None
        for path in sorted(self.drafts, key=lambda path: path.name != PROFILES):
            self.drafts[path].save()
        return self.written

    def _company_draft(self, company: int) -> Draft:
        if company in self.created:
            return self.created[company]
        mapping = self.mappings.companies[company]
        path = Path(mapping.place.file)
        known = path in self.drafts
        draft = self._draft(path)
        if mapping.mode is Mode.AUTO and not known:
            draft.set(("mode",), Mode.REVIEW.value)
            self._note(path, f'mode: "auto" became "review" for {mapping.name}, until somebody looked at the new rows')
        return draft

    def _draft(self, path: Path) -> Draft:
        if path not in self.drafts:
            self.drafts[path] = Draft(path, self.contents.files[path.relative_to(self.files.folder).as_posix()])
        return self.drafts[path]

    def _profile(self, billing: Choice[Billing]) -> str:
        product = billing.thing.product
        if billing.thing.profile:
            return billing.thing.profile
        if product not in self.profiles:
            names = (f"{slug(product) or 'profile'}{suffix or ''}" for suffix in count())
            taken = {*self.mappings.profiles, *self.profiles.values()}
            self.profiles[product] = name = next(name for name in names if name not in taken)
            draft = self._draft(self.files.folder / PROFILES)
            draft.add_table(name, {"product": product, "price": "psa"}, ["Suggested with a row that needs it."])
            self._note(draft.path, f"profile: {name} for product {product}")
        return self.profiles[product]

    def _word(self, row: RowSuggestion) -> str:
        """The part number where it says exactly this licence, else the GUID."""
        number = row.licence.part_number
        return number if number and self.files.skus.find(number) == (row.licence.sku,) else row.licence.sku

    def _free_path(self, company: Company) -> Path:
        """Named for the company; with its id where a file of that name is there or is about to be."""
        folder, name = self.files.folder / COMPANIES, slug(company.name) or "company"
        plain, numbered = folder / f"{name}.toml", folder / f"{name}-{company.id}.toml"
        return numbered if plain in self.drafts or plain.exists() else plain

    def _note(self, path: Path, sentence: str) -> None:
        self.written.append(Written(path, sentence))


def _called(account: Account) -> str:
    return f"{account.source} account {account.name or account.id} ({account.id})"
