"""Edited mapping files beside those in force: the same reads, two plans, and nothing kept or written."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from agent.domain.compared import Compared
from agent.domain.findings import Code
from agent.domain.mappings import Mappings, PricePolicy
from agent.engine.whatif import WhatIf
from agent.errors import ReadFailed
from agent.reports.compared import Comparison, comparison_text, comparison_values
from agent.reports.text import View, bare
from tests.engine.here import AGREEMENT, COMPANY, PRODUCTS
from tests.engine.rig import Rig


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    made = Rig(tmp_path)
    for product in PRODUCTS:
        made.psa.add_addition(AGREEMENT, product, 10, effective=date(2025, 6, 1))
    made.run()
    return made


def edited(rig: Rig, **row: object) -> Mappings:
    company = rig.mappings().companies[COMPANY]
    first, *others = company.rows
    return replace(rig.mappings(), companies={COMPANY: replace(company, rows=(replace(first, **row), *others))})


def compared(rig: Rig, to: Mappings, stored: bool = False) -> Compared | tuple[int, ReadFailed]:
    [one] = WhatIf(rig.cycle, rig.mappings(), to).compared([COMPANY], stored)
    return one


def test_included_seats_are_a_decrease_that_the_files_in_force_do_not_plan(rig: Rig) -> None:
    """10 at 22.00, 2 of them included from now on: 44.00 a month less; nothing is written, learnt or held."""
    before = [len(rig.psa.log), rig.cycle.store.plan(), rig.cycle.store.journal()]
    for stored in (True, False):
        told = compared(rig, edited(rig, included=2), stored)
        [difference] = told.differences
        assert (difference.now, difference.edited.change.after.quantity, str(told.monthly)) == (None, 8, "-44.00 USD")

    assert [rig.cycle.store.plan(), rig.cycle.store.journal()] == before[1:]
    assert all(exchange.request.method == "GET" for exchange in [*rig.psa.log][before[0] :])


def test_what_is_planned_either_way_is_no_difference(rig: Rig) -> None:
    """Two more seats are bought: both sides raise the line; the edited files end the other row's line as well."""
    rig.source.seats = {sku: 12 for sku in rig.source.seats}
    company = rig.mappings().companies[COMPANY]
    fewer = replace(rig.mappings(), companies={COMPANY: replace(company, rows=company.rows[:1])})

    verbs = [
        (one.now and one.now.change.verb, one.edited and one.edited.change.verb)
        for one in compared(rig, fewer).differences
    ]

    assert verbs == [("set", None), (None, "end")] or verbs == [(None, "end"), ("set", None)]


def test_findings_that_the_edit_brings_are_told(rig: Rig) -> None:
    """A product that the PSA does not have."""
    profile = replace(rig.mappings().companies[COMPANY].rows[0].profile, product="M365-NEW")
    told = compared(rig, edited(rig, profile=profile))

    assert Code.MISSING_PRODUCT in {finding.code for finding in told.opens}


def test_stored_reads_do_not_stand_for_what_they_lack(rig: Rig) -> None:
    """A product or an agreement that nobody has read yet is unknown, not missing."""
    profile = replace(rig.mappings().companies[COMPANY].rows[0].profile, product="M365-NEW")
    _, error = compared(rig, edited(rig, profile=profile, agreement=9), stored=True)

    assert "agreement 9, product M365-NEW is in no stored read" in str(error)


def test_company_that_the_edited_files_drop(rig: Rig) -> None:
    """No plan is made for it any more, so what was planned is what differs."""
    rig.source.seats = {sku: 12 for sku in rig.source.seats}
    told = compared(rig, replace(rig.mappings(), companies={}))

    assert [one.edited for one in told.differences] == [None, None]


def test_text_and_json_say_the_same(rig: Rig) -> None:
    """From and to, the reason, and the money a month."""
    price = replace(rig.mappings().companies[COMPANY].rows[0].profile, price=PricePolicy(Decimal("24.00")))
    comparison = Comparison("new", (compared(rig, edited(rig, profile=price)),), {9: "not read"}, "addition")
    text = bare(comparison_text(comparison, View(90, rig.cycle.zone, rig.clock.now())))
    [company] = comparison_values(comparison, {COMPANY: "Contoso"})["companies"]

    assert "22.00 → 24.00" in text
    assert "held: the price changes" in text
    assert "1 difference at 1 company" in text
    assert "Company 9: not read" in text
    assert (company["monthly"]["amount"], company["differences"][0]["in_force"]) == ("20.00", None)
    assert max(map(len, text.splitlines())) <= 90
