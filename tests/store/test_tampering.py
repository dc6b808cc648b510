"""Whoever changes the journal is found, and where: 10,000 random deeds to a chain of records."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, replace

from agent.store.journal import GENESIS, check, link

LENGTH, EVERY = 40, 4  # records, and after how many of them a head is told
DEEDS = 10_000


@dataclass(frozen=True, slots=True)
class Link:
    seq: int
    at: str
    kind: str
    entry: int | None
    payload: str
    previous: str
    hash: str

    def hashed(self, previous: str) -> Link:
        return replace(
            self, previous=previous, hash=link(previous, self.seq, self.at, self.kind, self.entry, self.payload)
        )


def chain() -> list[Link]:
    records, head = [], GENESIS
    for seq in range(1, LENGTH + 1):
        at = f"2026-03-17T09:30:{seq:02}.000000+00:00"
        record = Link(seq, at, "intent", seq // 2, f'{{"quantity":{seq}}}', "", "").hashed(head)
        records.append(record)
        head = record.hash
    return records


WHOLE = chain()
KEPT = LENGTH, WHOLE[-1].hash
HEADS = {record.seq: record.hash for record in WHOLE[EVERY - 1 :: EVERY]}
TEXTS = ("at", "kind", "payload", "previous", "hash")

# A deed changes the records and says which one is the first that is not as it was.
Deed = Callable[[random.Random, list[Link]], int]


def flips(chance: random.Random, records: list[Link]) -> int:
    """One character of one column."""
    place, column = chance.randrange(LENGTH), chance.choice(TEXTS)
    before = str(getattr(records[place], column))
    at = chance.randrange(len(before))
    other = chance.choice([chr(code) for code in range(32, 127) if chr(code) != before[at]])
    records[place] = replace(records[place], **{column: before[:at] + other + before[at + 1 :]})
    return place + 1


def renumbers(chance: random.Random, records: list[Link]) -> int:
    """The write that a record is about, or none."""
    place = chance.randrange(LENGTH)
    records[place] = replace(records[place], entry=chance.choice([None, 999]))
    return place + 1


def deletes(chance: random.Random, records: list[Link]) -> int:
    """One or several in a row; at the end, what is missing is the first that is gone."""
    place = chance.randrange(LENGTH)
    del records[place : place + chance.randrange(1, 4)]
    return place + 1


def inserts(chance: random.Random, records: list[Link]) -> int:
    """One more, with the hash of the one whose place it takes; those after it move up, or keep their numbers."""
    place = chance.randrange(LENGTH)
    forged = replace(records[place], payload='{"quantity":0}')
    later = records[place:]
    if chance.random() < 0.5:
        later = [replace(record, seq=record.seq + 1) for record in later]
    records[place:] = [forged, *later]
    return place + 1


def forges(chance: random.Random, records: list[Link]) -> int:
    """One is changed and gets a hash that fits it; the next does not follow from it any more."""
    place = chance.randrange(LENGTH)
    records[place] = replace(records[place], payload='{"quantity":0}').hashed(records[place].previous)
    return place + 1


def swaps(chance: random.Random, records: list[Link]) -> int:
    """Two records, with their numbers or without."""
    first, second = sorted(chance.sample(range(LENGTH), 2))
    a, b = records[first], records[second]
    if chance.random() < 0.5:
        a, b = replace(a, seq=b.seq), replace(b, seq=a.seq)
    records[first], records[second] = b, a
    return first + 1


def hashes_anew(chance: random.Random, records: list[Link]) -> int:
    """One is changed, and all from it on are hashed anew: the chain is sound by itself."""
    place = chance.randrange(LENGTH)
    records[place] = replace(records[place], payload='{"quantity":0}')
    head = records[place].previous
    for at in range(place, LENGTH):
        records[at] = records[at].hashed(head)
        head = records[at].hash
    return place + 1


def test_every_one_of_ten_thousand_deeds_is_found_at_its_record() -> None:
    """Up to the record before it the journal is sound, and no further. One that got a hash that fits is found at its
    link to the next, or at a told head; a chain that was hashed anew between the two told heads where it was.
    """
    chance = random.Random(2026)
    deeds: tuple[Deed, ...] = (flips, renumbers, deletes, inserts, swaps, forges, hashes_anew)
    for number in range(DEEDS):
        deed, records = deeds[number % len(deeds)], [*WHOLE]
        first = deed(chance, records)
        sound, head, fault = check(records, KEPT, HEADS)
        assert fault, (number, deed.__name__, first)
        told = (first - 1) // EVERY * EVERY
        if deed is hashes_anew or (deed is forges and first == told + EVERY):
            assert sound == told
            assert fault.endswith(f"one of {told + 1} to {told + EVERY} was changed")
        elif deed is forges:
            assert (sound, fault) == (first, f"record {first + 1} does not follow from the record before it")
            continue
        else:
            assert sound == first - 1, (number, deed.__name__, fault)
        assert head == (WHOLE[sound - 1].hash if sound else GENESIS)


def test_chain_that_nobody_touched_is_sound() -> None:
    """With the heads that were told, and without."""
    assert check(WHOLE, KEPT) == check(WHOLE, KEPT, HEADS) == (*KEPT, "")


def test_who_changes_the_kept_head_too_is_found_by_a_told_one_alone() -> None:
    """All that lies in the store can be made to fit; what lies in the log cannot."""
    records = [*WHOLE]
    hashes_anew(random.Random(1), records)
    kept = LENGTH, records[-1].hash

    assert check(records, kept)[2] == ""
    assert check(records, kept, HEADS)[2] != ""


def test_journal_that_was_set_back_is_shorter_than_was_told() -> None:
    """The store of last week, put back: sound, but the log knows more."""
    records = WHOLE[:20]
    sound, _, fault = check(records, (20, records[-1].hash), HEADS)

    assert (sound, fault) == (20, "the journal ends at record 20, but 40 were written")
