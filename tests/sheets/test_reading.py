"""Files as they come: encodings, delimiters, titles above the header, sums below, and everything that is wrong."""

import io
import zipfile
from contextlib import suppress
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import openpyxl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agent.sheets import Choices, Column, Doubtful, Kind, Limits, Record, SheetInvalid, read_sheets, read_table
from agent.sheets.values import DayOrder, Decimals

COMPANY = Column("company", ("Company Name", "Organization"), required=True, filled=True, example="Contoso Ltd")
QUANTITY = Column("quantity", ("Quantity", "Units", "Qty"), Kind.NUMBER, required=True, filled=True)
PRICE = Column("price", ("Price", "Unit Price"), Kind.NUMBER)
START = Column("start", ("Effective", "Start"), Kind.DAY)
COLUMNS = (COMPANY, QUANTITY, PRICE, START)


def written(folder: Path, content: str | bytes, name: str = "billed.csv") -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def read(folder: Path, content: str | bytes, choices: Choices | None = None) -> tuple[Record, ...]:
    return read_table(written(folder, content), COLUMNS, choices or Choices()).records


def refusal(folder: Path, content: str | bytes, choices: Choices | None = None, name: str = "billed.csv") -> str:
    with pytest.raises(SheetInvalid) as raised:
        read_table(written(folder, content, name), COLUMNS, choices or Choices())
    return str(raised.value)


def workbook(**sheets: list[list[object]]) -> bytes:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    held = io.BytesIO()
    book.save(held)
    return held.getvalue()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16", "utf-16-le", "utf-16-be"])
def test_encoding_is_found(tmp_path: Path, encoding: str) -> None:
    """Excel's "Unicode text", its CSV with and without a mark, and what Windows wrote before: the same name."""
    [record] = read(tmp_path, "Company Name,Quantity\r\nGröße & Söhne,12\r\n".encode(encoding))
    assert record.text("company") == "Größe & Söhne"


@pytest.mark.parametrize("mark", [",", ";", "\t", "|"])
def test_delimiter_is_found(tmp_path: Path, mark: str) -> None:
    """Also where a title stands above and a name holds the other marks."""
    rows = [
        ["Additions, as of today; all"],
        [],
        ["Company Name", "Quantity", "Price"],
        ['"A, B; C | D"', "12", "22.50"],
    ]
    [record] = read(tmp_path, "\n".join(mark.join(row) for row in rows))
    assert record.text("company") == "A, B; C | D"
    assert record.number("price") == Decimal("22.50")


def test_excels_line_about_the_delimiter_is_no_row(tmp_path: Path) -> None:
    """`sep=;` is honoured, and rows keep the numbers that an editor shows."""
    [record] = read(tmp_path, "sep=;\r\nCompany Name;Quantity\r\nA;1\r\n")
    assert (record.row, record.text("company")) == (3, "A")


def test_headers_are_matched_without_case_spaces_and_underscores(tmp_path: Path) -> None:
    """And the table says under which header each column was found."""
    table = read_table(written(tmp_path, "COMPANY_NAME,qty,unitprice\nA,1,2.50\n"), COLUMNS)
    assert table.columns == {"company": "COMPANY_NAME", "quantity": "qty", "price": "unitprice"}


def test_decimal_commas_are_told_by_the_column(tmp_path: Path) -> None:
    """22,50 proves the comma, so that 1.234 in the same file is a thousand and more."""
    first, second = read(tmp_path, "Company Name;Units;Price\nA;1.234;22,50\nB;2;1.000,00\n")
    assert (first.number("quantity"), first.number("price")) == (1234, Decimal("22.50"))
    assert second.number("price") == 1000


def test_mark_that_nothing_proves_is_asked_for(tmp_path: Path) -> None:
    """A thousand seats, or one and a bit: a person says it, and the answer holds for the file."""
    content = 'Company Name,Units\nA,"1,234"\n'
    with pytest.raises(Doubtful) as raised:
        read(tmp_path, content)
    [doubt] = raised.value.doubts
    assert (doubt.about, doubt.choices) == ("decimals", ("point", "comma"))
    [record] = read(tmp_path, content, Choices(decimals=Decimals.POINT))
    assert record.number("quantity") == 1234


def test_two_ways_of_writing_in_one_file_are_refused(tmp_path: Path) -> None:
    """Both rows are named; neither is taken for the truth."""
    said = refusal(tmp_path, "Company Name;Units;Price\nA;1;22,50\nB;1;22.50\n")
    assert said == 'billed.csv, row 3, column Price: "22.50" is written otherwise; ' \
        'expected one way of writing, but row 2 says "22,50"'  # fmt: skip


def test_day_that_may_be_two_is_asked_for(tmp_path: Path) -> None:
    """Until one row of the column has a day above the 12th."""
    content = "Company Name,Units,Effective\nA,1,03/04/2026\n"
    with pytest.raises(Doubtful):
        read(tmp_path, content)
    first, *_ = read(tmp_path, content + "B,1,25/04/2026\n")
    assert first.day("start") == date(2026, 4, 3)
    [record] = read(tmp_path, content, Choices(days=DayOrder.MONTH))
    assert record.day("start") == date(2026, 3, 4)


def test_title_and_sums_are_no_records(tmp_path: Path) -> None:
    """A report's title, its blank lines and its grand total; the table says which rows it left out."""
    content = "Recurring Services\nMade on 2026-11-01\n\nCompany Name,Units\nA,1\n\nB,2\nGrand Total,\n,Total: 3\n"
    table = read_table(written(tmp_path, content), COLUMNS)
    assert [record.text("company") for record in table.records] == ["A", "B"]
    assert table.totals == (8, 9)


def test_empty_is_unknown_and_not_zero(tmp_path: Path) -> None:
    """A price that is not given is None; a quantity that is not given is told with its cell."""
    [record] = read(tmp_path, "Company Name,Units,Price\nA,1,\n")
    assert record.number("price") is None
    said = refusal(tmp_path, "Company Name,Units\nA,\n")
    assert said == "billed.csv, row 2, column Units: is empty; expected a quantity such as 12 or 12.50"


def test_every_bad_cell_is_told_at_once(tmp_path: Path) -> None:
    """File, row, column, what stands there and what was expected; of very many, the first eight."""
    content = "Company Name,Units,Effective\nA,many,soon\n,2,2026-01-01\n"
    assert refusal(tmp_path, content).splitlines() == [
        'billed.csv, row 2, column Units: "many" is no number; expected a quantity such as 12 or 12.50',
        'billed.csv, row 2, column Effective: "soon" is no day; expected a start such as 2026-11-30',
        "billed.csv, row 3, column Company Name: is empty; expected Contoso Ltd",
    ]
    said = refusal(tmp_path, "Company Name,Units\n" + "A,x\n" * 100)
    assert said.splitlines()[-1] == "and 92 more like these"


def test_comma_without_quotes_is_noticed(tmp_path: Path) -> None:
    """`Smith, Ltd` moved every value of its row one column to the right: none of them is believed."""
    said = refusal(tmp_path, "Company Name,Units,Price\nA,1,2.50\nSmith, Ltd,12,2.50\n")
    assert said == "billed.csv, row 3: has 4 values where the header has 3; " \
        "expected quotes around a text that holds the delimiter"  # fmt: skip


def test_quote_that_is_never_closed_is_noticed(tmp_path: Path) -> None:
    """The rest of the file would have been one cell."""
    said = refusal(tmp_path, 'Company Name,Units\nA,1\n"B,2\nC,3\n')
    assert said.startswith("billed.csv, row 3: is no sound CSV")


def test_column_that_is_missing_is_named_with_the_headers_there_are(tmp_path: Path) -> None:
    """What was looked for and what the file has."""
    said = refusal(tmp_path, "Firma,Anzahl\nA,1\n")
    assert said.splitlines() == [
        "billed.csv, row 1: has no column for the company; expected a header such as Company Name, Organization; "
        "its headers are: Firma, Anzahl",
        "billed.csv, row 1: has no column for the quantity; expected a header such as Quantity, Units, Qty; "
        "its headers are: Firma, Anzahl",
    ]


def test_column_that_is_likely_is_asked_for_and_then_remembered(tmp_path: Path) -> None:
    """`Billed Quantity` may be the quantity; it is taken only when a person said so."""
    content = "Company Name,Billed Quantity\nA,7\n"
    with pytest.raises(Doubtful) as raised:
        read(tmp_path, content)
    [doubt] = raised.value.doubts
    assert (doubt.about, doubt.choices) == ("columns.quantity", ("Billed Quantity",))
    [record] = read(tmp_path, content, Choices(columns={"quantity": "billed quantity"}))
    assert record.number("quantity") == 7


def test_two_columns_of_one_name_are_refused(tmp_path: Path) -> None:
    """Which of them counts cannot be told."""
    assert "has two columns Units" in refusal(tmp_path, "Company Name,Units,Units\nA,1,2\n")


def test_workbook_says_itself_what_is_a_number_or_a_day(tmp_path: Path) -> None:
    """Its 1.234 is no thousand; a number where a name belongs is a name; 0.1 + 0.2 is what Excel shows, 0.3."""
    rows: list[list[object]] = [
        ["Company Name", "Units", "Price", "Effective"],
        [4711, 1.234, 0.1 + 0.2, datetime.fromisoformat("2026-03-17T09:30")],
    ]
    path = written(tmp_path, workbook(Additions=rows), "billed.xlsx")
    [record] = read_table(path, COLUMNS).records
    assert record.text("company") == "4711"
    assert (record.number("quantity"), record.number("price")) == (Decimal("1.234"), Decimal("0.3"))
    assert record.day("start") == date(2026, 3, 17)


def test_worksheet_that_fits_is_found(tmp_path: Path) -> None:
    """Among notes and pivots; of two that fit a person chooses."""
    table: list[list[object]] = [["Company Name", "Units"], ["A", 1]]
    one = written(tmp_path, workbook(Notes=[["by", "me"]], Additions=table), "one.xlsx")
    assert read_table(one, COLUMNS).form == "XLSX, sheet Additions"
    two = written(tmp_path, workbook(Old=table, New=table), "two.xlsx")
    with pytest.raises(Doubtful):
        read_table(two, COLUMNS)
    assert read_table(two, COLUMNS, Choices(sheet="new")).form == "XLSX, sheet New"


def test_formula_that_was_never_computed_is_no_zero(tmp_path: Path) -> None:
    """A program that writes formulas without values leaves the cell unknown."""
    path = written(tmp_path, workbook(A=[["Company Name", "Units"], ["A", "=1+1"]]), "billed.xlsx")
    with pytest.raises(SheetInvalid, match=r"row 2, column Units: is empty"):
        read_table(path, COLUMNS)


@pytest.mark.parametrize(
    ("content", "name", "sentence"),
    [
        (b"", "a.csv", "a.csv: is empty; export it again"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1", "a.xls", "a.xls: is an old .xls, or protected by a password; "
         "save it as .xlsx without a password, or CSV"),
        (b"\x1f\x8b\x08", "a.csv.gz", "a.csv.gz: is neither CSV nor XLSX; unpack it, or export it as CSV or XLSX"),
        (b"<html><table>", "a.xls", "a.xls: is neither CSV nor XLSX; unpack it, or export it as CSV or XLSX"),
        (b"PK\x03\x04junk", "a.xlsx", "a.xlsx: is no sound XLSX (BadZipFile); save it again, or as CSV"),
        (b"Company Name,Units\nA\x81,1\n", "a.csv", "a.csv: is not text in utf-8 or cp1252; save it as CSV UTF-8"),
        (b"Company Name,Units\n", "a.csv", "a.csv: has a header and no rows; export it again"),
    ],
)  # fmt: skip
def test_file_that_cannot_be_read_gets_one_sentence(tmp_path: Path, content: bytes, name: str, sentence: str) -> None:
    """What it is, and what to do about it."""
    assert refusal(tmp_path, content, name=name) == sentence


def test_absent_file_and_folder_get_one_sentence(tmp_path: Path) -> None:
    """With the path as it was given."""
    with pytest.raises(SheetInvalid, match=r"gone.csv: no such file or directory; name a file that can be read"):
        read_sheets(tmp_path / "gone.csv")
    with pytest.raises(SheetInvalid, match=r"is a directory"):
        read_sheets(tmp_path)


def test_limits_stop_what_would_fill_the_memory(tmp_path: Path) -> None:
    """Bytes, rows, columns, and what a zip says it unpacks to."""
    many = written(tmp_path, "Company Name,Units\n" + "A,1\n" * 50)
    for limits, word in [
        (Limits(size=100), "MiB"),
        (Limits(rows=10), "10 rows"),
        (Limits(columns=1), "1 columns"),
    ]:
        with pytest.raises(SheetInvalid, match=word):
            read_sheets(many, limits)
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("xl/workbook.xml", "x" * 1_000_000)
    with pytest.raises(SheetInvalid, match="unpacks to more"):
        read_sheets(written(tmp_path, held.getvalue(), "bomb.xlsx"), Limits(unpacked=500_000))


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.one_of(st.binary(max_size=300), st.text(alphabet='Company Name,Units;"\n\r\t1.é', max_size=120).map(str.encode))
)
def test_no_bytes_bring_anything_but_a_sentence(tmp_path: Path, content: bytes) -> None:
    """Whatever a file holds: records, or `SheetInvalid`."""
    with suppress(SheetInvalid):
        assert read(tmp_path, content)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 10_000), st.integers(0, 255), st.data())
def test_no_damage_to_a_workbook_brings_anything_but_a_sentence(
    tmp_path: Path, place: int, byte: int, data: st.DataObject
) -> None:
    """One byte of it changed, or its end cut off."""
    whole = bytearray(SOUND)
    whole[place % len(whole)] = byte
    cut = data.draw(st.integers(4, len(whole)))
    for damaged in (bytes(whole), SOUND[:cut]):
        with suppress(SheetInvalid):
            assert read_table(written(tmp_path, damaged, "billed.xlsx"), COLUMNS).records


SOUND = workbook(Additions=[["Company Name", "Units"], ["A", 1]])
