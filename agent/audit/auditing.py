"""All files together: claims become positions, and positions differences."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from agent.audit.files import Blocked, Claim, Given, Reading, read
from agent.audit.matching import Companies, Licence, Licences, Matched, Unmatched
from agent.audit.profile import Profile
from agent.domain.findings import Code
from agent.domain.money import Money
from agent.domain.ownership import plain
from agent.domain.reconciliation import (
    Confidence,
    Difference,
    Effect,
    Leg,
    Part,
    Position,
    differences,
    ranked,
    told,
    usual_prices,
)
from agent.sku_table import SkuTable

_NAMES = 5  # people named in a sentence


@dataclass(frozen=True, slots=True)
class Audit:
    """What the files say together. `matched` are names taken for a company although they are spelled otherwise."""

    today: date
    readings: tuple[Reading, ...]
    positions: tuple[Position, ...]
    differences: tuple[Difference, ...]
    unmatched: tuple[Unmatched, ...]
    matched: tuple[Matched, ...]
    notes: tuple[str, ...]


def audited(given: Sequence[Given], profile: Profile, currency: str, today: date, skus: SkuTable) -> Audit:
    """Reads and reconciles. Raises `SheetInvalid`, and `Doubtful` where a person must say how a file is meant."""
    licences = Licences(skus, profile.licences)
    readings = tuple(read(one, profile.choices(one.leg.value), currency, today, licences.knows) for one in given)
    return _Auditing(readings, profile, licences, today).audit()


class _Auditing:
    def __init__(self, readings: Sequence[Reading], profile: Profile, licences: Licences, today: date) -> None:
        self.readings, self.licences, self.today = tuple(readings), licences, today
        billed = [claim.company for one in readings if one.given.leg is Leg.BILLED for claim in one.claims]
        self.companies = Companies(billed, profile.companies)
        self.claimed: dict[tuple[str, str], list[Claim]] = {}
        self.named: dict[str, Licence] = {}
        self.covered: dict[Leg, set[str]] = {leg: set() for leg in Leg}
        self.seen: dict[Leg, set[str]] = {leg: set() for leg in Leg}
        self.matched: dict[str, Matched] = {}
        self.unmatched: list[Unmatched] = []
        self.homeless: dict[tuple[str, str], list[Part]] = {}
        self.passed_over: Counter[str] = Counter()
        self.strange: dict[str, set[str]] = {}  # texts of lines that no licence is known by, by company
        self.free: set[str] = set()
        self.blocked: list[Blocked] = []

    def audit(self) -> Audit:
        # The counting files first: they say which products are licences at all, and lines are looked up among them.
        for reading in sorted(self.readings, key=lambda one: one.given.leg is Leg.BILLED):
            self._take(reading)
        self.parts = {key: list(self._nearest(claims)) for key, claims in self.claimed.items()}
        positions = tuple(self._positions())
        usual = usual_prices(positions, self.today)
        found = [self._suspected(d) for one in positions for d in differences(one, self.today, usual.get(one.licence))]
        found += [*self._nobodys(usual), *self._never_bought(), *self._blocked()]
        return Audit(
            self.today,
            self.readings,
            positions,
            ranked(found),
            tuple(_merged(self.unmatched)),
            tuple(one for one in self.matched.values() if one.evidence != "same name"),
            tuple(self._notes()),
        )

    def _take(self, reading: Reading) -> None:
        leg, file = reading.given.leg, reading.table.file
        names = Counter(claim.company for claim in reading.claims)
        found, unsure, left_out = self.companies.match(names)
        self.matched |= found
        self.unmatched += [Unmatched("company", name, file, names[name], choices) for name, choices in unsure.items()]
        strangers: Counter[str] = Counter()
        for claim in reading.claims:
            # Left out by a person, in the profile: neither a difference nor a name that waits.
            if claim.company in left_out:
                continue
            licence = self.licences.of(claim.texts) if leg is Leg.BILLED else self.licences.counted(claim.texts)
            if licence is None:
                name = claim.texts[-1] if claim.texts else "(no name)"
                strangers[name] += 1
                self.strange.setdefault(claim.company, set()).add(name)
            elif licence.free:
                self.free.add(licence.name)
            elif licence.name:
                self._keep(claim, licence, found.get(claim.company))
        self.unmatched += [
            Unmatched("licence", name, file, rows, self.licences.like(name)) for name, rows in strangers.items()
        ]
        self.blocked += [replace(b, company=found[b.company].company) for b in reading.blocked if b.company in found]

    def _keep(self, claim: Claim, licence: Licence, matched: Matched | None) -> None:
        leg = claim.part.leg
        self.named[licence.name] = licence
        self.seen[leg].add(licence.name)
        if matched is None:
            self.homeless.setdefault((claim.company, licence.name), []).append(claim.part)
            return
        self.covered[leg].add(matched.company)
        self.claimed.setdefault((matched.company, licence.name), []).append(claim)

    def _nearest(self, claims: Sequence[Claim]) -> Iterator[Part]:
        """A tenant's export and a distributor's list count the same seats: one counts, both may tell the cost."""
        for leg in Leg:
            of_leg = [claim for claim in claims if claim.part.leg is leg]
            rank = min((claim.rank for claim in of_leg), default=0)
            costs = {claim.part.unit for claim in of_leg if claim.part.unit}
            cost = costs.pop() if len(costs) == 1 else None
            for claim in of_leg:
                if claim.rank == rank:
                    yield replace(claim.part, unit=cost if claim.part.unit is None else claim.part.unit)
                else:
                    self.passed_over[claim.part.where.split(" row ")[0]] += 1

    def _positions(self) -> Iterator[Position]:
        days = {reading.given.leg: reading.day for reading in self.readings}
        for (company, licence), parts in sorted(self.parts.items()):
            known = frozenset(leg for leg in Leg if self._knows(leg, company, licence))
            read = {leg: day for leg, day in days.items() if leg in known}
            yield Position(company, licence, tuple(self._doubted(parts, company, licence)), known, read)

    def _knows(self, leg: Leg, company: str, licence: str) -> bool:
        """Whether no record of the leg means none: the file must speak of the company, and of such products."""
        # Whatever is exported of the PSA has every open line of a company, or the company would not be in it.
        if leg is Leg.BILLED:
            return company in self.companies.names
        return company in self.covered[leg] and (licence in self.seen[leg] or self.named[licence].shipped)

    def _doubted(self, parts: Iterable[Part], company: str, licence: str) -> Iterator[Part]:
        legs = [leg for leg in (Leg.PURCHASED, Leg.INVOICED) if company in self.covered[leg]]
        nowhere = bool(legs) and not any(licence in self.seen[leg] for leg in (*legs, Leg.ASSIGNED))
        for part in parts:
            yield (
                replace(part, doubt=part.doubt or "no company buys or uses this licence in these files")
                if nowhere
                else part
            )

    def _suspected(self, found: Difference) -> Difference:
        """With the company's own lines that may bill the licence under another name: the likeliest cause of all."""
        if found.code is not Code.UNMAPPED_LICENCE:
            return found
        likely = [
            f'perhaps billed as "{text}": {choice.evidence}'
            for text in sorted(self.strange.get(found.company, ()))
            for choice in self.licences.like(text)
            if choice.thing == found.licence
        ]
        confidence = Confidence.ESTIMATED if likely else found.confidence
        return replace(found, causes=(*likely, *found.causes), confidence=confidence)

    def _nobodys(self, usual: Mapping[str, Money]) -> Iterator[Difference]:
        """Companies of the counting files under which nobody is billed."""
        choices = {one.name: one.choices for one in self.unmatched if one.kind == "company"}
        for company in dict.fromkeys(company for company, _ in self.homeless):
            held = {licence: parts for (owner, licence), parts in self.homeless.items() if owner == company}
            units = sum((_counted(parts) for parts in held.values()), Decimal(0))
            prices = [self._worth(parts, usual.get(licence)) for licence, parts in held.items()]
            known = [price for price in prices if price]
            # Two currencies make no sum, and one of the two alone would pass for the whole.
            alike = len({price.currency for price in known}) == 1
            starts = [part.start for parts in held.values() for part in parts if part.start]
            sentence = f"{_seats(units, held)}, and no billed company has this name"
            causes = [f"perhaps {choice.thing}: {choice.evidence}" for choice in choices.get(company, ())]
            yield Difference(
                Code.UNMAPPED_COMPANY,
                Effect.LEAK,
                company,
                ", ".join(held),
                units,
                sentence,
                "say which company it is, or add lines for it",
                Money.total(known, known[0].currency) if alike else None,
                since=max(starts, default=None),
                confidence=Confidence.ESTIMATED,
                causes=(*causes, "set-up: the company is new, or named otherwise in the PSA"),
                evidence=tuple(told(part) for parts in held.values() for part in parts),
            )

    def _worth(self, parts: Sequence[Part], price: Money | None) -> Money | None:
        if price is not None:
            return price * _counted(parts)
        costs = [part.unit * part.quantity for part in parts if part.unit and part.leg is not Leg.ASSIGNED]
        same = len({cost.currency for cost in costs}) == 1
        return Money.total(costs, costs[0].currency) if same else None

    def _never_bought(self) -> Iterator[Difference]:
        """Companies that are billed for licences, and of which a file of the whole book says nothing."""
        whole = [one for one in self.readings if one.given.leg is not Leg.BILLED and not one.given.company]
        counting = {Leg.PURCHASED, Leg.INVOICED} & {one.given.leg for one in whole}
        # One tenant's export is silent about all other companies; only a list of the whole book lacks somebody.
        if not counting:
            return
        anywhere = set().union(*(self.covered[leg] for leg in Leg if leg is not Leg.BILLED))
        for company in self.companies.names:
            held = {licence: parts for (owner, licence), parts in self.parts.items() if owner == company}
            lines = [part for parts in held.values() for part in parts if part.runs(self.today)]
            units = sum((part.quantity for part in lines), Decimal(0))
            if company in anywhere or not units:
                continue
            yield Difference(
                Code.UNMAPPED_COMPANY,
                Effect.NONE,
                company,
                ", ".join(held),
                units,
                f"{_seats(units, held)} billed, and no counting file has a company of this name",
                "say under which name it buys, or end its lines",
                confidence=Confidence.ESTIMATED,
                causes=("set-up: the company is named otherwise there, or buys elsewhere",),
                evidence=tuple(told(part) for part in lines),
            )

    def _blocked(self) -> Iterator[Difference]:
        for one in self.blocked:
            licence = self.licences.of([one.licence])
            if licence is None or licence.free or not licence.name:
                continue
            names = ", ".join(one.logins[:_NAMES]) + (
                f", + {more} more" if (more := len(one.logins) - _NAMES) > 0 else ""
            )
            yield Difference(
                Code.LICENSED_DISABLED_USER,
                Effect.NONE,
                one.company,
                licence.name,
                Decimal(len(one.logins)),
                f"users who may not sign in hold a licence: {names}",
                "take the licence away, or confirm that the account is a shared mailbox",
                evidence=one.logins,
            )

    def _notes(self) -> Iterator[str]:
        for reading in self.readings:
            for why, rows in reading.left_out.items():
                yield f"{reading.table.file}: {_rows(rows)} left out: {why}"
        for file, rows in self.passed_over.items():
            yield f"{file}: {_rows(rows)} not added, as a nearer file counts the same seats"
        if self.free:
            yield f"Free licences are not compared: {', '.join(sorted(self.free))}"


def _rows(number: int) -> str:
    return "1 row" if number == 1 else f"{number:,} rows"


def _seats(units: Decimal, held: Mapping[str, object]) -> str:
    seats = "1 seat" if units == 1 else f"{plain(units)} seats"
    return f"{seats} of {next(iter(held))}" if len(held) == 1 else f"{seats} of {len(held)} licences"


def _merged(found: Iterable[Unmatched]) -> Iterator[Unmatched]:
    """One for each name, whatever files say it: those with choices first, then by how many records say it."""
    named: dict[tuple[str, str], Unmatched] = {}
    for one in found:
        known = named.get((one.kind, one.name))
        if known is not None:
            one = replace(known, file=f"{known.file}, {one.file}", rows=known.rows + one.rows)
        named[one.kind, one.name] = one
    yield from sorted(named.values(), key=lambda one: (one.kind, not one.choices, -one.rows, one.name))


def _counted(parts: Iterable[Part]) -> Decimal:
    """Seats by the first leg that counts any."""
    for leg in (Leg.PURCHASED, Leg.INVOICED, Leg.ASSIGNED):
        of_leg = [part.quantity for part in parts if part.leg is leg]
        if of_leg:
            return sum(of_leg, Decimal(0))
    return Decimal(0)
