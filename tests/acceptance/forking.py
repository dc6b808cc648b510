"""Forks the real command again and again from one process that has imported it, to spare each start its second.

Each line of input is a JSON object: `words`, the command's; `traced`, whether the child waits for a tracer before it
begins; `largest`, the size in bytes that no file may exceed, as on a full disk. Told in return are the child's pid and,
once it has ended, its wait status. What the children print goes into the file named by the first argument.
"""

from __future__ import annotations

import ctypes
import json
import os
import re
import resource
import sys
import time
from pathlib import Path
from typing import Any

import agent.engine.assembly
import agent.faces.commands.sync
import agent.faces.pressing
import agent.reports.run
import agent.store.schema
from agent.faces.cli import main
from tests.engine.here import Here

_PR_SET_PTRACER, _ANYBODY = 0x59616D61, ctypes.c_ulong(-1)


def child(told: dict[str, Any]) -> None:
    log = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(log, 1)
    os.dup2(log, 2)
    if told["traced"]:
        # strace counts the calls of each thread by itself, so that the n-th call is one only where there is one thread.
        agent.engine.assembly.ThreadPoolExecutor = lambda *_, **__: Here()  # type: ignore[assignment,misc]
        _await_tracer()
    if told["largest"] is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (told["largest"], resource.RLIM_INFINITY))
    sys.argv = ["trueup", *told["words"]]
    main()


def _await_tracer() -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PTRACER, _ANYBODY)
    until = time.monotonic() + 20
    while re.search(r"^TracerPid:\s+0$", Path("/proc/self/status").read_text(), re.M):
        if time.monotonic() > until:
            raise TimeoutError("no tracer came")
        time.sleep(0.002)


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
