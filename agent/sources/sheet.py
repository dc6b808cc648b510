"""Counts from a file that another program exports: CSV in any encoding, or XLSX (agent/sheets).

A file is no service: it says the same however often it is read, so nothing proves a lower count in it, which waits for
a person. What it does not list is unknown, unless the settings say that it is the full export.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from threading import Lock

from agent.domain.counts import NO_NEEDS, Account, Coverage, Member, Needs, Observation, Snapshot, Unit
from agent.domain.findings import Finding
from agent.domain.mappings import Basis, folded
from agent.errors import Absent, Incomplete, Unreachable
from agent.ports import Clock
from agent.sheets import Choices, Column, Kind, Record, SheetInvalid, Table, licence_names, read_table
from agent.sku_table import SkuTable

_COLUMNS = (
    Column(
        "account", ("account", "company", "company name", "customer", "client", "organization", "site"), filled=True
    ),
    Column("product", ("product", "licence", "license", "licenses", "item", "sku", "service"), filled=True),
    Column("quantity", ("quantity", "qty", "count", "units", "seats"), Kind.NUMBER, filled=True),
    Column("member", ()),
)


@dataclass(frozen=True, slots=True)
class Layout:
    """What the settings say of the file. `account` and `product` stand for a whole file that has no such column;
    `joined`: a product's cell holds several names with a plus between them."""

    path: Path
    basis: Basis
    unit: Unit
    choices: Choices
    complete: bool = False
    account: str = ""
    product: str = ""
    joined: bool = False
    max_age: timedelta = timedelta(days=35)


@dataclass(slots=True)
class _Counted:
    """One product of one account, row by row."""

    name: str
    number: Decimal = Decimal(0)
    members: dict[str, Member] = field(default_factory=dict)


_Book = Mapping[str, tuple[str, Mapping[str, _Counted]]]


class SheetSource:
    """`agent.ports.Source` over one file, which is parsed anew when it was written anew."""

    def __init__(self, name: str, layout: Layout, clock: Clock, names: SkuTable) -> None:
        self._name, self._layout, self._clock, self._names = name, layout, clock, names
        self._lock = Lock()
        self._stamp: tuple[int, ...] = ()
        self._book: _Book = {}

    def accounts(self) -> Sequence[Account]:
        return [Account(self._name, id_, called) for id_, (called, _) in self._read().items()]

    def observe(self, account: Account, needs: Needs = NO_NEEDS) -> Snapshot:
        at, book, id_ = self._clock.now(), self._read(), folded(account.id)
        if id_ not in book:
            what = f"{self._layout.path.name} has no row of {account.id}."
            raise Absent(what, "Correct the id in the mapping file, or export the file with the company in it.")
        called, products = book[id_]
        seen = {key: self._observation(key, one) for key, one in products.items()}
        listed = any(one.members for one in products.values())
        members = _merged(one.members for one in products.values())
        covered = {Coverage.LICENCES} if self._layout.complete else set()
        if self._layout.basis is Basis.ASSIGNED:
            covered |= {Coverage.MEMBERS if listed else Coverage.IN_USE}
        told = replace(account, id=id_, name=account.name or called)
        return Snapshot(told, at, seen, members, frozenset(covered), from_file=True)

    def check(self, account: Account, needs: Needs = NO_NEEDS, elsewhere: Needs = NO_NEEDS) -> Sequence[Finding]:
        self.observe(account)
        return ()

    def _observation(self, key: str, one: _Counted) -> Observation:
        number = len(one.members) if one.members else int(one.number)
        part_number = self._names.part_number(key) or ""
        bought = number if self._layout.basis is Basis.PURCHASED else None
        used = number if bought is None else None
        return Observation(key, part_number, one.name, bought, used, bool(one.members), unit=self._layout.unit)

    def _read(self) -> _Book:
        with self._lock:
            # Looked at before it is read: a file that is written meanwhile has another stamp at the next look.
            stamp = self._checked_stamp()
            if stamp != self._stamp:
                try:
                    table = read_table(self._layout.path, self._columns(), self._layout.choices)
                except SheetInvalid as error:
                    raise Incomplete(str(error), f"Correct the file, or the columns of sources.{self._name}.") from None
                self._book = self._understood(table)
                self._stamp = stamp
            return self._book

    def _checked_stamp(self) -> tuple[int, ...]:
        try:
            status = self._layout.path.stat()
        except OSError as error:
            what = f"{self._layout.path} cannot be read ({error.strerror})."
            raise Unreachable(what, f"Export it again, or correct sources.{self._name}.path.") from None
        age = self._clock.now() - datetime.fromtimestamp(status.st_mtime, UTC)
        if age > self._layout.max_age:
            what = f"{self._layout.path.name} is {age.days} days old, and not believed any more."
            raise Incomplete(what, f"Export it again, or raise sources.{self._name}.max-age.")
        return status.st_mtime_ns, status.st_size, status.st_ino

    def _columns(self) -> list[Column]:
        """Those that the settings do not replace by a constant; a file of members has a row each and no quantity."""
        given = {"account": self._layout.account, "product": self._layout.product}
        rows = "member" in self._layout.choices.columns
        wanted = [one for one in _COLUMNS if not given.get(one.name) and (one.name != "quantity" or not rows)]
        kept = [one for one in wanted if one.name != "member" or rows]
        return [replace(one, required=True, aliases=one.aliases or ("member",), filled=True) for one in kept]

    def _understood(self, table: Table) -> _Book:
        book: dict[str, tuple[str, dict[str, _Counted]]] = {}
        for record in table.records:
            called = self._layout.account or record.text("account")
            _, products = book.setdefault(folded(called), (called, {}))
            for name in self._product_names(record):
                # A word that belongs to two licences stays a word: a guess would bill one for the other.
                found = self._names.find(name)
                key = found[0] if len(found) == 1 else folded(name)
                self._count(products.setdefault(key, _Counted(name)), record, key, table.file)
        return book

    def _product_names(self, record: Record) -> Sequence[str]:
        cell = self._layout.product or record.text("product")
        return licence_names(cell, lambda name: bool(self._names.find(name))) if self._layout.joined else (cell,)

    def _count(self, one: _Counted, record: Record, key: str, file: str) -> None:
        member = record.text("member")
        if not member:
            number = record.number("quantity")
            if number is None or number != int(number) or number < 0:
                raise Incomplete(f"{file}, row {record.row}: {number} is no number of units.", "Correct the file.")
            one.number += number
        elif folded(member) in one.members:
            what = f"{file}, row {record.row}: {member} is listed a second time for {one.name}."
            raise Incomplete(what, "Remove one of the two rows.")
        else:
            one.members[folded(member)] = Member(folded(member), member, member, True, False, frozenset({key}), {})


def _merged(of_products: Iterator[Mapping[str, Member]]) -> tuple[Member, ...]:
    """Each member once, with all that it holds."""
    found: dict[str, Member] = {}
    for members in of_products:
        for id_, member in members.items():
            known = found.get(id_)
            found[id_] = replace(known, licences=known.licences | member.licences) if known else member
    return tuple(found.values())
