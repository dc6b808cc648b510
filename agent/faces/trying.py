"""Tries every way in which `[notify]` lets Trueup speak up, so that nobody finds out on the day it matters."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from functools import partial

from agent.engine.assembly import channels_of, heartbeat_of
from agent.errors import TrueupError
from agent.ports import Clock, Notice
from agent.reports.checks import Check, Grade
from agent.settings import Settings

WAYS = ("mail", "chat", "heartbeat")

_TEST = Notice(
    "Test",
    "This is a test: somebody typed `trueup notices test`. Findings that cannot wait would come this way.\n",
    urgent=False,
)


def tried(settings: Settings, clock: Clock, wanted: Collection[str]) -> Iterator[Check]:
    """One check for each way that is configured, as each is through; `wanted` are some of `WAYS`.

    The store learns nothing of it: what was told stays news for nobody, and no finding opens or closes.
    """
    some = False
    for name, says, send in _ways(settings, clock):
        if name.partition(" ")[0] in wanted:
            some = True
            yield _tried(name, says, send)
    if not some:
        says = f"agent.toml configures no {' and no '.join(way for way in WAYS if way in wanted)}"
        yield Check("notices", Grade.FAIL, says, "Add it to [notify] in agent.toml: docs/configuration.md.")


def _ways(settings: Settings, clock: Clock) -> Iterator[tuple[str, str, Callable[[], None]]]:
    mail = settings.notify.mail
    for channel in channels_of(settings, clock):
        says = f"{mail.host} took it for {', '.join(mail.to)}" if mail and channel.name == "mail" else "it was taken"
        yield channel.name, says, partial(channel.send, _TEST)
    if settings.notify.heartbeat is not None:
        says = "it was answered: whoever serves the address has heard a good cycle now"
        yield "heartbeat", says, heartbeat_of(settings)


def _tried(name: str, says: str, send: Callable[[], None]) -> Check:
    try:
        send()
    except TrueupError as error:
        return Check(name, Grade.FAIL, str(error), error.remedy)
    return Check(name, Grade.OK, says)
