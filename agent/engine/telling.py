"""Tells people what is news: at once what cannot wait, in a digest the rest, and nothing twice.

A notice counts as told once its channel has taken it. A process that dies between the two says it again, which is the
lesser evil: the other way round a page would be lost.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

import structlog

from agent.domain.findings import Code, Finding, Severity
from agent.domain.news import DIGEST, Every, Rule, Told, forgotten, last_due, news, topic
from agent.errors import NotDelivered
from agent.ports import Channel, Clock, OpenFinding, Store
from agent.reports.notices import notice
from agent.reports.text import View

log = structlog.get_logger()

_AGAIN = timedelta(minutes=5)  # after a notice that a channel did not take


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the settings say about notices; `quiet` is how long a finding that closed and came back is no news."""

    rules: tuple[Rule, ...]
    every: Every
    at: time
    quiet: timedelta


@dataclass(slots=True)
class Telling:
    store: Store
    clock: Clock
    zone: ZoneInfo
    channels: Sequence[Channel]
    wishes: Wishes
    names: Callable[[], Mapping[int, str]]
    _later: dict[str, datetime] = field(default_factory=dict)
    _troubles: dict[str, NotDelivered] = field(default_factory=dict)

    def __call__(self) -> None:
        """Look once, and tell what is due by each channel. What was not taken is a finding, for the other channels."""
        known, now = self.store.findings(), self.clock.now()
        for channel in self.channels:
            if self._later.get(channel.name, now) <= now:
                self._through(channel, known, now)
        if self.channels:
            self.store.note("notices", [_undelivered(name, why) for name, why in self._troubles.items()], now)

    def _through(self, channel: Channel, known: Sequence[OpenFinding], now: datetime) -> None:
        told = self.store.told(channel.name)
        fresh = news((one.finding for one in known), self.wishes.rules, told)
        due = self._is_due(told, now)
        try:
            self._say(channel, known, fresh.now, True, now)
            if due:
                self._say(channel, known, fresh.digest, False, now)
        except NotDelivered as error:
            log.warning("notice.undelivered", channel=channel.name, error=str(error), remedy=error.remedy)
            self._later[channel.name] = now + _AGAIN
            self._troubles[channel.name] = error
            return
        if fresh.now or (due and fresh.digest):
            self._troubles.pop(channel.name, None)
        over = forgotten(told, (one.finding for one in known), now, self.wishes.quiet)
        if due or over or DIGEST not in told:
            self.store.tell(channel.name, {DIGEST: Told(Severity.INFO, now)}, over)

    def _is_due(self, told: Mapping[str, Told], now: datetime) -> bool:
        """Not at the first start, when everything would be news before anybody has looked at it."""
        due = last_due(self.wishes.every, self.wishes.at, now, self.zone)
        return due is not None and DIGEST in told and told[DIGEST].at < due

    def _say(
        self, channel: Channel, known: Sequence[OpenFinding], fresh: Sequence[Finding], urgent: bool, now: datetime
    ) -> None:
        if not fresh:
            return
        topics = {topic(finding) for finding in fresh}
        said = [one for one in known if topic(one.finding) in topics]
        channel.send(notice(said, View(100, self.zone, now, self.names()), urgent))
        log.info("notice.sent", channel=channel.name, findings=len(said), urgent=urgent)
        self.store.tell(channel.name, {topic(one.finding): Told(one.finding.severity, now) for one in said})


def _undelivered(name: str, error: NotDelivered) -> Finding:
    sentence = f"notices do not get through by {name}: {error}"
    return Finding(Code.NOTICE_UNDELIVERED, Severity.WARNING, None, f"notices/{name}", sentence, error.remedy)
