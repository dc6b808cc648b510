"""An agent that writes without a pause while it holds the lease: URL, FOLDER, SHIFT and WIRE on the command line.

SHIFT holds the seconds that the machine's clocks are ahead of the real ones; WIRE gets a line for each request that
left: the epoch, and the boot clock's nanoseconds at the last question whether it may.
"""

import sys
from pathlib import Path
from typing import TextIO

sys.path.insert(0, str(Path(__file__).parents[2]))

from agent.errors import AnotherWriter, StoreFailed
from agent.ports import EntryState
from agent.store import open_store
from agent.store.store import SqlStore
from tests.contract.store_values import NOW, key, planned, write
from tests.store.shifted import LONGEST, ShiftedClock


def main() -> None:
    url, folder, shift, wire = sys.argv[1:]
    clock = ShiftedClock(Path(shift))
    store = open_store(url, Path(folder), clock, longest=LONGEST)
    run = store.open_run("test", [], False, NOW)
    print("ready", flush=True)
    while True:
        try:
            with store.writer(), open(wire, "a", buffering=1) as sent:
                writes(store, run, clock, sent)
        except AnotherWriter:
            clock.sleep(0)
        except StoreFailed:
            continue  # the lease is lost, or the server restarts


def writes(store: SqlStore, run: str, clock: ShiftedClock, sent: TextIO) -> None:
    while store.tenure is not None:
        entry = store.intend(run, planned(key("leased")), write(key("leased")), NOW)
        clock.sleep(0)  # most stops fall here, between the intention and its request
        # What lies between this reading and the request can be closed by nobody; it is not what is measured.
        asked = clock.monotonic()
        if store.may_send():
            sent.write(f"{entry.epoch} {asked}\n")
        store.close(entry, EntryState.NOT_APPLIED, "", NOW)


if __name__ == "__main__":
    main()
