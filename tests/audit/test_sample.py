"""The shipped example: the audit finds what was planted in its files, and nothing else."""

from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import pytest

from agent.audit import SAMPLE_DAY, Audit, Profile, audited, sample
from agent.domain.findings import Code
from agent.domain.money import Money
from agent.domain.reconciliation import Confidence, Effect, totals
from agent.sku_table import shipped
from tests.faces.shell import here


@dataclass(frozen=True)
class Planted:
    company: str
    code: Code
    units: int
    monthly: str | None


PLANTED = [
    Planted("Corvane Ltd", Code.UNDER_BILLED, 4, "88.00"),  # 42 purchased, 38 billed at 22.00
    Planted("Everglass Optics", Code.UNMAPPED_COMPANY, 7, "87.50"),  # at 12.50, the usual price
    Planted("Ironbark Surveyors", Code.UNMAPPED_LICENCE, 5, "75.00"),  # at 15.00, the usual price
    Planted("Kestrel Ridge Farms", Code.STALE_LINE, 6, "60.00"),  # at 10.00
    Planted("Larkspur Recruitment", Code.ASSIGNED_OVER_PURCHASED, 2, "57.60"),  # at a cost of 28.80
    Planted("Greywater Plumbing", Code.UNASSIGNED_SEATS, 4, "40.00"),  # at a cost of 120.00 a year
    Planted("Halcyon Bay Hotel", Code.DUPLICATE_LINES, 10, "40.00"),  # at 4.00
    Planted("Juniper Lane Dental", Code.INVOICE_DIFFERS, 2, "35.20"),  # at a cost of 17.60
    Planted("Dovetail Joinery", Code.OVER_BILLED, 3, "13.50"),  # 12 devices billed at 4.50, 9 protected
    Planted("Bluebell Nurseries", Code.SET_UP, 3, None),
    Planted("Bluebell Nurseries", Code.SET_UP, 0, None),
    Planted("Fennimore & Osei", Code.LICENSED_DISABLED_USER, 1, None),
]


@pytest.fixture(scope="module")
def audit() -> Audit:
    return audited(sample(), Profile(), "USD", SAMPLE_DAY, shipped())


def test_what_was_planted_is_found_and_nothing_else(audit: Audit) -> None:
    """Eleven companies, twelve differences, most money first."""
    found = [
        Planted(one.company, one.code, int(one.units), f"{one.monthly.at_coins().amount:f}" if one.monthly else None)
        for one in audit.differences
    ]
    assert found == PLANTED


def test_sums_are_those_of_the_planted_amounts(audit: Audit) -> None:
    """88.00 + 87.50 + 75.00 leak; 60.00 + 40.00 + 13.50 are to be given back; only what is calculated is sure."""
    sums = totals(audit.differences)
    assert sums[Effect.LEAK] == {"USD": Money(Decimal("250.50"), "USD")}
    assert sums[Effect.REFUND] == {"USD": Money(Decimal("113.50"), "USD")}
    estimated = {one.company for one in audit.differences if one.confidence is Confidence.ESTIMATED}
    assert estimated == {"Everglass Optics", "Ironbark Surveyors", "Kestrel Ridge Farms"}


def test_names_that_differ_by_their_legal_form_are_told(audit: Audit) -> None:
    """Corvane Limited is Corvane Ltd, and the report says that it was taken for it."""
    assert [(one.name, one.company) for one in audit.matched] == [("Corvane Limited", "Corvane Ltd")]


def test_what_nobody_mapped_is_listed(audit: Audit) -> None:
    """A company without lines, and a service that is no licence."""
    assert [(one.kind, one.name, one.rows) for one in audit.unmatched] == [
        ("company", "Everglass Optics", 2),
        ("licence", "Managed workstation", 1),
    ]


def test_command_tells_the_story_and_keeps_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without configuration, network or files: the sums first, then each difference with what to do."""
    monkeypatch.chdir(tmp_path)
    said = here("audit", "--sample")
    assert said.status == 0
    assert "Owed and not billed    250.50 USD a month  3 differences  88.00 USD calculated" in said.out
    assert "42 purchased, 38 billed: under-billed by 4" in said.out
    assert "12 billed, 9 assigned: over-billed by 3" in said.out
    assert list(tmp_path.iterdir()) == []


def test_json_holds_exact_amounts() -> None:
    """Decimal texts with their currency."""
    values = here("audit", "--sample", "--json").json()
    assert values["monthly"]["leak"] == [{"amount": "250.50", "currency": "USD"}]
    first = values["differences"][0]
    assert (first["units"], first["price"], first["margin"]) == (
        "4",
        {"amount": "22.00", "currency": "USD"},
        {"amount": "17.60", "currency": "USD"},
    )
