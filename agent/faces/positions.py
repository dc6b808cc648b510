"""The legs of each company's licences from what the store remembers: last readings of the sources and of the PSA."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction

from agent.domain.agreements import Billable, Line, Standing
from agent.domain.counts import MICROSOFT, Account, Observation, Snapshot
from agent.domain.desired import label
from agent.domain.keys import LineKey, Role
from agent.domain.mappings import Mappings
from agent.domain.money import Money, rounded
from agent.domain.reconciliation import Leg, Part, Position
from agent.ports import Store
from agent.sku_table import shipped


@dataclass(frozen=True, slots=True)
class Shelf:
    """Reads the legs of one company at a time. `psa` is the PSA's name in line keys; `names` are the companies'."""

    store: Store
    mappings: Mappings
    psa: str
    currency: str
    now: datetime
    today: date
    names: Mapping[int, str]

    def positions(self, company: int) -> Iterator[Position]:
        snapshots = self.snapshots(company)
        parts: dict[str, list[Part]] = {}
        for snapshot in snapshots:
            excluded = self.mappings.excluded(snapshot.account.ref)
            for seen in snapshot.observations.values():
                if seen.sku not in excluded:
                    self._add(parts.setdefault(seen.name, []), seen, snapshot)
        names = {seen.sku: seen.name for snapshot in snapshots for seen in snapshot.observations.values()}
        standing = self._standing(company)
        if standing is not None:
            for key, part in self._lines(company, standing):
                parts.setdefault(names.get(key.count) or self._label(key, company), []).append(part)
        for licence, found in parts.items():
            # Each leg by a record of its own: a line that nobody bound to a row may bill the licence all the same.
            yield Position(self.names[company], licence, tuple(found), frozenset(part.leg for part in found))

    def _label(self, key: LineKey, company: int) -> str:
        """What a line counts, where no reading names it: people, mailboxes, or a licence of a tenant never read."""
        rows = (row for row in self.mappings.companies[company].rows if row.key(self.psa) == key.row)
        row = next(rows, None)
        return label(row, None) if row is not None else shipped().name(key.count)

    def snapshots(self, company: int) -> list[Snapshot]:
        """The last reading of each of its accounts, its tenants first."""
        accounts = (Account.parse(ref) for ref in self.mappings.companies[company].accounts)
        ordered = sorted(accounts, key=lambda account: (account.source != MICROSOFT, account.ref))
        return [read for account in ordered if (read := self.store.last_snapshot(account)) is not None]

    def _add(self, parts: list[Part], seen: Observation, snapshot: Snapshot) -> None:
        """A seller lists the seats that the tenant shows too: it adds what they cost, and no second purchase."""
        for part in _counted(seen, snapshot):
            bought = next((i for i, one in enumerate(parts) if one.leg is part.leg is Leg.PURCHASED), None)
            if bought is None or snapshot.account.source == MICROSOFT:
                parts.append(part)
            elif parts[bought].unit is None:
                parts[bought] = replace(parts[bought], unit=part.unit)

    def _standing(self, company: int) -> Standing | None:
        versions = self.store.standings(company, self.now)
        return versions[-1].value if versions else None

    def _lines(self, company: int, standing: Standing) -> Iterator[tuple[LineKey, Part]]:
        """Our lines with their keys. A difference line with an end adds no seat."""
        lines = {line.id: line for of_agreement in standing.lines.values() for line in of_agreement}
        bound = self.store.memory(self.psa, company, standing.agreements, self.now).bindings
        # By binding and not by product: another row, or a person, may bill the same product on the same agreement.
        for key, binding in bound.items():
            line = lines.get(binding.line)
            if line is None or not line.live(self.today):
                continue
            if key.role is Role.BASE or (key.role is Role.DELTA and line.open):
                yield key, self._part(key, line, standing)

    def _part(self, key: LineKey, line: Line, standing: Standing) -> Part:
        agreement = standing.agreements.get(key.agreement)
        months = agreement.months if agreement else None
        currency = (agreement.currency if agreement else None) or self.currency
        return Part(
            Leg.BILLED,
            max(Decimal(0), line.quantity - line.included),
            f"line {line.id} on agreement {key.agreement}",
            line.identifier,
            None if line.price is None or months is None else _a_month(Money(line.price, currency), months),
            line.start,
            line.end,
            agreement.name if agreement else "",
            line.billable is Billable.BILLABLE,
        )


def _counted(seen: Observation, snapshot: Snapshot) -> Iterator[Part]:
    where = f"{snapshot.account.source}, {snapshot.account.name or snapshot.account.id}, {snapshot.taken_at:%Y-%m-%d}"
    if seen.purchased is not None:
        yield Part(Leg.PURCHASED, Decimal(seen.purchased), where, seen.name, _cost(seen))
    if seen.assigned is not None and seen.per_user:
        yield Part(Leg.ASSIGNED, Decimal(seen.assigned), where, seen.name)
    if seen.invoiced is not None:
        yield Part(Leg.INVOICED, Decimal(seen.invoiced.quantity), where, seen.name)


def _cost(seen: Observation) -> Money | None:
    """Of one a month, where every purchase says the same."""
    costs = {
        None if sub.cost is None else _a_month(sub.cost, (sub.deal.term.paid if sub.deal else None) or 1)
        for sub in seen.subscriptions
        if sub.status.billed
    }
    # Two purchases at two costs have no common one, and the one without a cost (None) speaks as well.
    return costs.pop() if len(costs) == 1 else None


def _a_month(money: Money, months: int) -> Money:
    """Of what is paid for so many months; to six decimals where it does not come out even."""
    return money if months == 1 else Money(rounded(Fraction(money.amount) / months, 6), money.currency)
