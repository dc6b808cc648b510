"""Another process with the same store, for the laws that need one: URL, FOLDER and a deed on the command line.

It says `ready` before it acts. What it does is real; only its values are invented.
"""

import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from agent.errors import EntryOpen
from agent.store.store import SqlStore
from tests.contract.store_values import NOW, Place, planned, write


def intend(store: SqlStore, run: str) -> None:
    print("ready", flush=True)
    sys.stdin.readline()
    try:
        store.intend(run, planned(), write(), NOW)
        print("entry", flush=True)
    except EntryOpen:
        print("EntryOpen", flush=True)


def main() -> None:
    url, folder, deed = sys.argv[1:]
    store = Place(url, Path(folder), lambda *_: None, ()).open()
    word, _, run = deed.partition(" ")
    if word == "write":
        with store.writer():
            print("ready", flush=True)
            time.sleep(60)
    intend(store, run)
    if word == "intend-and-hang":
        time.sleep(60)


if __name__ == "__main__":
    main()
