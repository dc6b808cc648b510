"""Counts of other sources from the mapping file to the line of the agreement: devices reconcile as licences do."""

import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from agent.domain.counts import Account, Unit
from agent.domain.findings import Code, Over
from agent.domain.mappings import Basis, SourceTraits
from agent.engine.housekeeping import Housekeeping
from agent.engine.sources import Switchboard
from agent.sheets import Choices
from agent.simulators import huntress, pax8
from agent.sku_table import shipped
from agent.sources.huntress import ApiKey, HuntressSource
from agent.sources.kinds import TRAITS
from agent.sources.pax8 import Credential, Pax8Source
from agent.sources.sheet import Layout, SheetSource
from tests.engine.firm import Firm
from tests.engine.here import UTC_ZONE
from tests.sources.counter import outgoing
from tests.sources.office import CONTOSO, SPB

SHOP = "0b4c0000-0000-4000-8000-00000000abcd"
IDS = f'sources = {{ huntress = "4711", pax8 = "{SHOP}" }}\n'
EDR = IDS + '[[row]]\nsource = "huntress"\nproduct = "edr"\nprofile = "care"\nagreement = 1021\nadopt = true\n'
PREMIUM = IDS + '[[row]]\nlicence = "SPB"\nprofile = "bp"\nagreement = 1021\nadopt = true\n'


class Msp(Firm):
    """Contoso has 10 Business Premium, bought at Pax8, and 9 agents at Huntress."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, sources=TRAITS)
        clock = self.office.microsoft.clock
        self.tenant.add_subscription("SPB", 10)
        self.hunt, self.shop = huntress.Huntress(clock), pax8.Pax8(clock)
        self.hunt.add_organization("Contoso", 4711)
        self.hunt.protect(4711, agents=9)
        self.shop.add_company("Contoso", SHOP)
        self.bought = self.shop.sell(
            SHOP,
            self.shop.add_product("Microsoft 365 Business Premium"),
            10,
            vendorSkuId=SPB,
            commitmentTerm={"id": SHOP, "term": "1-Year", "endDate": "2026-12-02"},
        )
        self.secret = huntress.SECRET
        key, credential = ApiKey(huntress.KEY, lambda: self.secret), Credential(pax8.CLIENT_ID, lambda: pax8.SECRET)
        protects, sells = outgoing(self.hunt, "https://api.huntress.io"), outgoing(self.shop, "https://api.pax8.com")
        self.cycle.source = Switchboard(
            {
                "microsoft": self.office.source(),
                "huntress": HuntressSource("huntress", protects, key, self.office, TRAITS["huntress"].products),
                "pax8": Pax8Source("pax8", sells, credential, self.office, shipped()),
            }
        )

    def told(self, code: Code) -> list[str]:
        return [one.finding.sentence for one in self.found(code)]


@pytest.fixture
def msp(tmp_path: Path) -> Iterator[Msp]:
    made = Msp(tmp_path)
    made.agree(1021)
    yield made
    made.cycle.store.dispose()


def test_twelve_billed_nine_protected(msp: Msp) -> None:
    """Over-billed by 3: told at once, and lowered once a second read agrees."""
    msp.sell(1021, "CARE", 12)
    msp.map(EDR)
    msp.run()
    assert msp.told(Code.OVER_BILLED) == ["Huntress Managed EDR: 12 billed, 9 to bill (9 counted, 12 on the agreement)"]
    assert msp.lines(1021) == [("CARE", 12, "2025-01-01", "")]
    msp.settle()
    assert msp.lines(1021) == [("CARE", 9, "2025-01-01", "")]


def test_more_devices_are_billed_from_their_day(msp: Msp) -> None:
    """9 billed, 11 protected: two more from today, as two more seats would be."""
    msp.sell(1021, "CARE", 9)
    msp.map(EDR)
    msp.hunt.protect(4711, agents=11)
    msp.settle()
    assert msp.lines(1021) == [("CARE", 2, "2026-03-17", "2026-03-31"), ("CARE", 11, "2025-01-01", "")]


def test_two_organizations_of_one_company_are_billed_each(msp: Msp) -> None:
    """9 agents in one, 4 in the other: what only one of them has a row for is not taken to be billed in both."""
    msp.hunt.add_organization("Contoso Perth", 4712)
    msp.hunt.protect(4712, agents=4)
    both = EDR.replace('"4711"', '["4711", "4712"]') + 'account = "4711"\n'
    msp.map(both)
    msp.run()
    assert "huntress: Huntress Managed EDR, 4 devices in use, billed by no row" in msp.told(Code.UNMAPPED_LICENCE)
    perth = '[[row]]\nsource = "huntress"\naccount = "4712"\nproduct = "edr"\nprofile = "box"\nagreement = 1021\n'
    msp.map(both + perth)
    msp.settle()
    assert msp.lines(1021) == [("BOX", 4, "2026-03-17", ""), ("CARE", 9, "2026-03-17", "")]
    assert not [said for said in msp.told(Code.UNMAPPED_LICENCE) if "EDR" in said]


@pytest.mark.parametrize("usage", [{}, None, {"edr": {"billable_agents_count": 0}}])
def test_nothing_left_lowers_nothing(msp: Msp, usage: object) -> None:
    """An account that lists nothing at all is never an instruction, however often it says so."""
    msp.sell(1021, "CARE", 12)
    msp.map(EDR)
    msp.hunt.organizations[4711]["actual_usages"] = usage
    for _ in range(3):
        msp.run()
        msp.pass_time(hours=1)
    assert msp.lines(1021) == [("CARE", 12, "2025-01-01", "")]
    assert msp.cycle.store.holds() == []
    assert msp.told(Code.SOURCE_EMPTY if usage is not None else Code.SOURCE_INCOMPLETE)


def test_product_that_is_gone_waits_for_a_person(msp: Msp) -> None:
    """Others are still listed, so it may be true: the end is proposed, and held."""
    msp.sell(1021, "CARE", 12)
    msp.map(EDR)
    msp.settle()
    msp.hunt.organizations[4711]["actual_usages"] = {"sat": {"learners_count": 4}}
    for _ in range(3):
        msp.run()
        msp.pass_time(hours=1)
    assert msp.lines(1021) == [("CARE", 9, "2025-01-01", "")]
    [hold] = [one for one in msp.cycle.store.holds() if one.state == "open"]
    assert (hold.sentence, hold.reasons) == ("end care: 9 -> 0 from 2026-03-17", ("the line would stop billing",))
    assert msp.told(Code.UNMAPPED_LICENCE)[-1:] == [
        "huntress: Huntress Security Awareness Training, 4 seats in use, billed by no row"
    ]


@pytest.mark.parametrize("kind", ["timeout", "not-json", "error-before", "truncated-json", "redirect"])
def test_source_that_fails_lowers_nothing_and_stops_nobody(msp: Msp, kind: str) -> None:
    """Its line stays; the licences of the same company go on."""
    msp.sell(1021, "CARE", 12)
    msp.map(EDR + '[[row]]\nlicence = "SPB"\nprofile = "bp"\nagreement = 1021\n')
    msp.hunt.faults.add(kind, times=1000)
    msp.settle()
    assert msp.lines(1021) == [("BP", 10, "2026-03-17", ""), ("CARE", 12, "2025-01-01", "")]
    found = [one.finding for one in msp.cycle.store.findings() if one.finding.subject == "huntress:4711"]
    assert [one.code for one in found] == [
        Code.SOURCE_STALE if kind in ("timeout", "error-before") else Code.SOURCE_INCOMPLETE
    ]


def with_file(msp: Msp, text: str, complete: bool = True) -> None:
    """A backup system's list beside the other sources; each call is a new export."""
    path = msp.folder / "backup.csv"
    path.write_text(text)
    at = msp.office.now().timestamp()
    os.utime(path, (at, at))
    layout = Layout(path, Basis.ASSIGNED, Unit.DEVICE, Choices(), complete)
    source = SheetSource("backup", layout, msp.office, shipped())
    assert isinstance(msp.cycle.source, Switchboard)
    msp.cycle.source = Switchboard({**msp.cycle.source.sources, "backup": source})
    msp.sources = {**TRAITS, "backup": SourceTraits(Basis.ASSIGNED, licences=True)}
    msp.map(
        'sources = { backup = "contoso" }\n'
        '[[row]]\nsource = "backup"\nproduct = "server"\nprofile = "care"\nagreement = 1021\nadopt = true\n'
    )


FILE = "Company,Product,Quantity\nContoso,Server,{}\nContoso,Tape,1\n"


def test_file_raises_by_itself_and_lowers_with_a_person(msp: Msp) -> None:
    """9 -> 12 is billed; 12 -> 9 waits, however often the same file is read."""
    msp.sell(1021, "CARE", 9)
    with_file(msp, FILE.format(12))
    for _ in range(3):
        msp.run()
        msp.pass_time(minutes=5)
    raised = [("CARE", 3, "2026-03-17", "2026-03-31"), ("CARE", 12, "2025-01-01", "")]
    assert msp.lines(1021) == raised
    with_file(msp, FILE.format(9))
    for _ in range(3):
        msp.run()
        msp.pass_time(hours=1)
    assert msp.lines(1021) == raised
    [hold] = [one for one in msp.cycle.store.holds() if one.state == "open"]
    assert "backup account contoso is a file, and no second read agrees with it" in hold.reasons
    msp.approve(hold.digest)
    msp.run()
    assert msp.lines(1021)[-1] == ("CARE", 9, "2025-01-01", "")


def test_file_that_is_no_full_export_ends_nothing(msp: Msp) -> None:
    """What it does not list is unknown; in a full export it is none, and a person is asked."""
    msp.sell(1021, "CARE", 9)
    with_file(msp, "Company,Product,Quantity\nContoso,Tape,1\n", complete=False)
    msp.run()
    assert msp.cycle.store.holds() == []
    assert any("need not list all" in said for said in msp.told(Code.SOURCE_INCOMPLETE))
    with_file(msp, "Company,Product,Quantity\nContoso,Tape,1\n", complete=True)
    msp.pass_time(hours=1)
    msp.settle()
    assert [one[:2] for one in msp.lines(1021) if not one[3]] == []


def test_refused_key_is_told_and_stops_nobody(msp: Msp) -> None:
    """The run is done, for the tenant was read."""
    msp.map(EDR + '[[row]]\nlicence = "SPB"\nprofile = "bp"\nagreement = 1021\n')
    msp.secret = "canary-wrong"
    msp.settle()
    assert msp.lines(1021) == [("BP", 10, "2026-03-17", "")]
    assert [one.finding.subject for one in msp.found(Code.CREDENTIALS_REJECTED)] == ["huntress/credentials"]


def test_source_that_left_agent_toml_is_told(msp: Msp) -> None:
    """The mapping files in force may be older than the settings; its line stays."""
    msp.sell(1021, "CARE", 12)
    msp.map(EDR)
    assert isinstance(msp.cycle.source, Switchboard)
    msp.cycle.source = Switchboard({"microsoft": msp.cycle.source.sources["microsoft"]})
    msp.run()
    assert "agent.toml has no source huntress any more" in " ".join(msp.told(Code.SOURCE_INCOMPLETE))
    assert msp.lines(1021) == [("CARE", 12, "2025-01-01", "")]


def test_findings_of_a_source_that_left_are_closed(msp: Msp) -> None:
    """What it told last can be read no more; that a row still names it stays a finding, until the row is gone."""
    msp.hunt.organizations[4711]["actual_usages"] = {"sat": {"learners_count": 4}}
    msp.map(EDR)
    msp.run()
    assert "huntress:4711/sat" in [one.finding.subject for one in msp.found(Code.UNMAPPED_LICENCE)]
    assert isinstance(msp.cycle.source, Switchboard)
    left = {name: source for name, source in msp.cycle.source.sources.items() if name != "huntress"}
    msp.cycle.source = Switchboard(left)
    msp.pass_time(hours=1)
    msp.run()
    kept, ours = timedelta(days=9), (msp.cycle.psa, msp.cycle.store, msp.office)
    Housekeeping(left, *ours, lambda: msp.mappings, UTC_ZONE, kept, kept)()
    assert "huntress:4711/sat" not in [one.finding.subject for one in msp.found(Code.UNMAPPED_LICENCE)]
    assert "agent.toml has no source huntress any more" in " ".join(msp.told(Code.SOURCE_INCOMPLETE))
    [closed] = msp.cycle.store.closed_findings(msp.office.now())
    assert (closed.finding.subject, closed.because) == ("huntress:4711/sat", Over.SOURCE_GONE)


def test_seller_is_compared_with_the_tenant(msp: Msp) -> None:
    """12 bought, 10 in the tenant: two seats too many at 16.00 a month each; the line follows the tenant."""
    msp.map(PREMIUM)
    msp.shop.change(msp.bought, quantity=12)
    msp.settle()
    [found] = msp.found(Code.SELLER_DISAGREES)
    assert found.finding.sentence == "Microsoft 365 Business Premium: 12 bought at pax8, 10 in the tenant"
    assert str(found.finding.money) == "32.00 USD"
    assert msp.lines(1021) == [("BP", 10, "2026-03-17", "")]
    assert [one for one in msp.told(Code.UNMAPPED_LICENCE) if "Business Premium" in one] == []
    msp.shop.change(msp.bought, quantity=10)
    msp.run()
    assert msp.found(Code.SELLER_DISAGREES) == []


def test_seller_tells_the_term_that_the_tenant_does_not(msp: Msp) -> None:
    """Joined by the purchase's id in commerce, kept with the reading, and remembered while Pax8 cannot be read."""
    [premium] = msp.tenant.holdings.subscriptions_of(SPB)
    msp.shop.change(msp.bought, vendorSubscriptionId=premium.commerce_id)
    msp.map(PREMIUM + 'term = "monthly/monthly"\n')
    msp.settle()
    [told] = msp.told(Code.TERM_DISAGREES)
    assert told.endswith("is annual, paid monthly: Pax8 says so")
    kept = msp.cycle.store.last_snapshot(Account("microsoft", CONTOSO))
    assert kept is not None
    [bought] = kept.observations[SPB].subscriptions
    assert bought.deal is not None
    assert f"{bought.deal.ends:%Y-%m-%d}" == "2026-12-03"
    msp.shop.faults.add("timeout", times=1000)
    msp.pass_time(hours=1)
    msp.run()
    [history] = msp.cycle.store.histories("microsoft", [CONTOSO]).values()
    assert history.chapters[bought.id][-1].deal == bought.deal


def test_order_under_way_is_told_until_it_is_delivered(msp: Msp) -> None:
    """5 more are in the tenant already, and at Pax8 still on their way."""
    msp.map(PREMIUM)
    product = next(iter(msp.shop.products))
    order = msp.shop.sell(SHOP, product, 5, vendorSkuId=SPB, status="PendingAutomated")
    msp.tenant.buy("SPB", 5)
    msp.run()
    [told] = msp.told(Code.ORDER_PENDING)
    assert told == "Microsoft 365 Business Premium: 5 seats ordered at pax8 since 2026-03-17, not delivered yet"
    [differs] = msp.told(Code.SELLER_DISAGREES)
    assert differs.endswith("10 bought at pax8, 15 in the tenant; 5 more ordered there")
    msp.shop.change(order, status="Active")
    msp.pass_time(hours=1)
    msp.run()
    assert msp.told(Code.ORDER_PENDING) == msp.told(Code.SELLER_DISAGREES) == []


def test_draft_invoice_is_compared_with_what_is_in_force(msp: Msp) -> None:
    """An order to cancel takes effect at the end of the month, and the coming invoice lacks it already."""
    msp.map(PREMIUM)
    msp.shop.cancel(msp.bought, days=14)
    msp.shop.sell(SHOP, next(iter(msp.shop.products)), 2, vendorSkuId=SPB)
    msp.run()
    told = "Microsoft 365 Business Premium: pax8 is about to bill 2, 12 are in force; 10 of them end from 2026-03-31 on"
    assert told in msp.told(Code.SELLER_DISAGREES)


def test_purchase_in_a_strange_state_stops_its_line(msp: Msp) -> None:
    """Pax8's words are open: what a new one means for the number, nobody knows."""
    backup = msp.shop.add_product("Cloud Backup", "Axcient")
    strange = msp.shop.sell(SHOP, backup, 3, status="OnHold")
    msp.map(IDS + f'[[row]]\nsource = "pax8"\nproduct = "{backup}"\nprofile = "box"\nagreement = 1021\n')
    msp.settle()
    assert msp.lines(1021) == []
    assert any(f"whether purchase {strange} is in force" in said for said in msp.told(Code.SOURCE_INCOMPLETE))


def test_what_is_sold_may_be_what_is_billed(msp: Msp) -> None:
    """A product that Microsoft does not know goes by Pax8's own id: 3 sold, 3 billed."""
    backup = msp.shop.add_product("Cloud Backup", "Axcient")
    msp.shop.sell(SHOP, backup, 3)
    msp.map(IDS + f'[[row]]\nsource = "pax8"\nproduct = "{backup}"\nprofile = "box"\nagreement = 1021\n')
    msp.settle()
    assert msp.lines(1021) == [("BOX", 3, "2026-03-17", "")]
