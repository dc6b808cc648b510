"""Forks the real command again and again from one process that has imported it, to spare each start its second.

Each line of input is a JSON list, the command's words; told in return are the child's pid and, once it has ended,
its wait status. What the children print goes into the file named by the first argument.
"""

from __future__ import annotations

import json
import os
import sys

import agent.engine.assembly
import agent.faces.commands.sync
import agent.faces.pressing
import agent.reports.run
import agent.store.schema  # noqa: F401 - all that a sync needs
from agent.faces.cli import main


def child(words: list[str]) -> None:
    log = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(log, 1)
    os.dup2(log, 2)
    sys.argv = ["trueup", *words]
    main()


def serve() -> None:
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            child(json.loads(line))
            os._exit(0)
        print(pid, flush=True)
        print(os.waitpid(pid, 0)[1], flush=True)


if __name__ == "__main__":
    serve()
