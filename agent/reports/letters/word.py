"""A letter for Word, to be edited before it is sent: the tone's words, and the same tables as on the page."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, time
from typing import TYPE_CHECKING, Any

from agent.domain.ownership import plain
from agent.errors import TrueupError
from agent.reports.letters.templates import Templates, change, known, price
from agent.reports.letters.view import Amount, Letter, Price, Quantity, long_day, total

if TYPE_CHECKING:
    from docx.document import Document

_FONT = "Calibri"  # Word's own; elsewhere something of the same width takes its place

_PROPERTY = 255  # characters of an author or a title; python-docx raises for more


class NoWord(TrueupError):
    """Word documents need the extra `docx`."""


def letter_docx(letter: Letter, tone: str, templates: Templates) -> bytes:
    """Raises `NoWord` where python-docx is missing, and `TemplateFault`."""
    try:
        from docx import Document
    except ImportError as error:
        what = "A Word document needs python-docx, which is not installed here"
        raise NoWord(what, "Install it: pip install python-docx; or take --html, which Word opens too") from error
    words = templates.words(letter, tone)
    document = Document()
    _style(document)
    _dated(document, letter)
    _head(document, letter, words)
    _data(document, letter, words)
    _end(document, letter, words)
    _holders(document, letter)
    made = io.BytesIO()
    document.save(made)
    return made.getvalue()


def _style(document: Document) -> None:
    from docx.shared import Mm, Pt, RGBColor

    # The library's own template is a Letter page with wide margins.
    section = document.sections[0]
    section.page_width, section.page_height = Mm(210), Mm(297)
    section.left_margin = section.right_margin = section.top_margin = section.bottom_margin = Mm(20)
    for name, size in (("Normal", 10.5), ("Heading 1", 14), ("Heading 2", 11.5), ("Heading 3", 10.5)):
        style: Any = document.styles[name]
        style.font.name, style.font.size, style.font.color.rgb = _FONT, Pt(size), RGBColor(0x1D, 0x27, 0x33)
        # A heading's font comes from the theme, which stands before the name unless it is taken away.
        fonts = style.element.get_or_add_rPr().get_or_add_rFonts()
        for theme in [key for key in fonts.attrib if key.endswith("Theme")]:
            del fonts.attrib[theme]
        style.paragraph_format.space_after = Pt(6)


def _dated(document: Document, letter: Letter) -> None:
    # The library writes its own template's author and year; a letter bears its sender's and its day.
    core = document.core_properties
    title = f"{letter.company}, {letter.month}"
    core.author, core.title, core.comments = letter.sender[:_PROPERTY], title[:_PROPERTY], ""
    core.created = core.modified = datetime.combine(letter.day, time())


Words = Mapping[str, list[str]]


def _head(document: Document, letter: Letter, words: Words) -> None:
    from docx.enum.text import WD_ALIGN_PARAGRAPH

    for text, bold in ((letter.sender, True), (letter.contact, False)):
        if text:
            paragraph = document.add_paragraph()
            paragraph.alignment = WD_ALIGN_PARAGRAPH.RIGHT
            paragraph.paragraph_format.space_after = 0
            paragraph.add_run(text).bold = bold
    document.add_paragraph().add_run(letter.company).bold = True
    document.add_paragraph(long_day(letter.day))
    document.add_heading(" ".join(words.get("subject", [])), 1)
    _say(document, [*words.get("greeting", []), *words.get("context", [])])


def _data(document: Document, letter: Letter, words: Words) -> None:
    if letter.quantities:
        document.add_heading("Quantities", 2)
        _say(document, words.get("quantities", []))
        head = ("", "Billed until now", "Correct", "From", "Difference")
        _table(document, head, [_quantity(one) for one in letter.quantities])
    for name, block, amounts in (
        ("Charged once", "charges", letter.charges),
        ("Given back", "credits", letter.credits),
    ):
        if amounts:
            document.add_heading(name, 2)
            _say(document, words.get(block, []))
            rows = [_amount(one) for one in amounts]
            rows += [("Together", "", "", "", total(amounts))] if len(amounts) > 1 else []
            head = ("", "Days", "How it is worked out", "On the invoice for", "Amount")
            _table(document, head, rows)
    if letter.prices:
        document.add_heading("Prices", 2)
        _say(document, words.get("prices", []))
        head = ("", "Until now", "Now", "From the invoice for", "Difference")
        _table(document, head, [_price(one) for one in letter.prices])
    _say(document, letter.conventions)
    if letter.read:
        _say(document, [f"The counts come from readings of your systems, the last of them on {long_day(letter.read)}."])


def _quantity(one: Quantity) -> tuple[str, ...]:
    def side(units: Any, money: Any) -> str:
        return f"{plain(units)} × {price(one.price)}\n= {known(money)}" if units else "nothing"

    since = long_day(one.since) if one.since else "not known"
    sides = side(one.before, one.was), side(one.after, one.becomes)
    return f"{one.licence}\n{one.agreement}", *sides, since, f"{change(one.difference)}\na {one.unit}"


def _amount(one: Amount) -> tuple[str, ...]:
    days = f"{long_day(one.first)}\nto {long_day(one.last)}"
    return f"{one.licence}\n{one.agreement}", days, one.arithmetic, one.invoice or "not known", known(one.money)


def _price(one: Price) -> tuple[str, ...]:
    difference = f"{change(one.difference)} for {plain(one.units)}\na {one.unit}"
    sides = price(one.before), price(one.after)
    return f"{one.licence}\n{one.agreement}", *sides, one.invoice or "not known", difference


def _end(document: Document, letter: Letter, words: Words) -> None:
    if letter.unknown:
        document.add_heading("Not known", 2)
        _say(document, letter.unknown)
    document.add_heading("Going forward", 2)
    _say(document, [*words.get("forward", []), *words.get("closing", [])])
    if letter.sender:
        document.add_paragraph().add_run(letter.sender).bold = True


def _holders(document: Document, letter: Letter) -> None:
    if not letter.holders:
        return
    # On a page of its own, so that a letter can be sent without it.
    heading = document.add_heading(f"Appendix: who was counted in {letter.month}", 2)
    heading.paragraph_format.page_break_before = True
    for of in letter.holders:
        document.add_heading(of.licence, 3)
        rows = [
            (
                person.name,
                long_day(person.first) if person.first else "before our first reading",
                long_day(person.last) if person.last else "still counted",
            )
            for person in of.people
        ]
        _table(document, ("User", "First seen", "Last seen"), rows)


def _say(document: Document, paragraphs: Iterable[str]) -> None:
    for text in paragraphs:
        document.add_paragraph(text)


def _table(document: Document, head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    from docx.shared import Pt

    # A style that the library's template has: one that is missing would only warn, and the table have no lines.
    table: Any = document.add_table(rows=0, cols=len(head), style="Table Grid")
    for place, texts in enumerate((head, *rows)):
        for cell, text in zip(table.add_row().cells, texts, strict=True):
            paragraph = cell.paragraphs[0]
            paragraph.paragraph_format.space_after = 0
            run = paragraph.add_run(text)
            run.font.size, run.bold = Pt(9), place == 0
    document.add_paragraph().paragraph_format.space_after = 0
