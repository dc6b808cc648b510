"""Names that last: the key of a billed line, and the mark that carries it into the PSA."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import lru_cache
from itertools import count
from urllib.parse import quote, unquote


class Role(StrEnum):
    """What a PSA line does for its key: carry the standing quantity, bill a difference for some days, or give way."""

    BASE = "base"
    DELTA = "delta"
    CREDIT = "credit"
    AGAIN = "again"  # for an invoice that was deleted: what its line does not show any more
    PAST = "past"  # bills once what was not billed before: never counted, and of no interest once it stands
    REPLACED = "replaced"  # a line of somebody else, which ends where the row's own begins: never marked, never counted


@dataclass(frozen=True, slots=True, order=True)
class LineKey:
    """Identity of one line we manage, for ever: which count bills as which product on which agreement.

    `account` is the ref of the one it counts. `count` is a licence's GUID or the canonical text of another count.
    `part` tells the deltas of one base apart, and the lives of a base: a line that was ended and is wanted again
    becomes part "2", because ended lines stay ended.
    `lot` tells lines of one row apart whose seats were bought at different prices: "" is the row's first, then "2".
    Changing agreement, licence or product makes another key: an end and a new line, never a silent move.
    """

    psa: str
    agreement: int
    account: str
    count: str
    subscription: str
    name: str
    product: str
    role: Role = Role.BASE
    part: str = ""
    lot: str = ""

    def __str__(self) -> str:
        return _text(self)

    @classmethod
    def parse(cls, text: str) -> LineKey:
        psa, agreement, account, count, subscription, name, product, role, part, lot = map(unquote, text.split("/"))
        return cls(psa, int(agreement), account, count, subscription, name, product, Role(role), part, lot)

    def delta(self, part: str, role: Role = Role.DELTA) -> LineKey:
        return replace(self, role=role, part=part)

    @property
    def base(self) -> LineKey:
        standing = self.role is Role.BASE and not self.part
        return self if standing else replace(self, role=Role.BASE, part="")

    @property
    def seats(self) -> tuple[str, str]:
        """What lines of an account share: a licence's seats; or a service beside licences, known by its product."""
        return self.account, self.product if ":" in self.count else self.count

    @property
    def row(self) -> LineKey:
        """The key of the row that asks for the line."""
        return replace(self.base, lot="") if self.lot else self.base

    def lots(self) -> Iterator[LineKey]:
        """The keys of a row's lines, from the first on, without end."""
        yield self.row
        for number in count(2):
            yield replace(self.row, lot=str(number))


@lru_cache(maxsize=8192)
def _text(key: LineKey) -> str:
    where = (key.psa, str(key.agreement), key.account, key.count)
    fields = (*where, key.subscription, key.name, key.product, key.role.value, key.part, key.lot)
    return "/".join(map(quoted, fields))


def quoted(field: str) -> str:
    """A field as it stands in a key's text: one that any database takes, and no field between its slashes."""
    return quote(field, safe=" :+,@=")


_PREFIX = "TU"
_INSTALLATION, _KEY, _PART = 6, 15, 6  # base32 characters: 30, 75 and 30 bits
_TAG = re.compile(rf"[A-Z2-7]{{{_INSTALLATION}}}")
MARK_LENGTH = len(_PREFIX) + _INSTALLATION + _KEY + 1 + _PART
_LETTER = {Role.BASE: "B", Role.DELTA: "D", Role.CREDIT: "C", Role.AGAIN: "A", Role.PAST: "P", Role.REPLACED: "R"}


@dataclass(frozen=True, slots=True)
class Mark:
    """The 30 characters that a managed line carries in the PSA.

    Deterministic, so that a lost store finds its lines again; in parts, so that a delta shows its base, and a line
    of another installation is seen to be somebody else's.
    """

    installation: str
    key: str
    role: Role
    part: str

    def __str__(self) -> str:
        return f"{_PREFIX}{self.installation}{self.key}{_LETTER[self.role]}{self.part}"

    @classmethod
    def of(cls, installation: str, key: LineKey) -> Mark:
        return cls(installation_tag(installation), key_tag(key), key.role, _digest(key.part, _PART))

    @classmethod
    def read(cls, text: str) -> Mark | None:
        """The mark in a field's text, or None where the text is somebody's own."""
        text = text.strip()
        if len(text) != MARK_LENGTH or not text.startswith(_PREFIX):
            return None
        body = text[len(_PREFIX) :]
        installation, key = body[:_INSTALLATION], body[_INSTALLATION : _INSTALLATION + _KEY]
        letter, part = body[_INSTALLATION + _KEY], body[_INSTALLATION + _KEY + 1 :]
        role = next((r for r, known in _LETTER.items() if known == letter), None)
        return cls(installation, key, role, part) if role else None


def installation_tag(installation: str) -> str:
    """What marks carry of an installation's id. Where the id is lost, the six characters stand for themselves."""
    return installation if _TAG.fullmatch(installation) else _digest(installation, _INSTALLATION)


@lru_cache(maxsize=8192)
def key_tag(key: LineKey) -> str:
    """The same for a base and its deltas, whichever life the base is in."""
    return _digest(str(key.base), _KEY)


@lru_cache(maxsize=16384)
def _digest(text: str, length: int) -> str:
    return base64.b32encode(hashlib.sha256(text.encode()).digest()).decode()[:length]
