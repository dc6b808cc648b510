"""The real thing beside the simulators: commands and daemon in processes of their own, and its HTTP interface."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

PATIENCE = 60.0  # seconds for anything that should take one; a machine may be busy
_MAIN = (sys.executable, "-m", "agent")


class Misbehaved(Exception):
    """Trueup did something else than the demonstration needs in order to go on."""


# What else can end a step before its time: a command that does not end, an interface that does not answer.
Trouble = (Misbehaved, subprocess.TimeoutExpired, requests.RequestException)


@dataclass(frozen=True, slots=True)
class Printed:
    """What a command printed, its exit status, and what it said of its progress or failure (stderr)."""

    text: str
    status: int
    aside: str


class Trueup:
    """Trueup with one configuration. `listen` (host:port) is what agent.toml says of its own interface."""

    def __init__(self, config: Path, listen: str, width: int) -> None:
        self.config, self.url = config, f"http://{listen}"
        self.token_file = config.parent / "state" / "api-token"
        self.log = config.parent / "daemon.log"
        self._environment = {**os.environ, "TRUEUP_CONFIG": str(config), "COLUMNS": str(width), "PYTHONUTF8": "1"}
        self._daemon: subprocess.Popen[bytes] | None = None
        self._http = requests.Session()
        self._http.trust_env = False  # a proxy of the environment would be asked for our own loopback

    def command(self, *words: str) -> Printed:
        done = subprocess.run(  # noqa: S603 - our own command
            [*_MAIN, *words],
            env=self._environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=PATIENCE,
            check=False,
        )
        return Printed(done.stdout.decode(errors="replace"), done.returncode, done.stderr.decode(errors="replace"))

    def json(self, *words: str, expect: int = 0) -> Any:
        """What a command prints as JSON; Misbehaved where it prints none, or ends otherwise than expected."""
        printed = self.command(*words)
        try:
            values = json.loads(printed.text)
        except json.JSONDecodeError:
            values = None
        if values is None or printed.status != expect:
            said = f"{printed.text[:500]}{printed.aside}".strip()
            raise Misbehaved(f"trueup {' '.join(words)} ended with {printed.status} instead of {expect}: {said}")
        return values

    def start(self) -> None:
        """Start the daemon and return once it answers; its log goes into a file."""
        with self.log.open("ab") as log:
            # A session of its own, for a Ctrl-C that ends the demonstration must not end the daemon behind its back.
            self._daemon = subprocess.Popen(  # noqa: S603 - likewise
                [*_MAIN, "run"],
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.until(self._answers, "The daemon did not come up")

    def stop(self) -> int | None:
        """The daemon's exit status after a polite request to end; None where there is none."""
        if self._daemon is None:
            return None
        if self._daemon.poll() is None:
            self._daemon.send_signal(signal.SIGTERM)
        try:
            return self._daemon.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self._daemon.kill()
            return self._daemon.wait()

    def get(self, path: str, **query: str | int) -> Any:
        return self._understood(
            self._http.get(self.url + path, params=query, headers=self._headers(), timeout=PATIENCE)
        )

    def sync(self, **asked: object) -> str:
        """Press *sync now*; the id of the run that does it."""
        answer = self._http.post(f"{self.url}/sync", json=asked, headers=self._headers(), timeout=PATIENCE)
        return str(self._understood(answer)["run"])

    def ended(self, run: str) -> Mapping[str, Any]:
        """The run once it has ended."""
        found: dict[str, Any] = {}

        def done() -> bool:
            found.update(self.get(f"/runs/{run}"))
            return bool(found["state"] != "running")

        self.until(done, f"Run {run} did not end")
        return found

    def until(self, condition: Callable[[], bool], otherwise: str) -> None:
        """Look again and again until it holds; Misbehaved when patience ends, or with the daemon's own end."""
        last = time.monotonic() + PATIENCE
        while not condition():
            if self._daemon is not None and self._daemon.poll() is not None:
                raise Misbehaved(
                    f"The daemon ended with status {self._daemon.returncode}; it said:\n{self._last_words()}"
                )
            if time.monotonic() > last:
                raise Misbehaved(f"{otherwise} within {PATIENCE:.0f} s.")
            time.sleep(0.02)

    def _answers(self) -> bool:
        try:
            return self._http.get(f"{self.url}/readyz", timeout=PATIENCE).status_code == 200
        except requests.ConnectionError:
            return False

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token_file.read_text('utf-8').strip()}"}

    def _understood(self, answer: requests.Response) -> Any:
        if not answer.ok:
            raise Misbehaved(
                f"{answer.request.method} {answer.request.path_url} answered {answer.status_code}: {answer.text}"
            )
        return json.loads(answer.text)

    def _last_words(self) -> str:
        return "\n".join(self.log.read_text("utf-8", errors="replace").splitlines()[-10:])


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
