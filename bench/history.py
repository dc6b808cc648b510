"""A year of hourly cycles in the store: python -m bench.history [TENANTS [BUSY]].

TENANTS (500) with 200 people and 6 licences each. In a month 3 % of the people come, leave or change a licence, as many
move to another department, and one subscription is renewed, each at an hour of its own. BUSY (5) tenants more, in a
store of their own, of which every single reading differs: one person's department never rests. Every reading goes
through the store as a cycle's does; those that say nothing new are left out, after a day of them has shown that they
add nothing. Then everything is thinned.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from random import Random
from zoneinfo import ZoneInfo

from agent.domain.counts import Account, Coverage, Member, Observation, Snapshot, Status, Subscription
from agent.engine.clock import SystemClock
from agent.store import open_store
from agent.store.store import SqlStore
from bench.__main__ import table

PEOPLE, LICENCES, CHURN, HOURS = 200, 6, 0.03, 8_760
BEGINS, HOUR, ZONE = datetime(2026, 1, 1, tzinfo=UTC), timedelta(hours=1), ZoneInfo("UTC")
EVER, ENDS = BEGINS - timedelta(days=1), date(2028, 1, 1)
DEPARTMENTS = "Sales", "Service", "Finance", "Operations", "Board"
COVERED = frozenset({Coverage.LICENCES, Coverage.SUBSCRIPTIONS, Coverage.MEMBERS})
HEAD = ("readings", "versions", "MB", "bytes a version", "versions, thinned", "MB, thinned", "thinning s", "explain s")


class Tenant:
    """`changes` is what happens in each hour in which anything does."""

    def __init__(self, number: int, chance: Random) -> None:
        self.account, self._chance = Account("microsoft", f"{number:08}-0000-4000-8000-000000000000"), chance
        self._skus = [f"{sku:08}-1111-4111-8111-111111111111" for sku in range(LICENCES)]
        self._renewed = dict.fromkeys(self._skus, BEGINS)
        self._made = 0
        self._people = [self._person() for _ in range(PEOPLE)]
        self._bought = {sku: self._held(sku) + 2 for sku in self._skus}

    def read(self, at: datetime) -> Snapshot:
        seen = {sku: self._seen(sku) for sku in self._skus}
        return Snapshot(self.account, at, seen, tuple(sorted(self._people, key=lambda one: one.id)), COVERED)

    def year(self) -> dict[int, list[Callable[[], None]]]:
        """What happens, by hour."""
        monthly = int(PEOPLE * CHURN)
        deeds = [*[self._churn] * monthly, *[self._edit_any] * monthly, self._renew] * 12
        found: dict[int, list[Callable[[], None]]] = {}
        for deed in deeds:
            found.setdefault(self._chance.randrange(1, HOURS), []).append(deed)
        return found

    def flicker(self) -> None:
        self._edit(0)

    def _edit_any(self) -> None:
        self._edit(self._chance.randrange(len(self._people)))

    def _edit(self, place: int) -> None:
        one = self._people[place]
        others = [name for name in DEPARTMENTS if name != one.attributes["department"]]
        edited = {**one.attributes, "department": self._chance.choice(others)}
        self._people[place] = replace(one, attributes=edited)

    def _churn(self) -> None:
        deed = self._chance.choice(("comes", "leaves", "changes"))
        if deed != "comes":
            self._people.pop(self._chance.randrange(len(self._people)))
        if deed != "leaves":
            self._people.append(self._person())
        # Seats are bought when they run out, and nobody gives any back.
        self._bought = {sku: max(bought, self._held(sku)) for sku, bought in self._bought.items()}

    def _renew(self) -> None:
        self._renewed[self._chance.choice(self._skus)] += timedelta(days=30)

    def _person(self) -> Member:
        self._made += 1
        id_ = f"{self._chance.getrandbits(128):032x}"
        login = f"person.{self._made}@{self.account.id[:8]}.example"
        licences = frozenset(self._chance.sample(self._skus, self._chance.choice((1, 1, 2))))
        attributes = {"department": self._chance.choice(DEPARTMENTS), "office": "Perth", "city": "Perth"}
        return Member(id_, login, f"Person {self._made}", True, False, licences, attributes)

    def _held(self, sku: str) -> int:
        return sum(sku in one.licences for one in self._people)

    def _seen(self, sku: str) -> Observation:
        renewed = self._renewed[sku]
        bought = Subscription(f"of-{sku}", self._bought[sku], Status.ENABLED, BEGINS, renewed + timedelta(days=30))
        return Observation(
            sku, f"PART-{sku[:8]}", f"Licence {sku[:8]}", bought.quantity, self._held(sku), True, (bought,)
        )


def quiet(tenants: list[Tenant]) -> Iterator[list[Snapshot]]:
    """The readings of each hour that say something new."""
    years = [(tenant, tenant.year()) for tenant in tenants]
    yield [tenant.read(BEGINS) for tenant in tenants]
    for hour in range(1, HOURS):
        changed = [(tenant, year[hour]) for tenant, year in years if hour in year]
        for _, deeds in changed:
            for deed in deeds:
                deed()
        yield [tenant.read(BEGINS + hour * HOUR) for tenant, _ in changed]


def busy(tenants: list[Tenant]) -> Iterator[list[Snapshot]]:
    for hour in range(HOURS):
        for tenant in tenants:
            tenant.flicker()
        yield [tenant.read(BEGINS + hour * HOUR) for tenant in tenants]


def measured(name: str, tenants: list[Tenant], readings: Iterator[list[Snapshot]]) -> list[str]:
    with tempfile.TemporaryDirectory() as folder:
        versions = 0
        with opened(folder) as store:
            for done, cycle in enumerate(readings):
                store.remember(cycle)
                versions += len(cycle)
                if done % 438 == 0:
                    print(f"\r{name}: {done * 100 // HOURS} %", end="", file=sys.stderr, flush=True)
        whole = size(folder)
        with opened(folder) as store:
            answered = seconds(lambda: store.snapshots(tenants[0].account, EVER))
            took = seconds(lambda: [store.thin(tenant.account, ENDS, ZONE, ()) for tenant in tenants])
            left = sum(len(store.snapshots(tenant.account, EVER)) for tenant in tenants)
            for _ in range(1 + whole // 8_000_000):
                store.give_back_space()
        thinned = size(folder)
    print(f"\r{name}: {versions} versions", file=sys.stderr)
    cells = f"{versions:,}", mega(whole), f"{whole / versions:.0f}", f"{left:,}", mega(thinned), f"{took:.0f}"
    return [name, *cells, f"{answered:.2f}"]


def unchanged(tenants: list[Tenant]) -> tuple[int, int]:
    """The file before and after a day of readings that say nothing new."""
    with tempfile.TemporaryDirectory() as folder:
        sizes = []
        for hours in (range(1), range(1, 25)):
            with opened(folder) as store:
                for hour in hours:
                    store.remember([tenant.read(BEGINS + hour * HOUR) for tenant in tenants])
            sizes.append(size(folder))
    return sizes[0], sizes[1]


def opened(folder: str) -> SqlStore:
    return open_store("", Path(folder) / "state", SystemClock())


def size(folder: str) -> int:
    """Of the closed store: its log is in the file by then."""
    return sum(path.stat().st_size for path in (Path(folder) / "state").iterdir())


def mega(size: int) -> str:
    return f"{size / 1e6:.1f}"


def seconds(deed: Callable[[], object]) -> float:
    began = time.perf_counter()
    deed()
    return time.perf_counter() - began


def main() -> None:
    many, some = (int(word) for word in [*sys.argv[1:], *("500", "5")[len(sys.argv) - 1 :]])
    chance = Random(2026)
    tenants, flickering = ([Tenant(number, chance) for number in range(of)] for of in (many, some))
    before, after = unchanged(tenants)
    print(f"A day of {many * 24:,} readings that say nothing new: {mega(before)} MB before, {mega(after)} MB after.\n")
    rows = [measured(f"{many} tenants, a year", tenants, quiet(tenants))]
    rows += [measured(f"{some} tenants, every reading differs", flickering, busy(flickering))]
    print(table(HEAD, rows))


if __name__ == "__main__":
    main()
