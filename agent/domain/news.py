"""Which findings are news to whom: what is told at once, what can wait for the digest, and what has been told."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta, tzinfo
from enum import StrEnum

from agent.domain.findings import Code, Finding, Severity

DIGEST = "digest"  # what a channel remembers of its last digest, among the findings that it told

_GRAVITY = [Severity.INFO, Severity.WARNING, Severity.ERROR]

# What somebody has to look at tonight: something may be billed twice, or nothing is billed at all.
PAGES = frozenset(
    {
        Code.DUPLICATE_LINES,
        Code.CYCLE_OVERDUE,
        Code.JOURNAL_BROKEN,
        Code.CREDENTIALS_REJECTED,
        Code.WRITE_UNSETTLED,
        Code.FLEET_HELD,
    }
)


class When(StrEnum):
    NOW = "now"
    DIGEST = "digest"
    NEVER = "never"


class Every(StrEnum):
    DAY = "daily"
    WEEK = "weekly"
    MONTH = "monthly"
    OFF = "off"


@dataclass(frozen=True, slots=True)
class Rule:
    """When findings of these codes at these companies are told; an empty set means all. The first that fits counts."""

    codes: frozenset[Code]
    companies: frozenset[int]
    when: When

    def fits(self, finding: Finding) -> bool:
        of_code = not self.codes or finding.code in self.codes
        return of_code and (not self.companies or finding.company in self.companies)


@dataclass(frozen=True, slots=True)
class Told:
    """What a channel said of one finding: how grave it was, and when."""

    severity: Severity
    at: datetime


@dataclass(frozen=True, slots=True)
class News:
    now: Sequence[Finding]
    digest: Sequence[Finding]


def topic(finding: Finding) -> str:
    """What is remembered of a finding that was told: not its words, in which numbers change daily."""
    # Two companies may share a tenant, and with it a subject.
    return f"{finding.code} {finding.company} {finding.subject}"


def news(findings: Iterable[Finding], rules: Collection[Rule], told: Mapping[str, Told]) -> News:
    """What of the open findings is yet to be told. Told is told, unless it has become graver since: a certificate that
    ended in 30 days ends in three. One that closed and came back soon is the same one (`forgotten` ends that)."""
    sorted_out: dict[When, list[Finding]] = {when: [] for when in When}
    for finding in findings:
        before = told.get(topic(finding))
        if before is None or _GRAVITY.index(finding.severity) > _GRAVITY.index(before.severity):
            sorted_out[when_told(finding, rules)].append(finding)
    return News(sorted_out[When.NOW], sorted_out[When.DIGEST])


def when_told(finding: Finding, rules: Collection[Rule]) -> When:
    by_rule = next((rule.when for rule in rules if rule.fits(finding)), None)
    if by_rule is not None:
        return by_rule
    last_days = finding.code is Code.CREDENTIAL_EXPIRING and finding.severity is Severity.ERROR
    return When.NOW if finding.code in PAGES or last_days else When.DIGEST


def forgotten(
    told: Mapping[str, Told], still_open: Iterable[Finding], now: datetime, quiet: timedelta
) -> frozenset[str]:
    """Topics that may be told again: their findings have closed, and were told longer ago than `quiet`."""
    alive = {topic(finding) for finding in still_open} | {DIGEST}
    return frozenset(name for name, one in told.items() if name not in alive and now - one.at > quiet)


def last_due(every: Every, at: time, now: datetime, zone: tzinfo) -> datetime | None:
    """The newest moment at which a digest was due: each day, each Monday or each first of a month at that time."""
    if every is Every.OFF:
        return None
    day = now.astimezone(zone).date()
    if datetime.combine(day, at, zone) > now:
        day -= timedelta(days=1)
    if every is Every.WEEK:
        day -= timedelta(days=day.weekday())
    if every is Every.MONTH:
        day = day.replace(day=1)
    return datetime.combine(day, at, zone)
