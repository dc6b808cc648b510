"""The invented MSP: it fits together, it speaks as published, and its story holds on any day."""

import stat
from calendar import monthrange
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
import time_machine

from agent.domain.changes import SetDescription
from agent.domain.mappings import LicenceCount, Mode
from agent.engine.assembly import Engine, assemble
from agent.engine.cycle import Result
from agent.mapping_files import MappingFiles
from agent.ports import EntryState
from agent.settings import Settings, load
from agent.simulators.companies import MISTAKES, PRODUCTS, STORIES, Story
from agent.simulators.configuration import MAPPINGS, FolderTaken
from agent.simulators.people import crowd
from agent.simulators.wire import Server
from agent.simulators.world import Served, World
from agent.sku_table import shipped
from tests.published.checker import assert_log_published
from tests.simulators.msp import APP, EVENTUAL, LICENSED, SPB, Caller

NOON = datetime(2026, 11, 20, 18, tzinfo=UTC)  # midday in Chicago, so that its date is the same
# First and last days, a month that lacks the 31st, a leap day, the turn of the year: where dates go wrong.
DAYS = [
    datetime(2026, 3, 17, 18, tzinfo=UTC),
    datetime(2026, 5, 1, 18, tzinfo=UTC),
    datetime(2027, 1, 31, 18, tzinfo=UTC),
    datetime(2028, 2, 29, 18, tzinfo=UTC),
    datetime(2026, 12, 31, 18, tzinfo=UTC),
]


@pytest.fixture
def world() -> World:
    return World.build(NOON, monotonic=lambda: 0.0)


@contextmanager
def configured(world: World, folder: Path) -> Iterator[tuple[Settings, Served]]:
    with world.serve() as served:
        yield load(world.write_configuration(folder, served, "127.0.0.1:8365")), served


@contextmanager
def engine(settings: Settings) -> Iterator[Engine]:
    made = assemble(settings, patient=False)
    try:
        yield made
    finally:
        made.close()


def test_mapping_files_fit_the_world(world: World) -> None:
    """What a file names is there: the tenant, the purchase, the agreement of this very company, the product."""
    mappings = MappingFiles(MAPPINGS, Mode.REVIEW, shipped()).load()
    products = {product.identifier for product in PRODUCTS}

    assert set(mappings.companies) == {story.company for story in STORIES}
    for story in STORIES:
        mapping, holdings = mappings.companies[story.company], world.microsoft.tenants[story.tenant].holdings
        assert (mapping.name, mapping.accounts) == (story.name, (story.tenant,))
        assert mapping.agreements == {contract.id for contract in story.contracts}
        assert {row.profile.product for row in mapping.rows} <= products
        for row in mapping.rows:
            assert set(row.skus) <= set(holdings.skus)
            if isinstance(row.count, LicenceCount) and row.subscription:
                assert row.subscription in holdings.subscriptions


def test_world_is_the_same_each_time(world: World) -> None:
    """Names and ids come from no chance, so that a story told twice tells of the same people."""
    again = World.build(NOON, monotonic=lambda: 0.0)

    assert again.microsoft.tenants.keys() == world.microsoft.tenants.keys()
    for id, tenant in world.microsoft.tenants.items():
        assert again.microsoft.tenants[id].holdings == tenant.holdings
    assert again.connectwise.state() == world.connectwise.state()


def test_everybody_has_a_name_of_their_own() -> None:
    """500 people of one domain sign in with 500 names, all of them ASCII."""
    people = crowd("example.example")
    logins = [next(people).login for _ in range(500)]

    assert len(set(logins)) == 500
    assert all(
        login.isascii() and login.replace("-", "").partition("@")[0].replace(".", "").isalpha() for login in logins
    )


def test_only_one_tenant_uses_more_than_it_bought(world: World) -> None:
    """Kestrel Ridge alone has more people on a licence than seats; elsewhere that would be a slip of ours."""
    over = {
        holdings.name
        for holdings in (tenant.holdings for tenant in world.microsoft.tenants.values())
        for sku in holdings.skus
        if holdings.consumed[sku] > sum(held.quantity for held in holdings.subscriptions_of(sku))
    }

    assert over == {"Kestrel Ridge Farms"}


@pytest.mark.parametrize("start", DAYS, ids=lambda day: f"{day:%d-%b-%Y}")
def test_this_month_is_invoiced(start: datetime) -> None:
    """In advance up to the end of this month, in arrears up to its first day, yearly for months to come."""
    world, today = World.build(start), start.date()
    invoiced = {
        contract.id: world.connectwise.terms(contract.id).next_invoice for s in STORIES for contract in s.contracts
    }

    assert invoiced[3101] == last_of_month(today) + timedelta(days=1)
    assert invoiced[3104] == today.replace(day=1)
    assert invoiced[3103]
    assert today + timedelta(days=120) < invoiced[3103] < today + timedelta(days=160)


@pytest.mark.parametrize("start", DAYS[1:4], ids=lambda day: f"{day:%d-%b-%Y}")
def test_story_holds_on_every_day(start: datetime, tmp_path: Path) -> None:
    """The same mistakes are found whatever the date, mended once approved, and then nothing is left to do; a hire is
    billed for the rest of the month, once."""
    world, alder = World.build(start), tmp_path / "mappings" / "companies" / "alder-finch.toml"
    with configured(world, tmp_path) as (settings, _), time_machine.travel(start) as now, engine(settings) as agent:
        cycle(agent)
        now.shift(3)  # whatever is lowered needs a second read
        found = cycle(agent)
        for hold in agent.store.holds():
            agent.store.decide(hold.digest, "approved", "a test", agent.clock.now(), None)
        applied, after = cycle(agent), cycle(agent)
        alder.write_text(alder.read_text().replace("\n[[row]]", 'mode = "auto"\n\n[[row]]', 1))
        world.microsoft.tenants[STORIES[0].tenant].buy("SPB", 2)
        cycle(agent)

    moved = {
        (
            p.change.company,
            p.change.key.product,
            p.change.before.quantity if p.change.before else 0,
            p.change.after.quantity,
        )
        for plan in found.plans
        for p in plan.planned
        if not isinstance(p.change, SetDescription)
    }
    assert moved == {(m.company, m.product, m.billed, m.due) for m in MISTAKES}
    assert set(applied.written) == {EntryState.CONFIRMED}
    assert applied.written[EntryState.CONFIRMED] == len(MISTAKES) + 1  # and the names on Alder & Finch's invoice
    assert [plan.planned for plan in after.plans if plan.planned] == []
    assert [(line["quantity"], line.get("cancelledDate")) for line in lines(world, 3101, "M365-BP")] == [
        (12, None),
        (2, f"{last_of_month(start.date())}T00:00:00Z"),
    ]


def test_everything_said_is_published(world: World, tmp_path: Path) -> None:
    """Each request of a cycle, and each answer of both simulators, is as the vendors describe it."""
    with time_machine.travel(NOON), configured(world, tmp_path) as (settings, _), engine(settings) as agent:
        assert agent.psa.check() == []
        cycle(agent)
        cycle(agent)
        assert len(agent.sources["microsoft"].accounts()) == len(STORIES) + 1

    assert_log_published(world.connectwise, paths="/apis/3.0/")
    assert_log_published(world.microsoft, "msgraph", paths="/v1.0/")


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.domain)
def test_every_tenant_reads_as_published(world: World, story: Story) -> None:
    """What a batch carries is described nowhere, so each read is also asked for by itself."""
    world.microsoft.login.register(APP, secret="hush")
    world.microsoft.tenants[story.tenant].consent(APP)
    caller = Caller(world.microsoft, story.tenant)

    assert len(caller.get("/subscribedSkus").json()["value"]) == len({held.licence for held in story.purchases})
    assert len(caller.get("/directory/subscriptions").json()["value"]) == len(story.purchases)
    assert sum(len(page["value"]) for page in caller.pages(LICENSED, EVENTUAL)) == sum(t.people for t in story.teams)


def test_configuration_is_what_an_msp_would_write(world: World, tmp_path: Path) -> None:
    """The settings load, secrets are for their owner alone, and the mapping files are the commented ones."""
    with configured(world, tmp_path) as (settings, served):
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "secrets").iterdir()}

        assert modes == {"graph-key.pem": 0o600, "psa-private-key": 0o600}
        assert settings.agent.mode == "review"
        assert (settings.microsoft.graph, settings.psa.connectwise.url) == (
            served.microsoft.url,
            served.connectwise.url,
        )
    written = {path.relative_to(tmp_path / "mappings") for path in (tmp_path / "mappings").rglob("*.toml")}
    assert written == {path.relative_to(MAPPINGS) for path in MAPPINGS.rglob("*.toml")}


def test_folder_of_an_earlier_time_is_used_again(world: World, tmp_path: Path) -> None:
    """Its state goes: an agent would look for lines that this world does not have yet."""
    with configured(world, tmp_path / "msp"):
        (tmp_path / "msp" / "state" / "trueup.db").write_text("remembers")
        before = (tmp_path / "msp" / "secrets" / "graph-key.pem").read_text()
    with configured(world, tmp_path / "msp"):
        assert (tmp_path / "msp" / "secrets" / "graph-key.pem").read_text() != before
        assert list((tmp_path / "msp" / "state").iterdir()) == []


def test_folder_of_somebody_else_is_left_alone(world: World, tmp_path: Path) -> None:
    """A real agent.toml must not be overwritten by a simulated one."""
    (tmp_path / "agent.toml").write_text("real")

    with pytest.raises(FolderTaken, match="overwritten"), configured(world, tmp_path):
        pass

    assert [path.name for path in tmp_path.iterdir()] == ["agent.toml"]


def test_other_processes_act_in_the_world(world: World) -> None:
    """Buying and hiring over HTTP, as `curl` would: two seats more, two people more, each with a name of their own."""
    alder = STORIES[0].tenant
    with world.serve() as served:
        act(served.microsoft, action="buy", tenant=alder, licence="SPB", seats=2)
        hired = act(served.microsoft, action="hire", tenant=alder, licence="SPB", people=2)
    holdings = world.microsoft.tenants[alder].holdings

    assert holdings.consumed[SPB] == 12
    assert set(hired) < {user.upn for user in holdings.users.values()}


def test_invoice_run_moves_on_by_one_month(world: World) -> None:
    """December is invoiced in advance, November in arrears; the year and the expired agreement are left alone."""
    with world.serve() as served:
        made = act(served.connectwise, action="invoice_run")
        again = act(served.connectwise, action="invoice_run")
    ends = {invoice["end"] for invoice in made}

    assert ends == {"2027-01-01", "2026-12-01"}
    assert len(made) == sum(len(story.contracts) for story in STORIES) - 2
    assert again == []


def cycle(agent: Engine) -> Result:
    mappings = agent.mappings.current()
    return agent.cycle.run(mappings, sorted(mappings.companies), "a test")


def lines(world: World, agreement: int, product: str) -> list[Mapping[str, Any]]:
    return [values for values in world.connectwise.additions(agreement) if values["product"]["identifier"] == product]


def last_of_month(day: date) -> date:
    return day.replace(day=monthrange(day.year, day.month)[1])


def act(server: Server, **asked: object) -> Any:
    answer = requests.post(f"{server.url}/__sim/world", json=asked, timeout=5)
    assert answer.ok, answer.text
    return answer.json()["result"]
