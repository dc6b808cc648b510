"""The plan of edited mapping files beside the plan of those in force, made from the same reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from agent.domain.changes import Planned
from agent.domain.findings import Code, Finding
from agent.domain.guards import CompanyPlan
from agent.domain.money import Money

# They say again what the plan says.
_OF_THE_PLAN = (Code.UNDER_BILLED, Code.OVER_BILLED, Code.HELD)


@dataclass(frozen=True, slots=True)
class Difference:
    """One change of one line as the files in force plan it, and as the edited ones do; None where they do not."""

    now: Planned | None
    edited: Planned | None

    @property
    def planned(self) -> Planned:
        """One that is there; the edited one where both are."""
        found = self.edited or self.now
        if found is None:
            raise ValueError("a difference needs at least one side")
        return found


@dataclass(frozen=True, slots=True)
class Compared:
    """One company. `opens` and `closes` are findings that the edited files bring, and that they settle."""

    company: int
    now: CompanyPlan
    edited: CompanyPlan
    opens: tuple[Finding, ...]
    closes: tuple[Finding, ...]

    @classmethod
    def of(
        cls, now: tuple[CompanyPlan, tuple[Finding, ...]], edited: tuple[CompanyPlan, tuple[Finding, ...]]
    ) -> Compared:
        before, after = _by_subject(now[1]), _by_subject(edited[1])
        opens = tuple(finding for place, finding in after.items() if place not in before)
        closes = tuple(finding for place, finding in before.items() if place not in after)
        return cls(now[0].company, now[0], edited[0], opens, closes)

    @property
    def differences(self) -> tuple[Difference, ...]:
        """In the order of agreements and keys; what both plan alike is none."""
        now, edited = _by_line(self.now), _by_line(self.edited)
        both = [Difference(now.get(place), edited.get(place)) for place in sorted({*now, *edited})]
        return tuple(one for one in both if _said(one.now) != _said(one.edited))

    @property
    def monthly(self) -> Money:
        """What the edited plan would bill a month more than the one in force, as far as prices are known."""
        zero = Money.zero(self.now.monthly.currency)
        now, edited = (
            Money.total((p.change.monthly for p in plan.planned if p.change.monthly is not None), zero.currency)
            for plan in (self.now, self.edited)
        )
        return edited - now


def _by_line(plan: CompanyPlan) -> Mapping[tuple[int, str, str], Planned]:
    return {(p.change.key.agreement, str(p.change.key), p.change.verb): p for p in plan.planned}


def _said(planned: Planned | None) -> object:
    return planned and (planned.digest, planned.holds, planned.realisation.note)


def _by_subject(findings: tuple[Finding, ...]) -> Mapping[tuple[Code, str], Finding]:
    return {(finding.code, finding.subject): finding for finding in findings if finding.code not in _OF_THE_PLAN}
