"""The folder of mapping files: all of it valid together, or every problem of every file.

profiles.toml  exclusions.toml  companies/*.toml
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from agent.domain.mappings import CompanyMapping, Mappings, Mode
from agent.mapping_files import reading
from agent.mapping_files.conflicts import conflicts
from agent.mapping_files.problems import MappingsInvalid, Page
from agent.sku_table import SkuTable
from agent.toml_places import Document, FileRefused, Problem, decode, read_regular_file

PROFILES, EXCLUSIONS, COMPANIES = "profiles.toml", "exclusions.toml", "companies"
FILE_LIMIT = 10_000
ROW_LIMIT = 50_000

Stamps = Mapping[str, tuple[int, ...] | None]
"""What shows that a file was touched, by the file's name inside the folder; None where it is missing."""


@dataclass(frozen=True)
class Contents:
    """The bytes of all files, by name inside the folder, and what kept others from being read."""

    files: Mapping[str, bytes]
    problems: tuple[Problem, ...]

    @cached_property
    def digest(self) -> str:
        """Of names and bytes: it does not depend on where the folder lies, nor on when a file was saved."""
        whole = hashlib.sha256()
        for name, content in sorted(self.files.items()):
            whole.update(hashlib.sha256(os.fsencode(name)).digest() + hashlib.sha256(content).digest())
        return whole.hexdigest()


class MappingFiles:
    """`default_mode` is that of companies whose file names none."""

    def __init__(self, folder: Path, default_mode: Mode, skus: SkuTable) -> None:
        self.folder, self.default_mode, self.skus = folder, default_mode, skus
        self._parsed: dict[str, tuple[bytes, Document]] = {}

    def load(self) -> Mappings:
        """What the files say now; MappingsInvalid with every problem."""
        return self.understand(self.contents())

    def stamps(self) -> Stamps:
        """Cheap to compare; equal stamps mean equal files unless two saves fell into one tick of the disk's clock."""
        return {name: _stamp(self.folder / name) for name in self._names()}

    def contents(self) -> Contents:
        """Missing is not empty: without companies/ or one of the two other files there is a problem, and no zero."""
        files, problems = {}, []
        for name in self._names():
            try:
                files[name] = read_regular_file(self.folder / name)
            except FileRefused as error:
                problems.append(error.problem)
        return Contents(files, (*problems, *self._folder_problems()))

    def understand(self, contents: Contents) -> Mappings:
        """Pure but for a cache of what was parsed before."""
        problems = list(contents.problems)
        pages: dict[str, Page] = {}
        for name, content in contents.files.items():
            try:
                pages[name] = Page(self._document(name, content), self.skus)
            except FileRefused as error:
                problems.append(error.problem)
        profiles = reading.profiles(pages[PROFILES]) if PROFILES in pages else None
        exclusions = reading.exclusions(pages[EXCLUSIONS]) if EXCLUSIONS in pages else []
        companies = list(self._companies(pages, profiles))
        problems += [problem for page in pages.values() for problem in page.problems]
        problems += conflicts(companies, exclusions)
        if sum(len(company.rows) for company in companies) > ROW_LIMIT:
            problems.append(self._problem("", f"has more than {ROW_LIMIT} rows", "Split it between two installations"))
        if problems:
            raise MappingsInvalid(problems)
        return Mappings(
            companies={company.company: company for company in companies},
            exclusions=tuple(exclusions),
            digest=contents.digest,
            profiles={name: profile for name, profile in (profiles or {}).items() if profile},
        )

    def _document(self, name: str, content: bytes) -> Document:
        """Parsed anew only where the bytes changed: in a fleet of a thousand files, one was edited."""
        known = self._parsed.get(name)
        if known is None or known[0] != content:
            known = self._parsed[name] = (content, decode(content, str(self.folder / name)))
        return known[1]

    def _companies(self, pages: Mapping[str, Page], profiles: reading.Profiles | None) -> Iterator[CompanyMapping]:
        for name, page in pages.items():
            if name not in (PROFILES, EXCLUSIONS):
                company = reading.CompanyReader(page, profiles, self.default_mode).company()
                if company:
                    yield company

    def _names(self) -> Sequence[str]:
        names = [name for name in self._company_files() if name.isprintable()]
        return [PROFILES, EXCLUSIONS, *(f"{COMPANIES}/{name}" for name in names[:FILE_LIMIT])]

    def _company_files(self) -> Sequence[str]:
        companies = self.folder / COMPANIES
        try:
            found = [] if companies.is_symlink() else sorted(os.listdir(companies))
        except OSError:
            return []  # `_folder_problems` says so
        # Editors keep swap and lock files beside the file; they begin with a dot or do not end in .toml.
        return [name for name in found if name.endswith(".toml") and not name.startswith(".")]

    def _folder_problems(self) -> Iterator[Problem]:
        companies, names = self.folder / COMPANIES, self._company_files()
        if companies.is_symlink():
            yield self._problem(COMPANIES, "is a symbolic link", "Put a folder there, so that no file lies elsewhere")
        elif not os.access(companies, os.R_OK | os.X_OK) or not companies.is_dir():
            yield self._problem(COMPANIES, "is not a readable folder", "It holds one file per company; create it")
        if len(names) > FILE_LIMIT:
            yield self._problem(COMPANIES, f"has more than {FILE_LIMIT} files", "Split it between two installations")
        for name in names:
            if not name.isprintable():
                remedy = "Rename the file, with letters, digits and dashes"
                yield self._problem(COMPANIES, f"holds a file whose name cannot be shown: {name!a}", remedy)

    def _problem(self, name: str, what: str, remedy: str) -> Problem:
        return Problem(str(self.folder / name), None, "", what, remedy)


def _stamp(path: Path) -> tuple[int, ...] | None:
    try:
        status = path.lstat()
    except OSError:
        return None
    # The change time moves even where a restored backup or `touch -d` has put the old modification time back.
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino
