"""The ledger of the past at the command line: listed, decided about, exported, balanced."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import openpyxl
import pytest

from agent.domain.findings import Apart, Code, Finding, Severity
from agent.domain.money import Money
from agent.engine.clock import SystemClock
from agent.simulators.world import World
from agent.store import open_store
from tests.contract.store_values import learnt
from tests.faces.shell import Said, here

CORVANE, LARKSPUR = 203, 212
LICENCE = "=Microsoft 365 E3"


def under(company: int, subject: str, units: int, price: str | None, code: Code = Code.UNMAPPED_LICENCE) -> Finding:
    money = None if price is None else Money(Decimal(price), "USD")
    apart = Apart(LICENCE, units, money, 3103, "M365-E3")
    return Finding(code, Severity.WARNING, company, subject, "a sentence", "a remedy", None, apart)


@dataclass(frozen=True)
class Msp:
    config: Path

    def __call__(self, *words: str) -> Said:
        return here("--config", str(self.config), "ledger", *words)

    def gap(self, number: int) -> dict[str, object]:
        found: dict[str, object] = self("show", str(number), "--json").json()
        return found


@pytest.fixture(scope="module")
def msp(tmp_path_factory: pytest.TempPathFactory) -> Msp:
    """Three gaps, each 60 to 30 days ago: 3 x 36.00 and one without a price at Corvane, 2 x 30.00 at Larkspur."""
    folder = tmp_path_factory.mktemp("msp")
    world = World.build(datetime.now(UTC))
    with world.serve() as served:
        config = world.write_configuration(folder, served, "127.0.0.1:1")
    now = datetime.now(UTC)
    begin, end = now - timedelta(days=60), now - timedelta(days=30)
    with open_store("", folder / "state", SystemClock()) as store:
        run = store.open_run("test", [CORVANE, LARKSPUR], False, begin)
        corvane = under(CORVANE, "t/a", 3, "36.00"), under(CORVANE, "t/b", 1, None)
        for company, found in ((CORVANE, corvane), (LARKSPUR, (under(LARKSPUR, "u/a", 2, "30.00"),))):
            store.learn(run, learnt(company=company, findings=found), begin)
            store.learn(run, learnt(company=company), end)
    return Msp(config)


def amount(gap: dict[str, object], name: str = "open") -> Decimal:
    sums = gap["sums"]
    assert isinstance(sums, dict)
    return Decimal(sums[name]["amount"])


def test_list_tells_each_gap_and_the_sums(msp: Msp) -> None:
    """The largest first; what has no price is in no sum, and said to be in none."""
    said = msp()
    assert said.status == 0
    assert said.out.index("Corvane") < said.out.index("Larkspur")
    assert "3 x 36.00 USD a month" in said.out
    assert "1 without a price" in " ".join(said.out.split())
    assert [gap["company"] for gap in msp("--company", "larkspur", "--json").json()] == [LARKSPUR]


def test_show_makes_the_sum_understood(msp: Msp) -> None:
    """The months of the arithmetic add up to what is open."""
    gap = msp.gap(1)
    months = gap["months"]
    assert isinstance(months, list)
    assert sum(Decimal(month["amount"]["amount"]) for month in months) == amount(gap) > 100
    assert "How it comes about" in msp("show", "1").out


def test_decisions_are_made_and_taken_back(msp: Msp) -> None:
    """Waived, opened again, billed in three phases, which export writes; nothing is open then."""
    whole = amount(msp.gap(1))
    assert msp("waive", "1", "--approver", "R. Okafor", "--reason", "goodwill").status == 0
    assert amount(msp.gap(1), "waived") == whole
    assert "nothing of it is open" in msp("bill", "1").err
    assert msp("reopen", "1", "--reason", "not agreed").status == 0
    said = msp("bill", "1", "--phases", "3", "--json")
    assert (said.status, said.json()["state"]) == (0, "phased")
    rows = list(csv.DictReader(io.StringIO(msp("export").out.removeprefix("\ufeff"))))
    assert sum(Decimal(row["Amount"]) for row in rows) == whole
    assert [row["Part"] for row in rows] == ["1 of 3", "2 of 3", "3 of 3"]
    assert len(msp.gap(1)["decisions"]) == 3  # type: ignore[arg-type]


def test_export_runs_nothing_in_a_spreadsheet(msp: Msp, tmp_path: Path) -> None:
    """A licence that is called like a formula stays a text, in both kinds of file."""
    msp("bill", "3")
    rows = list(csv.DictReader(io.StringIO(msp("export", "--company", "larkspur").out.removeprefix("\ufeff"))))
    assert rows[0]["Licence"] == f"'{LICENCE}"
    assert msp("export", "--format", "xlsx", "--out", str(tmp_path / "s.xlsx")).status == 0
    sheet = openpyxl.load_workbook(tmp_path / "s.xlsx").active
    assert sheet is not None
    kinds = {cell.data_type for row in sheet.iter_rows(min_row=2) for cell in row if cell.value == LICENCE}
    assert kinds == {"s"}


def test_price_is_said_by_a_person(msp: Msp) -> None:
    """Refused without one, with what to do; at 30.00 there is a sum."""
    assert "no price is known" in msp("bill", "2").err
    assert msp("correct", "2", "--price", "30.00", "--reason", "on invoice 20194").json is not None
    assert amount(msp.gap(2), "corrected") > 20


def test_balances_add_up_by_company(msp: Msp) -> None:
    """opening + added - corrected - billed - waived = remaining."""
    for one in msp("balances", "--json").json()["balances"]:
        money = {name: Decimal(one[name]["amount"]) for name in one if isinstance(one[name], dict)}
        gone = money["corrected"] + money["billed"] + money["waived"]
        assert money["opening"] + money["added"] - gone == money["remaining"]
    assert "Corvane" in msp("balances").out


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("show", "99"), "There is no gap 99"),
        (("bill", "1", "--from", "december"), "is no month and no day"),
        (("bill", "1", "--price", "-3"), "is not a price"),
        (("bill", "1", "--price", "nan"), "is not a price"),
        (("export", "--format", "xlsx"), "name a file with --out"),
        (("balances", "--month", "2199-01"), "has not begun"),
        (("waive", "1", "--reason", "x"), "--approver"),
    ],
)
def test_bad_input_gets_one_sentence(msp: Msp, words: tuple[str, ...], why: str) -> None:
    """And does nothing."""
    said = msp(*words)
    assert said.status != 0
    assert why in said.err


def test_month_end_report_tells_the_balances(msp: Msp, tmp_path: Path) -> None:
    """Beside what differs now, in each format but the CSV, which has the differences alone."""
    page, book = tmp_path / "r.html", tmp_path / "r.xlsx"
    said = here("--config", str(msp.config), "report", "--json", "--html", str(page), "--xlsx", str(book))
    corvane = next(one for one in said.json()["past"] if one["company"].startswith("Corvane"))
    assert Decimal(corvane["opening"]["amount"]) + Decimal(corvane["added"]["amount"]) > 0
    assert "The past, this month" in page.read_text()
    assert "Past" in openpyxl.load_workbook(book).sheetnames
    assert "The past, this month" in here("--config", str(msp.config), "report").out
