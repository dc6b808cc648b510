"""Huntress, Datto RMM and NinjaOne keep the laws of every source, and count what is billed."""

import pytest

from agent.domain.counts import Account, Coverage, Hint
from agent.errors import Absent, CredentialsRejected, Incomplete, ReadFailed
from agent.simulators import datto_rmm, huntress, ninjaone
from agent.simulators.faults import Kind
from agent.simulators.simulator import SimClock
from agent.sources.datto_rmm import ApiKey as DattoKey
from agent.sources.datto_rmm import DattoRmmSource
from agent.sources.huntress import ApiKey, HuntressSource
from agent.sources.kinds import TRAITS
from agent.sources.ninjaone import ClientKey, NinjaOneSource
from tests.contract.source_contract import SourceContract
from tests.sources.counter import MARCH, Clock, CounterStage, outgoing

HUNTRESS, DATTO, NINJA = "https://api.huntress.io", "https://vidal-api.centrastage.net", "https://eu.ninjarmm.com"
TENANT = "4f1c0000-0000-4000-8000-00000000abcd"
SITE = "5173c0de-0000-4000-8000-000000000001"


@pytest.fixture
def hunt() -> huntress.Huntress:
    """Contoso has 12 agents installed, of which 3 no longer answer."""
    made = huntress.Huntress(SimClock(MARCH))
    made.add_organization("Contoso Ltd", 4711, tenant=TENANT.upper())
    made.protect(4711, agents=12, silent=3)
    return made


def hunting(made: huntress.Huntress, secret: str = huntress.SECRET, size: int = 500) -> HuntressSource:
    key = ApiKey(huntress.KEY, lambda: secret)
    return HuntressSource(
        "huntress", outgoing(made, HUNTRESS), key, Clock(made.clock), TRAITS["huntress"].products, size
    )


@pytest.fixture
def datto() -> datto_rmm.DattoRmm:
    """Contoso's site has 2 servers, 7 workstations and a printer."""
    made = datto_rmm.DattoRmm(SimClock(MARCH))
    made.add_site("Contoso", SITE)
    for number in range(2):
        made.enrol(SITE, f"SRV{number}", "Server")
    for number in range(7):
        made.enrol(SITE, f"PC{number}", "Laptop" if number else "Desktop")
    made.enrol(SITE, "COPIER", "Printer", "printer")
    return made


def rmm(made: datto_rmm.DattoRmm, size: int = 250) -> DattoRmmSource:
    key = DattoKey(datto_rmm.KEY, lambda: datto_rmm.SECRET)
    return DattoRmmSource("rmm", outgoing(made, DATTO), key, Clock(made.clock), size)


@pytest.fixture
def ninja() -> ninjaone.NinjaOne:
    """Contoso has 2 servers, 5 workstations, a switch and a device that nobody has approved yet."""
    made = ninjaone.NinjaOne(SimClock(MARCH))
    made.add_organization("Fabrikam", 1)
    made.add_organization("Contoso", 2)
    made.enrol(1, "elsewhere")
    for number in range(2):
        made.enrol(2, f"srv{number}", "WINDOWS_SERVER" if number else "LINUX_SERVER")
    for number in range(5):
        made.enrol(2, f"pc{number}", "MAC" if number else "WINDOWS_WORKSTATION")
    made.enrol(2, "switch", "NMS_SWITCH")
    made.enrol(2, "stranger", approvalStatus="PENDING")
    return made


def shadowed(made: ninjaone.NinjaOne, size: int = 1000) -> NinjaOneSource:
    key = ClientKey(ninjaone.ID, lambda: ninjaone.SECRET)
    return NinjaOneSource("ninja", outgoing(made, NINJA), key, Clock(made.clock), size)


class TestHuntress(SourceContract):
    @pytest.fixture
    def stage(self, hunt: huntress.Huntress) -> CounterStage:
        return CounterStage(hunt, hunting(hunt), Account("huntress", "4711"), Account("huntress", "1"))


class TestDattoRmm(SourceContract):
    @pytest.fixture
    def stage(self, datto: datto_rmm.DattoRmm) -> CounterStage:
        return CounterStage(datto, rmm(datto, size=4), Account("rmm", SITE), Account("rmm", SITE[:-1] + "2"))


class TestNinjaOne(SourceContract):
    @pytest.fixture
    def stage(self, ninja: ninjaone.NinjaOne) -> CounterStage:
        staged = CounterStage(ninja, shadowed(ninja, size=4), Account("ninja", "2"), Account("ninja", "9"))
        # Without a total, a page that came back empty is the end; so is a page of one that lost it.
        staged.lies = frozenset({Kind.PAGE_SKIPPED, Kind.PAGE_SHORT})
        return staged


def test_huntress_bills_what_answers(hunt: huntress.Huntress) -> None:
    """12 installed, 3 silent: 9 billed, and nobody says which."""
    hunt.use(4711, "itdr", [{"billable_identities_count": 5}, {"billable_identities_count": 2}])
    hunt.use(4711, "sat", {"learners_count": 0})
    seen = hunting(hunt).observe(Account("huntress", "4711"))

    assert {key: one.told for key, one in seen.observations.items()} == {
        "edr": "9 devices in use",
        "itdr": "7 seats in use",
    }
    assert seen.coverage == {Coverage.LICENCES, Coverage.IN_USE}


def test_huntress_without_usage_is_not_zero(hunt: huntress.Huntress) -> None:
    """An organisation whose usage is not told is unknown; one that uses nothing lists nothing."""
    hunt.organizations[4711]["actual_usages"] = None
    with pytest.raises(Incomplete):
        hunting(hunt).observe(Account("huntress", "4711"))


def test_huntress_knows_the_tenant(hunt: huntress.Huntress) -> None:
    """The organisation names its Microsoft tenant, which is the surest hint there is; three pages of one each."""
    for number in range(2):
        hunt.add_organization(f"Other {number}")
    accounts = hunting(hunt, size=1).accounts()

    assert [one.name for one in accounts] == ["Contoso Ltd", "Other 0", "Other 1"]
    assert [dict(one.hints) for one in accounts] == [{Hint.TENANT: TENANT}, {}, {}]


def test_wrong_key_stops_all(hunt: huntress.Huntress) -> None:
    """A refusal of the key is not one organisation's trouble."""
    with pytest.raises(CredentialsRejected):
        hunting(hunt, secret="canary-wrong").observe(Account("huntress", "4711"))


def test_datto_counts_by_class_and_names_each(datto: datto_rmm.DattoRmm) -> None:
    """2 servers, 7 workstations, 1 printer; a deleted device is gone though the list still has it."""
    gone = datto.enrol(SITE, "OLD", "Server")
    datto.remove(gone)
    seen = rmm(datto).observe(Account("rmm", SITE.upper()))

    assert {key: one.assigned for key, one in seen.observations.items()} == {
        "printer": 1,
        "server": 2,
        "workstation": 7,
    }
    assert sorted(one.login for one in seen.holders("server")) == ["SRV0", "SRV1"]
    assert {one.purchased for one in seen.observations.values()} == {None}


def test_datto_class_that_is_not_known_is_seen(datto: datto_rmm.DattoRmm) -> None:
    """It is billed by no row, and so a finding; it is not one of the others."""
    datto.enrol(SITE, "SENSOR", "Toaster")
    assert rmm(datto).observe(Account("rmm", SITE)).observations["other"].assigned == 1


def test_datto_lists_no_sites_for_single_calls(datto: datto_rmm.DattoRmm) -> None:
    """An on-demand site is nobody's contract."""
    datto.add_site("On demand", onDemand=True)
    assert [one.name for one in rmm(datto).accounts()] == ["Contoso"]


def test_ninja_counts_what_was_approved(ninja: ninjaone.NinjaOne) -> None:
    """2 + 5 + 1 are billed by class; the stranger is told and is none of them."""
    seen = shadowed(ninja, size=3).observe(Account("ninja", "2")).observations

    assert {key: one.assigned for key, one in seen.items()} == {
        "network": 1,
        "pending": 1,
        "server": 2,
        "workstation": 5,
    }


def test_ninja_page_that_is_too_short_costs_one_more(ninja: ninjaone.NinjaOne) -> None:
    """The next page begins behind the last id that came, wherever the page was cut."""
    source = shadowed(ninja, size=4)
    whole = source.observe(Account("ninja", "2")).observations
    ninja.faults.add("page-short", path="/devices")

    assert source.observe(Account("ninja", "2")).observations == whole


def test_ninja_filter_that_is_ignored_is_noticed(ninja: ninjaone.NinjaOne) -> None:
    """Devices of other organisations would be billed to this one."""
    ninja._filtered = lambda text: list(ninja.devices.values())  # type: ignore[method-assign]
    with pytest.raises(Incomplete):
        shadowed(ninja).observe(Account("ninja", "2"))


@pytest.mark.parametrize("name", ["hunt", "datto", "ninja"])
def test_account_that_is_gone_is_no_zero(name: str, request: pytest.FixtureRequest) -> None:
    """It would read as an account without devices."""
    made = request.getfixturevalue(name)
    source = {"hunt": hunting, "datto": rmm, "ninja": shadowed}[name](made)
    with pytest.raises(Absent) as refused:
        source.observe(Account("any", "99"))
    assert isinstance(refused.value, ReadFailed)
