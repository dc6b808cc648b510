"""`trueup run`: the service and its local interface, from the writer's lock to the last write."""

from __future__ import annotations

import os
import signal
import sys
from dataclasses import dataclass, field
from threading import Event
from typing import TYPE_CHECKING

import structlog

from agent import __version__, logs
from agent.engine.assembly import Engine, assemble
from agent.engine.service import Service
from agent.engine.watchdog import Systemd
from agent.errors import TrueupError
from agent.faces import api
from agent.faces.desk import Desk
from agent.settings import Settings, SettingsInvalid, load

if TYPE_CHECKING:
    from types import FrameType

log = structlog.get_logger()

_LOOK = 5  # seconds between two looks at whether everything still runs
_AFTER_A_WRITE = 20  # seconds for reading back and recording, once a write has been answered


@dataclass
class Asked:
    """What signals ask of the process. Handlers only set flags; the main thread acts on them."""

    stop: bool = False
    reload: bool = False
    woken: Event = field(default_factory=Event)

    def listen(self) -> None:
        signal.signal(signal.SIGTERM, self._stop)
        signal.signal(signal.SIGINT, self._stop)
        signal.signal(signal.SIGHUP, self._reload)

    def _stop(self, number: int, _: FrameType | None) -> None:
        if self.stop:
            os._exit(128 + number)  # the write in flight, if any, is settled by reading at the next start
        self.stop = True
        self.woken.set()

    def _reload(self, _: int, __: FrameType | None) -> None:
        self.reload = True
        self.woken.set()


def run(desk: Desk) -> int:
    """The exit status. With other settings after a SIGHUP everything is put together anew, in this process."""
    asked, settings = Asked(), desk.settings
    asked.listen()
    following: Settings | None = settings
    while following is not None:
        settings = following
        logs.configure(settings.log.level, settings.log.format, sys.stdout)
        engine = assemble(settings)
        with engine.store.writer():
            following, clean = _serve(desk, engine, asked)
        if not clean:
            # A thread that did not end in time would keep the interpreter waiting for it.
            sys.stdout.flush()
            os._exit(1)
        engine.close()
    return 0


def _serve(desk: Desk, engine: Engine, asked: Asked) -> tuple[Settings | None, bool]:
    """Until something ends it: the settings to go on with, if any, and whether all work ended in time."""
    engine.mappings.current()  # raises where no files were ever good: nothing has started that would repeat it
    systemd = Systemd()
    service = engine.service(systemd)
    server = api.serve(engine, service)
    server.start()
    log.info("service.started", version=__version__, config=str(desk.config), mode=engine.settings.agent.mode)
    service.start()
    following = None
    while not asked.stop and not service.crashed.is_set() and following is None:
        if not server.alive:
            # Nobody could press, look or stop it any more; a new process has its interface back in seconds.
            log.error("api.ended")
            service.crashed.set()
            break
        asked.woken.wait(_LOOK)
        asked.woken.clear()
        if engine.store.tenure is None:
            service.crashed.set()  # another agent writes now, as the log says; its work is not ours to repeat
        if asked.reload and not asked.stop:
            asked.reload = False
            following = _reread(desk, service, engine.settings)
    if service.crashed.is_set():
        log.error("service.crashed")
        return None, False
    if following is not None:
        # To systemd this is a reload: "stopping" would make it wait for our end.
        systemd.reloading(engine.clock.monotonic())
        service.systemd = Systemd({})
    server.stop()
    patience = engine.settings.http.write_timeout.total_seconds() + _AFTER_A_WRITE
    return following, service.stop(patience)


def _reread(desk: Desk, service: Service, present: Settings) -> Settings | None:
    """The settings of agent.toml if they are others, else None with the mapping files read again."""
    try:
        settings = load(desk.config)
    except SettingsInvalid as error:
        log.error("settings.invalid", problems=[str(problem) for problem in error.problems])
        return None
    if settings != present:
        log.info("settings.changed")
        return settings
    try:
        service.reload()
    except TrueupError as error:
        log.error("reload.failed", error=str(error), remedy=error.remedy)
    return None
