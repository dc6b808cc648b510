"""The folder of mapping files: all of it valid together, or every problem of every file.

profiles.toml  exclusions.toml  companies/*.toml
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Generic, TypeVar

from agent.domain.mappings import CompanyMapping, Mappings, Mode, SourceTraits
from agent.mapping_files import reading
from agent.mapping_files.conflicts import conflicts
from agent.mapping_files.problems import MappingsInvalid, Page
from agent.mapping_files.reading import NO_SOURCES
from agent.sku_table import SkuTable
from agent.toml_places import FileRefused, Problem, decode, read_regular_file

PROFILES, EXCLUSIONS, COMPANIES = "profiles.toml", "exclusions.toml", "companies"
FILE_LIMIT = 10_000
ROW_LIMIT = 50_000

T = TypeVar("T")

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


@dataclass(frozen=True, slots=True)
class Read(Generic[T]):
    """What a file says (None: it is missing or cannot be read), and what is wrong with it by itself."""

    said: T | None
    problems: tuple[Problem, ...]


class MappingFiles:
    """`default_mode` is that of companies whose file names none; `sources` are those of agent.toml, by name."""

    def __init__(
        self, folder: Path, default_mode: Mode, skus: SkuTable, sources: Mapping[str, SourceTraits] = NO_SOURCES
    ) -> None:
        self.folder, self.default_mode, self.skus, self.sources = folder, default_mode, skus, sources
        self._known: dict[str, tuple[bytes, Read[CompanyMapping | None]]] = {}

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
        """Pure but for a cache of what was read before."""
        profiles = self._read(PROFILES, contents, reading.profiles)
        exclusions = self._read(EXCLUSIONS, contents, reading.exclusions)
        read = self._companies(contents, profiles.said)
        companies = [each.said for each in read if each.said]
        everywhere = tuple(exclusions.said) if exclusions.said is not None else ()
        problems = [*contents.problems, *profiles.problems, *exclusions.problems]
        problems += [problem for each in read for problem in each.problems]
        problems += conflicts(companies, everywhere)
        if sum(len(company.rows) for company in companies) > ROW_LIMIT:
            problems.append(self._problem("", f"has more than {ROW_LIMIT} rows", "Split it between two installations"))
        if problems:
            raise MappingsInvalid(problems)
        return Mappings(
            companies={company.company: company for company in companies},
            exclusions=everywhere,
            digest=contents.digest,
            profiles={name: profile for name, profile in (profiles.said or {}).items() if profile},
        )

    def _companies(
        self, contents: Contents, profiles: reading.Profiles | None
    ) -> Sequence[Read[CompanyMapping | None]]:
        """Read anew only where the bytes changed, the file's or the profiles': of a thousand files, one was edited."""

        def company(page: Page) -> CompanyMapping | None:
            return reading.CompanyReader(page, profiles, self.default_mode, self.sources).company()

        before, self._known = self._known, {}
        shared = hashlib.sha256(contents.files.get(PROFILES, b"")).digest()
        for name in (name for name in contents.files if name not in (PROFILES, EXCLUSIONS)):
            digest = hashlib.sha256(contents.files[name]).digest() + shared
            known = before.get(name)
            if known is None or known[0] != digest:
                known = digest, self._read(name, contents, company)
            self._known[name] = known
        return [read for _, read in self._known.values()]

    def _read(self, name: str, contents: Contents, say: Callable[[Page], T]) -> Read[T]:
        """The document is dropped when it has been read: with its places it is ten times as big as its meaning."""
        content = contents.files.get(name)
        if content is None:
            return Read(None, ())
        try:
            page = Page(decode(content, str(self.folder / name)), self.skus)
        except FileRefused as error:
            return Read(None, (error.problem,))
        said = say(page)
        return Read(said, tuple(page.problems))

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
