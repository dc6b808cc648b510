"""The real command in processes of its own: one that ends by itself, and the daemon with its HTTP interface."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from threading import Condition, Event, Thread
from typing import Any

from tests.acceptance.psa import PATIENCE

TRUEUP = (sys.executable, "-m", "agent")


@dataclass(frozen=True, slots=True)
class Printed:
    """What a command left behind."""

    words: Sequence[str]
    status: int
    out: str
    err: str

    def json(self) -> Any:
        assert self.out, self
        return json.loads(self.out)


def run(words: Sequence[str], environment: Mapping[str, str], folder: Path) -> Printed:
    done = subprocess.run(
        [*TRUEUP, *words],
        env=environment,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=2 * PATIENCE,
    )
    return Printed(words, done.returncode, done.stdout, done.stderr)


class Forking:
    """The command over and over, each time forked from a process that has it in memory."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self._folder, self._environment = folder, environment

    def __enter__(self) -> Forking:
        command = [sys.executable, "-m", "tests.acceptance.forking", str(self._folder / "forked.log")]
        environment = {**self._environment, "PYTHONPATH": str(Path(__file__).parents[2])}
        self._parent = subprocess.Popen(
            command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        return self

    def __exit__(self, *_: object) -> None:
        assert self._parent.stdin
        assert self._parent.stdout
        self._parent.stdin.close()
        self._parent.stdout.close()
        self._parent.wait(PATIENCE)

    def kill(self, words: Sequence[str], due: Event, seconds: float) -> bool:
        """Run the command, and kill it so long after `due`; whether it had not ended before."""
        child = self._begin(words)
        while not due.wait(0.01) and Path("/proc", str(child)).exists():
            pass
        time.sleep(seconds)
        with suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
        return self._end() == signal.SIGKILL

    def run(self, words: Sequence[str], largest: int | None = None) -> int:
        """The wait status of the command; `largest` is the size in bytes that no file may exceed."""
        self._begin(words, largest=largest)
        return self._end()

    def trace(self, words: Sequence[str], strace: Sequence[str]) -> int:
        """The wait status of the command when it runs, in one thread, under strace with these arguments."""
        child = self._begin(words, traced=True)
        tracer = subprocess.Popen(["strace", "-qq", *strace, "-p", str(child)], stderr=subprocess.DEVNULL)
        status = self._end()
        tracer.wait(PATIENCE)
        return status

    def _begin(self, words: Sequence[str], traced: bool = False, largest: int | None = None) -> int:
        assert self._parent.stdin
        assert self._parent.stdout
        self._parent.stdin.write(json.dumps({"words": words, "traced": traced, "largest": largest}) + "\n")
        self._parent.stdin.flush()
        return int(self._parent.stdout.readline())

    def _end(self) -> int:
        assert self._parent.stdout
        return int(self._parent.stdout.readline())


class Notices:
    """systemd's end of $NOTIFY_SOCKET. Read all the time, as systemd does: a full queue would stop the sender."""

    def __init__(self, path: Path) -> None:
        self.address = str(path)
        self.received: list[str] = []
        self._changed = Condition()
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(self.address)
        self._thread = Thread(target=self._listen, daemon=True)
        self._thread.start()

    def wait(self, word: str, times: int = 1) -> None:
        """Until so many of the notices hold the line `word`."""
        with self._changed:
            came = self._changed.wait_for(lambda: self.count(word) >= times, PATIENCE)
        assert came, f"{word} did not come, only {self.received}"

    def count(self, word: str) -> int:
        return sum(word in notice.splitlines() for notice in self.received)

    def close(self) -> None:
        # An empty datagram ends the listener; closing the socket under it would not wake it.
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as last:
            last.sendto(b"", self.address)
        self._thread.join()
        self._socket.close()
        os.unlink(self.address)

    def _listen(self) -> None:
        while notice := self._socket.recv(4096):
            with self._changed:
                self.received.append(notice.decode())
                self._changed.notify_all()


class Daemon:
    """`trueup run` as systemd would start it; its log goes into files of the folder. It is ready when it says so."""

    def __init__(self, config: Path, port: int, token_file: Path, environment: Mapping[str, str], number: int) -> None:
        self.port, self._token_file = port, token_file
        self._out, self._err = config.with_name(f"daemon{number}.log"), config.with_name(f"stderr{number}.log")
        self.notices = Notices(config.with_name(f"notify{number}"))
        with self._out.open("wb") as out, self._err.open("wb") as err:
            self.process = subprocess.Popen(
                [*TRUEUP, "run", "--config", str(config)],
                env={**environment, "NOTIFY_SOCKET": self.notices.address},
                cwd=config.parent,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
            )

    def wait_ready(self) -> None:
        wait_for(lambda: self.notices.count("READY=1") > 0 or self.process.poll() is not None, "it is not ready")
        assert self.process.poll() is None, self.log()

    def log(self) -> str:
        return self._out.read_text() + self._err.read_text()

    def told(self) -> str:
        """What every user of the machine can see of it, and what its children would inherit."""
        if self.process.poll() is not None:
            return ""
        folder = Path("/proc", str(self.process.pid))
        return (folder / "cmdline").read_text() + (folder / "environ").read_text()

    def ask(self, method: str, path: str, body: object = None, token: str | None = None) -> tuple[int, Any]:
        """Status and decoded answer."""
        given = self._token_file.read_text().strip() if token is None else token
        headers = {"Authorization": f"Bearer {given}", "Content-Type": "application/json"}
        connection = HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        try:
            connection.request(method, path, None if body is None else json.dumps(body), headers)
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())
        finally:
            connection.close()

    def get(self, path: str) -> Any:
        status, found = self.ask("GET", path)
        assert status == 200, found
        return found

    def press(self, company: int | None = None) -> str:
        """*Sync now*; the run's id."""
        status, found = self.ask("POST", "/sync", {} if company is None else {"company": company})
        assert status == 202, found
        return str(found["run"])

    def sync(self, company: int | None = None) -> Mapping[str, Any]:
        """*Sync now*, and the run once it has ended."""
        return self.ended(self.press(company))

    def ended(self, run: str) -> Mapping[str, Any]:
        wait_for(lambda: self.get(f"/runs/{run}")["state"] != "running", f"run {run} did not end")
        found: Mapping[str, Any] = self.get(f"/runs/{run}")
        return found

    def idle(self) -> None:
        """Until nothing runs or waits, the first cycle included."""
        wait_for(lambda: not self.get("/status")["busy"], "the daemon is still busy")

    def codes(self) -> set[str]:
        return {finding["code"] for finding in self.get("/findings")}

    def terminate(self) -> None:
        self.process.send_signal(signal.SIGTERM)

    def stop(self) -> int:
        """The exit status after SIGTERM."""
        self.terminate()
        return self.wait()

    def wait(self) -> int:
        return self.process.wait(PATIENCE)

    def kill(self) -> None:
        """As the kernel would: nothing of its own runs any more."""
        self.process.kill()
        self.process.wait()

    def close(self) -> None:
        self.kill()
        self.notices.close()


def wait_for(happened: Callable[[], bool], otherwise: str, seconds: float = PATIENCE) -> None:
    until = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < until, otherwise
        time.sleep(0.02)
