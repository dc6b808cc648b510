"""Files of many programs against each other: whose a record is, which licence, and what is left out."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path

import openpyxl
import pytest

from agent.audit import Audit, Given, Profile, audited
from agent.domain.findings import Code
from agent.domain.money import Money
from agent.domain.reconciliation import Confidence, Leg
from agent.sheets import Choices, Doubtful, SheetInvalid
from agent.sku_table import shipped

TODAY = date(2026, 11, 15)
BP = "Microsoft 365 Business Premium"
Files = Callable[..., Audit]


@pytest.fixture
def files(tmp_path: Path) -> Files:
    """An audit of files with these contents, by leg."""

    def audit(profile: Profile | None = None, company: str = "", **contents: str) -> Audit:
        given = []
        for leg, content in contents.items():
            path = tmp_path / f"{leg}.csv"
            path.write_text(content, encoding="utf-8")
            given.append(Given(Leg(leg), path, "" if leg == "billed" else company))
        return audited(given, profile or Profile(), "USD", TODAY, shipped())

    return audit


def billed(*rows: str) -> str:
    return "\n".join(["Company Name,Description,Quantity,Price,Effective,Cancelled,Addition Status", *rows])


def bought(*rows: str) -> str:
    return "\n".join(["Company,Product Name,Quantity,Cost", *rows])


def codes(audit: Audit) -> dict[Code, Decimal]:
    return {one.code: one.units for one in audit.differences}


def test_line_is_matched_by_what_tells_licences_apart(files: Files) -> None:
    """`M365 Business Premium - Monthly` is the licence; E3 of Office and of Microsoft 365 are two."""
    rows = f"A,{BP},12,17.60", "A,Office 365 E3,3,20"
    lines = "A,M365 Business Premium - Monthly,12,22,,,", "A,Microsoft 365 E3 annual,3,36,,,"
    audit = files(billed=billed(*lines), purchased=bought(*rows))
    assert codes(audit) == {Code.UNMAPPED_LICENCE: 3, Code.STALE_LINE: 3}


def test_product_of_any_vendor_is_a_licence_once_a_file_counts_it(files: Files) -> None:
    """Not Microsoft's alone; what no file counts, labour and hosting, is listed and not compared."""
    lines = "A,Huntress EDR,10,4,,,", "A,Onsite labour,3,120,,,"
    audit = files(billed=billed(*lines), purchased=bought("A,Huntress EDR - Monthly,12,2"))
    assert codes(audit) == {Code.UNDER_BILLED: 2}
    assert [one.name for one in audit.unmatched] == ["Onsite labour"]


def test_like_name_is_proposed_and_never_taken(files: Files) -> None:
    """Until a person says so; then it is as if it had been written so, and nobody is asked again."""
    contents = {"billed": billed("A,Premium seats,12,22,,,"), "purchased": bought(f"A,{BP} (shared),12,17.60")}
    audit = files(**{**contents, "billed": billed("A,Business Premium,12,22,,,")})
    [unmatched] = audit.unmatched
    assert unmatched.choices[0].thing == f"{BP} (shared)"
    assert codes(audit) == {Code.UNMAPPED_LICENCE: 12}
    assert audit.differences[0].causes[0].startswith('perhaps billed as "Business Premium": ')
    decided = Profile(licences={"Business Premium": f"{BP} (shared)"})
    again = files(decided, **{**contents, "billed": billed("A,Business Premium,12,22,,,")})
    assert (again.differences, again.unmatched) == ((), ())


def test_company_of_another_name_waits_for_a_person(files: Files) -> None:
    """Contoso Perth is not Contoso Sydney, however alike; the profile says which is which, or leaves one out."""
    contents = {"billed": billed(f"Contoso Perth,{BP},5,22,,,"), "purchased": bought(f"Contoso Sydney,{BP},5,17")}
    audit = files(**contents)
    assert [one.code for one in audit.differences] == [Code.UNMAPPED_COMPANY, Code.UNMAPPED_COMPANY]
    assert audit.unmatched[0].choices[0].thing == "Contoso Perth"
    assert files(Profile(companies={"Contoso Sydney": "Contoso Perth"}), **contents).differences == ()
    left_out = files(Profile(companies={"Contoso Sydney": ""}), **contents)
    assert [one.company for one in left_out.differences] == ["Contoso Perth"]


def test_file_of_one_company_says_nothing_of_others(files: Files) -> None:
    """A tenant's own export knows its licences, and that it has no others of Microsoft's."""
    lines = f"A,{BP},12,22,,,", f"B,{BP},7,22,,,", "A,Power BI Pro,2,10,,,", "A,Huntress EDR,3,4,,,"
    content = f"Product Title,Total Licenses,Expired Licenses,Assigned licenses\n{BP},10,0,9\n"
    audit = files(company="A", billed=billed(*lines), purchased=content)
    assert codes(audit) == {Code.OVER_BILLED: 2, Code.UNASSIGNED_SEATS: 1, Code.STALE_LINE: 2}


def test_export_without_a_company_asks_whose_it_is(files: Files) -> None:
    """One sentence with the way to say it."""
    content = f"Product Title,Total Licenses\n{BP},10\n"
    with pytest.raises(SheetInvalid, match='does not say whose licences these are; name the company: "Contoso Ltd='):
        files(billed=billed(f"A,{BP},12,22,,,"), purchased=content)


def test_expired_licences_make_an_estimate(files: Files) -> None:
    """Whether the total counts them is not published."""
    content = f"Product Title,Total Licenses,Expired Licenses\n{BP},10,2\n"
    [one] = files(company="A", billed=billed(f"A,{BP},8,22,,,"), purchased=content).differences
    assert (one.units, one.confidence) == (2, Confidence.ESTIMATED)
    assert "2 expired licences may be among those purchased" in one.causes


def test_users_are_counted_by_licence(files: Files) -> None:
    """Joined by plus; deleted people hold nothing, blocked ones are told by name."""
    users = "\n".join(
        [
            "Display name,User principal name,Licenses,Block credential,Soft deletion time stamp",
            f"Ada,ada@a.example,{BP}+Visio Plan 2,False,",
            f"Bo,bo@a.example,{BP},True,",
            f"Cy,cy@a.example,{BP},False,2026-10-01 08:00:00Z",
            "Di,di@a.example,Unlicensed,False,",
        ]
    )
    lines = f"A,{BP},3,22,,,", "A,Visio Plan 2,1,15,,,"
    audit = files(company="A", billed=billed(*lines), assigned=users)
    assert codes(audit) == {Code.OVER_BILLED: 1, Code.LICENSED_DISABLED_USER: 1}
    assert "bo@a.example" in audit.differences[-1].sentence
    assert sorted(audit.notes) == [
        "assigned.csv: 1 row left out: deleted users",
        "assigned.csv: 1 row left out: users without a licence",
    ]


def test_older_export_of_users_keeps_the_names_elsewhere(files: Files) -> None:
    """`License assignment details` where `Licenses` is empty."""
    users = f"User principal name,Licenses,License assignment details\nada@a.example,,{BP}\n"
    assert codes(files(company="A", billed=billed(f"A,{BP},1,22,,,"), assigned=users)) == {}


def test_invoice_counts_seats_of_its_newest_period(files: Files) -> None:
    """Prorated parts are money and no seats; October's rows are not November's; a year's row covers both."""
    invoice = "\n".join(
        [
            "company_name,sku,product_name,start_period,end_period,quantity,type,cost,term",
            f"A,MST-1,{BP},2026-10-01,2026-10-31,10,subscription,17.60,Monthly",
            f"A,MST-1,{BP},2026-11-01,2026-11-30,12,subscription,17.60,Monthly",
            f"A,MST-1,{BP},2026-10-17,2026-10-31,2,prorate,8.80,Monthly",
            "A,MST-2,Visio Plan 2,2026-02-01,2027-01-31,3,subscription,144.00,Annual",
        ]
    )
    lines = f"A,{BP},12,22,,,", "A,Visio Plan 2,2,15,,,"
    audit = files(billed=billed(*lines), purchased=invoice)
    [one] = audit.differences
    assert (one.code, one.units, one.cost) == (Code.UNDER_BILLED, 1, Money(Decimal("12.000000"), "USD"))


def test_partner_centers_billable_quantity_is_the_one(files: Files) -> None:
    """Of its two quantities; rows that add or remove seats are prorations."""
    content = "\n".join(
        [
            "CustomerName,SkuName,Quantity,BillableQuantity,ChargeType,EffectiveUnitPrice,TermAndBillingCycle",
            f"A,{BP},0,12,cycleCharge,17.60,One-Year commitment for monthly billing",
            f"A,{BP},0,2,addQuantity,9.20,One-Year commitment for monthly billing",
        ]
    )
    assert codes(files(billed=billed(f"A,{BP},12,22,,,"), purchased=content)) == {}


def test_lines_that_ended_are_not_billed(files: Files) -> None:
    """By their last day, which is still billed, or by their status."""
    lines = f"A,{BP},5,22,,2026-11-15,", f"A,{BP},7,22,,2026-11-14,", f"A,{BP},9,22,,,Expired"
    audit = files(billed=billed(*lines), purchased=bought(f"A,{BP},5,17.60"))
    assert audit.differences == ()


def test_free_licences_are_not_compared_and_named(files: Files) -> None:
    """Ten thousand seats of Power Automate Free are no leak."""
    rows = f"A,{BP},5,17.60", "A,Power Automate Free,10000,0"
    audit = files(billed=billed(f"A,{BP},5,22,,,"), purchased=bought(*rows))
    assert audit.differences == ()
    assert any("Power Automate Free" in note for note in audit.notes)


def test_included_units_are_not_billed(files: Files) -> None:
    """ConnectWise's included quantity lowers what a line bills: 12 less 2."""
    lines = f"Company Name,Description,Quantity,Less Included,Price\nA,{BP},12,2,22\n"
    assert codes(files(billed=lines, purchased=bought(f"A,{BP},12,17"))) == {Code.UNDER_BILLED: 2}


def test_file_in_which_nothing_is_in_force_is_refused(files: Files) -> None:
    """An export of last year would otherwise say that nothing is billed at all."""
    with pytest.raises(SheetInvalid, match="has no seats in force on 2026-11-15"):
        files(billed=billed(f"A,{BP},5,22,,2025-12-31,"), purchased=bought(f"A,{BP},5,17"))


def test_answer_about_a_column_goes_into_the_profile(files: Files) -> None:
    """Asked once, used again."""
    contents = {"billed": f"Company Name,Description,Billed Quantity\nA,{BP},5\n", "purchased": bought(f"A,{BP},5,17")}
    with pytest.raises(Doubtful) as raised:
        files(**contents)
    [doubt] = raised.value.doubts
    decided = Profile().deciding("billed", doubt.about, doubt.choices[0])
    assert decided.files == {"billed": Choices(columns={"quantity": "Billed Quantity"})}
    assert files(decided, **contents).differences == ()


def test_seats_that_two_files_count_are_counted_once(tmp_path: Path) -> None:
    """12 in the tenant's export, 11 at the distributor: 12 count, at the distributor's cost; users beat a column."""
    contents = {
        "billed": ("", Leg.BILLED, billed(f"A,{BP},12,22,,,")),
        "distributor": ("", Leg.PURCHASED, bought(f"A,{BP},11,17.60")),
        "tenant": ("A", Leg.PURCHASED, f"Product Title,Total Licenses,Assigned licenses\n{BP},12,12\n"),
        "users": ("A", Leg.ASSIGNED, "User principal name,Licenses\n" + f"u@a.example,{BP}\n" * 10),
    }
    given = []
    for name, (company, leg, content) in contents.items():
        (tmp_path / f"{name}.csv").write_text(content)
        given.append(Given(leg, tmp_path / f"{name}.csv", company))
    audit = audited(given, Profile(), "USD", TODAY, shipped())
    [one] = audit.differences
    assert (one.code, one.units, one.monthly) == (Code.UNASSIGNED_SEATS, 2, Money(Decimal("35.20"), "USD"))
    assert "distributor.csv: 1 row not added, as a nearer file counts the same seats" in audit.notes


def test_two_lists_of_the_whole_book_add_up(tmp_path: Path) -> None:
    """Two distributors, 5 seats at each."""
    given = []
    for leg, name, content in [
        (Leg.BILLED, "lines", billed(f"A,{BP},10,22,,,")),
        (Leg.PURCHASED, "one", bought(f"A,{BP},5,17")),
        (Leg.PURCHASED, "two", bought(f"A,{BP},5,18")),
    ]:
        (tmp_path / f"{name}.csv").write_text(content)
        given.append(Given(leg, tmp_path / f"{name}.csv"))
    assert audited(given, Profile(), "USD", TODAY, shipped()).differences == ()


def test_credits_are_no_lines(files: Files) -> None:
    """A line of minus two is money back for some days, and told as left out."""
    lines = f"A,{BP},12,22,,,", f"A,{BP},-2,22,,,"
    audit = files(billed=billed(*lines), purchased=bought(f"A,{BP},12,17"))
    assert audit.differences == ()
    assert audit.notes == ("billed.csv: 1 row left out: credits, with a negative quantity",)


def test_autotask_report_as_a_workbook(tmp_path: Path) -> None:
    """A LiveReport with a title, one row a billing period: the one that holds the day is billed, the others are not."""
    book = openpyxl.Workbook()
    sheet = book.create_sheet("Recurring services")
    for row in [
        ["Recurring services by organization"],
        [],
        ["Organization Name", "Contract Name", "Service Name", "Units", "Unit Price", "Period Start", "Period End"],
        ["A", "Managed", BP, 10, 22.5, date(2026, 10, 1), date(2026, 10, 31)],
        ["A", "Managed", BP, 12, 22.5, date(2026, 11, 1), date(2026, 11, 30)],
        ["A", "Managed", BP, 13, 22.5, date(2026, 12, 1), date(2026, 12, 31)],
        ["Grand Total", None, None, 35, None, None, None],
    ]:
        sheet.append(row)
    book.save(tmp_path / "autotask.xlsx")
    (tmp_path / "bought.csv").write_text(bought(f"A,{BP},14,17.60"))
    given = Given(Leg.BILLED, tmp_path / "autotask.xlsx"), Given(Leg.PURCHASED, tmp_path / "bought.csv")
    [one] = audited(given, Profile(), "USD", TODAY, shipped()).differences
    assert (one.units, one.monthly) == (2, Money(Decimal("45.0"), "USD"))
    assert any("a line of 13 begins on 2026-12-01" in cause for cause in one.causes)


def test_type_that_is_no_kind_of_charge_leaves_nothing_out(files: Files) -> None:
    """Where the column says Microsoft and NCE, it is not an invoice's."""
    content = f"Company,Type,Product Name,Quantity\nA,NCE,{BP},12\n"
    assert codes(files(billed=billed(f"A,{BP},12,22,,,"), purchased=content)) == {}
