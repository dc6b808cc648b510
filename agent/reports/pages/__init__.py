"""Reports as self-contained HTML pages that print well, and as PDF from the same pages.

No script, no picture, no address that would be fetched: names are other people's, and a page may be mailed on. Every
value is escaped, and whatever steers a terminal or turns the direction of writing is taken out by the filter `clean`.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from functools import cache
from importlib import resources
from typing import Any

from agent.domain.money import Money
from agent.domain.ownership import plain
from agent.errors import TrueupError
from agent.reports.text import counted, shown


class NoPdf(TrueupError):
    """PDF needs the extra `pdf` and the Pango library."""


def page(name: str, **values: object) -> str:
    """The template of that name, filled. A value that it names and does not get is an error, not a blank."""
    made: str = _environment().get_template(f"{name}.html.jinja").render(**values)
    return made


def pdf(html: str) -> bytes:
    """A page as PDF. Raises `NoPdf` where WeasyPrint or Pango is missing."""
    try:
        from weasyprint import HTML
    except (ImportError, OSError) as error:
        # OSError: the package is there and a library of the system is not, which it says in ten lines.
        what = "PDF needs WeasyPrint and Pango, and one of them is not installed here"
        remedy = (
            "Install them: pip install weasyprint, and on Debian apt install libpango-1.0-0 libpangoft2-1.0-0 "
            "libharfbuzz-subset0; or take --html and print it from a browser"
        )
        raise NoPdf(what, remedy) from error
    made: bytes = HTML(string=html, url_fetcher=_fetch_nothing).write_pdf()
    return made


def _fetch_nothing(url: str, *_: object, **__: object) -> Any:
    raise ValueError(f"a report fetches nothing: {url}")


@cache
def style() -> str:
    """The one style sheet of all pages."""
    return resources.files("agent.reports.pages").joinpath("page.css").read_text("utf-8")


@cache
def style_source() -> str:
    """That sheet and no other, as a content security policy names it."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(style().encode()).digest()).decode()}'"


@cache
def _environment() -> Any:
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup

    made = Environment(
        loader=PackageLoader("agent.reports.pages", "."),
        autoescape=True,
        undefined=StrictUndefined,  # a misspelt name would otherwise be an empty cell on somebody's report
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals |= {"style": Markup(style()), "style_source": Markup(style_source())}  # noqa: S704
    made.filters |= {
        "clean": shown,
        "amounts": amounts,
        "amount": _amount,
        "counted": counted,
        "quantity": quantity,
    }
    return made


def amounts(sums: Sequence[Money]) -> str:
    """`88.00 USD`, several currencies side by side; a dash for nothing."""
    return " and ".join(map(str, sums)) or "–"


def quantity(number: object) -> str:
    return "?" if number is None else plain(number)


def _amount(money: Money | None, currencies: frozenset[str]) -> str:
    """Without its currency where the whole report has but one."""
    if money is None:
        return ""
    return f"{money.at_coins().amount:,}" if len(currencies) == 1 else str(money)
