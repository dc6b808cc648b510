"""One view in every format: the same numbers, and no name that does harm."""

import csv
import io
import json
import re
import sys
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from html.parser import HTMLParser

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.domain.findings import Code
from agent.domain.money import Money
from agent.domain.reconciliation import Difference, Effect
from agent.ports import JournalRecord
from agent.reports.month_end import Deed, Legs, MonthEnd, Origin, State, TrendMonth, Unmapped
from agent.reports.month_end.page import company_bars, month_end_html, trend_bars
from agent.reports.month_end.text import month_end_text
from agent.reports.month_end.values import inert, month_end_csv, month_end_values
from agent.reports.month_end.workbook import month_end_xlsx
from agent.reports.pages import NoPdf, pdf
from agent.reports.text import View
from tests.optional import pango

DAY = date(2026, 11, 15)
HOSTILE = [
    "=cmd|' /C calc'!A0",
    "+1+1",
    "-2+3",
    "@SUM(A1)",
    "\t=1+1",
    "\r=1+1",
    "<img src=x onerror=alert(1)>",
    "</style><script>alert(1)</script>",
    "{{ 7*7 }}{% raw %}",
    "\u202etxt.exe\x1b[2J\x00",
    "https://example.com/?=1",
    "x" * 40_000,
]


def usd(amount: str) -> Money:
    return Money(Decimal(amount), "USD")


def difference(name: str, effect: Effect = Effect.LEAK, monthly: Money | None = None) -> Difference:
    code = {Effect.LEAK: Code.UNDER_BILLED, Effect.REFUND: Code.OVER_BILLED}.get(effect, Code.SET_UP)
    money = monthly if monthly is not None else usd("88.00")
    since = date(2026, 9, 15)
    texts = (name,)
    return Difference(
        code, effect, name, name, Decimal(4), name, name, money, usd("22.00"), usd("17.60"), since,
        causes=texts, evidence=texts,
    )  # fmt: skip


def report(*names: str) -> MonthEnd:
    """Every place that shows somebody else's text shows each of the names."""
    return MonthEnd(
        names[0],
        names[0],
        DAY,
        tuple(difference(name) for name in names) + tuple(difference(name, Effect.REFUND) for name in names),
        tuple(Legs(name, name, Decimal(42), None, Decimal(38)) for name in names),
        tuple(Origin(name, name, State.GREEN) for name in names),
        tuple(Unmapped("company", name, name, name) for name in names),
        corrected=tuple(Deed(name, name, DAY, name, usd("1.00")) for name in names),
        held=tuple(Deed(name, name, DAY, name) for name in names),
        trend=tuple(TrendMonth(name, usd("10.00"), usd("5.00")) for name in names),
        notes=names,
    )


class Elements(HTMLParser):
    """The tags and attributes that a browser would see."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}


def test_page_runs_and_fetches_nothing_whatever_the_names() -> None:
    """No script, picture, link or handler; the names are there as text."""
    page = month_end_html(report(*HOSTILE))
    seen = Elements(page)
    assert not seen.tags & {"script", "img", "iframe", "a", "link", "object", "form", "base"}
    assert not {name for name in seen.attributes if name.startswith("on")} | seen.attributes & {"src", "href"}
    assert "&lt;img src=x onerror=alert(1)&gt;" in page
    assert "{{ 7*7 }}" in page
    assert not re.search(r"url\(|@import|https?://(?!example\.com)", page)
    assert not re.search(r"[\u202e\x1b\x00]", page)


def test_same_names_make_a_sound_pdf() -> None:
    """From the same page, and it asks no other program for anything."""
    pango()
    assert pdf(month_end_html(report(*HOSTILE[6:9]))).startswith(b"%PDF")


def test_pdf_without_its_library_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """One sentence and the way out."""
    monkeypatch.setitem(sys.modules, "weasyprint", None)
    with pytest.raises(NoPdf, match="PDF needs WeasyPrint and Pango") as raised:
        pdf("<p>")
    assert "libpango-1.0-0" in raised.value.remedy


def workbook_cells(made: MonthEnd) -> list[openpyxl.cell.Cell]:  # type: ignore[type-arg,name-defined,unused-ignore]
    book = openpyxl.load_workbook(io.BytesIO(month_end_xlsx(made)))
    return [cell for sheet in book.worksheets for row in sheet.iter_rows() for cell in row if cell.value is not None]


def test_no_cell_of_the_workbook_is_a_formula_or_a_link() -> None:
    """A name is a text, whatever it begins with; a text longer than Excel takes is cut."""
    cells = workbook_cells(report(*HOSTILE))
    assert {cell.data_type for cell in cells} <= {"s", "n", "d"}
    assert not [cell for cell in cells if cell.hyperlink]
    assert "=cmd|' /C calc'!A0" in {cell.value for cell in cells}


@settings(max_examples=12)
@given(st.lists(st.text(max_size=20), min_size=1, max_size=3))
def test_no_text_becomes_a_formula(names: list[str]) -> None:
    """Of any characters, in the workbook and in the CSV."""
    made = report(*names)
    assert {cell.data_type for cell in workbook_cells(made)} <= {"s", "n", "d"}
    for row in csv.reader(io.StringIO(month_end_csv(made).removeprefix("\ufeff"))):
        assert not [cell for cell in row if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]


@pytest.mark.parametrize("text", ["=1", "+1", "-1", "@a", "\t=1", "\r=1", "\0=1"])
def test_text_that_begins_like_a_formula_gets_an_apostrophe(text: str) -> None:
    """And no other text does."""
    assert inert(text) == f"'{text}"
    assert inert("a=1") == "a=1"


def test_csv_quotes_every_cell() -> None:
    """With the mark by which Excel knows UTF-8, and amounts as numbers with a point."""
    text = month_end_csv(report("A; B", "C"))
    assert text.startswith('\ufeff"No.","Company"')
    header, first, *_ = csv.reader(io.StringIO(text.removeprefix("\ufeff")))
    row = dict(zip(header, first, strict=True))
    assert (row["Company"], row["Units"], row["A month"], row["So far"]) == ("A; B", "4", "88.00", "176.00")


def test_terminal_shows_no_control_character() -> None:
    """Colours are ours alone."""
    view = View(100, UTC, datetime(2026, 11, 15, tzinfo=UTC))
    text = re.sub(r"\x1b\[[0-9;]*m", "", month_end_text(report(*HOSTILE), view))
    assert not re.search(r"[\x00-\x09\x0b-\x1f\u202e]", text)


def test_formats_tell_the_same_sums() -> None:
    """4 x 22.00 = 88.00 for two companies is 176.00; two months of it are 352.00."""
    made = report("A", "B")
    assert made.sums(Effect.LEAK) == (usd("176.00"),)
    assert json.loads(json.dumps(month_end_values(made)))["leaked_so_far"] == [{"amount": "352.00", "currency": "USD"}]
    view = View(100, UTC, datetime(2026, 11, 15, tzinfo=UTC))
    for text in (month_end_html(made), month_end_text(made, view)):
        assert "176.00 USD" in text
        assert "352.00 USD" in text


def test_currencies_stand_side_by_side() -> None:
    """They share no sum and no axis."""
    euro = difference("B", monthly=Money(Decimal("10.00"), "EUR"))
    made = MonthEnd("T", "S", DAY, (difference("A"), euro), (), ())
    assert "88.00 USD and 10.00 EUR" in month_end_html(made)
    assert company_bars(made.by_company) == ()


def test_charts_are_drawn_to_scale() -> None:
    """The longest bar is 100, and one of half the money 50; one month alone is no trend."""
    made = MonthEnd("T", "S", DAY, (difference("A"), difference("B", Effect.REFUND, usd("44.00"))), (), ())
    assert [(bar.label, bar.leak, bar.refund) for bar in company_bars(made.by_company)] == [
        ("A", Decimal("100.0"), Decimal("0.0")),
        ("B", Decimal("0.0"), Decimal("50.0")),
    ]
    months = [TrendMonth("Oct", usd("100.00"), usd("25.00")), TrendMonth("Nov", usd("50.00"), usd("0.00"))]
    assert [(month.leak, month.refund) for month in trend_bars(months)] == [(100, 25), (50, 0)]
    assert trend_bars(months[:1]) == ()


def test_page_has_the_largest_of_very_many_and_says_so() -> None:
    """Three hundred differences are 250 on the page and 300 in the CSV."""
    many = tuple(difference(f"Company {number}", monthly=usd(f"{number + 1}.00")) for number in range(300))
    made = MonthEnd("T", "S", DAY, tuple(reversed(many)), (), ())
    page = month_end_html(made)
    assert "The 250 largest of 300" in page
    assert month_end_csv(made).count("\n") == 301


def test_report_without_differences_says_so() -> None:
    """Calmly, in every format."""
    made = MonthEnd("T", "S", DAY, (), (), ())
    assert "Nothing differs." in month_end_html(made)
    assert workbook_cells(made)
    assert month_end_csv(made).count("\n") == 1


def test_report_bears_the_head_of_the_journal() -> None:
    """Its number, its time and its hash, in every text that people keep; an audit has none."""
    head = JournalRecord(42, datetime(2026, 11, 15, 9, tzinfo=UTC), "run", None, "{}", "0" * 64, "ab" * 32)
    made = replace(report("Contoso"), head=head)
    view = View(200, UTC, datetime(2026, 11, 15, 12, tzinfo=UTC))
    for told in (month_end_html(made), month_end_text(made, view)):
        assert "record 42 of 2026-11-15 09:00" in told
        assert head.hash in told
    assert month_end_values(made)["journal_head"] == {"seq": 42, "hash": head.hash, "at": "2026-11-15T09:00:00+00:00"}
    assert "Journal head" not in month_end_html(report("Contoso"))
