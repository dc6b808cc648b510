"""Laws over every value: what goes in comes out, and no byte of the journal can be changed unseen."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agent.domain.agreements import Standing
from agent.domain.changes import Step
from agent.domain.counts import Account, Snapshot
from agent.domain.findings import Finding
from agent.domain.keys import LineKey
from agent.domain.ownership import Binding, Sighting
from agent.domain.periods import Period
from agent.errors import StoreFailed
from agent.ports import Charge, EntryState, Store
from agent.store.journal import GENESIS
from tests.contract import store_values as values
from tests.contract.store_contract import WithStore
from tests.contract.store_values import AGREEMENT, COMPANY, HOUR, NOW, PSA, Place, key, learnt, planned, write

NUMBERS = count(10_000)  # of tenants and companies that no other example uses

# One store serves all examples of a law: each is written over or beside the others, as in a long life. The classes of
# several adapters inherit a law on purpose, and each runs it for itself.
lasting = settings(
    max_examples=30,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.differing_executors],
)


class RoundTrips(WithStore):
    @lasting
    @given(binding=values.bindings)
    def test_binding(self, store: Store, run: str, binding: Binding) -> None:
        """Keys with slashes, names in any script, a boundary or none."""
        store.learn(run, learnt(bindings=(binding,)), NOW)

        assert store.memory(PSA, COMPANY, [], NOW).bindings[binding.key] == binding

    @lasting
    @given(sighting=values.sightings)
    def test_sighting(self, store: Store, run: str, sighting: Sighting) -> None:
        """An instant of Perth is the same instant in UTC."""
        store.learn(run, learnt(sightings=(sighting,)), NOW)

        assert store.memory(PSA, COMPANY, [], NOW).sightings[sighting.key] == sighting

    @lasting
    @given(of=values.keys, period=values.periods, quantity=values.numbers)
    def test_charge_and_boundary(self, store: Store, run: str, of: LineKey, period: Period, quantity: int) -> None:
        """Unless the period is long past: then it is not kept."""
        charge = Charge(of, period, quantity, Decimal("22.0050"))
        store.learn(run, learnt(charges=(charge,), boundaries={AGREEMENT: period.start}), NOW)

        memory = store.memory(PSA, COMPANY, [], NOW)

        assert memory.boundaries == {AGREEMENT: period.start}
        assert (charge in memory.charges.get(of, ())) == (period.end >= date(2025, 2, 10))

    @lasting
    @given(write=values.writes, detail=values.texts)
    def test_write(self, store: Store, run: str, write: values.Write, detail: str) -> None:
        """Bodies and pictures come back to the letter, whatever letters they are."""
        entry = store.intend(run, planned(), write, NOW)
        assert store.entries(run, 1) == [entry]
        assert entry.write == write
        store.close(entry, EntryState.REFUSED, detail, NOW)

        assert store.entries(run, 1) == [replace(entry, state=EntryState.REFUSED, detail=detail)]

    @lasting
    @given(finding=values.findings)
    def test_finding(self, store: Store, run: str, finding: Finding) -> None:
        """Money to the millionth, and names that a database would choke on."""
        store.note("law", [finding], NOW)

        assert [found.finding for found in store.findings()] == [finding]

    @lasting
    @given(held=values.helds)
    def test_hold_and_plan(self, store: Store, run: str, held: values.Planned) -> None:
        """The price is the Decimal that went in."""
        store.learn(run, learnt(planned=(held,)), NOW)

        [hold], [plan] = store.holds(), store.plan()
        price, shown = held.change.after.price, plan["changes"][0]["after"]["price"]

        assert (hold.digest, hold.reasons, hold.monthly) == (held.digest, held.holds, held.change.monthly)
        assert hold.next_invoice == held.realisation.next_invoice
        assert shown is None if price is None else values.Decimal(shown) == price

    @lasting
    @given(of=values.keys, steps=values.steps)
    def test_derivation(self, store: Store, run: str, of: LineKey, steps: tuple[Step, ...]) -> None:
        """Every step of an explanation, with its words."""
        store.learn(run, learnt(derivations={of: steps}), NOW)

        assert {d.key: d.steps for d in store.derivations(COMPANY)} == {of: steps}

    @lasting
    @given(snapshot=values.snapshots)
    def test_snapshot(self, store: Store, snapshot: Snapshot) -> None:
        """Purchases, people and their attributes; the newest of an account stands."""
        store.remember([snapshot])

        kept = store.last_snapshot(snapshot.account)

        assert kept is not None
        assert kept == snapshot or kept.taken_at > snapshot.taken_at

    @lasting
    @given(versions=st.lists(values.snapshots, min_size=1, max_size=6))
    def test_every_version_of_a_snapshot(self, store: Store, versions: list[Snapshot]) -> None:
        """Each reading comes back as it was, from the one in force on; equal ones in a row are one version.

        Its digest stays what it was when the reading was the newest.
        """
        account = Account("microsoft", str(next(NUMBERS)))
        read = [replace(one, account=account, taken_at=NOW + n * HOUR) for n, one in enumerate(versions)]
        digests = []
        for snapshot in read:
            store.remember([snapshot])
            digests.append(store.snapshots(account, snapshot.taken_at)[-1].digest)
        for n, snapshot in enumerate(read):
            found = store.snapshots(account, snapshot.taken_at)
            assert replace(found[0].value, taken_at=snapshot.taken_at) == snapshot
            assert found[0].since <= snapshot.taken_at <= found[0].last
            assert found[0].digest == digests[n] != ""
            assert len(found) <= len(read) - n

    @lasting
    @given(versions=st.lists(values.standings, min_size=1, max_size=4))
    def test_every_version_of_a_standing(self, store: Store, run: str, versions: list[Standing]) -> None:
        """Agreements, lines and products come back with their decimals and dates."""
        company = next(NUMBERS)
        for n, standing in enumerate(versions):
            store.learn(run, learnt(company=company, standing=standing), NOW + n * HOUR)
        for n, standing in enumerate(versions):
            assert store.standings(company, NOW + n * HOUR)[0].value == standing

    @lasting
    @given(reason=values.texts, detail=values.texts, at=values.instants)
    def test_run(self, store: Store, reason: str, detail: str, at: values.datetime) -> None:
        """Its reason and its detail in any letters."""
        run = store.open_run(reason, [COMPANY], True, at)
        store.seal_run(run, "failed", at, detail)

        summary = store.run(run)

        assert summary is not None
        assert (summary.reason, summary.detail, summary.started, summary.ended) == (reason, detail, at, at)

    def test_instant_without_a_zone_is_refused(self, store: Store) -> None:
        """Which instant it is cannot be known, so it is not guessed."""
        with pytest.raises(StoreFailed, match="no zone"):
            store.open_run("test", [], False, NOW.replace(tzinfo=None))


COLUMNS = ("at", "kind", "payload", "previous", "hash")


class Chain(WithStore):
    @pytest.fixture
    def five(self, store: Store, run: str, place: Place) -> None:
        """Five records, and the lock taken off."""
        for number in range(2):
            entry = store.intend(run, planned(), write(), NOW)
            store.close(entry, EntryState.CONFIRMED, f"attempt {number}", NOW, values.binding())
        store.intend(run, planned(), write(), NOW)
        for statement in place.unguarded:
            place.sql(statement)

    def test_chain_starts_and_ends_where_it_says(self, store: Store, run: str) -> None:
        """Empty it is whole; each record follows from the one before."""
        assert store.verify_journal() == (0, GENESIS, "")
        store.intend(run, planned(), write(), NOW)
        store.intend(run, planned(key("sku-2")), write(key("sku-2")), NOW)
        [second, first] = store.journal()

        assert (first.previous, second.previous) == (GENESIS, first.hash)
        assert store.verify_journal() == (2, second.hash, "")

    @pytest.mark.parametrize("deed", ["UPDATE journal SET kind = 'x'", "DELETE FROM journal"])
    def test_database_refuses_to_change_the_journal(self, store: Store, run: str, place: Place, deed: str) -> None:
        """Append-only, for every program that speaks to it."""
        store.intend(run, planned(), write(), NOW)
        with pytest.raises(Exception, match="append-only"):
            place.sql(deed)

    @lasting
    @given(data=st.data())
    def test_any_changed_byte_is_found_at_its_record(self, store: Store, five: None, place: Place, data) -> None:
        """One character of one column of one of five records becomes another."""
        record = data.draw(st.sampled_from(sorted(store.journal(), key=lambda r: r.seq)))
        column = data.draw(st.sampled_from(COLUMNS))
        before = record.at.isoformat(timespec="microseconds") if column == "at" else getattr(record, column)
        place_of = data.draw(st.integers(0, len(before) - 1))
        other = data.draw(st.characters(min_codepoint=32, max_codepoint=126).filter(lambda c: c != before[place_of]))
        setting = f"UPDATE journal SET {column} = :text WHERE seq = :seq"  # noqa: S608
        place.sql(setting, text=before[:place_of] + other + before[place_of + 1 :], seq=record.seq)

        read, _, fault = store.verify_journal()
        place.sql(setting, text=before, seq=record.seq)

        assert read == record.seq - 1
        assert fault.startswith(f"record {record.seq} ")
        assert store.verify_journal()[2] == ""

    @pytest.mark.parametrize(
        ("deed", "fault"),
        [
            ("DELETE FROM journal WHERE seq = 3", "record 3 is missing"),
            ("DELETE FROM journal WHERE seq = 5", "the journal ends at record 4, but 5 were written"),
            ("DELETE FROM journal", "the journal ends at record 0, but 5 were written"),
            ("UPDATE journal SET seq = 9 WHERE seq = 2", "record 2 is missing"),
            ("UPDATE journal SET entry = 7 WHERE seq = 4", "record 4 was changed after it was written"),
            ("UPDATE journal SET entry = NULL WHERE seq = 4", "record 4 was changed after it was written"),
        ],
    )
    def test_rows_taken_or_moved_are_missed(
        self, store: Store, five: None, place: Place, deed: str, fault: str
    ) -> None:
        """In the middle by the chain, at the end by the head that is kept beside it."""
        place.sql(deed)

        assert store.verify_journal()[2] == fault
