"""Terms from Partner Center: matched with the tenant's own subscriptions, counted once, and unknown when unread."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from agent.domain.counts import Account, Coverage, Deal, Needs, Observation, Snapshot, Term
from agent.ports import Source
from agent.simulators.faults import ANATOMY, Show
from agent.simulators.microsoft import Odd, Tenant
from agent.simulators.microsoft.fleet import fill
from agent.sources.microsoft import MicrosoftSource
from agent.sources.microsoft.partner_center import WireSale, deal_of
from tests.contract.source_contract import SourceContract
from tests.sources.office import APP, CENTER, CONTOSO_ACCOUNT, MARCH, PARTNER, SPB, SPE_E3, STRANGER, TERMS, Office

SALES = "/v1/customers/"
DAY = timedelta(days=1)
# Whole and wrong: nobody can tell that a sale which was there has gone.
LIES = {Odd.EMPTY_LIST}
OURS = {Odd.ERROR, Odd.TOO_MANY, Odd.TOO_MANY_BARE, Odd.VALUE_MISSING, Odd.PAGE_SHORT, Odd.PAGE_REPEATED}


@pytest.fixture
def selling(office: Office) -> Office:
    """The partner sold 12 Business Premium for a year on 15 March; the E3 were bought elsewhere."""
    office.open_partner_center()
    dates = {"created": MARCH - 2 * DAY, "next_lifecycle": datetime(2027, 3, 15, 9, tzinfo=UTC)}
    office.change(owner_tenant=PARTNER, term="P1Y", cycle="monthly", **dates)
    return office


def asked(office: Office) -> int:
    return sum(SALES in request for request in office.requests)


def deal(seen: Observation) -> Deal | None:
    [one] = seen.subscriptions
    return one.deal


class TestTerms:
    def test_sale_is_matched_with_the_subscription_and_counted_once(self, selling: Office) -> None:
        """12 in the tenant and 12 sold are 12: the sale adds its term, its end and its window."""
        seen = selling.sold()
        premium = seen.observations[SPB]
        assert premium.purchased == 12
        assert len(premium.subscriptions) == 1
        assert deal(premium) == Deal(
            Term(12, 1),
            12,
            ends=datetime(2027, 3, 15, 9, tzinfo=UTC),
            cancel_until=MARCH + 5 * DAY,
            by="Partner Center",
        )
        assert Coverage.TERMS in seen.coverage

    def test_what_others_sold_has_no_term(self, selling: Office) -> None:
        """Partner Center lists this partner's sales only; the rest is counted as ever."""
        seen = selling.sold().observations[SPE_E3]
        assert (seen.purchased, deal(seen)) == (3, None)

    @pytest.mark.parametrize(
        ("term", "cycle", "expected"),
        [
            ("P1M", "monthly", Term(1, 1)),
            ("P1Y", "annual", Term(12, 12)),
            ("P3Y", "monthly", Term(36, 1)),
            ("P3Y", "triennial", Term(36, 36)),
            ("P3Y", "one_time", Term(36)),
        ],
    )
    def test_terms_and_cycles_are_read(self, selling: Office, term: str, cycle: str, expected: Term) -> None:
        """Commitment and payment are two facts; a payment that we do not know leaves the other standing."""
        selling.change(term=term, cycle=cycle)
        found = deal(selling.sold().observations[SPB])
        assert found is not None
        assert found.term == expected

    def test_sale_of_the_old_commerce_has_no_term(self, selling: Office) -> None:
        """No term told: none known, whatever its dates look like."""
        selling.change(term="")
        assert deal(selling.sold().observations[SPB]) is None

    def test_end_in_another_age_is_no_end(self, selling: Office) -> None:
        """What does not renew by itself is given 9999 as its end; the tenant's own date stands."""
        selling.change(renews=False)
        found = deal(selling.sold().observations[SPB])
        assert found is not None
        assert (found.ends, found.renews) == (None, False)

    def test_order_for_the_next_term_is_read(self, selling: Office) -> None:
        """8 have been ordered for the renewal."""
        selling.change(next_quantity=8)
        found = deal(selling.sold().observations[SPB])
        assert found is not None
        assert found.next_quantity == 8


@pytest.mark.parametrize(
    ("told", "end"),
    [
        ("2027-02-28T00:00:00Z", datetime(2027, 3, 1, tzinfo=UTC)),
        ("2027-02-28T23:59:59.9999999Z", datetime(2027, 3, 1, tzinfo=UTC)),
        ("2027-03-01T08:29:59Z", datetime(2027, 3, 1, 8, 30, tzinfo=UTC)),
        ("9999-12-30T23:59:59.9999999Z", None),
    ],
)
def test_last_day_of_a_commitment_is_inclusive(told: str, end: datetime | None) -> None:
    """The term is over when its last day, or its last second, is."""
    sale = WireSale("id", "active", 10, termDuration="P1Y", commitmentEndDate=told)
    found = deal_of(sale, MARCH)
    assert found is not None
    assert found.ends == end


class TestThrift:
    def test_each_tenant_is_asked_once_a_day(self, selling: Office) -> None:
        """Ten cycles in a day cost one request, the next day one more."""
        source = selling.source_with_sales()
        for _ in range(10):
            source.observe(CONTOSO_ACCOUNT, TERMS)
            selling.sleep(3_600)
        assert asked(selling) == 1
        selling.sleep(14 * 3_600)
        source.observe(CONTOSO_ACCOUNT, TERMS)
        assert asked(selling) == 2

    def test_a_change_in_the_tenant_asks_at_once(self, selling: Office, contoso: Tenant) -> None:
        """Three more seats: what was sold is asked for anew."""
        source = selling.source_with_sales()
        source.observe(CONTOSO_ACCOUNT, TERMS)
        contoso.buy("SPB", 3)
        source.observe(CONTOSO_ACCOUNT, TERMS)
        assert asked(selling) == 2

    def test_a_refusal_is_not_repeated_in_every_cycle(self, selling: Office) -> None:
        """Once an hour is enough to notice that somebody has put it right."""
        selling.microsoft.partner_center.partners.clear()
        source = selling.source_with_sales()
        for _ in range(6):
            source.observe(CONTOSO_ACCOUNT, TERMS)
            selling.sleep(600)
        assert asked(selling) == 1
        selling.microsoft.partner_center.partners.add(PARTNER)
        assert Coverage.TERMS in source.observe(CONTOSO_ACCOUNT, TERMS).coverage

    def test_it_is_asked_only_where_a_row_needs_terms(self, selling: Office) -> None:
        """A tenant whose rows hold no commitment and lock no price costs no request, nor does its check."""
        source = selling.source_with_sales()
        assert Coverage.TERMS not in source.observe(CONTOSO_ACCOUNT, Needs(mailboxes=True)).coverage
        assert source.check(CONTOSO_ACCOUNT) == []
        assert asked(selling) == 0

    def test_it_is_off_by_default(self, selling: Office) -> None:
        """Nobody asks a service that nobody set up."""
        assert Coverage.TERMS not in selling.observe(TERMS).coverage
        assert asked(selling) == 0


class TestFailures:
    def test_reseller_who_is_refused_is_told_why(self, selling: Office) -> None:
        """Indirect resellers cannot read it: the tenant is read all the same, and the gap says what to do."""
        selling.microsoft.partner_center.partners.clear()
        seen = selling.sold()
        assert seen.observations[SPB].purchased == 12
        assert "refuses the application (403)" in seen.gaps[Coverage.TERMS].reason
        assert "microsoft.partner-center.every" in seen.gaps[Coverage.TERMS].remedy

    def test_check_tells_what_cannot_be_read(self, selling: Office) -> None:
        """`trueup check` shows it before anybody relies on terms."""
        assert [f.subject for f in selling.source_with_sales().check(CONTOSO_ACCOUNT, TERMS)] == []
        selling.microsoft.partner_center.partners.clear()
        [finding] = selling.source_with_sales().check(CONTOSO_ACCOUNT, TERMS)
        assert finding.sentence.startswith("the terms of tenant 4f1c0000")

    @pytest.mark.parametrize("odd", sorted(OURS))
    @pytest.mark.parametrize("times", [1, None])
    def test_every_oddity_leaves_all_or_nothing(self, selling: Office, odd: Odd, times: int | None) -> None:
        """Each subscription has its terms as they are, or the snapshot says that they are not known."""
        truth = selling.sold()
        selling.assert_published()
        selling.microsoft.partner_center.oddities.add(odd, times=times)
        assert_whole_or_gap(selling.sold(), truth)
        selling.microsoft.log.clear()  # on purpose not as published

    @pytest.mark.parametrize("kind", sorted(k for k, (_, show) in ANATOMY.items() if show is not Show.ANSWER))
    def test_every_fault_of_the_wire_leaves_all_or_nothing(self, selling: Office, kind: str) -> None:
        """The same for whatever happens on the way, once and for ever."""
        truth = selling.sold()
        for times in (1, 1000):
            selling.microsoft.faults.add(kind, path=SALES, times=times)
            assert_whole_or_gap(selling.sold(), truth)
            selling.microsoft.faults.clear()


def assert_whole_or_gap(seen: Snapshot, truth: Snapshot) -> None:
    told = Coverage.TERMS in seen.coverage
    assert told is not (Coverage.TERMS in seen.gaps)
    assert seen.observations == (truth.observations if told else without_deals(truth))
    assert (seen.members, seen.coverage | {Coverage.TERMS}) == (truth.members, truth.coverage)


def without_deals(snapshot: Snapshot) -> dict[str, Observation]:
    return {
        sku: replace(seen, subscriptions=tuple(replace(one, deal=None) for one in seen.subscriptions))
        for sku, seen in snapshot.observations.items()
    }


class SellingStage:
    """Faults strike the tenant's own services; those of Partner Center have laws of their own above."""

    def __init__(self) -> None:
        self.office = Office()
        self.office.open_partner_center()
        fill(self.office.tenant, 1050, [SPB, SPE_E3], random.Random(1))
        for one in self.office.tenant.holdings.subscriptions:
            self.office.tenant.change_subscription(one, owner_tenant=PARTNER, term="P1Y")
        self.office.add_tenant(STRANGER, "Fabrikam").withdraw_consent(APP)
        self.source: Source = self.office.source_with_sales()
        self.account = CONTOSO_ACCOUNT
        self.stranger = Account("microsoft", STRANGER)
        self.needs = TERMS

    def now(self) -> datetime:
        return self.office.now()

    def faults(self) -> Iterator[str]:
        yield from ("timeout", "too-many", "truncated-json", "not-json", "error-before", "refused")

    def strike(self, fault: str, nth: int, times: int | None) -> None:
        self.office.microsoft.faults.add(fault, path="/v1.0/", nth=nth, times=times or 1000)

    def heal(self) -> None:
        self.office.microsoft.faults.clear()
        self.office.sleep(86_400)


class TestSource(SourceContract):
    """With Partner Center the source keeps the laws of every source."""

    @pytest.fixture
    def stage(self) -> SellingStage:
        return SellingStage()


def test_source_without_a_partner_asks_nobody(office: Office) -> None:
    """Whose sales they are must be said; the settings refuse the one without the other."""
    source: MicrosoftSource = office.source(partner_center=CENTER)
    assert Coverage.TERMS not in source.observe(CONTOSO_ACCOUNT, TERMS).coverage
