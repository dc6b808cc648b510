"""What the simulated ConnectWise PSA invoices (reference 8): each day once, by the amounts worked out beside."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.simulators.connectwise import ConnectWise, Span
from agent.simulators.connectwise.billing import Cycle
from agent.simulators.wire import SimClock
from tests.simulators.caller import CONTOSO, MONTHLY, Caller, seats


def amounts(psa: ConnectWise, agreement: int = MONTHLY) -> list[Decimal]:
    """The lines of the next invoice, in the order of their additions."""
    (invoice,) = psa.invoice(agreement)
    return [*invoice.lines.values()]


def test_a_line_from_the_middle_of_an_invoiced_month(psa: ConnectWise, api: Caller) -> None:
    """22.00 from 15 March appears on April's invoice at 34.06 = 22.00 + 22.00 x 17/31, and in May at 22.00."""
    psa.person_adds(MONTHLY, "M365-BP", 1, effective="2026-03-15")
    assert amounts(psa) == [Decimal("34.06")]
    assert amounts(psa) == [Decimal("22.00")]


def test_two_more_from_17_march(psa: ConnectWise, api: Caller, line: int) -> None:
    """Base 12 and a delta of 2 from 17 to 31 March: April 264.00, and 2 x 22.00 x 15/31 = 21.29 once."""
    api.post(**seats(quantity=2, cancelledDate="2026-03-31T00:00:00Z"))
    api.patch(line, quantity=12)
    assert amounts(psa) == [Decimal("264.00"), Decimal("21.29")]
    assert amounts(psa) == [Decimal("264.00")]


def test_billed_one_month_further_in_advance(psa: ConnectWise, api: Caller, line: int) -> None:
    """April invoiced too: the delta runs to 30 April, and May's invoice has 2 x (22 x 15/31 + 22) = 65.29."""
    psa.invoice(MONTHLY)
    api.post(**seats(quantity=2, cancelledDate="2026-04-30T00:00:00Z"))
    api.patch(line, quantity=12)
    assert amounts(psa) == [Decimal("264.00"), Decimal("65.29")]
    assert amounts(psa) == [Decimal("264.00")]


def test_a_quantity_counts_for_the_next_invoice_only(psa: ConnectWise, api: Caller, line: int) -> None:
    """March was billed at 10. Lowering or raising it on 17 March costs or gives nothing for March."""
    api.patch(line, quantity=7)
    assert amounts(psa) == [Decimal("154.00")]
    api.patch(line, quantity=8)
    assert amounts(psa) == [Decimal("176.00")]


def test_what_is_included_is_not_billed(psa: ConnectWise) -> None:
    """10 less 2 included = 8 x 22.00; 1 less 2 bills nothing, and never a credit."""
    psa.add_addition(MONTHLY, "M365-BP", 10, effective="2026-01-01", lessIncluded=2)
    psa.add_addition(MONTHLY, "M365-BP", 1, effective="2026-01-01", lessIncluded=2)
    assert amounts(psa) == [Decimal("176.00"), Decimal("0.00")]


def test_a_negative_line_is_a_credit(psa: ConnectWise) -> None:
    """Two seats fewer from 17 to 31 March: 2 x 22.00 x 15/31 back."""
    psa.person_adds(MONTHLY, "M365-BP", -2, effective="2026-03-17", cancelledDate="2026-03-31T00:00:00Z")
    assert amounts(psa) == [Decimal("-21.29")]


def test_a_line_that_ended_drops_out(psa: ConnectWise, line: int) -> None:
    """cancelledDate is the last billed day: the 31st leaves April without it, the 10th of April a third."""
    other = psa.add_addition(MONTHLY, "M365-BP", 1, effective="2026-01-01")
    psa.person_cancels(MONTHLY, line, "2026-03-31")
    psa.person_cancels(MONTHLY, other, "2026-04-10")
    assert amounts(psa) == [Decimal("7.33")]  # 22.00 x 10/30
    assert amounts(psa) == []


def test_a_cancellation_inside_an_invoiced_period_gives_nothing_back(psa: ConnectWise, line: int) -> None:
    """Whether ConnectWise credits it is not known; here it does not, and reopening does not bill it again."""
    psa.person_cancels(MONTHLY, line, "2026-03-10")
    assert amounts(psa) == []
    psa.person_edits(MONTHLY, line, cancelledDate=None)
    assert amounts(psa) == [Decimal("440.00")]  # April, which was left out, and May


def test_lines_that_are_not_billed(psa: ConnectWise) -> None:
    """DoNotBill is not on the invoice, NoCharge is there for nothing."""
    psa.add_addition(MONTHLY, "M365-BP", 5, effective="2026-01-01", billCustomer="DoNotBill")
    psa.add_addition(MONTHLY, "M365-BP", 5, effective="2026-01-01", billCustomer="NoCharge")
    assert amounts(psa) == [Decimal("0.00")]


def test_without_proration_whole_periods_are_billed(psa: ConnectWise) -> None:
    """From 15 March: nothing for March, which is invoiced, and all of April, though it ends on the 3rd."""
    psa.person_edits_agreement(MONTHLY, prorateFlag=False)
    line = psa.person_adds(MONTHLY, "M365-BP", 1, effective="2026-03-15")
    psa.person_cancels(MONTHLY, line, "2026-04-03")
    assert amounts(psa) == [Decimal("22.00")]
    assert amounts(psa) == []


def test_without_proration_a_line_within_an_invoiced_period_is_a_one_time_charge(psa: ConnectWise) -> None:
    """Once, at the full price."""
    psa.person_edits_agreement(MONTHLY, prorateFlag=False)
    line = psa.person_adds(MONTHLY, "M365-BP", 1, effective="2026-03-05")
    psa.person_cancels(MONTHLY, line, "2026-03-20")
    assert amounts(psa) == [Decimal("22.00")]
    assert amounts(psa) == []


def test_an_invoice_that_is_deleted_opens_its_period_again(psa: ConnectWise, api: Caller, line: int) -> None:
    """nextInvoiceDate goes back, the invoice is gone, and the next run bills the same."""
    psa.person_adds(MONTHLY, "M365-BP", 1, effective="2026-03-15")
    (first,) = psa.invoice(MONTHLY)
    assert api.get(f"/finance/agreements/{MONTHLY}")["nextInvoiceDate"] == "2026-05-01T00:00:00Z"
    psa.uninvoice(MONTHLY)
    assert api.get(f"/finance/agreements/{MONTHLY}")["nextInvoiceDate"] == "2026-04-01T00:00:00Z"
    assert api.get(f"/finance/invoices?conditions=agreement/id={MONTHLY}") == []
    (again,) = psa.invoice(MONTHLY)
    assert (again.lines, again.period) == (first.lines, first.period)
    assert again.id != first.id


def test_the_invoice_in_the_api(psa: ConnectWise, api: Caller, line: int) -> None:
    """Base amount and lines: 50.00 + 10 x 22.00; its type and agreement tell whose it is."""
    psa.person_edits_agreement(MONTHLY, billAmount=50)
    psa.invoice(MONTHLY)
    (shown,) = api.get(f'/finance/invoices?conditions=type="Agreement" and agreement/id={MONTHLY}')
    assert (shown["agreementAmount"], shown["productTotal"], shown["total"]) == (50, 220, 270)
    assert (shown["date"], shown["company"]["identifier"]) == ("2026-03-17T00:00:00Z", "Contoso")


def test_invoicing_through_a_day(psa: ConnectWise) -> None:
    """All periods that begin by 1 June; a second run on that day finds nothing to do."""
    made = psa.invoice(MONTHLY, through="2026-06-01")
    assert [invoice.period.first for invoice in made] == [date(2026, month, 1) for month in (4, 5, 6)]
    assert psa.invoice(MONTHLY, through="2026-06-01") == ()


@pytest.mark.parametrize(
    "changes",
    [{"agreementStatus": "Cancelled"}, {"endDate": "2026-03-31T00:00:00Z"}, {"billingCycle": None}],
)
def test_agreements_that_are_not_invoiced(psa: ConnectWise, changes: dict[str, object]) -> None:
    """Cancelled, ended before the period, or without a cycle."""
    psa.person_edits_agreement(MONTHLY, **changes)
    assert psa.invoice(MONTHLY) == ()


def test_an_annual_agreement(psa: ConnectWise) -> None:
    """Anchored in July: 120.00 a year, one more from 16 March costs 120 x 107/365 = 35.18 with the next year."""
    yearly = psa.add_agreement(CONTOSO, "Annual", cycle="Yearly", bills_from="2025-07-01", next_invoice="2026-07-01")
    psa.add_product("YEAR", price="120.00", cost="100.00")
    psa.add_addition(yearly, "YEAR", 1, effective="2025-07-01")
    psa.person_adds(yearly, "YEAR", 1, effective="2026-03-16")
    assert amounts(psa, yearly) == [Decimal("120.00"), Decimal("155.18")]
    assert psa.terms(yearly).next_invoice == date(2027, 7, 1)


def test_a_line_that_is_still_to_come(psa: ConnectWise) -> None:
    """From 10 April: 22.00 x 21/30 on April's invoice, once."""
    psa.add_addition(MONTHLY, "M365-BP", 1, effective="2026-04-10")
    assert amounts(psa) == [Decimal("15.40")]
    assert amounts(psa) == [Decimal("22.00")]


def test_the_first_invoice_begins_where_billing_begins(psa: ConnectWise, api: Caller) -> None:
    """Billing from 10 March, nothing invoiced yet: a line from that day has 22 of March's 31 days."""
    fresh = psa.add_agreement(CONTOSO, "New", bills_from="2026-03-10")
    api.post(f"/finance/agreements/{fresh}/additions", **seats(quantity=1, effectiveDate="2026-03-10T00:00:00Z"))
    assert amounts(psa, fresh) == [Decimal("15.61")]  # 22.00 x 22/31


@pytest.mark.parametrize(
    ("option", "day", "period"),
    [
        ("Monthly", date(2024, 2, 29), Span(date(2024, 2, 29), date(2024, 3, 31))),
        ("Monthly", date(2024, 3, 30), Span(date(2024, 2, 29), date(2024, 3, 31))),
        ("Monthly", date(2023, 12, 31), Span(date(2023, 12, 31), date(2024, 1, 31))),
        ("Quarterly", date(2024, 4, 29), Span(date(2024, 1, 31), date(2024, 4, 30))),
        ("BiWeekly", date(2024, 2, 14), Span(date(2024, 2, 14), date(2024, 2, 28))),
        ("Weekly", date(2024, 1, 30), Span(date(2024, 1, 24), date(2024, 1, 31))),
    ],
)
def test_periods_come_from_the_anchor(option: str, day: date, period: Span) -> None:
    """From 31 January 2024; a month that lacks the 31st begins its period on its last day, the next does not."""
    assert Cycle(date(2024, 1, 31), option).containing(day) == period


days = st.integers(0, 300).map(lambda number: date(2026, 1, 1) + timedelta(days=number))


@given(
    lines=st.lists(st.tuples(days, st.none() | days), max_size=5),
    invoices=st.lists(st.sampled_from(["invoice", "uninvoice"]), max_size=12),
)
def test_each_live_day_is_billed_exactly_once(lines: list[tuple[date, date | None]], invoices: list[str]) -> None:
    """However invoices are made and deleted between: the days charged are those of the line up to the next
    invoice, none of them twice, and the shares of full months are whole."""
    psa = ConnectWise(SimClock(datetime(2026, 1, 1, tzinfo=UTC)))
    psa.add_product("P", price="31.00", cost="1")
    agreement = psa.add_agreement(psa.add_company("C"), "A", bills_from="2026-01-01")
    waiting = [(first, last) for first, last in lines if last is None or last >= first]
    added = {}
    for step in [*invoices, "invoice"]:
        if waiting:
            first, last = waiting.pop()
            id = psa.person_adds(agreement, "P", 1, effective=first, cancelled=last)
            added[id] = Span(first, last + timedelta(days=1) if last else date.max)
        if step == "invoice":
            psa.invoice(agreement)
        elif psa.invoices(agreement):
            psa.uninvoice(agreement)
    invoiced_to = psa.terms(agreement).next_invoice
    assert invoiced_to is not None
    for id, live in added.items():
        charged = Counter(
            charge.span.first + timedelta(days=number)
            for charge in psa.charges(agreement, id)
            for number in range(charge.span.days)
        )
        due = live.within(Span(date(2026, 1, 1), invoiced_to))
        assert charged == Counter(due.first + timedelta(days=number) for number in range(due.days))
