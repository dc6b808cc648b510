"""Laws of thinning, for stores that keep what was read on a disk."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

from agent.domain.changes import Step
from agent.domain.counts import Account, Coverage, Member, Observation, Snapshot, Status, Subscription
from agent.ports import EntryState, Store, Version
from agent.reports.holders import holders
from tests.contract.store_contract import WithStore
from tests.contract.store_values import COMPANY, HOUR, TENANT, finding, key, learnt, planned, write

ACCOUNT = Account("microsoft", TENANT)
PERTH = ZoneInfo("Australia/Perth")
MIDNIGHT = datetime(2026, 3, 16, 16, tzinfo=UTC)  # the 17th begins in Perth
DAY = timedelta(days=1)
LATER = (MIDNIGHT + 30 * DAY).astimezone(PERTH).date()
SKU = "sku-1"


def person(name: str, title: str = "") -> Member:
    return Member(name, f"{name}@contoso.example", name, True, False, frozenset({SKU}), {"department": title})


def read(at: datetime, *people: Member, seats: int = 10) -> Snapshot:
    bought = Subscription("sub-1", seats, Status.ENABLED)
    seen = Observation(SKU, "SPB", "Business Premium", seats, seats, True, (bought,))
    return Snapshot(ACCOUNT, at, {SKU: seen}, people, frozenset({Coverage.LICENCES, Coverage.MEMBERS}))


def keep(store: Store, *hourly: Sequence[Member], since: datetime = MIDNIGHT) -> None:
    store.remember([read(since + hours * HOUR, *people) for hours, people in enumerate(hourly)])


def thin(store: Store, companies: Sequence[int] = ()) -> int:
    return store.thin(ACCOUNT, LATER, PERTH, companies)


def kept(store: Store) -> Sequence[Version[Snapshot]]:
    return store.snapshots(ACCOUNT, MIDNIGHT - 365 * DAY)


def hours(store: Store) -> list[int]:
    return [(version.since - MIDNIGHT) // HOUR for version in kept(store)]


ANN, BOB, ANNE = person("ann"), person("bob"), person("ann", "Sales")


class Thinning(WithStore):
    def test_what_came_and_went_in_a_day_goes(self, store: Store) -> None:
        """Bob holds a licence from 1 to 2 h; at 3 h Ann moves to Sales and at 5 h somebody comes, and both last."""
        keep(store, [ANN], [ANN, BOB], [ANN], [ANNE], [ANNE, BOB], [ANNE, person("cid")])
        whole = {version.since: version for version in kept(store)}

        assert thin(store) == 1

        assert hours(store) == [0, 2, 3, 4, 5]
        assert all(whole[version.since] == version for version in kept(store))

    def test_holders_are_told_as_before(self, store: Store) -> None:
        """A fortnight of readings each hour, in which everybody comes or goes once a day at most, by chance.

        Somebody's department changes with each reading: 336 versions, of which most are to spare.
        """
        chance = Random(5)
        everybody = [person(name) for name in "abcdefgh"]
        here = everybody[:4]
        moving: list[Member] = []
        readings = []
        for hour in range(14 * 24):
            moving = chance.sample(everybody, 3) if hour % 24 == 0 else moving
            if moving and chance.random() < 0.15:
                one = moving.pop()
                here = [p for p in here if p is not one] if one in here else [*here, one]
            readings.append([*sorted(here, key=lambda p: p.id), person("z", str(hour))])
        keep(store, *readings)
        before = [h for h in holders(kept(store), lambda s: s.members) if h.last is None]

        assert thin(store) > 100

        after = [h for h in holders(kept(store), lambda s: s.members) if h.last is None]
        assert [h.login for h in after] == [h.login for h in before]
        assert [h.since for h in after] == [h.since for h in before]

    def test_newest_and_young_days_stay(self, store: Store) -> None:
        """The same day again, asked to be thinned up to itself: not over."""
        keep(store, [ANN], [ANN, BOB], [ANN], [ANN, BOB], [ANN])
        assert store.thin(ACCOUNT, MIDNIGHT.astimezone(PERTH).date(), PERTH, ()) == 0
        assert hours(store) == [0, 1, 2, 3, 4]
        thin(store)
        assert hours(store) == [0, 4]

    def test_thinning_twice_is_thinning_once(self, store: Store) -> None:
        """And whoever was thinned is due again only after a week."""
        keep(store, [ANN], [ANN, BOB], [ANN], [ANN, BOB], [ANN])
        assert store.to_thin(LATER) == [ACCOUNT]
        thin(store)
        once = kept(store)

        assert (thin(store), kept(store)) == (0, once)
        assert store.to_thin(LATER + 6 * DAY) == []
        assert store.to_thin(LATER + 7 * DAY) == [ACCOUNT]

    def test_what_something_rests_on_stays(self, store: Store, run: str) -> None:
        """At 1 h a number was derived, at 3 h a write intended, at 5 h a finding opened; nothing rests on 7 h."""
        flicker = [[ANN], [ANN, BOB]] * 5
        keep(store, *flicker, [ANN])
        at = [MIDNIGHT + hours * HOUR + timedelta(minutes=1) for hours in range(8)]
        store.learn(run, learnt(derivations={key(): (Step("people", "", "2"),)}), at[1])
        entry = store.intend(run, planned(), write(), at[3])
        store.close(entry, EntryState.REFUSED, "no", at[3])
        store.note(f"company/{COMPANY}", [finding()], at[5])

        thin(store, [COMPANY])

        assert hours(store) == [0, 1, 3, 5, 10]

    def test_days_are_those_of_the_zone(self, store: Store) -> None:
        """23 h and 25 h are two days of Perth: each keeps its last reading, and Bob, who came by midnight, stays."""
        keep(store, [ANN], [ANN, BOB], since=MIDNIGHT + 22 * HOUR)
        keep(store, [ANN], [ANN, BOB], [ANN], since=MIDNIGHT + 25 * HOUR)

        thin(store)

        assert hours(store) == [22, 23, 25, 27]

    def test_freed_space_can_be_given_back(self, store: Store) -> None:
        """However much there is, and where there is none."""
        keep(store, *([[ANN], [ANN, BOB]] * 12))
        thin(store)
        store.give_back_space()
        assert kept(store)
