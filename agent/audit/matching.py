"""Whose a record is, and which licence: by equal names, and else only a person says so."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from agent.domain.agreements import Company
from agent.domain.counts import Account
from agent.sku_table import SkuTable, free_skus
from agent.suggest.companies import suggest_companies
from agent.suggest.licences import identity
from agent.suggest.ranking import Choice, Ranking

_ASK_COMPANY = 60  # out of 100: below, a like name is no more than two names with the same letters
_ASK_LICENCE = 80  # higher: "Microsoft 365 …" alone makes half of any two licences alike


@dataclass(frozen=True, slots=True)
class Unmatched:
    """A name that nobody mapped, and what it may mean; a person decides, and the profile keeps it.

    `kind` is company or licence, `file` the one that says the name, `rows` how many of its records do.
    """

    kind: str
    name: str
    file: str
    rows: int
    choices: tuple[Choice[str], ...]


@dataclass(frozen=True, slots=True)
class Matched:
    """A name of another file that is taken for one of the billed companies, and why."""

    name: str
    company: str
    evidence: str


class Companies:
    """The companies of the billed file, under which names of the other files are found."""

    def __init__(self, billed: Iterable[str], decided: Mapping[str, str]) -> None:
        self.names = sorted(set(billed), key=lambda name: (name.casefold(), name))
        # Reversed, so that of two spellings in different case the first one stands for both in every run.
        self._spelled = {_plain(name): name for name in reversed(self.names)}
        self._decided = {_plain(name): meant for name, meant in decided.items()}

    def match(self, names: Iterable[str]) -> tuple[dict[str, Matched], dict[str, tuple[Choice[str], ...]], set[str]]:
        """Of one file's names: those that surely are a company, those that are not with choices, those left out."""
        found: dict[str, Matched] = {}
        left_out: set[str] = set()
        open_: list[str] = []
        for name in sorted(set(names)):
            meant = self._decided.get(_plain(name))
            if meant == "":
                left_out.add(name)
            elif (company := self._spelled.get(_plain(meant or name))) is not None:
                found[name] = Matched(name, company, "decided by you" if meant else "same name")
            else:
                open_.append(name)
        # All names of a file at once: where two of them would be the same company, neither is sure.
        rankings = self._rankings(open_)
        unsure: dict[str, tuple[Choice[str], ...]] = {}
        for name in open_:
            ranking = rankings[name]
            if sure := ranking.sure:
                found[name] = Matched(name, sure.thing.name, sure.evidence)
            else:
                choices = (Choice(c.thing.name, c.confidence, c.reason) for c in ranking.choices)
                unsure[name] = tuple(choice for choice in choices if choice.confidence >= _ASK_COMPANY)
        return found, unsure, left_out

    def _rankings(self, names: Sequence[str]) -> Mapping[str, Ranking[Company]]:
        tenants: dict[Account, tuple[str, ...]] = {Account("file", name, name): () for name in names}
        companies = [Company(number, name) for number, name in enumerate(self.names)]
        return {one.account.name: one.company for one in suggest_companies(tenants, companies, ())}


def _plain(name: str) -> str:
    return " ".join(name.split()).casefold()


@dataclass(frozen=True, slots=True)
class Licence:
    """`shipped`: Microsoft's table has it, so that a tenant's file without it surely means none."""

    name: str
    shipped: bool = False
    free: bool = False


_LEFT_OUT = Licence("")


class Licences:
    """Licences by what tells them apart: Microsoft's own table, and the products that the counting files name."""

    def __init__(self, skus: SkuTable, decided: Mapping[str, str]) -> None:
        self._skus, self._decided = skus, {_plain(name): meant for name, meant in decided.items()}
        self._known: dict[frozenset[str], Licence] = {}
        free = free_skus()
        for sku, _, name in skus:
            # Names that differ only in how the licence is sold are one licence here; the first of them names it.
            self._known.setdefault(identity(name), Licence(name, True, sku in free))
        self._counted: dict[str, Licence] = {}
        self._found: dict[str, Licence | None] = {}

    def knows(self, text: str) -> bool:
        return bool(self._skus.find(text)) or identity(text) in self._known

    def counted(self, texts: Sequence[str]) -> Licence:
        """The licence of a counting file's record. A product that nobody knew is one from now on."""
        licence = self.of(texts)
        if licence is None:
            name = texts[
                -1
            ]  # the product's name; before it stands a distributor's number, which tells a person nothing
            licence = self._known.setdefault(identity(name) or frozenset({_plain(name)}), Licence(name))
            self._found.clear()  # what was looked up in vain before may be found now
        self._counted[licence.name] = licence
        return licence

    def of(self, texts: Sequence[str]) -> Licence | None:
        """None where no text surely names a licence; one without a name where a person said that it is none."""
        return next((licence for text in texts if (licence := self._of(text)) is not None), None)

    def _of(self, text: str) -> Licence | None:
        if text not in self._found:
            self._found[text] = self._look(text)
        return self._found[text]

    def _look(self, text: str) -> Licence | None:
        meant = self._decided.get(_plain(text))
        if meant == "":
            return _LEFT_OUT
        name = meant or text
        found = self._skus.find(name)
        if len(found) == 1:
            return self._known[identity(self._skus.name(found[0]))]
        return self._known.get(identity(name) or frozenset({_plain(name)}))

    def like(self, text: str) -> tuple[Choice[str], ...]:
        """Counted licences that a line's text may mean; two licences with like names are not one."""
        from rapidfuzz import fuzz, process

        names = sorted(self._counted)
        # Proposed and never taken: E3 lies inside "E3 without Teams", and they have two prices.
        words = identity(text)
        inside = [name for name in names if words and (words < identity(name) or identity(name) < words)]
        choices = [Choice(name, 84, "shares all words of the shorter name") for name in inside]
        for name, likeness, _ in process.extract(text, names, scorer=fuzz.token_sort_ratio, processor=_plain, limit=3):
            if name not in inside and likeness >= _ASK_LICENCE:
                choices.append(Choice(name, int(likeness), "similar name"))
        return Ranking.of(choices).choices
