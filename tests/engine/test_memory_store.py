"""The store in memory keeps the laws of every store, but for those about databases and other processes."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from tests.contract.store_laws import StoreContract
from tests.contract.store_values import StillClock
from tests.engine.memory_store import Disk, MemoryStore


@dataclass
class MemoryPlace:
    clock: StillClock = field(default_factory=StillClock)
    disk: Disk = field(default_factory=Disk)

    def open(self) -> MemoryStore:
        return MemoryStore(self.disk, self.clock)


@pytest.fixture
def place() -> MemoryPlace:
    return MemoryPlace()


class TestLaws(StoreContract):
    """Every law of the contract that needs no second process and no SQL."""

    test_two_processes_cannot_intend_the_same_key = None
    test_killed_process_leaves_its_intent = None
    test_database_itself_refuses_a_second_open_entry = None
    test_second_agent_is_told_who_writes = None
    test_database_refuses_to_change_the_journal = None
    test_decision_cannot_be_changed_past_the_store = None
    test_any_changed_byte_is_found_at_its_record = None
    test_rows_taken_or_moved_are_missed = None
    test_chapters_long_past_are_dropped_but_for_the_one_in_force = None
