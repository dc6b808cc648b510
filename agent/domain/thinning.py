"""Which readings of a day that is long past stay, so that "since when" is answered as if all of them had been kept.

Billing counts a day's last reading. So a day may forget what came and went, or went and came back, between its two
midnights. What it ended with and had not begun with, or the other way round, keeps both readings between which it
changed: the last that did not show it yet, and the first that did.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence

Fact = Hashable
"""One thing that a reading said: a number of a product, a person's licence, a member of a group."""


def staying(seen: Sequence[frozenset[Fact]]) -> frozenset[int]:
    """Places of those that stay among the versions of one day, the oldest first.

    The first is the version in force as the day began. It and the last one always stay.
    """
    last = len(seen) - 1
    gone = _broken(seen, seen[0] - seen[last])
    come = (last - place for place in _broken(seen[::-1], seen[last] - seen[0]))
    return frozenset((0, last, *gone, *come))


def _broken(seen: Sequence[frozenset[Fact]], lasting: frozenset[Fact]) -> Iterator[int]:
    """Where a fact that held from the first place on is missing for the first time, and the place before."""
    for place, facts in enumerate(seen):
        if lasting - facts:
            yield place - 1
            yield place
        # Once broken it is out: that it came back for an hour is what a day forgets.
        lasting &= facts
