"""The report of the month from a store alone: months, connectors, costs, without asking anybody."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from agent.domain.counts import Account, Coverage, Invoiced, Observation, Snapshot, Status, Subscription
from agent.domain.findings import Code, Finding, Severity
from agent.domain.mappings import CompanyMapping, Mappings, Mode, Place
from agent.domain.money import Money
from agent.domain.reconciliation import Confidence, Effect
from agent.faces.month_end import Books
from agent.ports import Store
from agent.reports.month_end import MonthEnd, State
from agent.reports.text import View
from agent.store import open_store
from tests.contract.store_values import COMPANY, PSA, TENANT, StillClock, binding, learnt, line, standing

ZONE = ZoneInfo("Europe/London")
NOW = datetime.fromisoformat("2026-11-20T12:00:00+00:00")
DAY = timedelta(days=1)
MAPPING = CompanyMapping(COMPANY, "Contoso Ltd", (TENANT, "pax8:7"), Mode.REPORT, (), (), Place("contoso.toml", 1))
MAPPINGS = Mappings({COMPANY: MAPPING}, (), "digest")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = open_store("", tmp_path, StillClock(NOW))
    yield opened
    opened.dispose()


def usd(amount: str) -> Money:
    return Money(Decimal(amount), "USD")


def billed(subject: str, money: str, code: Code = Code.UNDER_BILLED) -> Finding:
    return Finding(code, Severity.WARNING, COMPANY, subject, "a sentence", "a remedy", usd(money))


def seen(source: str, prepaid: int, **said: object) -> Observation:
    values = {"prepaid": prepaid, "assigned": None, **said}
    return Observation("sku-1", "SPB", "Business Premium", **values)  # type: ignore[arg-type]


def snapshot(ref: str, observation: Observation, at: datetime = NOW) -> Snapshot:
    coverage = frozenset({Coverage.LICENCES})
    return Snapshot(Account.parse(ref), at, {observation.sku: observation}, (), coverage)


def report(store: Store) -> MonthEnd:
    view = View(100, ZONE, NOW, {COMPANY: "Contoso Ltd"})
    return Books(store, MAPPINGS, PSA, "USD", ZONE, DAY, view, [COMPANY], date(2026, 11, 1)).report()


def test_trend_adds_up_what_was_open_at_the_end_of_each_month(store: Store) -> None:
    """88.00 leaked from 1 September to 26 October; 44.00 are to be given back since 2 November."""
    run = store.open_run("test", [COMPANY], False, NOW - 80 * DAY)
    store.learn(run, learnt(findings=(billed("a", "88.00"),)), NOW - 80 * DAY)  # 1 September
    store.learn(run, learnt(), NOW - 25 * DAY)  # 26 October
    store.learn(run, learnt(findings=(billed("b", "-44.00", Code.OVER_BILLED),)), NOW - 18 * DAY)
    assert [(month.label, month.leak, month.refund) for month in report(store).trend] == [
        ("Sep 2026", usd("88.00"), usd("0")),
        ("Oct 2026", usd("0"), usd("0")),
        ("Nov 2026", usd("0"), usd("44.00")),
    ]


def test_money_runs_from_the_day_on_which_it_was_first_seen(store: Store) -> None:
    """Since 20 September, two months by 20 November: 2 x 88.00."""
    run = store.open_run("test", [COMPANY], False, NOW)
    for at in (NOW - 61 * DAY, NOW):
        store.learn(run, learnt(findings=(billed("a", "88.00"),)), at)
    [one] = report(store).differences
    assert (one.since, one.so_far(NOW.date())) == (date(2026, 9, 20), usd("176.00"))


def test_sellers_purchase_gives_its_cost_and_is_no_second_one(store: Store) -> None:
    """42 in the tenant are the 42 that Pax8 sold, at 17.60; its next invoice is a leg of its own."""
    sold = Subscription("s", 42, Status.ENABLED, cost=usd("17.60"))
    store.remember([snapshot(TENANT, seen("microsoft", 42, assigned=40))])
    invoiced = Invoiced(44, usd("774.40"))
    store.remember([snapshot("pax8:7", seen("pax8", 42, subscriptions=(sold,), invoiced=invoiced))])
    run = store.open_run("test", [COMPANY], False, NOW)
    unused = replace(billed(f"{TENANT}/sku-1", "0", Code.UNASSIGNED_SEATS), money=None)
    store.learn(run, learnt(findings=(unused,)), NOW)
    made = report(store)
    [legs] = made.legs
    assert (legs.purchased, legs.assigned, legs.invoiced, legs.billed) == (42, 40, 44, None)
    [one] = made.differences
    assert (one.effect, one.units, one.monthly) == (Effect.WASTE, 2, usd("35.20"))


def test_lines_of_ours_are_the_billed_leg(store: Store) -> None:
    """12 on the line that is bound; somebody else's line of 5 beside it is not counted."""
    run = store.open_run("test", [COMPANY], False, NOW)
    store.learn(run, learnt(bindings=(binding(),), standing=standing(line(12), line(5, 4712))), NOW)
    store.remember([snapshot(TENANT, seen("microsoft", 14))])
    [legs] = report(store).legs
    assert (legs.purchased, legs.billed) == (14, 12)


def test_line_that_is_bound_to_no_row_makes_billed_unknown_and_not_zero(store: Store) -> None:
    """Somebody typed a line of 5 that nobody took over: how many are billed cannot be told here."""
    run = store.open_run("test", [COMPANY], False, NOW)
    store.learn(run, learnt(standing=standing(line(5))), NOW)
    store.remember([snapshot(TENANT, seen("microsoft", 14))])
    [legs] = report(store).legs
    assert (legs.purchased, legs.billed) == (14, None)


def test_unmapped_licence_is_priced_by_the_lines_of_others(store: Store) -> None:
    """Nobody billed it here, so its money is an estimate: 3 x 22.00, the price on the line of the same licence."""
    run = store.open_run("test", [COMPANY], False, NOW)
    unmapped = replace(billed(f"{TENANT}/sku-1", "0", Code.UNMAPPED_LICENCE), money=None)
    store.learn(run, learnt(bindings=(binding(),), findings=(unmapped,), standing=standing(line(12))), NOW)
    store.remember([snapshot(TENANT, seen("microsoft", 3))])
    [one] = report(store).differences
    assert (one.units, one.monthly, one.confidence) == (3, usd("66.00"), Confidence.ESTIMATED)


@pytest.mark.parametrize(
    ("ages", "state"),
    [((1, 2), State.GREEN), ((1, 30), State.YELLOW), ((26, 30), State.RED), ((1, None), State.YELLOW)],
)
def test_connector_is_as_well_as_its_accounts_are_current(
    store: Store, ages: tuple[int, int | None], state: State
) -> None:
    """Within a day green; one late yellow; all late red; one that was never read is late."""
    refs = (TENANT, "22222222-2222-4222-8222-222222222222")
    mapping = replace(MAPPING, accounts=refs)
    for ref, hours in zip(refs, ages, strict=True):
        if hours is not None:
            store.remember([snapshot(ref, seen("microsoft", 1), NOW - timedelta(hours=hours))])
    view = View(100, ZONE, NOW, {COMPANY: "Contoso Ltd"})
    mappings = Mappings({COMPANY: mapping}, (), "digest")
    made = Books(store, mappings, PSA, "USD", ZONE, DAY, view, [COMPANY], date(2026, 11, 1)).report()
    states = {origin.name: origin.state for origin in made.origins}
    assert states == {"microsoft": state, PSA: State.RED}
