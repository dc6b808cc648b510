"""The real command: in a process of its own, or (faster) in this one."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog
from click.testing import CliRunner

from agent.faces.cli import cli

MAIN = "from agent.faces.cli import main; main()"
SECONDS = 60


@dataclass(frozen=True)
class Said:
    """What a command printed, and its exit status."""

    status: int
    out: str
    err: str

    def json(self) -> Any:
        return json.loads(self.out)


def environment(**changes: str) -> dict[str, str]:
    """Ours without what would change a command's mind; 100 columns."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("TRUEUP_", "CREDENTIALS_"))}
    return {**kept, "COLUMNS": "100", "PYTHONUTF8": "1", **changes}


def process(*words: str, cwd: Path | None = None, env: Mapping[str, str] | None = None) -> Said:
    done = subprocess.run(
        [sys.executable, "-c", MAIN, *words],
        cwd=cwd,
        env=env or environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )
    return Said(done.returncode, done.stdout, done.stderr)


@contextmanager
def log_restored() -> Iterator[None]:
    """Commands configure the log of their process; other tests in this one keep theirs."""
    root = logging.getLogger()
    handlers, level, hook = list(root.handlers), root.level, threading.excepthook
    try:
        yield
    finally:
        structlog.reset_defaults()
        root.handlers, root.level, threading.excepthook = handlers, level, hook


def here(*words: str) -> Said:
    """In this process: the same but for what only a process can show."""
    with log_restored():
        done = CliRunner(env={"COLUMNS": "100", "TRUEUP_CONFIG": None}).invoke(cli, words, prog_name="trueup")
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return Said(done.exit_code, done.stdout, done.stderr)
