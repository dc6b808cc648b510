"""From exported files to claims: what each record says, before anybody knows whose and which licence it is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

from agent.audit.layouts import BILLED, ENDED, IN_USE, LOGINS, NOT_BILLED, NOT_PURCHASED, PURCHASED, SEATS, USERS, YES
from agent.domain.money import Money, rounded
from agent.domain.periods import DAY
from agent.domain.reconciliation import Leg, Part
from agent.sheets import Choices, Record, SheetInvalid, Table, Trouble, fits, licence_names, read_sheets, understand


@dataclass(frozen=True, slots=True)
class Given:
    """A file of one leg. `company` says whose it is, where the file itself does not: one tenant's export."""

    leg: Leg
    path: Path
    company: str = ""


@dataclass(frozen=True, slots=True)
class Claim:
    """One record, or the users of one licence: `texts` may each name the licence, the surest first.

    `rank` says how near the file is to what it counts: 0 a company's own export, 1 a list of the whole book, 2 a column
    beside another count. Of several that count the same, the nearest is believed and the others are not added to it.
    """

    company: str
    texts: tuple[str, ...]
    part: Part
    rank: int = 1


@dataclass(frozen=True, slots=True)
class Blocked:
    """People who may not sign in and hold a licence all the same."""

    company: str
    licence: str
    logins: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Reading:
    """A file understood. `left_out` counts the rows that are no seats, by reason: nothing is dropped unsaid."""

    given: Given
    table: Table
    day: date
    claims: tuple[Claim, ...]
    left_out: dict[str, int] = field(default_factory=dict)
    blocked: tuple[Blocked, ...] = ()


def read(given: Given, choices: Choices, currency: str, today: date, known: Callable[[str], bool]) -> Reading:
    """Raises `SheetInvalid`, or `Doubtful` where a person must choose. `known` tells names of licences."""
    sheets = read_sheets(given.path, encoding=choices.encoding, delimiter=choices.delimiter)
    # The file's own time: a download of October that was copied today says today, so it is no more than a hint.
    day = datetime.fromtimestamp(given.path.stat().st_mtime, UTC).date()
    match given.leg:
        case Leg.BILLED:
            reader: _Reader = _Billed(given, understand(sheets, BILLED, choices), currency, today)
        # A file with logins lists people, whatever else it lacks; any other is a list of counts.
        case Leg.ASSIGNED if fits(sheets, LOGINS, choices):
            return _users(given, understand(sheets, USERS, choices), day, known)
        case Leg.ASSIGNED:
            reader = _InUse(given, understand(sheets, IN_USE, choices), currency, today)
        case _:
            reader = _Purchased(given, understand(sheets, PURCHASED, choices), currency, today)
    claims = tuple(reader.claims())
    if not claims:
        # A leg of which nothing is left would turn every line, or every purchase, into a difference.
        reasons = "; ".join(f"{count:,} {why}" for why, count in reader.left_out.items()) or "no rows"
        expected = "expected at least one row in force"
        raise SheetInvalid([Trouble(given.path.name, f"has no seats in force on {today} ({reasons})", expected)])
    return Reading(given, reader.table, day, claims, dict(reader.left_out))


class _Reader:
    """The rows of one file, one claim or more from each."""

    def __init__(self, given: Given, table: Table, currency: str, today: date) -> None:
        self.given, self.table, self.currency, self.today = given, table, currency, today
        self.left_out: Counter[str] = Counter()
        if table.totals:
            self.left_out["sums of other rows"] = len(table.totals)

    def claims(self) -> Iterator[Claim]:
        raise NotImplementedError

    def company(self, record: Record) -> str:
        """As the row says; one tenant's export says it nowhere, and the person who gave it does."""
        company = self.given.company or record.text("company")
        if not company:
            name = self.table.file
            what, expected = "does not say whose licences these are", f'name the company: "Contoso Ltd={name}"'
            raise SheetInvalid([Trouble(name, what, expected, record.row)])
        return company

    def where(self, record: Record) -> str:
        return f"{self.table.file} row {record.row}"

    @property
    def rank(self) -> int:
        return 0 if self.given.company else 1

    def money(self, record: Record, name: str, months: int = 1) -> Money | None:
        amount = record.number(name)
        if amount is None:
            return None
        if months > 1:
            amount = rounded(Fraction(amount) / months, 6)
        code = record.text("currency").upper() or self.currency
        if len(code) != 3 or not code.isalpha() or not code.isascii():
            column = self.table.columns.get("currency", "")
            raise SheetInvalid(
                [
                    Trouble(
                        self.table.file, f'"{code}" is no currency', "expected a code such as USD", record.row, column
                    )
                ]
            )
        return Money(amount, code)


def _folded(text: str) -> str:
    return "".join(c for c in text.casefold() if c.isalnum())


class _Billed(_Reader):
    def claims(self) -> Iterator[Claim]:
        for record in self.table.records:
            why = self._not_in_force(record)
            if why:
                self.left_out[why] += 1
                continue
            texts = tuple(dict.fromkeys(filter(None, (record.text("product"), record.text("description")))))
            yield Claim(self.company(record), texts, self._part(record, texts[0] if texts else ""))

    def _not_in_force(self, record: Record) -> str:
        # ConnectWise keeps ended additions in the list for ever; their quantity still stands there.
        if _folded(record.text("status")) in ENDED or _folded(record.text("agreement-status")) in ENDED:
            return "ended lines or agreements"
        # A credit takes money back for days that are over: today's seats are none the fewer for it.
        if (record.number("quantity") or Decimal(0)) < 0:
            return "credits, with a negative quantity"
        end = record.day("end")
        # Ended within a month stays, as evidence of what may have caused a difference; it bills nothing any more.
        return "lines ended long ago" if end and end < self.today - timedelta(days=31) else ""

    def _part(self, record: Record, name: str) -> Part:
        quantity, end = record.number("quantity") or Decimal(0), record.day("end")
        return Part(
            Leg.BILLED,
            max(Decimal(0), quantity - (record.number("included") or Decimal(0))),
            self.where(record),
            name,
            self.money(record, "price"),
            record.day("start"),
            end + DAY if end else None,  # the last billed day, as both PSAs show it
            record.text("agreement"),
            _folded(record.text("billable")) not in NOT_BILLED,
        )


class _Purchased(_Reader):
    def claims(self) -> Iterator[Claim]:
        period = self._period()
        # A column "Type" of which no word is a kind of charge is about something else: vendors, or commerce.
        charged = any(_folded(record.text("type")) in SEATS for record in self.table.records)
        for record in self.table.records:
            why = self._no_seats(record, period, charged)
            if why:
                self.left_out[why] += 1
            else:
                yield from self._claims(record)

    def _no_seats(self, record: Record, period: date | None, charged: bool) -> str:
        kind, status = _folded(record.text("type")), _folded(record.text("status"))
        # A prorated row repeats seats that the subscription's own row has: adding it would buy them twice.
        if charged and kind and kind not in SEATS:
            return f'of type "{record.text("type")}", which is money and no seats'
        if status in NOT_PURCHASED:
            return f'with status "{record.text("status")}"'
        if (record.number("quantity") or Decimal(0)) < 0:
            return "credits, with a negative quantity"
        first, last = record.day("period-start"), record.day("period-end")
        if period and first and (first > period or (last and last < period)):
            return "of another period"
        return ""

    def _period(self) -> date | None:
        """A day of the newest period that has begun: a file of a year holds each seat twelve times."""
        starts = [day for record in self.table.records if (day := record.day("period-start"))]
        begun = [day for day in starts if day <= self.today] or starts
        # The day after it starts: at the boundary a period and the one before it may both claim the day.
        return max(begun) + DAY if begun else None

    def _claims(self, record: Record) -> Iterator[Claim]:
        company, product = self.company(record), record.text("product")
        texts = tuple(filter(None, (record.text("sku"), product)))
        committed = record.day("committed")
        expired = record.number("expired")
        yield Claim(
            company,
            texts,
            Part(
                self.given.leg,
                record.number("quantity") or Decimal(0),
                self.where(record),
                product,
                self.money(record, "cost", _paid_months(record.text("term"))),
                record.day("start"),
                committed=committed if committed and committed > self.today else None,
                doubt=f"{expired:f} expired licences may be among those purchased" if expired else "",
            ),
            self.rank,
        )
        assigned = record.number("assigned")
        if assigned is not None and self.given.leg is Leg.PURCHASED:
            yield Claim(company, texts, Part(Leg.ASSIGNED, assigned, self.where(record), product), 2)


def _paid_months(term: str) -> int:
    """Months that the cost of a unit pays for: `Annual`, and `One-Year commitment for yearly billing`, are twelve."""
    # "One-Year commitment for monthly billing" is paid by the month: how it is paid counts, not how long it binds.
    words = _folded(term)
    if "monthlybilling" in words or words == "monthly":
        return 1
    for months, spelled in ((36, ("3year", "threeyear")), (24, ("2year", "twoyear")), (12, ("annual", "year"))):
        if any(word in words for word in spelled):
            return months
    return 1


class _InUse(_Reader):
    def claims(self) -> Iterator[Claim]:
        for record in self.table.records:
            product = record.text("product")
            part = Part(Leg.ASSIGNED, record.number("quantity") or Decimal(0), self.where(record), product)
            yield Claim(self.company(record), (product,), part, self.rank)


def _users(given: Given, table: Table, day: date, known: Callable[[str], bool]) -> Reading:
    """Users counted by company and licence; those who were deleted hold nothing any more."""
    reader = _Reader(given, table, "", day)
    held: Counter[tuple[str, str]] = Counter()
    blocked: dict[tuple[str, str], list[str]] = {}
    for record in table.records:
        names = licence_names(record.text("licences") or record.text("details"), known)
        if record.text("deleted"):
            reader.left_out["deleted users"] += 1
        elif names:
            # One seat each, though the same licence may come to a person directly and by a group.
            for name in dict.fromkeys(names):
                key = reader.company(record), name
                held[key] += 1
                if _folded(record.text("blocked")) in YES:
                    blocked.setdefault(key, []).append(record.text("login"))
        else:
            reader.left_out["users without a licence"] += 1
    claims = tuple(
        Claim(company, (name,), Part(Leg.ASSIGNED, Decimal(count), table.file, f"users with {name}"), reader.rank)
        for (company, name), count in held.items()
    )
    found = tuple(Blocked(company, name, tuple(logins)) for (company, name), logins in blocked.items())
    return Reading(given, table, day, claims, dict(reader.left_out), found)
