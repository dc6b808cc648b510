"""Gathers a letter from the evidence of a company's month, and templates from an MSP's folder."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from agent.domain import descriptions
from agent.domain.agreements import Agreement, Line, Standing
from agent.domain.corrections import Known, Sent, blank, corrections
from agent.domain.mappings import Usernames
from agent.domain.ownership import Binding, pictured
from agent.errors import TrueupError
from agent.faces.proving import evidence
from agent.ports import Entry, EntryState, Store, Version
from agent.reports.evidence import Evidence
from agent.reports.explanation import Explanation
from agent.reports.holders import Holder
from agent.reports.letters import Holders, Letter, Person
from agent.reports.letters.templates import Templates, shipped
from agent.reports.letters.view import Told
from agent.reports.text import View, shown

if TYPE_CHECKING:
    from agent.domain.keys import LineKey
    from agent.domain.mappings import Mappings
    from agent.ports import Traits
    from agent.settings import Settings

_LARGEST = 1_000_000  # bytes of one template; a logo as data: fits, a disk image does not


def letter(
    store: Store, mappings: Mappings, traits: Traits, settings: Settings, view: View, company: int, first: date
) -> Letter:
    """About what was corrected in the month that begins on `first`. Raises `NothingThen` for one ahead."""
    pack = evidence(store, mappings, traits, settings, view, company, first)
    past = _Past(
        pack,
        store.memory(traits.name, company, (), view.now).bindings,
        store.standings(company, pack.begins),
        traits,
        settings.agent.currency,
    )
    told = [one for line in pack.lines for one in past.told(line)]
    # Names leave the house only for what the letter is about.
    corrected = {one.correction.key for one in told}
    name = view.companies.get(company)
    return Letter(
        company=shown(name) if name else view.company(company),
        month=f"{first:%B %Y}",
        day=view.now.astimezone(settings.agent.timezone).date(),
        read=max((reading.last.astimezone(settings.agent.timezone).date() for reading in pack.readings), default=None),
        sender=shown(settings.letter.sender or ""),
        contact=shown(settings.letter.contact or ""),
        quantities=tuple(quantity for one in told for quantity in one.quantities()),
        amounts=tuple(amount for one in told for amount in one.amounts()),
        prices=tuple(price for one in told for price in one.prices()),
        forward=tuple(one.forward() for one in told),
        holders=tuple(_holders(line, pack) for line in pack.lines if line.key in corrected and _names(line)),
        conventions=tuple(dict.fromkeys(words for one in told for words in (*one.stays(), *one.conventions()))),
        unknown=tuple(past.unknown()),
        unsettled=sum(written.entry.state in _OPEN for line in pack.lines for written in pack.writes(line)),
    )


_OPEN = (EntryState.INTENT, EntryState.UNKNOWN)


@dataclass(frozen=True, slots=True)
class _Past:
    """What is remembered of the company's lines, beside the evidence. `standings` from the month's beginning on."""

    pack: Evidence
    bindings: Mapping[LineKey, Binding]
    standings: Sequence[Version[Standing]]
    traits: Traits
    currency: str

    def told(self, line: Explanation) -> Iterator[Told]:
        sent = self._sent(line)
        for correction in corrections(line.key, sent, self._known(line), self.traits.convention) if sent else ():
            currency = correction.agreement.currency or self.currency
            yield Told(line.label, correction, self.traits.convention, currency)

    def unknown(self) -> Iterator[str]:
        for line in self.pack.lines:
            if self._done(line) and not self._sent(line):
                yield (
                    f"{shown(line.label)} was corrected on agreement {line.key.agreement}, of which nothing is known "
                    "any more for that time: neither amounts nor days can be told."
                )

    def _done(self, line: Explanation) -> list[Entry]:
        entries = [written.entry for written in self.pack.writes(line)]
        return [entry for entry in entries if entry.state is EntryState.CONFIRMED]

    def _sent(self, line: Explanation) -> list[Sent]:
        """All of them or none: with some of the writes left out the numbers would be wrong."""
        found = [(entry.write, self._read(entry).get(line.key.agreement)) for entry in self._done(line)]
        known = [Sent(write, agreement) for write, agreement in found if agreement is not None]
        return known if len(known) == len(found) else []

    def _read(self, entry: Entry) -> Mapping[int, Agreement]:
        """The agreements as the PSA showed them before the write."""
        found = [version.value for version in self.standings if version.since <= entry.at]
        return found[-1].agreements if found else {}

    def _known(self, line: Explanation) -> Known:
        of = [binding for key, binding in self.bindings.items() if key.base == line.key]
        began = min(entry.at for entry in self._done(line))
        read = [version.value.lines for version in self.standings if version.since <= began][-1]
        # Lines of others on the agreement are not ours to explain, even where they bill the same product.
        ids = {binding.line for binding in of}
        return Known(
            [one for one in read.get(line.key.agreement, ()) if one.id in ids],
            {binding.mark: self._first_seen(binding, line.key.agreement) for binding in of if binding.mark},
            {binding.line: binding.boundary for binding in of if binding.boundary},
        )

    def _first_seen(self, binding: Binding, agreement: int) -> Line:
        """A line as it was first read; where no cycle has read it yet, as it was read back after it was written."""
        for version in self.standings:
            for line in version.value.lines.get(agreement, ()):
                if line.id == binding.line:
                    return line
        return pictured(blank(binding.line, agreement), binding.confirmed)


def _names(line: Explanation) -> bool:
    """Whether the profile lets names out of the house. A line that no row asks for has nobody to ask."""
    return line.row is not None and line.row.profile.usernames is not Usernames.NONE


def _holders(line: Explanation, pack: Evidence) -> Holders:
    how = line.row.profile.usernames if line.row else Usernames.INITIALS
    people = [_person(holder, how, pack) for holder in pack.people(line)]
    return Holders(shown(line.label), tuple(sorted(people, key=lambda person: person.name.casefold())))


def _person(holder: Holder, how: Usernames, pack: Evidence) -> Person:
    # Who left after the month was there to its end, as far as this month is concerned.
    first, last = (at.astimezone(pack.view.zone).date() if at else None for at in (holder.since, holder.last))
    return Person(descriptions.shown(holder, how), first, last if last and last < pack.end else None)


def templates(settings: Settings, folder: Path | None) -> Templates:
    """The shipped ones, with those of the folder that is named, or else set, in their place."""
    folder = folder or settings.letter.templates
    if folder is None:
        return Templates({})
    try:
        files = sorted(path for path in folder.iterdir() if path.suffix in (".jinja", ".css"))
    except OSError as error:
        said = (error.strerror or str(error)).lower()
        raise TrueupError(f"{folder} cannot be read: {said}", "Name a folder of templates") from error
    return Templates({path.name: _source(path) for path in files}, str(folder))


def _source(path: Path) -> str:
    remedy = "Keep templates as plain text in UTF-8, each of at most 1 MB"
    try:
        # A pipe or a device would be read for ever.
        if not path.is_file() or path.stat().st_size > _LARGEST:
            raise TrueupError(f"{path} is no template: not a file, or too large", remedy)
        return path.read_text("utf-8-sig")
    except OSError as error:
        raise TrueupError(f"{path} cannot be read: {(error.strerror or str(error)).lower()}") from error
    except UnicodeDecodeError as error:
        raise TrueupError(f"{path} is not UTF-8, from byte {error.start + 1} on", remedy) from error


def copy_templates(folder: Path) -> list[Path]:
    """Write the shipped templates there; those that lie there already stay, and are not among the paths returned."""
    made = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in sorted(shipped().items()):
            path = folder / name
            # Asked again after an upgrade it brings what is new, and leaves what somebody wrote.
            if not path.exists():
                path.write_text(text, "utf-8")
                made.append(path)
    except OSError as error:
        raise TrueupError(f"{folder} cannot be written: {(error.strerror or str(error)).lower()}") from error
    return made
