"""The letter in its formats: templates of an MSP's own, what is wrong with one, and names that do no harm."""

import io
from dataclasses import replace
from datetime import date
from decimal import Decimal
from fractions import Fraction
from html.parser import HTMLParser

import pytest
from docx import Document
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.domain.agreements import Agreement
from agent.domain.corrections import Correction, OneOff, Recurring
from agent.domain.invoices import Part
from agent.domain.keys import LineKey
from agent.domain.money import Money
from agent.domain.periods import Period
from agent.domain.proration import CONNECTWISE
from agent.reports.letters import Amount, Going, Holders, Letter, Person, Price, Quantity
from agent.reports.letters.templates import TemplateFault, Templates, shipped
from agent.reports.letters.values import letter_values
from agent.reports.letters.view import Told
from agent.reports.letters.word import letter_docx
from agent.reports.text import shown
from tests.reports.test_month_end import HOSTILE

DAY = date(2026, 11, 20)
DECEMBER = date(2026, 12, 1)
TONES = ("formal", "plain", "warm")
SHIPPED = Templates({})


def usd(amount: str) -> Money:
    return Money(Decimal(amount), "USD")


def letter(name: str = "Contoso Ltd", **changes: object) -> Letter:
    """Every place that shows somebody else's text shows the name."""
    sums = usd("30.00"), usd("120.00"), usd("180.00")
    arithmetic = "2 × 30.00 × 11/30"
    made = Letter(
        company=name,
        month="November 2026",
        day=DAY,
        read=DAY,
        sender=name,
        contact=name,
        quantities=(Quantity(name, name, Decimal(4), Decimal(6), DAY, "month", *sums),),
        amounts=(
            Amount(name, name, DAY, date(2026, 11, 30), arithmetic, usd("22.00"), "December 2026", False),
            Amount(name, name, DAY, date(2026, 11, 30), f"-{arithmetic}", usd("-22.00"), "December 2026", True),
        ),
        prices=(Price(name, name, usd("30.00"), usd("33.00"), Decimal(4), "month", "December 2026"),),
        forward=(Going(name, name, Decimal(6), usd("33.00"), usd("198.00"), "month", DECEMBER),),
        holders=(Holders(name, (Person(name, None, DAY),)),),
        conventions=("By the day.",),
        unknown=(name,),
    )
    return replace(made, **changes)  # type: ignore[arg-type]


class Elements(HTMLParser):
    """The tags that a browser would see."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(f"{tag} {sorted(name for name, _ in attrs)}")


ELEMENTS = Elements(SHIPPED.html(letter("Contoso"), "plain")).tags


@pytest.mark.parametrize("tone", TONES)
def test_letter_has_its_parts_in_every_tone(tone: str) -> None:
    """Context, data and going forward; quantities, charges, credits and prices each under a heading of its own."""
    text, page = SHIPPED.text(letter(), tone), SHIPPED.html(letter(), tone)
    headings = ["Quantities", "Charged once", "Given back", "Prices", "Not known", "Going forward"]
    assert [heading for heading in headings if f"<h2>{heading}</h2>" not in page] == []
    places = [text.index(heading.upper()) for heading in headings]
    assert places == sorted(places)
    for said in (
        "2 × 30.00 × 11/30",
        "6 × 30.00 USD",
        "60.00 USD more",
        "6 × 33.00 USD",
        "from 1 December 2026",
        "12.00 USD more",
    ):
        assert said in text
        assert said in page
    assert "\n\n\n" not in text


def test_parts_without_content_are_left_out() -> None:
    """A letter about a quantity alone has no word of prices, credits or people."""
    alone = letter(amounts=(), prices=(), holders=(), unknown=(), sender="", contact="", read=None)
    text, page = SHIPPED.text(alone, "plain"), SHIPPED.html(alone, "plain")
    for heading in ("CHARGED", "GIVEN", "PRICES\n", "NOT KNOWN", "APPENDIX"):
        assert heading not in text
        assert f"<h2>{heading.strip().capitalize()}" not in page


def test_what_is_not_known_is_said() -> None:
    """No price: the sums are not known, and nowhere a zero."""
    quantity = replace(letter().quantities[0], price=None, was=None, becomes=None)
    amount = replace(letter().amounts[0], money=None)
    text = SHIPPED.text(letter(quantities=(quantity,), amounts=(amount, amount), prices=()), "plain")
    assert "6 × not known = not known" in text
    assert "Together: not known" in text
    assert "0.00 USD" not in text.replace("30.00", "")


def test_word_document_says_what_the_page_says() -> None:
    """The same headings, tables and amounts, with the sender as its author, and ready to be edited."""
    document = Document(io.BytesIO(letter_docx(letter(), "warm", SHIPPED)))
    headings = [p.text for p in document.paragraphs if p.style and p.style.name == "Heading 2"]
    parts = ["Quantities", "Charged once", "Given back", "Prices", "Not known", "Going forward"]
    assert headings == [*parts, "Appendix: who was counted in November 2026"]
    cells = [[cell.text for cell in row.cells] for table in document.tables for row in table.rows]
    assert ["Contoso Ltd\nContoso Ltd", "4 × 30.00 USD\n= 120.00 USD", "6 × 30.00 USD\n= 180.00 USD"] in [
        row[:3] for row in cells
    ]
    assert ["2 × 30.00 × 11/30", "December 2026", "22.00 USD"] in [row[2:] for row in cells]
    assert "Warm regards" in [p.text for p in document.paragraphs]
    assert document.core_properties.author == "Contoso Ltd"


@pytest.mark.parametrize("name", HOSTILE)
def test_no_name_breaks_the_word_document(name: str) -> None:
    """It opens, and shows the name as text."""
    document = Document(io.BytesIO(letter_docx(letter(shown(name)), "plain", SHIPPED)))
    assert document.tables[-1].rows[1].cells[0].text == shown(name)


@pytest.mark.parametrize("name", HOSTILE)
def test_names_are_text_and_nothing_else(name: str) -> None:
    """Neither mark-up nor a template nor a terminal's command comes out of a name."""
    name = shown(name)
    page, text = SHIPPED.html(letter(name), "plain"), SHIPPED.text(letter(name), "plain")
    assert Elements(page).tags == ELEMENTS
    assert "49" not in text
    assert "\x1b" not in page + text


@given(st.text(min_size=1, max_size=40).map(shown).filter(bool))
@settings(max_examples=25, deadline=None)
def test_no_name_changes_the_page(name: str) -> None:
    """Whatever people are called, the page keeps its elements."""
    assert Elements(SHIPPED.html(letter(name), "warm")).tags == ELEMENTS


def test_own_tone_and_own_layout_stand_in_place_of_the_shipped() -> None:
    """A folder may have a tone more, and may replace one file only."""
    own = {"ours.jinja": "{% extends layout %}{% block subject %}Bill of {{ company }}{% endblock %}"}
    own |= {"letter.txt.jinja": "{% block subject %}{% endblock %}!"}
    templates = Templates(own, "letters")
    assert templates.tones == ["formal", "ours", "plain", "warm"]
    assert templates.text(letter(), "ours") == "Bill of Contoso Ltd!\n"
    assert "<h1>Bill of Contoso Ltd</h1>" in templates.html(letter(), "ours")


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("\n{{ conpany }}", "letters/mine.jinja:2: 'conpany' is undefined"),
        ("{{ quantities[0].befor }}", "letters/mine.jinja:1: Quantity has no attribute 'befor'"),
        ("\n\n{% if %}", "letters/mine.jinja:3: Expected an expression"),
        ("{{ company|shout }}", "letters/mine.jinja:1: No filter named 'shout'"),
        ("{% extends 'other.jinja' %}", "A template asks for the file other.jinja"),
        ("{% include '../../etc/passwd' %}", "A template asks for the file ../../etc/passwd"),
        ("{{ company.__class__.__mro__ }}", "letters/mine.jinja:1: access to attribute '__class__'"),
        ("{{ quantities[0].price.at_coins.__globals__ }}", "letters/mine.jinja:1: access to attribute '__globals__'"),
        ("{{ 1 / 0 }}", "letters/mine.jinja:1: division by zero"),
        ("{{ company|day }}", "letters/mine.jinja:1: 'str' object has no attribute 'day'"),
        ("{{ day|money + 1 }}", "letters/mine.jinja:1: can only concatenate"),
        ("{% for n in range(10000000) %}{% endfor %}", "letters/mine.jinja:1: Range too big"),
        ("{% include 'mine.jinja' %}", "letters/mine.jinja:1: maximum recursion depth"),
    ],
)
def test_fault_of_a_template_has_file_line_and_remedy(source: str, says: str) -> None:
    """One sentence, whatever is wrong; no trace of ours, and no way out of the sandbox."""
    with pytest.raises(TemplateFault) as caught:
        Templates({"mine.jinja": source}, "letters").text(letter(), "mine")
    assert str(caught.value).startswith(says)
    assert "\n" not in str(caught.value)
    assert caught.value.remedy


def test_unknown_tone_is_named_with_the_nearest() -> None:
    """A typing error costs one look."""
    with pytest.raises(TemplateFault) as caught:
        SHIPPED.text(letter(), "wram")
    assert (str(caught.value), caught.value.remedy) == ('There is no tone "wram"', 'Did you mean "warm"?')


def test_shipped_templates_are_what_is_documented() -> None:
    """Three tones, two layouts and a style."""
    assert set(shipped()) == {"letter.html.jinja", "letter.txt.jinja", "letter.css", *(f"{t}.jinja" for t in TONES)}


def correction(**changes: object) -> Correction:
    days = Period(date(2026, 3, 17), date(2026, 4, 1))
    march, april, may = (Period(date(2026, n, 1), date(2026, n + 1, 1)) for n in (3, 4, 5))
    parts = Part(days, march, Fraction(15, 31)), Part(april, april, Fraction(1)), Part(may, may, Fraction(1))
    once = OneOff(Decimal(2), Decimal("22.00"), parts)
    agreement = Agreement(1021, 250, "Cloud", 1, "Monthly", True, date(2025, 1, 1), date(2026, 6, 1))
    before, after = Recurring(Decimal(10), Decimal("22.00")), Recurring(Decimal(12), Decimal("22.00"))
    key = LineKey("connectwise", 1021, "t", "s", "", "", "M365")
    made = Correction(key, agreement, before, after, date(2026, 3, 17), date(2026, 6, 1), (once,))
    return replace(made, **changes)  # type: ignore[arg-type]


def of(correction: Correction) -> Told:
    return Told("E3", correction, CONNECTWISE, "USD")


def test_arithmetic_can_be_done_by_hand() -> None:
    """2 x 22.00 x (15/31 + 2) = 109.29, rounded once; the invoice after May's is June's."""
    [amount] = of(correction()).amounts()
    assert (amount.arithmetic, str(amount.money)) == ("2 × 22.00 × (15/31 + 2 months)", "109.29 USD")
    assert (amount.invoice, amount.first, amount.last) == ("June 2026", date(2026, 3, 17), date(2026, 5, 31))
    [quantity] = of(correction()).quantities()
    assert [str(m) for m in (quantity.was, quantity.becomes, quantity.difference)] == [
        "220.00 USD",
        "264.00 USD",
        "44.00 USD",
    ]


def test_price_and_quantity_add_up_to_what_the_bill_changes_by() -> None:
    """10 x 22.00 to 12 x 24.00: two at 22.00 are 44.00, 2.00 more for twelve are 24.00; 68.00 in all."""
    both = of(correction(after=Recurring(Decimal(12), Decimal("24.00")), once=()))
    [quantity], [price] = both.quantities(), both.prices()
    assert (str(quantity.was), str(quantity.difference), str(price.difference)) == (
        "220.00 USD",
        "44.00 USD",
        "24.00 USD",
    )
    assert str(both.forward().money) == "288.00 USD"


def test_line_that_ended_goes_on_with_nothing() -> None:
    """From the day after its last one, whatever period that lies in."""
    ended = correction(after=Recurring(Decimal(0), None), once=(), since=date(2026, 3, 17), continues=date(2026, 3, 1))
    going = of(ended).forward()
    assert (going.units, going.begins) == (0, date(2026, 3, 17))
    assert "E3: what earlier invoices billed stays as it was billed." in of(ended).stays()


def test_yearly_agreements_speak_of_years() -> None:
    """An annual agreement's invoice is named by its days."""
    yearly = replace(correction().agreement, months=12, bill_start=date(2025, 4, 1), next_invoice=date(2026, 4, 1))
    [quantity] = of(correction(agreement=yearly, once=())).quantities()
    assert quantity.unit == "year"
    assert of(correction(agreement=yearly)).invoice == "1 April 2026 to 31 March 2027"


def test_json_keeps_charges_and_credits_apart() -> None:
    """Amounts are decimal texts with their currency; what is not known is null."""
    values = letter_values(letter(amounts=(*letter().amounts, replace(letter().amounts[0], money=None))))
    assert [one["amount"] for one in values["charges"]] == [{"amount": "22.00", "currency": "USD"}, None]  # type: ignore[attr-defined]
    assert [one["amount"]["amount"] for one in values["credits"]] == ["-22.00"]  # type: ignore[attr-defined]
