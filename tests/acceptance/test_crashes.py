"""kill -9, failing disks and full ones, at the system calls by which the store of the real command reaches its disk.

Here a sample of the calls is struck, the same ones always, in under 40 seconds; `make soak` strikes each of them, by
`python -m tests.acceptance.every_call`.
"""

from __future__ import annotations

import pytest

from tests.acceptance.conftest import Install
from tests.acceptance.crash import BLOWS, EIO, ENOSPC, KILL, Point, crashing

# A cycle with a POST and a PATCH makes some 170 pwrite64, 12 fdatasync, and at its end 2 ftruncate and 2 unlink.
SAMPLE = {
    KILL: [*(("pwrite64", n) for n in (1, 2, 14, 40, 61, 88, 115, 142, 160)), ("fdatasync", 2), ("fdatasync", 7)],
    EIO: [("pwrite64", 3), ("pwrite64", 50), ("pwrite64", 97), ("fdatasync", 3), ("fdatasync", 6), ("ftruncate", 1)],
    ENOSPC: [("pwrite64", 8), ("pwrite64", 72), ("pwrite64", 130), ("fdatasync", 4), ("unlink", 1)],
}


@pytest.mark.parametrize("blow", BLOWS)
def test_a_sample_of_calls_is_struck(install: Install, blow: str) -> None:
    """No request left without a committed intention, nothing that the store acknowledged is gone, and the next starts
    bill every seat once."""
    with crashing(install()) as trial:
        for call, nth in SAMPLE[blow]:
            assert trial.strike(Point(call, nth, blow)), "the blow fell beside the store"
            trial.converges()


def test_full_disk_sends_nothing_that_is_not_written_down(install: Install) -> None:
    """No file may grow beyond so many bytes (RLIMIT_FSIZE): the store's log gets as far as the run, an intention, a
    confirmation. When there is room again, the seats are billed."""
    with crashing(install()) as trial:
        for largest in (4_096, 40_000, 80_000, 120_000, 180_000, 240_000):
            trial.full_disk(largest)
            trial.converges()
