"""The laws of every source of counts. An adapter's tests inherit them and say how to stage them."""

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime
from typing import Protocol

import pytest

from agent.domain.counts import Account, Coverage, Group, Needs, Snapshot
from agent.errors import ReadFailed
from agent.ports import Source


class Stage(Protocol):
    """A source before a world that can be asked, changed and broken."""

    @property
    def source(self) -> Source: ...

    @property
    def account(self) -> Account:
        """Readable: with licences, purchases, and more members than one page holds."""
        ...

    @property
    def needs(self) -> Needs:
        """What the account has and the source can read beyond licences and members; a source may have none."""
        ...

    @property
    def stranger(self) -> Account:
        """Of this source, but nobody lets us read it."""
        ...

    def now(self) -> datetime: ...
    def faults(self) -> Iterator[str]:
        """Everything that can go wrong on the way, by name; each fault can strike at several places."""
        ...

    def strike(self, fault: str, nth: int, times: int | None) -> None:
        """Let the fault strike the nth request from now, `times` in all; None for ever."""
        ...

    def heal(self) -> None: ...


PLACES = range(1, 7)  # further than any reading of the staged account goes


class SourceContract:
    """`stage` is a fixture that the adapter's test class defines: a `Stage` of its own for each test."""

    def test_snapshot_says_whose_and_when(self, stage: Stage) -> None:
        """It carries the account that was asked for and an aware time that is not before the asking."""
        before = stage.now()
        snapshot = stage.source.observe(stage.account)
        assert snapshot.account == stage.account
        assert before <= snapshot.taken_at <= stage.now()
        assert snapshot.taken_at.tzinfo is not None

    def test_ids_have_one_spelling(self, stage: Stage) -> None:
        """Observations lie under their own ids, and everything that is compared is in lower case."""
        snapshot = stage.source.observe(replace(stage.account, id=stage.account.id.upper()))
        assert snapshot.account.id == stage.account.id.lower()
        assert all(sku == found.sku == sku.lower() for sku, found in snapshot.observations.items())
        assert all(one.id == one.id.lower() for found in snapshot.observations.values() for one in found.subscriptions)
        assert all(sku == sku.lower() for member in snapshot.members for sku in member.licences)

    def test_nobody_is_listed_twice(self, stage: Stage) -> None:
        """Members are people, not pages."""
        members = stage.source.observe(stage.account).members
        assert len({member.id for member in members}) == len(members)

    def test_members_hold_what_they_are_listed_for(self, stage: Stage) -> None:
        """Who holds nothing is no member, and without coverage there are none."""
        snapshot = stage.source.observe(stage.account)
        assert all(member.licences for member in snapshot.members)
        assert Coverage.MEMBERS in snapshot.coverage or not snapshot.members

    def test_unchanged_world_reads_the_same(self, stage: Stage) -> None:
        """Two readings differ in nothing but their time, so nothing is planned from the second."""
        first, second = (stage.source.observe(stage.account) for _ in range(2))
        assert replace(second, taken_at=first.taken_at) == first

    def test_many_threads_read_the_same(self, stage: Stage) -> None:
        """One source serves all threads at once."""
        truth = stage.source.observe(stage.account)
        with ThreadPoolExecutor(8) as pool:
            seen = list(pool.map(stage.source.observe, [stage.account] * 16))
        assert {_told(snapshot) for snapshot in seen} == {_told(truth)}

    def test_what_is_needed_is_whole_or_a_gap(self, stage: Stage) -> None:
        """Each group and the mailboxes are there, or there is a reason why not; never neither, never both."""
        seen = stage.source.observe(stage.account, stage.needs)
        assert seen.groups.keys() | (seen.gaps.keys() - set(Coverage)) == stage.needs.groups
        assert not seen.groups.keys() & seen.gaps.keys()
        if stage.needs.mailboxes:
            assert (Coverage.MAILBOXES in seen.coverage) is not (Coverage.MAILBOXES in seen.gaps)
        if stage.needs.devices:
            assert (Coverage.DEVICES in seen.coverage) is not (Coverage.DEVICES in seen.gaps)
        assert bool(seen.mailboxes) is (Coverage.MAILBOXES in seen.coverage)
        assert bool(seen.devices) is (Coverage.DEVICES in seen.coverage)

    def test_what_nobody_needs_is_not_read(self, stage: Stage) -> None:
        """Without needs there are no groups, no mailboxes and nothing to excuse."""
        seen = stage.source.observe(stage.account)
        assert (seen.groups, seen.mailboxes, seen.devices, seen.gaps) == ({}, {}, {}, {})

    @pytest.mark.parametrize("times", [1, None])
    @pytest.mark.parametrize("place", PLACES)
    def test_fault_leaves_each_need_whole_or_a_gap(self, stage: Stage, place: int, times: int | None) -> None:
        """Licences and members as ever; what is needed beyond them as it is, or missing with a reason. Never less."""
        truth = stage.source.observe(stage.account, stage.needs)
        for fault in stage.faults():
            stage.strike(fault, place, times)
            try:
                seen = stage.source.observe(stage.account, stage.needs)
            except ReadFailed:
                continue
            finally:
                stage.heal()
            assert _plain(seen) == _plain(truth), fault
            assert all(_group(seen.groups[id]) == _group(truth.groups[id]) for id in seen.groups), fault
            assert seen.mailboxes in (truth.mailboxes, {}), fault
            assert seen.devices in (truth.devices, {}), fault
            assert all(stop.reason and stop.remedy for stop in seen.gaps.values()), fault

    def test_stranger_is_refused_with_a_remedy(self, stage: Stage) -> None:
        """Who does not let us read raises a sentence and what to do; an empty snapshot would bill nobody."""
        with pytest.raises(ReadFailed) as refused:
            stage.source.observe(stage.stranger)
        assert str(refused.value)
        assert refused.value.remedy

    def test_stranger_fails_the_check(self, stage: Stage) -> None:
        """`check` tells the same as `observe` would."""
        with pytest.raises(ReadFailed):
            stage.source.check(stage.stranger)

    @pytest.mark.parametrize("place", PLACES)
    def test_passing_fault_leaves_all_or_nothing(self, stage: Stage, place: int) -> None:
        """Whatever breaks once, and wherever: the whole truth or `ReadFailed`, never a part of it."""
        truth = _told(stage.source.observe(stage.account))
        for fault in stage.faults():
            stage.strike(fault, place, 1)
            assert _attempt(stage) in (truth, None), fault
            stage.heal()

    @pytest.mark.parametrize("place", PLACES)
    def test_lasting_fault_leaves_all_or_nothing(self, stage: Stage, place: int) -> None:
        """The same where it stays broken, and once it is healed, everything is there again."""
        truth = _told(stage.source.observe(stage.account))
        for fault in stage.faults():
            stage.strike(fault, place, None)
            seen = _attempt(stage)
            assert seen is None or seen == truth, fault
            stage.heal()
        assert _told(stage.source.observe(stage.account)) == truth


def _plain(snapshot: Snapshot) -> tuple[object, ...]:
    """What a snapshot says of licences and members, whatever else was read."""
    return _told(snapshot)[:3]


def _group(group: Group) -> tuple[object, ...]:
    return group.people, group.devices


def _attempt(stage: Stage) -> tuple[object, ...] | None:
    try:
        return _told(stage.source.observe(stage.account))
    except ReadFailed:
        return None


def _told(snapshot: Snapshot) -> tuple[object, ...]:
    """What a snapshot says, apart from when, as something that can be compared and put into a set."""
    members = tuple(
        (m.id, m.login, m.name, m.enabled, m.guest, m.licences, _items(m.attributes)) for m in snapshot.members
    )
    return snapshot.account, _items(snapshot.observations), members, snapshot.coverage


def _items(mapping: Mapping[str, object]) -> tuple[tuple[str, object], ...]:
    return tuple(sorted(mapping.items(), key=lambda item: item[0]))
