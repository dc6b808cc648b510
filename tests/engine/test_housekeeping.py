"""What is looked at daily: our rights, tenants that nobody mapped, companies whose file is gone, what is old."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from agent.domain.counts import NO_NEEDS, Account, Needs
from agent.domain.findings import Code, Finding, Severity
from agent.domain.mappings import Mappings
from agent.engine.housekeeping import Housekeeping
from agent.errors import Unreachable
from tests.engine.fleet import Fleet, Tenants, tenant
from tests.engine.here import COMPANY, Seats

NOBODY = Mappings({}, (), "")
EVER = datetime(2000, 1, 1, tzinfo=UTC)


class Office:
    """Two companies; a third tenant is visible that no file names."""

    def __init__(self, fleet: Fleet) -> None:
        self.fleet, self.mappings = fleet, fleet.mappings()
        self.source = Overlooked({**fleet.source.by_tenant, tenant(2): Seats(fleet.stack.clock, {})})

    def keeps_house(self) -> None:
        fleet = self.fleet
        Housekeeping(
            {"microsoft": self.source},
            fleet.agent.psa,
            fleet.store,
            fleet.stack.clock,
            lambda: self.mappings,
            ZoneInfo("Australia/Perth"),
            timedelta(days=365),
            timedelta(days=300),
        )()

    def found(self, company: int | None = None) -> list[tuple[Code, str]]:
        open_ones = [found.finding for found in self.fleet.store.findings()]
        plain = [f for f in open_ones if f.code not in (Code.UNASSIGNED_SEATS, Code.PERMISSION_TOO_WIDE)]
        return [(f.code, f.subject) for f in plain if f.company == company]


class Overlooked(Tenants):
    """`told` is what a look at a tenant's rights finds; `silent`: the partner's list cannot be read."""

    told: Sequence[Finding] = ()
    silent = False

    def accounts(self) -> Sequence[Account]:
        if self.silent:
            raise Unreachable("no answer")
        return super().accounts()

    def check(self, account: Account, needs: Needs = NO_NEEDS, elsewhere: Needs = NO_NEEDS) -> Sequence[Finding]:
        return self.told


@pytest.fixture
def office(fleet: Callable[..., Fleet]) -> Office:
    return Office(fleet(2))


def test_tenant_that_nobody_mapped_is_a_finding_until_somebody_does(office: Office) -> None:
    """The MSP sees three tenants and bills two of them."""
    office.keeps_house()
    assert office.found() == [(Code.UNMAPPED_TENANT, f"tenant/{tenant(2)}")]
    del office.source.by_tenant[tenant(2)]
    office.keeps_house()
    assert office.found() == []


def test_list_that_cannot_be_read_changes_no_finding(office: Office) -> None:
    """No answer is not an empty list: what was found yesterday stays."""
    office.keeps_house()
    office.source.silent = True
    office.keeps_house()
    assert office.found() == [(Code.UNMAPPED_TENANT, f"tenant/{tenant(2)}")]


def test_credential_is_told_once_for_all_tenants(office: Office) -> None:
    """Every tenant would say that the secret expires; one is asked, and only for what all of them share."""
    expires = Finding(Code.CREDENTIAL_EXPIRING, Severity.WARNING, None, "credentials", "it expires", "make a new one")
    office.source.told = [expires, replace(expires, code=Code.CONSENT_LOST, subject=tenant(0))]
    office.keeps_house()
    assert [code for code, _ in office.found()].count(Code.CREDENTIAL_EXPIRING) == 1
    assert Code.CONSENT_LOST not in [code for code, _ in office.found()]


def test_company_whose_file_is_gone_leaves_a_line_that_bills_on(office: Office) -> None:
    """No cycle looks at it any more: its old findings and plan go, and one says what is left on its agreement."""
    office.fleet.buys(1, seats=0)
    office.fleet.run()
    before = {code for code, _ in office.found(COMPANY + 1)}
    office.mappings = replace(office.mappings, companies={COMPANY: office.mappings.companies[COMPANY]})
    office.keeps_house()
    assert before
    assert office.found(COMPANY + 1) == [(Code.ORPHAN_LINE, f"company/{COMPANY + 1}")]
    assert (office.fleet.store.holds(COMPANY + 1), office.fleet.store.plan(COMPANY + 1)) == ([], [])


def test_file_that_is_back_ends_the_finding(office: Office) -> None:
    """As if it had never been away: the bindings stayed."""
    mapped, office.mappings = office.mappings, NOBODY
    office.keeps_house()
    assert [code for code, _ in office.found(COMPANY)] == [Code.ORPHAN_LINE]
    office.mappings = mapped
    office.keeps_house()
    assert office.found(COMPANY) == []
    assert office.fleet.run().plans[0].planned == ()


def test_earlier_versions_are_kept_as_long_as_history_says(office: Office) -> None:
    """Tenant and PSA were read with 10 and later with 12: after 30 days both are known, after 400 the present alone."""
    clock, store = office.fleet.stack.clock, office.fleet.store
    office.fleet.buys(0)
    for _ in range(2):
        clock.advance(3600)
        office.fleet.run()

    def known() -> list[int]:
        return [len(store.snapshots(Account("microsoft", tenant(0)), EVER)), len(store.standings(COMPANY, EVER))]

    clock.advance(30 * 86_400)
    office.keeps_house()
    assert min(known()) >= 2
    clock.advance(370 * 86_400)
    office.keeps_house()
    assert known() == [1, 1]


def test_old_days_are_thinned_for_a_minute_and_the_rest_the_next_time(office: Office, monkeypatch: Any) -> None:
    """Two accounts wait, and the first one takes longer than a minute: only the day before the 300th is named."""
    clock, asked = office.fleet.stack.clock, []
    first, second = (Account("microsoft", tenant(number)) for number in range(2))

    def thin(account: Account, before: date, zone: ZoneInfo, companies: Collection[int]) -> int:
        clock.advance(61)
        asked.append((account, before, tuple(companies)))
        return 7

    today = clock.today(ZoneInfo("Australia/Perth"))
    monkeypatch.setattr(office.fleet.store, "to_thin", lambda before: [first, second][len(asked) :])
    monkeypatch.setattr(office.fleet.store, "thin", thin)
    office.keeps_house()
    office.keeps_house()

    assert asked == [
        (first, today - timedelta(days=300), (COMPANY,)),
        (second, today - timedelta(days=300), (COMPANY + 1,)),
    ]
