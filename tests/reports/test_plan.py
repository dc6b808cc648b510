"""The plan as people read it, and as programs do."""

from dataclasses import replace
from datetime import UTC
from decimal import Decimal

from agent.domain.agreements import Billable
from agent.domain.changes import AddLine, Change, EndLine, Planned, Realisation, SetPrice, SetQuantity, Terms, Write
from agent.domain.findings import Code, Finding, Severity
from agent.domain.guards import Case, CompanyPlan, Limits, guarded
from agent.domain.mappings import Decrease, Increase, Mode
from agent.domain.money import Money
from agent.reports.plan import PlanReport, difference, plan_text, plan_values, state, units
from agent.reports.text import View, bare, cells
from tests.domain.given import E3, MARCH_17, NOW, agreement, row

KEY = row().key("connectwise")
VIEW = View(80, UTC, NOW, {250: "Contoso Ltd"})


def usd(amount: str) -> Money:
    return Money(Decimal(amount), "USD")


def terms(quantity: int, price: str = "22.00") -> Terms:
    return Terms(quantity, 0, Decimal(price), Billable.BILLABLE, "Microsoft 365 Business Premium")


def write(path: str = "/finance/agreements/1021/additions/4711", body: str = '[{"op": "replace"}]') -> Write:
    return Write(KEY, 1021, 250, "PATCH", path, body, "PATCH addition 4711: quantity 10 -> 12", {}, {}, 4711)


def raised(**changes: object) -> Change:
    plain = SetQuantity(
        key=KEY,
        company=250,
        label="Microsoft 365 Business Premium",
        product=4021,
        before=terms(10),
        after=terms(12),
        effective=MARCH_17,
        reason="12 counted, 10 on the agreement",
        increase=Increase.PRORATE,
        decrease=Decrease.NOW,
        monthly=usd("44.00"),
    )
    return replace(plain, **changes)


def ended() -> Change:
    return EndLine(
        key=row(sku=E3).key("connectwise"),
        company=250,
        label="Office 365 E3",
        product=4022,
        before=terms(3, "15.00"),
        after=terms(0, "15.00"),
        effective=MARCH_17,
        reason="0 counted, nothing is left to bill",
        monthly=usd("-45.00"),
    )


def report(*planned: Planned, obstacles: tuple[Finding, ...] = ()) -> PlanReport:
    plan = CompanyPlan(250, planned, usd("265.00"))
    return PlanReport((plan,), {1021: agreement()}, obstacles, "addition")


READY = Planned(raised(), Realisation((write(),), next_invoice=usd("65.29")))
HELD = Planned(ended(), Realisation((write(),), next_invoice=usd("-45.00")), ("the line would stop billing",))


def test_plan_reads_like_this() -> None:
    """Company, agreement, each change with its requests, why one is held, and the sums: on 80 columns."""
    assert (
        bare(plan_text(report(READY, HELD), VIEW))
        == f"""\
Contoso Ltd (250)                                    265.00 → 264.00 USD a month

  Agreement 1021 Managed services (monthly, prorates, next invoice 2026-04-01)
  2 lines to change: 13 → 12 units, 265.00 → 264.00 USD a month, +20.29 USD on
  the next invoice
     addition                        from → to  effective   USD/month
  ~  Microsoft 365 Business Premium    10 → 12  2026-03-17     +44.00
     12 counted, 10 on the agreement
     +65.29 USD on the next invoice of 2026-04-01
     PATCH addition 4711: quantity 10 -> 12
       /finance/agreements/1021/additions/4711
       [{{"op": "replace"}}]

  -  Office 365 E3                       3 → 0  2026-03-17     -45.00
     0 counted, nothing is left to bill
     -45.00 USD on the next invoice of 2026-04-01
     PATCH addition 4711: quantity 10 -> 12
       /finance/agreements/1021/additions/4711
       [{{"op": "replace"}}]
     held: the line would stop billing
           trueup approve {HELD.digest}

2 changes at 1 company
  ready  1  written in the next cycle; now: trueup sync
  held   1  for a person: trueup approve DIGEST
  units     13 → 12 on the lines that change
  money     -1.00 USD a month, +20.29 USD on the next invoices"""
    )


def test_nothing_to_change() -> None:
    """A plan without changes is one sentence."""
    assert plan_text(report(), VIEW) == "Nothing to change at 1 company."


def test_plan_fits_the_page() -> None:
    """Long labels are cut, long requests wrapped: nothing is wider than the terminal."""
    label = "Exchange Online (Plan 1) for frontline workers of the Perth office and 大阪"
    long = replace(READY, change=raised(label=label), realisation=Realisation((write(body="x" * 500),)))
    for width in (60, 80, 120):
        lines = plan_text(report(long, HELD), replace(VIEW, width=width)).splitlines()
        assert max(map(cells, lines)) <= width


def test_hostile_names_do_not_reach_the_terminal() -> None:
    """Only our own colours are escape sequences, whatever tenants and agreements are called."""
    hostile = replace(READY, change=raised(label="x\x1b[2J", reason="\x1b]0;owned\x07"))
    named = replace(report(hostile), agreements={1021: agreement(name="\x1b[31mManaged")})
    assert "\x1b" not in bare(plan_text(named, VIEW))


def test_states() -> None:
    """What becomes of a change: refused, waiting for a time, held for a person, approved, ready."""
    assert state(READY) == "ready"
    assert state(HELD) == "held"
    assert state(replace(READY, approved=True)) == "approved"
    assert state(replace(READY, realisation=Realisation(note="waits until March is invoiced"))) == "waits"
    assert state(replace(READY, realisation=Realisation(note="no such date", refused=True))) == "refused"


def test_what_is_queued_moves_nothing_yet() -> None:
    """13 -> 8 at a renewal is shown with its day and stays out of today's units and money."""
    until = "waits until 2027-03-01, the renewal of seats that nobody uses"
    off = raised(before=terms(13), after=terms(8), monthly=usd("-110.00"), queued=until)
    queued = Planned(off, Realisation(note=until))
    assert state(queued) == "queued"
    assert difference([queued]) is None
    text = bare(plan_text(report(queued), VIEW))
    assert "nothing to change before the renewal" in text
    assert f"queued: {until.removeprefix('waits ')}" in text
    assert "on the lines that change" not in text


def test_mode_report_asks_for_no_approval() -> None:
    """What the guards say in that mode is told, but approving would not get it written."""
    case = Case(Mode.REPORT, Limits(), MARCH_17, {}, {}, (), usd("265.00"), 10)
    [planned] = guarded([READY], case)
    assert state(planned) == "reported"
    text = bare(plan_text(report(planned), VIEW))
    assert "reported: mode is report: nothing is written" in text
    assert "trueup approve" not in text


def test_line_counts_once() -> None:
    """A line whose price and quantity both change has its units counted once: 10 before, 12 after."""
    dearer = SetPrice(
        key=KEY,
        company=250,
        label="Microsoft 365 Business Premium",
        product=4021,
        before=terms(10),
        after=terms(10, "24.00"),
        effective=MARCH_17,
        reason="profile premium-monthly asks for it",
        monthly=usd("20.00"),
    )
    both = [READY, Planned(dearer, Realisation((write(),)))]
    assert units(both) == (10, 12)
    assert difference(both) == usd("64.00")


def test_unknown_price_is_no_money() -> None:
    """Where the PSA names no price, the difference is unknown and not zero."""
    added = AddLine(
        key=KEY,
        company=250,
        label="Visio",
        product=1,
        after=replace(terms(2), price=None),
        effective=MARCH_17,
        reason="no line bills this row yet",
    )
    planned = Planned(added, Realisation((write(),)))
    assert difference([planned]) is None
    assert " ?" in plan_text(report(planned), VIEW)


def test_obstacles_are_shown() -> None:
    """A line that cannot be planned stands in the plan with its remedy, even where nothing else changes."""
    expired = Finding(
        Code.AGREEMENT_NOT_BILLABLE, Severity.ERROR, 250, "key", "agreement 1021 expired", "renew the agreement"
    )
    text = bare(plan_text(report(obstacles=(expired,)), VIEW))
    assert "  ! agreement 1021 expired\n    renew the agreement" in text
    assert text.endswith("1 mismatch kept lines from being planned: see above.")


def test_values_for_programs() -> None:
    """Totals by state, with amounts as texts; each company's stored plan under its name."""
    values = plan_values(report(READY, HELD), [{"company": 250, "changes": []}], {250: "Contoso"}, "run", "done", "")
    assert values["companies"] == [{"name": "Contoso", "company": 250, "changes": []}]
    assert values["totals"] == {
        "changes": 2,
        "ready": 1,
        "approved": 0,
        "held": 1,
        "reported": 0,
        "waits": 0,
        "queued": 0,
        "refused": 0,
        "units": {"before": 13, "after": 12},
        "monthly": {"amount": "-1.00", "currency": "USD"},
        "next_invoices": {"amount": "20.29", "currency": "USD"},
    }
